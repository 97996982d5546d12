"""The rows of results, by columns and one by one, streamed and kept."""

from __future__ import annotations

import datetime
import importlib
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any

import psutil
import pytest

from orapool.sandbox import Sandbox, binary, codecs
from orapool.sandbox.rows import ROW, Block, ColumnEncoder, RowCache, RowEncoder
from orapool.sandbox.sql import Backend, Engine, OracleError, RowStream, SessionIdentity, Statement
from orapool.sandbox.sql.link import Run
from tests.conftest import DRIVERS
from tests.waiting import until

Connect = Callable[..., Any]
ROWS = 3_000

_NUMBERS = """
0 1 -1 9 10 -10 99 100 101 -100 9999 10000 10001 99999999 100000000 -99990000 0.1 -0.1 0.01 0.001 0.00012 1.5 -12.25
12345678901234567890 99999999999999999999999999999999999999 -99999999999999999999999999999999999999 1e125 9.9e125
-1e125 1e-130 -3e-130 123456789012345678901234567890123456789012345 1234567890123456789012345678901234567890.5
0.99999999999999999999999999999999999999999999 99.99999999999999999999999999999999999999995
-9.999999999999999999999999999999999999999999 1e-135
"""
_MOMENTS = """
2024-02-29_23:59:59 2000-01-01_00:00:00 1999-12-31_23:59:59.999999 0001-01-01_00:00:00 9999-12-31_23:59:59.999999
1900-02-28_12:00:00 1900-03-01_00:00:00.5 2100-12-31_00:00:01 1582-10-04_00:00:00 1970-01-01_00:00:00.000001
4712-01-01_00:00:00_BC 0044-03-15_12:30:00_BC 0001-12-31_23:59:59_BC
"""
VALUES: dict[str, Sequence[str]] = {
    "numeric": _NUMBERS.split(),
    "int8": ["0", "-1", "9223372036854775807", "-9223372036854775808", "100"],
    "float8": ["0", "-0", "1.5", "-1.5", "NaN", "Infinity", "-Infinity", "1e308", "5e-324"],
    "float4": ["0", "1.5", "-1.5", "NaN", "-Infinity", "3.4e38"],
    "timestamp": [moment.replace("_", " ") for moment in _MOMENTS.split()],
    "timestamptz": [moment.replace("_", " ") for moment in _MOMENTS.split()],
    "oracle.date": [moment.replace("_", " ").replace(".999999", "").replace(".5", "") for moment in _MOMENTS.split()],
    "text": ["x", "Zoë 🙂", "a" * 252, "b" * 253, "c" * 4000, "tab\tquote'"],
    "varchar": ["x", "Zoë", "longer than one"],
    "bytea": [r"\x00", r"\xff00", "\\x" + "ab" * 252],
    "interval": ["0", "1 day", "-1 day 02:03:04.5", "-00:00:00.000001", "999 days 23:59:59.999999"],
    "oracle.interval_ym": ["0", "1 year 2 mons", "-3 years -11 mons", "5 mons"],
}


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    with Engine(None, ["scott"]) as engine:
        backend = engine.open(SessionIdentity(1, 1, "scott"))
        yield backend
        backend.close()


def query(backend: Backend, kind: str, values: Sequence[str | None]) -> Statement:
    """A query of values of a PostgreSQL type, from a view."""
    array = "{" + ",".join("NULL" if value is None else f'"{value}"' for value in values).replace("\\", "\\\\") + "}"
    text = array.replace("'", "''")
    make = f"""create view "SCOTT".v as select v::{kind} v from unnest('{text}'::text[]) v"""
    backend.run([Run(b'drop view if exists "SCOTT".v'), Run(make.encode())])
    backend.engine.columns.clear()
    return backend.prepare('select "v" from "v"')


