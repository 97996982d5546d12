"""Oracle's types of columns: by PostgreSQL's types, and by our own catalogue where those say too little."""

from __future__ import annotations

import threading

from psycopg import pq
from psycopg.pq.abc import PGconn, PGresult

from orapool.sandbox import types
from orapool.sandbox.types import Column, OracleType

# PostgreSQL's OIDs (pg_type.dat).
BOOL, BYTEA, CHAR1, NAME, INT8, INT2, INT4, TEXT, OID, TID = 16, 17, 18, 19, 20, 21, 23, 25, 26, 27
FLOAT4, FLOAT8, UNKNOWN, BPCHAR, VARCHAR = 700, 701, 705, 1042, 1043
TIMESTAMP, TIMESTAMPTZ, INTERVAL, NUMERIC = 1114, 1184, 1186, 1700

# The precision of a numeric(precision, b) that stands for FLOAT(b): see `oracle.fit`.
FLOATING = 1000

# Expressions of text: Oracle's limit for a VARCHAR2 in SQL. Longer values are refused when read (ORA-01489).
TEXT_LIMIT = 4000

_FIXED = {
    BOOL: types.BOOLEAN,
    BYTEA: types.raw(2000),
    CHAR1: types.varchar2(1),
    NAME: types.varchar2(128),
    INT8: types.number(),
    INT2: types.number(),
    INT4: types.number(),
    OID: types.number(),
    TEXT: types.varchar2(TEXT_LIMIT),
    UNKNOWN: types.varchar2(TEXT_LIMIT),
    VARCHAR: types.varchar2(TEXT_LIMIT),
    FLOAT4: types.BINARY_FLOAT,
    FLOAT8: types.BINARY_DOUBLE,
    INTERVAL: types.INTERVAL_DS,
    TID: types.ROWID,
}

# What the binary form of a value is, by PostgreSQL's type.
_FORMS = {
    BOOL: "bool",
    BYTEA: "bytes",
    CHAR1: "text",
    NAME: "text",
    INT8: "integer",
    INT2: "integer",
    INT4: "integer",
    OID: "oid",
    TEXT: "text",
    UNKNOWN: "text",
    VARCHAR: "text",
    BPCHAR: "text",
    FLOAT4: "float",
    FLOAT8: "double",
    INTERVAL: "interval",
    NUMERIC: "numeric",
    TIMESTAMP: "timestamp",
    TIMESTAMPTZ: "timestamp",
    TID: "rowid",
}
_OWN_FORMS = {
    "date": "timestamp",
    "clob": "clob",
    "nclob": "clob",
    "blob": "blob",
    "interval_ym": "interval",
    "json": "json",
}

# Our own types, whose OIDs differ from database to database.
_OWN = {
    "date": types.DATE,
    "clob": types.CLOB,
    "nclob": types.NCLOB,
    "blob": types.BLOB,
    "interval_ym": types.INTERVAL_YM,
    "json": types.JSON,
}


class ColumnCatalog:
    """What the engine's sessions know of its types and columns; `epoch` grows with each DDL."""

    def __init__(self) -> None:
        self.epoch = 0
        self.oids: dict[str, int] = {}
        # The array type of each type.
        self.arrays: dict[int, int] = {}
        self._types: dict[int, OracleType] = dict(_FIXED)
        self._forms: dict[int, str] = dict(_FORMS)
        self._columns: dict[tuple[int, int], Column] = {}
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Forget all columns: a DDL statement has run."""
        with self._lock:
            self.epoch += 1
            self._columns = {}

    def load_oids(self, connection: PGconn) -> None:
        """Learn the OIDs of our own types."""
        found = connection.exec_(
            b"select typname, t.oid from pg_type t join pg_namespace n on n.oid = typnamespace where nspname = 'oracle'"
        )
        assert found.status == pq.ExecStatus.TUPLES_OK
        for row in range(found.ntuples):
            name, oid = found.get_value(row, 0), found.get_value(row, 1)
            assert name is not None
            assert oid is not None
            self.oids[name.decode()] = int(oid)
        found = connection.exec_(b"select oid, typarray from pg_type where typarray <> 0")
        assert found.status == pq.ExecStatus.TUPLES_OK
        for row in range(found.ntuples):
            self.arrays[int(found.get_value(row, 0) or b"0")] = int(found.get_value(row, 1) or b"0")
        for own, oracle in _OWN.items():
            self._types[self.oids[own]] = oracle
            self._forms[self.oids[own]] = _OWN_FORMS[own]

    def form(self, oid: int) -> str:
        """What the binary form of a type is: ``numeric``, ``text``, ``bytes``, ``timestamp`` and so on."""
        return self._forms[oid]

    def by_oid(self, oid: int, modifier: int) -> OracleType | None:
        """The Oracle type of an expression of a PostgreSQL type, None if it has none."""
        if oid == NUMERIC:
            if modifier < 4:
                return types.number()
            precision, scale = (modifier - 4) >> 16 & 0xFFFF, (modifier - 4) & 0x7FF
            if precision == FLOATING:
                return types.float_number(scale)
            return types.number(precision, scale - 2048 if scale >= 1024 else scale)
        if oid == BPCHAR:
            return types.char(modifier - 4, in_chars=True) if modifier >= 4 else types.char(TEXT_LIMIT)
        if oid == VARCHAR and modifier >= 4:
            return types.varchar2(min(TEXT_LIMIT, modifier - 4))
        if oid == TIMESTAMP:
            return types.timestamp(modifier if modifier >= 0 else 6)
        if oid == TIMESTAMPTZ:
            return types.timestamp_tz(modifier if modifier >= 0 else 6)
        return self._types.get(oid)

    def missing(self, result: PGresult) -> set[int]:
        """The tables of a result's columns that are not known yet."""
        return {
            table
            for field in range(result.nfields)
            if (table := result.ftable(field)) and (table, result.ftablecol(field)) not in self._columns
        }

    def learn(self, found: PGresult) -> None:
        """Take up columns: rows of table OID, number, and the fields of an OracleType; see `COLUMNS_OF_TABLES`."""
        columns: dict[tuple[int, int], Column] = {}
        for row in range(found.ntuples):
            values = [(found.get_value(row, field) or b"").decode() for field in range(found.nfields)]
            table, number, name, code, form, precision, scale, buffer_size, char_size, nullable, title = values
            kind = OracleType(name, int(code), int(form), int(precision), int(scale), int(buffer_size), int(char_size))
            columns[int(table), int(number)] = Column(title, kind, nullable == "t")
        with self._lock:
            self._columns = {**self._columns, **columns}

    def column(self, result: PGresult, field: int) -> Column | None:
        """What the catalogue has on one column of a result, None for an expression."""
        table = result.ftable(field)
        return self._columns.get((table, result.ftablecol(field))) if table else None


# One row for each column of our own tables and views among the given ones.
COLUMNS_OF_TABLES = b"""
select c.relid, a.attnum, c.type_name, c.code, c.charset_form, c.type_precision, c.type_scale, c.buffer_size,
       c.char_size, not a.attnotnull, a.attname
  from oracle.column_types c join pg_attribute a on a.attrelid = c.relid and a.attnum = c.attnum
 where c.relid = any($1::oid[])
"""


def literal(size: int) -> OracleType:
    """The type of a string literal."""
    return types.char(max(1, size))
