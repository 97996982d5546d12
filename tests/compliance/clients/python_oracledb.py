"""The checks with python-oracledb in thin mode, of any version: `python python_oracledb.py FOLDER`.

It is given its task as a line of JSON, and tells what came of each check as a line of JSON too; a line with "do" asks
the runner for a fault, and waits for its answer. It runs apart from orapool, with the version in the folder.
"""

from __future__ import annotations

import contextlib
import datetime
import faulthandler
import json
import re
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

sys.path.insert(0, sys.argv[1])

import oracledb

TASK = json.loads(sys.stdin.readline())
CHECKS = {}
LEFT_OUT = {
    "boolean": "no type BOOLEAN in SQL before 23ai",
    "json": "no type JSON before 21c",
    "generated_rowid": "generated keys are JDBC's",
    "generated_keys": "generated keys are JDBC's",
}
VERSION = tuple(int(part) for part in oracledb.__version__.split(".")[:2])
if VERSION < (3, 0):
    LEFT_OUT["scrollable_cursor"] = "python-oracledb has no scrollable cursors in thin mode before 3.0"
    LEFT_OUT["pool_replaces_a_dead_session"] = "python-oracledb before 3.0 hands out sessions that have ended"
    LEFT_OUT["two_phase_commit"] = "python-oracledb has no two-phase commit in thin mode before 3.0"

LONG = "Zürich 漢字 " * 200_000
LONG_BYTES = bytes(range(251)) * 7969


def check(function):
    CHECKS[function.__name__.rstrip("_")] = function
    return function


def tell(**what):
    print(json.dumps(what), flush=True)


def ask(name, *given):
    tell(do=name, **{"with": given})
    return json.loads(sys.stdin.readline())


def connect(**changes):
    given = {"user": TASK["user"], "password": TASK["password"], "dsn": TASK["dsn"], **changes}
    return oracledb.connect(**given)


@contextlib.contextmanager
def fails(pattern):
    try:
        yield
    except oracledb.Error as error:
        if not re.search(pattern, str(error), re.DOTALL):
            raise AssertionError(f"{error!r} and not {pattern}") from error
    else:
        raise AssertionError(f"no error, but {pattern} is due")


def same(found, expected):
    assert found == expected, f"{str(found)[:300]} and not {str(expected)[:300]}"


def rows(c, sql, binds=()):
    with c.cursor() as cursor:
        return cursor.execute(sql, binds).fetchall()


def value(c, sql, binds=()):
    return rows(c, sql, binds)[0][0]


def run(c, sql, binds=()):
    with c.cursor() as cursor:
        cursor.execute(sql, binds)
        return cursor.rowcount


def table(c, columns):
    name = f"t{next(NUMBERS)}"
    run(c, f"create table {name} ({columns})")
    return name


NUMBERS = iter(range(1, 10_000))


def there_and_back(c, kind, column, values, read=None, handler=None):
    name = table(c, f"id number, v {column}")
    with c.cursor() as cursor:
        for number, each in enumerate([*values, None]):
            cursor.setinputsizes(None, kind)
            cursor.execute(f"insert into {name} values (:1, :2)", [number, each])
        cursor.outputtypehandler = handler
        cursor.execute(f"select v from {name} order by id")
        same([row[0] for row in cursor], [*(values if read is None else read), None])


def as_type(kind):
    return lambda cursor, metadata: cursor.var(kind, arraysize=cursor.arraysize)


def directly(cursor, metadata):
    kinds = {
        oracledb.DB_TYPE_CLOB: oracledb.DB_TYPE_LONG,
        oracledb.DB_TYPE_NCLOB: oracledb.DB_TYPE_LONG_NVARCHAR,
        oracledb.DB_TYPE_BLOB: oracledb.DB_TYPE_LONG_RAW,
    }
    kind = kinds.get(metadata.type_code)
    return cursor.var(kind, arraysize=cursor.arraysize) if kind else None


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


# ---------------------------------------------------------------- types
@check
def number(c):
    there_and_back(c, oracledb.DB_TYPE_NUMBER, "number", [0, 1, -1, 0.5, -12345.678, 123456789012345, 10**20])


@check
def number_of_38_digits(c):
    values = [10**38 - 1, -12345678901234567890123456789012345678, Decimal("0.12345678901234567890123456789012345678")]
    there_and_back(c, oracledb.DB_TYPE_NUMBER, "number", [Decimal(each) for each in values], handler=exact)
    there_and_back(c, oracledb.DB_TYPE_NUMBER, "number(38)", values[:2])


