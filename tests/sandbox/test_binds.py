"""Binds that come back: OUT and IN OUT of blocks, and the ROWID of an INSERT."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from orapool.sandbox import Sandbox

Connect = Callable[..., Any]


@pytest.fixture
def cursor(connect: Connect) -> Any:
    return connect().cursor()


@pytest.fixture
def table(connect: Connect, sandbox: Sandbox) -> Iterator[str]:
    """A table of one column, with a view on it."""
    cursor = connect().cursor()
    cursor.execute("create table numbered (n number)")
    cursor.execute("create view numbered_view as select n from numbered")
    yield "numbered"
    sandbox.end_sessions()  # a transaction that the test left open would be in the way
    cursor = connect().cursor()
    cursor.execute("drop view numbered_view")
    cursor.execute("drop table numbered")


def test_a_bind_that_is_read_and_assigned_goes_both_ways_each_time(cursor: Any) -> None:
    number = cursor.var(int)
    found = []
    for given in (20, 30, 40):
        number.setvalue(0, given)
        cursor.execute("begin :n := :n + 1; end;", {"n": number})
        found.append(number.getvalue())
    assert found == [21, 31, 41]


def test_a_bind_that_is_only_assigned_does_not_keep_its_value(cursor: Any) -> None:
    number, other = cursor.var(int), cursor.var(int)
    for given in (1, 2):
        cursor.execute("begin :a := :given * 10; :b := :given; end;", {"a": number, "b": other, "given": given})
        assert (number.getvalue(), other.getvalue()) == (given * 10, given)


def test_a_block_has_strings_of_up_to_32767_bytes(cursor: Any) -> None:
    out = cursor.var(str, 32767)
    cursor.execute("begin :o := :i; end;", {"o": out, "i": "é" * 16383})
    assert out.getvalue() == "é" * 16383


# Oracle Client does not take the ROWID out of the sandbox's answer.
@pytest.mark.parametrize("driver", ["oracledb"])
def test_an_insert_of_one_row_tells_of_its_rowid(cursor: Any, table: str) -> None:
    told = []
    for number in (1, 2):
        cursor.execute(f"insert into {table} values (:1)", [number])
        told.append(cursor.lastrowid)
    cursor.execute(f"insert into {table} values (3)")
    told.append(cursor.lastrowid)
    assert [cursor.execute(f"select n from {table} where rowid = :1", [each]).fetchone()[0] for each in told] == [
        1,
        2,
        3,
    ]


def test_an_insert_through_a_view_tells_of_no_rowid(cursor: Any, table: str) -> None:
    cursor.execute(f"insert into {table}_view values (:1)", [1])
    assert cursor.lastrowid is None
    assert cursor.rowcount == 1
    cursor.connection.commit()
    assert cursor.execute(f"select n from {table}").fetchall() == [(1,)]
