"""Keeps quick calls into the native pool apart from those that hold its lock while they talk to the server.

Both native pools log a session off under the lock of the whole pool, and wait for the server meanwhile, without a
limit: Oracle Client in the call that drops it, python-oracledb in its own thread. Whoever draws a session or gives one
back then waits too. And cx_Oracle asks its pool for its attributes (`busy`, `opened`, `wait_timeout`) without letting
go of Python's own lock, so that the process stands still, for ever if the server does not answer: nothing here reads
or sets them once a pool is open.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Quick calls are let in while no slow one is under way; a slow one waits until the quick ones have left."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._quick = 0
        self._slow = 0

    def enter(self) -> bool:
        """Begin a quick call; False when a slow one is under way. Whoever was let in must leave()."""
        with self._changed:
            if self._slow:
                return False
            self._quick += 1
            return True

    def leave(self) -> None:
        """End a quick call."""
        with self._changed:
            self._quick -= 1
            if self._slow and not self._quick:
                self._changed.notify_all()

    @contextmanager
    def shut(self, seconds: float) -> Iterator[None]:
        """Make a slow call, once the quick ones have left, or after so many seconds."""
        with self._changed:
            self._slow += 1
            self._changed.wait_for(lambda: not self._quick, seconds)
        try:
            yield
        finally:
            with self._changed:
                self._slow -= 1
