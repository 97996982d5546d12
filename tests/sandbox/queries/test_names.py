"""Synonyms, users, and what GRANT asks for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from orapool.sandbox import Sandbox
from tests.sandbox.queries.conftest import Rows


@pytest.fixture
def tidy(rows: Rows, dbapi: ModuleType) -> Iterator[None]:
    yield
    for what in ("synonym e", "synonym sqs", "synonym bad", "public synonym pe", "sequence sq", "user kim cascade"):
        with contextlib.suppress(dbapi.DatabaseError):
            rows(f"drop {what}")


def error(rows: Rows, dbapi: ModuleType, sql: str) -> str:
    with pytest.raises(dbapi.DatabaseError) as caught:
        rows(sql)
    return str(caught.value)[:9]


@pytest.mark.usefixtures("tidy")
def test_a_synonym_is_its_table(rows: Rows, dbapi: ModuleType) -> None:
    rows("create synonym e for emp")
    assert rows("select e.ename from e where e.empno = 7839") == [("KING",)]
    rows("insert into e (empno, ename) values (1, 'X')")
    rows("update e set ename = 'Y' where e.empno = 1")
    assert rows("select ename from emp where empno = 1") == [("Y",)]
    rows("merge into e using dual on (e.empno = 1) when matched then update set ename = 'Z'")
    rows("delete from e where ename = 'Z'")
    assert rows("select count(*) from e") == [(7,)]
    assert error(rows, dbapi, "create synonym e for dept") == "ORA-00955"
    rows("create or replace synonym e for dept")
    # The statement is in the driver's cache, and its cursor open on the server.
    assert rows("select count(*) from e") == [(4,)]
    rows("drop synonym e")
    assert error(rows, dbapi, "select count(*) from e") == "ORA-00942"
    assert error(rows, dbapi, "drop synonym e") == "ORA-01434"


@pytest.mark.usefixtures("tidy")
def test_public_synonyms_and_others(rows: Rows, dbapi: ModuleType, server: Sandbox) -> None:
    rows("create public synonym pe for scott.emp")
    rows("create sequence sq")
    rows("create synonym sqs for sq")
    rows("create synonym bad for nothing")
    assert rows("select sqs.nextval from dual") == [(1,)]
    assert error(rows, dbapi, "select * from bad") == "ORA-00980"
    told = "select owner, synonym_name, table_owner, table_name from all_synonyms order by 1, 2"
    assert rows(told) == [
        ("PUBLIC", "PE", "SCOTT", "EMP"),
        ("SCOTT", "BAD", "SCOTT", "NOTHING"),
        ("SCOTT", "SQS", "SCOTT", "SQ"),
    ]
    assert rows("select object_name from user_objects where object_type = 'SYNONYM' order by 1") == [("BAD",), ("SQS",)]
    with dbapi.connect(user="sh", password="sales", dsn=server.dsn) as other:
        cursor = other.cursor()
        assert cursor.execute("select count(*) from pe").fetchall() == [(7,)]
        # Their own table hides it.
        cursor.execute("create table pe (x number)")
        assert cursor.execute("select count(*) from pe").fetchall() == [(0,)]
        cursor.execute("drop table pe")
        assert cursor.execute("select count(*) from pe").fetchall() == [(7,)]


@pytest.mark.usefixtures("tidy")
def test_a_user_of_sql_logs_on(rows: Rows, dbapi: ModuleType, server: Sandbox) -> None:
    def log_on(password: str) -> Any:
        return dbapi.connect(user="kim", password=password, dsn=server.dsn)

    rows('create user kim identified by "Secret 1" default tablespace users quota 10m on users')
    assert error(rows, dbapi, "create user kim identified by other") == "ORA-01920"
    with log_on("Secret 1") as kim:
        kim.cursor().execute("create table own (x number)")
        assert error(rows, dbapi, "drop user kim cascade") == "ORA-01940"
    rows("alter user kim identified by another")
    with pytest.raises(dbapi.DatabaseError, match="ORA-01017"):
        log_on("Secret 1")
    log_on("another").close()
    rows("alter user kim account lock")
    with pytest.raises(dbapi.DatabaseError, match="ORA-28000"):
        log_on("another")
    rows("alter user kim account unlock")
    rows("grant select on emp to kim, sh with grant option")
    rows("grant connect, create table to kim")
    rows("revoke all on emp from kim")
    assert error(rows, dbapi, "grant select on nothing to kim") == "ORA-00942"
    assert error(rows, dbapi, "grant connect to nobody") == "ORA-01917"
    assert error(rows, dbapi, "drop user kim") == "ORA-01922"
    rows("drop user kim cascade")
    assert error(rows, dbapi, "alter user kim account lock") == "ORA-01918"
