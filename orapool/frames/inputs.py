"""Frames of pandas, pyarrow and polars as columns of Arrow data, a batch of rows at a time. Needs pyarrow."""

from __future__ import annotations

import datetime
import decimal
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Callable, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from orapool.errors import ConfigurationError

SCAN_ROWS = 50_000
"""Rows that are looked at together where all of a column must be seen: no more of it is copied at a time."""


class Frame(Protocol):
    """Columns by name, and their values by rows. What pandas takes for missing is NULL, and so is NaN."""

    names: list[str]
    rows: int

    def type_of(self, column: int) -> Any:
        """The Arrow type of a column, as far as it is known without its values."""

    def values(self, column: int, start: int, stop: int) -> Any:
        """A column's rows from `start` to `stop`, as a pyarrow Array."""

    def label(self, row: int) -> str:
        """What to call a row in a message."""


def open_frame(frame: Any, index: bool = False, index_label: str | Sequence[str] | None = None) -> Frame:
    """Look at a frame of any kind. Raises ConfigurationError for what is none, and for columns of no one type."""
    # Whoever has a frame of pandas has imported it.
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(frame, pandas.DataFrame):
        return _Pandas(frame, index, index_label)
    if index:
        raise ConfigurationError("index=True is for pandas: other frames have no index")
    if isinstance(frame, pa.RecordBatch):
        frame = pa.Table.from_batches([frame])
    if isinstance(frame, pa.Table):
        return _Arrow(frame.column_names, frame.num_rows, frame.slice)
    if hasattr(frame, "collect_schema") and not hasattr(frame, "to_arrow"):
        raise ConfigurationError("a LazyFrame has no rows yet: write_df(frame.collect(), ...)")
    if hasattr(frame, "to_arrow") and hasattr(frame, "slice") and hasattr(frame, "columns"):  # polars
        return _Arrow(list(frame.columns), len(frame), lambda start, rows: frame.slice(start, rows).to_arrow())
    if hasattr(frame, "__arrow_c_stream__"):
        table = pa.RecordBatchReader.from_stream(frame).read_all()
        return _Arrow(table.column_names, table.num_rows, table.slice)
    raise ConfigurationError(
        f"a {type(frame).__name__} cannot be written: give a pandas or polars DataFrame, a pyarrow Table, or an object "
        "with Arrow's PyCapsule interface"
    )


class _Arrow:
    """A Table, or what makes Tables of its slices."""

    def __init__(self, names: Sequence[str], rows: int, slice_: Callable[[int, int], Any]) -> None:
        self.names = [str(name) for name in names]
        self.rows = rows
        self._slice = slice_
        self._types = [_plain_type(field.type) for field in slice_(0, 0).schema]
        self._part: tuple[int, int, Any] | None = None

    def type_of(self, column: int) -> Any:
        return self._types[column]

    def values(self, column: int, start: int, stop: int) -> Any:
        if self._part is None or self._part[:2] != (start, stop):
            self._part = (start, stop, self._slice(start, stop - start))
        return _plain(_whole(self._part[2].column(column)))

    def label(self, row: int) -> str:
        return f"row {row:,}"


class _Pandas:
    """A DataFrame, and its index if that is to be written."""

    def __init__(self, frame: Any, index: bool, index_label: str | Sequence[str] | None) -> None:
        if frame.columns.nlevels > 1:
            raise ConfigurationError(
                f"the frame's columns have {frame.columns.nlevels} levels: give them one, such as "
                "frame.columns = ['_'.join(each) for each in frame.columns]"
            )
        self._columns: list[Any] = []
        self.names = []
        if index:
            levels = [frame.index.get_level_values(level) for level in range(frame.index.nlevels)]
            self._columns += [level.to_series() for level in levels]
            self.names += _index_names(frame.index, index_label)
        self._columns += [frame.iloc[:, number] for number in range(frame.shape[1])]
        self.names += [str(name) for name in frame.columns]
        self.rows = len(frame)
        self._index = frame.index
        self._readers = [
            self._of_objects(number) if _holds_objects(column) else None for number, column in enumerate(self._columns)
        ]

    def type_of(self, column: int) -> Any:
        reader = self._readers[column]
        if reader is not None:
            return reader.type
        return _plain_type(self._from_pandas(column, 0, 0).type)

    def values(self, column: int, start: int, stop: int) -> Any:
        reader = self._readers[column]
        if reader is not None:
            return reader.read(self._columns[column].iloc[start:stop])
        return _plain(self._from_pandas(column, start, stop))

    def label(self, row: int) -> str:
        label = self._index[row]
        return f"row {row:,}" if label == row else f"row {row:,} (index {label!r})"

    def _from_pandas(self, column: int, start: int, stop: int) -> Any:
        values = self._columns[column].iloc[start:stop]
        try:
            return _whole(pa.Array.from_pandas(values))
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise ConfigurationError(
                f"column {self.names[column]!r} is of {values.dtype}, which has no type in Oracle: convert it, such as "
                f"by astype(str) ({error})"
            ) from error

    def _of_objects(self, column: int) -> _Objects:
        return _Objects(self.names[column], self._columns[column], self.label)


