"""Strings where a number, a date or a RAW stands: Oracle's implicit conversions, not PostgreSQL's input formats.

PostgreSQL tells which type it takes a bind or a string literal for. Its own input takes much that Oracle does not
(``NaN``, ``0x10``, ``yesterday``, plain text for bytes), so strings are converted before they are sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from orapool.sandbox import oson, rowid
from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.binds import array
from orapool.sandbox.sql.columns import BYTEA, NUMERIC, TEXT, TID, TIMESTAMP, TIMESTAMPTZ
from orapool.sandbox.sql.link import Run

if TYPE_CHECKING:
    from orapool.sandbox.sql.backend import Backend

_NUMBER = re.compile(rb"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2})*")
_DATES = b"select oracle.to_date(s)::text from unnest($1::text[]) s"
_TIMESTAMPS = b"select oracle.to_timestamp(s)::text from unnest($1::text[]) s"

Columns = list[Sequence["bytes | None"]]


def convert_strings(backend: Backend, strings: Iterable[int], parameters: Sequence[int], columns: Columns) -> None:
    """Convert the strings among the binds to what PostgreSQL takes them for.

    Args:
        strings: which binds are strings.
        parameters: PostgreSQL's type of each bind.
        columns: the values of each bind, of all rows; replaced where they are converted.

    Raises:
        OracleError: ORA-01722, ORA-01465, or of dates ORA-018xx.
    """
    oids = backend.engine.columns.oids
    for index in strings:
        if index >= len(parameters):
            continue
        kind = parameters[index]
        if kind == NUMERIC:
            _check_numbers(columns[index])
        elif kind == TID:
            columns[index] = [None if value is None else rowid.to_tid(value) for value in columns[index]]
        elif kind in (BYTEA, oids["blob"]):
            columns[index] = [_raw(value) for value in columns[index]]
        elif kind == oids["json"]:
            columns[index] = [value and b"\\x" + oson.from_text(value).hex().encode() for value in columns[index]]
        elif kind == oids["date"]:
            columns[index] = _convert_dates(backend, _DATES, columns[index])
        elif kind in (TIMESTAMP, TIMESTAMPTZ):
            columns[index] = _convert_dates(backend, _TIMESTAMPS, columns[index])


def _check_numbers(values: Iterable[bytes | None]) -> None:
    for value in values:
        if value is not None and not _NUMBER.fullmatch(value):
            raise OracleError(1722, "invalid number")


def _raw(value: bytes | None) -> bytes | None:
    if value is None:
        return None
    if len(value) % 2:
        value = b"0" + value
    if not _HEX.fullmatch(value):
        raise OracleError(1465, "invalid hex number")
    return b"\\x" + value


def _convert_dates(backend: Backend, query: bytes, values: Sequence[bytes | None]) -> Sequence[bytes | None]:
    """By the session's NLS formats."""
    texts = sorted({value for value in values if value is not None})
    if not texts:
        return values
    found = backend.run([Run(query, [array(texts, TEXT)])])[0]
    known = {text: found.get_value(number, 0) for number, text in enumerate(texts)}
    return [None if value is None else known[value] for value in values]
