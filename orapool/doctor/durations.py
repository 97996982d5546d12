"""Durations as people write them."""

from __future__ import annotations

import re

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smh]?)", re.IGNORECASE | re.ASCII)
_SHORTEST = 1.0


def durations(text: str) -> list[float]:
    """The seconds of each, sorted: ``5m,15m,1h``, ``30s``, ``90``. Raises ValueError.

    >>> durations("15m, 5m, 1.5h")
    [300.0, 900.0, 5400.0]
    """
    found = set()
    for part in text.split(","):
        match = _DURATION.fullmatch(part.strip())
        if match is None:
            raise ValueError(f"{part.strip()!r} is no duration: write 90s, 5m or 1h, with commas between")
        seconds = float(match[1]) * _UNITS[match[2].lower() or "s"]
        if seconds < _SHORTEST:
            raise ValueError(f"{part.strip()!r} is too short: {_SHORTEST:g} s is the shortest")
        found.add(seconds)
    return sorted(found)


def in_units(seconds: float) -> str:
    """A duration in the units that suit it.

    >>> in_units(5400), in_units(90), in_units(8.04)
    ('1 h 30 m', '1 m 30 s', '8.0 s')
    """
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds == int(seconds) else f"{seconds:.1f} s"
    left = round(seconds)
    parts = [(left // 3600, "h"), (left % 3600 // 60, "m"), (left % 60, "s")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number)
