"""ROWNUM, and the row generator CONNECT BY LEVEL, rewritten before anything else looks at the tree."""

from __future__ import annotations

from sqlglot import exp

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql import functions
from orapool.sandbox.sql.dialect import Sql
from orapool.sandbox.sql.names import quote_name
from orapool.sandbox.sql.querying import conjuncts, is_bare, name_of

_LIMITS: dict[type[exp.Expr], str] = {exp.LTE: "row_limit", exp.LT: "row_limit_before"}
# ROWNUM > 1 is true for no row: there is none before the first.
_OTHER_LIMITS: dict[type[exp.Expr], str] = {
    exp.GT: "row_limit_above",
    exp.GTE: "row_limit_from",
    exp.EQ: "row_limit_equal",
    exp.NEQ: "row_limit_but",
}
_MIRROR: dict[type[exp.Expr], type[exp.Expr]] = {exp.GTE: exp.LTE, exp.GT: exp.LT, exp.LTE: exp.GTE, exp.LT: exp.GT}


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
    sets = [column for item in tree.expressions for column in _own(tree, item)] if isinstance(tree, exp.Update) else []
    if limit is None and not sets:
        return
    inner = exp.Select(expressions=[exp.alias_(Sql.of("ctid"), "~place", quoted=True)])
    inner.set("from_", exp.From(this=tree.this.copy()))
    inner.set("where", tree.args.get("where"))
    if limit is not None:
        inner.set("limit", exp.Limit(expression=limit))
    place = Sql.of(f"{quote_name(name_of(tree.this))}.ctid")
    if not sets:
        tree.set("where", exp.Where(this=Sql.of("{} IN ({})", place, inner)))
        return
    # UPDATE ... SET n = ROWNUM: the rows are numbered in a query beside the table.
    numbered = Sql.of('(SELECT "~place", row_number() OVER ()::numeric AS "~number" FROM ({}) AS n) AS "~N"', inner)
    for column in sets:
        column.replace(Sql.of('"~N"."~number"', said="ROWNUM"))
    tree.set("from_", exp.From(this=numbered))
    tree.set("where", exp.Where(this=Sql.of('{} = "~N"."~place"', place)))


def _own(block: exp.Expr, part: exp.Expr, name: str = "ROWNUM") -> list[exp.Expr]:
    """The ROWNUMs of this query block below `part`, without those of its subqueries."""
    owner = block if isinstance(block, exp.Select) else None
    found = [node for node in part.find_all(exp.Column) if is_bare(node, name)]
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
    if not (is_bare(condition.this, "LEVEL") or is_bare(condition.this, "ROWNUM")):
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
    order = select.args.get("order")
    counted = [*select.expressions, *([order] if order is not None else [])]
    if (blocked or aggregated) and any(_own(select, part) for part in [*counted, *_grouping(select)]):
        _number_rows(select, limit)
        return
    for item in counted:
        for column in _own(select, item):
            number = _numbered()
            column.replace(exp.alias_(number, "ROWNUM", quoted=True) if column is item else number)
    if limit is None:
        return
    if blocked or aggregated or select.args.get("order") or select.args.get("limit") or select.args.get("offset"):
        _push_down(select, limit)
        return
    select.set("limit", exp.Limit(expression=limit))


def _grouping(select: exp.Select) -> list[exp.Expr]:
    return [select.args[name] for name in ("group", "having") if select.args.get(name)]


def _number_rows(select: exp.Select, limit: exp.Expr | None) -> None:
    """ROWNUM beside GROUP BY and DISTINCT: a column of FROM, in a query of its own."""
    if any(item.is_star for item in select.expressions) or select.args.get("joins"):
        raise OracleError(3001, "unimplemented feature: ROWNUM beside GROUP BY or DISTINCT over a join or with a star")
    columns = [column for column in select.find_all(exp.Column) if column.find_ancestor(exp.Select) is select]
    numbers = [column for column in columns if is_bare(column, "ROWNUM")]
    source = select.args["from_"].this
    inner = exp.Select(expressions=[exp.alias_(_numbered(), "~rownum", quoted=True), exp.Star()])
    inner.set("from_", exp.From(this=source.copy()))
    inner.set("where", select.args.get("where"))
    if limit is not None:
        inner.set("limit", exp.Limit(expression=limit))
    name = exp.to_identifier(name_of(source) or "~S", quoted=True)
    select.set("where", None)
    select.set("from_", exp.From(this=exp.Subquery(this=inner, alias=exp.TableAlias(this=name))))
    for column in numbers:
        made: exp.Expr = exp.column(exp.to_identifier("~rownum", quoted=True), table=name.copy())
        listed = column.parent is select and column.arg_key == "expressions"
        column.replace(exp.alias_(made, "ROWNUM", quoted=True) if listed else made)


def _numbered() -> exp.Expr:
    return exp.Anonymous(this="oracle.rownum_", expressions=[_row_number()])


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
    for condition in conjuncts(where.this):
        if not _own(select, condition):
            rest.append(condition)
            continue
        limits.append(_limit(condition))
    select.set("where", exp.Where(this=exp.and_(*rest, copy=False)) if rest else None)
    return limits[0] if len(limits) == 1 else Sql.of(f"least({', '.join(['{}'] * len(limits))})", *limits)


def _limit(condition: exp.Expr) -> exp.Expr:
    kind, value = type(condition), condition.args.get("expression")
    if isinstance(condition, exp.Between) and is_bare(condition.this, "ROWNUM"):
        low, high = condition.args["low"], condition.args["high"]
        return Sql.of("least({}, {})", _call("row_limit_from", low), _call("row_limit", high))
    if not is_bare(condition.this, "ROWNUM"):
        kind, value = _MIRROR.get(kind, kind), condition.this
        if not is_bare(condition.args.get("expression"), "ROWNUM"):
            raise OracleError(3001, "unimplemented feature: ROWNUM in such a condition")
    name = _LIMITS.get(kind) or _OTHER_LIMITS.get(kind)
    if name is None or value is None or list(value.find_all(exp.Column)):
        raise OracleError(3001, "unimplemented feature: ROWNUM in such a condition")
    return _call(name, value)


def _call(name: str, value: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=f"oracle.{name}", expressions=[value])


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
