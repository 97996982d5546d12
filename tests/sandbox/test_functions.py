"""Functions in Python that stand for PL/SQL's: called by both drivers in all the ways there are."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from types import ModuleType
from typing import Any
from unittest.mock import Mock

import pandas
import pytest

from orapool.sandbox import CallSession, InOut, OracleError, Out, Query, Rows, Sandbox

Connect = Callable[..., Any]


@pytest.fixture
def sandbox(sandbox: Sandbox) -> Iterator[Sandbox]:
    with sandbox.restored():
        yield sandbox


@pytest.fixture
def cursor(connect: Connect) -> Any:
    return connect().cursor()


# ---------------------------------------------------------------- calls
def test_callfunc_and_callproc(sandbox: Sandbox, cursor: Any) -> None:
    given: list[Any] = []
    sandbox.register("shop.price", lambda item: {"apple": 1.25}[item])
    sandbox.register("shop.note", lambda text, times=1: given.append((text, times)))

    assert cursor.callfunc("shop.price", float, ["apple"]) == 1.25
    cursor.callproc("Shop.Note", ["a"])
    cursor.callproc("shop.note", ["b", 2])
    cursor.execute("begin shop.note(times => :n, text => 'c'); shop.note(upper(:t) || 'e'); end;", n=3, t="d")
    cursor.execute("call shop.note(:1)", ["f"])

    assert given == [("a", 1), ("b", 2), ("c", 3), ("De", 1), ("f", 1)]


def test_values_of_all_types(sandbox: Sandbox, cursor: Any, dbapi: ModuleType) -> None:
    seen: list[Any] = []

    def echo(value: Any) -> Any:
        seen.append(value)
        return value

    sandbox.register("echo", echo)
    moment = datetime.datetime(2024, 1, 2, 3, 4, 5)
    for kind, value in (
        (int, 5),
        (float, -1.5),
        (str, "Zürich 𝄞"),
        (datetime.datetime, moment),
        (dbapi.DB_TYPE_TIMESTAMP, moment),
        (dbapi.DB_TYPE_RAW, b"\0\xff"),
        (dbapi.DB_TYPE_INTERVAL_DS, datetime.timedelta(days=-1, seconds=5, microseconds=7)),
        (str, None),
    ):
        assert cursor.callfunc("echo", kind, [value]) == value
        assert seen.pop() == value
    sandbox.register("now", lambda: moment.replace(microsecond=123456))
    assert cursor.callfunc("now", dbapi.DB_TYPE_TIMESTAMP) == moment.replace(microsecond=123456)
    assert cursor.callfunc("now", dbapi.DB_TYPE_DATE) == moment
    assert cursor.callfunc("echo", dbapi.DB_TYPE_CLOB, ["x" * 40_000]).read() == "x" * 40_000


def test_numbers_come_as_annotated(sandbox: Sandbox, cursor: Any) -> None:
    seen: list[Any] = []

    def take(plain, exact: Decimal, real: float) -> None:  # type: ignore[no-untyped-def]
        seen.extend((plain, exact, real))

    sandbox.register("take", take)
    cursor.execute("begin take(1.5, 0.1, 2); end;")

    assert seen == [1.5, Decimal("0.1"), 2.0]
    assert [type(value) for value in seen] == [float, Decimal, float]


def test_out_and_in_out_parameters(sandbox: Sandbox, cursor: Any) -> None:
    def place(item: str, number: Out[int], total: InOut[float], note: Out[str]) -> float:
        number.value = 4711
        total.value = (total.value or 0) + 2.5
        note.value = f"one {item}"
        return 0.5

    sandbox.register("shop.place", place)
    number, total, note, rate = cursor.var(int), cursor.var(float), cursor.var(str), cursor.var(float)
    total.setvalue(0, 1)
    for expected in (3.5, 6.0, 8.5):
        cursor.callproc("shop.place", ["apple", number, total, note])
        assert (number.getvalue(), total.getvalue(), note.getvalue()) == (4711, expected, "one apple")
    cursor.execute(
        "begin :rate := shop.place(note => :note, item => :item, number => :n, total => :t); end;",
        rate=rate, note=note, item="pear", n=number, t=total,
    )  # fmt: skip
    assert (rate.getvalue(), note.getvalue(), total.getvalue()) == (0.5, "one pear", 11.0)


def test_a_block_runs_for_each_bind_row(sandbox: Sandbox, cursor: Any, dbapi: ModuleType) -> None:
    given: list[int] = []

    def double(number: int, twice: Out[int]) -> None:
        if number > 4:
            raise OracleError(20001, "too many")
        given.append(number)
        twice.value = 2 * number

    sandbox.register("double", double)
    for _ in range(2):
        twice = cursor.var(int, arraysize=4)
        cursor.setinputsizes(None, twice)
        cursor.executemany("begin double(:1, :2); end;", [(number,) for number in range(4)])
        assert [twice.getvalue(number) for number in range(4)] == [0, 2, 4, 6]
    assert given == [*range(4), *range(4)]
    with pytest.raises(dbapi.DatabaseError, match="ORA-20001"):
        cursor.executemany("begin double(:1, :2); end;", [(1,), (5,), (2,)])
    assert given[8:] == [1]


def test_a_bind_of_a_block_goes_in_and_out(cursor: Any) -> None:
    counter = cursor.var(int)
    counter.setvalue(0, 1)
    for expected in (2, 3, 4):
        cursor.execute("begin :n := :n + 1; end;", n=counter)
        assert counter.getvalue() == expected


def test_what_does_not_fit_its_variable_is_told(sandbox: Sandbox, cursor: Any, dbapi: ModuleType) -> None:
    sandbox.register("word", lambda: "word" * 3)
    with pytest.raises(dbapi.DatabaseError, match="ORA-06502: .*the result of WORD is a string"):
        cursor.callfunc("word", int)
    with pytest.raises(dbapi.DatabaseError, match="ORA-06502: .*buffer too small"):
        cursor.execute("begin :1 := word(); end;", [cursor.var(str, 1)])


def test_a_mock_may_stand_for_a_function(sandbox: Sandbox, cursor: Any) -> None:
    mock = Mock(return_value=7)
    sandbox.register("pkg.anything", mock)

    assert cursor.callfunc("pkg.anything", int, ["a", 1]) == 7
    cursor.execute("begin pkg.anything('b', named => 2); end;")

    assert [call.args for call in mock.call_args_list] == [("a", 1), ("b",)]
    assert mock.call_args.kwargs == {"named": 2}


# ---------------------------------------------------------------- rows
def test_a_ref_cursor_of_rows_a_query_or_a_frame(sandbox: Sandbox, cursor: Any, dbapi: ModuleType) -> None:
    sandbox.register("lines.tuples", lambda: [(1, "a"), (2.5, None)])
    sandbox.register("lines.named", lambda: [{"id": 1, "city": "Genève"}])
    sandbox.register("lines.given", lambda: Rows(["id", "at"], [(1, datetime.datetime(2024, 1, 2))]))
    sandbox.register("lines.frame", lambda: pandas.DataFrame({"n": range(500)}))
    sandbox.register("lines.query", lambda most: Query("select level as n from dual connect by level <= :most", [most]))
    sandbox.register("lines.none", list)

    def rows(name: str, *arguments: Any) -> tuple[list[str], list[tuple[Any, ...]]]:
        found = cursor.callfunc(name, dbapi.DB_TYPE_CURSOR, list(arguments))
        return [each[0] for each in found.description], found.fetchall()

    assert rows("lines.tuples") == (["COLUMN1", "COLUMN2"], [(1, "a"), (2.5, None)])
    assert rows("lines.named") == (["ID", "CITY"], [(1, "Genève")])
    assert rows("lines.given") == (["ID", "AT"], [(1, datetime.datetime(2024, 1, 2))])
    assert rows("lines.frame") == (["N"], [(number,) for number in range(500)])
    assert rows("lines.query", 250) == (["N"], [(number + 1,) for number in range(250)])
    assert rows("lines.none")[1] == []


def test_out_parameters_may_be_ref_cursors(sandbox: Sandbox, cursor: Any, dbapi: ModuleType) -> None:
    def both(first: Out[Any], second: Out[Any]) -> None:
        first.value, second.value = [(1,)], Query("select 'b' as x from dual")

    sandbox.register("both", both)
    first, second = cursor.var(dbapi.DB_TYPE_CURSOR), cursor.var(dbapi.DB_TYPE_CURSOR)
    cursor.callproc("both", [first, second])

    assert (first.getvalue().fetchall(), second.getvalue().fetchall()) == ([(1,)], [("b",)])


def test_a_ref_cursor_without_a_function(cursor: Any, dbapi: ModuleType) -> None:
    opened = cursor.var(dbapi.DB_TYPE_CURSOR)
    cursor.execute("begin open :c for select :x || 'y' as z from dual; end;", c=opened, x="x")
    assert opened.getvalue().fetchall() == [("xy",)]
    with pytest.raises(dbapi.DatabaseError, match="PLS-00382"):
        cursor.execute("begin open :c for select 1 from dual; end;", c=cursor.var(int))


def test_implicit_results(sandbox: Sandbox, cursor: Any) -> None:
    def report(session: CallSession) -> None:
        session.return_result([(1, "a"), (2, "b")])
        session.return_result(Query("select user from dual"))

    sandbox.register("report", report)
    cursor.callproc("report")

    assert [each.fetchall() for each in cursor.getimplicitresults()] == [[(1, "a"), (2, "b")], [("SCOTT",)]]


# ---------------------------------------------------------------- errors
def test_errors_of_functions(sandbox: Sandbox, cursor: Any, dbapi: ModuleType) -> None:
    def sell(count: int) -> float:
        if count > 3:
            raise OracleError(20001, f"only 3 apples, not {count}")
        return 1 / count

    sandbox.register("shop.sell", sell)
    with pytest.raises(dbapi.DatabaseError, match='^ORA-20001: only 3 apples, not 4\nORA-06512: at "SHOP.SELL"') as own:
        cursor.callproc("shop.sell", [4])
    assert own.value.args[0].code == 20001
    where = r'^ORA-06512: at "SHOP.SELL": ZeroDivisionError: division by zero \(test_functions.py, line \d+\)'
    with pytest.raises(dbapi.DatabaseError, match=where):
        cursor.callproc("shop.sell", [0])
    assert cursor.callfunc("shop.sell", float, [2]) == 0.5
    assert sandbox.OracleError is OracleError


@pytest.mark.parametrize(
    ("block", "error"),
    [
        ("begin f(); end;", "ORA-06550: PLS-00306: .*which takes .A IN, B OUT.*"),
        ("begin f(1, :x, 3); end;", "PLS-00306"),
        ("begin f(c => 1); end;", "PLS-00306"),
        ("begin f(a => 1, :x); end;", "PLS-00312"),
        ("begin f(1, 2); end;", "PLS-00363: expression for B of F, which is OUT"),
        ("begin shop.nothing(1); end;", "ORA-03001: .*SHOP.NOTHING is not there: Sandbox.register"),
        ("begin :x := shop.nothing(1); end;", "ORA-03001: .*SHOP.NOTHING is not there: Sandbox.register"),
        ("call shop.nothing(1)", "ORA-03001: .*CALL of what was not registered"),
        ("select f(1, 2) from dual", "ORA-06572: Function F has out arguments"),
    ],
)
def test_calls_that_cannot_be_made(sandbox: Sandbox, cursor: Any, dbapi: ModuleType, block: str, error: str) -> None:
    def f(a: int, b: Out[int]) -> None:
        raise AssertionError("not called")

    sandbox.register("f", f)
    with pytest.raises(dbapi.DatabaseError, match=error):
        cursor.execute(block, {"x": cursor.var(int)} if ":x" in block else {})


def test_what_cannot_be_registered(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="'shop price' is not a name of PL/SQL"):
        sandbox.register("shop price", print)

    def place(number: Out[int] = Out()) -> None:  # noqa: B008
        """Nothing."""

    with pytest.raises(ValueError, match="parameter number of .*place is OUT and has a default"):
        sandbox.register("shop.place", place)


def test_a_function_that_was_taken_back_is_gone(sandbox: Sandbox, cursor: Any, dbapi: ModuleType) -> None:
    sandbox.register("f", lambda: 1)
    sandbox.register("g", lambda: 2)
    assert cursor.callfunc("f", int) == 1
    sandbox.register("f", lambda: 3)
    assert cursor.callfunc("f", int) == 3
    sandbox.unregister("f")
    with pytest.raises(dbapi.DatabaseError, match="ORA-"):
        cursor.callfunc("f", int)
    assert cursor.callfunc("g", int) == 2


# ---------------------------------------------------------------- in SQL
def test_functions_in_sql(sandbox: Sandbox, cursor: Any) -> None:
    calls: list[Any] = []

    def tax(amount: float, rate: float = 0.5) -> float:
        calls.append(amount)
        return amount * rate

    sandbox.register("shop.tax", tax)
    cursor.execute("create table taxed (id number, tax number)")
    cursor.execute("select shop.tax(:1) + 1, shop.tax(shop.tax(8), rate => :2) as t from dual", [4, 0.25])
    assert [each[0] for each in cursor.description] == ["SHOP.TAX(:1)+1", "T"]
    assert cursor.fetchall() == [(3.0, 1.0)]
    cursor.executemany("insert into taxed values (:1, shop.tax(:2))", [(1, 10), (2, 20)])
    cursor.execute("update taxed set tax = tax + shop.tax(2) where id = :1", [2])
    cursor.execute("select id from taxed where tax > shop.tax(:least) order by id", least=12)

    assert cursor.fetchall() == [(2,)]
    assert calls == [4, 8, 4.0, 10, 20, 2, 12]


def test_a_function_of_columns_is_refused(sandbox: Sandbox, cursor: Any, dbapi: ModuleType) -> None:
    sandbox.register("shop.tax", lambda amount: amount)
    cursor.execute("create table taxed (amount number)")
    with pytest.raises(dbapi.DatabaseError, match="ORA-03001: .*SHOP.TAX of columns: .* with binds and constants"):
        cursor.execute("select shop.tax(amount) from taxed")


# ---------------------------------------------------------------- the session that calls
def test_a_function_has_the_session_s_transaction(sandbox: Sandbox, connect: Connect) -> None:
    def add(session: CallSession, city: str) -> int:
        session.execute("insert into towns values (:name, :who)", {"name": city, "who": session.user})
        with pytest.raises(OracleError, match="ORA-00942"):
            session.execute("select * from nowhere")
        return int(session.execute("select count(*) from towns where name like :1", ["B%"])[0][0])

    sandbox.register("towns_of.add", add)
    connection = connect()
    cursor = connection.cursor()
    cursor.execute("create table towns (name varchar2(20), who varchar2(20))")

    assert cursor.callfunc("towns_of.add", int, ["Basel"]) == 1
    assert connect().cursor().execute("select * from towns").fetchall() == []
    connection.commit()
    assert connect().cursor().execute("select * from towns").fetchall() == [("Basel", "SCOTT")]


def test_several_sessions_call_at_once(sandbox: Sandbox, connect: Connect) -> None:
    both = threading.Barrier(2, timeout=20)
    sandbox.register("meet", both.wait)
    met: list[int] = []

    def meet() -> None:
        met.append(connect().cursor().callfunc("meet", int))

    threads = [threading.Thread(target=meet) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(met) == [0, 1]


def test_a_call_timeout_ends_the_waiting(sandbox: Sandbox, connect: Connect, dbapi: ModuleType) -> None:
    done = threading.Event()
    sandbox.register("wait", lambda: done.wait(30))
    connection = connect()
    connection.call_timeout = 300
    with pytest.raises(dbapi.DatabaseError, match="DPY-4024|DPI-1067"):
        connection.cursor().callproc("wait")
    done.set()
    connection.call_timeout = 0

    assert connection.cursor().execute("select 1 from dual").fetchall() == [(1,)]


def test_a_function_may_play_a_fault(sandbox: Sandbox, connect: Connect, dbapi: ModuleType) -> None:
    sandbox.register("kill", lambda session: sandbox.end_sessions(sid=session.sid))
    with pytest.raises(dbapi.DatabaseError, match="DPY-4011|DPI-1080"):
        connect().cursor().callproc("kill")
    assert connect().cursor().execute("select 1 from dual").fetchall() == [(1,)]
