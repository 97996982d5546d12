"""Drawing a live session for who has a slot: an idle one, checked, or else a new one, by a deadline."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from orapool.causes import CLOSED
from orapool.drivers.base import DeadIdleSession
from orapool.errors import DatabaseUnavailable, PoolClosed, error_codes, log_on_error
from orapool.health import SessionState
from orapool.logs import report
from orapool.pooling.floor import Floor
from orapool.pooling.gate import Occupied
from orapool.pooling.log_ons import LONG_LOG_ON
from orapool.pooling.native_pool import NativePool
from orapool.pooling.native_pools import StillDenied
from orapool.pooling.parts import Parts
from orapool.pooling.returns import Returns
from orapool.pooling.seekers import Seeker
from orapool.pooling.session_setup import SessionSetup
from orapool.tags import Tags
from orapool.workers import Call, CallTimeout

log = logging.getLogger("orapool.pool")

_RETRY_PAUSE = 0.005
"""Seconds between attempts when the native pool says that it is full although a place in it is ours."""
_CUT_OFF = frozenset({"ORA-03113", "ORA-03135", "ORA-12537", "ORA-12547", "DPY-4011"})
"""What a log-on fails with when the other side ends the connection in the middle of it."""
_LOG_ON_ATTEMPTS = 5
"""Log-ons that one caller makes when the other side says goodbye in the middle of them."""

_SLOW_SETUP = ("on_session has not ended", "make it quicker, or raise acquire_timeout")
_SLOW_LOG_ON = ("a log-on has not ended", "check whether the database answers, or raise acquire_timeout")


class Overdue(Exception):
    """A log-on, or `on_session`, outlived its caller's deadline or patience: the slot stays with it until it ends."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error


