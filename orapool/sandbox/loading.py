"""Loads of tables by who steers the server: described, made, and filled in one transaction."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql import Backend, BindRows, Engine, SessionIdentity
from orapool.sandbox.sql.python_values import converted, kind_of
from orapool.sandbox.types import Column

_NO_TABLE = 942


class Loader:
    """Fills tables over sessions of its own.

    Args:
        engine: whose tables.
        next_sid: numbers its sessions.
    """

    def __init__(self, engine: Engine, next_sid: Callable[[], int]) -> None:
        self._engine = engine
        self._next_sid = next_sid

    def describe(self, user: str, table: str) -> list[list[str]] | None:
        """The names of a table's columns and the kinds of their values; None when there is no such table."""
        backend = self._session(user)
        try:
            return [[column.name, kind_of(column.type)] for column in _columns(backend, table)]
        except OracleError as error:
            if error.code == _NO_TABLE:
                return None
            raise
        finally:
            backend.close()

    def load(
        self, user: str, table: str, create: str | None, names: Sequence[str], columns: Sequence[Sequence[Any]]
    ) -> dict[str, Any]:
        """Insert rows, all of them or none.

        Args:
            user: whose session does it.
            table: as it stands in a statement.
            create: what makes the table before, None for one that is there.
            names: the columns, as they stand in a statement.
            columns: their values as JSON.

        Returns:
            How many rows; or the first that was refused, from 0, and why.
        """
        backend = self._session(user)
        try:
            if create is not None:
                backend.execute(backend.prepare(create), [], [])
            count = len(columns[0]) if columns else 0
            if not count:
                return {"rows": 0}
            binds = ", ".join(f":{number + 1}" for number in range(len(names)))
            insert = backend.prepare(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({binds})")
            types = [column.type for column in _columns(backend, table, names)]
            # How long a text may be, the table tells.
            unlimited = [dataclasses.replace(kind, buffer_size=0) for kind in types]
            values = [[converted(value, kind, "it") for value in given] for kind, given in zip(unlimited, columns)]
            try:
                backend.execute(insert, types, BindRows(values, count))
            except OracleError as error:
                if create is not None:
                    backend.execute(backend.prepare(f"DROP TABLE {table}"), [], [])
                return {"row": error.rows_done, "message": str(error)}
            backend.commit()
            return {"rows": count}
        finally:
            backend.rollback()
            backend.close()

    def _session(self, user: str) -> Backend:
        sid = self._next_sid()
        return self._engine.open(SessionIdentity(sid, sid, user.upper(), program="Sandbox.load"))


def _columns(backend: Backend, table: str, names: Sequence[str] = ("*",)) -> tuple[Column, ...]:
    return backend.describe(backend.prepare(f"SELECT {', '.join(names)} FROM {table}"), [])
