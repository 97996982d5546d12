"""Reads the rows of an array DML call: all values of a column are decoded in one go.

A call of 20,000 rows has 200,000 values. What is done for each of them decides how long the call takes.
"""

from __future__ import annotations

import math
import struct
from binascii import hexlify
from collections.abc import Iterator, Sequence
from typing import Callable

from orapool.sandbox import codecs, types
from orapool.sandbox.errors import OracleError
from orapool.sandbox.messages import MessageType
from orapool.sandbox.sql import BindRows
from orapool.sandbox.types import CHARSET_NCHAR, OracleType
from orapool.sandbox.wire import ESCAPE, LONGEST_PLAIN, NULL_MARK, ProtocolError, Reader

Column = list["bytes | None"]

_ROW = int(MessageType.ROW_DATA)
_AS_THEY_ARE = frozenset((types.varchar2(1).code, types.char(1).code, types.LONG.code, 9))
# Where fewer than half of so many values are different, each is decoded once.
_SAMPLE = 200
_REMEMBERED_DAYS = 100_000
# Binds of all executions of a call that sends no values: what has come over the wire is no bound for these.
_MOST_WITHOUT_VALUES = 4_000_000


def read(reader: Reader, kinds: Sequence[OracleType], sent: Sequence[int], count: int) -> BindRows:
    """Read `count` rows.

    Args:
        kinds: the types of all binds.
        sent: the binds whose values are sent, in the order in which they are.

    Raises:
        OracleError: for a value that the sandbox does not take; all rows are read then.
    """
    if not sent and count * max(1, len(kinds)) > _MOST_WITHOUT_VALUES:
        raise OracleError(3001, f"unimplemented feature: {count} executions at once, without values to bind")
    values: list[Column] = [[] for _ in sent]
    done = count if not sent else 0
    while done < count:
        done = _read_plain(reader, values, done, count)
        if done < count:
            _read_slowly(reader, values)
            done += 1
    columns: list[Column] = [[None] * count for _ in kinds]
    for index, found in zip(sent, values):
        columns[index] = decode(kinds[index], found)
    return BindRows(columns, count)


def _read_plain(reader: Reader, columns: list[Column], done: int, count: int) -> int:
    """Read the rows that have arrived whole and have no value in pieces; how many rows there are now."""
    data = reader.arrived()
    size = len(data)
    position = at = 0
    adds = [column.append for column in columns]
    try:
        while done < count and data[at] == _ROW:
            at += 1
            for add in adds:
                length = data[at]
                at += 1
                if 0 < length <= LONGEST_PLAIN:
                    end = at + length
                    add(data[at:end])
                    at = end
                elif length in (0, NULL_MARK):
                    add(None)
                elif length == ESCAPE:  # NULL, as Oracle Client writes it
                    add(None)
                    at += 1
                else:
                    raise IndexError
            if at > size:
                break
            position = at
            done += 1
    except IndexError:  # the rest of the row is still to come, or in pieces
        pass
    for column in columns:
        del column[done:]
    reader.skip(position)
    return done


def _read_slowly(reader: Reader, columns: list[Column]) -> None:
    """Read one row, waiting for what has not arrived."""
    if reader.byte() != _ROW:
        raise ProtocolError("bind values do not start with a row")
    for column in columns:
        if reader.peek() == ESCAPE:
            reader.raw(2)
            column.append(None)
        else:
            column.append(reader.text() or None)


def decode(kind: OracleType, values: Column) -> Column:
    """Engine text of all values of a column."""
    if kind.code in _AS_THEY_ARE and kind.charset_form != CHARSET_NCHAR:
        return values
    if kind.code == types.BINARY_DOUBLE.code:
        return _decode_doubles(values)
    decode_one = codecs.decoder(kind)
    if kind.charset_form != CHARSET_NCHAR:
        decode_one = _BULK.get(kind.code, decode_one)
    if len(set(values[:_SAMPLE])) > _SAMPLE // 2:
        return [None if value is None else decode_one(value) for value in values]
    known: dict[bytes | None, bytes | None] = {None: None}
    for value in set(values):
        if value is not None:
            known[value] = decode_one(value)
    return [known[value] for value in values]


# ---------------------------------------------------------------- decoders for many values
# A digit of base 100, plus 1, as the two decimal digits that it is when written in hexadecimal; others are letters.
_DECIMAL = bytes((digit - 1) // 10 << 4 | (digit - 1) % 10 if 1 <= digit <= 100 else 0xEE for digit in range(256))


def _decode_number(value: bytes) -> bytes:
    """As `codecs.decode_number`; quicker for what is not negative."""
    exponent = value[0] - 192
    if exponent < 0 or len(value) == 1:
        return codecs.decode_number(value)
    digits = hexlify(value[1:].translate(_DECIMAL))
    if not digits.isdigit():
        raise ProtocolError("a NUMBER with a digit out of range")
    point = 2 * exponent
    if point >= len(digits):
        whole = digits + b"0" * (point - len(digits))
        return whole[1:] if whole[0] == 48 else whole
    if point == 0:
        return b"0." + digits.rstrip(b"0")
    return (digits[1:point] if digits[0] == 48 else digits[:point]) + b"." + digits[point:].rstrip(b"0")


class _Days(dict[bytes, bytes]):
    """Engine text of the first four bytes of a DATE."""

    def __missing__(self, value: bytes) -> bytes:
        day = codecs.decode_timestamp(value + b"\1\1\1")
        if not day.endswith(b" 00:00:00"):  # before Christ
            return b""
        if len(self) > _REMEMBERED_DAYS:
            self.clear()
        self[value] = day[:-8]
        return day[:-8]


class _Times(dict[bytes, bytes]):
    """Engine text of the next three bytes."""

    def __missing__(self, value: bytes) -> bytes:
        self[value] = made = b"%02d:%02d:%02d" % (value[0] - 1, value[1] - 1, value[2] - 1)
        return made


_days, _times = _Days(), _Times()


def _decode_moment(value: bytes) -> bytes:
    """As `codecs.decode_timestamp`."""
    day = _days[value[:4]]
    if not day or len(value) < 7:
        return codecs.decode_timestamp(value)
    if len(value) > 7 and any(value[7:11]):
        fraction = b"%09d" % int.from_bytes(value[7:11], "big")
        return day + _times[value[4:7]] + b"." + fraction.rstrip(b"0")
    return day + _times[value[4:7]]


_SIGN, _ALL = 1 << 63, (1 << 64) - 1


def _decode_doubles(values: Column) -> Column:
    """As `codecs.decode_binary_double` does it for each."""
    given = [value for value in values if value is not None]
    size = len(given)
    if any(len(value) != 8 for value in given):
        raise ProtocolError("a BINARY_DOUBLE that has not 8 bytes")
    bits = [number ^ (_SIGN if number & _SIGN else _ALL) for number in struct.unpack(f">{size}Q", b"".join(given))]
    floats = struct.unpack(f">{size}d", struct.pack(f">{size}Q", *bits))
    texts: Iterator[bytes] = iter([repr(number).encode() for number in floats])
    if not all(map(math.isfinite, floats)):
        texts = map(codecs.decode_binary_double, given)
    return [None if value is None else next(texts) for value in values]


_BULK: dict[int, Callable[[bytes], bytes]] = {
    types.number().code: _decode_number,
    types.DATE.code: _decode_moment,
    types.timestamp().code: _decode_moment,
}
