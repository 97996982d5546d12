"""What rewriting a query asks of its tree: the tables of FROM, their columns, the conditions of WHERE."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from orapool.sandbox.sql.dialect import unsupported
from orapool.sandbox.sql.names import quote_name


@dataclass(frozen=True)
class Source:
    """A table or subquery of FROM: the name it has in the query, and its columns where the text tells them."""

    alias: str
    columns: tuple[str, ...] | None

    def carried(self) -> list[tuple[str, str]]:
        """How its row travels on: texts, and the names of the columns that take them."""
        own = quote_name(self.alias)
        if self.columns is None:
            return [(own, f"~{self.alias}")]
        return [(f"{own}.{quote_name(column)}", f"~{self.alias}.{column}") for column in self.columns]

    def spread(self, holder: str, alias: str) -> str:
        """The row that `holder` carries, as a table by the name of `alias`."""
        if self.columns is None:
            return f"LATERAL (SELECT ({quote_name(holder)}.{quote_name(f'~{self.alias}')}).*) AS {quote_name(alias)}"
        items = [f"{self.column(holder, column)} AS {quote_name(column)}" for column in self.columns]
        return f"LATERAL (SELECT {', '.join(items)}) AS {quote_name(alias)}"

    def column(self, holder: str, column: str, prefix: str = "") -> str:
        """A column of the row that `holder` carries, under a name with a prefix."""
        if self.columns is None:
            return f"({quote_name(holder)}.{quote_name(f'{prefix}~{self.alias}')}).{quote_name(column)}"
        return f"{quote_name(holder)}.{quote_name(f'{prefix}~{self.alias}.{column}')}"


def canonical(identifier: exp.Expr) -> str:
    """A name as the dictionary has it."""
    return identifier.name if identifier.args.get("quoted") else identifier.name.upper()


def is_bare(node: exp.Expr | None, name: str) -> bool:
    """Whether a node is a pseudocolumn: its name alone, without quotes."""
    return (
        isinstance(node, exp.Column)
        and not node.args.get("table")
        and isinstance(node.this, exp.Identifier)
        and not node.this.args.get("quoted")
        and node.name.upper() == name
    )


def own_columns(select: exp.Select) -> list[exp.Column]:
    """The columns of a query block, without those of its subqueries."""
    return [column for column in select.find_all(exp.Column) if column.find_ancestor(exp.Select) is select]


def conjuncts(node: exp.Expr) -> list[exp.Expr]:
    """The conditions that AND joins."""
    if isinstance(node, exp.And):
        return conjuncts(node.this) + conjuncts(node.expression)
    if isinstance(node, exp.Paren):
        return conjuncts(node.this) if isinstance(node.this, exp.And) else [node.this]
    return [node]


def name_of(source: exp.Expr) -> str:
    """The name that a table or subquery of FROM has in the query; empty if none."""
    alias = source.args.get("alias")
    if alias is not None and alias.this is not None:
        return canonical(alias.this)
    return canonical(source.this) if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier) else ""


def sources_of(select: exp.Select) -> list[Source]:
    """The tables and subqueries of FROM, in order.

    Raises:
        OracleError: ORA-03001 for a subquery whose columns have no names in the text.
    """
    source = select.args.get("from_")
    parts = [source.this] if source is not None else []
    parts += [join.this for join in select.args.get("joins") or []]
    found: list[Source] = []
    for part in parts:
        name = name_of(part)
        if not name:
            # A subquery without a name gets one that nobody says.
            name = f"~{len(found)}"
            part.set("alias", exp.TableAlias(this=exp.to_identifier(name, quoted=True)))
        found.append(Source(name, columns_of(part)))
    return found


def columns_of(source: exp.Expr) -> tuple[str, ...] | None:
    """The names of a subquery's columns, or those of one in WITH; None for a table.

    Raises:
        OracleError: ORA-03001 where it has a star, or an expression without a name.
    """
    alias = source.args.get("alias")
    if isinstance(source, exp.Subquery):
        query: exp.Expr | None = source.this
    elif isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
        common = None if source.args.get("db") else _common(source)
        if common is None:
            return None
        query, alias = common.this, common.args.get("alias")
    else:
        raise unsupported(f"CONNECT BY and PIVOT over {source.key.upper()}")
    if alias is not None and alias.columns:
        return tuple(canonical(column) for column in alias.columns)
    while isinstance(query, (exp.Union, exp.Except, exp.Intersect, exp.Subquery, exp.Paren)):
        query = query.this
    names: list[str] = []
    assert isinstance(query, exp.Select)
    inner = [query.args["from_"].this] if query.args.get("from_") else []
    inner += [join.this for join in query.args.get("joins") or []]
    for item in query.expressions:
        if isinstance(item, exp.Star) and len(inner) == 1 and not isinstance(inner[0], exp.Lateral):
            deeper = columns_of(inner[0])
            if deeper is not None:
                names += deeper
                continue
        if item.is_star:
            raise unsupported("CONNECT BY and PIVOT over a subquery that does not name its columns (SELECT *)")
        if isinstance(item, exp.Alias):
            names.append(canonical(item.args["alias"]))
        elif isinstance(item, exp.Column):
            names.append(canonical(item.this))
        else:
            raise unsupported(f"CONNECT BY and PIVOT over an expression without a name ({item.sql('oracle')[:60]})")
    return tuple(names)


def _common(table: exp.Table) -> exp.CTE | None:
    """The query of WITH that a table's name stands for."""
    name = canonical(table.this)
    node: exp.Expr | None = table
    while node is not None:
        with_ = node.args.get("with_")
        for item in with_.expressions if with_ is not None else []:
            if canonical(item.args["alias"].this) == name and item.find(exp.Table) is not table:
                found: exp.CTE = item
                return found
        node = node.parent
    return None