def exact(cursor, metadata):
    return cursor.var(Decimal, arraysize=cursor.arraysize)


@check
def number_bounds(c):
    with c.cursor() as cursor:
        cursor.outputtypehandler = as_type(str)
        found = cursor.execute("select 1e125, -1e125, 1e-120, 0.1 + 0.2, 1 / 3 from dual").fetchone()
    same([Decimal(each) for each in found[:4]], [Decimal(each) for each in ("1e125", "-1e125", "1e-120", "0.3")])
    assert re.fullmatch(r"0?\.3{38,40}", found[4]), found[4]


@check
def float_(c):
    there_and_back(c, oracledb.DB_TYPE_NUMBER, "float", [1.5, -0.1, 123456.789])


@check
def binary_float(c):
    there_and_back(c, oracledb.DB_TYPE_BINARY_FLOAT, "binary_float", [1.5, -0.25, 0.0, 2.0**100])


@check
def binary_double(c):
    there_and_back(c, oracledb.DB_TYPE_BINARY_DOUBLE, "binary_double", [0.1, -1e-300, 1.7976931348623157e308])


@check
def binary_nan_and_infinity(c):
    name = table(c, "v binary_double")
    with c.cursor() as cursor:
        cursor.setinputsizes(oracledb.DB_TYPE_BINARY_DOUBLE)
        cursor.executemany(f"insert into {name} values (:1)", [(float(each),) for each in ("nan", "inf", "-inf")])
        same([repr(row[0]) for row in cursor.execute(f"select v from {name}")], ["nan", "inf", "-inf"])


@check
def char(c):
    there_and_back(c, oracledb.DB_TYPE_CHAR, "char(5)", ["abc", "abcde"], read=["abc  ", "abcde"])


@check
def varchar2(c):
    there_and_back(c, oracledb.DB_TYPE_VARCHAR, "varchar2(50)", ["x", "Zürich", " y ", "it's"])


@check
def varchar2_beyond_the_bmp(c):
    there_and_back(c, oracledb.DB_TYPE_VARCHAR, "varchar2(20 char)", ["😀", "a𝄞b", "漢字😀"])


@check
def nvarchar2(c):
    there_and_back(c, oracledb.DB_TYPE_NVARCHAR, "nvarchar2(50)", ["x", "漢字", "😀é"])


@check
def nchar(c):
    there_and_back(c, oracledb.DB_TYPE_NCHAR, "nchar(4)", ["é", "漢字漢字"], read=["é   ", "漢字漢字"])


@check
def raw(c):
    there_and_back(c, oracledb.DB_TYPE_RAW, "raw(300)", [bytes((0, 255, 7)), b"\1" * 300])


@check
def date(c):
    there_and_back(c, oracledb.DB_TYPE_DATE, "date", [datetime.datetime(2024, 2, 29, 23, 59, 58)])


@check
def date_bounds(c):
    values = [datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31, 23, 59, 59)]
    there_and_back(c, oracledb.DB_TYPE_DATE, "date", values)


@check
def timestamp(c):
    values = [datetime.datetime(2024, 2, 29, 1, 2, 3, 456_789), datetime.datetime(1970, 1, 1)]
    there_and_back(c, oracledb.DB_TYPE_TIMESTAMP, "timestamp", values)


@check
def timestamp_with_nanoseconds(c):
    sql = "select to_char(cast(timestamp '2024-02-29 01:02:03.123456' as timestamp(9)), 'FF9') from dual"
    same(value(c, sql), "123456000")


@check
def timestamp_with_time_zone(c):
    at = datetime.datetime(2024, 2, 29, 1, 2, 3, 456_789)
    there_and_back(c, oracledb.DB_TYPE_TIMESTAMP_TZ, "timestamp with time zone", [at])


@check
def timestamp_with_local_time_zone(c):
    at = datetime.datetime(2024, 2, 29, 1, 2, 3, 456_789)
    there_and_back(c, oracledb.DB_TYPE_TIMESTAMP_LTZ, "timestamp with local time zone", [at])


@check
def interval_day_to_second(c):
    of = datetime.timedelta
    values = [of(days=11, hours=10, minutes=9, seconds=8, microseconds=555), -of(days=1, hours=2, minutes=3, seconds=4)]
    there_and_back(c, oracledb.DB_TYPE_INTERVAL_DS, "interval day(9) to second(9)", values)


