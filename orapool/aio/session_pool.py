"""The asyncio pool: acquire, release, deadlines. See `orapool.aio` for what it stands on."""

from __future__ import annotations

import asyncio
import logging
import time
import weakref
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

from orapool import forking
from orapool.aio.checkouts import Checkout
from orapool.aio.line import Line
from orapool.aio.log_ons import Overdue, log_on
from orapool.aio.upkeep import Upkeep
from orapool.causes import (
    CLOSED,
    ENDED,
    ORDERLY,
    PING_CUT_SHORT,
    PING_UNANSWERED,
    RETIRED,
    ROLLBACK_UNANSWERED,
    UNDER_WAY,
)
from orapool.counters import Counters, PoolStats
from orapool.drivers import find_async_driver
from orapool.drivers.wires import Interrupted, Wire
from orapool.dsn import mask
from orapool.errors import DatabaseUnavailable, PoolClosed, PoolError, PoolTimeout, error_codes, log_on_error
from orapool.health import SessionState, retirement
from orapool.outage import Outage
from orapool.settings import PoolSettings
from orapool.slots import LineClosed
from orapool.sockets import KeepAlive, SocketWatch, owned
from orapool.upkeep import PATIENCE

log = logging.getLogger("orapool.pool")

_CUT_OFF = "DPY-4011"
"""What a log-on fails with when the other side ends the connection in the middle of it."""
_LOG_ON_ATTEMPTS = 5
_RETRY_PAUSE = 0.005
"""Seconds before another log-on after one that was cut off."""
_CLOSE_LIMIT = 1.5
"""Seconds that the log-offs of a closing pool may take in all."""

