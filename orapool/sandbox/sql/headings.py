"""The names that Oracle gives to a query's columns."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from orapool.sandbox.sql import functions
from orapool.sandbox.sql.dialect import OracleText
from orapool.sandbox.sql.names import MAX_NAME_BYTES, full_name
from orapool.sandbox.sql.scanner import Token, heading, scan, split_list

SET_OPERATIONS = (exp.Union, exp.Except, exp.Intersect)


def column_names(tokens: Sequence[Token], tree: exp.Expr) -> tuple[str | None, ...] | None:
    """A query's column names as Oracle gives them; None when a star leaves them to the table."""
    select = _first_select(tree)
    if select is None or any(item.is_star for item in select.expressions):
        return None
    names: list[str | None] = []
    texts = _select_list(tokens)
    for index, item in enumerate(select.expressions):
        if isinstance(item, (exp.Alias, exp.Column)) and not (item.meta.get("made_up")):
            names.append(full_name(item.alias_or_name))
        else:
            names.append(heading(texts[index]) if len(texts) == len(select.expressions) else None)
    return tuple(names)


def literal_lengths(tree: exp.Expr) -> dict[int, int]:
    """The columns of a query that are plain string literals (Oracle's CHAR), with their lengths in bytes."""
    if not isinstance(tree, exp.Select) or any(item.is_star for item in tree.expressions):
        return {}
    found: dict[int, int] = {}
    for index, item in enumerate(tree.expressions):
        value = item.unalias()
        if isinstance(value, exp.Literal) and value.is_string:
            found[index] = len(value.name.encode())
    return found


def _first_select(tree: exp.Expr) -> exp.Select | None:
    node: exp.Expr | None = tree
    while isinstance(node, (*SET_OPERATIONS, exp.Subquery, exp.Paren)):
        node = node.this
    return node if isinstance(node, exp.Select) else None


def _select_list(tokens: Sequence[Token]) -> list[list[Token]]:
    depth = 0
    start: int | None = None
    for index, token in enumerate(tokens):
        if token.is_sign("("):
            depth += 1
        elif token.is_sign(")"):
            depth -= 1
        elif depth == 0 and start is None and token.is_word("SELECT"):
            start = index + 1
        elif depth == 0 and start is not None and token.is_word("FROM"):
            while tokens[start].is_word("DISTINCT", "UNIQUE", "ALL"):
                start += 1
            return split_list(list(tokens[start:index]))
    return []


def name_expressions(tree: exp.Expr) -> None:
    """Give each expression of a select list the name that Oracle gives it, for stars around it."""
    for select in tree.find_all(exp.Select):
        if isinstance(select.parent, (exp.In, exp.Exists)):
            continue
        items: list[exp.Expr] = []
        for item in select.expressions:
            if isinstance(item, (exp.Alias, exp.Column, exp.Star)):
                if isinstance(item, exp.Column) and not item.is_star and _pseudo(item):
                    item = exp.alias_(item, item.name, quoted=True)
                    item.meta["made_up"] = False
                items.append(item)
                continue
            if isinstance(item, exp.Anonymous) and str(item.this) in functions.WITHOUT_PARENTHESES:
                name = str(item.this)
            else:
                name = heading_of(item)
            if len(name.encode()) <= MAX_NAME_BYTES and name:
                item = exp.alias_(item, name, quoted=True)
                item.meta["made_up"] = True
            items.append(item)
        select.set("expressions", items)


def heading_of(item: exp.Expr) -> str:
    """The name that Oracle gives to an expression, from its tree."""
    return heading(scan(item.sql(OracleText).replace(":B", ":")))


def _pseudo(node: exp.Column) -> bool:
    return node.name in functions.WITHOUT_PARENTHESES or node.name in ("NEXTVAL", "CURRVAL", "ROWNUM", "ROWID")
