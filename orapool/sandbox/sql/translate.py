"""Queries and DML from Oracle's dialect to PostgreSQL's: passes over the tree, by the rules of other rooms."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql import analytic, fetch, hierarchy, joins, merge, pivot, rownum, synonyms
from orapool.sandbox.sql.calls import call
from orapool.sandbox.sql.dialect import check, generate, parse, unsupported
from orapool.sandbox.sql.headings import name_expressions
from orapool.sandbox.sql.names import BIND_MARK
from orapool.sandbox.sql.rules import COMPARISONS, rule_of_kind
from orapool.sandbox.sql.scanner import BIND, NUMBER, STRING, WORD, Token
from orapool.sandbox.sql.spelling import simplify
from orapool.sandbox.sql.statement import Part


def translate_text(tokens: Sequence[Token], numbers: dict[int, int], times: list[exp.Expr] | None = None) -> exp.Expr:
    """Parse tokens and make a tree for PostgreSQL of them.

    Args:
        tokens: a query, a DML statement without its RETURNING clause, or ``SELECT expression``.
        numbers: each bind token's start in the statement, with its number.
        times: takes the SCN of a flashback query; without it, such a query is refused.
    """
    text, places = _plain_text(tokens, numbers)
    try:
        tree = parse(text)
    except OracleError as error:
        error.position = _origin(places, error.position)
        raise
    if times is not None:
        _take_time(tree, times)
    return translate(tree)


# What has the SCN of now.
_DATABASES = ("V$DATABASE", "V_$DATABASE")


def asks_scn(tree: exp.Expr) -> bool:
    """Whether a translated query asks for the SCN of now."""
    if any(str(node.this) == "oracle.current_scn" for node in tree.find_all(exp.Anonymous)):
        return True
    if not any(table.name in _DATABASES for table in tree.find_all(exp.Table)):
        return False
    return bool(tree.find(exp.Star)) or any(node.name == "CURRENT_SCN" for node in tree.find_all(exp.Column))


def _take_time(tree: exp.Expr, times: list[exp.Expr]) -> None:
    """Take AS OF SCN off all tables, which must be of one time: PostgreSQL knows no other."""
    own = {node.alias.upper() for node in tree.find_all(exp.CTE)}
    present = False
    for table in tree.find_all(exp.Table):
        version = table.args.get("version")
        if version is not None:
            if version.name != "SCN" or version.args.get("kind") != "AS OF":
                raise unsupported(f"flashback query by {version.name}")
            times.append(version.expression)
            table.set("version", None)
        elif isinstance(table.this, exp.Identifier) and table.name.upper() not in own | {"DUAL"}:
            present = True
    if times and present:
        raise unsupported("a query of tables of different times")


def translate(tree: exp.Expr) -> exp.Expr:
    """Make a tree of Oracle's dialect one of PostgreSQL's, in place.

    Raises:
        OracleError: ORA-03001 and the like for what cannot be said in it.
    """
    if tree.find(exp.Limit) or (isinstance(tree, exp.Update) and tree.args.get("from_")):
        raise OracleError(933, "SQL command not properly ended")
    # A colon that the scanner took for none of a bind's.
    if not all(bind.name[1:].isdigit() for bind in tree.find_all(exp.Placeholder)):
        raise OracleError(933, "SQL command not properly ended")
    if any(not select.args.get("from_") for select in tree.find_all(exp.Select)):
        raise OracleError(923, "FROM keyword not found where expected")
    analytic.check(tree)
    synonyms.replace(tree)
    merge.rewrite(tree)
    for select in list(tree.find_all(exp.Select)):
        rownum.generate_levels(select)
        pivot.rewrite(select)
        hierarchy.rewrite(select)
    for select in list(tree.find_all(exp.Select)):
        joins.rewrite(select)
    tree = _apply(fetch.rewrite(rownum.rewrite(tree)), simplify)
    check(tree)
    name_expressions(tree)
    return _apply(tree, rule_of_kind)


def _apply(node: exp.Expr, rule: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
    """Apply a rule to all nodes, children before parents (a rule may look at its node's old parents)."""
    for child in list(node.iter_expressions()):
        _apply(child, rule)
    parent, key, index = node.parent, node.arg_key, node.index
    made = rule(node)
    if made is not node and parent is not None and key is not None:
        parent.set(key, made, index)
    return made


def take_constants(tree: exp.Expr, first: int) -> tuple[bytes, ...]:
    """Make parameters of the string literals that a column may be compared with or set to.

    Args:
        tree: a translated statement.
        first: the number of the first parameter.
    """
    found: list[bytes] = []
    # Two parameters are never the same expression to GROUP BY and DISTINCT.
    if tree.find(exp.Group) or (tree.find(exp.Distinct) and tree.find(exp.Order)):
        return ()
    for literal in list(tree.find_all(exp.Literal)):
        if literal.args["is_string"] and _meets_column(literal):
            literal.replace(exp.Placeholder(this=f"B{first + len(found)}"))
            found.append(literal.name.encode())
    return tuple(found)


def _meets_column(literal: exp.Literal) -> bool:
    parent = literal.parent
    if isinstance(parent, exp.Tuple):
        return isinstance(parent.parent, exp.Values)
    if isinstance(parent, COMPARISONS):
        return any(isinstance(child, exp.Column) for child in parent.iter_expressions())
    return False


def sources(tree: exp.Expr) -> tuple[frozenset[str], tuple[tuple[str | None, str], ...]]:
    """The functions that a translated query calls, and the schemas and names of the tables that it reads."""
    functions = frozenset(str(node.this) for node in tree.find_all(exp.Anonymous))
    own = {node.alias for node in tree.find_all(exp.CTE)}
    tables = [
        (table.db or None, table.name)
        for table in tree.find_all(exp.Table)
        if isinstance(table.this, exp.Identifier) and (table.db or table.name not in own)
    ]
    return functions, tuple(dict.fromkeys(tables))


def as_text(item: exp.Expr) -> exp.Expr:
    """A value of RETURNING: a ROWID goes into a string."""
    return call("rowidtochar", item) if item.meta.get("rowid") else item


def part(tree: exp.Expr | str) -> Part:
    """PostgreSQL's text of a tree, cut at its binds."""
    pieces = (tree if isinstance(tree, str) else generate(tree)).split(BIND_MARK)
    return Part(tuple(pieces[::2]), tuple(int(number) for number in pieces[1::2]))


def _plain_text(tokens: Sequence[Token], numbers: dict[int, int]) -> tuple[str, list[tuple[int, int]]]:
    """The tokens as a text for the parser: without comments and hints, binds as ``:B0``, strings in plain quotes."""
    out: list[str] = []
    places: list[tuple[int, int]] = []
    size = 0
    end = None
    for token in tokens:
        if token.kind == BIND:
            text = f":B{numbers[token.start]}"
        elif token.kind == STRING:
            text = "'" + token.value.replace("'", "''") + "'"
        elif token.kind == NUMBER and token.text[-1] in "fFdD":
            text = f"{'to_binary_double' if token.text[-1] in 'dD' else 'to_binary_float'}({token.text[:-1]})"
        elif token.is_sign("@"):
            raise unsupported("database links")
        else:
            text = token.text
        if end is not None and (
            end != token.start or (token.kind == WORD and text[:1].isalpha() and out[-1][-1].isdigit())
        ):
            out.append(" ")
            size += 1
        places.append((size, token.start))
        out.append(text)
        size += len(text)
        end = token.end
    return "".join(out), places


def _origin(places: list[tuple[int, int]], position: int) -> int:
    return max((start for size, start in places if size <= position), default=0)