class Drawing:
    """Draws sessions of one pool.

    Args:
        parts: of the pool.
        setup: sets sessions up before they are handed out.
        returns: takes them back, or lets them go.
        floor: what to keep open.
        grow: opens, in the background, what `increment` asks for beside a new session.
    """

    def __init__(
        self, parts: Parts, setup: SessionSetup, returns: Returns, floor: Floor, grow: Callable[[], None]
    ) -> None:
        self._parts = parts
        self._settings = parts.settings
        self._min, self._grows = parts.settings.min, parts.settings.increment > 1
        self._driver = parts.driver
        self._natives = parts.natives
        self._growth = parts.growth
        self._slots = parts.slots
        self._seekers = parts.seekers
        self._outage = parts.outage
        self._lent = parts.lent
        self._wake = parts.wake
        self._timed_out = parts.timed_out
        self._setup = setup
        self._returns = returns
        self._floor = floor
        self._grow = grow

    def draw(self, native: NativePool, deadline: float, seconds: float, call_timeout: float, tags: Tags) -> Any:
        """Draw a live session: an idle one whose path is known to be good, or can be shown to be, or a new one."""
        natives, set_call_timeout, attempt = self._natives, self._driver.set_call_timeout, 0
        while True:
            connection, state = natives.draw_idle(native) or self.draw_otherwise(native, deadline, seconds)
            try:
                fault = connection.lost_by or state.home.health.find_fault(connection, state, deadline)
                if fault is None and state.told is not tags:
                    fault = self._setup.prepare(connection, state, tags, deadline, attempt)
                if fault is None:
                    set_call_timeout(connection, call_timeout)
            except CallTimeout:
                self._wake()
                raise Overdue(self._timed_out(seconds, _SLOW_SETUP)) from None
            except self._driver.dbapi.Error as error:  # it does not even take its call time-out
                fault = next(error_codes(error), type(error).__name__)
            if fault is None and self._slots.closed:
                fault = CLOSED
            if fault is None:
                break
            self._returns.let_go(connection, fault)
            if fault == CLOSED:
                raise PoolClosed(f"pool {self._parts.name!r} was closed while waiting for a session")
            attempt += 1
        if self._floor.sessions < self._min:
            self._floor.rise()
        # Who is alone does not need more sessions than this one.
        if state.draws == 1 and self._grows and self._lent and state.home is natives.primary:
            self._grow()
        return connection

    def draw_otherwise(
        self, native: NativePool, deadline: float, seconds: float, seeks: bool = True
    ) -> tuple[Any, SessionState]:
        """Draw one of an older password's, or else in a worker, which may find dead ones, and may have to log on.

        `seeks`: whether one that comes back while it takes long will do.
        """
        natives, driver = self._natives, self._driver
        native.health.clear_ended()
        self._floor.look()
        drawn = natives.draw_of_elders(native)
        if drawn is not None:
            return drawn
        if self._outage.since is not None and not native.any_alive():
            raise self._outage.error()
        attempts = 1
        while True:
            seeker = Seeker(native)
            try:
                return self._seek(seeker, deadline, seeks)
            except CallTimeout:
                if self._is_silent(seeker):
                    self._log_on_failed(driver.dbapi.OperationalError("a log-on got no answer"), silent=True)
                self._parts.log_ons.cut_overdue()
                self._wake()
                raise Overdue(self._timed_out(seconds, _SLOW_LOG_ON)) from None
            except Occupied:
                raise self._timed_out(seconds, _SLOW_LOG_ON) from None
            except StillDenied as error:
                raise log_on_error(error.error, native.where, error.more) from error.error
            except DeadIdleSession as error:
                report(
                    log.info, self._parts.name, "idle_session_dead", "an idle session was dead: %(error)s", error=error
                )
            except driver.dbapi.Error as error:
                if self._growth.may_hold_unasked():
                    self._wake()
                interrupted = attempts < _LOG_ON_ATTEMPTS and not _CUT_OFF.isdisjoint(error_codes(error))
                if not interrupted and not driver.is_pool_exhausted(error):
                    raised = log_on_error(error, native.where)
                    if isinstance(raised, DatabaseUnavailable):
                        self._log_on_failed(error, self._is_silent(seeker))
                    raise raised from error
                if time.monotonic() >= deadline:
                    raise self._timed_out(seconds, _SLOW_LOG_ON) from None
                attempts += interrupted
                time.sleep(_RETRY_PAUSE)

    def _is_silent(self, seeker: Seeker) -> bool:
        """Whether its log-on has gone on for so long that nobody answers."""
        return seeker.began is not None and time.monotonic() - seeker.began >= self._settings.ping_timeout

    def _seek(self, seeker: Seeker, deadline: float, seeks: bool) -> tuple[Any, SessionState]:
        """Log on, unless that takes long, and a session comes back meanwhile.

        It has one call under way in a worker, and each call has a slot: one that is left alone keeps it until it ends.
        Raises CallTimeout, and what `Growth.draw` raises.
        """
        workers, health = self._parts.workers, seeker.native.health
        joins_at = time.monotonic() + LONG_LOG_ON if seeks else deadline
        takes = health.draws.growing and health.idle > 0
        call = self._take(seeker.native, seeker, deadline) if takes else self._log_on(seeker, deadline)
        try:
            while True:
                try:
                    seeker.bell.wait(min(deadline, joins_at))
                except BaseException as interrupt:
                    workers.leave(call)
                    raise Overdue(interrupt) from None
                home = self._seekers.accept(seeker)
                if call.ended:
                    self._decline(home)
                    drawn: tuple[Any, SessionState] | None = call.outcome()
                    if drawn is not None:
                        return drawn
                    call = self._log_on(seeker, deadline)  # another was quicker
                elif home is not None:
                    workers.leave(call)
                    call = self._take(home, seeker, deadline)
                elif time.monotonic() >= deadline:
                    if workers.abandon(call):
                        raise CallTimeout
                elif time.monotonic() >= joins_at:
                    joins_at = deadline
                    self._seekers.join(seeker)
                    if health.idle > 0 and self._slots.take_spare():
                        self._decline(seeker.native)
        finally:
            self._decline(self._seekers.leave(seeker))

    def _log_on(self, seeker: Seeker, deadline: float) -> Call:
        """Begin to log on."""
        return self._parts.workers.begin(partial(self._draw_new, seeker, deadline), self.came_late, seeker.bell)

    def _draw_new(self, seeker: Seeker, deadline: float) -> tuple[Any, SessionState]:
        """In a worker: log on."""
        connection, found = self._growth.draw(deadline, seeker)
        state = found.health.drawn(connection)
        found.health.forget_vanished()
        self._outage.succeeded()
        if self._growth.may_hold_unasked():
            self._wake()
        return connection, state

    def _take(self, home: NativePool, seeker: Seeker, deadline: float) -> Call:
        """Begin to draw an idle session, for which there is a slot."""
        take = partial(self._growth.take_idle, home, deadline, seeker)
        return self._parts.workers.begin(take, self.came_late, seeker.bell)

    def _decline(self, home: NativePool | None) -> None:
        """An idle session, and a slot, that its drawer does not need: both are the next one's, or else the slot is."""
        if home is not None and not self._seekers.offer(home):
            self._parts.pass_on()

    def came_late(self, drawn: tuple[Any, SessionState] | None, error: BaseException | None) -> None:
        """A call has ended after its caller had gone: keep the session for others, and pass the slot on."""
        if drawn is not None:
            self._returns.settle_and_wait(*drawn, None)
            return
        try:
            if error is not None and not isinstance(error, (CallTimeout, Occupied, StillDenied)):
                report(
                    log.info,
                    self._parts.where,
                    "late_log_on_failed",
                    "a log-on that nobody waits for any more failed: %(error)s",
                    error=error,
                )
                self._wake()
        finally:
            self._parts.pass_on()

    def _log_on_failed(self, cause: Exception, silent: bool = False) -> None:
        if self._outage.failed(cause, silent):
            self._wake()
