"""PL/SQL arrays (index-by tables) as binds of calls, to functions that are registered in Python."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest

from orapool.sandbox import InOut, OracleError, Out, Sandbox

Connect = Callable[..., Any]
DAY = datetime.datetime(2024, 2, 29, 13, 4, 9)


@pytest.fixture
def sandbox(sandbox: Sandbox) -> Iterator[Sandbox]:
    with sandbox.restored():
        yield sandbox


@pytest.fixture
def cursor(connect: Connect) -> Iterator[Any]:
    with connect().cursor() as cursor:
        yield cursor


def test_a_list_goes_in(sandbox: Sandbox, cursor: Any) -> None:
    given: list[Any] = []

    def sum_all(numbers: list[float]) -> float:
        given.append(numbers)
        return sum(number or 0 for number in numbers)

    sandbox.register("pkg.sum_all", sum_all)
    for numbers in ([1, 2.5, -3], [10], [], [None, 4, None], list(range(300))):
        expected = sum(number or 0 for number in numbers)
        bound = cursor.arrayvar(float, numbers) if numbers else cursor.arrayvar(float, 5)
        assert cursor.callfunc("pkg.sum_all", float, [bound]) == expected
        cursor.execute("begin pkg.sum_all(:1); end;", [bound])
        cursor.execute("begin :total := pkg.sum_all(numbers => :n); end;", total=cursor.var(float), n=bound)
        assert given == [numbers] * 3
        given.clear()


def test_elements_of_all_types(sandbox: Sandbox, cursor: Any, dbapi: ModuleType) -> None:
    sandbox.register("echo", lambda values: values)
    for kind, values in (
        (int, [1, None, -(10**37)]),
        (float, [0.5, None]),
        (str, ["Zürich 𝄞", None, "", "x" * 3000]),
        (dbapi.DB_TYPE_NVARCHAR, ["Zürich", None]),
        (dbapi.DB_TYPE_RAW, [b"\0\xff", None]),
        (datetime.datetime, [DAY, None]),
        (dbapi.DB_TYPE_TIMESTAMP, [DAY.replace(microsecond=123456), None]),
        (dbapi.DB_TYPE_INTERVAL_DS, [datetime.timedelta(days=-1, seconds=5, microseconds=7), None]),
        (dbapi.DB_TYPE_BINARY_DOUBLE, [1e300, None, float("inf")]),
    ):
        size = (4000,) if kind is str else ()
        back = cursor.arrayvar(kind, len(values) + 2, *size)
        cursor.execute("begin :1 := echo(:2); end;", [back, cursor.arrayvar(kind, values, *size)])
        assert back.getvalue() == [value or None if isinstance(value, str) else value for value in values]


def test_lists_come_out_and_are_replaced(sandbox: Sandbox, cursor: Any) -> None:
    def double(numbers: InOut[list[int]], names: Out[list[str]], total: Out[int]) -> None:
        assert isinstance(numbers.value, list)
        names.value = [f"n{number}" for number in numbers.value]
        total.value = sum(numbers.value)
        numbers.value = [2 * number for number in numbers.value][:3]

    sandbox.register("pkg.double", double)
    numbers, names, total = cursor.arrayvar(int, 4), cursor.arrayvar(str, 4), cursor.var(int)
    for given in ([1, 2], [1, 2, 3, 4], [], [7]):
        numbers.setvalue(0, given)
        for _ in range(2):
            before = numbers.getvalue()
            cursor.callproc("pkg.double", [numbers, names, total])
            assert numbers.getvalue() == [2 * number for number in before][:3]
            assert names.getvalue() == [f"n{number}" for number in before]
            assert total.getvalue() == sum(before)


def test_what_a_function_returns_goes_into_an_array(sandbox: Sandbox, cursor: Any) -> None:
    sandbox.register("split", lambda text: text.split(",") if text else None)
    sandbox.register("upto", range)
    words, numbers = cursor.arrayvar(str, 10), cursor.arrayvar(int, 10)
    cursor.execute("begin :1 := split(:2); end;", [words, "a,b,c"])
    assert words.getvalue() == ["a", "b", "c"]
    cursor.execute("begin :1 := split(:2); end;", [words, None])
    assert words.getvalue() == []
    cursor.execute("begin :1 := upto(4); end;", [numbers])
    assert numbers.getvalue() == [0, 1, 2, 3]


def test_more_arguments_and_numbers_as_annotated(sandbox: Sandbox, cursor: Any) -> None:
    seen: list[Any] = []
    sandbox.register("anything", lambda *arguments: seen.extend(arguments))

    def exact(numbers: list[Decimal]) -> None:
        seen.append(numbers)

    sandbox.register("exact", exact)
    cursor.callproc("anything", ["a", cursor.arrayvar(int, [1, 2]), 3])
    cursor.callproc("exact", [cursor.arrayvar(int, [1, 2])])
    assert seen == ["a", [1, 2], 3, [Decimal(1), Decimal(2)]]
    assert all(isinstance(number, Decimal) for number in seen[-1])


def test_an_array_that_is_too_small(sandbox: Sandbox, cursor: Any, dbapi: ModuleType) -> None:
    def fill(numbers: Out[list[Any]]) -> None:
        numbers.value = [1, 2, 3]

    sandbox.register("fill", fill)
    with pytest.raises(dbapi.DatabaseError, match="ORA-06513: .*NUMBERS of FILL has 3 elements, .* bound to it 2"):
        cursor.callproc("fill", [cursor.arrayvar(int, 2)])
    with pytest.raises(dbapi.DatabaseError, match="ORA-06502: .*element 1 of NUMBERS of FILL is a number"):
        cursor.callproc("fill", [cursor.arrayvar(datetime.datetime, 5)])
    enough = cursor.arrayvar(int, 3)
    cursor.callproc("fill", [enough])
    assert enough.getvalue() == [1, 2, 3]


def test_what_is_no_list(sandbox: Sandbox, cursor: Any, dbapi: ModuleType) -> None:
    sandbox.register("text", lambda: "abc")
    sandbox.register("rows", lambda: [(1, 2)])
    sandbox.register("fails", lambda numbers: 1 / sum(numbers))
    with pytest.raises(dbapi.DatabaseError, match="ORA-06502: .*TEXT is bound to an array: give it a list"):
        cursor.execute("begin :1 := text(); end;", [cursor.arrayvar(str, 5)])
    with pytest.raises(dbapi.DatabaseError, match="ORA-06502: .*an element of ROWS: builtins.tuple"):
        cursor.execute("begin :1 := rows(); end;", [cursor.arrayvar(int, 5)])
    with pytest.raises(dbapi.DatabaseError, match="ORA-06512: at .FAILS.: ZeroDivisionError"):
        cursor.callproc("fails", [cursor.arrayvar(int, [1, -1])])


@pytest.mark.parametrize(
    "sql",
    [
        "select * from dual where 1 = :1",
        "insert into counted values (:1)",
        "update counted set x = :1",
        "call anything(:1)",
        "select anything(:1) from dual",
    ],
)
def test_arrays_are_for_plsql_alone(sandbox: Sandbox, cursor: Any, dbapi: ModuleType, sql: str) -> None:
    sandbox.register("anything", lambda _: 1)
    cursor.execute("create table counted (x number)")
    with pytest.raises(dbapi.DatabaseError, match="ORA-01484: arrays can only be bound to PL/SQL statements"):
        cursor.execute(sql, [cursor.arrayvar(int, [1, 2])])
    assert cursor.execute("select count(*) from counted").fetchone() == (0,)


@pytest.mark.parametrize(
    "block",
    [
        "begin :1 := 1; end;",
        "begin insert into counted values (:1); end;",
        "begin select count(*) into :1 from counted; end;",
        "begin anything(:1 + 1); end;",
    ],
)
def test_an_array_is_no_single_value(sandbox: Sandbox, cursor: Any, dbapi: ModuleType, block: str) -> None:
    sandbox.register("anything", lambda _: 1)
    cursor.execute("create table counted (x number)")
    with pytest.raises(dbapi.DatabaseError, match="ORA-06550: PLS-00382: expression is of wrong type"):
        cursor.execute(block, [cursor.arrayvar(int, [1, 2])])


def test_an_array_bound_to_an_undefined_function(cursor: Any, dbapi: ModuleType) -> None:
    with pytest.raises(dbapi.DatabaseError, match="ORA-03001: .*NOTHING is not there"):
        cursor.callproc("nothing", [cursor.arrayvar(int, [1, 2])])


def test_errors_of_a_function_keep_the_arrays(sandbox: Sandbox, cursor: Any, dbapi: ModuleType) -> None:
    def fail(numbers: InOut[list[int]]) -> None:
        numbers.value = [5]
        raise OracleError(20001, "no")

    sandbox.register("fail", fail)
    numbers = cursor.arrayvar(int, [1, 2])
    with pytest.raises(dbapi.DatabaseError, match="ORA-20001"):
        cursor.callproc("fail", [numbers])
    assert numbers.getvalue() == [1, 2]


def test_arrays_are_recorded(sandbox: Sandbox, cursor: Any) -> None:
    sandbox.register("take", lambda values, names: None)
    numbers = list(range(1000))
    cursor.callproc("take", [cursor.arrayvar(int, numbers), cursor.arrayvar(str, ["a", None, "b" * 3000], 4000)])
    (call,) = sandbox.statements.matching("take")
    taken, names = call.binds
    assert taken == numbers[: len(taken)]
    assert 100 < len(taken) < 1000
    assert names == ["a", None, "b" * 1000]
