"""The rows of a frame on their way into a table, over one session."""

from __future__ import annotations

import contextlib
import contextvars
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Callable

from orapool import errors
from orapool.frames import tables
from orapool.frames.calls import Calls
from orapool.frames.progress import Progress
from orapool.frames.tables import TableColumn, TableName
from orapool.workers import CallTimeout

if TYPE_CHECKING:
    from orapool.drivers.array_binds import Bind
    from orapool.drivers.base import Driver
    from orapool.frames.inputs import Frame

ROW_BYTES = 160
"""Arrow data of a row up to which a batch has as many rows as the driver gains from, where these are not told."""
PIECE_BYTES = 64_000_000
"""The most that a driver may take for a batch, in which each value has room for the longest: else it is cut."""


@dataclass(frozen=True)
class RowError:
    """A row that the database refused.

    Attributes:
        row: its place in the frame, from 0, as `DataFrame.iloc` has it.
        code: Oracle's: ``ORA-00001``.
        message: Oracle's text, with the code.
    """

    row: int
    code: str
    message: str


@dataclass(frozen=True)
class Written:
    """What `write_df` has done.

    Attributes:
        table: as Oracle has its name.
        rows: inserted or merged, and committed.
        errors: the rows that were refused, with `batch_errors`.
        batches: round trips that took rows to the database.
        seconds: the whole call's.
    """

    table: str
    rows: int = 0
    errors: list[RowError] = field(default_factory=list)
    batches: int = 0
    seconds: float = 0.0


