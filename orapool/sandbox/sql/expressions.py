"""Expressions and conditions of DDL: PostgreSQL's text, the one written, and the one of Oracle's dictionary."""

from __future__ import annotations

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.dialect import generate
from orapool.sandbox.sql.scanner import QUOTED, STRING, WORD, Token, scan
from orapool.sandbox.sql.translate import translate_text


def expression(tokens: list[Token]) -> str:
    """An expression (DEFAULT, CHECK, an index's) as PostgreSQL's text."""
    if not tokens:
        raise OracleError(936, "missing expression")
    for token in tokens:
        if token.kind == "bind":
            raise OracleError(1027, "bind variables not allowed for data definition operations", token.start)
    select = [*scan("SELECT "), *tokens, *scan("FROM DUAL")]
    tree = translate_text(select, {})
    if len(tree.expressions) != 1:
        raise OracleError(936, "missing expression", tokens[0].start)
    return generate(tree.expressions[0].unalias())


def condition(tokens: list[Token]) -> str:
    """A condition (of CHECK) as PostgreSQL's text."""
    if not tokens:
        raise OracleError(936, "missing expression")
    tree = translate_text([*scan("SELECT 1 FROM DUAL WHERE "), *tokens], {})
    if any(given for name, given in tree.args.items() if name not in ("expressions", "from_", "where", "limit")):
        raise OracleError(907, "missing right parenthesis", tokens[0].start)
    where = tree.args.get("where")
    if where is None or tree.args.get("limit"):  # which is what ROWNUM becomes
        raise OracleError(976, "Specified pseudocolumn or operator not allowed here.", tokens[0].start)
    return generate(where.this)


def source(tokens: list[Token]) -> str:
    """Tokens as they stand in the statement."""
    out = ""
    for before, token in zip([None, *tokens], tokens):
        out += (" " if before is not None and before.end != token.start else "") + token.text
    return out


def normal(tokens: list[Token]) -> str:
    """An expression as Oracle's dictionary writes it: no blanks, names in quotes."""
    out: list[str] = []
    for token, after in zip(tokens, [*tokens[1:], None]):
        if token.kind == WORD and not (after is not None and after.is_sign("(")):
            out.append(f'"{token.value}"')
        else:
            out.append(token.text if token.kind in (STRING, QUOTED) else token.text.upper())
    return "".join(out)