@check
def interval_year_to_month(c):
    values = [oracledb.IntervalYM(10, 9), oracledb.IntervalYM(-1, -2)]
    there_and_back(c, oracledb.DB_TYPE_INTERVAL_YM, "interval year(4) to month", values)


@check
def clob(c):
    there_and_back(c, oracledb.DB_TYPE_VARCHAR, "clob", ["x", "Zürich 😀", "y" * 5000], handler=directly)


@check
def nclob(c):
    there_and_back(c, oracledb.DB_TYPE_NVARCHAR, "nclob", ["x", "漢字 😀"], handler=directly)


@check
def blob(c):
    there_and_back(c, oracledb.DB_TYPE_RAW, "blob", [b"\0\xff", b"\7" * 5000], handler=directly)


@check
def rowid(c):
    name = table(c, "v number")
    run(c, f"insert into {name} values (7)")
    row = value(c, f"select rowid from {name}")
    assert re.fullmatch("[A-Za-z0-9+/]{18}", row), row
    same(value(c, f"select v from {name} where rowid = :1", [row]), 7)


@check
def last_rowid(c):
    name = table(c, "v number")
    with c.cursor() as cursor:
        cursor.execute(f"insert into {name} values (8)")
        same(value(c, f"select v from {name} where rowid = :1", [cursor.lastrowid]), 8)


@check
def null(c):
    same(rows(c, "select null, cast(null as number), nvl(:1, 'none') from dual", [None]), [(None, None, "none")])


@check
def empty_string(c):
    name = table(c, "v varchar2(10)")
    run(c, f"insert into {name} values (:1)", [""])
    same(rows(c, f"select v, nvl(v, 'null') from {name}"), [(None, "null")])


@check
def description(c):
    columns = "a number(9,2) not null, b varchar2(30), c date, d timestamp(3), e clob, f raw(16), g number"
    name = table(c, columns + ", h char(3 char), i blob")
    with c.cursor() as cursor:
        found = cursor.execute(f"select * from {name}").description
    same([column[0] for column in found], list("ABCDEFGHI"))
    same(
        [column[1].name.replace("DB_TYPE_", "") for column in found],
        ["NUMBER", "VARCHAR", "DATE", "TIMESTAMP", "CLOB", "RAW", "NUMBER", "CHAR", "BLOB"],
    )
    same([tuple(found[0])[4:7], tuple(found[6])[4:7]], [(9, 2, False), (0, -127, True)])
    same([found[1][3], found[5][3]], [30, 16])


# ---------------------------------------------------------------- binds
@check
def binds_by_name(c):
    same(value(c, "select :one || :two || :three from dual", {"three": "c", "one": "a", "two": "b"}), "abc")


@check
def binds_by_position(c):
    same(value(c, "select :1 || :2 || :3 from dual", ["a", "b", "c"]), "abc")


@check
def bind_repeated(c):
    same(value(c, "select :v || :w || :v from dual", {"v": "a", "w": "b"}), "aba")


@check
def bind_out(c):
    with c.cursor() as cursor:
        out = {"n": cursor.var(int), "s": cursor.var(str), "d": cursor.var(datetime.datetime)}
        cursor.execute("begin :n := 6 * 7; :s := 'é' || :i; :d := null; end;", {**out, "i": "in"})
        same([each.getvalue() for each in out.values()], [42, "éin", None])


@check
def bind_in_out(c):
    with c.cursor() as cursor:
        n = cursor.var(int)
        for given in (20, 30):
            n.setvalue(0, given)
            cursor.execute("begin :n := :n + 1; end;", {"n": n})
            same(n.getvalue(), given + 1)


@check
def bind_of_4000_bytes(c):
    there_and_back(c, oracledb.DB_TYPE_VARCHAR, "varchar2(4000)", ["x" * 4000, "é" * 2000])


@check
def bind_of_32767_bytes(c):
    with c.cursor() as cursor:
        out = cursor.var(str, 32767)
        cursor.execute("begin :o := :i; end;", {"o": out, "i": "é" * 16383})
        same(out.getvalue(), "é" * 16383)


@check
def plsql_block(c):
    name = table(c, "v number")
    run(c, f"begin insert into {name} values (:a); update {name} set v = v + 1; commit; end;", [1])
    c.rollback()
    same(value(c, f"select v from {name}"), 2)


