"""Analytic functions and KEEP, against a model in Python: every function, frame and treatment of NULLs."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.queries.conftest import Rows

_random = random.Random(7)
# A row is a group, a place in it that no other has, a key that many have, and a value that may be NULL.
ROWS = [
    (number % 3, number, _random.choice([None, 1, 2, 2.5]), _random.choice([None, None, 1, 2, 3, 5, 8.5]))
    for number in _random.sample(range(100), 45)
]
UNION = " union all ".join(
    f"select {group} g, {place} p, {'null' if key is None else key} k, {'null' if value is None else value} v from dual"
    for group, place, key, value in ROWS
)
TABLE = f"with t as ({UNION})"

Frame = Callable[[int, int], range]
FRAMES: dict[str, Frame] = {
    "": lambda at, size: range(at + 1),
    "rows unbounded preceding": lambda at, size: range(at + 1),
    "rows between unbounded preceding and unbounded following": lambda at, size: range(size),
    "rows between 3 preceding and 1 preceding": lambda at, size: range(max(0, at - 3), at),
    "rows between 1 following and 4 following": lambda at, size: range(at + 1, min(size, at + 5)),
    "rows between 2 preceding and 2 following": lambda at, size: range(max(0, at - 2), min(size, at + 3)),
    "rows between current row and unbounded following": lambda at, size: range(at, size),
    "range between unbounded preceding and unbounded following": lambda at, size: range(size),
}


def partitions() -> list[list[tuple[Any, ...]]]:
    return [sorted((row for row in ROWS if row[0] == group), key=lambda row: row[1]) for group in range(3)]


def expected(model: Callable[[list[Any], int], Any]) -> dict[int, Any]:
    """What a model makes of the values of each partition, in order, and a row's number, by the row's place."""
    made: dict[int, Any] = {}
    for part in partitions():
        values = [row[3] for row in part]
        made.update({row[1]: model(values, at) for at, row in enumerate(part)})
    return made


def at_place(values: list[Any], number: int) -> Any:
    return values[number] if -len(values) <= number < len(values) else None


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize(
    ("function", "ignores", "pick"),
    [
        ("first_value(v ignore nulls)", True, lambda values: at_place(values, 0)),
        ("last_value(v) ignore nulls", True, lambda values: at_place(values, -1)),
        ("first_value(v) respect nulls", False, lambda values: at_place(values, 0)),
        ("last_value(v respect nulls)", False, lambda values: at_place(values, -1)),
        ("nth_value(v, 2)", False, lambda values: at_place(values, 1)),
        ("nth_value(v, 2) from first respect nulls", False, lambda values: at_place(values, 1)),
        ("nth_value(v, 3) ignore nulls", True, lambda values: at_place(values, 2)),
        ("nth_value(v, 2) from last", False, lambda values: at_place(values, -2)),
        ("nth_value(v, 2) from last ignore nulls", True, lambda values: at_place(values, -2)),
    ],
)
def test_values_of_frames(
    rows: Rows, function: str, ignores: bool, pick: Callable[[list[Any]], Any], frame: str
) -> None:
    def model(values: list[Any], at: int) -> Any:
        inside = [values[place] for place in FRAMES[frame](at, len(values))]
        return pick([value for value in inside if value is not None or not ignores])

    sql = f"{TABLE} select p, {function} over (partition by g order by p {frame}) from t"
    assert dict(rows(sql)) == expected(model)


@pytest.mark.parametrize("count", [None, 1, 2, 4])
@pytest.mark.parametrize("default", [None, -1])
@pytest.mark.parametrize("ignores", [True, False])
def test_lag_and_lead(rows: Rows, count: int | None, default: int | None, ignores: bool) -> None:
    if count is None and default is not None:
        count = 1
    arguments = ", ".join(str(each) for each in ("v", count, default) if each is not None)
    treatment = "ignore nulls" if ignores else "respect nulls"

    def lag(values: list[Any], at: int) -> Any:
        before = [value for value in values[:at] if value is not None or not ignores]
        return before[-(count or 1)] if len(before) >= (count or 1) else default

    def lead(values: list[Any], at: int) -> Any:
        return lag(values[::-1], len(values) - 1 - at)

    over = "over (partition by g order by p)"
    assert dict(rows(f"{TABLE} select p, lag({arguments}) {treatment} {over} from t")) == expected(lag)
    assert dict(rows(f"{TABLE} select p, lead({arguments}) {treatment} {over} from t")) == expected(lead)


AGGREGATES: dict[str, Callable[[list[Any]], Any]] = {
    "max(v)": lambda values: max(values, default=None),
    "min(v)": lambda values: min(values, default=None),
    "sum(v)": lambda values: sum(values) if values else None,
    "avg(v)": lambda values: sum(values) / len(values) if values else None,
    "count(v)": len,
}


def close(found: Any) -> Any:
    return None if found is None else round(float(found), 9)


@pytest.mark.parametrize("end", ["first", "last"])
@pytest.mark.parametrize("order", ["k", "k desc", "k nulls first", "k desc nulls last"])
@pytest.mark.parametrize("function", [*AGGREGATES, "count(*)"])
def test_keep(rows: Rows, function: str, order: str, end: str) -> None:
    def rank(key: Any) -> tuple[bool, float]:
        nulls_first = order.endswith("first") or order == "k desc"
        return (key is None) != nulls_first, 0 if key is None else -key if "desc" in order else key

    found: dict[int, Any] = {}
    for group, part in enumerate(partitions()):
        best = (min if end == "first" else max)(rank(row[2]) for row in part)
        kept = [row for row in part if rank(row[2]) == best]
        values = [row[3] for row in kept if row[3] is not None]
        found[group] = close(len(kept) if function == "count(*)" else AGGREGATES[function](values))
    keep = f"{function} keep (dense_rank {end} order by {order})"
    grouped = rows(f"{TABLE} select g, {keep} from t group by g")
    assert {group: close(value) for group, value in grouped} == found
    over = rows(f"{TABLE} select distinct g, {keep} over (partition by g) from t")
    assert sorted((group, close(value)) for group, value in over) == sorted(found.items())


def test_keep_of_several_keys_and_types(rows: Rows) -> None:
    keep = "keep (dense_rank last order by job, trunc(hiredate, 'YYYY') desc, ename || '')"
    assert rows(f"select sum(sal) {keep}, count(*) {keep}, avg(to_binary_double(sal)) {keep} from emp") == [
        (1600, 1, 1600.0)
    ]
    assert rows("select sum(sal) keep (dense_rank first order by deptno), count(*) from emp where 1 = 0") == [(None, 0)]
    of_managers = "keep (dense_rank first order by case job when 'MANAGER' then 1.0 else 2.00 end)"
    assert rows(f"select sum(sal) {of_managers}, count(comm) {of_managers}, avg(sal) {of_managers} from emp") == [
        (8275, 0, pytest.approx(8275 / 3))
    ]


def test_ratio_to_report_and_listagg(rows: Rows) -> None:
    assert rows(
        "select ename, ratio_to_report(sal) over (partition by deptno) from emp where deptno = 10 order by 2"
    ) == [
        ("CLARK", pytest.approx(2450 / 7450)),
        ("KING", pytest.approx(5000 / 7450)),
    ]
    listed = "listagg(ename, ', ') within group (order by sal desc)"
    assert rows(f"select distinct deptno, {listed} over (partition by deptno) from emp order by 1") == [
        (10, "KING, CLARK"),
        (20, "SCOTT, JONES"),
        (30, "BLAKE, ALLEN, JAMES"),
    ]


NUMBERED = "with n as (select level x from dual connect by level <= {})"


@pytest.mark.parametrize(
    ("clause", "separator", "indicator", "counts"),
    [
        ("on overflow truncate", ",", "...", True),
        ("on overflow truncate '[more]'", ",", "[more]", True),
        ("on overflow truncate '#' without count", ", ", "#", False),
        ("on overflow truncate without count", "", "...", False),
    ],
)
def test_listagg_is_cut_where_it_is_told(rows: Rows, clause: str, separator: str, indicator: str, counts: bool) -> None:
    """Whole values are kept: they leave room for a separator, the indicator and 24 bytes of the count."""
    listed = f"listagg(x, '{separator}' {clause}) within group (order by x)"
    room = 4000 - len(separator) - len(indicator) - (24 if counts else 0)
    kept = max(n for n in range(2000) if len(separator.join(map(str, range(1, n + 1)))) <= room)
    cut = separator.join([*map(str, range(1, kept + 1)), indicator]) + (f"({2000 - kept})" if counts else "")
    assert rows(f"{NUMBERED.format(2000)} select {listed} from n") == [(cut,)]
    assert rows(f"{NUMBERED.format(2000)} select distinct {listed} over () from n") == [(cut,)]
    assert rows(f"{NUMBERED.format(5)} select {listed} from n") == [(separator.join("12345"),)]


def test_listagg_overflows(rows: Rows, dbapi: Any) -> None:
    for clause in ("", "on overflow error"):
        with pytest.raises(dbapi.DatabaseError, match="ORA-01489"):
            rows(f"{NUMBERED.format(2000)} select listagg(x, ',' {clause}) within group (order by x) from n")
    full = f"{NUMBERED.format(2)} select length(listagg(rpad('a', 2000, 'b'), '{{}}') within group (order by x)) from n"
    assert rows(full.format("")) == [(4000,)]
    with pytest.raises(dbapi.DatabaseError, match="ORA-01489"):
        rows(full.format(","))


@pytest.mark.parametrize(
    ("expression", "error"),
    [
        ("row_number() over (partition by g)", "ORA-30485"),
        ("lag(v) over ()", "ORA-30485"),
        ("sum(v) over (rows unbounded preceding)", "ORA-30485"),
        ("lead(v) over (order by p rows unbounded preceding)", "ORA-00907"),
        ("ratio_to_report(v) over (order by p)", "ORA-30487"),
        ("sum(v) keep (dense_rank first order by k) over (order by p)", "ORA-30487"),
        ("lag(v, -1) over (order by p)", "ORA-01428"),
        ("lag(v, -1) ignore nulls over (order by p)", "ORA-01428"),
        ("lag(v, 0) ignore nulls over (order by p)", "ORA-03001: .*LAG and LEAD by 0 rows with IGNORE NULLS"),
        ("nth_value(v, 0) over (order by p)", "ORA-01428"),
        ("nth_value(v, 1.5) ignore nulls over (order by p)", "ORA-01428"),
        ("sum(v) ignore nulls over (order by p)", "ORA-03001: .*IGNORE NULLS of SUM"),
        ("stddev(v) keep (dense_rank first order by k)", "ORA-03001: .*KEEP .* of STDDEV"),
        ("count(distinct v) keep (dense_rank first order by k)", "ORA-03001: .*KEEP .*COUNT.DISTINCT"),
        ("count(distinct v) over (partition by g)", "ORA-03001"),
    ],
)
def test_what_is_refused(rows: Rows, dbapi: Any, expression: str, error: str) -> None:
    with pytest.raises(dbapi.DatabaseError, match=error):
        rows(f"{TABLE} select {expression} from t")
