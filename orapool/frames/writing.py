"""`write_df`: the rows of a DataFrame into a table, by array binds in batches."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Union

from orapool import alchemy, pools
from orapool.errors import ConfigurationError, WriteTimeout
from orapool.frames import tables
from orapool.frames.loads import Job, Load, Written
from orapool.frames.progress import check_progress, make_progress
from orapool.frames.tables import TableColumn, TableName
from orapool.retries import Attempt, Plan

if TYPE_CHECKING:
    from orapool.frames.inputs import Frame

IfExists = Literal["append", "create", "replace", "merge"]
ColumnType = Union[str, Any]


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
    progress: bool = False,
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
    timeout: seconds for the whole call, the wait for a session included.
    progress: show a bar of rows, rows/s and MB, by tqdm.

    A session that is lost before the first row was sent is replaced; after that nothing is sent twice, and the error
    tells what is committed.

    Raises `WriteError` for rows that are refused, which is of the driver's class too, and tells the row and what is in
    the table; `WriteTimeout`, which is one too, when the time is over; `ConfigurationError` for what does not go
    together, before anything is written; and what `orapool.connection()` raises.

        orapool.write_df(frame, "orders", if_exists="merge", keys="id").rows
    """
    started = time.monotonic()
    _check(if_exists, keys, batch_size, batch_errors, commit, direct_path, timeout)
    if progress:
        check_progress()
    if dtype is not None and if_exists in ("append", "merge"):
        raise ConfigurationError(f"dtype= is for new tables, and if_exists is {if_exists!r}")
    try:
        from orapool.frames.inputs import open_frame
    except ImportError as error:
        raise ConfigurationError("orapool.write_df needs pyarrow: pip install 'orapool[pandas]'") from error
    frame = open_frame(df, index, index_label)
    target, model = _target(table, schema, quoted)
    stored = _stored_names(frame, quoted)
    job = Job(
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
        progress,
    )
    if if_exists in ("create", "replace"):
        if model is not None:
            if dtype is not None:
                raise ConfigurationError("dtype= has no meaning for a SQLAlchemy Table, which has types of its own")
            job.model = model
        else:
            job.types = _types(frame, stored, dtype)
    return Plan().run(partial(_run, job), "orapool.write_df()")


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


def _run(job: Job, attempt: Attempt) -> Written:
    """Write, on a session of its own."""
    pool = pools.pool(job.name)
    if job.direct_path:
        pool.driver.check_direct_path()
    if job.model is not None:
        _make_model(job)
    with attempt.draw(pool, job.left()) as connection:
        job.limit(pool.driver, connection)
        cursor = connection.cursor()  # which is not closed here: with a lost session, that is an error of its own
        try:
            columns = _prepare(job, cursor)
        except pool.driver.dbapi.Error as error:
            if not job.is_over:
                raise
            seconds = time.monotonic() - job.started
            raise WriteTimeout(
                f"table {job.target}: the time was over before the first row, after {seconds:.1f} s; no row is written",
                Written(str(job.target), 0, [], 0, seconds),
            ) from error
        order = sorted(range(len(columns)), key=lambda number: columns[number].is_lob)
        in_order = [columns[number] for number in order]
        bar = make_progress(job.frame.rows if job.progress else False, "write_df")
        with contextlib.closing(bar):
            return Load(job, pool.driver, connection, cursor, order, in_order, bar).run()


def _make_model(job: Job) -> None:
    """Make the table of a SQLAlchemy Table."""
    engine = alchemy.engine(job.name)
    if job.if_exists == "replace":
        job.model.drop(engine, checkfirst=True)
    elif _exists(job):
        raise tables.exists_already(job.target)
    job.model.create(engine)


def _exists(job: Job) -> bool:
    with pools.connection(job.name) as connection, contextlib.closing(connection.cursor()) as cursor:
        return tables.describe(cursor, job.target) is not None


def _prepare(job: Job, cursor: Any) -> list[TableColumn]:
    """See to it that the table is there; its columns in the order of the frame's."""
    if job.types:
        if job.if_exists == "replace" and tables.describe(cursor, job.target) is not None:
            tables.drop(cursor, job.target)
        tables.create(cursor, job.target, job.types)
    described = tables.describe(cursor, job.target)
    if described is None:
        raise ConfigurationError(
            f"table {job.target} does not exist, or its user may not read it: if_exists='create' makes it"
        )
    known = {column.name: column for column in described}
    found, unknown = [], []
    for name in job.frame.names:
        stored = name if name in known else tables.as_stored(name, job.quoted)
        if stored in known:
            found.append(known[stored])
        else:
            unknown.append(name)
    if unknown:
        raise ConfigurationError(
            f"table {job.target} has no column for the frame's {', '.join(map(repr, unknown))}: its columns are "
            f"{', '.join(known)}"
        )
    return found
