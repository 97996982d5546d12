"""Those who ask a pool for sessions while a fault is played, and what they got."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from orapool import SessionPool
from orapool.sandbox import Sandbox
from tests.waiting import until

MakePool = Callable[..., SessionPool]

CALLERS = 20
IDLE = 10
LATE = 0.25
"""Seconds after its deadline by which most callers have their answers; benchmarks/outage.py shows all."""
BUSY = 1.0
"""Seconds that each may, on a machine that has much else to do."""
QUICK_KERNEL = {"keepalive_idle": 1, "keepalive_interval": 1, "keepalive_probes": 2, "user_timeout": 3}
KERNEL_SECONDS = 6.0
"""What the kernel needs with these to find out that a path is dead."""
AT_ONCE = 0.5
"""Seconds within which nobody can have waited for the network: the shortest of its limits is a ping's second."""
CLOSE_SECONDS = 2.0
"""What the log-offs of a pool that is closed may take in all."""


@dataclass
class Outcome:
    """What one caller got, and after how many seconds; no answer yet is infinitely late."""

    seconds: float = float("inf")
    answer: Any = None
    error: BaseException | None = None


def outcome(call: Callable[[], Any]) -> Outcome:
    """Call, and see what comes of it."""
    begun = time.monotonic()
    try:
        answer, error = call(), None
    except Exception as raised:
        answer, error = None, raised
    return Outcome(time.monotonic() - begun, answer, error)


class Callers:
    """Callers in threads of their own, all at once. One that hangs holds up nothing but its own outcome."""

    def __init__(self, count: int, call: Callable[[], Any]) -> None:
        self.outcomes = [Outcome() for _ in range(count)]
        self._start = threading.Barrier(count + 1)
        self._call = call
        self._threads = [threading.Thread(target=self._run, args=(index,), daemon=True) for index in range(count)]
        for thread in self._threads:
            thread.start()
        self._start.wait(10)

    def _run(self, index: int) -> None:
        self._start.wait(10)
        self.outcomes[index] = outcome(self._call)

    def wait(self, seconds: float = 30) -> list[Outcome]:
        """Their outcomes, after at most so many seconds."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return list(self.outcomes)


class Ticks:
    """A thread that should run every few milliseconds, and what kept it from that: a lock of the interpreter's."""

    def __init__(self) -> None:
        self._ticks = [time.monotonic()]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.005):
            self._ticks.append(time.monotonic())

    def longest_pause(self) -> float:
        """End it; the seconds of the longest pause."""
        self._stop.set()
        self._thread.join()
        ticks = [*self._ticks, time.monotonic()]
        return max(after - before for before, after in zip(ticks, ticks[1:]))


def select(connection: Any) -> Any:
    """The answer of one round trip."""
    cursor = connection.cursor()
    cursor.execute("select 1 from dual")
    return cursor.fetchone()[0]


def query(pool: SessionPool, timeout: float | None = None) -> Any:
    """One checkout with one round trip."""
    with pool.acquire(timeout) as connection:
        return select(connection)


def lay_idle(pool: SessionPool, count: int = IDLE) -> None:
    """Have `count` sessions idle in the pool, all of which have just worked."""
    connections = [pool.acquire() for _ in range(count)]
    for connection in connections:
        select(connection)
    for connection in connections:
        connection.close()
    assert pool.stats().opened == count


def errors(outcomes: list[Outcome]) -> list[str]:
    """What went wrong, in words; a hang too."""
    return [f"{each.seconds:.3f} s: {each.error!r}" for each in outcomes if each.answer != 1]


def longest(outcomes: list[Outcome]) -> float:
    """The longest time that a caller waited."""
    return max(each.seconds for each in outcomes)


def assert_in_order(pool: SessionPool, server: Sandbox, opened: int | None = None) -> None:
    """Nobody has a session, and the pool's counts are the server's."""
    until(lambda: pool.stats().busy == pool.stats().waiting == 0)
    until(lambda: pool.stats().opened == server.stats().sessions)
    if opened is not None:
        assert pool.stats().opened == opened


def typical(outcomes: list[Outcome]) -> float:
    """The median of their times: what it takes, without the pauses of a busy machine."""
    return statistics.median(each.seconds for each in outcomes)


@contextmanager
def log_lines(caplog: pytest.LogCaptureFixture, level: int) -> Iterator[list[str]]:
    """The pool's log lines of a level or above, while the block runs."""
    lines: list[str] = []
    with caplog.at_level(level, logger="orapool"):
        before = len(caplog.records)
        yield lines
        lines += [
            record.getMessage()
            for record in caplog.records[before:]
            if record.name.startswith("orapool") and record.levelno >= level
        ]
