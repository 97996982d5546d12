"""Array DML: many bind rows in one go, with Oracle's rules for rows that fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.binds import array
from orapool.sandbox.sql.link import Failure, RunPrepared
from orapool.sandbox.sql.prepared import Prepared
from orapool.sandbox.sql.results import Outcome, all_rows
from orapool.sandbox.sql.rows import BindRows
from orapool.sandbox.sql.sqlstate import oracle_error
from orapool.sandbox.sql.statement import Statement

if TYPE_CHECKING:
    from orapool.sandbox.sql.backend import Backend

# With fewer rows, one statement for each is as quick.
_ARRAY_FROM = 4
# Rows of one round trip to PostgreSQL.
_CHUNK = 5000


def run_batch(
    backend: Backend, statement: Statement, prepared: Prepared, rows: BindRows, batch_errors: bool
) -> Outcome:
    """Run a statement for each row.

    Rows before a failing one are kept. With `batch_errors` those after it are run too, and the failures listed.

    Raises:
        OracleError: the first failing row's, with `rows_done` rows before it (without `batch_errors`).
    """
    outcome = Outcome()
    start = 0
    while start < len(rows):
        chunk = rows[start : start + _CHUNK]
        failed = _run(backend, statement, prepared, chunk, outcome)
        if failed is None:
            start += len(chunk)
            continue
        index, error = failed
        # Nothing of the chunk is done: the rows before the failing one are, in a second go.
        if index and _run(backend, statement, prepared, chunk[:index], outcome) is not None:
            raise error
        start += index
        if not batch_errors:
            error.rows_done, error.row_counts = start, outcome.row_counts
            backend.in_transaction = backend.in_transaction or start > 0
            raise error
        outcome.batch_errors.append((start, error))
        outcome.row_counts.append(0)
        if statement.returning_from is not None:
            outcome.returned.append([])
        start += 1
    outcome.row_count = sum(outcome.row_counts)
    return outcome


def _run(
    backend: Backend, statement: Statement, prepared: Prepared, rows: BindRows, outcome: Outcome
) -> tuple[int, OracleError] | None:
    """All rows or none: the index of the row that failed, with its error."""
    if (
        statement.array_part is not None
        and len(rows) >= _ARRAY_FROM
        and _insert_array(backend, statement, prepared, rows)
    ):
        outcome.row_counts.extend([1] * len(rows))
        return None
    try:
        results = backend.run_raw([RunPrepared(prepared.name, row) for row in rows], opens=True)
    except Failure as failure:
        return max(0, failure.index), oracle_error(failure, statement.verb)
    outcome.row_counts.extend([result.command_tuples or 0 for result in results])
    if statement.returning_from is not None:
        outcome.returned.extend(all_rows(result) for result in results)
    return None


def _insert_array(backend: Backend, statement: Statement, prepared: Prepared, rows: BindRows) -> bool:
    """INSERT ... SELECT from arrays, one for each bind; False when it failed, and which row is not known."""
    assert statement.array_part is not None
    types = [backend.engine.columns.arrays.get(oid) for oid in prepared.parameters]
    if None in types:
        return False
    names = ", ".join(f"b{number}" for number in range(len(types)))
    arrays = ", ".join(f"${number + 1}" for number in range(len(types)))
    text = statement.array_part.text(dollar=lambda number: f"u.b{number}")
    text += f"unnest({arrays}) AS u({names})".encode()
    try:
        values = [array(column, oid) for column, oid in zip(rows.columns, prepared.parameters)]
        known = backend.prepared.prepare_text(text, [oid for oid in types if oid is not None], statement)
        backend.run_raw([RunPrepared(known.name, values)], opens=True)
    except (Failure, OracleError) as error:
        if isinstance(error, OracleError) and error.code == 3113:
            raise
        return False
    return True
