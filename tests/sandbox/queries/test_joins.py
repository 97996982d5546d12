"""Joins with (+), LATERAL and APPLY, PIVOT and UNPIVOT."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.queries.conftest import Rows

QUERIES: list[tuple[str, list[tuple[Any, ...]]]] = [
    ("select d.dname, e.ename from dept d, emp e where d.deptno = e.deptno(+) and d.deptno > 20 order by 1, 2",
     [("OPERATIONS", None), ("SALES", "ALLEN"), ("SALES", "BLAKE"), ("SALES", "JAMES")]),
    ("select d.deptno, e.ename from emp e, dept d where e.deptno(+) = d.deptno and e.sal(+) > 2900 order by 1, 2",
     [(10, "KING"), (20, "JONES"), (20, "SCOTT"), (30, None), (40, None)]),
    ("select e.ename, m.ename, d.dname from emp e, emp m, dept d where e.mgr = m.empno(+) and m.deptno = d.deptno(+) "
     "and e.sal > 2900 order by 1",
     [("JONES", "KING", "ACCOUNTING"), ("KING", None, None), ("SCOTT", "JONES", "RESEARCH")]),
    ("select d.deptno from dept d, emp e where d.deptno = e.deptno(+) and e.empno is null", [(40,)]),
    # The columns of a star stand as the tables do, however they are joined.
    ("select * from (select comm c from emp where 1 = 0) e, (select deptno d from dept where deptno = 10) t "
     "where e.c(+) = t.d", [(None, 10)]),
    ("select dname, n from dept d cross apply (select count(*) n from emp e where e.deptno = d.deptno) order by 1",
     [("ACCOUNTING", 2), ("OPERATIONS", 0), ("RESEARCH", 2), ("SALES", 3)]),
    ("select d.deptno, x.n from dept d outer apply (select ename n from emp e where e.deptno = d.deptno and sal > 2999"
     ") x order by 1", [(10, "KING"), (20, "SCOTT"), (30, None), (40, None)]),
    ("select d.deptno, c from dept d, lateral (select count(*) c from emp e where e.deptno = d.deptno) x order by 1",
     [(10, 2), (20, 2), (30, 3), (40, 0)]),
    ("select * from (select deptno, job, sal from emp where sal > 2400) pivot (sum(sal) for deptno in (10, 20 as d20)) "
     "order by job", [("ANALYST", None, 3000), ("MANAGER", 2450, 2975), ("PRESIDENT", 5000, None)]),
    ("select * from (select deptno, sal, job from emp) pivot (max(sal) as top, count(*) as n for job in "
     "('CLERK' as clerk, 'MANAGER')) p order by p.deptno",
     [(10, None, 0, 2450, 1), (20, None, 0, 2975, 1), (30, 950, 1, 2850, 1)]),
    ("select * from (select 1 a, 2 b, 3 c, cast(null as number) d from dual) unpivot (v for k in (a, b as 'bee', d)) "
     "order by v", [(3, "A", 1), (3, "bee", 2)]),
    ("select k, v from (select 1 a, cast(null as number) b from dual) unpivot include nulls (v for k in (a, b)) "
     "order by k", [("A", 1), ("B", None)]),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "expected"), QUERIES)
def test_joined(rows: Rows, sql: str, expected: list[tuple[Any, ...]]) -> None:
    assert rows(sql) == expected


def test_the_columns_of_pivot_are_named_by_its_values(session: Any) -> None:
    cursor = session.cursor()
    cursor.execute(
        "select * from (select deptno, sal, job from emp) pivot (max(sal) as top for job in ('CLERK' as clerk, 'BOSS'))"
    )
    assert [column[0] for column in cursor.description] == ["DEPTNO", "CLERK_TOP", "'BOSS'_TOP"]


@pytest.mark.parametrize(
    ("condition", "error"),
    [
        ("d.deptno(+) = e.deptno(+)", "ORA-01468"),
        ("d.deptno = e.deptno(+) or 1 = 2", "ORA-01719"),
        ("d.deptno = e.deptno(+) and e.deptno = d.deptno(+)", "ORA-01416"),
        ("e.deptno(+) = (select 1 from dual)", "ORA-01799"),
        ("d.deptno = deptno(+)", "ORA-03001"),
    ],
)
def test_what_an_outer_join_may_not_be(rows: Rows, dbapi: Any, condition: str, error: str) -> None:
    with pytest.raises(dbapi.DatabaseError, match=error):
        rows(f"select * from dept d, emp e where {condition}")


def test_no_outer_join_of_both_kinds(rows: Rows, dbapi: Any) -> None:
    with pytest.raises(dbapi.DatabaseError, match="ORA-25156"):
        rows("select * from dept d join emp e on e.deptno = d.deptno where d.deptno = e.deptno(+)")
    with pytest.raises(dbapi.DatabaseError, match="ORA-30563"):
        rows("select e.deptno(+) from dept d, emp e where d.deptno = e.deptno")
