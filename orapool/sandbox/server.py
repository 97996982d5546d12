"""The listener with its sessions, the faults that can be played on them, and the exact counts of what they did."""

from __future__ import annotations

import itertools
import logging
import re
import socket
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from orapool.sandbox.accounts import Accounts
from orapool.sandbox.auth import Verifier
from orapool.sandbox.control import SandboxError
from orapool.sandbox.errors import OracleError
from orapool.sandbox.idle_limits import IdleLimits
from orapool.sandbox.listener import Listener
from orapool.sandbox.loading import Loader
from orapool.sandbox.packets import ConnectionClosed
from orapool.sandbox.recorder import KEPT_STATEMENTS, Recorder
from orapool.sandbox.rows import RowCache
from orapool.sandbox.session import Session
from orapool.sandbox.sql import Backend, ClientWatch, Engine, Routine, SessionIdentity
from orapool.sandbox.stats import Stats
from orapool.sandbox.tls import TlsListener

logger = logging.getLogger(__name__)

SERVICE = "ORAPOOL"
CACHE_BYTES = 256 << 20
_FIRST_SID = 100
# Connections that have not logged on; a log-on takes milliseconds, so that the oldest of so many will never end.
_MOST_LOGGING_ON = 512
INBOUND_CONNECT_TIMEOUT = 60.0
_STOP_TIMEOUT = 10.0
# The listener's answers to a service or SID that it does not know.
_UNKNOWN_SERVICE = 12514
_UNKNOWN_SID = 12505
_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[\w.-]+):(?P<port>\d{1,5})(?=/|$)")

# What `fail_next` can play, by code, with the words that Oracle uses.
FAILURES = {
    28: "your session has been killed",
    1012: "not logged on",
    1033: "ORACLE initialization or shutdown in progress",
    2396: "exceeded maximum idle time, please connect again",
    3113: "end-of-file on communication channel",
}
# And what `deny_log_ons` can.
CLOSED = {
    1033: "ORACLE initialization or shutdown in progress",
    1034: "ORACLE not available",
    1089: "immediate shutdown or close in progress - no operations are permitted",
    1109: "database not open",
}


