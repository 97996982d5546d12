"""The way in for pandas: DataFrames read over the sessions of an orapool pool."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Union, overload

import sqlalchemy
from sqlalchemy import event

from orapool import alchemy, errors
from orapool.older_sqlalchemy import VERSION
from orapool.retries import Plan

if TYPE_CHECKING:
    from types import TracebackType

    import pandas
    from sqlalchemy import Connection, Select, TextClause
    from typing_extensions import Self

Parameters = Union[Mapping[str, Any], Sequence[Any]]
Backend = Literal["numpy_nullable", "pyarrow"]
Statement = Union[str, "Select[Any]", "TextClause"]

# Rows of one round trip. Both drivers take 100, with which most of a long read is waiting (cx_Oracle #132, #583);
# beyond a thousand or so only memory grows: rows x the widths of the columns, for each running read.
ARRAY_SIZE = 1_000


@overload
def read_df(
    sql: Statement,
    params: Parameters | None = None,
    *,
    index_col: str | list[str] | None = None,
    coerce_float: bool = True,
    parse_dates: Any = None,
    chunksize: None = None,
    dtype: Any = None,
    dtype_backend: Backend | None = None,
    arraysize: int = ARRAY_SIZE,
    name: str = "default",
) -> pandas.DataFrame: ...


@overload
def read_df(
    sql: Statement,
    params: Parameters | None = None,
    *,
    index_col: str | list[str] | None = None,
    coerce_float: bool = True,
    parse_dates: Any = None,
    chunksize: int,
    dtype: Any = None,
    dtype_backend: Backend | None = None,
    arraysize: int = ARRAY_SIZE,
    name: str = "default",
) -> Chunks: ...


def read_df(
    sql: Statement,
    params: Parameters | None = None,
    *,
    index_col: str | list[str] | None = None,
    coerce_float: bool = True,
    parse_dates: Any = None,
    chunksize: int | None = None,
    dtype: Any = None,
    dtype_backend: Backend | None = None,
    arraysize: int = ARRAY_SIZE,
    name: str = "default",
) -> pandas.DataFrame | Chunks:
    """Run a query on a session of the pool `name` and return its rows as a DataFrame.

    `sql` is a string in Oracle's own spelling, with parameters by name (`:city` and a mapping) or by position (`:1`
    and a sequence), or a SQLAlchemy selectable with parameters by name. The other parameters are those of
    `pandas.read_sql_query`; `arraysize` is the number of rows fetched in one round trip.

    With `chunksize` (rows) it returns an iterator of DataFrames instead. That holds its session until it is exhausted,
    closed or garbage-collected, and is a context manager.

    A query that loses its session is run once more on a fresh one; with `chunksize`, up to its first chunk, which is
    read before this returns.

    Raises what `orapool.engine()` raises, and ConfigurationError where pandas is not installed, or is of a version that
    does not go with SQLAlchemy's.

        orders = orapool.read_df("select * from orders where city = :city", {"city": "Basel"})
    """
    try:
        import pandas
    except ImportError as error:
        raise errors.ConfigurationError("orapool.read_df needs pandas: pip install 'orapool[pandas]'") from error
    _check_versions(pandas.__version__, dtype_backend)
    if arraysize < 1:
        raise errors.ConfigurationError(f"arraysize is a number of rows, 1 or more, not {arraysize!r}")
    options: dict[str, Any] = {
        "index_col": index_col,
        "coerce_float": coerce_float,
        # SQLAlchemy takes a list for the rows of an executemany.
        "params": params if params is None or isinstance(params, Mapping) else tuple(params),
        "parse_dates": parse_dates,
        "chunksize": chunksize,
        "dtype": dtype,
    }
    if dtype_backend is not None:
        options["dtype_backend"] = dtype_backend

    def read() -> pandas.DataFrame | Chunks:
        with contextlib.ExitStack() as held:
            connection = held.enter_context(alchemy.engine(name).connect())
            _fetch_in_arrays(connection, arraysize)
            found: Any = pandas.read_sql_query(sql, connection, **options)
            if chunksize is None:
                frame: pandas.DataFrame = found
                return frame
            first = list(itertools.islice(found, 1))
            return Chunks(itertools.chain(first, found), held.pop_all())

    return Plan().run(lambda attempt: read(), "orapool.read_df()")


class Chunks(Iterator["pandas.DataFrame"]):
    """The DataFrames of one query, one after the other. Gives its session back when exhausted, closed or forgotten."""

    def __init__(self, frames: Iterator[pandas.DataFrame], held: contextlib.ExitStack) -> None:
        self._frames = frames
        self._held = held

    def __next__(self) -> pandas.DataFrame:
        try:
            return next(self._frames)
        except BaseException:  # StopIteration too: there is nothing more to read
            self.close()
            raise

    def close(self) -> None:
        """Stop reading and give the session back. A second time does nothing."""
        self._frames = iter(())
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


def _check_versions(version: str, dtype_backend: str | None) -> None:
    """Raise ConfigurationError for versions that do not go together, of which pandas makes errors that mislead."""
    pandas = tuple(int(part) for part in version.split(".")[:2])
    if dtype_backend is not None and pandas < (2, 0):
        raise errors.ConfigurationError(f"dtype_backend is new in pandas 2.0, and pandas is {version}")
    needed = "2.0" if pandas >= (2, 2) else "1.4" if pandas >= (2, 0) else "1.3"
    if tuple(map(int, needed.split("."))) > VERSION:
        raise errors.ConfigurationError(
            f"pandas {version} needs SQLAlchemy {needed} or later, and SQLAlchemy is {sqlalchemy.__version__}"
        )
    if pandas < (2, 0) and VERSION >= (2, 0):
        raise errors.ConfigurationError(
            f"pandas {version} does not know SQLAlchemy 2, and SQLAlchemy is {sqlalchemy.__version__}: use pandas 2.0 "
            "or later"
        )


def _fetch_in_arrays(connection: Connection, rows: int) -> None:
    @event.listens_for(connection, "before_cursor_execute")
    def set_sizes(connection: Any, cursor: Any, *rest: Any) -> None:
        cursor.arraysize = rows
        cursor.prefetchrows = rows  # the first rows come with the answer to the execute: none is fetched after few
