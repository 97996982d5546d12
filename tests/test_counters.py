"""Counting: how often, and how long."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from orapool import histograms
from orapool.histograms import BOUNDS, NOTHING, Distribution, Histogram
from tests.interleaving import interrupted_in


@pytest.fixture
def interrupted() -> Iterator[None]:
    """Threads are interrupted anywhere in the room under test."""
    with interrupted_in(histograms):
        yield


def counted(*seconds: float) -> Distribution:
    """What a histogram says of these times."""
    histogram = Histogram()
    for each in seconds:
        histogram.add(each)
    return histogram.read()


class TestAHistogram:
    @pytest.mark.usefixtures("interrupted")
    def test_is_exact_whoever_adds_and_reads_meanwhile(self) -> None:
        histogram = Histogram()

        def work(number: int) -> bool:
            before = 0
            for _ in range(300):
                histogram.add(0.25 * number)
                now = histogram.read().count
                if now <= before:
                    return False
                before = now
            return True

        with ThreadPoolExecutor(8) as threads:
            assert all(threads.map(work, range(1, 9)))

        found = histogram.read()
        assert (found.count, found.total, found.longest) == (2400, 300 * 0.25 * 36, 2.0)
        assert found == histogram.read()

    @pytest.mark.usefixtures("interrupted")
    def test_is_exact_when_nobody_reads_meanwhile(self) -> None:
        histogram = Histogram()
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda _: [histogram.add(0.5) for _ in range(1000)], range(8)))

        assert (histogram.read().count, histogram.read().total) == (8000, 4000)

    def test_puts_a_time_into_the_bucket_whose_bound_it_does_not_exceed(self) -> None:
        found = counted(0, *BOUNDS, 1000)

        assert found.counts == (2, *[1] * (len(BOUNDS) - 1), 1)
        assert found.cumulative()[-1] == found.count == len(BOUNDS) + 2

    def test_has_the_bounds_that_opentelemetry_advises(self) -> None:
        assert {0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10} <= set(BOUNDS)


class TestADistribution:
    def test_of_nothing_has_no_times(self) -> None:
        assert (NOTHING.count, NOTHING.p50, NOTHING.p99, NOTHING.mean) == (0, None, None, None)

    @pytest.mark.parametrize("part", [0.01, 0.5, 0.9, 0.99, 1])
    def test_tells_quantiles_to_within_a_bucket(self, part: float) -> None:
        generator = random.Random(7)
        times = sorted(generator.lognormvariate(-4, 2) for _ in range(2000))
        exact = times[max(0, round(part * len(times)) - 1)]

        found = counted(*times).quantile(part)

        below = max((bound for bound in (0.0, *BOUNDS) if bound < exact), default=0)
        above = min((bound for bound in BOUNDS if bound >= exact), default=times[-1])
        assert below <= found <= above

    def test_of_times_that_are_all_alike_does_not_exceed_them(self) -> None:
        assert counted(*[0.003] * 100).p99 <= 0.003

    def test_beyond_all_bounds_ends_with_the_longest(self) -> None:
        assert counted(400, 500).quantile(1) == 500

    def test_can_be_added_up_and_subtracted(self) -> None:
        earlier, since = counted(0.002, 0.004), counted(0.2)

        both = earlier + since

        assert (both.count, both.longest) == (3, 0.2)
        assert both.total == pytest.approx(0.206)
        assert (both - earlier).counts == since.counts
        assert (both - earlier).total == pytest.approx(0.2)
