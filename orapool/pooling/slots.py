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
        # Where nobody is in line, slots are taken and given without the lock. Whoever lines up does so first and then
        # looks for a free slot; whoever gives one frees it first and then looks at the line: one of the two sees the
        # other. And while somebody is in line, all others line up behind.
        self._free: deque[None] = deque([None] * most)
        self._line: deque[_Place] = deque()
        self._lock = threading.Lock()
        self._back_for_good = 0
        self.closed = False

    @property
    def busy(self) -> int:
        """Slots taken."""
        return self._most - len(self._free) - self._back_for_good

    @property
    def waiting(self) -> int:
        """Callers in line."""
        return len(self._line)

    def take(self, deadline: float) -> bool:
        """Take a slot, in turn; False when there is none by ``deadline``, a time of ``time.monotonic``.

        Raises:
            LineClosed: the line was closed before or meanwhile.
        """
        if self.take_spare():
            return True
        left = deadline - time.monotonic()
        place = _Place()
        with self._lock:
            if self.closed:
                raise LineClosed("is closed")
            self._line.append(place)
            self._serve_line()
            if place.granted:
                return True
            if left <= 0:
                self._line.remove(place)
                return False
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
        if self._line:
            return False
        try:
            self._free.pop()
        except IndexError:
            return False
        return True

    def give(self) -> bool:
        """Pass a slot on to the first in line, or back; True when the last one came back after `close`."""
        self._free.append(None)
        if not self._line and not self.closed:
            return False
        with self._lock:
            self._serve_line()
            return self.closed and self._take_back() and self._back_for_good == self._most

    def close(self) -> bool | None:
        """Serve nobody any more; those in line hear of it. Tells whether all slots are back; None if closed already."""
        with self._lock:
            if self.closed:
                return None
            self.closed = True
            line, self._line = self._line, deque()
            self._take_back()
            all_back = self._back_for_good == self._most
        for place in line:
            place.bell.release()
        return all_back

    def _take_free(self) -> bool:
        try:
            self._free.pop()
        except IndexError:
            return False
        return True

    def _serve_line(self) -> None:
        """Under the lock: grant free slots to the first in line."""
        while self._line and self._take_free():
            place = self._line.popleft()
            place.granted = True
            place.bell.release()

    def _take_back(self) -> bool:
        """Under the lock, after `close`: take free slots back for good, all of them; whether there were any."""
        before = self._back_for_good
        while self._take_free():
            self._back_for_good += 1
        return self._back_for_good > before

    def _withdraw(self, place: _Place) -> bool:
        """Leave the line. False if it is too late: a slot was granted, or the line closed, at the same moment."""
        with self._lock:
            if place in self._line:
                self._line.remove(place)
                return True
            return False
