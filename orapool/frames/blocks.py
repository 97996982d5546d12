"""Columns that grow batch by batch, each in one large array.

Measured: a result that is kept in the small pieces that it comes in takes up to twice its size. The drivers' buffers
are larger than what is in them, and where pieces of one column go, those of the next ones leave holes.
"""

from __future__ import annotations

import mmap
import sys
from collections.abc import Iterator
from typing import Any, Union

import numpy
import pyarrow

from orapool.frames.columns import Target
from orapool.frames.decimals import widest

_FIRST = 1 << 16
_GROWTH = 4
"""How many times larger an array gets that is full. What is not written to takes no memory, and copying takes time."""

_LARGE = 1 << 22
"""Bytes from which on an array has a mapping of its own, of which a process may have some ten thousands."""


class _Growing:
    """An array that grows at its end."""

    def __init__(self, dtype: Any) -> None:
        self._array = numpy.empty(0, dtype)
        self.used = 0

    def extend(self, count: int) -> Any:
        """So many more places, to be written to."""
        begin, self.used = self.used, self.used + count
        if self.used > len(self._array):
            larger = _room(max(self.used, len(self._array) * _GROWTH, _FIRST), self._array.dtype)
            larger[:begin] = self._array[:begin]
            self._array = larger
        return self._array[begin : self.used]

    def take(self) -> Any:
        """The array as far as it is used. There is another, empty one afterwards."""
        taken, self._array = self._array[: self.used], numpy.empty(0, self._array.dtype)
        self.used = 0
        return taken if taken.nbytes >= _LARGE else taken.copy()


def _room(count: int, dtype: Any) -> Any:
    """An array whose values are arbitrary, of memory that is taken when it is written to.

    Unlike numpy's and Arrow's it has no huge pages: to have the kernel clear those takes up to a fifth of a read.
    """
    size = count * dtype.itemsize
    if size < _LARGE or sys.platform == "win32":
        return numpy.empty(count, dtype)
    private = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    return numpy.frombuffer(mmap.mmap(-1, size, flags=private), dtype)


class _Nulls:
    """Where a column is NULL, if anywhere."""

    def __init__(self) -> None:
        self._where: list[tuple[int, Any]] = []

    def note(self, begin: int, array: pyarrow.Array) -> None:
        """From row `begin` on, it is as this array is."""
        if array.null_count:
            self._where.append((begin, array.is_null().to_numpy(zero_copy_only=False)))

    def take(self, rows: int) -> Any:
        """A mask, or None where nothing is NULL."""
        if not self._where:
            return None
        mask = numpy.zeros(rows, bool)
        for begin, part in self._where:
            mask[begin : begin + len(part)] = part
        self._where.clear()
        return mask


class Fixed:
    """A column whose values all have one width."""

    def __init__(self, type_: pyarrow.DataType) -> None:
        self.type = type_
        width = type_.bit_width // 8
        self._dtype = numpy.dtype("int64" if width == 8 else f"V{width}")
        self._values = _Growing(self._dtype)
        self._nulls = _Nulls()

    def append(self, array: pyarrow.Array) -> None:
        """Add a batch's values."""
        self._nulls.note(self._values.used, array)
        values = numpy.frombuffer(array.buffers()[1], self._dtype)[array.offset : array.offset + len(array)]
        self._values.extend(len(array))[:] = values

    def take(self) -> tuple[Any, Any]:
        """The values, and where they are NULL, or None where none is. The column is empty afterwards."""
        nulls = self._nulls.take(self._values.used)
        return self._values.take(), nulls

    def arrow(self) -> pyarrow.Array:
        """The column as Arrow. It is empty afterwards."""
        values, nulls = self.take()
        return pyarrow.Array.from_buffers(self.type, len(values), [_bitmap(nulls), pyarrow.py_buffer(values)])


class Variable:
    """A column of texts or bytes, with 64-bit offsets."""

    def __init__(self, type_: pyarrow.DataType) -> None:
        self.type = type_
        self._data = _Growing(numpy.uint8)
        self._offsets = _Growing(numpy.int64)
        self._offsets.extend(1)[:] = 0
        self._nulls = _Nulls()

    def append(self, array: pyarrow.Array) -> None:
        """Add a batch's values."""
        self._nulls.note(self._offsets.used - 1, array)
        _validity, offsets, data = array.buffers()
        ends = numpy.frombuffer(offsets, numpy.int64)[array.offset : array.offset + len(array) + 1]
        begin, end = int(ends[0]), int(ends[-1])
        numpy.add(ends[1:], self._data.used - begin, out=self._offsets.extend(len(array)))
        if end > begin:
            self._data.extend(end - begin)[:] = numpy.frombuffer(data, numpy.uint8)[begin:end]

    def arrow(self) -> pyarrow.Array:
        """The column as Arrow. It is empty afterwards."""
        rows = self._offsets.used - 1
        buffers = [
            _bitmap(self._nulls.take(rows)),
            pyarrow.py_buffer(self._offsets.take()),
            pyarrow.py_buffer(self._data.take()),
        ]
        return pyarrow.Array.from_buffers(self.type, rows, buffers)


class Pieces:
    """A column that is kept as it comes: of a type that is rare, or of decimals that are told by their values."""

    def __init__(self, type_: pyarrow.DataType | None) -> None:
        self.type = type_
        self._arrays: list[pyarrow.Array] = []

    def append(self, array: pyarrow.Array) -> None:
        """Add a batch's values."""
        self._arrays.append(array)

    def arrow(self) -> pyarrow.Array:
        """The column as Arrow."""
        if self.type is None:
            self.type = widest([array.type for array in self._arrays])
            self._arrays = [array.cast(self.type) for array in self._arrays]
        if not self._arrays:
            return pyarrow.array([], type=self.type)
        return pyarrow.concat_arrays(self._arrays)


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


def _bitmap(nulls: Any) -> pyarrow.Buffer | None:
    """Arrow's own way to say where a column is NULL."""
    return None if nulls is None else pyarrow.py_buffer(numpy.packbits(~nulls, bitorder="little"))
