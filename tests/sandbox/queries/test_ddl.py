"""Views and their options, and constraints that rows do not meet."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from tests.sandbox.queries.conftest import Rows


@pytest.fixture(autouse=True)
def _tables(rows: Rows, dbapi: ModuleType) -> Iterator[None]:
    rows("create table t (x number, y number)")
    rows("insert into t values (1, 2)")
    yield
    for what in ("view w", "view v", "table t", "table u"):
        with contextlib.suppress(dbapi.DatabaseError):
            rows(f"drop {what}")


def error(rows: Rows, dbapi: ModuleType, sql: str) -> str:
    with pytest.raises(dbapi.DatabaseError) as caught:
        rows(sql)
    return str(caught.value)[:9]


def test_a_view_is_replaced_by_one_of_other_columns(rows: Rows, dbapi: ModuleType) -> None:
    rows("create view v as select x, y from t")
    rows("create or replace view v (a) as select y from t")
    assert rows("select a from v") == [(2,)]
    assert rows("select column_name from user_tab_columns where table_name = 'V'") == [("A",)]
    assert error(rows, dbapi, "create view v as select x from t") == "ORA-00955"
    assert error(rows, dbapi, "create or replace view t as select 1 x from dual") == "ORA-00955"


def test_a_view_that_is_read_only_until_it_is_replaced(rows: Rows, dbapi: ModuleType) -> None:
    rows("create view v as select x, y from t with read only")
    for dml in ("insert into v values (1, 2)", "update v set y = 1", "delete from v"):
        assert error(rows, dbapi, dml) == "ORA-42399"
    rows("create or replace noforce view v as select x, y from t")
    rows("update v set y = 3")
    assert rows("select y from t") == [(3,)]


def test_check_option(rows: Rows, dbapi: ModuleType) -> None:
    rows("create view v as select x, y from t where x < 5 with check option constraint c")
    rows("insert into v values (4, 0)")
    assert error(rows, dbapi, "insert into v values (5, 0)") == "ORA-01402"
    assert error(rows, dbapi, "update v set x = 6") == "ORA-01402"


def test_what_a_view_reads_is_kept(rows: Rows, dbapi: ModuleType) -> None:
    rows("create view v as select x from t")
    rows("update t set x = null")
    for ddl in ("drop table t", "alter table t drop column x", "alter table t modify (x varchar2(9))"):
        assert error(rows, dbapi, ddl) == "ORA-03001"
    assert rows("select x from v") == [(None,)]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("add constraint c check (x > 1)", "ORA-02293"),
        ("add constraint c unique (x)", "ORA-02299"),
        ("add constraint c primary key (x)", "ORA-02437"),
        ("add constraint c foreign key (x) references u", "ORA-02298"),
        ("modify (y not null)", "ORA-02296"),
    ],
)
def test_constraints_that_rows_do_not_meet(rows: Rows, dbapi: Any, change: str, code: str) -> None:
    rows("create table u (id number primary key)")
    rows("insert into t values (1, null)")
    assert error(rows, dbapi, f"alter table t {change}") == code


@pytest.mark.parametrize(
    ("column", "value", "modified", "code"),
    [
        ("number(8,2)", "123.45", "number(8,1)", "ORA-01440"),
        ("number(8,2)", "123.45", "number(8,3)", "ORA-01440"),
        ("number(8,2)", "123.45", "float", "ORA-01440"),
        ("number", "1.5", "number(9,2)", "ORA-01440"),
        ("float(20)", "1.5", "float(19)", "ORA-01440"),
        ("number(8,2)", "123.45", "varchar2(20)", "ORA-01439"),
        ("varchar2(10)", "'12'", "number", "ORA-01439"),
        ("varchar2(10)", "'abcdef'", "varchar2(5)", "ORA-01441"),
        ("timestamp(6)", "systimestamp", "timestamp(3)", "ORA-30082"),
        ("number(8,2)", "123.45", "number(9,3)", None),
        ("number(8,2)", "123.45", "number", None),
        ("float(20)", "1.5", "float(21)", None),
        ("varchar2(10)", "'abcdef'", "varchar2(6)", None),
        ("varchar2(10)", "'abcdef'", "varchar2(20)", None),
        ("date", "date '2024-01-01'", "timestamp", None),
        ("number(8,2)", "null", "number(3,1)", None),
        ("number(8,2)", "null", "varchar2(5)", None),
    ],
)
def test_modify_leaves_values_as_they_are(
    rows: Rows, dbapi: ModuleType, column: str, value: str, modified: str, code: str | None
) -> None:
    rows(f"create table u (c {column})")
    rows(f"insert into u values ({value})")
    # A text of its own: Oracle Client's cache of statements does not bear that a column is of another type by now.
    query = f"select c from u /* {column} {modified} */"
    before = rows(query)
    if code is None:
        rows(f"alter table u modify (c {modified})")
    else:
        assert error(rows, dbapi, f"alter table u modify (c {modified})") == code
    assert rows(f"{query} where 1 = 1") == before
