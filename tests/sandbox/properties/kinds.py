"""Oracle's data types as a property test sees them: values that a column takes, and what comes back for each."""

from __future__ import annotations

import datetime
import decimal
import json
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

Decimal = decimal.Decimal


def same(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Kind:
    """A data type.

    ``bind`` is the name of the drivers' type, ``size`` the bytes of a string that is bound; ``came_back`` tells what a
    value is read as. ``insert`` and ``select`` stand for the value where a driver cannot take or give it as it is.
    """

    name: str
    column: str
    values: st.SearchStrategy[Any]
    bind: str
    size: int = 0
    came_back: Callable[[Any], Any] = same
    insert: str = ":2"
    select: str = "v"
    drivers: tuple[str, ...] = ("cx_oracle", "oracledb")
    # python-oracledb binds an empty value as NULL; cx_Oracle an empty LOB, which is none.
    is_lob: bool = False


# Oracle's character sets have no surrogates; the sandbox refuses a zero byte.
_CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
_BEYOND = st.characters(min_codepoint=0x10000, exclude_categories=["Cs"])


def texts(size: int, measure: Callable[[str], int]) -> st.SearchStrategy[str]:
    """Texts up to a size, that of the bounds among them."""
    some = st.text(_CHARACTERS | _BEYOND, max_size=size).map(lambda text: _fitted(text, size, measure))
    full = st.sampled_from(["x", "é", "€", "🙂", " "]).map(lambda one: one * (size // measure(one)))
    return some | full


def _fitted(text: str, size: int, measure: Callable[[str], int]) -> str:
    while measure(text) > size:
        text = text[:-1]
    return text


def in_bytes(text: str) -> int:
    return len(text.encode())


def in_utf16(text: str) -> int:
    return len(text.encode("utf-16-be")) // 2


def padded(size: int, measure: Callable[[str], int]) -> Callable[[str], str | None]:
    return lambda text: text + " " * (size - measure(text)) if text else None


def empty_is_null(value: Any) -> Any:
    return value or None


@st.composite
def numbers(draw: st.DrawFn) -> decimal.Decimal:
    """Numbers of 38 digits at most, over all of NUMBER's range."""
    digits = draw(st.integers(-(10**38) + 1, 10**38 - 1) | st.integers(-1000, 1000))
    length = len(str(abs(digits)))
    exponent = draw(st.integers(-129 + 38, 125 - length + 1) | st.integers(-38, 0))
    return Decimal(digits).scaleb(exponent, decimal.Context(prec=60))


def of_precision(precision: int, scale: int) -> st.SearchStrategy[decimal.Decimal]:
    """Numbers that fit, with a digit more than the scale keeps, so that they are rounded."""
    most = 10 ** (precision + 1) - 10
    return st.integers(-most, most).map(lambda number: Decimal(number).scaleb(-scale - 1, decimal.Context(prec=60)))


def rounded(scale: int) -> Callable[[decimal.Decimal], decimal.Decimal]:
    context = decimal.Context(prec=60, rounding=decimal.ROUND_HALF_UP)
    return lambda number: number.quantize(Decimal(1).scaleb(-scale), context=context)


def significant(bits: int) -> Callable[[decimal.Decimal], decimal.Decimal]:
    """FLOAT(bits): rounded to as many decimal digits as that are, a half away from zero."""
    return decimal.Context(prec=math.ceil(bits * 0.30103), rounding=decimal.ROUND_HALF_UP).plus


def below_the_greatest(number: decimal.Decimal) -> bool:
    """Whether a number stays one when it is rounded."""
    return abs(number) < Decimal("9e125")


def as_float32(value: float) -> float:
    found: float = struct.unpack("f", struct.pack("f", value))[0]
    return found


def comparable(value: Any) -> Any:
    """NaN as something that equals itself."""
    return "NaN" if isinstance(value, float) and math.isnan(value) else value


_FIRST, _LAST = datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 30, 23, 59, 59, 999999)
_MOMENTS = st.datetimes(_FIRST, _LAST) | st.sampled_from([_FIRST, _LAST, datetime.datetime(1970, 1, 1)])


def in_digits(digits: int) -> Callable[[datetime.datetime], datetime.datetime]:
    """A time rounded to so many digits of a second."""
    unit = 10 ** max(0, 6 - digits)

    def rounding(moment: datetime.datetime) -> datetime.datetime:
        micros = (moment.microsecond + unit // 2) // unit * unit
        return moment.replace(microsecond=0) + datetime.timedelta(microseconds=micros)

    return rounding


def pieces(unit: st.SearchStrategy[Any], sizes: tuple[int, ...]) -> st.SearchStrategy[Any]:
    """Long values: a short one, repeated."""
    return st.builds(lambda one, size: (one * (size // len(one) + 1))[:size], unit, st.sampled_from(sizes))


_SIZES = (1, 2, 1000, 3999, 4000, 4001, 8191, 32766, 32767, 32768, 40000, 65535, 65536)
_INTERVALS = st.timedeltas(datetime.timedelta(days=-99), datetime.timedelta(days=99, hours=23, minutes=59, seconds=59))
_LONG_INTERVALS = st.timedeltas(datetime.timedelta(days=-999_999_999), datetime.timedelta(days=999_999_999))
_MONTHS = st.integers(-99 * 12 - 11, 99 * 12 + 11) | st.sampled_from([0, 1, -1, 12, -12, 11, -11])


def year_to_month(months: int) -> str:
    years, months = divmod(abs(months), 12) if months >= 0 else divmod(-months, 12)
    return f"{years}-{months}"


def months_text(months: int) -> str:
    """As it is bound where a driver knows no INTERVAL YEAR TO MONTH, and as TO_CHAR writes it."""
    return f"{'-' if months < 0 else '+'}{abs(months) // 12:02d}-{abs(months) % 12:02d}"


_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**38) + 1, 10**38 - 1)
    | texts(30, len)
    | st.decimals(-(10**9), 10**9, places=4)
)
DOCUMENTS = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts(20, in_bytes), inner, max_size=5)
).filter(lambda document: document is not None)


def as_text(document: Any) -> str:
    return json.dumps(document, default=float)


def from_json(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


KINDS = [
    Kind("NUMBER", "number", numbers(), "DB_TYPE_NUMBER"),
    Kind("NUMBER(38)", "number(38)", st.integers(-(10**38) + 1, 10**38 - 1).map(Decimal), "DB_TYPE_NUMBER"),
    Kind("NUMBER(12,3)", "number(12,3)", of_precision(12, 3), "DB_TYPE_NUMBER", came_back=rounded(3)),
    Kind("NUMBER(5,-2)", "number(5,-2)", of_precision(5, -2), "DB_TYPE_NUMBER", came_back=rounded(-2)),
    Kind("NUMBER(3,8)", "number(3,8)", of_precision(3, 8), "DB_TYPE_NUMBER", came_back=rounded(8)),
    *(
        Kind(name, name.lower(), numbers().filter(below_the_greatest), "DB_TYPE_NUMBER", came_back=significant(bits))
        for name, bits in (
            *((f"FLOAT({bits})", bits) for bits in (1, 10, 53, 125)),
            ("FLOAT", 126),
            ("REAL", 63),
            ("DOUBLE PRECISION", 126),
        )
    ),
    Kind("BINARY_DOUBLE", "binary_double", st.floats(), "DB_TYPE_BINARY_DOUBLE", came_back=comparable),
    Kind("BINARY_FLOAT", "binary_float", st.floats(width=32), "DB_TYPE_BINARY_FLOAT", came_back=comparable),
    Kind("CHAR BYTE", "char(30 byte)", texts(30, in_bytes), "DB_TYPE_CHAR", 30, padded(30, in_bytes)),
    Kind("CHAR CHAR", "char(20 char)", texts(20, len), "DB_TYPE_CHAR", 80, padded(20, len)),
    Kind("NCHAR", "nchar(20)", texts(20, in_utf16), "DB_TYPE_NCHAR", 20, padded(20, in_utf16)),
    Kind("VARCHAR2 BYTE", "varchar2(60 byte)", texts(60, in_bytes), "DB_TYPE_VARCHAR", 60, empty_is_null),
    Kind("VARCHAR2 CHAR", "varchar2(40 char)", texts(40, len), "DB_TYPE_VARCHAR", 160, empty_is_null),
    Kind(
        "VARCHAR2 long", "varchar2(4000)", pieces(texts(9, len).filter(bool), (1, 999, 1000)), "DB_TYPE_VARCHAR", 4000
    ),
    Kind("NVARCHAR2", "nvarchar2(40)", texts(40, in_utf16), "DB_TYPE_NVARCHAR", 40, empty_is_null),
    Kind("RAW", "raw(60)", st.binary(max_size=60), "DB_TYPE_RAW", 60, empty_is_null),
    Kind("DATE", "date", _MOMENTS.map(lambda moment: moment.replace(microsecond=0)), "DB_TYPE_DATE"),
    *(
        Kind(f"TIMESTAMP({digits})", f"timestamp({digits})", _MOMENTS, "DB_TYPE_TIMESTAMP", came_back=in_digits(digits))
        for digits in range(10)
    ),
    Kind("TIMESTAMP WITH TIME ZONE", "timestamp with time zone", _MOMENTS, "DB_TYPE_TIMESTAMP_TZ"),
    Kind("TIMESTAMP WITH LOCAL TIME ZONE", "timestamp with local time zone", _MOMENTS, "DB_TYPE_TIMESTAMP_LTZ"),
    Kind("INTERVAL DAY TO SECOND", "interval day to second", _INTERVALS, "DB_TYPE_INTERVAL_DS"),
    Kind("INTERVAL DAY(9) TO SECOND", "interval day(9) to second(9)", _LONG_INTERVALS, "DB_TYPE_INTERVAL_DS"),
    Kind(
        "INTERVAL YEAR TO MONTH",
        "interval year to month",
        _MONTHS.map(months_text),
        "DB_TYPE_VARCHAR",
        20,
        insert="to_yminterval(:2)",
        select="to_char(v)",
    ),
    Kind("BOOLEAN", "boolean", st.booleans(), "DB_TYPE_BOOLEAN", drivers=("oracledb",)),
    Kind("JSON", "json", DOCUMENTS, "DB_TYPE_JSON", drivers=("oracledb",)),
    Kind("JSON as text", "json", DOCUMENTS.map(as_text), "DB_TYPE_VARCHAR", 4000, from_json, drivers=("oracledb",)),
    Kind("CLOB", "clob", st.just("") | pieces(texts(9, len).filter(bool), _SIZES), "DB_TYPE_CLOB", is_lob=True),
    Kind("NCLOB", "nclob", st.just("") | pieces(texts(9, len).filter(bool), _SIZES), "DB_TYPE_NCLOB", is_lob=True),
    Kind("BLOB", "blob", st.just(b"") | pieces(st.binary(min_size=1, max_size=9), _SIZES), "DB_TYPE_BLOB", is_lob=True),
]
