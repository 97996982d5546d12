"""Outer joins with (+), and LATERAL and APPLY, as joins that PostgreSQL knows."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.dialect import Sql, unsupported
from orapool.sandbox.sql.names import quote_name
from orapool.sandbox.sql.querying import canonical, conjuncts, name_of, own_columns


def rewrite(select: exp.Select) -> None:
    """Say the joins of a query block in the way of the standard, in place.

    Raises:
        OracleError: ORA-01416 and the like for what (+) may not do, ORA-03001 for what cannot be said so.
    """
    _laterals(select)
    if any(column.args.get("join_mark") for column in own_columns(select)):
        _outer(select)


def _laterals(select: exp.Select) -> None:
    for join in [*(select.args.get("joins") or [])]:
        lateral = join.this
        if not isinstance(lateral, exp.Lateral):
            continue
        if not isinstance(lateral.this, exp.Subquery):
            raise unsupported("APPLY and LATERAL of a function")
        alias = lateral.args.get("alias")
        name = f" AS {quote_name(canonical(alias.this))}" if alias is not None and alias.this is not None else ""
        join.set("this", Sql.of("LATERAL {}" + name, lateral.this))
        applied = lateral.args.get("cross_apply")
        if applied is True:
            join.set("kind", "CROSS")
        elif applied is False:
            join.set("side", "LEFT")
            join.set("on", Sql.of("TRUE"))


@dataclass
class _Table:
    """One of FROM: what it stands behind in the join, and by which conditions."""

    name: str
    node: exp.Expr
    behind: set[str] = field(default_factory=set)
    on: list[exp.Expr] = field(default_factory=list)


def _outer(select: exp.Select) -> None:
    joins = select.args.get("joins") or []
    where = select.args.get("where")
    if any(join.args.get(name) for join in joins for name in ("side", "kind", "on", "using", "method")):
        raise OracleError(25156, "old style outer join (+) cannot be used with ANSI joins")
    nodes = [select.args["from_"].this, *(join.this for join in joins)]
    tables = {name_of(node): _Table(name_of(node), node) for node in nodes}
    rest: list[exp.Expr] = []
    for condition in conjuncts(where.this) if where is not None else []:
        marked = [column for column in condition.find_all(exp.Column) if column.args.get("join_mark")]
        if not marked:
            rest.append(condition)
            continue
        table = _outer_table(condition, marked, tables)
        inner = [column for column in condition.find_all(exp.Column) if not column.args.get("join_mark")]
        for column in inner:
            owner = column.args.get("table")
            if owner is None:
                # Any table that is there for certain may be meant.
                table.behind |= {other for other in tables if other != table.name and not _is_outer(other, where)}
            elif canonical(owner) == table.name:
                raise unsupported("(+) beside a column of the same table without it")
            elif canonical(owner) in tables:
                table.behind.add(canonical(owner))
        table.on.append(condition)
    for column in [column for column in own_columns(select) if column.args.get("join_mark")]:
        if column.find_ancestor(exp.Where) is not where:
            raise OracleError(30563, "outer join operator (+) is not allowed here")
        column.set("join_mark", None)
    _join(select, tables, rest)


def _outer_table(condition: exp.Expr, marked: list[exp.Column], tables: dict[str, _Table]) -> _Table:
    if condition.find(exp.Or) or (isinstance(condition, exp.In) and len(condition.expressions) > 1):
        raise OracleError(1719, "outer join operator (+) not allowed in operand of OR or IN")
    if condition.find(exp.Select):
        raise OracleError(1799, "a column may not be outer-joined to a subquery")
    if any(column.args.get("table") is None for column in marked):
        raise unsupported("(+) after a column without its table's name")
    names = {canonical(column.args["table"]) for column in marked}
    if len(names) > 1:
        raise OracleError(1468, "a predicate may reference only one outer-joined table")
    name = names.pop()
    if name not in tables:
        raise OracleError(904, f'"{name}"."{marked[0].name.upper()}": invalid identifier')
    return tables[name]


def _is_outer(name: str, where: exp.Expr | None) -> bool:
    return any(
        column.args.get("join_mark") and column.args.get("table") and canonical(column.args["table"]) == name
        for column in (where.find_all(exp.Column) if where is not None else ())
    )


def _join(select: exp.Select, tables: dict[str, _Table], rest: list[exp.Expr]) -> None:
    """All tables that are there for certain first, each outer one behind those that its conditions name."""
    placed = [table for table in tables.values() if not table.on]
    waiting = [table for table in tables.values() if table.on]
    order = list(tables)
    if not placed:
        raise OracleError(1416, "two tables cannot be outer-joined to each other")
    if any(not table.behind for table in waiting):
        raise unsupported("(+) in conditions that name no other table")
    made: list[exp.Join] = [exp.Join(this=table.node, kind="CROSS") for table in placed[1:]]
    names = {table.name for table in placed}
    while waiting:
        ready = next((table for table in waiting if table.behind <= names), None)
        if ready is None:
            raise OracleError(1416, "two tables cannot be outer-joined to each other")
        waiting.remove(ready)
        placed.append(ready)
        names.add(ready.name)
        made.append(exp.Join(this=ready.node, side="LEFT", on=exp.and_(*ready.on, copy=False)))
    if [table.name for table in placed] != order:
        stars = [exp.Column(this=exp.Star(), table=exp.to_identifier(name, quoted=True)) for name in order]
        items = [stars if isinstance(item, exp.Star) else [item] for item in select.expressions]
        select.set("expressions", [item for group in items for item in group])
    select.set("from_", exp.From(this=placed[0].node))
    select.set("joins", made)
    select.set("where", exp.Where(this=exp.and_(*rest, copy=False)) if rest else None)
