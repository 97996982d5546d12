"""What clients ask for beside queries and DML: blocks, passwords, attributes of the session, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from orapool.sandbox import Sandbox

Connect = Callable[..., Any]
OWN_SESSION = "from v$session where sid = sys_context('userenv', 'sid')"


@pytest.fixture
def cursor(connect: Connect) -> Any:
    return connect().cursor()


# ---------------------------------------------------------------- blocks
def test_a_block_selects_and_returns_into_binds(cursor: Any, dbapi: ModuleType) -> None:
    cursor.execute("create table blocks (id number, name varchar2(10))")
    try:
        number, name = cursor.var(int), cursor.var(str)
        cursor.execute(
            "begin insert into blocks values (:i, 'a') returning id + 1, name into :number, :name; "
            "insert into blocks values (:i + 1, 'b'); end;",
            i=5, number=number, name=name,
        )  # fmt: skip
        assert (number.getvalue(), name.getvalue()) == (6, "a")
        cursor.execute(
            "begin select max(id), max(name) || :x into :number, :name from blocks; end;",
            x="!", number=number, name=name,
        )  # fmt: skip
        assert (number.getvalue(), name.getvalue()) == (6, "b!")
        for where, error in (("id = 0", "ORA-01403"), ("id > 0", "ORA-01422")):
            with pytest.raises(dbapi.DatabaseError, match=error):
                cursor.execute(f"begin select id into :n from blocks where {where}; end;", n=number)
        with pytest.raises(dbapi.DatabaseError, match="PLS-00428"):
            cursor.execute("begin select id from blocks; end;")
    finally:
        cursor.execute("drop table blocks")


def test_a_block_raises_an_error_of_the_application(cursor: Any, dbapi: ModuleType) -> None:
    with pytest.raises(dbapi.DatabaseError, match="ORA-20007: no apples") as raised:
        cursor.execute("begin raise_application_error(-20007, 'no ' || :what); end;", what="apples")
    assert raised.value.args[0].code == 20007
    with pytest.raises(dbapi.DatabaseError, match="ORA-21000"):
        cursor.execute("begin raise_application_error(-1, 'x'); end;")


def test_returning_of_several_rows(cursor: Any) -> None:
    cursor.execute("create table returned (id number, n number)")
    try:
        cursor.executemany("insert into returned values (:1, 0)", [(number,) for number in range(5)])
        ids = cursor.var(int, arraysize=3)
        cursor.setinputsizes(None, ids)
        cursor.executemany("update returned set n = 1 where id < :1 returning id into :2", [(2,), (0,), (3,)])
        assert [sorted(each) for each in ids.values] == [[0, 1], [], [0, 1, 2]]
    finally:
        cursor.execute("drop table returned")


# ---------------------------------------------------------------- passwords
def test_a_password_is_changed_at_log_on(sandbox: Sandbox, connect: Connect, dbapi: ModuleType) -> None:
    assert connect(newpassword="lion").cursor().execute("select user from dual").fetchone() == ("SCOTT",)
    with pytest.raises(dbapi.DatabaseError, match="ORA-01017"):
        connect()
    sandbox.expire_password("scott")
    with pytest.raises(dbapi.DatabaseError, match="ORA-28001"):
        connect(password="lion")
    connect(password="lion", newpassword="tiger")
    connect()
    with pytest.raises(dbapi.DatabaseError, match="ORA-01017"):
        connect(password="wrong", newpassword="lion")
    sandbox.lock("scott")
    with pytest.raises(dbapi.DatabaseError, match="ORA-28000"):
        connect(newpassword="lion")


def test_a_password_is_changed_in_a_session(connect: Connect, dbapi: ModuleType) -> None:
    connection = connect()
    with pytest.raises(dbapi.DatabaseError, match="ORA-28008: invalid old password"):
        connection.changepassword("wrong", "panther")
    connection.changepassword("tiger", "panther")
    connection.changepassword("panther", "cheetah")

    connect(password="cheetah")
    with pytest.raises(dbapi.DatabaseError, match="ORA-01017"):
        connect()


# ---------------------------------------------------------------- attributes
def test_who_a_session_is_is_seen_in_v_session(sandbox: Sandbox, connect: Connect) -> None:
    sandbox.grant_proxy("sh", "scott")
    connection = connect(user="scott[sh]")
    connection.module, connection.action, connection.clientinfo = "shop", "checkout", "till 3"
    connection.client_identifier = "kim"
    columns = "username, schemaname, module, action, client_info, client_identifier, server"
    row = connection.cursor().execute(f"select {columns} {OWN_SESSION}").fetchone()
    assert row == ("SH", "SH", "shop", "checkout", "till 3", "kim", "DEDICATED")
    query = "select user, sys_context('userenv', 'proxy_user'), sys_context('userenv', 'session_user') from dual"
    assert connection.cursor().execute(query).fetchone() == ("SH", "SCOTT", "SH")


def test_the_current_schema(connect: Connect, dbapi: ModuleType) -> None:
    connection = connect()
    connection.current_schema = "SH"
    found = connection.cursor().execute("select sys_context('userenv', 'current_schema') from dual").fetchone()
    assert (found, connection.current_schema) == (("SH",), "SH")
    connection.current_schema = "NOBODY"
    with pytest.raises(dbapi.DatabaseError, match="ORA-01435"):
        connection.cursor().execute("select 1 from dual")


def test_formats_of_the_session(cursor: Any) -> None:
    cursor.execute("alter session set nls_date_format = 'YYYY/MM/DD' nls_timestamp_format = 'HH24.MI'")
    cursor.execute("select to_char(date '2024-01-02'), to_char(timestamp '2024-01-02 03:04:05') from dual")
    assert cursor.fetchone() == ("2024/01/02", "03.04")


# ---------------------------------------------------------------- refused
def test_two_phase_commit_is_refused(connect: Connect, driver: str, dbapi: ModuleType) -> None:
    connection = connect()

    def begin() -> None:
        if driver == "cx_oracle":
            connection.begin(1, b"global", b"branch")
        else:
            connection.tpc_begin(connection.xid(1, "global", "branch"))

    with pytest.raises(dbapi.DatabaseError, match="ORA-03001: .*two-phase commit"):
        begin()
    assert connection.cursor().execute("select 1 from dual").fetchone() == (1,)


def test_scrollable_cursors_are_refused(connect: Connect, dbapi: ModuleType) -> None:
    with pytest.raises(dbapi.DatabaseError, match="ORA-03001: .*scrollable cursors"):
        connect().cursor(scrollable=True).execute("select 1 from dual")


@pytest.mark.parametrize(
    "block",
    [
        "declare n number; begin n := 1; end;",
        "begin if 1 = 1 then null; end if; end;",
        "begin execute immediate 'x'; end;",
    ],
)
def test_blocks_beyond_are_refused(cursor: Any, dbapi: ModuleType, block: str) -> None:
    with pytest.raises(dbapi.DatabaseError, match="ORA-03001: unimplemented feature: PL/SQL"):
        cursor.execute(block)
