"""What an asyncio pool does in the background: find the database again, refill, retire, keep warm."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Coroutine
from typing import Any, Protocol

from orapool.activity import Activity
from orapool.aio.health import Health
from orapool.aio.line import Line
from orapool.aio.passwords import Overdue
from orapool.aio.returns import Returns
from orapool.aio.session_setup import SessionSetup, SetupOverdue
from orapool.causes import RETIRED
from orapool.credentials import Credentials
from orapool.errors import DatabaseUnavailable, OnSessionError, PoolError, denied
from orapool.health import SessionState
from orapool.keeper import NEVER, LookForDatabase, Retried
from orapool.logs import report
from orapool.pooling.log_ons import PATIENCE
from orapool.pooling.native_pools import StillDenied
from orapool.pooling.outage import Outage
from orapool.settings import PoolSettings

log = logging.getLogger("orapool.pool")

_ATTEMPT_SECONDS = 2.0
"""How long an attempt to find the database again may take."""
_JITTER = 0.2
_PERIOD = 5.0
"""Seconds between looks at the ages of sessions, where ages have a limit."""


class Source(Protocol):
    """The pool, as seen from here."""

    where: str
    settings: PoolSettings
    health: Health
    setup: SessionSetup
    owner: Credentials
    """The user of the settings."""

    @property
    def driver(self) -> Any:
        """The driver."""

    @property
    def line(self) -> Line:
        """The slots: whatever holds a session has one."""

    @property
    def size(self) -> int:
        """Sessions open or about to be."""

    async def log_on(self, home: Credentials, deadline: float) -> Any:
        """A new session. Raises `Overdue`, `DatabaseUnavailable` or `LogOnError`."""

    async def open_session(self, home: Credentials, deadline: float) -> Any:
        """The same, also in an outage. Raises `Overdue`, or the driver's error."""

    @property
    def returns(self) -> Returns:
        """Takes sessions back, or lets them go."""


