"""LOB locators and the LOB calls.

A locator is 40 bytes that name a value which this session keeps, as it was when it was selected. What is written
through it goes into the row too, where it is one's. CLOB data travels as UTF-16, big-endian, and is counted in its code
units, as Oracle counts characters.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from orapool.sandbox import codecs
from orapool.sandbox.capabilities import CHARSET_UTF8, CHARSET_UTF16
from orapool.sandbox.errors import OracleError
from orapool.sandbox.messages import MessageType
from orapool.sandbox.sql import Place, PlacedValue, not_locked
from orapool.sandbox.types import BLOB, CHARSET_NCHAR, CLOB, Column, OracleType
from orapool.sandbox.wire import Reader, integer, text

LOCATOR_SIZE = 40
CHUNK_SIZE = 8132
GREATEST_GAP = 64 << 20
"""Bytes of a LOB between its end and what is written behind it, which are filled."""

_LENGTH_FIELD = 38
_KIND_BLOB = 0x01
_KIND_CLOB = 0x02
_NATIONAL = 0x40
_INITIALIZED = 0x08
_UTF16 = 0x80
_TEMPORARY = 0x01
_ID_OFFSET = 10


class Operation(IntEnum):
    """What a LOB call does."""

    LENGTH = 0x01
    READ = 0x02
    TRIM = 0x20
    WRITE = 0x40
    CHUNK_SIZE = 0x4000
    OPEN = 0x8000
    CLOSE = 0x10000
    IS_OPEN = 0x11000
    CREATE_TEMPORARY = 0x110
    FREE_TEMPORARY = 0x111


_FREE_ARRAY = 0x80000
_AT_AN_OFFSET = (Operation.READ, Operation.WRITE)


@dataclass
class Lob:
    """A LOB's value: UTF-16 code units of a CLOB, or the bytes of a BLOB.

    That of a row has a ``place``, where it can be changed, or a ``refusal`` for who would change it.
    """

    is_clob: bool
    data: bytes
    temporary: bool
    is_open: bool = False
    is_national: bool = False
    place: Place | None = None
    refusal: OracleError | None = None

    @property
    def unit(self) -> int:
        """Bytes of one character (or byte) in `data`."""
        return 2 if self.is_clob else 1

    @property
    def size(self) -> int:
        """Length in characters of a CLOB, in bytes of a BLOB."""
        return len(self.data) // self.unit


class LobText(bytes):
    """The text of a LOB, which is there even when it is empty: no empty string, which is NULL."""

    def __bool__(self) -> bool:
        return True


@dataclass(frozen=True)
class LobRequest:
    """A LOB call."""

    operation: int
    source: bytes
    source_offset: int
    destination_offset: int
    charset: int
    amount: int
    wants_amount: bool
    wants_null_flag: bool
    data: bytes


class LobStore:
    """The LOBs of one session, by locator.

    Attributes:
        change_row: changes the value, in the engine's text, of a LOB at a place: `Backend.change_lob`.
        in_transaction: whether a transaction is open.
    """

    change_row: Callable[[Place, Callable[[bytes], bytes]], bytes]
    in_transaction: Callable[[], bool]

    def __init__(self) -> None:
        self._lobs: dict[int, Lob] = {}
        self._last_id = 0

    def locate(self, lob: Lob) -> bytes:
        """Keep a LOB and make its locator."""
        self._last_id += 1
        self._lobs[self._last_id] = lob
        locator = bytearray(LOCATOR_SIZE)
        struct.pack_into(">HH", locator, 0, _LENGTH_FIELD, 1)
        locator[4] = _KIND_CLOB if lob.is_clob else _KIND_BLOB
        locator[5] = _INITIALIZED | (_NATIONAL if lob.is_national else 0)
        locator[6] = _UTF16 if lob.is_clob else 0
        locator[7] = _TEMPORARY if lob.temporary else 0
        struct.pack_into(">Q", locator, _ID_OFFSET, self._last_id)
        return bytes(locator)

    def find(self, locator: bytes) -> Lob:
        """The LOB of a locator; ORA-22922 when there is none."""
        lob = self._lobs.get(self._id(locator))
        if lob is None:
            raise OracleError(22922, "nonexistent LOB value")
        return lob

    def free(self, locator: bytes) -> None:
        """Forget a temporary LOB."""
        self._lobs.pop(self._id(locator), None)

    def put(self, type_: OracleType, engine_text: bytes) -> tuple[Lob, bytes]:
        """Keep a value of the engine's; returns the LOB and its locator."""
        raw = engine_text if type_.code == CLOB.code else bytes.fromhex(engine_text[2:].decode())
        return self._put(type_, raw, engine_text)

    def put_raw(self, column: Column, value: bytes) -> tuple[Lob, bytes]:
        """Keep a column's value in the engine's binary form; returns the LOB and its locator."""
        return self._put(column.type, value, value, column.computed)

    def _put(self, type_: OracleType, value: bytes, given: bytes, computed: bool = False) -> tuple[Lob, bytes]:
        is_clob = type_.code == CLOB.code
        data = value.decode().encode("utf-16-be") if is_clob else value
        lob = Lob(is_clob, data, temporary=False, is_national=type_.charset_form == CHARSET_NCHAR)
        if isinstance(given, PlacedValue):
            lob.place = given.place
        else:
            lob.refusal = _unknown_row() if computed or self.in_transaction() else not_locked()
        return lob, self.locate(lob)

    def value(self, locator: bytes) -> bytes:
        """Engine text of the LOB behind a locator."""
        lob = self.find(locator)
        return _engine_text(lob.is_clob, lob.data)

    def change(self, lob: Lob, make: Callable[[bytes], bytes]) -> None:
        """Change a LOB: that of a row in its row, a temporary one in memory.

        Raises:
            OracleError: ORA-22920 or 22990 where the row may not be changed, ORA-03001 where it is not known.
        """
        if lob.refusal is not None:
            raise lob.refusal
        if lob.place is None:
            lob.data = make(lob.data)
            return

        def make_text(current: bytes) -> bytes:
            return _engine_text(lob.is_clob, make(_data(lob.is_clob, current)))

        lob.data = _data(lob.is_clob, self.change_row(lob.place, make_text))

    @staticmethod
    def _id(locator: bytes) -> int:
        if len(locator) < _ID_OFFSET + 8:
            return 0
        return int(struct.unpack_from(">Q", locator, _ID_OFFSET)[0])


