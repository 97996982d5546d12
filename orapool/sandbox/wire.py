"""The primitives of TTC, Oracle's presentation layer: integers and byte strings in their universal encoding.

An integer is a length byte followed by that many big-endian bytes (0 is the one byte 0; 0x80 in the length byte is
the sign). A byte string is a length byte and the bytes, or, beyond 252 bytes, 0xFE, chunks with lengths of their own,
and 0.
"""

from __future__ import annotations

from typing import Callable

LONGEST_PLAIN = 252
CHUNKED = 0xFE
NULL_MARK = 0xFF
ESCAPE = 0xFD
CHUNK = 32767


class ProtocolError(Exception):
    """Bytes that are not what the protocol says must stand there."""


class Reader:
    """Reads one request; pulls further packets when a value is cut over them.

    Args:
        more: returns the payload of the next packet, and raises when there is none to come.

    Attributes:
        bare: whether characters stand bare where their number is known from before, as JDBC has them.
    """

    __slots__ = ("_data", "_more", "_position", "bare")

    def __init__(self, more: Callable[[], bytes], data: bytes = b"") -> None:
        self.bare = False
        self._more = more
        self._data = data
        self._position = 0

    @property
    def at_end(self) -> bool:
        """True when all that has arrived is read."""
        return self._position >= len(self._data)

    def arrived(self) -> bytes:
        """What has arrived and is not read."""
        if self._position:
            self._data, self._position = self._data[self._position :], 0
        return self._data

    def skip(self, count: int) -> None:
        """Read over ``count`` bytes that have arrived."""
        self._position += count

    def discard(self) -> None:
        """Forget what has arrived and was not read."""
        self._data = b""
        self._position = 0

    def raw(self, count: int) -> bytes:
        """The next ``count`` bytes as they are."""
        while len(self._data) - self._position < count:
            self._data = self._data[self._position :] + self._more()
            self._position = 0
        start = self._position
        self._position = start + count
        return self._data[start : self._position]

    def peek(self) -> int:
        """The next byte, left in place."""
        value = self.raw(1)[0]
        self._position -= 1
        return value

    def byte(self) -> int:
        """One byte, 0 to 255."""
        if self._position < len(self._data):
            self._position += 1
            return self._data[self._position - 1]
        return self.raw(1)[0]

    def integer(self) -> int:
        """A universal integer of any width, with its sign."""
        length = self.byte()
        if not length:
            return 0
        magnitude = length & 0x7F
        if magnitude > 8:
            raise ProtocolError(f"an integer of {magnitude} bytes")
        value = int.from_bytes(self.raw(magnitude), "big")
        return -value if length & 0x80 else value

    def uint16(self) -> int:
        """Two bytes, big-endian."""
        return int.from_bytes(self.raw(2), "big")

    def text(self) -> bytes:
        """A byte string with its length before it; NULL and the empty string are both ``b""``."""
        length = self.byte()
        if length in (0, NULL_MARK):
            return b""
        if length != CHUNKED:
            return self.raw(length)
        chunks: list[bytes] = []
        while True:
            size = self.integer()
            if size <= 0:
                return b"".join(chunks)
            chunks.append(self.raw(size))

    def sized_text(self) -> bytes:
        """A byte string that is left out when its leading integer, its full length, is 0."""
        return self.text() if self.integer() else b""

    def characters(self, length: int) -> bytes:
        """A byte string whose length in bytes is known from before; none when that is 0."""
        if not length:
            return b""
        return self.raw(length) if self.bare else self.text()

    def pointer(self) -> int:
        """The length of a value that follows later in the request; 0 when it will not follow."""
        present = self.byte()
        length = self.integer()
        return length if present else 0


def integer(value: int) -> bytes:
    """Encode a universal integer."""
    if 0 <= value < 256:
        return _SMALL[value]
    magnitude = abs(value)
    size = (magnitude.bit_length() + 7) // 8
    return bytes((size | (0x80 if value < 0 else 0),)) + magnitude.to_bytes(size, "big")


def text(value: bytes) -> bytes:
    """Encode a byte string with its length before it."""
    size = len(value)
    if size <= LONGEST_PLAIN:
        return _LENGTH[size] + value
    parts = [b"\xfe"]
    for start in range(0, size, CHUNK):
        chunk = value[start : start + CHUNK]
        parts += (integer(len(chunk)), chunk)
    parts.append(b"\0")
    return b"".join(parts)


def sized_text(value: bytes) -> bytes:
    """Encode a byte string behind its full length; one byte 0 when it is empty."""
    return integer(len(value)) + text(value) if value else b"\0"


_LENGTH = [bytes((n,)) for n in range(256)]
_SMALL = [b"\0"] + [bytes((1, n)) for n in range(1, 256)]
