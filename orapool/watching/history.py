"""How a pool stood in the last ten minutes: a sample for each period in which something happened.

A pool at rest notes nothing: until its next sample it had no session out, and as many open as at the end of the last.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from orapool.counters import PoolStats
from orapool.histograms import NOTHING, Distribution

PERIOD = 5
"""Seconds of a sample. Periods begin at the same times in all processes."""
SAMPLES = 120
"""How many are kept, and one more for the period that has not ended."""


class Sample(NamedTuple):
    """A pool in one period.

    `busy`, `idle` and `waiting` go together: they are of one moment. Of those at which somebody looked, about one a
    second, it is the one when most callers were waiting, or else most sessions busy.
    """

    number: int
    """Of the period: the time of `time.time` at its beginning, divided by `PERIOD`."""
    busy: int
    idle: int
    waiting: int
    opened: int
    """Sessions on the server when it ended."""
    checkouts: int
    timeouts: int
    dead: int
    """Sessions dropped, or replaced."""
    outage: bool
    """Whether the database was away at any time."""
    outage_lasts: bool
    """Whether it was so when the period ended."""
    waits: tuple[int, ...]
    """How long callers waited for their sessions: by turns the number of a bucket, see histograms.py, and how many."""

    @property
    def distribution(self) -> Distribution:
        """Its waits, but for their sum and the longest."""
        counts = list(NOTHING.counts)
        for bucket, count in zip(self.waits[::2], self.waits[1::2]):
            counts[bucket] = count
        return Distribution(tuple(counts))


class History:
    """Keeps the samples of one pool. To be used by one thread at a time."""

    def __init__(self) -> None:
        self._ended: deque[tuple[int, str]] = deque(maxlen=SAMPLES)
        self._sample: Sample | None = None
        self._waits = NOTHING
        """Of the current period."""
        self._seen: PoolStats | None = None

    def note(self, stats: PoolStats, at: float) -> None:
        """These are the pool's numbers at this time of `time.time`; None were missed since the last ones."""
        number, seen, sample = int(at // PERIOD), self._seen, self._sample
        if sample is not None and sample.number != number:
            self._end(sample, number)
            sample = None
        if sample is None:
            sample, self._waits = Sample(number, 0, 0, 0, 0, 0, 0, 0, False, False, ()), NOTHING
        if seen is None or stats.waits.counts != seen.waits.counts:
            self._waits += stats.waits - (NOTHING if seen is None else seen.waits)
        busiest = max((sample.waiting, sample.busy, sample.idle), (stats.waiting, stats.busy, stats.idle))
        waiting, busy, idle = busiest
        dead, died = (0 if seen is None else _dead(seen)), _dead(stats)
        self._sample = Sample(
            number,
            busy,
            idle,
            waiting,
            stats.opened,
            sample.checkouts + stats.checkouts - (0 if seen is None else seen.checkouts),
            sample.timeouts + stats.timeouts - (0 if seen is None else seen.timeouts),
            sample.dead + max(0, died - dead),
            sample.outage or stats.outage_since is not None,
            stats.outage_since is not None,
            tuple(part for each in enumerate(self._waits.counts) if each[1] for part in each),
        )
        self._seen = stats

    def _end(self, sample: Sample, number: int) -> None:
        """A period has ended, and another one begun, which is an earlier one where the clock was put back."""
        self._ended.append((sample.number, _encode(sample)))
        while self._ended and self._ended[-1][0] >= number:
            self._ended.pop()

    def encode(self) -> str:
        """All of them as JSON. Those that have ended are put into words once only."""
        ended = [text for _, text in self._ended]
        return f"[{','.join(ended if self._sample is None else [*ended, _encode(self._sample)])}]"


def decode(found: Iterable[Iterable[object]]) -> tuple[Sample, ...]:
    """What `History.encode` gave, out of JSON."""
    samples = (Sample(*each) for each in found)  # type: ignore[arg-type]
    return tuple(sample._replace(waits=tuple(sample.waits)) for sample in samples)


def _encode(sample: Sample) -> str:
    return json.dumps(sample, separators=(",", ":"))


def _dead(stats: PoolStats) -> int:
    return stats.dropped_total + stats.replaced
