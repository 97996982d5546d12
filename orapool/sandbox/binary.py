"""Values of a result in PostgreSQL's binary form, to the wire's form, one by one; `bulk` has the same for columns.

An encoder returns the value as it stands in a row, its length included. NULL never reaches it.
"""

from __future__ import annotations

import struct
from functools import lru_cache

from orapool.sandbox import codecs, rowid, types
from orapool.sandbox.codecs import Encoder
from orapool.sandbox.errors import OracleError
from orapool.sandbox.types import CHARSET_NCHAR, OracleType
from orapool.sandbox.wire import text

MICROSECONDS_OF_DAY = 86_400_000_000
# Days from 0000-03-01, where the years of the reckoning below begin, to PostgreSQL's 2000-01-01.
DAYS_TO_EPOCH = 730_425
# Pairs of decimal digits that a NUMBER has at the most.
MOST_PAIRS = 20

CHAR = types.char(1).code
DATE, TIMESTAMP, TIMESTAMP_TZ = types.DATE.code, types.timestamp().code, types.timestamp_tz().code
_UTC = b"\x14\x3c"


@lru_cache(maxsize=65_536)
def encode_number(value: bytes) -> bytes:
    """NUMBER of a numeric: digits to base 10,000, each two of a NUMBER's."""
    count, weight, sign, _scale = struct.unpack_from(">HhHH", value)
    if sign & 0x8000:
        raise OracleError(1426, "numeric overflow")  # NaN and the infinities
    if not count:
        return b"\x01\x80"
    pairs: list[int] = []
    for digit in struct.unpack_from(f">{count}H", value, 8):
        pairs += divmod(digit, 100)
    exponent = 2 * weight + 194
    if not pairs[0]:
        del pairs[0]
        exponent -= 1
    if len(pairs) > MOST_PAIRS:
        pairs[MOST_PAIRS - 1] += pairs[MOST_PAIRS] >= 50
        del pairs[MOST_PAIRS:]
        while pairs[-1] == 100:
            del pairs[-1]
            if pairs:
                pairs[-1] += 1
            else:
                pairs, exponent = [1], exponent + 1
    while not pairs[-1]:
        del pairs[-1]
    if exponent > 255:
        raise OracleError(1426, "numeric overflow")
    if exponent < 128:
        return b"\x01\x80"
    size = len(pairs)
    if not sign:
        return bytes((size + 1, exponent, *[pair + 1 for pair in pairs]))
    end = () if size == MOST_PAIRS else (102,)
    return bytes((size + 1 + len(end), ~exponent & 0xFF, *[101 - pair for pair in pairs], *end))


def _encode_integer(value: bytes) -> bytes:
    return codecs.encode_number(b"%d" % int.from_bytes(value, "big", signed=True))


def _encode_oid(value: bytes) -> bytes:
    return codecs.encode_number(b"%d" % int.from_bytes(value, "big"))


