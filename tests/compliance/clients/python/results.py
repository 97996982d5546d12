"""LOBs, and the fetching of rows."""

from __future__ import annotations

import datetime

import oracledb
from client import LONG, LONG_BYTES, check, connect, directly, rows, run, same, table, value


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
