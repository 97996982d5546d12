"""`orapool.write_df`: which rows of which frames arrive in which columns, and what is told of those that do not."""

from __future__ import annotations

import datetime
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import numpy
import pandas
import polars
import pyarrow
import pytest
from sqlalchemy import Column, Integer, MetaData, Numeric, String, Table

import orapool
from orapool import SessionPool
from orapool.sandbox import Sandbox
from tests.conftest import THICK
from tests.waiting import until

PANDAS = tuple(int(part) for part in pandas.__version__.split(".")[:2])
TABLES = ("WRITTEN", "TOWNS", "written")
FRAME = pandas.DataFrame({"id": [1, 2, 3], "name": ["Basel", None, "Zürich"]})


@pytest.fixture
def pool(default_pool: SessionPool) -> Iterator[SessionPool]:
    """The default pool, in a schema without the tests' tables."""
    _drop_tables()
    yield default_pool
    _drop_tables()


@pytest.fixture
def towns(pool: SessionPool) -> SessionPool:
    """A table of towns: an id, a name of at most 10 bytes, a number of inhabitants of at most 4 digits, a day."""
    _run("create table towns (id number(9) primary key, name varchar2(10) not null, people number(4), founded date)")
    return pool


def _run(statement: str) -> None:
    with orapool.connection() as connection, connection.cursor() as cursor:
        cursor.execute(statement)


def _drop_tables() -> None:
    for table in TABLES:
        if _rows(f"select 1 from user_tables where table_name = '{table}'"):
            _run(f'drop table "{table}"')


def _rows(query: str) -> list[tuple[Any, ...]]:
    """The rows of a query; LOBs read."""
    with orapool.connection() as connection, connection.cursor() as cursor:
        rows = cursor.execute(query).fetchall()
        return [tuple(value.read() if hasattr(value, "read") else value for value in row) for row in rows]


def _types(table: str = "WRITTEN") -> dict[str, str]:
    """The columns of a table, with their types and sizes."""
    rows = _rows(
        "select column_name, data_type, char_length, data_precision, data_scale, data_length from user_tab_columns "
        f"where table_name = '{table}' order by column_id"
    )
    found = {}
    for name, kind, chars, precision, scale, size in rows:
        if kind == "VARCHAR2":
            kind += f"({chars})"
        elif kind == "NUMBER" and precision:
            kind += f"({precision},{scale})"
        elif kind == "RAW":
            kind += f"({size})"
        found[name] = kind
    return found


# ---------------------------------------------------------------- new tables
def test_create_makes_the_table_and_tells_what_it_did(pool: SessionPool) -> None:
    written = orapool.write_df(FRAME, "written", if_exists="create")

    assert (written.table, written.rows, written.errors, written.batches) == ("WRITTEN", 3, [], 1)
    assert written.seconds > 0
    assert _rows("select id, name from written order by id") == [(1, "Basel"), (2, None), (3, "Zürich")]


