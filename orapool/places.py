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


_calls: tuple[int, ...] = ()
"""How many calls lay between users' lines and the pool, the numbers met last first."""
_MOST_CALLS = 4
"""Of these, how many are kept."""
_known: dict[tuple[int, int], tuple[int, CodeType]] = {}
"""Users' lines that were met: by the identity of their code and the instruction, so many calls above, and that code."""
_MOST_KNOWN = 10_000


def note_place(depth: int) -> tuple[CodeType, int]:
    """The nearest line that is of no package between it and the pool, from `depth` calls above the caller on.

    Where all are of such packages, it is the nearest that is not orapool's own, or else the first. It is a code object
    and the place of an instruction in it: cheap to note, and put into words when somebody asks.
    """
    # SQLAlchemy makes a dozen calls, and to look at all of them takes longer than all else that is noted. From a line
    # that led here before, by as many calls, it was the same ones.
    for calls in _calls:
        try:
            frame = sys._getframe(depth + calls)
        except ValueError:
            continue
        code, instruction = frame.f_code, frame.f_lasti
        known = _known.get((id(code), instruction))
        if known is not None and known[0] == calls:
            return code, instruction
    return _walk(sys._getframe(depth + 1))


def _walk(first: FrameType) -> tuple[CodeType, int]:
    frame: FrameType | None = first
    calls = 1
    while frame is not None:
        code = frame.f_code
        inner = _inner.get(code.co_filename)
        if inner is None:
            inner = _look_at(frame)
        if not inner:
            _learn(code, frame.f_lasti, calls)
            return code, frame.f_lasti
        frame, calls = frame.f_back, calls + 1
    return _outside(first)


def _learn(code: CodeType, instruction: int, calls: int) -> None:
    global _calls
    if code.co_filename.startswith("<") or len(_known) >= _MOST_KNOWN:  # code that is made may be made again and again
        return
    _known[id(code), instruction] = calls, code
    if calls not in _calls[:1]:
        _calls = (calls, *(each for each in _calls if each != calls))[:_MOST_CALLS]


def _outside(first: FrameType) -> tuple[CodeType, int]:
    frame: FrameType | None = first
    while frame is not None:
        if _package(frame) != "orapool":
            return frame.f_code, frame.f_lasti
        frame = frame.f_back
    return first.f_code, first.f_lasti


def in_words(code: CodeType, instruction: int) -> str:
    """A place that was noted, like "shop/orders.py:17 in load"."""
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
