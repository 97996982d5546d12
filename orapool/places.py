"""The line of the user's own code that a call came from."""

from __future__ import annotations

import dis
import os
import sys
from types import CodeType, FrameType
from typing import NamedTuple

_BETWEEN = frozenset(
    {
        *("orapool", "sqlalchemy", "flask_sqlalchemy", "pandas", "polars", "dask", "greenlet"),
        *("asyncio", "concurrent", "contextlib", "contextvars", "functools", "threading"),
    }
)
"""Packages that stand between a user's line and the pool."""

_inner: dict[str, bool] = {}
"""Whether a file is of one of these packages."""


class Place(NamedTuple):
    """A point in the code: cheap to note, and put into words only when somebody asks."""

    code: CodeType
    instruction: int

    @property
    def line(self) -> int:
        """The number of its line."""
        found = self.code.co_firstlineno
        for start, line in dis.findlinestarts(self.code):
            if start > self.instruction:
                break
            found = line or found
        return found

    def __str__(self) -> str:
        return f"{short(self.code.co_filename)}:{self.line} in {self.code.co_name}"


def note_place(depth: int) -> Place:
    """The nearest line that is of no package between it and the pool, from the caller on, or from `depth` calls above.

    Where all of them are of such packages, it is the nearest that is not orapool's own, or else the first.
    """
    frame = start = sys._getframe(depth + 1)
    known = _inner.get
    while True:
        code = frame.f_code
        inner = known(code.co_filename)
        if inner is None:
            inner = _look_at(frame)
        if not inner:
            return Place(code, frame.f_lasti)
        outer = frame.f_back
        if outer is None:
            return _outside(start)
        frame = outer


def _outside(start: FrameType) -> Place:
    frame: FrameType | None = start
    while frame is not None:
        if _package(frame) != "orapool":
            return Place(frame.f_code, frame.f_lasti)
        frame = frame.f_back
    return Place(start.f_code, start.f_lasti)


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