def encoder(stream: RowStream) -> RowEncoder:
    encode = binary.encoder(stream.columns[0].type, stream.forms[0])
    each = ColumnEncoder(
        stream.columns[0], stream.forms[0], lambda value: b"\0" if value is None else encode(value), encode
    )
    return RowEncoder(stream.columns, stream.forms, [each], ())


def rows_of(block: Block) -> list[bytes]:
    return [bytes(block.rows(row, row + 1)) for row in range(block.count)]


@pytest.mark.parametrize("kind", VALUES)
def test_a_column_is_encoded_alike_as_text_one_by_one_and_in_bulk(backend: Backend, kind: str) -> None:
    values = [None, *VALUES[kind], None] * (100 // len(VALUES[kind]) + 1)
    statement = query(backend, kind, values)
    texts = backend.query(statement, [], [])
    encode = codecs.encoder(texts.columns[0].type)
    expected = [ROW + (b"\0" if value is None else encode(value)) for (value,) in texts.rows(0, len(values))]

    stream = backend.stream(statement, [], [])
    count, columns = stream.take(len(values), 1 << 20)
    rows = encoder(stream)

    assert count == len(values)
    assert rows_of(rows.encode(count, columns)) == expected
    assert [rows_of(rows.encode(1, [[value]]))[0] for value in columns[0]] == expected


@pytest.mark.parametrize("count", [1, 100])
@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        ("numeric", "1e126", 1426),
        ("numeric", "-2e150", 1426),
        ("float8::numeric", "NaN", 1426),
        ("timestamp", "10000-01-01", 1841),
        ("timestamp", "infinity", 1841),
        ("interval", "1 year", 1867),
        ("oracle.interval_ym", "1 day", 1867),
    ],
)
def test_a_value_that_oracle_has_not_is_refused(backend: Backend, kind: str, value: str, code: int, count: int) -> None:
    stream = backend.stream(query(backend, kind, [value] * count), [], [])
    with pytest.raises(OracleError) as caught:
        encoder(stream).encode(*stream.take(count, 1 << 20))
    assert caught.value.code == code


def test_a_text_too_long_for_its_column_is_refused(backend: Backend) -> None:
    stream = backend.stream(query(backend, "text", ["x" * 4001]), [], [])
    with pytest.raises(OracleError, match="ORA-01489"):
        stream.take(1, 1 << 20)


# ---------------------------------------------------------------- with the drivers
@pytest.fixture
def table(connect: Connect, sandbox: Sandbox) -> Iterator[str]:
    """A table of this test alone with so many rows that they are kept."""
    connection = connect()
    cursor = connection.cursor()
    cursor.execute("create table kept_rows (id number(9), name varchar2(40), amount number(12,2), born date)")
    cursor.execute(
        "insert into kept_rows select level, 'name '||level, case when mod(level,3)>0 then level*1.25 end,"
        f" date '2024-01-01'+level from dual connect by level<={ROWS}"
    )
    connection.commit()
    yield "kept_rows"
    sandbox.heal()
    sandbox.end_sessions()  # a transaction that the test left open would be in the way
    connect().cursor().execute("drop table kept_rows")


def fetch(connection: Any, sql: str, *binds: Any, arraysize: int = 1000) -> list[tuple[Any, ...]]:
    cursor = connection.cursor()
    cursor.arraysize = arraysize
    cursor.execute(sql, binds)
    found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


SELECT = "select * from kept_rows order by id"


def expected_rows(count: int = ROWS) -> list[tuple[Any, ...]]:
    start = datetime.datetime(2024, 1, 1)
    return [
        (n, f"name {n}", n * 1.25 if n % 3 else None, start + datetime.timedelta(days=n)) for n in range(1, count + 1)
    ]


@pytest.mark.parametrize("arraysize", [1, 7, 100, 4096, 10_000])
def test_rows_are_the_same_the_second_time_for_every_arraysize(connect: Connect, table: str, arraysize: int) -> None:
    if arraysize == 1:
        expected, sql = expected_rows(600), f"{SELECT} fetch first 600 rows only"
    else:
        expected, sql = expected_rows(), SELECT
    for _ in range(3):
        assert fetch(connect(), sql, arraysize=arraysize) == expected


