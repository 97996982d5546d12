"""`write_df`: the rows of a DataFrame into a table, by array binds in batches."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Union

from orapool import alchemy, errors, pools
from orapool.errors import ConfigurationError
from orapool.frames import tables
from orapool.frames.tables import TableColumn, TableName
from orapool.retries import Attempt, Plan

if TYPE_CHECKING:
    from orapool.drivers.array_binds import Bind
    from orapool.drivers.base import Driver
    from orapool.frames.inputs import Frame

log = logging.getLogger("orapool.frames")

IfExists = Literal["append", "create", "replace", "merge"]
ColumnType = Union[str, Any]

BATCH_BYTES = 4_000_000
"""Arrow data of a batch whose rows are not told."""
MOST_ROWS = 20_000
"""Rows of such a batch; beyond, nothing is gained."""
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


def write_df(
    df: Any,
    table: Any,
    *,
    if_exists: IfExists = "append",
    keys: str | Sequence[str] | None = None,
    schema: str | None = None,
    index: bool = False,
    index_label: str | Sequence[str] | None = None,
    dtype: ColumnType | Mapping[str, ColumnType] | None = None,
    quoted: bool = False,
    batch_size: int | None = None,
    batch_errors: Literal["raise", "return"] | None = None,
    commit: Literal["once", "batch"] = "once",
    truncate: bool = False,
    direct_path: bool = False,
    timeout: float | None = None,
    name: str = "default",
) -> Written:
    """Write the rows of a DataFrame into a table, on a session of the pool `name`.

    df: of pandas or polars, a pyarrow Table, or an object with Arrow's PyCapsule interface. None, NaN, NaT and pd.NA
        are NULL; so is the empty string, to Oracle.
    table: ``"orders"``, ``"sales.orders"``, or a SQLAlchemy Table, whose own types then hold for a new table.
    if_exists: "append" adds rows to a table that is there; "create" makes it, and raises where it is there; "replace"
        drops it, with its grants and indexes, and makes it anew; "merge" updates the rows that have the same `keys`,
        and adds the others. In Oracle DDL commits, and cannot be rolled back.
    keys: the columns that "merge" finds rows by.
    index: write pandas's index as columns too, called `index_label`, or as the index is.
    dtype: types of a new table's columns, as Oracle's text or SQLAlchemy's, by column, or one for all.
    quoted: names are written as they are. Else those that need no quotes are in upper case, as Oracle has them.
    batch_size: rows of a round trip; None chooses by their width.
    batch_errors: None stops at the first row that the database refuses. "raise" goes through all rows and raises
        `WriteError` with all of their errors, "return" returns these, the other rows being written.
    commit: "once" writes all or nothing; "batch" commits each batch, so that an error leaves those before it.
    truncate: cut off fractions of seconds that a column has no digits for, which raise otherwise.
    direct_path: python-oracledb 3.4 and later, thin mode: write blocks of data past SQL, with commit="batch".
    timeout: seconds for the whole call.

    A session that is lost before the first row was sent is replaced; after that nothing is sent twice, and the error
    tells what is committed.

    Raises `WriteError` for rows that are refused, which is of the driver's class too, and tells the row and what is in
    the table; `ConfigurationError` for what does not go together, before anything is written; and what
    `orapool.connection()` raises.

        orapool.write_df(frame, "orders", if_exists="merge", keys="id").rows
    """
    started = time.monotonic()
    _check(if_exists, keys, batch_size, batch_errors, commit, direct_path, timeout)
    if dtype is not None and if_exists in ("append", "merge"):
        raise ConfigurationError(f"dtype= is for new tables, and if_exists is {if_exists!r}")
    try:
        from orapool.frames.inputs import open_frame
    except ImportError as error:
        raise ConfigurationError("orapool.write_df needs pyarrow: pip install 'orapool[pandas]'") from error
    frame = open_frame(df, index, index_label)
    target, model = _target(table, schema, quoted)
    stored = _stored_names(frame, quoted)
    job = _Job(
        frame,
        target,
        if_exists,
        _keys(keys, frame, stored, quoted),
        quoted,
        batch_size,
        batch_errors,
        commit,
        truncate,
        direct_path,
        None if timeout is None else started + timeout,
        name,
        started,
    )
    if if_exists in ("create", "replace"):
        if model is not None:
            if dtype is not None:
                raise ConfigurationError("dtype= has no meaning for a SQLAlchemy Table, which has types of its own")
            job.model = model
        else:
            job.types = _types(frame, stored, dtype)
    return Plan().run(job.run, "orapool.write_df()")


def _check(
    if_exists: str,
    keys: object,
    batch_size: int | None,
    batch_errors: str | None,
    commit: str,
    direct_path: bool,
    timeout: float | None,
) -> None:
    for label, value, known in (
        ("if_exists", if_exists, ("append", "create", "replace", "merge")),
        ("batch_errors", batch_errors, (None, "raise", "return")),
        ("commit", commit, ("once", "batch")),
    ):
        if value not in known:
            raise ConfigurationError(f"{label} is one of {', '.join(map(repr, known))}, not {value!r}")
    if (if_exists == "merge") != bool(keys):
        raise ConfigurationError("if_exists='merge' and keys=[...], the columns to find rows by, go together")
    if batch_size is not None and batch_size < 1:
        raise ConfigurationError(f"batch_size is a number of rows, 1 or more, not {batch_size!r}")
    if timeout is not None and timeout <= 0:
        raise ConfigurationError(f"timeout is a number of seconds, above 0, not {timeout!r}")
    if direct_path and (if_exists == "merge" or batch_errors is not None or commit != "batch"):
        raise ConfigurationError(
            "direct_path=True inserts, has no errors by row, and commits what it has written: it goes with "
            "commit='batch', and neither with if_exists='merge' nor with batch_errors"
        )


def _target(table: Any, schema: str | None, quoted: bool) -> tuple[TableName, Any]:
    """Which table, and the SQLAlchemy Table if it is one."""
    if isinstance(table, str):
        return tables.parse_name(table, schema, quoted), None
    if not hasattr(table, "metadata") or not hasattr(table, "columns"):
        raise ConfigurationError(f"table is a name or a SQLAlchemy Table, not a {type(table).__name__}")
    own = _of_sqlalchemy(table.schema) if table.schema is not None else None
    if schema is not None:
        if own is not None:
            raise ConfigurationError(f"the Table has a schema already: leave schema={schema!r} out")
        own = tables.as_stored(schema, quoted)
    return TableName(_of_sqlalchemy(table.name), own), table


def _of_sqlalchemy(name: str) -> str:
    """SQLAlchemy has names in lower case for those that are the same in any, and takes others as they are."""
    asked = getattr(name, "quote", None)
    exact = asked if asked is not None else name != name.lower()
    return tables.as_stored(str(name), quoted=bool(exact))


def _stored_names(frame: Frame, quoted: bool) -> list[str]:
    stored = [tables.as_stored(name, quoted) for name in frame.names]
    if not stored:
        raise ConfigurationError("the frame has no columns")
    for name, again in zip(stored, frame.names):
        if stored.count(name) > 1:
            raise ConfigurationError(f"two columns of the frame are called {name} in Oracle, such as {again!r}")
    return stored


def _keys(keys: str | Sequence[str] | None, frame: Frame, stored: Sequence[str], quoted: bool) -> list[int]:
    """The places of the key columns in the frame."""
    found = []
    for key in [keys] if isinstance(keys, str) else keys or ():
        if key in frame.names:
            found.append(list(frame.names).index(key))
        elif tables.as_stored(key, quoted) in stored:
            found.append(stored.index(tables.as_stored(key, quoted)))
        else:
            raise ConfigurationError(f"keys has {key!r}, and the frame's columns are {', '.join(frame.names)}")
    return found


def _types(frame: Frame, stored: Sequence[str], dtype: ColumnType | Mapping[str, ColumnType] | None) -> dict[str, str]:
    """The types of a new table's columns by stored name."""
    from orapool.frames.values import new_type

    given = dtype if isinstance(dtype, Mapping) else {} if dtype is None else dict.fromkeys(frame.names, dtype)
    unknown = [str(name) for name in given if name not in frame.names]
    if unknown:
        raise ConfigurationError(f"dtype names no column of the frame: {', '.join(unknown)}")
    return {
        name: _type_text(given[own]) if own in given else new_type(frame, number)
        for number, (own, name) in enumerate(zip(frame.names, stored))
    }


