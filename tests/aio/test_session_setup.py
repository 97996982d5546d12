"""What sessions of an asyncio pool start with, and what they are told of their users."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import orapool
from orapool import OnSessionError, PoolTimeout
from orapool.sandbox import Sandbox
from tests.aio.conftest import MakePool
from tests.aio.tasks import ask, assert_in_order, outcome, query, select, until
from tests.faults.callers import errors

WHO = "select sys_context('userenv', '{}') from dual"


class TestOnSession:
    async def test_sees_each_new_session_once(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        seen: list[Any] = []

        async def on_session(connection: Any) -> None:
            seen.append(connection.session_state)
            await connection.execute("alter session set nls_date_format = 'YYYY'")

        pool = make_pool(min=2, max=3, on_session=on_session)

        assert errors(await ask(pool, 10)) == []
        await until(lambda: pool.stats().opened >= 2)
        assert errors(await ask(pool, 10)) == []

        await assert_in_order(pool, sandbox)
        assert len(seen) == len(set(seen)) == pool.stats().log_ons
        async with pool.acquire() as connection:
            assert len(await select(connection, "select to_char(sysdate) from dual")) == 4

    async def test_that_fails_is_told_and_costs_its_session_only(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        async def on_session(connection: Any) -> None:
            await connection.execute("select * from no_such_table")

        pool = make_pool(min=0, max=1, on_session=on_session)

        for _ in range(2):
            with pytest.raises(OnSessionError, match="on_session failed: DatabaseError: ORA-00942"):
                await pool.acquire()

        assert pool.stats().dropped == {"on_session failed": 2}
        await assert_in_order(pool, sandbox, opened=0)

    async def test_that_is_no_coroutine_is_told(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(min=0, on_session=lambda connection: connection.session_state)

        with pytest.raises(OnSessionError, match=r"it has to be a coroutine function here \(async def\)"):
            await pool.acquire()

    @pytest.mark.parametrize("end", ["deadline", "cancellation"])
    async def test_that_goes_on_for_too_long_ends_with_its_caller(
        self, make_pool: MakePool, sandbox: Sandbox, end: str
    ) -> None:
        slow = [True]

        async def on_session(connection: Any) -> None:
            if slow:
                slow.clear()
                await asyncio.sleep(60)

        pool = make_pool(min=0, max=1, on_session=on_session)
        asking = asyncio.create_task(outcome(query(pool, 0.5 if end == "deadline" else 10)))
        await until(lambda: not slow)
        if end == "cancellation":
            asking.cancel()

        asked = await asking

        assert isinstance(asked.error, PoolTimeout if end == "deadline" else asyncio.CancelledError)
        assert asked.seconds < 2
        assert await query(pool) == 1
        await assert_in_order(pool, sandbox, opened=1)


class TestTags:
    async def test_go_along_without_a_round_trip(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=1, action="waiting")
        await query(pool)
        before = sandbox.stats()

        async with pool.acquire(module="billing") as connection:
            assert await select(connection, WHO.format("module")) == "billing"
            assert await select(connection, WHO.format("action")) == "waiting"
        with orapool.tag(module="stock", action="counting"):
            async with pool.acquire() as connection:
                assert await select(connection, WHO.format("module")) == "stock"
                assert await select(connection, WHO.format("action")) == "counting"

        assert (sandbox.stats() - before).round_trips == {"execute": 4}

    async def test_of_one_task_do_not_meet_another(self, make_pool: MakePool) -> None:
        pool = make_pool(max=2)

        async def work(name: str) -> None:
            with orapool.tag(module=name):
                for _ in range(10):
                    async with pool.acquire() as connection:
                        assert await select(connection, WHO.format("module")) == name
                        connection.action = "changed by hand"
                    await asyncio.sleep(0)

        await asyncio.gather(*(work(f"task {number}") for number in range(4)))
