"""Unmodified drivers against the sandbox: log-in, statements, binds, LOBs, time-outs."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from orapool.sandbox import Sandbox
from tests.waiting import until

Connect = Callable[..., Any]


@pytest.fixture
def cursor(connect: Connect) -> Any:
    return connect().cursor()


@pytest.fixture
def table(connect: Connect, sandbox: Sandbox) -> Any:
    """A table of this test alone, with a column of each type."""
    cursor = connect().cursor()
    cursor.execute(
        "create table wire_types (id number(9) primary key, amount number(12,2), free number, name varchar2(40),"
        " day date, moment timestamp(6), ratio binary_double, note clob, picture blob, code raw(16))"
    )
    yield "wire_types"
    sandbox.heal()
    sandbox.end_sessions()  # a transaction that the test left open would be in the way
    connect().cursor().execute("drop table wire_types")


def test_the_server_says_its_version(connect: Connect) -> None:
    assert connect().version.startswith("19.3")


@pytest.mark.parametrize(("user", "password"), [("scott", "wrong"), ("nobody", "tiger"), ("scott", "TIGER")])
def test_a_wrong_user_or_password_is_ora_01017(connect: Connect, dbapi: ModuleType, user: str, password: str) -> None:
    with pytest.raises(dbapi.DatabaseError, match="ORA-01017"):
        connect(user=user, password=password)


def test_an_unknown_service_is_ora_12514(connect: Connect, dbapi: ModuleType, sandbox: Sandbox) -> None:
    # python-oracledb puts its own words and number for ORA-12514 into the error: DPY-6001.
    with pytest.raises(dbapi.DatabaseError, match="ORA-12514|DPY-6001"):
        connect(dsn=f"127.0.0.1:{sandbox.port}/elsewhere")


def test_an_unknown_sid_is_ora_12505(connect: Connect, dbapi: ModuleType, sandbox: Sandbox) -> None:
    with pytest.raises(dbapi.DatabaseError, match="ORA-12505|DPY-6003"):
        connect(dsn=dbapi.makedsn("127.0.0.1", sandbox.port, sid="elsewhere"))


def test_every_type_reads_back(connect: Connect, dbapi: ModuleType, table: str) -> None:
    connection = connect()
    cursor = connection.cursor()
    values = {
        "id": 1,
        "amount": -12.25,
        "free": 12345678901234567890,
        "name": "Zoë 🙂",
        "day": datetime.datetime(2024, 2, 29, 23, 59, 59),
        "moment": datetime.datetime(2024, 2, 29, 23, 59, 59, 123456),
        "ratio": 0.1,
        "note": "long " * 10,
        "picture": bytes(range(256)),
        "code": b"\0\xff",
    }
    cursor.setinputsizes(moment=dbapi.DB_TYPE_TIMESTAMP, ratio=dbapi.DB_TYPE_BINARY_DOUBLE)
    names = ", ".join(values)
    cursor.execute(f"insert into {table} ({names}) values ({', '.join(':' + name for name in values)})", values)
    cursor.execute(f"select {names} from {table}")
    row = [value.read() if hasattr(value, "read") else value for value in cursor.fetchone()]
    assert row == list(values.values())
    kinds = [column[1] for column in cursor.description]
    assert kinds == [
        dbapi.DB_TYPE_NUMBER,
        dbapi.DB_TYPE_NUMBER,
        dbapi.DB_TYPE_NUMBER,
        dbapi.DB_TYPE_VARCHAR,
        dbapi.DB_TYPE_DATE,
        dbapi.DB_TYPE_TIMESTAMP,
        dbapi.DB_TYPE_BINARY_DOUBLE,
        dbapi.DB_TYPE_CLOB,
        dbapi.DB_TYPE_BLOB,
        dbapi.DB_TYPE_RAW,
    ]
    assert cursor.description[1][4:6] == (12, 2)
    assert cursor.description[3][2:4] == (40, 40)
    assert [column[6] for column in cursor.description[:2]] == [False, True]


def test_null_of_every_type_reads_back(connect: Connect, table: str) -> None:
    cursor = connect().cursor()
    cursor.execute(f"insert into {table} (id) values (1)")
    cursor.execute(f"select * from {table}")
    assert cursor.fetchall() == [(1,) + (None,) * 9]


@pytest.mark.parametrize("size", [4_000, 40_000, 300_000])
def test_large_lobs_read_back(connect: Connect, table: str, size: int, dbapi: ModuleType) -> None:
    cursor = connect().cursor()
    text = "Zoë und die 🙂 " * (size // 12)
    cursor.setinputsizes(note=dbapi.DB_TYPE_CLOB, picture=dbapi.DB_TYPE_BLOB)
    cursor.execute(
        f"insert into {table} (id, note, picture) values (1, :note, :picture)", note=text, picture=text.encode()
    )
    cursor.execute(f"select note, picture from {table}")
    note, picture = cursor.fetchone()
    assert note.read() == text
    assert picture.read() == text.encode()
    assert picture.size() == len(text.encode())


def test_lobs_come_with_the_rows_where_the_client_wants_strings(
    connect: Connect, table: str, dbapi: ModuleType, sandbox: Sandbox
) -> None:
    connection = connect()

    def as_strings(cursor: Any, *described: Any) -> Any:
        kind = described[1] if len(described) > 1 else described[0].type_code
        if kind == dbapi.DB_TYPE_CLOB:
            return cursor.var(dbapi.DB_TYPE_LONG, arraysize=cursor.arraysize)
        return None

    cursor = connection.cursor()
    cursor.executemany(f"insert into {table} (id, note) values (:1, :2)", [(n, f"note {n}" * 100) for n in range(50)])
    connection.outputtypehandler = as_strings
    cursor = connection.cursor()
    before = sandbox.stats()
    cursor.execute(f"select note from {table} order by id")
    assert cursor.fetchall() == [(f"note {n}" * 100,) for n in range(50)]
    assert "lob" not in (sandbox.stats() - before).round_trips


def test_rows_come_in_batches_and_are_counted(connect: Connect, sandbox: Sandbox, driver: str) -> None:
    cursor = connect().cursor()
    cursor.arraysize = 100
    cursor.prefetchrows = 2
    before = sandbox.stats()
    cursor.execute("select level n from dual connect by level <= 1000")
    assert [row[0] for row in cursor] == list(range(1, 1001))
    # Two rows with the execute, then 100 a fetch; Oracle Client asks once more.
    fetches = 11 if driver == "cx_oracle" else 10
    assert (sandbox.stats() - before).round_trips == {"execute": 1, "fetch": fetches}


def test_array_dml_is_one_round_trip(connect: Connect, table: str, sandbox: Sandbox) -> None:
    cursor = connect().cursor()
    before = sandbox.stats()
    cursor.executemany(f"insert into {table} (id, name) values (:1, :2)", [(n, f"name {n}") for n in range(5_000)])
    assert cursor.rowcount == 5_000
    assert (sandbox.stats() - before).round_trips == {"execute": 1}


def test_batch_errors_and_row_counts(connect: Connect, table: str) -> None:
    cursor = connect().cursor()
    rows = [(1, "a"), (2, "b"), (1, "again"), (3, "c")]
    cursor.executemany(
        f"insert into {table} (id, name) values (:1, :2)", rows, batcherrors=True, arraydmlrowcounts=True
    )
    assert [(error.offset, error.code) for error in cursor.getbatcherrors()] == [(2, 1)]
    assert cursor.getarraydmlrowcounts() == [1, 1, 0, 1]


def test_many_batch_errors(connect: Connect, table: str) -> None:
    cursor = connect().cursor()
    rows = [(n // 2,) for n in range(1_000)]
    cursor.executemany(f"insert into {table} (id) values (:1)", rows, batcherrors=True)
    assert [error.offset for error in cursor.getbatcherrors()] == list(range(1, 1_000, 2))


def test_generated_values_come_back(connect: Connect, table: str) -> None:
    cursor = connect().cursor()
    returned = cursor.var(str)
    for number in (1, 2):  # parsed, then executed again
        cursor.execute(
            f"insert into {table} (id, name) values (:id, 'n' || :id2) returning upper(name) into :name",
            id=number,
            id2=number,
            name=returned,
        )
        assert returned.getvalue() == [f"N{number}"]
    cursor.execute(f"update {table} set amount = 1 returning name into :name", name=returned)
    assert sorted(returned.getvalue()) == ["n1", "n2"]


def test_a_plsql_block_gives_values_back(cursor: Any) -> None:
    out = cursor.var(int)
    for _ in range(2):
        cursor.execute("begin :out := 6 * 7; end;", out=out)
        assert out.getvalue() == 42


def test_binds_keep_their_values_over_executions(cursor: Any) -> None:
    for value in (1, 2.5, None, -3):
        cursor.execute("select :value + 1 from dual", value=value)
        assert cursor.fetchone()[0] == (None if value is None else value + 1)


def test_a_bind_that_is_named_again_has_its_value_again(cursor: Any, dbapi: ModuleType) -> None:
    for value in (1, 2):  # Oracle Client sends it once
        sql = "select :value + 1, :other, :value from dual where :value = :value"
        assert cursor.execute(sql, value=value, other="x").fetchall() == [(value + 1, "x", value)]
    with pytest.raises(dbapi.DatabaseError, match="ORA-00904"):
        cursor.execute("select no_such_function(:value), :value from dual", value=1)


def test_a_statement_that_does_not_parse_is_an_error_and_the_session_goes_on(cursor: Any, dbapi: ModuleType) -> None:
    with pytest.raises(dbapi.DatabaseError, match="ORA-00942"):
        cursor.execute("select * from no_such_table")
    with pytest.raises(dbapi.DatabaseError, match="ORA-00904"):
        cursor.execute("select no_such_column from dual")
    with pytest.raises(dbapi.DatabaseError, match="ORA-009"):
        cursor.execute("selec 1 from dual")
    cursor.execute("select 1 from dual")
    assert cursor.fetchone() == (1,)


def test_a_failed_array_bind_of_many_packets_leaves_the_session_in_step(cursor: Any, dbapi: ModuleType) -> None:
    with pytest.raises(dbapi.DatabaseError, match="ORA-00942"):
        cursor.executemany("insert into no_such_table values (:1, :2)", [(n, "x" * 100) for n in range(5_000)])
    cursor.execute("select 1 from dual")
    assert cursor.fetchone() == (1,)


def test_transactions_are_isolated(connect: Connect, table: str) -> None:
    writer, other = connect(), connect()
    writer.cursor().execute(f"insert into {table} (id) values (1)")
    count = f"select count(*) from {table}"
    assert other.cursor().execute(count).fetchone() == (0,)
    writer.commit()
    assert other.cursor().execute(count).fetchone() == (1,)
    writer.cursor().execute(f"delete from {table}")
    writer.rollback()
    assert writer.cursor().execute(count).fetchone() == (1,)


def test_a_call_time_out_breaks_the_call_and_leaves_the_session_usable(
    connect: Connect, dbapi: ModuleType, driver: str, table: str
) -> None:
    holder, waiter = connect(), connect()
    holder.cursor().execute(f"insert into {table} (id) values (1)")
    setattr(waiter, "callTimeout" if driver == "cx_oracle" else "call_timeout", 300)
    cursor = waiter.cursor()
    started = time.monotonic()
    with pytest.raises(dbapi.DatabaseError, match="DPI-1067|DPY-4024"):
        cursor.execute(f"insert into {table} (id) values (1)")  # waits for the other's key
    assert time.monotonic() - started < 5
    assert cursor.execute(f"select count(*) from {table}").fetchone() == (0,)


def test_a_slow_server_is_broken_off_before_it_writes(
    connect: Connect, dbapi: ModuleType, driver: str, table: str, sandbox: Sandbox
) -> None:
    connection = connect()
    setattr(connection, "callTimeout" if driver == "cx_oracle" else "call_timeout", 200)
    cursor = connection.cursor()
    sandbox.delay(1.0)
    with pytest.raises(dbapi.DatabaseError, match="DPI-1067|DPY-4024"):
        cursor.execute(f"insert into {table} (id) values (1)")
    sandbox.delay(0)
    assert cursor.execute(f"select count(*) from {table}").fetchone() == (0,)


WHO = "select module, action, client_identifier, client_info from v$session where sid = sys_context('userenv', 'sid')"


def test_module_and_action_show_in_v_session_without_a_round_trip(connect: Connect, sandbox: Sandbox) -> None:
    connection = connect()
    cursor = connection.cursor()
    before = sandbox.stats()

    connection.module, connection.action = "orders", "list"
    connection.client_identifier, connection.clientinfo = "Zoë", "x" * 64
    assert cursor.execute(WHO).fetchall() == [("orders", "list", "Zoë", "x" * 64)]
    connection.module = connection.client_identifier = connection.clientinfo = connection.action = None
    assert cursor.execute(WHO).fetchall() == [(None,) * 4]

    assert (sandbox.stats() - before).round_trips == {"execute": 2}


def test_an_empty_module_takes_it_away(connect: Connect) -> None:
    connection = connect()
    for value in ("orders", ""):
        connection.module = connection.action = connection.client_identifier = connection.clientinfo = value
        assert connection.cursor().execute(WHO).fetchall() == [(value or None,) * 4]


def test_a_schema_that_is_not_there_fails_the_next_call(connect: Connect, dbapi: ModuleType) -> None:
    connection = connect()
    cursor = connection.cursor()

    def work_in(schema: str) -> None:  # python-oracledb tells the server with the next call, Oracle Client at once
        connection.current_schema = schema
        cursor.execute("select 1 from dual")

    with pytest.raises(dbapi.DatabaseError, match="ORA-01435"):
        work_in("nobody")
    connection.current_schema = "SH"
    assert connection.cursor().execute("select 1 from dual").fetchone() == (1,)


def test_the_edition_of_a_log_on(connect: Connect, dbapi: ModuleType) -> None:
    base = connect()
    base.cursor().execute("create edition spring")
    current = "select sys_context('userenv', 'current_edition_name') from dual"
    connection = connect(edition="spring")
    assert connection.cursor().execute(current).fetchone() == ("SPRING",)
    connection.close()
    count = "select count(*) from v$session"
    until(lambda: base.cursor().execute(count).fetchone() == (1,))
    base.cursor().execute("drop edition spring")
    assert base.cursor().execute(current).fetchone() == ("ORA$BASE",)
    with pytest.raises(dbapi.DatabaseError, match="ORA-38802"):
        connect(edition="spring")


def test_a_pooled_server_shows_in_v_session(sandbox: Sandbox, connect: Connect, dbapi: ModuleType) -> None:
    connection = connect(dsn=f"{sandbox.dsn}:pooled", cclass="REPORTS", purity=dbapi.ATTR_PURITY_SELF)
    cursor = connection.cursor()
    for _ in range(2):
        assert cursor.execute("select server from v$session where type = 'USER'").fetchall() == [("POOLED",)]
    assert [session["connection_class"] for session in sandbox.sessions()] == ["REPORTS"]


@pytest.mark.parametrize("driver", ["oracledb"])  # Oracle Client sends nothing but queries here: ORA-56600
@pytest.mark.parametrize(("purity", "seen"), [("SELF", ["DD-MON-RR", "YYYY", "YYYY"]), ("NEW", ["DD-MON-RR"] * 3)])
def test_a_pooled_server_keeps_what_was_set_in_its_session_or_not(
    sandbox: Sandbox, dbapi: ModuleType, purity: str, seen: list[str]
) -> None:
    pooled = {"cclass": "REPORTS", "purity": getattr(dbapi, f"PURITY_{purity}")}
    pool = dbapi.create_pool(user="scott", password="tiger", dsn=f"{sandbox.dsn}:pooled", min=0, max=1, **pooled)
    found = []
    for _ in range(3):
        with pool.acquire() as connection, connection.cursor() as cursor:
            cursor.execute("select sys_context('userenv', 'nls_date_format') from dual")
            found.append(cursor.fetchone()[0])
            cursor.execute("alter session set nls_date_format = 'YYYY'")
    pool.close()

    assert found == seen
    until(lambda: sandbox.stats().sessions == 0)


def test_module_and_action_show_in_the_session_list(connect: Connect, sandbox: Sandbox) -> None:
    connection = connect()
    connection.module = "orders"
    connection.action = "list"
    connection.client_identifier = "user 7"
    connection.cursor().execute("select 1 from dual")
    assert [(s["module"], s["action"], s["client_identifier"]) for s in sandbox.sessions()] == [
        ("orders", "list", "user 7")
    ]


def test_what_the_sandbox_cannot_do_is_an_error(cursor: Any, dbapi: ModuleType) -> None:
    with pytest.raises(dbapi.DatabaseError, match="ORA-"):
        cursor.execute("create or replace package p as procedure q; end;")
    with pytest.raises(dbapi.DatabaseError, match="ORA-"):
        cursor.callproc("dbms_stats.gather_schema_stats", ["SCOTT"])
    cursor.execute("select 1 from dual")
    assert cursor.fetchone() == (1,)
