"""A DBAPI of a few lines on a Backend, so that SQLAlchemy's Oracle dialect runs its statements without a network."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy.dialects.oracle.base import OracleDialect

from orapool.sandbox import types
from orapool.sandbox.sql import Backend, OracleError

paramstyle = "named"
apilevel = "2.0"
threadsafety = 1
Error = DatabaseError = OperationalError = IntegrityError = ProgrammingError = InterfaceError = OracleError


def to_engine(value: Any) -> tuple[types.OracleType, bytes | None]:
    """A Python value as a bind: its Oracle type and its engine text."""
    if isinstance(value, bool):
        return types.number(), str(int(value)).encode()
    if isinstance(value, (int, float, decimal.Decimal)):
        return types.number(), str(value).encode()
    if isinstance(value, (datetime.datetime, datetime.date)):
        return types.DATE, value.strftime("%Y-%m-%d %H:%M:%S").encode()
    if isinstance(value, bytes):
        return types.raw(2000), b"\\x" + value.hex().encode()
    return types.varchar2(4000), None if value is None else str(value).encode()


def from_engine(kind: types.OracleType, value: bytes | None) -> Any:
    """A result's value as Python's."""
    if value is None:
        return None
    if kind.code == 2:
        number = decimal.Decimal(value.decode())
        return int(number) if number == number.to_integral_value() else float(number)
    if kind.code in (100, 101):
        return float(value)
    if kind.code in (12, 180):
        return datetime.datetime.fromisoformat(value.decode())
    if kind.code in (23, 113):
        return bytes.fromhex(value[2:].decode())
    return value.decode()


class Cursor:
    arraysize = 100

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.description: list[tuple[Any, ...]] | None = None
        self.rowcount = -1
        self._rows: list[tuple[Any, ...]] = []

    def execute(self, sql: str, parameters: Mapping[str, Any] | Sequence[Any] = ()) -> Cursor:
        return self._run(sql, [parameters])

    def executemany(self, sql: str, rows: Sequence[Any]) -> Cursor:
        return self._run(sql, rows)

    def _run(self, sql: str, rows: Sequence[Any]) -> Cursor:
        statement = self.backend.prepare(sql)
        bound = [[to_engine(value) for value in _values(statement.bind_names, row)] for row in rows]
        kinds = [kind for kind, _ in bound[0]]
        if statement.kind == "query":
            result = self.backend.query(statement, kinds, [value for _, value in bound[0]])
            self.description = [(column.name, column.type, None, None, None, None, None) for column in result.columns]
            self._rows = [
                tuple(from_engine(column.type, value) for column, value in zip(result.columns, row))
                for row in result.rows(0, result.row_count)
            ]
            self.rowcount = result.row_count
        else:
            self.description, self._rows = None, []
            outcome = self.backend.execute(statement, kinds, [[value for _, value in row] for row in bound])
            self.rowcount = outcome.row_count
        return self

    def fetchall(self) -> list[tuple[Any, ...]]:
        rows, self._rows = self._rows, []
        return rows

    def fetchmany(self, size: int = 1) -> list[tuple[Any, ...]]:
        rows, self._rows = self._rows[:size], self._rows[size:]
        return rows

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._rows.pop(0) if self._rows else None

    def setinputsizes(self, *_: Any) -> None: ...

    def close(self) -> None: ...


def _values(names: Sequence[str], row: Mapping[str, Any] | Sequence[Any]) -> list[Any]:
    if isinstance(row, Mapping):
        return [{name.upper(): value for name, value in row.items()}[name.upper()] for name in names]
    return list(row)


class Connection:
    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.commit, self.rollback, self.close = backend.commit, backend.rollback, backend.close

    def cursor(self) -> Cursor:
        return Cursor(self.backend)


class BackendDialect(OracleDialect):
    """SQLAlchemy's Oracle dialect, without a driver's particulars."""

    driver = "backend"
    supports_statement_cache = True
    supports_sane_multi_rowcount = True

    @classmethod
    def import_dbapi(cls) -> Any:
        import sys

        return sys.modules[__name__]

    def _get_server_version_info(self, connection: Any) -> tuple[int, ...]:
        return (19, 3, 0, 0, 0)


def connector(open_backend: Callable[[], Backend]) -> Callable[[], Connection]:
    """SQLAlchemy's ``creator``."""
    return lambda: Connection(open_backend())
