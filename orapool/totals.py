"""The numbers of all pools of this process by name, with what those did that are gone: no total ever goes back."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from orapool.counters import NO_STATS, Counters, PoolStats
from orapool.settings import PoolSettings


class Pool(Protocol):
    """A pool, as seen from here."""

    name: str
    settings: PoolSettings

    @property
    def closed(self) -> bool:
        """Whether it is."""

    def stats(self) -> PoolStats:
        """Its numbers at this moment."""

    def publish(self) -> None:
        """Publish them at this moment."""


Watcher = Callable[[Any, Counters], object]


@dataclass(frozen=True)
class Total:
    """The pools of one name together.

    Attributes:
        name: theirs.
        min, max: sessions that they are to keep open, and that they may open.
        stats: their numbers.
    """

    name: str
    min: int = 0
    max: int = 0
    stats: PoolStats = NO_STATS


class _Process:
    """What is known of the pools of one process."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.lock = threading.Lock()
        self.there: list[tuple[weakref.ref[Any], str, Counters]] = []
        self.gone: dict[str, PoolStats] = {}


_process = _Process()
_watchers: list[Watcher] = []


def enter(pool: Pool, counters: Counters) -> None:
    """A pool begins to count; in a forked child, anew."""
    here = _here()
    with here.lock:
        _forget_gone(here)
        here.there.append((weakref.ref(pool), pool.name, counters))
    for watcher in list(_watchers):
        watcher(pool, counters)


def watch(watcher: Watcher) -> None:
    """Have a function called with each pool that is there, or that comes, and its counters."""
    here = _here()
    with here.lock:
        _watchers.append(watcher)
        found = [(reference(), counters) for reference, _, counters in here.there]
    for pool, counters in found:
        if pool is not None:
            watcher(pool, counters)


def unwatch(watcher: Watcher) -> None:
    """Call a function no more."""
    _watchers.remove(watcher)


def there() -> list[Pool]:
    """The pools of this process that have not been garbage-collected, closed or not."""
    here = _here()
    with here.lock:
        found = [reference() for reference, _, _ in here.there]
    return [pool for pool in found if pool is not None]


def by_name() -> dict[str, Total]:
    """All pools of this process, those of threads and those of event loops, by name."""
    pools, here = there(), _here()
    with here.lock:
        _forget_gone(here, pools)
        found = {name: Total(name, stats=stats) for name, stats in here.gone.items()}
    for pool in pools:
        so_far = found.get(pool.name) or Total(pool.name)
        least, most = (0, 0) if pool.closed else (pool.settings.min, pool.settings.max)
        stats = so_far.stats + pool.stats()
        found[pool.name] = Total(pool.name, so_far.min + least, so_far.max + most, stats)
    return found


def _here() -> _Process:
    """This process: a forked child has pools and locks of its own."""
    global _process
    if _process.pid != os.getpid():
        _process = _Process()
    return _process


def _forget_gone(here: _Process, pools: list[Pool] | None = None) -> None:
    """Under the lock: keep of pools that were garbage-collected what they have done."""
    kept = []
    for reference, name, counters in here.there:
        if reference() is not None:
            kept.append((reference, name, counters))
        else:
            here.gone[name] = here.gone.get(name, NO_STATS) + counters.past()
    here.there = kept
