"""Sessions from their log-ons to their ends, and errors."""

from __future__ import annotations

import threading

import oracledb
from client import TASK, VERSION, ask, check, connect, fails, rows, run, same, table, value


# ---------------------------------------------------------------- log-ons
@check
def connect_(c):
    same(value(c, "select 'x' from dual"), "x")
    assert c.thin


@check
def connect_with_sid(_):
    address = f"(ADDRESS=(PROTOCOL=TCP)(HOST={TASK['host']})(PORT={TASK['port']}))"
    with connect(dsn=f"(DESCRIPTION={address}(CONNECT_DATA=(SID={TASK['service']})))") as c:
        same(value(c, "select 1 from dual"), 1)


@check
def connect_with_descriptor(_):
    address = f"(ADDRESS=(PROTOCOL=TCP)(HOST={TASK['host']})(PORT={TASK['port']}))"
    with connect(dsn=f"(DESCRIPTION=(RETRY_COUNT=1){address}(CONNECT_DATA=(SERVICE_NAME={TASK['service']})))") as c:
        same(value(c, "select 1 from dual"), 1)


@check
def wrong_password(_):
    with fails("ORA-01017"):
        connect(password="wrong")


@check
def unknown_service(_):
    with fails("DPY-6001|ORA-12514"):
        connect(dsn=f"{TASK['host']}:{TASK['port']}/nosuch")


@check
def no_listener(_):
    with fails("DPY-6005"):
        connect(dsn=f"{TASK['host']}:1/{TASK['service']}")


@check
def server_version(c):
    assert c.version.startswith("19."), c.version
    same(value(c, "select count(*) from v$version"), 1)


@check
def session_attributes(c):
    c.module, c.action, c.client_identifier, c.clientinfo = "checks", "attributes", "me", "python"
    sql = "select module, action, client_identifier, client_info from v$session where client_identifier = 'me'"
    same(rows(c, sql), [("checks", "attributes", "me", "python")])
    same(value(c, "select sys_context('userenv', 'session_user') from dual"), TASK["user"].upper())


# ---------------------------------------------------------------- errors
@check
def error_code(c):
    for sql, code in (
        ("select * from nosuch", 942),
        ("select nosuch from dual", 904),
        ("select 1 / 0 from dual", 1476),
    ):
        with fails(f"ORA-{code:05}"):
            rows(c, sql)


@check
def error_position(c):
    try:
        rows(c, "select nosuch from dual")
    except oracledb.Error as error:
        same(error.args[0].offset, 7)
    else:
        raise AssertionError("no error")


@check
def error_then_goes_on(c):
    name = table(c, "v number")
    run(c, f"insert into {name} values (1)")
    with fails("ORA-01722"):
        run(c, f"insert into {name} values ('x')")
    run(c, f"insert into {name} values (2)")
    c.commit()
    same(value(c, f"select count(*) from {name}"), 2)


@check
def unique_violation(c):
    name = table(c, "v number constraint only_once primary key")
    run(c, f"insert into {name} values (1)")
    with fails("ORA-00001: .*ONLY_ONCE"):
        run(c, f"insert into {name} values (1)")


@check
def value_too_large(c):
    name = table(c, "v varchar2(3), n number(3)")
    with fails("ORA-12899"):
        run(c, f"insert into {name} values ('four', 1)")
    with fails("ORA-01438"):
        run(c, f"insert into {name} values ('x', 1000)")


# ---------------------------------------------------------------- calls and sessions
@check
def ping(c):
    c.ping()
    assert c.is_healthy()


@check
def call_timeout(c):
    c.call_timeout = 300
    ask("delay", 3)
    with fails("DPY-4024|DPI-1067"):
        rows(c, "select 1 from dual")
    ask("delay", 0)
    c.call_timeout = 0
    same(value(c, "select 2 from dual"), 2)


@check
def break_(c):
    ask("delay", 10)
    timer = threading.Timer(0.2, c.cancel)
    timer.start()
    with fails("ORA-01013"):
        rows(c, "select 1 from dual")
    timer.join()
    ask("delay", 0)
    same(value(c, "select 2 from dual"), 2)


@check
def session_ended(c):
    ask("end_sessions", "rst")
    with fails("DPY-4011|DPY-1001"):
        rows(c, "select 1 from dual")
    assert not c.is_healthy() or VERSION < (3, 0)  # which does not notice


@check
def session_killed(c):
    ask("fail_next", 28)
    with fails("ORA-00028|DPY-4011"):
        rows(c, "select 1 from dual")
    with connect() as other:
        same(value(other, "select 1 from dual"), 1)


@check
def scrollable_cursor(c):
    with c.cursor(scrollable=True) as cursor:
        cursor.execute("select level from dual connect by level <= 50")
        cursor.scroll(mode="last")
        same(cursor.fetchone(), (50,))
        cursor.scroll(10, mode="absolute")
        same(cursor.fetchone(), (10,))


@check
def two_phase_commit(c):
    name = table(c, "v number")
    xid = c.xid(1, "global", "branch")
    c.tpc_begin(xid)
    run(c, f"insert into {name} values (1)")
    c.tpc_end()
    assert c.tpc_prepare(xid)
    c.tpc_commit(xid)
    same(value(c, f"select v from {name}"), 1)
