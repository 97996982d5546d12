"""The pool: acquire, release, deadlines, fork safety."""

from __future__ import annotations

import ctypes
import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Callable, TypeVar

from orapool.counters import Counters, PoolStats
from orapool.drivers import find_driver
from orapool.drivers.base import DeadIdleSession, Driver
from orapool.errors import PoolClosed, PoolTimeout, error_codes, log_on_error
from orapool.health import HealthCheck
from orapool.settings import PoolSettings

log = logging.getLogger("orapool.pool")

Result = TypeVar("Result")

_RETRY_PAUSE = 0.005
"""Seconds between attempts when the native pool says that it is full although a place in it is ours."""

_ALL_IN_USE = (
    "all sessions are in use",
    "close connections sooner (`with orapool.connection() as ...`), or raise max or acquire_timeout",
)
_SLOW_LOG_ON = ("a log-on has not ended", "check whether the database answers, or raise acquire_timeout")


class _Place:
    """A caller's place in the line: a bell to wait for, and what its ringing means."""

    __slots__ = ("bell", "granted")

    def __init__(self) -> None:
        self.bell = threading.Lock()
        self.bell.acquire()
        self.granted = False


class SessionPool:
    """One native session pool, made on first use, shared by all threads of a process.

    >>> pool = SessionPool(load_settings(url="oracle://scott:tiger@db:1521/?service_name=sales"))
    >>> with pool.acquire() as connection:
    ...     connection.cursor().execute("select * from dual")
    """

    def __init__(self, settings: PoolSettings, name: str = "default") -> None:
        self.name = name
        self.settings = settings
        self._driver: Driver | None = None
        self._closed = False
        self._start_afresh()
        _pools.add(self)

    def _start_afresh(self) -> None:
        """The state of a pool that has not been used, in this process."""
        self._lock = threading.Lock()
        self._opening = threading.Lock()
        self._line: deque[_Place] = deque()
        self._busy = 0
        self._native: Any = None
        self._health: Any = None
        self._filled = False
        self._out: dict[int, weakref.ref[Any]] = {}
        self._strays: deque[Any] = deque()
        self._counters = Counters()

    @property
    def driver(self) -> Driver:
        """The driver: `driver.name`, `driver.dbapi` (its module). Raises `ConfigurationError` if there is none."""
        if self._driver is None:
            self._driver = find_driver(self.settings.driver)
        return self._driver

    # Checking out: stand in line for one of `max` slots, draw a session with it, check it, hand it over.

    def acquire(self, timeout: float | None = None) -> Any:
        """Check out a session: a connection of the driver, whose close() gives it back.

        `timeout`: seconds to wait for it, in all; None takes the setting `acquire_timeout`; 0 does not stand in line,
        but takes an idle session or logs on. Callers are served first come, first served.

        Raises `PoolTimeout` when the time is over, `PoolClosed`, `DatabaseUnavailable` or `LogOnError` when a new
        session is needed and cannot be had. Whoever gets the connection must close it, or use it in `with`.

        >>> with pool.acquire(timeout=2) as connection:
        ...     connection.cursor().execute("update stock set amount = amount - 1")
        ...     connection.commit()
        """
        seconds = self.settings.acquire_timeout if timeout is None else timeout
        deadline = time.monotonic() + seconds
        self._stand_in_line(deadline, seconds)
        try:
            return self._draw(deadline, seconds)
        except BaseException:
            self._pass_on(failed=True)
            raise

    def _stand_in_line(self, deadline: float, seconds: float) -> None:
        """Get one of the `max` slots, in turn."""
        if self._strays:
            self._sweep()
        with self._lock:
            if self._closed:
                raise PoolClosed(f"pool {self.name!r} is closed")
            if self._busy < self.settings.max and not self._line:
                self._busy += 1
                self._counters.checkouts += 1
                return
            if seconds > 0:
                place = _Place()
                self._line.append(place)
        if seconds <= 0:
            raise self._timed_out(seconds, *_ALL_IN_USE)
        try:
            rang = place.bell.acquire(timeout=max(0.0, deadline - time.monotonic()))
        except BaseException:
            if not self._withdraw(place) and place.granted:
                self._pass_on(failed=True)
            raise
        if not rang and self._withdraw(place):
            raise self._timed_out(seconds, *_ALL_IN_USE)
        if not place.granted:
            raise PoolClosed(f"pool {self.name!r} was closed while waiting for a session")

    def _withdraw(self, place: _Place) -> bool:
        """Leave the line. False if it is too late: a slot was granted, or the pool closed, at the same moment."""
        with self._lock:
            if place in self._line:
                self._line.remove(place)
                return True
            return False

    def _draw(self, deadline: float, seconds: float) -> Any:
        """Draw a live session from the native pool, which has one for every slot."""
        driver, native = self.driver, self._native or self._open()
        while True:
            connection = self._draw_any(native, deadline, seconds)
            if not self._health.needed:
                break
            fault = self._call(deadline, self._health.find_fault, connection, deadline)
            if fault is None:
                break
            self._drop(connection, fault)
        driver.set_call_timeout(connection, self.settings.call_timeout)
        if not self._filled:
            self._fill(deadline)
        if self._closed:
            self._drop(connection, "pool closed")
            raise PoolClosed(f"pool {self.name!r} was closed while waiting for a session")
        self._out[id(connection)] = weakref.ref(connection)
        connection.lent_by = self
        return connection

    def _draw_any(self, native: Any, deadline: float, seconds: float) -> Any:
        """Draw a session that is idle, or a new one."""
        driver = self.driver
        # Whoever does not stand in line may still log on, which the connect descriptor bounds.
        allowed = self.settings.connect_timeout if seconds <= 0 else None
        while True:
            left = allowed or max(0.0, deadline - time.monotonic())
            try:
                return self._call(deadline, driver.acquire, native, left)
            except driver.dbapi.Error as error:
                if not driver.is_pool_exhausted(error):
                    raise log_on_error(error, self._where()) from error
            except DeadIdleSession as error:
                log.info("pool %r: an idle session was dead: %s", self.name, error)
                continue
            if time.monotonic() >= deadline:
                raise self._timed_out(seconds, *_SLOW_LOG_ON)
            time.sleep(_RETRY_PAUSE)

    def _timed_out(self, seconds: float, what: str, advice: str) -> PoolTimeout:
        with self._lock:
            self._counters.timeouts += 1
            busy, waiting = self._busy, len(self._line)
        return PoolTimeout(
            f"pool {self.name!r}: no session after {seconds:.2f} s, {what}: max {self.settings.max}, {busy} busy, "
            f"{waiting} waiting: {advice}"
        )

    # Giving back: roll back what is open, put the session back or take it out, pass the slot on.

    def take_back(self, connection: Any) -> None:
        """A connection was closed: called by its close(). A lost session is dropped instead of put back."""
        driver, cause = self.driver, connection.lost_by
        try:
            if cause is None:
                cause = self._roll_back(connection)
            if cause is None and not self._closed:
                if self._health.needed:
                    self._health.went_idle(connection)
                self._call(None, driver.release, connection)
            else:
                self._drop(connection, cause or "pool closed")
        except Exception as error:
            log.warning("pool %r: giving a session back failed: %s", self.name, error)
        finally:
            self._out.pop(id(connection), None)
            self._pass_on()

    def _roll_back(self, connection: Any) -> str | None:
        """End an open transaction. Returns what is wrong with the session if that fails."""
        # The native pools would do it too, but python-oracledb's under a lock that all callers need.
        try:
            if self.driver.in_transaction(connection):
                self._call(None, self.driver.rollback, connection)
        except Exception as error:
            return next(error_codes(error), type(error).__name__)
        return None

    def take_out(self, connection: Any, cause: str) -> None:
        """A connection shall leave the pool: called by its drop()."""
        try:
            self._drop(connection, connection.lost_by or cause)
        finally:
            self._out.pop(id(connection), None)
            self._pass_on()

    def drop(self, connection: Any) -> None:
        """Close a checked-out session instead of giving it back; the pool opens a new one when it needs one.

        >>> pool.drop(connection)
        """
        connection.drop()

    def _drop(self, connection: Any, cause: str) -> None:
        """Take a session out of the native pool and close it."""
        with self._lock:
            self._counters.dropped[cause] += 1
        try:
            self._call(None, self.driver.drop, self._native, connection)
        except Exception as error:
            log.info("pool %r: closing a session that was dropped (%s) failed: %s", self.name, cause, error)

    def _pass_on(self, failed: bool = False) -> None:
        """Give a slot to the first in line, or back."""
        last = False
        with self._lock:
            self._counters.checkouts -= failed
            if self._line:
                place = self._line.popleft()
                self._counters.checkouts += 1
                place.granted = True
                place.bell.release()
            else:
                self._busy -= 1
                last = self._closed and self._busy == 0
        if last:
            self._close_native()
        if self._strays:
            self._sweep()

    def reclaim(self, connection: Any) -> None:
        """A connection was garbage-collected without close(): called by its __del__."""
        self._strays.append(connection)
        self._sweep()

    def _sweep(self) -> None:
        """Give back connections that were garbage-collected."""
        # The collector runs anywhere, also where this thread holds the lock: whoever holds it sweeps after letting go.
        if not self._lock.acquire(blocking=False):
            return
        self._lock.release()
        while self._strays:
            try:
                connection = self._strays.popleft()
            except IndexError:
                return
            self._counters.reclaimed += 1
            self.take_back(connection)

    # Opening and closing.

    def _open(self) -> Any:
        """The native pool, made if need be. It starts empty, so that making it talks to nobody."""
        with self._opening:
            if self._native is None:
                if self._closed:
                    raise PoolClosed(f"pool {self.name!r} is closed")
                self._health = HealthCheck(self.driver, self.settings)
                self._native = self.driver.open(self.settings, self._on_session)
                log.info("pool %r opened: %r", self.name, self)
            return self._native

    def _on_session(self, connection: Any) -> None:
        """The native pool has made a session."""
        self._health.is_new(connection)
        with self._lock:
            self._counters.log_ons += 1

    def _fill(self, deadline: float) -> None:
        """Open the sessions that `min` asks for besides the caller's own, once, after that one's log-on worked."""
        with self._lock:
            missing = 0 if self._filled else min(self.settings.min, self.settings.max) - self._busy
            missing = max(0, missing)
            self._filled = True
            self._busy += missing
        drawn = []
        try:
            for _ in range(missing):
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                drawn.append(self._call(deadline, self.driver.acquire, self._native, left))
        except Exception as error:
            log.warning("%s: opened %d of %d sessions: %s", self._where(), len(drawn) + 1, self.settings.min, error)
        finally:
            for connection in drawn:
                self._call(None, self.driver.release, connection)
            for _ in range(missing):
                self._pass_on()

    def close(self) -> None:
        """Close the pool. Idle sessions are closed now, those checked out when they are given back.

        From now on acquire() raises `PoolClosed`; those who wait in line get it at once. A second call does nothing.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
            line, self._line = self._line, deque()
            idle = self._busy == 0
        for place in line:
            place.bell.release()
        with self._opening:
            native = self._native
        if native is None:
            return
        if idle:
            self._close_native()
        else:
            self._drain(native)
        log.info("pool %r closed", self.name)

    def _drain(self, native: Any) -> None:
        """Close the idle sessions while others are checked out, which neither native pool can do by itself."""
        driver = self.driver
        for _ in range(self.settings.max):
            if driver.opened(native) <= driver.busy(native):
                return
            try:
                connection = self._call(None, driver.acquire, native, 0)
            except driver.dbapi.Error:
                return
            self._drop(connection, "pool closed")

    def _close_native(self) -> None:
        native, self._native = self._native, None
        if native is not None:
            opened = self.driver.opened(native)
            with self._lock:
                self._counters.dropped["pool closed"] += opened
            try:
                self._call(None, self.driver.close, native)
            except Exception as error:
                log.warning("pool %r: closing failed: %s", self.name, error)

    def _call(self, deadline: float | None, call: Callable[..., Result], *arguments: Any) -> Result:
        """The one place where this pool calls what may block in the driver; `deadline` is a monotonic time."""
        return call(*arguments)

    # Looking at it.

    def stats(self) -> PoolStats:
        """The pool's numbers at this moment; see `PoolStats`. Costs no round trip.

        >>> pool.stats().opened
        4
        """
        # Not under the lock: Oracle Client has one of its own, which it may hold during a log-on.
        native = self._native
        opened = self.driver.opened(native) if native is not None else 0
        with self._lock:
            counters, dropped = self._counters, dict(self._counters.dropped)
            return PoolStats(
                opened=opened,
                busy=self._busy,
                idle=max(0, opened - self._busy),
                waiting=len(self._line),
                checkouts=counters.checkouts,
                log_ons=counters.log_ons,
                replaced=max(0, counters.log_ons - opened - sum(dropped.values())),
                dropped=dropped,
                timeouts=counters.timeouts,
                reclaimed=counters.reclaimed,
            )

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open" if self._native is not None else "not used yet"
        stats = self.stats()
        driver = self._driver.name if self._driver else self.settings.driver
        return (
            f"<SessionPool {self.name!r} {driver} {self.settings.user}@{self.settings.dsn}: {state}, "
            f"{stats.opened} opened, {stats.busy} busy, {stats.idle} idle, {stats.waiting} waiting, "
            f"min {self.settings.min}, max {self.settings.max}>"
        )

    def _where(self) -> str:
        return f"pool {self.name!r}, {self.settings.user}@{self.settings.dsn}"

    @contextmanager
    def transaction(self, timeout: float | None = None) -> Iterator[Any]:
        """A connection whose work is committed at the end of the block, and rolled back if the block raises.

        >>> with pool.transaction() as connection:
        ...     connection.cursor().execute("update stock set amount = amount - 1")
        """
        with self.acquire(timeout) as connection:
            yield connection
            connection.commit()

    # Forking.

    def _after_fork(self) -> None:
        """In a forked child: leave the parent's sessions alone, and begin with an empty pool."""
        for reference in self._out.values():
            connection = reference()
            if connection is not None:
                _leak(connection)
                self.driver.disown(connection)
        for left_over in (self._native, *self._strays):
            _leak(left_over)
        self._start_afresh()


_pools: weakref.WeakSet[SessionPool] = weakref.WeakSet()


def _leak(thing: Any) -> None:
    """Keep `thing` for ever: its destructor would talk to the server over the parent's socket."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def _after_fork_in_child() -> None:
    for pool in list(_pools):
        pool._after_fork()


os.register_at_fork(after_in_child=_after_fork_in_child)