def read_request(reader: Reader, store: LobStore) -> LobRequest:
    """Read a LOB call behind its function code; frees the temporary LOBs that it lists."""
    source_length = reader.pointer()
    destination_length = reader.pointer()
    reader.integer()
    reader.integer()
    has_charset = reader.byte()
    reader.byte()
    wants_null_flag = bool(reader.byte())
    operation = reader.integer()
    scn_length = reader.pointer()
    source_offset = reader.integer()
    destination_offset = reader.integer()
    wants_amount = bool(reader.byte())
    for _ in range(3):
        reader.pointer()
    if operation & _FREE_ARRAY:
        for _ in range(source_length // LOCATOR_SIZE):
            store.free(reader.raw(LOCATOR_SIZE))
        return LobRequest(operation, b"", 0, 0, 0, 0, False, False, b"")
    source = reader.raw(source_length)
    if operation not in (Operation.CREATE_TEMPORARY,):
        reader.raw(destination_length)
    charset = reader.integer() if has_charset else 0
    for _ in range(scn_length):
        reader.integer()
    amount = reader.integer() if wants_amount else 0
    data = b""
    if operation == Operation.WRITE:
        reader.byte()
        data = reader.text()
    return LobRequest(
        operation, source, source_offset, destination_offset, charset, amount, wants_amount, wants_null_flag, data
    )


def answer(request: LobRequest, store: LobStore) -> bytes:
    """Carry out a LOB call and make its answer, up to the status that ends it."""
    parameter = bytes((MessageType.PARAMETER,))
    if request.operation == Operation.CREATE_TEMPORARY:
        is_clob = request.destination_offset == CLOB.code
        if not is_clob and request.destination_offset != BLOB.code:
            raise OracleError(22993, f"temporary LOBs of type {request.destination_offset} are not known")
        # Oracle Client gives the locator more room than it takes, and wants all of that room back.
        locator = store.locate(
            Lob(is_clob, b"", temporary=True, is_national=request.source_offset == CHARSET_NCHAR)
        ).ljust(len(request.source), b"\0")
        amount = integer(request.amount) if request.wants_amount else b""
        null_flag = b"\0" if request.wants_null_flag else b""
        return parameter + locator + integer(request.charset or CHARSET_UTF8) + amount + null_flag
    lob = store.find(request.source)
    head = b""
    tail = b""
    amount_done = request.amount
    start = (request.source_offset - 1) * lob.unit
    if request.operation in _AT_AN_OFFSET and (start < 0 or request.amount < 0):
        raise OracleError(24801, "illegal parameter value in OCI lob function: an offset below 1, or an amount below 0")
    if request.operation == Operation.READ:
        piece = lob.data[start : start + request.amount * lob.unit]
        head = bytes((MessageType.LOB_DATA,)) + text(piece)
        amount_done = len(piece) // lob.unit
    elif request.operation == Operation.LENGTH:
        amount_done = lob.size
    elif request.operation == Operation.CHUNK_SIZE:
        amount_done = CHUNK_SIZE
    elif request.operation == Operation.WRITE:
        store.change(lob, lambda current: _written(current, start, request, lob.unit))
        amount_done = len(request.data) // lob.unit
    elif request.operation == Operation.TRIM:
        if request.amount < 0:
            raise OracleError(24801, "illegal parameter value in OCI lob function: a size below 0")
        store.change(lob, lambda current: current[: request.amount * lob.unit])
    elif request.operation == Operation.FREE_TEMPORARY:
        store.free(request.source)
    elif request.operation == Operation.OPEN:
        lob.is_open = True
    elif request.operation == Operation.CLOSE:
        lob.is_open = False
    elif request.operation == Operation.IS_OPEN:
        tail = bytes((1 if lob.is_open else 0,))
    else:
        raise OracleError(3001, f"unimplemented feature: LOB operation {request.operation:#x}")
    amount = integer(amount_done) if request.wants_amount else b""
    return head + parameter + request.source + amount + tail


def encode_located(lob: Lob, locator: bytes, with_sizes: bool, ahead: int = 0) -> bytes:
    """A LOB column's value in a row: its locator, with length and chunk size where the client asked for them.

    Args:
        ahead: how many characters or bytes of its data stand there too, for clients that can take them.
    """
    sizes = integer(lob.size) + integer(CHUNK_SIZE) if with_sizes else b""
    data = b""
    if ahead:
        form = b"\x01" + integer(CHARSET_UTF16) + b"\x01" if lob.is_clob else b""
        data = form + text(lob.data[: ahead * lob.unit])
    return integer(LOCATOR_SIZE) + sizes + data + text(locator)


def encode_json(value: bytes | None) -> bytes:
    """A JSON column's value in a row: all of it, and a locator that nobody asks for."""
    if value is None:
        return b"\0"
    return integer(LOCATOR_SIZE) + integer(len(value)) + integer(CHUNK_SIZE) + text(value) + text(bytes(LOCATOR_SIZE))


def _unknown_row() -> OracleError:
    return OracleError(
        3001,
        "unimplemented feature: writing through the locator of a LOB whose row the sandbox does not know: take it from "
        "SELECT of a table's column FOR UPDATE (no view, no subquery, the table once) or from RETURNING of DML",
    )


def _written(current: bytes, start: int, request: LobRequest, unit: int) -> bytes:
    """A LOB's data with those of a write at their place, and blanks or zeros where there was nothing before it."""
    if start - len(current) > GREATEST_GAP or len(request.data) % unit:
        raise OracleError(24801, f"illegal parameter value in OCI lob function: offset {request.source_offset}")
    padding = " ".encode("utf-16-be") if unit > 1 else b"\0"
    before = current[:start]
    before += padding * ((start - len(before)) // unit)
    return before + request.data + current[start + len(request.data) :]


def _engine_text(is_clob: bool, data: bytes) -> bytes:
    return LobText(codecs.decode_nchar(data)) if is_clob else b"\\x" + data.hex().encode()


def _data(is_clob: bool, engine_text: bytes) -> bytes:
    return engine_text.decode().encode("utf-16-be") if is_clob else bytes.fromhex(engine_text[2:].decode())
