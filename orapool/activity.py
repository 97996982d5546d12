"""Looking at a pool from time to time, while it is used: what lasts too long is told, and its numbers are published."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from orapool.checked_out import CheckedOut
from orapool.counters import PoolStats
from orapool.dsn import mask
from orapool.keeper import NEVER
from orapool.settings import PoolSettings
from orapool.tags import script_name
from orapool.watching.published import AVAILABLE, About, Publisher

PERIOD = 1.0
"""Seconds between looks."""


def is_looked_at(settings: PoolSettings) -> bool:
    """Whether a pool with such settings has anything to look at."""
    return bool(settings.leak_threshold) or (settings.publish and AVAILABLE)


class Activity:
    """A task of a pool's keeper, or of its event loop. It rests while nothing is checked out and nothing happens.

    Args:
        lent: what is checked out. To hand out a connection ends the rest.
        stats: gives the pool's numbers.
        publisher: where they are published; None for nowhere.
        changes: what is another when something has happened to the pool, though nothing is checked out.
    """

    def __init__(
        self,
        lent: CheckedOut,
        stats: Callable[[], PoolStats],
        publisher: Publisher | None,
        changes: Callable[[], object],
    ) -> None:
        self._lent = lent
        self._stats = stats
        self._publisher = publisher
        self._changes = changes
        self._seen = changes()
        self._next = 0.0
        self._publishing = threading.Lock()

    def due(self) -> float:
        """When to look next, a time of ``time.monotonic``."""
        if self._lent.at_rest and self._changes() == self._seen:
            return NEVER
        return min(self._next, self._lent.leak_due())

    def run(self) -> None:
        """Look."""
        self._lent.tell_leaks()
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + PERIOD
        self._seen = self._changes()
        self._lent.at_rest = True  # before the look: whoever checks out after it ends the rest
        changed = self.publish()
        if changed or self._lent:
            self._lent.at_rest = False

    def publish(self) -> bool:
        """Publish the numbers as they are now, in any thread; whether they are others than before."""
        if self._publisher is None:
            return False
        with self._publishing:  # who looks first writes first: no number ever goes back
            return self._publisher.publish(self._stats())

    def end(self) -> None:
        """The pool is closed, and has no numbers to show any more."""
        if self._publisher is not None:
            with self._publishing:
                self._publisher.remove(self._stats())


def publisher(name: str, kind: str, driver: str, settings: PoolSettings) -> Publisher | None:
    """Who publishes the numbers of a pool; None where the settings have nobody do so."""
    if not settings.publish or not AVAILABLE:
        return None
    about = About(
        pool=name,
        kind=kind,
        command=script_name(),
        driver=driver,
        user=settings.user,
        dsn=mask(settings.dsn),
        min=settings.min,
        max=settings.max,
    )
    return Publisher(about, settings.publish_dir)
