"""Results as Arrow, a batch of rows at a time. Import it where it is used: pyarrow is an extra.

Both drivers hand out rows as Python values; here they go into Arrow columns one column at a time, which costs least.
python-oracledb makes Arrow itself, from 3.4 on; see oracledb_arrow.py.
"""

from __future__ import annotations

import decimal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Callable, Union

import pyarrow

from orapool.drivers.columns import ResultColumn
from orapool.errors import PrecisionLoss

Binds = Union[dict[str, Any], Sequence[Any]]
Handler = Callable[..., Any]

# A LOB as a LONG comes with its row, as long as it is; as a locator it costs round trips of its own.
_INLINE = {
    "CLOB": "DB_TYPE_LONG",
    "NCLOB": "DB_TYPE_LONG_NVARCHAR",  # which cx_Oracle has not, and does not need
    "BLOB": "DB_TYPE_LONG_RAW",
}


@dataclass(frozen=True)
class Fetch:
    """A query whose rows are wanted as Arrow.

    Attributes:
        statement: the query.
        binds: its parameters.
        columns: of its result, as described.
        types: what each column is wanted as; None: the least decimal type that holds every value of a batch.
        rows: of a batch, and of a round trip.
    """

    statement: str
    binds: Binds
    columns: tuple[ResultColumn, ...]
    types: tuple[pyarrow.DataType | None, ...]
    rows: int

    def batch(self, arrays: Sequence[pyarrow.Array]) -> pyarrow.RecordBatch:
        """The arrays of all columns as a batch, named as Oracle names them."""
        return pyarrow.RecordBatch.from_arrays(list(arrays), names=[column.name for column in self.columns])


def _is_exact(column: ResultColumn, type_: pyarrow.DataType | None) -> bool:
    """Whether a NUMBER is wanted with all its digits."""
    return column.type == "NUMBER" and (
        type_ is None or pyarrow.types.is_decimal(type_) or pyarrow.types.is_large_string(type_)
    )


def row_handler(dbapi: ModuleType, fetch: Fetch) -> Handler:
    """An output type handler that has a cursor fetch what its columns are wanted as, and LOBs with their rows."""
    kinds: list[Any] = []
    for column, type_ in zip(fetch.columns, fetch.types):
        if column.type in _INLINE:
            kinds.append(getattr(dbapi, _INLINE[column.type], dbapi.DB_TYPE_LONG))
        elif _is_exact(column, type_):
            kinds.append(decimal.Decimal)
        elif (
            dbapi.__name__ == "cx_Oracle"
            and column.type == "NUMBER"
            and type_ is not None
            and pyarrow.types.is_int64(type_)
        ):
            # Measured: a third cheaper there than its own choice. python-oracledb 2.5.1 would lose digits.
            kinds.append(dbapi.DB_TYPE_BINARY_INTEGER)
        else:
            kinds.append(None)
    waiting = iter(kinds)

    def handle(cursor: Any, *_described: Any) -> Any:
        kind = next(waiting)
        return None if kind is None else cursor.var(kind, arraysize=cursor.arraysize)

    return handle


def to_array(values: Sequence[Any], column: ResultColumn, type_: pyarrow.DataType | None) -> pyarrow.Array:
    """One column's Python values as Arrow. Raises PrecisionLoss for a number that its type does not hold."""
    if _is_exact(column, type_) and type_ is not None and pyarrow.types.is_large_string(type_):
        values = [None if value is None else format(value, "f") for value in values]
    try:
        found = pyarrow.array(values, type=type_)
    except (pyarrow.ArrowInvalid, OverflowError) as error:
        if column.type != "NUMBER":
            raise
        raise precision_loss(f"column {column.name}: {error}") from error
    if type_ is None and pyarrow.types.is_null(found.type):
        return found.cast(pyarrow.decimal128(1, 0))
    return found


def to_batch(values: Sequence[Sequence[Any]], fetch: Fetch) -> pyarrow.RecordBatch:
    """The Python values of each column as a batch."""
    columns = zip(values, fetch.columns, fetch.types)
    return fetch.batch([to_array(of_column, column, type_) for of_column, column, type_ in columns])


def precision_loss(what: str) -> PrecisionLoss:
    """The error for a number that the type it was wanted as does not hold."""
    return PrecisionLoss(
        f"{what}: read NUMBER columns with decimals='decimal' or 'string', or, for the nearest float, select "
        "cast(... as binary_double)"
    )


def row_batches(cursor: Any, dbapi: ModuleType, fetch: Fetch) -> Iterator[pyarrow.RecordBatch]:
    """Run a query on a cursor and fetch rows, as tuples."""
    cursor.arraysize = fetch.rows
    cursor.prefetchrows = fetch.rows
    cursor.outputtypehandler = row_handler(dbapi, fetch)
    cursor.execute(fetch.statement, fetch.binds)
    while rows := cursor.fetchmany(fetch.rows):
        yield to_batch(list(zip(*rows)), fetch)
