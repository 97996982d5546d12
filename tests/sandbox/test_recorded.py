"""The statements that the sandbox records."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import oracledb
import pytest

from orapool.sandbox import Sandbox

Connect = Callable[..., Any]


@pytest.fixture
def sandbox(sandbox: Sandbox) -> Iterator[Sandbox]:
    with sandbox.restored():
        sandbox.statements.clear()
        yield sandbox


def test_a_statement_with_all_that_is_known_of_it(sandbox: Sandbox, connect: Connect, driver: str) -> None:
    connection = connect()
    connection.module, connection.action = "shop", "checkout"
    cursor = connection.cursor()
    before = datetime.datetime.now()
    cursor.execute("select :1 as a, :2 as b from dual connect by level <= 250", [12.5, "é"])
    assert len(cursor.fetchall()) == 250

    (found,) = sandbox.statements
    assert found.sql == "select :1 as a, :2 as b from dual connect by level <= 250"
    assert found.binds == (12.5, "é")
    assert (found.user, found.module, found.action, found.rows) == ("SCOTT", "shop", "checkout", 250)
    assert (found.error, found.message, found.executions) == (None, None, 1)
    assert found.sid == sandbox.sessions()[0]["sid"]
    assert before - datetime.timedelta(seconds=1) < found.started <= datetime.datetime.now()
    assert 0 < found.seconds < 60


def test_array_dml_is_one_statement(sandbox: Sandbox, connect: Connect) -> None:
    cursor = connect().cursor()
    cursor.execute("create table numbers (n number, s varchar2(4000))")
    sandbox.statements.clear()
    cursor.executemany("insert into numbers values (:1, :2)", [(n, "x" * 3000) for n in range(100)])

    (found,) = sandbox.statements
    assert (found.executions, found.rows, len(found.bind_rows)) == (100, 100, 20)
    assert [row[0] for row in found.bind_rows] == list(range(20))
    assert found.bind_rows[0][1] == "x" * 1000


def test_statements_that_failed(sandbox: Sandbox, connect: Connect, dbapi: ModuleType) -> None:
    cursor = connect().cursor()
    for sql in ("select * from nowhere where id = :1", "selec 1 from dual where :1 = 1"):
        with pytest.raises(dbapi.DatabaseError):
            cursor.execute(sql, [1])

    assert [(each.sql[:5], each.error, each.rows) for each in sandbox.statements] == [
        ("selec", 942, 0),
        ("selec", 900, 0),
    ]
    assert sandbox.statements[0].message == "table or view does not exist"


def test_those_of_a_block_of_code(sandbox: Sandbox, connect: Connect) -> None:
    cursor = connect().cursor()
    cursor.execute("select 1 from dual")
    with sandbox.statements.during() as sent:
        for number in range(3):
            cursor.execute("select\n  :n\nfrom dual", n=number)
            cursor.fetchall()
    cursor.execute("select 2 from dual")

    assert [each.binds for each in sent.matching("^SELECT :n FROM")] == [(0,), (1,), (2,)]
    assert len(sent) == 3
    assert repr(sent).splitlines() == ["3 statements", *(f"select :n from dual [{n}]: 1 rows" for n in range(3))]
    assert len(sandbox.statements) == 5
    assert len(sandbox.statements.matching("select [12]")) == 2
    assert sandbox.statements.last(1)[0].sql == "select 2 from dual"
    sandbox.statements.clear()
    assert list(sandbox.statements) == []


def test_a_password_is_not_in_them(sandbox: Sandbox, connect: Connect, dbapi: ModuleType) -> None:
    cursor = connect().cursor()
    for sql in ('alter user nobody identified by "s3 cret"', "alter user nobody identified by s3cret replace s3cret"):
        with pytest.raises(dbapi.DatabaseError):
            cursor.execute(sql)

    texts = [each.sql for each in sandbox.statements]
    assert texts[0] == "alter user nobody identified by ***"
    assert "s3" not in repr(sandbox.statements)


def test_so_many_are_kept_and_no_more() -> None:
    with Sandbox(kept_statements=3) as sandbox:
        cursor = oracledb.connect(user="scott", password="tiger", dsn=sandbox.dsn).cursor()
        for number in range(5):
            cursor.execute(f"select {number} from dual")
        assert [each.sql for each in sandbox.statements] == [f"select {number} from dual" for number in (2, 3, 4)]
