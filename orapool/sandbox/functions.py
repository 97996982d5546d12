"""Functions and procedures in Python that stand for those of PL/SQL: what they are given, and what they give back.

A function runs in the process that registered it, in a thread of its own, while the session that called it waits.
"""

from __future__ import annotations

import collections.abc
import contextlib
import inspect
import json
import logging
import os
import re
import socket
import threading
import typing
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Generic, TypeVar

from orapool.sandbox.errors import OracleError
from orapool.sandbox.tabular import columns_of, is_tabular
from orapool.sandbox.values import Json, from_json, to_json

logger = logging.getLogger(__name__)

T = TypeVar("T")


class _Stream(typing.Protocol):
    """A socket as a file."""

    def readline(self) -> bytes:
        """A line."""

    def write(self, data: bytes, /) -> object:
        """Write."""

    def flush(self) -> None:
        """Send."""


_NAME = re.compile(r"[A-Za-z][\w$#]*(\.[A-Za-z][\w$#]*){0,2}")
_MODES = re.compile(r"(?:\w+\.)*(Out|InOut)(?:\[.*\])?")
_KINDS = {"int": "number", "float": "number", "Decimal": "number", "str": "text", "bytes": "bytes", "bool": "boolean"}
_KINDS |= {"date": "date", "datetime": "date", "timedelta": "interval"}
_FAILED = 6512


class Out(Generic[T]):
    """An OUT parameter: the annotation of a function's parameter, and what the function gets for it.

    Example:
        >>> def place(item: str, order_id: Out[int]) -> None:
        ...     order_id.value = 4711
    """

    def __init__(self, value: T | None = None) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!r})"


class InOut(Out[T]):
    """An IN OUT parameter: `value` is what the caller gave, until the function sets another."""


@dataclass(frozen=True)
class Query:
    """A query to be opened in the caller's session, as its REF CURSOR or implicit result.

    Args:
        sql: the query.
        binds: its bind values, by position or by name.
    """

    sql: str
    binds: Sequence[Any] | Mapping[str, Any] = ()


@dataclass(frozen=True)
class Rows:
    """Rows made in Python, for a REF CURSOR or an implicit result.

    Args:
        columns: their names.
        rows: their values.
    """

    columns: Sequence[str]
    rows: Iterable[Sequence[Any]]


@dataclass(frozen=True)
class Parameter:
    """A parameter of a function: how PL/SQL knows it, and what Python wants of it."""

    name: str
    keyword: str
    mode: str
    optional: bool
    kind: type | None = None


@dataclass(frozen=True)
class Signature:
    """What a function takes and returns."""

    parameters: tuple[Parameter, ...]
    takes_session: bool = False
    takes_more: bool = False
    returns: str | None = None

    def as_json(self) -> dict[str, Any]:
        """What the server has to know."""
        return {
            "parameters": [[each.name, each.mode, each.optional] for each in self.parameters],
            "takes_more": self.takes_more,
            "returns": self.returns,
        }


def routine_name(name: str) -> str:
    """A name as calls have it, in upper case.

    Raises:
        ValueError: it is none that PL/SQL could call.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a name of PL/SQL: function, package.function or schema.package.function")
    return name.upper()


def signature_of(function: Callable[..., Any]) -> Signature:
    """A function's parameters, by its signature and annotations.

    Raises:
        ValueError: for one that PL/SQL could not call.
    """
    try:
        found = inspect.signature(function)
    except (TypeError, ValueError):  # built in
        return Signature((), takes_more=True)
    parameters: list[Parameter] = []
    takes_session = takes_more = False
    for number, each in enumerate(found.parameters.values()):
        if each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD):
            takes_more = True
            continue
        if number == 0 and each.name == "session":
            takes_session = True
            continue
        annotation = _annotation(each.annotation, function)
        mode, kind = _mode(annotation)
        optional = each.default is not each.empty
        if mode != "in" and optional:
            raise ValueError(f"parameter {each.name} of {_name_of(function)} is {mode.upper()} and has a default")
        parameters.append(Parameter(each.name.upper(), each.name, mode, optional, kind))
    returns = _annotation(found.return_annotation, function)
    return Signature(tuple(parameters), takes_session, takes_more, _KINDS.get(getattr(returns, "__name__", "")))


def _annotation(annotation: Any, function: Callable[..., Any]) -> Any:
    """What an annotation means, which is a text where annotations are not evaluated."""
    if not isinstance(annotation, str):
        return annotation
    function = inspect.unwrap(function)
    names = dict(getattr(function, "__globals__", {}))
    if inspect.isfunction(function):
        names.update(inspect.getclosurevars(function).nonlocals)
    try:
        return eval(annotation, names)
    except Exception:
        match = _MODES.fullmatch(annotation.strip())
        return {"Out": Out, "InOut": InOut}[match.group(1)] if match else annotation


def _mode(annotation: Any) -> tuple[str, type | None]:
    origin = typing.get_origin(annotation) or annotation
    if origin is InOut or origin is Out:
        kind = next(iter(typing.get_args(annotation)), None)
        return ("in out" if origin is InOut else "out"), _kind(kind)
    return "in", _kind(annotation)


def _kind(annotation: Any) -> type | None:
    """The type that an annotation tells of a value, or of an array's elements."""
    if typing.get_origin(annotation) in (list, collections.abc.Sequence):
        annotation = next(iter(typing.get_args(annotation)), None)
    return annotation if isinstance(annotation, type) else None


