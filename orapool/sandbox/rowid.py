"""ROWIDs: 18 characters of base 64, made of a row's block and its place there, as PostgreSQL's ctid has them.

The six characters of the object's number and the three of the file's are the same for all tables.
"""

from __future__ import annotations

import re
import struct

from orapool.sandbox.errors import OracleError
from orapool.sandbox.wire import Reader, integer

OBJECT, FILE = 1, 1

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_ROWID = re.compile(r"[A-Za-z0-9+/]{18}")
_TID = re.compile(rb"\((\d+),(\d+)\)")
# What the universal encoding of a ROWID has for its length.
_LENGTH = b"\x0e"


def _digits(number: int, size: int) -> str:
    return "".join(_ALPHABET[number >> 6 * place & 63] for place in reversed(range(size)))


def _number(digits: str) -> int:
    number = 0
    for digit in digits:
        number = number << 6 | _VALUES[digit]
    return number


def to_tid(rowid: bytes) -> bytes:
    """PostgreSQL's text of a ROWID, ``(block,place)``.

    Raises:
        OracleError: ORA-01410 for what is none.
    """
    text = rowid.decode("ascii", "replace")
    if not _ROWID.fullmatch(text):
        raise OracleError(1410, "invalid ROWID")
    return b"(%d,%d)" % (_number(text[9:15]) & 0xFFFFFFFF, _number(text[15:]) & 0xFFFF)


def read(reader: Reader) -> bytes | None:
    """PostgreSQL's text of a ROWID in its universal encoding, as JDBC binds it; None for NULL."""
    if not reader.byte():
        return None
    reader.integer()  # object
    reader.integer()  # file
    reader.byte()
    return b"(%d,%d)" % (reader.integer() & 0xFFFFFFFF, reader.integer() & 0xFFFF)


def from_tid(tid: bytes) -> bytes:
    """The ROWID of PostgreSQL's text ``(block,place)``; one that is a ROWID already stays."""
    if _ROWID.fullmatch(tid.decode("ascii", "replace")):
        return tid
    found = _TID.fullmatch(tid)
    if not found:
        raise OracleError(1410, "invalid ROWID")
    block, place = map(int, found.groups())
    return (_digits(OBJECT, 6) + _digits(FILE, 3) + _digits(block, 6) + _digits(place, 3)).encode()


def encode(value: bytes) -> bytes:
    """A ROWID in a row, from PostgreSQL's binary form of a ctid."""
    return _LENGTH + _parts(*struct.unpack(">IH", value))


def encode_parts(tid: bytes | None) -> bytes:
    """The ROWID of PostgreSQL's text ``(block,place)`` in the end of a call; all zero for None."""
    found = _TID.fullmatch(tid) if tid is not None else None
    return _parts(*map(int, found.groups())) if found else bytes(5)


def _parts(block: int, place: int) -> bytes:
    return integer(OBJECT) + integer(FILE) + b"\0" + integer(block) + integer(place)
