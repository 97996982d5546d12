"""Log-ons take long, and sessions come back in the meantime: whoever waits for a log-on gets one of these."""

from __future__ import annotations

import asyncio
import time

from orapool import PoolTimeout
from orapool.aio.session_pool import AsyncPool
from orapool.sandbox import Sandbox
from tests.aio.conftest import MakePool
from tests.aio.tasks import assert_in_order, outcome, query, until
from tests.faults.callers import AT_ONCE, Outcome, errors


async def begin_log_ons(
    pool: AsyncPool, sandbox: Sandbox, count: int = 1, timeout: float = 10
) -> list[asyncio.Task[Outcome]]:
    """Tasks whose log-ons have begun and get no answer."""
    sandbox.freeze(log_ons_only=True)
    tasks = [asyncio.create_task(outcome(query(pool, timeout))) for _ in range(count)]
    await until(lambda: len(pool.returns.seekers) == count)
    return tasks


async def test_whoever_logs_on_gets_a_session_that_comes_back_at_once(make_pool: MakePool, sandbox: Sandbox) -> None:
    pool = make_pool(max=2)
    connection = await pool.acquire()
    seeking = await begin_log_ons(pool, sandbox)

    back = time.monotonic()
    await connection.close()
    outcomes = await asyncio.gather(*seeking)

    assert errors(outcomes) == []
    assert time.monotonic() - back < AT_ONCE
    assert pool.stats().busy == 1  # the log-on goes on
    sandbox.thaw()
    await assert_in_order(pool, sandbox, opened=2)  # and what it has brought is for others


async def test_all_get_it_one_after_the_other(make_pool: MakePool, sandbox: Sandbox) -> None:
    pool = make_pool(max=4)
    connection = await pool.acquire()
    seeking = await begin_log_ons(pool, sandbox, count=3)
    in_line = [asyncio.create_task(outcome(query(pool, 10))) for _ in range(5)]
    await until(lambda: pool.stats().waiting == 5)

    back = time.monotonic()
    await connection.close()
    outcomes = await asyncio.gather(*seeking, *in_line)

    assert errors(outcomes) == []
    assert time.monotonic() - back < AT_ONCE
    sandbox.thaw()
    await assert_in_order(pool, sandbox, opened=4)


async def test_one_that_came_back_before_the_log_on_took_long_is_taken(make_pool: MakePool, sandbox: Sandbox) -> None:
    pool = make_pool(max=2)
    connection = await pool.acquire()
    sandbox.freeze(log_ons_only=True)
    connects = sandbox.stats().connects
    asking = asyncio.create_task(outcome(query(pool, 10)))
    await until(lambda: sandbox.stats().connects > connects)

    await connection.close()
    asked = await asking

    assert errors([asked]) == []
    assert asked.seconds < AT_ONCE


async def test_one_of_another_user_is_no_use(make_pool: MakePool, sandbox: Sandbox) -> None:
    pool = make_pool(max=2)
    connection = await pool.acquire(user="sh", password="sales")
    seeking = await begin_log_ons(pool, sandbox, timeout=1)

    await connection.close()
    outcomes = await asyncio.gather(*seeking)
    sandbox.thaw()

    assert isinstance(outcomes[0].error, PoolTimeout)


async def test_a_task_cancelled_at_the_moment_when_it_gets_one_leaves_it_to_others(
    make_pool: MakePool, sandbox: Sandbox
) -> None:
    pool = make_pool(max=2)
    connection = await pool.acquire()
    [seeking] = await begin_log_ons(pool, sandbox)

    closing = asyncio.create_task(connection.close())
    await until(lambda: closing.done())
    seeking.cancel()
    await asyncio.wait({seeking})
    sandbox.thaw()

    await assert_in_order(pool, sandbox)
    assert pool.stats().opened in (1, 2)  # the log-on has gone with its task, unless that had the other already
    assert await query(pool) == 1


async def test_the_pool_is_closed_while_a_log_on_goes_on(make_pool: MakePool, sandbox: Sandbox) -> None:
    pool = make_pool(max=2)
    connection = await pool.acquire()
    [seeking] = await begin_log_ons(pool, sandbox)
    await connection.close()
    await seeking

    await pool.close()
    sandbox.thaw()

    await until(lambda: sandbox.stats().sessions == 0)
    await until(lambda: pool.stats().busy == 0)
