"""Native network services: what a client that brings no password offers before it logs on, and our answer: none of it.

python-oracledb 26.1 offers authentication by TLS then. Four services, supervisor, authentication, encryption and
integrity, each with fields of a length and a type.
"""

from __future__ import annotations

import struct

from orapool.sandbox.wire import ProtocolError, Reader

MAGIC = b"\xde\xad\xbe\xef"
_HEADER = struct.Struct(">4sHIHB")
_SERVICE = struct.Struct(">HHI")
_FIELD = struct.Struct(">HH")

_SUPERVISOR, _AUTHENTICATION, _ENCRYPTION, _INTEGRITY = 4, 1, 2, 3
_BYTES, _BYTE, _VERSION, _STATUS = 1, 2, 5, 6
_OUR_VERSION = 0x13000000
_DONE = 31
_NO_AUTHENTICATION = 0xFBFF
_NO_ALGORITHM = b"\0"


def skip_offer(reader: Reader) -> None:
    """Read over a client's offer, of which the first byte is read already."""
    if reader.raw(3) != MAGIC[1:]:
        raise ProtocolError("a message of type 222")
    size = int.from_bytes(reader.raw(2), "big")
    reader.raw(size - len(MAGIC) - 2)


def make_refusal() -> bytes:
    """The answer that takes up nothing of an offer."""
    order = struct.pack(">4sHIHHHH", MAGIC, 3, 4, _SUPERVISOR, _AUTHENTICATION, _ENCRYPTION, _INTEGRITY)
    version = _field(_VERSION, struct.pack(">I", _OUR_VERSION))
    services = [
        (_SUPERVISOR, [version, _field(_STATUS, struct.pack(">H", _DONE)), _field(_BYTES, order)]),
        (_AUTHENTICATION, [version, _field(_STATUS, struct.pack(">H", _NO_AUTHENTICATION))]),
        (_ENCRYPTION, [version, _field(_BYTE, _NO_ALGORITHM)]),
        (_INTEGRITY, [version, _field(_BYTE, _NO_ALGORITHM)]),
    ]
    body = b"".join(_SERVICE.pack(number, len(fields), 0) + b"".join(fields) for number, fields in services)
    return _HEADER.pack(MAGIC, _HEADER.size + len(body), _OUR_VERSION, len(services), 0) + body


def _field(kind: int, value: bytes) -> bytes:
    return _FIELD.pack(len(value), kind) + value
