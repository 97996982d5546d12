"""Reading the bind values that clients send."""

from __future__ import annotations

from collections.abc import Sequence

from orapool.sandbox import bind_rows, codecs, lobs, rowid
from orapool.sandbox.arrays import ArrayText
from orapool.sandbox.cursors import LOB_CODES, BindRow, Cursor
from orapool.sandbox.errors import OracleError
from orapool.sandbox.messages import (
    BIND_FLAG_ARRAY,
    BIND_FLAG_REPEATED,
    Definition,
    MessageType,
)
from orapool.sandbox.types import (
    JSON,
    REF_CURSOR,
    ROWID,
)
from orapool.sandbox.wire import ESCAPE, NULL_MARK, ProtocolError, Reader

# Binds longer than this come last in a bind row of a SQL statement (MAX_STRING_SIZE=EXTENDED).
_LONGEST_STRING = 32767


class BindReader:
    """Reads the bind rows of one session's statements.

    Args:
        store: the session's LOBs, which are bound by their locators.
        is_oci: whether the client is Oracle Client.
        is_jdbc: whether it is JDBC.
    """

    def __init__(self, store: lobs.LobStore, is_oci: bool, is_jdbc: bool) -> None:
        self._lobs = store
        self._is_oci = is_oci
        self._is_jdbc = is_jdbc

    def read_rows(self, reader: Reader, cursor: Cursor, count: int) -> Sequence[Sequence[bytes | None]]:
        """Read the bind values of ``count`` executions; OUT binds are not sent and stay None."""
        definitions = cursor.binds
        statement = cursor.statement
        if not definitions:
            return bind_rows.read(reader, (), (), count)
        unsent: set[int] = set()
        if statement is not None and not self._is_jdbc:  # which sends NULLs for them
            unsent |= cursor.out_binds
        if statement is not None and statement.returning_from is not None and not (self._is_oci or self._is_jdbc):
            # Oracle Client and JDBC do not look into the statement: they send a NULL for them.
            unsent |= set(range(statement.returning_from, len(definitions)))
        repeats = {
            index: statement.repeats.get(index, index) if statement is not None else index
            for index, definition in enumerate(definitions)
            if definition.flags & BIND_FLAG_REPEATED
        }
        sent = [index for index in range(len(definitions)) if index not in unsent and index not in repeats]
        if statement is None or statement.kind != "plsql":
            types = [definition.type for definition in definitions]
            sent.sort(key=lambda at: types[at].buffer_size > _LONGEST_STRING and types[at].code != JSON.code)
        if not repeats and not any(map(self._is_special, definitions)):
            return bind_rows.read(reader, cursor.bind_types, sent, count)
        rows: list[BindRow] = []
        failure: OracleError | None = None
        for _ in range(count):
            row: BindRow = [None] * len(definitions)
            if sent and reader.byte() != MessageType.ROW_DATA:
                raise ProtocolError("bind values do not start with a row")
            for index in sent:
                try:
                    row[index] = self._read_value(reader, definitions[index])
                except OracleError as error:
                    failure = failure or error
            for index, first in repeats.items():
                row[index] = row[first]
            rows.append(row)
        if failure:
            raise failure
        # CALL is a statement of SQL.
        is_sql = statement is not None and (statement.kind != "plsql" or statement.verb == "CALL")
        if is_sql and any(definition.flags & BIND_FLAG_ARRAY for definition in definitions):
            raise OracleError(1484, "arrays can only be bound to PL/SQL statements")
        return rows

    def _is_special(self, definition: Definition) -> bool:
        """Whether bind values come otherwise than as plain ones."""
        code = definition.type.code
        if definition.flags & BIND_FLAG_ARRAY or code in (*LOB_CODES, JSON.code, REF_CURSOR.code):
            return True
        return self._is_jdbc and code == ROWID.code

    def _read_value(self, reader: Reader, definition: Definition) -> bytes | None:
        if definition.flags & BIND_FLAG_ARRAY:
            count = reader.integer()
            if not 0 <= count <= definition.type.most_elements:
                raise ProtocolError(f"an array of {count} elements, of {definition.type.most_elements} at the most")
            return self._read_array(reader, definition, count)
        return self._read_one(reader, definition)

    def _read_array(self, reader: Reader, definition: Definition, count: int) -> ArrayText:
        """The elements of a PL/SQL array; all are read, also where one is refused."""
        elements: list[bytes | None] = []
        failure: OracleError | None = None
        for _ in range(count):
            try:
                elements.append(self._read_one(reader, definition))
            except OracleError as error:
                failure = failure or error
        if failure:
            raise failure
        return ArrayText.of(elements)

    def _read_one(self, reader: Reader, definition: Definition) -> bytes | None:
        if definition.type.code in LOB_CODES:
            locator = reader.sized_text()
            return self._lobs.value(locator) if locator else None
        if definition.type.code == REF_CURSOR.code:
            self._read_cursor(reader)
            return None
        if definition.type.code == JSON.code:
            # A locator that says nothing, and the value.
            return codecs.decode_raw(reader.text()) if reader.sized_text() else None
        if reader.peek() == ESCAPE:  # NULL, as Oracle Client writes it
            reader.raw(2)
            return None
        if definition.type.code == ROWID.code and self._is_jdbc:
            return rowid.read(reader)
        value = reader.text()
        if not value:
            return None
        return codecs.decoder(definition.type)(value)

    def _read_cursor(self, reader: Reader) -> None:
        """A cursor as a bind value: an open one has its number, which no block has a use for."""
        length = reader.byte()
        if length == ESCAPE:
            reader.byte()
        elif length and length != NULL_MARK and reader.byte():
            reader.integer()
