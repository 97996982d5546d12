"""Queries read into pandas, Arrow and polars, over the sessions of an orapool pool."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Callable, TypeVar, overload

from orapool import alchemy, pools
from orapool.errors import ConfigurationError, PrecisionLoss
from orapool.frames.options import Reading, check_chunksize, framing, need, reading
from orapool.frames.partitions import partitioning
from orapool.frames.statements import SQL, Parameters, find_query
from orapool.retries import Attempt, Plan

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow
    from typing_extensions import Unpack

    from orapool.frames.batches import Batches
    from orapool.frames.blocks import Column
    from orapool.frames.chunks import Chunks
    from orapool.frames.columns import Target
    from orapool.frames.options import FrameOptions, ReadOptions
    from orapool.frames.partitions import Partitioning, Partitions

Result = TypeVar("Result")


@overload
def read_df(
    sql: SQL,
    params: Parameters | None = None,
    *,
    chunksize: None = None,
    partition_on: str | None = None,
    partitions: Partitions | None = None,
    consistent: bool | None = None,
    **options: Unpack[FrameOptions],
) -> pandas.DataFrame: ...


@overload
def read_df(
    sql: SQL, params: Parameters | None = None, *, chunksize: int, **options: Unpack[FrameOptions]
) -> Chunks: ...


def read_df(
    sql: SQL,
    params: Parameters | None = None,
    *,
    chunksize: int | None = None,
    partition_on: str | None = None,
    partitions: Partitions | None = None,
    consistent: bool | None = None,
    **options: Unpack[FrameOptions],
) -> pandas.DataFrame | Chunks:
    """Run a query on a session of a pool and return its rows as a DataFrame.

    `sql` is a string in Oracle's own spelling, with parameters by name (`:city` and a mapping) or by position (`:1`
    and a sequence), a SQLAlchemy selectable or `text()` with parameters by name, or the name of a table or view. A
    list behind IN is spread, however long: `where id in :ids` and `{"ids": [1, 2, 3]}`.

    Options:
        index_col, parse_dates, dtype, dtype_backend: as `pandas.read_sql_query` has them.
        decimals: what a NUMBER is read as that is no whole number of 18 digits at most, which is int64, or Int64 where
            NULLs occur. None: whole ones too (INTEGER is NUMBER(38)), all others float64; "float": float64; "decimal":
            decimal.Decimal; "arrow": a decimal type of Arrow's; "string". A whole number that int64 or float64 does not
            hold is an error.
        coerce_float: False is `decimals="decimal"`.
        strip_char: take the blanks off the ends of CHAR values.
        column_names: "lower", as SQLAlchemy has them: what Oracle has in capitals; "oracle", as Oracle has them.
        timestamp_unit: of DATE and TIMESTAMP, "us" or "ns"; nanoseconds reach from 1677 to 2262 only.
        arraysize: rows of a round trip; None: as many as the widths of the columns suggest,
            10,000 at most, or 2,000 on cx_Oracle.
        timeout: seconds for all of it, the wait for a session included; then it is cancelled on the server.
        progress: show a bar; a number is how many rows there will be.
        name: of the pool.
        partition_on: read in partitions, each over a session of its own as far as the pool has some free: ranges of
            this column, or of "rowid", which takes the name of a table.
        partitions: how many, with about as many rows each, which a query finds out first; or a list of the values with
            which the second partition and the following ones begin. None: as many as the pool may have sessions.
        consistent: True: read all partitions of a table from one snapshot (AS OF SCN), or raise SnapshotUnavailable;
            None: do so where the database allows it, and warn where not; False: do not try.

    The rows of partitions come in their order, NULLs in the first; within each, as the query gives them.

    With `chunksize` (rows) it returns an iterator of DataFrames: see `iter_df`. A query that loses its session is run
    once more on a fresh one. Ctrl-C cancels it on the server, and the session goes back.

    Raises the driver's own errors, PoolTimeout and DatabaseUnavailable as `orapool.connection()` does, PrecisionLoss
    for a number that its column's type does not hold, ReadTimeout, and ConfigurationError for what is no query, a type
    that is not read, parameters that do not fit, and where pandas or pyarrow is not installed.

        orders = orapool.read_df("select * from orders where city = :city", {"city": "Basel"})
    """
    split = partitioning(partition_on, partitions, consistent)
    if chunksize is not None:
        _refuse_chunks(split)
        return iter_df(sql, params, chunksize=chunksize, **options)
    need("read_df", "pandas", "pyarrow")
    how, shape = framing("read_df", options)
    targets, columns = _read_all("read_df", sql, params, how, split)
    from orapool.frames.pandas_frames import make_frame

    return make_frame(targets, columns, how, shape)


def iter_df(sql: SQL, params: Parameters | None = None, *, chunksize: int, **options: Unpack[FrameOptions]) -> Chunks:
    """Run a query on a session of a pool and return its rows in DataFrames of `chunksize` rows each.

    The parameters are those of `read_df`. No more than two chunks are in memory. The iterator holds its session until
    it is exhausted, closed or garbage-collected, and is a context manager. Without rows there is one empty DataFrame.

    The first chunk is read before this returns; up to there, a query that loses its session is run again. Later, it
    raises ReadInterrupted, with the chunks and rows that were handed out before. `timeout` counts until the last chunk.

        for chunk in orapool.iter_df("select * from orders", chunksize=50_000):
            load(chunk)
    """
    check_chunksize(chunksize)
    need("iter_df", "pandas", "pyarrow")
    how, shape = framing("iter_df", options)

    def read(batches: Batches) -> Chunks:
        from orapool.frames.chunks import Chunks

        return Chunks(batches, chunksize, how, shape)

    return _run("iter_df", sql, params, how, read, chunksize)


@overload
def read_arrow(
    sql: SQL,
    params: Parameters | None = None,
    *,
    chunksize: None = None,
    partition_on: str | None = None,
    partitions: Partitions | None = None,
    consistent: bool | None = None,
    **options: Unpack[ReadOptions],
) -> pyarrow.Table: ...


@overload
def read_arrow(
    sql: SQL, params: Parameters | None = None, *, chunksize: int, **options: Unpack[ReadOptions]
) -> pyarrow.RecordBatchReader: ...


def read_arrow(
    sql: SQL,
    params: Parameters | None = None,
    *,
    chunksize: int | None = None,
    partition_on: str | None = None,
    partitions: Partitions | None = None,
    consistent: bool | None = None,
    **options: Unpack[ReadOptions],
) -> pyarrow.Table | pyarrow.RecordBatchReader:
    """Run a query on a session of a pool and return its rows as a pyarrow Table.

    The parameters are those of `read_df`; "decimal" and "arrow" are the same here. With `chunksize` it returns a
    RecordBatchReader instead, whose batches have at most so many rows, and which holds its session until it is
    exhausted or garbage-collected.

        table = orapool.read_arrow("select * from orders")
    """
    need("read_arrow", "pyarrow")
    split = partitioning(partition_on, partitions, consistent)
    how = reading("read_arrow", options)
    if how.decimals == "decimal":
        how = replace(how, decimals="arrow")
    if chunksize is not None:
        check_chunksize(chunksize)
        _refuse_chunks(split)
        return _run("read_arrow", sql, params, how, lambda batches: batches.reader(), chunksize)
    import pyarrow

    targets, columns = _read_all("read_arrow", sql, params, how, split)
    arrays = [column.arrow() for column in columns]
    return pyarrow.Table.from_arrays(arrays, names=[target.name for target in targets])


def read_polars(
    sql: SQL,
    params: Parameters | None = None,
    *,
    partition_on: str | None = None,
    partitions: Partitions | None = None,
    consistent: bool | None = None,
    **options: Unpack[ReadOptions],
) -> polars.DataFrame:
    """Run a query on a session of a pool and return its rows as a DataFrame of polars.

    The parameters are those of `read_arrow`. Raises ConfigurationError where polars is not installed.

        orders = orapool.read_polars("select * from orders")
    """
    need("read_polars", "pyarrow", "polars", extra="polars")
    import polars
    import pyarrow

    reading("read_polars", options)
    table = read_arrow(sql, params, partition_on=partition_on, partitions=partitions, consistent=consistent, **options)
    for field in table.schema:
        if field.type.id == pyarrow.decimal256(1, 0).id:
            raise PrecisionLoss(
                f"column {field.name}: its numbers need {field.type.precision} digits, and polars has decimals of 38: "
                "read it with decimals='string' or 'float'"
            )
    frame = polars.from_arrow(table)
    assert isinstance(frame, polars.DataFrame)
    return frame


def _refuse_chunks(split: Partitioning | None) -> None:
    if split is not None:
        raise ConfigurationError("partition_on is for reading all at once, and chunksize for one chunk after the other")


def _read_all(
    function: str, sql: SQL, params: Parameters | None, how: Reading, split: Partitioning | None
) -> tuple[Sequence[Target], list[Column]]:
    """All rows: what their columns are read as, and the columns."""
    if split is not None:
        from orapool.frames.parallel import read_partitions

        return read_partitions(function, sql, params, how, split)

    def read(batches: Batches) -> tuple[Sequence[Target], list[Column]]:
        from orapool.frames.blocks import make_columns

        with contextlib.closing(batches):
            return batches.targets, make_columns(batches.targets, batches)

    return _run(function, sql, params, how, read)


def _run(
    function: str,
    sql: SQL,
    params: Parameters | None,
    how: Reading,
    read: Callable[[Batches], Result],
    most_rows: int | None = None,
) -> Result:
    """Run a query, on a fresh session once more if it loses its own, and do something with its batches."""
    from orapool.frames.batches import Batches, deadline_of
    from orapool.frames.progress import make_progress

    pool = pools.pool(how.name)
    query = find_query(sql, params, lambda: alchemy.engine(how.name).dialect)
    deadline = deadline_of(how.timeout)

    def attempt(attempt: Attempt) -> Result:
        connection = attempt.draw(pool, how.timeout)
        try:
            progress = make_progress(how.progress, function)
            batches = Batches(pool, connection, query, how, deadline, progress, most_rows)
        except BaseException:  # Ctrl-C may come at any moment
            connection.close()
            raise
        return read(batches)

    return Plan().run(attempt, f"orapool.{function}()")
