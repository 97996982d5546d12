"""Data types of CREATE TABLE and ALTER TABLE."""

from __future__ import annotations

from dataclasses import dataclass

from orapool.sandbox import types
from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.casts import MOST_BITS, REAL_BITS, floating
from orapool.sandbox.sql.cursor import TokenReader
from orapool.sandbox.sql.names import quote_name, quote_text
from orapool.sandbox.types import OracleType


@dataclass(frozen=True)
class ColumnType:
    """A column's type: PostgreSQL's, Oracle's as described on the wire, and as the dictionary tells it."""

    postgres: str
    oracle: OracleType
    char_used: str | None = None
    precision: int | None = None
    scale: int | None = None
    # The greatest length, with the function that measures it; None for types that PostgreSQL limits itself.
    limit: int | None = None
    measure: str = "octet_length"
    # Another condition, with the column's name at "{}"; it raises the error of its own.
    rule: str | None = None

    def check(self, schema: str, table: str, column: str) -> str | None:
        """A CHECK for what PostgreSQL's type does not see to: a length raises ORA-12899 with the column's name."""
        if self.rule is not None:
            return self.rule.replace("{}", quote_name(column))
        if self.limit is None:
            return None
        size = f"{self.measure}({quote_name(column)})"
        names = ", ".join(quote_text(name) for name in (schema, table, column))
        return f"({size} > {self.limit}) IS NOT TRUE OR oracle.too_long({names}, {size}, {self.limit})"


_NUMBER = ("NUMBER", "NUMERIC", "DECIMAL", "DEC")
_INTEGER = ("INTEGER", "INT", "SMALLINT")
_PLAIN = {
    "DATE": ColumnType("oracle.date", types.DATE),
    "BINARY_FLOAT": ColumnType("float4", types.BINARY_FLOAT),
    "BINARY_DOUBLE": ColumnType("float8", types.BINARY_DOUBLE),
    "CLOB": ColumnType("oracle.clob", types.CLOB),
    "NCLOB": ColumnType("oracle.nclob", types.NCLOB),
    "BLOB": ColumnType("oracle.blob", types.BLOB),
    "JSON": ColumnType("oracle.json", types.JSON, rule="oracle.check_json({})"),
    "ROWID": ColumnType("tid", types.ROWID),
    "BOOLEAN": ColumnType("bool", types.BOOLEAN),
}


def read_type(reader: TokenReader) -> ColumnType:
    """Read a column's type.

    Raises:
        OracleError: ORA-00902 for no type of Oracle's, ORA-03001 for one that the sandbox does not have.
    """
    place = reader.position
    token = reader.take()
    name = token.value
    if name in _PLAIN:
        return _PLAIN[name]
    if name in _NUMBER:
        return _number(reader, name)
    if name in _INTEGER:
        return ColumnType("numeric(38,0)", types.number(38, 0), scale=0)
    if name in ("FLOAT", "REAL", "DOUBLE"):
        return _float(reader, name)
    if name in ("VARCHAR2", "VARCHAR", "CHAR", "CHARACTER"):
        return _text(reader, name)
    if name in ("NVARCHAR2", "NCHAR"):
        return _national(reader, name)
    if name == "RAW":
        size = _size(reader, 2000)
        return ColumnType("bytea", types.raw(size), limit=size)
    if name == "TIMESTAMP":
        return _timestamp(reader)
    if name == "INTERVAL":
        return _interval(reader)
    if name in ("LONG", "UROWID", "BFILE", "XMLTYPE", "SDO_GEOMETRY", "VECTOR"):
        raise OracleError(3001, f"unimplemented feature: columns of type {name}", place)
    raise OracleError(902, "invalid datatype", place)


def _size(reader: TokenReader, most: int) -> int:
    if not reader.sees_sign("("):
        raise OracleError(906, "missing left parenthesis", reader.position)
    reader.expect_sign("(")
    place = reader.position
    size = reader.integer()
    if size < 1:
        raise OracleError(1723, "zero-length columns are not allowed", place)
    if size > most:
        raise OracleError(910, "specified length too long for its datatype", place)
    reader.expect_sign(")")
    return size


