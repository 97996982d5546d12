"""The pool: acquire, release, deadlines."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from orapool import closing, ending, forking
from orapool.causes import CLOSED, ENDED, MADE_ROOM, RETIRED
from orapool.counters import Counters, PoolStats
from orapool.credentials import of_checkout
from orapool.drivers import find_driver
from orapool.drivers.base import DeadIdleSession, Driver
from orapool.dsn import mask
from orapool.errors import DatabaseUnavailable, PoolClosed, PoolTimeout, error_codes, log_on_error
from orapool.gate import Gate, Occupied
from orapool.health import SessionState
from orapool.keeper import Keeper
from orapool.log_ons import CUT_PAUSE, PATIENCE, LogOns
from orapool.native_pool import NativePool
from orapool.native_pools import NativePools, StillDenied
from orapool.outage import Outage
from orapool.rollbacks import Rollbacks
from orapool.session_setup import SessionSetup
from orapool.settings import PoolSettings
from orapool.slots import LineClosed, Slots
from orapool.tags import Resolver, Tags, current, make_tags, script_name, sources
from orapool.upkeep import Upkeep
from orapool.workers import CallTimeout, Workers, run_outside

log = logging.getLogger("orapool.pool")

_RETRY_PAUSE = 0.005
"""Seconds between attempts when the native pool says that it is full although a place in it is ours."""
_CUT_OFF = frozenset({"ORA-03113", "ORA-03135", "ORA-12537", "ORA-12547", "DPY-4011"})
"""What a log-on fails with when the other side ends the connection in the middle of it."""
_LOG_ON_ATTEMPTS = 5
"""Log-ons that one caller makes when the other side says goodbye in the middle of them."""
_BACKGROUND_THREADS = 4
_LOOK_PAUSE = 0.002
"""Seconds between looks at sessions that are being ended while the process is about to fork."""

_ALL_IN_USE = (
    "all sessions are in use",
    "close connections sooner (`with orapool.connection() as ...`), or raise max or acquire_timeout",
)
_SLOW_SETUP = ("on_session has not ended", "make it quicker, or raise acquire_timeout")
_SLOW_LOG_ON = ("a log-on has not ended", "check whether the database answers, or raise acquire_timeout")


class _Overdue(Exception):
    """A log-on, or `on_session`, outlived its caller's deadline: the slot stays with it until it ends."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


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
        self._lock = threading.Lock()
        self._opening = threading.Lock()
        self._slots = Slots(self.settings.max)
        self._natives: NativePools | None = None
        self._rollbacks: Rollbacks
        self._setup: SessionSetup
        self._upkeep: Upkeep
        self._keeper: Keeper
        self._floor = 0
        self._native_closed = threading.Event()
        self._out: dict[int, weakref.ref[Any]] = {}
        self._strays: deque[Any] = deque()
        self._counters = Counters()
        self._outage = Outage(self.where)
        self._log_ons = LogOns(self.settings.dsn, self.settings.connect_timeout or PATIENCE, self.settings.config_dir)
        self._workers = Workers(f"{self.name}-calls", self.settings.max * 2 + 1)
        self._background = Workers(f"{self.name}-background", _BACKGROUND_THREADS)

    def _where(self, user: str | None) -> str:
        """What to call the pool, and whom it logs on as, in messages."""
        return f"pool {self.name!r}, {user or 'external user'}@{mask(self.settings.dsn)}"

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
        settings = self.settings
        seconds = settings.acquire_timeout if timeout is None else timeout
        call_timeout = settings.call_timeout if call_timeout is None else call_timeout
        asked = user is not None or password is not None or settings.user_source is not None
        credentials = of_checkout(settings, user, password) if asked else None
        deadline = time.monotonic() + seconds
        tags = self._tags.defaults
        if not (module is action is client_identifier is clientinfo is None):
            tags = self._tags.resolve(make_tags(module, action, client_identifier, clientinfo))
        elif sources or current.get() is not None:
            tags = self._tags.resolve()
        self._stand_in_line(deadline, seconds)
        try:
            # Whoever does not stand in line may still log on.
            limit = deadline if seconds > 0 else deadline + settings.connect_timeout
            natives = self._natives or self._open()
            if credentials is None:
                connection = self._draw(natives, natives.primary, limit, seconds, call_timeout, tags)
            else:
                with natives.visit(credentials) as native:
                    connection = self._draw(natives, native, limit, seconds, call_timeout, tags)
        except _Overdue as overdue:
            raise overdue.error from None
        except BaseException:
            self._pass_on()
            raise
        self._out[id(connection)] = weakref.ref(connection)
        connection.lent_by = self
        self._counters.checkouts.add()
        return connection

    def _stand_in_line(self, deadline: float, seconds: float) -> None:
        """Get one of the `max` slots, in turn."""
        if self._strays:
            self._sweep()
        if self._outage.since is not None and not self._out and not (self._natives and self._natives.any_alive()):
            raise self._outage.error()
        try:
            served = self._slots.take(deadline)
        except LineClosed as closed:
            raise PoolClosed(f"pool {self.name!r} {closed}") from None
        if not served:
            raise self._timed_out(seconds, *_ALL_IN_USE)

    def _draw(
        self,
        natives: NativePools,
        native: NativePool,
        deadline: float,
        seconds: float,
        call_timeout: float,
        tags: Tags,
    ) -> Any:
        """Draw a live session: an idle one whose path is known to be good, or can be shown to be, or a new one."""
        attempt = 0
        while True:
            connection, state = natives.draw_idle(native) or self._draw_otherwise(natives, native, deadline, seconds)
            try:
                fault = connection.lost_by or state.home.health.find_fault(connection, state, deadline)
                if fault is None and state.told is not tags:
                    fault = self._setup.prepare(connection, state, tags, deadline, attempt)
                if fault is None:
                    fault = self._set_call_timeout(connection, call_timeout)
            except CallTimeout:
                self._keeper.wake()
                raise _Overdue(self._timed_out(seconds, *_SLOW_SETUP)) from None
            if fault is None and time.monotonic() >= state.retires:
                fault = RETIRED
            if fault is None and self._slots.closed:
                fault = CLOSED
            if fault is None:
                break
            self._let_go(connection, fault)
            if fault == CLOSED:
                raise PoolClosed(f"pool {self.name!r} was closed while waiting for a session")
            attempt += 1
        if self._floor < self.settings.min:
            self._raise_floor()
        # Who is alone does not need more sessions than this one.
        if state.draws == 1 and self.settings.increment > 1 and self._out and state.home is natives.primary:
            self._background.submit(self._upkeep.grow)
        return connection

    def _raise_floor(self) -> None:
        """A session was drawn: keep one from now on, and `min` when another is checked out at the same time."""
        with self._lock:
            before, self._floor = self._floor, self.settings.min if self._out else max(self._floor, 1)
        if self._floor > max(before, 1):
            self._upkeep.ask_to_fill()
            self._keeper.wake()

    def _set_call_timeout(self, connection: Any, seconds: float) -> str | None:
        """What is wrong with a session that does not even take its call time-out."""
        try:
            self.driver.set_call_timeout(connection, seconds)
        except self.driver.dbapi.Error as error:
            return next(error_codes(error), type(error).__name__)
        return None

    def _draw_otherwise(
        self, natives: NativePools, native: NativePool, deadline: float, seconds: float
    ) -> tuple[Any, SessionState]:
        """Draw one of an older password's, or else in a worker, which may find dead ones, and may have to log on."""
        native.health.clear_ended()
        if self._is_short():
            self._keeper.wake()
        drawn = natives.draw_of_elders(native)
        if drawn is not None:
            return drawn
        if self._outage.since is not None and not native.any_alive():
            raise self._outage.error()
        driver, started = self.driver, time.monotonic()
        attempts = 1
        while True:
            try:
                connection, found = self._workers.run(
                    partial(natives.draw, native, deadline), deadline, self._came_late
                )
            except CallTimeout:
                if time.monotonic() - started >= self.settings.ping_timeout:
                    self._log_on_failed(driver.dbapi.OperationalError("a log-on got no answer"), silent=True)
                self._log_ons.cut_overdue()
                self._keeper.wake()
                raise _Overdue(self._timed_out(seconds, *_SLOW_LOG_ON)) from None
            except Occupied:
                raise self._timed_out(seconds, *_SLOW_LOG_ON) from None
            except StillDenied as error:
                raise log_on_error(error.error, native.where, error.more) from error.error
            except DeadIdleSession as error:
                log.info("pool %r: an idle session was dead: %s", self.name, error)
            except driver.dbapi.Error as error:
                if natives.may_hold_unasked():
                    self._keeper.wake()
                interrupted = attempts < _LOG_ON_ATTEMPTS and not _CUT_OFF.isdisjoint(error_codes(error))
                if not interrupted and not driver.is_pool_exhausted(error):
                    raised = log_on_error(error, native.where)
                    if isinstance(raised, DatabaseUnavailable):
                        self._log_on_failed(error, time.monotonic() - started >= self.settings.ping_timeout)
                    raise raised from error
                if time.monotonic() >= deadline:
                    raise self._timed_out(seconds, *_SLOW_LOG_ON) from None
                attempts += interrupted
                time.sleep(_RETRY_PAUSE)
            else:
                found.health.forget_vanished()
                self._outage.succeeded()
                if natives.may_hold_unasked():
                    self._keeper.wake()
                return connection, found.health.drawn(connection)

    def _came_late(self, drawn: tuple[Any, NativePool] | None, error: BaseException | None) -> None:
        """A log-on has ended after its caller had gone: keep the session for others, and pass the slot on."""
        try:
            if drawn is not None:
                connection, native = drawn
                state = native.health.drawn(connection)
                self._outage.succeeded()
                self._put_back(connection, state)
            elif error is not None and not isinstance(error, (CallTimeout, Occupied, StillDenied)):
                log.info("%s: a log-on that nobody waits for any more failed: %s", self.where, error)
                self._keeper.wake()
        finally:
            self._pass_on()

    def _log_on_failed(self, cause: Exception, silent: bool = False) -> None:
        if self._outage.failed(cause, silent):
            self._keeper.wake()

    def _timed_out(self, seconds: float, what: str, advice: str) -> PoolTimeout:
        with self._lock:
            self._counters.timeouts += 1
        return PoolTimeout(
            f"pool {self.name!r}: no session after {seconds:.2f} s, {what}: max {self.settings.max}, "
            f"{self._slots.busy} busy, {self._slots.waiting} waiting: {advice}"
        )

    # Giving back: roll back what is open, put the session back or take it out, pass the slot on.

    def take_back(self, connection: Any) -> None:
        """A connection was closed: called by its close(). A lost session is dropped instead of put back."""
        self._out.pop(id(connection), None)
        try:
            cause = connection.lost_by
            if cause is None and self.driver.in_transaction(connection):
                self._rollbacks.roll_back(connection)
        except CallTimeout:
            return  # the slot stays with the rollback until that ends
        except Exception as error:
            cause = next(error_codes(error), type(error).__name__)
        self._settle(connection, cause)

    def _settle(self, connection: Any, cause: str | None) -> None:
        """Put a session back, or let it go for a cause, and pass its slot on. Never waits for others on their way."""
        gate: Gate = connection.session_state.home.gate
        if not gate.enter():
            connection.close_cursors()
            self._background.submit(partial(self._settle_and_pass_on, connection, cause))
            return
        try:
            self._settle_now(connection, cause)
        finally:
            gate.leave()
            self._pass_on()

    def _settle_and_pass_on(self, connection: Any, cause: str | None) -> None:
        try:
            self._settle_now(connection, cause)
        finally:
            self._pass_on()

    def _settle_now(self, connection: Any, cause: str | None) -> None:
        try:
            state = connection.session_state
            if cause is None and state.home.health.has_ended(state):
                cause = ENDED
            if cause is None:
                state.used = time.monotonic()
                self._put_back(connection, state)
            else:
                self._let_go(connection, cause)
        except Exception as error:
            log.warning("pool %r: giving a session back failed: %s", self.name, error)

    def _put_back(self, connection: Any, state: SessionState) -> None:
        """Put a session that is well back into the native pool."""
        if self._slots.closed or time.monotonic() >= state.retires:
            self._let_go(connection, CLOSED if self._slots.closed else RETIRED)
            return
        state.home.health.put_back(connection, state)
        if self._slots.closed:  # meanwhile: either close() saw this one idle, or this sees the close
            self._background.submit(self._close_idle)

    def take_out(self, connection: Any, cause: str) -> None:
        """A connection shall leave the pool: called by its drop()."""
        try:
            self._let_go(connection, connection.lost_by or cause)
        finally:
            self._out.pop(id(connection), None)
            self._pass_on()

    def drop(self, connection: Any) -> None:
        """Close a checked-out session instead of giving it back; the pool opens a new one when it needs one.

        >>> pool.drop(connection)
        """
        connection.drop()

    def _let_go(self, connection: Any, cause: str) -> None:
        """Take a session out of its native pool, in the background."""
        natives = self._natives
        if natives is None:
            return  # the pool is being closed, this session with it
        natives.see_off(connection, cause)
        if self._is_short():
            self._keeper.wake()

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
        self._keeper.wake()

    def _sweep(self) -> None:
        """Give back connections that were garbage-collected."""
        while self._strays:
            try:
                connection = self._strays.popleft()
            except IndexError:
                return
            self._counters.reclaimed += 1
            self.take_back(connection)

    # Opening, upkeep, closing.

    def _open(self) -> NativePools:
        """The native pools, made if need be. They start empty, so that making one talks to nobody."""
        with self._opening:
            if self._natives is None:
                if self._slots.closed:
                    raise PoolClosed(f"pool {self.name!r} is closed")
                parts = (self.where, self.settings, self.driver, self._workers)
                self._setup = SessionSetup(*parts, self._let_go, self._settle)
                self._rollbacks = Rollbacks(self.driver, self._workers, self.settings.ping_timeout, self._settle)
                natives = NativePools(
                    self.name,
                    self.settings,
                    self.driver,
                    self._log_ons,
                    self._workers,
                    self._background,
                    where=self._where,
                    on_session=self._on_session,
                    dropped=self._count_dropped,
                )
                self._upkeep = Upkeep(self, natives, self._outage, self._log_ons, self._workers)
                self._keeper = self._upkeep.keeper(self._strays, self._sweep, self._is_short, self._setup)
                self._natives = natives
                self._keeper.start()
                if self.driver.outlives_main:
                    ending.close_in_time(self)
                log.info("pool %r opened: %r", self.name, self)
            return self._natives

    def _on_session(self, native: NativePool, connection: Any) -> None:
        """A native pool has made a session."""
        try:
            native.health.admit(connection)
        except self.driver.dbapi.Error as error:  # died at once: who draws it will see
            log.info("%s: a new session is dead: %s", native.where, error)
        with self._lock:
            self._counters.log_ons += 1

    def _count_dropped(self, cause: str) -> None:
        with self._lock:
            self._counters.dropped[cause] += 1

    @property
    def floor(self) -> int:
        """Sessions to keep open: none before the first use, one for who is alone, then `min`."""
        return self._floor

    def _is_short(self) -> bool:
        """Whether there are fewer sessions than are to be kept open, and more can be had."""
        natives = self._natives
        return (
            natives is not None
            and self._outage.since is None
            and self.settings.user_source is None  # nobody knows whose they should be
            and natives.total < self._floor
        )

    def draw_spare(self, native: NativePool, deadline: float) -> tuple[Any, SessionState] | None:
        """For the upkeep: a session that nobody waits for; None when there is no slot for it, or no log-on by then."""
        natives = self._natives
        if natives is None or not self._slots.take_spare():
            return None
        try:
            drawn = natives.draw_idle(native)
            if drawn is None and native is natives.primary:
                drawn = self._draw_otherwise(natives, native, deadline, 0)
            if drawn is not None:
                connection, state = drawn
                fault = connection.lost_by
                if fault is None and not state.ready:
                    fault = self._setup.begin(connection, state, deadline)
                if fault is not None:
                    self._let_go(connection, fault)
                    drawn = None
        except (_Overdue, CallTimeout):  # the slot stays with what is under way
            self._keeper.wake()
            return None
        except BaseException:
            self._pass_on()
            raise
        if drawn is None:
            self._pass_on()
        return drawn

    def adopt_unasked(self) -> None:
        """For the upkeep: take in a session that a native pool has opened by itself, if there is one."""
        natives = self._natives
        if natives is None or not self._slots.take_spare():
            return
        try:
            drawn = self._workers.run(natives.draw_unasked, time.monotonic() + PATIENCE, self._came_late)
        except CallTimeout:
            return  # the slot stays with it until it ends
        except (self.driver.dbapi.Error, OSError) as error:
            log.info("pool %r: a session that was opened by itself is not to be had: %s", self.name, error)
            drawn = None
        except BaseException:
            self._pass_on()
            raise
        if drawn is not None:
            connection, native = drawn
            state = native.health.drawn(connection)
            if natives.total > self.settings.max:
                self._let_go(connection, MADE_ROOM)
            else:
                self._put_back(connection, state)
        self._pass_on()

    def return_spare(self, connection: Any, state: SessionState, cause: str | None) -> None:
        """For the upkeep: take a session back, or let it go for a cause."""
        if cause is None:
            self._put_back(connection, state)
        else:
            self._let_go(connection, cause)
        self._pass_on()

    def vacate(self) -> None:
        """Close the idle sessions, within a few seconds; what is needed later is opened again, as at first use."""
        natives = self._natives
        if natives is None or self._slots.closed:
            return
        self._floor = 0
        drawn = []  # all of them first: while one is dropped, no other can be drawn
        for native in natives.all:
            while self._slots.take_spare():
                found = natives.draw_idle(native)
                if found is None:
                    self._pass_on()
                    break
                drawn.append(found[0])
        for connection in drawn:
            self._let_go(connection, RETIRED)
            self._pass_on()
        # Where one has ended, or the kernel does not tell, none can be drawn without a round trip.
        natives.shut_down_idle()
        self._background.idle_by(time.monotonic() + closing.LIMIT)

    def close(self) -> None:
        """Close the pool. Idle sessions are closed now, those checked out when they are given back.

        From now on acquire() raises `PoolClosed`; those who wait in line get it at once. Takes a few seconds at most,
        also when the database does not answer. A second call does nothing.
        """
        all_back = self._slots.close()
        if all_back is None:
            return
        with self._opening:
            natives = self._natives
        if natives is None:
            return
        self._keeper.stop()
        if all_back:
            self._close_natives()
        else:
            self._background.submit(self._close_idle)
            limit = time.monotonic() + closing.LIMIT
            # What no user has is with the upkeep, or in a call whose caller has gone: that ends soon.
            while not (self._out or self._native_closed.wait(CUT_PAUSE) or time.monotonic() > limit):
                self._log_ons.cut_overdue()
            if not self._background.idle_by(limit):
                natives.shut_down_idle()
        log.info("pool %r closed", self.name)

    def _close_idle(self) -> None:
        """In the background: close the idle sessions of a closed pool that others are checked out of."""
        natives = self._natives
        if natives is not None:
            for connection in closing.draw_idle(natives):
                self._let_go(connection, CLOSED)

    def abandon(self) -> None:
        """End all sessions' connections on this side, at once, where close() cannot be done: the process ends."""
        natives = self._natives
        if natives is not None:
            natives.shut_down_all()

    def _close_natives(self) -> None:
        """Close the native pools, within a few seconds."""
        natives, self._natives = self._natives, None
        if natives is None:
            return
        with self._lock:
            self._counters.dropped[CLOSED] += natives.total
        closing.close(natives, self._workers, self._background, self._log_ons)
        self._native_closed.set()

    # Looking at it.

    def stats(self) -> PoolStats:
        """The pool's numbers at this moment; see `PoolStats`. Costs no round trip.

        >>> pool.stats().opened
        4
        """
        if self._strays:
            self._sweep()
        opened, natives = 0, self._natives
        if natives is not None:
            natives.forget_vanished()
            opened = natives.total
        with self._lock:
            return self._counters.stats(opened, self._slots, self._workers, self._outage.since)

    def __repr__(self) -> str:
        state = "closed" if self._slots.closed else "open" if self._natives is not None else "not used yet"
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
        while self._any_dies() and time.monotonic() < limit:
            time.sleep(_LOOK_PAUSE)

    def _any_dies(self) -> bool:
        """Whether a session that is checked out has been ended, and no call of its user's has failed with that yet."""
        for reference in list(self._out.values()):
            connection = reference()
            if connection is not None and connection.lost_by is None:
                found = connection.session_state.socket
                look = None if found is None else found.look()
                if found is not None and (look is None or not look.established):
                    return True
        return False

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self._log_ons.go_on()

    def after_fork(self) -> None:
        """In a forked child: leave the parent's sessions alone, and begin with an empty pool."""
        for reference in self._out.values():
            connection = reference()
            if connection is not None:
                forking.leak(connection)
                self.driver.disown(connection)
        for left_over in (self._natives, *self._strays):
            forking.leak(left_over)
        self._start_afresh()
