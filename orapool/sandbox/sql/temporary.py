"""Global temporary tables: each session sees its own rows of a table that is everybody's.

What bears the table's name is a view of the session's own rows; the rows lie in a table ``~NAME`` with a column that
tells whose they are. PostgreSQL writes through such a view by itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.actions import ColumnRecord, Ddl
from orapool.sandbox.sql.cursor import TokenReader
from orapool.sandbox.sql.dialect import unsupported
from orapool.sandbox.sql.names import qualified, quote_name, quote_text

OWNER = '"~session"'
_MINE = f"{OWNER} = pg_backend_pid()"


def rows_of(name: tuple[str | None, str]) -> tuple[str | None, str]:
    """The table that has the rows of a temporary table."""
    return name[0], f"~{name[1]}"


def steps_for_rows(steps: Sequence[str], view: str, rows: str) -> list[str]:
    """The steps that change a temporary table, whose view and rows are called so in PostgreSQL.

    Raises:
        OracleError: ORA-03001 for a change that is made to other tables only.
    """
    verb = steps[0].split(None, 1)[0]
    if verb == "DROP":
        return [f"DROP VIEW {view}", steps[0].replace(view, rows, 1)]
    if verb == "TRUNCATE":
        return [f"DELETE FROM {view}"]
    if verb != "CREATE":
        raise unsupported("ALTER TABLE and RENAME of a temporary table")
    index = steps[0].replace(view, rows, 1)
    if index.startswith("CREATE UNIQUE"):
        index = f"{index[:-1]}, {OWNER})"
    return [index, *steps[1:]]


def keeps_rows(reader: TokenReader) -> bool:
    """ON COMMIT PRESERVE ROWS; without it, or with DELETE ROWS, they are gone at the end of the transaction."""
    if not reader.has("ON", "COMMIT"):
        return False
    if reader.has("PRESERVE", "ROWS"):
        return True
    if not reader.has("DELETE", "ROWS"):
        raise OracleError(14457, "disallowed Nested Table column in a Temporary table or invalid ON COMMIT option")
    return False


def create_temporary(
    name: tuple[str | None, str], lines: Sequence[str], records: list[ColumnRecord], before: list[str],
    after: list[str], keeps: bool,
) -> Ddl:  # fmt: skip
    """The steps of CREATE GLOBAL TEMPORARY TABLE.

    Args:
        name: the table's.
        lines: its columns and constraints, as PostgreSQL's text.
        records: its columns, for the catalogue.
        before: steps before it is made.
        after: steps for the table that has the rows.
        keeps: whether a session's rows outlast its transactions.
    """
    rows = qualified(rows_of(name))
    columns = ", ".join(quote_name(record.column) for record in records)
    create = f"CREATE UNLOGGED TABLE {rows} ({', '.join(lines)}, {OWNER} int NOT NULL DEFAULT pg_backend_pid())"
    view = f"CREATE VIEW {qualified(name)} AS SELECT {columns} FROM {rows} WHERE {_MINE}"
    told = (
        f"SELECT oracle.add_temporary_table({quote_text(qualified(name))}::regclass, "
        f"{quote_text(rows)}::regclass, {'true' if keeps else 'false'})"
    )
    return Ddl([*before, create, *after, view, told], table=name, columns=records, temporary=True)
