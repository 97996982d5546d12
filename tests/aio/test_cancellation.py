"""Tasks that are cancelled, in each phase of their use of a session: nothing is lost, and nothing hangs."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

import oracledb
import pytest

from orapool import PoolTimeout
from orapool.sandbox import Sandbox
from tests.aio.conftest import MakePool
from tests.aio.tasks import assert_in_order, lay_idle, outcome, query, select, until

PROMPT = 0.5
"""Seconds within which a cancelled task is over, whatever the server does."""


async def cancel(task: asyncio.Task[Any]) -> float:
    """Cancel a task; the seconds that it took to end."""
    begun = time.monotonic()
    task.cancel()
    assert isinstance((await outcome(task)).error, asyncio.CancelledError)
    return time.monotonic() - begun


async def test_in_line(make_pool: MakePool, sandbox: Sandbox) -> None:
    pool = make_pool(max=1)
    held = await pool.acquire()
    first, second = (asyncio.create_task(query(pool)) for _ in range(2))
    await until(lambda: pool.stats().waiting == 2)

    assert await cancel(first) < PROMPT
    assert pool.stats().waiting == 1
    await held.close()

    assert await second == 1
    await assert_in_order(pool, sandbox)


async def test_in_line_at_the_moment_of_its_turn(make_pool: MakePool, sandbox: Sandbox) -> None:
    pool = make_pool(max=1)
    held = await pool.acquire()
    first, second = (asyncio.create_task(query(pool)) for _ in range(2))
    await until(lambda: pool.stats().waiting == 2)

    await held.close()  # without a turn of the loop: the slot is the first one's, who does not know it yet
    assert pool.stats().waiting == 1
    assert await cancel(first) < PROMPT

    assert await second == 1
    await assert_in_order(pool, sandbox)


@pytest.mark.parametrize("how", ["mute", "silent until later"])
async def test_in_a_log_on(make_pool: MakePool, sandbox: Sandbox, how: str) -> None:
    pool = make_pool(max=1)
    if how == "mute":
        sandbox.freeze(log_ons_only=True)
    else:
        sandbox.delay(0.2)
    before = sandbox.stats().connects
    asking = asyncio.create_task(query(pool))
    await until(lambda: sandbox.stats().connects > before)

    assert await cancel(asking) < PROMPT
    assert (pool.stats().busy, pool.stats().opened) == (0, 0)
    sandbox.heal()
    sandbox.thaw()

    assert await query(pool, 5) == 1
    await assert_in_order(pool, sandbox, opened=1)


@pytest.mark.parametrize("server", ["slow", "frozen"])
@pytest.mark.parametrize("limit", [0, 10])
async def test_in_a_statement(make_pool: MakePool, sandbox: Sandbox, server: str, limit: float) -> None:
    # The driver waits for the answer to its break, without a limit.
    pool = make_pool(max=1, min=0, call_timeout=limit)
    await query(pool)
    if server == "slow":
        sandbox.delay(5)
    else:
        sandbox.freeze()
    async with pool.acquire() as connection:
        asking = asyncio.create_task(select(connection))
        await until(lambda: connection.wire.waits)

        assert await cancel(asking) < PROMPT
        sandbox.heal()
        sandbox.thaw()

        with pytest.raises(oracledb.Error, match="DPY-4011"):
            await select(connection)
    assert pool.stats().dropped == {"call cancelled": 1}
    assert await query(pool) == 1
    await assert_in_order(pool, sandbox, opened=1)


async def test_the_statement_ends_on_the_server_too(make_pool: MakePool, sandbox: Sandbox) -> None:
    pool = make_pool(max=2, min=0)
    async with pool.acquire() as connection:
        await connection.execute("create table aio_locked (id number)")
        await connection.execute("insert into aio_locked values (1)")
        await connection.commit()
        await connection.execute("update aio_locked set id = 2")
        async with pool.acquire() as other:
            waiting = asyncio.create_task(other.execute("update aio_locked set id = 3"))
            await until(lambda: other.wire.waits)
            await asyncio.sleep(0.1)

            assert await cancel(waiting) < PROMPT

        await until(lambda: sandbox.stats().sessions == 1)
        await connection.commit()
        await connection.execute("drop table aio_locked")
    await assert_in_order(pool, sandbox)


async def test_in_a_fetch(make_pool: MakePool, sandbox: Sandbox) -> None:
    pool = make_pool(max=1, min=0)
    async with pool.acquire() as connection:
        cursor = connection.cursor()
        cursor.arraysize, cursor.prefetchrows = 2, 0
        await cursor.execute("select level from dual connect by level <= 10")
        sandbox.freeze()
        fetching = asyncio.create_task(cursor.fetchall())
        await until(lambda: connection.wire.waits)
        assert await cancel(fetching) < PROMPT
        sandbox.thaw()

    assert pool.stats().dropped == {"call cancelled": 1}
    assert await query(pool) == 1
    await assert_in_order(pool, sandbox, opened=1)


@pytest.mark.parametrize("work", ["commit", "ping", "rollback"])
async def test_in_other_calls(make_pool: MakePool, sandbox: Sandbox, work: str) -> None:
    pool = make_pool(max=1, min=0)
    await lay_idle(pool, 1)
    async with pool.acquire() as connection:
        await connection.cursor().execute("savepoint before")  # so that there may be something to roll back
        sandbox.freeze()
        call = asyncio.create_task(getattr(connection, work)())
        await until(lambda: connection.wire.waits)
        assert await cancel(call) < PROMPT
        sandbox.thaw()

    assert pool.stats().dropped == {"call cancelled": 1}
    await assert_in_order(pool, sandbox, opened=0)


async def test_in_the_ping_of_a_checkout(make_pool: MakePool, sandbox: Sandbox) -> None:
    pool = make_pool(max=1, min=0, trust=0, ping_timeout=10)
    await lay_idle(pool, 1)
    sandbox.freeze()
    asking = asyncio.create_task(query(pool))
    await until(lambda: pool.stats().busy == 1)
    await asyncio.sleep(0.01)

    assert await cancel(asking) < PROMPT
    sandbox.thaw()

    assert pool.stats().dropped == {"ping cut short": 1}
    assert await query(pool) == 1
    await assert_in_order(pool, sandbox, opened=1)


async def test_in_the_rollback_of_a_release(make_pool: MakePool, sandbox: Sandbox) -> None:
    pool = make_pool(max=1, min=0, ping_timeout=10)
    async with pool.acquire() as connection:
        await connection.execute("create table aio_undone (id number)")
    connection = await pool.acquire()
    await connection.execute("insert into aio_undone values (1)")
    sandbox.delay(0.3)
    closing = asyncio.create_task(connection.close())
    await until(lambda: connection.wire.waits)

    assert await cancel(closing) < PROMPT
    assert pool.stats().busy == 1  # the rollback goes on
    sandbox.heal()

    async with pool.acquire() as connection:
        assert await select(connection, "select count(*) from aio_undone") == 0
        await connection.execute("drop table aio_undone")
    assert pool.stats().log_ons == 1
    await assert_in_order(pool, sandbox, opened=1)


async def test_a_time_out_around_a_statement(make_pool: MakePool, sandbox: Sandbox) -> None:
    pool = make_pool(max=1, min=0)
    await lay_idle(pool, 1)
    sandbox.freeze()

    begun = time.monotonic()
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(query(pool), 0.2)
    taken = time.monotonic() - begun
    sandbox.thaw()

    assert taken < 0.2 + PROMPT
    assert await query(pool) == 1
    await assert_in_order(pool, sandbox, opened=1)


@pytest.mark.parametrize("server", ["slow", "frozen"])
async def test_a_call_timeout_is_not_taken_for_a_cancellation(
    make_pool: MakePool, sandbox: Sandbox, server: str
) -> None:
    # From Python 3.12 on, the driver's own time-out cancels the task that it runs in.
    pool = make_pool(max=1, min=0, call_timeout=0.2)
    async with pool.acquire() as connection:
        await select(connection)
        sandbox.delay(0.4) if server == "slow" else sandbox.freeze()
        with pytest.raises(oracledb.DatabaseError, match="DPY-4024" if server == "slow" else "DPY-4011"):
            await select(connection)
        sandbox.heal()
        sandbox.thaw()
        assert asyncio.current_task().cancelling() == 0 if hasattr(asyncio.Task, "cancelling") else True

    assert list(pool.stats().dropped) == ["DPY-4024" if server == "slow" else "DPY-4011"]
    assert await query(pool) == 1
    await assert_in_order(pool, sandbox, opened=1)


async def test_at_random_moments(make_pool: MakePool, sandbox: Sandbox) -> None:
    pool = make_pool(max=3, min=0)
    chance = random.Random(4)
    await query(pool)
    sandbox.delay(0.002)

    async def use() -> None:
        async with pool.acquire(5) as connection:
            for _ in range(3):
                await select(connection, f"select {chance.randint(1, 9)} from dual")

    async def use_or_leave() -> None:
        for _ in range(12):
            task = asyncio.create_task(use())
            await asyncio.sleep(chance.uniform(0, 0.03))
            task.cancel()
            error = (await outcome(task)).error
            assert error is None or isinstance(error, (asyncio.CancelledError, PoolTimeout)), repr(error)

    await asyncio.gather(*(use_or_leave() for _ in range(6)))
    sandbox.heal()

    assert await query(pool) == 1
    await assert_in_order(pool, sandbox)
