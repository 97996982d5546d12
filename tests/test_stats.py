"""The numbers of a pool: how often, how long, and who has what."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from orapool import SessionPool
from orapool.errors import PoolTimeout
from tests.waiting import until

MakePool = Callable[..., SessionPool]


def here() -> str:
    """How a place in this file begins."""
    return "tests/test_stats.py:"


class TestTimes:
    def test_each_checkout_has_a_wait_and_each_return_a_use(self, make_pool: MakePool) -> None:
        pool = make_pool(max=2)

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda _: [pool.acquire().close() for _ in range(100)], range(4)))
        held = pool.acquire()

        stats = pool.stats()
        assert (stats.checkouts, stats.waits.count, stats.uses.count) == (401, 401, 400)
        held.close()
        assert pool.stats().uses.count == 401

    def test_who_stands_in_line_has_waited(self, make_pool: MakePool) -> None:
        pool = make_pool(max=1)
        held = pool.acquire()
        first = pool.stats()
        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(pool.acquire)
            until(lambda: pool.stats().waiting == 1)
            threading.Event().wait(0.3)
            held.close()
            waiting.result().close()

        since = pool.stats().waits - first.waits
        assert (since.count, pool.stats().waits.longest >= 0.3, since.total >= 0.3) == (1, True, True)
        assert pool.stats().uses.longest >= 0.3

    def test_who_gets_none_is_a_timeout_and_no_wait(self, make_pool: MakePool) -> None:
        pool = make_pool(max=1)
        with pool.acquire(), pytest.raises(PoolTimeout):
            pool.acquire(timeout=0.05)

        assert (pool.stats().waits.count, pool.stats().timeouts) == (1, 1)

    def test_log_ons_take_time(self, make_pool: MakePool) -> None:
        pool = make_pool(max=2)
        with pool.acquire(), pool.acquire():
            stats = pool.stats()

        assert stats.log_on_times.count == stats.log_ons == 2
        assert 0 < stats.log_on_times.longest <= stats.waits.longest

    def test_a_dropped_session_was_used_too(self, make_pool: MakePool) -> None:
        pool = make_pool()
        pool.drop(pool.acquire())

        assert pool.stats().uses.count == 1


class TestTheLongestCheckout:
    def test_is_told_with_its_place_and_thread(self, make_pool: MakePool) -> None:
        pool = make_pool(max=2)
        assert pool.stats().longest is None

        first, second = pool.acquire(), pool.acquire()

        longest = pool.stats().longest
        assert longest is not None
        assert longest.place.startswith(here())
        assert longest.place.endswith("in test_is_told_with_its_place_and_thread")
        assert longest.holder == "thread MainThread"
        first.close()
        later = pool.stats().longest
        assert later is not None
        assert (later.since > longest.since, later.place) == (True, longest.place)
        second.close()
        assert pool.stats().longest is None
