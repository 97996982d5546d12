"""Values between the wire's form and engine text, by type.

Encoders take engine text and return the value as it stands in a row, its length included; decoders take the bytes of a
bind value without their length. NULL is None in engine text and never reaches either.
"""

from __future__ import annotations

import re
import struct
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from typing import Callable

from orapool.sandbox import rowid, types
from orapool.sandbox.errors import OracleError
from orapool.sandbox.types import CHARSET_NCHAR, OracleType
from orapool.sandbox.wire import ProtocolError, text

Encoder = Callable[[bytes], bytes]
Decoder = Callable[[bytes], bytes]

_GREATEST_MANTISSA = 20
# Twenty digits of base 100 are 39 decimal ones where the first of them is below 10.
_ROUNDING = Context(prec=40, rounding=ROUND_HALF_UP)
_ROUNDING_ODD = Context(prec=39, rounding=ROUND_HALF_UP)
_SIGN_OFFSET = 0x80000000
_OFFSET_ZERO_HOUR = 20
_OFFSET_ZERO_MINUTE = 60


# ---------------------------------------------------------------- NUMBER
@lru_cache(maxsize=65_536)
def encode_number(value: bytes) -> bytes:
    """NUMBER: an exponent byte to base 100 and up to 20 digits of that base, each plus 1 (or from 101, if negative)."""
    negative = value[:1] == b"-"
    whole, _, fraction = value.lstrip(b"+-").partition(b".")
    if not (whole + fraction).isdigit():
        raise OracleError(1722, f"invalid number: {value.decode()} cannot be a NUMBER")
    whole = whole.lstrip(b"0")
    digits = whole + fraction
    point = len(whole)
    if not whole:
        significant = digits.lstrip(b"0")
        point = len(significant) - len(digits)
        digits = significant
    digits = digits.rstrip(b"0")
    if not digits:
        return b"\x01\x80"
    if point & 1:
        digits = b"0" + digits
        point += 1
    if len(digits) & 1:
        digits += b"0"
    if len(digits) > 2 * _GREATEST_MANTISSA:
        rounding = _ROUNDING_ODD if digits[:1] == b"0" else _ROUNDING
        return encode_number(format(rounding.create_decimal(value.decode()), "f").encode())
    exponent = point // 2 + 192
    if exponent > 255:
        raise OracleError(1426, "numeric overflow")
    if exponent < 128:
        return b"\x01\x80"
    pairs = [int(digits[i : i + 2]) for i in range(0, len(digits), 2)]
    if not negative:
        return bytes((len(pairs) + 1, exponent, *(pair + 1 for pair in pairs)))
    end = () if len(pairs) == _GREATEST_MANTISSA else (102,)
    return bytes((len(pairs) + 1 + len(end), ~exponent & 0xFF, *(101 - pair for pair in pairs), *end))


def decode_number(value: bytes) -> bytes:
    """Engine text of a NUMBER; never in exponent form."""
    first = value[0]
    if first & 0x80:
        if len(value) == 1:
            return b"0"
        exponent, digits, sign = first - 193, [byte - 1 for byte in value[1:]], ""
    else:
        mantissa = value[1:-1] if value[-1] == 102 else value[1:]
        exponent, digits, sign = (~first & 0xFF) - 193, [101 - byte for byte in mantissa], "-"
    if any(not 0 <= digit <= 99 for digit in digits):
        raise ProtocolError("a NUMBER with a digit out of range")
    figures = "".join(f"{digit:02d}" for digit in digits)
    point = 2 * (exponent + 1)
    if point >= len(figures):
        return (sign + (figures.lstrip("0") or "0") + "0" * (point - len(figures))).encode()
    if point <= 0:
        return (sign + "0." + "0" * -point + figures.rstrip("0")).encode()
    fraction = figures[point:].rstrip("0")
    whole = figures[:point].lstrip("0") or "0"
    return (sign + whole + ("." + fraction if fraction else "")).encode()


