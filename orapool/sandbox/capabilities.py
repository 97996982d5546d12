"""Protocol and data type negotiation: what this server says of itself so that both kinds of client agree with it.

The banner names a platform that is not the client's: then Oracle Client sends its list of data types and uses universal
integers, as python-oracledb always does, and one encoding serves both (oracle-net.md, part B).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from orapool.sandbox.wire import ProtocolError, Reader, text

PROTOCOL_VERSION = 6
BANNER = b"IBMPC/WIN_NT64-9.1.0"
# What Oracle's JDBC thin driver calls itself, with a version behind. 19.3 takes and sends otherwise than the others:
# characters bare where their number is known (`Reader.bare`), scales as integers, ROWIDs in their parts, NULLs for OUT
# binds, the first data of a LOB beside its locator, and six numbers at the end of an execute call.
JDBC = "Java_TTC"
CHARSET_UTF8 = 873
CHARSET_UTF16 = 2000
# TTC field version 12 is that of release 19.1: before fast authentication, and before clients number the calls of a
# pipeline. Whether ends of responses are marked is told before, in ACCEPT (`packets.make_accept`).
FIELD_VERSION = 12
FIELD_VERSION_INDEX = 7

# As Oracle Client 19.3 announces its own, with the field version above.
COMPILE_CAPABILITIES = bytes.fromhex(
    "060101016f01010c010101010101017fff030e03030101ff01ffff010b0101ff01060ae2017f05000f0d"
)
# [0] = 2: a 7.x client or later; [1] = 0: no time zone in the negotiation; [6] = 4: strings of up to 32,767 bytes.
RUNTIME_CAPABILITIES = bytes((2, 0, 0, 0, 0, 0, 4))

# Pairs of character sets with the conversions between them, as a server lists them.
_CHARSET_ELEMENTS = bytes.fromhex(
    "66034003014003660301660348030148036603016603520301520366030166036103016103660301" + "66031f03081f03660301"
)
# Data types of this server; the clients take the two character sets out of it (bytes 58 to 61).
_FDO = bytes.fromhex(
    "0000006001240f050b0c030c0c0504050d0609070805050505050f05050505050a050505050504050607080823472323"
    "08112308" + "1141b0230083036907d003"
).ljust(100, b"\0")

_FLAG_NATIONAL_CHARSET = 0x80
_SIGNED_BYTE_TYPE = 27
_REPRESENTATION_UNIVERSAL = 1
_REPRESENTATION_NATIVE = 10


@dataclass(frozen=True)
class TypeRepresentation:
    """A data type of the client's with the representations it can take; none when it has no conversion for it."""

    code: int
    conversion: int
    representations: tuple[int, ...]


@dataclass(frozen=True)
class ClientTypes:
    """What a client says of itself in the negotiation of data types.

    ``is_oci`` tells Oracle Client, which sends its national character set, from python-oracledb, which does not.
    """

    is_oci: bool
    types: list[TypeRepresentation]


def make_protocol_reply() -> bytes:
    """The answer to the protocol message: banner, character sets and capabilities."""
    return b"".join(
        (
            bytes((1, PROTOCOL_VERSION, 0)),
            BANNER + b"\0",
            struct.pack("<HBH", CHARSET_UTF8, 1, len(_CHARSET_ELEMENTS) // 5),
            _CHARSET_ELEMENTS,
            struct.pack(">H", len(_FDO)),
            _FDO,
            text(COMPILE_CAPABILITIES),
            text(RUNTIME_CAPABILITIES),
        )
    )


def parse_protocol(reader: Reader) -> str:
    """Read the protocol message behind its type byte; returns the client's platform or its own name for itself."""
    while reader.byte():
        pass
    name = bytearray()
    while True:
        byte = reader.byte()
        if not byte:
            return name.decode("ascii", "replace")
        name.append(byte)


def parse_data_types(reader: Reader) -> ClientTypes:
    """Read the data types message behind its type byte."""
    reader.raw(4)
    flags = reader.byte()
    reader.text()
    reader.text()
    is_oci = bool(flags & _FLAG_NATIONAL_CHARSET)
    if is_oci:
        reader.raw(2)
    types: list[TypeRepresentation] = []
    while True:
        code = reader.uint16()
        if not code:
            return ClientTypes(is_oci, types)
        conversion = reader.uint16()
        representations = []
        if conversion:
            representations.append(reader.uint16())  # of its BOOLEAN, JDBC says 0
        while conversion and (representation := reader.uint16()):
            representations.append(representation)
        if conversion and not representations:
            raise ProtocolError(f"a data type {code} without a representation")
        types.append(TypeRepresentation(code, conversion, tuple(representations)))


def make_data_types_reply(types: list[TypeRepresentation]) -> bytes:
    """The answer to the data types message: the representation chosen for each, universal where the client can."""
    parts = [b"\x02"]
    for type_ in types:
        if not type_.conversion:
            parts.append(struct.pack(">HH", type_.code, 0))
            continue
        if type_.code == _SIGNED_BYTE_TYPE:
            chosen = _REPRESENTATION_NATIVE
        elif _REPRESENTATION_UNIVERSAL in type_.representations:
            chosen = _REPRESENTATION_UNIVERSAL
        elif _REPRESENTATION_NATIVE in type_.representations:
            chosen = _REPRESENTATION_NATIVE
        else:
            chosen = type_.representations[0]
        parts.append(struct.pack(">HHHH", type_.code, type_.conversion, chosen, 0))
    parts.append(b"\0\0")
    return b"".join(parts)
