"""Functions and procedures that are registered from outside: which there are, and how they are called.

Each call goes over a Unix socket to the process that has the function, which may have statements run in the session
that waits for it.
"""

from __future__ import annotations

import json
import re
import select
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orapool.sandbox import types
from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql import python_values
from orapool.sandbox.sql.dialect import unsupported
from orapool.sandbox.sql.open_cursor import OpenCursor
from orapool.sandbox.sql.python_values import Json
from orapool.sandbox.sql.statement import PLSQL, QUERY, Statement, StatementCache
from orapool.sandbox.types import Column, OracleType

if TYPE_CHECKING:
    from orapool.sandbox.sql.backend import Backend

_INTERRUPTED = 1013
_ASK_AGAIN_MILLISECONDS = 50
_PIECE = 1 << 16


@dataclass(frozen=True)
class Parameter:
    """A parameter: its name, ``in``, ``out`` or ``in out``, and whether it may be left out."""

    name: str
    mode: str
    optional: bool


@dataclass(frozen=True)
class Routine:
    """A function that may be called: its name, what it takes and returns, and the socket that answers."""

    name: str
    path: str
    parameters: tuple[Parameter, ...] = ()
    takes_more: bool = False
    returns: str | None = None


@dataclass
class Returned:
    """What a call gave back: the result, the values of OUT parameters by name, and implicit results."""

    value: Any = None
    out: dict[str, Any] = field(default_factory=dict)
    results: list[OpenCursor] = field(default_factory=list)


class Routines:
    """Those of one engine, by name. May be used by all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_name: dict[str, Routine] = {}
        self._pattern: re.Pattern[str] | None = None
        self.statements = StatementCache()
        """Statements that call some of them, as long as there is none more or less."""

    def register(
        self, name: str, path: str, parameters: Sequence[Sequence[Any]], takes_more: bool, returns: str | None
    ) -> None:
        """Add one, in place of what had its name."""
        made = Routine(name, path, tuple(Parameter(*each) for each in parameters), takes_more, returns)
        with self._lock:
            self._changed({**self._by_name, name: made})

    def unregister(self, name: str | None = None) -> None:
        """Remove one, or all."""
        with self._lock:
            self._changed({} if name is None else {key: each for key, each in self._by_name.items() if key != name})

    def _changed(self, by_name: dict[str, Routine]) -> None:
        self._by_name = by_name
        self.statements = StatementCache()
        names = "|".join(re.escape(name).replace(r"\.", r"\s*\.\s*") for name in by_name)
        self._pattern = re.compile(rf"(?<![\w$#])(?:{names})(?![\w$#])", re.IGNORECASE) if by_name else None

    @property
    def registered(self) -> dict[str, Routine]:
        """All of them, by name."""
        return dict(self._by_name)

    @registered.setter
    def registered(self, routines: dict[str, Routine]) -> None:
        with self._lock:
            if routines != self._by_name:
                self._changed(dict(routines))

    @property
    def names(self) -> frozenset[str]:
        """Their names."""
        return frozenset(self._by_name)

    def may_be_called_in(self, sql: str) -> bool:
        """Whether a statement has the name of one in it."""
        pattern = self._pattern
        return pattern is not None and pattern.search(sql) is not None

    def find(self, name: str) -> Routine:
        """The one of a name.

        Raises:
            OracleError: ORA-06550 when there is none any more.
        """
        found = self._by_name.get(name)
        if found is None:
            raise OracleError(6550, f"PLS-00201: identifier '{name}' must be declared")
        return found


def call(backend: Backend, routine: Routine, arguments: Mapping[str, Json], more: Sequence[Json] = (),
         more_named: Mapping[str, Json] | None = None, arrays: Sequence[str] = (),
         returns_array: bool = False) -> Returned:  # fmt: skip
    """Call a function and wait for what it gives back.

    Args:
        arrays: the OUT parameters that are bound to arrays.
        returns_array: whether the result is.

    Raises:
        OracleError: what the function raised; ORA-01013 when the client broke in, or has gone.
    """
    identity = backend.identity
    session = {name: getattr(identity, name) for name in ("sid", "user", "module", "action", "client_identifier")}
    request = {
        "function": routine.name,
        "session": session,
        "arguments": arguments,
        "more": list(more),
        "more_named": dict(more_named or {}),
        "arrays": list(arrays),
        "returns_array": returns_array,
    }
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        try:
            sock.connect(routine.path)
            conversation = _Conversation(backend, sock)
            answer = conversation.ask(request)
            while "sql" in answer:
                answer = conversation.ask(_run(backend, answer["sql"], answer["binds"]))
        except OSError as error:
            raise OracleError(
                6512, f'at "{routine.name}": the process that registered it does not answer ({error.strerror or error})'
            ) from error
    if "error" in answer:
        code, message = answer["error"]
        if code == 6512:
            raise OracleError(code, message)
        raise OracleError(code, f'{message}\nORA-06512: at "{routine.name}"')
    return Returned(
        _given(backend, answer["returned"]),
        {name: _given(backend, value) for name, value in answer["out"].items()},
        [_open(backend, each) for each in answer["results"]],
    )


class _Conversation:
    """Lines to and from the function's process; a break of the client ends the waiting."""

    def __init__(self, backend: Backend, sock: socket.socket) -> None:
        self._watch = backend.watch
        self._socket = sock
        self._received = b""

    def ask(self, message: Mapping[str, Any]) -> dict[str, Any]:
        self._socket.sendall(json.dumps(message).encode() + b"\n")
        while b"\n" not in self._received:
            self._wait()
            piece = self._socket.recv(_PIECE)
            if not piece:
                raise ConnectionResetError("its process has ended")
            self._received += piece
        line, _, self._received = self._received.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _wait(self) -> None:
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        watch = self._watch
        if watch is None:
            poll.poll()
            return
        poll.register(watch.fileno, select.POLLIN)
        limit: int | None = None
        while True:
            ready = [number for number, _ in poll.poll(limit)]
            if self._socket.fileno() in ready:
                return
            if watch.interrupted():
                raise OracleError(_INTERRUPTED, "user requested cancel of current operation")
            if limit is None:
                poll.unregister(watch.fileno)
                limit = _ASK_AGAIN_MILLISECONDS