@check
def ref_cursor(c):
    with c.cursor() as cursor, c.cursor() as opened:
        cursor.execute("begin open :c for select level as n from dual connect by level <= 250; end;", {"c": opened})
        same([row[0] for row in opened], list(range(1, 251)))


@check
def implicit_results(c):
    with c.cursor() as cursor:
        sql = "declare c sys_refcursor; begin open c for select 1 as n from dual; dbms_sql.return_result(c); end;"
        cursor.execute(sql)
        same([result.fetchall() for result in cursor.getimplicitresults()], [[(1,)]])


# ---------------------------------------------------------------- DML
@check
def insert_update_delete(c):
    name = table(c, "id number, v varchar2(10)")
    statements = [
        f"insert into {name} select level, 'x' from dual connect by level <= 5",
        f"update {name} set v = 'y' where id > 2",
        f"delete from {name} where id = 1",
        f"delete from {name} where id = 100",
    ]
    same([run(c, sql) for sql in statements], [5, 3, 1, 0])


@check
def array_dml(c):
    name = table(c, "id number, v varchar2(20)")
    given = [(i, f"row {i}" if i % 7 else None) for i in range(1000)]
    with c.cursor() as cursor:
        cursor.executemany(f"insert into {name} values (:1, :2)", given)
        same(cursor.rowcount, 1000)
    same(rows(c, f"select * from {name} order by id"), given)


@check
def array_dml_batch_errors(c):
    name = table(c, "id number primary key, v varchar2(3)")
    given = [(1, "a"), (1, "twice"), (2, "too long"), (3, "c"), (1, "d")]
    with c.cursor() as cursor:
        cursor.executemany(f"insert into {name} values (:1, :2)", given, batcherrors=True)
        same([(each.offset, each.code) for each in cursor.getbatcherrors()], [(1, 12899), (2, 12899), (4, 1)])
        same(cursor.rowcount, 2)
    same(rows(c, f"select id from {name} order by id"), [(1,), (3,)])


@check
def array_dml_row_counts(c):
    name = table(c, "id number")
    with c.cursor() as cursor:
        cursor.executemany(f"insert into {name} values (:1)", [(1,), (2,), (2,), (3,)])
        cursor.executemany(f"delete from {name} where id = :1", [(2,), (9,), (3,)], arraydmlrowcounts=True)
        same(cursor.getarraydmlrowcounts(), [2, 0, 1])


@check
def returning_one_row(c):
    name = table(c, "id number generated always as identity, v varchar2(10)")
    with c.cursor() as cursor:
        id_, v = cursor.var(int), cursor.var(str)
        cursor.execute(f"insert into {name} (v) values (:1) returning id, v into :2, :3", ["x", id_, v])
        same([id_.getvalue(), v.getvalue()], [[1], ["x"]])


@check
def returning_several_rows(c):
    name = table(c, "id number, v varchar2(10)")
    with c.cursor() as cursor:
        cursor.executemany(f"insert into {name} values (:1, 'x')", [(1,), (2,), (3,)])
        for low, ids in ((1, [2, 3]), (9, [])):
            id_, v = cursor.var(int), cursor.var(str)
            sql = f"update {name} set v = 'y' || id where id > :1 returning id, v into :2, :3"
            cursor.execute(sql, [low, id_, v])
            same([id_.getvalue(), v.getvalue()], [ids, [f"y{each}" for each in ids]])


@check
def returning_of_array_dml(c):
    name = table(c, "id number, v varchar2(10)")
    with c.cursor() as cursor:
        out = cursor.var(int, arraysize=2)
        cursor.setinputsizes(None, None, out)
        cursor.executemany(f"insert into {name} values (:1, :2) returning id * 10 into :3", [(1, "a"), (2, "b")])
        same([out.getvalue(0), out.getvalue(1)], [[10], [20]])


# ---------------------------------------------------------------- LOBs
@check
def clob_of_2_megabytes(c):
    name = table(c, "v clob")
    with c.cursor() as cursor:
        cursor.setinputsizes(oracledb.DB_TYPE_CLOB)
        cursor.execute(f"insert into {name} values (:1)", [LONG])
    lob = value(c, f"select v from {name}")
    same(lob.size(), len(LONG))
    assert lob.read() == LONG


