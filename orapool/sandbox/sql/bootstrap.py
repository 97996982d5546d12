"""What is in each database from the start: PostgreSQL's side of Oracle's catalog, types, functions and views."""

from __future__ import annotations

import hashlib
from importlib import resources

from psycopg import pq
from psycopg.pq.abc import PGconn, PGresult

from orapool.sandbox.sql.names import quote_text

_FILES = (
    "catalog.sql",
    "formats.sql",
    "numbers.sql",
    "regexps.sql",
    "functions.sql",
    "aggregates.sql",
    "objects.sql",
    "dictionary.sql",
)


def scripts() -> dict[str, str]:
    """The scripts that make what is in each database from the start, by name."""
    return {name: resources.files(__package__).joinpath(name).read_text("utf-8") for name in _FILES}


def digest() -> str:
    """What tells these scripts from those of another version."""
    return hashlib.sha256("\0".join(scripts().values()).encode()).hexdigest()


def run_scripts(connection: PGconn) -> None:
    """Make all that in a database that is empty.

    Raises:
        RuntimeError: a script failed; the message says where.
    """
    for name, script in scripts().items():
        run(connection, script, name)
    run(connection, f"insert into oracle.bootstrap values ({quote_text(digest())})", "bootstrap")


def run(connection: PGconn, sql: str, what: str) -> PGresult:
    """Run a text, which is part of `what`.

    Raises:
        RuntimeError: it failed; the message says where.
    """
    result = connection.exec_(sql.encode())
    if result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
        position = result.error_field(pq.DiagnosticField.STATEMENT_POSITION)
        near = (
            sql.encode()[max(0, int(position) - 100) : int(position) + 60].decode(errors="replace") if position else ""
        )
        raise RuntimeError(f"bootstrap of the sandbox failed in {what}: {result.get_error_message()} near {near!r}")
    return result