class Upkeep:
    """The background tasks of one pool. Each runs when there is need, and none costs anything while there is not."""

    def __init__(self, pool: Source, outage: Outage, activity: Activity) -> None:
        self._pool = pool
        self._settings = pool.settings
        self._outage = outage
        self._activity = activity
        self._floor = 0
        self._stopped = False
        self._running: dict[str, asyncio.Task[None]] = {}

    def start(self) -> None:
        """Begin."""
        limits = self._settings.max_lifetime, self._settings.idle_timeout
        if any(limits):
            self._run("retire", self._retire_again_and_again(min((_PERIOD, *(limit / 4 for limit in limits if limit)))))

    def look(self) -> None:
        """Something has happened: look at the pool from time to time, until nothing does."""
        self._run("look at activity", self._look_again_and_again())

    def keep_warm(self) -> None:
        """There are sessions whose sockets the kernel does not watch: ping them."""
        self._run("keep warm", self._keep_warm_again_and_again())

    def stop(self) -> None:
        """End."""
        self._stopped = True
        for task in self._running.values():
            task.cancel()

    def drawn(self, new: bool, alone: bool) -> None:
        """A session was drawn: keep one from now on, and, when others are checked out at the same time, `min`.

        And open what `increment` asks for beside a new one. Who is alone does not need more sessions than this one.
        """
        if self._settings.user_source is not None:
            return  # nobody knows whose they should be
        if self._floor < self._settings.min:
            before, self._floor = self._floor, max(self._floor, 1) if alone else self._settings.min
            if self._floor > max(before, 1):
                self._run("fill", self._open_up_to(self._floor))
        if new and not alone and self._settings.increment > 1:
            self._run("grow", self._open_up_to(self._pool.size + self._settings.increment - 1))

    def look_at_size(self) -> None:
        """A session has gone: see to it that there are as many as are to be kept open, if nobody else does."""
        if self._is_short():
            self._run("refill", self._refill())

    def look_for_database(self) -> None:
        """An outage lasts: try again and again whether the database answers."""
        self._run("look", self._look_for_database())
        self.look()

    def _run(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run something in the background, unless it runs already."""
        task = self._running.get(name)
        if self._stopped or (task is not None and not task.done()):
            work.close()
            return
        self._running[name] = asyncio.get_running_loop().create_task(work)

    def _is_short(self) -> bool:
        return not self._stopped and self._outage.since is None and self._pool.size < self._floor

    async def _refill(self) -> None:
        while self._is_short():
            await asyncio.sleep(Retried.PAUSE)
            await self._open_up_to(self._floor)

    async def _open_up_to(self, wanted: int) -> None:
        """Open sessions that nobody waits for, as far as nobody waits for a slot."""
        deadline = time.monotonic() + (self._settings.connect_timeout or PATIENCE)
        try:
            # Slots alone do not keep to `max` here: idle sessions have none.
            wanted = min(wanted, self._settings.max)
            while self._pool.size < wanted and await self._open_one(self._pool.log_on(self._pool.owner, deadline)):
                pass
        except DatabaseUnavailable as error:  # of which the outage tells, once
            report(log.info, self._pool.where, "upkeep_failed", "%(error)s", error=error)
        except (Overdue, SetupOverdue):
            report(log.info, self._pool.where, "upkeep_failed", "a log-on, or on_session, has not ended")
        except PoolError as error:
            report(log.warning, self._pool.where, "upkeep_failed", "%(error)s", error=error)

    async def _open_one(self, log_on: Coroutine[Any, Any, Any]) -> bool:
        """Open a session; False when there is no slot for it."""
        if not self._pool.line.take_spare():
            log_on.close()
            return False
        try:
            connection = await log_on
            if self._pool.size > self._settings.max:  # a look whether the database is there
                fault: str | None = RETIRED
            else:
                deadline = time.monotonic() + (self._settings.connect_timeout or PATIENCE)
                fault = await self._pool.setup.begin(connection, deadline)
        except BaseException:
            self._pool.line.give()
            raise
        self._pool.returns.settle(connection, fault)
        return True

    async def _look_for_database(self) -> None:
        pause = LookForDatabase.FIRST_PAUSE
        while self._outage.since is not None:
            try:
                if await self._open_one(self._pool.open_session(self._pool.owner, time.monotonic() + _ATTEMPT_SECONDS)):
                    continue
            except Overdue:
                pass
            except (OnSessionError, SetupOverdue) as error:
                report(log.warning, self._pool.where, "upkeep_failed", "%(error)s", error=error)
            except Exception as error:
                cause = error.error if isinstance(error, StillDenied) else error
                if denied(cause):
                    report(
                        log.warning,
                        self._pool.where,
                        "log_on_denied",
                        "the database is there, and denies the log-on: %(cause)s",
                        cause=cause,
                    )
                    self._outage.succeeded()
                    return
                self._outage.failed(cause)
            await asyncio.sleep(pause * (1 + _JITTER * random.uniform(-1, 1)))
            pause = min(pause * 2, LookForDatabase.LONGEST_PAUSE)

    async def _look_again_and_again(self) -> None:
        while (due := self._activity.due()) != NEVER:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            try:
                self._activity.run()
            except Exception:
                report(log.exception, self._pool.where, "upkeep_failed", "looking at it failed, and goes on")

    async def _retire_again_and_again(self, period: float) -> None:
        while True:
            await asyncio.sleep(period)
            self._retire()

    def _retire(self) -> None:
        """Close idle sessions that are too old, and those beyond `min` that have not been used for `idle_timeout`."""
        now, idle_timeout = time.monotonic(), self._settings.idle_timeout
        for connection in self._pool.health.idle:
            state: SessionState = connection.session_state
            spare = idle_timeout and self._pool.size > self._settings.min and now - state.used >= idle_timeout
            if spare or now >= state.retires:
                self._pool.health.idle.remove(connection)
                self._pool.returns.let_go(connection, RETIRED)

    async def _keep_warm_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(self._settings.keepalive_idle)
            for connection in self._pool.health.idle:
                if connection.session_state.socket is None:
                    await self._keep_warm(connection)

    async def _keep_warm(self, connection: Any) -> None:
        """Ping an idle session whose socket the kernel does not watch."""
        if connection not in self._pool.health.idle or not self._pool.line.take_spare():
            return
        self._pool.health.idle.remove(connection)
        try:
            fault = await self._pool.health.ask(connection, time.monotonic() + self._settings.ping_timeout)
        except BaseException:
            self._pool.line.give()
            raise
        self._pool.returns.settle(connection, fault)
