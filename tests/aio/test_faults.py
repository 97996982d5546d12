"""Faults: what sessions go through while idle or in use, and that no task gets a dead one or hangs."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import oracledb
import pytest

from orapool import DatabaseUnavailable, PoolTimeout
from orapool.aio.session_pool import AsyncPool
from orapool.sandbox import Sandbox
from tests.aio.conftest import MakePool
from tests.aio.tasks import ask, assert_in_order, lay_idle, outcome, query, select, until
from tests.faults.callers import (
    AT_ONCE,
    BUSY,
    CALLERS,
    CLOSE_SECONDS,
    IDLE,
    KERNEL_SECONDS,
    LATE,
    QUICK_KERNEL,
    errors,
    log_lines,
    longest,
    typical,
)
from tests.firewall import Firewall


class TestSessionsEndedByTheServer:
    @pytest.mark.parametrize("how", ["fin", "rst"])
    @pytest.mark.parametrize("noticed", [False, True])
    async def test_20_tasks_see_no_error_when_10_idle_ones_end(
        self, make_pool: MakePool, sandbox: Sandbox, how: str, noticed: bool
    ) -> None:
        pool = make_pool(max=IDLE, acquire_timeout=10)
        await lay_idle(pool, IDLE)
        sandbox.end_sessions(how)
        if noticed:
            await until(lambda: pool.stats().opened == 0)

        outcomes = await ask(pool, CALLERS)

        assert errors(outcomes) == []
        assert pool.stats().dropped["ended"] == IDLE
        await assert_in_order(pool, sandbox)

    @pytest.mark.parametrize("how", ["fin", "rst"])
    async def test_a_statement_under_way_fails_once_and_its_session_is_dropped(
        self, make_pool: MakePool, sandbox: Sandbox, how: str
    ) -> None:
        # python-oracledb 2.5.1 would wait for ever.
        pool = make_pool(max=1, min=0)
        async with pool.acquire() as connection:
            sandbox.freeze()
            asking = asyncio.create_task(outcome(select(connection)))
            await until(lambda: connection.wire.waits)
            sandbox.end_sessions(how)
            asked = await asking
            again = await outcome(select(connection))
            sandbox.thaw()

        for each in (asked, again):
            assert isinstance(each.error, oracledb.DatabaseError)
            assert each.error.args[0].full_code == "DPY-4011"
            assert each.seconds < 1
        assert pool.stats().dropped == {"DPY-4011": 1}
        assert await query(pool) == 1
        await assert_in_order(pool, sandbox, opened=1)

    @pytest.mark.parametrize("how", ["fin", "rst"])
    async def test_a_log_on_whose_connection_ends_is_made_once_more(
        self, make_pool: MakePool, sandbox: Sandbox, how: str
    ) -> None:
        # python-oracledb 2.5.1 would wait for ever.
        pool = make_pool(max=1, min=0)
        sandbox.delay(0.3)
        asking = asyncio.create_task(outcome(query(pool, 20)))
        await until(lambda: pool.size == 1)
        await asyncio.sleep(0.1)
        sandbox.heal()
        ended = sandbox.end_sessions(how)

        asked = await asking

        assert ended == 1
        assert errors([asked]) == []
        assert asked.seconds < 5
        await assert_in_order(pool, sandbox, opened=1)

    async def test_a_log_on_that_is_sent_on_to_another_node(
        self, make_pool: MakePool, sandbox: Sandbox, node: Sandbox
    ) -> None:
        sandbox.redirect(node.dsn)
        node.delay(0.2)  # the first connection ends long before the log-on
        pool = make_pool(max=2, min=0)

        outcomes = await ask(pool, 2)

        assert errors(outcomes) == []
        assert node.stats().sessions == 2
        async with pool.acquire() as connection:
            assert connection.wire.transport.get_extra_info("peername")[1] == node.port

    @pytest.mark.parametrize("code", [28, 1033, 2396])
    async def test_a_session_that_the_database_ends_in_use_is_dropped_even_if_its_user_hides_the_error(
        self, make_pool: MakePool, sandbox: Sandbox, code: int
    ) -> None:
        pool = make_pool(max=1, min=0)
        async with pool.acquire() as connection:
            sandbox.fail_next(code)
            with pytest.raises(oracledb.DatabaseError):
                await select(connection)

        assert (pool.stats().opened, pool.stats().busy) == (0, 0)
        assert await query(pool) == 1

    async def test_a_checked_session_is_replaced_unseen(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=IDLE, acquire_timeout=5, trust=0)
        await lay_idle(pool, IDLE)
        sandbox.fail_next(28)

        outcomes = await ask(pool, CALLERS)

        assert errors(outcomes) == []
        await assert_in_order(pool, sandbox)

    async def test_a_packet_cut_in_half(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=3, min=0, acquire_timeout=5)
        async with pool.acquire() as connection:
            sandbox.cut_next()
            failed = await outcome(select(connection))

        assert isinstance(failed.error, oracledb.Error)
        assert errors([await outcome(query(pool))]) == []
        await assert_in_order(pool, sandbox, opened=1)

    async def test_an_error_of_a_statement_does_not_cost_the_session(self, make_pool: MakePool) -> None:
        pool = make_pool(max=1)
        async with pool.acquire() as connection:
            with pytest.raises(oracledb.DatabaseError, match="ORA-00942"):
                await select(connection, "select * from no_such_table")

        assert (pool.stats().opened, pool.stats().dropped) == (1, {})

    async def test_sessions_killed_at_random_under_load_leave_exact_counts(
        self, make_pool: MakePool, sandbox: Sandbox
    ) -> None:
        pool = make_pool(max=4, min=0)
        answers: list[int] = []

        async def work() -> None:
            for _ in range(60):
                found = await outcome(query(pool, 10))
                assert found.error is None or isinstance(found.error, oracledb.Error), repr(found.error)
                answers.append(1 if found.answer is None else found.answer)

        working = [asyncio.create_task(work()) for _ in range(8)]
        for turn in range(8):
            await until(lambda: len(answers) > turn * 40)  # noqa: B023 - waited for at once
            sandbox.end_sessions(["fin", "rst"][turn % 2])
        await asyncio.gather(*working)

        assert set(answers) == {1}
        await lay_idle(pool, 4)
        await assert_in_order(pool, sandbox, opened=4)


class TestSessionsSilentlyDropped:
    @staticmethod
    async def pool(make_pool: MakePool, firewall: Firewall, idle: int = IDLE, **settings: Any) -> AsyncPool:
        pool = make_pool(dsn=firewall.sandbox.dsn, max=idle, acquire_timeout=5, **settings)
        await lay_idle(pool, idle)
        return pool

    async def test_the_kernel_has_had_its_time(self, make_pool: MakePool, firewall: Firewall) -> None:
        pool = await self.pool(make_pool, firewall, **QUICK_KERNEL)
        firewall.drop_flows()
        await asyncio.sleep(KERNEL_SECONDS)

        outcomes = await ask(pool, CALLERS)

        assert errors(outcomes) == []
        assert longest(outcomes) < 1

    async def test_straight_after_the_drop_one_ping_is_paid_for_all_that_were_idle_for_long(
        self, make_pool: MakePool, firewall: Firewall
    ) -> None:
        pool = await self.pool(make_pool, firewall, trust=0.2)
        await asyncio.sleep(0.4)
        firewall.drop_flows()

        first = await outcome(query(pool))
        others = await ask(pool, CALLERS)

        assert errors([first, *others]) == []
        assert first.seconds < 1.5
        assert longest(others) < 1
        assert pool.stats().dropped["ended"] == IDLE - 1

    async def test_a_statement_under_way_ends_with_the_user_timeout_and_casts_doubt_on_the_others(
        self, make_pool: MakePool, firewall: Firewall
    ) -> None:
        pool = await self.pool(make_pool, firewall, 5, user_timeout=2)
        async with pool.acquire() as connection:
            firewall.drop_flows()
            stuck = await outcome(select(connection))

        outcomes = await ask(pool, 5)

        assert isinstance(stuck.error, oracledb.DatabaseError)
        assert stuck.seconds < 8
        assert errors(outcomes) == []
        assert longest(outcomes) < 2.5

    async def test_a_release_with_open_work_on_a_dead_path_is_bounded_and_closing_too(
        self, make_pool: MakePool, firewall: Firewall
    ) -> None:
        pool = await self.pool(make_pool, firewall, 3, **QUICK_KERNEL)
        async with pool.acquire() as connection:
            await connection.execute("create table aio_unfinished (id number)")
        connection = await pool.acquire()
        await connection.execute("insert into aio_unfinished values (1)")
        firewall.drop_flows()

        released = await outcome(connection.close())
        following = await outcome(query(pool))

        assert released.error is None
        assert released.seconds < 1.5
        assert errors([following]) == []
        firewall.restore()
        firewall.sandbox.end_sessions("rst")
        async with pool.acquire() as connection:
            await connection.execute("drop table aio_unfinished")
        assert pool.stats().busy == 0

    async def test_closing_the_pool_does_not_wait_for_the_dead(self, make_pool: MakePool, firewall: Firewall) -> None:
        pool = await self.pool(make_pool, firewall)
        firewall.drop_flows()

        closed = await outcome(pool.close())

        assert closed.error is None
        assert closed.seconds < CLOSE_SECONDS + BUSY
        assert pool.stats().opened == 0

    async def test_a_silent_address_of_a_cluster_costs_its_transport_connect_timeout(
        self, make_pool: MakePool, firewall: Firewall
    ) -> None:
        # python-oracledb would wait for the kernel, which tries for two minutes, while others work in the same loop.
        firewall.drop_host(firewall.other_address)
        port = firewall.sandbox.port
        others = make_pool(dsn=firewall.sandbox.dsn)
        assert await query(others) == 1
        pool = make_pool(
            dsn=f"{firewall.other_address}:{port},{firewall.address}:{port}/ORAPOOL?load_balance=off",
            transport_connect_timeout=1,
        )

        asked = await outcome(query(pool))

        assert errors([asked]) == []
        assert 1 <= asked.seconds < 2


class TestTheServerHangs:
    async def test_tasks_have_their_answer_by_their_deadline(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=IDLE, trust=0)
        await lay_idle(pool, IDLE)
        sandbox.freeze()

        outcomes = await ask(pool, CALLERS, 2)
        alone = await outcome(query(pool, 0.5))
        sandbox.thaw()

        assert all(isinstance(each.error, (DatabaseUnavailable, PoolTimeout)) for each in [*outcomes, alone])
        assert typical(outcomes) < 2 + LATE
        assert longest(outcomes) < 2 + BUSY
        assert alone.seconds < 0.5 + BUSY
        await until(lambda: pool.stats().outage_since is None)
        assert errors(await ask(pool, CALLERS, 10)) == []
        await assert_in_order(pool, sandbox)

    async def test_deadlines_shorter_than_a_ping_hold_too(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=3, trust=0, ping_timeout=5)
        await lay_idle(pool, 3)
        sandbox.freeze()

        asked = await outcome(query(pool, 0.3))
        sandbox.thaw()

        assert isinstance(asked.error, (DatabaseUnavailable, PoolTimeout))
        assert asked.seconds < 0.3 + BUSY

    async def test_log_ons_that_are_mute_hold_up_nobody_who_needs_none(
        self, make_pool: MakePool, sandbox: Sandbox
    ) -> None:
        pool = make_pool(max=4)
        await lay_idle(pool, 2)
        held = [await pool.acquire() for _ in range(2)]
        sandbox.freeze(log_ons_only=True)
        mute = asyncio.create_task(ask(pool, 2, 1))
        await until(lambda: pool.stats().busy == 4)

        for connection in held:
            await connection.close()
        asked = await outcome(query(pool, 1))
        outcomes = await mute
        sandbox.thaw()

        assert errors([asked, *outcomes]) == []  # those who waited for a log-on have got one of the others too
        assert longest([asked, *outcomes]) < BUSY

    async def test_a_connect_timeout_ends_a_log_on(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(connect_timeout=1)
        sandbox.freeze(log_ons_only=True)

        asked = await outcome(query(pool, 10))
        sandbox.thaw()

        assert isinstance(asked.error, DatabaseUnavailable)
        assert "got no answer" in str(asked.error)
        assert 1 <= asked.seconds < 1 + BUSY

    async def test_closing_the_pool(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=3)
        await lay_idle(pool, 3)
        sandbox.freeze()

        closed = await outcome(pool.close())
        sandbox.thaw()

        assert closed.error is None
        assert closed.seconds < CLOSE_SECONDS + BUSY
        await until(lambda: sandbox.stats().sessions == 0)


class TestTheDatabaseIsStoppedAndStarted:
    async def test_tasks_are_told_at_once_and_it_works_again_within_2_seconds(
        self, make_pool: MakePool, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
    ) -> None:
        pool = make_pool(max=IDLE, acquire_timeout=5)
        await lay_idle(pool, IDLE)
        sandbox.stop()

        with log_lines(caplog, logging.WARNING) as going:
            wave = await ask(pool, CALLERS)
            following = [await outcome(query(pool)) for _ in range(20)]
            await asyncio.sleep(1)
        with log_lines(caplog, logging.WARNING) as coming:
            sandbox.start()
            returned = time.monotonic()
            while (await outcome(query(pool))).answer != 1:
                await asyncio.sleep(0.01)
            back = time.monotonic() - returned

        assert all(isinstance(each.error, DatabaseUnavailable) for each in wave + following)
        assert all("since" in str(each.error) for each in following)
        assert all(isinstance(each.error, oracledb.DatabaseError) for each in wave + following)
        assert typical(wave) < 5 + LATE
        assert longest(wave) < 5 + BUSY
        assert typical(following) < 0.05
        assert longest(following) < AT_ONCE
        assert back < 2
        assert len(going) == len(coming) == 1
        assert errors(await ask(pool, CALLERS)) == []
        await assert_in_order(pool, sandbox)

    async def test_the_database_is_not_stormed(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=IDLE, acquire_timeout=5)
        await lay_idle(pool, IDLE)
        sandbox.refuse(code=12528)
        sandbox.end_sessions("fin")
        await ask(pool, CALLERS)
        before = sandbox.stats()

        for _ in range(10):
            await ask(pool, CALLERS)
        await asyncio.sleep(2)
        attempts = (sandbox.stats() - before).connects
        sandbox.refuse(False)

        assert 1 <= attempts <= 12
        await until(lambda: pool.stats().outage_since is None)
        assert await query(pool) == 1

    async def test_the_search_for_the_database_does_not_open_more_sessions_than_max(
        self, make_pool: MakePool, sandbox: Sandbox
    ) -> None:
        pool = make_pool(max=2, min=0)
        await lay_idle(pool, 2)
        pool._outage.failed(Exception("DPY-6005: cannot connect"), silent=True)
        pool._upkeep.look_for_database()

        await until(lambda: pool.stats().outage_since is None)

        await until(lambda: sandbox.stats().sessions == 2)
        assert (pool.stats().opened, pool.stats().dropped) == (2, {"retired": 1})

    async def test_whoever_cancels_all_tasks_does_not_end_the_search_for_good(
        self, make_pool: MakePool, sandbox: Sandbox
    ) -> None:
        pool = make_pool(acquire_timeout=5)
        sandbox.refuse()
        await ask(pool, CALLERS)
        assert pool.stats().outage_since is not None
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            if "_look_for_database" in repr(task):
                task.cancel()
        await asyncio.sleep(0)
        sandbox.refuse(False)

        await outcome(query(pool))
        await until(lambda: pool.stats().outage_since is None)

        assert await query(pool) == 1
