"""Callers without a session: each has a log-on of its own under way, or waits for its turn to log on.

Where log-ons take long, a session may come back in the meantime. It is offered to whoever has sought one longest,
together with the slot of the one who gives it back. The log-on keeps the other slot until it ends: what it brings is
the next one's.
"""

from __future__ import annotations

import threading
from collections import deque

from orapool.pooling.native_pool import NativePool
from orapool.workers import Bell


class Seeker:
    """A caller who seeks a session of a native pool, or of its elders. Its bell rings when it was offered one."""

    __slots__ = ("began", "bell", "native", "offered", "over")

    def __init__(self, native: NativePool) -> None:
        self.native = native
        self.bell = Bell()
        self.began: float | None = None
        """When its log-on began, a time of ``time.monotonic``: it may have to wait for its turn."""
        self.offered: NativePool | None = None
        """Where a session was put back for it: with it comes a slot, to be used or passed on."""
        self.over = False
        """Whether it seeks none any more, so that its log-on need not begin."""

    def takes(self, home: NativePool) -> bool:
        """Whether a session of a native pool is what it seeks. Those whose sockets are not known cannot be offered."""
        newest = self.native.newest
        return (home is newest or home in newest.elders) and not home.health.blind


class Seekers:
    """The seekers of one pool, first come, first served."""

    def __init__(self) -> None:
        self.line: deque[Seeker] = deque()
        """To be looked at only, without a lock: mostly, it is empty."""
        self._lock = threading.Lock()

    def join(self, seeker: Seeker) -> None:
        """Begin to seek."""
        with self._lock:
            self.line.append(seeker)

    def accept(self, seeker: Seeker) -> NativePool | None:
        """Where a seeker was offered a session. It goes on seeking, at the first place, until it has got it."""
        with self._lock:
            home, seeker.offered = seeker.offered, None
            if home is not None:
                self.line.appendleft(seeker)
            return home

    def leave(self, seeker: Seeker) -> NativePool | None:
        """Seek no more. Where it was offered a session that it has not accepted."""
        with self._lock:
            seeker.over = True
            if seeker in self.line:
                self.line.remove(seeker)
            return seeker.offered

    def offer(self, home: NativePool) -> bool:
        """An idle session of `home`, and a slot, are there for the first who takes it; False if nobody does."""
        with self._lock:
            taker = next((seeker for seeker in self.line if seeker.takes(home)), None)
            if taker is None:
                return False
            self.line.remove(taker)
            taker.offered = home
        taker.bell.ring()
        return True
