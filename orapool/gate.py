"""Keeps quick calls into the native pool apart from those that hold its lock while they talk to the server.

Both native pools log a session off under the lock of the whole pool, and wait for the server meanwhile, without a
limit: Oracle Client in the call that drops it, python-oracledb in its own thread. Whoever draws a session or gives one
back then waits too. And cx_Oracle asks its pool for its attributes (`busy`, `opened`, `wait_timeout`) without letting
go of Python's own lock, so that the process stands still, for ever if the server does not answer: nothing here reads
or sets them once a pool is open.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Quick calls are let in while no slow one is under way; a slow one waits until the quick ones have left."""

    def __init__(self) -> None:
        # Quick calls take no lock: each first says that it is inside, and then looks whether a slow one is under way. A
        # slow one does so the other way round, so that at least one of the two sees the other.
        self._inside: deque[None] = deque()
        self._slow = 0
        self._all_left = threading.Condition(threading.Lock())

    def enter(self) -> bool:
        """Begin a quick call; False when a slow one is under way. Whoever was let in must leave()."""
        self._inside.append(None)
        if self._slow:
            self.leave()
            return False
        return True

    def leave(self) -> None:
        """End a quick call."""
        self._inside.pop()
        if self._slow and not self._inside:
            with self._all_left:
                self._all_left.notify_all()

    @contextmanager
    def shut(self, seconds: float) -> Iterator[None]:
        """Make a slow call, once the quick ones have left, or after so many seconds."""
        with self._all_left:
            self._slow += 1
            self._all_left.wait_for(lambda: not self._inside, seconds)
        try:
            yield
        finally:
            with self._all_left:
                self._slow -= 1