def test_types_are_those_of_the_values(pool: SessionPool) -> None:
    moment = pandas.Timestamp("2024-02-29 12:30:00")
    frame = pandas.DataFrame(
        {
            "small": numpy.array([1, 2], dtype="int16"),
            "whole": [1, 10**17],
            "long": [1, 10**18],
            "unsigned": numpy.array([1, 2**64 - 1], dtype="uint64"),
            "huge": [1, 10**30],
            "price": [Decimal("1.50"), Decimal("12345678901234567890.123")],
            "ratio": [1.5, numpy.nan],
            "single": numpy.array([1.5, 0.1], dtype="float32"),
            "flag": [True, False],
            "town": ["Genève", "x" * 20],
            "category": pandas.Categorical(["a", "b"]),
            "text": ["x", "ü" * 2001],
            "day": [datetime.date(2024, 2, 29), None],
            "moment": [moment, pandas.NaT],
            "exact": [moment + pandas.Timedelta(microseconds=1), pandas.NaT],
            "zoned": pandas.Series([moment, pandas.NaT]).dt.tz_localize("UTC"),
            "span": pandas.to_timedelta([1, None], unit="s"),
            "token": [b"abc", None],
            "image": [b"x" * 2001, None],
            "nothing": [None, None],
        }
    )

    orapool.write_df(frame, "written", if_exists="create")

    assert _types() == {
        "SMALL": "NUMBER(5,0)",
        "WHOLE": "NUMBER(18,0)",
        "LONG": "NUMBER(19,0)",
        "UNSIGNED": "NUMBER(20,0)",
        "HUGE": "NUMBER",
        "PRICE": "NUMBER",
        "RATIO": "BINARY_DOUBLE",
        "SINGLE": "BINARY_FLOAT",
        "FLAG": "NUMBER(1,0)",
        "TOWN": "VARCHAR2(32)",
        "CATEGORY": "VARCHAR2(16)",
        "TEXT": "CLOB",
        "DAY": "DATE",
        "MOMENT": "DATE",
        "EXACT": "TIMESTAMP(6)",
        "ZONED": "TIMESTAMP(6) WITH TIME ZONE",
        "SPAN": "INTERVAL DAY(2) TO SECOND(6)",  # as the sandbox tells it
        "TOKEN": "RAW(16)",
        "IMAGE": "BLOB",
        "NOTHING": "VARCHAR2(256)",
    }


def test_create_refuses_a_table_that_is_there(towns: SessionPool) -> None:
    with pytest.raises(orapool.ConfigurationError, match="table TOWNS exists already: use if_exists='append'"):
        orapool.write_df(FRAME, "towns", if_exists="create")


def test_replace_makes_the_table_anew(towns: SessionPool) -> None:
    orapool.write_df(FRAME, "towns", if_exists="replace")
    orapool.write_df(FRAME.rename(columns={"name": "other"}).assign(other=5), "towns", if_exists="replace")

    assert _types("TOWNS") == {"ID": "NUMBER(18,0)", "OTHER": "NUMBER(18,0)"}
    assert len(_rows("select * from towns")) == 3


@pytest.mark.parametrize(
    "dtype", [{"id": "NUMBER(5)", "name": "VARCHAR2(40 CHAR)"}, {"id": Numeric(5), "name": String(40)}]
)
def test_types_as_told(pool: SessionPool, dtype: dict[str, Any]) -> None:
    orapool.write_df(FRAME, "written", if_exists="create", dtype=dtype)

    assert _types() == {"ID": "NUMBER(5,0)", "NAME": "VARCHAR2(40)"}


def test_a_sqlalchemy_table(pool: SessionPool) -> None:
    table = Table("written", MetaData(), Column("id", Integer, primary_key=True), Column("name", String(30)))

    orapool.write_df(FRAME, table, if_exists="create")
    orapool.write_df(FRAME.assign(id=FRAME["id"] + 10), table)
    orapool.write_df(FRAME.assign(name="x"), table, if_exists="merge", keys="id")

    assert _types()["NAME"] == "VARCHAR2(30)"
    assert _rows("select id, name from written where id < 20 order by id")[:3] == [(1, "x"), (2, "x"), (3, "x")]
    with pytest.raises(orapool.ConfigurationError, match="exists already"):
        orapool.write_df(FRAME, table, if_exists="create")
    assert orapool.write_df(FRAME, table, if_exists="replace").rows == 3


def test_names_are_oracle_s_unless_quoted(pool: SessionPool) -> None:
    orapool.write_df(FRAME.rename(columns={"name": "Unit price"}), "written", if_exists="create")
    orapool.write_df(FRAME, "written", if_exists="create", quoted=True)

    assert list(_types("WRITTEN")) == ["ID", "Unit price"]
    assert list(_types("written")) == ["id", "name"]


def test_a_schema(towns: SessionPool) -> None:
    orapool.write_df(FRAME.fillna("x"), "scott.towns")
    orapool.write_df(FRAME.fillna("x").assign(id=[4, 5, 6]), "towns", schema="scott")
    orapool.write_df(FRAME.fillna("x").assign(id=[7, 8, 9]), '"SCOTT"."TOWNS"')

    assert _rows("select count(*) from towns") == [(9,)]


