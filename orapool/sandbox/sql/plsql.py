"""The few PL/SQL blocks that the sandbox runs: statements in a row, without declarations or control flow."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Callable

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.dialect import unsupported
from orapool.sandbox.sql.routine_calls import Call, find_calls, read_call
from orapool.sandbox.sql.scanner import BIND, WORD, Token, split_list
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
    "RAISE_APPLICATION_ERROR": ("raise", ("NUM", "MSG", "KEEPERRORSTACK")),
}
TRANSACTION_ID = "DBMS_TRANSACTION.LOCAL_TRANSACTION_ID"
_STATEMENTS = ("COMMIT", "ROLLBACK", "SAVEPOINT", "INSERT", "UPDATE", "DELETE", "MERGE", "LOCK", "SET")
_CONTROL = (
    "IF",
    "FOR",
    "WHILE",
    "LOOP",
    "CASE",
    "EXECUTE",
    "RAISE",
    "FORALL",
    "FETCH",
    "CLOSE",
    "RETURN",
    "GOTO",
    "EXIT",
)
Parse = Callable[[str], Statement]


@dataclass(frozen=True)
class Step:
    """One statement of a block. ``binds`` maps its own binds to the block's; ``targets`` are those it assigns to."""

    kind: str
    statement: Statement | None = None
    binds: tuple[int, ...] = ()
    targets: tuple[int, ...] = ()
    procedure: str = ""
    parameters: tuple[str, ...] = ()
    call: Call | None = None

    @property
    def reads(self) -> set[int]:
        """The binds whose values it reads, those of a call excepted."""
        return set(self.binds if self.statement is None else self.binds[: self.statement.inputs])


@dataclass(frozen=True)
class _Block:
    """What is known while a block is read."""

    sql: str
    names: tuple[str, ...]
    parse: Parse
    routines: Collection[str] = field(default=())

    def number(self, token: Token) -> int:
        return self.names.index(token.value)

    def text(self, tokens: list[Token]) -> str:
        if not tokens:
            raise OracleError(6550, "PLS-00103: an expression is missing")
        return self.sql[tokens[0].start : tokens[-1].end]

    def binds(self, statement: Statement) -> tuple[int, ...]:
        return tuple(self.names.index(name) for name in statement.bind_names)

    def call(self, tokens: list[Token]) -> Call | None:
        return read_call(self.sql, tokens, self.routines, self.number, self.parse)


def read_block(sql: str, tokens: list[Token], parse: Parse, routines: Collection[str] = ()) -> Statement:
    """Read ``BEGIN ... END;``.

    Args:
        parse: reads a statement in it.
        routines: the names of functions registered from outside.

    Raises:
        OracleError: ORA-03001 for PL/SQL beyond it, ORA-06550 for a block that does not end.
    """
    if tokens[0].is_word("DECLARE"):
        raise unsupported("PL/SQL with DECLARE")
    block = _Block(sql, _bind_names(tokens), parse, routines)
    body = tokens[1:]
    if body and body[-1].is_sign(";"):
        body = body[:-1]
    if not body or not body[-1].is_word("END"):
        raise OracleError(6550, "PL/SQL: the block does not end with END;", tokens[-1].end)
    body = body[:-1]
    if not body or not body[-1].is_sign(";"):
        raise OracleError(6550, "PL/SQL: Encountered the symbol END when expecting a statement or ;", tokens[-1].start)
    return _made(block, "BEGIN", [_step(block, part) for part in split_list(body[:-1], ";")])


def read_sql_call(sql: str, tokens: list[Token], parse: Parse, routines: Collection[str] = ()) -> Statement:
    """Read ``CALL procedure(...)`` or ``CALL function(...) INTO :bind``, of functions registered from outside.

    Raises:
        OracleError: ORA-03001 for others.
    """
    block = _Block(sql, _bind_names(tokens), parse, routines)
    called = tokens[1:]
    targets: tuple[int, ...] = ()
    if len(called) > 2 and called[-2].is_word("INTO") and called[-1].kind == BIND:
        called, targets = called[:-2], (block.number(called[-1]),)
    call = block.call(called)
    if call is None:
        raise unsupported("CALL of what was not registered with Sandbox.register")
    return _made(block, "CALL", [Step("routine", call=call, targets=targets)])


def _made(block: _Block, verb: str, steps: list[Step]) -> Statement:
    outs = sorted({target for step in steps for target in step.targets})
    return Statement(block.sql, PLSQL, verb, block.names, out_binds=tuple(outs), action=steps)


def _bind_names(tokens: list[Token]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(token.value for token in tokens if token.kind == BIND))


