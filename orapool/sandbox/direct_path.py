"""Direct path load: rows in the form of a table's blocks, past SQL. python-oracledb has it in its thin mode.

A load is three kinds of calls: prepare tells the columns' types, load sends rows in pieces, and finish commits them (or
abort drops them). Here the rows are inserted all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from orapool.sandbox import bind_rows
from orapool.sandbox.errors import OracleError
from orapool.sandbox.messages import Function, MessageType, make_column
from orapool.sandbox.sql import Backend, BindRows, Statement
from orapool.sandbox.types import BLOB, CHARSET_NCHAR, CLOB, LONG, LONG_RAW, Column, OracleType, char, varchar2
from orapool.sandbox.wire import ProtocolError, Reader, as_text, integer

CALLS = frozenset((Function.DIRECT_PATH_PREPARE, Function.DIRECT_PATH_LOAD, Function.DIRECT_PATH_END))

_STRINGS = frozenset((varchar2(1).code, char(1).code))
_LOAD = 1
_OBJECT, _SCHEMA, _COLUMN = 1, 3, 4
_CURSOR = 3
_OUT_VALUES = 14
_FINISH = 2

_FAST_ROW, _FIRST, _LAST, _SPLIT_WITH_PREVIOUS = 0x20, 0x08, 0x04, 0x02
_NULL, _LONG_LENGTH = 0xFF, 0xFE


@dataclass(frozen=True)
class _Load:
    statement: Statement
    types: tuple[OracleType, ...]


class DirectPath:
    """The direct path loads of one session; each call returns the answer up to the status that ends it."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._loads: dict[int, _Load] = {}
        self._last_id = 0

    def carry_out(self, code: int, reader: Reader) -> bytes:
        """Carry out a call, read behind its function code."""
        if code == Function.DIRECT_PATH_PREPARE:
            return self._prepare(reader)
        return self._load(reader) if code == Function.DIRECT_PATH_LOAD else self._end(reader)

    def _prepare(self, reader: Reader) -> bytes:
        """Open a load into columns of a table, and tell their types."""
        operation = reader.integer()
        reader.byte()
        count = reader.integer()
        reader.byte()
        values = reader.integer()
        reader.raw(6)
        schema = table = ""
        names: list[str] = []
        for _ in range(count):
            reader.integer()
            reader.integer()
            value = as_text(reader.text())
            key = reader.integer()
            if key == _COLUMN:
                names.append(value)
            elif key == _OBJECT:
                table = value
            elif key == _SCHEMA:
                schema = value
        for _ in range(values):
            reader.integer()
        if operation != _LOAD:
            raise OracleError(3001, f"unimplemented feature: direct path operation {operation}")
        place = f'"{schema}"."{table}"'
        listed = ", ".join(f'"{name}"' for name in names)
        columns = self._backend.describe(self._backend.prepare(f"select {listed} from {place}"), ())
        binds = ", ".join(f":{number}" for number in range(1, len(names) + 1))
        statement = self._backend.prepare(f"insert into {place} ({listed}) values ({binds})")
        self._last_id += 1
        self._loads[self._last_id] = _Load(statement, tuple(map(_loaded_as, columns)))
        out = [self._last_id if index == _CURSOR else 0 for index in range(_OUT_VALUES)]
        parts = [bytes((MessageType.PARAMETER,)), integer(len(columns))]
        parts += [make_column(_in_bytes(column), position) for position, column in enumerate(columns, start=1)]
        parts += [integer(0), integer(len(out)), *map(integer, out)]
        return b"".join(parts)

    def _load(self, reader: Reader) -> bytes:
        """Take rows."""
        cursor_id = reader.integer()
        reader.byte()
        size = reader.integer()
        reader.integer()
        reader.byte()
        for _ in range(reader.integer()):
            reader.integer()
        reader.raw(2)
        data = reader.raw(size)
        load = self._find(cursor_id)
        rows = list(split_rows(data, len(load.types)))
        # A value of no bytes is NULL too.
        filled = ([value or None for value in values] for values in zip(*rows))
        columns = [bind_rows.decode(kind, values) for kind, values in zip(load.types, filled)]
        if rows:
            self._backend.execute(load.statement, load.types, BindRows(columns, len(rows)))
        return _no_values()

    def _end(self, reader: Reader) -> bytes:
        """Commit the rows of a load, or drop them."""
        operation = reader.integer()
        cursor_id = reader.integer()
        reader.byte()
        for _ in range(reader.integer()):
            reader.integer()
        reader.raw(2)
        self._find(cursor_id)
        del self._loads[cursor_id]
        if operation == _FINISH:
            self._backend.commit()
        else:
            self._backend.rollback()
        return _no_values()

    def _find(self, cursor_id: int) -> _Load:
        if cursor_id not in self._loads:
            raise OracleError(1001, "invalid cursor")
        return self._loads[cursor_id]


def _no_values() -> bytes:
    return bytes((MessageType.PARAMETER,)) + integer(0)


def _in_bytes(column: Column) -> Column:
    """Strings with their size in bytes for that in characters, which python-oracledb compares with a value's bytes."""
    if column.type.code not in _STRINGS:
        return column
    return replace(column, type=replace(column.type, char_size=column.type.buffer_size))


def _loaded_as(column: Column) -> OracleType:
    """LOBs come as what they hold; characters in UTF-16, as in the table's blocks."""
    if column.type.code == CLOB.code:
        return OracleType("LONG", LONG.code, CHARSET_NCHAR)
    return LONG_RAW if column.type.code == BLOB.code else column.type


def split_rows(data: bytes, width: int) -> Iterator[list[bytes | None]]:
    """Put the pieces of rows together.

    Raises:
        ProtocolError: they are no rows of so many values.
    """
    try:
        yield from _whole_rows(data, width)
    except IndexError:
        raise ProtocolError("a row that is not all there") from None


def _whole_rows(data: bytes, width: int) -> Iterator[list[bytes | None]]:
    row: list[bytes | None] = []
    at = 0
    while at < len(data):
        flags = data[at]
        at += 3 if flags & _FAST_ROW else 1  # with the piece's length
        segments = data[at]
        at += 1
        if flags & _FIRST:
            row = []
        for number in range(segments):
            length = data[at]
            at += 1
            if length == _NULL:
                row.append(None)
                continue
            if length == _LONG_LENGTH:
                length = int.from_bytes(data[at : at + 2], "big")
                at += 2
            value = data[at : at + length]
            at += length
            if at > len(data):
                raise ProtocolError("a value that is not all there")
            if number == 0 and flags & _SPLIT_WITH_PREVIOUS:
                row[-1] = (row[-1] or b"") + value
            else:
                row.append(value)
        if flags & _LAST:
            if len(row) != width:
                raise ProtocolError(f"a row of {len(row)} values for {width} columns")
            yield row
