"""How long something takes, counted in buckets."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import MutableSequence
from dataclasses import dataclass
from itertools import repeat, starmap
from typing import ClassVar

BOUNDS = (
    *(0.0001, 0.0005),
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
    *(30.0, 60.0, 300.0),
)
"""Upper bounds of the buckets, in seconds; what is longer is in one more. Among them are those that OpenTelemetry's
conventions advise for database clients: 1, 5, 10, 50, 100 and 500 ms, 1, 5 and 10 s."""

_DIGITS = 6
"""Of sums of seconds. So they do not depend on the order in which they are added up, by which they might go back."""

BATCH = 256
"""Times that are counted at once."""


@dataclass(frozen=True)
class Distribution:
    """How often something took how long.

    Attributes:
        counts: how often it took longer than the bound before, and not longer than this one; the last is for what took
            longer than any. `bounds` are the same for all.
        total: seconds of all of them together.
        longest: seconds of the longest.

    >>> pool.stats().waits.p99
    0.0049
    """

    bounds: ClassVar[tuple[float, ...]] = BOUNDS

    counts: tuple[int, ...] = (0,) * (len(BOUNDS) + 1)
    total: float = 0.0
    longest: float = 0.0

    @property
    def count(self) -> int:
        """How often in all."""
        return sum(self.counts)

    @property
    def mean(self) -> float | None:
        """Seconds on average; None where there was nothing."""
        count = self.count
        return self.total / count if count else None

    @property
    def p50(self) -> float | None:
        """Seconds that half of them do not exceed."""
        return self.quantile(0.5)

    @property
    def p99(self) -> float | None:
        """Seconds that 99 of 100 do not exceed."""
        return self.quantile(0.99)

    def quantile(self, part: float) -> float | None:
        """Seconds that a part of them, 0 to 1, do not exceed; None where there was nothing.

        Between the bounds of a bucket they are taken to lie evenly: it is no further off than the bucket is wide.
        """
        wanted = part * self.count
        before, lower = 0, 0.0
        for count, upper in zip(self.counts, (*self.bounds, self.longest)):
            if count and before + count >= wanted:
                return min(lower + (upper - lower) * (wanted - before) / count, self.longest or upper)
            before, lower = before + count, upper
        return None

    def cumulative(self) -> list[int]:
        """How often it took not longer than each bound, and in all, as Prometheus counts."""
        found, total = [], 0
        for count in self.counts:
            total += count
            found.append(total)
        return found

    def __add__(self, other: Distribution) -> Distribution:
        """Both together: those of several pools or processes."""
        counts = tuple(mine + its for mine, its in zip(self.counts, other.counts))
        return Distribution(counts, round(self.total + other.total, _DIGITS), max(self.longest, other.longest))

    def __sub__(self, earlier: Distribution) -> Distribution:
        """What has come since an earlier look at the same; `longest` is that of both."""
        counts = tuple(now - then for now, then in zip(self.counts, earlier.counts))
        return Distribution(counts, self.total - earlier.total, self.longest)


NOTHING = Distribution()


class Histogram:
    """Counts times, in any thread: `add` never waits for anybody, and `read` has all that were added before it.

    Attributes:
        added: times that are not in their buckets yet. Who adds to it, which is atomic, calls `count` when there are
            `BATCH` of them.
    """

    def __init__(self) -> None:
        self.added: deque[float] = deque()
        self._lock = threading.Lock()
        self._counts = [0] * (len(BOUNDS) + 1)
        self._total = 0.0
        self._longest = 0.0
        self._kept: tuple[MutableSequence[list[float]], ...] = ()

    def keep(self, batches: MutableSequence[list[float]]) -> None:
        """From now on, also append each batch of times, as they are, to these, in any thread and under the lock."""
        with self._lock:
            self._count()
            self._kept = (*self._kept, batches)

    def take(self, batches: MutableSequence[list[float]]) -> tuple[Distribution, list[list[float]]]:
        """What has been added until now, and the batches that were kept of it, which are emptied."""
        with self._lock:
            self._count()
            taken = list(batches)
            batches.clear()
            return self._distribution(), taken

    def let_go(self, batches: MutableSequence[list[float]]) -> None:
        """Append no more to these."""
        with self._lock:
            self._kept = tuple(each for each in self._kept if each is not batches)

    def add(self, seconds: float) -> None:
        """Something took so many seconds."""
        self.added.append(seconds)
        if len(self.added) >= BATCH:
            self.count()

    def count(self) -> None:
        """Put what was added into its buckets, unless somebody does so already."""
        # No one waits here: whoever holds the lock may be interrupted by a finalizer that checks a session out.
        if self._lock.acquire(blocking=False):
            try:
                self._count()
            finally:
                self._lock.release()

    def read(self) -> Distribution:
        """What has been added until now."""
        with self._lock:
            self._count()
            return self._distribution()

    def _distribution(self) -> Distribution:
        return Distribution(tuple(self._counts), round(self._total, _DIGITS), self._longest)

    def _count(self) -> None:
        times = list(starmap(self.added.popleft, repeat((), len(self.added))))
        if not times:
            return
        for batches in self._kept:
            batches.append(times)
        self._total += sum(times)
        ordered = sorted(times)
        self._longest = max(self._longest, ordered[-1])
        counted, bucket = 0, bisect_left(BOUNDS, ordered[0])
        while counted < len(ordered):
            before = counted
            counted = bisect_right(ordered, BOUNDS[bucket]) if bucket < len(BOUNDS) else len(ordered)
            self._counts[bucket] += counted - before
            bucket += 1
