"""The rules by which one node of Oracle's dialect becomes one of PostgreSQL's, by the kind of node."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql import analytic, calls, functions
from orapool.sandbox.sql.calls import call, numeric
from orapool.sandbox.sql.casts import cast_rule, postgres_type
from orapool.sandbox.sql.dialect import unsupported
from orapool.sandbox.sql.headings import SET_OPERATIONS

_BIGINT = exp.DataType(this=exp.DType.BIGINT)


_MAX_IN_LIST = 1000


COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In, exp.Between)


def _bigint(value: exp.Expr) -> exp.Expr:
    """A row count for LIMIT and OFFSET."""
    if isinstance(value, exp.Literal) and value.name.rstrip(".").isdigit():
        return exp.Literal.number(value.name.rstrip("."))
    return exp.Cast(this=call("row_limit", value), to=_BIGINT.copy())


def rule_of_kind(node: exp.Expr) -> exp.Expr:
    """After the check: one node of Oracle's to PostgreSQL's, parents before children."""
    rule = _RULES.get(type(node))
    return rule(node) if rule else node


def _literal(node: exp.Expr) -> exp.Expr:
    if node.args["is_string"]:
        return node if node.name else exp.Null()
    if isinstance(node.parent, (exp.DataTypeParam, exp.DataType, exp.Interval, exp.IntervalSpan, exp.LimitOptions)):
        return node
    if isinstance(node.parent, exp.Ordered) and isinstance(node.parent.parent, exp.Order):
        return node
    text = node.name
    # A NUMBER, never an integer: 1/3 is not 0.
    return exp.Literal.number(text + "." if text.isdigit() else text)


def _column(node: exp.Expr) -> exp.Expr:
    name, table = node.name, node.args.get("table")
    if name in ("NEXTVAL", "CURRVAL") and table is not None:
        schema = node.args.get("db")
        sequence = ".".join('"' + part.name.replace('"', '""') + '"' for part in (schema, table) if part is not None)
        return numeric(exp.Anonymous(this=name.lower(), expressions=[exp.Literal.string(sequence)]))
    if table is None and node.this.meta.get("bare", True):
        if name in functions.WITHOUT_PARENTHESES:
            return call(functions.WITHOUT_PARENTHESES[name])
        if name == "DEFAULT":
            return exp.Var(this="DEFAULT")
    if name == "ROWID" and not _is_of_subquery(node):
        node.set("this", exp.to_identifier("ctid", quoted=True))
        node.meta["rowid"] = True
        return node
    if name in ("ORA_ROWSCN", "OBJECT_ID_", "CONNECT_BY_ISLEAF", "CONNECT_BY_ISCYCLE"):
        raise unsupported(name)
    if name == "ROWNUM" and table is None:
        raise unsupported("ROWNUM in this place")
    return node


def _is_of_subquery(node: exp.Expr) -> bool:
    """Whether a column's name can only be one that a subquery of FROM gives."""
    select = node.find_ancestor(exp.Select)
    source = select.args.get("from_") if select is not None else None
    if select is None or source is None:
        return False
    tables = [source.this, *(join.this for join in select.args.get("joins") or [])]
    owner = node.args.get("table")
    if owner is not None:
        tables = [table for table in tables if table.alias_or_name == owner.name]
    return bool(tables) and all(isinstance(table, exp.Subquery) for table in tables)


def _comparison(node: exp.Expr) -> exp.Expr:
    """A ROWID that is compared with a literal; binds are converted before they are sent."""
    sides = list(node.iter_expressions())
    if any(side.meta.get("rowid") for side in sides):
        for side in sides:
            if isinstance(side, exp.Literal) and side.args["is_string"]:
                side.replace(call("chartorowid", side.copy()))
    return node


def _div(node: exp.Expr) -> exp.Expr:
    return call("div", node.this, node.expression)


def _concat(node: exp.Expr) -> exp.Expr:
    return call("concat", call("str", node.this), call("str", node.expression))


def _like(node: exp.Expr) -> exp.Expr:
    """Oracle's LIKE has no escape character of its own."""
    if isinstance(node.parent, exp.Escape):
        return node
    like = exp.Like(this=node.this, expression=node.expression, negate=node.args.get("negate"))
    return exp.Escape(this=like, expression=exp.Literal.string(""))


def _in(node: exp.Expr) -> exp.Expr:
    if len(node.expressions) > _MAX_IN_LIST:
        raise OracleError(1795, "maximum number of expressions in a list is 1000")
    return _comparison(node)


