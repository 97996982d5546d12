"""Values between the wire and engine text."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest

from orapool.sandbox import codecs, types
from orapool.sandbox.errors import OracleError
from orapool.sandbox.types import OracleType


def there_and_back(type_: OracleType, value: bytes) -> bytes:
    encoded = codecs.encoder(type_)(value)
    assert encoded[0] == len(encoded) - 1
    return codecs.decoder(type_)(encoded[1:])


@pytest.mark.parametrize(
    "value",
    [
        *("0", "1", "-1", "10", "99", "100", "-100", "0.5", "-0.05", "0.00012", "123456789.987654321", "1e37", "-9e37"),
        *("12345678901234567890123456789012345678", "-0.12345678901234567890123456789012345678", "1e-20"),
    ],
)
def test_a_number_keeps_all_its_digits(value: str) -> None:
    plain = format(Decimal(value), "f").encode()
    assert Decimal(there_and_back(types.number(), plain).decode()) == Decimal(value)


def test_random_numbers_keep_all_their_digits() -> None:
    random = Random(2)
    for _ in range(2_000):
        number = Decimal(random.randint(-(10**38) + 1, 10**38 - 1)).scaleb(random.randint(-60, 20))
        plain = format(number, "f").encode()
        assert Decimal(there_and_back(types.number(), plain).decode()) == number


def test_the_bytes_of_known_numbers() -> None:
    # From Oracle's documentation of NUMBER's internal form: DUMP(1), DUMP(-1), DUMP(0), DUMP(123.45).
    assert codecs.encode_number(b"1") == bytes((2, 193, 2))
    assert codecs.encode_number(b"-1") == bytes((3, 62, 100, 102))
    assert codecs.encode_number(b"0") == bytes((1, 128))
    assert codecs.encode_number(b"123.45") == bytes((4, 194, 2, 24, 46))


def test_what_is_no_number_is_ora_01722() -> None:
    with pytest.raises(OracleError, match="ORA-01722"):
        codecs.encode_number(b"NaN")


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (types.DATE, b"2024-02-29 23:59:59"),
        (types.DATE, b"0001-01-01 00:00:00"),
        (types.DATE, b"9999-12-31 23:59:59"),
        (types.timestamp(), b"2024-02-29 23:59:59.123456"),
        (types.timestamp(9), b"2024-02-29 23:59:59.000001"),
        (types.timestamp_tz(), b"2024-02-29 23:59:59.5+00"),
        (types.BINARY_DOUBLE, b"1.5"),
        (types.BINARY_DOUBLE, b"-0.1"),
        (types.BINARY_DOUBLE, b"NaN"),
        (types.BINARY_DOUBLE, b"-Infinity"),
        (types.BINARY_FLOAT, b"2.25"),
        (types.raw(10), b"\\x00ff10"),
        (types.varchar2(10), "Zoë 🙂".encode()),
        (types.nvarchar2(10), "Zoë 🙂".encode()),
    ],
)
def test_a_value_reads_back(type_: OracleType, value: bytes) -> None:
    assert there_and_back(type_, value) == value


def test_a_date_before_christ_reads_back() -> None:
    assert there_and_back(types.DATE, b"0044-03-15 12:00:00 BC") == b"0044-03-15 12:00:00 BC"


def test_an_interval_has_the_bytes_of_its_parts() -> None:
    encoded = codecs.encode_interval_ds(b"-1 days -02:03:04.5")
    offset = 0x80000000
    assert encoded[1:5] == (offset - 1).to_bytes(4, "big")
    assert tuple(encoded[5:8]) == (58, 57, 56)
    assert encoded[8:12] == (offset - 500_000_000).to_bytes(4, "big")


def test_a_type_that_cannot_be_sent_is_an_error() -> None:
    with pytest.raises(OracleError, match="ORA-00932"):
        codecs.encoder(types.REF_CURSOR)