_ALL_IN_USE = (
    "all sessions are in use",
    "close connections sooner (`async with orapool.aconnection() as ...`), or raise max or acquire_timeout",
)
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
        self.where = f"pool {name!r} of an event loop, {settings.user}@{mask(settings.dsn)}"
        self.driver = find_async_driver(settings.driver)
        self._loop = asyncio.get_running_loop()
        self._keep_alive = KeepAlive(
            settings.keepalive_idle, settings.keepalive_interval, settings.keepalive_probes, settings.user_timeout
        )
        self._start_afresh()
        forking.remember(self)

    def _start_afresh(self) -> None:
        self._line = Line(self.settings.max)
        self._watch = SocketWatch()
        self._wires: dict[SessionState, Wire] = {}
        """The sessions."""
        self._log_ons_under_way = 0
        self._idle: list[Any] = []
        """Connections that nobody has, the one used last at the end."""
        self._out: dict[int, weakref.ref[Any]] = {}
        self._strays: deque[Any] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._counters = Counters()
        self._outage = Outage(self.where)
        self._upkeep = Upkeep(self, self._outage)
        self._end: AsyncGenerator[None, None] | None = None

    # Checking out: stand in line for one of `max` slots, take an idle session or log on, check it, hand it over.

    def acquire(self, timeout: float | None = None, call_timeout: float | None = None) -> Checkout:
        """Check out a session: ``await`` gives a connection of the driver, whose close() gives it back.

        `timeout`: seconds to wait for it, in all; None takes the setting `acquire_timeout`; 0 does not stand in line,
        but takes an idle session or logs on, within `connect_timeout`. Tasks are served first come, first served.
        `call_timeout`: seconds that a round trip on it may take; None takes the setting.

        Raises `PoolTimeout` when the time is over, `PoolClosed`, `DatabaseUnavailable` or `LogOnError` when a new
        session is needed and cannot be had. A task may be cancelled at any time.

        >>> async with pool.acquire(timeout=2) as connection:
        ...     await connection.execute("update stock set amount = amount - 1")
        ...     await connection.commit()
        """
        return Checkout(lambda: self._acquire(timeout, call_timeout))

    async def _acquire(self, timeout: float | None, call_timeout: float | None) -> Any:
        if asyncio.get_running_loop() is not self._loop:
            raise PoolError(
                f"pool {self.name!r} belongs to another event loop: call orapool.apool() in the loop that uses it"
            )
        seconds = self.settings.acquire_timeout if timeout is None else timeout
        deadline = time.monotonic() + seconds
        await self._stand_in_line(deadline, seconds)
        try:
            # Whoever does not stand in line may still log on.
            limit = deadline if seconds > 0 else deadline + (self.settings.connect_timeout or PATIENCE)
            connection = await self._draw(
                limit, seconds, self.settings.call_timeout if call_timeout is None else call_timeout
            )
        except BaseException:
            self._line.give()
            raise
        self._out[id(connection)] = weakref.ref(connection)
        connection.lent_by = self
        self._counters.checkouts.add()
        return connection

    async def _stand_in_line(self, deadline: float, seconds: float) -> None:
        """Get one of the `max` slots, in turn."""
        if self._outage.since is not None and not self._out and not self._any_alive():
            raise self._unavailable()
        try:
            served = await self._line.take(deadline)
        except LineClosed as closed:
            raise PoolClosed(f"pool {self.name!r} {closed}") from None
        if not served:
            raise self._timed_out(seconds, *_ALL_IN_USE)

    async def _draw(self, deadline: float, seconds: float, call_timeout: float) -> Any:
        """Draw a live session: an idle one whose path is known to be good, or can be shown to be, or a new one."""
        if self._end is None:
            await self._open()
        while True:
            if self._any_alive():
                connection = self._idle.pop()
                connection.session_state.draws += 1
            else:
                try:
                    connection = await self.log_on(deadline)
                except Overdue:
                    raise self._timed_out(seconds, *_SLOW_LOG_ON) from None
            fault = await self._find_fault(connection, deadline) or self._set_call_timeout(connection, call_timeout)
            if fault is None and self._line.closed:
                fault = CLOSED
            if fault is None:
                break
            self.let_go(connection, fault)
            if fault == CLOSED:
                raise PoolClosed(f"pool {self.name!r} was closed while waiting for a session")
        self._upkeep.drawn(new=connection.session_state.draws == 1)
        return connection

    def _set_call_timeout(self, connection: Any, seconds: float) -> str | None:
        """What is wrong with a session that does not even take its call time-out."""
        try:
            self.driver.set_call_timeout(connection, seconds)
        except self.driver.dbapi.Error as error:
            return next(error_codes(error), type(error).__name__)
        return None

    def _any_alive(self) -> bool:
        """Whether there is an idle session whose connection stands, for all that is known; ended ones go."""
        ended = self._watch.ended()
        for connection in list(self._idle) if ended else ():
            if connection.session_state.socket in ended:
                self.take_idle(connection)
                self.let_go(connection, ENDED)
        return bool(self._idle)

    async def _find_fault(self, connection: Any, deadline: float) -> str | None:
        """Why a session must not be handed out, or None: it is alive.

        Costs nothing if its path was confirmed within ``trust`` seconds, by use or by an acknowledged keep-alive probe;
        else it is pinged.
        """
        state: SessionState = connection.session_state
        if connection.wire.over:
            return ENDED
        if time.monotonic() >= state.retires:
            return RETIRED
        if state.draws == 1 or state.is_recent(state.confirmed, self.settings.trust):
            return None
        seen = state.last_seen_alive()
        if seen == float("-inf"):
            return ENDED
        return None if state.is_recent(seen, self.settings.trust) else await self.ask(connection, deadline)

    async def ask(self, connection: Any, deadline: float) -> str | None:
        """Ping a session by the deadline; why it must not be handed out, or None: it is alive."""
        left = deadline - time.monotonic()
        try:
            await self.driver.ping(connection, min(left, self.settings.ping_timeout))
        except Interrupted:
            if connection.wire.over:
                return ENDED
            return PING_CUT_SHORT if left < self.settings.ping_timeout else PING_UNANSWERED
        except Exception as error:
            return next(error_codes(error), None) or type(error).__name__
        except BaseException:
            self.let_go(connection, PING_CUT_SHORT)
            raise
        connection.session_state.confirmed = time.monotonic()
        return None

    async def log_on(self, deadline: float) -> Any:
        """A new session, by the deadline. Whoever is cancelled takes its log-on with it.

        Raises `Overdue`, `DatabaseUnavailable` or `LogOnError`, and tells the outage of what came of it.
        """
        if self._outage.since is not None:
            raise self._unavailable()
        started = time.monotonic()
        for attempt in range(1, _LOG_ON_ATTEMPTS + 1):
            try:
                return await self.open_session(deadline)
            except Overdue:
                if time.monotonic() - started >= self.settings.ping_timeout:
                    self._log_on_failed(self.driver.unreachable("timed out: the log-on got no answer"), silent=True)
                raise
            except self.driver.dbapi.Error as error:
                if attempt < _LOG_ON_ATTEMPTS and _CUT_OFF in error_codes(error):
                    await asyncio.sleep(_RETRY_PAUSE)
                    continue
                raised = log_on_error(error, self.where)
                if isinstance(raised, DatabaseUnavailable):
                    self._log_on_failed(error, time.monotonic() - started >= self.settings.ping_timeout)
                raise raised from error
        raise AssertionError("unreachable")

    async def open_session(self, deadline: float) -> Any:
        """Log on, and let the kernel watch the session. Raises `Overdue`, or the driver's error."""
        self._log_ons_under_way += 1
        try:
            connection = await log_on(self.driver, self.settings, deadline)
        finally:
            self._log_ons_under_way -= 1
        found = connection.wire.socket
        state = connection.session_state = SessionState(id(connection.wire), found, retirement(self.settings))
        state.draws = 1
        connection.wire.on_end = lambda: self._ended(state)
        self._wires[state] = connection.wire
        if found is None:
            self._upkeep.keep_warm()
        else:
            owned.add(found.inode)
            found.keep_alive(self._keep_alive)
            if not self._line.closed:  # nor is the watch
                self._watch.add(found)
        self._counters.log_ons += 1
        self._outage.succeeded()
        return connection

    def _log_on_failed(self, cause: Exception, silent: bool = False) -> None:
        if self._outage.failed(cause, silent):
            self._upkeep.look_for_database()

    def _unavailable(self) -> DatabaseUnavailable:
        self._upkeep.look_for_database()  # unless it does already
        return self._outage.error()

    def _timed_out(self, seconds: float, what: str, advice: str) -> PoolTimeout:
        self._counters.timeouts += 1
        return PoolTimeout(
            f"pool {self.name!r}: no session after {seconds:.2f} s, {what}: max {self.settings.max}, "
            f"{self._line.busy} busy, {self._line.waiting} waiting: {advice}"
        )

    # Giving back: roll back what is open, put the session back or take it out, pass the slot on.

    async def take_back(self, connection: Any) -> None:
        """A connection was closed: called by its close(). A lost session is dropped instead of put back."""
        self._out.pop(id(connection), None)
        cause, unfinished = self._look_at(connection)
        if cause is not None or not unfinished:
            self._settle(connection, cause)
            return
        # It goes on when the caller does not wait for it any more; the slot stays with it.
        rollback = self.spawn(self._roll_back(connection))
        await asyncio.wait({rollback}, timeout=self.settings.ping_timeout)
        state: SessionState = connection.session_state
        look = state.socket.look() if state.socket is not None and not rollback.done() else None
        if look is not None and look.retransmits:  # its path is dead, and it does not only take long
            connection.wire.end()
            self._doubt(state, silent=True)

    def _look_at(self, connection: Any) -> tuple[str | None, bool]:
        """Why a session that comes back is of no use, or None, and whether a transaction is open in it."""
        if connection.lost_by is not None:
            return connection.lost_by, False
        if connection.wire.over:
            return ENDED, False
        if connection.wire.waits:
            return UNDER_WAY, False
        try:
            return None, self.driver.in_transaction(connection)
        except self.driver.dbapi.Error as error:
            return next(error_codes(error), type(error).__name__), False

    async def _roll_back(self, connection: Any) -> None:
        cause: str | None = ROLLBACK_UNANSWERED
        try:
            await self.driver.rollback(connection)
            cause = None
        except Interrupted:
            pass
        except Exception as error:
            cause = next(error_codes(error), ROLLBACK_UNANSWERED)
        finally:
            self._settle(connection, ENDED if connection.wire.over else cause)

    def _settle(self, connection: Any, cause: str | None) -> None:
        """Put a session back, or let it go for a cause, and pass its slot on."""
        try:
            if cause is None:
                self.keep(connection)
            else:
                self.let_go(connection, cause)
        finally:
            self._line.give()

    def keep(self, connection: Any) -> None:
        """Put a session that is well back among the idle ones."""
        state: SessionState = connection.session_state
        state.used = time.monotonic()
        if connection.wire.over or self._line.closed or state.used >= state.retires:
            self.let_go(connection, ENDED if connection.wire.over else CLOSED if self._line.closed else RETIRED)
            return
        try:
            self._idle.append(self.driver.renew(connection))
        except self.driver.dbapi.Error as error:  # its user has closed what is behind it
            self.let_go(connection, next(error_codes(error), type(error).__name__))

    def take_out(self, connection: Any, cause: str) -> None:
        """A connection shall leave the pool: called by its drop()."""
        self._out.pop(id(connection), None)
        if connection.wire.waits:
            cause = UNDER_WAY
        self._settle(connection, connection.lost_by or cause)

    def drop(self, connection: Any) -> None:
        """Close a checked-out session instead of giving it back; the pool opens a new one when it needs one.

        >>> pool.drop(connection)
        """
        connection.drop()

    def let_go(self, connection: Any, cause: str) -> None:
        """Take a session out of the pool. Waits for nothing: one that is well logs off in the background."""
        state: SessionState = connection.session_state
        self._forget(state)
        self._counters.dropped[cause] += 1
        if cause in ORDERLY and not self._loop.is_closed():
            self.spawn(self._log_off(connection))
        else:
            connection.wire.end()
            silent = self._died_silently(connection, cause)
            if silent is not False:
                self._doubt(state, bool(silent))
        self._upkeep.look_at_size()

    @staticmethod
    def _died_silently(connection: Any, cause: str) -> bool | None:
        """Whether it was silence that ended a session; None: nothing told."""
        if cause == PING_UNANSWERED:
            return True
        if connection.lost_by is not None:
            silent: bool | None = connection.lost_silently
            return silent
        return cast(Wire, connection.wire).silent if cause == ENDED else False

    async def _log_off(self, connection: Any) -> None:
        with suppress(Exception):
            await self.driver.log_off(connection, min(self.settings.ping_timeout, _CLOSE_LIMIT))

    def _doubt(self, dead: SessionState, silent: bool) -> None:
        """A session has died, if `silent` by silence: end the equally idle ones then, and ask all others before use.

        Equally idle is at least half as long without a sign of life.
        """
        now = time.monotonic()
        bound = now - (now - dead.confirmed) / 2
        ended = 0
        for connection in list(self._idle):
            state: SessionState = connection.session_state
            state.doubted = now
            if silent and state.last_seen_alive() <= bound:
                self.take_idle(connection)
                self._forget(state)
                self._counters.dropped[ENDED] += 1
                connection.wire.end()
                ended += 1
        if silent:
            log.info("%s: a session died in silence, and %d idle ones with it", self.where, ended)

    def _forget(self, state: SessionState) -> None:
        self._wires.pop(state, None)
        if state.socket is not None:
            owned.discard(state.socket.inode)

    def _ended(self, state: SessionState) -> None:
        """The connection of a session has ended: called by its wire."""
        for connection in list(self._idle):
            if connection.session_state is state:
                self.take_idle(connection)
                self.let_go(connection, ENDED)

    def take_idle(self, connection: Any) -> None:
        """Take a session from among the idle ones."""
        self._idle = [each for each in self._idle if each is not connection]

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
            self._counters.reclaimed += 1
            self.spawn(self.take_back(self._strays.popleft()))

    # Opening, upkeep, closing.

    async def _open(self) -> None:
        """Begin. Nothing is talked to."""
        self._end = self._until_the_loop_ends()
        await self._end.__anext__()
        self._upkeep.start()
        log.info("pool %r opened: %r", self.name, self)

    async def _until_the_loop_ends(self) -> AsyncGenerator[None, None]:
        """`asyncio.run` closes asynchronous generators at its end, while the loop still runs: the last chance."""
        try:
            yield
        finally:
            await self.close()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something in the background."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """Close the pool. Idle sessions are closed now, those checked out when they are given back.

        From now on acquire() raises `PoolClosed`; tasks that wait in line get it at once. Takes a few seconds at most,
        also when the database does not answer. A second call does nothing.
        """
        if self._line.closed:
            return
        self._line.close()
        self._upkeep.stop()
        idle, self._idle = self._idle, []
        for connection in idle:
            self.let_go(connection, CLOSED)
        under_way = self._tasks - {asyncio.current_task()}
        if under_way:
            _, late = await asyncio.wait(under_way, timeout=_CLOSE_LIMIT)
            for task in late:
                task.cancel()
            if late:
                log.warning("pool %r: the database does not answer the log-offs", self.name)
        self._watch.close()
        log.info("pool %r closed", self.name)

    def abandon(self) -> None:
        """Let the server know of the end of all sessions when the loop is closed, and nothing can be awaited."""
        self._line.close()
        for state in list(self._wires):
            if state.socket is not None:
                state.socket.shut_down()
            self._forget(state)
        self._idle = []
        self._strays.clear()
        self._watch.close()

    # Looking at it.

    @property
    def idle(self) -> list[Any]:
        """The connections that nobody has."""
        return list(self._idle)

    @property
    def size(self) -> int:
        """Sessions open or about to be."""
        return len(self._wires) + self._log_ons_under_way

    @property
    def line(self) -> Line:
        """The slots."""
        return self._line

    def stats(self) -> PoolStats:
        """The pool's numbers at this moment; see `PoolStats`. Costs no round trip.

        >>> pool.stats().opened
        4
        """
        counters, dropped, opened = self._counters, dict(self._counters.dropped), len(self._wires)
        return PoolStats(
            opened=opened,
            busy=self._line.busy,
            idle=len(self._idle),
            waiting=self._line.waiting,
            checkouts=counters.checkouts.read(),
            log_ons=counters.log_ons,
            replaced=0,  # what died while idle is in `dropped`
            dropped=dropped,
            timeouts=counters.timeouts,
            reclaimed=counters.reclaimed,
            calls=len(self._tasks),
            outage_since=self._outage.since,
        )

    def __repr__(self) -> str:
        state = "closed" if self._line.closed else "open" if self._end is not None else "not used yet"
        if self._outage.since is not None:
            state += ", database unavailable"
        stats = self.stats()
        return (
            f"<AsyncPool {self.name!r} {self.driver.name} {self.settings.user}@{mask(self.settings.dsn)}: {state}, "
            f"{stats.opened} opened, {stats.busy} busy, {stats.idle} idle, {stats.waiting} waiting, "
            f"min {self.settings.min}, max {self.settings.max}>"
        )

    @asynccontextmanager
    async def transaction(self, timeout: float | None = None) -> AsyncIterator[Any]:
        """A connection whose work is committed at the end of the block, and rolled back if the block raises.

        >>> async with pool.transaction() as connection:
        ...     await connection.execute("update stock set amount = amount - 1")
        """
        async with self.acquire(timeout) as connection:
            yield connection
            await connection.commit()

    # Forking: the child has no event loop to run this pool in.

    def before_fork(self, seconds: float) -> None:
        """Nothing: all is in this thread, or waits."""

    def after_fork_in_parent(self) -> None:
        """Nothing."""

    def after_fork(self) -> None:
        """In a forked child: leave alone the parent's sessions, and its event loop, whose selector both share."""
        for reference in self._out.values():
            connection = reference()
            if connection is not None:
                forking.leak(connection)
                self.driver.disown(connection)
        for wire in self._wires.values():
            forking.leak(wire.transport)
            wire.disown()
        # The loop holds what waits in it: the parent's tasks, which would end their calls if they were freed here.
        for left_over in (self._loop, self._idle, self._strays, self._tasks, self._upkeep, self._end):
            forking.leak(left_over)
        self._start_afresh()
        self._line.close()
