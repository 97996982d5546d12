"""Results as Arrow from cx_Oracle.

Measured: fetchraw() and the arrays that it fills spare the tuples of fetchmany(), a third of what a row costs. But it
keeps Python's lock while the server takes its time: no other thread runs, no deadline counts, and where the server does
not answer at all, the process stands still for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cx_Oracle
import pyarrow

from orapool.drivers.arrow import Fetch, precision_loss, row_batches
from orapool.errors import error_codes

_DOES_NOT_FIT = frozenset({"ORA-01455", "ORA-22053", "ORA-22054"})
"""What Oracle Client raises for a NUMBER that int64 does not hold."""


def fetch_batches(connection: Any, fetch: Fetch) -> Iterator[pyarrow.RecordBatch]:
    """Run a query and fetch its rows, batch by batch."""
    try:
        with connection.cursor() as cursor:
            yield from row_batches(cursor, cx_Oracle, fetch)
    except cx_Oracle.DatabaseError as error:
        if any(code in _DOES_NOT_FIT for code in error_codes(error)):
            raise precision_loss(str(error)) from error
        raise