def test_the_index_is_written_when_asked_for(pool: SessionPool) -> None:
    frame = FRAME.set_index("id")

    orapool.write_df(frame, "written", if_exists="create", index=True)
    assert list(_types()) == ["ID", "NAME"]

    orapool.write_df(frame, "written", if_exists="replace", index=True, index_label="key")
    assert list(_types()) == ["KEY", "NAME"]

    orapool.write_df(frame, "written", if_exists="replace")
    assert list(_types()) == ["NAME"]


def test_an_empty_frame_makes_an_empty_table(pool: SessionPool) -> None:
    assert orapool.write_df(FRAME.head(0), "written", if_exists="create").rows == 0

    assert _rows("select * from written") == []


# ---------------------------------------------------------------- frames of all kinds
@pytest.mark.parametrize(
    "frame",
    [
        pyarrow.table({"id": [1, 2], "name": pyarrow.array(["a", None]).dictionary_encode()}),
        pyarrow.RecordBatch.from_pydict({"id": [1, 2], "name": ["a", None]}),
        polars.DataFrame({"id": [1, 2], "name": ["a", None]}),
        polars.DataFrame({"id": [1, 2], "name": ["a", None]}, schema_overrides={"name": polars.Categorical}),
    ],
    ids=["arrow", "batch", "polars", "polars-categorical"],
)
def test_frames_of_others(pool: SessionPool, frame: Any) -> None:
    orapool.write_df(frame, "written", if_exists="create")

    assert _rows("select id, name from written order by id") == [(1, "a"), (2, None)]


@pytest.mark.deselect_if(PANDAS < (2, 0), reason="new in pandas 2.0")
@pytest.mark.parametrize("backend", ["numpy_nullable", "pyarrow"])
def test_frames_of_other_backends(pool: SessionPool, backend: Any) -> None:
    frame = pandas.DataFrame({"id": [1, 2], "name": ["a", None], "ratio": [None, 1.5]}).convert_dtypes(
        dtype_backend=backend
    )

    orapool.write_df(frame, "written", if_exists="create")

    assert _rows("select id, name, ratio from written order by id") == [(1, "a", None), (2, None, 1.5)]


def test_what_is_missing_or_empty_is_null(pool: SessionPool) -> None:
    frame = pandas.DataFrame(
        {
            "text": pandas.Series(["", None, numpy.nan, pandas.NA], dtype=object),
            "ratio": [numpy.nan, None, numpy.nan, numpy.nan],
            "moment": pandas.to_datetime([None, None, None, None]),
            "number": pandas.array([None] * 4, dtype="Int64"),
            "token": [b"", None, b"", None],
            "price": pandas.Series([Decimal("NaN"), None, Decimal("NaN"), None], dtype=object),
        }
    )

    orapool.write_df(frame, "written", if_exists="create")

    assert _rows("select * from written") == [(None,) * 6] * 4


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1, "a"], "column 'x' has values of several types: .*in row 0.*: make them one"),
        ([{}, {}], "column 'x' has a dict in row 0, which has no type in Oracle: convert it"),
        ([1j, 2j], "complex128, which has no type in Oracle"),
    ],
)
def test_what_no_column_can_hold(pool: SessionPool, values: list[Any], message: str) -> None:
    with pytest.raises(orapool.ConfigurationError, match=message):
        orapool.write_df(pandas.DataFrame({"x": values}), "written", if_exists="create")


def test_what_is_no_frame(pool: SessionPool) -> None:
    with pytest.raises(orapool.ConfigurationError, match="a list cannot be written: give a pandas or polars DataFrame"):
        orapool.write_df([1, 2], "written")
    with pytest.raises(orapool.ConfigurationError, match="LazyFrame has no rows yet: write_df"):
        orapool.write_df(polars.LazyFrame({"id": [1]}), "written")