def repeated(sandbox: Sandbox, connection: Any, sql: str, *binds: Any) -> int:
    """How often a query that is run twice more is answered from what is kept."""
    fetch(connection, sql, *binds)
    before = sandbox.stats()
    for _ in range(2):
        fetch(connection, sql, *binds)
    return (sandbox.stats() - before).repeated_results


def test_a_result_is_kept_for_all_sessions_and_clients(connect: Connect, table: str, sandbox: Sandbox) -> None:
    fetch(connect(), SELECT)
    before = sandbox.stats()
    for name in DRIVERS.values():
        connection = importlib.import_module(name).connect(user="scott", password="tiger", dsn=sandbox.dsn)
        assert fetch(connection, SELECT, arraysize=777) == expected_rows()
        connection.close()
    assert (sandbox.stats() - before).repeated_results == len(DRIVERS)


@pytest.mark.parametrize(
    "change",
    [
        "insert into kept_rows (id) values (0)",
        "update kept_rows set name = 'another' where id = 1",
        "delete from kept_rows where id = 1",
        "merge into kept_rows t using (select 1 id from dual) s on (t.id = s.id) "
        "when matched then update set name = 'merged'",
        "begin update kept_rows set amount = 0 where id = 1; end;",
        "truncate table kept_rows",
        "alter table kept_rows add (more number default 5)",
        "alter table kept_rows rename column name to title",
    ],
)
def test_a_change_by_another_session_is_seen_at_once(connect: Connect, table: str, change: str) -> None:
    reader, writer = connect(), connect()
    assert fetch(reader, SELECT) == fetch(reader, SELECT) == expected_rows()

    writer.cursor().execute(change)
    if not change.startswith(("truncate", "alter")):
        assert fetch(reader, SELECT) == expected_rows()
        writer.commit()

    cursor = reader.cursor()
    found = fetch(reader, SELECT)
    names = [column[0] for column in cursor.execute(SELECT).description]
    assert (found, names) != (expected_rows(), ["ID", "NAME", "AMOUNT", "BORN"])
    assert found == fetch(writer, SELECT) == fetch(connect(), SELECT)


def test_own_changes_are_seen_by_their_session_alone_until_they_are_committed(connect: Connect, table: str) -> None:
    own, other = connect(), connect()
    fetch(own, SELECT)
    own.cursor().execute("delete from kept_rows where id > 1000")
    for _ in range(2):
        assert fetch(own, SELECT) == expected_rows(1000)
        assert fetch(other, SELECT) == expected_rows()
    own.rollback()
    assert fetch(own, SELECT) == fetch(other, SELECT) == expected_rows()
    own.cursor().execute("delete from kept_rows where id > 1000")
    own.commit()
    assert fetch(own, SELECT) == fetch(other, SELECT) == expected_rows(1000)


def test_a_read_only_transaction_keeps_to_its_time(connect: Connect, table: str, sandbox: Sandbox) -> None:
    reader, writer = connect(), connect()
    reader.cursor().execute("set transaction read only")
    assert fetch(reader, SELECT) == expected_rows()
    writer.cursor().execute("delete from kept_rows where id > 1000")
    writer.commit()
    assert fetch(writer, SELECT) == fetch(writer, SELECT) == expected_rows(1000)
    assert fetch(reader, SELECT) == expected_rows()


def test_a_table_made_anew_has_its_own_rows(connect: Connect, table: str) -> None:
    connection = connect()
    fetch(connection, SELECT)
    connection.cursor().execute("drop table kept_rows")
    connection.cursor().execute("create table kept_rows as select level id from dual connect by level <= 500")
    assert fetch(connection, SELECT) == [(n,) for n in range(1, 501)]


