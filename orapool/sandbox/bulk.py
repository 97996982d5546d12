"""Many rows at a time from PostgreSQL's binary form to the wire's, column by column with numpy.

A column becomes a *grid*: a matrix with a row for each value, which stands at its left, and the values' lengths. Grids
side by side, without what is right of the values, are the rows. The forms are those of `binary`, which has them for
single values and takes what is rare: numbers to be rounded, and errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable

import numpy as np
import numpy.typing as npt

from orapool.sandbox import binary
from orapool.sandbox.codecs import Encoder
from orapool.sandbox.types import CHARSET_NCHAR, OracleType
from orapool.sandbox.wire import LONGEST_PLAIN

Array = npt.NDArray[Any]
Values = Sequence["bytes | None"]
Grid = tuple[Array, Array]
GridMaker = Callable[[Values], "Grid | None"]

# Texts longer than this, in bytes, are joined to the rows one by one: a matrix of them would be mostly void.
_WIDEST = LONGEST_PLAIN


def make_grid(values: Values, type_: OracleType, form: str, encode: Encoder) -> Grid | None:
    """The grid of a column, None for texts too long for one.

    Args:
        values: one for each row.
        type_: the column's type as described.
        form: PostgreSQL's binary form of its values.
        encode: encodes single values.
    """
    if type_.charset_form != CHARSET_NCHAR:
        if form in ("text", "bytes"):
            if type_.code == binary.CHAR:
                size = type_.buffer_size
                values = [value and binary.without_padding(value, size) for value in values]
            return _texts(values)
        if form == "numeric":
            return _numbers(values, encode)
        if form == "timestamp":
            return _moments(values, type_.code, encode)
        if form in ("float", "double"):
            return _floats(values, 4 if form == "float" else 8)
    return _encoded(values, encode)


def join_rows(head: bytes, columns: Sequence[Grid | list[bytes]], count: int) -> tuple[bytes, Array]:
    """The rows of grids, and of columns that are encoded already: their bytes, and where each begins and ends.

    Args:
        head: what stands before each row.
        columns: in order.
        count: how many rows.
    """
    pieces: list[Array | list[bytes]] = []
    grids: list[Grid] = [
        (np.broadcast_to(np.frombuffer(head, np.uint8), (count, len(head))), np.full(count, len(head)))
    ]
    for column in columns:
        if isinstance(column, tuple):
            grids.append(column)
            continue
        if grids:
            pieces.append(_sliced(*_side_by_side(grids, count)))
            grids = []
        pieces.append(column)
    if not pieces:
        return _side_by_side(grids, count)
    if grids:
        pieces.append(_sliced(*_side_by_side(grids, count)))
    rows = [b"".join(row) for row in zip(*pieces)]
    ends = np.zeros(count + 1, np.int64)
    np.cumsum(np.fromiter(map(len, rows), np.int64, count), out=ends[1:])
    return b"".join(rows), ends


def _sliced(data: bytes, ends: Array) -> list[bytes]:
    places = ends.tolist()
    return [data[start:end] for start, end in zip(places, places[1:])]


def _side_by_side(grids: Sequence[Grid], count: int) -> tuple[bytes, Array]:
    """The bytes of grids, row after row, and where each row begins and ends."""
    width = sum(matrix.shape[1] for matrix, _ in grids)
    wide = np.empty((count, width), np.uint8)
    kept = np.empty((count, width), np.bool_)
    ends = np.zeros(count + 1, np.int64)
    start = 0
    for matrix, lengths in grids:
        end = start + matrix.shape[1]
        wide[:, start:end] = matrix
        np.less(np.arange(end - start), lengths[:, None], out=kept[:, start:end])
        ends[1:] += lengths
        start = end
    np.cumsum(ends, out=ends)
    return wide[kept].tobytes(), ends


def _lengths(values: Sequence[bytes]) -> Array:
    return np.fromiter(map(len, values), np.int64, len(values))


def _without_nulls(values: Values) -> tuple[Sequence[bytes], Array | None]:
    """The values with empty ones for NULL, and which are NULL."""
    if None not in values:
        return values, None  # type: ignore[return-value]
    nulls = np.fromiter((value is None for value in values), np.bool_, len(values))
    return [value or b"" for value in values], nulls


def _aligned(values: Sequence[bytes], lengths: Array, start: int, width: int) -> Array:
    """The values as rows of a matrix, from a column on, with zeros around."""
    matrix = np.zeros((len(values), width), np.uint8)
    matrix[:, start:][np.arange(width - start) < lengths[:, None]] = np.frombuffer(b"".join(values), np.uint8)
    return matrix


def _texts(values: Values) -> Grid | None:
    given, _ = _without_nulls(values)
    lengths = _lengths(given)
    longest = int(lengths.max())
    if longest > _WIDEST:
        return None
    matrix = _aligned(given, lengths, 1, 1 + longest)
    matrix[:, 0] = lengths
    return matrix, lengths + 1


def _encoded(values: Values, encode: Encoder) -> Grid | None:
    made = [b"\0" if value is None else encode(value) for value in values]
    lengths = _lengths(made)
    longest = int(lengths.max())
    return None if longest > _WIDEST else (_aligned(made, lengths, 0, longest), lengths)


def _fixed(values: Values, size: int, kind: str) -> tuple[Array, Array | None]:
    """Values of one size as numbers; zeros for NULL."""
    given, nulls = _without_nulls(values)
    if nulls is not None:
        zeros = bytes(size)
        given = [value or zeros for value in given]
    return np.frombuffer(b"".join(given), kind), nulls


def _finished(matrix: Array, lengths: Array, nulls: Array | None) -> Grid:
    if nulls is not None:
        matrix[nulls, 0] = 0
        lengths[nulls] = 1
    return matrix, lengths


def _replaced(matrix: Array, lengths: Array, rare: Array, values: Sequence[bytes], encode: Encoder) -> None:
    """Encode rare values one by one, into their rows."""
    for row in np.flatnonzero(rare).tolist():
        value = encode(values[row])
        matrix[row, : len(value)] = np.frombuffer(value, np.uint8)
        lengths[row] = len(value)


def _numbers(values: Values, encode: Encoder) -> Grid:
    given, nulls = _without_nulls(values)
    if nulls is not None:
        zero = bytes(8)
        given = [value or zero for value in given]
    sizes = _lengths(given)
    words = _aligned(given, sizes, 0, int(sizes.max())).view(">i2").astype(np.int32)
    counts, weights, signs = words[:, 0], words[:, 1], words[:, 2]
    digits = words[:, 4:]
    # Two pairs of decimal digits for each digit to base 10,000. The first pair may be 00, and is left out then.
    pairs = np.zeros((len(given), 2 * digits.shape[1] + 2), np.int32)
    high = digits // 100
    pairs[:, 0:-2:2] = high
    pairs[:, 1:-2:2] = digits - 100 * high
    led = (pairs[:, 0] == 0) & (counts > 0)
    pairs[:, :-1] = np.where(led[:, None], pairs[:, 1:], pairs[:, :-1])
    overflown = _round(pairs)
    used = pairs.shape[1] - np.argmax((pairs != 0)[:, ::-1], axis=1)
    used[counts == 0] = 0
    exponents = 2 * weights + 194 - led
    negative = signs != 0
    width = max(22, pairs.shape[1] + 2)
    matrix = np.zeros((len(given), width + 1), np.uint8)
    matrix[:, 2 : 2 + pairs.shape[1]] = np.where(negative[:, None], 101 - pairs, pairs + 1)
    matrix[:, 1] = np.where(negative, ~exponents, exponents)
    lengths = used + 1
    if negative.any():
        ended = np.flatnonzero(negative & (used < binary.MOST_PAIRS))
        matrix[ended, 2 + used[ended]] = 102
        lengths[ended] += 1
    zeros = counts == 0
    matrix[zeros, 1] = 0x80
    matrix[:, 0] = lengths
    lengths = lengths + 1
    rare = overflown | (((exponents < 128) | (exponents > 255)) & ~zeros) | (signs & 0x8000 != 0)
    if rare.any():
        _replaced(matrix, lengths, rare, given, encode)
    matrix, lengths = _finished(matrix, lengths, nulls)
    return matrix[:, : int(lengths.max())], lengths


def _round(pairs: Array) -> Array:
    """Round to as many pairs of digits as a NUMBER has, in place; tells which begin with 100 now."""
    last = binary.MOST_PAIRS - 1
    if pairs.shape[1] > binary.MOST_PAIRS:
        pairs[:, last] += pairs[:, last + 1] >= 50
        pairs[:, last + 1 :] = 0
        for place in range(last, 0, -1):
            carried = pairs[:, place] == 100
            if not carried.any():
                break
            pairs[carried, place] = 0
            pairs[carried, place - 1] += 1
    overflown: Array = pairs[:, 0] == 100
    return overflown


def _moments(values: Values, code: int, encode: Encoder) -> Grid:
    moments, nulls = _fixed(values, 8, ">i8")
    days, rest = np.divmod(moments.astype(np.int64), binary.MICROSECONDS_OF_DAY)
    seconds, microseconds = np.divmod(rest, 1_000_000)
    seconds = seconds.astype(np.int32)
    # The Gregorian calendar in eras of 400 years that begin in March, as `binary` reckons it.
    rare = (days < -730_119) | (days > 2_921_939)
    day = np.where(rare, 0, days + binary.DAYS_TO_EPOCH).astype(np.int32)
    era = day // 146_097
    day -= 146_097 * era
    year = (day - day // 1460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5 - 1
    month = np.where(month < 10, month + 3, month - 9)
    year += era * 400 + (month <= 2)
    matrix = np.zeros((len(moments), 14), np.uint8)
    century = year // 100
    minute = seconds // 60
    hour = minute // 60
    matrix[:, 1] = century + 100
    matrix[:, 2] = year - 100 * century + 100
    matrix[:, 3] = month
    matrix[:, 4] = day
    matrix[:, 5] = hour + 1
    matrix[:, 6] = minute - 60 * hour + 1
    matrix[:, 7] = seconds - 60 * minute + 1
    matrix[:, 0] = 7
    lengths = np.full(len(moments), 8)
    if code != binary.DATE:
        matrix[:, 8:12] = (1000 * microseconds).astype(">i4").view(np.uint8).reshape(-1, 4)
        if code == binary.TIMESTAMP_TZ:
            matrix[:, 12:14] = 20, 60
            lengths[:] = 14
            matrix[:, 0] = 13
        else:
            lengths[microseconds != 0] = 12
            matrix[:, 0] = lengths - 1
    if nulls is not None:
        rare &= ~nulls
    if rare.any():
        _replaced(matrix, lengths, rare, values, encode)  # type: ignore[arg-type]
    matrix, lengths = _finished(matrix, lengths, nulls)
    return matrix[:, : int(lengths.max())], lengths


def _floats(values: Values, size: int) -> Grid:
    numbers, nulls = _fixed(values, size, "u1")
    octets = numbers.reshape(-1, size)
    matrix = np.empty((len(values), size + 1), np.uint8)
    matrix[:, 0] = size
    negative = octets[:, 0] >= 0x80
    matrix[:, 1:] = np.where(negative[:, None], ~octets, octets)
    matrix[:, 1] |= np.where(negative, 0, 0x80).astype(np.uint8)
    return _finished(matrix, np.full(len(values), size + 1), nulls)
