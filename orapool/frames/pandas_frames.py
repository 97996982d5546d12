"""Columns as DataFrames of pandas, one by one, so that there is never more than one of them twice."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy
import pandas
import pyarrow

from orapool.errors import ConfigurationError
from orapool.frames.blocks import Column, Fixed
from orapool.frames.columns import Target
from orapool.frames.options import Backend, Framing, Reading

VERSION = tuple(int(part) for part in pandas.__version__.split(".")[:2])
_ONLY_NANOSECONDS = VERSION < (2, 0)

_DTYPES: dict[Any, str] = {
    pyarrow.int64(): "int64",
    pyarrow.float64(): "float64",
    pyarrow.float32(): "float32",
    **{pyarrow.timestamp(unit): f"datetime64[{unit}]" for unit in ("us", "ns")},
    **{pyarrow.timestamp(unit, "UTC"): f"datetime64[{unit}]" for unit in ("us", "ns")},
    pyarrow.duration("us"): "timedelta64[us]",
}
_NULLABLE: dict[Any, Any] = {
    pyarrow.int64(): pandas.arrays.IntegerArray,
    pyarrow.float64(): pandas.arrays.FloatingArray,
    pyarrow.float32(): pandas.arrays.FloatingArray,
}


def make_frame(
    targets: Sequence[Target], columns: list[Column], how: Reading, shape: Framing, by_description: bool = False
) -> pandas.DataFrame:
    """The columns as a DataFrame; `columns` is empty afterwards, so that what is done with is freed.

    `by_description`: columns have a type for NULLs also where none occurs, if the database says that some may.
    """
    made: list[Any] = []
    columns.reverse()
    for target in targets:
        may_be_null = by_description and target.column.nullable
        made.append(_to_pandas(target, columns.pop(), how, shape.dtype_backend, may_be_null))
    # By number first: names may occur twice.
    index = pandas.RangeIndex(len(made[0]))
    frame: pandas.DataFrame = pandas.DataFrame(dict(enumerate(made)), index=index, copy=False)
    frame.columns = pandas.Index([target.name for target in targets])
    if shape.dtype is not None:
        frame = frame.astype(shape.dtype)
    _parse_dates(frame, shape.parse_dates)
    if shape.index_col is not None:
        frame = frame.set_index(shape.index_col)
    return frame


def _to_pandas(target: Target, column: Column, how: Reading, backend: Backend | None, may_be_null: bool) -> Any:
    dtype = _DTYPES.get(column.type)
    if isinstance(column, Fixed) and dtype is not None and backend != "pyarrow":
        values, nulls = column.take()
        return _from_numpy(column.type, values.view(dtype), nulls, backend, may_be_null)
    arrow = column.arrow()
    if target.as_decimal:
        return pandas.Series([None if text is None else Decimal(text) for text in arrow.to_pylist()], dtype=object)
    if backend == "pyarrow" or (how.decimals == "arrow" and pyarrow.types.is_decimal(arrow.type)):
        return pandas.arrays.ArrowExtensionArray(arrow)
    if pyarrow.types.is_boolean(arrow.type) and (backend == "numpy_nullable" or arrow.null_count or may_be_null):
        return _from_arrow(pandas.BooleanDtype(), arrow)
    if pyarrow.types.is_large_string(arrow.type) and backend == "numpy_nullable":
        return _from_arrow(pandas.StringDtype(), arrow)
    return arrow.to_pandas()


def _from_arrow(dtype: Any, column: pyarrow.Array) -> Any:
    return dtype.__from_arrow__(column)  # the protocol of pandas's own extension types


def _from_numpy(type_: pyarrow.DataType, values: Any, nulls: Any, backend: Backend | None, may_be_null: bool) -> Any:
    nullable = _NULLABLE.get(type_)
    any_nulls = may_be_null or nulls is not None
    if nullable is not None and (backend == "numpy_nullable" or (values.dtype.kind == "i" and any_nulls)):
        if nulls is None:
            nulls = numpy.zeros(len(values), bool)
        return nullable(values, nulls)
    if nulls is not None:
        values[nulls] = "NaT" if values.dtype.kind in "mM" else float("nan")
    if _ONLY_NANOSECONDS and values.dtype.kind in "mM":
        values = _in_nanoseconds(values)
    if pyarrow.types.is_timestamp(type_) and type_.tz is not None:
        return pandas.Series(values, copy=False).dt.tz_localize(type_.tz)
    return values


def _in_nanoseconds(values: Any) -> Any:
    """Times as pandas 1.x has them, or as Python's own where they lie beyond 1677 to 2262."""
    converted = values.astype(values.dtype.str.replace("[us]", "[ns]"))
    if (converted.astype(values.dtype) == values).sum() + pandas.isna(values).sum() == len(values):
        return converted
    return values.astype(object)


def _parse_dates(frame: pandas.DataFrame, wanted: Any) -> None:
    """What `parse_dates` of `pandas.read_sql_query` asks for: a column, several, or each with a format or options."""
    if wanted is None or isinstance(wanted, bool):
        return
    columns = [wanted] if isinstance(wanted, str) else list(wanted)
    for column in columns:
        if column not in frame.columns:
            raise ConfigurationError(
                f"parse_dates: there is no column {column!r}, but {', '.join(map(str, frame.columns))}"
            )
        how = wanted[column] if isinstance(wanted, dict) else None
        frame[column] = _parse(frame[column], how)


_UNITS = frozenset({"D", "d", "h", "m", "s", "ms", "us", "ns"})


def _parse(values: pandas.Series[Any], how: Any) -> Any:
    if isinstance(how, dict):
        return pandas.to_datetime(values, **how)
    if how is None and not pandas.api.types.is_numeric_dtype(values):
        return pandas.to_datetime(values, errors="coerce")
    if how is None or how in _UNITS:
        return pandas.to_datetime(values, errors="coerce", unit=how or "s")
    return pandas.to_datetime(values, errors="coerce", format=how)
