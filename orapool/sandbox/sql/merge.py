"""MERGE: its conditions and its DELETE, which the parser and PostgreSQL put in other places."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.querying import canonical, conjuncts, name_of
from orapool.sandbox.sql.scanner import Token, scan

_MARK = "ORAPOOL_DELETE_WHERE"


def mark_delete(tokens: Sequence[Token]) -> list[Token]:
    """Say ``DELETE WHERE condition`` as a call in the WHERE of UPDATE, which the parser can read."""
    depth = 0
    start = where = None
    for at, token in enumerate(tokens):
        if token.is_sign("("):
            depth += 1
        elif token.is_sign(")"):
            depth -= 1
        if depth:
            continue
        if token.is_word("UPDATE"):
            where = None
        elif token.is_word("WHERE") and not tokens[at - 1].is_word("DELETE"):
            where = at
        elif token.is_word("DELETE") and at + 1 < len(tokens) and tokens[at + 1].is_word("WHERE"):
            start = at
            break
    if start is None:
        return list(tokens)
    depth = 0
    end = start + 2
    while end < len(tokens) and not (depth == 0 and tokens[end].is_word("WHEN")):
        depth += tokens[end].is_sign("(") - tokens[end].is_sign(")")
        depth += tokens[end].is_word("CASE") - tokens[end].is_word("END")
        end += 1
    call = [*scan(f"{_MARK} (CASE WHEN"), *tokens[start + 2 : end], *scan("THEN 1 END)")]
    if where is None:
        condition = [*scan("WHERE"), *call]
        return [*tokens[:start], *condition, *tokens[end:]]
    old = [*scan("("), *tokens[where + 1 : start], *scan(") AND")]
    return [*tokens[: where + 1], *old, *call, *tokens[end:]]


def rewrite(tree: exp.Expr) -> None:
    """Put the conditions of UPDATE and INSERT behind WHEN, and make rows to delete a WHEN of their own, in place.

    Raises:
        OracleError: ORA-38104 where a column of ON is set.
    """
    if not isinstance(tree, exp.Merge):
        return
    if not isinstance(tree.args.get("on"), exp.Expression):
        raise OracleError(969, "missing ON keyword")
    target = name_of(tree.this)
    joined = {
        canonical(column.this)
        for column in tree.args["on"].find_all(exp.Column)
        if column.args.get("table") is not None and canonical(column.args["table"]) == target
    }
    whens: list[exp.Expr] = []
    for when in tree.args["whens"].expressions:
        action = when.args["then"]
        if isinstance(action, exp.Var):
            raise OracleError(905, "missing keyword (UPDATE or INSERT)")
        where = action.args.get("where") if isinstance(action, (exp.Update, exp.Insert)) else None
        if where is not None:
            action.set("where", None)
        kept, deleted = _split(where)
        if isinstance(action, exp.Update):
            _check(action, joined)
        if deleted is not None:
            values = _values(action)
            condition = deleted.copy()
            for column in list(condition.find_all(exp.Column)):
                owner = column.args.get("table")
                if canonical(column.this) in values and (owner is None or canonical(owner) == target):
                    # DELETE looks at the row as UPDATE has left it.
                    column.replace(exp.Paren(this=values[canonical(column.this)].copy()))
            parts = [part.copy() for part in kept] + [condition]
            whens.append(exp.When(matched=True, then=exp.Var(this="DELETE"), condition=exp.and_(*parts, copy=False)))
        if kept:
            when.set("condition", exp.and_(*kept, copy=False))
        whens.append(when)
    tree.args["whens"].set("expressions", whens)


def _split(where: exp.Expr | None) -> tuple[list[exp.Expr], exp.Expr | None]:
    kept: list[exp.Expr] = []
    deleted = None
    for part in conjuncts(where.this) if where is not None else []:
        if isinstance(part, exp.Anonymous) and str(part.this).upper() == _MARK:
            deleted = part.expressions[0].args["ifs"][0].this
        else:
            kept.append(part)
    return kept, deleted


def _values(update: exp.Expr) -> dict[str, exp.Expr]:
    return {canonical(item.this.this): item.expression for item in update.expressions if isinstance(item, exp.EQ)}


def _check(update: exp.Expr, joined: set[str]) -> None:
    for item in update.expressions:
        column = item.this
        if isinstance(column, exp.Column) and canonical(column.this) in joined:
            raise OracleError(
                38104, f'Columns referenced in the ON Clause cannot be updated: "{canonical(column.this)}"'
            )
