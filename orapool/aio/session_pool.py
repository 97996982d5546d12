"""The asyncio pool: acquire, release, deadlines. See `orapool.aio` for what it stands on."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from orapool import forking, totals
from orapool.activity import Activity, is_looked_at, publisher
from orapool.aio.checkouts import Checkout
from orapool.aio.health import Health
from orapool.aio.idle import Idle
from orapool.aio.line import Line
from orapool.aio.log_ons import log_on
from orapool.aio.passwords import Overdue, Passwords
from orapool.aio.returns import CLOSE_LIMIT, Returns
from orapool.aio.session_setup import SessionSetup, SetupOverdue
from orapool.aio.upkeep import Upkeep
from orapool.causes import CLOSED, MADE_ROOM
from orapool.checked_out import CheckedOut
from orapool.counters import Counters, PoolStats
from orapool.credentials import Credentials, of_checkout, of_settings
from orapool.drivers import find_async_driver
from orapool.dsn import mask
from orapool.errors import DatabaseUnavailable, PoolClosed, PoolError, PoolTimeout, error_codes, log_on_error
from orapool.logs import Where, report
from orapool.pooling.log_ons import PATIENCE
from orapool.pooling.native_pools import StillDenied
from orapool.pooling.outage import Outage
from orapool.pooling.slots import LineClosed
from orapool.pooling.timeouts import MOST_HOLDERS, timed_out
from orapool.settings import PoolSettings
from orapool.tags import Resolver, Tags, make_tags, script_name

log = logging.getLogger("orapool.pool")

_CUT_OFF = "DPY-4011"
"""What a log-on fails with when the other side ends the connection in the middle of it."""
_LOG_ON_ATTEMPTS = 5
_RETRY_PAUSE = 0.005
"""Seconds before another log-on after one that was cut off."""

_ALL_IN_USE = (
    "all sessions are in use",
    "close connections sooner (`async with orapool.aconnection() as ...`), or raise max or acquire_timeout",
)
_SLOW_SETUP = ("on_session has not ended", "make it quicker, or raise acquire_timeout")
_SLOW_LOG_ON = ("a log-on has not ended", "check whether the database answers, or raise acquire_timeout")


class AsyncPool:
    """One pool of sessions, shared by all tasks of an event loop. It belongs to the loop in which it is made.

    >>> pool = AsyncPool(load_settings(url="oracle://scott:tiger@db:1521/?service_name=sales"))
    >>> async with pool.acquire() as connection:
    ...     await connection.execute("update stock set amount = amount - 1")
    """

    def __init__(self, settings: PoolSettings, name: str = "default") -> None:
        self.name = name
        self.settings = settings
        self.owner = of_settings(settings)
        self._at = f"{settings.user or 'external user'}@{mask(settings.dsn)}"
        self.where = self._where(settings.user)
        self.driver = find_async_driver(settings.driver, settings.thick)
        told = (settings.action, settings.client_identifier, settings.clientinfo)
        self._tags = Resolver(Tags(settings.module or script_name(), *told))
        self.setup = SessionSetup(self.where, settings, self.driver, self._let_go)
        self._loop = asyncio.get_running_loop()
        self._start_afresh()
        forking.remember(self)

    def _start_afresh(self) -> None:
        self._line = Line(self.settings.max)
        self._log_ons_under_way = 0
        self._counters = Counters()
        self.health = Health(self.where, self.driver, self.settings, self._let_go)
        self.returns = Returns(self, self._loop, self._counters.count_dropped, lambda: self._upkeep.look_at_size())
        totals.enter(self, self._counters)
        wake = (lambda: self._upkeep.look()) if is_looked_at(self.settings) else None
        self._lent = CheckedOut(self.name, self._counters, self.settings.leak_threshold, wake)
        self._strays: deque[Any] = deque()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._passwords = Passwords(self.settings, self.where)
        self._outage = Outage(self.where)
        self._activity = Activity(
            self._lent,
            self.stats,
            publisher(self.name, "asyncio", self.driver.name, self.settings),
            lambda: (self._counters.events, self._outage.since),
        )
        self._upkeep: Upkeep = Upkeep(self, self._outage, self._activity)
        self._end: AsyncGenerator[None, None] | None = None

    def _let_go(self, connection: Any, cause: str) -> None:
        """Take a session out of the pool."""
        self.returns.let_go(connection, cause)

    def _where(self, user: str | None) -> str:
        """What to call the pool, and whom it logs on as, in messages."""
        text = f"pool {self.name!r} of an event loop, {user or 'external user'}@{mask(self.settings.dsn)}"
        return Where(text, self.name)

    # Checking out: stand in line for one of `max` slots, take an idle session or log on, check it, hand it over.

    def acquire(
        self,
        timeout: float | None = None,
        call_timeout: float | None = None,
        *,
        user: str | None = None,
        password: str | None = None,
        module: str | None = None,
        action: str | None = None,
        client_identifier: str | None = None,
        clientinfo: str | None = None,
    ) -> Checkout:
        """Check out a session: ``await`` gives a connection of the driver, whose close() gives it back.

        `timeout`: seconds to wait for it, in all; None takes the setting `acquire_timeout`; 0 does not stand in line,
        but takes an idle session or logs on, within `connect_timeout`. Tasks are served first come, first served.
        `call_timeout`: seconds that a round trip on it may take; None takes the setting.
        The others say whom its session is logged on as, and who is at work: see `SessionPool.acquire`.

        Raises `PoolTimeout` when the time is over, `PoolClosed`, `DatabaseUnavailable` or `LogOnError` when a new
        session is needed and cannot be had, `OnSessionError` when `on_session` failed on it. A task may be cancelled at
        any time.

        >>> async with pool.acquire(timeout=2) as connection:
        ...     await connection.execute("update stock set amount = amount - 1")
        ...     await connection.commit()
        """
        given = None
        if not (module is action is client_identifier is clientinfo is None):
            given = make_tags(module, action, client_identifier, clientinfo)
        return Checkout(lambda: self._acquire(timeout, call_timeout, user, password, given))

    async def _acquire(
        self,
        timeout: float | None,
        call_timeout: float | None,
        user: str | None,
        password: str | None,
        given: Tags | None,
    ) -> Any:
        if asyncio.get_running_loop() is not self._loop:
            raise PoolError(
                f"pool {self.name!r} belongs to another event loop: call orapool.apool() in the loop that uses it"
            )
        settings = self.settings
        seconds = settings.acquire_timeout if timeout is None else timeout
        call_timeout = settings.call_timeout if call_timeout is None else call_timeout
        asked = user is not None or password is not None or settings.user_source is not None
        home = of_checkout(settings, user, password) if asked else self.owner
        tags = self._tags.resolve(given)
        asked_at = time.monotonic()
        deadline = asked_at + seconds
        await self._stand_in_line(deadline, seconds)
        try:
            # Whoever does not stand in line may still log on.
            limit = deadline if seconds > 0 else deadline + (settings.connect_timeout or PATIENCE)
            connection = await self._draw(home, tags, limit, seconds, call_timeout)
        except BaseException:
            self._line.give()
            raise
        connection.lent_by = self  # from now on it comes back, whatever happens
        task = asyncio.current_task()
        self._lent.add(connection, asked_at, f"task {task.get_name()}" if task else "no task")
        return connection

    async def _stand_in_line(self, deadline: float, seconds: float) -> None:
        """Get one of the `max` slots, in turn."""
        if self._outage.since is not None and not self._lent and not self.health.any_alive():
            raise self._unavailable()
        try:
            served = await self._line.take(deadline)
        except LineClosed as closed:
            raise PoolClosed(f"pool {self.name!r} {closed}") from None
        if not served:
            raise self._timed_out(seconds, _ALL_IN_USE)

    async def _draw(self, home: Credentials, tags: Tags, deadline: float, seconds: float, call_timeout: float) -> Any:
        """Draw a live session: an idle one whose path is known to be good, or can be shown to be, or a new one."""
        if self._end is None:
            await self._open()
        for attempt in itertools.count():
            connection = self._draw_idle(home)
            if connection is None:
                try:
                    connection = await self.returns.seekers.first_of(
                        home, self.log_on(home, deadline), lambda: self._draw_idle(home)
                    )
                except Overdue:
                    raise self._timed_out(seconds, _SLOW_LOG_ON) from None
            fault = await self.health.find_fault(connection, deadline)
            if fault is None and connection.session_state.told is not tags:
                try:
                    fault = await self.setup.prepare(connection, tags, deadline, attempt)
                except SetupOverdue:
                    raise self._timed_out(seconds, _SLOW_SETUP) from None
            fault = fault or self._set_call_timeout(connection, call_timeout)
            if fault is None and self._line.closed:
                fault = CLOSED
            if fault is None:
                break
            self.returns.let_go(connection, fault)
            if fault == CLOSED:
                raise PoolClosed(f"pool {self.name!r} was closed while waiting for a session")
        self._upkeep.drawn(new=connection.session_state.draws == 1 and home == self.owner, alone=not self._lent)
        return connection

    def _draw_idle(self, home: Credentials) -> Any:
        """An idle session of a user, or None."""
        connection: Any = self.health.idle.find(home) if self.health.any_alive() else None
        if connection is not None:
            self.health.idle.remove(connection)
            connection.session_state.draws += 1
        return connection

    def _set_call_timeout(self, connection: Any, seconds: float) -> str | None:
        """What is wrong with a session that does not even take its call time-out."""
        try:
            self.driver.set_call_timeout(connection, seconds)
        except self.driver.dbapi.Error as error:
            return next(error_codes(error), type(error).__name__)
        return None

    async def log_on(self, home: Credentials, deadline: float) -> Any:
        """A new session of a user, by the deadline. Whoever is cancelled takes its log-on with it.

        Raises `Overdue`, `DatabaseUnavailable` or `LogOnError`, and tells the outage of what came of it.
        """
        if self._outage.since is not None:
            raise self._unavailable()
        started = time.monotonic()
        for attempt in range(1, _LOG_ON_ATTEMPTS + 1):
            try:
                await self._make_room()
                return await self.open_session(home, deadline)
            except StillDenied as error:
                raise log_on_error(error.error, self._where(home.user), error.more) from error.error
            except Overdue:
                if time.monotonic() - started >= self.settings.ping_timeout:
                    self._log_on_failed(self.driver.unreachable("timed out: the log-on got no answer"), silent=True)
                raise
            except self.driver.dbapi.Error as error:
                if attempt < _LOG_ON_ATTEMPTS and _CUT_OFF in error_codes(error):
                    await asyncio.sleep(_RETRY_PAUSE)
                    continue
                raised = log_on_error(error, self._where(home.user))
                if isinstance(raised, DatabaseUnavailable):
                    self._log_on_failed(error, time.monotonic() - started >= self.settings.ping_timeout)
                raise raised from error
        raise AssertionError("unreachable")

    async def open_session(self, home: Credentials, deadline: float) -> Any:
        """Log on, and let the kernel watch the session. Raises `Overdue`, `StillDenied`, or the driver's error."""
        self._log_ons_under_way += 1
        begun = time.monotonic()
        try:

            def attempt(password: str | None) -> Coroutine[Any, Any, Any]:
                return log_on(self.driver, self.settings, replace(home, password=password), deadline)

            if home.password is None and self.settings.has_password:
                connection = await self._passwords.log_on(attempt, deadline)
            else:
                connection = await attempt(home.password)
        finally:
            self._log_ons_under_way -= 1
        self.health.admit(connection, home)
        self._counters.count_log_on()
        took = time.monotonic() - begun
        self._counters.log_on_times.add(took)
        report(log.debug, self.where, "log_on", "logged on in %(seconds).3f s", seconds=took)
        if connection.session_state.socket is None:
            self._upkeep.keep_warm()
        self._outage.succeeded()
        return connection

    async def _make_room(self) -> None:
        """Close sessions of other users that `max` would not let in beside a new one: those idle longest."""
        while self.size >= self.settings.max and len(self.health.idle):
            connection = self.health.idle.oldest()
            self.health.idle.remove(connection)
            self.returns.depart(connection, MADE_ROOM)
            await self.returns.log_off(connection)

    def _log_on_failed(self, cause: Exception, silent: bool = False) -> None:
        if self._outage.failed(cause, silent):
            self._upkeep.look_for_database()

    def _unavailable(self) -> DatabaseUnavailable:
        self._upkeep.look_for_database()  # unless it does already
        return self._outage.error()

    def _timed_out(self, seconds: float, reason: tuple[str, str]) -> PoolTimeout:
        self._counters.count_timeout()
        return timed_out(
            self.name,
            seconds,
            reason,
            most=self.settings.max,
            busy=self._line.busy,
            waiting=self._line.waiting,
            holders=self._lent.holdings(MOST_HOLDERS) if reason is _ALL_IN_USE else (),
        )

    # Giving back: see returns.py.

    async def take_back(self, connection: Any) -> None:
        """A connection was closed: called by its close(). A lost session is dropped instead of put back."""
        self._lent.remove(connection)
        await self.returns.take_back(connection)

    def take_out(self, connection: Any, cause: str) -> None:
        """A connection shall leave the pool: called by its drop()."""
        self._lent.remove(connection)
        self.returns.take_out(connection, cause)

    def drop(self, connection: Any) -> None:
        """Close a checked-out session instead of giving it back; the pool opens a new one when it needs one.

        >>> pool.drop(connection)
        """
        connection.drop()

    def reclaim(self, connection: Any) -> None:
        """A connection was garbage-collected without close(): called by its __del__."""
        # The collector runs anywhere, in any thread.
        self._strays.append(connection)
        try:
            self._loop.call_soon_threadsafe(self._sweep)
        except RuntimeError:  # the loop is closed
            self.abandon()

    def _sweep(self) -> None:
        while self._strays:
            connection = self._strays.popleft()
            self._lent.tell_reclaimed(connection)
            self.spawn(self.take_back(connection))

    # Opening, upkeep, closing.

    async def _open(self) -> None:
        """Begin. Nothing is talked to."""
        self._end = self._until_the_loop_ends()
        await self._end.__anext__()
        self._upkeep.start()
        report(log.info, self.name, "opened", "opened: %(state)s", state=repr(self))

    async def _until_the_loop_ends(self) -> AsyncGenerator[None, None]:
        """`asyncio.run` closes asynchronous generators at its end, while the loop still runs: the last chance."""
        try:
            yield
        finally:
            await self.close()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something in the background."""
        task = self._loop.create_task(work)
        self.remember(task)
        return task

    def remember(self, task: asyncio.Task[Any]) -> None:
        """A task goes on in the background, until it ends or the pool does."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Close the pool. Idle sessions are closed now, those checked out when they are given back.

        From now on acquire() raises `PoolClosed`; tasks that wait in line get it at once. Takes a few seconds at most,
        also when the database does not answer. A second call does nothing.
        """
        if self._line.closed:
            return
        self._line.close()
        self._upkeep.stop()
        for connection in self.health.idle:
            self.health.idle.remove(connection)
            self.returns.let_go(connection, CLOSED)
        under_way = self._tasks - {asyncio.current_task()}
        if under_way:
            _, late = await asyncio.wait(under_way, timeout=CLOSE_LIMIT)
            for task in late:
                task.cancel()
            if late:
                report(log.warning, self.name, "log_offs_unanswered", "the database does not answer the log-offs")
        self.health.close()
        self._activity.end()
        report(log.info, self.name, "closed", "closed")

    def abandon(self) -> None:
        """Let the server know of the end of all sessions when the loop is closed, and nothing can be awaited."""
        self._line.close()
        for state in list(self.health.wires):
            if state.socket is not None:
                state.socket.shut_down()
            self.health.forget(state)
            self._counters.count_dropped(CLOSED)
        self.health.idle = Idle()
        self._strays.clear()
        self.health.close()
        self._activity.end()

    # Looking at it.

    @property
    def size(self) -> int:
        """Sessions open or about to be."""
        return len(self.health.wires) + self._log_ons_under_way

    @property
    def line(self) -> Line:
        """The slots."""
        return self._line

    def stats(self) -> PoolStats:
        """The pool's numbers at this moment; see `PoolStats`. Costs no round trip.

        >>> pool.stats().opened
        4
        """
        return self._counters.stats(
            opened=len(self.health.wires),
            busy=self._line.busy,
            idle=len(self.health.idle),
            waiting=self._line.waiting,
            calls=len(self._tasks),
            abandoned_calls=0,
            outage_since=self._outage.since,
            longest=self._lent.longest(),
        )

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return self._line.closed

    def publish(self) -> None:
        """Publish the numbers as they are now, instead of within a second."""
        self._activity.publish()

    def __repr__(self) -> str:
        state = "closed" if self._line.closed else "open" if self._end is not None else "not used yet"
        if self._outage.since is not None:
            state += ", database unavailable"
        stats = self.stats()
        return (
            f"<AsyncPool {self.name!r} {self.driver.name} {self._at}: {state}, "
            f"{stats.opened} opened, {stats.busy} busy, {stats.idle} idle, {stats.waiting} waiting, "
            f"min {self.settings.min}, max {self.settings.max}>"
        )

    @asynccontextmanager
    async def transaction(self, timeout: float | None = None, **options: Any) -> AsyncIterator[Any]:
        """A connection whose work is committed at the end of the block, and rolled back if the block raises.

        The parameters are those of `acquire`.

        >>> async with pool.transaction() as connection:
        ...     await connection.execute("update stock set amount = amount - 1")
        """
        async with self.acquire(timeout, **options) as connection:
            yield connection
            await connection.commit()

    # Forking: the child has no event loop to run this pool in.

    def before_fork(self, seconds: float) -> None:
        """Nothing: all is in this thread, or waits."""

    def after_fork_in_parent(self) -> None:
        """Nothing."""

    def after_fork(self) -> None:
        """In a forked child: leave alone the parent's sessions, and its event loop, whose selector both share."""
        for wire in self.health.wires.values():
            forking.leak(wire.transport)
            wire.disown()
        # The loop holds what waits in it: the parent's tasks, which would end their calls if they were freed here.
        forking.disown(
            *(self.driver, self._lent.connections()),
            *(self._loop, self.health.idle, self._strays, self._tasks, self._upkeep, self._end),
        )
        self._start_afresh()
        self._line.close()
