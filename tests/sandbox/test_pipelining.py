"""Pipelines of python-oracledb's asyncio: one round trip, answers in order, errors, breaks, and sessions that end."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import oracledb
import pytest

from orapool.sandbox import Sandbox, Stats
from tests.waiting import until

SLOW = "select count(*) from dual connect by level <= 200000000"
Work = Callable[[Any], Awaitable[Any]]


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    """A sandbox with a table of three rows and a function."""
    with Sandbox(users={"scott": "tiger"}) as sandbox:
        sandbox.register("pkg.twice", lambda number: 2 * number)
        with oracledb.connect(user="scott", password="tiger", dsn=sandbox.dsn) as connection:
            cursor = connection.cursor()
            cursor.execute("create table items (id number primary key, name varchar2(20), text clob)")
        yield sandbox


@pytest.fixture
def sandbox(server: Sandbox) -> Iterator[Sandbox]:
    """It, as it is to begin with."""
    with oracledb.connect(user="scott", password="tiger", dsn=server.dsn) as connection:
        cursor = connection.cursor()
        cursor.execute("delete from items")
        cursor.executemany("insert into items values (:1, :2, :3)", [(n, f"item {n}", f"text {n}") for n in (1, 2, 3)])
        connection.commit()
    yield server
    server.heal()
    server.end_sessions()


def run(sandbox: Sandbox, work: Work) -> Any:
    """Run a coroutine with a connection, within half a minute."""

    async def main() -> Any:
        connection = await oracledb.connect_async(user="scott", password="tiger", dsn=sandbox.dsn)
        try:
            return await asyncio.wait_for(work(connection), 30)
        finally:
            await connection.close()

    return asyncio.run(main())


def committed_ids(sandbox: Sandbox) -> list[int]:
    with oracledb.connect(user="scott", password="tiger", dsn=sandbox.dsn) as connection:
        return [number for (number,) in connection.cursor().execute("select id from items order by id")]


def codes(results: list[Any]) -> list[str | None]:
    return [None if result.error is None else result.error.full_code for result in results]


def test_all_operations_are_answered_in_order_by_one_round_trip(sandbox: Sandbox) -> None:
    pipeline = oracledb.create_pipeline()
    pipeline.add_execute("insert into items (id, name) values (:1, :2)", [10, "ten"])
    pipeline.add_executemany(
        "insert into items (id, name) values (:1, 'many')", [(number,) for number in range(20, 60)]
    )
    pipeline.add_fetchone("select name from items where id = :id", {"id": 10})
    pipeline.add_fetchmany("select id from items order by id", num_rows=4)
    pipeline.add_fetchall("select id from items where id >= 20 order by id")
    pipeline.add_callproc("dbms_session.set_identifier", ["somebody"])
    pipeline.add_callfunc("pkg.twice", int, [21])
    pipeline.add_commit()

    async def work(connection: Any) -> tuple[list[Any], Stats]:
        before = sandbox.stats()
        results = await connection.run_pipeline(pipeline)
        return results, sandbox.stats() - before

    results, spent = run(sandbox, work)

    assert spent.round_trips == {"pipeline": 1}
    assert [result.rows for result in results[:2]] == [None, None]
    assert results[2].rows == [("ten",)]
    assert results[3].rows == [(1,), (2,), (3,), (10,)]
    assert results[4].rows == [(number,) for number in range(20, 60)]
    assert results[6].return_value == 42
    assert codes(results) == [None] * 8
    assert committed_ids(sandbox) == [1, 2, 3, 10, *range(20, 60)]


def test_a_large_request_and_a_large_answer_come_through(sandbox: Sandbox) -> None:
    pipeline = oracledb.create_pipeline()
    pipeline.add_executemany(
        "insert into items (id, name) values (:1, :2)", [(n, "x" * 20) for n in range(100, 20_100)]
    )
    pipeline.add_fetchall("select id, name from items where id >= 100 order by id", arraysize=30_000)
    pipeline.add_fetchone("select count(*) from items")
    results = run(sandbox, lambda connection: connection.run_pipeline(pipeline))
    assert results[1].rows == [(number, "x" * 20) for number in range(100, 20_100)]
    assert results[2].rows == [(20_003,)]


def test_what_cannot_come_with_the_pipeline_comes_after_it(sandbox: Sandbox) -> None:
    pipeline = oracledb.create_pipeline()
    pipeline.add_fetchall("select text from items order by id")
    pipeline.add_fetchall("select id from items order by id", arraysize=2)

    async def work(connection: Any) -> Any:
        lobs, ids = await connection.run_pipeline(pipeline)
        return [await lob.read() for (lob,) in lobs.rows], ids.rows

    assert run(sandbox, work) == (["text 1", "text 2", "text 3"], [(1,), (2,), (3,)])


def failing() -> Any:
    """A pipeline whose second and fourth operations fail."""
    pipeline = oracledb.create_pipeline()
    pipeline.add_execute("insert into items (id) values (10)")
    pipeline.add_executemany("insert into items (id) values (:1)", [(11,), (1,), (12,)])
    pipeline.add_execute("insert into items (id) values (13)")
    pipeline.add_execute("insert into nothing (id) values (:1)", [1])
    pipeline.add_fetchall("select id from items where id >= 10 order by id")
    return pipeline


def test_operations_behind_an_error_are_carried_out_where_they_are_to_go_on(sandbox: Sandbox) -> None:
    results = run(sandbox, lambda connection: connection.run_pipeline(failing(), continue_on_error=True))
    assert codes(results) == [None, "ORA-00001", None, "ORA-00942", None]
    assert results[4].rows == [(10,), (11,), (13,)]


def test_operations_behind_an_error_are_not_carried_out_where_it_ends_the_pipeline(sandbox: Sandbox) -> None:
    async def work(connection: Any) -> Any:
        with pytest.raises(oracledb.IntegrityError, match="ORA-00001"):
            await connection.run_pipeline(failing())
        assert connection.transaction_in_progress
        rows = await connection.fetchall("select id from items where id >= 10 order by id")
        again = oracledb.create_pipeline()
        again.add_fetchone("select 'again' from dual")
        return rows, (await connection.run_pipeline(again))[0].rows

    assert run(sandbox, work) == ([(10,), (11,)], [("again",)])


@pytest.mark.parametrize("continue_on_error", [True, False])
def test_a_break_ends_the_call_under_way_and_those_behind_it(sandbox: Sandbox, continue_on_error: bool) -> None:
    pipeline = oracledb.create_pipeline()
    pipeline.add_execute("insert into items (id) values (10)")
    pipeline.add_fetchone(SLOW)
    pipeline.add_execute("insert into items (id) values (11)")

    async def work(connection: Any) -> Any:
        running = asyncio.create_task(connection.run_pipeline(pipeline, continue_on_error=continue_on_error))
        while not any(each.sql == SLOW for each in sandbox.statements):
            await asyncio.sleep(0.01)
        connection.cancel()
        if continue_on_error:
            assert codes(await running) == [None, "ORA-01013", "ORA-01013"]
        else:
            with pytest.raises(oracledb.DatabaseError, match="ORA-01013"):
                await running
        # The session goes on.
        ids = [await connection.fetchall("select id from items where id >= 10") for _ in range(3)]
        await connection.commit()
        return ids

    sandbox.statements.clear()
    assert run(sandbox, work) == [[(10,)]] * 3
    assert committed_ids(sandbox) == [1, 2, 3, 10]


def test_a_break_ends_a_pipeline_that_is_delayed(sandbox: Sandbox) -> None:
    pipeline = oracledb.create_pipeline()
    pipeline.add_execute("insert into items (id) values (10)")
    pipeline.add_commit()

    async def work(connection: Any) -> Any:
        before = sandbox.stats().round_trips.get("pipeline", 0)
        sandbox.delay(20)
        running = asyncio.create_task(connection.run_pipeline(pipeline, continue_on_error=True))
        while sandbox.stats().round_trips.get("pipeline", 0) == before:
            await asyncio.sleep(0.01)
        connection.cancel()
        found = codes(await running)
        sandbox.delay(0)
        return found, await connection.fetchone("select 1 from dual")

    assert run(sandbox, work) == (["ORA-01013", "ORA-01013"], (1,))
    assert committed_ids(sandbox) == [1, 2, 3]


def test_a_delay_is_that_of_one_round_trip(sandbox: Sandbox) -> None:
    pipeline = oracledb.create_pipeline()
    for _ in range(50):
        pipeline.add_fetchone("select 1 from dual")

    async def work(connection: Any) -> Any:
        sandbox.delay(1)
        results = await connection.run_pipeline(pipeline)
        sandbox.delay(0)
        return [result.rows for result in results]

    assert run(sandbox, work) == [[(1,)]] * 50  # and not within 50 seconds, which `run` has not


def test_an_error_that_ends_the_session_ends_the_pipeline(sandbox: Sandbox) -> None:
    pipeline = oracledb.create_pipeline()
    pipeline.add_fetchone("select 1 from dual")

    async def work(connection: Any) -> None:
        sandbox.fail_next(28)
        with pytest.raises(oracledb.DatabaseError, match="ORA-00028|DPY-4011"):
            await connection.run_pipeline(pipeline)

    async def main() -> None:
        connection = await oracledb.connect_async(user="scott", password="tiger", dsn=sandbox.dsn)
        with contextlib.suppress(asyncio.TimeoutError):  # an older driver waits for the answer to the end of it
            await asyncio.wait_for(work(connection), 2)

    asyncio.run(main())
    until(lambda: not sandbox.sessions())


def test_a_session_that_ends_within_a_pipeline_does_nothing_more(sandbox: Sandbox) -> None:
    pipeline = oracledb.create_pipeline()
    pipeline.add_execute("insert into items (id) values (10)")
    pipeline.add_fetchone(SLOW)
    pipeline.add_execute("insert into items (id) values (11)")
    pipeline.add_commit()

    async def main() -> None:
        connection = await oracledb.connect_async(user="scott", password="tiger", dsn=sandbox.dsn)
        running = asyncio.create_task(connection.run_pipeline(pipeline, continue_on_error=True))
        while not any(each.sql == SLOW for each in sandbox.statements):
            await asyncio.sleep(0.01)
        sandbox.end_sessions("rst")
        running.cancel()

    sandbox.statements.clear()
    asyncio.run(main())
    until(lambda: not sandbox.sessions())
    assert committed_ids(sandbox) == [1, 2, 3]


def test_sessions_pipeline_beside_each_other(sandbox: Sandbox) -> None:
    def pipeline(first: int) -> Any:
        made = oracledb.create_pipeline()
        made.add_executemany("insert into items (id, name) values (:1, 'x')", [(first + n,) for n in range(100)])
        made.add_fetchone("select count(*) from items where id between :1 and :2", [first, first + 99])
        made.add_commit()
        return made

    async def one(first: int) -> Any:
        async with oracledb.connect_async(user="scott", password="tiger", dsn=sandbox.dsn) as connection:
            return [(await connection.run_pipeline(pipeline(first + 100 * n)))[1].rows for n in range(5)]

    async def main() -> Any:
        return await asyncio.gather(*(one(1000 * n) for n in range(1, 6)))

    assert asyncio.run(main()) == [[[(100,)]] * 5] * 5
    assert len(committed_ids(sandbox)) == 2503


def test_synchronous_connections_are_answered_as_ever(sandbox: Sandbox) -> None:
    with oracledb.connect(user="scott", password="tiger", dsn=sandbox.dsn) as connection:
        cursor = connection.cursor()
        cursor.prefetchrows = 10
        before = sandbox.stats()
        assert cursor.execute("select id from items order by id").fetchall() == [(1,), (2,), (3,)]
        assert (sandbox.stats() - before).round_trips == {"execute": 1}
        raised: list[Exception] = []

        def call() -> None:
            try:
                cursor.execute(SLOW).fetchall()
            except oracledb.DatabaseError as error:
                raised.append(error)

        sandbox.statements.clear()
        thread = threading.Thread(target=call)
        thread.start()
        until(lambda: any(each.sql == SLOW for each in sandbox.statements))
        connection.cancel()
        thread.join(20)
        assert "ORA-01013" in str(raised[0])
        assert cursor.execute("select 1 from dual").fetchall() == [(1,)]
