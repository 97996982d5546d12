"""The pool: acquire, release, deadlines."""

from __future__ import annotations

import logging
import threading
import time
from _thread import start_new_thread
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from orapool import ending, forking, totals
from orapool.activity import Activity, is_looked_at, publisher
from orapool.causes import CLOSED
from orapool.checked_out import CheckedOut
from orapool.counters import Counters, PoolStats
from orapool.credentials import of_checkout
from orapool.drivers import find_driver
from orapool.drivers.base import Driver
from orapool.dsn import mask
from orapool.errors import PoolClosed, PoolTimeout
from orapool.keeper import Keeper, Task, WhenThere
from orapool.logs import Where, report
from orapool.pooling import closing
from orapool.pooling.drawing import Drawing, Overdue
from orapool.pooling.floor import Floor
from orapool.pooling.growth import Growth
from orapool.pooling.log_ons import CUT_PAUSE, PATIENCE, LogOns
from orapool.pooling.native_pool import NativePool
from orapool.pooling.native_pools import NativePools
from orapool.pooling.outage import Outage
from orapool.pooling.parts import Parts
from orapool.pooling.returns import Returns
from orapool.pooling.seekers import Seekers
from orapool.pooling.session_setup import SessionSetup
from orapool.pooling.slots import LineClosed, Slots
from orapool.pooling.spares import Spares
from orapool.pooling.timeouts import MOST_HOLDERS, timed_out
from orapool.pooling.upkeep import Upkeep
from orapool.settings import PoolSettings
from orapool.tags import Resolver, Tags, current, make_tags, script_name, sources
from orapool.workers import Workers, run_outside

log = logging.getLogger("orapool.pool")

_BACKGROUND_THREADS = 4

_ALL_IN_USE = (
    "all sessions are in use",
    "close connections sooner (`with orapool.connection() as ...`), or raise max or acquire_timeout",
)