@lru_cache(maxsize=65_536)
def _moment(value: bytes) -> tuple[bytes, int]:
    """The seven bytes of a DATE, and the microseconds of its second."""
    days, rest = divmod(int.from_bytes(value, "big", signed=True), MICROSECONDS_OF_DAY)
    era, day = divmod(days + DAYS_TO_EPOCH, 146_097)
    year = (day - day // 1460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5 - 1
    month += 3 if month < 10 else -9
    year += era * 400 + (month <= 2)
    sign = 1
    if year <= 0:
        sign, year = -1, 1 - year
    if year > 9999:
        raise OracleError(1841, "(full) year must be between -4713 and +9999, and not be 0")
    second, microsecond = divmod(rest, 1_000_000)
    minute, second = divmod(second, 60)
    hour, minute = divmod(minute, 60)
    century = sign * (year // 100) + 100
    return bytes((century, sign * (year % 100) + 100, month, day, hour + 1, minute + 1, second + 1)), microsecond


def _encode_date(value: bytes) -> bytes:
    return b"\x07" + _moment(value)[0]


def _encode_timestamp(value: bytes) -> bytes:
    moment, microsecond = _moment(value)
    if not microsecond:
        return b"\x07" + moment
    return b"\x0b" + moment + (1000 * microsecond).to_bytes(4, "big")


def _encode_timestamp_tz(value: bytes) -> bytes:
    moment, microsecond = _moment(value)
    return b"\x0d" + moment + (1000 * microsecond).to_bytes(4, "big") + _UTC


def _encode_float(value: bytes) -> bytes:
    """BINARY_FLOAT and BINARY_DOUBLE: the sign turned over; of negative numbers all bits."""
    if value[0] & 0x80:
        return bytes((len(value), *[byte ^ 0xFF for byte in value]))
    return bytes((len(value), value[0] | 0x80)) + value[1:]


def _encode_interval_ds(value: bytes) -> bytes:
    microseconds, days, months = struct.unpack(">qii", value)
    if months:
        raise OracleError(1867, "the interval is invalid: months in an INTERVAL DAY TO SECOND")
    microseconds += days * MICROSECONDS_OF_DAY
    seconds, fraction = divmod(abs(microseconds), 1_000_000)
    sign = b"-" if microseconds < 0 else b""
    clock = b"%s%02d:%02d:%02d.%06d" % (sign, seconds // 3600, seconds // 60 % 60, seconds % 60, fraction)
    return codecs.encode_interval_ds(clock)


def _encode_interval_ym(value: bytes) -> bytes:
    microseconds, days, months = struct.unpack(">qii", value)
    if microseconds or days:
        raise OracleError(1867, "the interval is invalid: days in an INTERVAL YEAR TO MONTH")
    return codecs.encode_interval_ym(b"0 years %d mons" % months)


_ENCODERS: dict[tuple[str, int], Encoder] = {
    ("numeric", types.number().code): encode_number,
    ("integer", types.number().code): _encode_integer,
    ("oid", types.number().code): _encode_oid,
    ("timestamp", DATE): _encode_date,
    ("timestamp", TIMESTAMP): _encode_timestamp,
    ("timestamp", types.timestamp_ltz().code): _encode_timestamp,
    ("timestamp", TIMESTAMP_TZ): _encode_timestamp_tz,
    ("bytes", types.raw(1).code): text,
    ("rowid", types.ROWID.code): rowid.encode,
    ("float", types.BINARY_FLOAT.code): _encode_float,
    ("double", types.BINARY_DOUBLE.code): _encode_float,
    ("interval", types.INTERVAL_DS.code): _encode_interval_ds,
    ("interval", types.INTERVAL_YM.code): _encode_interval_ym,
    ("bool", types.BOOLEAN.code): codecs.encode_boolean,
    ("text", types.varchar2(1).code): text,
    ("text", types.char(1).code): text,
}


def without_padding(value: bytes, size: int) -> bytes:
    """A CHAR in its bytes: PostgreSQL pads to as many characters."""
    return value if len(value) <= size or value[size:].strip(b" ") else value[:size]


def _nchar_encoder(size: int) -> Encoder:
    def encode(value: bytes) -> bytes:
        units = value.decode().encode("utf-16-be")
        return text(units if len(units) <= size or units[size:].strip(b"\0 ") else units[:size])

    return encode


def encoder(type_: OracleType, form: str) -> Encoder:
    """The encoder of a column; ORA-00932 for a type that the sandbox does not send.

    Args:
        type_: its type as described.
        form: PostgreSQL's binary form of its values: `ColumnCatalog.form`.
    """
    if type_.charset_form == CHARSET_NCHAR:
        return _nchar_encoder(type_.buffer_size) if type_.code == CHAR else codecs.encode_nchar
    if type_.code == CHAR and form == "text":
        return lambda value: text(without_padding(value, type_.buffer_size))
    try:
        return _ENCODERS[form, type_.code]
    except KeyError:
        raise OracleError(932, f"inconsistent datatypes: the sandbox cannot send type {type_.code}") from None