def test_other_binds_are_another_result(connect: Connect, table: str, sandbox: Sandbox) -> None:
    connection = connect()
    sql = "select id, :1 from kept_rows where id <= :2 order by id"
    for mark, most in [("a", 500), ("b", 500), ("a", 501), (None, 500), (1, 500), ("1", 500)]:
        expected = [(n, mark) for n in range(1, most + 1)]
        assert fetch(connection, sql, mark, most) == expected
        assert fetch(connection, sql, mark, most) == expected
    assert repeated(sandbox, connection, sql, "a", 500) == 2


@pytest.mark.parametrize(
    "sql",
    [
        "select id, sysdate from kept_rows",
        "select id from kept_rows where born < sysdate + 100000",
        "select id, systimestamp from kept_rows",
        "select id, current_timestamp from kept_rows",
        "select id, sys_guid() from kept_rows",
        "select id, kept_numbers.nextval from kept_rows",
        "select id, sys_context('userenv', 'module') from kept_rows",
        "select id, user from kept_rows",
        "select id from kept_view",
        "select k.id, t.num_rows from kept_rows k, user_tables t where t.table_name = 'KEPT_ROWS'",
        "with v as (select * from kept_view) select * from v",
        "select id from kept_rows for update",
    ],
)
def test_what_depends_on_more_than_data_is_not_kept(connect: Connect, table: str, sandbox: Sandbox, sql: str) -> None:
    connection = connect()
    cursor = connection.cursor()
    cursor.execute("create sequence kept_numbers")
    cursor.execute("create view kept_view as select id, sysdate now from kept_rows")
    try:
        assert repeated(sandbox, connection, sql) == 0
    finally:
        connection.rollback()
        cursor.execute("drop view kept_view")
        cursor.execute("drop sequence kept_numbers")


@pytest.mark.parametrize(
    "sql",
    [
        "select a.id, b.name from kept_rows a join scott.kept_rows b on a.id = b.id order by 1",
        "with few as (select id from kept_rows where id < 2000) select id, 'x' from few, dual",
        "select upper(name), nvl(amount, 0), to_char(born, 'YYYY'), round(amount) from kept_rows",
        "select id, sum(amount) over (order by id), case when id > 5 then 'a' || id end from kept_rows",
        "select level from dual connect by level <= 5000",
    ],
)
def test_what_depends_on_data_alone_is_kept(connect: Connect, table: str, sandbox: Sandbox, sql: str) -> None:
    assert repeated(sandbox, connect(), sql) == 2


SMALL = "select * from kept_rows where id <= :1 order by id"


def test_a_small_result_is_kept_when_it_is_asked_for_again(connect: Connect, table: str, sandbox: Sandbox) -> None:
    connection = connect()
    before = sandbox.stats()
    kept = []
    for _ in range(4):
        assert fetch(connection, SMALL, 5) == expected_rows(5)
        kept.append((sandbox.stats() - before).repeated_results)
    assert kept == [0, 0, 1, 2]
    assert fetch(connection, SMALL, 6) == expected_rows(6)
    assert fetch(connect(), SMALL, 5) == expected_rows(5)
    assert (sandbox.stats() - before).repeated_results == 3


def test_a_small_result_is_of_now(connect: Connect, table: str) -> None:
    reader, writer = connect(), connect()
    changed = [(1, "another", *expected_rows(1)[0][2:]), *expected_rows(3)[1:]]
    for _ in range(3):
        assert fetch(reader, SMALL, 3) == expected_rows(3)
    writer.cursor().execute("update kept_rows set name = 'another' where id = 1")
    for _ in range(3):
        assert fetch(reader, SMALL, 3) == expected_rows(3)
        assert fetch(writer, SMALL, 3) == changed
    writer.commit()
    for _ in range(3):
        assert fetch(reader, SMALL, 3) == changed


