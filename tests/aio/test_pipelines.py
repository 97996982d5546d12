"""Pipelines on connections of the pool: one round trip, transactions that are noted, sessions that are lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import oracledb
import pytest

from orapool.aio.session_pool import AsyncPool
from orapool.sandbox import Sandbox
from tests.aio.conftest import MakePool
from tests.aio.tasks import assert_in_order, outcome, query, until

SLOW = "select count(*) from dual connect by level <= 200000000"


@pytest.fixture
def server(sandbox: Sandbox) -> Iterator[Sandbox]:
    """The sandbox with a table."""
    with oracledb.connect(user="scott", password="tiger", dsn=sandbox.dsn) as connection:
        connection.cursor().execute("create table aio_piped (id number primary key)")
    yield sandbox
    sandbox.heal()
    sandbox.end_sessions()
    with oracledb.connect(user="scott", password="tiger", dsn=sandbox.dsn) as connection:
        connection.cursor().execute("drop table aio_piped")


def pipeline(*statements: str, commit: bool = False) -> Any:
    made = oracledb.create_pipeline()
    for statement in statements:
        (made.add_fetchall if statement.startswith("select") else made.add_execute)(statement)
    if commit:
        made.add_commit()
    return made


def inserting(number: int, commit: bool = False) -> Any:
    return pipeline(f"insert into aio_piped values ({number})", commit=commit)


async def ids(pool: AsyncPool) -> list[int]:
    async with pool.acquire() as connection:
        return [number for (number,) in await connection.fetchall("select id from aio_piped order by id")]


async def test_a_pipeline_is_one_round_trip_and_its_cursors_are_the_pools(make_pool: MakePool, server: Sandbox) -> None:
    pool = make_pool(max=1, min=0)
    async with pool.acquire() as connection:
        before = server.stats()
        first, second, _commit = await connection.run_pipeline(
            pipeline("insert into aio_piped values (1)", "select id from aio_piped", commit=True)
        )
        assert (first.rows, second.rows) == (None, [(1,)])
        assert (server.stats() - before).round_trips == {"pipeline": 1}
    assert await ids(pool) == [1]
    await assert_in_order(pool, server, opened=1)


async def test_what_a_pipeline_has_changed_is_rolled_back_at_release(make_pool: MakePool, server: Sandbox) -> None:
    pool = make_pool(max=1, min=0)
    async with pool.acquire() as connection:
        await connection.run_pipeline(inserting(1))
        assert connection.in_transaction
    assert await ids(pool) == []
    async with pool.acquire() as connection:
        await connection.run_pipeline(inserting(2, commit=True))
    assert await ids(pool) == [2]
    await assert_in_order(pool, server, opened=1)


async def test_what_an_aborted_pipeline_has_changed_is_rolled_back_at_release(
    make_pool: MakePool, server: Sandbox
) -> None:
    pool = make_pool(max=1, min=0)
    async with pool.acquire() as connection:
        with pytest.raises(oracledb.DatabaseError, match="ORA-00942"):
            await connection.run_pipeline(
                pipeline("insert into aio_piped values (1)", "insert into nothing values (1)", commit=True)
            )
    assert await ids(pool) == []
    await assert_in_order(pool, server, opened=1)


@pytest.mark.parametrize("continue_on_error", [True, False])
@pytest.mark.parametrize("how", ["fin", "rst"])
async def test_a_session_that_ends_within_a_pipeline_is_lost_at_once_and_replaced(
    make_pool: MakePool, server: Sandbox, how: str, continue_on_error: bool
) -> None:
    # The driver itself would wait for the other answers, for ever.
    pool = make_pool(max=1, min=0)
    server.statements.clear()
    async with pool.acquire() as connection:
        running = asyncio.create_task(
            outcome(
                connection.run_pipeline(
                    pipeline("insert into aio_piped values (1)", SLOW, "insert into aio_piped values (2)", commit=True),
                    continue_on_error=continue_on_error,
                )
            )
        )
        await until(lambda: any(each.sql == SLOW for each in server.statements))
        server.end_sessions(how)
        asked = await asyncio.wait_for(running, 20)
        assert isinstance(asked.error, oracledb.DatabaseError)
        assert asked.error.args[0].full_code == "DPY-4011"
        assert asked.seconds < 15
    assert pool.stats().dropped == {"DPY-4011": 1}
    assert await ids(pool) == []
    await assert_in_order(pool, server, opened=1)


async def test_a_cancelled_pipeline_ends_at_once_and_its_session_is_dropped(
    make_pool: MakePool, server: Sandbox
) -> None:
    pool = make_pool(max=1, min=0)
    server.statements.clear()

    async def work() -> None:
        async with pool.acquire() as connection:
            await connection.run_pipeline(pipeline("insert into aio_piped values (1)", SLOW, commit=True))

    running = asyncio.create_task(work())
    await until(lambda: any(each.sql == SLOW for each in server.statements))
    running.cancel()
    asked = await asyncio.wait_for(outcome(running), 20)

    assert isinstance(asked.error, asyncio.CancelledError)
    assert await query(pool) == 1
    assert await ids(pool) == []
    await assert_in_order(pool, server, opened=1)
