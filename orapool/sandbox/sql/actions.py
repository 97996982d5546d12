"""What a session does for statements that are not one query or DML: the steps of DDL and of session control."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from orapool.sandbox.sql.datatypes import ColumnType


class Session(Protocol):
    """What actions ask of a session."""

    def commit(self) -> None:
        """Commit."""

    def rollback(self) -> None:
        """Roll back."""

    def savepoint(self, name: str) -> None:
        """Set a savepoint."""

    def rollback_to(self, name: str) -> None:
        """Roll back to a savepoint."""

    def begin(self, mode: str) -> None:
        """Open a transaction with a mode of its own."""

    def set_parameters(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Set parameters of the session."""

    def create_user(self, user: str, changes: Sequence[tuple[str, str]]) -> None:
        """CREATE USER."""

    def alter_user(self, user: str, changes: Sequence[tuple[str, str]]) -> None:
        """ALTER USER."""

    def drop_user(self, user: str, cascade: bool) -> None:
        """DROP USER."""

    def lock_table(self, schema: str | None, table: str, mode: str, wait: int | None) -> None:
        """Lock a table."""


@dataclass
class ColumnRecord:
    """A row for our own catalogue."""

    table: str
    column: str
    type: ColumnType
    default_text: str | None = None
    identity: str | None = None
    sequence: str | None = None
    default_on_null: bool = False


@dataclass
class Ddl:
    """A DDL statement: PostgreSQL's texts in order, with the marks of `names` in it.

    ``missing`` is the error (code, text) for an object that is not there.
    """

    steps: list[str] = field(default_factory=list)
    missing: tuple[int, str] = (942, "table or view does not exist")
    # The table whose columns `columns` go into our catalogue, and the columns that leave it.
    table: tuple[str | None, str] | None = None
    columns: list[ColumnRecord] = field(default_factory=list)
    # The query of a view or of CREATE TABLE AS: the columns of `table` have its columns' types.
    query: str | None = None
    # The text of a view's query, for the dictionary.
    text: str | None = None
    # Whether `table` gets the primary key of the one table that `query` reads.
    keyed: bool = False
    # Whether it makes a temporary table.
    temporary: bool = False
    # Whether it makes a synonym.
    synonyms: bool = False
    # The table that it changes or drops, and what PostgreSQL gets instead where this is a temporary one.
    changes: tuple[str | None, str] | None = None


@dataclass(frozen=True)
class Control:
    """Transaction or session control: which method of `Session`, with what."""

    method: str
    arguments: tuple[object, ...] = ()

    def run(self, session: Session) -> None:
        """Do it."""
        getattr(session, self.method)(*self.arguments)
