"""Results as Arrow from python-oracledb, which makes it itself from 3.4 on."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import oracledb
import pyarrow

from orapool.drivers.arrow import Fetch, precision_loss, row_batches
from orapool.drivers.columns import ResultColumn, has_lobs
from orapool.drivers.oracledb import forget_statement
from orapool.errors import error_codes

# 3.0 has the call; what a column shall be can be asked for from 3.4 on.
_TAKES_SCHEMA = (
    "requested_schema" in inspect.signature(getattr(oracledb.Connection, "fetch_df_batches", lambda: None)).parameters
)
_DOES_NOT_FIT = frozenset({"DPY-4036", "DPY-4042"})
"""What it raises for a number that its Arrow type, of integers or of decimals, does not hold."""


def fetch_batches(connection: Any, fetch: Fetch) -> Iterator[pyarrow.RecordBatch]:
    """Run a query and fetch its rows, batch by batch."""
    try:
        if _TAKES_SCHEMA and all(map(_is_native, fetch.columns, fetch.types)):
            yield from _native_batches(connection, fetch)
        else:
            with connection.cursor() as cursor:
                yield from row_batches(cursor, oracledb, fetch)
    finally:
        if has_lobs(fetch.columns) and connection.lost_by is None:
            forget_statement(connection, fetch.statement)


def _is_native(column: ResultColumn, type_: pyarrow.DataType | None) -> bool:
    """Whether python-oracledb makes this of this column itself."""
    return (
        type_ is not None
        and not pyarrow.types.is_duration(type_)
        and not (column.type == "NUMBER" and pyarrow.types.is_large_string(type_))
    )


def _native_batches(connection: Any, fetch: Fetch) -> Iterator[pyarrow.RecordBatch]:
    # Columns may share a name in the result, but not here.
    schema = pyarrow.schema([(str(place), type_) for place, type_ in enumerate(fetch.types)])
    frames = connection.fetch_df_batches(fetch.statement, fetch.binds or None, size=fetch.rows, requested_schema=schema)
    try:
        for frame in frames:
            if frame.num_rows():
                # Each by itself: the memory of a table is freed with the last of its columns only.
                yield fetch.batch([pyarrow.array(array) for array in frame.column_arrays()])
    except oracledb.Error as error:
        if any(code in _DOES_NOT_FIT for code in error_codes(error)):
            raise precision_loss(str(error)) from error
        raise
