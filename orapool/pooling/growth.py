"""Growing: drawing what may take a log-on, in a worker, one log-on at a time."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator
from functools import partial
from typing import Any, Callable

from orapool.drivers.base import Driver
from orapool.health import SessionState
from orapool.logs import report
from orapool.pooling.gate import Occupied
from orapool.pooling.log_ons import PATIENCE, LogOns
from orapool.pooling.native_pool import NativePool
from orapool.pooling.native_pools import NativePools, Superseded
from orapool.pooling.seekers import Seeker
from orapool.settings import PoolSettings

log = logging.getLogger("orapool.pool")

_LOOK_PAUSE = 0.002
"""Seconds between looks at whether others have done."""
_UNASKED_SECONDS = 60.0
"""How long after a call that went otherwise the driver may still open a session that nobody takes."""


class Growth:
    """Draws sessions of one session pool's native pools where that may block.

    Args:
        natives: the native pools.
        logged_on: notes how many seconds a log-on took.
    """

    def __init__(
        self,
        natives: NativePools,
        settings: PoolSettings,
        driver: Driver,
        log_ons: LogOns,
        logged_on: Callable[[float], object],
    ) -> None:
        self._natives = natives
        self._settings = settings
        self._driver = driver
        self._log_ons = log_ons
        self._logged_on = logged_on

    def take_idle(self, native: NativePool, deadline: float, seeker: Seeker) -> tuple[Any, SessionState] | None:
        """In a worker: draw an idle session that is there for a seeker. None where it is not, or not any more."""
        while not seeker.over:
            native.health.clear_ended()
            drawn = self._natives.draw_idle(native, may_block=True)
            held_up = native.gate.dropping or native.health.draws.slow
            if drawn is not None or not held_up or time.monotonic() >= deadline:
                return drawn
            time.sleep(_LOOK_PAUSE)
        return None

    def draw(self, deadline: float, seeker: Seeker) -> tuple[Any, NativePool]:
        """In a worker: draw a session, which may find dead ones, and may log on. With the native pool that it is of.

        A log-on whose password is denied is made once more, if there is another password by now.

        Raises what the driver raises, `DeadIdleSession`, `StillDenied`, and `Occupied` where others log on until then,
        or until the seeker has found another.
        """
        natives, native = self._natives, seeker.native
        denied = False
        while True:
            native = native.newest
            if not natives.enter(native):
                raise Occupied
            try:
                connection = self._draw_from(native, deadline, seeker)
                while len(natives.all) > 1 and natives.total > self._settings.max and natives.evict(deadline):
                    pass  # it was to draw an idle session, which another has drawn meanwhile
                if connection.session_state is not None:  # it has just logged on
                    natives.outdate_older(native)
                return connection, native
            except Superseded:
                continue
            except self._driver.dbapi.Error:
                if denied or native.successor is None:
                    raise
                denied = True
            finally:
                natives.leave(native)

    def may_hold_unasked(self) -> bool:
        """Whether a driver may have opened a session that nobody asked for, or be about to: see `draw_unasked`."""
        return self.unasked_since() is not None

    def unasked_since(self) -> float | None:
        """Since when, a time of ``time.monotonic``; None where it may not."""
        if not self._driver.logs_on_unasked:
            return None
        since = max((each.deviated for each in self._natives.all), default=float("-inf"))
        return since if since > time.monotonic() - _UNASKED_SECONDS else None

    def draw_unasked(self) -> tuple[Any, NativePool] | None:
        """In a worker: draw a session that a native pool has opened by itself, if there is one.

        Nobody knows it, so nobody watches it, and it does not count. It shows only while nobody logs on or off.
        """
        for native in self._natives.all:
            if not self._natives.enter(native, alone=True):
                continue
            try:
                threads = self._driver.log_on_threads(native.handle)
                draw = partial(self._draw_unasked_of, native)
                connection = self._log_ons.run(draw, time.monotonic() + PATIENCE, threads)
                if connection is not None:
                    report(log.info, native.where, "adopted", "took in a session that the driver had opened by itself")
                    return connection, native
            finally:
                self._natives.leave(native)
        return None

    def _draw_unasked_of(self, native: NativePool, _seconds: float) -> Any:
        native.health.forget_vanished()
        return self._driver.draw_unasked(native.handle, native.health.total)

    def _draw_from(self, native: NativePool, deadline: float, seeker: Seeker) -> Any:
        driver = self._driver
        self._natives.check_password(native, nested=False)
        turn = contextlib.nullcontext() if driver.grows_alone else self._turn(native, deadline)
        with self._natives.room(native, deadline), turn:
            threads = driver.log_on_threads(native.handle)
            return self._log_ons.run(partial(self._grow, native, deadline, seeker), deadline, threads)

    @contextlib.contextmanager
    def _turn(self, native: NativePool, deadline: float) -> Iterator[None]:
        """Log on one at a time, as the thread of python-oracledb's pool does anyway: who waits here sends nothing."""
        if native.health.idle > 0:
            yield
            return
        if not native.turn.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise Occupied
        try:
            yield
        finally:
            native.turn.release()

    def _grow(self, native: NativePool, deadline: float, seeker: Seeker, seconds: float) -> Any:
        """Draw from the driver's pool, which may log on, and may go on for so many seconds."""
        alone = self._driver.grows_alone
        with native.gate.growth(max(0.0, deadline - time.monotonic())) if alone else contextlib.nullcontext():
            self._natives.check_password(native, nested=True)
            if seeker.over:
                raise Occupied
            seeker.began = begun = time.monotonic()
            try:
                with native.health.draws.growth():
                    connection = self._driver.acquire(native.handle, seconds)
            except self._driver.dbapi.Error as error:
                # While nobody else is let in: of many who ask at once, one is denied, and not each of them.
                self._natives.note_denied(native, error, nested=True)
                native.deviated = time.monotonic()
                raise
            if connection.session_state is None:  # not a new one
                native.deviated = time.monotonic()
            else:
                took = time.monotonic() - begun
                self._logged_on(took)
                report(log.debug, native.where, "log_on", "logged on in %(seconds).3f s", seconds=took)
            native.denial = None
            return connection