class CallSession:
    """The session that called a function, for the function's own SQL: the parameter ``session``."""

    def __init__(self, stream: _Stream, attributes: Mapping[str, Any]) -> None:
        self._stream = stream
        self._results: list[Any] = []
        self.sid: int = attributes["sid"]
        self.user: str = attributes["user"]
        self.module: str = attributes["module"]
        self.action: str = attributes["action"]
        self.client_identifier: str = attributes["client_identifier"]

    def __repr__(self) -> str:
        return f"<CallSession {self.sid} of {self.user}>"

    def execute(self, sql: str, binds: Sequence[Any] | Mapping[str, Any] = ()) -> Any:
        """Run a statement in the session, within its transaction; a query's rows as tuples, else how many rows.

        Raises:
            OracleError: what the database refused.
        """
        answer = _ask(self._stream, {"sql": sql, "binds": _binds(binds)})
        if "error" in answer:
            raise OracleError(*answer["error"])
        if "rows" in answer:
            return [tuple(from_json(value) for value in row) for row in answer["rows"]]
        return answer["row_count"]

    def return_result(self, result: Any) -> None:
        """Add an implicit result (DBMS_SQL.RETURN_RESULT): a `Query`, `Rows`, a DataFrame, or a list of tuples."""
        self._results.append(_cursor(result))


@dataclass
class _Registered:
    name: str
    function: Callable[..., Any]
    signature: Signature


