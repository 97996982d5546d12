"""The native pools under one session pool: one for each user and password.

Neither driver's pool takes another password once it is made, and python-oracledb's thin mode knows only one user in
each. So a new password, and another user, mean a native pool beside the first, and what all of them share is here: who
logs on where, with which password, and whose idle session makes room for whom.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any, Callable

from orapool.causes import MADE_ROOM, ORDERLY, PING_CUT_SHORT, PING_UNANSWERED
from orapool.credentials import Credentials, of_settings
from orapool.drivers.base import DeadIdleSession, Driver
from orapool.errors import ConfigurationError, log_on_error, wrong_password
from orapool.health import SessionState, Unanswered
from orapool.logs import report
from orapool.pooling.departures import Departures
from orapool.pooling.gate import Occupied
from orapool.pooling.log_ons import PATIENCE, LogOns
from orapool.pooling.native_pool import Denial, NativePool
from orapool.settings import PoolSettings
from orapool.workers import CallTimeout, Workers

log = logging.getLogger("orapool.pool")

OnSession = Callable[[NativePool, Any], None]


class StillDenied(Exception):
    """The password was denied a moment ago, and there is no other: it was not tried again."""

    def __init__(self, denial: Denial) -> None:
        super().__init__(str(denial.error))
        self.error = denial.error
        self.more = (
            f". That was {time.monotonic() - denial.at:.1f} s ago; the same password is not tried again for "
            f"{max(0.0, denial.left):.1f} s, since too many attempts lock an account"
        )


class Superseded(Exception):
    """The native pool has a successor by now."""


class NativePools:
    """The native pools of one session pool, of which `primary` is that of the settings' user.

    Args:
        name: of the session pool, for log lines.
        on_session: gets each new session, with its native pool.
        dropped: notes that a session was dropped, and why.
    """

    def __init__(
        self,
        name: str,
        settings: PoolSettings,
        driver: Driver,
        log_ons: LogOns,
        workers: Workers,
        background: Workers,
        where: Callable[[str | None], str],
        on_session: OnSession,
        dropped: Callable[[str], None],
    ) -> None:
        self._name = name
        self._settings = settings
        self.driver = driver
        self._log_ons = log_ons
        self._workers = workers
        self._background = background
        self._where = where
        self._on_session = on_session
        self._dropped = dropped
        self._departures = Departures(settings, driver, background, log_ons, lambda: [each.health for each in self.all])
        self._lock = threading.Lock()
        self._making = threading.Lock()
        self._renewing = threading.Lock()  # apart, since a function that returns a password may take its time
        self._by_key: dict[Credentials, NativePool] = {}
        self._coming = 0
        self.all: tuple[NativePool, ...] = ()
        """Read without a lock: it is replaced as a whole."""
        self.closing = False
        """Whether all of them are being closed, with their sessions."""
        self.primary = self._make(of_settings(settings), settings.current_password())
        self._register(self.primary)

    # ------------------------------------------------------------ which one
    def _make(self, key: Credentials, password: str, nested: bool = False) -> NativePool:
        """Make an empty one, which talks to nobody. A fork waits for it, as for the call that it is `nested` in."""
        credentials = replace(key, password=password)
        made = NativePool(key, credentials, self._where(key.user), self.driver, self._settings, self.ping)
        opening = partial(self.driver.open, self._settings, credentials, partial(self._on_session, made))
        limit = time.monotonic() + PATIENCE
        try:
            made.handle = opening() if nested else self._log_ons.run(lambda _left: opening(), limit)
        except self.driver.dbapi.Error as error:  # it cannot even begin, with these settings
            raise log_on_error(error, made.where) from error
        return made

    def _register(self, made: NativePool) -> None:
        self._by_key[made.key] = made
        self.all = (*self.all, made)

    @contextlib.contextmanager
    def visit(self, key: Credentials) -> Iterator[NativePool]:
        """The one for these credentials, made if need be; it stays while the block lasts."""
        found = self._find(key)
        if found is None:
            with self._making:
                found = self._find(key)
                if found is None:
                    made = self._make(key, key.password or self.primary.credentials.password or "")
                    with self._lock:
                        self._register(made)
                        made.guests += 1
                    found = made
        try:
            yield found
        finally:
            self.leave(found)

    def _find(self, key: Credentials) -> NativePool | None:
        with self._lock:
            found = self._by_key.get(key)
            if found is not None:
                found.guests += 1
            return found

    def enter(self, native: NativePool, alone: bool = False) -> bool:
        """Keep one from being closed until `leave`; False where it is too late, or, if `alone`, where others are in."""
        with self._lock:
            if native.handle is None or (alone and native.guests):
                return False
            native.guests += 1
            return True

    def leave(self, native: NativePool) -> None:
        """Let go of one, and close those that nobody needs any more."""
        closed = []
        with self._lock:
            native.guests -= 1
            while len(self.all) > 1:
                left = next((each for each in self.all if each is not self.primary and each.at_rest), None)
                if left is None:
                    break
                closed.append(left.handle)
                self._forget(left)
        for handle in closed:
            self._background.submit(partial(self.driver.close, handle))

    def _forget(self, native: NativePool) -> None:
        self.all = tuple(each for each in self.all if each is not native)
        for each in self.all:
            each.elders = tuple(elder for elder in each.elders if elder is not native)
        if self._by_key.get(native.key) is native:
            del self._by_key[native.key]
        native.handle = None
        native.health.close()

    # ------------------------------------------------------------ drawing
    def draw_idle(self, native: NativePool, may_block: bool = False) -> tuple[Any, SessionState] | None:
        """Draw an idle session: one is there, and the kernel knows of no end of any.

        `may_block`: also while somebody logs on, when it may turn into a log-on too; without, it cannot block.
        """
        gate = native.gate
        if not gate.enter():
            return None
        try:
            handle = native.handle
            if handle is None:
                return None
            return native.health.take_idle(handle) if may_block else native.health.draw_idle(handle)
        except (self.driver.dbapi.Error, DeadIdleSession, OSError) as error:
            report(log.info, self._name, "no_idle_session", "no idle session: %(error)s", error=error)
            return None
        finally:
            gate.leave()

    def draw_of_elders(self, native: NativePool) -> tuple[Any, SessionState] | None:
        """Draw an idle session that an older password has made."""
        for elder in native.elders:
            elder.health.clear_ended()
            drawn = self.draw_idle(elder)
            if drawn is not None:
                return drawn
        return None

    def ping(self, deadline: float, connection: Any, state: SessionState) -> None:
        """One round trip, within `ping_timeout` and the time left; a session that does not answer is shut down."""
        limit = time.monotonic() + self._settings.ping_timeout
        cut_short = deadline < limit
        let_go = threading.Event()
        call = partial(self.driver.ping, connection, self._settings.ping_timeout)
        try:
            self._workers.run(call, min(deadline, limit), lambda *_: let_go.set())
        except CallTimeout:
            connection.call_under_way = let_go
            if state.socket is not None:
                state.socket.shut_down()  # which frees the worker too
            raise Unanswered(PING_CUT_SHORT if cut_short else PING_UNANSWERED) from None

    # ------------------------------------------------------------ passwords
    def check_password(self, native: NativePool, nested: bool) -> None:
        """Before a log-on: raise where there is another password by now, or where this one was just denied."""
        if native.successor is not None:
            raise Superseded
        if native.key.password is not None or native.health.idle > 0:
            return
        denial = native.denial
        still_denied = denial is not None and denial.left > 0
        # A file costs nothing to look at; others are asked when there is need.
        look = self._settings.password_file is not None or (denial is not None and still_denied and denial.may_read())
        if look and self.renew(native, nested):
            raise Superseded
        if denial is not None and still_denied:
            raise StillDenied(denial)

    def note_denied(self, native: NativePool, error: Exception, nested: bool = False) -> None:
        """A log-on was denied: have the next one made with another password, if there is one, or later."""
        by_settings = native.key.password is None and self._settings.has_password
        if by_settings and wrong_password(error) and not self.renew(native, nested):
            native.denial = Denial(error, native.denial)

    def renew(self, native: NativePool, nested: bool = False) -> bool:
        """Read the password again; whether it is another one, with which a successor logs on from now on.

        `nested`: whether this is within a call of `LogOns.run`.
        """
        with self._renewing:
            if native.successor is not None:
                return True
            try:
                password = self._settings.current_password()
            except ConfigurationError as error:
                report(
                    log.warning,
                    native.where,
                    "password_unreadable",
                    "the password cannot be read again: %(error)s",
                    error=error,
                )
                return False
            if password == native.credentials.password:
                return False
            made = self._make(native.key, password, nested)
            made.elders = (native, *native.elders)
            with self._lock:
                native.successor = made
                if self.primary is native:
                    self.primary = made
                self._register(made)
            native.health.retire_blind()
        report(log.info, native.where, "password_changed", "there is a new password, for log-ons from now on")
        return True

    def outdate_older(self, native: NativePool) -> None:
        """Somebody has logged on with a password of their own: an older one of the same user opens nothing any more."""
        if native.key.password is None or len(self.all) == 1:
            return
        with self._lock:
            for key, other in list(self._by_key.items()):
                if key.password is not None and key.user == native.key.user and other is not native:
                    del self._by_key[key]
                    native.elders = (*native.elders, other)

    # ------------------------------------------------------------ room
    @property
    def total(self) -> int:
        """Sessions open, as far as is known."""
        return sum(each.health.total for each in self.all)

    @contextlib.contextmanager
    def room(self, native: NativePool, deadline: float) -> Iterator[None]:
        """While somebody logs on: close what is idle of others, where `max` would not let one more session in.

        Whoever logs on holds a slot, and so does everyone with a session: if there are too many, some are idle.
        """
        coming = False
        try:
            evicts = True
            while native.health.idle <= 0 and not coming:
                with self._lock:
                    if len(self.all) == 1 or not evicts or self.total + self._coming < self._settings.max:
                        self._coming += 1
                        coming = True
                evicts = coming or self.evict(deadline)
            yield
        finally:
            with self._lock:
                self._coming -= coming

    def evict(self, deadline: float) -> bool:
        """Close the session that has been idle longest, or one beside it; False where none can be had."""
        for other in sorted(self.all, key=lambda each: each.health.last_used()):
            if other.health.idle <= 0 or not self.enter(other):
                continue
            try:
                drawn = self.draw_any_idle(other, deadline)
                if drawn is not None:
                    self.see_off(drawn[0], MADE_ROOM, wait=True)
                    return True
            finally:
                self.leave(other)
        return False

    def draw_any_idle(self, native: NativePool, deadline: float) -> tuple[Any, SessionState] | None:
        """Draw an idle session, with a round trip where the kernel does not tell which are alive.

        None where none is to be had at this moment, though one may be idle: another is being drawn, or dropped.
        """
        native.health.clear_ended()
        return self.draw_idle(native, may_block=True) or self._draw_blind(native, deadline)

    def _draw_blind(self, native: NativePool, deadline: float) -> tuple[Any, SessionState] | None:
        """Draw an idle session where the kernel does not tell which are alive."""
        if not native.health.blind or native.health.idle <= 0:
            return None
        alone = self.driver.grows_alone
        try:
            with native.gate.growth(max(0.0, deadline - time.monotonic())) if alone else contextlib.nullcontext():
                connection = self.driver.acquire(native.handle, self._settings.ping_timeout)
        except (self.driver.dbapi.Error, DeadIdleSession, Occupied, OSError) as error:
            report(log.info, self._name, "no_idle_session", "no idle session: %(error)s", error=error)
            return None
        return connection, native.health.drawn(connection)

    def see_off(self, connection: Any, cause: str, wait: bool = False) -> None:
        """Take a session out of its native pool, in the background unless `wait`."""
        native: NativePool = connection.session_state.home
        with self._lock:
            native.guests += 1
        self._dropped(cause)
        write = log.debug if cause in ORDERLY else log.info
        report(write, native.where, "dropped", "a session leaves the pool: %(cause)s", cause=cause)
        self._departures.see_off(native, connection, cause, partial(self.leave, native), wait)

    # ------------------------------------------------------------ all of them
    def any_alive(self) -> bool:
        """Whether there is an idle session whose connection stands, for all that is known."""
        return any(each.health.any_alive() for each in self.all)

    def forget_vanished(self) -> None:
        """Forget idle sessions that the drivers have thrown away."""
        for each in self.all:
            each.health.forget_vanished()

    def shut_down_idle(self) -> None:
        """End all idle sessions on this side."""
        for each in self.all:
            each.health.shut_down_idle()

    def shut_down_all(self) -> None:
        """End every session's connection on this side."""
        for each in self.all:
            each.health.shut_down_all()

    def take_handles(self) -> list[Any]:
        """The drivers' own pools, for whoever closes them: nothing is drawn from them any more."""
        handles = []
        for each in self.all:
            if each.handle is not None:
                handles.append(each.handle)
                each.handle = None
        return handles

    def forget_sessions(self) -> None:
        """Forget all sessions."""
        for each in self.all:
            each.health.close()
