"""ROWNUM in all its places, analytic functions, MERGE."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.queries.conftest import Rows

QUERIES: list[tuple[str, list[Any]]] = [
    ("select count(*) from emp where rownum > 1", [0]),
    ("select count(*) from emp where rownum > 0", [7]),
    ("select count(*) from emp where rownum >= 1", [7]),
    ("select count(*) from emp where rownum = 2", [0]),
    ("select count(*) from emp where rownum = 1", [1]),
    ("select count(*) from emp where rownum <> 3", [2]),
    ("select count(*) from emp where rownum between 1 and 3", [3]),
    ("select count(*) from emp where rownum between 2 and 3", [0]),
    ("select count(*) from emp where 3 >= rownum and rownum < 100", [3]),
    ("select ename from (select ename from emp order by sal desc) where rownum <= 2", ["KING", "SCOTT"]),
    ("select n from (select rownum n, e.* from (select * from emp order by ename) e) where n between 2 and 3", [2, 3]),
    ("select rownum from emp order by rownum desc fetch first 2 rows only", [7, 6]),
    ("select distinct rownum from emp where rownum < 3 order by 1", [1, 2]),
    ("select max(rownum) from emp", [7]),
    ("select rownum from emp group by rownum having rownum > 5 order by rownum", [6, 7]),
    ("select listagg(distinct job, ',') within group (order by job desc) from emp",
     ["SALESMAN,PRESIDENT,MANAGER,CLERK,ANALYST"]),
    ("select distinct listagg(ename, ';') within group (order by sal desc) over (partition by deptno) from emp "
     "where deptno < 30 order by 1", ["KING;CLARK", "SCOTT;JONES"]),
    ("select round(ratio_to_report(sal) over (), 3) from emp where deptno = 10 order by 1", [0.329, 0.671]),
    ("select first_value(comm ignore nulls) over (order by sal) from emp order by sal fetch first 2 rows only",
     [None, 300]),
    ("select last_value(comm) ignore nulls over (order by sal) from emp order by sal desc fetch first row only", [300]),
    ("select max(ename) keep (dense_rank first order by job) from emp", ["SCOTT"]),
    ("select min(ename) keep (dense_rank last order by job, ename desc) from emp", ["ALLEN"]),
    ("select min(ename) keep (dense_rank last order by comm nulls first) from emp", ["ALLEN"]),
    ("select max(ename) keep (dense_rank first order by comm desc nulls last) from emp", ["ALLEN"]),
    ("select distinct max(sal) keep (dense_rank last order by hiredate) over (partition by deptno) from emp order by 1",
     [950, 3000, 5000]),
    ("select median(sal) from emp union all select median(sal) from emp where deptno = 10", [2850, 3725]),
    ("select deptno from dept minus select deptno from emp", [40]),
    ("select grouping_id(deptno, job) from emp group by rollup(deptno, job) having deptno is null", [3]),
    ("select 1 from dual where 2 > all (0, 1) and 1 = any (1, 2) and lnnvl(1 = 2)", [1]),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "expected"), QUERIES)
def test_one_column(rows: Rows, sql: str, expected: list[Any]) -> None:
    assert [value for (value,) in rows(sql)] == expected


def test_update_by_rownum(rows: Rows) -> None:
    rows("update emp set comm = rownum + 10 where deptno = 10")
    assert rows("select comm from emp where deptno = 10 order by 1") == [(11,), (12,)]
    rows("update emp set comm = 0 where rownum <= 3")
    assert rows("select count(*) from emp where comm = 0") == [(3,)]
    rows("delete from emp where rownum = 1 and deptno = 30")
    assert rows("select count(*) from emp where deptno = 30") == [(2,)]


MERGE = "merge into emp e using (select 7839 id, 9 c from dual union all select 1, 2 from dual) s on (e.empno = s.id) "


@pytest.mark.parametrize(
    ("whens", "expected"),
    [
        ("when matched then update set e.comm = s.c when not matched then insert (empno, comm) values (s.id, s.c)",
         [(1, 2), (7499, 300), (7839, 9)]),
        ("when matched then update set e.comm = s.c where e.sal < 100 "
         "when not matched then insert (empno, comm) values (s.id, s.c) where s.c > 2", [(7499, 300)]),
        ("when matched then update set e.comm = s.c delete where e.comm = 9 and case when 1 = 1 then 1 end = 1",
         [(7499, 300)]),
        ("when matched then update set comm = s.c where e.sal > 1 delete where comm is null", [(7499, 300), (7839, 9)]),
    ],
)  # fmt: skip
def test_merge(rows: Rows, whens: str, expected: list[tuple[int, int]]) -> None:
    rows(MERGE + whens)
    assert rows("select empno, comm from emp where comm is not null order by 1") == expected
    kings = rows("select count(*) from emp where empno = 7839")
    assert kings == [(0 if "e.comm = 9" in whens else 1,)]


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        (MERGE + "when matched then update set e.empno = 1", "ORA-38104"),
        ("merge into emp e using (select 7839 id from emp) s on (e.empno = s.id) when matched then update set comm = 1",
         "ORA-30926"),
    ],
)  # fmt: skip
def test_what_merge_may_not(rows: Rows, dbapi: Any, sql: str, error: str) -> None:
    with pytest.raises(dbapi.DatabaseError, match=error):
        rows(sql)
