"""This machine's sockets towards a database, and whose sessions they are. Needs psutil."""

from __future__ import annotations

import os
import socket
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum

import psutil

from orapool.watching.server_sessions import ServerSession, ServerSessions

_HELD = frozenset({psutil.CONN_ESTABLISHED, psutil.CONN_CLOSE_WAIT, psutil.CONN_SYN_SENT})
"""States in which a process has the socket; in others the kernel winds up what a process has let go of."""


@dataclass(frozen=True)
class LocalSocket:
    """A TCP socket of this machine.

    Attributes:
        port: here.
        peer: the address and port of the other side.
        state: the kernel's word: ESTABLISHED, CLOSE_WAIT ...
        pid: whose it is; None where that is another user's and cannot be seen, or nobody's.
        process: what that is called.
    """

    port: int
    peer: tuple[str, int]
    state: str
    pid: int | None = None
    process: str = ""


class Owner(str, Enum):
    """Whose a server's session is."""

    PROCESS = "a process of this machine"
    NOBODY = "no process"
    ELSEWHERE = "another machine"
    UNKNOWN = "not known"


@dataclass(frozen=True)
class Match:
    """A session of the server, and the socket that is its other end, if that is here."""

    session: ServerSession
    owner: Owner
    socket: LocalSocket | None = None
    pool: str = ""


def local_sockets() -> list[LocalSocket] | None:
    """All TCP sockets that are connected; None where this user may not see them."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except (psutil.AccessDenied, PermissionError):
        return None
    names: dict[int | None, str] = {None: ""}
    found = []
    for each in connections:
        if not each.raddr or not each.laddr:
            continue
        if each.pid not in names:
            names[each.pid] = _name(each.pid)
        peer = (_plain(each.raddr.ip), each.raddr.port)
        found.append(LocalSocket(each.laddr.port, peer, each.status, each.pid, names[each.pid]))
    return found


def _name(pid: int | None) -> str:
    try:
        return str(psutil.Process(pid).name())
    except psutil.Error:  # it has ended
        return ""


def _plain(ip: str) -> str:
    """IPv4 as such, also where a socket of IPv6 has it."""
    return ip[len("::ffff:") :] if ip.startswith("::ffff:") else ip


def addresses_of(places: Iterable[tuple[str, int]]) -> set[tuple[str, int]]:
    """The addresses that hosts stand for, as far as their names are known."""
    found: set[tuple[str, int]] = set()
    for host, port in places:
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError:
            continue
        found |= {(_plain(str(info[4][0])), port) for info in infos}
    return found


class Matching:
    """Matches sessions of a server with sockets of this machine, by the client's port.

    Args:
        sessions: the server's.
        sockets: this machine's; None where they cannot be seen.
        addresses: where the database is.
        before: this machine's sockets before the server was asked: a session may have ended meanwhile.
    """

    def __init__(
        self,
        sessions: ServerSessions,
        sockets: list[LocalSocket] | None,
        addresses: Collection[tuple[str, int]],
        before: Iterable[LocalSocket] = (),
    ) -> None:
        self._sessions = sessions
        self._visible = sockets is not None
        self._addresses = set(addresses)
        self._ports = {port for _, port in addresses}
        self._here = {_host(sessions.own.machine), _host(socket.gethostname())}
        sockets = sockets or []
        ours = {each.port for each in sockets if each.pid == os.getpid()}
        self.translated = self._visible and sessions.own.port not in ours
        """Whether ports arrive at the server as others than they have here, as behind address translation."""
        self._sockets = sockets
        self._by_port: dict[int, list[LocalSocket]] = {}
        for each in (*sockets, *before):
            self._by_port.setdefault(each.port, []).append(each)
        self._pids = {each.pid for each in sockets if self._leads_there(each) and each.state in _HELD}
        # A cluster's listener may have sent the command on to a node that the connect string does not name.
        mine = [each for each in self._by_port.get(sessions.own.port or -1, []) if each.pid == os.getpid()]
        self._addresses |= {each.peer for each in mine}

    def match(self, session: ServerSession) -> tuple[Owner, LocalSocket | None]:
        """Whose session it is, and its socket."""
        if _host(session.machine) not in self._here:
            return Owner.ELSEWHERE, None
        if not self._visible:
            return Owner.UNKNOWN, None
        if self.translated or session.port is None:
            known = session.pid is not None and session.pid in self._pids
            return (Owner.PROCESS if known else Owner.UNKNOWN), None
        for each in self._by_port.get(session.port, []):
            plausible = self._leads_there(each) or (each.pid is not None and each.pid == session.pid)
            if plausible and each.state in _HELD:
                return Owner.PROCESS, each
        return Owner.NOBODY, None

    def _leads_there(self, each: LocalSocket) -> bool:
        return each.peer in self._addresses or each.peer[1] in self._ports

    def in_close_wait(self) -> list[LocalSocket]:
        """Sockets to the database that the server has ended, and a process here has not closed yet."""
        return sorted(
            (each for each in self._sockets if each.state == psutil.CONN_CLOSE_WAIT and each.peer in self._addresses),
            key=lambda each: (each.pid or 0, each.port),
        )


def _host(machine: str | None) -> str:
    """A host's name without domains, of DNS and of Windows."""
    return (machine or "").rpartition("\\")[2].partition(".")[0].lower()