@dataclass
class Job:
    """What to write, where to and how; see `write_df`.

    Attributes:
        keys: the places of the key columns in the frame.
        deadline: when it must have ended, a time of ``time.monotonic``; None for never.
        started: when it began.
        model: the SQLAlchemy Table to make.
        types: of a new table's columns, by stored name.
    """

    frame: Frame
    target: TableName
    if_exists: str
    keys: list[int]
    quoted: bool
    batch_size: int | None
    batch_errors: str | None
    commit: str
    truncate: bool
    direct_path: bool
    deadline: float | None
    name: str
    started: float
    progress: bool
    model: Any = None
    types: dict[str, str] = field(default_factory=dict)

    def left(self) -> float | None:
        """Seconds until the deadline; None for ever."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    @property
    def is_over(self) -> bool:
        """Whether its time is over; drivers count in milliseconds."""
        left = self.left()
        return left is not None and left < 0.001

    def limit(self, driver: Driver, connection: Any) -> None:
        """Let no round trip take longer than is left."""
        left = self.left()
        if left is not None:
            driver.set_call_timeout(connection, max(left, 0.001))


class Load:
    """Writes a job's rows over one session.

    Args:
        job: what to write.
        driver: of the session.
        connection: the session.
        cursor: of it.
        order: the places of the frame's columns, in the order of the statement.
        columns: of the table, in that order.
        progress: is told of each batch.
    """

    def __init__(
        self,
        job: Job,
        driver: Driver,
        connection: Any,
        cursor: Any,
        order: list[int],
        columns: list[TableColumn],
        progress: Progress,
    ) -> None:
        self._job = job
        self._driver = driver
        self._connection = connection
        self._cursor = cursor
        self._order = order
        self._columns = columns
        self._progress = progress
        self._calls = Calls(connection, float("inf") if job.deadline is None else job.deadline)
        self._keys = [columns[order.index(key)].name for key in job.keys]
        self._errors: list[RowError] = []
        self._batches = 0
        self._sent = 0
        self._committed = 0
        self._committing = False

    def run(self) -> Written:
        """Write all, and commit. Raises what `write_df` does."""
        job = self._job
        if job.if_exists == "merge":
            statement = tables.merge_statement(job.target, self._columns, self._keys)
        else:
            statement = tables.insert_statement(job.target, self._columns)
        try:
            for start, stop in self._ranges():
                for at, binds in self._binds(start, stop):
                    self._write(statement, at, binds)
                if job.commit == "batch":
                    self._commit()
            if self._errors and job.batch_errors == "raise":
                raise self._refused()
            self._commit()
        except errors.PoolError:
            self._roll_back()
            raise
        except (self._driver.dbapi.Error, OSError) as error:
            raise self._stopped(error) from error
        finally:
            self._calls.close()
        return self._result()

    def _result(self) -> Written:
        return Written(
            str(self._job.target),
            self._committed,
            list(self._errors),
            self._batches,
            time.monotonic() - self._job.started,
        )

    def _ranges(self) -> Iterator[tuple[int, int]]:
        rows = self._job.frame.rows
        size = self._job.batch_size or self._fitting_rows()
        for start in range(0, rows, size):
            yield start, min(start + size, rows)

    def _fitting_rows(self) -> int:
        """Rows of a batch by the width of the first ones."""
        frame = self._job.frame
        sample = min(frame.rows, 1_000)
        if not sample:
            return 1
        width = sum(frame.values(column, 0, sample).nbytes for column in self._order) / sample
        return max(100, int(self._driver.written_rows * min(1.0, ROW_BYTES / max(width, 1))))

    def _binds(self, start: int, stop: int) -> Iterator[tuple[int, list[Bind]]]:
        """A batch for the driver, or several of fewer rows where one would take too much memory."""
        from orapool.drivers.array_binds import Bind
        from orapool.frames.values import Unfit, fit

        job, binds = self._job, []
        for number, column in zip(self._order, self._columns):
            values = job.frame.values(number, start, stop)
            try:
                bind = fit(values, column, job.truncate)
                if number in job.keys and bind.values.null_count:
                    missing = bind.values.is_null().index(True).as_py()
                    raise Unfit("is one of keys=, and NULL is like no other NULL", missing)
                binds.append(bind)
            except Unfit as unfit:
                where = "" if unfit.row is None else f", {job.frame.label(start + unfit.row)}"
                raise errors.WriteError(
                    f"table {job.target}: the frame's column {job.frame.names[number]!r}{where}: {unfit}; "
                    f"{self._state()}",
                    self._result(),
                ) from None
        if job.if_exists == "merge":  # the query of a MERGE takes no LONG
            long = {"LONG": "CLOB", "LONG_RAW": "BLOB"}
            binds = [Bind(long.get(bind.kind, bind.kind), bind.values, bind.longest) for bind in binds]
        rows = max(1, PIECE_BYTES // max(1, sum(bind.width for bind in binds)))
        if rows >= stop - start:
            yield start, binds
            return
        for at in range(0, stop - start, rows):
            yield start + at, [Bind(bind.kind, bind.values.slice(at, rows), bind.longest) for bind in binds]

    def _write(self, statement: str, start: int, binds: list[Bind]) -> None:
        job, rows, refused = self._job, len(binds[0].values), 0
        self._batches += 1
        if job.direct_path:
            self._load_direct_path(start, binds)
        else:
            refused = self._write_rows(statement, start, binds)
        self._sent += rows - refused
        self._progress.add(rows, sum(bind.values.nbytes for bind in binds))

    def _load_direct_path(self, start: int, binds: list[Bind]) -> None:
        from orapool.frames.values import as_stored

        target = self._job.target
        names = [column.name for column in self._columns]
        stored = [as_stored(bind, column) for bind, column in zip(binds, self._columns)]
        load = self._driver.load_direct_path
        self._call(start, partial(load, self._connection, target.schema, target.table, names, stored))

    def _write_rows(self, statement: str, start: int, binds: list[Bind]) -> int:
        """Send them; how many were refused."""
        rows, with_errors = len(binds[0].values), self._job.batch_errors is not None
        try:
            self._call(start, partial(self._driver.write_rows, self._cursor, statement, binds, with_errors))
        except self._driver.dbapi.Error as error:
            at = self._cursor.rowcount
            if errors.lost_connection(error, by_driver=True) is None and 0 <= at < rows:
                code = next(errors.error_codes(error), "")
                self._errors.append(RowError(start + at, code, _text(error) + self._explain(code, binds, at)))
                raise self._refused(error) from error
            raise
        refused = self._cursor.getbatcherrors() if with_errors else []
        for each in refused:
            code = f"ORA-{each.code:05d}"
            message = _text(each) + self._explain(code, binds, each.offset)
            self._errors.append(RowError(start + each.offset, code, message))
        return len(refused)

    def _call(self, start: int, call: Callable[[], object]) -> None:
        """Have rows sent, the first of them `start`; Ctrl-C and the deadline cancel that."""
        context = contextvars.copy_context()  # which knows whose the write is, for orapool.retry
        try:
            self._calls.run(lambda: context.run(call))
        except CallTimeout:
            raise errors.WriteTimeout(
                f"table {self._job.target}: the time was over at row {start:,}, after "
                f"{time.monotonic() - self._job.started:.1f} s, and the write was cancelled; {self._state()}",
                self._result(),
            ) from None

    def _explain(self, code: str, binds: list[Bind], row: int) -> str:
        """Which column's number it is that is too large, of which Oracle before 23ai tells nothing."""
        if code != "ORA-01438":
            return ""
        for column, bind in zip(self._columns, binds):
            if column.kind == "NUMBER" and column.precision:
                value = bind.values[row].as_py()
                if value is not None and abs(value) >= 10 ** (column.precision - (column.scale or 0)):
                    return f" (column {column.name} is {column.text}, and the value {value})"
        return ""

    def _commit(self) -> None:
        self._committing = True
        self._connection.commit()
        self._committing = False
        self._committed = self._sent

    def _roll_back(self) -> None:
        if self._calls.abandoned:
            return
        with contextlib.suppress(self._driver.dbapi.Error, OSError):
            self._connection.rollback()

    def _state(self) -> str:
        """What is in the table now."""
        if self._committing:
            return "whether the last commit took effect is not known"
        if self._committed:
            return f"{self._committed:,} rows of the batches before are committed"
        return "no row is written"

    def _refused(self, error: Exception | None = None) -> errors.WriteError:
        first = self._errors[0]
        more = f", and {len(self._errors) - 1:,} more" if len(self._errors) > 1 else ""
        message = (
            f"table {self._job.target}, {self._job.frame.label(first.row)}: {first.message}{more}; {self._state()}"
        )
        return errors.write_error(message, self._result(), error)

    def _stopped(self, error: Exception) -> errors.WriteError:
        return errors.write_error(f"table {self._job.target}: {_text(error)}; {self._state()}", self._result(), error)


def _text(error: Any) -> str:
    """A driver's message on one line."""
    text = getattr(error, "message", None) or str(error)
    return " ".join(str(text).split("\nHelp: ")[0].split())
