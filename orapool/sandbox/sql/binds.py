"""Bind values: which PostgreSQL type each has, and rows of them as arrays."""

from __future__ import annotations

from collections.abc import Sequence

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql import columns
from orapool.sandbox.sql.columns import ColumnCatalog
from orapool.sandbox.sql.statement import Statement
from orapool.sandbox.types import OracleType

# A string's type is left to PostgreSQL, which takes it from where the bind stands: the nearest to Oracle's implicit
# conversion. All other types are what they say.
_BY_CODE = {
    2: columns.NUMERIC,
    3: columns.NUMERIC,
    6: columns.NUMERIC,
    68: columns.NUMERIC,
    23: columns.BYTEA,
    24: columns.BYTEA,
    95: columns.BYTEA,
    21: columns.FLOAT4,
    22: columns.FLOAT8,
    100: columns.FLOAT4,
    101: columns.FLOAT8,
    180: columns.TIMESTAMP,
    187: columns.TIMESTAMP,
    181: columns.TIMESTAMPTZ,
    188: columns.TIMESTAMPTZ,
    231: columns.TIMESTAMPTZ,
    11: columns.TID,
    104: columns.TID,
    208: columns.TID,
    183: columns.INTERVAL,
    190: columns.INTERVAL,
    252: columns.BOOL,
}
_OWN_BY_CODE = {12: "date", 156: "date", 112: "clob", 113: "blob", 119: "json", 182: "interval_ym", 189: "interval_ym"}
LEFT_OPEN = 0
STRING_CODES = frozenset((1, 5, 8, 9, 96, 97))
# What is in no text of UTF-8.
_NULL, _QUOTED_NULL = b"\xff", b'"\xff"'
# Values of these types need no quotes in an array.
_BARE = frozenset((columns.NUMERIC, columns.FLOAT4, columns.FLOAT8, columns.INT4, columns.INT8))


def bind_oid(kind: OracleType, catalog: ColumnCatalog) -> int:
    """The PostgreSQL type of a bind; 0 leaves it open (strings)."""
    own = _OWN_BY_CODE.get(kind.code)
    if own is not None:
        return catalog.oids["nclob" if own == "clob" and kind.charset_form == 2 else own]
    return _BY_CODE.get(kind.code, LEFT_OPEN)


def without_empty(row: Sequence[bytes | None]) -> list[bytes | None]:
    """A row of binds, with empty strings as NULL."""
    return [value or None for value in row]


def array(values: Sequence[bytes | None], oid: int) -> bytes:
    """Values as the text of a PostgreSQL array."""
    if oid in _BARE:
        return b"{" + b",".join([b"NULL" if value is None else value for value in values]) + b"}"
    if not values:
        return b"{}"
    # No text has a zero byte: it stands between the values while the whole is put into quotes.
    body = b"\0".join([_NULL if value is None else value for value in values])
    if body.count(b"\0") >= len(values):
        raise OracleError(3001, "unimplemented feature: texts with a zero byte")
    if b"\\" in body or b'"' in body:
        body = body.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    text = b'{"' + body.replace(b"\0", b'","') + b'"}'
    return text.replace(_QUOTED_NULL, b"NULL")


def check_binds(statement: Statement, bind_types: Sequence[OracleType], binds: Sequence[bytes | None]) -> None:
    """Refuse a statement with fewer binds than it has places (ORA-01008)."""
    if len(bind_types) < statement.inputs or len(binds) < statement.inputs:
        raise OracleError(1008, "not all variables bound")


def string_binds(statement: Statement, bind_types: Sequence[OracleType]) -> list[int]:
    """The parameters that come as strings."""
    strings = [index for index, kind in enumerate(bind_types[: statement.inputs]) if kind.code in STRING_CODES]
    return strings + list(range(statement.inputs, statement.inputs + len(statement.constants)))


def merged_binds(
    statement: Statement, bind_types: Sequence[OracleType], rows: Sequence[Sequence[bytes | None]]
) -> dict[int, int]:
    """Binds of the same name, type and value are one parameter: so that GROUP BY finds its expression again."""
    repeats = statement.repeats
    if not repeats:
        return {}
    inputs = len(bind_types)
    return {
        again: first
        for again, first in repeats.items()
        if again < inputs
        and bind_types[again].code == bind_types[first].code
        and all(row[again] == row[first] for row in rows)
    }
