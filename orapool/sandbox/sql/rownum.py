"""ROWNUM, and the row generator CONNECT BY LEVEL, rewritten before anything else looks at the tree."""

from __future__ import annotations

from sqlglot import exp

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql import functions

_LIMITS: dict[type[exp.Expr], str] = {exp.LTE: "row_limit", exp.LT: "row_limit_before"}
_MIRROR: dict[type[exp.Expr], type[exp.Expr]] = {exp.GTE: exp.LTE, exp.GT: exp.LT, exp.EQ: exp.EQ}


def rewrite(tree: exp.Expr) -> exp.Expr:
    """Turn ``WHERE ROWNUM <= n`` into LIMIT, and ``SELECT ROWNUM`` into a row number.

    Raises:
        OracleError: ORA-03001 where ROWNUM stands in a place that this cannot say.
    """
    for select in list(tree.find_all(exp.Select)):
        _select(select)
    if isinstance(tree, (exp.Update, exp.Delete)):
        _dml(tree)
    return tree


def _dml(tree: exp.Update | exp.Delete) -> None:
    """``DELETE ... WHERE ROWNUM <= n``: the rows by their place in the table."""
    limit = _take_limit(tree)
    if limit is None:
        return
    place = exp.column(exp.to_identifier("ctid", quoted=True))
    inner = exp.Select(expressions=[place])
    inner.set("from_", exp.From(this=tree.this.copy()))
    inner.set("where", tree.args.get("where"))
    inner.set("limit", exp.Limit(expression=limit))
    tree.set("where", exp.Where(this=exp.In(this=place.copy(), query=exp.Subquery(this=inner))))


def _is_rownum(node: exp.Expr | None, name: str = "ROWNUM") -> bool:
    return (
        isinstance(node, exp.Column)
        and not node.args.get("table")
        and isinstance(node.this, exp.Identifier)
        and not node.this.args.get("quoted")
        and node.name.upper() == name
    )


def _own(block: exp.Expr, part: exp.Expr, name: str = "ROWNUM") -> list[exp.Expr]:
    """The ROWNUMs of this query block below `part`, without those of its subqueries."""
    owner = block if isinstance(block, exp.Select) else None
    found = [node for node in part.find_all(exp.Column) if _is_rownum(node, name)]
    return [node for node in found if node.find_ancestor(exp.Select) is owner]


def generate_levels(select: exp.Select) -> None:
    """Turn CONNECT BY LEVEL <= n of DUAL into a series of numbers."""
    connect = select.args.get("connect")
    if connect is None or connect.args.get("start") or connect.args.get("nocycle"):
        return
    condition = connect.args["connect"]
    kind = _LIMITS.get(type(condition))
    source = select.args.get("from_")
    if source is None or not isinstance(source.this, exp.Table) or source.this.name.upper() != "DUAL":
        return
    if kind is None or select.args.get("joins") or select.args.get("where"):
        return
    if not (_is_rownum(condition.this, "LEVEL") or _is_rownum(condition.this)):
        return
    limit = exp.Anonymous(this=f"oracle.{kind}", expressions=[condition.expression])
    for name in ("LEVEL", "ROWNUM"):
        for item in select.expressions:
            for column in _own(select, item, name):
                made: exp.Expr = exp.column(
                    exp.to_identifier("LEVEL", quoted=True), table=exp.to_identifier("LEVELS", quoted=True)
                )
                if column is item:
                    made = exp.alias_(made, name, quoted=True)
                column.replace(made)
    columns = [exp.to_identifier("LEVEL", quoted=True)]
    alias = exp.TableAlias(this=exp.to_identifier("LEVELS", quoted=True), columns=columns)
    series = exp.Anonymous(this="oracle.levels", expressions=[limit])
    source.set("this", exp.Table(this=series, alias=alias))
    select.set("connect", None)


