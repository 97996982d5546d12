"""Columns that grow batch by batch, in few large blocks.

Measured: a result that is kept in the small pieces that it comes in takes up to twice its size. The drivers' buffers
are larger than what is in them, and where pieces of one column go, those of the next ones leave holes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Union

import numpy
import pyarrow

from orapool.frames.columns import Target
from orapool.frames.decimals import widest

_FIRST_ROWS, _MOST_ROWS = 1 << 16, 1 << 18
_FIRST_BYTES, _MOST_BYTES = 1 << 20, 1 << 23
"""Of a block: each is twice as large as the one before. What is not written to takes no memory."""


class Fixed:
    """A column whose values all have one width."""

    def __init__(self, type_: pyarrow.DataType) -> None:
        self.type = type_
        self._width = type_.bit_width // 8
        self._blocks: list[Any] = []
        self._nulls: list[Any] = []
        self._filled = self._room = 0
        self._next_rows = _FIRST_ROWS

    def append(self, array: pyarrow.Array) -> None:
        """Add a batch's values."""
        nulls = _nulls(array)
        values = numpy.frombuffer(array.buffers()[1], numpy.uint8)[array.offset * self._width :]
        start, count = 0, len(array)
        while start < count:
            if self._filled == self._room:
                self._begin()
            taken = min(count - start, self._room - self._filled)
            begin, end = self._filled * self._width, (self._filled + taken) * self._width
            self._blocks[-1][begin:end] = values[start * self._width : (start + taken) * self._width]
            if nulls is not None:
                if self._nulls[-1] is None:
                    self._nulls[-1] = numpy.zeros(self._room, bool)
                self._nulls[-1][self._filled : self._filled + taken] = nulls[start : start + taken]
            self._filled += taken
            start += taken

    def _begin(self) -> None:
        self._room, self._filled = self._next_rows, 0
        self._blocks.append(numpy.empty(self._room * self._width, numpy.uint8))
        self._nulls.append(None)
        self._next_rows = min(self._next_rows * 2, _MOST_ROWS)

    def take(self, dtype: str) -> tuple[Any, Any]:
        """The values, and where they are NULL, or None where none is. The column is empty afterwards."""
        rows = [len(block) // self._width for block in self._blocks]
        if rows:
            rows[-1] = self._filled
        nulls = None
        if any(part is not None for part in self._nulls):
            nulls = numpy.concatenate(
                [numpy.zeros(count, bool) if part is None else part[:count] for part, count in zip(self._nulls, rows)]
            )
        values = numpy.empty(sum(rows), dtype)
        written = 0
        self._blocks.reverse()
        for count in rows:
            values[written : written + count] = self._blocks.pop()[: count * self._width].view(dtype)
            written += count
        self._nulls.clear()
        self._filled = self._room = 0
        return values, nulls

    def arrow(self) -> pyarrow.ChunkedArray:
        """The column as Arrow."""
        chunks = []
        for place, (block, nulls) in enumerate(zip(self._blocks, self._nulls)):
            rows = self._filled if place == len(self._blocks) - 1 else len(block) // self._width
            chunks.append(
                pyarrow.Array.from_buffers(
                    self.type, rows, [_bitmap(nulls, rows), pyarrow.py_buffer(block[: rows * self._width])]
                )
            )
        return pyarrow.chunked_array(chunks, type=self.type)


class Variable:
    """A column of texts or bytes, with 64-bit offsets."""

    def __init__(self, type_: pyarrow.DataType) -> None:
        self.type = type_
        self._chunks: list[pyarrow.Array] = []
        self._data: Any = numpy.empty(0, numpy.uint8)
        self._offsets: Any = numpy.zeros(1, numpy.int64)
        self._nulls: Any = None
        self._rows = self._used = 0
        self._next_rows, self._next_bytes = _FIRST_ROWS, _FIRST_BYTES

    def append(self, array: pyarrow.Array) -> None:
        """Add a batch's values."""
        nulls = _nulls(array)
        _validity, offsets, data = array.buffers()
        begins = numpy.frombuffer(offsets, numpy.int64)[array.offset : array.offset + len(array) + 1]
        values = numpy.frombuffer(data, numpy.uint8) if data is not None else self._data[:0]
        start, count = 0, len(array)
        while start < count:
            taken = min(count - start, len(self._offsets) - 1 - self._rows)
            size = int(begins[start + taken] - begins[start])
            if not taken or self._used + size > len(self._data):
                self._seal()
                taken = min(count - start, self._next_rows)
                self._begin(int(begins[start + taken] - begins[start]))
                continue
            self._data[self._used : self._used + size] = values[begins[start] : begins[start + taken]]
            ends = begins[start + 1 : start + taken + 1]
            numpy.add(ends, self._used - begins[start], out=self._offsets[self._rows + 1 : self._rows + taken + 1])
            if nulls is not None:
                if self._nulls is None:
                    self._nulls = numpy.zeros(len(self._offsets) - 1, bool)
                self._nulls[self._rows : self._rows + taken] = nulls[start : start + taken]
            self._rows += taken
            self._used += size
            start += taken

    def _begin(self, size: int) -> None:
        self._offsets = numpy.empty(self._next_rows + 1, numpy.int64)
        self._offsets[0] = 0
        self._data = numpy.empty(max(self._next_bytes, size), numpy.uint8)
        self._next_rows = min(self._next_rows * 2, _MOST_ROWS)
        self._next_bytes = min(self._next_bytes * 2, _MOST_BYTES)

    def _seal(self) -> None:
        if self._rows:
            offsets, data = self._offsets[: self._rows + 1], self._data[: self._used]
            buffers = [_bitmap(self._nulls, self._rows), pyarrow.py_buffer(offsets), pyarrow.py_buffer(data)]
            self._chunks.append(pyarrow.Array.from_buffers(self.type, self._rows, buffers))
        self._data, self._offsets = numpy.empty(0, numpy.uint8), numpy.zeros(1, numpy.int64)
        self._nulls = None
        self._rows = self._used = 0

    def arrow(self) -> pyarrow.ChunkedArray:
        """The column as Arrow."""
        self._seal()
        return pyarrow.chunked_array(self._chunks, type=self.type)


class Pieces:
    """A column that is kept as it comes: of a type that is rare, or of decimals that are told by their values."""

    def __init__(self, type_: pyarrow.DataType | None) -> None:
        self.type = type_
        self._arrays: list[pyarrow.Array] = []

    def append(self, array: pyarrow.Array) -> None:
        """Add a batch's values."""
        self._arrays.append(array)

    def arrow(self) -> pyarrow.ChunkedArray:
        """The column as Arrow."""
        if self.type is None:
            self.type = widest([array.type for array in self._arrays])
            self._arrays = [array.cast(self.type) for array in self._arrays]
        return pyarrow.chunked_array(self._arrays, type=self.type)


Column = Union[Fixed, Variable, Pieces]


def make_columns(targets: tuple[Target, ...], batches: Iterator[pyarrow.RecordBatch]) -> list[Column]:
    """The columns of all batches. Each batch is let go of before the next one is asked for."""
    columns = [_make_column(target.final) for target in targets]
    for batch in batches:
        for column, array in zip(columns, batch.columns):
            column.append(array)
        del batch
    return columns


def _make_column(type_: pyarrow.DataType | None) -> Column:
    if type_ is None or pyarrow.types.is_boolean(type_):
        return Pieces(type_)
    if pyarrow.types.is_large_string(type_) or pyarrow.types.is_large_binary(type_):
        return Variable(type_)
    return Fixed(type_)


def _nulls(array: pyarrow.Array) -> Any:
    """Where an array is NULL, or None where it never is."""
    return array.is_null().to_numpy(zero_copy_only=False) if array.null_count else None


def _bitmap(nulls: Any, rows: int) -> pyarrow.Buffer | None:
    """Arrow's own way to say where a column is NULL."""
    return None if nulls is None else pyarrow.py_buffer(numpy.packbits(~nulls[:rows], bitorder="little"))