# ---------------------------------------------------------------- DATE and TIMESTAMP
_TIMESTAMP = re.compile(
    rb"(\d+)-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d)(?:\.(\d+))?)?(?:([+-])(\d\d)(?::?(\d\d))?)?( BC)?"
)


def _moment(value: bytes) -> tuple[bytes, int, int]:
    """The seven bytes of a DATE, the nanoseconds, and the offset from UTC in minutes."""
    match = _TIMESTAMP.fullmatch(value)
    if not match:
        raise OracleError(1841, f"(full) year must be between -4713 and +9999, and not be 0: {value.decode()}")
    year, month, day, hour, minute, second, fraction, sign, offset_hours, offset_minutes, before_christ = match.groups()
    century, of_century = divmod(int(year), 100)
    if century > 99:
        raise OracleError(1841, "(full) year must be between -4713 and +9999, and not be 0")
    if before_christ:
        century, of_century = -century, -of_century
    moment = bytes(
        (
            century + 100,
            of_century + 100,
            int(month),
            int(day),
            int(hour or 0) + 1,
            int(minute or 0) + 1,
            int(second or 0) + 1,
        )
    )
    offset = int(offset_hours or 0) * 60 + int(offset_minutes or 0)
    return moment, int((fraction or b"0").ljust(9, b"0")[:9]), -offset if sign == b"-" else offset


@lru_cache(maxsize=65_536)
def encode_date(value: bytes) -> bytes:
    """DATE: century and year plus 100, month, day, then hour, minute and second plus 1."""
    return b"\x07" + _moment(value)[0]


@lru_cache(maxsize=65_536)
def encode_timestamp(value: bytes) -> bytes:
    """TIMESTAMP: a DATE and four bytes of nanoseconds, which are left out when 0."""
    moment, nanoseconds, _offset = _moment(value)
    if not nanoseconds:
        return b"\x07" + moment
    return b"\x0b" + moment + nanoseconds.to_bytes(4, "big")


def encode_timestamp_tz(value: bytes) -> bytes:
    """TIMESTAMP WITH TIME ZONE: engine text in UTC, with the zone's offset behind."""
    moment, nanoseconds, offset = _moment(value)
    if offset:
        raise OracleError(1878, f"the sandbox keeps times with time zone in UTC, not {value.decode()}")
    return b"\x0d" + moment + nanoseconds.to_bytes(4, "big") + bytes((_OFFSET_ZERO_HOUR, _OFFSET_ZERO_MINUTE))


def decode_timestamp(value: bytes) -> bytes:
    """Engine text of a DATE or TIMESTAMP."""
    if len(value) < 7:
        raise ProtocolError(f"a date of {len(value)} bytes")
    year = (value[0] - 100) * 100 + value[1] - 100
    suffix = ""
    if year < 0:
        year, suffix = -year, " BC"
    seconds = f"{value[6] - 1:02d}"
    if len(value) >= 11:
        nanoseconds = int.from_bytes(value[7:11], "big")
        if nanoseconds % 1000:
            raise OracleError(3001, "unimplemented feature: fractions of a second beyond microseconds")
        if nanoseconds:
            seconds += f".{nanoseconds:09d}".rstrip("0")
    return f"{year:04d}-{value[2]:02d}-{value[3]:02d} {value[4] - 1:02d}:{value[5] - 1:02d}:{seconds}{suffix}".encode()


def decode_timestamp_tz(value: bytes) -> bytes:
    """Engine text of a TIMESTAMP WITH TIME ZONE, whose wire form is in UTC, with an offset or a region behind."""
    return decode_timestamp(value) + b"+00"


# ---------------------------------------------------------------- intervals
_INTERVAL_DS = re.compile(rb"(?:(-?\d+) days?)? ?(?:([+-])?(\d+):(\d\d):(\d\d)(?:\.(\d+))?)?")
_INTERVAL_YM = re.compile(rb"(?:(-?\d+) years?)? ?(?:(-?\d+) mons?)?(?:00:00:00)?")


