"""DataFrames of one query, one after the other, with no more in memory than is asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING

import pandas
import pyarrow

from orapool.errors import ReadInterrupted, error_codes, lost_connection
from orapool.frames.batches import Batches
from orapool.frames.blocks import make_columns
from orapool.frames.options import Framing, Reading
from orapool.frames.pandas_frames import make_frame

if TYPE_CHECKING:
    from typing_extensions import Self


class Chunks(Iterator[pandas.DataFrame]):
    """The DataFrames of one query. Gives its session back when exhausted, closed or forgotten.

    Attributes:
        chunks: how many were handed out.
        rows: in them.
    """

    def __init__(self, batches: Batches, size: int, how: Reading, shape: Framing) -> None:
        self.chunks = 0
        self.rows = 0
        self._batches = batches
        self._size = size
        self._how = how
        self._shape = shape
        self._waiting: deque[pyarrow.RecordBatch] = deque()
        self._first = self._read()

    def __next__(self) -> pandas.DataFrame:
        found, self._first = self._first, None
        if found is None:
            found = self._read_on()
        if found is None:
            raise StopIteration
        self.chunks += 1
        self.rows += len(found)
        return found

    def _read_on(self) -> pandas.DataFrame | None:
        try:
            return self._read()
        except Exception as error:
            if lost_connection(error, by_driver=True) is None:
                raise
            code = next(error_codes(error), type(error).__name__)
            raise ReadInterrupted(
                f"the read lost its session ({code}) after chunk {self.chunks:,}, {self.rows:,} rows: read what is "
                "left with another query, or all of it again",
                self.chunks,
                self.rows,
            ) from error

    def _read(self) -> pandas.DataFrame | None:
        """The next chunk; None where there is nothing more to read. A query without rows has one empty chunk."""
        try:
            there = sum(batch.num_rows for batch in self._waiting)
            while there < self._size:
                batch = next(self._batches, None)
                if batch is None:
                    break
                self._waiting.append(batch)
                there += batch.num_rows
            if not there and (self._batches.rows or self.chunks):
                return None
            columns = make_columns(self._batches.targets, iter(self._take()))
            return make_frame(self._batches.targets, columns, self._how, self._shape)
        except BaseException:
            self.close()
            raise

    def _take(self) -> list[pyarrow.RecordBatch]:
        """A chunk's rows, of those that were read."""
        taken, left = [], self._size
        while left and self._waiting:
            batch = self._waiting.popleft()
            taken.append(batch.slice(0, left))
            if batch.num_rows > left:
                self._waiting.appendleft(batch.slice(left))
            left -= taken[-1].num_rows
        return taken

    def close(self) -> None:
        """Stop reading and give the session back. A second time does nothing."""
        self._first = None
        self._waiting.clear()
        self._batches.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self._batches.close()
