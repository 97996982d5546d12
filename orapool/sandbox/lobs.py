"""LOB locators and the LOB calls.

A locator is 40 bytes that name a value which this session keeps. CLOB data travels as UTF-16, big-endian, and is
counted in its code units, as Oracle counts characters.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from orapool.sandbox import codecs
from orapool.sandbox.capabilities import CHARSET_UTF8, CHARSET_UTF16
from orapool.sandbox.errors import OracleError
from orapool.sandbox.messages import MessageType
from orapool.sandbox.types import BLOB, CHARSET_NCHAR, CLOB, OracleType
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
    """A LOB's value: UTF-16 code units of a CLOB, or the bytes of a BLOB."""

    is_clob: bool
    data: bytes
    temporary: bool
    is_open: bool = False
    is_national: bool = False

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
    """The LOBs of one session, by locator."""

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
        return self.put_raw(type_, raw)

    def put_raw(self, type_: OracleType, value: bytes) -> tuple[Lob, bytes]:
        """Keep a value in the engine's binary form; returns the LOB and its locator."""
        is_clob = type_.code == CLOB.code
        data = value.decode().encode("utf-16-be") if is_clob else value
        lob = Lob(is_clob, data, temporary=False, is_national=type_.charset_form == CHARSET_NCHAR)
        return lob, self.locate(lob)

    def value(self, locator: bytes) -> bytes:
        """Engine text of the LOB behind a locator."""
        lob = self.find(locator)
        if lob.is_clob:
            return LobText(codecs.decode_nchar(lob.data))
        return b"\\x" + lob.data.hex().encode()

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
        _refuse_persistent(lob)
        padding = " ".encode("utf-16-be") if lob.is_clob else b"\0"
        if start - len(lob.data) > GREATEST_GAP or len(request.data) % lob.unit:
            raise OracleError(24801, f"illegal parameter value in OCI lob function: offset {request.source_offset}")
        before = lob.data[:start]
        before += padding * ((start - len(before)) // lob.unit)
        lob.data = before + request.data + lob.data[start + len(request.data) :]
        amount_done = len(request.data) // lob.unit
    elif request.operation == Operation.TRIM:
        _refuse_persistent(lob)
        if request.amount < 0:
            raise OracleError(24801, "illegal parameter value in OCI lob function: a size below 0")
        lob.data = lob.data[: request.amount * lob.unit]
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


def _refuse_persistent(lob: Lob) -> None:
    if not lob.temporary:
        raise OracleError(3001, "unimplemented feature: writing through the locator of a LOB column; use UPDATE")
