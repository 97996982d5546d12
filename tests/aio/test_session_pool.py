"""The asyncio pool over real sockets: checking out and giving back, waiting in line, logging on, closing."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections.abc import AsyncIterator
from typing import Any

import oracledb
import pytest

from orapool import ConfigurationError, DatabaseUnavailable, LogOnError, PoolClosed, PoolError, PoolTimeout
from orapool.aio.session_pool import AsyncPool
from orapool.sandbox import Sandbox
from tests.aio.conftest import MakePool
from tests.aio.tasks import ONE, ask, assert_in_order, lay_idle, outcome, query, select, until


@contextlib.asynccontextmanager
async def table(pool: AsyncPool) -> AsyncIterator[str]:
    """A table with one row: id 1, amount 10."""
    async with pool.acquire() as connection:
        await connection.execute("create table aio_stock (id number primary key, amount number)")
        await connection.execute("insert into aio_stock values (1, 10)")
        await connection.commit()
    try:
        yield "aio_stock"
    finally:
        async with pool.acquire() as connection:
            await connection.execute("drop table aio_stock")


async def spoil(pool: AsyncPool) -> None:
    """Change the stock in a transaction, then fail."""
    async with pool.transaction() as connection:
        await connection.execute("update aio_stock set amount = 0")
        await connection.execute("select * from no_such_table")


async def amount(pool: AsyncPool) -> Any:
    async with pool.acquire() as connection:
        return await select(connection, "select amount from aio_stock")


class TestCheckingOut:
    async def test_nothing_connects_before_the_first_use(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        before = sandbox.stats()

        pool = make_pool(min=3)

        assert (sandbox.stats() - before).connects == 0
        assert "not used yet" in repr(pool)

    async def test_who_is_alone_opens_one_session_and_min_are_opened_when_two_are_wanted_at_a_time(
        self, make_pool: MakePool, sandbox: Sandbox
    ) -> None:
        pool = make_pool(min=4, max=5, increment=3)

        for _ in range(3):
            assert await query(pool) == 1
        await assert_in_order(pool, sandbox, opened=1)

        async with pool.acquire(), pool.acquire():
            await until(lambda: pool.stats().opened >= 4)
        await assert_in_order(pool, sandbox)

    async def test_the_one_session_of_who_is_alone_is_opened_again_when_it_is_lost(
        self, make_pool: MakePool, sandbox: Sandbox
    ) -> None:
        pool = make_pool(min=3)

        async with pool.acquire() as connection:
            connection.drop()

        await until(lambda: pool.stats().opened == 1)
        assert pool.stats().log_ons == 2

    async def test_when_one_session_is_opened_the_increment_is_opened_with_it_but_never_more_than_max(
        self, make_pool: MakePool, sandbox: Sandbox
    ) -> None:
        pool = make_pool(min=0, max=5, increment=3)
        await query(pool)

        held = [await pool.acquire() for _ in range(2)]
        await until(lambda: pool.stats().opened == 4)
        held += [await pool.acquire() for _ in range(3)]

        assert pool.stats().opened == sandbox.stats().sessions == 5
        for connection in held:
            await connection.close()

    async def test_a_connection_is_the_drivers_own(self, make_pool: MakePool) -> None:
        pool = make_pool()
        async with pool.acquire() as connection:
            assert isinstance(connection, oracledb.AsyncConnection)
            assert isinstance(connection.cursor(), oracledb.AsyncCursor)
            assert await connection.fetchone(ONE) == (1,)

    async def test_awaiting_gives_a_connection_that_is_closed_by_hand_or_by_a_block(self, make_pool: MakePool) -> None:
        pool = make_pool(max=1)

        connection = await pool.acquire()
        await connection.close()
        async with await pool.acquire(timeout=0) as connection:
            assert await select(connection) == 1

        assert pool.stats().busy == 0

    async def test_a_healthy_empty_checkout_costs_no_round_trip(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool()
        await query(pool)
        await until(lambda: pool.stats().opened == 1)
        before = sandbox.stats()

        for _ in range(100):
            async with pool.acquire():
                pass

        assert (sandbox.stats() - before).total_round_trips == 0
        assert pool.stats().checkouts == 101

    async def test_rows_can_be_had_in_every_way(self, make_pool: MakePool) -> None:
        sql = "select 1 from dual union all select 2 from dual union all select 3 from dual"
        async with make_pool().acquire() as connection:
            cursor = connection.cursor()
            await cursor.execute(sql)
            assert [row[0] async for row in cursor] == [1, 2, 3]
            await cursor.execute(sql)
            assert await cursor.fetchmany(2) == [(1,), (2,)]
            assert (await cursor.fetchone(), await cursor.fetchone()) == ((3,), None)
            await cursor.execute(sql)
            assert await cursor.fetchall() == [(1,), (2,), (3,)]
            assert await connection.fetchall(sql) == [(1,), (2,), (3,)]

    async def test_a_call_timeout_of_one_user_does_not_meet_the_next(self, make_pool: MakePool) -> None:
        pool = make_pool(max=1, call_timeout=1.5)
        async with pool.acquire() as connection:
            assert connection.call_timeout == 1500
        async with pool.acquire(call_timeout=0.7) as connection:
            assert connection.call_timeout == 700

        async with pool.acquire() as connection:
            assert connection.call_timeout == 1500

    async def test_what_one_user_set_on_the_session_does_not_meet_the_next(self, make_pool: MakePool) -> None:
        pool = make_pool(max=1)
        async with pool.acquire() as connection:
            connection.autocommit = True
            connection.outputtypehandler = lambda cursor, metadata: cursor.var(str, arraysize=cursor.arraysize)
            connection.mine = "mine"
            assert await select(connection) == "1"

        async with pool.acquire() as connection:
            assert not connection.autocommit
            assert not hasattr(connection, "mine")
            assert await select(connection) == 1


class TestGivingBack:
    async def test_a_second_close_does_nothing(self, make_pool: MakePool) -> None:
        pool = make_pool(max=1)
        first = await pool.acquire()
        await first.close()
        second = await pool.acquire()

        await first.close()
        first.drop()

        assert pool.stats().busy == 1
        assert await select(second) == 1
        await second.close()

    async def test_use_after_close_raises_the_drivers_error(self, make_pool: MakePool) -> None:
        pool = make_pool(max=1)
        connection = await pool.acquire()
        cursor = connection.cursor()
        await cursor.execute(ONE)
        await connection.close()

        async with pool.acquire() as other:
            for use in (connection.commit, connection.ping, cursor.fetchone, lambda: cursor.execute(ONE)):
                with pytest.raises(oracledb.InterfaceError):
                    await use()
            with pytest.raises(oracledb.InterfaceError):
                connection.cursor()
            assert await select(other) == 1

    async def test_the_end_of_a_block_closes_also_after_an_error(self, make_pool: MakePool) -> None:
        pool = make_pool()

        with pytest.raises(ZeroDivisionError):
            async with pool.acquire():
                _ = 1 / 0

        assert pool.stats().busy == 0

    async def test_open_work_is_rolled_back_and_only_then(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=1)
        async with table(pool):
            before = sandbox.stats()
            async with pool.acquire() as connection:
                await connection.execute("update aio_stock set amount = 0")
            async with pool.acquire() as connection:
                await connection.execute("update aio_stock set amount = 0")
                await connection.rollback()

            assert await amount(pool) == 10
            assert (sandbox.stats() - before).round_trips["rollback"] == 2

    async def test_a_transaction_block_commits_and_rolls_back_on_an_error(self, make_pool: MakePool) -> None:
        pool = make_pool(max=1)
        async with table(pool):
            async with pool.transaction() as connection:
                await connection.execute("update aio_stock set amount = 7")
            with pytest.raises(oracledb.DatabaseError, match="ORA-00942"):
                await spoil(pool)

            assert await amount(pool) == 7

    async def test_a_connection_without_close_comes_back_when_it_is_garbage(self, make_pool: MakePool) -> None:
        pool = make_pool(max=1)
        async with table(pool):
            connection = await pool.acquire()
            await connection.execute("update aio_stock set amount = 0")
            connection.itself = connection

            del connection
            gc.collect()

            assert await amount(pool) == 10
            assert (pool.stats().busy, pool.stats().reclaimed) == (0, 1)

    async def test_garbage_wakes_who_waits(self, make_pool: MakePool) -> None:
        pool = make_pool(max=1)
        lost = [await pool.acquire()]
        waiting = asyncio.create_task(query(pool, 10))
        await until(lambda: pool.stats().waiting == 1)

        await asyncio.to_thread(lost.clear) if hasattr(asyncio, "to_thread") else lost.clear()

        assert await waiting == 1

    async def test_a_dropped_session_is_closed_and_a_new_one_made(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=1, min=0)
        connection = await pool.acquire()

        pool.drop(connection)
        await connection.close()

        await until(lambda: sandbox.stats().sessions == 0)
        assert (pool.stats().opened, pool.stats().busy, pool.stats().dropped) == (0, 0, {"asked": 1})
        assert await query(pool) == 1
        assert pool.stats().log_ons == 2

    async def test_a_connection_that_another_task_still_uses_is_not_put_back(
        self, make_pool: MakePool, sandbox: Sandbox
    ) -> None:
        pool = make_pool(max=1, min=0)
        sandbox.delay(0.3)
        connection = await pool.acquire()
        using = asyncio.create_task(outcome(select(connection)))
        await until(lambda: connection.wire.waits)

        await connection.close()
        sandbox.heal()

        assert isinstance((await using).error, oracledb.Error)
        assert pool.stats().dropped == {"call under way": 1}
        assert await query(pool) == 1
        await assert_in_order(pool, sandbox, opened=1)


class TestWaitingInLine:
    async def test_tasks_are_served_first_come_first_served(self, make_pool: MakePool) -> None:
        pool = make_pool(max=1)
        held = await pool.acquire()
        served: list[int] = []

        async def wait(number: int) -> None:
            async with pool.acquire():
                served.append(number)
                await asyncio.sleep(0)

        waiting = [asyncio.create_task(wait(number)) for number in range(8)]
        await until(lambda: pool.stats().waiting == 8)
        await held.close()
        await asyncio.gather(*waiting)

        assert served == list(range(8))

    async def test_a_timeout_says_which_pool_how_long_and_what_to_do(self, make_pool: MakePool) -> None:
        pool = make_pool(max=1, acquire_timeout=0.05)
        async with pool.acquire(timeout=5):
            begun = time.monotonic()
            with pytest.raises(PoolTimeout) as raised:
                await pool.acquire()

        assert 0.05 <= time.monotonic() - begun < 1
        assert str(raised.value).startswith(
            "pool 'test': no session after 0.05 s, all sessions are in use: max 1, 1 busy, 0 waiting: "
        )
        assert "async with orapool.aconnection()" in str(raised.value)
        assert pool.stats().timeouts == 1

    async def test_no_time_at_all_means_not_to_wait_in_line(self, make_pool: MakePool) -> None:
        pool = make_pool(max=1)

        async with pool.acquire(timeout=0) as connection:  # which logs on
            assert await select(connection) == 1
            with pytest.raises(PoolTimeout, match="no session after 0.00 s"):
                await pool.acquire(timeout=0)

    async def test_tasks_that_leave_the_line_at_any_moment_lose_no_slot(self, make_pool: MakePool) -> None:
        pool = make_pool(max=2)
        given: list[int] = []

        async def use(number: int) -> None:
            for turn in range(60):
                wait = pool.acquire(timeout=(number + turn) % 7 / 2000)

                async def once(wait: Any = wait) -> None:
                    async with wait:
                        given.append(number)
                        await asyncio.sleep(0.0005)

                task = asyncio.create_task(once())
                await asyncio.sleep((number + turn) % 5 / 3000)
                if turn % 3 == 0:
                    task.cancel()
                with contextlib.suppress(PoolTimeout, asyncio.CancelledError):
                    await task

        await asyncio.gather(*(use(number) for number in range(12)))

        stats = pool.stats()
        assert (stats.busy, stats.waiting) == (0, 0)
        assert len(given) <= stats.checkouts
        held = [await pool.acquire(timeout=0) for _ in range(2)]
        for connection in held:
            await connection.close()

    async def test_many_tasks_never_have_more_than_max_sessions(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=4)
        out: list[Any] = []
        most = []

        async def work() -> None:
            for _ in range(25):
                async with pool.acquire() as connection:
                    out.append(connection)
                    most.append(len(out))
                    await select(connection)
                    out.remove(connection)

        await asyncio.gather(*(work() for _ in range(16)))

        assert max(most) <= 4  # the fourth log-on may end when all is done
        assert pool.stats().log_ons <= 4
        assert (pool.stats().checkouts, pool.stats().busy) == (400, 0)


class TestLoggingOn:
    @pytest.mark.parametrize("name", [{"password": "wrong"}, {"user": "nobody"}])
    async def test_wrong_user_or_password(self, make_pool: MakePool, name: dict[str, str]) -> None:
        pool = make_pool(min=2, **name)

        for _ in range(2):
            with pytest.raises(LogOnError, match="ORA-01017.*: check user and password") as raised:
                await pool.acquire()
            assert isinstance(raised.value, oracledb.DatabaseError)
            assert raised.value.args[0].code == 1017
            assert str(raised.value).startswith("pool 'test' of an event loop, ")
        assert pool.stats().busy == pool.stats().opened == 0

    async def test_an_unknown_service(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(dsn=sandbox.dsn.replace("ORAPOOL", "NOWHERE"))

        with pytest.raises(DatabaseUnavailable, match="check service_name"):
            await pool.acquire()

    async def test_a_closed_port_and_an_unknown_host(self, make_pool: MakePool) -> None:
        for dsn in ("127.0.0.1:1/ORAPOOL", "no-such-host.invalid/ORAPOOL"):
            pool = make_pool(dsn=dsn)
            with pytest.raises(DatabaseUnavailable, match="check host, port and service") as raised:
                await pool.acquire()
            assert isinstance(raised.value, oracledb.DatabaseError)

    async def test_a_host_name_is_looked_up_without_holding_up_the_loop(
        self, make_pool: MakePool, sandbox: Sandbox
    ) -> None:
        pool = make_pool(dsn=sandbox.dsn.replace("127.0.0.1", "localhost"))

        assert await query(pool) == 1

    async def test_the_next_address_is_tried(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(dsn=f"127.0.0.1:1,{sandbox.host}:{sandbox.port}/ORAPOOL?load_balance=off")

        assert await query(pool) == 1

    async def test_a_password_that_takes_its_time_holds_up_nobody_else(self, make_pool: MakePool) -> None:
        def password() -> str:
            time.sleep(0.2)
            return "tiger"

        pool = make_pool(password=password, max=1)
        asking = asyncio.create_task(query(pool))
        ticks = 0
        while not asking.done():
            ticks += 1
            await asyncio.sleep(0.01)

        assert asking.result() == 1
        assert ticks > 5
        with pytest.raises(PoolTimeout):
            await make_pool(password=password).acquire(timeout=0.05)

    async def test_the_password_is_in_no_repr_and_no_log(
        self, make_pool: MakePool, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG")
        pool = make_pool(password="swordfish")

        with pytest.raises(PoolError) as raised:
            await pool.acquire()

        assert "swordfish" not in f"{pool!r}{pool.settings!r}{raised.value!r}{raised.value}{caplog.text}"

    async def test_cx_oracle_says_that_it_cannot(self, make_pool: MakePool) -> None:
        with pytest.raises(ConfigurationError, match="cx_Oracle has no asyncio: set driver to oracledb"):
            make_pool(driver="cx_oracle")

    async def test_auto_takes_python_oracledb(self, make_pool: MakePool) -> None:
        pool = make_pool(driver="auto")

        assert await query(pool) == 1
        assert " oracledb scott@" in repr(pool)


class TestUpkeep:
    async def test_sessions_that_died_are_replaced_up_to_min(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(min=2, max=3)
        await lay_idle(pool, 2)

        sandbox.end_sessions("rst")

        await until(lambda: pool.stats().opened == 0)
        await until(lambda: pool.stats().opened == 2)
        await assert_in_order(pool, sandbox, opened=2)

    async def test_sessions_beyond_min_are_closed_after_their_idle_timeout(
        self, make_pool: MakePool, sandbox: Sandbox
    ) -> None:
        pool = make_pool(min=1, max=3, idle_timeout=0.2)
        await lay_idle(pool, 3)

        await until(lambda: sandbox.stats().sessions == 1)

        assert pool.stats().dropped == {"retired": 2}
        await assert_in_order(pool, sandbox, opened=1)

    async def test_sessions_are_replaced_at_their_greatest_age(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(min=0, max=1, max_lifetime=0.2)
        held = await pool.acquire()
        await asyncio.sleep(0.25)
        await held.close()
        assert pool.stats().dropped == {"retired": 1}
        await query(pool)

        await until(lambda: sandbox.stats().sessions == 0)

        assert pool.stats().dropped == {"retired": 2}

    async def test_without_trust_each_checkout_pings(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=1, trust=0)
        await query(pool)
        before = sandbox.stats()

        for _ in range(3):
            async with pool.acquire():
                pass

        assert (sandbox.stats() - before).round_trips == {"ping": 3}

    async def test_each_session_has_keep_alive_on_its_socket(self, make_pool: MakePool) -> None:
        import socket

        pool = make_pool(keepalive_idle=7, user_timeout=3)
        async with pool.acquire() as connection:
            found = connection.wire.transport.get_extra_info("socket")
            assert connection.session_state.socket is not None
            assert found.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert found.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 7
            assert found.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 3000


class TestClosing:
    async def test_idle_sessions_are_closed_at_once(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=3)
        await lay_idle(pool, 3)

        await pool.close()
        await pool.close()

        await until(lambda: sandbox.stats().sessions == 0)
        assert (pool.stats().opened, pool.stats().dropped) == (0, {"pool closed": 3})
        assert "closed" in repr(pool)
        with pytest.raises(PoolClosed, match="pool 'test' is closed"):
            await pool.acquire()

    async def test_a_session_that_is_out_works_on_and_is_closed_when_it_comes_back(
        self, make_pool: MakePool, sandbox: Sandbox
    ) -> None:
        pool = make_pool(max=3)
        await lay_idle(pool, 3)
        connection = await pool.acquire()

        await pool.close()

        await until(lambda: sandbox.stats().sessions == 1)
        assert await select(connection) == 1
        await connection.close()
        await until(lambda: sandbox.stats().sessions == 0)
        assert (pool.stats().opened, pool.stats().busy) == (0, 0)

    async def test_who_waits_in_line_is_told(self, make_pool: MakePool) -> None:
        pool = make_pool(max=1)
        held = await pool.acquire()
        waiting = [asyncio.create_task(outcome(query(pool, 10))) for _ in range(3)]
        await until(lambda: pool.stats().waiting == 3)

        await pool.close()

        for each in waiting:
            error = (await each).error
            assert isinstance(error, PoolClosed)
            assert "closed while waiting" in str(error)
        await held.close()
        assert pool.stats().busy == 0

    async def test_who_logs_on_is_told_too_and_leaves_no_session(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=2)
        await query(pool)
        held = await pool.acquire()
        sandbox.delay(0.2)
        asking = asyncio.create_task(outcome(query(pool, 10)))
        await until(lambda: pool.size == 2)

        await pool.close()

        error = (await asking).error
        assert isinstance(error, PoolClosed), repr(error)
        sandbox.heal()
        await held.close()
        await until(lambda: sandbox.stats().sessions == pool.stats().opened == pool.stats().busy == 0)

    async def test_the_repr_tells_what_state_the_pool_is_in(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=5)
        await lay_idle(pool, 2)

        async with pool.acquire():
            assert repr(pool) == (
                f"<AsyncPool 'test' oracledb scott@{sandbox.dsn}: open, 2 opened, 1 busy, 1 idle, 0 waiting, "
                f"min 1, max 5>"
            )


async def test_the_sessions_are_the_servers(make_pool: MakePool, sandbox: Sandbox) -> None:
    pool = make_pool(max=3)

    outcomes = await ask(pool, 20)

    assert [each.answer for each in outcomes] == [1] * 20
    await assert_in_order(pool, sandbox)
