"""How many sessions a pool keeps open: none before its first use, one for who is alone, then `min`."""

from __future__ import annotations

import threading
from collections import deque

from orapool.pooling.parts import Parts


class Floor:
    """The sessions that one pool is to keep open.

    Args:
        parts: of the pool.
    """

    def __init__(self, parts: Parts) -> None:
        self._settings = parts.settings
        self._natives = parts.natives
        self._outage = parts.outage
        self._lent = parts.lent
        self._wake = parts.wake
        self._lock = threading.Lock()
        self.sessions = 0
        """To keep open."""
        self.asked: deque[None] = deque()
        """What asks the keeper to open those that are missing, without a pause."""

    def rise(self) -> None:
        """A session was drawn: keep one from now on, and `min` when another is checked out at the same time."""
        with self._lock:
            before, self.sessions = self.sessions, self._settings.min if self._lent else max(self.sessions, 1)
        if self.sessions > max(before, 1):
            self.asked.append(None)
            self._wake()

    def is_short(self) -> bool:
        """Whether there are fewer sessions than are to be kept open, and more can be had."""
        return (
            self._outage.since is None
            and self._settings.user_source is None  # nobody knows whose they should be
            and not self._natives.closing
            and self._natives.total < self.sessions
        )

    def look(self) -> None:
        """A session has gone: see to it that there are as many as are to be kept open, if nobody else does."""
        if self.is_short():
            self._wake()