def bound(
    statement: Statement, binds: Sequence[Json] | Mapping[str, Json]
) -> tuple[list[OracleType], list[bytes | None]]:
    """The types and values of binds, by position or by name, for a statement.

    Raises:
        OracleError: ORA-01008 where one is missing, ORA-01036 where there are more.
    """
    names = statement.bind_names
    if isinstance(binds, Mapping):
        missing = [name for name in names if name not in binds]
        if missing:
            raise OracleError(1008, f"not all variables bound: {', '.join(missing)}")
        given = [binds[name] for name in names]
        surplus = sorted(set(binds) - set(names))
        if surplus:
            raise OracleError(1036, f"illegal variable name/number: {', '.join(surplus)}")
    else:
        unique = list(dict.fromkeys(names))
        given = list(binds)
        if len(given) == len(unique) < len(names):
            given = [given[unique.index(name)] for name in names]
        if len(given) < len(names):
            raise OracleError(1008, "not all variables bound")
        if len(given) > len(names):
            raise OracleError(1036, f"illegal variable name/number: {len(given)} values for {len(names)} binds")
    pairs = [python_values.typed(value) for value in given]
    return [kind for kind, _value in pairs], [value for _kind, value in pairs]


def run_statement(backend: Backend, sql: str, binds: Sequence[Json] | Mapping[str, Json]) -> dict[str, Any]:
    """Run a statement in a session: its rows, or how many there were.

    Raises:
        OracleError: what the engine refused.
    """
    statement = backend.prepare(sql)
    if statement.returning_from is not None:
        raise unsupported("RETURNING in a statement of a function")
    kinds, values = bound(statement, binds)
    if statement.kind != QUERY:
        outcome = backend.execute(statement, kinds, [values])
        if statement.kind == PLSQL and (outcome.out or outcome.cursors):
            raise unsupported("OUT binds in a statement of a function")
        return {"row_count": outcome.row_count}
    result = backend.query(statement, kinds, values)
    of_columns = [column.type for column in result.columns]
    rows = [
        [python_values.json_of(kind, value) for kind, value in zip(of_columns, row)]
        for row in result.rows(0, result.row_count)
    ]
    result.close()
    return {"columns": [column.name for column in result.columns], "rows": rows}


def _run(backend: Backend, sql: str, binds: Any) -> dict[str, Any]:
    try:
        return run_statement(backend, sql, binds)
    except OracleError as error:
        if error.code == _INTERRUPTED:
            raise
        return {"error": [error.code, error.message]}


def _given(backend: Backend, value: Any) -> Any:
    return _open(backend, value) if isinstance(value, dict) else value


def _open(backend: Backend, given: dict[str, Any]) -> OpenCursor:
    if "sql" in given:
        statement = backend.prepare(given["sql"])
        if statement.kind != QUERY:
            raise OracleError(6504, f"PL/SQL: a REF CURSOR is opened for a query, not for {statement.verb}")
        kinds, values = bound(statement, given["binds"])
        return OpenCursor(statement, kinds, values)
    return rows_given(given["columns"], given["rows"])


def rows_given(names: Sequence[str], rows: Sequence[Sequence[Json]]) -> OpenCursor:
    """Rows that come from Python, with the types of their values."""
    columns: list[Column] = []
    values: list[list[bytes | None]] = []
    for number, name in enumerate(names):
        given = [row[number] for row in rows]
        kind = _kind_of(given)
        values.append([python_values.converted(value, kind, f"column {name}") for value in given])
        longest = max((len(value) for value in values[-1] if value is not None), default=1)
        if kind.code in (1, 23):
            if longest > (32767 if kind.code == 1 else 2 * 32767 + 2):
                raise unsupported(f"rows of Python with more than 32767 bytes in a value (column {name})")
            size = longest if kind.code == 1 else (longest - 2) // 2
            kind = (types.varchar2 if kind.code == 1 else types.raw)(max(1, size))
        columns.append(Column(name, kind))
    return OpenCursor(columns=tuple(columns), rows=list(zip(*values)) if names else [])


def _kind_of(values: Sequence[Json]) -> OracleType:
    kinds = {python_values.typed(value)[0].code: python_values.typed(value)[0] for value in values if value is not None}
    if not kinds:
        return types.varchar2(1)
    if len(kinds) == 1:
        kind = next(iter(kinds.values()))
        return types.number() if kind.code == 252 else kind
    if set(kinds) <= {12, 180}:
        return kinds[180]
    if set(kinds) <= {12, 180, 181}:
        return kinds[181]
    if set(kinds) <= {2, 101}:
        return kinds[101]
    return types.varchar2(python_values.LONGEST_STRING)
