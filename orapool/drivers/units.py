"""What a unit of work has sent to the database: nothing but queries, or something that must not be sent twice."""

from __future__ import annotations

import functools
import re
from contextvars import ContextVar
from typing import Any, Callable

# What does not change with the session's end: queries, and what is set in the session or its transaction.
# Each alternative ends where it must, so that nothing of a comment is ever taken for the statement.
_SPACE = r"(?:\s|--[^\n]*(?:\n|\Z)|/\*(?:[^*]|\*(?!/))*\*/)"
_HARMLESS = re.compile(
    rf"(?:{_SPACE}|\()*"
    rf"(?:select\b|with\b(?!{_SPACE}+(?:function|procedure)\b)|alter{_SPACE}+session\b"
    rf"|set{_SPACE}+(?:role|transaction)\b|savepoint\b|rollback\b)",
    re.IGNORECASE | re.DOTALL,
)
# Blocks that are harmless too: what SQLAlchemy sends to learn the isolation level, and what names a session.
_ARGUMENT = r"(?::\w+|true|false|null|'[^']*')"
_HARMLESS_BLOCK = re.compile(
    r"\s*begin\s+(?::\w+\s*:=\s*dbms_transaction\.local_transaction_id"
    r"|dbms_application_info\.set_(?:module|action|client_info)|dbms_session\.(?:set|clear)_identifier)"
    rf"\s*(?:\(\s*{_ARGUMENT}\s*(?:,\s*{_ARGUMENT}\s*)*\))?\s*;\s*end\s*;\s*",
    re.IGNORECASE,
)
# A query that takes locks. A session that died in silence may hold them for hours, and a second one would wait.
_LOCKS = re.compile(rf"\bfor{_SPACE}+update\b", re.IGNORECASE | re.DOTALL)
_WORD = re.compile(rf"(?:{_SPACE}|\()*(\w+)", re.DOTALL)

# What begins no transaction, or one that the server tells of, as it does of locks that a query takes. A database link
# begins one in both databases, and SET TRANSACTION one that holds nothing yet.
_BEGINS_NONE = re.compile(
    rf"(?:{_SPACE}|\()*(?:select\b|with\b(?!{_SPACE}+(?:function|procedure)\b)|alter{_SPACE}+session\b)",
    re.IGNORECASE | re.DOTALL,
)

# Methods of the drivers' connections that send more than queries, or could: queues, SODA, two-phase commits and so on.
WRITING_METHODS = (
    "begin",
    "begin_sessionless_transaction",
    "changepassword",
    "commit",
    "deq",
    "direct_path_load",
    "enq",
    "getSodaDatabase",
    "prepare",
    "queue",
    "resume_sessionless_transaction",
    "run_pipeline",
    "shutdown",
    "startup",
    "subscribe",
    "tpc_begin",
    "tpc_commit",
    "tpc_end",
    "tpc_forget",
    "tpc_prepare",
    "tpc_rollback",
)


class Unit:
    """A unit of work that may be run again, while it runs."""

    def __init__(self) -> None:
        self.outer = current.get()
        self.wrote: str | None = None
        """What it sent first that is not harmless, like ``INSERT``, or None."""
        self.lost: dict[int, BaseException] = {}
        """Errors, by identity, with which calls of the driver lost their session."""
        self.pools: list[Any] = []
        """The pools whose sessions it lost."""

    def note_write(self, what: str) -> None:
        """It is about to send something that must not be sent twice."""
        unit: Unit | None = self
        while unit is not None:
            unit.wrote = unit.wrote or what
            unit = unit.outer

    def note_lost(self, error: BaseException, pool: Any) -> None:
        """A session of `pool` was lost by `error`."""
        unit: Unit | None = self
        while unit is not None:
            unit.lost[id(error)] = error
            if pool is not None and pool not in unit.pools:
                unit.pools.append(pool)
            unit = unit.outer


current: ContextVar[Unit | None] = ContextVar("orapool_unit_of_work", default=None)
"""The unit of work that runs here."""


def find_write(statement: Any) -> str | None:
    """What `statement` does that must not be done twice, in a word or three, or None: it is harmless.

    >>> find_write("select * from orders") or find_write("/* all */ insert into orders values (1)")
    'INSERT'
    """
    if not isinstance(statement, str):
        return "an unknown statement"
    if _HARMLESS.match(statement) is None:
        if _HARMLESS_BLOCK.fullmatch(statement):
            return None
        word = _WORD.match(statement)
        return word.group(1).upper() if word else "an unknown statement"
    return "SELECT ... FOR UPDATE" if _LOCKS.search(statement) else None


def may_begin_transaction(statement: Any) -> bool:
    """Whether `statement` may begin a transaction that the server's answers do not tell of.

    >>> may_begin_transaction("select * from orders"), may_begin_transaction("set transaction read only")
    (False, True)
    """
    return not isinstance(statement, str) or _BEGINS_NONE.match(statement) is None or "@" in statement


def watch(connection_class: type) -> None:
    """Have a connection class note calls of `WRITING_METHODS`."""
    for name in WRITING_METHODS:
        method = getattr(connection_class, name, None)
        if method is not None and not hasattr(method, "_noted"):
            setattr(connection_class, name, _noted(name, method))


def _noted(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def noted(self: Any, *args: Any, **options: Any) -> Any:
        self.may_have_begun = True
        for unit in (current.get(), self.unit):
            if unit is not None:
                unit.note_write(name.upper() if name == "commit" else f"{name}()")
        return method(self, *args, **options)

    noted._noted = True  # type: ignore[attr-defined]
    return noted