# ---------------------------------------------------------------- into tables that are there
def test_append_binds_what_the_columns_are(towns: SessionPool) -> None:
    frame = pandas.DataFrame({"PEOPLE": [7.0, None], "Name": ["Bern", "Thun"], "id": ["1", "2"]}).astype(
        {"id": "int64"}
    )
    frame["founded"] = pandas.to_datetime(["1791-01-01", None])

    orapool.write_df(frame, "towns")

    assert _rows("select name, people, founded from towns order by id") == [
        ("Bern", 7, datetime.datetime(1791, 1, 1)),
        ("Thun", None, None),
    ]


@pytest.mark.parametrize("floats", [[0.1, -1234.56], [1 / 3, 1e-20], [1e30, 123456789.123456]], ids=str)
def test_floats_as_numbers_are_what_python_writes(pool: SessionPool, floats: list[float]) -> None:
    _run("create table written (x number)")

    orapool.write_df(pandas.DataFrame({"x": floats}), "written")

    assert sorted(float(text) for (text,) in _rows("select to_char(x) from written")) == sorted(floats)


def test_long_texts_and_bytes_without_a_round_trip_for_each(pool: SessionPool, sandbox: Sandbox) -> None:
    texts = [f"{number}" + "ü" * 40_000 for number in range(20)]
    frame = pandas.DataFrame({"text": texts, "id": range(20), "data": [text.encode() for text in texts]})
    orapool.write_df(frame.head(0), "written", if_exists="create", dtype={"text": "CLOB", "data": "BLOB"})
    before = sandbox.stats()

    written = orapool.write_df(frame, "written")

    assert (sandbox.stats() - before).total_round_trips <= written.batches + 4
    assert _rows("select text, data from written order by id") == list(zip(frame["text"], frame["data"]))


def test_national_characters(pool: SessionPool) -> None:
    _run("create table written (id number, short nvarchar2(10), text nclob)")

    orapool.write_df(pandas.DataFrame({"id": [1, 2], "short": ["Łódź", "x"], "text": ["東京", "東" * 5000]}), "written")

    assert _rows("select short, length(text) from written order by id") == [("Łódź", 2), ("x", 5000)]
    assert _rows("select id from written where to_char(text) = '東京'") == [(1,)]


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("people", ["a"], "column 'people': is of string, and the table's column PEOPLE is NUMBER.4,0.: convert it"),
        ("founded", ["2024-01-01"], "is of string, and the table's column FOUNDED is DATE"),
        ("name", [datetime.date(2024, 1, 1)], "is of date32.*, and the table's column NAME is VARCHAR2.10."),
        ("name", [1.5], "astype"),
        ("people", [float("inf")], r"column 'people', row 0: has an infinite number"),
        (
            "founded",
            [pandas.Timestamp("2024-01-01 00:00:00.5")],
            r"row 0: has more digits of a second .* truncate=True",
        ),
        ("founded", [pandas.Timestamp("2024-01-01", tz="UTC")], "take its time zone away"),
    ],
)
def test_values_of_another_type_than_the_column(
    towns: SessionPool, column: str, values: list[Any], message: str
) -> None:
    with pytest.raises(orapool.WriteError, match=message + ".*; no row is written"):
        orapool.write_df(pandas.DataFrame({column: values}), "towns")


def test_times_without_a_zone_are_not_guessed_at(pool: SessionPool) -> None:
    _run("create table written (x timestamp with time zone)")

    with pytest.raises(orapool.WriteError, match="give it a time zone, such as by dt.tz_localize"):
        orapool.write_df(pandas.DataFrame({"x": [pandas.Timestamp("2024-01-01")]}), "written")


def test_fractions_are_cut_off_when_asked_for(towns: SessionPool) -> None:
    frame = pandas.DataFrame({"id": [1], "name": ["a"], "founded": [pandas.Timestamp("2024-01-01 00:00:00.999999999")]})

    orapool.write_df(frame, "towns", truncate=True)

    assert _rows("select founded from towns") == [(datetime.datetime(2024, 1, 1),)]


