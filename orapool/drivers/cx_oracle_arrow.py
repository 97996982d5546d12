"""Results as Arrow from cx_Oracle: an array of rows is fetched, and then read column by column.

Measured: this spares the tuples of fetchmany(), which cost more than all else of a row. But fetchraw() keeps Python's
lock while the server takes its time, and no other thread of the process runs; so where round trips take long, rows are
fetched as tuples after all.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Callable

import cx_Oracle
import pyarrow

from orapool.drivers.arrow import Fetch, precision_loss, row_handler, to_array
from orapool.errors import error_codes

_DOES_NOT_FIT = frozenset({"ORA-01455", "ORA-22053", "ORA-22054"})
"""What Oracle Client raises for a NUMBER that int64 does not hold."""
_LONG_WAIT = 0.02
"""Seconds of a round trip, twice in a row, from which on the other threads shall not wait with this one."""


def fetch_batches(connection: Any, fetch: Fetch) -> Iterator[pyarrow.RecordBatch]:
    """Run a query and fetch its rows, batch by batch."""
    with connection.cursor() as cursor:
        cursor.arraysize = fetch.rows
        cursor.prefetchrows = fetch.rows
        cursor.outputtypehandler = row_handler(cx_Oracle, fetch)
        cursor.execute(fetch.statement, fetch.binds)
        long_waits = 0
        while long_waits < 2:
            begun, begun_work = time.monotonic(), time.thread_time()
            count = _fetch(cursor, fetch.rows)
            if not count:
                return
            waited = time.monotonic() - begun - (time.thread_time() - begun_work)
            long_waits = long_waits + 1 if waited > _LONG_WAIT else 0
            arrays = []
            for variable, column, type_ in zip(cursor.fetchvars, fetch.columns, fetch.types):
                values = variable.values
                arrays.append(to_array(values if len(values) == count else values[:count], column, type_))
            yield fetch.batch(arrays)
        while rows := _fetch_many(cursor, fetch.rows):
            columns = zip(zip(*rows), fetch.columns, fetch.types)
            yield fetch.batch([to_array(values, column, type_) for values, column, type_ in columns])


def _fetch(cursor: Any, rows: int) -> int:
    return int(_checked(cursor.fetchraw, rows))


def _fetch_many(cursor: Any, rows: int) -> list[Any]:
    return list(_checked(cursor.fetchmany, rows))


def _checked(call: Callable[[int], Any], rows: int) -> Any:
    try:
        return call(rows)
    except cx_Oracle.DatabaseError as error:
        if any(code in _DOES_NOT_FIT for code in error_codes(error)):
            raise precision_loss(str(error)) from error
        raise
