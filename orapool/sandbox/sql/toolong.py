"""ORA-12899 for CHAR columns: PostgreSQL pads and limits these itself, and does not say which column it was."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.link import Run
from orapool.sandbox.sql.names import full_names
from orapool.sandbox.sql.scanner import STRING, scan
from orapool.sandbox.sql.statement import Statement

if TYPE_CHECKING:
    from orapool.sandbox.sql.backend import Backend

_CHAR_COLUMNS = b"""
select a.attname from pg_attribute a
 where a.attrelid = to_regclass($1) and a.atttypid = 'bpchar'::regtype and a.atttypmod = $2::int + 4 order by a.attnum
"""


def name_column(
    backend: Backend, error: OracleError, statement: Statement, rows: Sequence[Sequence[bytes | None]]
) -> OracleError:
    """Complete PostgreSQL's "value too long for type character(n)" with the column and the lengths."""
    limit = re.search(r"too long for type character\((\d+)\)", error.message)
    if error.code != 12899 or limit is None or statement.table is None:
        return error
    most = int(limit.group(1))
    schema, table = statement.table[0] or backend.schema, statement.table[1]
    found = backend.run([Run(_CHAR_COLUMNS, [f'"{schema}"."{table}"'.encode(), str(most).encode()])])[0]
    if not found.ntuples:
        return error
    column = (found.get_value(0, 0) or b"").decode()
    row = rows[error.rows_done] if error.rows_done < len(rows) else ()
    values = [value.decode(errors="replace") for value in row if value is not None]
    values += [token.value for token in scan(statement.sql) if token.kind == STRING]
    actual = max((len(value) for value in values if len(value) > most), default=most + 1)
    text = f'value too large for column "{schema}"."{table}"."{column}" (actual: {actual}, maximum: {most})'
    named = OracleError(12899, full_names(text), rows_done=error.rows_done)
    named.row_counts = error.row_counts
    return named
