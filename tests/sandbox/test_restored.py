"""Coming back to an earlier state of the sandbox's data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from orapool.sandbox import Sandbox, SandboxError

Connect = Callable[..., Any]
TABLES = "select table_name from user_tables where table_name like 'R$_%' escape '$' order by 1"


@pytest.fixture
def driver() -> str:
    """One will do: no driver takes part in it."""
    return "oracledb"


def tables(connect: Connect, **user: str) -> list[str]:
    return [name for (name,) in connect(**user).cursor().execute(TABLES)]


def test_all_that_was_done_is_gone(sandbox: Sandbox, connect: Connect, dbapi: ModuleType) -> None:
    with sandbox.restored():
        cursor = connect().cursor()
        cursor.execute("create table r_base (id number primary key, n varchar2(10))")
        cursor.execute("create sequence r_numbers")
        cursor.execute("insert into r_base values (r_numbers.nextval, 'a')")
        cursor.connection.commit()
        cursor.execute("create global temporary table r_own (x number)")
        for _ in range(2):
            with sandbox.restored():
                cursor = connect().cursor()
                assert cursor.execute("select id, n from r_base").fetchall() == [(1, "a")]
                assert cursor.execute("select r_numbers.nextval from dual").fetchone() == (2,)
                cursor.execute("insert into r_own values (1)")
                cursor.execute("delete from r_base")
                cursor.execute("create view r_view as select * from r_base")
                cursor.execute("drop table r_base cascade constraints")
                connect(user="sh", password="sales").cursor().execute("create table r_others (x number)")
                assert tables(connect) == ["R_OWN"]
        assert tables(connect) == ["R_BASE", "R_OWN"]
        assert tables(connect, user="sh", password="sales") == []
    assert tables(connect) == []


def test_what_is_made_between_two_blocks_stays(sandbox: Sandbox, connect: Connect) -> None:
    with sandbox.restored():
        with sandbox.restored():
            connect().cursor().execute("create table r_first (x number)")
        connect().cursor().execute("create table r_second (x number)")
        with sandbox.restored():
            connect().cursor().execute("create table r_third (x number)")
        with sandbox.restored():  # nobody logs on: the next one takes what was copied for it
            pass
        with sandbox.restored():
            assert tables(connect) == ["R_SECOND"]


def test_results_that_were_kept_are_not_those_of_another_state(sandbox: Sandbox, connect: Connect) -> None:
    sql = "select n from r_many order by n"
    with sandbox.restored():
        cursor = connect().cursor()
        cursor.execute("create table r_many as select level as n from dual connect by level <= 1000")
        assert len(cursor.execute(sql).fetchall()) == len(cursor.execute(sql).fetchall()) == 1000
        with sandbox.restored():
            cursor = connect().cursor()
            cursor.execute("delete from r_many where n > 500")
            cursor.connection.commit()
            assert len(cursor.execute(sql).fetchall()) == len(cursor.execute(sql).fetchall()) == 500
        assert len(connect().cursor().execute(sql).fetchall()) == 1000


def test_sessions_faults_functions_and_statements_go_too(sandbox: Sandbox, connect: Connect, dbapi: ModuleType) -> None:
    sandbox.register("r.stays", lambda: 1)
    sandbox.grant_proxy("sh", "scott")
    with sandbox.restored():
        left = connect()
        left.cursor().execute("select 1 from dual")
        sandbox.register("r.goes", lambda: 2)
        sandbox.lock("scott")
        sandbox.stop()

    with pytest.raises(dbapi.DatabaseError):
        left.ping()
    assert len(sandbox.statements) == 0
    cursor = connect().cursor()
    assert cursor.callfunc("r.stays", int) == 1
    assert connect(user="scott[sh]").cursor().execute("select user from dual").fetchone() == ("SH",)
    with pytest.raises(dbapi.DatabaseError, match="ORA-03001"):
        cursor.callfunc("r.goes", int)
    sandbox.unregister()


def test_an_error_in_the_block_passes(sandbox: Sandbox, connect: Connect) -> None:
    def fail() -> None:
        with sandbox.restored():
            connect().cursor().execute("create table r_gone (x number)")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert tables(connect) == []


def test_a_sandbox_in_a_folder(tmp_path: Path, dbapi: ModuleType) -> None:
    def names(sandbox: Sandbox) -> list[str]:
        return tables(lambda: dbapi.connect(user="scott", password="tiger", dsn=sandbox.dsn))

    with Sandbox(path=tmp_path) as sandbox:
        dbapi.connect(user="scott", password="tiger", dsn=sandbox.dsn).cursor().execute("create table r_one (x number)")
        with sandbox.restored():
            connection = dbapi.connect(user="scott", password="tiger", dsn=sandbox.dsn)
            connection.cursor().execute("create table r_two (x number)")
            assert names(sandbox) == ["R_ONE", "R_TWO"]
        block = sandbox.restored()
        block.__enter__()
        dbapi.connect(user="scott", password="tiger", dsn=sandbox.dsn).cursor().execute("drop table r_one")
        sandbox.close()  # as when the run was killed
        with pytest.raises(SandboxError, match="not started"):
            block.__exit__(None, None, None)
    with Sandbox(path=tmp_path) as sandbox:
        assert names(sandbox) == ["R_ONE"]
