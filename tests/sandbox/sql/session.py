"""A Backend with Python values, for tests that read as examples."""

from __future__ import annotations

import contextlib
import datetime
import decimal
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from orapool.sandbox.sql import Backend, OracleError, Outcome
from orapool.sandbox.types import Column
from tests.sandbox.sql.dbapi import from_engine, to_engine


class Session:
    """``rows``, ``value`` and ``run`` on a Backend; positional binds, one for each occurrence."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.backend.close()

    def columns(self, sql: str, *binds: Any) -> tuple[Column, ...]:
        statement = self.backend.prepare(sql)
        return self.backend.describe(statement, [to_engine(value)[0] for value in binds])

    def rows(self, sql: str, *binds: Any) -> list[tuple[Any, ...]]:
        statement = self.backend.prepare(sql)
        bound = [to_engine(value) for value in binds]
        result = self.backend.query(statement, [kind for kind, _ in bound], [value for _, value in bound])
        rows = result.rows(0, result.row_count)
        made = [tuple(from_engine(c.type, v) for c, v in zip(result.columns, row)) for row in rows]
        result.close()
        return made

    def row(self, sql: str, *binds: Any) -> tuple[Any, ...]:
        (row,) = self.rows(sql, *binds)
        return row

    def value(self, expression: str, *binds: Any) -> Any:
        """The value of one expression, or of a query of one."""
        sql = expression if expression.upper().startswith(("SELECT", "WITH")) else f"select {expression} from dual"
        return self.row(sql, *binds)[0]

    def run(self, sql: str, *binds: Any) -> Outcome:
        return self.many(sql, [binds])

    def many(self, sql: str, rows: Sequence[Sequence[Any]], batch_errors: bool = False) -> Outcome:
        statement = self.backend.prepare(sql)
        bound = [[to_engine(value) for value in row] for row in rows]
        kinds = [next((k for k, v in column if v is not None), column[0][0]) for column in zip(*bound)]
        return self.backend.execute(statement, kinds, [[v for _, v in row] for row in bound], batch_errors)

    @property
    def in_transaction(self) -> bool:
        return self.backend.in_transaction


@contextlib.contextmanager
def refused(code: int, text: str = "") -> Iterator[None]:
    """The block raises this ORA- error."""
    with pytest.raises(OracleError) as caught:
        yield
    assert caught.value.code == code, caught.value
    assert text in caught.value.message


def date(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


__all__ = ["Session", "date", "decimal", "refused"]
