"""Loads of DataFrames and CSV files into the sandbox."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas
import polars
import pyarrow
import pytest

from orapool.sandbox import Sandbox, SandboxError

Connect = Callable[..., Any]
Fetch = Callable[[str], "list[tuple[Any, ...]]"]
TYPES = "select column_name, data_type, data_precision, char_length from user_tab_columns where table_name = '{}'"
TYPES += " order by column_id"


@pytest.fixture
def driver() -> str:
    """One will do: what is tested is what lies in the tables."""
    return "oracledb"


@pytest.fixture
def sandbox(sandbox: Sandbox) -> Iterator[Sandbox]:
    with sandbox.restored():
        yield sandbox


@pytest.fixture
def fetch(connect: Connect) -> Fetch:
    def fetch(sql: str) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = connect().cursor().execute(sql).fetchall()
        return found

    return fetch


def test_a_frame_of_pandas(sandbox: Sandbox, fetch: Fetch) -> None:
    frame = pandas.DataFrame(
        {
            "id": [1, 2, 3],
            "name": ["a", "é" * 20, None],
            "Amount due": [1.5, float("nan"), 2],
            "at": pandas.to_datetime(["2024-01-01 00:00:00.500000", "2024-01-02 03:04:05.123456", None]),
            "day": pandas.to_datetime(["2024-01-01", None, "2024-01-03"]),
            "zoned": pandas.to_datetime(["2024-01-01T00:00:00+02:00"] * 3),
            "ok": [True, False, True],
            "exact": [Decimal("1.10"), None, Decimal(2)],
            "maybe": pandas.array([1, None, 3], dtype="Int64"),
            "took": pandas.to_timedelta([1, 2, None], "h"),
            "raw": [b"x", None, b"yy"],
            "nothing": [None] * 3,
        }
    )
    assert sandbox.load(frame, "orders") == 3

    types = [(name, type_.partition(" DAY")[0]) for name, type_, *_ in fetch(TYPES.format("ORDERS"))]
    assert types == [
        ("ID", "NUMBER"),
        ("NAME", "VARCHAR2"),
        ("Amount due", "BINARY_DOUBLE"),
        ("AT", "TIMESTAMP(6)"),
        ("DAY", "DATE"),
        ("ZONED", "TIMESTAMP(6) WITH TIME ZONE"),
        ("OK", "NUMBER"),
        ("EXACT", "NUMBER"),
        ("MAYBE", "NUMBER"),
        ("TOOK", "INTERVAL"),
        ("RAW", "RAW"),
        ("NOTHING", "VARCHAR2"),
    ]
    at = datetime.datetime(2024, 1, 1, 0, 0, 0, 500_000)
    zoned = datetime.datetime(2023, 12, 31, 22)
    first, _second, third = fetch("select * from orders order by id")
    hour = datetime.timedelta(hours=1)
    assert first == (1, "a", 1.5, at, at.replace(microsecond=0), zoned, 1, 1.1, 1, hour, b"x", None)
    assert third == (3, None, 2.0, None, datetime.datetime(2024, 1, 3), zoned, 1, 2, 3, None, b"yy", None)


def test_frames_of_polars_and_pyarrow_are_appended(sandbox: Sandbox, fetch: Fetch) -> None:
    assert sandbox.load(polars.DataFrame({"id": [1, 2], "name": ["a", None]}), "towns") == 2
    assert sandbox.load(pyarrow.table({"NAME": ["c"], "id": [3]}), "scott.towns") == 1
    assert sandbox.load(pandas.DataFrame({"id": [4]}), '"SCOTT"."TOWNS"') == 1
    assert sandbox.load(polars.DataFrame({"id": [], "name": []}), "towns") == 0

    assert fetch("select id, name from towns order by id") == [(1, "a"), (2, None), (3, "c"), (4, None)]


def test_another_user_s_table(sandbox: Sandbox, fetch: Fetch) -> None:
    assert sandbox.load(pandas.DataFrame({"x": [1]}), "t", user="sh") == 1

    assert fetch("select x from sh.t") == [(1,)]


def test_a_csv_file(sandbox: Sandbox, fetch: Fetch, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(
        'id,name,zip,day,at,price\n1,"a\nb",01234,2024-01-02,2024-01-02T03:04:05.5,1.50\n\n2,,8000,,,\n-3,x,,,,2\n',
        encoding="utf-8-sig",
    )
    assert sandbox.load(path, "orders") == 3

    assert [tuple(row) for row in fetch(TYPES.format("ORDERS"))] == [
        ("ID", "NUMBER", 19, 0),
        ("NAME", "VARCHAR2", None, 16),
        ("ZIP", "VARCHAR2", None, 16),
        ("DAY", "DATE", None, 0),
        ("AT", "TIMESTAMP(6)", None, 0),
        ("PRICE", "NUMBER", None, 0),
    ]
    assert fetch("select * from orders order by abs(id)") == [
        (1, "a\nb", "01234", datetime.datetime(2024, 1, 2), datetime.datetime(2024, 1, 2, 3, 4, 5, 500_000), 1.5),
        (2, None, "8000", None, None, None),
        (-3, "x", None, None, None, 2),
    ]


def test_a_csv_file_into_a_table_that_is_there(
    sandbox: Sandbox, connect: Connect, fetch: Fetch, tmp_path: Path
) -> None:
    connect().cursor().execute(
        "create table t (id number primary key, code varchar2(5), at date, d binary_double, bin raw(2), "
        "n number default 7)"
    )
    path = tmp_path / "t.csv"
    path.write_text("code;id;at;d;bin\n007;1;2024-01-02 03:04:05;1e3;0aff\n", encoding="utf-8")
    assert sandbox.load(str(path), "t", delimiter=";") == 1

    moment = datetime.datetime(2024, 1, 2, 3, 4, 5)
    assert fetch("select id, code, at, d, bin, n from t") == [(1, "007", moment, 1000.0, b"\n\xff", 7)]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("id,at\n5,2024-01-01\nabc,\n", "line 3, column ID: 'abc' is not a number; nothing of it is loaded"),
        ("id,at\n5,01.02.2024\n", "line 2, column AT: '01.02.2024' is not a date"),
        ('id,name\n5,"x\ny"\n6,toolong\n', "line 4: ORA-12899: .*NAME.*; nothing of it is loaded"),
        ("id\n5\n5\n", "line 3: ORA-00001: .*; nothing of it is loaded"),
        ("id,name\n5\n", "line 2: 1 values for 2 columns .id, name."),
        ("id,nope\n5,1\n", "table t has no column NOPE; it has ID, NAME, AT"),
        ("id,ID\n5,1\n", "line 1: two columns have one name"),
        ('id,name\n5,"x\n', "line 2: unexpected end of data"),
        ("", "is empty: its first line has the columns' names"),
    ],
)
def test_what_is_wrong_with_a_csv_file(
    sandbox: Sandbox, connect: Connect, fetch: Fetch, tmp_path: Path, text: str, error: str
) -> None:
    connect().cursor().execute("create table t (id number primary key, name varchar2(3), at date)")
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SandboxError, match=f"t.csv.*{error}"):
        sandbox.load(path, "t")

    assert fetch("select * from t") == []


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        ({"x": ["q", 1]}, "column x: values of several types: a number in row 1, a text in row 0"),
        ({"x": [1, object()]}, "row 1, column x: builtins.object has no counterpart in Oracle"),
        ({"x": [1], "X": [2]}, "two columns X"),
        ({"x": [pandas.Timestamp("2024-01-01 00:00:00.000000001")]}, "row 0, column x: .* has nanoseconds"),
    ],
)
def test_what_is_wrong_with_a_frame(sandbox: Sandbox, fetch: Fetch, frame: dict[str, list[Any]], error: str) -> None:
    with pytest.raises(SandboxError, match=error):
        sandbox.load(pandas.DataFrame(frame), "made")
    assert fetch("select table_name from user_tables where table_name = 'MADE'") == []


def test_sources_and_tables_that_are_none(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="a source is a DataFrame .*, not int"):
        sandbox.load(5, "t")
    with pytest.raises(SandboxError, match="nowhere.csv cannot be read: No such file"):
        sandbox.load(tmp_path / "nowhere.csv", "t")
    with pytest.raises(SandboxError, match="'a.b.c' names no table"):
        sandbox.load(pandas.DataFrame({"x": [1]}), "a.b.c")