def _fetch(node: exp.Expr) -> exp.Expr:
    node.set("count", exp.Paren(this=_bigint(node.args["count"])))
    return node


def _limit(node: exp.Expr) -> exp.Expr:
    return type(node)(expression=_bigint(node.expression))


def _set_operation(node: exp.Expr) -> exp.Expr:
    """Oracle's set operators have one rank, PostgreSQL's INTERSECT a higher one: say it in parentheses."""
    for side in ("this", "expression"):
        operand = node.args[side]
        inner = operand.unnest()
        if inner.args.get("order") and not (inner.args.get("limit") or inner.args.get("offset")):
            raise OracleError(907, "missing right parenthesis")
        if isinstance(operand, SET_OPERATIONS):
            node.set(side, exp.Subquery(this=operand))
    return node


def _select(node: exp.Expr) -> exp.Expr:
    if not node.expressions:
        raise OracleError(936, "missing expression")
    if node.args.get("from_") is None:
        raise OracleError(923, "FROM keyword not found where expected")
    for lock in node.args.get("locks") or []:
        # FOR UPDATE OF names a column, PostgreSQL's a table; the parser took t.column for a table of schema t.
        sources = [node.args["from_"].this, *(join.this for join in node.args.get("joins") or [])]
        tables = [table.args["db"].name if table.args.get("db") else None for table in lock.expressions]
        if None in tables and len(sources) > 1:
            raise unsupported("FOR UPDATE OF an unqualified column in a join")
        made = [table or sources[0].alias_or_name for table in tables]
        lock.set("expressions", [exp.to_identifier(name, quoted=True) for name in dict.fromkeys(made)])
        # As in Oracle, a row that is locked may become a parent, and a new child's parent may be locked.
        lock.set("key", True)
        if not isinstance(lock.args.get("wait"), bool):
            lock.set("wait", None)
    return node


def _with(node: exp.Expr) -> exp.Expr:
    """Oracle takes a query that names itself as recursive without being told."""
    for item in node.expressions:
        if any(table.name == item.alias and not table.db for table in item.this.find_all(exp.Table)):
            node.set("recursive", True)
    return node


def _update(node: exp.Expr) -> exp.Expr:
    for item in node.expressions:
        if isinstance(item, exp.EQ):
            targets = item.this.expressions if isinstance(item.this, exp.Tuple) else [item.this]
            for target in targets:
                if isinstance(target, exp.Column):
                    target.set("table", None)
    return node


def _quantified(node: exp.Expr) -> exp.Expr:
    """ANY and ALL of a list are PostgreSQL's of an array."""
    if isinstance(node.this, exp.Tuple):
        node.set("this", exp.Paren(this=exp.Array(expressions=node.this.expressions)))
    elif isinstance(node.this, exp.Paren) and not isinstance(node.this.this, exp.Select):
        node.set("this", exp.Paren(this=exp.Array(expressions=[node.this.this])))
    return node


def _interval(node: exp.Expr) -> exp.Expr:
    """INTERVAL YEAR TO MONTH has a type of its own."""
    unit = node.args.get("unit")
    first = unit.this.name if isinstance(unit, exp.IntervalSpan) else unit.name if unit is not None else ""
    if first.upper() not in ("YEAR", "MONTH"):
        return node
    return exp.Cast(this=node, to=postgres_type("oracle.interval_ym"))


_RULES: dict[type[exp.Expr], Callable[[exp.Expr], exp.Expr]] = {
    exp.Literal: _literal,
    exp.Column: _column,
    exp.Anonymous: calls.anonymous,
    exp.Window: analytic.window,
    exp.Div: _div,
    **dict.fromkeys(COMPARISONS, _comparison),
    exp.In: _in,
    exp.DPipe: _concat,
    exp.Like: _like,
    exp.GroupConcat: analytic.listagg,
    exp.Trim: calls.trim,
    exp.Limit: _limit,
    exp.Offset: _limit,
    exp.Fetch: _fetch,
    exp.Union: _set_operation,
    exp.Except: _set_operation,
    exp.Intersect: _set_operation,
    exp.Cast: cast_rule,
    exp.Select: _select,
    exp.Update: _update,
    exp.With: _with,
    exp.Extract: calls.extract,
    exp.Any: _quantified,
    exp.All: _quantified,
    exp.Interval: _interval,
    exp.IgnoreNulls: analytic.nulls,
    exp.RespectNulls: analytic.nulls,
}
