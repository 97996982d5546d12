"""CONNECT BY: the tree of EMP, and generators."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.queries.conftest import Rows

TREE = "start with mgr is null connect by prior empno = mgr order siblings by ename"
NAMES = ["KING", "BLAKE", "ALLEN", "JAMES", "CLARK", "JONES", "SCOTT"]


def test_the_tree_with_all_that_it_tells(rows: Rows) -> None:
    sql = f"""select level, ename, sys_connect_by_path(ename, '/'), connect_by_root ename, connect_by_isleaf,
        prior ename from emp {TREE}"""
    assert rows(sql) == [
        (1, "KING", "/KING", "KING", 0, None),
        (2, "BLAKE", "/KING/BLAKE", "KING", 0, "KING"),
        (3, "ALLEN", "/KING/BLAKE/ALLEN", "KING", 1, "BLAKE"),
        (3, "JAMES", "/KING/BLAKE/JAMES", "KING", 1, "BLAKE"),
        (2, "CLARK", "/KING/CLARK", "KING", 1, "KING"),
        (2, "JONES", "/KING/JONES", "KING", 0, "KING"),
        (3, "SCOTT", "/KING/JONES/SCOTT", "KING", 1, "JONES"),
    ]


def test_names_of_columns(session: Any) -> None:
    cursor = session.cursor()
    cursor.execute(f"select level, prior ename, connect_by_root ename, lpad(' ', 2 * level) || ename from emp {TREE}")
    names = [column[0] for column in cursor.description]
    assert names == ["LEVEL", "PRIORENAME", "CONNECT_BY_ROOTENAME", "LPAD(' ',2*LEVEL)||ENAME"]


ONE_COLUMN: list[tuple[str, list[Any]]] = [
    (f"select ename from emp {TREE}", NAMES),
    # The conditions of WHERE come after the hierarchy: who is left out has children all the same.
    (f"select ename from emp where ename <> 'BLAKE' {TREE}", [name for name in NAMES if name != "BLAKE"]),
    ("select ename from emp start with ename = 'JAMES' connect by empno = prior mgr", ["JAMES", "BLAKE", "KING"]),
    ("select ename from emp connect by prior empno = mgr and level <= 2 start with mgr is null order by 1 desc",
     ["KING", "JONES", "CLARK", "BLAKE"]),
    (f"select ename from emp where level = 2 {TREE}", ["BLAKE", "CLARK", "JONES"]),
    (f"select ename from emp where rownum <= 3 {TREE}", ["KING", "BLAKE", "ALLEN"]),
    (f"select rownum || ename from emp {TREE} desc",
     ["1KING", "2JONES", "3SCOTT", "4CLARK", "5BLAKE", "6JAMES", "7ALLEN"]),
    ("select e.ename || d.dname from emp e, dept d where e.deptno = d.deptno and d.deptno <> 30 "
     "start with e.mgr is null connect by prior e.empno = e.mgr order siblings by d.dname, e.ename",
     ["KINGACCOUNTING", "CLARKACCOUNTING", "JONESRESEARCH", "SCOTTRESEARCH"]),
    ("select d.dname || level from emp e join dept d on e.deptno = d.deptno start with e.mgr is null "
     "connect by prior e.empno = e.mgr order siblings by e.empno",
     ["ACCOUNTING1", "RESEARCH2", "RESEARCH3", "SALES2", "SALES3", "SALES3", "ACCOUNTING2"]),
    ("select n from (select empno n, mgr m from emp) start with m is null connect by prior n = m and level < 3 "
     "order siblings by n", [7839, 7566, 7698, 7782]),
    ("with t as (select empno n, mgr m from emp) select level from t start with m is null connect by m = prior n "
     "order siblings by n", [1, 2, 3, 2, 3, 3, 2]),
    ("select max(level) from emp start with mgr is null connect by prior empno = mgr", [3]),
    ("select (select count(*) from emp b start with b.empno = a.empno connect by prior b.empno = b.mgr) from emp a "
     "order by empno", [1, 2, 3, 1, 1, 7, 1]),
    ("select dname from dept d where exists (select 1 from emp start with deptno = d.deptno and ename = 'SCOTT' "
     "connect by prior empno = mgr)", ["RESEARCH"]),
    ("select level from dual connect by level <= 3", [1, 2, 3]),
    ("select date '2024-02-28' + level - 1 - date '2024-02-28' from dual connect by level <= 2", [0, 1]),
    ("select regexp_substr('a,b,,d', '[^,]+', 1, level) from dual connect by level <= regexp_count('a,b,,d', ',') + 1",
     ["a", "b", "d", None]),
    ("select count(*) from (select 1 from dept connect by level <= 3)", [84]),
    ("select connect_by_iscycle from (select 1 n, 2 m from dual union all select 2, 1 from dual) start with n = 1 "
     "connect by nocycle prior n = m", [0, 1]),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "expected"), ONE_COLUMN)
def test_one_column(rows: Rows, sql: str, expected: list[Any]) -> None:
    assert [value for (value,) in rows(sql)] == expected


def test_a_star_has_the_table_s_columns_alone(rows: Rows) -> None:
    assert rows(f"select * from emp {TREE}")[1:2] == rows("select * from emp where ename = 'BLAKE'")


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("select 1 from emp connect by prior empno = empno", "ORA-01436"),
        ("select connect_by_iscycle from emp connect by prior empno = mgr", "ORA-30930"),
        (f"select sys_connect_by_path(ename, 'A') from emp {TREE}", "ORA-30004"),
        ("select ename from emp connect by prior empno = mgr for update", "ORA-03001.*FOR UPDATE"),
        ("select rowid from emp connect by prior empno = mgr", "ORA-03001.*ROWID"),
        ("select * from (select * from emp e join dept d on 1 = 1) connect by prior empno = mgr", "ORA-03001.*SELECT"),
        ("select e.ename from emp e, dept d connect by prior empno = mgr", "ORA-03001.*without its table"),
        (f"select prior level from emp {TREE}", "ORA-03001.*PRIOR LEVEL"),
    ],
)
def test_what_is_no_hierarchy(rows: Rows, dbapi: Any, sql: str, error: str) -> None:
    with pytest.raises(dbapi.DatabaseError, match=error):
        rows(sql)


def test_dml_by_a_hierarchy(rows: Rows) -> None:
    rows(
        "delete from emp where empno in (select empno from emp start with ename = 'BLAKE' connect by prior empno = mgr)"
    )
    assert rows("select count(*) from emp") == [(4,)]
