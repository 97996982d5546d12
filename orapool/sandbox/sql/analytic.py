"""Aggregates and analytic functions that PostgreSQL says otherwise: KEEP, IGNORE NULLS, LISTAGG, RATIO_TO_REPORT."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql import functions
from orapool.sandbox.sql.calls import call, numeric
from orapool.sandbox.sql.dialect import Sql, unsupported

_WINDOWED = functions.COUNTS | functions.FLOATS | functions.AGGREGATES | functions.ANALYTIC
_OWN_WINDOWED = {"ORACLE.AVG", "ORACLE.MEDIAN"}
_NEED_ORDER = frozenset(("ROW_NUMBER", "RANK", "DENSE_RANK", "NTILE", "PERCENT_RANK", "CUME_DIST", "LAG", "LEAD"))
_KNOWN = {"FIRST_VALUE": "first_known", "LAST_VALUE": "last_known"}
_EXTREMES = ("MAX", "MIN")
_KEPT = {"SUM": "oracle.keep_sum", "COUNT": "oracle.keep_count", "ORACLE.AVG": "oracle.keep_avg"}
_ALL_BEFORE = {"kind": "ROWS", "start": "UNBOUNDED", "start_side": "PRECEDING"}
_ALL_BEHIND = {"kind": "ROWS", "end": "UNBOUNDED", "end_side": "FOLLOWING"}
_WHOLE = {**_ALL_BEFORE, **_ALL_BEHIND}
_BEFORE = {**_ALL_BEFORE, "end": exp.Literal.number(1), "end_side": "PRECEDING"}
_BEHIND = {**_ALL_BEHIND, "start": exp.Literal.number(1), "start_side": "FOLLOWING"}


def check(tree: exp.Expr) -> None:
    """Refuse windows that PostgreSQL takes and Oracle does not, before others are made of what is no window.

    Raises:
        OracleError: ORA-30485 where ORDER BY is missing, ORA-00907 for a frame where none may be.
    """
    for node in tree.find_all(exp.Window):
        function, frame = node.this, node.args.get("spec")
        if isinstance(function, (exp.IgnoreNulls, exp.RespectNulls)):
            function = function.this
        ranks = isinstance(function, exp.Anonymous) and str(function.this).upper() in _NEED_ORDER
        if ranks and frame is not None:
            raise OracleError(907, "missing right parenthesis")
        if (ranks or frame is not None) and not node.args.get("order"):
            raise OracleError(30485, "missing ORDER BY expression in the window specification")


def window(node: exp.Expr) -> exp.Expr:
    """A function with OVER or KEEP."""
    if node.args.get("over") == "KEEP":
        # What is OVER the whole takes it up.
        return node if isinstance(node.parent, exp.Window) else _kept(node)
    if node.args.get("over") not in (None, "OVER"):
        raise unsupported(f"{node.args['over']} of analytic functions")
    if isinstance(node.this, exp.Window):
        return _kept_over(node)
    ignores = _is_ignoring(node)
    if not isinstance(node.this, exp.Anonymous):
        raise unsupported(f"OVER after {node.this.key.upper()}")
    name = str(node.this.this).upper()
    if ignores and name not in functions.ANALYTIC:
        raise unsupported(f"IGNORE NULLS of {name.removeprefix('ORACLE.')}")
    if name in _BY_PLACE:
        return _BY_PLACE[name](node, ignores)
    if ignores:
        node.set("this", call(_KNOWN[name], *node.this.expressions))
        return node
    if name in ("ORACLE.LISTAGG", "ORACLE.LISTAGG_CUT"):
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


def _is_ignoring(node: exp.Expr) -> bool:
    """Take off FIRST_VALUE(x IGNORE NULLS) and FIRST_VALUE(x) IGNORE NULLS; RESPECT NULLS is what is done anyway."""
    function = node.this
    ignores = isinstance(function, exp.IgnoreNulls)
    if isinstance(function, (exp.IgnoreNulls, exp.RespectNulls)):
        function = function.this
    if isinstance(function, exp.Anonymous) and function.expressions:
        first = function.expressions[0]
        if isinstance(first, (exp.IgnoreNulls, exp.RespectNulls)):
            ignores = ignores or isinstance(first, exp.IgnoreNulls)
            first.replace(first.this)
    node.set("this", function)
    return ignores


def nulls(node: exp.Expr) -> exp.Expr:
    """IGNORE NULLS stands within OVER alone."""
    parent = node.parent
    if isinstance(parent, exp.Window) or (isinstance(parent, exp.Anonymous) and parent.find_ancestor(exp.Window)):
        return node
    raise unsupported("IGNORE NULLS without OVER")


def _kept(node: exp.Expr) -> exp.Expr:
    """MAX(x) KEEP (DENSE_RANK FIRST ORDER BY y): the first by y, and among equals by x."""
    name, value, keys = _ranked(node)
    if name in _EXTREMES:
        order = exp.Order(this=value.copy(), expressions=[*keys, _by_value(name, value)])
        return Sql.of("(array_agg({}))[1]", order)
    order = exp.Order(this=_ties(keys), expressions=keys)
    return exp.Anonymous(this=_KEPT[name], expressions=[value, order])


def _kept_over(node: exp.Expr) -> exp.Expr:
    inner = node.this
    if inner.args.get("over") != "KEEP":
        raise unsupported("OVER after OVER")
    name, value, keys = _ranked(inner)
    if node.args.get("order") or node.args.get("spec"):
        raise OracleError(30487, "ORDER BY not allowed here")
    if name in _EXTREMES:
        node.set("this", exp.Anonymous(this="first_value", expressions=[value]))
        keys.append(_by_value(name, value))
    else:
        node.set("this", exp.Anonymous(this=_KEPT[name], expressions=[value, _ties(keys)]))
    node.set("order", exp.Order(expressions=keys))
    node.set("spec", _whole())
    return node


def _ranked(node: exp.Expr) -> tuple[str, exp.Expr, list[exp.Expr]]:
    """The function that KEEP is of, its argument, and the keys, the first of which are kept."""
    function, order = node.this, node.args.get("order")
    name = str(function.this).upper() if isinstance(function, exp.Anonymous) else function.key.upper()
    if name not in (*_EXTREMES, *_KEPT) or order is None or node.args.get("first") is None:
        raise unsupported(f"KEEP (DENSE_RANK FIRST | LAST ...) of {name.removeprefix('ORACLE.')}")
    (value,) = _one(function.expressions)
    if name == "ORACLE.AVG" and isinstance(value, exp.Anonymous):
        (value,) = value.expressions  # which was made wide enough for a division
    if isinstance(value, exp.Distinct) and name not in _EXTREMES:
        raise unsupported(f"KEEP (DENSE_RANK FIRST | LAST ...) of {name.removeprefix('ORACLE.')}(DISTINCT ...)")
    if isinstance(value, exp.Distinct):
        (value,) = value.expressions
    if name == "COUNT":
        one = exp.Literal.number("1.")
        is_null = exp.Is(this=exp.Paren(this=value), expression=exp.Null())
        counted = exp.Case(ifs=[exp.If(this=is_null, true=exp.Null())], default=one)
        value = one if isinstance(value, exp.Star) else counted
    keys: list[exp.Expr] = [key.copy() for key in order.expressions]
    if not node.args["first"]:
        for key in keys:
            key.set("desc", not key.args.get("desc"))
            key.set("nulls_first", not key.args.get("nulls_first"))
    return name, value, keys


def _by_value(name: str, value: exp.Expr) -> exp.Expr:
    return exp.Ordered(this=value.copy(), desc=name == "MAX", nulls_first=False)


def _ties(keys: Sequence[exp.Expr]) -> exp.Expr:
    return exp.Array(expressions=[call("tie", key.this.copy()) for key in keys])


def _shift(node: exp.Expr, ignores: bool) -> exp.Expr:
    """LAG and LEAD: with IGNORE NULLS, what is there before or behind the row, counted from it."""
    name = str(node.this.this).upper()
    value, *rest = _between(node.this.expressions, 1, 3)
    count = rest[0] if rest else exp.Literal.number("1.")
    usual = rest[1:]
    if not ignores:
        node.this.set("expressions", [value, *([_place(count, 0), *usual] if rest else [])])
        return node
    before = name == "LAG"
    node.set("spec", exp.WindowSpec(**(_BEFORE if before else _BEHIND)).copy())
    if before and not rest:
        node.set("this", call("last_known", value))
        return node
    node.set("this", _known_values(value))
    found: exp.Expr = call("nth_last" if before else "nth", node, call("place_known", count))
    return exp.Anonymous(this="coalesce", expressions=[found, *usual]) if usual else found


def _nth(node: exp.Expr, ignores: bool) -> exp.Expr:
    """NTH_VALUE, FROM FIRST or LAST, of all rows of the frame or of those that are there."""
    value, number = _between(node.this.expressions, 2, 2)
    from_last = node.this.meta.get("from_last")
    if not (ignores or from_last):
        node.this.set("expressions", [value, _place(number, 1)])
        return node
    node.set("this", _known_values(value) if ignores else exp.Anonymous(this="array_agg", expressions=[value]))
    return call("nth_last" if from_last else "nth", node, _place(number, 1))


def _known_values(value: exp.Expr) -> exp.Expr:
    return Sql.of("array_agg({}) FILTER (WHERE ({}) IS NOT NULL)", value, value.copy())


def _place(number: exp.Expr, least: int) -> exp.Expr:
    return call("place", number, exp.Literal.number(str(least)))


def _between(values: Sequence[exp.Expr], least: int, most: int) -> Sequence[exp.Expr]:
    if not least <= len(values) <= most:
        raise OracleError(909, "invalid number of arguments")
    return values


_BY_PLACE = {"LAG": _shift, "LEAD": _shift, "NTH_VALUE": _nth}


def _whole() -> exp.WindowSpec:
    return exp.WindowSpec(**_WHOLE)


def listagg(node: exp.Expr) -> exp.Expr:
    """LISTAGG ... WITHIN GROUP."""
    inner = node.this
    order = None
    if isinstance(inner, exp.Order):
        order, inner = inner, inner.this
    separator = node.args.get("separator") or exp.Literal.string("")
    overflow = node.args.get("on_overflow")
    name, more = "oracle.listagg", []
    if isinstance(overflow, exp.OverflowTruncateBehavior):
        name = "oracle.listagg_cut"
        more = [overflow.this or exp.Literal.string("..."), exp.Boolean(this=bool(overflow.args.get("with_count")))]
    if isinstance(inner, exp.Distinct):
        return _listagg_distinct(node, inner, order, name, [separator, *more])
    items = [call("str", inner), separator, *more]
    if order is not None:
        order.set("this", items[-1])
        items[-1] = order
    return exp.Anonymous(this=name, expressions=items)


def _listagg_distinct(
    node: exp.Expr, inner: exp.Expr, order: exp.Expr | None, name: str, more: Sequence[exp.Expr]
) -> exp.Expr:
    (value,) = inner.expressions
    keys = order.expressions if order is not None else []
    if isinstance(node.parent, exp.Window):
        raise unsupported("LISTAGG(DISTINCT ...) with OVER")
    if len(keys) > 1 or any(key.this != value for key in keys):
        raise unsupported("LISTAGG(DISTINCT ...) in another order than its own")
    array: exp.Expr = exp.Distinct(expressions=[value.copy()])
    if keys:
        array = exp.Order(this=array, expressions=[keys[0].copy()])
    marks = ", ".join("{}" for _ in more)
    return Sql.of(
        f"(SELECT {name}(oracle.str(v), {marks} ORDER BY n) FROM unnest(array_agg({{}})) WITH ORDINALITY AS u (v, n))",
        *more,
        array,
    )


def _listagg_over(node: exp.Expr) -> exp.Expr:
    if node.args.get("order") or node.args.get("spec"):
        raise OracleError(30487, "ORDER BY not allowed here")
    *items, last = node.this.expressions
    if isinstance(last, exp.Order):
        node.set("order", exp.Order(expressions=last.expressions))
        last = last.this
    node.this.set("expressions", [*items, last])
    node.set("spec", _whole())
    return node


def _ratio(node: exp.Expr) -> exp.Expr:
    (value,) = _one(node.this.expressions)
    if node.args.get("order") or node.args.get("spec"):
        raise OracleError(30487, "ORDER BY not allowed here")
    total = node.copy()
    total.set("this", exp.Anonymous(this="sum", expressions=[value.copy()]))
    return call("div", value.copy(), exp.Anonymous(this="nullif", expressions=[total, exp.Literal.number("0.")]))


def _one(values: Sequence[exp.Expr]) -> Sequence[exp.Expr]:
    if len(values) != 1:
        raise OracleError(909, "invalid number of arguments")
    return values
