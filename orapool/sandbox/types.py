"""Oracle's data types: how they are described on the wire, and their codecs.

Values travel between the wire and the SQL engine as *engine text*: the bytes of PostgreSQL's text format
(``-12.5``, ``2024-01-02 03:04:05``, ``\\x00ff``), or None for NULL. Nothing here knows how the engine stores them.
"""

from __future__ import annotations

from dataclasses import dataclass

# Character set forms (Oracle's SQLCS_IMPLICIT and SQLCS_NCHAR).
CHARSET_IMPLICIT = 1
CHARSET_NCHAR = 2


@dataclass(frozen=True)
class OracleType:
    """One data type as a describe tells it: the wire's type number with its sizes.

    ``buffer_size`` and ``char_size`` are the greatest length of a value in bytes and in characters. ``most_elements``
    is how many a bind may have that is an array of the type, 0 for any other.
    """

    name: str
    code: int
    charset_form: int = 0
    precision: int = 0
    scale: int = 0
    buffer_size: int = 0
    char_size: int = 0
    most_elements: int = 0


@dataclass(frozen=True)
class Column:
    """A column of a result; ``computed`` tells an expression's from that of a table or view."""

    name: str
    type: OracleType
    nullable: bool = True
    computed: bool = False


def number(precision: int = 0, scale: int = -127) -> OracleType:
    """NUMBER; without a precision, Oracle describes precision 0 and scale -127."""
    return OracleType("NUMBER", 2, precision=precision, scale=scale, buffer_size=22)


def float_number(binary_precision: int = 126) -> OracleType:
    """FLOAT(b): a NUMBER described with a binary precision."""
    return OracleType("NUMBER", 2, precision=binary_precision, scale=-127, buffer_size=22)


def varchar2(size: int, in_chars: bool = False) -> OracleType:
    """VARCHAR2(size BYTE) or VARCHAR2(size CHAR)."""
    return OracleType(
        "VARCHAR2", 1, CHARSET_IMPLICIT, buffer_size=max(1, size * 4 if in_chars else size), char_size=size
    )


def nvarchar2(size: int) -> OracleType:
    """NVARCHAR2(size), sizes in characters of UTF-16."""
    return OracleType("NVARCHAR2", 1, CHARSET_NCHAR, buffer_size=max(1, size * 2), char_size=size)


def char(size: int, in_chars: bool = False) -> OracleType:
    """CHAR(size BYTE) or CHAR(size CHAR), blank-padded."""
    return OracleType("CHAR", 96, CHARSET_IMPLICIT, buffer_size=max(1, size * 4 if in_chars else size), char_size=size)


def nchar(size: int) -> OracleType:
    """NCHAR(size), blank-padded, sizes in characters of UTF-16."""
    return OracleType("NCHAR", 96, CHARSET_NCHAR, buffer_size=max(1, size * 2), char_size=size)


def raw(size: int) -> OracleType:
    """RAW(size)."""
    return OracleType("RAW", 23, buffer_size=max(1, size))


def timestamp(scale: int = 6) -> OracleType:
    """TIMESTAMP(scale)."""
    return OracleType("TIMESTAMP", 180, scale=scale, buffer_size=11)


def timestamp_tz(scale: int = 6) -> OracleType:
    """TIMESTAMP(scale) WITH TIME ZONE."""
    return OracleType("TIMESTAMP WITH TIME ZONE", 181, scale=scale, buffer_size=13)


def timestamp_ltz(scale: int = 6) -> OracleType:
    """TIMESTAMP(scale) WITH LOCAL TIME ZONE."""
    return OracleType("TIMESTAMP WITH LOCAL TIME ZONE", 231, scale=scale, buffer_size=11)


def interval_ym(years: int = 2) -> OracleType:
    """INTERVAL YEAR(years) TO MONTH."""
    return OracleType("INTERVAL YEAR TO MONTH", 182, precision=years, buffer_size=5)


def interval_ds(days: int = 2, seconds: int = 6) -> OracleType:
    """INTERVAL DAY(days) TO SECOND(seconds)."""
    return OracleType("INTERVAL DAY TO SECOND", 183, precision=days, scale=seconds, buffer_size=11)


LONG = OracleType("LONG", 8, CHARSET_IMPLICIT)
DATE = OracleType("DATE", 12, buffer_size=7)
LONG_RAW = OracleType("LONG RAW", 24)
ROWID = OracleType("ROWID", 11, buffer_size=18)
BINARY_FLOAT = OracleType("BINARY_FLOAT", 100, buffer_size=4)
BINARY_DOUBLE = OracleType("BINARY_DOUBLE", 101, buffer_size=8)
REF_CURSOR = OracleType("REF CURSOR", 102)
CLOB = OracleType("CLOB", 112, CHARSET_IMPLICIT, buffer_size=4000)
NCLOB = OracleType("NCLOB", 112, CHARSET_NCHAR, buffer_size=4000)
BLOB = OracleType("BLOB", 113, buffer_size=4000)
INTERVAL_YM = interval_ym()
INTERVAL_DS = interval_ds()
JSON = OracleType("JSON", 119, buffer_size=8200)
BOOLEAN = OracleType("BOOLEAN", 252, buffer_size=4)
