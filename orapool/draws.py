"""Who is about to draw an idle session, so that nobody blocks who takes it for granted that one is there.

A native pool may give a session that comes back to whoever wants to log on, and have another log on who has seen that
it is idle. So whoever must not block leaves one session to each who logs on, and whoever may block, in a worker, counts
as one who logs on when it takes long.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Sized
from contextlib import contextmanager

_LONG = 0.05
"""Seconds after which a draw has turned into a log-on."""
_PAUSE = 0.0005


class Draws:
    """The draws under way of one native pool.

    Attributes:
        quick: one for each draw that must not block. Begun and ended without a lock, by append and pop.
        set_aside: idle sessions that quick draws leave to others; counted when one of these begins or ends.
    """

    def __init__(self) -> None:
        self.quick: deque[None] = deque()
        self.set_aside = 0
        self._lock = threading.Lock()
        self._growing = 0
        self._slow: dict[object, float] = {}

    def __len__(self) -> int:
        """Sessions that somebody is about to draw."""
        return len(self.quick) + self._young()

    @property
    def under_way(self) -> bool:
        """Whether there are any, those too that have turned into log-ons."""
        return bool(self.quick or self._slow)

    @property
    def growing(self) -> bool:
        """Whether somebody logs on."""
        return self._growing > 0

    @property
    def slow(self) -> bool:
        """Whether somebody draws who may block, and has begun a moment ago."""
        return self._young() > 0

    def _young(self) -> int:
        now = time.monotonic()
        return sum(now - begun <= _LONG for begun in list(self._slow.values()))

    @contextmanager
    def growth(self) -> Iterator[None]:
        """Log on within the block. Quick draws that did not know of it have ended when it begins."""
        self._grow(1)
        limit = time.monotonic() + _LONG
        while self.quick and time.monotonic() < limit:
            time.sleep(_PAUSE)
        try:
            yield
        finally:
            self._grow(-1)

    def _grow(self, by: int) -> None:
        with self._lock:
            self._growing += by
            self._set_aside()

    @contextmanager
    def taking(self, idle: Sized) -> Iterator[bool]:
        """Draw one of the idle sessions within the block, which may block; whether there is one."""
        token = object()
        with self._lock:
            there = len(self) < len(idle)
            if there:
                self._slow[token] = time.monotonic()
            self._set_aside()
        try:
            yield there
        finally:
            with self._lock:
                self._slow.pop(token, None)
                self._set_aside()

    def _set_aside(self) -> None:
        """Under the lock: count."""
        self.set_aside = self._growing + self._young()