def test_columns_that_the_table_has_not(towns: SessionPool) -> None:
    with pytest.raises(orapool.ConfigurationError, match="TOWNS has no column for the frame's 'nme'.* columns are ID"):
        orapool.write_df(FRAME.rename(columns={"name": "nme"}), "towns")
    with pytest.raises(orapool.ConfigurationError, match="NO_SUCH does not exist, .* if_exists='create' makes it"):
        orapool.write_df(FRAME, "no_such")
    with pytest.raises(orapool.ConfigurationError, match="two columns of the frame are called ID in Oracle"):
        orapool.write_df(pandas.DataFrame([[1, 2]], columns=["id", "ID"]), "towns")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"if_exists": "fail"}, "if_exists is one of 'append', 'create', 'replace', 'merge', not 'fail'"),
        ({"if_exists": "merge"}, "if_exists='merge' and keys"),
        ({"if_exists": "merge", "keys": ["nope"]}, "keys has 'nope', and the frame's columns are id, name"),
        ({"keys": ["id"]}, "if_exists='merge' and keys"),
        ({"batch_size": 0}, "batch_size is a number of rows"),
        ({"timeout": 0}, "timeout is a number of seconds, above 0"),
        ({"commit": "never"}, "commit is one of 'once', 'batch'"),
        ({"batch_errors": True}, "batch_errors is one of None, 'raise', 'return'"),
        ({"dtype": {"id": "NUMBER"}}, "dtype= is for new tables"),
        ({"if_exists": "create", "dtype": {"nope": "NUMBER"}}, "dtype names no column of the frame: nope"),
        ({"schema": "sh", "table": "scott.towns"}, "has a schema already"),
        ({"table": "towns@link"}, "names no table"),
        ({"direct_path": True}, "direct_path=True inserts"),
    ],
)
def test_options_that_do_not_go_together(pool: SessionPool, options: dict[str, Any], message: str) -> None:
    with pytest.raises(orapool.ConfigurationError, match=message):
        orapool.write_df(FRAME, **{"table": "towns", **options})


# ---------------------------------------------------------------- merge
def test_merge_updates_and_inserts(towns: SessionPool) -> None:
    orapool.write_df(pandas.DataFrame({"id": [1, 2], "name": ["old", "old"], "people": [5, 5]}), "towns")
    day = pandas.Timestamp("2024-02-29 12:00:00")

    written = orapool.write_df(
        pandas.DataFrame({"ID": [2, 3], "name": ["new", "new"], "founded": [day, None]}),
        "towns",
        if_exists="merge",
        keys=["id"],
    )

    assert written.rows == 2
    assert _rows("select * from towns order by id") == [
        (1, "old", 5, None),
        (2, "new", 5, day.to_pydatetime()),
        (3, "new", None, None),
    ]


def test_merge_by_several_keys_alone_adds_what_is_missing(pool: SessionPool) -> None:
    _run("create table written (a number, b varchar2(5), c clob)")
    frame = pandas.DataFrame({"a": [1, 1], "b": ["x", "y"]})

    orapool.write_df(frame, "written")
    orapool.write_df(pandas.concat([frame, frame + frame]), "written", if_exists="merge", keys=["a", "b"])
    orapool.write_df(frame.assign(c="z" * 5000), "written", if_exists="merge", keys=["a", "b"])

    rows = _rows("select a, b, c from written order by a, b")
    assert rows == [(1, "x", "z" * 5000), (1, "y", "z" * 5000), (2, "xx", None), (2, "yy", None)]


@pytest.mark.parametrize("name", [None, ""])
def test_merge_takes_no_null_for_a_key(towns: SessionPool, name: str | None) -> None:
    with pytest.raises(orapool.WriteError, match="column 'name', row 1: is one of keys=, and NULL is like no other"):
        orapool.write_df(FRAME.assign(name=["a", name, "b"]), "towns", if_exists="merge", keys=["name"])


