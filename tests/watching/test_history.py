"""The last ten minutes of a pool, and of pools of several processes together."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orapool import SessionPool
from orapool.counters import PoolStats
from orapool.watching.history import PERIOD, SAMPLES, History, Sample, decode
from orapool.watching.published import Published, read
from orapool.watching.series import recent_waits, series
from tests.test_top import published, times
from tests.waiting import until

NOON = 1_800_000_000 // PERIOD
"""A period."""


def stats(**changes: Any) -> PoolStats:
    """Numbers of a pool."""
    return replace(published().stats, **changes)


def noted(*looks: tuple[float, PoolStats]) -> tuple[Sample, ...]:
    """The samples of who saw these numbers, so many seconds after noon; there and back through a file."""
    history = History()
    for seconds, each in looks:
        history.note(each, NOON * PERIOD + seconds)
    return decode(json.loads(history.encode()))


class TestSamples:
    def test_have_what_happened_in_their_periods(self) -> None:
        first = stats(checkouts=10, timeouts=1, dropped={"ended": 2}, waits=times(0.003, 0.2))
        second = replace(first, checkouts=15, timeouts=1, dropped={"ended": 2, "ORA-00028": 1}, opened=2)
        third = replace(second, checkouts=16, waits=times(0.003, 0.2, 0.003), outage_since=1.0)

        before, after = noted((0, first), (4, second), (5, third))

        assert (before.number, after.number) == (NOON, NOON + 1)
        assert (before.checkouts, before.timeouts, before.dead, before.opened) == (15, 1, 3, 2)
        assert (after.checkouts, after.timeouts, after.dead, after.opened) == (1, 0, 0, 2)
        assert (before.outage, after.outage, after.outage_lasts) == (False, True, True)
        assert (before.distribution.count, after.distribution.counts) == (2, times(0.003).counts)

    def test_show_the_moment_when_most_were_waiting_or_else_most_sessions_busy(self) -> None:
        (found,) = noted(
            (0, stats(opened=4, busy=4, idle=0, waiting=1)),
            (1, stats(opened=4, busy=3, idle=1, waiting=2)),
            (2, stats(opened=4, busy=4, idle=0, waiting=0)),
        )

        assert (found.busy, found.idle, found.waiting) == (3, 1, 2)

    def test_are_those_of_ten_minutes(self) -> None:
        found = noted(*[(number * PERIOD, stats()) for number in range(300)])

        assert [each.number - NOON for each in found] == list(range(299 - SAMPLES, 300))

    def test_are_in_order_also_when_the_clock_was_put_back(self) -> None:
        found = noted(*[(number * PERIOD, stats()) for number in (0, 1, 2, 3, 1, 2)])

        assert [each.number - NOON for each in found] == [0, 1, 2]


def process(*samples: Sample, **changes: Any) -> Published:
    """What one publishes that is at rest now."""
    found = published(waits=times(0.003, 0.2))
    return replace(found, history=samples, stats=replace(found.stats, **{"longest": None, **changes}))


def sample(number: int, **changes: Any) -> Sample:
    """One of so many periods after noon."""
    return Sample(NOON + number, 2, 1, 0, 3, 10, 0, 0, False, False, ())._replace(**changes)


def last(found: dict[str, Any], name: str, count: int) -> list[Any]:
    """The last numbers of a list of the only pool."""
    (pool,) = found.values()
    assert len(pool[name]) == SAMPLES
    return list(pool[name][-count:])


def at(number: int) -> float:
    """A time in a period."""
    return (NOON + number) * PERIOD + 2.0


class TestPoolsTogether:
    def test_are_the_sums_of_those_that_were_there(self) -> None:
        one = process(sample(0), sample(1, busy=3, idle=0, checkouts=20, waiting=2, timeouts=1))
        other = process(sample(1, dead=4))

        found = series([one, other], at(2))

        assert last(found, "busy", 3) == [None, 2, 5]
        assert last(found, "idle", 2) == [1, 1]
        assert last(found, "waiting", 2) == [0, 2]
        assert last(found, "checkouts_per_second", 3) == [None, 2.0, 6.0]
        assert (last(found, "timeouts", 1), last(found, "dead", 1)) == ([1], [4])

    def test_at_rest_have_their_sessions_open(self) -> None:
        found = series([process(sample(0, opened=4), sample(3))], at(6))

        assert last(found, "busy", 6) == [2, 0, 0, 2, 0, 0]
        assert last(found, "idle", 6) == [1, 4, 4, 1, 3, 3]
        assert last(found, "checkouts_per_second", 2) == [0, 0]
        assert last(series([process(sample(0, opened=4))], at(100_000)), "idle", SAMPLES) == [4] * SAMPLES

    def test_that_stand_still_with_sessions_out_are_not_known(self) -> None:
        found = series([process(sample(0), longest=published().stats.longest)], at(3))

        assert last(found, "busy", 3) == [2, None, None]

    def test_tell_of_an_outage_while_it_lasts(self) -> None:
        found = series([process(sample(0, outage=True), sample(1, outage=True, outage_lasts=True))], at(4))

        assert last(found, "outage", 4) == [True, True, True, True]
        assert last(series([process(sample(0, outage=True))], at(2)), "outage", 2) == [True, False]

    def test_have_the_quantiles_of_all_callers(self) -> None:
        quick = process(sample(0, waits=(3, 99)))  # below 2.5 ms
        slow = process(sample(0, waits=(9, 101)))  # below 250 ms

        found = series([quick, slow], at(1))

        assert 0.1 < last(found, "wait_p50", 1)[0] < 0.11
        assert 0.19 < last(found, "wait_p99", 1)[0] <= 0.2  # the longest of all
        assert last(series([process(sample(0))], at(1)), "wait_p99", 1) == [None]

    def test_do_not_show_the_period_that_has_not_ended(self) -> None:
        assert last(series([process(sample(0), sample(1, busy=9))], at(1)), "busy", 2) == [None, 2]


def test_recent_waits_are_those_of_the_last_seconds() -> None:
    one = process(sample(0, waits=(3, 1)), sample(2, waits=(3, 2)), sample(4, waits=(3, 4)))

    assert [recent_waits(one, at(4), seconds).count for seconds in (0, 10, 60)] == [4, 6, 7]


@pytest.mark.parametrize("driver", ["oracledb"], indirect=True)
def test_a_pool_keeps_them_while_it_is_used(make_pool: Callable[..., SessionPool], tmp_path: Path) -> None:
    pool = make_pool(publish_dir=tmp_path / "published")
    for _ in range(3):
        pool.acquire().close()

    def samples() -> tuple[Sample, ...]:
        return next((each.history for each in read(tmp_path / "published")), ())

    until(lambda: sum(each.checkouts for each in samples()) == 3)

    assert sum(each.distribution.count for each in samples()) == 3
    assert abs(samples()[0].number - time.time() / PERIOD) < 30
    assert samples()[-1].opened == 1
