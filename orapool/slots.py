"""The line of callers: at most so many are served at a time, first come, first served."""

from __future__ import annotations

import threading
import time
from collections import deque


class LineClosed(Exception):
    """The pool was closed; nobody is served any more."""


class _Place:
    """A caller's place in the line: a bell to wait for, and what its ringing means."""

    __slots__ = ("bell", "granted")

    def __init__(self) -> None:
        self.bell = threading.Lock()
        self.bell.acquire()
        self.granted = False


class Slots:
    """Slots of a pool: one for each session that may be in use.

    Args:
        most: how many there are.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._line: deque[_Place] = deque()
        self.closed = False
        self.busy = 0

    @property
    def waiting(self) -> int:
        """Callers in line."""
        return len(self._line)

    def take(self, deadline: float) -> bool:
        """Take a slot, in turn; False when there is none by ``deadline``, a time of ``time.monotonic``.

        Raises:
            LineClosed: the line was closed before or meanwhile.
        """
        with self._lock:
            if self.closed:
                raise LineClosed("is closed")
            if self.busy < self._most and not self._line:
                self.busy += 1
                return True
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            place = _Place()
            self._line.append(place)
        try:
            rang = place.bell.acquire(timeout=left)
        except BaseException:
            if not self._withdraw(place) and place.granted:
                self.give()
            raise
        if not rang and self._withdraw(place):
            return False
        if not place.granted:
            raise LineClosed("was closed while waiting for a session")
        return True

    def take_spare(self) -> bool:
        """Take a slot that nobody waits for, if there is one."""
        with self._lock:
            if self._line or self.closed or self.busy >= self._most:
                return False
            self.busy += 1
            return True

    def give(self) -> bool:
        """Pass a slot on to the first in line, or back; True when the last one came back after `close`."""
        with self._lock:
            if self._line:
                place = self._line.popleft()
                place.granted = True
                place.bell.release()
                return False
            self.busy -= 1
            return self.closed and self.busy == 0

    def close(self) -> bool | None:
        """Serve nobody any more; those in line hear of it. Tells whether all slots are back; None if closed already."""
        with self._lock:
            if self.closed:
                return None
            self.closed = True
            line, self._line = self._line, deque()
            all_back = self.busy == 0
        for place in line:
            place.bell.release()
        return all_back

    def _withdraw(self, place: _Place) -> bool:
        """Leave the line. False if it is too late: a slot was granted, or the line closed, at the same moment."""
        with self._lock:
            if place in self._line:
                self._line.remove(place)
                return True
            return False