def _type_text(kind: ColumnType) -> str:
    if isinstance(kind, str):
        return kind
    from sqlalchemy.dialects.oracle.base import OracleDialect
    from sqlalchemy.types import to_instance

    try:
        return str(to_instance(kind).compile(dialect=OracleDialect()))
    except Exception as error:
        raise ConfigurationError(f"dtype: {kind!r} is neither Oracle's text nor a type of SQLAlchemy's") from error


@dataclass
class _Job:
    """One call of `write_df`."""

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
    model: Any = None
    types: dict[str, str] = field(default_factory=dict)

    def run(self, attempt: Attempt) -> Written:
        """Write, on a session of its own."""
        pool = pools.pool(self.name)
        if self.direct_path:
            pool.driver.check_direct_path()
        if self.model is not None:
            self._make_model()
        with attempt.draw(pool, self._left()) as connection:
            self._limit(pool.driver, connection)
            cursor = connection.cursor()  # which is not closed here: with a lost session, that is an error of its own
            columns = self._prepare(cursor)
            order = sorted(range(len(columns)), key=lambda number: columns[number].is_lob)
            loader = _Load(self, pool.driver, connection, cursor, order, [columns[number] for number in order])
            return loader.run()

    def _make_model(self) -> None:
        """Make the table of a SQLAlchemy Table."""
        engine = alchemy.engine(self.name)
        if self.if_exists == "replace":
            self.model.drop(engine, checkfirst=True)
        elif self._exists():
            raise tables.exists_already(self.target)
        self.model.create(engine)

    def _exists(self) -> bool:
        with pools.connection(self.name) as connection, contextlib.closing(connection.cursor()) as cursor:
            return tables.describe(cursor, self.target) is not None

    def _prepare(self, cursor: Any) -> list[TableColumn]:
        """See to it that the table is there; its columns in the order of the frame's."""
        if self.types:
            if self.if_exists == "replace" and tables.describe(cursor, self.target) is not None:
                tables.drop(cursor, self.target)
            tables.create(cursor, self.target, self.types)
        described = tables.describe(cursor, self.target)
        if described is None:
            raise ConfigurationError(
                f"table {self.target} does not exist, or its user may not read it: if_exists='create' makes it"
            )
        known = {column.name: column for column in described}
        found, unknown = [], []
        for name in self.frame.names:
            stored = name if name in known else tables.as_stored(name, self.quoted)
            if stored in known:
                found.append(known[stored])
            else:
                unknown.append(name)
        if unknown:
            raise ConfigurationError(
                f"table {self.target} has no column for the frame's {', '.join(map(repr, unknown))}: its columns are "
                f"{', '.join(known)}"
            )
        return found

    def _left(self) -> float | None:
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    def _limit(self, driver: Driver, connection: Any) -> None:
        """Let no round trip take longer than is left."""
        left = self._left()
        if left is not None:
            driver.set_call_timeout(connection, max(left, 0.001))


