"""The line of the user's own code that a call came from."""

from __future__ import annotations

import dis
import os
import sys
from types import CodeType, FrameType

_BETWEEN = frozenset(
    {
        *("orapool", "sqlalchemy", "flask_sqlalchemy", "pandas", "polars", "dask", "greenlet"),
        *("asyncio", "concurrent", "contextlib", "contextvars", "functools", "threading"),
    }
)
"""Packages that stand between a user's line and the pool."""

_inner: dict[str, bool] = {}
"""Whether a file is of one of these packages."""


Place = tuple[CodeType, int]
"""A code object and the place of an instruction in it: cheap to note, and put into words when somebody asks."""

_latest = 2
"""How many calls lay between a user's line and the pool when that was last looked for."""
_calls: tuple[int, ...] = ()
"""Such numbers, those met last first."""
_MOST_CALLS = 4
"""Of these, how many are kept."""
_known: dict[tuple[int, int, int], Place] = {}
"""Users' lines that were met: by the identity of their code, the instruction, and how many calls above the pool."""
_MOST_KNOWN = 10_000

_getframe = sys._getframe


def note_place() -> Place:
    """The nearest line that is of no package between it and the pool, from the caller's caller on.

    Where all are of such packages, it is the nearest that is not orapool's own, or else the first.
    """
    # SQLAlchemy makes a dozen calls, and to look at all of them takes longer than all else that is noted. From a line
    # that led here before, by as many calls, it was the same ones.
    calls = _latest
    try:
        frame = _getframe(calls)
    except ValueError:
        return _look_for(_getframe(2))
    return _known.get((id(frame.f_code), frame.f_lasti, calls)) or _look_for(_getframe(2))


def _look_for(first: FrameType) -> Place:
    """By other numbers of calls, and else by a look at each."""
    global _latest
    for calls in _calls:
        try:
            frame = _getframe(calls + 1)
        except ValueError:
            continue
        place = _known.get((id(frame.f_code), frame.f_lasti, calls))
        if place is not None:
            _latest = calls
            return place
    return _walk(first)


def _walk(first: FrameType) -> Place:
    frame: FrameType | None = first
    calls = 2
    while frame is not None:
        code = frame.f_code
        inner = _inner.get(code.co_filename)
        if inner is None:
            inner = _look_at(frame)
        if not inner:
            return _learn((code, frame.f_lasti), calls)
        frame, calls = frame.f_back, calls + 1
    return _outside(first)


def _learn(place: Place, calls: int) -> Place:
    global _calls, _latest
    code, instruction = place
    # Code that is made from text may be made again and again.
    if not code.co_filename.startswith("<") and len(_known) < _MOST_KNOWN:
        _known[id(code), instruction, calls] = place
        _calls = (calls, *(each for each in _calls if each != calls))[:_MOST_CALLS]
        _latest = calls
    return place


def _outside(first: FrameType) -> Place:
    frame: FrameType | None = first
    while frame is not None:
        if _package(frame) != "orapool":
            return frame.f_code, frame.f_lasti
        frame = frame.f_back
    return first.f_code, first.f_lasti


def in_words(place: Place) -> str:
    """A place that was noted, like "shop/orders.py:17 in load"."""
    code, instruction = place
    line = code.co_firstlineno
    for start, number in dis.findlinestarts(code):
        if start > instruction:
            break
        line = number or line
    return f"{short(code.co_filename)}:{line} in {code.co_name}"


def _look_at(frame: FrameType) -> bool:
    """Whether a frame is of one of the packages between."""
    inner = _package(frame) in _BETWEEN
    filename = frame.f_code.co_filename
    if not filename.startswith("<"):  # of what is made from text, as by SQLAlchemy, many have the same name
        _inner[filename] = inner
    return inner


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__") or "orapool").partition(".")[0]


def short(filename: str) -> str:
    """A file's path from the working directory on, where it is below that."""
    try:
        below = os.path.relpath(filename)
    except (OSError, ValueError):  # the working directory is gone
        return filename
    return filename if below.startswith("..") or filename.startswith("<") else below
