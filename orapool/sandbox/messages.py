"""TTC messages: what a client asks for, parsed into dataclasses, and the answers, made from them.

The layouts are those of TTC field version 12 (release 19.1) in universal encoding; oracle-net.md has the facts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag

from orapool.sandbox.errors import OracleError
from orapool.sandbox.types import Column, OracleType
from orapool.sandbox.wire import CHUNKED, LONGEST_PLAIN, ProtocolError, Reader, as_text, integer, sized_text, text


class MessageType(IntEnum):
    """The first byte of a message."""

    PROTOCOL = 1
    DATA_TYPES = 2
    FUNCTION = 3
    ERROR = 4
    ROW_HEADER = 6
    ROW_DATA = 7
    PARAMETER = 8
    STATUS = 9
    IO_VECTOR = 11
    LOB_DATA = 14
    DESCRIBE = 16
    PIGGYBACK = 17
    SERVER_PIGGYBACK = 23
    ONE_WAY = 26
    FAST_AUTHENTICATION = 34
    IMPLICIT_RESULTS = 27
    TOKEN = 33


class Function(IntEnum):
    """The calls a client makes; each is one round trip."""

    REEXECUTE = 4
    FETCH = 5
    LOG_OFF = 9
    COMMIT = 14
    ROLLBACK = 15
    VERSION = 59
    REEXECUTE_AND_FETCH = 78
    EXECUTE = 94
    LOB = 96
    AUTHENTICATE_2 = 115
    AUTHENTICATE_1 = 118
    PING = 147
    DIRECT_PATH_PREPARE = 128
    DIRECT_PATH_LOAD = 129
    DIRECT_PATH_END = 130
    PIPELINE_END = 200
    SESSION_RELEASE = 163  # of a pooled server; nobody waits for an answer


class Piggyback(IntEnum):
    """What rides in front of a call, without an answer of its own."""

    LOB = 96
    CLOSE_CURSORS = 105
    SESSION_SWITCH = 107
    CANCEL_CURSORS = 120
    END_TO_END = 135
    CURRENT_SCHEMA = 152
    KEY_VALUES = 154
    SESSION_STATE = 176
    PIPELINE_BEGIN = 199


# Names of the calls in the sandbox's statistics.
CALL_NAMES = {
    Function.REEXECUTE: "execute",
    Function.FETCH: "fetch",
    Function.LOG_OFF: "log_off",
    Function.COMMIT: "commit",
    Function.ROLLBACK: "rollback",
    Function.VERSION: "version",
    Function.REEXECUTE_AND_FETCH: "execute",
    Function.EXECUTE: "execute",
    Function.LOB: "lob",
    Function.AUTHENTICATE_2: "authenticate",
    Function.AUTHENTICATE_1: "authenticate",
    Function.PING: "ping",
    Function.DIRECT_PATH_PREPARE: "direct_path",
    Function.DIRECT_PATH_LOAD: "direct_path",
    Function.DIRECT_PATH_END: "direct_path",
}


# Calls that clients make and the sandbox refuses, by what they are for.
REFUSED_CALLS = {
    48: "starting the database",
    49: "shutting the database down",
    92: "describing an object (Advanced Queuing or object types)",
    103: "two-phase commit",
    104: "two-phase commit",
    119: "the description of a table or view without a query (JDBC: RETURNING instead of names of generated keys)",
    121: "Advanced Queuing",
    122: "Advanced Queuing",
    125: "notifications",
    145: "Advanced Queuing",
}


class ExecuteOption(IntFlag):
    """Options of the execute call."""

    PARSE = 0x01
    BIND = 0x08
    DEFINE = 0x10
    EXECUTE = 0x20
    FETCH = 0x40
    COMMIT = 0x100
    PLSQL_BIND = 0x400
    DESCRIBE = 0x20000
    BATCH_ERRORS = 0x80000


EXECUTE_FLAG_SCROLLABLE = 0x02
EXECUTE_FLAG_ROW_COUNTS = 0x4000

BIND_FLAG_INDICATOR = 0x01
BIND_FLAG_RETURN_CODE = 0x04
BIND_FLAG_ARRAY = 0x40
# Oracle Client: the value is that of an earlier bind of the same name, and is not sent again.
BIND_FLAG_REPEATED = 0x80

# Types that have a scale: NUMBER, TIMESTAMP with its time zones, INTERVAL DAY TO SECOND.
WITH_SCALE = frozenset((2, 180, 181, 183, 231))

DIRECTION_OUT = 16
DIRECTION_IN = 32
DIRECTION_IN_OUT = 48

INTERRUPTED = 1013
END_OF_FETCH = 1403
ARRAY_DML_ERRORS = 24381

_SESSION_RETURNED = 4
_SESSION_CHANGED = 4
_STATUS_END_OF_CALL = 0x1
_STATUS_TRANSACTION_OPEN = 0x2
_LONGEST_OLD_NAME = 255


@dataclass(frozen=True)
class Definition:
    """How the client holds a bind value or a result column: type, size and what it expects beside a value."""

    type: OracleType
    flags: int
    max_elements: int
    continuation_flags: int


@dataclass(frozen=True)
class AuthenticateRequest:
    """Either phase of a log-in."""

    user: str
    values: dict[str, str] = field(repr=False)


@dataclass(frozen=True)
class ExecuteRequest:
    """The execute call without its bind rows, which follow it and are read by the statement's needs."""

    options: ExecuteOption
    cursor_id: int
    sql: str | None
    prefetch_rows: int
    iterations: int
    is_query: bool
    flags: int
    wants_row_counts: bool
    wants_sql_id: bool
    defines: tuple[Definition, ...]
    binds: tuple[Definition, ...]


