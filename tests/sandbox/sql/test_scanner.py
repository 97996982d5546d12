"""Bind variables are found where Oracle finds them."""

from __future__ import annotations

import pytest

from orapool.sandbox.sql.parser import parse_statement
from orapool.sandbox.sql.scanner import BIND, scan


def binds(sql: str) -> list[str]:
    return [token.value for token in scan(sql) if token.kind == BIND]


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("select :1, :name from dual", ["1", "NAME"]),
        ("select :a, :A from dual", ["A", "A"]),
        ('select :"Mixed Case" from dual', ["Mixed Case"]),
        ("select ':no', 'it''s :no' from dual", []),
        ("select q'[:no]', nq'{it's :no}', N':no' from dual", []),
        ("select 1 -- :no\n, /* :no */ :yes /*+ :no */ from dual", ["YES"]),
        ('select ":no" from dual', []),
        ("select json_object('k':v) from dual", []),
        ("select json_object('k' : v) from dual", []),
        ("select json_object(a:b) from dual", []),
        ("insert into t values(:a,:b)returning x into:c", ["A", "B", "C"]),
        ("begin :x:=1; end;", ["X"]),
        ("select 1 from t where a=:x and b>:y", ["X", "Y"]),
    ],
)
def test_binds(sql: str, names: list[str]) -> None:
    assert binds(sql) == names


def test_sql_has_a_bind_for_each_occurrence() -> None:
    assert parse_statement("select :a, :b, :a from dual").bind_names == ("A", "B", "A")


def test_plsql_has_a_bind_for_each_name() -> None:
    statement = parse_statement("begin :r := :a + :a; end;")
    assert statement.bind_names == ("R", "A")
    assert statement.out_binds == (0,)


def test_returning_tells_its_first_out_bind() -> None:
    statement = parse_statement("insert into t (a) values (:a) returning id, a into :id, :b")
    assert (statement.kind, statement.verb, statement.returning_from) == ("dml", "INSERT", 1)


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("select 1 from dual", "query"),
        ("with x as (select 1 a from dual) select * from x", "query"),
        ("(select 1 from dual) union (select 2 from dual)", "query"),
        ("delete t", "dml"),
        ("merge into t using u on (t.a = u.a) when matched then update set b = 1", "dml"),
        ("drop table t", "ddl"),
        ("alter session set nls_date_format = 'YYYY'", "ddl"),
        ("begin null; end;", "plsql"),
        ("commit", "transaction"),
        ("savepoint a", "transaction"),
    ],
)
def test_kinds(sql: str, kind: str) -> None:
    assert parse_statement(sql).kind == kind