def test_a_small_result_that_depends_on_more_is_not_kept(connect: Connect, table: str, sandbox: Sandbox) -> None:
    for sql in ("select sysdate from dual", "select count(*) from v$session", "select user from dual"):
        assert repeated(sandbox, connect(), sql) == 0
    connect().cursor().execute("create sequence kept_numbers")
    connection = connect()
    numbers = [fetch(connection, "select kept_numbers.nextval from dual") for _ in range(4)]
    connect().cursor().execute("drop sequence kept_numbers")
    assert numbers == [[(1,)], [(2,)], [(3,)], [(4,)]]


def test_an_answer_has_no_more_rows_than_fit(connect: Connect, sandbox: Sandbox) -> None:
    """Whatever the client asks for: 100 MB here in one go. What is too large for one answer comes with the next."""
    connection = connect()
    cursor = connection.cursor()
    cursor.arraysize, cursor.prefetchrows = 25_001, 25_002
    sql = "select rpad(level, 4000, 'x') from dual connect by level <= 25000"
    before, rss = sandbox.stats(), psutil.Process(sandbox.pid).memory_info().rss
    cursor.execute(sql)
    rows = cursor.fetchall()
    assert [int(text.rstrip("x")) for (text,) in rows] == list(range(1, 25_001))
    assert (sandbox.stats() - before).total_round_trips == 2
    assert psutil.Process(sandbox.pid).memory_info().rss - rss < 500 << 20


def test_with_no_room_nothing_is_kept() -> None:
    dbapi = importlib.import_module("oracledb")
    with (
        Sandbox(cache_bytes=0) as sandbox,
        dbapi.connect(user="scott", password="tiger", dsn=sandbox.dsn) as connection,
    ):
        for sql in ("select 1 from dual", "select level from dual connect by level <= 5000"):
            assert repeated(sandbox, connection, sql) == 0


def test_settings_of_the_session_make_another_result(connect: Connect, table: str) -> None:
    first, second = connect(), connect()
    second.cursor().execute("alter session set nls_date_format = 'DD.MM.YYYY'")
    sql = "select to_char(born) || '' from kept_rows order by id"
    for _ in range(2):
        assert fetch(first, sql)[0] == ("02-JAN-24",)
        assert fetch(second, sql)[0] == ("02.01.2024",)


def test_another_schema_is_another_result(connect: Connect, table: str) -> None:
    scott, sh = connect(), connect(user="sh", password="sales")
    sh.cursor().execute("create table kept_rows as select 'sh' who from dual connect by level <= 1000")
    try:
        for _ in range(2):
            assert len(fetch(scott, "select * from kept_rows")) == ROWS
            assert fetch(sh, "select * from kept_rows") == [("sh",)] * 1000
        scott.current_schema = "SH"
        assert fetch(scott, "select * from kept_rows") == [("sh",)] * 1000
    finally:
        sh.cursor().execute("drop table kept_rows")


def test_what_is_kept_stays_within_its_bounds(backend: Backend) -> None:
    cache = RowCache(5_000)
    stream = backend.stream(backend.prepare("select 1 from dual"), [], [])
    block = Block(b"x" * 100, [0, *[100] * 12])  # 204 bytes, and 1,000
    for number in range(10):
        assert cache.reserve(block.size)
        cache.keep(1, (number,), stream, (), [block])
    assert [number for number in range(10) if cache.find(1, (number,))] == [6, 7, 8, 9]

    cache.find(1, (6,))
    assert cache.reserve(block.size)
    assert [number for number in range(10) if cache.find(1, (number,))] == [6, 8, 9]
    cache.release(block.size)
    assert not cache.reserve(5_001)
    assert cache.reserve(5_000)
    cache.release(5_000)
    cache.keep(2, ("new",), stream, (), [])
    assert cache.find(1, (6,)) is None
    assert cache.find(2, ("new",)) is not None
    assert cache.find(None, ("new",)) is None


# ---------------------------------------------------------------- rows that are still to come
BIG = "select level n, 'row ' || level t from dual connect by level <= 20000"
BIG_ROWS = [(n, f"row {n}") for n in range(1, 20_001)]


