"""Closes pools when the main thread has ended, where Python would wait for the driver's threads before `atexit`.

They may be in a log-on to which the server does not answer, and the process would never end.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any, Protocol

from orapool.pooling import closing


class Closable(Protocol):
    """A pool, as seen from here."""

    def close(self) -> None:
        """End its log-ons and sessions, within a few seconds."""


THREAD = "orapool-ending"

_pools: weakref.WeakSet[Any] = weakref.WeakSet()
_watched = 0
"""The process in which a thread waits for the end; a forked child does not inherit it."""


def close_in_time(pool: Closable) -> None:
    """Have a pool that is being opened closed when the main thread ends."""
    global _watched
    _pools.add(pool)
    if _watched != os.getpid():
        _watched = os.getpid()
        threading.Thread(target=_close_all, name=THREAD).start()  # no daemon: Python waits for it too


def _close_all() -> None:
    threading.main_thread().join()
    for pool in list(_pools):
        pool.close()
    closing.end_lingering()
