"""What a pool does in the background: find the database again, refill, retire, keep warm."""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import Any, Callable

from orapool.causes import RETIRED
from orapool.errors import DatabaseUnavailable, PoolError, denied
from orapool.health import SessionState
from orapool.keeper import Keeper, LookForDatabase, Periodic, Rarer, Retried, Task, WhenThere
from orapool.logs import report
from orapool.pooling.floor import Floor
from orapool.pooling.log_ons import CUT_PAUSE, PATIENCE
from orapool.pooling.native_pool import NativePool
from orapool.pooling.parts import Parts
from orapool.pooling.spares import Spares
from orapool.workers import CallTimeout

log = logging.getLogger("orapool.pool")


_ATTEMPT_LIMIT = 1
"""Seconds that an attempt to find the database again may take to connect."""
_PERIOD = 5.0
"""Seconds between looks at the ages of sessions, where ages have a limit."""


class Upkeep:
    """The background tasks of one pool, run by its keeper."""

    def __init__(self, parts: Parts, spares: Spares, floor: Floor) -> None:
        self._name = parts.name
        self._where = parts.where
        self._driver = parts.driver
        self._settings = parts.settings
        self._natives = parts.natives
        self._unasked_since = parts.growth.unasked_since
        self._outage = parts.outage
        self._log_ons = parts.log_ons
        self._workers = parts.workers
        self._spares = spares
        self._floor = floor

    def keeper(self, *others: Task) -> Keeper:
        """The thread that does it all, and the tasks of others, not started yet."""
        limits = self._settings.max_lifetime, self._settings.idle_timeout
        ages = min((_PERIOD, *(limit / 4 for limit in limits if limit))) if any(limits) else 0.0
        return Keeper(
            self._name,
            [
                LookForDatabase(lambda: self._outage.since is not None, self._look_for_database),
                WhenThere(self._floor.asked, self._fill_as_asked),
                Retried(self._floor.is_short, self._fill),
                Rarer(self._unasked_since, self._spares.adopt_unasked),
                Retried(self._log_ons.any_overdue, self._log_ons.cut_overdue, CUT_PAUSE),
                Periodic(ages, self._retire),
                Periodic(self._settings.keepalive_idle, self._keep_warm),
                *others,
            ],
        )

    def _fill_as_asked(self) -> None:
        self._floor.asked.clear()
        self._fill()

    def _fill(self) -> None:
        """Open the sessions that are to be kept open and nobody else waits for."""
        self._open_up_to(self._floor.sessions)

    def grow(self) -> None:
        """A session was opened: open those that `increment` asks for beside it, as far as nobody waits for a slot."""
        self._open_up_to(min(self._natives.total + self._settings.increment - 1, self._settings.max))

    def _open_up_to(self, wanted: int) -> None:
        missing = wanted - self._natives.total
        if missing > 0 and self._settings.user_source is None:
            deadline = time.monotonic() + (self._settings.connect_timeout or PATIENCE)
            primary = self._natives.primary
            # The native pool gives its idle sessions first.
            self._visit(primary, missing + primary.health.idle, deadline, lambda connection, state: None)

    def _look_for_database(self) -> None:
        """Log on outside of the native pools; if that works, or only the password is wrong, the outage is over."""
        self._log_ons.cut_overdue()
        primary = self._natives.primary
        attempt = partial(self._driver.log_on, self._settings, primary.credentials, _ATTEMPT_LIMIT)
        limit = time.monotonic() + 2 * _ATTEMPT_LIMIT
        try:
            self._workers.run(lambda: self._log_ons.run(lambda _left: attempt(), limit), limit)
        except CallTimeout:
            self._log_ons.cut_overdue()
            raise
        except Exception as error:
            if not denied(error):
                self._outage.failed(error)
                report(log.debug, primary.where, "outage_lasts", "the database is still away: %(error)s", error=error)
                raise
            report(
                log.warning,
                primary.where,
                "log_on_denied",
                "the database is there, and denies the log-on: %(error)s",
                error=error,
            )
            self._workers.run(partial(self._natives.note_denied, primary, error), limit)
        self._outage.succeeded()

    def _visit(
        self, native: NativePool, most: int, deadline: float, judge: Callable[[Any, SessionState], str | None]
    ) -> None:
        """Draw up to so many sessions that nobody needs now; let go of those that ``judge`` gives a cause for."""
        drawn: list[tuple[Any, SessionState]] = []
        try:
            while len(drawn) < most:
                spare = self._spares.draw(native, deadline)
                if spare is None:
                    break
                drawn.append(spare)
        except DatabaseUnavailable as error:  # of which the outage tells, once
            report(log.info, self._where, "upkeep_failed", "%(error)s", error=error)
        except PoolError as error:
            report(log.warning, self._where, "upkeep_failed", "%(error)s", error=error)
        finally:
            for connection, state in drawn:
                self._spares.give_back(connection, state, judge(connection, state))

    def _retire(self) -> None:
        """Close idle sessions that are too old, and those beyond `min` that have not been used for `idle_timeout`."""
        now = time.monotonic()
        spare = self._natives.total - self._settings.min
        idle_timeout = self._settings.idle_timeout

        def judge(_connection: Any, state: SessionState) -> str | None:
            nonlocal spare
            if now >= state.retires:
                return RETIRED
            if idle_timeout and spare > 0 and now - state.used >= idle_timeout:
                spare -= 1
                return RETIRED
            return None

        for native in self._natives.all:
            if native.health.any_to_retire(now, idle_timeout if spare > 0 else 0.0):
                self._visit(native, native.health.idle, now + self._settings.ping_timeout, judge)

    def _keep_warm(self) -> None:
        """Ping idle sessions whose sockets the kernel does not watch."""
        for native in self._natives.all:
            if native.health.blind:
                self._ping_idle(native)

    def _ping_idle(self, native: NativePool) -> None:
        deadline = time.monotonic() + self._settings.ping_timeout
        self._visit(
            native,
            native.health.idle,
            deadline,
            lambda connection, state: state.home.health.ask(connection, state, deadline),
        )