def test_a_fetch_goes_on_over_changes_of_its_session_and_others(connect: Connect, table: str) -> None:
    own, other = connect(), connect()
    cursor = own.cursor()
    cursor.arraysize = 50
    cursor.execute(SELECT)
    found = cursor.fetchmany(50)
    own.cursor().execute("delete from kept_rows where id > 100")
    found += cursor.fetchmany(50)
    own.commit()
    found += cursor.fetchmany(50)
    own.cursor().execute("update kept_rows set name = 'another'")
    own.rollback()
    other.cursor().execute("truncate table kept_rows")
    assert found + cursor.fetchall() == expected_rows()


def test_a_table_can_be_dropped_while_others_have_rows_to_fetch(connect: Connect) -> None:
    reader, owner = connect(), connect()
    owner.cursor().execute("create table passing as select level n from dual connect by level <= 20000")
    cursor = reader.cursor()
    cursor.execute("select n from passing order by n")
    assert cursor.fetchone() == (1,)
    owner.cursor().execute("drop table passing")
    assert [n for (n,) in cursor] == list(range(2, 20_001))


def test_several_fetches_take_turns(connect: Connect) -> None:
    connection = connect()
    cursors = [connection.cursor() for _ in range(3)]
    for cursor in cursors:
        cursor.arraysize = 3_000
        cursor.execute(BIG)
    found: list[list[Any]] = [[], [], []]
    for _ in range(7):
        for cursor, rows in zip(cursors, found):
            rows += cursor.fetchmany(3_000)
    assert found == [BIG_ROWS] * 3


def test_a_cursor_closed_amid_its_rows_leaves_the_session_as_it_was(connect: Connect, table: str) -> None:
    connection = connect()
    connection.cursor().execute("update kept_rows set name = 'mine' where id = 1")
    for _ in range(3):
        cursor = connection.cursor()
        cursor.execute(BIG)
        assert cursor.fetchone() == BIG_ROWS[0]
        cursor.close()
    assert fetch(connection, "select name from kept_rows where id = 1") == [("mine",)]
    connection.commit()
    assert fetch(connect(), "select name from kept_rows where id = 1") == [("mine",)]


@pytest.mark.parametrize("between", ["", "select 1 from dual"])
def test_an_error_amid_the_rows_comes_with_them_and_leaves_the_transaction(
    connect: Connect, table: str, dbapi: ModuleType, between: str
) -> None:
    connection = connect()
    cursor = connection.cursor()
    connection.cursor().execute("update kept_rows set name = 'mine' where id = 1")
    cursor.arraysize = 100
    cursor.execute("select 1 / (15000 - level) from dual connect by level <= 20000")
    assert len(cursor.fetchmany(100)) == 100
    if between:
        assert fetch(connection, between) == [(1,)]
    with pytest.raises(dbapi.DatabaseError, match="ORA-01476"):
        cursor.fetchall()
    connection.commit()
    assert fetch(connect(), "select name from kept_rows where id = 1") == [("mine",)]


def test_a_call_time_out_ends_a_statement_that_waits_for_rows_of_another(
    connect: Connect, table: str, dbapi: ModuleType, driver: str
) -> None:
    connection = connect()
    connection.cursor().execute("update kept_rows set name = 'mine' where id = 1")
    cursor = connection.cursor()
    cursor.execute("select a.id from kept_rows a cross join kept_rows b cross join kept_rows c")
    assert cursor.fetchone()
    call_timeout = "callTimeout" if driver == "cx_oracle" else "call_timeout"
    setattr(connection, call_timeout, 500)
    with pytest.raises(dbapi.DatabaseError, match="DPI-1067|DPY-4024"):
        fetch(connection, "select 1 from dual")
    setattr(connection, call_timeout, 0)
    assert fetch(connection, "select name from kept_rows where id = 1") == [("mine",)]