def encode_interval_ds(value: bytes) -> bytes:
    """INTERVAL DAY TO SECOND: days, then hours, minutes and seconds plus 60, then nanoseconds, all of one sign."""
    match = _INTERVAL_DS.fullmatch(value)
    if not match:
        raise OracleError(1867, f"the interval is invalid: {value.decode()}")
    days, sign, hours, minutes, seconds, fraction = match.groups()
    nanoseconds = int((fraction or b"0").ljust(9, b"0")[:9])
    nanoseconds += ((int(hours or 0) * 60 + int(minutes or 0)) * 60 + int(seconds or 0)) * 10**9
    total = int(days or 0) * 86_400 * 10**9 + (-nanoseconds if sign == b"-" else nanoseconds)
    unit = -1 if total < 0 else 1
    rest, nanoseconds = divmod(abs(total), 10**9)
    rest, second = divmod(rest, 60)
    rest, minute = divmod(rest, 60)
    day, hour = divmod(rest, 24)
    return (
        b"\x0b"
        + (_SIGN_OFFSET + unit * day).to_bytes(4, "big")
        + bytes((60 + unit * hour, 60 + unit * minute, 60 + unit * second))
        + (_SIGN_OFFSET + unit * nanoseconds).to_bytes(4, "big")
    )


def decode_interval_ds(value: bytes) -> bytes:
    """Engine text of an INTERVAL DAY TO SECOND."""
    _check_size(value, 11)
    days = int.from_bytes(value[:4], "big") - _SIGN_OFFSET
    nanoseconds = int.from_bytes(value[7:11], "big") - _SIGN_OFFSET
    seconds = Decimal(value[6] - 60) + Decimal(nanoseconds).scaleb(-9)
    return f"{days} days {value[4] - 60} hours {value[5] - 60} minutes {seconds:f} seconds".encode()


def encode_interval_ym(value: bytes) -> bytes:
    """INTERVAL YEAR TO MONTH: years, then months plus 60, of one sign."""
    match = _INTERVAL_YM.fullmatch(value)
    if not match:
        raise OracleError(1867, f"the interval is invalid: {value.decode()}")
    months = int(match.group(1) or 0) * 12 + int(match.group(2) or 0)
    unit = -1 if months < 0 else 1
    years, months = divmod(abs(months), 12)
    return b"\x05" + (_SIGN_OFFSET + unit * years).to_bytes(4, "big") + bytes((60 + unit * months,))


def decode_interval_ym(value: bytes) -> bytes:
    """Engine text of an INTERVAL YEAR TO MONTH."""
    _check_size(value, 5)
    return f"{int.from_bytes(value[:4], 'big') - _SIGN_OFFSET} years {value[4] - 60} mons".encode()


# ---------------------------------------------------------------- strings, bytes, binary numbers
def encode_nchar(value: bytes) -> bytes:
    """National characters: UTF-16, big-endian."""
    return text(value.decode().encode("utf-16-be"))


def decode_nchar(value: bytes) -> bytes:
    """Engine text of national characters.

    Raises:
        OracleError: ORA-29275 for half of a character.
    """
    try:
        return value.decode("utf-16-be").encode()
    except UnicodeDecodeError:
        raise OracleError(29275, "partial multibyte character") from None


def encode_raw(value: bytes) -> bytes:
    """RAW from PostgreSQL's hexadecimal form."""
    return text(bytes.fromhex(value[2:].decode()))


def decode_raw(value: bytes) -> bytes:
    """Engine text of a RAW."""
    return b"\\x" + value.hex().encode()


def encode_rowid(value: bytes) -> bytes:
    """ROWID as an OUT bind: its characters."""
    return text(rowid.from_tid(value))


def _binary_encoder(form: str) -> Encoder:
    size = bytes((struct.calcsize(form),))

    def encode(value: bytes) -> bytes:
        packed = struct.pack(form, float(value))
        if packed[0] & 0x80:
            return size + bytes(byte ^ 0xFF for byte in packed)
        return size + bytes((packed[0] | 0x80,)) + packed[1:]

    return encode