class _Load:
    """The rows of a frame on their way into a table, over one session."""

    def __init__(
        self, job: _Job, driver: Driver, connection: Any, cursor: Any, order: list[int], columns: list[TableColumn]
    ) -> None:
        self._job = job
        self._driver = driver
        self._connection = connection
        self._cursor = cursor
        self._order = order
        self._columns = columns
        self._keys = [columns[order.index(key)].name for key in job.keys]
        self._errors: list[RowError] = []
        self._batches = 0
        self._sent = 0
        self._committed = 0
        self._committing = False

    def run(self) -> Written:
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
        return max(100, min(MOST_ROWS, int(BATCH_BYTES / max(width, 1))))

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
        job, rows = self._job, len(binds[0].values)
        if job.deadline is not None and time.monotonic() >= job.deadline:
            raise errors.WriteError(
                f"table {job.target}: the timeout is over before row {start:,}; {self._state()}", self._result()
            )
        job._limit(self._driver, self._connection)
        self._batches += 1
        if job.direct_path:
            from orapool.frames.values import as_stored

            names = [column.name for column in self._columns]
            binds = [as_stored(bind, column) for bind, column in zip(binds, self._columns)]
            self._driver.load_direct_path(self._connection, job.target.schema, job.target.table, names, binds)
            self._sent += rows
            return
        try:
            self._driver.write_rows(self._cursor, statement, binds, job.batch_errors is not None)
        except self._driver.dbapi.Error as error:
            at = self._cursor.rowcount
            if errors.lost_connection(error, by_driver=True) is None and 0 <= at < rows:
                code = next(errors.error_codes(error), "")
                self._errors.append(RowError(start + at, code, _text(error) + self._explain(code, binds, at)))
                raise self._refused(error) from error
            raise
        refused = self._cursor.getbatcherrors() if job.batch_errors is not None else []
        for each in refused:
            code = f"ORA-{each.code:05d}"
            message = _text(each) + self._explain(code, binds, each.offset)
            self._errors.append(RowError(start + each.offset, code, message))
        self._sent += rows - len(refused)

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
