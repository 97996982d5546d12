"""Just so much of Oracle Net as it takes to ask a listener whether it is there, and whether it knows a service.

A listener answers COMMAND=PING, which is what tnsping sends, with a refusal whose ERR is 0, and starts nothing for it.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

_CONNECT, _ACCEPT, _REFUSE, _REDIRECT, _DATA, _RESEND = 1, 2, 4, 5, 6, 11
_HEADER = struct.Struct(">HHBBH")
# What python-oracledb sends too: version 319, compatible down to 300, no options, and packets of 8 KB.
_VERSION, _OLDEST, _OPTIONS, _PACKET, _CHARACTERISTICS = 319, 300, 0x0001, 8192, 0x4F98
_OFFSET = 74
_LONGEST_WITHIN = 230
"""Bytes of a descriptor that go within the CONNECT packet; a longer one follows in a packet of its own."""
_NO_NETWORK_SERVICES = 0x04
_MOST_RESENDS = 3
_GREATEST = 65_536
_SHOWN = 40
_ADDRESS = re.compile(r"\(\s*(HOST|PORT)\s*=\s*([^()]*?)\s*\)", re.IGNORECASE)


class Kind(Enum):
    """What a listener's answer is."""

    ACCEPTED = "accepted"
    REDIRECTED = "redirected"
    REFUSED = "refused"


class NotOracleNet(Exception):
    """Whoever listens there does not answer as a listener does; the message says what it does."""


class Unanswered(NotOracleNet):
    """It ends the connection without an answer."""

    def __init__(self) -> None:
        super().__init__("it ends the connection unanswered")


@dataclass(frozen=True)
class Answer:
    """A listener's answer.

    Attributes:
        kind: what it is.
        code: of a refusal, the number of the ORA- error; 0 for an answer to a ping.
        text: what came along: the error's descriptor, or the address to go to.
        tls: the version of TLS, empty without.
    """

    kind: Kind
    code: int = 0
    text: str = ""
    tls: str = ""

    @property
    def version(self) -> str:
        """The listener's version, if it tells."""
        found = re.search(r"VSNNUM=(\d+)", self.text, re.IGNORECASE)
        number = int(found[1]) if found else 0
        return f"{number >> 24}.{number >> 20 & 15}" if number else ""

    @property
    def target(self) -> tuple[str, int] | None:
        """Where it sends a client on to."""
        found = {name.upper(): value for name, value in reversed(_ADDRESS.findall(self.text))}
        return (found["HOST"], int(found["PORT"])) if found.get("HOST") and found.get("PORT", "").isdigit() else None


def ping(ip: str, port: int, seconds: float, tls: bool = False, name: str = "") -> Answer:
    """Ask whether a listener is there. Raises OSError, and `NotOracleNet`."""
    protocol = "TCPS" if tls else "TCP"
    descriptor = (
        f"(DESCRIPTION=(CONNECT_DATA=(COMMAND=ping))(ADDRESS=(PROTOCOL={protocol})(HOST={name or ip})(PORT={port})))"
    )
    return connect(ip, port, descriptor, seconds, tls, name)


def connect(ip: str, port: int, descriptor: str, seconds: float, tls: bool = False, name: str = "") -> Answer:
    """Ask for what a descriptor names, and end the connection. Raises OSError, and `NotOracleNet`."""
    deadline = time.monotonic() + seconds
    with socket.create_connection((ip, port), seconds) as plain:
        sock: socket.socket = _with_tls(plain, name or ip) if tls else plain
        version = sock.version() or "" if isinstance(sock, ssl.SSLSocket) else ""
        stream = _Stream(sock, deadline)
        for _ in range(_MOST_RESENDS):
            stream.send(descriptor.encode())
            kind, body = stream.receive()
            if kind != _RESEND:
                break
        if kind == _ACCEPT:
            return Answer(Kind.ACCEPTED, tls=version)
        if kind == _REFUSE:
            text = body[4:].decode("utf-8", "replace")
            code = re.search(r"\(\s*ERR\s*=\s*(\d+)", text, re.IGNORECASE)
            return Answer(Kind.REFUSED, int(code[1]) if code else -1, text, version)
        if kind == _REDIRECT:
            length = int.from_bytes(body[:2], "big")
            data = body[2:]
            if len(data) < length:  # it stands in a packet of its own
                data += stream.receive()[1][2:]
            return Answer(Kind.REDIRECTED, text=data.split(b"\0")[0].decode("utf-8", "replace"), tls=version)
        raise NotOracleNet(f"it answers with a packet of type {kind}, which no listener sends")


class _Stream:
    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._socket = sock
        self._deadline = deadline

    def send(self, descriptor: bytes) -> None:
        """Send CONNECT."""
        self._limit()
        within = descriptor if len(descriptor) <= _LONGEST_WITHIN else b""
        fixed = struct.pack(
            ">HHHHHHHHHHIBB24xIIII",
            *(_VERSION, _OLDEST, _OPTIONS, _PACKET, _PACKET, _CHARACTERISTICS, 0, 1, len(descriptor), _OFFSET),
            *(0, _NO_NETWORK_SERVICES, _NO_NETWORK_SERVICES, _PACKET, _PACKET, 0, 0),
        )
        packet = _HEADER.pack(_OFFSET + len(within), 0, _CONNECT, 0, 0) + fixed + within
        if not within:
            packet += _HEADER.pack(len(descriptor) + 10, 0, _DATA, 0, 0) + b"\0\0" + descriptor
        with _telling_ends():
            self._socket.sendall(packet)

    def receive(self) -> tuple[int, bytes]:
        """The type and the body of the next packet, whose length has 16 bits until a connection is accepted."""
        header = self._read(_HEADER.size, b"")
        size, _, kind, _, _ = _HEADER.unpack(header)
        if not _HEADER.size <= size < _GREATEST or kind > 30:
            raise NotOracleNet(_strange(header))
        return kind, self._read(size - _HEADER.size, header)

    def _read(self, size: int, before: bytes) -> bytes:
        found = b""
        while len(found) < size:
            self._limit()
            with _telling_ends():
                more = self._socket.recv(size - len(found))
            if not more:
                if before + found:
                    raise NotOracleNet(_strange(before + found))
                raise Unanswered
            found += more
        return found

    def _limit(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no answer in time")
        self._socket.settimeout(left)


@contextlib.contextmanager
def _telling_ends() -> Iterator[None]:
    """Raise `Unanswered` where the other side ends the connection, however it does."""
    try:
        yield
    except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError):
        raise Unanswered from None


def _strange(data: bytes) -> str:
    if data[:1] in (b"\x15", b"\x16") and data[1:2] == b"\x03":
        return "it speaks TLS: PROTOCOL=TCPS, or tcps://, is for that"
    return f"it answers in another protocol than Oracle Net: {data[:_SHOWN]!r}"


def _with_tls(sock: socket.socket, name: str) -> ssl.SSLSocket:
    """TLS without a look at the certificate: nothing secret is said, and the log-on looks at it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        return context.wrap_socket(sock, server_hostname=name)
    except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError):
        raise NotOracleNet("it ends the connection instead of speaking TLS") from None