@dataclass(frozen=True)
class ReexecuteRequest:
    """An execute of a known cursor, without its bind rows."""

    cursor_id: int
    iterations: int
    commit: bool


@dataclass(frozen=True)
class EndToEnd:
    """Session attributes that V$SESSION shows; None for one that is left as it was."""

    client_identifier: str | None
    module: str | None
    action: str | None
    client_info: str | None


@dataclass
class CallStatus:
    """What every answer says of the session besides its result."""

    transaction_open: bool = False
    sequence: int = 0

    def bits(self) -> int:
        """End-of-call status: bit 2 tells the client that a transaction is open, and so whether release rolls back."""
        return _STATUS_END_OF_CALL | (_STATUS_TRANSACTION_OPEN if self.transaction_open else 0)


# ---------------------------------------------------------------- requests
def parse_authenticate(reader: Reader) -> AuthenticateRequest:
    """Read a log-in phase behind its function code."""
    has_user = reader.byte()
    user_length = reader.integer()
    reader.integer()  # mode
    reader.byte()
    count = reader.integer()
    reader.raw(2)
    user = b""
    if has_user:
        # python-oracledb puts the length before the name, Oracle Client does not.
        user = reader.text() if reader.peek() == user_length else reader.raw(user_length)
    values = {}
    for _ in range(count):
        key = reader.sized_text().decode("utf-8", "replace").rstrip("\0")
        values[key] = reader.sized_text().decode("utf-8", "replace")
        reader.integer()
    return AuthenticateRequest(user.decode("utf-8", "replace"), values)


def parse_definition(reader: Reader) -> Definition:
    """Read the description of a bind or define."""
    code = reader.byte()
    flags = reader.byte()
    precision = reader.byte()
    scale = reader.integer() if reader.bare and code in WITH_SCALE else reader.byte()
    size = reader.integer()
    max_elements = reader.integer()
    continuation_flags = reader.integer()
    reader.sized_text()  # object type
    reader.integer()  # version of the object type
    reader.integer()  # character set
    charset_form = reader.byte()
    char_size = reader.integer()
    reader.integer()  # object column
    elements = max(1, max_elements) if flags & BIND_FLAG_ARRAY else 0
    type_ = OracleType("", code, charset_form, precision, scale, size, char_size, elements)
    return Definition(type_, flags, max_elements, continuation_flags)


def parse_execute(reader: Reader) -> ExecuteRequest:
    """Read an execute call behind its function code, up to its bind rows."""
    options = reader.integer()
    cursor_id = reader.integer()
    sql_length = reader.pointer()
    vector_length = reader.pointer()
    reader.raw(2)
    reader.integer()  # prefetch buffer size
    prefetch_rows = reader.integer()
    reader.integer()  # longest LONG
    bind_count = reader.pointer()
    reader.raw(5)
    define_count = reader.pointer()
    reader.integer()  # registration
    reader.raw(2)
    reader.pointer()
    reader.pointer()
    reader.integer()  # registration
    wants_row_counts = bool(reader.byte())
    reader.integer()
    reader.byte()
    reader.pointer()  # SQL signature
    wants_sql_id = bool(reader.pointer())
    reader.byte()
    reader.pointer()  # chunk ids
    sql = as_text(reader.characters(sql_length)) if sql_length else None
    vector = [reader.integer() for _ in range(vector_length)]
    if len(vector) < 10:
        raise ProtocolError(f"{len(vector)} execute parameters")
    defines = tuple(parse_definition(reader) for _ in range(define_count))
    binds = tuple(parse_definition(reader) for _ in range(bind_count)) if options & ExecuteOption.BIND else ()
    return ExecuteRequest(
        options=ExecuteOption(options),
        cursor_id=cursor_id,
        sql=sql,
        prefetch_rows=prefetch_rows,
        # Oracle Client counts from the first of all bind rows: up to which it goes, and from which on.
        iterations=vector[1] - vector[2] if 0 < vector[2] < vector[1] else vector[1],
        is_query=vector[7] == 1,
        flags=vector[9],
        wants_row_counts=wants_row_counts or bool(vector[9] & EXECUTE_FLAG_ROW_COUNTS),
        wants_sql_id=wants_sql_id,
        defines=defines,
        binds=binds,
    )