def _select(select: exp.Select) -> None:
    limit = _take_limit(select)
    blocked = any(select.args.get(name) for name in ("group", "having", "distinct"))
    aggregated = any(_is_aggregate(node) and node.find_ancestor(exp.Select) is select for node in _calls(select))
    for item in select.expressions:
        for column in _own(select, item):
            if blocked or aggregated:
                raise OracleError(3001, "unimplemented feature: ROWNUM beside GROUP BY or DISTINCT")
            number: exp.Expr = exp.Anonymous(this="oracle.rownum_", expressions=[_row_number()])
            column.replace(exp.alias_(number, "ROWNUM", quoted=True) if column is item else number)
    if limit is None:
        return
    if blocked or aggregated or select.args.get("order") or select.args.get("limit") or select.args.get("offset"):
        _push_down(select, limit)
        return
    select.set("limit", exp.Limit(expression=limit))


def _row_number() -> exp.Expr:
    return exp.Window(this=exp.Anonymous(this="ROW_NUMBER"), over="OVER")


def _calls(select: exp.Select) -> list[exp.Expr]:
    return [node for item in select.expressions for node in item.find_all(exp.Anonymous, exp.GroupConcat)]


def _is_aggregate(node: exp.Expr) -> bool:
    if isinstance(node.parent, exp.Window):
        return False
    names = functions.AGGREGATES | {"COUNT", "AVG"}
    return isinstance(node, exp.GroupConcat) or (isinstance(node, exp.Anonymous) and str(node.this).upper() in names)


def _take_limit(select: exp.Expr) -> exp.Expr | None:
    """Take the conditions on ROWNUM out of WHERE, and tell the limit that they make."""
    where = select.args.get("where")
    if where is None or not _own(select, where):
        return None
    rest: list[exp.Expr] = []
    limits: list[exp.Expr] = []
    for condition in _conjuncts(where.this):
        if not _own(select, condition):
            rest.append(condition)
            continue
        limits.append(_limit(condition))
    select.set("where", exp.Where(this=exp.and_(*rest, copy=False)) if rest else None)
    return limits[0] if len(limits) == 1 else exp.Anonymous(this="LEAST", expressions=limits)


def _limit(condition: exp.Expr) -> exp.Expr:
    kind, value = type(condition), condition.args.get("expression")
    if not _is_rownum(condition.this):
        kind, value = _MIRROR.get(kind, exp.Expr), condition.this
        if not _is_rownum(condition.args.get("expression")):
            raise OracleError(3001, "unimplemented feature: ROWNUM in such a condition")
    if kind in _LIMITS and value is not None and not list(value.find_all(exp.Column)):
        return exp.Anonymous(this=f"oracle.{_LIMITS[kind]}", expressions=[value])
    if kind is exp.EQ and isinstance(value, exp.Literal) and value.name == "1":
        return exp.Anonymous(this="oracle.row_limit", expressions=[value])
    raise OracleError(3001, "unimplemented feature: ROWNUM in a condition other than <, <= or = 1")


def _conjuncts(node: exp.Expr) -> list[exp.Expr]:
    if isinstance(node, exp.And):
        return _conjuncts(node.this) + _conjuncts(node.expression)
    if isinstance(node, exp.Paren):
        return _conjuncts(node.this) if isinstance(node.this, exp.And) else [node.this]
    return [node]


def _push_down(select: exp.Select, limit: exp.Expr) -> None:
    """ROWNUM counts before GROUP BY, DISTINCT and ORDER BY: limit the source in a query of its own."""
    source = select.args["from_"].this
    if select.args.get("joins") or not isinstance(source, (exp.Table, exp.Subquery)):
        raise OracleError(3001, "unimplemented feature: ROWNUM beside GROUP BY, DISTINCT or ORDER BY over a join")
    alias = source.alias_or_name
    if not alias:
        alias = "ROWNUM_SOURCE"
    identifier = source.args["alias"].this if source.args.get("alias") else source.this
    quoted = isinstance(identifier, exp.Identifier) and bool(identifier.args.get("quoted"))
    inner = exp.Select(expressions=[exp.Star()])
    inner.set("from_", exp.From(this=source.copy()))
    inner.set("where", select.args.get("where"))
    inner.set("limit", exp.Limit(expression=limit))
    select.set("where", None)
    name = exp.to_identifier(alias if quoted else alias.upper(), quoted=True)
    select.set("from_", exp.From(this=exp.Subquery(this=inner, alias=exp.TableAlias(this=name))))
