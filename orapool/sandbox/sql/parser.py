"""From a text to a statement: its kind, its binds, and who reads the rest."""

from __future__ import annotations

import logging
from collections.abc import Collection

from sqlglot import exp

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql import control, merge, plsql, routine_calls
from orapool.sandbox.sql.ddl import read_ddl
from orapool.sandbox.sql.dialect import generate, unsupported
from orapool.sandbox.sql.headings import column_names, literal_lengths
from orapool.sandbox.sql.lob_places import row_sources
from orapool.sandbox.sql.outside import name_clause
from orapool.sandbox.sql.scanner import BIND, Token, locate, scan, split_list, without_end
from orapool.sandbox.sql.statement import DDL, DML, QUERY, TRANSACTION, Part, Statement
from orapool.sandbox.sql.translate import (
    as_text,
    asks_scn,
    part,
    sources,
    take_constants,
    translate_text,
)

_DML = ("INSERT", "UPDATE", "DELETE", "MERGE")
_DDL = ("CREATE", "DROP", "ALTER", "TRUNCATE", "COMMENT", "RENAME", "GRANT", "REVOKE", "PURGE")
_CONTROL = ("COMMIT", "ROLLBACK", "SAVEPOINT", "SET", "LOCK")

logger = logging.getLogger(__name__)


def parse_statement(sql: str, routines: Collection[str] = ()) -> Statement:
    """Parse and translate one statement.

    Args:
        routines: the names of functions registered from outside, which it may call.

    Raises:
        OracleError: what is wrong with it and where, or what the sandbox does not have.
    """
    tokens: list[Token] = []
    try:
        tokens = scan(sql)
        return _parse(sql, tokens, routines)
    except OracleError as error:
        raise locate(name_clause(error, tokens), sql) from None
    except RecursionError:
        raise unsupported("a statement nested as deeply as this") from None
    except Exception as error:
        logger.exception("the translator failed at %r", sql)
        raise unsupported(f"this statement, at which the sandbox's translator fails ({error!r})") from error


def _parse(sql: str, tokens: list[Token], routines: Collection[str]) -> Statement:
    if not tokens:
        raise OracleError(24373, "invalid length specified for statement")
    first = tokens[0]
    verb = first.value
    if first.is_word("BEGIN", "DECLARE"):
        return plsql.read_block(sql, tokens, lambda text: parse_statement(text, routines), routines)
    if first.is_word("CALL"):
        return plsql.read_sql_call(sql, tokens, lambda text: parse_statement(text, routines), routines)
    if routines and not first.is_word(*_DDL, *_CONTROL):
        made = routine_calls.rewrite(
            sql, tokens, routines, lambda text: parse_statement(text, routines), parse_statement
        )
        if made is not None:
            return made
    tokens = without_end(tokens)
    for before, token in zip(tokens, tokens[1:]):
        if before.is_sign("=") and token.is_sign("="):
            # The parser would take == for =.
            raise OracleError(936, "missing expression", token.start)
    names = tuple(token.value for token in tokens if token.kind == BIND)
    if first.is_word("SELECT", "WITH") or first.is_sign("("):
        return _query(sql, tokens, names)
    if first.is_word(*_DML):
        return _dml(sql, tokens, names)
    if first.is_word("ALTER") and len(tokens) > 1 and tokens[1].is_word("SESSION", "SYSTEM"):
        return Statement(sql, DDL, verb, action=control.read_alter_session(tokens))
    if first.is_word(*_DDL):
        if names:
            bind = next(token for token in tokens if token.kind == BIND)
            raise OracleError(1027, "bind variables not allowed for data definition operations", bind.start)
        return Statement(sql, DDL, verb, action=read_ddl(tokens))
    if first.is_word(*_CONTROL):
        return Statement(sql, TRANSACTION, verb, names, action=control.read_control(tokens))
    if first.is_word(
        "EXPLAIN", "ANALYZE", "AUDIT", "NOAUDIT", "FLASHBACK", "PURGE", "ASSOCIATE", "DISASSOCIATE", "ADMINISTER"
    ):
        raise unsupported(verb)
    raise OracleError(900, "invalid SQL statement", first.start)


def _numbers(tokens: list[Token]) -> dict[int, int]:
    return {token.start: number for number, token in enumerate(token for token in tokens if token.kind == BIND)}


def _query(sql: str, tokens: list[Token], names: tuple[str, ...]) -> Statement:
    times: list[exp.Expr] = []
    tree = translate_text(tokens, _numbers(tokens), times)
    if not isinstance(tree, (exp.Select, exp.Union, exp.Except, exp.Intersect, exp.Subquery)):
        raise OracleError(900, "invalid SQL statement")
    lock = next(iter(tree.args.get("locks") or []), None)
    lengths = literal_lengths(tree)
    constants = take_constants(tree, len(names))
    functions, tables = sources(tree)
    scns, scn_binds = _past(times, lock is not None)
    return Statement(
        sql,
        QUERY,
        "SELECT",
        names,
        part=part(tree),
        names=column_names(tokens, tree),
        literal_lengths=lengths,
        constants=constants,
        functions=functions,
        tables=tables,
        row_sources=row_sources(tree),
        scns=scns,
        scn_binds=scn_binds,
        asks_scn=asks_scn(tree),
        locks=lock is not None,
        lock_wait=_lock_wait(tokens) if lock is not None else None,
    )


