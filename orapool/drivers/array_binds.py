"""Columns of Arrow data as the bind rows of an array DML statement. What imports this needs pyarrow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

SIZED = frozenset(("VARCHAR", "NVARCHAR", "RAW"))
"""Kinds that the drivers make room for by the longest value."""
LONGEST_IN_ARROW = 4000
"""Bytes. python-oracledb binds all strings of Arrow data as VARCHAR2, which longer ones are not in every database."""
_FLOATS_DIGITS, _FLOATS_SCALE = 15, 22
"""Of decimal numbers of so many digits, the float next to each has it for its shortest form; and what power of 10 a
float still holds exactly."""


@dataclass(frozen=True)
class Bind:
    """The values of one column of a batch.

    Attributes:
        kind: the type to bind them as, by the drivers' own names without ``DB_TYPE_``.
        values: a pyarrow Array. Strings and bytes are plain ones, timestamps are in microseconds (with a time zone:
            of UTC), as durations are.
        longest: bytes of the longest value, of strings and bytes.
    """

    kind: str
    values: Any
    longest: int = 0

    @property
    def width(self) -> int:
        """Bytes that a driver may take for each value, which is what it takes for the longest."""
        return self.longest * 4 + 8 if self.kind in SIZED else self.longest + 40


def execute_lists(
    dbapi: ModuleType, cursor: Any, statement: str, binds: Sequence[Bind], batch_errors: bool = False
) -> None:
    """Run `statement` for each row, with lists of Python's own values."""
    cursor.setinputsizes(*[_input_size(dbapi, cursor, bind) for bind in binds])
    cursor.executemany(statement, to_rows(binds), batcherrors=batch_errors)


def to_rows(binds: Sequence[Bind]) -> list[tuple[Any, ...]]:
    """The rows as tuples of Python's own values."""
    return list(zip(*[_to_list(bind.values) for bind in binds]))


def execute_arrow(
    cursor: Any, statement: str, binds: Sequence[Bind], batch_errors: bool = False, copied: bool = False
) -> None:
    """Run `statement` for each row, with Arrow data as it is; `copied` as for `to_table`."""
    cursor.executemany(statement, to_table(binds, copied), batcherrors=batch_errors)


def to_table(binds: Sequence[Bind], copied: bool = False) -> Any:
    """The columns as a pyarrow Table. With `copied`, none of them is a slice: each begins where its memory does."""
    columns = [bind.values for bind in binds]
    if copied:
        columns = [pa.concat_arrays([each.slice(0, 0), each]) if each.offset else each for each in columns]
    return pa.Table.from_arrays(columns, [f"c{number}" for number in range(len(columns))])


def goes_as_arrow(bind: Bind) -> bool:
    """Whether python-oracledb (3.3 and later) binds a column of Arrow data as the type that it is to be bound as."""
    kind, arrow = bind.kind, bind.values.type
    if kind == "NUMBER":
        return bool(pa.types.is_integer(arrow) or pa.types.is_decimal128(arrow))
    if kind in ("VARCHAR", "RAW"):
        return bind.longest <= LONGEST_IN_ARROW
    return kind in ("BINARY_DOUBLE", "BINARY_FLOAT", "DATE", "TIMESTAMP")


def _input_size(dbapi: ModuleType, cursor: Any, bind: Bind) -> Any:
    if bind.kind == "VARCHAR":
        return max(1, bind.longest)
    if bind.kind == "NUMBER" and hasattr(dbapi, "NATIVE_INT") and pa.types.is_signed_integer(bind.values.type):
        return dbapi.NATIVE_INT  # cx_Oracle: in half the time of a NUMBER
    kind = getattr(dbapi, f"DB_TYPE_{bind.kind}")
    # With the type alone, cx_Oracle makes room for 4,000 characters a value, which costs it a microsecond each.
    return cursor.var(kind, max(1, bind.longest), len(bind.values)) if bind.kind in SIZED else kind


def _to_list(values: Any) -> list[Any]:
    """Python's own values, by way of numpy, which makes them several times as fast as Arrow itself."""
    arrow = values.type
    if pa.types.is_timestamp(arrow) or pa.types.is_duration(arrow):
        if arrow.unit != "us":
            values = values.cast(pa.timestamp("us") if pa.types.is_timestamp(arrow) else pa.duration("us"))
        # Of microseconds, numpy makes datetime and timedelta, and None of NaT.
        whole: list[Any] = _plain(values, "M8[us]" if pa.types.is_timestamp(arrow) else "m8[us]").tolist()
        return whole
    if pa.types.is_integer(arrow) or pa.types.is_floating(arrow):
        if not values.null_count:
            return list(values.to_numpy(zero_copy_only=False).tolist())
        found = pc.fill_null(values, 0).to_numpy(zero_copy_only=False).astype(object)
        found[values.is_null().to_numpy(zero_copy_only=False)] = None
        return list(found.tolist())
    if pa.types.is_string(arrow) or pa.types.is_large_string(arrow) or pa.types.is_binary(arrow):
        return list(values.to_numpy(zero_copy_only=False).tolist())
    if pa.types.is_decimal128(arrow):
        return _decimals(values)
    return list(values.to_pylist())


def _decimals(values: Any) -> list[Any]:
    """Floats, where they have the same digits: of both, the drivers send what str() makes. Else decimal.Decimal."""
    scale = values.type.scale
    if 0 <= scale <= _FLOATS_SCALE and values.null_count < len(values):
        counts = values.view(pa.decimal128(38, 0))
        bounds = pc.min_max(counts).as_py()
        if bounds["min"] > -(10**_FLOATS_DIGITS) and bounds["max"] < 10**_FLOATS_DIGITS:
            # Of two numbers that are exact, the quotient is the float next to the one that is meant.
            return _to_list(pc.divide(counts.cast(pa.int64()).cast(pa.float64()), 10.0**scale))
    return list(values.to_pylist())


def _plain(values: Any, form: str) -> Any:
    """A numpy array of 64-bit moments or spans, NaT for NULL."""
    import numpy

    bare = values.view(pa.int64())
    if bare.null_count:
        bare = pc.fill_null(bare, numpy.iinfo(numpy.int64).min)
    return bare.to_numpy(zero_copy_only=False).view(form)
