"""One PostgreSQL connection, driven below psycopg's cursors: libpq in pipeline mode.

A step of a session (say SAVEPOINT, statement, RELEASE) is one round trip. While PostgreSQL works, the link waits for
its own socket and for the client's, so that a break of the client cancels the statement.
"""

from __future__ import annotations

import contextlib
import select
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import Error as PsycopgError
from psycopg import pq
from psycopg.pq.abc import PGconn, PGresult

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.identity import ClientWatch

_OK = frozenset((pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK, pq.ExecStatus.EMPTY_QUERY))
_SYNC = pq.ExecStatus.PIPELINE_SYNC
_ABORTED = pq.ExecStatus.PIPELINE_ABORTED
_BAD = pq.ConnStatus.BAD
# How often a client is asked again once it sent something that is no break (the rest of a long call).
_ASK_AGAIN_MILLISECONDS = 50
# PostgreSQL drops what comes between two commands.
_CANCEL_AGAIN_MILLISECONDS = 100


@dataclass(frozen=True)
class Run:
    """Run a text that is not prepared."""

    sql: bytes
    binds: Sequence[bytes | None] = ()


@dataclass(frozen=True)
class RunPrepared:
    """Run a prepared statement."""

    name: bytes
    binds: Sequence[bytes | None] = ()


@dataclass(frozen=True)
class Prepare:
    """Prepare a text under a name; OIDs of 0 leave a parameter's type to PostgreSQL."""

    name: bytes
    sql: bytes
    oids: Sequence[int] = ()


@dataclass(frozen=True)
class Describe:
    """Ask for a prepared statement's parameters and columns."""

    name: bytes


class Failure(Exception):
    """A step failed: the result with PostgreSQL's error, and which command it was."""

    def __init__(self, result: PGresult, index: int) -> None:
        super().__init__(result.get_error_message())
        self.result = result
        self.index = index

    def field(self, name: pq.DiagnosticField) -> str:
        """One field of PostgreSQL's error, empty when it has none."""
        value = self.result.error_field(name)
        return value.decode(errors="replace") if value else ""

    @property
    def sqlstate(self) -> str:
        """The five characters of the error's class."""
        return self.field(pq.DiagnosticField.SQLSTATE)


class Link:
    """A connection in pipeline mode. One thread at a time, except for `cancel`."""

    def __init__(self, connection: PGconn) -> None:
        self._connection = connection
        connection.nonblocking = 1
        connection.enter_pipeline_mode()
        self.watch: ClientWatch | None = None
        self.interrupted = False
        # Whether the client interrupted the commands that run now.
        self._interrupted_now = False
        self._socket = connection.socket

    @classmethod
    def connect(cls, conninfo: str) -> Link:
        """Open a connection.

        Raises:
            OracleError: ORA-00020 when PostgreSQL takes no more sessions, else ORA-01034.
        """
        connection = pq.PGconn.connect(conninfo.encode())
        if connection.status != pq.ConnStatus.OK:
            message = connection.get_error_message()
            connection.finish()
            if "too many clients" in message or "remaining connection slots" in message:
                raise OracleError(20, "maximum number of processes exceeded")
            raise OracleError(1034, f"ORACLE not available: {message}")
        return cls(connection)

    @property
    def pid(self) -> int:
        """The process id of PostgreSQL's backend."""
        return self._connection.backend_pid

    @property
    def closed(self) -> bool:
        """Whether the connection is gone."""
        return self._connection.status == _BAD

    @property
    def transaction_open(self) -> bool:
        """Whether PostgreSQL has a transaction open, sound or failed."""
        return self._connection.transaction_status in (pq.TransactionStatus.INTRANS, pq.TransactionStatus.INERROR)

    def close(self) -> None:
        """Close the connection."""
        self._connection.finish()

    def cancel(self) -> None:
        """Cancel what runs, from any thread; nothing happens when nothing runs."""
        self.interrupted = True
        with contextlib.suppress(Exception):
            self._connection.get_cancel().cancel()

    def run(self, commands: Sequence[Run | RunPrepared | Prepare | Describe]) -> list[PGresult]:
        """Send all commands, then wait for all results: one round trip.

        Raises:
            Failure: a command failed; those after it were not run.
            OracleError: ORA-03113 when PostgreSQL has gone.
        """
        connection = self._connection
        self._interrupted_now = False
        try:
            for command in commands:  # psycopg 3.2, the last for Python 3.9, takes lists of values only
                if isinstance(command, RunPrepared):
                    connection.send_query_prepared(command.name, list(command.binds))
                elif isinstance(command, Run):
                    connection.send_query_params(command.sql, list(command.binds))
                elif isinstance(command, Prepare):
                    connection.send_prepare(command.name, command.sql, command.oids)
                else:
                    connection.send_describe_prepared(command.name)
            connection.pipeline_sync()
            return self._results(len(commands))
        except PsycopgError as error:
            raise _lost() from error

    def run_many(self, name: bytes, rows: Sequence[Sequence[bytes | None]], before: Sequence[Run]) -> list[PGresult]:
        """Run a prepared statement once for each row, in one round trip, after the commands `before`.

        Raises:
            Failure: a row failed; `index` counts the commands before it too.
            OracleError: ORA-03113 when PostgreSQL has gone.
        """
        connection = self._connection
        self._interrupted_now = False
        try:
            for command in before:
                connection.send_query_params(command.sql, list(command.binds))
            send = connection.send_query_prepared
            for number, row in enumerate(rows):
                send(name, list(row))
                # What has arrived is read now and then, so that neither side's socket buffer fills up.
                if number % 128 == 127:
                    self._flush()
            connection.pipeline_sync()
            return self._results(len(before) + len(rows))
        except PsycopgError as error:
            raise _lost() from error

    def _results(self, count: int) -> list[PGresult]:
        connection = self._connection
        self._flush()
        results: list[PGresult] = []
        failed: Failure | None = None
        while True:
            if connection.is_busy():
                self._wait(reading=True)
                connection.consume_input()
                continue
            result = connection.get_result()
            if result is None:
                if connection.status == _BAD:
                    raise _lost()
                continue
            status = result.status
            if status == _SYNC:
                break
            if status in _OK:
                results.append(result)
            elif failed is None and status != _ABORTED:
                failed = Failure(result, len(results))
            if connection.status == _BAD:
                raise _lost()
        if failed is not None:
            raise failed
        assert len(results) == count, (len(results), count)
        return results

    def _flush(self) -> None:
        connection = self._connection
        while connection.flush():
            self._wait(reading=False)
            connection.consume_input()

    def _wait(self, reading: bool) -> None:
        """Wait until PostgreSQL's socket is ready; a break of the client cancels the statement meanwhile."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN if reading else select.POLLIN | select.POLLOUT)
        if self._interrupted_now:
            while not poll.poll(_CANCEL_AGAIN_MILLISECONDS):
                self.cancel()
            return
        watch = None if self.interrupted else self.watch
        if watch is None:
            poll.poll()
            return
        poll.register(watch.fileno, select.POLLIN)
        limit: int | None = None
        while True:
            ready = [number for number, _ in poll.poll(limit)]
            if self._socket in ready:
                return
            if watch.interrupted():
                self._interrupted_now = True
                self.cancel()
                self._wait(reading)
                return
            if limit is None:
                poll.unregister(watch.fileno)
                limit = _ASK_AGAIN_MILLISECONDS


def _lost() -> OracleError:
    return OracleError(3113, "end-of-file on communication channel (the embedded PostgreSQL has gone)")
