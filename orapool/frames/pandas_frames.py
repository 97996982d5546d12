"""Arrow tables as DataFrames of pandas, column by column, so that there is never more than one column twice."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pandas
import pyarrow

from orapool.errors import ConfigurationError
from orapool.frames.columns import Target
from orapool.frames.options import Backend, Framing, Reading

VERSION = tuple(int(part) for part in pandas.__version__.split(".")[:2])
_NULLABLE: dict[Any, Any] = {
    pyarrow.int64(): pandas.Int64Dtype(),
    pyarrow.float64(): pandas.Float64Dtype(),
    pyarrow.float32(): pandas.Float32Dtype(),
    pyarrow.bool_(): pandas.BooleanDtype(),
    pyarrow.large_string(): pandas.StringDtype(),
}
_NULLABLE_WHERE_NEEDED = frozenset({pyarrow.int64(), pyarrow.bool_()})
_ONLY_NANOSECONDS = VERSION < (2, 0)


def make_frame(
    targets: Sequence[Target], columns: list[pyarrow.ChunkedArray], how: Reading, shape: Framing
) -> pandas.DataFrame:
    """The columns as a DataFrame; `columns` is empty afterwards, so that what is done with is freed."""
    made: list[Any] = []
    rows = len(columns[0]) if columns else 0
    columns.reverse()
    for target in targets:
        column = columns.pop()
        if target.as_decimal:
            made.append(_to_decimals(column))
        else:
            made.append(_to_array(column, shape.dtype_backend, how.decimals == "arrow"))
        del column
    # By number first: names may occur twice.
    frame: pandas.DataFrame = pandas.DataFrame(dict(enumerate(made)), index=pandas.RangeIndex(rows), copy=False)
    frame.columns = pandas.Index([target.name for target in targets])
    if shape.dtype is not None:
        frame = frame.astype(shape.dtype)
    _parse_dates(frame, shape.parse_dates)
    if shape.index_col is not None:
        frame = frame.set_index(shape.index_col)
    return frame


def _to_array(column: pyarrow.ChunkedArray, backend: Backend | None, decimals_as_arrow: bool) -> Any:
    type_ = column.type
    if backend == "pyarrow" or (decimals_as_arrow and pyarrow.types.is_decimal(type_)):
        return pandas.arrays.ArrowExtensionArray(column)
    nullable = _NULLABLE.get(type_)
    if nullable is not None and (
        backend == "numpy_nullable" or (type_ in _NULLABLE_WHERE_NEEDED and column.null_count)
    ):
        return nullable.__from_arrow__(column)
    if _ONLY_NANOSECONDS and pyarrow.types.is_temporal(type_) and not _fits_nanoseconds(column):
        return column.to_pandas(timestamp_as_object=True)
    return column.to_pandas()


def _to_decimals(column: pyarrow.ChunkedArray) -> Any:
    return pandas.Series([None if text is None else Decimal(text) for text in column.to_pylist()], dtype=object)


def _fits_nanoseconds(column: pyarrow.ChunkedArray) -> bool:
    """Whether all times lie between 1677 and 2262, as pandas 1.x wants them."""
    try:
        unit = (
            pyarrow.duration("ns")
            if pyarrow.types.is_duration(column.type)
            else pyarrow.timestamp("ns", column.type.tz)
        )
        column.cast(unit)
    except pyarrow.ArrowInvalid:
        return False
    return True


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
