"""Integers and byte strings of TTC."""

from __future__ import annotations

import pytest

from orapool.sandbox.wire import ProtocolError, Reader, integer, sized_text, text


def reader_of(*packets: bytes) -> Reader:
    """A reader that gets its bytes in these pieces."""
    pieces = iter(packets)
    return Reader(lambda: next(pieces))


@pytest.mark.parametrize("value", [0, 1, 255, 256, 65_535, 65_536, 2**31, 2**63 - 1, -1, -256])
def test_an_integer_reads_back(value: int) -> None:
    assert reader_of(integer(value)).integer() == value


@pytest.mark.parametrize("size", [0, 1, 252, 253, 255, 32_767, 32_768, 100_000])
def test_a_byte_string_reads_back(size: int) -> None:
    value = bytes(range(256)) * (size // 256 + 1)
    assert reader_of(text(value[:size])).text() == value[:size]
    assert reader_of(sized_text(value[:size])).sized_text() == value[:size]


def test_a_value_may_be_cut_over_packets_at_any_byte() -> None:
    encoded = integer(70_000) + text(b"x" * 300)
    reader = reader_of(*(encoded[i : i + 1] for i in range(len(encoded))))
    assert (reader.integer(), reader.text()) == (70_000, b"x" * 300)


def test_an_integer_wider_than_eight_bytes_is_refused() -> None:
    with pytest.raises(ProtocolError, match="9 bytes"):
        reader_of(b"\x09" + bytes(9)).integer()
