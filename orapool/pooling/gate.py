"""Keeps calls into a native pool apart that do not go together.

Both native pools log a session off under the lock of the whole pool, and wait for the server meanwhile, without a
limit: Oracle Client in the call that drops it, python-oracledb in its own thread. Whoever draws a session or gives one
back then waits too. And cx_Oracle asks its pool for its attributes (`busy`, `opened`, `wait_timeout`) without letting
go of Python's own lock, so that the process stands still, for ever if the server does not answer: nothing here reads
or sets them once a pool is open.

Oracle Client 19.3 crashes, a few times in a hundred thousand log-ons, when its pool grows in one thread while another
takes dead sessions out of it (a null mutex in kpucopyuserhndl, under kpuspextend).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Occupied(Exception):
    """Another call into the native pool has not ended in time."""


class Gate:
    """Lets quick calls in while no session is being dropped; one drop or growth at a time."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        # Quick calls take no lock: each first says that it is inside, and then looks whether a drop is under way, and a
        # drop does so the other way round: one of the two sees the other.
        self._inside: deque[None] = deque()
        self._come_in, self._go_out = self._inside.append, self._inside.pop
        self._dropping = False
        self._occupied = False

    @property
    def dropping(self) -> bool:
        """Whether a session is being dropped."""
        return self._dropping

    def enter(self) -> bool:
        """Begin a quick call; False while a session is being dropped. Whoever was let in must leave()."""
        self._come_in(None)
        if self._dropping:
            self.leave()
            return False
        return True

    def leave(self) -> None:
        """End a quick call."""
        self._go_out()
        if self._dropping and not self._inside:
            with self._changed:
                self._changed.notify_all()

    @contextmanager
    def growth(self, seconds: float) -> Iterator[None]:
        """Make a call that may log on or meet dead sessions. Raises Occupied if there is no way in so many seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._occupied, seconds):
                raise Occupied
            self._occupied = True
        try:
            yield
        finally:
            with self._changed:
                self._occupied = False
                self._changed.notify_all()

    @contextmanager
    def drop(self, seconds: float) -> Iterator[None]:
        """Drop a session, when no growth is under way and quick calls have left, these within so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: not self._occupied)
            self._occupied = self._dropping = True
            self._changed.wait_for(lambda: not self._inside, seconds)
        try:
            yield
        finally:
            with self._changed:
                self._occupied = self._dropping = False
                self._changed.notify_all()