@check
def blob_of_2_megabytes(c):
    name = table(c, "v blob")
    with c.cursor() as cursor:
        cursor.setinputsizes(oracledb.DB_TYPE_BLOB)
        cursor.execute(f"insert into {name} values (:1)", [LONG_BYTES])
        assert value(c, f"select v from {name}").read() == LONG_BYTES
        cursor.outputtypehandler = directly
        # Of another text: the driver does not tell the server of another type for a statement that it has cached.
        assert cursor.execute(f"select v as whole from {name}").fetchone()[0] == LONG_BYTES


@check
def lob_in_pieces(c):
    name = table(c, "v clob")
    run(c, f"insert into {name} values (:1)", ["0123456789" * 100])
    lob = value(c, f"select v from {name}")
    same("".join(lob.read(at, 37) for at in range(1, 1001, 37)), "0123456789" * 100)


@check
def lob_temporary(c):
    name = table(c, "v clob")
    lob = c.createlob(oracledb.DB_TYPE_CLOB)
    lob.write("first, ")
    lob.write("then é", 8)
    run(c, f"insert into {name} values (:1)", [lob])
    same(value(c, f"select v from {name}").read(), "first, then é")


@check
def lob_locator_read_later(c):
    name = table(c, "id number, v clob")
    with c.cursor() as cursor:
        cursor.executemany(f"insert into {name} values (:1, :2)", [(i, f"number {i}") for i in (1, 2, 3)])
    lobs = [row[0] for row in rows(c, f"select v from {name} order by id")]
    run(c, f"delete from {name}")
    same([lob.read() for lob in lobs], ["number 1", "number 2", "number 3"])


# ---------------------------------------------------------------- fetching
@check
def fetch_10000_rows(c):
    name = table(c, "id number, v varchar2(40), d date, f binary_double")
    first = datetime.datetime(2024, 1, 1)
    given = [(i, f"row number {i}", first + datetime.timedelta(i % 365), i / 8) for i in range(10_000)]
    with c.cursor() as cursor:
        cursor.executemany(f"insert into {name} values (:1, :2, :3, :4)", given)
        for cursor.arraysize in (100, 1000):
            assert cursor.execute(f"select * from {name} order by id").fetchall() == given


@check
def fetch_in_pieces(c):
    with c.cursor() as cursor:
        cursor.prefetchrows, cursor.arraysize = 3, 7
        cursor.execute("select level as n from dual connect by level <= 1000")
        same(sum(row[0] for row in cursor), 500_500)


@check
def fetch_wide_rows(c):
    columns = ", ".join(f"rpad('{i}', 1000, 'x') as c{i}" for i in range(200))
    found = rows(c, f"select {columns} from dual connect by level <= 5")
    same([len(row) for row in found], [200] * 5)
    same(found[4][199], "199".ljust(1000, "x"))


@check
def two_cursors_at_once(c):
    with c.cursor() as one, c.cursor() as other:
        for cursor in (one, other):
            cursor.arraysize = cursor.prefetchrows = 5
            cursor.execute("select level from dual connect by level <= 50")
        same([(*left, *right) for left, right in zip(one, other)], [(n, n) for n in range(1, 51)])


@check
def cursor_closed_half_read(c):
    sql = "select level from dual connect by level <= 5000"
    for _ in range(3):
        with c.cursor() as cursor:
            same(len(cursor.execute(sql).fetchmany(25)), 25)
    same(len(rows(c, sql)), 5000)


@check
def statement_cache(c):
    for i in range(100):
        same(value(c, "select :1 + 1 from dual", [i]), i + 1)
    with connect(stmtcachesize=0) as other:
        for i in range(5):
            same(value(other, "select :1 + 1 from dual", [i]), i + 1)


@check
def statement_cache_after_alter(c):
    name = table(c, "a number")
    run(c, f"insert into {name} values (1)")
    same(rows(c, f"select * from {name}"), [(1,)])
    run(c, f"alter table {name} add (b varchar2(10) default 'x')")
    same(rows(c, f"select * from {name}"), [(1, "x")])


@check
def many_statements(c):
    for i in range(400):
        same(value(c, f"select {i} as c{i} from dual"), i)


# ---------------------------------------------------------------- transactions
@check
def commit(c):
    name = table(c, "v number")
    run(c, f"insert into {name} values (1)")
    same(c.transaction_in_progress, True)
    c.commit()
    same(c.transaction_in_progress, False)
    with connect() as other:
        same(value(other, f"select count(*) from {name}"), 1)