def parse_reexecute(reader: Reader) -> ReexecuteRequest:
    """Read a re-execute call behind its function code, up to its bind rows."""
    cursor_id = reader.integer()
    iterations = reader.integer()
    reader.integer()
    options = reader.integer()
    return ReexecuteRequest(cursor_id, iterations, bool(options & 1))


def parse_end_to_end(reader: Reader) -> EndToEnd:
    """Read the piggyback that sets module, action and client identifier."""
    reader.raw(2)
    changed = reader.integer()
    pointers = [(reader.byte(), reader.integer()) for _ in range(3)]
    reader.pointer()  # execution context
    reader.raw(1)
    reader.integer()
    pointers.append((reader.byte(), reader.integer()))
    reader.pointer()
    reader.pointer()
    pointers.append((reader.byte(), reader.integer()))
    identifier, module, action, info, _operation = (_pointed_text(reader, *pointer) for pointer in pointers)

    def given(bit: int, value: str) -> str | None:
        return value if changed & bit else None

    return EndToEnd(given(0x01, identifier), given(0x08, module), given(0x10, action), given(0x100, info))


def _pointed_text(reader: Reader, present: int, length: int) -> str:
    if reader.bare:
        return as_text(reader.raw(length))
    # Of an empty string python-oracledb writes the byte 0 although its length is none; of None it does not.
    if length or (present and reader.peek() == 0):
        return as_text(reader.text())
    return ""


def parse_cursor_ids(reader: Reader) -> list[int]:
    """Read the piggyback that closes or cancels cursors."""
    reader.byte()
    return [reader.integer() for _ in range(reader.integer())]


def skip_key_values(reader: Reader) -> None:
    """Read over the application context piggyback."""
    reader.byte()
    reader.integer()
    reader.byte()
    count = reader.integer()
    reader.integer()
    reader.byte()
    reader.text()
    for _ in range(count):
        reader.sized_text()
        reader.sized_text()
        reader.integer()


# ---------------------------------------------------------------- answers
def make_status(status: CallStatus) -> bytes:
    """The end of a call that has nothing to say but that it is done."""
    return bytes((MessageType.STATUS,)) + integer(status.bits()) + integer(status.sequence)


def make_error(
    status: CallStatus,
    error: OracleError | None = None,
    *,
    cursor_id: int = 0,
    row_count: int = 0,
    statement_type: int = 0,
    batch_errors: Sequence[tuple[int, OracleError]] = (),
    last_rowid: bytes = b"\0\0\0\0\0",
) -> bytes:
    """The end of an execute or fetch: an error, or none (code 0), with the row count, the cursor and a row's ROWID."""
    code = error.code if error else 0
    parts = [
        bytes((MessageType.ERROR,)),
        integer(status.bits()),
        integer(status.sequence),
        integer(row_count & 0xFFFFFFFF),
        integer(code & 0xFFFF),
        b"\0\0",  # errors of array elements
        integer(cursor_id),
        integer(error.position if error else 0),
        bytes((statement_type, 0, 0, 0, 0, 0)),
        last_rowid,
        b"\0\0",  # OS error, statement number
        # Which call has ended. JDBC ignores who speaks of another; Oracle Client makes its call again after ORA-01013.
        bytes((status.sequence,)),
        b"\0\0\0",  # padding, iterations, logical row id
    ]
    if batch_errors:
        count = integer(len(batch_errors))
        parts += [count, _packed([integer(each.code) for _row, each in batch_errors])]
        parts += [count, _packed([integer(row) for row, _each in batch_errors])]
        parts += [count, b"\x01", *(sized_text(str(each).encode()) + b"\0\0" for _row, each in batch_errors)]
    else:
        parts.append(b"\0\0\0")
    parts += [integer(code), integer(row_count)]
    if error:
        parts.append(text(f"{error}\n".encode()))
    return b"".join(parts)


def _packed(elements: Sequence[bytes]) -> bytes:
    """An array: its length in bytes and its elements, or, beyond 252 bytes, each element as a chunk."""
    array = b"".join(elements)
    if len(array) <= LONGEST_PLAIN:
        return bytes((len(array),)) + array
    return bytes((CHUNKED,)) + b"".join(integer(len(element)) + element for element in elements) + b"\0"


