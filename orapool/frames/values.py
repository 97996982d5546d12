"""Arrow values for columns of Oracle: which type a new column gets, and what a batch is bound as. Needs pyarrow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

import numpy
import pyarrow as pa
import pyarrow.compute as pc

from orapool.drivers.array_binds import Bind
from orapool.errors import ConfigurationError
from orapool.frames.inputs import SCAN_ROWS, Frame
from orapool.frames.tables import TableColumn

LONGEST_VARCHAR2, LONGEST_RAW = 4000, 2000  # bytes
_WIDTHS = (16, 32, 64, 128, 256, 512, 1024, 2048, LONGEST_VARCHAR2)
_UNKNOWN_WIDTH = 256
_INT64_DIGITS = 10**18
"""NUMBER(18) is read as int64, whatever it holds."""
_DIGITS_OF_INT = {8: 3, 16: 5, 32: 10, 64: 19}
_EXACT_IN_FLOAT = float(2**53)
_FIRST_YEAR, _AFTER_LAST_YEAR = -62135596800, 253402300800  # seconds from 1970 to the years 1 and 10000

_TEXTS = frozenset(("VARCHAR", "CHAR", "NVARCHAR", "NCHAR", "CLOB", "NCLOB", "LONG"))
_NATIONAL = frozenset(("NVARCHAR", "NCHAR", "NCLOB"))
_BYTES = frozenset(("RAW", "BLOB", "LONG_RAW"))
_MOMENTS = frozenset(("DATE", "TIMESTAMP"))
_ZONED = frozenset(("TIMESTAMP_TZ", "TIMESTAMP_LTZ"))


class Unfit(Exception):
    """Values that do not go into their column: what is wrong, and which row of the batch is the first of them."""

    def __init__(self, message: str, row: int | None = None) -> None:
        super().__init__(message)
        self.row = row


# ---------------------------------------------------------------- the types of new columns
@dataclass
class _Measure:
    """What all values of a column have in common."""

    chars: int = 0
    bytes: int = 0
    least: int = 0
    greatest: int = 0
    fractions: bool = False
    present: bool = False
    digits: tuple[int, int] | None = None


def new_type(frame: Frame, column: int) -> str:
    """The Oracle type of a new column for a frame's column, whose values are looked at where they decide."""
    kind = frame.type_of(column)
    types = pa.types
    if types.is_boolean(kind):
        return "NUMBER(1)"
    if types.is_integer(kind) and kind.bit_width < 64:
        return f"NUMBER({_DIGITS_OF_INT[kind.bit_width]})"
    if types.is_floating(kind):
        return "BINARY_FLOAT" if kind == pa.float32() else "BINARY_DOUBLE"
    if types.is_decimal(kind):
        return "NUMBER"
    if types.is_date(kind):
        return "DATE"
    if types.is_timestamp(kind) and kind.tz is not None:
        return "TIMESTAMP(6) WITH TIME ZONE"
    if types.is_duration(kind):
        return "INTERVAL DAY(9) TO SECOND(6)"
    if types.is_null(kind):
        return f"VARCHAR2({_UNKNOWN_WIDTH} CHAR)"
    if types.is_integer(kind):
        measure = _measure(frame, column, _measure_ints)
        fits = measure.least > -_INT64_DIGITS and measure.greatest < _INT64_DIGITS
        return "NUMBER(18)" if fits else "NUMBER(20)" if types.is_uint64(kind) else "NUMBER(19)"
    if types.is_string(kind):
        return _text_type(_measure(frame, column, _measure_texts))
    if types.is_binary(kind):
        measure = _measure(frame, column, _measure_bytes)
        if measure.bytes > LONGEST_RAW:
            return "BLOB"
        return f"RAW({next(width for width in (*_WIDTHS[:-1], LONGEST_RAW) if width >= min(measure.bytes, 2000))})"
    if types.is_timestamp(kind):
        measure = _measure(frame, column, _measure_moments)
        return "DATE" if measure.present and not measure.fractions else "TIMESTAMP(6)"
    raise no_type(frame.names[column], kind)


def no_type(name: str, kind: Any) -> ConfigurationError:
    """What to raise for a column of a type that Oracle has none for."""
    return ConfigurationError(f"column {name!r} is of {kind}, which has no type in Oracle: convert it first")


def _text_type(measure: _Measure) -> str:
    if measure.bytes > LONGEST_VARCHAR2:
        return "CLOB"
    width = measure.chars or _UNKNOWN_WIDTH
    return f"VARCHAR2({next(each for each in _WIDTHS if each >= width)} CHAR)"


def _measure(frame: Frame, column: int, look: Callable[[_Measure, Any], None]) -> _Measure:
    measure = _Measure()
    for start in range(0, frame.rows, SCAN_ROWS):
        values = frame.values(column, start, min(start + SCAN_ROWS, frame.rows))
        if values.null_count < len(values):
            measure.present = True
            look(measure, values)
    return measure


def _measure_ints(measure: _Measure, values: Any) -> None:
    found = pc.min_max(values).as_py()
    measure.least = min(measure.least, found["min"])
    measure.greatest = max(measure.greatest, found["max"])