def _past(times: list[exp.Expr], locks: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The SCNs of a flashback query, and the numbers of the binds that have some."""
    if times and locks:
        raise unsupported("FOR UPDATE of a flashback query")
    scns: list[int] = []
    binds: list[int] = []
    for time in times:
        if isinstance(time, exp.Placeholder) and time.name[1:].isdigit():
            binds.append(int(time.name[1:]))
        elif isinstance(time, exp.Literal) and not time.args["is_string"] and time.name.isdigit():
            scns.append(int(time.name))
        else:
            raise unsupported("AS OF SCN of an expression")
    return tuple(scns), tuple(binds)


def _lock_wait(tokens: list[Token]) -> int | None:
    """The seconds of FOR UPDATE ... WAIT n, which ends the statement."""
    if len(tokens) > 2 and tokens[-2].is_word("WAIT") and tokens[-1].text.isdigit():
        return int(tokens[-1].text)
    return None


def _dml(sql: str, tokens: list[Token], names: tuple[str, ...]) -> Statement:
    verb = tokens[0].value
    numbers = _numbers(tokens)
    body, returning, into = _cut_returning(tokens)
    if verb == "INSERT" and len(body) > 1 and body[1].is_word("ALL", "FIRST"):
        raise unsupported("multi-table INSERT")
    if verb == "DELETE" and len(body) > 1 and not body[1].is_word("FROM"):
        # FROM may be left out in Oracle.
        body = [body[0], Token("word", "FROM", body[1].start, body[1].start, " FROM "), *body[1:]]
    if any(token.is_word("LOG") and after.is_word("ERRORS") for token, after in zip(body, body[1:])):
        raise unsupported("LOG ERRORS")
    tree = translate_text(merge.mark_delete(body) if verb == "MERGE" else body, numbers)
    if not isinstance(tree, (exp.Insert, exp.Update, exp.Delete, exp.Merge)):
        raise OracleError(900, "invalid SQL statement")
    if isinstance(tree.args.get("expression"), exp.Values) and len(tree.expression.expressions) > 1:
        # Several rows of VALUES came with release 23.
        raise OracleError(933, "SQL command not properly ended")
    statement = Statement(sql, DML, verb, names)
    if into:
        statement.returning_from = numbers[into[0].start]
    statement.constants = take_constants(tree, statement.inputs)
    statement.part = part(tree)
    table = tree.find(exp.Table)
    if table is not None:
        statement.table = (table.args["db"].name if table.args.get("db") else None, table.name)
    if returning:
        if verb == "MERGE":
            raise unsupported("RETURNING of MERGE")
        select = translate_text([*scan("SELECT "), *returning, *scan("FROM DUAL")], numbers)
        items = ", ".join(generate(as_text(item.unalias())) for item in select.expressions)
        if len(select.expressions) != len(into):
            raise OracleError(
                947 if len(into) > len(select.expressions) else 913, "RETURNING and INTO differ in number"
            )
        statement.part = part(f"{generate(tree)} RETURNING {items}")
    elif isinstance(tree, exp.Insert):
        statement.array_part = _array_part(tree)
        statement.inserts_row = isinstance(tree.expression, exp.Values) and len(tree.expression.expressions) == 1
    if isinstance(tree, exp.Insert) and isinstance(tree.this, exp.Table):
        values = tree.expression
        if isinstance(values, exp.Values):
            statement.source = len(values.expressions[0].expressions)
        elif values is not None:
            statement.source = part(values)
    return statement


def _array_part(tree: exp.Insert) -> Part | None:
    """INSERT ... VALUES as INSERT ... SELECT of the same expressions, for many rows at once."""
    values = tree.expression
    if not isinstance(values, exp.Values) or len(values.expressions) != 1:
        return None
    row = values.expressions[0]
    calls = [str(node.this) for node in row.find_all(exp.Anonymous)]
    if row.find(exp.Select, exp.Var) or "nextval" in calls or not row.find(exp.Placeholder):
        return None
    items = ", ".join(generate(item) for item in row.expressions)
    return part(f"INSERT INTO {generate(tree.this)} SELECT {items} FROM ")


def _cut_returning(tokens: list[Token]) -> tuple[list[Token], list[Token], list[Token]]:
    """Cut RETURNING expressions INTO binds off: the body, the expressions, the binds."""
    depth = 0
    for at, token in enumerate(tokens):
        if token.is_sign("("):
            depth += 1
        elif token.is_sign(")"):
            depth -= 1
        elif depth == 0 and at > 1 and token.is_word("RETURNING", "RETURN"):
            break
    else:
        return tokens, [], []
    rest = tokens[at + 1 :]
    for into, token in enumerate(rest):
        if token.is_word("INTO"):
            targets = split_list(rest[into + 1 :])
            if not all(len(target) == 1 and target[0].kind == BIND for target in targets):
                raise OracleError(925, "missing INTO keyword", token.start)
            return tokens[:at], rest[:into], [target[0] for target in targets]
    raise OracleError(925, "missing INTO keyword", tokens[at].start)
