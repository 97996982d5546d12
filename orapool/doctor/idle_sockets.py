"""The kernel's part in finding out whether an idle connection is still there (Linux).

A keep-alive probe is a packet of the kernel's own: it tells how the path is without a word to the server, and its
answer is the same whatever driver the connection is of. It is sent when the idle time is over, and not before.
"""

from __future__ import annotations

import errno
import socket
import struct
import time
from dataclasses import dataclass

from orapool.sockets import SessionSocket

_ESTABLISHED, _CLOSE_WAIT = 1, 8
_PAUSE = 0.02
_PROBES = 127
"""As many as the kernel takes: it shall not give the connection up by itself while it is asked."""
_SEGMENTS_RECEIVED_OFFSET = 140  # linux/tcp.h: tcpi_segs_in, behind tcpi_segs_out
_INFO_SIZE = 160


@dataclass(frozen=True)
class End:
    """How a connection has ended. `by` is "fin", "rst" or "silence"; `detail` is the system's name for it."""

    by: str
    detail: str


def leave_alone(found: SessionSocket) -> bool:
    """Switch keep-alive off; whether it is off then, by the kernel's word."""
    try:
        with found.borrow() as borrowed:
            borrowed.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0)
    except OSError:
        return False
    return found.kept_alive() is None


def segments_received(found: SessionSocket) -> int:
    """How many packets have come from the other side, without and with data; -1 when it is gone."""
    try:
        with found.borrow() as borrowed:
            info = borrowed.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_SIZE)
    except OSError:
        return -1
    return int(struct.unpack_from("@I", info, _SEGMENTS_RECEIVED_OFFSET)[0])


def end_of(found: SessionSocket) -> End | None:
    """How the connection has ended, if it has."""
    try:
        with found.borrow() as borrowed:
            state = borrowed.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
            number = borrowed.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    except OSError:
        return End("fin", "closed")
    if number:
        by = "silence" if number in (errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH) else "rst"
        return End(by, errno.errorcode.get(number, str(number)))
    if state == _ESTABLISHED:
        return None
    return End("fin", "FIN") if state == _CLOSE_WAIT else End("rst", "RST")


def ask(found: SessionSocket, seconds: float) -> End | None:
    """Have the kernel probe the path, for at most so many seconds; None where the other side acknowledges."""
    look = found.look()
    if look is None or not look.established:
        return end_of(found) or End("fin", "closed")
    began, before = time.monotonic(), look.last_ack
    try:
        with found.borrow() as borrowed:
            borrowed.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 0)
            borrowed.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
            borrowed.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES)
            borrowed.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            # Last, and with keep-alive on already: so the kernel counts the time that has passed, and probes at once.
            borrowed.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
    except OSError:
        return end_of(found) or End("fin", "closed")
    try:
        while True:
            look = found.look()
            if look is None or not look.established:
                return end_of(found) or End("fin", "closed")
            elapsed = time.monotonic() - began
            if look.last_ack < elapsed + before / 2:  # it was acknowledged since
                return None
            if elapsed >= seconds:
                return End("silence", f"no answer to the kernel's probes within {seconds:g} s")
            time.sleep(_PAUSE)
    finally:
        leave_alone(found)
