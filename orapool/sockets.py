"""What the kernel knows of a session's socket, and what it can do for it (Linux).

A driver's sockets are ordinary file descriptors of this process. Keep-alive lets the kernel itself probe an idle
session, below the firewall's idle limit, and notice a dead path without a thread or a round trip; a user time-out ends
a call on a dead path in seconds instead of 15 minutes; a local shutdown turns silence into the orderly end that both
drivers handle well. No driver's internals are touched.

A descriptor is remembered with its inode, and each use checks that it is still the same socket: the driver may have
closed it, and the number may belong to another file by now. A duplicate would keep the connection open: none is held
beyond the moment of its use.
"""

from __future__ import annotations

import contextlib
import os
import platform
import select
import socket
import stat
import struct
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

AVAILABLE = sys.platform == "linux"
"""Whether the kernel can be asked here; elsewhere no socket is found, and sessions are pinged instead."""

owned: set[int] = set()
"""Inodes of the sockets of all pools of this process."""

# linux/tcp.h: struct tcp_info begins with eight bytes (state, ca_state, retransmits, probes, ...), then 32-bit fields.
_TCP_INFO_SIZE = 104
_TCP_INFO = struct.Struct("@8B24I")
_ESTABLISHED = 1
_CONNECTING = 2
_LISTENING = 10
_RETRANSMITS = 2
_LAST_ACK_RECEIVED = 8 + 12
_DATA_SIZE = 160
# Behind the rates of pacing, the bytes acknowledged and received (64 bits each), and five more 32-bit fields.
_DATA_SEGMENTS_OUT_OFFSET = 8 + 24 * 4 + 4 * 8 + 5 * 4

_KEEP_ALIVE_OPTIONS = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT) if AVAILABLE else ()
_POLLFD = struct.Struct("@ihh")


@dataclass(frozen=True)
class _SystemCalls:
    """Numbers of the system calls in which a thread waits for a socket: by descriptor, or by list of them."""

    on_descriptor: frozenset[int]
    on_poll: frozenset[int]


# linux/arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h: read, connect, recvfrom and
# recvmsg; poll (where there is one) and ppoll.
_SYSTEM_CALLS = {
    "x86_64": _SystemCalls(frozenset({0, 42, 45, 47}), frozenset({7, 271})),
    "aarch64": _SystemCalls(frozenset({63, 203, 207, 212}), frozenset({73})),
}


@dataclass(frozen=True)
class KeepAlive:
    """When the kernel probes an idle path, and when it gives a path up.

    Attributes:
        idle: seconds without traffic before the first probe.
        interval: seconds between probes that are not answered.
        probes: unanswered probes after which the path is dead.
        user_timeout: seconds that sent data may stay unacknowledged.
    """

    idle: int
    interval: int
    probes: int
    user_timeout: float


@dataclass(frozen=True)
class SocketState:
    """A look at a socket.

    Attributes:
        established: False once either side, or the kernel, has ended the connection.
        retransmits: times that the kernel has sent the oldest unacknowledged data again.
        last_ack: seconds since the other side acknowledged anything, keep-alive probes included.
    """

    established: bool
    retransmits: int
    last_ack: float


