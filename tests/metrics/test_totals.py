"""The numbers of all pools of a process, those that are gone included."""

from __future__ import annotations

import asyncio
import gc
import os
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

import orapool
from orapool import SessionPool
from orapool.aio.session_pool import AsyncPool
from orapool.histograms import Histogram
from orapool.metrics.numbers import of_process
from orapool.sandbox import Sandbox
from orapool.settings import load_settings
from tests.metrics.conftest import MakePool
from tests.waiting import until


def test_each_pool_is_there_by_its_name(make_named: MakePool, name: str) -> None:
    pool = make_named(max=2)
    assert orapool.all_stats()[name].opened == 0

    with pool.acquire():
        stats = orapool.all_stats()[name]

    assert (stats.busy, stats.checkouts, stats.log_ons) == (1, 1, 1)
    assert stats.longest is not None
    assert stats.longest.place.startswith("tests/metrics/test_totals.py:")


def test_pools_of_one_name_are_added_up(make_named: MakePool, name: str) -> None:
    first, second = make_named(max=2), make_named(max=3, min=1)
    with first.acquire(), second.acquire(), second.acquire():
        (found,) = [each for each in of_process() if each.pool == name]

    assert (found.stats.busy, found.stats.checkouts, found.stats.waits.count) == (3, 3, 3)
    assert (found.min, found.max) == (first.settings.min + 1, 5)


def test_what_a_pool_has_done_stays_when_it_is_closed_and_gone(
    make_named: MakePool, name: str, sandbox: Sandbox, driver: str
) -> None:
    pool = SessionPool(load_settings(name, dsn=sandbox.dsn, user="scott", password="tiger", driver=driver), name)
    for _ in range(3):
        pool.acquire().close()
    pool.drop(pool.acquire())
    pool.close()
    before, gone = orapool.all_stats()[name], weakref.ref(pool)
    del pool

    def is_gone() -> bool:
        gc.collect()
        return gone() is None

    until(is_gone)
    after = orapool.all_stats()[name]
    make_named().acquire().close()
    later = orapool.all_stats()[name]

    assert (after.checkouts, after.log_ons, after.waits, after.uses) == (4, before.log_ons, before.waits, before.uses)
    assert after.dropped["asked"] == 1
    assert (after.opened, after.busy, after.idle, after.longest) == (0, 0, 0, None)
    assert later.checkouts == 5


def test_pools_of_event_loops_count_too_and_those_of_loops_that_have_ended(sandbox: Sandbox, name: str) -> None:
    async def use() -> orapool.PoolStats:
        settings = load_settings(
            name, dsn=sandbox.dsn, user="scott", password="tiger", driver="oracledb", publish=False
        )
        async with AsyncPool(settings, name).acquire():
            return orapool.all_stats()[name]

    first, second = asyncio.run(use()), asyncio.run(use())

    assert (first.busy, first.checkouts) == (1, 1)
    assert (second.busy, second.checkouts) == (1, 2)
    assert orapool.all_stats()[name].dropped == {"pool closed": 2}


def test_a_forked_child_counts_anew(make_named: MakePool, name: str) -> None:
    pool = make_named(max=2)
    pool.acquire().close()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:  # no test's code after this
        try:
            before = orapool.all_stats()[name].checkouts
            with pool.acquire():
                os.write(write, f"{before} {orapool.all_stats()[name].checkouts}".encode())
            pool.close()
        finally:
            os._exit(0)
    os.waitpid(child, 0)

    assert os.read(read, 100) == b"0 1"
    assert orapool.all_stats()[name].checkouts == 1
    os.close(read)
    os.close(write)


@given(st.lists(st.lists(st.floats(0, 1000), max_size=5), min_size=1, max_size=8), st.randoms())
def test_sums_of_times_do_not_depend_on_their_order(times: list[list[float]], order) -> None:
    found = []
    for seconds in times:
        histogram = Histogram()
        for each in seconds:
            histogram.add(each)
        found.append(histogram.read())
    shuffled = order.sample(found, len(found))

    assert sum(shuffled[1:], shuffled[0]) == sum(found[1:], found[0])
    assert found[0].total == pytest.approx(sum(times[0]), abs=1e-6)
