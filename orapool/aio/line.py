"""The line of tasks: at most so many are served at a time, first come, first served."""

from __future__ import annotations

import asyncio
import time
from collections import deque

from orapool.pooling.slots import LineClosed


class Line:
    """Slots of a pool, one for each session that may be in use, and the tasks that wait for one.

    For the tasks of one event loop. A slot is never lost: one that is granted to a task at the moment of its
    cancellation goes to the next.

    Args:
        most: how many slots there are.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._free = most
        self._places: deque[asyncio.Future[bool]] = deque()
        self.closed = False

    @property
    def busy(self) -> int:
        """Slots taken."""
        return self._most - self._free

    @property
    def waiting(self) -> int:
        """Tasks in line."""
        return sum(not place.done() for place in list(self._places))

    async def take(self, deadline: float) -> bool:
        """Take a slot, in turn; False when there is none by ``deadline``, a time of ``time.monotonic``.

        Raises:
            LineClosed: the line was closed before or meanwhile.
        """
        if self.closed:
            raise LineClosed("is closed")
        if self.take_spare():
            return True
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        loop = asyncio.get_running_loop()
        place: asyncio.Future[bool] = loop.create_future()
        self._places.append(place)
        timer = loop.call_later(left, _serve, place, False)
        try:
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None and place.result():
                self.give()
            raise
        finally:
            timer.cancel()
            if place in self._places:
                self._places.remove(place)

    def take_spare(self) -> bool:
        """Take a slot that nobody waits for, if there is one."""
        if not self._free or self.closed or any(not place.done() for place in self._places):
            return False
        self._free -= 1
        return True

    def give(self) -> None:
        """Pass a slot on to the first in line, or back."""
        while self._places:
            if _serve(self._places.popleft(), True):
                return
        self._free += 1

    def close(self) -> None:
        """Serve nobody any more; those in line hear of it."""
        self.closed = True
        for place in self._places:
            if not place.done():
                place.set_exception(LineClosed("was closed while waiting for a session"))


def _serve(place: asyncio.Future[bool], granted: bool) -> bool:
    """Tell a task in line; False when it has left."""
    if place.done():
        return False
    place.set_result(granted)
    return True