def test_a_session_that_ends_amid_its_rows_is_gone(connect: Connect, table: str, sandbox: Sandbox) -> None:
    before = sandbox.stats().sessions
    connection = connect()
    cursor = connection.cursor()
    cursor.execute("select a.id from kept_rows a cross join kept_rows b")
    assert cursor.fetchone()
    connection.close()
    until(lambda: sandbox.stats().sessions == before)
    connect().cursor().execute("truncate table kept_rows")


# ---------------------------------------------------------------- LOBs
BIG_TEXT = "Zoë 🙂 " * 400_000


@pytest.fixture
def lobs(connect: Connect, sandbox: Sandbox, dbapi: ModuleType) -> Iterator[str]:
    """A table of 1,001 rows with LOBs, of which the last is of some megabytes."""
    connection = connect()
    cursor = connection.cursor()
    cursor.execute("create table kept_lobs (id number(9), note clob, nat nclob, picture blob)")
    cursor.setinputsizes(None, dbapi.DB_TYPE_CLOB, dbapi.DB_TYPE_NCLOB, dbapi.DB_TYPE_BLOB)
    cursor.executemany("insert into kept_lobs values (:1, :2, :3, :4)", lob_rows())
    connection.commit()
    yield "kept_lobs"
    sandbox.end_sessions()
    connect().cursor().execute("drop table kept_lobs")


def lob_rows() -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = [
        (n, f"note {n} " * 40 if n % 7 else None, f"nät {n}" if n % 5 else None, b"\0\xff" * n if n % 3 else None)
        for n in range(1, 1_001)
    ]
    return [*rows, (1_001, BIG_TEXT, BIG_TEXT, BIG_TEXT.encode())]


def as_long(dbapi: ModuleType) -> Callable[..., Any]:
    """An output type handler that wants LOBs with the rows."""
    kinds = {
        dbapi.DB_TYPE_CLOB: dbapi.DB_TYPE_LONG,
        dbapi.DB_TYPE_NCLOB: getattr(dbapi, "DB_TYPE_LONG_NVARCHAR", dbapi.DB_TYPE_LONG),
        dbapi.DB_TYPE_BLOB: dbapi.DB_TYPE_LONG_RAW,
    }

    def handle(cursor: Any, *described: Any) -> Any:
        kind = described[1] if len(described) > 1 else described[0].type_code
        return cursor.var(kinds[kind], arraysize=cursor.arraysize) if kind in kinds else None

    return handle


def test_lobs_come_with_the_rows_and_cost_no_round_trips(
    connect: Connect, lobs: str, dbapi: ModuleType, sandbox: Sandbox, driver: str
) -> None:
    connection = connect()

    def trips(rows: int) -> dict[str, int]:
        cursor = connection.cursor()
        cursor.arraysize = rows + 1
        cursor.outputtypehandler = as_long(dbapi)
        before = sandbox.stats()
        cursor.execute("select * from kept_lobs where id > :1 order by id", [1_001 - rows])
        assert cursor.fetchall() == lob_rows()[-rows:]
        return (sandbox.stats() - before).round_trips

    trips(1)
    few, many, again = trips(10), trips(1_001), trips(1_001)
    assert few == many == again
    assert "lob" not in many


def test_locators_and_values_of_lobs_take_turns(connect: Connect, lobs: str, dbapi: ModuleType) -> None:
    connection = connect()
    sql = "select id, note, picture from kept_lobs order by id"
    expected = [(row[0], row[1], row[3]) for row in lob_rows()]
    for with_rows in (True, False, True, False):
        cursor = connection.cursor()
        cursor.arraysize = 500
        cursor.outputtypehandler = as_long(dbapi) if with_rows else None
        cursor.execute(sql)
        rows = cursor.fetchmany(20)
        # python-oracledb goes on with strings.
        rows = [(n, *(value.read() if hasattr(value, "read") else value for value in values)) for n, *values in rows]
        assert rows == expected[:20]