class SessionSocket:
    """The socket of one session: its descriptor, and the inode by which it is known again."""

    __slots__ = ("fd", "inode")

    def __init__(self, fd: int, inode: int) -> None:
        self.fd = fd
        self.inode = inode

    def __repr__(self) -> str:
        return f"<SessionSocket fd {self.fd}, inode {self.inode}>"

    @contextlib.contextmanager
    def borrow(self) -> Iterator[socket.socket]:
        """The socket for a moment. Raises OSError when the descriptor is closed, or another file's by now."""
        # A duplicate, so that the number cannot pass to another file between this look and what is done with it.
        duplicate = os.dup(self.fd)
        try:
            if os.fstat(duplicate).st_ino != self.inode:
                raise OSError(f"descriptor {self.fd} is another file by now")
            borrowed = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=duplicate)
        except BaseException:
            os.close(duplicate)
            raise
        with borrowed:
            yield borrowed

    def look(self) -> SocketState | None:
        """What the kernel knows now, in one system call; None when the driver has closed the socket."""
        try:
            with self.borrow() as borrowed:
                info = _TCP_INFO.unpack(borrowed.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_SIZE))
        except OSError:
            return None
        return SocketState(info[0] == _ESTABLISHED, info[_RETRANSMITS], info[_LAST_ACK_RECEIVED] / 1000)

    def has_ended(self) -> bool:
        """Whether the connection has ended while the driver still has the socket."""
        look = self.look()
        return look is not None and not look.established

    def keep_alive(self, settings: KeepAlive) -> bool:
        """Let the kernel watch the path; False when the socket is gone."""
        try:
            with self.borrow() as borrowed:
                borrowed.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                for option, value in zip(_KEEP_ALIVE_OPTIONS, (settings.idle, settings.interval, settings.probes)):
                    borrowed.setsockopt(socket.IPPROTO_TCP, option, value)
                borrowed.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(settings.user_timeout * 1000))
        except OSError:
            return False
        return True

    def kept_alive(self) -> KeepAlive | None:
        """When the kernel probes this socket, as it is set on it; None: never, or the socket is gone."""
        try:
            with self.borrow() as borrowed:
                if not borrowed.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE):
                    return None
                idle, interval, probes = (
                    borrowed.getsockopt(socket.IPPROTO_TCP, option) for option in _KEEP_ALIVE_OPTIONS
                )
                user_timeout = borrowed.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) / 1000
                return KeepAlive(idle, interval, probes, user_timeout)
        except OSError:
            return None

    def shut_down(self) -> bool:
        """End the connection on this side at once; whoever waits in it is woken. False when the socket is gone.

        A pending error is cleared too: python-oracledb's look at an idle socket expects an orderly end and would
        raise a bare TimeoutError instead.
        """
        try:
            with self.borrow() as borrowed:
                with contextlib.suppress(OSError):  # not connected any more, which is what was wanted
                    borrowed.shutdown(socket.SHUT_RDWR)
                borrowed.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        except OSError:
            return False
        return True

    def messages_sent(self) -> int:
        """How many segments with data this socket has sent; -1 when it is gone."""
        try:
            with self.borrow() as borrowed:
                info = borrowed.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _DATA_SIZE)
        except OSError:
            return -1
        return int(struct.unpack_from("@I", info, _DATA_SEGMENTS_OUT_OFFSET)[0])


class SocketWatch:
    """Tells in one system call whether any of a pool's sockets has been ended, by the other side or by the kernel.

    Sockets are added once. The kernel forgets one by itself when the driver closes it.
    """

    def __init__(self) -> None:
        self._epoll = select.epoll() if AVAILABLE else None
        self.poll: Callable[[float], list[tuple[int, int]]] = self._epoll.poll if self._epoll else _no_events
        """What the kernel tells of, waiting so many seconds: nothing, unless something may have ended.

        Asked at each checkout: bound once, and what says nothing in its place is no special case.
        """
        self._lock = threading.Lock()
        self._sockets: dict[int, SessionSocket] = {}

    def add(self, session_socket: SessionSocket) -> None:
        """Watch a socket."""
        if self._epoll is None:
            return
        with self._lock:
            self._sockets[session_socket.fd] = session_socket
            with contextlib.suppress(OSError):  # the driver has closed it already
                try:
                    self._epoll.register(session_socket.fd, select.EPOLLRDHUP)
                except FileExistsError:
                    self._epoll.modify(session_socket.fd, select.EPOLLRDHUP)

    def ended(self) -> list[SessionSocket]:
        """The sockets whose connection has ended and that the driver has not closed yet."""
        events = self.poll(0)
        if not events:
            return []
        with self._lock:
            named = [self._sockets[fd] for fd, _event in events if fd in self._sockets]
        # The number may have passed to a new session since the kernel named it.
        return [each for each in named if each.has_ended()]

    def close(self) -> None:
        """Stop watching."""
        self.poll = _no_events
        if self._epoll is not None:
            self._epoll.close()


def _no_events(_seconds: float) -> list[tuple[int, int]]:
    return []


