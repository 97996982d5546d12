"""rollback() makes its round trip only where a transaction may be open; what is open is rolled back in any case."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from orapool import SessionPool
from orapool.sandbox import Sandbox

INSERT = "insert into rolled values (1)"
ROLLBACK, NOTHING = {"rollback": 1}, {}


@pytest.fixture
def pool(make_pool: Callable[..., SessionPool]) -> Iterator[SessionPool]:
    """A pool, and an empty table."""
    made = make_pool()
    with made.acquire() as connection, connection.cursor() as cursor:
        with contextlib.suppress(made.driver.dbapi.DatabaseError):
            cursor.execute("drop table rolled")
        cursor.execute("create table rolled (id number primary key)")
    yield made
    with made.acquire() as connection, connection.cursor() as cursor:
        cursor.execute("drop table rolled")


def _query(cursor: Any) -> None:
    cursor.execute("select * from rolled").fetchall()


def _query_of_with(cursor: Any) -> None:
    cursor.execute("/* of all */ (with r as (select * from rolled) select * from r)").fetchall()


def _nls(cursor: Any) -> None:
    cursor.execute("alter session set nls_date_format = 'YYYY-MM-DD'")


def _failed_query(cursor: Any) -> None:
    with contextlib.suppress(Exception):
        cursor.execute("select * from no_such_table")


def _committed(cursor: Any) -> None:
    cursor.execute(INSERT)
    cursor.connection.commit()
    cursor.execute("delete from rolled")
    cursor.connection.commit()


def _rolled_back(cursor: Any) -> None:
    cursor.execute(INSERT)
    cursor.connection.rollback()


@pytest.mark.parametrize(
    "work", [_query, _query_of_with, _nls, _failed_query, _committed, _rolled_back], ids=lambda each: each.__name__[1:]
)
def test_where_nothing_is_open_it_takes_no_round_trip(
    pool: SessionPool, sandbox: Sandbox, work: Callable[[Any], None]
) -> None:
    with pool.acquire() as connection, connection.cursor() as cursor:
        work(cursor)
        assert not connection.in_transaction
        before = sandbox.stats()

        connection.rollback()

        assert (sandbox.stats() - before).round_trips == NOTHING
    assert (sandbox.stats() - before).round_trips == NOTHING


def _insert(cursor: Any) -> None:
    cursor.execute(INSERT)


def _insert_many(cursor: Any) -> None:
    cursor.executemany("insert into rolled values (:1)", [[1], [2]])


def _prepared(cursor: Any) -> None:
    cursor.prepare("insert into rolled values (:1)")
    cursor.execute(None, [1])


def _block(cursor: Any) -> None:
    cursor.execute(f"begin {INSERT}; end;")


def _savepoint(cursor: Any) -> None:
    cursor.execute("savepoint before")
    cursor.execute(INSERT)
    cursor.execute("rollback to savepoint before")


def _failed_insert(cursor: Any) -> None:
    cursor.execute(INSERT)
    with contextlib.suppress(Exception):
        cursor.execute(INSERT)


def _query_after_insert(cursor: Any) -> None:
    cursor.execute(INSERT)
    cursor.execute("select * from rolled").fetchall()


def _insert_after_ddl(cursor: Any) -> None:
    cursor.execute("comment on table rolled is 'of this test'")
    cursor.execute(INSERT)


def _lock(cursor: Any) -> None:
    cursor.execute("lock table rolled in exclusive mode")


OPEN = [
    _insert,
    _insert_many,
    _prepared,
    _block,
    _savepoint,
    _failed_insert,
    _query_after_insert,
    _insert_after_ddl,
    _lock,
]


@pytest.mark.parametrize("closed", [False, True], ids=["rolled back", "closed"])
@pytest.mark.parametrize("work", OPEN, ids=lambda each: each.__name__[1:])
def test_what_is_open_is_rolled_back(
    pool: SessionPool, sandbox: Sandbox, connect: Callable[..., Any], work: Callable[[Any], None], closed: bool
) -> None:
    onlooker = connect()
    connection = pool.acquire()
    cursor = connection.cursor()
    work(cursor)
    assert connection.in_transaction
    before = sandbox.stats()

    if closed:
        connection.close()
    else:
        connection.rollback()
        assert not connection.in_transaction

    assert (sandbox.stats() - before).round_trips == ROLLBACK
    assert onlooker.cursor().execute("select count(*) from rolled").fetchone()[0] == 0
    onlooker.cursor().execute("lock table rolled in exclusive mode nowait")
    onlooker.rollback()
    connection.close()


@pytest.mark.parametrize("closed", [False, True], ids=["rolled back", "closed"])
def test_rows_that_a_query_locked_are_free_again(pool: SessionPool, connect: Callable[..., Any], closed: bool) -> None:
    with pool.transaction() as connection, connection.cursor() as cursor:
        cursor.execute(INSERT)
    connection = pool.acquire()
    connection.cursor().execute("select id from rolled for update").fetchall()
    assert connection.in_transaction

    if closed:
        connection.close()
    else:
        connection.rollback()

    onlooker = connect()
    assert onlooker.cursor().execute("select id from rolled for update nowait").fetchall() == [(1,)]
    onlooker.rollback()
    connection.close()


@pytest.mark.parametrize(
    "statement", ["set transaction read only", "begin null; end;", "select * from rolled@elsewhere", "savepoint one"]
)
def test_where_the_server_may_not_tell_it_is_rolled_back(pool: SessionPool, sandbox: Sandbox, statement: str) -> None:
    for give_back in ("rollback", "close"):
        with pool.acquire() as connection:
            with contextlib.suppress(pool.driver.dbapi.DatabaseError):  # there is no database link
                connection.cursor().execute(statement)
            assert connection.in_transaction
            before = sandbox.stats()

            getattr(connection, give_back)()

        assert (sandbox.stats() - before).round_trips == ROLLBACK


def test_what_a_procedure_did_is_rolled_back(pool: SessionPool, sandbox: Sandbox) -> None:
    with pool.acquire() as connection:
        connection.cursor().callproc("dbms_session.clear_identifier")
        before = sandbox.stats()

        connection.rollback()

    assert (sandbox.stats() - before).round_trips == ROLLBACK
