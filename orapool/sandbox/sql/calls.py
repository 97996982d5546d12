"""Calls of Oracle's functions as calls of PostgreSQL's, or of our own in schema ``oracle``."""

from __future__ import annotations

from sqlglot import exp

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql import functions
from orapool.sandbox.sql.casts import postgres_type
from orapool.sandbox.sql.dialect import Sql, unsupported

_NUMERIC = exp.DataType(this=exp.DType.DECIMAL)


def call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    """A call of one of our own functions."""
    return exp.Anonymous(this=f"oracle.{name}", expressions=list(arguments))


def numeric(value: exp.Expr) -> exp.Cast:
    """The value as a NUMBER."""
    return exp.Cast(this=value, to=_NUMERIC.copy())


def anonymous(node: exp.Expr) -> exp.Expr:
    name, arguments = str(node.this), node.expressions
    if name[:7] == "oracle." and name[7:].upper() in functions.COLLECTIONS:
        return _unnested(functions.COLLECTIONS[name[7:].upper()], arguments)
    if name.startswith("oracle."):
        return node
    upper = name.upper()
    if upper in ("NVL", "NVL2", "DECODE", "GREATEST", "LEAST", "AVG"):
        return _SPECIAL[upper](arguments, node)
    if upper in functions.WITHOUT_PARENTHESES and not arguments:
        return call(functions.WITHOUT_PARENTHESES[upper])
    if upper in functions.SAME:
        return exp.Anonymous(this=upper.lower(), expressions=arguments)
    if upper in functions.AGGREGATES or upper in functions.ANALYTIC:
        made = exp.Anonymous(this=upper.lower(), expressions=arguments)
        made.meta.update(node.meta)
        return made
    if upper == "RATIO_TO_REPORT" and isinstance(node.parent, exp.Window):
        return call("ratio_to_report", *arguments)
    if upper == "NTILE":
        arguments = [exp.Cast(this=value, to=exp.DataType(this=exp.DType.INT)) for value in arguments]
    if upper in functions.COUNTS or upper in functions.FLOATS:
        made = exp.Anonymous(this=upper.lower(), expressions=arguments)
        return made if isinstance(node.parent, (exp.Window, exp.WithinGroup)) else numeric(made)
    if upper == "LNNVL":
        return Sql.of("(({}) IS NOT TRUE)", *_count(arguments, 1, 1))
    if upper == "GROUPING_ID":
        return numeric(exp.Anonymous(this="grouping", expressions=arguments))
    if upper in functions.OWN:
        return call(functions.RENAMED.get(upper, upper.lower()), *arguments)
    raise OracleError(904, f'"{upper}": invalid identifier (function unknown to the sandbox)')


def _unnested(element: str, values: list[exp.Expr]) -> exp.Expr:
    """The elements of a collection as rows."""
    array = exp.Array(expressions=_count(values, 0, functions.MAX_ARGUMENTS))
    return exp.Anonymous(this="unnest", expressions=[exp.Cast(this=array, to=postgres_type(f"{element}[]"))])


def _nvl(arguments: list[exp.Expr], _: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="coalesce", expressions=_count(arguments, 2, 2))


def _nvl2(arguments: list[exp.Expr], _: exp.Expr) -> exp.Expr:
    value, then, other = _count(arguments, 3, 3)
    is_null = exp.Is(this=exp.Paren(this=value), expression=exp.Null())
    return exp.Case(ifs=[exp.If(this=is_null, true=other)], default=then)


def _decode(arguments: list[exp.Expr], _: exp.Expr) -> exp.Expr:
    value, *rest = _count(arguments, 3, 255)
    cases = [
        exp.If(this=exp.NullSafeEQ(this=value.copy(), expression=rest[at]), true=rest[at + 1])
        for at in range(0, len(rest) - 1, 2)
    ]
    return exp.Case(ifs=cases, default=rest[-1] if len(rest) % 2 else None)


def _extreme(arguments: list[exp.Expr], node: exp.Expr) -> exp.Expr:
    """GREATEST and LEAST are NULL when any argument is."""
    nulls = [exp.Is(this=exp.Paren(this=value.copy()), expression=exp.Null()) for value in _count(arguments, 1, 255)]
    made = exp.Anonymous(this=str(node.this).lower(), expressions=arguments)
    return exp.Case(ifs=[exp.If(this=exp.or_(*nulls), true=exp.Null())], default=made)


def _average(arguments: list[exp.Expr], node: exp.Expr) -> exp.Expr:
    (value,) = _count(arguments, 1, 1)
    if isinstance(value, exp.Distinct):
        inner: exp.Expr = exp.Distinct(expressions=[call("widen", *value.expressions)])
    else:
        inner = call("widen", value)
    made = exp.Anonymous(this="oracle.avg", expressions=[inner])
    return made if isinstance(node.parent, exp.Window) else call("narrow", made)


_SPECIAL = {"NVL": _nvl, "NVL2": _nvl2, "DECODE": _decode, "GREATEST": _extreme, "LEAST": _extreme, "AVG": _average}


def _count(arguments: list[exp.Expr], least: int, most: int) -> list[exp.Expr]:
    if len(arguments) < least:
        raise OracleError(938, "not enough arguments for function")
    if len(arguments) > most:
        raise OracleError(939, "too many arguments for function")
    return arguments


def trim(node: exp.Expr) -> exp.Expr:
    position = str(node.args.get("position") or "BOTH").upper()
    name = {"BOTH": "btrim", "LEADING": "ltrim", "TRAILING": "rtrim"}[position]
    what = node.args.get("expression")
    return call(name, node.this, *([what] if what is not None else []))


def extract(node: exp.Expr) -> exp.Expr:
    field = node.name.upper()
    if field not in ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"):
        raise unsupported(f"EXTRACT({field} ...)")
    return call("extract_", exp.Literal.string(field.lower()), node.expression)
