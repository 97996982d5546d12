"""What the sandbox's V$SESSION and V$SQL tell of what sessions do, and limits for users."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from orapool.sandbox import Sandbox
from tests.waiting import until

OTHERS = """select s.status, q.sql_text, p.sql_text, s.last_call_et, s.port, s.machine, s.program, s.process
  from v$session s
  left join v$sql q on q.sql_id = s.sql_id and q.child_number = s.sql_child_number
  left join v$sql p on p.sql_id = s.prev_sql_id and p.child_number = s.prev_child_number
 where s.sid <> sys_context('userenv', 'sid')"""


def test_an_idle_session_has_a_previous_statement_only(connect: Callable[..., Any], sandbox: Sandbox) -> None:
    connect().cursor().execute("select 42 from dual").fetchall()
    cursor = connect().cursor()

    until(lambda: cursor.execute(OTHERS).fetchone()[0] == "INACTIVE")
    status, current, previous, idle, port, machine, program, process = cursor.execute(OTHERS).fetchone()

    assert (status, current, previous) == ("INACTIVE", None, "select 42 from dual")
    assert 0 <= idle < 60
    began = (
        "select count(*) from v$session where prev_exec_start between logon_time and sysdate and sql_exec_start is null"
    )
    assert cursor.execute(f"{began} and status = 'INACTIVE'").fetchone()[0] >= 1
    assert port in [each["port"] for each in sandbox.sessions()]
    assert all((machine, program, process))


def test_a_busy_session_has_a_current_statement(connect: Callable[..., Any]) -> None:
    holder, busy, cursor = connect(), connect(), connect().cursor()
    holder.cursor().execute("create table activity (id number)")
    busy.cursor().execute("select 1 from dual").fetchall()
    holder.cursor().execute("lock table activity in exclusive mode")
    waiting = "insert into activity values (1)"
    thread = threading.Thread(target=lambda: busy.cursor().execute(waiting))
    thread.start()

    until(lambda: any(row[:3] == ("ACTIVE", waiting, "select 1 from dual") for row in cursor.execute(OTHERS)))

    holder.rollback()
    thread.join(60)
    busy.rollback()
    holder.cursor().execute("drop table activity")


def test_the_sql_id_is_oracles(connect: Callable[..., Any]) -> None:
    cursor = connect().cursor()

    cursor.execute("select 'x' from dual").fetchall()
    (sql_id,) = cursor.execute("select prev_sql_id from v$session where sid = sys_context('userenv', 'sid')").fetchone()

    # As dbms_sqltune_util0.sqltext_to_sqlid computes it.
    assert len(sql_id) == 13
    assert set(sql_id) <= set("0123456789abcdfghjkmnpqrstuvwxyz")


@pytest.mark.parametrize("how", ["fin", "rst", "error"])
def test_an_idle_session_of_a_user_is_ended(
    connect: Callable[..., Any], sandbox: Sandbox, dbapi: ModuleType, how: str
) -> None:
    limited, other = connect(), connect(user="sh", password="sales")
    sandbox.limit_idle("scott", 0.2, how)
    if how == "error":
        until(lambda: limited_out(sandbox))
    else:
        until(lambda: len(sandbox.sessions()) == 1)

    with pytest.raises((dbapi.Error, OSError)) as raised:
        limited.ping()

    assert how != "error" or "ORA-02396" in str(raised.value) or "ORA-2396" in str(raised.value)
    other.ping()


def limited_out(sandbox: Sandbox) -> bool:
    """Nothing tells of a limit that waits for the next call, but time."""
    threading.Event().wait(0.4)
    return True


def test_a_profiles_idle_time_is_seen_in_minutes(connect: Callable[..., Any], sandbox: Sandbox) -> None:
    query = "select limit from user_resource_limits where resource_name = 'IDLE_TIME'"
    cursor = connect().cursor()
    assert cursor.execute(query).fetchone() == ("UNLIMITED",)

    sandbox.limit_idle("scott", 90)

    assert cursor.execute(query).fetchone() == ("2",)


def test_a_view_is_revoked(connect: Callable[..., Any], sandbox: Sandbox, dbapi: ModuleType) -> None:
    sandbox.revoke("scott", "v$session")

    for view in ("v$session", "v_$session", "gv$session"):
        with pytest.raises(dbapi.DatabaseError, match="ORA-00942"):
            connect().cursor().execute(f"select sid from {view}")
    assert connect(user="sh", password="sales").cursor().execute("select sid from v$session").fetchall()


@pytest.mark.parametrize("code", [1033, 1034])
def test_a_database_that_is_not_open_lets_nobody_log_on(
    connect: Callable[..., Any], sandbox: Sandbox, dbapi: ModuleType, code: int
) -> None:
    sandbox.deny_log_ons(code)
    with pytest.raises(dbapi.DatabaseError, match=f"ORA-0{code}"):
        connect()

    sandbox.heal()

    connect().ping()
