"""The transaction of one session: its start and end, savepoints, and statements that are done wholly or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Union

from psycopg.pq.abc import PGresult

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.changes import Changes
from orapool.sandbox.sql.link import Describe, Failure, Link, Prepare, Run, RunPrepared, Stream
from orapool.sandbox.sql.names import quote_name, quote_text
from orapool.sandbox.sql.sqlstate import oracle_error

Command = Union[Run, RunPrepared, Prepare, Describe]

_BEGIN, _COMMIT, _ROLLBACK = Run(b"BEGIN"), Run(b"COMMIT"), Run(b"ROLLBACK")
_MARK, _RELEASE, _BACK = Run(b"SAVEPOINT s"), Run(b"RELEASE s"), Run(b"ROLLBACK TO s")


class Transaction:
    """What is open in PostgreSQL, and whether Oracle would call it a transaction.

    Args:
        link: the session's connection.
        changes: gets to know of each commit.
        keeps_locks: whether the locks of what a statement has read are kept to the transaction's end.
        at_commit: what is run before each commit.
    """

    def __init__(
        self,
        link: Link,
        changes: Changes,
        keeps_locks: bool = True,
        at_commit: Callable[[], Sequence[Run]] = tuple,
    ) -> None:
        self.active = False
        self.number = 0
        """How many have ended before."""
        # A PostgreSQL transaction may be open while Oracle would have none yet (after SAVEPOINT).
        self.open = False
        self.isolation = ""
        self._link = link
        self._changes = changes
        self._at_commit = at_commit
        self._end_of_mark = [_RELEASE] if keeps_locks else [_BACK, _RELEASE]
        self._savepoints: list[str] = []

    def __repr__(self) -> str:
        return f"<Transaction {'active' if self.active else 'open' if self.open else 'not begun'}>"

    # -- start and end -------------------------------------------------------------------------------------------

    def commit(self) -> None:
        """Commit.

        Raises:
            OracleError: ORA-02091 when a deferred constraint fails; all is rolled back then.
        """
        if self.open:
            self._finish(_COMMIT)

    def rollback(self) -> None:
        """Roll back."""
        if self.open:
            self._finish(_ROLLBACK)

    def _finish(self, command: Run) -> None:
        self.active = False
        self.number += 1
        self.open = False
        self._savepoints.clear()
        try:
            with self._changes.change() if command is _COMMIT else contextlib.nullcontext():
                self._link.run([*(self._at_commit() if command is _COMMIT else ()), command])
        except Failure as failure:
            # A deferred constraint: Oracle rolls the transaction back, and so has PostgreSQL.
            error = oracle_error(failure, "COMMIT")
            raise OracleError(2091, f"transaction rolled back\nORA-{error.code:05d}: {error.message}") from failure

    def begin(self, mode: str, *commands: Run) -> None:
        """SET TRANSACTION; `commands` are its first.

        Raises:
            OracleError: ORA-01453 inside of a transaction.
        """
        if self.open:
            raise OracleError(1453, "SET TRANSACTION must be first statement of transaction")
        self._link.run([Run(f"BEGIN {mode}".encode()), *commands])
        self.open = True

    def savepoint(self, name: str) -> None:
        """SAVEPOINT."""
        commands = [Run(f"SAVEPOINT {quote_name('~' + name)}".encode())]
        if not self.open:
            commands.insert(0, self._begin_command())
        self._link.run(commands)
        self.open = True
        self._savepoints.append(name)

    def rollback_to(self, name: str) -> None:
        """ROLLBACK TO SAVEPOINT.

        Raises:
            OracleError: ORA-01086 without such a savepoint.
        """
        # PostgreSQL would break the transaction at an unknown name.
        if name not in self._savepoints:
            raise OracleError(1086, f"savepoint '{name}' never established in this session or is invalid")
        last = len(self._savepoints) - self._savepoints[::-1].index(name)
        del self._savepoints[last:]
        self._link.run([Run(f"ROLLBACK TO SAVEPOINT {quote_name('~' + name)}".encode())])

    def _begin_command(self) -> Run:
        return Run(f"BEGIN {self.isolation}".encode()) if self.isolation else _BEGIN

    # -- statements ----------------------------------------------------------------------------------------------

    def run(
        self, commands: Sequence[Command], opens: bool = False, verb: str = "", waits: bool = False
    ) -> list[PGresult]:
        """Run commands as one statement of Oracle's: all or nothing, the transaction before it kept.

        Args:
            commands: what PostgreSQL gets.
            opens: whether a transaction begins with it.
            verb: for error messages.
            waits: a lock time-out is ORA-30006 (WAIT n) and not ORA-00054.

        Raises:
            OracleError: in Oracle's words; ORA-03113 when the engine has gone.
        """
        try:
            return self.run_raw(commands, opens)
        except Failure as failure:
            raise explain(failure, verb, waits) from failure

    def run_raw(self, commands: Sequence[Command], opens: bool = False) -> list[PGresult]:
        """As `run`, but raise PostgreSQL's `Failure`, after the transaction is sound again."""
        link = self._link
        link.interrupted = False
        was_open = self.open
        if was_open:
            sent = [_MARK, *commands, *self._end_of_mark]
        elif opens or not commands:
            sent = [self._begin_command(), *commands]
        else:
            sent = list(commands)
        try:
            results = link.run(sent)
        except Failure as failure:
            self._recover(was_open)
            if was_open or opens:
                failure.index -= 1
            raise
        except OracleError as error:
            self._lose(error)
            raise
        if was_open:
            return results[1 : -len(self._end_of_mark)]
        if opens:
            self.open = True
            return results[1:]
        return results

    def stream(self, told: Sequence[Run], command: RunPrepared, chunk: int) -> Stream:
        """Run a query whose rows are read as they are taken, `chunk` of them at a time; `told` runs before it.

        Raises:
            OracleError: in Oracle's words; ORA-03113 when the engine has gone.
        """
        was_open = self.open
        try:
            return self._link.stream(
                [*([_MARK] if was_open else []), *told],
                command,
                self._end_of_mark if was_open else [],
                chunk,
                lambda: self._recover(was_open),
            )
        except Failure as failure:
            raise explain(failure, "SELECT") from failure
        except OracleError as error:
            self._lose(error)
            raise

    def _lose(self, error: OracleError) -> None:
        if error.code == 3113:
            self.open = self.active = False

    def _recover(self, was_open: bool) -> None:
        """After a failed command: back to where the statement began."""
        if was_open:
            self._link.run([_BACK, _RELEASE])
        elif self._link.transaction_open:
            self._link.run([_ROLLBACK])


def explain(failure: Failure, verb: str, waits: bool = False) -> OracleError:
    """PostgreSQL's failure in Oracle's words; `waits` tells that the statement was to wait for a lock."""
    error = oracle_error(failure, verb)
    if error.code == 54 and waits:
        return OracleError(30006, "resource busy; acquire with WAIT timeout expired")
    return error


def lock_timeout(seconds: int) -> Run:
    """How long the statements that follow wait for a lock, 0 for ever."""
    return Run(f"SET LOCAL lock_timeout = {quote_text(f'{seconds}s')}".encode())
