"""Binds, and statements that change rows."""

from __future__ import annotations

import datetime

import oracledb
from client import check, rows, run, same, table, there_and_back, value


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
