"""`Sandbox.statements`: what sessions had executed, as a test reads it."""

from __future__ import annotations

import contextlib
import datetime
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

from orapool.sandbox.values import from_json


@dataclass(frozen=True)
class RecordedStatement:
    """A statement that a session had executed.

    Attributes:
        sql: its text as the driver sent it; a password behind IDENTIFIED BY is not in it.
        binds: the values of its first bind row, by position; long ones are cut after 1,000 bytes.
        bind_rows: the values of its first 20 bind rows.
        executions: how many bind rows it had.
        rows: how many rows were fetched so far, or inserted, updated or deleted.
        error: the ORA- error's code, None where it succeeded.
        message: the error's text.
        user: the session's user.
        module: the session's module at that time.
        action: its action.
        sid: its SID in V$SESSION.
        started: when.
        seconds: what the server took for it and its fetches.
    """

    sql: str
    binds: tuple[Any, ...]
    bind_rows: tuple[tuple[Any, ...], ...]
    executions: int
    rows: int
    error: int | None
    message: str | None
    user: str
    module: str
    action: str
    sid: int
    started: datetime.datetime
    seconds: float


class Statements(Sequence[RecordedStatement]):
    """The statements that the server keeps, the first first; each look asks the server.

    Example:
        >>> with sandbox.statements.during() as sent:
        ...     show_orders()
        >>> assert len(sent.matching("^select .* from items")) == 1, sent
    """

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def __repr__(self) -> str:
        return repr(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __iter__(self) -> Iterator[RecordedStatement]:
        return iter(self._all())

    @overload
    def __getitem__(self, place: int) -> RecordedStatement: ...

    @overload
    def __getitem__(self, place: slice) -> list[RecordedStatement]: ...

    def __getitem__(self, place: int | slice) -> RecordedStatement | list[RecordedStatement]:
        return self._all()[place]

    def matching(self, pattern: str) -> StatementList:
        """Those in whose text a regular expression is found, whatever its case; blanks and line ends are one blank."""
        return self._all().matching(pattern)

    def last(self, count: int) -> StatementList:
        """The last ones."""
        return StatementList(self._all()[-count:])

    def clear(self) -> None:
        """Forget all."""
        self._call("clear_statements")

    @contextlib.contextmanager
    def during(self) -> Iterator[StatementList]:
        """The statements that are executed in the block; the list is filled at its end."""
        found = StatementList()
        after = self._call("last_statement")
        yield found
        found += self._all(after)

    def _all(self, after: int = 0) -> StatementList:
        return StatementList(_made(each) for each in self._call("statements", after=after))


class StatementList(list[RecordedStatement]):
    """Statements, the first first."""

    def __repr__(self) -> str:
        return f"{len(self)} statements\n{self.text}"

    @property
    def text(self) -> str:
        """For people, a line each."""
        return "\n".join(map(_line, self))

    def matching(self, pattern: str) -> StatementList:
        """Those in whose text a regular expression is found, whatever its case; blanks and line ends are one blank."""
        regular = re.compile(pattern, re.IGNORECASE)
        return StatementList(each for each in self if regular.search(" ".join(each.sql.split())))


def _line(each: RecordedStatement) -> str:
    binds = f" {list(each.binds)!r}" if each.binds else ""
    times = f" x {each.executions}" if each.executions > 1 else ""
    failed = f", ORA-{each.error:05d}" if each.error is not None else ""
    return f"{' '.join(each.sql.split())}{binds}{times}: {each.rows} rows{failed}"


def _made(given: dict[str, Any]) -> RecordedStatement:
    bind_rows = tuple(tuple(from_json(value) for value in row) for row in given["bind_rows"])
    code, message = given["error"] or (None, None)
    return RecordedStatement(
        sql=given["sql"],
        binds=bind_rows[0] if bind_rows else (),
        bind_rows=bind_rows,
        executions=given["executions"],
        rows=given["row_count"],
        error=code,
        message=message,
        user=given["user"],
        module=given["module"],
        action=given["action"],
        sid=given["sid"],
        started=datetime.datetime.fromtimestamp(given["started"]),
        seconds=given["seconds"],
    )