# ---------------------------------------------------------------- rows that are refused
BAD = pandas.DataFrame(
    {
        "id": [1, 2, 2, 4, 5, 6],
        "name": ["a", "b", "c", None, "x" * 11, "f"],
        "people": [1, 2, 3, 4, 5, 12345],
    }
)
REASONS = {
    2: ("ORA-00001", "unique constraint"),
    3: ("ORA-01400", "NAME"),
    4: ("ORA-12899", "NAME.*actual: 11, maximum: 10"),
    5: ("ORA-01438", "column PEOPLE is NUMBER.4,0., and the value 12345"),
}


@pytest.mark.parametrize("row", list(REASONS))
def test_the_first_row_that_is_refused_is_told(towns: SessionPool, row: int) -> None:
    frame = BAD.drop(index=[each for each in REASONS if each != row])
    place = list(frame.index).index(row)
    code, reason = REASONS[row]

    with pytest.raises(
        orapool.WriteError, match=f"table TOWNS, row {place}\\b.*{code}.*{reason}.*; no row is written"
    ) as e:
        orapool.write_df(frame, "towns", batch_size=2)

    assert isinstance(e.value, towns.driver.dbapi.DatabaseError)
    assert [(each.row, each.code) for each in e.value.written.errors] == [(place, code)]
    assert _rows("select * from towns") == []


def test_all_refused_rows_are_returned_and_the_others_written(towns: SessionPool) -> None:
    written = orapool.write_df(BAD, "towns", batch_errors="return", batch_size=4)

    assert {each.row: each.code for each in written.errors} == {row: code for row, (code, _) in REASONS.items()}
    assert (written.rows, written.batches) == (2, 2)
    assert _rows("select id from towns order by id") == [(1,), (2,)]


def test_all_refused_rows_are_raised_and_none_is_written(towns: SessionPool) -> None:
    with pytest.raises(orapool.WriteError, match="row 2: ORA-00001.*, and 3 more; no row is written") as raised:
        orapool.write_df(BAD, "towns", batch_errors="raise")

    assert [each.row for each in raised.value.written.errors] == list(REASONS)
    assert _rows("select * from towns") == []


def test_batches_that_are_committed_stay(towns: SessionPool) -> None:
    with pytest.raises(
        orapool.WriteError, match="row 2: ORA-00001.*; 2 rows of the batches before are commit"
    ) as raised:
        orapool.write_df(BAD, "towns", commit="batch", batch_size=2)

    assert raised.value.written.rows == 2
    assert _rows("select id from towns order by id") == [(1,), (2,)]


def test_merged_rows_that_are_refused(towns: SessionPool) -> None:
    written = orapool.write_df(BAD, "towns", if_exists="merge", keys="id", batch_errors="return")

    assert [each.row for each in written.errors] == [3, 4, 5]
    assert _rows("select id, name from towns order by id") == [(1, "a"), (2, "c")]


# ---------------------------------------------------------------- sessions, batches, time
def test_batches_are_as_large_as_told(towns: SessionPool, sandbox: Sandbox) -> None:
    frame = pandas.DataFrame({"id": range(1000), "name": "x"})
    orapool.write_df(frame.head(0), "towns")
    before = sandbox.stats()

    written = orapool.write_df(frame, "towns", batch_size=100)

    trips = (sandbox.stats() - before).round_trips
    assert written.batches == 10
    assert trips["execute"] + trips.get("reexecute", 0) <= 10 + 1  # and the description of the table
    assert trips["commit"] == 1


@pytest.mark.parametrize("make", [pyarrow.Table.from_pandas, polars.from_pandas, pandas.DataFrame])
def test_each_batch_has_its_own_rows(pool: SessionPool, make: Callable[[Any], Any]) -> None:
    numbers = [None if number % 3 == 0 else number for number in range(25)]
    columns = {
        "id": range(25),
        "number": pandas.array(numbers, dtype="Int64"),
        "text": [None if number is None else f"text {number}" for number in numbers],
        "ratio": [numpy.nan if number is None else number / 4 for number in numbers],
        "moment": pandas.to_datetime([None if number is None else f"2024-01-{number:02d}" for number in numbers]),
    }

    orapool.write_df(make(pandas.DataFrame(columns)), "written", if_exists="create", batch_size=7)

    assert _rows("select id, \"NUMBER\", text, ratio, to_char(moment, 'DD') from written order by id") == [
        (place, number, *((None, None, None) if number is None else (f"text {number}", number / 4, f"{number:02d}")))
        for place, number in enumerate(numbers)
    ]


