"""What Oracle's types are read as: the same on both drivers, whatever the values are."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pandas
import pyarrow
import pytest

import orapool
from orapool import PrecisionLoss, SessionPool
from orapool.frames.pandas_frames import VERSION
from orapool.sandbox import Sandbox

MakeTable = Callable[..., None]
THIRD = "0." + "3" * 40


@pytest.fixture
def make_table(default_pool: SessionPool) -> MakeTable:
    """Makes table T of one column C of a type, with values in SQL."""

    def make(type_: str, *values: str) -> None:
        with orapool.connection() as connection, connection.cursor() as cursor:
            with contextlib.suppress(default_pool.driver.dbapi.DatabaseError):
                cursor.execute("drop table frames_t")
            cursor.execute(f"create table frames_t (n number(9), c {type_})")
            for number, value in enumerate(values):
                cursor.execute(f"insert into frames_t values ({number}, {value})")
            connection.commit()

    return make


def read(**options: Any) -> pandas.Series[Any]:
    return orapool.read_df("select c from frames_t order by n", **options)["c"]


def arrow(**options: Any) -> pyarrow.ChunkedArray:
    return orapool.read_arrow("select c from frames_t order by n", **options)["c"]


TYPES = [
    ("number(1)", "1", "int64", 1),
    ("number(18)", "999999999999999999", "int64", 999999999999999999),
    ("number(5, -2)", "12300", "int64", 12300),
    ("integer", "9223372036854775807", "int64", 2**63 - 1),
    ("number(10, 2)", "12.25", "float64", 12.25),
    ("number", "0.1", "float64", 0.1),
    ("float", "0.1", "float64", 0.1),
    ("binary_float", "1.5", "float32", 1.5),
    ("binary_double", "0.1", "float64", 0.1),
    ("varchar2(10)", "'Zürich'", "text", "Zürich"),
    ("nvarchar2(10)", "'Zürich'", "text", "Zürich"),
    ("char(5)", "'ab'", "text", "ab   "),
    ("clob", "'Zürich'", "text", "Zürich"),
    ("nclob", "'Zürich'", "text", "Zürich"),
    ("raw(4)", "hextoraw('00ff')", "object", b"\x00\xff"),
    ("blob", "hextoraw('00ff')", "object", b"\x00\xff"),
    ("date", "to_date('2024-02-29 23:59:58', 'YYYY-MM-DD HH24:MI:SS')", "datetime", "2024-02-29 23:59:58"),
    ("timestamp", "timestamp '2024-02-29 23:59:58.123456'", "datetime", "2024-02-29 23:59:58.123456"),
    ("timestamp(3)", "timestamp '2024-02-29 23:59:58.123'", "datetime", "2024-02-29 23:59:58.123"),
    ("interval day to second", "interval '3 04:05:06.789' day to second", "timedelta", "3 days 04:05:06.789"),
]
TEXT = "str" if VERSION >= (3, 0) else "object"
UNIT = "us" if VERSION >= (2, 0) else "ns"
DTYPES = {"text": TEXT, "datetime": f"datetime64[{UNIT}]", "timedelta": f"timedelta64[{UNIT}]"}


@pytest.mark.parametrize(("type_", "value", "dtype", "expected"), TYPES, ids=[case[0] for case in TYPES])
def test_a_value(make_table: MakeTable, type_: str, value: str, dtype: str, expected: Any) -> None:
    make_table(type_, value)

    found = read()

    assert found.dtype == DTYPES.get(dtype, dtype)
    wanted = {"datetime": pandas.Timestamp, "timedelta": pandas.Timedelta}.get(dtype, lambda same: same)(expected)
    assert found[0] == wanted


@pytest.mark.parametrize(("type_", "value", "dtype", "expected"), TYPES, ids=[case[0] for case in TYPES])
def test_nulls_do_not_change_it_but_for_whole_numbers(
    make_table: MakeTable, type_: str, value: str, dtype: str, expected: Any
) -> None:
    make_table(type_, "null", value)

    found = read()

    assert found.dtype == {"int64": "Int64", **DTYPES}.get(dtype, dtype)
    assert found.isna().tolist() == [True, False]
    if dtype == "int64":
        assert found[1] == expected


@pytest.mark.parametrize(("type_", "value", "dtype", "expected"), TYPES, ids=[case[0] for case in TYPES])
def test_a_result_without_rows_keeps_it(
    make_table: MakeTable, type_: str, value: str, dtype: str, expected: Any
) -> None:
    make_table(type_)

    found = read()

    assert len(found) == 0
    assert found.dtype == DTYPES.get(dtype, dtype)


@pytest.mark.deselect_if(VERSION < (2, 0), reason="new in pandas 2.0")
@pytest.mark.parametrize(
    ("type_", "nullable", "arrow_type"),
    [
        ("number(9)", "Int64", "int64[pyarrow]"),
        ("number", "Float64", "double[pyarrow]"),
        ("binary_float", "Float32", "float[pyarrow]"),
        ("varchar2(9)", "string", "large_string[pyarrow]"),
        ("date", "datetime64[us]", "timestamp[us][pyarrow]"),
        ("raw(9)", "object", "large_binary[pyarrow]"),
    ],
)
def test_backends(make_table: MakeTable, type_: str, nullable: str, arrow_type: str) -> None:
    make_table(type_, "null")

    assert str(read(dtype_backend="numpy_nullable").dtype) == nullable
    assert str(read(dtype_backend="pyarrow").dtype) == arrow_type


NUMBERS = [
    ("number", "1/3", THIRD),
    ("number", "-12345678901234567890.5", "-12345678901234567890.5"),
    ("number", "100", "100"),
    ("number(38)", "99999999999999999999999999999999999999", "9" * 38),
    ("number(19)", "-1234567890123456789", "-1234567890123456789"),
    ("number(10, 2)", "-0.05", "-0.05"),
    ("number(3, 5)", "0.00123", "0.00123"),
    ("float", "0.1", "0.1"),
]


@pytest.mark.parametrize(("type_", "value", "digits"), NUMBERS)
class TestExactNumbers:
    def test_decimal(self, make_table: MakeTable, type_: str, value: str, digits: str) -> None:
        make_table(type_, value, "null")

        found = read(decimals="decimal")

        assert found.tolist() == [Decimal(digits), None]
        assert isinstance(found[0], Decimal)

    def test_not_coerced_to_float(self, make_table: MakeTable, type_: str, value: str, digits: str) -> None:
        make_table(type_, value)

        assert read(coerce_float=False).tolist() == [Decimal(digits)]

    def test_string(self, make_table: MakeTable, type_: str, value: str, digits: str) -> None:
        make_table(type_, value, "null")

        found = read(decimals="string")

        assert found.dtype == TEXT
        assert found[0] == digits
        assert found.isna().tolist() == [False, True]

    def test_arrow(self, make_table: MakeTable, type_: str, value: str, digits: str) -> None:
        make_table(type_, value, "null")

        found = read(decimals="arrow")

        assert "decimal" in str(found.dtype)
        assert found[0] == Decimal(digits)
        assert arrow(decimals="arrow").to_pylist() == arrow(decimals="decimal").to_pylist() == [Decimal(digits), None]


def test_decimal_types_of_batches_are_made_one(make_table: MakeTable) -> None:
    make_table("number", "1", "0.5", "123456789012345678901234567890", "null")

    found = arrow(decimals="arrow", arraysize=1)

    assert str(found.type) == "decimal128(31, 1)"
    assert found.to_pylist() == [Decimal(1), Decimal("0.5"), Decimal("123456789012345678901234567890"), None]


def test_numbers_that_no_decimal_type_holds_together_are_an_error(make_table: MakeTable) -> None:
    make_table("number", "1e-60", "1e60")

    with pytest.raises(PrecisionLoss, match="decimals='decimal' or 'string'"):
        read(decimals="arrow")
    with pytest.raises(PrecisionLoss, match="61 digits before the point and of 60 behind it"):
        read(decimals="arrow", arraysize=1)
    assert read(decimals="string").tolist() == ["0." + "0" * 59 + "1", "1" + "0" * 60]


def test_batches_of_numbers_without_scale_are_refused_where_their_type_must_be_known(make_table: MakeTable) -> None:
    make_table("number", "1")

    with pytest.raises(orapool.ConfigurationError, match="column C is a NUMBER without scale"):
        orapool.read_arrow("select c from frames_t", decimals="arrow", chunksize=10)
    assert orapool.pool().stats().busy == 0


@pytest.mark.parametrize("value", ["9223372036854775808", "-9223372036854775809", "1e37"])
def test_a_whole_number_beyond_int64_is_an_error(make_table: MakeTable, value: str) -> None:
    make_table("integer", value)

    with pytest.raises(PrecisionLoss, match="decimals='decimal'"):
        read()


@pytest.mark.parametrize("type_", ["number", "integer"])
@pytest.mark.parametrize("value", ["9007199254740993", "-90071992547409930"])
def test_a_whole_number_beyond_float64_is_an_error(make_table: MakeTable, type_: str, value: str) -> None:
    make_table(type_, value)

    with pytest.raises(PrecisionLoss, match="decimals='decimal'"):
        read(decimals="float")


def test_a_cast_to_binary_double_asks_for_the_nearest_float(make_table: MakeTable) -> None:
    make_table("number", "12345678901234567890")

    assert orapool.read_df("select cast(c as binary_double) as c from frames_t")["c"][0] == 12345678901234567890.0


def test_what_a_float_of_oracle_holds_is_no_error(make_table: MakeTable) -> None:
    make_table("float", "1e30")

    assert read().tolist() == [1e30]


class TestDates:
    def test_all_of_the_calendar(self, make_table: MakeTable) -> None:
        make_table("date", "date '0001-01-01'", "date '9999-12-31'")

        found = read()

        assert [(each.year, each.month, each.day) for each in found] == [(1, 1, 1), (9999, 12, 31)]
        assert arrow().to_pylist() == [datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31)]

    @pytest.mark.deselect_if(VERSION < (2, 0), reason="pandas 1.x has no other unit")
    def test_nanoseconds(self, make_table: MakeTable) -> None:
        make_table("timestamp", "timestamp '2024-02-29 23:59:58.123456'")

        found = read(timestamp_unit="ns")

        assert found.dtype == "datetime64[ns]"
        assert found[0] == pandas.Timestamp("2024-02-29 23:59:58.123456")

    def test_nanoseconds_beyond_their_range_are_an_error(self, make_table: MakeTable) -> None:
        make_table("date", "date '2500-01-01'")

        with pytest.raises(PrecisionLoss, match="column C: .* timestamp_unit='us'"):
            read(timestamp_unit="ns")


class TestZones:
    @pytest.mark.parametrize(
        ("type_", "value"),
        [
            ("timestamp with time zone", "timestamp '2024-02-29 23:59:58.5 +02:00'"),
            ("timestamp with time zone", "timestamp '2024-02-29 16:59:58.5 -05:00'"),
            ("timestamp with local time zone", "timestamp '2024-02-29 21:59:58.5 +00:00'"),
        ],
    )
    def test_a_moment_is_the_same_moment(self, make_table: MakeTable, type_: str, value: str) -> None:
        make_table(type_, value, "null")

        found = read()

        assert str(found.dtype) == f"datetime64[{UNIT}, UTC]"
        assert found[0] == pandas.Timestamp("2024-02-29 21:59:58.5", tz="UTC")
        assert found.isna().tolist() == [False, True]
        assert str(arrow().type) == "timestamp[us, tz=UTC]"

    def test_beside_columns_of_all_kinds_of_names(self, make_table: MakeTable) -> None:
        make_table("timestamp with time zone", "timestamp '2024-02-29 23:59:58 +02:00'")

        frame = orapool.read_df('select c, n as "select", n "Mixed Case", c as "tz 2" from frames_t order by n')

        assert list(frame.columns) == ["c", "select", "Mixed Case", "tz 2"]
        assert (frame["c"] == frame["tz 2"]).all()

    def test_beside_columns_of_one_name_it_is_an_error(self, make_table: MakeTable) -> None:
        make_table("timestamp with time zone")

        with pytest.raises(orapool.ConfigurationError, match="two columns are called N, and another has a time zone"):
            orapool.read_df("select n, n, c from frames_t")


def test_blanks_of_char_by_choice(make_table: MakeTable) -> None:
    make_table("char(5)", "'ab'", "'abcde'", "null")

    assert read(strip_char=True).tolist()[:2] == ["ab", "abcde"]
    assert read().tolist()[:2] == ["ab   ", "abcde"]


def test_names_by_choice(default_pool: SessionPool) -> None:
    sql = 'select 1 as total, 2 as "Mixed", 3 as "lower" from dual'

    assert list(orapool.read_df(sql).columns) == ["total", "Mixed", "lower"]
    assert list(orapool.read_df(sql, column_names="oracle").columns) == ["TOTAL", "Mixed", "lower"]


def test_columns_of_one_name(default_pool: SessionPool) -> None:
    frame = orapool.read_df("select 1 as a, 'x' as a from dual")

    assert list(frame.columns) == ["a", "a"]
    assert frame.iloc[0].tolist() == [1, "x"]


@pytest.mark.parametrize("type_", ["clob", "blob"])
@pytest.mark.parametrize("arraysize", [None, 7])
def test_lobs_come_with_their_rows(make_table: MakeTable, sandbox: Sandbox, type_: str, arraysize: int | None) -> None:
    make_table(type_)
    fill = "to_clob(rpad('x', 3000, 'x'))" if type_ == "clob" else "hextoraw(rpad('ab', 3000, 'ab'))"
    with orapool.transaction() as connection:
        connection.cursor().execute(f"insert into frames_t select level, {fill} from dual connect by level <= 100")
    read(arraysize=arraysize)
    before = sandbox.stats()

    found = read(arraysize=arraysize)

    assert found.str.len().tolist() == [3000 if type_ == "clob" else 1500] * 100
    spent = sandbox.stats() - before
    assert "lob" not in spent.round_trips
    assert spent.total_round_trips <= 5 + 100 / (arraysize or 100)


def test_a_long_lob(make_table: MakeTable) -> None:
    make_table("clob")
    text = "Zürich" * 500_000
    with orapool.transaction() as connection, connection.cursor() as cursor:
        lob = connection.createlob(orapool.pool().driver.dbapi.DB_TYPE_CLOB)
        lob.write(text)
        cursor.execute("insert into frames_t values (1, :1)", [lob])

    assert read().tolist() == [text]


def test_lobs_are_as_asked_for_whatever_the_statement_cache_remembers(make_table: MakeTable) -> None:
    make_table("clob", "'text'")
    sql = "select c from frames_t"
    for _ in range(2):
        with orapool.connection() as connection:
            (lob,) = connection.cursor().execute(sql).fetchone()
            assert lob.read() == "text"
        assert orapool.read_df(sql)["c"].tolist() == ["text"]
        assert orapool.read_df(sql, decimals="string")["c"].tolist() == ["text"]


@pytest.mark.parametrize(
    ("type_", "message"),
    [("interval year to month", r"column C is of type INTERVAL_YM, which is not read: select to_char\(C\)")],
)
def test_a_type_that_is_not_read_is_an_error_that_says_what_to_do(
    make_table: MakeTable, type_: str, message: str
) -> None:
    make_table(type_)

    with pytest.raises(orapool.ConfigurationError, match=message):
        read()
    assert orapool.pool().stats().busy == 0