def _index_names(index: Any, given: str | Sequence[str] | None) -> list[str]:
    if given is not None:
        names = [given] if isinstance(given, str) else list(given)
        if len(names) != index.nlevels:
            raise ConfigurationError(f"index_label has {len(names)} names for an index of {index.nlevels} levels")
        return names
    if index.nlevels == 1:
        return [str(index.name) if index.name is not None else "index"]
    return [str(name) if name is not None else f"level_{number}" for number, name in enumerate(index.names)]


def _holds_objects(column: Any) -> bool:
    dtype = column.dtype
    if getattr(dtype, "categories", None) is not None:
        dtype = dtype.categories.dtype
    return bool(dtype.kind == "O" and str(dtype) == "object")


def _whole(values: Any) -> Any:
    """One Array of chunks."""
    if not isinstance(values, pa.ChunkedArray):
        return values
    if values.num_chunks == 1:
        return values.chunk(0)
    joined = values.combine_chunks()
    return joined if isinstance(joined, pa.Array) else pa.concat_arrays(joined.chunks)


def _plain_type(kind: Any) -> Any:
    """The type that `_plain` gives values of a type."""
    if pa.types.is_dictionary(kind) or (hasattr(pa.types, "is_run_end_encoded") and pa.types.is_run_end_encoded(kind)):
        return _plain_type(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        return _plain_type(kind.storage_type)
    if kind == pa.float16():
        return pa.float32()
    name = str(kind)
    if name in ("string_view", "large_string"):
        return pa.string()
    if name in ("binary_view", "large_binary") or pa.types.is_fixed_size_binary(kind):
        return pa.binary()
    if name.startswith(("decimal32", "decimal64")):
        return pa.decimal128(kind.precision, kind.scale)
    if pa.types.is_date64(kind):
        return pa.date32()
    return kind


def _plain(values: Any) -> Any:
    """Values without dictionaries, views and the like, and with NULL for NaN."""
    if isinstance(values, pa.ExtensionArray):
        return _plain(values.storage)
    if pa.types.is_dictionary(values.type):
        return _plain(values.dictionary_decode())
    if hasattr(pa.types, "is_run_end_encoded") and pa.types.is_run_end_encoded(values.type):
        return _plain(pc.run_end_decode(values))
    wanted = _plain_type(values.type)
    if values.type != wanted:
        values = values.cast(wanted)
    if pa.types.is_floating(wanted):
        nan = pc.is_nan(values)
        if pc.any(nan).as_py():
            values = pc.if_else(nan, pa.scalar(None, wanted), values)
    return values


# ---------------------------------------------------------------- columns of Python objects
_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "bool"),
    (int, "int"),
    (float, "float"),
    (decimal.Decimal, "decimal"),
    (datetime.datetime, "datetime"),
    (datetime.date, "date"),
    (datetime.timedelta, "duration"),
    (str, "text"),
    (bytes, "bytes"),
    (bytearray, "bytes"),
    (memoryview, "bytes"),
)
_NUMPYS = {"bool": "bool", "bool_": "bool", "datetime64": "datetime", "timedelta64": "duration"}
_TOGETHER = {
    frozenset(("bool", "int")): "int",
    frozenset(("int", "float")): "float",
    frozenset(("int", "decimal")): "decimal",
    frozenset(("date", "datetime")): "datetime",
}
_LONGEST_INT = 2**63 - 1


