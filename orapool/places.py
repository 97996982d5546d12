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


def note_place(depth: int) -> tuple[CodeType, int]:
    """The nearest line that is of no package between it and the pool, from the caller on, or from `depth` calls above.

    Where all of them are of such packages, it is the nearest that is not orapool's own, or else the first. It is a
    code object and the place of an instruction in it: cheap to note, and put into words when somebody asks.
    """
    frame: FrameType | None = sys._getframe(depth + 1)
    start = frame
    known = _inner.get
    while frame is not None:
        code = frame.f_code
        inner = known(code.co_filename)
        if inner is None:
            inner = _look_at(frame)
        if not inner:
            return code, frame.f_lasti
        frame = frame.f_back
    return _outside(start)


def _outside(start: FrameType | None) -> tuple[CodeType, int]:
    assert start is not None
    frame: FrameType | None = start
    while frame is not None:
        if _package(frame) != "orapool":
            return frame.f_code, frame.f_lasti
        frame = frame.f_back
    return start.f_code, start.f_lasti


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
