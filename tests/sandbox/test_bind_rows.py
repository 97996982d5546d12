"""The sandbox's bulk reading of bind rows: the same values as one by one, however the packets cut them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orapool.sandbox import bind_rows, codecs, types
from orapool.sandbox.types import OracleType
from orapool.sandbox.wire import Reader, text

NUMBERS = st.one_of(st.integers(-(10**37), 10**37), st.decimals(-(10**12), 10**12, places=8)).map(
    lambda number: codecs.encode_number(format(Decimal(number), "f").encode())
)
SHORT = st.binary(max_size=20)
VALUES: dict[str, tuple[OracleType, st.SearchStrategy[Any]]] = {
    "number": (types.number(), NUMBERS),
    "date": (types.DATE, st.datetimes().map(lambda day: codecs.encode_date(day.isoformat(" ", "seconds").encode()))),
    "timestamp": (types.timestamp(), st.datetimes().map(lambda day: codecs.encode_timestamp(str(day).encode()))),
    "double": (types.BINARY_DOUBLE, st.floats().map(lambda x: codecs.encode_binary_double(repr(x).encode()))),
    "string": (types.varchar2(10), SHORT.map(text)),
    "long": (types.LONG, st.binary(min_size=253, max_size=300).map(text)),
}


def _one_by_one(kind: OracleType, encoded: bytes) -> bytes | None:
    value = Reader(lambda: b"", encoded).text()
    return codecs.decoder(kind)(value) if value else None


def _arriving(message: bytes, size: int) -> Callable[[], bytes]:
    packets: Iterator[bytes] = iter([message[start : start + size] for start in range(0, len(message), size)])
    return lambda: next(packets)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), size=st.integers(1, 400), rows=st.integers(1, 12))
def test_rows_are_read_as_they_would_be_one_by_one(data: st.DataObject, size: int, rows: int) -> None:
    kinds = [kind for kind, _ in VALUES.values()]
    nulls = st.sampled_from([b"\0", b"\xff", b"\xfd\x01"])
    encoded = [[data.draw(st.one_of(values, nulls)) for _, values in VALUES.values()] for _ in range(rows)]
    message = b"".join(b"\x07" + b"".join(row) for row in encoded)

    found = bind_rows.read(Reader(_arriving(message, size)), kinds, range(len(kinds)), rows)

    expected = [
        tuple(None if value[:1] == b"\xfd" else _one_by_one(kind, value) for kind, value in zip(kinds, row))
        for row in encoded
    ]
    assert [tuple(row) for row in found] == expected
    assert [tuple(found[number]) for number in range(rows)] == expected


@pytest.mark.parametrize(
    "number", ["0", "1", "10", "100", "0.01", "0.5", "12.5", "1e20", "-7", "99999999999999999999.99"]
)
def test_numbers_are_written_without_zeros_at_their_ends(number: str) -> None:
    plain = format(Decimal(number), "f").encode()
    row = b"\x07" + codecs.encode_number(plain)

    found = bind_rows.read(Reader(lambda: b"", row), [types.number()], [0], 1)

    assert found[0] == [plain]


def test_what_is_not_sent_is_null() -> None:
    found = bind_rows.read(Reader(lambda: b"", b"\x07\x01a\x07\x01b"), [types.varchar2(1)] * 2, [1], 2)

    assert list(found) == [(None, b"a"), (None, b"b")]