def _binary_decoder(form: str) -> Decoder:
    size = struct.calcsize(form)

    def decode(value: bytes) -> bytes:
        _check_size(value, size)
        if value[0] & 0x80:
            packed = bytes((value[0] & 0x7F,)) + value[1:]
        else:
            packed = bytes(byte ^ 0xFF for byte in value)
        number = struct.unpack(form, packed)[0]
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(repr(number), repr(number)).encode()

    return decode


def encode_boolean(value: bytes) -> bytes:
    """BOOLEAN, from PostgreSQL's ``t`` and ``f``."""
    return b"\x01\x01" if value[:1] in b"t\x01" else b"\x01\x00"


def decode_boolean(value: bytes) -> bytes:
    """Engine text of a BOOLEAN."""
    return b"t" if value[-1:] == b"\x01" else b"f"


def _as_is(value: bytes) -> bytes:
    return value


def _check_size(value: bytes, size: int) -> None:
    if len(value) != size:
        raise ProtocolError(f"a value of {len(value)} bytes where its type has {size}")


encode_binary_float = _binary_encoder(">f")
encode_binary_double = _binary_encoder(">d")
decode_binary_float = _binary_decoder(">f")
decode_binary_double = _binary_decoder(">d")

_BINARY_INTEGER = 3
_VARNUM = 6
_VARCHAR = 9
_UROWID = 208

_ENCODERS: dict[int, Encoder] = {
    types.number().code: encode_number,
    _BINARY_INTEGER: encode_number,
    _VARNUM: encode_number,
    types.varchar2(1).code: text,
    types.char(1).code: text,
    types.LONG.code: text,
    types.ROWID.code: encode_rowid,
    _UROWID: encode_rowid,
    types.DATE.code: encode_date,
    types.timestamp().code: encode_timestamp,
    types.timestamp_ltz().code: encode_timestamp,
    types.timestamp_tz().code: encode_timestamp_tz,
    types.raw(1).code: encode_raw,
    types.LONG_RAW.code: encode_raw,
    types.BINARY_FLOAT.code: encode_binary_float,
    types.BINARY_DOUBLE.code: encode_binary_double,
    types.INTERVAL_DS.code: encode_interval_ds,
    types.INTERVAL_YM.code: encode_interval_ym,
    types.BOOLEAN.code: encode_boolean,
}
_DECODERS: dict[int, Decoder] = {
    types.number().code: decode_number,
    _BINARY_INTEGER: decode_number,
    _VARNUM: decode_number,
    types.varchar2(1).code: _as_is,
    _VARCHAR: _as_is,
    types.char(1).code: _as_is,
    types.LONG.code: _as_is,
    types.ROWID.code: rowid.to_tid,
    _UROWID: rowid.to_tid,
    types.DATE.code: decode_timestamp,
    types.timestamp().code: decode_timestamp,
    types.timestamp_ltz().code: decode_timestamp,
    types.timestamp_tz().code: decode_timestamp_tz,
    types.raw(1).code: decode_raw,
    types.LONG_RAW.code: decode_raw,
    types.BINARY_FLOAT.code: decode_binary_float,
    types.BINARY_DOUBLE.code: decode_binary_double,
    types.INTERVAL_DS.code: decode_interval_ds,
    types.INTERVAL_YM.code: decode_interval_ym,
    types.BOOLEAN.code: decode_boolean,
}


def encoder(type_: OracleType) -> Encoder:
    """The encoder of a type; ORA-00932 for one that the sandbox does not send."""
    if type_.charset_form == CHARSET_NCHAR:
        return encode_nchar
    try:
        return _ENCODERS[type_.code]
    except KeyError:
        raise OracleError(932, f"inconsistent datatypes: the sandbox cannot send type {type_.code}") from None


def decoder(type_: OracleType) -> Decoder:
    """The decoder of a type; ORA-00932 for one that the sandbox does not take."""
    if type_.charset_form == CHARSET_NCHAR:
        return decode_nchar
    try:
        return _DECODERS[type_.code]
    except KeyError:
        raise OracleError(932, f"inconsistent datatypes: the sandbox cannot take binds of type {type_.code}") from None
