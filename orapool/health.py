"""Is an idle session fit to be handed out? What is known of each session of a pool, and how it is asked."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Any

from orapool.causes import ENDED, RETIRED
from orapool.draws import Draws
from orapool.drivers.base import Driver
from orapool.dsn import is_over_tcp
from orapool.errors import error_codes
from orapool.settings import PoolSettings
from orapool.sockets import AVAILABLE, KeepAlive, SessionSocket, SocketWatch, owned, tcp_sockets
from orapool.tags import Tags

_IDENTIFY_ROUNDS = 6
_IDENTIFY_TIMEOUT = 5.0
"""Seconds for a ping that is to find a session's socket: the session is new, and only has to be told from others."""
_NO_KEY = -1
_JUST_LOGGED_ON = 5.0
"""Seconds for which a log-on is sign of life enough, whatever `trust` is: a driver may open a session unasked, and long
before its first draw."""
_LIFETIME_JITTER = 0.1
"""Sessions retire at up to a tenth less than the greatest age, so that not all do it at once."""


class Unanswered(Exception):
    """A session did not answer in time."""


class SessionState:
    """What is known of one session.

    ``confirmed`` is the time of ``time.monotonic`` when its path was last seen alive, by use or by an acknowledgement;
    what was seen before the time ``doubted`` does not count: another's death has cast doubt on it. ``home`` is the
    native pool that it belongs to. It is ``ready`` when `on_session` has seen it, and ``told`` is what it has been told
    of its user; see session_setup.py.
    """

    __slots__ = ("confirmed", "doubted", "draws", "home", "key", "ready", "retires", "socket", "told", "used")

    def __init__(self, key: int, session_socket: SessionSocket | None, retires: float, home: Any) -> None:
        self.key = key
        self.home = home
        self.socket = session_socket
        self.retires = retires
        self.draws = 0
        self.confirmed = self.used = time.monotonic()
        self.doubted = float("-inf")
        self.ready = False
        self.told: Tags | None = None

    def __repr__(self) -> str:
        seen = time.monotonic() - self.confirmed
        return f"<SessionState {self.key}: {self.draws} draws, last seen alive {seen:.3f} s ago, {self.socket}>"

    def is_recent(self, seen: float, trust: float) -> bool:
        """Whether a sign of life at the time `seen` is not older than `trust` seconds, nor than a doubt."""
        return seen > self.doubted and time.monotonic() - seen <= trust

    def last_seen_alive(self) -> float:
        """When its path was last confirmed, the kernel's own probes included; -inf when its connection has ended."""
        if self.socket is not None:
            look = self.socket.look()
            if look is None or not look.established:
                return float("-inf")
            if not look.retransmits:
                self.confirmed = max(self.confirmed, time.monotonic() - look.last_ack)
        return self.confirmed


def retirement(settings: PoolSettings) -> float:
    """When a session that is new now is too old, a time of ``time.monotonic``."""
    lifetime = settings.max_lifetime
    return time.monotonic() + lifetime * (1 - _LIFETIME_JITTER * random.random()) if lifetime else float("inf")


