"""A query under way: its rows in batches of Arrow, and the session that they come over."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Callable, TypeVar

import pyarrow

from orapool.drivers.arrow import Fetch
from orapool.errors import ConfigurationError, ReadTimeout
from orapool.frames.calls import Calls
from orapool.frames.columns import Target, batch_rows, find_targets, with_zones
from orapool.frames.options import Reading
from orapool.frames.progress import Progress
from orapool.frames.statements import Query
from orapool.session_pool import SessionPool
from orapool.workers import CallTimeout

Result = TypeVar("Result")


def deadline_of(timeout: float | None) -> float:
    """When a read that begins now must have ended, a time of ``time.monotonic``."""
    return float("inf") if timeout is None else time.monotonic() + timeout


class Batches(Iterator[pyarrow.RecordBatch]):
    """The batches of one query. Its session goes back when it is exhausted, closed or fails.

    Args:
        pool: whose session it is.
        connection: the session, which is this object's from now on.
        query: what to read.
        how: to read it.
        deadline: when it must have ended, a time of ``time.monotonic``.
        progress: is told of each batch.
        most_rows: of a batch.
        calls: makes the calls, and ends them at its own deadline instead.

    Attributes:
        rows: how many were read.
        targets: the columns.
    """

    def __init__(
        self,
        pool: SessionPool,
        connection: Any,
        query: Query,
        how: Reading,
        deadline: float,
        progress: Progress,
        most_rows: int | None = None,
        calls: Calls | None = None,
    ) -> None:
        self.rows = 0
        self._connection = connection
        self._calls = calls or Calls(connection, deadline)
        self._begun = time.monotonic()
        self._progress = progress
        self._batches: Iterator[pyarrow.RecordBatch] = iter(())
        self.targets: tuple[Target, ...] = ()
        try:
            columns = self._call(lambda: pool.driver.describe(connection, query.text))
            if columns is None:
                raise ConfigurationError("this is no query: use orapool.connection() for what returns no rows")
            self.targets = find_targets(columns, how)
            rows = how.arraysize or batch_rows(columns, pool.driver.batch_rows)
            fetch = Fetch(
                with_zones(query.text, columns),
                query.binds,
                columns,
                tuple(target.fetched for target in self.targets),
                rows if most_rows is None else min(rows, most_rows),
            )
            self._batches = pool.driver.fetch_batches(connection, fetch)
        except BaseException:
            self.close()
            raise

    @property
    def names(self) -> list[str]:
        """What the columns are called."""
        return [target.name for target in self.targets]

    def __next__(self) -> pyarrow.RecordBatch:
        try:
            batch = self._call(lambda: next(self._batches, None))
            if batch is None:
                raise StopIteration
            arrays = [target.finish(array) for target, array in zip(self.targets, batch.columns)]
        except BaseException:
            self.close()
            raise
        finished = pyarrow.RecordBatch.from_arrays(arrays, names=self.names)
        self.rows += finished.num_rows
        self._progress.add(finished.num_rows, finished.nbytes)
        return finished

    def _call(self, call: Callable[[], Result]) -> Result:
        try:
            return self._calls.run(call)
        except CallTimeout:
            raise ReadTimeout(
                f"the read did not end in time, after {time.monotonic() - self._begun:.1f} s and {self.rows:,} rows: "
                "it was cancelled; give it more time (timeout=), or make the query quicker"
            ) from None

    def reader(self) -> pyarrow.RecordBatchReader:
        """The batches as Arrow's own kind of iterator. Raises ConfigurationError where no type holds all numbers."""
        for target in self.targets:
            if target.final is None:
                self.close()
                raise ConfigurationError(
                    f"column {target.column.name} is a NUMBER without scale, and no batch tells what the next ones "
                    "need: leave chunksize out, or select cast(... as number(38, 10))"
                )
        schema = pyarrow.schema([(target.name, target.final) for target in self.targets])
        return pyarrow.RecordBatchReader.from_batches(schema, self._each())

    def _each(self) -> Iterator[pyarrow.RecordBatch]:
        try:
            yield from self
        finally:
            self.close()

    def close(self) -> None:
        """Stop reading, and give the session back. A second time does nothing."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        batches, self._batches = self._batches, iter(())
        self._calls.close()
        self._progress.close()
        try:
            if not self._calls.abandoned and hasattr(batches, "close"):
                batches.close()
        finally:
            connection.close()
