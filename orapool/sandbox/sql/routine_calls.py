"""Calls of registered functions in statements: found by their names, and made before the statement is run.

What remains is a statement with a bind in place of each call. So a function is called once for a statement, or for
each bind row, with what does not depend on rows of tables.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable

from orapool.sandbox import types
from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql import python_values, routines
from orapool.sandbox.sql.dialect import unsupported
from orapool.sandbox.sql.open_cursor import OpenCursor
from orapool.sandbox.sql.python_values import Json
from orapool.sandbox.sql.routines import Returned, Routine
from orapool.sandbox.sql.scanner import BIND, WORD, Token, heading, split_list
from orapool.sandbox.sql.statement import Statement
from orapool.sandbox.types import OracleType

if TYPE_CHECKING:
    from orapool.sandbox.sql.backend import Backend

_MARK = "ORAPOOL_CALL_"
Parse = Callable[[str], Statement]


@dataclass(frozen=True)
class Argument:
    """An argument: a bind alone, TRUE or FALSE, or what a query of one row tells; ``binds`` are the whole statement's.

    ``name`` is that of named notation.
    """

    name: str | None = None
    bind: int | None = None
    boolean: str | None = None
    statement: Statement | None = None
    binds: tuple[int, ...] = ()


@dataclass(frozen=True)
class Call:
    """A call of a function, as it stands in a statement."""

    name: str
    arguments: tuple[Argument, ...]


@dataclass(frozen=True)
class Rewritten:
    """A statement with binds in place of its calls: where each of its binds comes from.

    A source is the number of a bind of the whole statement, or -1 - n for the call n.
    """

    statement: Statement
    sources: tuple[int, ...]
    calls: tuple[Call, ...]


# ---------------------------------------------------------------- reading
def find_calls(tokens: Sequence[Token], names: Collection[str]) -> list[tuple[int, int, str]]:
    """The outermost calls: the first token of each, the one behind its last, and the name."""
    found: list[tuple[int, int, str]] = []
    at = 0
    while at < len(tokens):
        end = at + 1
        if tokens[at].kind == WORD and not (at and tokens[at - 1].is_sign(".")):
            while end + 1 < len(tokens) and tokens[end].is_sign(".") and tokens[end + 1].kind == WORD:
                end += 2
            name = "".join(token.value for token in tokens[at:end])
            called = end < len(tokens) and tokens[end].is_sign("(")
            if name in names and (called or "." in name):
                end = _closing(tokens, end) if called else end
                found.append((at, end, name))
        at = end
    return found


def _closing(tokens: Sequence[Token], opening: int) -> int:
    depth = 0
    for at in range(opening, len(tokens)):
        depth += tokens[at].is_sign("(") - tokens[at].is_sign(")")
        if not depth:
            return at + 1
    raise OracleError(907, "missing right parenthesis", tokens[-1].end)


def read_call(
    sql: str, tokens: Sequence[Token], names: Collection[str], number_of: Callable[[Token], int], parse: Parse
) -> Call | None:
    """The call that these tokens are, all of them; None where they are something else."""
    found = find_calls(tokens, names)
    if len(found) != 1 or found[0][:2] != (0, len(tokens)):
        return None
    name = found[0][2]
    opening = next((at for at, token in enumerate(tokens) if token.is_sign("(")), len(tokens))
    inside = list(tokens[opening + 1 : -1])
    arguments = [_argument(sql, part, number_of, parse) for part in split_list(inside)] if inside else []
    return Call(name, tuple(arguments))


def _argument(sql: str, tokens: list[Token], number_of: Callable[[Token], int], parse: Parse) -> Argument:
    name = None
    if len(tokens) > 2 and tokens[1].is_sign("=>"):
        name, tokens = tokens[0].value, tokens[2:]
    if not tokens:
        raise OracleError(936, "missing expression")
    if len(tokens) == 1 and tokens[0].kind == BIND:
        return Argument(name, bind=number_of(tokens[0]))
    if len(tokens) == 1 and tokens[0].is_word("TRUE", "FALSE"):
        return Argument(name, boolean="t" if tokens[0].value == "TRUE" else "f")
    statement = parse(f"SELECT {sql[tokens[0].start : tokens[-1].end]} FROM DUAL")
    binds = tuple(number_of(token) for token in tokens if token.kind == BIND)
    return Argument(name, statement=statement, binds=binds)


def rewrite(sql: str, tokens: Sequence[Token], names: Collection[str], parse: Parse, plain: Parse) -> Statement | None:
    """A statement that calls functions, with binds in place of the calls; None where it calls none.

    Args:
        parse: reads a statement that may have calls in it.
        plain: reads one that has none.
    """
    found = find_calls(tokens, names)
    if not found:
        return None
    numbers = {token.start: number for number, token in enumerate(token for token in tokens if token.kind == BIND)}
    calls: list[Call] = []
    pieces: list[str] = []
    sources: list[int] = []
    at = position = 0
    for start, end, _name in found:
        made = read_call(sql, tokens[start:end], names, lambda token: numbers[token.start], parse)
        assert made is not None
        sources += [numbers[token.start] for token in tokens[at:start] if token.kind == BIND]
        sources.append(-1 - len(calls))
        pieces += [sql[position : tokens[start].start], f":{_MARK}{len(calls)} "]
        calls.append(made)
        at, position = end, tokens[end - 1].end
    sources += [numbers[token.start] for token in tokens[at:] if token.kind == BIND]
    inner = plain("".join([*pieces, sql[position:]]))
    if inner.names is not None:
        headings = {
            f":{_MARK}{number}": heading(list(tokens[start:end])) for number, (start, end, _) in enumerate(found)
        }
        inner.names = tuple(name and _renamed(name, headings) for name in inner.names)
    returning = sources[inner.returning_from] if inner.returning_from is not None else None
    outer_names = tuple(token.value for token in tokens if token.kind == BIND)
    return dataclasses.replace(
        inner,
        sql=sql,
        bind_names=outer_names,
        returning_from=returning,
        rewritten=Rewritten(inner, tuple(sources), tuple(calls)),
    )


def _renamed(name: str, headings: dict[str, str]) -> str:
    """The name that Oracle gives an expression has the call in it."""
    return re.sub(rf":{_MARK}\d+", lambda found: headings[found.group()], name)


# ---------------------------------------------------------------- calling
@dataclass(frozen=True)
class Made:
    """A call that was made: what came back, the binds of its OUT parameters, and those whose values it read."""

    returned: Returned
    outs: dict[str, int]
    read: set[int]


def resolve(
    backend: Backend,
    statement: Statement,
    bind_types: Sequence[OracleType],
    rows: Sequence[Sequence[bytes | None]],
) -> tuple[Statement, list[OracleType], list[list[bytes | None]]]:
    """Make the calls of a statement for each bind row: what is to be run, its binds' types, and their values.

    Raises:
        OracleError: what a function raised, or how it cannot be called.
    """
    rewritten: Rewritten = statement.rewritten
    known: dict[int, OracleType] = {}
    made: list[list[bytes | None]] = []
    for row in rows:
        results: list[bytes | None] = []
        for number, each in enumerate(rewritten.calls):
            kind, value = _value(backend, each, bind_types, row)
            if value is not None or number not in known:
                known[number] = kind
            results.append(value)
        made.append(
            [
                results[-1 - source] if source < 0 else row[source] if source < len(row) else None
                for source in rewritten.sources
            ]
        )
    kinds = [known[-1 - source] if source < 0 else bind_types[source] for source in rewritten.sources]
    return rewritten.statement, kinds, made


def resolved_types(backend: Backend, statement: Statement, bind_types: Sequence[OracleType]) -> list[OracleType]:
    """The types of the binds of what is to be run, by what the functions say that they return."""
    rewritten: Rewritten = statement.rewritten
    kinds = [
        python_values.TYPES.get(backend.engine.routines.find(each.name).returns or "", types.varchar2(4000))
        for each in rewritten.calls
    ]
    return [
        kinds[-1 - source] if source < 0 else bind_types[source]
        for source in rewritten.sources
        if source < len(bind_types)
    ]


def _value(
    backend: Backend, each: Call, bind_types: Sequence[OracleType], row: Sequence[bytes | None]
) -> tuple[OracleType, bytes | None]:
    routine = backend.engine.routines.find(each.name)
    if any(parameter.mode != "in" for parameter in routine.parameters):
        raise OracleError(6572, f"Function {each.name} has out arguments")
    try:
        returned = make_call(backend, each, bind_types, row).returned
    except OracleError as error:
        if error.code == 904 and error.message.startswith('"'):
            raise unsupported(
                f"{each.name} of columns: the sandbox calls a function registered in Python once for a statement, with "
                f"binds and constants ({error.message})"
            ) from error
        raise
    if isinstance(returned.value, OpenCursor):
        raise unsupported(f"{each.name} in SQL, as it returns rows: call it in a block")
    if returned.results:
        raise unsupported(f"{each.name} in SQL, as it returns results: call it in a block")
    return python_values.typed(returned.value)


def make_call(
    backend: Backend,
    each: Call,
    bind_types: Sequence[OracleType],
    row: Sequence[bytes | None],
    returns_array: bool = False,
) -> Made:
    """Call a function.

    Args:
        returns_array: whether what it returns goes into an array.

    Raises:
        OracleError: what it raised; ORA-06550 when it cannot be called like that.
    """
    routine = backend.engine.routines.find(each.name)
    given, more, more_named = _assign(routine, each)
    arguments: dict[str, Json] = {}
    outs: dict[str, int] = {}
    read: set[int] = set()

    def evaluate(argument: Argument) -> Json:
        read.update(argument.binds if argument.bind is None else (argument.bind,))
        return _evaluate(backend, argument, bind_types, row)

    for parameter in routine.parameters:
        argument = given.get(parameter.name)
        if argument is None:
            continue
        if parameter.mode != "in":
            if argument.bind is None:
                raise _wrong(
                    f"PLS-00363: expression for {parameter.name} of {routine.name}, which is {parameter.mode.upper()}, "
                    "cannot be used as an assignment target: bind a variable"
                )
            outs[parameter.name] = argument.bind
        if parameter.mode != "out":
            arguments[parameter.name] = evaluate(argument)
    further = [evaluate(argument) for argument in more]
    named = {name: evaluate(argument) for name, argument in more_named.items()}
    arrays = [name for name, bind in outs.items() if bind_types[bind].most_elements]
    returned = routines.call(backend, routine, arguments, further, named, arrays, returns_array)
    return Made(returned, outs, read)


def _assign(routine: Routine, each: Call) -> tuple[dict[str, Argument], list[Argument], dict[str, Argument]]:
    """Which argument is for which parameter; and those beyond, for functions that take any."""
    known = {parameter.name: parameter for parameter in routine.parameters}
    given: dict[str, Argument] = {}
    more: list[Argument] = []
    more_named: dict[str, Argument] = {}
    for number, argument in enumerate(each.arguments):
        if argument.name is None:
            if any(before.name is not None for before in each.arguments[:number]):
                raise _wrong("PLS-00312: a positional parameter association may not follow a named association")
            if number < len(routine.parameters):
                given[routine.parameters[number].name] = argument
            elif routine.takes_more:
                more.append(argument)
            else:
                raise _wrong_number(routine)
        elif argument.name in known and argument.name not in given:
            given[argument.name] = argument
        elif routine.takes_more and argument.name not in known:
            more_named[argument.name] = argument
        else:
            raise _wrong_number(routine)
    if any(name not in given and not parameter.optional for name, parameter in known.items()):
        raise _wrong_number(routine)
    return given, more, more_named


def _wrong_number(routine: Routine) -> OracleError:
    expected = ", ".join(f"{each.name} {each.mode.upper()}" for each in routine.parameters)
    return _wrong(
        f"PLS-00306: wrong number or types of arguments in call to '{routine.name}', which takes ({expected})"
    )


def refuse_arrays(kinds: Iterable[OracleType]) -> None:
    """Refuse arrays where a single value stands (ORA-06550)."""
    if any(kind.most_elements for kind in kinds):
        raise _wrong("PLS-00382: expression is of wrong type: an array is the whole argument of a call, or its result")


def _wrong(message: str) -> OracleError:
    return OracleError(6550, message)


def _evaluate(
    backend: Backend, argument: Argument, bind_types: Sequence[OracleType], row: Sequence[bytes | None]
) -> Json:
    if argument.boolean is not None:
        return ["boolean", argument.boolean]
    if argument.bind is not None:
        if argument.bind >= len(row):
            raise OracleError(1008, "not all variables bound")
        return python_values.json_of(bind_types[argument.bind], row[argument.bind] or None)
    assert argument.statement is not None
    refuse_arrays(bind_types[bind] for bind in argument.binds)
    result = backend.query(
        argument.statement, [bind_types[bind] for bind in argument.binds], [row[bind] for bind in argument.binds]
    )
    (value,) = result.rows(0, 1)[0]
    kind = result.columns[0].type
    result.close()
    return python_values.json_of(kind, value)
