"""One PostgreSQL connection, driven below psycopg's cursors: libpq in pipeline mode.

A step of a session (say SAVEPOINT, statement, RELEASE) is one round trip. While PostgreSQL works, the link waits for
its own socket and for the client's, so that a break of the client cancels the statement.

The rows of a query may stay with PostgreSQL until they are asked for: a `Stream`. There is one at most; the next step
reads the rest of it into memory first.
"""

from __future__ import annotations

import contextlib
import select
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Callable

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
_MARK_SECONDS = 0.005
# Of libpq: rows in chunks. An older one gives them singly, which is slower.
_HAS_CHUNKS = pq.version() >= 170_000
_ROWS = frozenset((pq.ExecStatus.TUPLES_OK, pq.ExecStatus.TUPLES_CHUNK, pq.ExecStatus.SINGLE_TUPLE))
# How long another session's statement waits for this one's, to read its stream.
_LOCK_SECONDS = 0.25


@dataclass(frozen=True)
class Run:
    """Run a text that is not prepared."""

    sql: bytes
    binds: Sequence[bytes | None] = ()


@dataclass(frozen=True)
class RunPrepared:
    """Run a prepared statement; its rows come as texts, or in PostgreSQL's binary form."""

    name: bytes
    binds: Sequence[bytes | None] = ()
    binary: bool = False


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
        # Another session's thread may read this one's stream to its end.
        self._lock = threading.RLock()
        self._stream: Stream | None = None

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
        with self._lock:
            self._stream = None
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
        with self._lock:
            self._end_stream()
            self._interrupted_now = False
            try:
                self._send(commands)
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
        with self._lock:
            self._end_stream()
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

    def stream(
        self,
        before: Sequence[Run],
        query: RunPrepared,
        after: Sequence[Run],
        chunk: int,
        on_failure: Callable[[], None],
    ) -> Stream:
        """Run a query whose rows are read as they are asked for; the first chunk of them is there when this returns.

        Args:
            before: commands of the same round trip that come first.
            after: commands that follow.
            chunk: rows that PostgreSQL's client library hands over at a time.
            on_failure: brings the transaction in order, where the query fails after its first rows.

        Raises:
            Failure: it failed; the transaction is in order again.
            OracleError: ORA-03113 when PostgreSQL has gone.
        """
        with self._lock:
            self._end_stream()
            self.interrupted = self._interrupted_now = False
            try:
                self._send([*before, query, *after])
                self._flush()
                stream = Stream(self, chunk, on_failure)
                self._stream = stream
                stream.start(len(before))
                return stream
            except PsycopgError as error:
                raise _lost() from error

    def finish_stream(self) -> None:
        """From another session's thread: read a stream into memory, so that PostgreSQL holds no lock for it."""
        if self._stream is not None and self._lock.acquire(timeout=_LOCK_SECONDS):
            watch, self.watch = self.watch, None
            try:
                if self._stream is not None:
                    self._stream.read_all()
            finally:
                self.watch = watch
                self._lock.release()

    def discard_stream(self) -> None:
        """Want no more of the rows that are still to come."""
        with self._lock:
            if self._stream is not None:
                self._stream.close()

    def _end_stream(self) -> None:
        """Before the next step: read into memory what is left to fetch, unless the client breaks in."""
        stream = self._stream
        if stream is not None:
            self.interrupted = self._interrupted_now = False
            stream.read_all()
            if stream.broken:
                raise OracleError(1013, "user requested cancel of current operation")

    def _send(self, commands: Sequence[Run | RunPrepared | Prepare | Describe]) -> None:
        connection = self._connection
        for command in commands:  # psycopg 3.2, the last for Python 3.9, takes lists of values only
            if isinstance(command, RunPrepared):
                connection.send_query_prepared(command.name, list(command.binds), result_format=int(command.binary))
            elif isinstance(command, Run):
                connection.send_query_params(command.sql, list(command.binds))
            elif isinstance(command, Prepare):
                connection.send_prepare(command.name, command.sql, command.oids)
            else:
                connection.send_describe_prepared(command.name)
        connection.pipeline_sync()

    def _results(self, count: int) -> list[PGresult]:
        self._flush()
        results: list[PGresult] = []
        failed: Failure | None = None
        while True:
            result = self._next()
            if result is None:
                continue
            status = result.status
            if status == _SYNC:
                break
            if status in _OK:
                results.append(result)
            elif failed is None and status != _ABORTED:
                failed = Failure(result, len(results))
            if self._connection.status == _BAD:
                raise _lost()
        if failed is not None:
            raise failed
        assert len(results) == count, (len(results), count)
        return results

    def _next(self) -> PGresult | None:
        """The next result, None between two commands."""
        connection = self._connection
        while connection.is_busy():
            self._wait(reading=True)
            connection.consume_input()
        result = connection.get_result()
        if result is None and connection.status == _BAD:
            raise _lost()
        return result

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
            noticed = watch.noticed()
            ready = [number for number, _ in poll.poll(0 if noticed else limit)]
            if self._socket in ready:
                return
            if noticed or watch.interrupted():
                self._interrupted_now = True
                # A cancel that meets the SAVEPOINT before the statement would cost the transaction.
                time.sleep(_MARK_SECONDS)
                self.cancel()
                self._wait(reading)
                return
            if limit is None:
                poll.unregister(watch.fileno)
                limit = _ASK_AGAIN_MILLISECONDS


