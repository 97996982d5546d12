"""Whether the garbage collector is at work in this thread.

It runs anywhere, also where its thread holds a lock, of the pool's or of a driver's. What it frees must not wait for
that lock: a connection of SQLAlchemy's that nobody closed, for one, is closed by SQLAlchemy then and there.
"""

from __future__ import annotations

import gc
from threading import get_ident
from typing import Callable

_at_work: int | None = None
"""The thread in which it is."""


def collects_here() -> bool:
    """Whether what happens in this thread now is the collector's doing."""
    return _at_work is not None and _at_work == get_ident()


def _note(phase: str, _info: object, thread: Callable[[], int] = get_ident) -> None:
    global _at_work
    _at_work = thread() if phase == "start" else None


gc.callbacks.append(_note)