def tcp_sockets(peer_ports: frozenset[int] | None = None) -> dict[int, SessionSocket]:
    """This process's TCP sockets, listening ones left out, by inode. Only looks at them; empty where there is no /proc.

    Those whose connection has ended are among them, until they are closed. With ``peer_ports``, only those that are
    connected to such a port, and those that are still connecting.
    """
    found: dict[int, SessionSocket] = {}
    if not AVAILABLE:
        return found
    try:
        descriptors = os.listdir("/proc/self/fd")
    except OSError:
        return found
    for name in descriptors:
        fd = int(name)
        try:
            status = os.fstat(fd)
            if not stat.S_ISSOCK(status.st_mode):
                continue
            borrowed = socket.socket(fileno=fd)
        except OSError:
            continue
        try:
            if borrowed.family not in (socket.AF_INET, socket.AF_INET6) or borrowed.type != socket.SOCK_STREAM:
                continue
            if _tcp_state(borrowed) != _LISTENING if peer_ports is None else _leads_to(borrowed, peer_ports):
                found[status.st_ino] = SessionSocket(fd, status.st_ino)
        except OSError:
            pass  # it has ended at this moment
        finally:
            borrowed.detach()
    return found


def socket_of(fd: int) -> SessionSocket | None:
    """The TCP socket with this descriptor; None where it is none, or the kernel cannot be asked."""
    if not AVAILABLE or fd < 0:
        return None
    try:
        return SessionSocket(fd, os.fstat(fd).st_ino) if _is_tcp(fd) else None
    except OSError:
        return None


def waited_for(threads: Iterable[int]) -> list[SessionSocket] | None:
    """The TCP sockets in which threads of this process, named by their native ids, are blocked at this moment.

    Connected or still connecting, whatever their ports. None where the kernel does not tell.
    """
    calls = _SYSTEM_CALLS.get(platform.machine())
    try:
        _system_call(threading.get_native_id())
    except OSError:
        calls = None
    if not AVAILABLE or calls is None:
        return None
    found = []
    for thread in threads:
        fd = _blocked_in(thread, calls)
        try:
            if fd is not None and _is_tcp(fd):
                inode = os.fstat(fd).st_ino
                # Still there: the number has not passed to another socket in between.
                if _blocked_in(thread, calls) == fd:
                    found.append(SessionSocket(fd, inode))
        except OSError:
            pass
    return found


def _blocked_in(thread: int, calls: _SystemCalls) -> int | None:
    """The descriptor that a thread is blocked on; None when it is on none."""
    try:
        number, first, second = _system_call(thread)
        if number in calls.on_descriptor:
            return first
        if number in calls.on_poll and second == 1:
            with open("/proc/self/mem", "rb", buffering=0) as memory:
                return int(_POLLFD.unpack(os.pread(memory.fileno(), _POLLFD.size, first))[0])
    except (OSError, OverflowError, struct.error):  # it has gone, or goes on
        pass
    return None


def _system_call(thread: int) -> tuple[int, int, int]:
    """The number of the system call that a thread is blocked in and its first two arguments; -1 for none."""
    with open(f"/proc/self/task/{thread}/syscall") as stream:  # see proc(5)
        words = stream.read().split()
    if len(words) < 9:  # "running", or blocked outside of a call
        return -1, 0, 0
    return int(words[0]), int(words[1], 16), int(words[2], 16)


def _is_tcp(fd: int) -> bool:
    """Whether a descriptor is a TCP socket. Raises OSError when it is closed."""
    if not stat.S_ISSOCK(os.fstat(fd).st_mode):
        return False
    borrowed = socket.socket(fileno=fd)
    try:
        return borrowed.family in (socket.AF_INET, socket.AF_INET6) and borrowed.type == socket.SOCK_STREAM
    finally:
        borrowed.detach()


def _leads_to(borrowed: socket.socket, peer_ports: frozenset[int]) -> bool:
    """Whether a socket is connected to one of the ports, or still connecting."""
    try:
        return borrowed.getpeername()[1] in peer_ports
    except OSError:  # not connected
        return _tcp_state(borrowed) == _CONNECTING


def _tcp_state(borrowed: socket.socket) -> int:
    return borrowed.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]


def shut_down_all(sockets: Iterable[SessionSocket]) -> int:
    """Shut down each; returns how many were still there."""
    return sum(session_socket.shut_down() for session_socket in sockets)
