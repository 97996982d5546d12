"""Sessions of asyncio pools that are not given back, or late: the task that has them is told."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable
from typing import Any

import pytest

from orapool import PoolTimeout
from orapool.aio.session_pool import AsyncPool
from tests.aio.tasks import until

MakePool = Callable[..., AsyncPool]


async def hold(pool: AsyncPool, end: asyncio.Event) -> None:
    """A task's checkout, which lasts until the end."""
    async with pool.acquire():
        await end.wait()


class TestAsyncLeaks:
    async def test_one_is_logged_once_with_its_place_and_when_it_is_back(
        self, make_pool: MakePool, told: Callable[..., list[Any]]
    ) -> None:
        pool, end = make_pool(max=2, leak_threshold=0.2), asyncio.Event()
        task = asyncio.create_task(hold(pool, end), name="sloth")
        await until(lambda: told("leak"))
        async with pool.acquire():
            pass
        end.set()
        await task

        (leak,), (back,) = told("leak"), told("leak_returned")
        assert leak.levelno == back.levelno == logging.WARNING
        assert (leak.pool, leak.holder, leak.seconds >= 0.2) == ("test", "task sloth", True)
        assert leak.place.startswith("tests/aio/test_leaks.py:")
        assert leak.place.endswith("in hold")
        assert back.place == leak.place
        assert pool.stats().leaks == 1

    async def test_one_that_is_never_closed_is_told_with_its_place(
        self, make_pool: MakePool, told: Callable[..., list[Any]]
    ) -> None:
        pool = make_pool()
        connection = await pool.acquire()
        del connection
        gc.collect()

        await until(lambda: told("reclaimed"))
        (record,) = told("reclaimed")
        assert record.place.endswith("in test_one_that_is_never_closed_is_told_with_its_place")

    async def test_who_has_the_sessions_is_in_the_error_of_who_gets_none(self, make_pool: MakePool) -> None:
        pool, end = make_pool(max=2), asyncio.Event()
        tasks = [asyncio.create_task(hold(pool, end), name=name) for name in ("first", "second")]
        await until(lambda: pool.stats().checkouts == 2)

        with pytest.raises(PoolTimeout) as raised:
            await pool.acquire(timeout=0.05)
        end.set()
        await asyncio.gather(*tasks)

        assert [holding.holder for holding in raised.value.holders] == ["task first", "task second"]
        lines = str(raised.value).splitlines()
        assert all(line.startswith("  tests/aio/test_leaks.py:") for line in lines[1:])
        assert len(lines) == 3

    async def test_each_checkout_has_a_wait_each_return_a_use_and_each_log_on_a_time(self, make_pool: MakePool) -> None:
        pool = make_pool(max=1)
        for _ in range(70):
            async with pool.acquire():
                pass
        async with pool.acquire():
            stats = pool.stats()

        assert (stats.checkouts, stats.waits.count, stats.uses.count) == (71, 71, 70)
        assert stats.log_on_times.count == stats.log_ons == 1
        assert stats.longest is not None
        assert stats.longest.place.startswith("tests/aio/test_leaks.py:")
