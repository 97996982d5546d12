"""What a pool has done and how it stands, as plain numbers."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field, replace

from orapool.histograms import NOTHING, Distribution, Histogram
from orapool.loans import Holding


@dataclass(frozen=True)
class PoolStats:
    """A pool at one moment: `SessionPool.stats()`. Times are in seconds.

    Attributes:
        opened: sessions on the server.
        busy: of these, how many are checked out, or about to be.
        idle: and how many are not.
        waiting: callers in line.
        checkouts: sessions given out since the pool was made.
        log_ons: sessions opened since then.
        replaced: sessions that died while idle, and that the driver replaced unasked, since then.
        dropped: sessions dropped since then, by cause: an Oracle code, or words such as "asked" for
            `SessionPool.drop()`, "retired", "ping unanswered", "ended".
        timeouts: callers that got `PoolTimeout`, since then.
        reclaimed: connections that were garbage-collected instead of closed, since then.
        calls: driver calls under way in workers; in an asyncio pool, tasks.
        abandoned_calls: of these, how many nobody waits for any more.
        outage_since: when the database went away, a time of `time.time`; None while it is there.
        leaks: checkouts that lasted longer than `leak_threshold`, since the pool was made.
        longest: the checkout that has lasted longest of those that last; None where there is none.
        waits: how long callers waited for the sessions that they got, log-ons included. Those who got none are in
            `timeouts`.
        uses: how long sessions were checked out, those that came back.
        log_on_times: how long log-ons took that callers waited for, or that the upkeep asked for.
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
    leaks: int = 0
    longest: Holding | None = None
    waits: Distribution = NOTHING
    uses: Distribution = NOTHING
    log_on_times: Distribution = NOTHING

    @property
    def dropped_total(self) -> int:
        """Sessions dropped for any cause."""
        return sum(self.dropped.values())

    def __add__(self, other: PoolStats) -> PoolStats:
        """Both together: those of several pools or processes. An outage is since the first of them has one."""
        held = [each for each in (self.longest, other.longest) if each is not None]
        outages = [each for each in (self.outage_since, other.outage_since) if each is not None]
        dropped = Counter(self.dropped)
        dropped.update(other.dropped)
        return PoolStats(
            opened=self.opened + other.opened,
            busy=self.busy + other.busy,
            idle=self.idle + other.idle,
            waiting=self.waiting + other.waiting,
            checkouts=self.checkouts + other.checkouts,
            log_ons=self.log_ons + other.log_ons,
            replaced=self.replaced + other.replaced,
            dropped=dict(dropped),
            timeouts=self.timeouts + other.timeouts,
            reclaimed=self.reclaimed + other.reclaimed,
            calls=self.calls + other.calls,
            abandoned_calls=self.abandoned_calls + other.abandoned_calls,
            outage_since=min(outages, default=None),
            leaks=self.leaks + other.leaks,
            longest=min(held, key=lambda holding: holding.since, default=None),
            waits=self.waits + other.waits,
            uses=self.uses + other.uses,
            log_on_times=self.log_on_times + other.log_on_times,
        )

    def past(self) -> PoolStats:
        """What remains of it when the pool is gone: what it has done, and not how it stands."""
        return replace(
            self,
            opened=0,
            busy=0,
            idle=0,
            waiting=0,
            replaced=0,
            calls=0,
            abandoned_calls=0,
            outage_since=None,
            longest=None,
        )


NO_STATS = PoolStats(0, 0, 0, 0, 0, 0, 0, {}, 0, 0)
"""Those of no pool at all."""


@dataclass
class Counters:
    """Running totals of one pool. Histograms may be added to in any thread, the others are changed under the lock."""

    waits: Histogram = field(default_factory=Histogram)
    uses: Histogram = field(default_factory=Histogram)
    log_on_times: Histogram = field(default_factory=Histogram)
    log_ons: int = 0
    timeouts: int = 0
    reclaimed: int = 0
    leaks: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    events: int = 0
    """How often any of these numbers, but for the histograms, has changed."""
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count_log_on(self) -> None:
        """A session has logged on."""
        with self.lock:
            self.log_ons += 1
            self.events += 1

    def count_timeout(self) -> None:
        """A caller's time was over."""
        with self.lock:
            self.timeouts += 1
            self.events += 1

    def count_reclaimed(self) -> None:
        """A connection was garbage-collected instead of closed."""
        with self.lock:
            self.reclaimed += 1
            self.events += 1

    def count_leak(self) -> None:
        """A checkout has lasted longer than `leak_threshold`."""
        with self.lock:
            self.leaks += 1
            self.events += 1

    def count_dropped(self, cause: str, sessions: int = 1) -> None:
        """Sessions were dropped for a cause."""
        with self.lock:
            self.dropped[cause] += sessions
            self.events += 1

    def past(self) -> PoolStats:
        """These alone, of a pool that is gone."""
        stands = {"opened": 0, "busy": 0, "idle": 0, "waiting": 0, "calls": 0, "abandoned_calls": 0}
        return self.stats(**stands, outage_since=None, longest=None).past()

    def stats(
        self,
        *,
        opened: int,
        busy: int,
        idle: int,
        waiting: int,
        calls: int,
        abandoned_calls: int,
        outage_since: float | None,
        longest: Holding | None,
    ) -> PoolStats:
        """These, with how the pool stands at this moment."""
        with self.lock:
            log_ons, timeouts, reclaimed, leaks = self.log_ons, self.timeouts, self.reclaimed, self.leaks
            dropped = dict(self.dropped)
        waits = self.waits.read()
        return PoolStats(
            opened=opened,
            busy=busy,
            idle=idle,
            waiting=waiting,
            checkouts=waits.count,
            log_ons=log_ons,
            replaced=max(0, log_ons - opened - sum(dropped.values())),
            dropped=dropped,
            timeouts=timeouts,
            reclaimed=reclaimed,
            calls=calls,
            abandoned_calls=abandoned_calls,
            outage_since=outage_since,
            leaks=leaks,
            longest=longest,
            waits=waits,
            uses=self.uses.read(),
            log_on_times=self.log_on_times.read(),
        )
