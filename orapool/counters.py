"""What a pool has done and how it stands, as plain numbers."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from dataclasses import dataclass, field

from orapool.slots import Slots
from orapool.workers import Workers


@dataclass(frozen=True)
class PoolStats:
    """A pool at one moment: `SessionPool.stats()`.

    Sessions: `opened` on the server, of which `busy` are checked out and `idle` are not; `waiting` callers in line.
    Since the pool was made: `checkouts` given out, `log_ons` made, `replaced` sessions that died while idle and that
    the driver replaced unasked, `dropped` sessions by cause (an Oracle code, or "asked" for `SessionPool.drop()`),
    `timeouts` of callers, `reclaimed` connections that were garbage-collected instead of closed. Driver calls: `calls`
    under way in workers, of which nobody waits any more for `abandoned_calls`. `outage_since`: when the database went
    away, as a time of `time.time`, None while it is there.
    """

    opened: int
    busy: int
    idle: int
    waiting: int
    checkouts: int
    log_ons: int
    replaced: int
    dropped: dict[str, int]
    timeouts: int
    reclaimed: int
    calls: int = 0
    abandoned_calls: int = 0
    outage_since: float | None = None

    @property
    def dropped_total(self) -> int:
        """Sessions dropped for any cause."""
        return sum(self.dropped.values())


class Tally:
    """Counts what happens often, in any thread, without a lock: `add()` one, and `read` the sum."""

    def __init__(self) -> None:
        ticks = itertools.count()
        self.add = ticks.__next__  # which is atomic
        self._lock = threading.Lock()
        self._reads = 0

    def read(self) -> int:
        """How many have been added."""
        with self._lock:  # reading adds one too
            self._reads += 1
            return self.add() - self._reads + 1


@dataclass
class Counters:
    """Running totals of one pool. All but `checkouts` are changed under the lock."""

    checkouts: Tally = field(default_factory=Tally)
    log_ons: int = 0
    timeouts: int = 0
    reclaimed: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count_log_on(self) -> None:
        """A session has logged on."""
        with self.lock:
            self.log_ons += 1

    def count_timeout(self) -> None:
        """A caller's time was over."""
        with self.lock:
            self.timeouts += 1

    def count_reclaimed(self) -> None:
        """A connection was garbage-collected instead of closed."""
        with self.lock:
            self.reclaimed += 1

    def count_dropped(self, cause: str, sessions: int = 1) -> None:
        """Sessions were dropped for a cause."""
        with self.lock:
            self.dropped[cause] += sessions

    def stats(self, opened: int, slots: Slots, workers: Workers, outage_since: float | None) -> PoolStats:
        """These with what the pool's parts say at this moment; `opened` is the number of its sessions."""
        with self.lock:
            log_ons, dropped = self.log_ons, dict(self.dropped)
        return PoolStats(
            opened=opened,
            busy=slots.busy,
            idle=max(0, opened - slots.busy),
            waiting=slots.waiting,
            checkouts=self.checkouts.read(),
            log_ons=log_ons,
            replaced=max(0, log_ons - opened - sum(dropped.values())),
            dropped=dropped,
            timeouts=self.timeouts,
            reclaimed=self.reclaimed,
            calls=workers.running,
            abandoned_calls=workers.abandoned,
            outage_since=outage_since,
        )