class Health:
    """The sessions of one native pool: which are idle, on which sockets, and when each was last seen alive.

    Args:
        driver: the pool's driver.
        settings: the pool's settings.
        ping: makes a round trip on a session by a deadline, or raises.
        home: the native pool.
    """

    def __init__(
        self, driver: Driver, settings: PoolSettings, ping: Callable[[float, Any, SessionState], None], home: Any = None
    ) -> None:
        self._driver = driver
        self._acquire_idle, self._session_key, self._release = driver.acquire_idle, driver.session_key, driver.release
        self._home = home
        self._settings = settings
        self._trust = settings.trust
        self._ping = ping
        self._keep_alive = KeepAlive(
            settings.keepalive_idle, settings.keepalive_interval, settings.keepalive_probes, settings.user_timeout
        )
        self._has_sockets = AVAILABLE and is_over_tcp(settings.dsn, settings.config_dir)
        self._watch = SocketWatch()
        self._strangers = set(tcp_sockets())  # who was there before the pool is none of its sessions
        self._lock = threading.Lock()
        self._states: dict[int, SessionState] = {}
        self._idle: dict[int, SessionState] = {}
        self.draws = Draws()
        self._quick = self.draws.quick
        self._blind = 0

    # ------------------------------------------------------------ sessions come and go
    def admit(self, connection: Any) -> SessionState:
        """A session has logged on: find its socket and let the kernel watch it."""
        key = self._driver.session_key(connection)
        found = self._find_socket(connection) if self._has_sockets else None
        state = connection.session_state = SessionState(key, found, retirement(self._settings), self._home)
        if connection.lost_by:
            return state
        with self._lock:
            self._forget(key)
            self._states[key] = state
            if found is None:
                self._blind += 1
            else:
                owned.add(found.inode)
        if found is not None:
            look = found.look()
            if look is not None:
                state.confirmed -= look.last_ack
            found.keep_alive(self._keep_alive)
            self._watch.add(found)
        return state

    def forget(self, state: SessionState) -> None:
        """A session leaves the pool."""
        with self._lock:
            if self._states.get(state.key) is state:
                self._forget(state.key)

    def _forget(self, key: int) -> SessionState | None:
        state = self._states.pop(key, None)
        self._idle.pop(key, None)
        if state is not None:
            if state.socket is None:
                self._blind -= 1
            else:
                owned.discard(state.socket.inode)
        return state

    def forget_vanished(self) -> None:
        """Forget idle sessions that the native pool has thrown away: their sockets are closed."""
        with self._lock:
            for key, state in list(self._idle.items()):
                if state.socket is not None and state.socket.look() is None:
                    self._forget(key)

    def _find_socket(self, connection: Any) -> SessionSocket | None:
        """The socket of a new session: the only one that is no session's yet, or, of several, the one that pings move.

        A native pool may hand a session to another thread than the one that logged on, so the moment tells nothing.
        """
        # Ended ones count too: the session may have died by now, and the only one left standing would be another's.
        there = tcp_sockets()
        self._strangers.intersection_update(there)
        candidates = [found for inode, found in there.items() if inode not in owned and inode not in self._strangers]
        for _ in range(_IDENTIFY_ROUNDS):
            if len(candidates) <= 1:
                break
            # Others are at work at the same time: only its own socket sends just as many messages as it pings.
            sent = [candidate.messages_sent() for candidate in candidates]
            pings = random.randint(1, 3)
            try:
                for _ in range(pings):
                    self._driver.ping(connection, max(self._settings.ping_timeout, _IDENTIFY_TIMEOUT))
            except Exception as error:  # died at once: whoever draws it will see
                connection.note(error)
                connection.lost_by = connection.lost_by or ENDED
                return None
            candidates = [each for each, count in zip(candidates, sent) if each.messages_sent() - count == pings]
        return candidates[0] if len(candidates) == 1 else None

    # ------------------------------------------------------------ idle sessions
    @property
    def total(self) -> int:
        """Sessions open, as far as is known."""
        return len(self._states)

    @property
    def blind(self) -> int:
        """Sessions whose sockets are not known."""
        return self._blind

    @property
    def idle(self) -> int:
        """Idle sessions that nobody is about to draw."""
        return max(0, len(self._idle) - len(self.draws))

    def draw_idle(self, handle: Any) -> tuple[Any, SessionState] | None:
        """Draw an idle session from the native pool, where that cannot block.

        None when there is none, or when the kernel does not vouch that no session has been ended. Raises what the
        driver's `acquire_idle` does.
        """
        if self._blind or (self._watch.poll(0) and self._watch.ended()):
            return None
        # One is set aside, without a lock: of two that want the last one both may be refused, but never both get it.
        quick = self._quick
        quick.append(None)
        try:
            if len(quick) + self.draws.set_aside > len(self._idle):
                return None
            connection = self._acquire_idle(handle)
            return connection, self.drawn(connection)
        finally:
            quick.pop()  # and only now, when it is not idle any more

    def take_idle(self, handle: Any) -> tuple[Any, SessionState] | None:
        """The same, also while somebody logs on, when it may block, and turn into a log-on too."""
        if self._blind or self._watch.ended():
            return None
        with self.draws.taking(self._idle) as there:
            if not there:
                return None
            connection = self._acquire_idle(handle)
            return connection, self.drawn(connection)

    def clear_ended(self) -> None:
        """Forget idle sessions whose connections have ended, and make the end plain to the driver.

        Errors that the kernel holds are cleared. The native pool throws the sessions away when it meets them.
        """
        ended = self._watch.ended()
        if not ended:
            return
        inodes = {session_socket.inode for session_socket in ended if session_socket.shut_down()}
        with self._lock:
            for key, state in list(self._idle.items()):
                if state.socket is not None and state.socket.inode in inodes:
                    self._forget(key)

    def drawn(self, connection: Any) -> SessionState:
        """A session was drawn from the native pool: its state."""
        try:
            key = self._session_key(connection)
        except Exception as error:  # died at this very moment
            connection.lost_by = next(error_codes(error), type(error).__name__)
            key = _NO_KEY
        with self._lock:
            self._idle.pop(key, None)
            state = self._states.get(key)
            if state is not None:
                state.draws += 1
        if state is None:
            state = connection.session_state  # of a log-on at this draw
            if state is None:
                state = self._unknown(key) if key == _NO_KEY else self.admit(connection)
            state.draws += 1
        connection.session_state = state
        return state

    def _unknown(self, key: int) -> SessionState:
        return SessionState(key, None, float("inf"), self._home)

    def put_back(self, connection: Any, state: SessionState) -> None:
        """Put a session back into the native pool; only then can it be reserved."""
        draws = state.draws
        self._release(connection)
        with self._lock:
            # Another may have drawn it already.
            if state.draws == draws and self._states.get(state.key) is state:
                self._idle[state.key] = state

    def has_ended(self, state: SessionState) -> bool:
        """Whether a session's connection has ended, as far as the kernel knows."""
        return state.socket in self._watch.ended()

    def any_alive(self) -> bool:
        """Whether there is an idle session whose connection stands, for all that is known."""
        with self._lock:
            idle = list(self._idle.values())
        return any(state.last_seen_alive() != float("-inf") for state in idle)

    def any_to_retire(self, now: float, idle_timeout: float) -> bool:
        """Whether an idle session has reached its age, or, if that has a limit, its idle time."""
        with self._lock:
            idle = list(self._idle.values())
        return any(now >= each.retires or (idle_timeout and now - each.used >= idle_timeout) for each in idle)

    @property
    def at_rest(self) -> bool:
        """Whether there are no sessions, and nobody is about to draw one."""
        return not self._states and not self.draws.under_way

    def last_used(self) -> float:
        """When the idle session that has been idle longest was used; infinity where none is idle."""
        with self._lock:
            return min((state.used for state in self._idle.values()), default=float("inf"))

    # ------------------------------------------------------------ checks
    def find_fault(self, connection: Any, state: SessionState, deadline: float) -> str | None:
        """Why a drawn session must not be handed out, or None: it is alive.

        Costs nothing if its path was confirmed within ``trust`` seconds, by use or by an acknowledged keep-alive probe;
        else it is pinged.
        """
        now, confirmed = time.monotonic(), state.confirmed
        if now >= state.retires:
            return RETIRED
        if state.socket is None and self._has_sockets:  # the kernel does not tell of its end
            return self.ask(connection, state, deadline)
        if state.draws == 1 and now - confirmed <= _JUST_LOGGED_ON:
            return ENDED if self.has_ended(state) else None
        if now - confirmed <= self._trust and confirmed > state.doubted:
            return None
        seen = state.last_seen_alive()
        if seen == float("-inf"):
            return ENDED
        if state.is_recent(seen, self._trust):
            return None
        return self.ask(connection, state, deadline)

    def ask(self, connection: Any, state: SessionState, deadline: float) -> str | None:
        """Ping a drawn session by the deadline; why it must not be handed out, or None: it is alive."""
        try:
            self._ping(deadline, connection, state)
        except Unanswered as error:
            return str(error)
        except Exception as error:  # python-oracledb 2.5.1 raises AttributeError, and bare OSErrors occur
            return next(error_codes(error), None) or type(error).__name__
        state.confirmed = time.monotonic()
        return None

    def shut_down_suspects(self, dead: SessionState) -> int:
        """One session proved dead by silence: end the equally idle ones, and trust no other without asking it.

        Equally idle is at least half as long without a sign of life. Returns how many were ended.
        """
        now = time.monotonic()
        bound = now - (now - dead.confirmed) / 2
        with self._lock:
            suspects = [
                state for state in self._idle.values() if state.socket is not None and state.last_seen_alive() <= bound
            ]
            ended = self._shut_down(suspects)
        self.doubt_idle()
        return ended

    def doubt_idle(self) -> None:
        """A session has died, perhaps by silence: ask each idle one before it is handed out again."""
        now = time.monotonic()
        with self._lock:
            for state in self._idle.values():
                state.doubted = now

    def retire_blind(self) -> None:
        """Let sessions whose sockets are not known retire when they are given back."""
        with self._lock:
            for state in self._states.values():
                if state.socket is None:
                    state.retires = 0.0

    def shut_down_idle(self) -> int:
        """End all idle sessions on this side; returns how many."""
        with self._lock:
            return self._shut_down(list(self._idle.values()))

    def _shut_down(self, idle: list[SessionState]) -> int:
        """Under the lock: whoever draws one of them finds no state of it afterwards, and looks at its socket."""
        for state in idle:
            self._forget(state.key)
        return sum(state.socket.shut_down() for state in idle if state.socket is not None)

    def shut_down_all(self) -> int:
        """End every session's connection on this side; returns how many."""
        with self._lock:
            sockets = [state.socket for state in self._states.values() if state.socket is not None]
        return sum(session_socket.shut_down() for session_socket in sockets)

    def close(self) -> None:
        """Forget all sessions."""
        with self._lock:
            for key in list(self._states):
                self._forget(key)
        self._watch.close()
