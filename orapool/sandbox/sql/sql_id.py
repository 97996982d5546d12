"""The SQL_ID of a statement."""

from __future__ import annotations

import hashlib
import struct

_BASE_32 = "0123456789abcdfghjkmnpqrstuvwxyz"


def make_sql_id(sql: str) -> str:
    """13 characters of base 32, as Oracle makes them of a statement's text."""
    digest = hashlib.md5(f"{sql}\0".encode(), usedforsecurity=False).digest()
    high, low = struct.unpack("<II", digest[8:])
    number = high << 32 | low
    return "".join(_BASE_32[number >> shift & 31] for shift in range(60, -1, -5))