def _measure_texts(measure: _Measure, values: Any) -> None:
    measure.bytes = max(measure.bytes, pc.max(pc.binary_length(values)).as_py())
    measure.chars = max(measure.chars, pc.max(pc.utf8_length(values)).as_py())


def _measure_bytes(measure: _Measure, values: Any) -> None:
    measure.bytes = max(measure.bytes, pc.max(pc.binary_length(values)).as_py())


def _measure_moments(measure: _Measure, values: Any) -> None:
    if not measure.fractions and values.type.unit != "s":
        measure.fractions = bool(numpy.any(_counts(values) % _PER_SECOND[values.type.unit]))


# ---------------------------------------------------------------- a batch for the columns of a table
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def fit(values: Any, column: TableColumn, truncate: bool) -> Bind:
    """What to bind for a column's values.

    Args:
        values: of a `Frame`.
        column: where they go.
        truncate: cut off the fractions of seconds that the column has no digits for.

    Raises:
        Unfit: for values of another type than the column's, and for those that would not arrive as they are.
    """
    kind = values.type
    types = pa.types
    into = column.kind
    if types.is_null(kind):
        return _nulls(len(values), into)
    if types.is_boolean(kind):
        if into in _TEXTS | _BYTES | _MOMENTS | _ZONED:
            raise _mismatch(kind, column)
        return fit(values.cast(pa.int8()), column, truncate)
    if into == "NUMBER" and types.is_floating(kind):
        return _number_of_float(values, column)
    if types.is_integer(kind) or types.is_decimal(kind) or types.is_floating(kind):
        return _number(values, column)
    if types.is_string(kind):
        return _text(values, column)
    if types.is_binary(kind):
        if into in _TEXTS | _MOMENTS | _ZONED | {"NUMBER", "BINARY_DOUBLE", "BINARY_FLOAT", "INTERVAL_DS"}:
            raise _mismatch(kind, column)
        values, longest = _without_empty(values)
        return Bind("RAW" if longest <= LONGEST_RAW else "LONG_RAW", values, longest)
    if types.is_date(kind):
        if into not in _MOMENTS:
            raise _mismatch(kind, column)
        return Bind(into, values.cast(pa.timestamp("s")).cast(pa.timestamp("us")))
    if types.is_timestamp(kind):
        return _moment(values, column, truncate)
    if types.is_duration(kind):
        if into != "INTERVAL_DS":
            raise _mismatch(kind, column)
        return Bind(into, _in_microseconds(values, column, pa.duration("us"), truncate))
    raise Unfit(f"is of {kind}, which has no type in Oracle: convert it first")


def as_stored(bind: Bind, column: TableColumn) -> Bind:
    """The same values in the very type of the column, where nothing converts them on their way."""
    if column.kind in ("BINARY_DOUBLE", "BINARY_FLOAT"):
        return Bind(column.kind, bind.values.cast(pa.float64() if column.kind == "BINARY_DOUBLE" else pa.float32()))
    if column.kind == "BOOLEAN":
        return Bind(column.kind, bind.values.cast(pa.bool_()))
    return bind


def _mismatch(kind: Any, column: TableColumn, advice: str = "convert it") -> Unfit:
    return Unfit(f"is of {kind}, and the table's column {column.name} is {column.text}: {advice}")


def _nulls(count: int, into: str) -> Bind:
    if into in ("NUMBER", "BINARY_DOUBLE", "BINARY_FLOAT", "BOOLEAN"):
        return Bind("NUMBER", pa.nulls(count, pa.int64()))
    if into in _MOMENTS:
        return Bind(into, pa.nulls(count, pa.timestamp("us")))
    if into in _ZONED:
        return Bind("TIMESTAMP_TZ", pa.nulls(count, pa.timestamp("us", "UTC")))
    if into == "INTERVAL_DS":
        return Bind(into, pa.nulls(count, pa.duration("us")))
    if into in _BYTES:
        return Bind("RAW", pa.nulls(count, pa.binary()))
    return Bind("VARCHAR", pa.nulls(count, pa.string()))


def _number(values: Any, column: TableColumn) -> Bind:
    into, kind = column.kind, values.type
    if into in ("BINARY_DOUBLE", "BINARY_FLOAT"):
        if pa.types.is_integer(kind):
            try:
                values = values.cast(pa.float64())
            except pa.ArrowInvalid:
                row = _first(numpy.abs(_counts(values).astype(numpy.float64)) > _EXACT_IN_FLOAT)
                raise Unfit(
                    f"has a number of more digits than the table's column {column.name} ({column.text}) can hold", row
                ) from None
        elif pa.types.is_decimal(kind):
            return Bind("NUMBER", values)
        return Bind("BINARY_FLOAT" if values.type == pa.float32() else "BINARY_DOUBLE", values)
    if into in _TEXTS and not pa.types.is_floating(kind):
        return _text(values.cast(pa.string()), column)
    if into in ("NUMBER", "BOOLEAN"):
        return Bind("NUMBER", values)
    raise _mismatch(kind, column, "convert it, such as by astype(str)" if into in _TEXTS else "convert it")