class _Objects:
    """A column of Python objects, whose type is that of its values: all are looked at when it is made."""

    def __init__(self, name: str, column: Any, label: Callable[[int], str]) -> None:
        self._name = name
        self._nulls = column.isna
        found: dict[str, int] = {}
        self._zones: set[bool] = set()
        self._big = False
        for start, part in _parts(column):
            self._look_at(part, start, found)
        kinds = frozenset(found)
        if len(kinds) > 1:
            together = _TOGETHER.get(kinds)
            if together is None:
                rows = " and ".join(f"{kind} in {label(row)}" for kind, row in found.items())
                raise ConfigurationError(f"column {name!r} has values of several types: {rows}: make them one")
            kinds = frozenset((together,))
        self._kind = next(iter(kinds), "null")
        if self._kind not in ("null", *(kind for _, kind in _KINDS)):
            (row,) = found.values()
            raise ConfigurationError(
                f"column {name!r} has a {self._kind} in {label(row)}, which has no type in Oracle: convert it, such as "
                "by astype(str)"
            )
        if len(self._zones) > 1:
            raise ConfigurationError(f"column {name!r} has times with and without a time zone: make them one")
        if self._kind == "int" and self._big:
            self._kind = "decimal"
        self.type = self._type()

    def _type(self) -> Any:
        return {
            "null": pa.null(),
            "bool": pa.bool_(),
            "int": pa.int64(),
            "float": pa.float64(),
            "decimal": pa.decimal128(38, 0),  # each batch has the digits that its values need
            "datetime": pa.timestamp("us", "UTC" if True in self._zones else None),
            "date": pa.date32(),
            "duration": pa.duration("us"),
            "text": pa.string(),
            "bytes": pa.binary(),
        }[self._kind]

    def _look_at(self, part: Any, start: int, found: dict[str, int]) -> None:
        values = part.dropna()
        if not len(values):
            return
        objects: list[Any] = list(values)
        for kind in set(map(type, objects)):
            named = _kind_of(kind)
            if named not in found:
                first = next(number for number, value in enumerate(objects) if type(value) is kind)
                present = part.notna().to_numpy().nonzero()[0]
                found[named] = start + int(present[first])
            if named == "datetime":
                self._zones |= {getattr(value, "tzinfo", None) is not None for value in objects if type(value) is kind}
            elif named == "int":
                self._big = self._big or any(
                    not -_LONGEST_INT <= value <= _LONGEST_INT  # type: ignore[operator]
                    for value in objects
                    if type(value) is kind and kind is not bool
                )

    def read(self, part: Any) -> Any:
        """Some rows."""
        missing = part.isna().to_numpy()
        values = part.to_numpy(dtype=object)
        if self._kind == "decimal":
            made = [None if none else _decimal(value) for none, value in zip(missing, values)]
            made = [None if value is not None and value.is_nan() else value for value in made]
            return self._make(made, None)
        if self._kind == "datetime":
            values = [None if none else _moment(value) for none, value in zip(missing, values)]
            return self._make(values, self.type)
        if self._kind == "float":
            values = [None if none else float(value) for none, value in zip(missing, values)]
            return _plain(self._make(values, self.type))
        return self._make(values, self.type, missing)

    def _make(self, values: Any, kind: Any, mask: Any = None) -> Any:
        try:
            made = pa.array(values, type=kind, mask=mask, from_pandas=True)
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            raise ConfigurationError(f"column {self._name!r} cannot be converted: {error}") from error
        if kind is None and pa.types.is_null(made.type):
            return made.cast(self.type)
        return _whole(made)


def _parts(column: Any) -> Iterator[tuple[int, Any]]:
    for start in range(0, len(column), SCAN_ROWS):
        part = column.iloc[start : start + SCAN_ROWS]
        yield start, part.astype(object)


def _kind_of(kind: type) -> str:
    for known, named in _KINDS:
        if issubclass(kind, known):
            return named
    if kind.__module__ == "numpy":
        name = kind.__name__
        if name in _NUMPYS:
            return _NUMPYS[name]
        if name.startswith(("int", "uint")):
            return "int"
        if name.startswith("float"):
            return "float"
    return kind.__name__


def _decimal(value: Any) -> decimal.Decimal:
    return value if isinstance(value, decimal.Decimal) else decimal.Decimal(int(value))


def _moment(value: Any) -> datetime.datetime:
    if isinstance(value, datetime.datetime):
        # Of pandas, it may have nanoseconds: told of like those of other columns, by way of a number.
        return value
    if isinstance(value, datetime.date):
        return datetime.datetime(value.year, value.month, value.day)
    moment: datetime.datetime = value.astype("M8[us]").item()
    return moment
