"""A call that another thread cancels: ORA-01013 once, and the session goes on. Oracle Client in both of its drivers."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from orapool.sandbox import Sandbox
from tests.waiting import until

Connect = Callable[..., Any]
CANCELLED = "ORA-01013"


@pytest.fixture
def held(connect: Connect, sandbox: Sandbox) -> Iterator[Any]:
    """A session whose transaction holds the key 1 of the table `keys`."""
    holder = connect()
    holder.cursor().execute("create table keys (id number primary key)")
    holder.cursor().execute("insert into keys values (1)")
    yield holder
    sandbox.heal()
    holder.rollback()
    sandbox.end_sessions()
    connect().cursor().execute("drop table keys")


def in_another_thread(call: Callable[[], object]) -> tuple[threading.Thread, list[Exception]]:
    """Make a call; returns its thread, and what it raised."""
    raised: list[Exception] = []

    def run() -> None:
        try:
            call()
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, raised


def waits(sandbox: Sandbox, name: str, before: int) -> Callable[[], bool]:
    """Whether one more call of a name has begun."""
    return lambda: sandbox.stats().round_trips.get(name, 0) == before + 1


def count(sandbox: Sandbox, name: str) -> int:
    return sandbox.stats().round_trips.get(name, 0)


CALLS: dict[str, Callable[[Any], object]] = {
    "statement": lambda cursor: cursor.execute("insert into keys values (1)"),
    "array": lambda cursor: cursor.executemany(
        "insert into keys values (:1)", [(number,) for number in range(5, -1, -1)]
    ),
    "batch": lambda cursor: cursor.executemany("insert into keys values (:1)", [(7,), (1,)], batcherrors=True),
    "block": lambda cursor: cursor.execute("begin insert into keys values (1); end;"),
    "query": lambda cursor: cursor.execute("select count(*) from dual connect by level <= 200000000").fetchall(),
}


@pytest.mark.parametrize("name", list(CALLS))
def test_a_cancelled_call_raises_once_and_the_session_goes_on(
    connect: Connect, sandbox: Sandbox, held: Any, dbapi: ModuleType, name: str
) -> None:
    connection = connect()
    cursor = connection.cursor()
    cursor.execute("insert into keys values (100)")
    before = count(sandbox, "execute")
    thread, raised = in_another_thread(lambda: CALLS[name](cursor))
    until(waits(sandbox, "execute", before))

    connection.cancel()
    thread.join(30)

    assert not thread.is_alive()
    assert [CANCELLED in str(error) for error in raised] == [True]
    assert count(sandbox, "execute") == before + 1
    # Of the transaction, the call alone is undone; an array's rows before the one that was cancelled may be there.
    assert (100,) in cursor.execute("select id from keys").fetchall()
    connection.rollback()


@pytest.mark.parametrize("name", ["ping", "commit", "rollback"])
def test_a_call_without_a_statement_can_be_cancelled(
    connect: Connect, sandbox: Sandbox, held: Any, driver: str, name: str
) -> None:
    connection = connect()
    connection.cursor().execute("insert into keys values (100)")
    before = count(sandbox, name)
    sandbox.delay(30)
    thread, raised = in_another_thread(getattr(connection, name))
    until(waits(sandbox, name, before))

    connection.cancel()
    thread.join(20)
    sandbox.delay(0)

    assert [CANCELLED in str(error) for error in raised] == [True]
    assert count(sandbox, name) == before + 1
    assert connection.cursor().execute("select id from keys").fetchall() == [(100,)]
    connection.rollback()


def test_a_cancelled_fetch_ends_the_query_alone(connect: Connect, sandbox: Sandbox, dbapi: ModuleType) -> None:
    connection = connect()
    cursor = connection.cursor()
    cursor.arraysize = cursor.prefetchrows = 2
    cursor.execute("select level from dual connect by level <= 100")
    cursor.fetchmany(2)
    before = count(sandbox, "fetch")
    sandbox.delay(30)
    thread, raised = in_another_thread(lambda: cursor.fetchmany(50))
    until(waits(sandbox, "fetch", before))

    connection.cancel()
    thread.join(20)
    sandbox.delay(0)

    assert [CANCELLED in str(error) for error in raised] == [True]
    assert connection.cursor().execute("select 1 from dual").fetchall() == [(1,)]


def test_a_call_can_be_cancelled_again_and_again(connect: Connect, sandbox: Sandbox, held: Any) -> None:
    connection = connect()
    cursor = connection.cursor()
    for number in range(20):
        before = count(sandbox, "execute")
        thread, raised = in_another_thread(lambda: cursor.execute("insert into keys values (1)"))
        until(waits(sandbox, "execute", before))
        connection.cancel()
        thread.join(20)
        assert [CANCELLED in str(error) for error in raised] == [True], number
        assert cursor.execute("select :1 from dual", [number]).fetchall() == [(number,)]


def test_to_cancel_nothing_leaves_the_session_as_it_was(
    connect: Connect, sandbox: Sandbox, held: Any, dbapi: ModuleType, driver: str
) -> None:
    connection = connect()
    cursor = connection.cursor()
    cursor.execute("insert into keys values (100)")
    for _ in range(3):
        connection.cancel()
        # Oracle Client sees that the break hit another call than its next, and makes that again.
        if driver == "oracledb":
            with pytest.raises(dbapi.DatabaseError, match=CANCELLED):
                cursor.execute("select id from keys")
        assert cursor.execute("select id from keys").fetchall() == [(100,)]
    connection.commit()
    assert cursor.execute("select id from keys").fetchall() == [(100,)]


def test_a_break_may_come_at_any_moment(connect: Connect, dbapi: ModuleType) -> None:
    connection = connect()
    cursor = connection.cursor()
    done = threading.Event()

    def break_in() -> None:
        while not done.wait(0.003):
            connection.cancel()

    breaking = threading.Thread(target=break_in)
    breaking.start()
    outcomes = set()
    try:
        for number in range(300):
            try:
                assert cursor.execute("select :1, level from dual connect by level <= 3", [number]).fetchall() == [
                    (number, level) for level in (1, 2, 3)
                ]
                outcomes.add("done")
            except dbapi.DatabaseError as error:
                outcomes.add("cancelled" if CANCELLED in str(error) else str(error))
    finally:
        done.set()
        breaking.join()
    assert outcomes in ({"cancelled"}, {"cancelled", "done"})


THICK = """
    import threading
    import oracledb
    oracledb.init_oracle_client()
    arguments = dict(user="scott", password="tiger", dsn={dsn!r})
    holder, other = oracledb.connect(**arguments), oracledb.connect(**arguments)
    holder.cursor().execute("create table thick_keys (id number primary key)")
    holder.cursor().execute("insert into thick_keys values (2)")
    told = []

    def run(call):
        def guarded():
            try:
                call()
            except oracledb.Error as error:
                told.append(str(error).split(":")[0])
        thread = threading.Thread(target=guarded)
        thread.start()
        return thread

    for number in range({rounds}):
        thread = run(lambda: other.cursor().execute("insert into thick_keys values (2)"))
        while thread.is_alive():
            other.cancel()
            thread.join(0.05)
        assert other.cursor().execute("select :1 from dual", [number]).fetchall() == [(number,)]
    assert set(told) == {{"ORA-01013"}}, told

    # Arrow batches, of which each is a call, cancelled anywhere, beside another session that reads on.
    reads = getattr(other, "fetch_df_batches", None)
    beside = run(lambda: holder.cursor().execute("select level from dual connect by level <= 100000").fetchall())
    for number in range({rounds} if reads else 0):
        told.clear()
        sql = "select level a, 'row ' || level b from dual connect by level <= 200000"
        read = 0

        def read_all():
            global read
            for batch in reads(sql, size=1000):
                read += batch.num_rows()

        thread = run(read_all)
        while thread.is_alive() and read < 1000 * number:
            thread.join(0.001)
        other.cancel()
        thread.join()
        assert told in ([], ["ORA-01013"]), told
        assert other.cursor().execute("select :1 from dual", [number]).fetchall() == [(number,)]
    beside.join()
    holder.rollback()
    holder.cursor().execute("drop table thick_keys")
    print("done")
"""


def test_thick_mode_is_cancelled_too(running_sandbox: Sandbox) -> None:
    script = textwrap.dedent(THICK).format(dsn=running_sandbox.dsn, rounds=10)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