def _step(block: _Block, tokens: list[Token]) -> Step:
    if not tokens:
        raise OracleError(6550, "PL/SQL: an empty statement")
    first = tokens[0]
    if len(tokens) == 1 and first.is_word("NULL"):
        return Step("null")
    if first.kind == BIND and len(tokens) > 2 and tokens[1].is_sign(":="):
        return _assignment(block, block.number(first), tokens[2:])
    if first.is_word("SELECT", "WITH"):
        return _select_into(block, tokens)
    if first.is_word("OPEN"):
        return _open(block, tokens)
    if first.is_word(*_STATEMENTS):
        statement = block.parse(block.text(tokens))
        binds = block.binds(statement)
        returning = statement.returning_from
        return Step("statement", statement, binds, () if returning is None else binds[returning:])
    if find_calls(tokens, block.routines)[:1]:
        call = block.call(tokens)
        if call is not None:
            return Step("routine", call=call)
    return _call(block, tokens)


def _assignment(block: _Block, target: int, tokens: list[Token]) -> Step:
    called = "".join(token.value for token in tokens)
    if called in (TRANSACTION_ID, f"{TRANSACTION_ID}()", f"{TRANSACTION_ID}(FALSE)", f"{TRANSACTION_ID}(TRUE)"):
        return Step("transaction_id", targets=(target,), procedure="create" if called.endswith("(TRUE)") else "")
    call = block.call(tokens)
    if call is not None:
        return Step("routine", call=call, targets=(target,))
    try:
        statement = block.parse(f"SELECT {block.text(tokens)} FROM DUAL")
    except OracleError as error:
        name, hint = _called(tokens)
        if error.code in (904, 3001) and hint:
            raise unsupported(f"PL/SQL: {name}{hint}") from error
        raise
    return Step("assign", statement, block.binds(statement), (target,))


def _select_into(block: _Block, tokens: list[Token]) -> Step:
    """SELECT ... INTO binds FROM ...: one row."""
    depth = 0
    at = None
    for index, token in enumerate(tokens):
        depth += token.is_sign("(") - token.is_sign(")")
        if depth == 0 and token.is_word("INTO"):
            at = index
            break
    if at is None:
        raise OracleError(6550, "PLS-00428: an INTO clause is expected in this SELECT statement", tokens[0].start)
    targets: list[int] = []
    end = at + 1
    while end < len(tokens) and tokens[end].kind == BIND:
        targets.append(block.number(tokens[end]))
        end += 1
        if end < len(tokens) and tokens[end].is_sign(","):
            end += 1
    if not targets or end >= len(tokens) or not tokens[end].is_word("FROM"):
        raise unsupported("SELECT INTO of what is no bind variable")
    statement = block.parse(f"{block.text(tokens[:at])} {block.text(tokens[end:])}")
    return Step("select", statement, block.binds(statement), tuple(targets))


def _open(block: _Block, tokens: list[Token]) -> Step:
    """OPEN :cursor FOR SELECT ..."""
    if len(tokens) < 4 or tokens[1].kind != BIND or not tokens[2].is_word("FOR"):
        raise unsupported("OPEN of what is no bind variable")
    if not (tokens[3].is_word("SELECT", "WITH") or tokens[3].is_sign("(")):
        raise unsupported("OPEN FOR a text")
    statement = block.parse(block.text(tokens[3:]))
    return Step("open", statement, block.binds(statement), (block.number(tokens[1]),))


def _call(block: _Block, tokens: list[Token]) -> Step:
    name, hint = _called(tokens)
    at = next((index for index, token in enumerate(tokens) if token.is_sign("(")), len(tokens))
    if name in TRANSITIONS:
        given = split_list(tokens[at + 1 : -1])
        if len(given) == 2 and given[1][0].kind == BIND:
            statement = block.parse(f"SELECT {block.text(given[0])} FROM DUAL")
            return Step("transitions", statement, block.binds(statement), (block.number(given[1][0]),))
    if name not in PROCEDURES:
        raise unsupported(f"PL/SQL: {name}{hint}" if hint else "PL/SQL: " + " ".join(each.text for each in tokens[:6]))
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
        if name != "RAISE_APPLICATION_ERROR" or number < 2:
            values.append(block.text(argument))
    if name != "DBMS_STATS.GATHER_TABLE_STATS" and not set(parameters) <= set(known):
        raise OracleError(6550, f"PLS-00306: wrong number or types of arguments in call to '{name}'")
    if not values:
        return Step("call", procedure=name)
    statement = block.parse(f"SELECT {', '.join(values)} FROM DUAL")
    return Step("call", statement, block.binds(statement), procedure=name, parameters=tuple(parameters))


def _called(tokens: list[Token]) -> tuple[str, str]:
    """What stands before the first parenthesis, and, where that is a name, what to do about one that is not there."""
    at = next((index for index, token in enumerate(tokens) if token.is_sign("(")), len(tokens))
    called = tokens[:at]
    name = "".join(token.value for token in called)
    parts, points = called[::2], called[1::2]
    is_name = len(called) % 2 and all(each.kind == WORD for each in parts) and all(each.is_sign(".") for each in points)
    if not is_name or called[0].value in _CONTROL or (at < len(tokens) and not tokens[-1].is_sign(")")):
        return name, ""
    return name, f" is not there: Sandbox.register lets a function of Python stand for {name}"
