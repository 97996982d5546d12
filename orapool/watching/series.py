"""The last ten minutes of pools of the same name in several processes, put together period by period."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from orapool.histograms import NOTHING, Distribution
from orapool.watching.history import PERIOD, SAMPLES, Sample
from orapool.watching.published import Published

_NUMBERS = ("busy", "idle", "waiting", "checkouts", "timeouts", "dead")


@dataclass
class _Sum:
    """What they were together in a period."""

    numbers: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_NUMBERS, 0))
    pools: int = 0
    outage: bool = False
    waits: Distribution = NOTHING

    def add(self, sample: Sample) -> None:
        """And this one."""
        for name in _NUMBERS:
            self.numbers[name] += getattr(sample, name)
        self.pools += 1
        self.outage |= sample.outage
        if sample.waits:
            self.waits += sample.distribution


def series(found: Iterable[Published], now: float) -> dict[str, dict[str, Any]]:
    """By the names of pools, lists with a number for each of the periods that ended before `now`, as `time.time` tells.

    The lists are called as in `orapool top --json`. `checkouts_per_second`, `wait_p50` and `wait_p99` are those of the
    period, as are `timeouts` and `dead`, sessions dropped or replaced; `outage` is whether the database was away. None
    stands where there was no pool yet, and for waits where there were none.
    """
    last = int(now // PERIOD) - 1
    sums: dict[str, list[_Sum]] = {}
    longest: dict[str, float] = {}
    for published in found:
        pool = published.about.pool
        of_pool = sums.setdefault(pool, [_Sum() for _ in range(SAMPLES)])
        longest[pool] = max(longest.get(pool, 0.0), published.stats.waits.longest)
        for sample in _every(published, last):
            if last - SAMPLES < sample.number <= last:
                of_pool[sample.number - last - 1].add(sample)
    return {pool: _lists(each, longest[pool]) for pool, each in sums.items()}


def recent_waits(published: Published, now: float, seconds: float) -> Distribution:
    """How long callers waited in the last so many seconds, and what the period had before that began."""
    oldest = int((now - seconds) // PERIOD)
    waits = NOTHING
    for sample in published.history:
        if sample.number >= oldest and sample.waits:
            waits += sample.distribution
    return Distribution(waits.counts, 0.0, published.stats.waits.longest)


def _every(published: Published, last: int) -> Iterator[Sample]:
    """The samples of a pool up to a period, with those of the time when it was at rest."""
    history = published.history
    for sample, following in zip(history, (*history[1:], None)):
        yield sample
        if following is None and published.stats.longest is not None:
            return  # it is not at rest: nothing is known of it
        resting = Sample(0, 0, sample.opened, 0, sample.opened, 0, 0, 0, sample.outage_lasts, sample.outage_lasts, ())
        begin = max(sample.number, last - SAMPLES) + 1
        for number in range(begin, last + 1 if following is None else min(following.number, last + 1)):
            yield resting._replace(number=number)


def _lists(sums: list[_Sum], longest: float) -> dict[str, Any]:
    lists: dict[str, Any] = {
        name: [each.numbers[name] if each.pools else None for each in sums] for name in _NUMBERS if name != "checkouts"
    }
    waits = [Distribution(each.waits.counts, 0.0, longest) for each in sums]
    return {
        **lists,
        "checkouts_per_second": [each.numbers["checkouts"] / PERIOD if each.pools else None for each in sums],
        "wait_p50": [_rounded(each.p50) for each in waits],
        "wait_p99": [_rounded(each.p99) for each in waits],
        "outage": [each.outage if each.pools else None for each in sums],
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)
