"""Values of Python's, as JSON, to engine text and back: see `orapool.sandbox.values`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any, Optional

from orapool.sandbox import types
from orapool.sandbox.arrays import ArrayText
from orapool.sandbox.errors import OracleError
from orapool.sandbox.types import OracleType

Json = Optional[list[Any]]

_NUMBERS = frozenset((2, 3, 6, 68))
_FLOATS = frozenset((21, 22, 100, 101))
_DATES = frozenset((12, 180, 187))
_MOMENTS = frozenset((181, 188, 231))
_BYTES = frozenset((23, 24, 95, 113))
_STRINGS = frozenset((1, 5, 8, 9, 96, 97, 112))
_LIMITED = frozenset((1, 5, 9, 96, 97))
_INTERVALS = frozenset((183, 190))
_BOOLEAN = 252
_KINDS = (
    (_NUMBERS, "number"),
    (_FLOATS, "double"),
    (_DATES, "date"),
    (_MOMENTS, "moment"),
    (_BYTES, "bytes"),
    (_INTERVALS, "interval"),
    (frozenset((_BOOLEAN,)), "boolean"),
)
LONGEST_STRING = 32767

_UNFIT = "PL/SQL: numeric or value error"


def kind_of(kind: OracleType) -> str:
    """The kind of a type's values."""
    return next((name for codes, name in _KINDS if kind.code in codes), "text")


def json_of(kind: OracleType, text: bytes | None) -> Json:
    """Engine text of a type as JSON; an array without elements is one, and no NULL."""
    if kind.most_elements:
        elements = text.elements if isinstance(text, ArrayText) else ()
        scalar = replace(kind, most_elements=0)
        return ["array", [json_of(scalar, each) for each in elements]]
    if text is None:
        return None
    name, plain = kind_of(kind), text.decode()
    if name == "moment":
        plain = plain.removesuffix("+00")
    elif name == "bytes":
        plain = plain[2:]
    elif name == "boolean":
        plain = plain[:1]
    return [name, plain]


def typed(given: Json) -> tuple[OracleType, bytes | None]:
    """The type that a value has where nothing tells another, and its engine text."""
    if given is None:
        return types.varchar2(LONGEST_STRING), None
    kind, text = given
    if kind == "bytes":
        raw = b"\\x" + text.encode()
        return (types.raw(LONGEST_STRING) if len(text) <= 2 * LONGEST_STRING else types.BLOB), raw
    if kind == "text":
        encoded = text.encode()
        return (types.varchar2(LONGEST_STRING) if len(encoded) <= LONGEST_STRING else types.CLOB), encoded
    if kind == "date" and "." in text:
        return types.timestamp(), text.encode()
    if kind == "moment":
        return types.timestamp_tz(), f"{text}+00".encode()
    return TYPES.get(kind, types.varchar2(LONGEST_STRING)), text.encode()


TYPES = {
    "number": types.number(),
    "double": types.BINARY_DOUBLE,
    "text": types.varchar2(LONGEST_STRING),
    "bytes": types.raw(LONGEST_STRING),
    "date": types.DATE,
    "moment": types.timestamp_tz(),
    "interval": types.INTERVAL_DS,
    "boolean": types.BOOLEAN,
}
"""The types of values by their kinds."""


def converted(given: Json, kind: OracleType, what: str) -> bytes | None:
    """Engine text of a value for a variable of a type, as PL/SQL assigns it.

    Raises:
        OracleError: ORA-06502 for a value that does not fit; `what` tells which.
    """
    if kind.most_elements:
        return _converted_array(given, kind, what)
    if given is None:
        return None
    have, text = given
    convert = _convert(kind.code)
    try:
        made = convert(have, text)
    except (ValueError, InvalidOperation):
        made = None
    if made is None:
        name = {"text": "a string", "bytes": "bytes", "date": "a date", "moment": "a date"}.get(have, f"a {have}")
        raise OracleError(6502, f"{_UNFIT}: {what} is {name}, which does not go into the variable bound to it")
    if kind.code in _LIMITED and 0 < kind.buffer_size < len(made):
        raise OracleError(
            6502,
            f"{_UNFIT}: character string buffer too small: {what} has {len(made)} bytes, the variable bound to it "
            f"{kind.buffer_size}",
        )
    return made


def _converted_array(given: Json, kind: OracleType, what: str) -> ArrayText:
    elements = given[1] if given is not None else []
    if len(elements) > kind.most_elements:
        raise OracleError(
            6513,
            f"PL/SQL: index for PL/SQL table out of range for host language array: {what} has {len(elements)} "
            f"elements, the array bound to it {kind.most_elements}",
        )
    scalar = replace(kind, most_elements=0)
    return ArrayText.of(
        [converted(each, scalar, f"element {number} of {what}") for number, each in enumerate(elements, 1)]
    )


def _convert(code: int) -> Callable[[str, str], bytes | None]:
    if code in _NUMBERS:
        return _as_number
    if code in _FLOATS:
        return _as_float
    if code in _STRINGS:
        return _as_string
    for codes, kinds, suffix in ((_DATES, ("date", "moment"), ""), (_MOMENTS, ("date", "moment"), "+00")):
        if code in codes:
            return lambda have, text: f"{text}{suffix}".encode() if have in kinds else None
    if code in _BYTES:
        return lambda have, text: b"\\x" + text.encode() if have == "bytes" else None
    if code in _INTERVALS:
        return lambda have, text: text.encode() if have == "interval" else None
    if code == _BOOLEAN:
        return lambda have, text: text.encode() if have == "boolean" else None
    return lambda have, text: text.encode() if have == "text" else None


def _as_number(have: str, text: str) -> bytes | None:
    if have == "boolean":
        return b"1" if text == "t" else b"0"
    if have not in ("number", "double", "text"):
        return None
    number = Decimal(text)
    return format(number, "f").encode() if number.is_finite() else None


def _as_float(have: str, text: str) -> bytes | None:
    return repr(float(text)).encode() if have in ("number", "double", "text") else None


def _as_string(have: str, text: str) -> bytes | None:
    if have == "double":
        text = format(Decimal(text), "f")
        return (text.rstrip("0").rstrip(".") if "." in text else text).encode()
    return text.encode() if have in ("text", "number") else None