def _number(reader: TokenReader, name: str) -> ColumnType:
    if not reader.has_sign("("):
        if name == "NUMBER":
            return ColumnType("numeric", types.number())
        return ColumnType("numeric(38,0)", types.number(38, 0), scale=0)
    place = reader.position
    precision = None if reader.has_sign("*") else reader.integer()
    scale = reader.integer() if reader.has_sign(",") else 0
    reader.expect_sign(")")
    if precision is not None and not 1 <= precision <= 38:
        raise OracleError(1727, "numeric precision specifier is out of range (1 to 38)", place)
    if not -84 <= scale <= 127:
        raise OracleError(1728, "numeric scale specifier is out of range (-84 to 127)", place)
    digits = precision or 38
    return ColumnType(f"numeric({digits},{scale})", types.number(digits, scale), precision=precision, scale=scale)


def _float(reader: TokenReader, name: str) -> ColumnType:
    """FLOAT(b) and what ANSI calls it: a NUMBER of as many decimal digits as b binary ones are."""
    bits = REAL_BITS if name == "REAL" else MOST_BITS
    if name == "DOUBLE":
        reader.expect("PRECISION")
    elif name == "FLOAT" and reader.has_sign("("):
        place = reader.position
        bits = reader.integer()
        reader.expect_sign(")")
        if not 1 <= bits <= MOST_BITS:
            raise OracleError(1724, "floating point precision is out of range (1 to 126)", place)
    return ColumnType(floating(bits), types.float_number(bits), precision=bits)


def _text(reader: TokenReader, name: str) -> ColumnType:
    fixed = name.startswith("CHAR")
    varying = name == "CHARACTER" and reader.has("VARYING")
    fixed = fixed and not varying
    size, in_chars = 1, False
    if not fixed or reader.sees_sign("("):
        reader.expect_sign("(")
        place = reader.position
        size = reader.integer()
        in_chars = reader.has("CHAR")
        if not in_chars:
            reader.has("BYTE")
        reader.expect_sign(")")
        if size < 1:
            raise OracleError(1723, "zero-length columns are not allowed", place)
        if size > (2000 if fixed else 4000):
            raise OracleError(910, "specified length too long for its datatype", place)
    used, measure = ("C", "char_length") if in_chars else ("B", "octet_length")
    if fixed:
        # Of a text of more than one byte a character, PostgreSQL's padding is too long; it is cut when it is read.
        measure = measure if in_chars else "oracle.char_bytes"
        return ColumnType(f"bpchar({size})", types.char(size, in_chars), used, limit=size, measure=measure)
    return ColumnType("varchar", types.varchar2(size, in_chars), used, limit=size, measure=measure)


def _national(reader: TokenReader, name: str) -> ColumnType:
    if name == "NCHAR":
        size = _size(reader, 1000) if reader.sees_sign("(") else 1
        return ColumnType(f"bpchar({size})", types.nchar(size), "C", limit=size, measure="oracle.utf16_length")
    size = _size(reader, 2000)
    return ColumnType("varchar", types.nvarchar2(size), "C", limit=size, measure="oracle.utf16_length")


def _timestamp(reader: TokenReader) -> ColumnType:
    digits = 6
    if reader.has_sign("("):
        place = reader.position
        digits = reader.integer()
        reader.expect_sign(")")
        if not 0 <= digits <= 9:
            raise OracleError(30088, "datetime/interval precision is out of range", place)
    # PostgreSQL has microseconds: columns of more digits are there, and what has any is refused.
    kept = min(6, digits)
    if reader.has("WITH", "TIME", "ZONE"):
        return ColumnType(f"timestamptz({kept})", types.timestamp_tz(digits), scale=digits)
    if reader.has("WITH", "LOCAL", "TIME", "ZONE"):
        return ColumnType(f"timestamptz({kept})", types.timestamp_ltz(digits), scale=digits)
    return ColumnType(f"timestamp({kept})", types.timestamp(digits), scale=digits)


def _interval(reader: TokenReader) -> ColumnType:
    def digits(usual: int) -> int:
        if not reader.has_sign("("):
            return usual
        place = reader.position
        size = reader.integer()
        reader.expect_sign(")")
        if not 0 <= size <= 9:
            raise OracleError(30088, "datetime/interval precision is out of range", place)
        return size

    if reader.has("YEAR"):
        years = digits(2)
        reader.expect("TO", "MONTH")
        rule = f"oracle.check_interval({{}}::interval, 'year', {10**years})"
        return ColumnType("oracle.interval_ym", types.interval_ym(years), precision=years, rule=rule)
    reader.expect("DAY")
    days = digits(2)
    reader.expect("TO", "SECOND")
    seconds = digits(6)
    rule = f"oracle.check_interval({{}}, 'day', {10**days})"
    kind = f"interval day to second({min(6, seconds)})"
    return ColumnType(kind, types.interval_ds(days, seconds), precision=days, scale=seconds, rule=rule)
