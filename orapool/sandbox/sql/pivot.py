"""PIVOT and UNPIVOT, as GROUP BY and as rows of VALUES."""

from __future__ import annotations

from sqlglot import exp

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.dialect import Sql, unsupported
from orapool.sandbox.sql.headings import heading_of
from orapool.sandbox.sql.names import quote_name
from orapool.sandbox.sql.querying import canonical, columns_of, name_of


def rewrite(select: exp.Select) -> None:
    """Make subqueries of the tables of FROM that are turned, in place.

    Raises:
        OracleError: ORA-03001 for what cannot be said so.
    """
    source = select.args.get("from_")
    for holder in [source, *(select.args.get("joins") or [])]:
        if holder is None:
            continue
        pivots = holder.this.args.get("pivots") or []
        if len(pivots) > 1:
            raise unsupported("several PIVOTs of one table")
        if pivots:
            holder.set(
                "this",
                _unpivot(holder.this, pivots[0]) if pivots[0].args.get("unpivot") else _pivot(holder.this, pivots[0]),
            )


def _inner(source: exp.Expr) -> tuple[exp.Expr, tuple[str, ...]]:
    """The table without its PIVOT, under a name of our own, and its columns."""
    source = source.copy()
    source.set("pivots", None)
    columns = columns_of(source)
    if columns is None:
        raise unsupported(f"PIVOT of a table ({name_of(source)}): put a subquery that names its columns in its place")
    source.set("alias", exp.TableAlias(this=exp.to_identifier("~T", quoted=True)))
    return source, columns


def _column(name: str) -> exp.Column:
    return exp.column(exp.to_identifier(name, quoted=True), table=exp.to_identifier("~T", quoted=True))


def _named(query: exp.Select, pivot: exp.Expr, source: exp.Expr) -> exp.Subquery:
    alias = pivot.args.get("alias")
    name = canonical(alias.this) if alias is not None and alias.this is not None else name_of(source) or "~P"
    return exp.Subquery(this=query, alias=exp.TableAlias(this=exp.to_identifier(name, quoted=True)))


def _pivot(source: exp.Expr, pivot: exp.Expr) -> exp.Subquery:
    inner, columns = _inner(source)
    (cases,) = pivot.args["fields"]
    if not isinstance(cases, exp.In) or cases.args.get("query") or not cases.expressions:
        raise unsupported("PIVOT by a subquery or by ANY")
    by = cases.this.unnest()
    if not isinstance(by, (exp.Column, exp.Identifier)):
        raise unsupported("PIVOT by several columns")
    turned = canonical(by.this if isinstance(by, exp.Column) else by)
    if turned not in columns:
        raise OracleError(904, f'"{turned}": invalid identifier')
    used = {turned}
    aggregates: list[tuple[exp.Expr, str]] = []
    for item in pivot.expressions:
        call, alias = item.unalias(), canonical(item.args["alias"]) if isinstance(item, exp.Alias) else ""
        if not isinstance(call, exp.Anonymous) or len(call.expressions) != 1:
            raise OracleError(56902, "expect aggregate function inside pivot operation")
        used |= {canonical(column.this) for column in call.find_all(exp.Column)}
        aggregates.append((call, alias))
    if len(aggregates) > 1 and not all(alias for _, alias in aggregates):
        raise unsupported("PIVOT of several aggregates without names")
    kept = [column for column in columns if column not in used]
    items: list[exp.Expr] = [_column(column) for column in kept]
    for case in cases.expressions:
        value = case.this if isinstance(case, exp.PivotAlias) else case
        if isinstance(value, exp.Tuple):
            raise unsupported("PIVOT by several columns")
        title = canonical(case.args["alias"]) if isinstance(case, exp.PivotAlias) else heading_of(value)
        for call, alias in aggregates:
            items.append(exp.alias_(_of_case(call, turned, value), "_".join(filter(None, (title, alias))), quoted=True))
    query = exp.Select(expressions=items)
    query.set("from_", exp.From(this=inner))
    if kept:
        query.set("group", exp.Group(expressions=[_column(column) for column in kept]))
    return _named(query, pivot, source)


def _of_case(call: exp.Expr, turned: str, value: exp.Expr) -> exp.Expr:
    """An aggregate of the rows that have one of the values."""
    made = call.copy()
    (argument,) = made.expressions
    distinct = isinstance(argument, exp.Distinct)
    inner = argument.expressions[0] if distinct else argument
    then = exp.Literal.number(1) if isinstance(inner, exp.Star) else inner.copy()
    case: exp.Expr = exp.Case(ifs=[exp.If(this=exp.EQ(this=_column(turned), expression=value.copy()), true=then)])
    made.set("expressions", [exp.Distinct(expressions=[case]) if distinct else case])
    return made


def _unpivot(source: exp.Expr, pivot: exp.Expr) -> exp.Subquery:
    inner, columns = _inner(source)
    (cases,) = pivot.args["fields"]
    if len(pivot.expressions) != 1 or not isinstance(cases, exp.In):
        raise unsupported("UNPIVOT into several columns")
    value, key = canonical(_identifier(pivot.expressions[0])), canonical(_identifier(cases.this.unnest()))
    rows: list[str] = []
    trees: list[exp.Expr] = []
    used: set[str] = set()
    for case in cases.expressions:
        column = case.this if isinstance(case, exp.PivotAlias) else case
        name = canonical(_identifier(column.unnest()))
        if name not in columns:
            raise OracleError(904, f'"{name}": invalid identifier')
        used.add(name)
        label = case.args["alias"] if isinstance(case, exp.PivotAlias) else exp.Literal.string(name)
        if not isinstance(label, exp.Literal):
            raise unsupported("UNPIVOT with a name that is no literal")
        rows.append("({}, {})")
        trees += [label.copy(), _column(name)]
    items: list[exp.Expr] = [_column(column) for column in columns if column not in used]
    for name in (key, value):
        items.append(exp.column(exp.to_identifier(name, quoted=True), table=exp.to_identifier("~U", quoted=True)))
    query = exp.Select(expressions=items)
    query.set("from_", exp.From(this=inner))
    names = f'"~U" ({quote_name(key)}, {quote_name(value)})'
    query.set("joins", [exp.Join(this=Sql.of(f"LATERAL (VALUES {', '.join(rows)}) AS {names}", *trees), kind="CROSS")])
    if not pivot.args.get("include_nulls"):
        null = exp.Is(this=items[-1].copy(), expression=exp.Null())
        query.set("where", exp.Where(this=exp.Not(this=null)))
    return _named(query, pivot, source)


def _identifier(node: exp.Expr) -> exp.Expr:
    made = node.this if isinstance(node, exp.Column) else node
    if not isinstance(made, exp.Identifier):
        raise unsupported("UNPIVOT of several columns")
    return made
