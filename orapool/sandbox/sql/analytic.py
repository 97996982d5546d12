"""Aggregates and analytic functions that PostgreSQL says otherwise: KEEP, IGNORE NULLS, LISTAGG, RATIO_TO_REPORT."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql import functions
from orapool.sandbox.sql.calls import call, numeric
from orapool.sandbox.sql.dialect import Sql, unsupported

_WINDOWED = functions.COUNTS | functions.FLOATS | functions.AGGREGATES | functions.ANALYTIC
_OWN_WINDOWED = {"ORACLE.AVG", "ORACLE.MEDIAN", "ORACLE.FIRST_KNOWN", "ORACLE.LAST_KNOWN"}
_KNOWN = {"FIRST_VALUE": "first_known", "LAST_VALUE": "last_known"}
_WHOLE = ("ROWS", "UNBOUNDED", "PRECEDING", "UNBOUNDED", "FOLLOWING")


def window(node: exp.Expr) -> exp.Expr:
    """A function with OVER or KEEP."""
    if node.args.get("over") == "KEEP":
        # What is OVER the whole takes it up.
        return node if isinstance(node.parent, exp.Window) else _kept(node)
    if node.args.get("over") not in (None, "OVER"):
        raise unsupported(f"{node.args['over']} of analytic functions")
    if isinstance(node.this, exp.Window):
        return _kept_over(node)
    _take_nulls(node)
    if not isinstance(node.this, exp.Anonymous):
        raise unsupported(f"OVER after {node.this.key.upper()}")
    name = str(node.this.this).upper()
    if name == "ORACLE.LISTAGG":
        return _listagg_over(node)
    if name == "ORACLE.RATIO_TO_REPORT":
        return _ratio(node)
    if name not in _WINDOWED | _OWN_WINDOWED:
        raise unsupported(f"{name.removeprefix('ORACLE.')} with OVER")
    if name in functions.COUNTS | functions.FLOATS:
        return numeric(node)
    if name == "ORACLE.AVG":
        return call("narrow", node)
    return node


def _take_nulls(node: exp.Expr) -> None:
    """FIRST_VALUE(x IGNORE NULLS) and FIRST_VALUE(x) IGNORE NULLS; RESPECT NULLS is what is done anyway."""
    function = node.this
    ignores = isinstance(function, exp.IgnoreNulls)
    if isinstance(function, (exp.IgnoreNulls, exp.RespectNulls)):
        function = function.this
    if isinstance(function, exp.Anonymous) and function.expressions:
        first = function.expressions[0]
        if isinstance(first, (exp.IgnoreNulls, exp.RespectNulls)):
            ignores = ignores or isinstance(first, exp.IgnoreNulls)
            first.replace(first.this)
    if ignores:
        name = str(function.this).upper()
        if name not in _KNOWN:
            raise unsupported(f"IGNORE NULLS of {name}")
        function = call(_KNOWN[name], *function.expressions)
    node.set("this", function)


def nulls(node: exp.Expr) -> exp.Expr:
    """IGNORE NULLS stands within OVER alone."""
    parent = node.parent
    if isinstance(parent, exp.Window) or (isinstance(parent, exp.Anonymous) and parent.find_ancestor(exp.Window)):
        return node
    raise unsupported("IGNORE NULLS without OVER")


def _kept(node: exp.Expr) -> exp.Expr:
    """MAX(x) KEEP (DENSE_RANK FIRST ORDER BY y): the first by y, and among equals by x."""
    value, keys = _ranked(node)
    order = exp.Order(this=value.copy(), expressions=keys)
    return Sql.of("(array_agg({}))[1]", order)


def _kept_over(node: exp.Expr) -> exp.Expr:
    inner = node.this
    if inner.args.get("over") != "KEEP":
        raise unsupported("OVER after OVER")
    value, keys = _ranked(inner)
    if node.args.get("order") or node.args.get("spec"):
        raise OracleError(30487, "ORDER BY not allowed here")
    node.set("this", exp.Anonymous(this="first_value", expressions=[value]))
    node.set("order", exp.Order(expressions=keys))
    node.set("spec", _whole())
    return node


def _ranked(node: exp.Expr) -> tuple[exp.Expr, list[exp.Expr]]:
    function, order = node.this, node.args.get("order")
    name = str(function.this).upper() if isinstance(function, exp.Anonymous) else function.key.upper()
    if name not in ("MAX", "MIN") or order is None or node.args.get("first") is None:
        raise unsupported(
            f"KEEP (DENSE_RANK FIRST | LAST ...) of {name.removeprefix('ORACLE.')}, other than MAX and MIN"
        )
    (value,) = function.expressions
    keys: list[exp.Expr] = [key.copy() for key in order.expressions]
    if not node.args["first"]:
        for key in keys:
            key.set("desc", not key.args.get("desc"))
            key.set("nulls_first", not key.args.get("nulls_first"))
    keys.append(exp.Ordered(this=value.copy(), desc=name == "MAX", nulls_first=False))
    return value, keys


def _whole() -> exp.WindowSpec:
    kind, start, start_side, end, end_side = _WHOLE
    return exp.WindowSpec(kind=kind, start=start, start_side=start_side, end=end, end_side=end_side)


def listagg(node: exp.Expr) -> exp.Expr:
    """LISTAGG ... WITHIN GROUP."""
    inner = node.this
    order = None
    if isinstance(inner, exp.Order):
        order, inner = inner, inner.this
    separator = node.args.get("separator") or exp.Literal.string("")
    if isinstance(inner, exp.Distinct):
        return _listagg_distinct(node, inner, order, separator)
    value = call("str", inner)
    items: list[exp.Expr] = [value, separator]
    if order is not None:
        order.set("this", separator)
        items = [value, order]
    return exp.Anonymous(this="oracle.listagg", expressions=items)


def _listagg_distinct(node: exp.Expr, inner: exp.Expr, order: exp.Expr | None, separator: exp.Expr) -> exp.Expr:
    (value,) = inner.expressions
    keys = order.expressions if order is not None else []
    if isinstance(node.parent, exp.Window):
        raise unsupported("LISTAGG(DISTINCT ...) with OVER")
    if len(keys) > 1 or any(key.this != value for key in keys):
        raise unsupported("LISTAGG(DISTINCT ...) in another order than its own")
    array: exp.Expr = exp.Distinct(expressions=[value.copy()])
    if keys:
        array = exp.Order(this=array, expressions=[keys[0].copy()])
    return Sql.of(
        "(SELECT oracle.listagg(oracle.str(v), {} ORDER BY n) FROM unnest(array_agg({})) WITH ORDINALITY AS u (v, n))",
        separator.copy(),
        array,
    )


def _listagg_over(node: exp.Expr) -> exp.Expr:
    if node.args.get("order") or node.args.get("spec"):
        raise OracleError(30487, "ORDER BY not allowed here")
    value, last = node.this.expressions
    if isinstance(last, exp.Order):
        node.set("order", exp.Order(expressions=last.expressions))
        last = last.this
    node.set("this", call("listagg", value, last))
    node.set("spec", _whole())
    return node


def _ratio(node: exp.Expr) -> exp.Expr:
    (value,) = _one(node.this.expressions)
    total = node.copy()
    total.set("this", exp.Anonymous(this="sum", expressions=[value.copy()]))
    return call("div", value.copy(), exp.Anonymous(this="nullif", expressions=[total, exp.Literal.number("0.")]))


def _one(values: Sequence[exp.Expr]) -> Sequence[exp.Expr]:
    if len(values) != 1:
        raise OracleError(909, "invalid number of arguments")
    return values