class SessionPool:
    """One native session pool, made on first use, shared by all threads of a process.

    >>> pool = SessionPool(load_settings(url="oracle://scott:tiger@db:1521/?service_name=sales"))
    >>> with pool.acquire() as connection:
    ...     connection.cursor().execute("select * from dual")
    """

    def __init__(self, settings: PoolSettings, name: str = "default") -> None:
        self.name = name
        self.settings = settings
        self._at = f"{settings.user or 'external user'}@{mask(settings.dsn)}"
        self.where = self._where(settings.user)
        told = (settings.action, settings.client_identifier, settings.clientinfo)
        self._tags = Resolver(Tags(settings.module or script_name(), *told))
        self._driver: Driver | None = None
        self._start_afresh()
        forking.remember(self)

    def _start_afresh(self) -> None:
        """The state of a pool that has not been used, in this process."""
        self._opening = threading.Lock()
        # Each of the settings takes longer to get at than it may, in a checkout.
        self._acquire_timeout, self._call_timeout = self.settings.acquire_timeout, self.settings.call_timeout
        self._asks_whom = self.settings.user_source is not None
        self._slots = Slots(self.settings.max)
        self._parts: Parts | None = None
        self._floor: Floor
        self._returns: Returns
        self._drawing: Drawing
        self._upkeep: Upkeep
        self._keeper: Keeper
        self._native_closed = threading.Event()
        self._counters = Counters()
        totals.enter(self, self._counters)
        wake = (lambda: self._keeper.wake()) if is_looked_at(self.settings) else None
        self._lent = CheckedOut(self.name, self._counters, self.settings.leak_threshold, wake)
        self._activity: Activity | None = None
        self._strays: deque[Any] = deque()
        self._outage = Outage(self.where)
        self._log_ons = LogOns(self.settings.dsn, self.settings.connect_timeout or PATIENCE, self.settings.config_dir)
        self._workers = Workers(f"{self.name}-calls", self.settings.max * 2 + 1)
        self._background = Workers(f"{self.name}-background", _BACKGROUND_THREADS)

    def _where(self, user: str | None) -> str:
        """What to call the pool, and whom it logs on as, in messages."""
        return Where(f"pool {self.name!r}, {user or 'external user'}@{mask(self.settings.dsn)}", self.name)

    @property
    def driver(self) -> Driver:
        """The driver: `driver.name`, `driver.dbapi` (its module). Raises `ConfigurationError` if there is none."""
        if self._driver is None:
            self._driver = find_driver(self.settings.driver, self.settings.thick)
        return self._driver

    # Checking out: stand in line for one of `max` slots, draw a session with it, check it, hand it over.

    def acquire(
        self,
        timeout: float | None = None,
        call_timeout: float | None = None,
        user: str | None = None,
        password: str | None = None,
        *,
        module: str | None = None,
        action: str | None = None,
        client_identifier: str | None = None,
        clientinfo: str | None = None,
    ) -> Any:
        """Check out a session: a connection of the driver, whose close() gives it back.

        `timeout`: seconds to wait for it, in all; None takes the setting `acquire_timeout`; 0 does not stand in line,
        but takes an idle session or logs on, within `connect_timeout`. Callers are served first come, first served.
        `call_timeout`: seconds that a round trip on it may take; None takes the setting.
        `user`: whom its session is logged on as, with `password`, or else through the user of the settings; None asks
        the setting `user_source`, and without that is the user of the settings. `max` is for all users together.
        `module`, `action`, `client_identifier`, `clientinfo`: who is at work, as in `orapool.tag`, for this checkout.

        Raises `PoolTimeout` when the time is over, `PoolClosed`, `DatabaseUnavailable` or `LogOnError` when a new
        session is needed and cannot be had, `OnSessionError` when `on_session` failed on it. Whoever gets the
        connection must close it, or use it in `with`.

        >>> with pool.acquire(timeout=2) as connection:
        ...     connection.cursor().execute("update stock set amount = amount - 1")
        ...     connection.commit()
        """
        seconds = self._acquire_timeout if timeout is None else timeout
        if call_timeout is None:
            call_timeout = self._call_timeout
        credentials = None
        if user is not None or password is not None or self._asks_whom:
            credentials = of_checkout(self.settings, user, password)
        asked_at = time.monotonic()
        deadline = asked_at + seconds
        tags = self._tags.defaults
        if not (module is action is client_identifier is clientinfo is None):
            tags = self._tags.resolve(make_tags(module, action, client_identifier, clientinfo))
        elif sources or current.get() is not None:
            tags = self._tags.resolve()
        if self._strays or self._outage.since is not None or not self._slots.take_spare():
            self._stand_in_line(deadline, seconds)
        try:
            # Whoever does not stand in line may still log on.
            limit = deadline if seconds > 0 else deadline + self.settings.connect_timeout
            natives = (self._parts or self._open()).natives
            if credentials is None:
                connection = self._drawing.draw(natives.primary, limit, seconds, call_timeout, tags)
            else:
                with natives.visit(credentials) as native:
                    connection = self._drawing.draw(native, limit, seconds, call_timeout, tags)
        except Overdue as overdue:
            raise overdue.error from None
        except BaseException:
            self._pass_on()
            raise
        connection.lent_by = self  # from now on it comes back, whatever happens
        self._lent.add(connection, asked_at, threading.current_thread())
        return connection

    def _stand_in_line(self, deadline: float, seconds: float) -> None:
        """Get one of the `max` slots, in turn."""
        if self._strays:
            self._sweep()
        if self._outage.since is not None and not self._lent and not self._any_alive():
            raise self._outage.error()
        try:
            served = self._slots.take(deadline)
        except LineClosed as closed:
            raise PoolClosed(f"pool {self.name!r} {closed}") from None
        if not served:
            raise self._timed_out(seconds, _ALL_IN_USE)

    def _any_alive(self) -> bool:
        """Whether there is an idle session whose connection stands, for all that is known."""
        return self._parts is not None and self._parts.natives.any_alive()

    def _timed_out(self, seconds: float, reason: tuple[str, str]) -> PoolTimeout:
        self._counters.count_timeout()
        return timed_out(
            self.name,
            seconds,
            reason,
            most=self.settings.max,
            busy=self._slots.busy,
            waiting=self._slots.waiting,
            holders=self._lent.holdings(MOST_HOLDERS) if reason is _ALL_IN_USE else (),
        )

    # Giving back: see returns.py.

    def take_back(self, connection: Any) -> None:
        """A connection was closed: called by its close(). A lost session is dropped instead of put back."""
        self._lent.remove(connection)
        self._returns.take_back(connection)

    def take_out(self, connection: Any, cause: str) -> None:
        """A connection shall leave the pool: called by its drop()."""
        try:
            self._returns.let_go(connection, connection.lost_by or cause)
        finally:
            self._lent.remove(connection)
            self._pass_on()

    def drop(self, connection: Any) -> None:
        """Close a checked-out session instead of giving it back; the pool opens a new one when it needs one.

        >>> pool.drop(connection)
        """
        connection.drop()

    def _pass_on(self) -> None:
        """Give a slot to the first in line, or back."""
        if self._slots.give():
            run_outside(self._close_natives, f"{self.name}-close")
        if self._strays:
            self._sweep()

    def reclaim(self, connection: Any) -> None:
        """A connection was garbage-collected without close(): called by its __del__."""
        # The collector runs anywhere, also where this thread holds a lock of the pool: the keeper does the rest.
        self._strays.append(connection)
        if not self._slots.closed:
            self._keeper.wake()
        else:  # it has ended; a thread of threading's takes locks, too
            with suppress(RuntimeError):  # the process ends
                start_new_thread(self._sweep, ())

    def _sweep(self) -> None:
        """Give back connections that were garbage-collected."""
        while self._strays:
            try:
                connection = self._strays.popleft()
            except IndexError:
                return
            self._lent.tell_reclaimed(connection)
            self.take_back(connection)

    # Opening, upkeep, closing.

    def _open(self) -> Parts:
        """The parts that a pool in use has, made if need be. They start empty: making them talks to nobody."""
        with self._opening:
            if self._parts is None:
                if self._slots.closed:
                    raise PoolClosed(f"pool {self.name!r} is closed")
                parts = self._make_parts()
                self._floor = Floor(parts)
                self._returns = Returns(parts, self._floor, self._close_idle)
                setup = SessionSetup(
                    *(self.where, self.settings, self.driver, self._workers),
                    *(self._returns.let_go, self._returns.settle),
                )
                self._drawing = Drawing(parts, setup, self._returns, self._floor, self._grow)
                spares = Spares(parts, setup, self._drawing, self._returns)
                self._upkeep = Upkeep(parts, spares, self._floor)
                tasks: list[Task] = [WhenThere(self._strays, self._sweep), setup]
                if is_looked_at(self.settings):
                    self._activity = self._make_activity()
                    tasks.append(self._activity)
                self._keeper = self._upkeep.keeper(*tasks)
                self._parts = parts
                self._keeper.start()
                if self.driver.outlives_main:
                    ending.close_in_time(self)
                report(log.info, self.name, "opened", "opened: %(state)s", state=repr(self))
            return self._parts

    def _make_parts(self) -> Parts:
        natives = NativePools(
            self.name,
            self.settings,
            self.driver,
            self._log_ons,
            self._workers,
            self._background,
            where=self._where,
            on_session=self._on_session,
            dropped=self._counters.count_dropped,
        )
        return Parts(
            name=self.name,
            where=self.where,
            settings=self.settings,
            driver=self.driver,
            natives=natives,
            growth=Growth(natives, self.settings, self.driver, self._log_ons, self._counters.log_on_times.add),
            slots=self._slots,
            seekers=Seekers(),
            workers=self._workers,
            background=self._background,
            log_ons=self._log_ons,
            outage=self._outage,
            counters=self._counters,
            lent=self._lent,
            wake=lambda: self._keeper.wake(),
            pass_on=self._pass_on,
            timed_out=self._timed_out,
        )

    def _make_activity(self) -> Activity:
        return Activity(
            self._lent,
            self.stats,
            publisher(self.name, "threads", self.driver.name, self.settings),
            lambda: (self._counters.events, self._outage.since),
        )

    def _on_session(self, native: NativePool, connection: Any) -> None:
        """A native pool has made a session."""
        try:
            native.health.admit(connection)
        except self.driver.dbapi.Error as error:  # died at once: who draws it will see
            report(log.info, native.where, "new_session_dead", "a new session is dead: %(error)s", error=error)
        self._counters.count_log_on()

    def _grow(self) -> None:
        """Have more sessions opened beside a new one."""
        self._background.submit(self._upkeep.grow)

    def vacate(self) -> None:
        """Close the idle sessions, within a few seconds; what is needed later is opened again, as at first use."""
        if self._parts is not None and not self._slots.closed:
            closing.vacate(self._parts, self._floor, self._returns)

    def close(self) -> None:
        """Close the pool. Idle sessions are closed now, those checked out when they are given back.

        From now on acquire() raises `PoolClosed`; those who wait in line get it at once. Takes a few seconds at most,
        also when the database does not answer. A second call does nothing.
        """
        all_back = self._slots.close()
        if all_back is None:
            return
        with self._opening:
            parts = self._parts
        if parts is None:
            return
        self._keeper.stop()
        self._sweep()
        if all_back:
            self._close_natives()
        else:
            self._background.submit(self._close_idle)
            limit = time.monotonic() + closing.LIMIT
            # What no user has is with the upkeep, or in a call whose caller has gone: that ends soon.
            while not (self._lent or self._native_closed.wait(CUT_PAUSE) or time.monotonic() > limit):
                self._log_ons.cut_overdue()
            if not self._background.idle_by(limit):
                parts.natives.shut_down_idle()
        if self._activity is not None:
            self._activity.end()
        report(log.info, self.name, "closed", "closed")

    def _close_idle(self) -> None:
        """In the background: close the idle sessions of a closed pool that others are checked out of."""
        if self._parts is not None:
            for connection in closing.draw_idle(self._parts.natives):
                self._returns.let_go(connection, CLOSED)

    def abandon(self) -> None:
        """End all sessions' connections on this side, at once, where close() cannot be done: the process ends."""
        if self._parts is not None:
            self._parts.natives.shut_down_all()

    def _close_natives(self) -> None:
        """Close the native pools, within a few seconds."""
        parts, self._parts = self._parts, None
        if parts is None:
            return
        parts.natives.closing = True
        self._counters.count_dropped(CLOSED, parts.natives.total)
        closing.close(parts.natives, self._workers, self._background, self._log_ons)
        self._native_closed.set()

    # Looking at it.

    def stats(self) -> PoolStats:
        """The pool's numbers at this moment; see `PoolStats`. Costs no round trip.

        >>> pool.stats().opened
        4
        """
        if self._strays:
            self._sweep()
        opened, parts = 0, self._parts
        if parts is not None:
            parts.natives.forget_vanished()
            opened = parts.natives.total
        return self._counters.stats(
            opened=opened,
            busy=self._slots.busy,
            idle=max(0, opened - self._slots.busy),
            waiting=self._slots.waiting,
            calls=self._workers.running,
            abandoned_calls=self._workers.abandoned,
            outage_since=self._outage.since,
            longest=self._lent.longest(),
        )

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return self._slots.closed

    def publish(self) -> None:
        """Publish the numbers as they are now, instead of within a second."""
        if self._activity is not None:
            self._activity.publish()

    def __repr__(self) -> str:
        state = "closed" if self._slots.closed else "open" if self._parts is not None else "not used yet"
        if self._outage.since is not None:
            state += ", database unavailable"
        stats = self.stats()
        driver = self._driver.name if self._driver else self.settings.driver
        return (
            f"<SessionPool {self.name!r} {driver} {self._at}: {state}, "
            f"{stats.opened} opened, {stats.busy} busy, {stats.idle} idle, {stats.waiting} waiting, "
            f"min {self.settings.min}, max {self.settings.max}>"
        )

    @contextmanager
    def transaction(self, timeout: float | None = None, **options: Any) -> Iterator[Any]:
        """A connection whose work is committed at the end of the block, and rolled back if the block raises.

        `options` are the others of `acquire`.

        >>> with pool.transaction() as connection:
        ...     connection.cursor().execute("update stock set amount = amount - 1")
        """
        with self.acquire(timeout, **options) as connection:
            yield connection
            connection.commit()

    # Forking.

    def before_fork(self, seconds: float) -> None:
        """Let log-ons and log-offs end, and begin none: in them Oracle Client holds locks of the whole process.

        So it does for a moment in a call whose session has just been ended.
        """
        limit = time.monotonic() + seconds
        self._log_ons.pause(seconds)
        forking.let_calls_end(self._lent.connections, limit)

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self._log_ons.go_on()

    def after_fork(self) -> None:
        """In a forked child: leave the parent's sessions alone, and begin with an empty pool."""
        if self._parts is not None:
            forking.disown(self._parts.driver, self._lent.connections(), self._parts, *self._strays)
        self._start_afresh()
