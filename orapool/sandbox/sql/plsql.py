"""The few PL/SQL blocks that clients send of themselves: statements in a row, without declarations or control flow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.dialect import unsupported
from orapool.sandbox.sql.scanner import BIND, Token, split_list
from orapool.sandbox.sql.statement import PLSQL, Statement
from orapool.sandbox.sql.zones import TRANSITIONS

# Procedures that the sandbox answers, with their parameters; the session has a method for those that do something.
PROCEDURES: dict[str, tuple[str | None, tuple[str, ...]]] = {
    "DBMS_APPLICATION_INFO.SET_MODULE": ("set_identity", ("MODULE_NAME", "ACTION_NAME")),
    "DBMS_APPLICATION_INFO.SET_ACTION": ("set_identity", ("ACTION_NAME",)),
    "DBMS_APPLICATION_INFO.SET_CLIENT_INFO": ("set_identity", ("CLIENT_INFO",)),
    "DBMS_SESSION.SET_IDENTIFIER": ("set_identity", ("CLIENT_ID",)),
    "DBMS_SESSION.CLEAR_IDENTIFIER": ("set_identity", ()),
    "DBMS_MVIEW.REFRESH": ("refresh", ("LIST", "METHOD")),
    "DBMS_OUTPUT.ENABLE": (None, ("BUFFER_SIZE",)),
    "DBMS_OUTPUT.DISABLE": (None, ()),
    "DBMS_STATS.GATHER_TABLE_STATS": (None, ("OWNNAME", "TABNAME")),
}
TRANSACTION_ID = "DBMS_TRANSACTION.LOCAL_TRANSACTION_ID"


@dataclass(frozen=True)
class Step:
    """One statement of a block. ``binds`` maps its own binds to the block's."""

    kind: str
    statement: Statement | None = None
    binds: tuple[int, ...] = ()
    target: int | None = None
    procedure: str = ""
    parameters: tuple[str, ...] = ()


def read_block(sql: str, tokens: list[Token], parse: Callable[[str], Statement]) -> Statement:
    """Read ``BEGIN ... END;``.

    Raises:
        OracleError: ORA-03001 for PL/SQL beyond it, ORA-06550 for a block that does not end.
    """
    if tokens[0].is_word("DECLARE"):
        raise unsupported("PL/SQL with DECLARE")
    names = tuple(dict.fromkeys(token.value for token in tokens if token.kind == BIND))
    body = tokens[1:]
    if body and body[-1].is_sign(";"):
        body = body[:-1]
    if not body or not body[-1].is_word("END"):
        raise OracleError(6550, "PL/SQL: the block does not end with END;", tokens[-1].end)
    body = body[:-1]
    if not body or not body[-1].is_sign(";"):
        raise OracleError(6550, "PL/SQL: Encountered the symbol END when expecting a statement or ;", tokens[-1].start)
    steps = [_step(sql, part, names, parse) for part in split_list(body[:-1], ";")]
    outs = sorted({step.target for step in steps if step.target is not None})
    read = frozenset(bind for step in steps for bind in step.binds)
    return Statement(sql, PLSQL, "BEGIN", names, out_binds=tuple(outs), read_binds=read, action=steps)


def _step(sql: str, tokens: list[Token], names: tuple[str, ...], parse: Callable[[str], Statement]) -> Step:
    if not tokens:
        raise OracleError(6550, "PL/SQL: an empty statement")
    first = tokens[0]
    if len(tokens) == 1 and first.is_word("NULL"):
        return Step("null")
    if first.kind == BIND and len(tokens) > 2 and tokens[1].is_sign(":="):
        called = "".join(token.value for token in tokens[2:])
        if called in (TRANSACTION_ID, f"{TRANSACTION_ID}()", f"{TRANSACTION_ID}(FALSE)", f"{TRANSACTION_ID}(TRUE)"):
            creates = called.endswith("(TRUE)")
            return Step("transaction_id", target=names.index(first.value), procedure="create" if creates else "")
        statement = parse(f"SELECT {_text(sql, tokens[2:])} FROM DUAL")
        return Step("assign", statement, _binds(statement, names), target=names.index(first.value))
    if first.is_word("COMMIT", "ROLLBACK", "SAVEPOINT", "INSERT", "UPDATE", "DELETE", "MERGE", "LOCK", "SET"):
        statement = parse(_text(sql, tokens))
        if statement.returning_from is not None:
            raise unsupported("RETURNING INTO in PL/SQL")
        return Step("statement", statement, _binds(statement, names))
    return _call(sql, tokens, names, parse)


def _call(sql: str, tokens: list[Token], names: tuple[str, ...], parse: Callable[[str], Statement]) -> Step:
    at = next((index for index, token in enumerate(tokens) if token.is_sign("(")), len(tokens))
    name = "".join(token.value for token in tokens[:at])
    if name in TRANSITIONS:
        given = split_list(tokens[at + 1 : -1])
        if len(given) == 2 and given[1][0].kind == BIND:
            statement = parse(f"SELECT {_text(sql, given[0])} FROM DUAL")
            return Step("transitions", statement, _binds(statement, names), target=names.index(given[1][0].value))
    if name not in PROCEDURES:
        raise unsupported("PL/SQL: " + " ".join(token.text for token in tokens[:6]))
    known = PROCEDURES[name][1]
    parameters: list[str] = []
    values: list[str] = []
    arguments = split_list(tokens[at + 1 : -1]) if at + 2 < len(tokens) else []
    for number, argument in enumerate(arguments):
        if len(argument) > 2 and argument[1].is_sign("=>"):
            parameters.append(argument[0].value)
            argument = argument[2:]
        elif number < len(known):
            parameters.append(known[number])
        else:
            raise OracleError(6550, f"PLS-00306: wrong number or types of arguments in call to '{name}'")
        values.append(_text(sql, argument))
    if name != "DBMS_STATS.GATHER_TABLE_STATS" and not set(parameters) <= set(known):
        raise OracleError(6550, f"PLS-00306: wrong number or types of arguments in call to '{name}'")
    if not values:
        return Step("call", procedure=name)
    statement = parse(f"SELECT {', '.join(values)} FROM DUAL")
    return Step("call", statement, _binds(statement, names), procedure=name, parameters=tuple(parameters))


def _text(sql: str, tokens: list[Token]) -> str:
    return sql[tokens[0].start : tokens[-1].end]


def _binds(statement: Statement, names: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(names.index(name) for name in statement.bind_names)