@check
def rollback(c):
    name = table(c, "v number")
    run(c, f"insert into {name} values (1)")
    c.rollback()
    with connect() as other:  # closed without a commit
        run(other, f"insert into {name} values (1)")
    same(value(c, f"select count(*) from {name}"), 0)


@check
def autocommit(c):
    name = table(c, "v number")
    c.autocommit = True
    run(c, f"insert into {name} values (1)")
    c.rollback()
    same(value(c, f"select count(*) from {name}"), 1)


@check
def isolation(c):
    name = table(c, "v number")
    with connect() as other:
        run(c, f"insert into {name} values (1)")
        same(value(other, f"select count(*) from {name}"), 0)
        c.commit()
        same(value(other, f"select count(*) from {name}"), 1)


@check
def savepoint(c):
    name = table(c, "v number")
    run(c, f"insert into {name} values (1)")
    run(c, "savepoint here")
    run(c, f"insert into {name} values (2)")
    run(c, "rollback to savepoint here")
    c.commit()
    same(rows(c, f"select v from {name}"), [(1,)])


@check
def row_locked(c):
    name = table(c, "v number")
    run(c, f"insert into {name} values (1)")
    c.commit()
    rows(c, f"select v from {name} for update")
    with connect() as other, fails("ORA-00054"):
        run(other, f"select v from {name} for update nowait")


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


# ---------------------------------------------------------------- pools
@contextlib.contextmanager
def pooled(**options):
    pool = oracledb.create_pool(user=TASK["user"], password=TASK["password"], dsn=TASK["dsn"], **options)
    try:
        yield pool
    finally:
        pool.close(force=True)


@check
def pool(_):
    with pooled(min=1, max=2) as p:
        for i in range(3):
            with p.acquire() as c:
                same(value(c, "select :1 from dual", [i]), i)
        same((p.busy, p.opened), (0, 1))


@check
def pool_concurrency(_):
    with pooled(min=0, max=4, increment=1, getmode=oracledb.POOL_GETMODE_WAIT) as p:
        together = threading.Barrier(4)

        def work(i):
            with p.acquire() as c:
                if i < 4:
                    together.wait(20)
                return value(c, "select to_number(:1) * 2 from dual", [i])

        with ThreadPoolExecutor(8) as threads:
            same(list(threads.map(work, range(40))), [2 * i for i in range(40)])
        same(p.opened, 4)


@check
def pool_full(_):
    with pooled(min=1, max=1, getmode=oracledb.POOL_GETMODE_TIMEDWAIT, wait_timeout=200) as p:
        with p.acquire(), fails("DPY-4005"):
            p.acquire()
        p.acquire().close()


@check
def pool_ping(_):
    with pooled(min=1, max=1, ping_interval=0) as p:
        p.acquire().close()
        before = ask("round_trips").get("ping", 0)
        p.acquire().close()
        same(ask("round_trips")["ping"] - before, 1)


@check
def pool_replaces_a_dead_session(_):
    with pooled(min=1, max=2, ping_interval=0) as p:
        for how in ("fin", "rst"):
            p.acquire().close()
            ask("end_sessions", how)
            with p.acquire() as c:
                same(value(c, "select 1 from dual"), 1)


@check
def pool_drain(_):
    p = oracledb.create_pool(user=TASK["user"], password=TASK["password"], dsn=TASK["dsn"], min=2, max=2)
    c = p.acquire()
    with fails("DPY-1005"):
        p.close()
    c.close()
    p.close()
    with fails("DPY-1002"):
        p.acquire()


def outcome(name):
    if name in LEFT_OUT:
        return {"result": "left out", "detail": LEFT_OUT[name]}
    if name not in CHECKS:
        return {"result": "fail", "detail": "not written"}
    faulthandler.dump_traceback_later(60, exit=True)
    c = connect()
    try:
        CHECKS[name](c)
    except Exception as error:
        detail = traceback.format_exc() if TASK["verbose"] else f"{type(error).__name__}: {error}"
        return {"result": "refused" if "ORA-03001" in str(error) else "fail", "detail": detail}
    finally:
        with contextlib.suppress(oracledb.Error):
            c.close()
        faulthandler.cancel_dump_traceback_later()
    return {"result": "pass"}


tell(client=f"python-oracledb {oracledb.__version__}")
for each in TASK["checks"]:
    tell(check=each, **outcome(each))