def make_end_of_fetch(status: CallStatus, cursor_id: int, row_count: int, statement_type: int) -> bytes:
    """The end of a fetch that found the last row."""
    error = OracleError(END_OF_FETCH, "no data found")
    return make_error(status, error, cursor_id=cursor_id, row_count=row_count, statement_type=statement_type)


def make_parameters(pairs: Sequence[tuple[str, str, int]]) -> bytes:
    """Names and values of a log-in phase."""
    parts = [bytes((MessageType.PARAMETER,)), integer(len(pairs))]
    for key, value, flags in pairs:
        parts += (sized_text(key.encode()), sized_text(value.encode()), integer(flags))
    return b"".join(parts)


def make_execute_parameters(row_counts: Sequence[int] | None, sql_id: str | None, values: Sequence[int] = ()) -> bytes:
    """What follows the rows of an execute call.

    Args:
        row_counts: those of each bind row, if they are asked for.
        sql_id: the statement's, if it is asked for.
        values: what JDBC expects: a system change number in two parts, the cursor, and more that it does not look at.
    """
    parts = [bytes((MessageType.PARAMETER,)), integer(len(values)), *map(integer, values), b"\0\0\0"]
    if row_counts is not None:
        parts += [integer(len(row_counts)), *map(integer, row_counts)]
    if sql_id is not None:
        parts.append(sized_text(sql_id.encode()))
    return b"".join(parts)


def make_version(banner: bytes, number: int, is_bare: bool) -> bytes:
    """The answer to the version call; the banner's bytes stand bare behind their number for JDBC."""
    sized = integer(len(banner)) + banner if is_bare else sized_text(banner)
    return bytes((MessageType.PARAMETER,)) + sized + integer(number)


def make_session_returned(sid: int, serial: int, changed: bool) -> bytes:
    """In front of the first answer from a pooled server: which session it is, and whether it is another than before."""
    opcode = bytes((MessageType.SERVER_PIGGYBACK, _SESSION_RETURNED))
    flags = _SESSION_CHANGED if changed else 0
    return opcode + integer(0) + b"\0" + integer(0) + integer(flags) + integer(sid) + integer(serial)


def make_describe(
    columns: Sequence[Column], charset_ids: dict[int, int], now: bytes, wide_scales: bool = False
) -> bytes:
    """The columns of a query.

    Args:
        columns: the columns, in order.
        charset_ids: Oracle's number of the character set for each character set form.
        now: the seven bytes of the current DATE.
        wide_scales: whether the client takes scales of numbers and times as integers, as JDBC does.
    """
    parts = [
        bytes((MessageType.DESCRIBE, 0)),
        integer(sum(column.type.buffer_size for column in columns)),
        integer(len(columns)),
        bytes((min(len(columns), 255),)) if columns else b"",
    ]
    parts += [make_column(column, position, charset_ids, wide_scales) for position, column in enumerate(columns, 1)]
    parts += (sized_text(now), b"\0\0\0\0\0")
    return b"".join(parts)


def make_implicit_results(cursors: Sequence[tuple[bytes, int]]) -> bytes:
    """Results that a block returned: of each cursor its describe, see `make_describe`, and its number."""
    parts = [bytes((MessageType.IMPLICIT_RESULTS,)), integer(len(cursors))]
    for describe, cursor_id in cursors:
        parts += (b"\0", describe[2:], integer(cursor_id))
    return b"".join(parts)


def make_column(
    column: Column, position: int, charset_ids: dict[int, int] | None = None, wide_scales: bool = False
) -> bytes:
    """A column of a describe."""
    type_ = column.type
    name = column.name.encode()
    scale = type_.scale & 0xFF
    parts = (
        bytes((type_.code, 0, type_.precision & 0xFF)),
        integer(scale) if wide_scales and type_.code in WITH_SCALE else bytes((scale,)),
        integer(type_.buffer_size),
        b"\0\0\0\0",  # array elements, continuation flags, object type, its version
        integer((charset_ids or {}).get(type_.charset_form, 0)),
        bytes((type_.charset_form,)),
        integer(type_.char_size),
        b"\0",
        bytes((1 if column.nullable else 0, min(len(name), _LONGEST_OLD_NAME))),
        sized_text(name),
        b"\0\0",  # schema and type name
        integer(position),
        b"\0",
    )
    return b"".join(parts)


def make_row_header(column_count: int, row_limit: int) -> bytes:
    """What stands before the rows of an answer."""
    return bytes((MessageType.ROW_HEADER, 0)) + integer(column_count) + b"\0" + integer(row_limit) + b"\0\0\0"


def make_io_vector(directions: Sequence[int]) -> bytes:
    """The directions of a PL/SQL block's binds."""
    count = len(directions)
    head = bytes((MessageType.IO_VECTOR, 5)) + integer(count & 0xFF) + integer(count >> 8)
    return head + integer(1) + b"\0\0\0" + bytes(directions)
