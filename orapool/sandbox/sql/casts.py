"""CAST and typed literals: Oracle's types in PostgreSQL's words."""

from __future__ import annotations

import re

from sqlglot import exp

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.columns import FLOATING

_TYPE = exp.DType


def postgres_type(name: str) -> exp.DataType:
    """A type by PostgreSQL's name, printed as it is."""
    return exp.DataType(this=_TYPE.USERDEFINED, kind=name)


def _sizes(kind: exp.DataType) -> list[int]:
    sizes: list[int] = []
    for item in kind.expressions:
        text = item.this.name.rstrip(".") if isinstance(item, exp.DataTypeParam) else ""
        if not text.lstrip("-").isdigit():
            raise OracleError(907, "missing right parenthesis")
        sizes.append(int(text))
    return sizes


# The precision of FLOAT and DOUBLE PRECISION, and of REAL, in binary digits.
MOST_BITS, REAL_BITS = 126, 63


def floating(bits: int) -> str:
    """FLOAT(bits) by PostgreSQL's name: a precision that no NUMBER has tells `oracle.fit` to round to digits."""
    return f"numeric({FLOATING},{bits})"


# Oracle's type (as sqlglot knows it) -> PostgreSQL's, and our function that converts a value of any type to it.
_CASTS = {
    _TYPE.VARCHAR: ("varchar", "str"),
    _TYPE.NVARCHAR: ("varchar", "str"),
    _TYPE.CHAR: ("bpchar", "str"),
    _TYPE.NCHAR: ("bpchar", "str"),
    _TYPE.DECIMAL: ("numeric", "num"),
    _TYPE.INT: ("numeric(38,0)", "num"),
    _TYPE.SMALLINT: ("numeric(38,0)", "num"),
    _TYPE.DOUBLE: (floating(MOST_BITS), "num"),
    _TYPE.FLOAT: (floating(MOST_BITS), "num"),
    _TYPE.MEDIUMINT: (floating(REAL_BITS), "num"),  # REAL: see OracleInput
    _TYPE.MONEY: ("float8", ""),
    _TYPE.SMALLMONEY: ("float4", ""),
    _TYPE.DATE: ("oracle.date", "dat"),
    _TYPE.TIMESTAMP: ("timestamp", "tms"),
    _TYPE.TIMESTAMPTZ: ("timestamptz", ""),
    _TYPE.TEXT: ("oracle.clob", ""),
    _TYPE.BLOB: ("oracle.blob", ""),
}

# A time with an offset or the name of a region behind it.
_ZONED = re.compile(r":\d\d(\.\d*)?\s*([+-]\d{1,2}:\d\d|[A-Za-z]\w*(/\w+)*)\s*$")

_NANOSECONDS = re.compile(r"\.\d{6}\d*[1-9]")


def cast_rule(node: exp.Expr) -> exp.Expr:
    """CAST(value AS type), and the literals DATE '...' and TIMESTAMP '...'."""
    kind = node.args["to"]
    if kind.this == _TYPE.USERDEFINED and str(kind.args.get("kind", "")).upper() == "CLOB":
        target, function = "oracle.clob", ""
    elif kind.this in _CASTS:
        target, function = _CASTS[kind.this]
    elif kind.this == _TYPE.BIGINT:
        return node
    else:
        raise OracleError(3001, f"unimplemented feature: CAST to {kind.sql('oracle')}")
    sizes = _sizes(kind)
    value = node.this
    literal = isinstance(value, exp.Literal) and value.is_string
    if literal and target == "timestamp" and _ZONED.search(value.name):
        # TIMESTAMP '2024-01-02 03:04:05 +02:00' is one with time zone.
        target = "timestamptz"
    if literal and function in ("dat", "tms") and value.name[:1] == "-":
        value = exp.Literal.string(f"{value.name[1:]} BC")
    if literal and target in ("timestamp", "timestamptz") and _NANOSECONDS.search(value.name):
        raise OracleError(3001, "unimplemented feature: fractions of a second beyond microseconds")
    if function and not (literal and function in ("dat", "tms")):
        value = exp.Anonymous(this=f"oracle.{function}", expressions=[value])
    if target in ("varchar", "bpchar") and sizes:
        # PostgreSQL's explicit cast cuts, as Oracle's does for VARCHAR2.
        target = f"{target}({sizes[0]})"
    elif kind.this == _TYPE.FLOAT and sizes:
        if not 1 <= sizes[0] <= MOST_BITS:
            raise OracleError(1724, "floating point precision is out of range (1 to 126)")
        target = floating(sizes[0])
    elif target == "numeric" and sizes and kind.this == _TYPE.DECIMAL:
        target = f"numeric({sizes[0]},{sizes[1] if len(sizes) > 1 else 0})"
    elif target in ("timestamp", "timestamptz") and sizes:
        target = f"{target}({min(6, sizes[0])})"
    return exp.Cast(this=value, to=postgres_type(target))
