"""A frame that write_df has written is equal when it is read back, in values and in types, on both drivers."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import numpy
import pandas
import pyarrow
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import orapool
from orapool import SessionPool

MANY = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None)
PANDAS = tuple(int(part) for part in pandas.__version__.split(".")[:2])
TEXT = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), min_size=1, max_size=20)
# pandas 1.5 has dates as nanoseconds only.
YEARS = (1, 9999) if PANDAS >= (2, 0) else (1678, 2261)
MOMENTS = (datetime.datetime(YEARS[0], 1, 3), datetime.datetime(YEARS[1], 12, 29))

# Of an Arrow type, what its values are: none that Oracle has no other word for than NULL, as it has for "".
VALUES: dict[str, tuple[pyarrow.DataType, st.SearchStrategy[Any]]] = {
    "whole": (pyarrow.int64(), st.integers(-(10**18) + 1, 10**18 - 1)),
    "ratio": (pyarrow.float64(), st.floats(allow_nan=False)),
    "single": (pyarrow.float32(), st.floats(width=32, allow_nan=False)),
    "name": (pyarrow.large_string(), TEXT),
    "story": (pyarrow.large_string(), st.one_of(TEXT, TEXT.map(lambda some: some * 4001))),
    "token": (pyarrow.large_binary(), st.binary(min_size=1, max_size=20)),
    "image": (pyarrow.large_binary(), st.binary(min_size=1, max_size=20).map(lambda some: some * 2001)),
    "moment": (pyarrow.timestamp("us"), st.datetimes(*MOMENTS)),
    "zoned": (
        pyarrow.timestamp("us", "UTC"),
        st.datetimes(*MOMENTS, timezones=st.just(datetime.timezone.utc)),
    ),
    "span": (
        pyarrow.duration("us"),
        st.timedeltas(datetime.timedelta(days=-99_999), datetime.timedelta(days=99_999)),
    ),
    "price": (pyarrow.decimal128(38, 10), st.decimals(-(10**18), 10**18, places=10)),
}
DTYPES = {"price": "NUMBER(38,10)", "whole": "NUMBER(18)"}


@st.composite
def _tables(draw: Callable[..., Any], names: tuple[str, ...] = tuple(VALUES), nulls: bool = True) -> pyarrow.Table:
    rows = draw(st.integers(1, 5))
    columns = {}
    for name in names:
        type_, values = VALUES[name]
        each = st.one_of(st.none(), values) if nulls else values
        columns[name] = pyarrow.array(draw(st.lists(each, min_size=rows, max_size=rows)), type_)
    return pyarrow.table({"place": pyarrow.array(range(rows), pyarrow.int64()), **columns})


def _write(frame: Any, names: list[str]) -> str:
    """Write it, and tell what to read."""
    dtype = {name: kind for name, kind in DTYPES.items() if name in names}
    orapool.write_df(frame, "there_and_back", if_exists="replace", dtype=dtype)
    # The rows in their order, in a statement of its own: the drivers keep the columns that a statement had.
    _write.count += 1  # type: ignore[attr-defined]
    return f"select /* {_write.count} */ * from there_and_back order by place"  # type: ignore[attr-defined]


_write.count = 0  # type: ignore[attr-defined]


@MANY
@given(table=_tables())
def test_arrow(default_pool: SessionPool, table: pyarrow.Table) -> None:
    found = orapool.read_arrow(_write(table, table.column_names), decimals="decimal")

    assert found.schema == table.schema
    assert found.equals(table)


@pytest.mark.skipif(PANDAS < (2, 0), reason="pandas 1 has no columns of Arrow's types")
@MANY
@given(table=_tables())
def test_pandas_with_the_types_of_arrow(default_pool: SessionPool, table: pyarrow.Table) -> None:
    frame = table.to_pandas(types_mapper=pandas.ArrowDtype)

    found = orapool.read_df(_write(frame, table.column_names), dtype_backend="pyarrow", decimals="decimal")

    pandas.testing.assert_frame_equal(found, frame, check_exact=True)


@MANY
@given(table=_tables(nulls=False))
def test_pandas_with_the_types_of_numpy(default_pool: SessionPool, table: pyarrow.Table) -> None:
    frame = table.to_pandas()

    found = orapool.read_df(_write(frame, table.column_names), decimals="decimal")

    pandas.testing.assert_frame_equal(found, frame, check_exact=True)


@MANY
@given(table=_tables())
def test_what_is_missing_stays_missing_in_pandas(default_pool: SessionPool, table: pyarrow.Table) -> None:
    frame = table.to_pandas()
    frame["whole"] = table["whole"].to_pandas(types_mapper={pyarrow.int64(): pandas.Int64Dtype()}.get)

    found = orapool.read_df(_write(frame, table.column_names), decimals="decimal")

    assert found.isna().equals(frame.isna())
    for name in frame:
        there = frame[name].notna()
        assert list(found[name][there]) == list(frame[name][there]), name
    assert numpy.array_equal(found.index, frame.index)
