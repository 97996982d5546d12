"""Cursors and the calls on them: execute, execute again, fetch."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Sequence

from orapool.sandbox import binary, codecs, lobs, rowid
from orapool.sandbox.arrays import ArrayText
from orapool.sandbox.bind_reading import BindReader
from orapool.sandbox.capabilities import CHARSET_UTF8, CHARSET_UTF16
from orapool.sandbox.cursors import LOB_CODES, BindRow, Cursor
from orapool.sandbox.errors import OracleError
from orapool.sandbox.messages import (
    ARRAY_DML_ERRORS,
    BIND_FLAG_ARRAY,
    BIND_FLAG_INDICATOR,
    BIND_FLAG_RETURN_CODE,
    DIRECTION_IN,
    DIRECTION_IN_OUT,
    DIRECTION_OUT,
    EXECUTE_FLAG_SCROLLABLE,
    INTERRUPTED,
    CallStatus,
    Definition,
    ExecuteOption,
    ExecuteRequest,
    ReexecuteRequest,
    make_describe,
    make_end_of_fetch,
    make_error,
    make_execute_parameters,
    make_implicit_results,
    make_io_vector,
    make_row_header,
)
from orapool.sandbox.recorder import Recorder
from orapool.sandbox.rows import (
    MOST_BYTES,
    ROW,
    CachedRows,
    ColumnEncoder,
    HeldRows,
    Recording,
    RowCache,
    RowEncoder,
    RowSource,
    StreamedRows,
    ValueEncoder,
)
from orapool.sandbox.sql import Backend, OpenCursor, Outcome, Statement
from orapool.sandbox.types import (
    BOOLEAN,
    CHARSET_IMPLICIT,
    CHARSET_NCHAR,
    CLOB,
    JSON,
    Column,
    OracleType,
)
from orapool.sandbox.wire import Reader, integer, text

_ROWS_GIVEN = Statement("", "query", "SELECT")
_PREFETCH_LOB = 0x2000000
_CHARSET_IDS = {CHARSET_IMPLICIT: CHARSET_UTF8, CHARSET_NCHAR: CHARSET_UTF16}
_NULL_INDICATOR = -1
_NULL_FETCHED = 1405
_MOST_CURSORS = 300
_LAST_CURSOR_ID = 65_000
_LOST = 3113
_SHORT = 4000


class StatementCalls:
    """The cursors of one session, and the calls on them; each returns the whole answer.

    Attributes:
        failed: whether an answer has been an error, since somebody last set it back.
    """

    def __init__(
        self,
        backend: Backend,
        store: lobs.LobStore,
        cache: RowCache,
        status: Callable[[], CallStatus],
        recorder: Recorder,
        is_oci: bool = False,
        is_jdbc: bool = False,
    ) -> None:
        self._backend = backend
        self._recorder = recorder
        self._lobs = store
        self._binds = BindReader(store, is_oci, is_jdbc)
        self._cache = cache
        self._status = status
        self._is_oci = is_oci
        self._is_jdbc = is_jdbc
        self._cursors: dict[int, Cursor] = {}
        self._last_cursor_id = 0
        self.failed = False

    def close(self) -> None:
        """Close all cursors."""
        self.close_cursors(list(self._cursors))

    def close_cursors(self, cursor_ids: Sequence[int]) -> None:
        """Close cursors."""
        for cursor_id in cursor_ids:
            cursor = self._cursors.pop(cursor_id, None)
            if cursor:
                cursor.close()

    def cancel_cursors(self, cursor_ids: Sequence[int]) -> None:
        """Drop what cursors have left to fetch."""
        for cursor_id in cursor_ids:
            if cursor_id in self._cursors:
                self._cursors[cursor_id].close()

    # ------------------------------------------------------------ calls
    def execute(self, request: ExecuteRequest, reader: Reader) -> bytes:
        """Parse, bind, define, execute and fetch, as the options say."""
        cursor = self._cursors.get(request.cursor_id) or self._open()
        start = time.perf_counter()
        cursor.record = None
        try:
            return self._execute(cursor, request, reader)
        except OracleError as error:
            if cursor.record is None and request.options & ExecuteOption.EXECUTE:
                self._note(cursor, [])
            failed = self._failed(cursor, error)
            # JDBC's batches tell what was done before one failed.
            done = error.rows_done and request.wants_row_counts and self._is_jdbc
            return self._parameters(cursor, error.row_counts, None) + failed if done else failed
        finally:
            _add_time(cursor, start)

    def reexecute(self, request: ReexecuteRequest, reader: Reader, fetch: bool) -> bytes:
        """Execute a known cursor with new bind values, and fetch if asked."""
        cursor = self._cursors.get(request.cursor_id)
        if cursor is None or cursor.statement is None:
            reader.discard()
            raise OracleError(1001, "invalid cursor")
        statement = cursor.statement
        is_query = statement.kind == "query"
        start = time.perf_counter()
        cursor.record = None
        try:
            rows = self._binds.read_rows(reader, cursor, 1 if fetch or is_query else max(1, request.iterations))
            self._note(cursor, rows)
            cursor.statement = self._backend.current(statement)
            if is_query:
                self._query(cursor, rows)
                described = self._describe_if_changed(cursor)
                limit = request.iterations if fetch and not cursor.has_lobs else 0
                return described + self._rows(cursor, limit) + self._end_of_rows(cursor)
            body, outcome = self._run(cursor, rows, request.commit, batch_errors=False)
            return body + self._end_of_execute(cursor, outcome)
        except OracleError as error:
            return self._failed(cursor, error)
        finally:
            _add_time(cursor, start)

    def fetch(self, cursor_id: int, limit: int) -> bytes:
        """The next rows of a cursor."""
        cursor = self._cursors.get(cursor_id)
        if cursor is None or cursor.result is None:
            raise OracleError(1002, "fetch out of sequence")
        start = time.perf_counter()
        try:
            return self._rows(cursor, limit) + self._end_of_rows(cursor)
        finally:
            _add_time(cursor, start)

    def _note(self, cursor: Cursor, rows: Sequence[Sequence[bytes | None]]) -> None:
        """A statement is about to be executed, or has failed before."""
        self._backend.activity.note(cursor.sql)
        cursor.record = self._recorder.add(self._backend.identity, cursor.sql, cursor.bind_types, rows)

    # ------------------------------------------------------------ execute
    def _open(self) -> Cursor:
        if len(self._cursors) >= _MOST_CURSORS:
            raise OracleError(1000, "maximum open cursors exceeded")
        while True:
            self._last_cursor_id = self._last_cursor_id % _LAST_CURSOR_ID + 1
            if self._last_cursor_id not in self._cursors:
                cursor = Cursor(self._last_cursor_id)
                self._cursors[cursor.id] = cursor
                return cursor

    def _execute(self, cursor: Cursor, request: ExecuteRequest, reader: Reader) -> bytes:
        options = request.options
        if request.defines:
            cursor.defines = request.defines
        if request.binds:
            cursor.binds = request.binds
            if not self._is_oci:  # all of them are sent then
                cursor.out_binds = frozenset()
        failure = self._parse(cursor, request.sql) if request.sql is not None else None
        if failure:
            # The bind rows may stand in packets that are still to come: read them before the answer.
            if request.binds and not reader.at_end:
                self._binds.read_rows(reader, cursor, 1 if request.is_query else max(1, request.iterations))
            raise failure
        statement = cursor.statement
        if statement is None:
            raise OracleError(1003, "no statement parsed")
        if request.flags & EXECUTE_FLAG_SCROLLABLE:
            raise OracleError(3001, "unimplemented feature: scrollable cursors")
        is_query = statement.kind == "query"
        sql_id = cursor.sql_id if request.wants_sql_id else None
        rows: Sequence[Sequence[bytes | None]] = []
        if options & ExecuteOption.EXECUTE:
            rows = self._binds.read_rows(reader, cursor, 1 if is_query else max(1, request.iterations))
            self._note(cursor, rows)
            if request.sql is None:
                cursor.statement = self._backend.current(statement)
        if is_query:
            return self._execute_query(cursor, request, rows, sql_id)
        if not options & ExecuteOption.EXECUTE:
            return self._parameters(cursor, None, sql_id) + self._end_of_execute(cursor, None)
        commit = bool(options & ExecuteOption.COMMIT)
        body, outcome = self._run(cursor, rows, commit, bool(options & ExecuteOption.BATCH_ERRORS))
        counts = list(outcome.row_counts) if request.wants_row_counts else None
        return body + self._parameters(cursor, counts, sql_id) + self._end_of_execute(cursor, outcome)

    def _parameters(self, cursor: Cursor, row_counts: Sequence[int] | None, sql_id: str | None) -> bytes:
        return make_execute_parameters(row_counts, sql_id, (0, 0, cursor.id, 0, 0, 0) if self._is_jdbc else ())

    def _parse(self, cursor: Cursor, sql: str) -> OracleError | None:
        cursor.close()
        cursor.statement, cursor.sql = None, sql
        cursor.described = None
        cursor.out_binds = frozenset()
        cursor.inlined = set()
        cursor.columns = ()
        try:
            cursor.statement = self._backend.prepare(sql)
        except OracleError as error:
            return error
        return None

    def _execute_query(
        self, cursor: Cursor, request: ExecuteRequest, rows: Sequence[Sequence[bytes | None]], sql_id: str | None
    ) -> bytes:
        options = request.options
        if options & ExecuteOption.EXECUTE:
            self._query(cursor, rows)
        elif cursor.result is None:
            assert cursor.statement is not None
            cursor.columns = self._backend.describe(cursor.statement, cursor.bind_types)
        too_new = any(column.type.code in (BOOLEAN.code, JSON.code) for column in cursor.columns)
        if too_new and (self._is_oci or self._is_jdbc):
            # Oracle Client 19 and JDBC of its time know neither.
            raise OracleError(3115, "unsupported network datatype or representation (BOOLEAN or JSON)")
        wants_describe = options & (ExecuteOption.PARSE | ExecuteOption.DESCRIBE)
        described = self._describe(cursor) if wants_describe else self._describe_if_changed(cursor)
        limit = 0
        # A client that has not defined its LOB columns yet cannot take rows: it comes again with its defines.
        undefined_lobs = cursor.has_lobs and options & ExecuteOption.EXECUTE and not request.defines
        if options & ExecuteOption.FETCH and not undefined_lobs:
            if options & ExecuteOption.EXECUTE and not request.defines:
                limit = request.prefetch_rows
            else:
                limit = request.iterations or request.prefetch_rows
        parameters = self._parameters(cursor, None, sql_id)
        return described + self._rows(cursor, limit) + parameters + self._end_of_rows(cursor)

    def _query(self, cursor: Cursor, rows: Sequence[Sequence[bytes | None]]) -> None:
        assert cursor.statement is not None
        cursor.close()
        cursor.result = self._rows_of(cursor, list(rows[0]) if rows else [])
        cursor.position = 0
        cursor.exhausted = False
        cursor.columns = cursor.result.columns

    def _rows_of(self, cursor: Cursor, binds: BindRow) -> RowSource:
        """The rows of a query: those that are kept from another time, or as the engine gives them."""
        backend, statement, types = self._backend, cursor.statement, cursor.bind_types
        assert statement is not None

        def make_encoder(columns: tuple[Column, ...], forms: tuple[str, ...]) -> RowEncoder:
            return self._row_encoder(cursor, columns, forms)

        key = None if self._cache.is_off else backend.cache_key(statement, types, binds)

        def run() -> RowSource:
            version = backend.data_version
            stream = backend.stream(statement, types, binds)
            recording = None
            # The rows are those of this version if there is no other by now.
            if key is not None and version is not None and version == backend.data_version:
                again = _is_short(cursor.sql, binds) and self._cache.is_asked_again(version, key)
                if (again or not stream.complete) and backend.is_repeatable(statement):
                    recording = Recording(self._cache, version, key, *((0,) if again else ()))
            return StreamedRows(stream, make_encoder, recording)

        kept = self._cache.find(backend.data_version, key) if key is not None else None
        if kept is None:
            return run()
        backend.ping()
        return CachedRows(kept, make_encoder, run)

    def _run(
        self, cursor: Cursor, rows: Sequence[Sequence[bytes | None]], commit: bool, batch_errors: bool
    ) -> tuple[bytes, Outcome]:
        """Execute what is not a query; returns the rows of its OUT binds and the outcome."""
        assert cursor.statement is not None
        if cursor.statement.kind == "plsql":
            outcomes = self._run_blocks(cursor, rows)
            outcome = outcomes[0]
            outcome.row_count = sum(each.row_count for each in outcomes)
            body = self._out_binds(cursor, outcomes)
        else:
            outcome = self._backend.execute(cursor.statement, cursor.bind_types, rows, batch_errors)
            body = b""
        if cursor.record is not None:
            cursor.record.row_count = outcome.row_count
        if cursor.statement.returning_from is not None:
            body = self._returned(cursor, outcome)
        if commit:
            self._backend.commit()
        return body, outcome

    def _failed(self, cursor: Cursor, error: OracleError) -> bytes:
        if cursor.record is not None:
            cursor.record.error, cursor.record.row_count = error, error.rows_done
        # The session knows whether the client waits for an answer or for a handshake, and that it ends without engine.
        if error.code in (INTERRUPTED, _LOST):
            raise error
        self.failed = True
        statement_type = cursor.statement_type
        return make_error(
            self._status(), error, cursor_id=cursor.id, row_count=error.rows_done, statement_type=statement_type
        )

    # ------------------------------------------------------------ binds
    def _run_blocks(self, cursor: Cursor, rows: Sequence[Sequence[bytes | None]]) -> list[Outcome]:
        """Run a block once for each bind row."""
        assert cursor.statement is not None
        outcomes: list[Outcome] = []
        for row in rows:
            try:
                outcomes.append(self._backend.execute(cursor.statement, cursor.bind_types, [row]))
            except OracleError as error:
                error.rows_done = len(outcomes)
                raise
        return outcomes

    def _out_binds(self, cursor: Cursor, outcomes: Sequence[Outcome]) -> bytes:
        outs = {*outcomes[0].out, *outcomes[0].cursors}
        in_out = outcomes[0].in_out
        cursor.out_binds = frozenset(outs - in_out)
        results = self._implicit_results([opened for each in outcomes for opened in each.results])
        if not cursor.binds:
            return results
        parts = [self._io_vector(cursor, in_out)]
        for outcome in outcomes if outs else ():
            parts.append(ROW)
            for index in sorted(outs):
                definition, opened = cursor.binds[index], outcome.cursors.get(index)
                if opened is None:
                    parts.append(self._out_value(definition, outcome.out[index]))
                else:
                    parts.append(self._out_cursor(definition, opened))
        return b"".join([*parts, results])

    def _io_vector(self, cursor: Cursor, in_out: frozenset[int] = frozenset()) -> bytes:
        directions = {**dict.fromkeys(cursor.out_binds, DIRECTION_OUT), **dict.fromkeys(in_out, DIRECTION_IN_OUT)}
        return make_io_vector([directions.get(index, DIRECTION_IN) for index in range(len(cursor.binds))])

    def _open_for(self, opened: OpenCursor) -> Cursor:
        """A cursor of its own for a REF CURSOR or an implicit result."""
        cursor = self._open()
        if opened.statement is None:
            cursor.statement = _ROWS_GIVEN
            cursor.result = HeldRows(opened.columns, opened.rows)
        else:
            cursor.statement, cursor.sql = opened.statement, opened.statement.sql
            cursor.binds = tuple(Definition(kind, 0, 0, 0) for kind in opened.bind_types)
            cursor.result = self._rows_of(cursor, list(opened.binds))
        cursor.columns = cursor.result.columns
        return cursor

    def _out_cursor(self, definition: Definition, opened: OpenCursor) -> bytes:
        cursor = self._open_for(opened)
        encoded = b"\1" + self._describe(cursor)[2:] + integer(cursor.id)
        return encoded + self._indicators(definition, is_null=False)

    def _implicit_results(self, opened: Sequence[OpenCursor]) -> bytes:
        if not opened:
            return b""
        cursors = [self._open_for(each) for each in opened]
        return make_implicit_results([(self._describe(cursor), cursor.id) for cursor in cursors])

    def _returned(self, cursor: Cursor, outcome: Outcome) -> bytes:
        """One row for each execution: for each RETURNING bind, the number of values and the values."""
        assert cursor.statement is not None
        assert cursor.statement.returning_from is not None
        definitions = cursor.binds[cursor.statement.returning_from :]
        parts: list[bytes] = []
        if self._is_oci:
            cursor.out_binds = frozenset(range(cursor.statement.returning_from, len(cursor.binds)))
            parts.append(self._io_vector(cursor))
        for returned in outcome.returned:
            parts.append(ROW)
            for index, definition in enumerate(definitions):
                parts.append(integer(len(returned)))
                parts += [self._out_value(definition, row[index]) for row in returned]
        return b"".join(parts)

    def _out_value(self, definition: Definition, value: bytes | None) -> bytes:
        """An OUT value with the indicator and return code that the client asked for; of an array, those of each."""
        if definition.flags & BIND_FLAG_ARRAY:
            elements = value.elements if isinstance(value, ArrayText) else ()
            return integer(len(elements)) + b"".join([self._out_element(definition, each) for each in elements])
        return self._out_element(definition, value)

    def _out_element(self, definition: Definition, value: bytes | None) -> bytes:
        if value is None:
            encoded = b"\0"
        elif definition.type.code in LOB_CODES:
            encoded = self._located(definition, value)
        else:
            encoded = codecs.encoder(definition.type)(value)
        return encoded + self._indicators(definition, value is None)

    @staticmethod
    def _indicators(definition: Definition, is_null: bool) -> bytes:
        encoded = b""
        if definition.flags & BIND_FLAG_INDICATOR:
            encoded += integer(_NULL_INDICATOR if is_null else 0)
        if definition.flags & BIND_FLAG_RETURN_CODE:
            encoded += integer(_NULL_FETCHED if is_null else 0)
        return encoded

    # ------------------------------------------------------------ results
    def _describe(self, cursor: Cursor) -> bytes:
        cursor.described = cursor.columns
        now = codecs.encode_date(datetime.datetime.now().isoformat(" ", "seconds").encode())[1:]
        return make_describe(cursor.columns, _CHARSET_IDS, now, wide_scales=self._is_jdbc)

    def _describe_if_changed(self, cursor: Cursor) -> bytes:
        return b"" if cursor.described == cursor.columns else self._describe(cursor)

    def _rows(self, cursor: Cursor, limit: int) -> bytes:
        """Up to ``limit`` rows behind their header."""
        if not limit or cursor.result is None:
            return b""
        parts, count = cursor.result.batch(limit)
        cursor.position += count
        if cursor.record is not None:
            cursor.record.row_count = cursor.position
        # As Oracle does: the end is known when there were fewer rows than asked for, and room for more.
        cursor.exhausted = count < limit and sum(map(len, parts)) < MOST_BYTES
        return b"".join((make_row_header(len(cursor.columns), limit), *parts))

    def _end_of_rows(self, cursor: Cursor) -> bytes:
        status = self._status()
        if cursor.exhausted:
            return make_end_of_fetch(status, cursor.id, cursor.position, cursor.statement_type)
        return make_error(status, cursor_id=cursor.id, row_count=cursor.position, statement_type=cursor.statement_type)

    def _end_of_execute(self, cursor: Cursor, outcome: Outcome | None) -> bytes:
        failures = outcome.batch_errors if outcome else []
        error = OracleError(ARRAY_DML_ERRORS, "error(s) in array DML") if failures else None
        return make_error(
            self._status(),
            error,
            cursor_id=cursor.id,
            row_count=outcome.row_count if outcome else 0,
            statement_type=cursor.statement_type,
            batch_errors=failures,
            last_rowid=rowid.encode_parts(outcome.last_rowid if outcome else None),
        )

    def _row_encoder(self, cursor: Cursor, columns: tuple[Column, ...], forms: tuple[str, ...]) -> RowEncoder:
        made = cursor.encoder
        if made is not None and made.columns == columns and made.forms == forms:
            return made
        defines: Sequence[Definition | None] = cursor.defines or [None] * len(columns)
        if len(defines) != len(columns):
            raise OracleError(1007, "variable not in select list")
        cursor.inlined |= {index for index, define in enumerate(defines) if _is_inline(define)}
        encoders = [
            self._column_encoder(*each, was_inline=index in cursor.inlined)
            for index, each in enumerate(zip(columns, forms, defines))
        ]
        located = any(
            column.type.code in LOB_CODES and not _is_inline(define) for column, define in zip(columns, defines)
        )
        inline = [
            (index, define.type.charset_form)
            for index, (column, define) in enumerate(zip(columns, defines))
            if column.type.code in LOB_CODES and define is not None
        ]
        made = RowEncoder(columns, forms, encoders, None if located else tuple(inline))
        cursor.encoder = None if located or inline else made
        return made

    def _column_encoder(self, column: Column, form: str, define: Definition | None, was_inline: bool) -> ColumnEncoder:
        type_ = column.type
        if type_.code in LOB_CODES:
            if define is not None and _is_inline(define):
                return ColumnEncoder(column, form, _inline_lob_encoder(type_, define), None)
            if self._is_oci and was_inline:
                # Oracle Client goes on to read the column as a LONG, in which it looks for the locator.
                return ColumnEncoder(
                    column, form, _inline_encoder(lambda value: self._located_text(value, column)), None
                )
            return ColumnEncoder(
                column,
                form,
                lambda value: b"\0" if value is None else self._located_raw(define, value, column),
                None,
            )
        if type_.code == JSON.code:
            return ColumnEncoder(column, form, lobs.encode_json, None)
        encode = binary.encoder(type_, form)
        return ColumnEncoder(column, form, lambda value: b"\0" if value is None else encode(value), encode)

    def _located(self, define: Definition, value: bytes) -> bytes:
        lob, locator = self._lobs.put(define.type, value)
        return lobs.encode_located(lob, locator, bool(define.continuation_flags & _PREFETCH_LOB))

    def _located_raw(self, define: Definition | None, value: bytes, column: Column) -> bytes:
        """A LOB of a row, which is in the engine's binary form."""
        lob, locator = self._lobs.put_raw(column, value)
        with_sizes = define is None or bool(define.continuation_flags & _PREFETCH_LOB)
        ahead = define.type.char_size if define is not None and with_sizes and self._is_jdbc else 0
        return lobs.encode_located(lob, locator, with_sizes, ahead)

    def _located_text(self, value: bytes, column: Column) -> bytes:
        _lob, locator = self._lobs.put_raw(column, value)
        return text(locator)


def _add_time(cursor: Cursor, start: float) -> None:
    if cursor.record is not None:
        cursor.record.seconds += time.perf_counter() - start


def _is_inline(define: Definition | None) -> bool:
    """Whether the client wants a LOB's value and not its locator."""
    return define is not None and define.type.code not in LOB_CODES


def _inline_lob_encoder(type_: OracleType, define: Definition) -> ValueEncoder:
    """A LOB that the client defined as a LONG or a string: the value itself, an indicator and a return code."""
    is_national = type_.code == CLOB.code and define.type.charset_form == CHARSET_NCHAR
    return _inline_encoder(codecs.encode_nchar if is_national else text)


def _inline_encoder(encode: Callable[[bytes], bytes]) -> ValueEncoder:
    def encode_inline(value: bytes | None) -> bytes:
        if value is None:
            return b"\0" + integer(_NULL_INDICATOR) + integer(_NULL_FETCHED)
        return encode(value) + b"\0\0"

    return encode_inline


def _is_short(sql: str, binds: BindRow) -> bool:
    """Whether a statement and its binds take no more memory than a small result of theirs."""
    return len(sql) + sum(len(value) for value in binds if value is not None) < _SHORT
