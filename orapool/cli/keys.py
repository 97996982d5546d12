"""Keys that are pressed, one by one."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_ARROWS = {"[A": "up", "[B": "down", "OA": "up", "OB": "down"}


@contextmanager
def one_by_one() -> Iterator[None]:
    """Within the block, keys come without Enter, and are not shown."""
    import termios
    import tty

    file = sys.stdin.fileno()
    before = termios.tcgetattr(file)
    tty.setcbreak(file)
    try:
        yield
    finally:
        termios.tcsetattr(file, termios.TCSADRAIN, before)


def pressed_within(seconds: float) -> list[str]:
    """The keys that are pressed within so many seconds; it returns with the first of them.

    A key is its character; an arrow is "up" or "down". Where the terminal is gone, it is as Ctrl-D.
    """
    file = sys.stdin.fileno()
    if not select.select([file], [], [], max(0.0, seconds))[0]:
        return []
    return list(_split(os.read(file, 1024).decode(errors="ignore") or "\x04"))


def _split(text: str) -> Iterator[str]:
    while text:
        if text[0] == "\x1b" and text[1:3] in _ARROWS:
            yield _ARROWS[text[1:3]]
            text = text[3:]
        else:
            yield text[0]
            text = text[1:]