class Stream:
    """The rows of a query as they come, in chunks; those that were read and not taken wait in memory."""

    def __init__(self, link: Link, chunk: int, on_failure: Callable[[], None]) -> None:
        self._link = link
        self._chunk = chunk
        self._on_failure = on_failure
        self._chunks: deque[PGresult] = deque()
        self._failure: Failure | None = None
        self._rows_read = 0
        self.ended = False
        # Whether the client broke in while the last of it was read.
        self.broken = False

    def start(self, before: int) -> None:
        """Read the results of the commands before, the first chunk, and the end of a result that has no other."""
        while before and not self.ended:
            before -= not self._read()
        self._chunks.clear()
        self._rows_read = 0
        if not self.ended:
            if _HAS_CHUNKS:
                self._link._connection.set_chunked_rows_mode(self._chunk)
            else:
                self._link._connection.set_single_row_mode()
        # A chunk that is not full is the last.
        while not self.ended and not (self._chunks and self._rows_read >= self._chunk):
            self._read()
        if self._failure is not None:
            raise self._failure

    @property
    def exhausted(self) -> bool:
        """Whether there is nothing left, no failure either."""
        return self.ended and not self._chunks and self._failure is None

    def take(self) -> PGresult | None:
        """The next chunk, None at the end.

        Raises:
            Failure: the query failed meanwhile; the transaction is in order again.
            OracleError: ORA-03113 when PostgreSQL has gone.
        """
        link = self._link
        with link._lock:
            link.interrupted = link._interrupted_now = False
            while not self._chunks and not self.ended:
                self._read()
            if self._chunks:
                return self._chunks.popleft()
            if self._failure is not None:
                raise self._failure
            return None

    def read_all(self) -> None:
        """Read what is left into memory; a failure is raised by the `take` that comes to it."""
        while not self.ended:
            self._read()

    def close(self) -> None:
        """Drop what is left."""
        with self._link._lock:
            self._chunks.clear()
            if not self.ended and not self._link.closed:
                self._link.cancel()  # and look no more at the client meanwhile
                self.read_all()
            self._chunks.clear()

    def _read(self) -> bool:
        """Read a result; False where that of one command has ended."""
        link = self._link
        try:
            result = link._next()
            if result is None:
                return False
            if result.status in _ROWS:
                count = result.ntuples
                if count:
                    self._rows_read += count
                    self._chunks.append(result)
            elif result.status == _SYNC:
                self._end()
            elif result.status not in _OK and result.status != _ABORTED and self._failure is None:
                self._failure = Failure(result, 0)
        except (PsycopgError, OracleError) as error:
            self.ended = True
            link._stream = None
            raise _lost() from error
        if link._connection.status == _BAD:
            raise _lost()
        return True

    def _end(self) -> None:
        self.ended = True
        self.broken = self._link._interrupted_now
        self._link._stream = None
        if self._failure is not None:
            self._on_failure()


def _lost() -> OracleError:
    return OracleError(3113, "end-of-file on communication channel (the embedded PostgreSQL has gone)")
