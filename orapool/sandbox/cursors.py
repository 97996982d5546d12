"""The cursors of a session: what is parsed, with its binds, and what is left to fetch."""

from __future__ import annotations

from dataclasses import dataclass, field

from orapool.sandbox.messages import (
    BIND_FLAG_REPEATED,
    Definition,
)
from orapool.sandbox.recorder import Record
from orapool.sandbox.rows import (
    RowEncoder,
    RowSource,
)
from orapool.sandbox.sql import Statement
from orapool.sandbox.sql.sql_id import make_sql_id
from orapool.sandbox.types import (
    BLOB,
    CLOB,
    JSON,
    Column,
    OracleType,
)

LOB_CODES = (CLOB.code, BLOB.code)

# Statement types in the end of a call, as OCI numbers them.
_STATEMENT_TYPES = {"SELECT": 3, "WITH": 3, "INSERT": 2, "UPDATE": 6, "DELETE": 7, "MERGE": 189}
_STATEMENT_TYPE_PLSQL = 47
_STATEMENT_TYPE_OTHER = 1

BindRow = list["bytes | None"]


@dataclass
class Cursor:
    """One parsed statement of a session, with its binds and what is left to fetch."""

    id: int
    statement: Statement | None = None
    sql: str = ""
    binds: tuple[Definition, ...] = ()
    defines: tuple[Definition, ...] = ()
    result: RowSource | None = None
    position: int = 0
    exhausted: bool = False
    columns: tuple[Column, ...] = ()
    described: tuple[Column, ...] | None = None
    out_binds: frozenset[int] = frozenset()
    # How its rows were encoded the last time, if that holds for others too.
    encoder: RowEncoder | None = None
    # What is recorded of its last execution.
    record: Record | None = None
    # Columns of LOBs that the client has defined as LONGs or strings, since the statement was parsed.
    inlined: set[int] = field(default_factory=set)

    @property
    def has_lobs(self) -> bool:
        """True when a column of the result is a LOB, or JSON, which comes as one."""
        return any(column.type.code in (*LOB_CODES, JSON.code) for column in self.columns)

    @property
    def bind_types(self) -> list[OracleType]:
        """The types of the binds, in order."""
        repeats = self.statement.repeats if self.statement is not None else {}
        firsts = [
            repeats.get(index, index) if definition.flags & BIND_FLAG_REPEATED else index
            for index, definition in enumerate(self.binds)
        ]
        return [self.binds[index].type for index in firsts]

    @property
    def sql_id(self) -> str:
        """Its statement's SQL_ID."""
        return make_sql_id(self.sql)

    @property
    def statement_type(self) -> int:
        """OCI's number of the kind of statement."""
        if self.statement is None:
            return 0
        if self.statement.kind == "plsql":
            return _STATEMENT_TYPE_PLSQL
        return _STATEMENT_TYPES.get(self.statement.verb, _STATEMENT_TYPE_OTHER)

    def close(self) -> None:
        """Drop what is left to fetch."""
        if self.result is not None:
            self.result.close()
            self.result = None
