"""A statement as a session runs it: its kind, its binds, and what PostgreSQL gets for it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

QUERY = "query"
DML = "dml"
DDL = "ddl"
PLSQL = "plsql"
TRANSACTION = "transaction"

_CACHE_SIZE = 2000


@dataclass(frozen=True)
class Part:
    """PostgreSQL's text in pieces: between two pieces stands a bind's number (counted from 0)."""

    pieces: tuple[str, ...]
    binds: tuple[int, ...]

    def text(self, merged: dict[int, int] | None = None, dollar: Callable[[int], str] | None = None) -> bytes:
        """The text with ``$n`` for its binds; `merged` maps a repeated bind to its first occurrence."""
        out = [self.pieces[0]]
        for bind, piece in zip(self.binds, self.pieces[1:]):
            number = merged.get(bind, bind) if merged else bind
            out.append((dollar(number) if dollar else f"${number + 1}") + piece)
        return "".join(out).encode()


@dataclass
class Statement:
    """One statement, parsed and translated.

    ``bind_names`` has one entry for each occurrence (SQL) or for each name (PL/SQL). ``returning_from`` is the index of
    the first OUT bind of RETURNING ... INTO. ``out_binds`` are the binds that a PL/SQL block assigns to.
    """

    sql: str
    kind: str
    verb: str
    bind_names: tuple[str, ...] = ()
    returning_from: int | None = None
    out_binds: tuple[int, ...] = ()
    # What PostgreSQL gets. `names` are the result's column names by position, None where PostgreSQL's hold.
    part: Part | None = None
    names: tuple[str | None, ...] | None = None
    literal_lengths: dict[int, int] = field(default_factory=dict)
    locks: bool = False
    lock_wait: int | None = None
    # For INSERT ... VALUES of plain expressions: the same as INSERT ... SELECT of the expressions, in two pieces.
    array_part: Part | None = None
    # Whether it is INSERT ... VALUES without RETURNING.
    inserts_row: bool = False
    table: tuple[str | None, str] | None = None
    # For INSERT without column names: how many values it has, or the query that tells.
    source: int | Part | None = None
    # String literals that stand where a conversion may be due; they follow the IN binds as parameters.
    constants: tuple[bytes, ...] = ()
    # Of a query: the functions it calls, as PostgreSQL knows them, and the tables it reads, CTEs excepted.
    functions: frozenset[str] = frozenset()
    tables: tuple[tuple[str | None, str], ...] = ()
    # The tables of FROM whose rows it hands over one by one: `lob_places.row_sources`.
    row_sources: tuple[str, ...] = ()
    # Of a query AS OF SCN: the SCN as it stands at its tables, and the numbers of the binds that have it.
    scns: tuple[int, ...] = ()
    scn_binds: tuple[int, ...] = ()
    # Whether it asks for the SCN of now.
    asks_scn: bool = False
    # DDL, PL/SQL and transaction control: what the session calls.
    action: Any = None
    # Where functions registered from outside are called in it: `routine_calls.Rewritten`.
    rewritten: Any = None

    @property
    def inputs(self) -> int:
        """How many binds go in: all but those of RETURNING ... INTO."""
        return len(self.bind_names) if self.returning_from is None else self.returning_from

    @cached_property
    def repeats(self) -> dict[int, int]:
        """Binds whose name was there before, with the index of its first occurrence."""
        first: dict[str, int] = {}
        found: dict[int, int] = {}
        for index, name in enumerate(self.bind_names):
            if first.setdefault(name, index) != index:
                found[index] = first[name]
        return found


class StatementCache:
    """Parsed statements by text, the most recently used ones, shared by all sessions of an engine."""

    def __init__(self) -> None:
        self._statements: OrderedDict[str, Statement] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, sql: str, parse: Callable[[str], Statement], sight: str = "") -> Statement:
        """The statement of a text, parsed now if it is not there; `sight` for what its names stand for."""
        key = sql + sight
        with self._lock:
            found = self._statements.get(key)
            if found is not None:
                self._statements.move_to_end(key)
                return found
        parsed = parse(sql)
        with self._lock:
            self._statements[key] = parsed
            while len(self._statements) > _CACHE_SIZE:
                self._statements.popitem(last=False)
        return parsed

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._statements.clear()