class FunctionServer:
    """Answers the server's calls of registered functions, over a Unix socket of its own.

    Args:
        path: where; an old socket there is replaced.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._functions: dict[str, _Registered] = {}
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen(64)
        self._owner = os.getpid()
        # Also when nobody closes it.
        self._removal = weakref.finalize(self, _remove, path, self._owner)
        threading.Thread(target=self._accept, name="sandbox functions", daemon=True).start()

    def close(self) -> None:
        """Answer no more."""
        if os.getpid() != self._owner:
            return
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._removal()

    def add(self, name: str, function: Callable[..., Any]) -> Signature:
        """Take a function up under a name, in place of what had that."""
        signature = signature_of(function)
        self._functions[name] = _Registered(name, function, signature)
        return signature

    def _accept(self) -> None:
        while True:
            try:
                sock, _address = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), name="sandbox function", daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            with sock, sock.makefile("rwb") as stream:
                line = stream.readline()
                if line:
                    _send(stream, self._run(stream, json.loads(line)))
        except OSError:  # the caller has gone
            pass

    def _run(self, stream: _Stream, request: dict[str, Any]) -> dict[str, Any]:
        registered = self._functions[request["function"]]
        try:
            return _call(registered, stream, request)
        except OracleError as error:
            return {"error": [error.code, error.message]}
        except ConnectionError:
            raise
        except Exception as error:
            logger.exception("the function registered as %s failed", registered.name)
            place = ""
            frames = inspect.getinnerframes(error.__traceback__) if error.__traceback__ else []
            if len(frames) > 1:
                place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})"
            return {"error": [_FAILED, f'at "{registered.name}": {type(error).__name__}: {error}{place}']}


def _call(registered: _Registered, stream: _Stream, request: dict[str, Any]) -> dict[str, Any]:
    session = CallSession(stream, request["session"])
    given: dict[str, Json] = request["arguments"]
    positional: list[Any] = [session] if registered.signature.takes_session else []
    named: dict[str, Any] = {}
    outs: dict[str, Out[Any]] = {}
    for each in registered.signature.parameters:
        if each.mode == "in":
            if each.name in given:
                named[each.keyword] = _as(given[each.name], each.kind)
            continue
        value = _as(given.get(each.name), each.kind)
        outs[each.name] = named[each.keyword] = InOut(value) if each.mode == "in out" else Out()
    more = [_as(value, None) for value in request["more"]]
    if more or registered.signature.takes_more:  # *args come after what stands before them
        positional += [named.pop(each.keyword) for each in registered.signature.parameters if each.keyword in named]
        positional += more
        named = {name.lower(): _as(value, None) for name, value in request["more_named"].items()}
    returned = registered.function(*positional, **named)
    arrays = frozenset(request["arrays"])
    return {
        "returned": _result(returned, registered.name, request["returns_array"]),
        "out": {name: _result(out.value, f"{name} of {registered.name}", name in arrays) for name, out in outs.items()},
        "results": session._results,
    }


def _as(given: Json, kind: type | None) -> Any:
    """An argument as Python wants it: without an annotation, NUMBERs are ints or floats; of an array, each element."""
    if given is not None and given[0] == "array":
        return [_as(each, kind) for each in given[1]]
    value = from_json(given)
    if isinstance(value, Decimal) and kind is not Decimal:
        return float(value)
    if kind in (float, Decimal) and isinstance(value, int):
        return kind(value)
    return value


def _result(value: Any, what: str, is_array: bool = False) -> Any:
    if is_array:
        return _array(value, what)
    if isinstance(value, (Query, Rows, list, tuple)) or is_tabular(value):
        return _cursor(value)
    try:
        return to_json(value)
    except TypeError as error:
        raise OracleError(6502, f"PL/SQL: numeric or value error: {what}: {error}") from None


def _array(value: Any, what: str) -> Any:
    """What goes into an array that the caller has bound; None is one without elements."""
    if isinstance(value, (str, bytes, Mapping, Query, Rows)) or not (value is None or isinstance(value, Iterable)):
        raise OracleError(
            6502, f"PL/SQL: numeric or value error: {what} is bound to an array: give it a list of values"
        )
    try:
        return ["array", [to_json(each) for each in (() if value is None else value)]]
    except TypeError as error:
        raise OracleError(6502, f"PL/SQL: numeric or value error: an element of {what}: {error}") from None


def _cursor(value: Any) -> dict[str, Any]:
    """What a REF CURSOR is opened for."""
    if isinstance(value, Query):
        return {"sql": value.sql, "binds": _binds(value.binds)}
    if is_tabular(value):
        columns = columns_of(value)
        names, rows = [each.name for each in columns], list(zip(*[each.values for each in columns]))
    elif isinstance(value, Rows):
        names, rows = list(value.columns), [tuple(row) for row in value.rows]
    else:
        names, rows = _rows_of(list(value))
    if any(len(row) != len(names) for row in rows):
        raise ValueError(f"a row has not as many values as there are columns: {len(names)}")
    return {
        "columns": [name.upper() for name in names],
        "rows": [[to_json(value) for value in row] for row in rows],
    }


def _rows_of(rows: list[Any]) -> tuple[list[str], list[tuple[Any, ...]]]:
    first = rows[0] if rows else (None,)
    if isinstance(first, Mapping):
        return list(first), [tuple(row[name] for name in first) for row in rows]
    fields = getattr(first, "_fields", None) or [f"COLUMN{number + 1}" for number in range(len(first))]
    return list(fields), [tuple(row) for row in rows]


def _binds(binds: Sequence[Any] | Mapping[str, Any]) -> Any:
    if isinstance(binds, Mapping):
        return {name.lstrip(":").upper(): to_json(value) for name, value in binds.items()}
    return [to_json(value) for value in binds]


def _name_of(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", None) or repr(function)


def _remove(path: Path, owner: int) -> None:
    if os.getpid() == owner:
        path.unlink(missing_ok=True)


def _send(stream: _Stream, message: dict[str, Any]) -> None:
    stream.write(json.dumps(message).encode() + b"\n")
    stream.flush()


def _ask(stream: _Stream, message: dict[str, Any]) -> dict[str, Any]:
    _send(stream, message)
    line = stream.readline()
    if not line:
        raise ConnectionError("the session that called has ended")
    answer: dict[str, Any] = json.loads(line)
    return answer
