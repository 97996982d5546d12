"""OSON, the binary form in which JSON travels and is kept: of JSON's text, for clients that send that."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from orapool.sandbox.codecs import encode_number
from orapool.sandbox.errors import OracleError

_MAGIC = b"\xffJZ\x01"
_INLINE_LEAVES = 0x0002 | 0x0004
_SCALAR = 0x0010
_BYTE_HASHES, _TINY_NODES = 0x0100, 0x2000
_WIDE_COUNT, _WIDER_COUNT = 0x0400, 0x0008
_WIDE_NAMES, _WIDE_TREE = 0x0800, 0x1000
_NULL, _TRUE, _FALSE, _NUMBER = b"\x30", b"\x31", b"\x32", b"\x34"
_STRINGS = ((0x100, b"\x33", 1), (0x10000, b"\x37", 2), (1 << 32, b"\x38", 4))
_OBJECT, _ARRAY = 0x84, 0xC0
_WIDE_OFFSETS, _WIDE_SIZE, _WIDER_SIZE = 0x20, 0x08, 0x10
_LONGEST_NAME = 255


def from_text(text: bytes) -> bytes:
    """OSON of a JSON text.

    Raises:
        OracleError: ORA-40441 for what is no JSON.
    """
    try:
        value = json.loads(text, parse_float=Decimal, parse_constant=_refuse)
    except ValueError as error:
        raise OracleError(40441, f"JSON syntax error: {error}") from error
    return encode(value)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def encode(value: Any) -> bytes:
    """OSON of a value of dicts, lists, texts, numbers, booleans and None."""
    if not isinstance(value, (dict, list)):
        leaf = _leaf(value)
        flags = _INLINE_LEAVES | _SCALAR | (_WIDE_TREE if len(leaf) > 0xFFFF else 0)
        return _MAGIC + flags.to_bytes(2, "big") + _size(len(leaf), bool(flags & _WIDE_TREE)) + leaf
    names: set[bytes] = set()
    _collect(value, names)
    # Names stand by the last byte of their hash; their places in this order are their numbers.
    ordered = sorted(names, key=lambda name: (_hash(name), len(name), name))
    numbers = {name: number for number, name in enumerate(ordered, 1)}
    width = 1 if len(ordered) < 0x100 else 2 if len(ordered) < 0x10000 else 4
    flags = _INLINE_LEAVES | _BYTE_HASHES | _TINY_NODES
    flags |= {1: 0, 2: _WIDE_COUNT, 4: _WIDER_COUNT}[width]
    segment, places = bytearray(), []
    for name in ordered:
        places.append(len(segment))
        segment += bytes((len(name),)) + name
    tree = bytearray()
    _write(tree, value, numbers, width)
    flags |= (_WIDE_NAMES if len(segment) > 0xFFFF else 0) | (_WIDE_TREE if len(tree) > 0xFFFF else 0)
    head = _MAGIC + flags.to_bytes(2, "big") + len(ordered).to_bytes(width, "big")
    head += _size(len(segment), bool(flags & _WIDE_NAMES)) + _size(len(tree), bool(flags & _WIDE_TREE)) + b"\0\0"
    hashes = bytes(_hash(name) for name in ordered)
    return head + hashes + b"".join(_size(place, bool(flags & _WIDE_NAMES)) for place in places) + segment + tree


def _size(value: int, wide: bool) -> bytes:
    return value.to_bytes(4 if wide else 2, "big")


def _hash(name: bytes) -> int:
    """The last byte of Fowler, Noll and Vo's hash, 1a, of 32 bits."""
    found = 0x811C9DC5
    for byte in name:
        found = ((found ^ byte) * 16777619) & 0xFFFFFFFF
    return found & 0xFF


def _collect(value: Any, names: set[bytes]) -> None:
    if isinstance(value, dict):
        for name, child in value.items():
            text = name.encode()
            if len(text) > _LONGEST_NAME:
                raise OracleError(40763, "existing text-JSON field name is longer than 255 bytes")
            names.add(text)
            _collect(child, names)
    elif isinstance(value, list):
        for child in value:
            _collect(child, names)


def _write(tree: bytearray, value: Any, numbers: dict[bytes, int], width: int) -> None:
    """A node, and those below it: containers have the places of their children in the tree."""
    if not isinstance(value, (dict, list)):
        tree += _leaf(value)
        return
    kind = (_OBJECT if isinstance(value, dict) else _ARRAY) | _WIDE_OFFSETS
    count = len(value)
    size = 1 if count < 0x100 else 2 if count < 0x10000 else 4
    tree.append(kind | {1: 0, 2: _WIDE_SIZE, 4: _WIDER_SIZE}[size])
    tree += count.to_bytes(size, "big")
    children = list(value)
    if isinstance(value, dict):
        for name in value:
            tree += numbers[name.encode()].to_bytes(width, "big")
        children = list(value.values())
    place = len(tree)
    tree += bytes(4 * count)
    for child in children:
        tree[place : place + 4] = len(tree).to_bytes(4, "big")
        place += 4
        _write(tree, child, numbers, width)


def _leaf(value: Any) -> bytes:
    if value is None:
        return _NULL
    if isinstance(value, bool):
        return _TRUE if value else _FALSE
    if isinstance(value, (int, Decimal)):
        return _NUMBER + encode_number(format(Decimal(value), "f").encode())
    text: bytes = value.encode()
    for limit, kind, size in _STRINGS:
        if len(text) < limit:
            return kind + len(text).to_bytes(size, "big") + text
    raise OracleError(40478, "output value too large")
