"""Python's values as they go between a sandbox's process and the one that steers it: JSON, each with its kind.

NULL is None; all else is a pair of kind and text, such as ``["number", "12.50"]``, or ``["array", [...]]`` of such.
"""

from __future__ import annotations

import datetime
import re
from decimal import Decimal
from typing import Any, Optional

Json = Optional[list[Any]]
"""A value's pair of kind and text, or None."""

_INTERVAL = re.compile(r"(?:(-?\d+) days?)? ?(?:([+-])?(\d+):(\d\d):(\d\d)(?:\.(\d+))?)?")
# As binds have it.
_PARTS = re.compile(r"(-?\d+) days (-?\d+) hours (-?\d+) minutes (-?[\d.]+) seconds")
_NOTHING = frozenset(("NaTType", "NAType"))


def to_json(value: Any) -> Json:
    """A value of Python, numpy or pandas as JSON.

    Raises:
        TypeError: for a type that has no counterpart in Oracle.
    """
    if value is None:
        return None
    if isinstance(value, bool):
        return ["boolean", "t" if value else "f"]
    if isinstance(value, int):
        return ["number", str(value)]
    if isinstance(value, float):
        return ["double", {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(repr(value), repr(value))]
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise TypeError(f"{value} is no NUMBER")
        return ["number", format(value, "f")]
    if isinstance(value, str):
        return ["text", value] if value else None
    if isinstance(value, (bytes, bytearray, memoryview)):
        return ["bytes", bytes(value).hex()] if value else None
    if type(value).__name__ in _NOTHING:
        return None
    if isinstance(value, datetime.datetime):
        if getattr(value, "nanosecond", 0):  # pandas
            raise TypeError(f"{value} has nanoseconds, which the sandbox does not keep: cut them off")
        if value.tzinfo is not None:
            utc = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
            return ["moment", utc.isoformat(" ")]
        return ["date", datetime.datetime.isoformat(value, " ")]
    if isinstance(value, datetime.date):
        return ["date", f"{value.isoformat()} 00:00:00"]
    if isinstance(value, datetime.timedelta):
        minutes, seconds = divmod(value.seconds, 60)
        clock = f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}.{value.microseconds:06d}"
        return ["interval", f"{value.days} days {clock}"]
    item = getattr(value, "item", None)
    if item is not None and getattr(value, "ndim", None) == 0:  # numpy's scalars
        plain = item()
        if type(plain) is not type(value):
            return to_json(plain)
    raise TypeError(f"{type(value).__module__}.{type(value).__qualname__} has no counterpart in Oracle")


def from_json(given: Json) -> Any:
    """A value of Python; a NUMBER is an int where it is whole, else a Decimal."""
    if given is None:
        return None
    kind, text = given
    if kind == "array":
        return [from_json(each) for each in text]
    if kind == "number":
        number = Decimal(text)
        return int(number) if number == number.to_integral_value() else number
    if kind == "double":
        return float(text)
    if kind == "bytes":
        return bytes.fromhex(text)
    if kind == "boolean":
        return text == "t"
    if kind == "date":
        return _moment(text)
    if kind == "moment":
        return _moment(text).replace(tzinfo=datetime.timezone.utc)
    if kind == "interval":
        return _interval(text)
    return text


def _moment(text: str) -> datetime.datetime:
    day, _, clock = text.partition(" ")
    whole, _, fraction = (clock or "00:00:00").partition(".")
    made = datetime.datetime.fromisoformat(f"{day} {whole}")
    return made.replace(microsecond=int(fraction.ljust(6, "0")[:6]) if fraction else 0)


def _interval(text: str) -> datetime.timedelta:
    parts = _PARTS.fullmatch(text)
    if parts is not None:
        days, hours, minutes, seconds = parts.groups()
        whole = datetime.timedelta(days=int(days), hours=int(hours), minutes=int(minutes))
        return whole + datetime.timedelta(microseconds=int(Decimal(seconds) * 1_000_000))
    match = _INTERVAL.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not an interval of days and seconds")
    days, sign, hours, minutes, seconds, fraction = match.groups()
    clock = datetime.timedelta(
        hours=int(hours or 0),
        minutes=int(minutes or 0),
        seconds=int(seconds or 0),
        microseconds=int((fraction or "0").ljust(6, "0")[:6]),
    )
    return datetime.timedelta(days=int(days or 0)) + (-clock if sign == "-" else clock)