def test_rows_of_great_width_go_in_smaller_batches(pool: SessionPool) -> None:
    frame = pandas.DataFrame({"text": ["x" * 100_000] * 200})

    assert orapool.write_df(frame, "written", if_exists="create").batches > 1


def test_the_session_is_back_and_its_limit_gone(towns: SessionPool) -> None:
    orapool.write_df(FRAME.fillna("x"), "towns", timeout=30)
    with pytest.raises(orapool.WriteError):
        orapool.write_df(FRAME.fillna("x"), "towns", timeout=30)

    until(lambda: towns.stats().busy == 0)
    with orapool.connection() as connection:
        assert getattr(connection, "call_timeout" if towns.driver.name == "oracledb" else "callTimeout") == 0


def test_a_session_lost_before_the_first_row_is_replaced(towns: SessionPool, sandbox: Sandbox) -> None:
    orapool.write_df(FRAME.fillna("x"), "towns")
    sandbox.fail_next(28)  # the description of the table

    assert orapool.write_df(FRAME.fillna("x").assign(id=[4, 5, 6]), "towns").rows == 3


def test_a_session_lost_in_between_is_told_and_nothing_sent_again(towns: SessionPool, sandbox: Sandbox) -> None:
    frame = FRAME.fillna("x")
    table = pyarrow.Table.from_pandas(frame, preserve_index=False)

    class Slices:
        """A frame of somebody else's, that ends the sessions before its third row."""

        columns = table.column_names

        def __len__(self) -> int:
            return 3

        def slice(self, start: int, rows: int) -> Slices:
            self.place = (start, rows)
            return self

        def to_arrow(self) -> Any:
            if self.place == (2, 1):
                sandbox.end_sessions()
            return table.slice(*self.place)

    with pytest.raises(orapool.WriteError, match="; 2 rows of the batches before are committed") as raised:
        orapool.write_df(Slices(), "towns", batch_size=1, commit="batch")

    assert raised.value.written.rows == 2
    assert _rows("select id from towns order by id") == [(1,), (2,)]


@pytest.mark.parametrize("text", ["", "x" * 70_000, "ü" * 40_000])
def test_direct_path_where_the_driver_has_it(towns: SessionPool, sandbox: Sandbox, text: str) -> None:
    _run("create table written (id number(9) not null, text clob, data blob, price number(9,2))")
    frame = pandas.DataFrame({"id": [1, 2], "text": [text, "a"], "data": [text.encode(), b"a"], "price": [1.25, -0.1]})

    if not hasattr(towns.driver.dbapi.Connection, "direct_path_load") or THICK:
        with pytest.raises(orapool.ConfigurationError, match="direct_path=True: .* has (no )?direct path load"):
            orapool.write_df(frame, "written", direct_path=True, commit="batch")
        return
    before = sandbox.stats()
    written = orapool.write_df(frame, "written", direct_path=True, commit="batch")

    assert written.rows == 2
    assert (sandbox.stats() - before).round_trips["direct_path"] == 3
    assert _rows("select text, data, price from written order by id") == [
        (text or None, text.encode() or None, 1.25),
        ("a", b"a", -0.1),
    ]
    with pytest.raises(orapool.WriteError, match="; no row is written"):
        orapool.write_df(
            frame.assign(id=[3, None]).astype({"id": "Int64"}), "written", direct_path=True, commit="batch"
        )
    assert _rows("select count(*) from written") == [(2,)]


def test_importing_orapool_imports_neither_pandas_nor_pyarrow() -> None:
    code = "import sys, orapool; orapool.pool; print({'pandas', 'pyarrow', 'numpy'} & set(sys.modules))"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"