class Server:
    """The sandbox's server: one listener, one engine, one thread for each session.

    Args:
        host: the address to listen on.
        port: the port; 0 takes a free one, which then stays the same over `stop` and `start`.
        users: passwords by user name.
        path: a folder for the data, None for memory.
        cache_bytes: what the results that are kept may take, in bytes.
        statements: how many statements are recorded.
        inbound_connect_timeout: seconds in which a client has to log on, 0 for ever.
        fast_authentication: whether clients are offered to log on in fewer round trips.
    """

    def __init__(
        self,
        host: str,
        port: int,
        users: Mapping[str, str],
        path: Path | None,
        cache_bytes: int = CACHE_BYTES,
        statements: int = KEPT_STATEMENTS,
        inbound_connect_timeout: float = INBOUND_CONNECT_TIMEOUT,
        fast_authentication: bool = False,
    ) -> None:
        self.host = host
        self.port = port
        self.delay = 0.0
        self.inbound_connect_timeout = inbound_connect_timeout
        self.fast_authentication = fast_authentication
        self.tls: TlsListener | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._engine = Engine(path, users)
        self.routines = self._engine.routines
        self._engine.accounts = self.accounts = Accounts(users)
        self.row_cache = RowCache(cache_bytes)
        self.recorder = Recorder(statements)
        self._lock = threading.Lock()
        self._kept: list[tuple[dict[str, Routine], Callable[[], None]]] = []
        # Held while all sessions are ended for another state of the data: nobody comes in then.
        self._door = threading.Lock()
        self._sids = itertools.count(_FIRST_SID)
        self.loader = Loader(self._engine, lambda: next(self._sids))
        self._sessions: dict[int, tuple[Session, threading.Thread]] = {}
        self._listener: Listener | None = None
        self._thawed = threading.Event()
        self._thawed.set()
        self._lets_in = threading.Event()
        self._lets_in.set()
        self._closed: OracleError | None = None
        self._idle_limits = IdleLimits(lambda: [session for session, _thread in self._chosen(None)])
        self._refusal = 0
        self._refusals_left: float = 0
        self._target: tuple[str, int] | None = None
        self._connects = 0
        self._log_ons = 0
        self._denied_log_ons = 0
        self._redirects = 0
        self._calls: Counter[str] = Counter()
        self._bytes_received = 0
        self._bytes_sent = 0

    # ------------------------------------------------------------ life
    def start(self) -> None:
        """Start the engine, if it does not run yet or has crashed, and listen."""
        if self._engine.crash:
            self.end_sessions()
        self._engine.start()
        self._listen()

    def listen_for_tls(self) -> int:
        """Listen for TLS too, on a port of its own; returns that."""
        if self.tls is None:
            self._folder = tempfile.TemporaryDirectory(prefix="orapool-tls-")
            target, folder = (self.host, self.port), Path(self._folder.name)
            self.tls = TlsListener(self.host, target, folder, self.inbound_connect_timeout)
        return self.tls.port

    def make_wallet(self, password: str = "") -> str:
        """A wallet for clients that come by TLS: see `TlsListener.make_wallet`."""
        return self._tls().make_wallet(password)

    def demand_client_certificates(self, demanded: bool = True) -> None:
        """Whether clients that come by TLS have to show a certificate."""
        self._tls().demand_client_certificates(demanded)

    def _tls(self) -> TlsListener:
        if self.tls is None:
            raise ValueError("the sandbox does not listen for TLS")
        return self.tls

    def check(self) -> None:
        """Raise a SandboxError, which says why, when clients cannot be served."""
        if self._engine.crash:
            raise SandboxError(f"{self._engine.crash}: start() starts it again with its data")

    def stop(self) -> None:
        """Stop listening and end all sessions, as a database that shuts down; the data stay."""
        self._close_listener()
        self.end_sessions()

    def shut_down(self) -> None:
        """Stop for good, the engine too."""
        self.thaw()
        self.stop()
        self._idle_limits.stop()
        self._engine.stop()
        if self.tls is not None and self._folder is not None:
            self.tls.close()
            self._folder.cleanup()

    def _listen(self) -> None:
        if self._listener is None:
            self._listener = Listener(self.host, self.port, self._serve, self._make_room)
            self.port = self._listener.port

    def _close_listener(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()

    def _serve(self, sock: socket.socket) -> None:
        session = Session(self, sock, next(self._sids), self._count_bytes)
        thread = threading.Thread(
            target=self._run, args=(session,), name=f"session {session.identity.sid}", daemon=True
        )
        self._make_room(_MOST_LOGGING_ON - 1)
        with self._door, self._lock:
            thread.start()
            self._connects += 1
            self._sessions[session.identity.sid] = (session, thread)

    def _make_room(self, kept: int | None = None) -> None:
        """End who has been logging on for the longest, where more than `kept` do; without a number, half of them."""
        waiting = [session for session, _thread in self._chosen(None) if session.logging_on]
        for session in waiting[: max(0, len(waiting) - kept) if kept is not None else (len(waiting) + 1) // 2]:
            session.end(reset=True)

    def _run(self, session: Session) -> None:
        try:
            session.run()
        finally:
            with self._lock:
                self._sessions.pop(session.identity.sid, None)

    # ------------------------------------------------------------ what sessions need (session.Host)
    def service_error(self, service_name: str, sid: str) -> int:
        """The listener's ORA- code for a service, 0 when it is known."""
        with self._lock:
            if self._refusal and self._refusals_left > 0:
                self._refusals_left -= 1
                return self._refusal
        if service_name:
            return 0 if service_name.upper() == SERVICE else _UNKNOWN_SERVICE
        if sid:
            return 0 if sid.upper() == SERVICE else _UNKNOWN_SID
        return _UNKNOWN_SERVICE

    def redirection(self) -> tuple[str, int] | None:
        """Host and port that the listener sends a client on to, which counts; None to serve it here."""
        with self._lock:
            self._redirects += self._target is not None
            return self._target

    def verifier(self, user: str) -> Verifier | None:
        """The verifier of a user, None when there is no such user."""
        return self.accounts.verifier(user)

    def identify(self, os_user: str, token: str | None) -> str | None:
        """Who logs on without a password: see `Accounts.identify`."""
        return self.accounts.identify(os_user, token)

    def admit(self, user: str, client: str) -> str:
        """Who a session is of: see `Accounts.admit`."""
        return self.accounts.admit(user, client)

    def change_password(self, user: str, password: str) -> None:
        """Give a user another password, as the client asks: see `Accounts.change_password`."""
        self.accounts.change_password(user, password)

    def open_backend(self, identity: SessionIdentity, watch: ClientWatch) -> Backend:
        """An engine session for a client that has logged in."""
        return self._engine.open(identity, watch)

    def count_call(self, name: str) -> None:
        """Note a round trip."""
        with self._lock:
            self._calls[name] += 1

    def count_log_on(self) -> None:
        """Note a session that has logged in."""
        with self._lock:
            self._log_ons += 1

    def count_denied_log_on(self) -> None:
        """Note a log-on that was denied for its user's or password's sake."""
        with self._lock:
            self._denied_log_ons += 1

    def check_open(self) -> None:
        """Raise an OracleError while the database lets nobody log on."""
        if self._closed is not None:
            raise self._closed

    def wait_while_frozen(self, logged_on: bool, ended: threading.Event) -> None:
        """Return when the server is not frozen for such a session; raises ConnectionClosed when that is ended."""
        if self._thawed.is_set() and self._lets_in.is_set():
            return
        for event in (self._thawed,) if logged_on else (self._thawed, self._lets_in):
            while not event.wait(0.05):
                if ended.is_set():
                    raise ConnectionClosed("ended while frozen")

    def _count_bytes(self, received: int, sent: int) -> None:
        with self._lock:
            self._bytes_received += received
            self._bytes_sent += sent

    # ------------------------------------------------------------ counts and faults
    def stats(self) -> Stats:
        """The counts since the start."""
        with self._lock:
            return Stats(
                connects=self._connects,
                log_ons=self._log_ons,
                denied_log_ons=self._denied_log_ons,
                redirects=self._redirects,
                round_trips=dict(self._calls),
                bytes_received=self._bytes_received,
                bytes_sent=self._bytes_sent,
                repeated_results=self.row_cache.hits,
                sessions=sum(session.logged_on for session, _thread in self._sessions.values()),
            )

    def sessions(self) -> list[SessionIdentity]:
        """Who is logged on."""
        with self._lock:
            return [session.identity for session, _thread in self._sessions.values() if session.logged_on]

    def end_sessions(self, how: str = "fin", sid: int | None = None) -> int:
        """End one session or all of them from the server's side, by FIN or RST; returns how many."""
        if how not in ("fin", "rst"):
            raise ValueError(f"how must be 'fin' or 'rst', not {how!r}")
        chosen = self._chosen(sid)
        for session, _thread in chosen:
            session.end(reset=how == "rst")
        for _session, thread in chosen:
            thread.join(_STOP_TIMEOUT)
        return len(chosen)

    def freeze(self, log_ons_only: bool = False) -> None:
        """Answer nothing, neither new connections nor, unless `log_ons_only`, sessions; what they send is accepted."""
        (self._lets_in if log_ons_only else self._thawed).clear()

    def thaw(self) -> None:
        """Answer again, first what came in meanwhile."""
        self._thawed.set()
        self._lets_in.set()

    def refuse(self, enabled: bool = True, code: int = 0, times: int | None = None) -> None:
        """Refuse new connections: the port is closed, or, with a code, the listener refuses with that ORA- error.

        With a code, only so many `times` if that is given.
        """
        if times is not None and not (code and times > 0):
            raise ValueError(f"times is a number of refusals with a code, 1 or more, not {times}")
        with self._lock:
            self._refusal = code if enabled else 0
            self._refusals_left = float("inf") if times is None else times
        if enabled and not code:
            self._close_listener()
        else:
            self._listen()

    def redirect(self, to: str) -> None:
        """Send new connections on to ``host:port``, as a cluster's listener does; what follows the port is ignored."""
        found = _ADDRESS.match(to)
        if not found or not 0 < int(found["port"]) < 65_536:
            raise ValueError(f"an address is host:port, not {to!r}")
        self._target = found["host"].strip("[]"), int(found["port"])

    def set_delay(self, seconds: float) -> None:
        """Let every call wait this long before it is carried out; 0 ends it."""
        if seconds < 0:
            raise ValueError(f"seconds must not be negative: {seconds}")
        self.delay = seconds

    def fail_next(self, code: int, sid: int | None = None) -> int:
        """Answer the next call of one session or of each with an ORA- error that ends it; returns how many will."""
        if code not in FAILURES:
            raise ValueError(f"code must be one of {', '.join(map(str, FAILURES))}, not {code}")
        chosen = self._chosen(sid)
        for session, _thread in chosen:
            session.fail_next(OracleError(code, FAILURES[code]))
        return len(chosen)

    def cut_next(self, sid: int | None = None) -> int:
        """Send half of the next answer to one session or to each, then end it by FIN; returns how many it will hit."""
        chosen = self._chosen(sid)
        for session, _thread in chosen:
            session.cut_next()
        return len(chosen)

    def deny_log_ons(self, code: int) -> None:
        """Answer each log-on with an ORA- error: the listener is there, and the database is not open."""
        if code not in CLOSED:
            raise ValueError(f"code must be one of {', '.join(map(str, CLOSED))}, not {code}")
        self._closed = OracleError(code, CLOSED[code])

    def limit_idle(self, user: str, seconds: float, how: str = "error") -> None:
        """End sessions of a user when they have been idle for so long: by FIN, RST, or ORA-02396 at the next call."""
        self._idle_limits.set(user, seconds, how)
        if how == "error":
            self._engine.privileges.limit_idle(user, seconds)

    def revoke(self, user: str, view: str) -> None:
        """Let a user not see a view of the dictionary."""
        self._engine.privileges.revoke(user, view)

    def heal(self) -> None:
        """End every fault in force."""
        self.thaw()
        self._closed = None
        self._idle_limits.clear()
        self._engine.privileges.restore()
        self.set_delay(0)
        self.refuse(False)
        self._target = None
        self.accounts.heal()
        if self.tls is not None:
            self.tls.demand_client_certificates(False)
        for session, _thread in self._chosen(None):
            session.fail_next(None)
            session.cut_next(False)

    def keep_state(self) -> None:
        """End all sessions and keep what is in the database, the accounts and the registered functions."""
        with self._door:
            self.end_sessions()
            self._engine.keep_state()
            self._kept.append((self.routines.registered, self.accounts.keep()))

    def restore_state(self) -> None:
        """End all sessions and faults, and come back to the state that was kept last, without recorded statements."""
        if not self._kept:
            raise ValueError("no state is kept")
        self.heal()
        with self._door:
            self.end_sessions()
            self._engine.restore_state()
            self.routines.registered, restore_accounts = self._kept.pop()
            restore_accounts()
            self.recorder.clear()

    def _chosen(self, sid: int | None) -> list[tuple[Session, threading.Thread]]:
        with self._lock:
            if sid is None:
                return list(self._sessions.values())
            if sid not in self._sessions:
                raise ValueError(f"there is no session {sid}")
            return [self._sessions[sid]]
