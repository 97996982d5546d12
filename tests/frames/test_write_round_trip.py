"""What is written is what is read back, for values of every type, in frames of every kind, on both drivers."""

from __future__ import annotations

import datetime
import itertools
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pandas
import polars
import pyarrow
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import orapool
from orapool import SessionPool
from tests.conftest import THICK

UTC = datetime.timezone.utc
MOMENTS = st.datetimes(datetime.datetime(1, 1, 2), datetime.datetime(9999, 12, 30))
ZONES = st.sampled_from([UTC, datetime.timezone(datetime.timedelta(hours=2))])
TEXT = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=40)

VALUES: dict[str, tuple[st.SearchStrategy[Any], Any]] = {
    "whole": (st.integers(-(2**63) + 1, 2**63 - 1), pyarrow.int64()),
    "small": (st.integers(-128, 127), pyarrow.int8()),
    "large": (st.integers(0, 2**64 - 1), pyarrow.uint64()),
    "flag": (st.booleans(), pyarrow.bool_()),
    "ratio": (st.floats(), pyarrow.float64()),
    "single": (st.floats(width=32), pyarrow.float32()),
    "price": (st.decimals(-(10**18), 10**18, places=10), pyarrow.decimal128(38, 10)),
    "cents": (st.decimals(-(10**12), 10**12, places=2), pyarrow.decimal128(16, 2)),
    "trace": (st.decimals(Decimal("-1e-16"), Decimal("1e-16"), places=30), pyarrow.decimal128(38, 30)),
    "text": (TEXT, pyarrow.string()),
    "letters": (st.one_of(TEXT, st.text("abc", min_size=4001, max_size=4100)), pyarrow.large_string()),
    "token": (st.binary(max_size=40), pyarrow.binary()),
    "image": (st.one_of(st.binary(max_size=40), st.binary(min_size=2001, max_size=2050)), pyarrow.large_binary()),
    "day": (st.dates(datetime.date(1, 1, 2)), pyarrow.date32()),
    "moment": (MOMENTS.map(lambda moment: moment.replace(microsecond=0)), pyarrow.timestamp("s")),
    "exact": (MOMENTS, pyarrow.timestamp("us")),
    "zoned": (
        st.datetimes(datetime.datetime(1, 1, 3), datetime.datetime(9999, 12, 29), timezones=ZONES),
        pyarrow.timestamp("us", "UTC"),
    ),
    "span": (st.timedeltas(datetime.timedelta(days=-99_999), datetime.timedelta(days=99_999)), pyarrow.duration("us")),
}
_reads = itertools.count()
SELECT = {name: f"to_char({name})" for name in ("price", "cents", "trace", "large", "whole")}


@st.composite
def _columns(draw: Callable[..., Any]) -> dict[str, list[Any]]:
    """Columns of the same length, with values that are missing in between."""
    rows = draw(st.integers(1, 6))
    return {
        name: draw(st.lists(st.one_of(st.none(), values), min_size=rows, max_size=rows))
        for name, (values, _) in VALUES.items()
    }


def _objects(columns: dict[str, list[Any]]) -> Any:
    return pandas.DataFrame({name: pandas.Series(values, dtype=object) for name, values in columns.items()})


def _arrow(columns: dict[str, list[Any]]) -> Any:
    return pyarrow.table({name: pyarrow.array(values, VALUES[name][1]) for name, values in columns.items()})


def _pandas(columns: dict[str, list[Any]]) -> Any:
    """As pandas has what comes as Arrow: in its own types, or, from 2.0 on, in Arrow's."""
    if not hasattr(pandas, "ArrowDtype"):
        return _objects(columns)
    return _arrow(columns).to_pandas(types_mapper=pandas.ArrowDtype)


def _polars(columns: dict[str, list[Any]]) -> Any:
    return polars.from_arrow(_arrow(columns))


def _as_read(value: Any) -> Any:
    """A value as a driver returns it from the column that it was written into."""
    if value is None or value in ("", b"") or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, datetime.datetime):
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, datetime.date):
        return datetime.datetime(value.year, value.month, value.day)
    if isinstance(value, bool):
        return int(value)
    return value


def _read(names: list[str]) -> list[tuple[Any, ...]]:
    items = ", ".join(SELECT.get(name, name) for name in names)
    with orapool.connection() as connection, connection.cursor() as cursor:
        found = []
        # A text of its own: the drivers keep statements with the columns that they had.
        for row in cursor.execute(f"select /* {next(_reads)} */ {items} from round_trip order by place"):
            values = [value.read() if hasattr(value, "read") else value for value in row]
            found.append(
                tuple(
                    Decimal(value) if name in SELECT and value is not None else value
                    for name, value in zip(names, values)
                )
            )
        return found


def _check(frame: Any, columns: dict[str, list[Any]], **options: Any) -> None:
    places = list(range(len(columns["whole"])))
    if isinstance(frame, pyarrow.Table):
        frame = frame.append_column("place", pyarrow.array(places))
    elif isinstance(frame, polars.DataFrame):
        frame = frame.with_columns(polars.Series("place", places))
    else:
        frame["place"] = places

    written = orapool.write_df(frame, "round_trip", if_exists="replace", batch_size=4, **options)

    assert written.rows == len(places)
    assert _read(list(columns)) == [tuple(map(_as_read, row)) for row in zip(*columns.values())]


FEW = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), database=None)


@pytest.mark.parametrize("make", [_objects, _arrow, _pandas, _polars], ids=["objects", "arrow", "pandas", "polars"])
@FEW
@given(columns=_columns())
def test_a_frame_comes_back_as_it_was(
    default_pool: SessionPool, make: Callable[..., Any], columns: dict[str, list[Any]]
) -> None:
    _check(make(columns), columns)


@pytest.mark.parametrize("in_arrow", [False, True])
@FEW
@given(columns=_columns())
def test_direct_path(default_pool: SessionPool, in_arrow: bool, columns: dict[str, list[Any]]) -> None:
    if in_arrow:  # the columns that python-oracledb takes as Arrow data
        columns = {
            name: values for name, values in columns.items() if name not in ("span", "zoned", "letters", "image")
        }
    options = {"direct_path": True, "commit": "batch"}
    if not hasattr(default_pool.driver.dbapi.Connection, "direct_path_load") or THICK:
        with pytest.raises(orapool.ConfigurationError, match="direct_path=True: .* has (no )?direct path load"):
            _check(_arrow(columns), columns, **options)
    else:
        _check(_arrow(columns), columns, **options)
