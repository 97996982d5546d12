"""Units of work that run again, on a fresh session, when they lost theirs and had written nothing."""

from __future__ import annotations

import functools
import inspect
import itertools
import logging
import math
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Callable, TypeVar, overload

from orapool import pools
from orapool.drivers import units
from orapool.drivers.units import Unit
from orapool.errors import ConfigurationError, PoolError, lost_connection
from orapool.session_pool import SessionPool

log = logging.getLogger("orapool.retries")

Result = TypeVar("Result")

# The second attempt follows at once: its session has answered a ping. Further ones wait, up to twice as long each time.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0


@overload
def retry(
    function: Callable[..., Result],
    *,
    attempts: int = 2,
    name: str = "default",
    writes: bool = False,
    timeout: float = 30.0,
) -> Callable[..., Result]: ...


@overload
def retry(
    function: None = None, *, attempts: int = 2, name: str = "default", writes: bool = False, timeout: float = 30.0
) -> Callable[[Callable[..., Result]], Callable[..., Result]]: ...


def retry(
    function: Callable[..., Any] | None = None,
    *,
    attempts: int = 2,
    name: str = "default",
    writes: bool = False,
    timeout: float = 30.0,
) -> Callable[..., Any]:
    """Make `function` run again from its start when it lost its session and had sent nothing but queries.

    A function whose first parameter is called ``connection`` gets one of the pool `name`, given back at its end; it is
    called without. Any other function opens what it needs inside: connections, engine connections, ORM sessions.

    attempts: the most runs in all.
    writes: run it again also after it has sent a write, a lock or a commit. Whether those took effect is not known
        then: only for work that may be done twice.
    timeout: seconds after the first loss within which another run may start.

    Every statement is a write but queries without FOR UPDATE, and what only sets something in the session; PL/SQL and
    commit() are writes. Not seen: what other threads write on connections of their own, what goes over connections
    that are not of a pool, and a function in a query that commits by itself.

    Raises the last run's error, with the first one's as its cause. PoolTimeout, DatabaseUnavailable and all other
    errors than a lost connection of a pool are not retried.

    >>> @orapool.retry
    ... def count(connection, city):
    ...     return connection.cursor().execute("select count(*) from orders where city = :1", [city]).fetchone()[0]
    >>> count("Basel")
    42
    """
    plan = Plan(attempts, writes, timeout)

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(function) or inspect.iscoroutinefunction(function):
            raise ConfigurationError(f"{_label(function)} cannot be retried: it is a generator or a coroutine function")
        place = _place_of_connection(function)

        @functools.wraps(function)
        def run(*args: Any, **options: Any) -> Any:
            def work(attempt: Attempt) -> Any:
                if place is None:
                    return function(*args, **options)
                with attempt.draw(pools.pool(name)) as connection:
                    return function(*args[:place], connection, *args[place:], **options)

            return plan.run(work, _label(function))

        return run

    return decorate if function is None else decorate(function)


@dataclass(frozen=True)
class Attempt:
    """One run of a unit of work.

    Attributes:
        unit: what it has sent and lost.
        left: seconds in which it may draw its session; None: the pool's own limit.
    """

    unit: Unit
    left: float | None = None

    def draw(self, pool: SessionPool, timeout: float | None = None) -> Any:
        """Check out a connection for this run; `timeout`: seconds; None: the pool's own limit."""
        connection = _acquire(pool, min((each for each in (self.left, timeout) if each is not None), default=math.inf))
        connection.unit = self.unit
        return connection


@dataclass(frozen=True)
class Plan:
    """How often, and within which time, a unit of work may run; see `retry`."""

    attempts: int = 2
    writes: bool = False
    timeout: float = 30.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ConfigurationError(f"attempts is a number of runs, 1 or more, not {self.attempts!r}")
        if self.timeout < 0:
            raise ConfigurationError(f"timeout is a number of seconds, 0 or more, not {self.timeout!r}")

    def run(self, work: Callable[[Attempt], Result], label: str) -> Result:
        """Run `work` until it returns, or may not run again; `label` is what to call it in the log."""
        first: Exception | None = None
        deadline, left = 0.0, None
        for number in itertools.count(1):
            unit = Unit()
            outer = units.current.set(unit)
            try:
                return work(Attempt(unit, left))
            except Exception as error:
                code, ours = _read(error, unit)
                if first is None:
                    if code is None:
                        raise
                    first, deadline = error, time.monotonic() + self.timeout
                left = deadline - time.monotonic()
                refusal = self._refuse(number, unit, left) if code is not None else "it failed otherwise"
                if refusal is not None:
                    if code is not None:
                        log.info("%s lost its session (%s) and is not run again: %s", label, code, refusal)
                    if first is error or (code is None and not ours):
                        raise
                    raise error from first
            finally:
                units.current.reset(outer)
                unit.lost.clear()
            try:
                time.sleep(_pause(number))
                for pool in unit.pools:
                    _await_live_session(pool, deadline)
            except PoolError as error:
                raise error from first
            left = deadline - time.monotonic()
            log.warning("%s lost its session (%s) and runs again on a fresh one", label, code)
        raise AssertionError("unreachable")

    def _refuse(self, number: int, unit: Unit, left: float) -> str | None:
        """Why work that lost its session may not run again, or None."""
        if unit.wrote is not None and not self.writes:
            return f"it had sent {unit.wrote}"
        if number >= self.attempts:
            return f"{number} of {self.attempts} attempts are made"
        if left <= 0:
            return f"{self.timeout:g} s are over"
        return None


def _read(error: Exception, unit: Unit) -> tuple[str | None, bool]:
    """The code by which `error`, or what it came from, means a lost connection, and whether it is the pool's own."""
    for each in _chain(error):
        if isinstance(each, PoolError):
            return None, True
        if id(each) in unit.lost:
            return lost_connection(each, by_driver=True), False
    return None, False


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield `error` and what it came from, as a traceback would show it, and what SQLAlchemy wrapped."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if not isinstance(each, BaseException) or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting.append(each.__cause__ if each.__cause__ or each.__suppress_context__ else each.__context__)
        waiting.append(getattr(each, "orig", None))


def _acquire(pool: SessionPool, left: float) -> Any:
    return pool.acquire(min(pool.settings.acquire_timeout, max(0.0, left)))


def _await_live_session(pool: SessionPool, deadline: float) -> None:
    """See to it that the session which `pool` hands out next is alive: whatever ended one may have ended others.

    Sessions that do not answer are dropped, until the deadline.
    """
    while True:
        connection = _acquire(pool, deadline - time.monotonic())
        try:
            pool.driver.ping(connection, pool.settings.ping_timeout)
        except Exception as error:
            connection.note(error)
            connection.drop()
            if time.monotonic() >= deadline:
                return
        else:
            connection.close()
            return


def _pause(number: int) -> float:
    """Seconds to wait after run `number`."""
    longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** (number - 1))
    return 0.0 if number == 1 else random.uniform(longest / 2, longest)


def _place_of_connection(function: Callable[..., Any]) -> int | None:
    """Where `function` takes the connection that it asks for, behind self or cls, or None."""
    names = list(inspect.signature(function).parameters)
    place = 1 if names[:1] in (["self"], ["cls"]) else 0
    return place if names[place : place + 1] == ["connection"] else None


def _label(function: Callable[..., Any]) -> str:
    return f"{getattr(function, '__qualname__', repr(function))}()"