def _number_of_float(values: Any, column: TableColumn) -> Bind:
    """Floats as a NUMBER: the shortest decimal number that is the float, as Python writes it."""
    floats = _filled(values).astype(numpy.float64)
    endless = ~numpy.isfinite(floats)
    if endless.any():
        raise Unfit(
            f"has an infinite number, which the table's column {column.name} ({column.text}) cannot hold",
            _first(endless),
        )
    if values.type == pa.float64():
        for scale in (0, 2, 4):
            whole = numpy.rint(floats * 10.0**scale)
            # The float next to a number of so few digits is the one that has it for its shortest form.
            if numpy.all(numpy.abs(whole) < _EXACT_IN_FLOAT) and numpy.array_equal(whole / 10.0**scale, floats):
                counts = pa.array(whole.astype(numpy.int64), mask=_mask(values))
                return Bind("NUMBER", counts if not scale else _scaled(counts, scale))
    else:
        # Of a float32 the shortest form has fewer digits: 0.1, and not 0.10000000149011612.
        floats = numpy.array([float(str(value)) for value in _filled(values)])
    return Bind("NUMBER", pa.array(floats, mask=_mask(values)))


def _scaled(counts: Any, scale: int) -> Any:
    """Counts of hundredths, and the like, as decimal numbers."""
    return counts.cast(pa.decimal128(19, 0)).view(pa.decimal128(19, scale))


def _text(values: Any, column: TableColumn) -> Bind:
    into = column.kind
    if into in _BYTES | _MOMENTS | _ZONED | {"NUMBER", "BINARY_DOUBLE", "BINARY_FLOAT", "INTERVAL_DS", "INTERVAL_YM"}:
        raise _mismatch(values.type, column)
    values, longest = _without_empty(values)
    if longest > LONGEST_VARCHAR2:
        return Bind("LONG", values, longest)
    return Bind("NVARCHAR" if into in _NATIONAL else "VARCHAR", values, longest)


def _without_empty(values: Any) -> tuple[Any, int]:
    """Texts or bytes with NULL for empty ones, whichever way they go, and the bytes of the longest."""
    lengths = pc.binary_length(values)
    found = pc.min_max(lengths).as_py()
    if found["min"] == 0:
        values = pc.if_else(pc.equal(lengths, 0), pa.scalar(None, values.type), values)
    return values, found["max"] or 0


def _moment(values: Any, column: TableColumn, truncate: bool) -> Bind:
    into, zone = column.kind, values.type.tz
    if into in _ZONED:
        if zone is None:
            raise _mismatch(values.type, column, "give it a time zone, such as by dt.tz_localize('UTC')")
        return Bind("TIMESTAMP_TZ", _in_microseconds(values, column, pa.timestamp("us", "UTC"), truncate))
    if into not in _MOMENTS:
        raise _mismatch(values.type, column)
    if zone is not None:
        raise _mismatch(
            values.type,
            column,
            "take its time zone away, such as by dt.tz_convert(zone).dt.tz_localize(None) for the time in a zone",
        )
    return Bind(into, _in_microseconds(values, column, pa.timestamp("us"), truncate))


def _in_microseconds(values: Any, column: TableColumn, wanted: Any, truncate: bool) -> Any:
    """Moments or spans of time in microseconds, with no more digits of a second than the column has."""
    unit = values.type.unit
    digits = 0 if column.kind == "DATE" else 6 if column.scale is None else min(column.scale, 6)
    step = _PER_SECOND[unit] // 10**digits
    if step > 1:
        counts = _counts(values)
        beyond = counts % step
        if beyond.any():
            if not truncate:
                raise Unfit(
                    f"has more digits of a second than the table's column {column.name} ({column.text}): truncate=True "
                    "cuts them off, or choose another type for the column by dtype=",
                    _first(beyond != 0),
                )
            values = pa.array(counts - beyond, mask=_mask(values)).view(values.type)
    if pa.types.is_timestamp(wanted) and unit != "ns":
        seconds = _counts(values) // _PER_SECOND[unit]
        outside = (seconds < _FIRST_YEAR) | (seconds >= _AFTER_LAST_YEAR)
        if outside.any():
            raise Unfit("has a year outside of 1 to 9999", _first(outside))
    if values.type.unit == unit == "us":
        return values.cast(wanted) if values.type != wanted else values
    return values.cast(wanted)


def _counts(values: Any) -> Any:
    """Integers, or the integers that moments and spans are, with 0 for NULL."""
    return _filled(values if pa.types.is_integer(values.type) else values.view(pa.int64()))


def _filled(values: Any) -> Any:
    if values.null_count:
        values = pc.fill_null(values, pa.scalar(0, values.type))
    return values.to_numpy(zero_copy_only=False)


def _mask(values: Any) -> Any:
    return values.is_null().to_numpy(zero_copy_only=False) if values.null_count else None


def _first(found: Any) -> int:
    return int(numpy.argmax(found))
