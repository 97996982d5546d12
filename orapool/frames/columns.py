"""What each column of a result is read as: Oracle's types, Arrow's, and those of pandas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow

from orapool.drivers.columns import ResultColumn
from orapool.errors import ConfigurationError, PrecisionLoss
from orapool.frames.options import Decimals, Reading

_INT64_DIGITS = 18
_DECIMAL128_DIGITS = 38
_EXACT_WHOLE = 2.0**53
"""Below which float64 holds every whole number; and this one may have been another, too."""
_MICROSECOND_DIGITS = 6

_TEXT = pyarrow.large_string()
_BYTES = pyarrow.large_binary()
_SIMPLE: dict[str, pyarrow.DataType] = {
    "BINARY_DOUBLE": pyarrow.float64(),
    "BINARY_FLOAT": pyarrow.float32(),
    "BINARY_INTEGER": pyarrow.int64(),
    "BLOB": _BYTES,
    "BOOLEAN": pyarrow.bool_(),
    "CHAR": _TEXT,
    "CLOB": _TEXT,
    "DATE": pyarrow.timestamp("us"),
    "INTERVAL_DS": pyarrow.duration("us"),
    "LONG": _TEXT,
    "LONG_NVARCHAR": _TEXT,
    "LONG_RAW": _BYTES,
    "NCHAR": _TEXT,
    "NCLOB": _TEXT,
    "NVARCHAR": _TEXT,
    "RAW": _BYTES,
    "ROWID": _TEXT,
    "TIMESTAMP": pyarrow.timestamp("us"),
    "TIMESTAMP_LTZ": pyarrow.timestamp("us", "UTC"),
    "TIMESTAMP_TZ": pyarrow.timestamp("us", "UTC"),
    "UROWID": _TEXT,
    "VARCHAR": _TEXT,
}
_ZONED = frozenset({"TIMESTAMP_LTZ", "TIMESTAMP_TZ"})
_PADDED = frozenset({"CHAR", "NCHAR"})
_INSTEAD = {
    "INTERVAL_YM": "to_char({0}), or extract(year from {0}) * 12 + extract(month from {0}), in its place",
    "JSON": "json_serialize({0} returning clob) in its place",
    "XMLTYPE": "xmlserialize(content {0} as clob) in its place",
    "OBJECT": "its attributes in its place",
    "VECTOR": "from_vector({0} returning clob) in its place",
}

# A batch is as many rows as fill about this many bytes, at the widths that the columns may have.
_BATCH_BYTES = 16 * 1024 * 1024
_LEAST_ROWS = 20
_FIXED_WIDTH = 24
_LOB_WIDTH = 4_000
"""Bytes that a LOB is taken to have: its column does not tell."""
_LOBS = frozenset({"BLOB", "CLOB", "LONG", "LONG_NVARCHAR", "LONG_RAW", "NCLOB"})


@dataclass(frozen=True)
class Target:
    """What a column is read as.

    Attributes:
        column: as the database describes it.
        name: of the column in the result.
        fetched: what the driver is asked for; None: the least decimal type that holds every value.
        final: what it is then turned into.
        strip: whether blanks at the end of a CHAR go.
        whole: whether a float that cannot be told from its neighbour is an error.
        as_decimal: whether it is the text of numbers that are wanted as decimal.Decimal.
    """

    column: ResultColumn
    name: str
    fetched: pyarrow.DataType | None
    final: pyarrow.DataType | None
    strip: bool = False
    whole: bool = False
    as_decimal: bool = False

    def finish(self, array: pyarrow.Array) -> pyarrow.Array:
        """What was fetched, as it is wanted. Raises PrecisionLoss."""
        if self.whole:
            self._check_whole(array)
        if self.strip:
            import pyarrow.compute

            array = pyarrow.compute.utf8_rtrim(array, characters=" ")
        if self.final is not None and array.type != self.final:
            return self._cast(array)
        return array

    def _check_whole(self, array: pyarrow.Array) -> None:
        import pyarrow.compute

        extremes = pyarrow.compute.min_max(array).as_py()
        for value in extremes.values():
            if value is not None and abs(value) >= _EXACT_WHOLE:
                raise PrecisionLoss(
                    f"column {self.column.name}: {value:.0f} is not below 2**53, from where on float64 does not hold "
                    "every whole number: read it with decimals='decimal', 'arrow' or 'string', or, for the nearest "
                    "float, select cast(... as binary_double)"
                )

    def _cast(self, array: pyarrow.Array) -> pyarrow.Array:
        try:
            return array.cast(self.final)
        except pyarrow.ArrowInvalid as error:
            raise PrecisionLoss(
                f"column {self.column.name}: {error}: read it with timestamp_unit='us', whose range is Oracle's"
            ) from error


def find_targets(columns: Sequence[ResultColumn], how: Reading) -> tuple[Target, ...]:
    """What the columns of a result are read as. Raises ConfigurationError for a type that is not read."""
    return tuple(_find_target(column, how) for column in columns)


def _find_target(column: ResultColumn, how: Reading) -> Target:
    name = column.name.lower() if how.column_names == "lower" and column.name == column.name.upper() else column.name
    if column.type == "NUMBER":
        wanted = _number_type(column, how.decimals)
        whole = wanted == pyarrow.float64() and not (column.precision and column.scale == -127)
        if wanted is None and how.decimals == "decimal":
            return Target(column, name, _TEXT, _TEXT, as_decimal=True)
        return Target(column, name, wanted, wanted, whole=whole)
    found = _SIMPLE.get(column.type)
    if found is None:
        instead = _INSTEAD.get(column.type, "something else in its place").format(column.name)
        raise ConfigurationError(f"column {column.name} is of type {column.type}, which is not read: select {instead}")
    fetched = final = found
    if pyarrow.types.is_timestamp(found):
        fetched = pyarrow.timestamp("us")  # of one with a zone, it is UTC that is fetched: see with_zones
        final = pyarrow.timestamp(how.timestamp_unit, found.tz)
    return Target(column, name, fetched, final, strip=how.strip_char and column.type in _PADDED)


def _number_type(column: ResultColumn, decimals: Decimals | None) -> pyarrow.DataType | None:
    precision, scale = column.precision, column.scale
    whole_digits = precision - scale if precision and scale <= 0 and scale != -127 else 0
    if whole_digits and (whole_digits <= _INT64_DIGITS or decimals is None):
        return pyarrow.int64()
    if decimals is None or decimals == "float":
        return pyarrow.float64()
    if decimals == "string":
        return _TEXT
    if whole_digits and whole_digits <= _DECIMAL128_DIGITS:
        return pyarrow.decimal128(whole_digits, 0)
    if precision and 0 < scale <= _DECIMAL128_DIGITS:
        return pyarrow.decimal128(max(precision, scale), scale)
    return None


def with_zones(statement: str, columns: Sequence[ResultColumn]) -> str:
    """The query, its times with time zone in UTC: both drivers forget the zone, and what is left is no moment."""
    if not any(column.type in _ZONED for column in columns):
        return statement
    names = [column.name for column in columns]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ConfigurationError(
            f"two columns are called {twice}, and another has a time zone: give them names of their own in the query"
        )
    outputs = ", ".join(
        f'sys_extract_utc(q."{column.name}") as "{column.name}"' if column.type in _ZONED else f'q."{column.name}"'
        for column in columns
    )
    return f"select {outputs} from (\n{statement}\n) q"


def batch_rows(columns: Sequence[ResultColumn], most: int) -> int:
    """How many rows to fetch in a round trip, `most` of them at most."""
    width = sum(_LOB_WIDTH if column.type in _LOBS else max(column.size, _FIXED_WIDTH) for column in columns)
    return max(_LEAST_ROWS, min(most, _BATCH_BYTES // width))
