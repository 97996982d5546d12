"""What there is to show of a pool, and in which order: in `orapool top`, and on the status page."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Callable

from orapool.histograms import Distribution
from orapool.loans import Holding
from orapool.watching.published import Published

WINDOW = 10.0
"""Seconds whose waits are shown, where there were looks before."""

SILENCE = 5.0
"""Seconds after which a pool with sessions checked out, which publishes each second, should have been heard of."""


@dataclass(frozen=True)
class Row:
    """A pool of a process.

    Attributes:
        published: what the process says of it.
        waits: how long callers have waited lately, or since the pool was made where nobody has looked before.
    """

    published: Published
    waits: Distribution

    @property
    def address(self) -> str:
        """Whom it logs on as, and where."""
        about = self.published.about
        return f"{about.user or 'external user'}@{about.dsn}"

    @property
    def longest(self) -> Holding | None:
        """The checkout that lasts longest."""
        return self.published.stats.longest

    @property
    def outage(self) -> float | None:
        """Seconds since the database went away."""
        since = self.published.stats.outage_since
        return None if since is None else max(0.0, time.time() - since)

    @property
    def silent(self) -> float | None:
        """Seconds since it was heard of, where that is far too long for a pool with sessions checked out."""
        seconds = time.time() - self.published.at
        return seconds if self.published.stats.longest is not None and seconds > SILENCE else None

    @property
    def dead(self) -> int:
        """Sessions dropped, for whatever cause, and replaced."""
        stats = self.published.stats
        return stats.dropped_total + stats.replaced

    def matches(self, text: str) -> bool:
        """Whether a text is in anything by which it may be known."""
        process, about = self.published.process, self.published.about
        place = self.longest.place if self.longest else ""
        known = (str(process.pid), about.command, about.pool, about.driver, self.address, place)
        return any(text.casefold() in each.casefold() for each in known)

    def as_json(self) -> dict[str, Any]:
        """As `orapool top --json` has it, documented in the README."""
        process, about, stats = self.published.process, self.published.about, self.published.stats
        return {
            "pid": process.pid,
            "command": about.command,
            "pool": about.pool,
            "kind": about.kind,
            "driver": about.driver,
            "user": about.user,
            "dsn": about.dsn,
            "min": about.min,
            "max": about.max,
            "at": self.published.at,
            "opened": stats.opened,
            "busy": stats.busy,
            "idle": stats.idle,
            "waiting": stats.waiting,
            "checkouts": stats.checkouts,
            "checkouts_per_second": self.published.rate,
            "timeouts": stats.timeouts,
            "wait_p50": stats.waits.p50,
            "wait_p99": stats.waits.p99,
            "use_p50": stats.uses.p50,
            "use_p99": stats.uses.p99,
            "log_ons": stats.log_ons,
            "log_on_p50": stats.log_on_times.p50,
            "log_on_p99": stats.log_on_times.p99,
            "dropped": stats.dropped,
            "replaced": stats.replaced,
            "reclaimed": stats.reclaimed,
            "leaks": stats.leaks,
            "outage_since": stats.outage_since,
            "longest": None
            if stats.longest is None
            else {
                "seconds": stats.longest.seconds,
                "since": stats.longest.since,
                "place": stats.longest.place,
                "holder": stats.longest.holder,
            },
        }


SORTS: dict[str, Callable[[Row], Any]] = {
    "pid": lambda row: row.published.process.pid,
    "pool": lambda row: row.published.about.pool,
    "busy": lambda row: -row.published.stats.busy,
    "waiting": lambda row: -row.published.stats.waiting,
    "rate": lambda row: -row.published.rate,
    "p99": lambda row: -(row.waits.p99 or 0),
    "dead": lambda row: -row.dead,
    "longest": lambda row: -(row.longest.seconds if row.longest else 0),
}
"""What the rows can be sorted by. Of numbers, the greatest come first."""


class Looks:
    """Looks at what is published, one after the other."""

    def __init__(self) -> None:
        self._earlier: dict[str, deque[tuple[float, Distribution]]] = {}

    def look(self, found: Iterable[Published], now: float) -> list[Row]:
        """The rows of what was found at this moment, a time of ``time.monotonic``."""
        rows, seen = [], {}
        for published in found:
            waits = published.stats.waits
            earlier = self._earlier.get(published.key) or deque()
            while len(earlier) > 1 and earlier[1][0] <= now - WINDOW:
                earlier.popleft()
            rows.append(Row(published, waits - earlier[0][1] if earlier else waits))
            earlier.append((now, waits))
            seen[published.key] = earlier
        self._earlier = seen
        return rows


def arrange(rows: Iterable[Row], sort: str, backwards: bool = False, text: str = "") -> list[Row]:
    """The rows that match a text, sorted."""
    found = sorted((row for row in rows if row.matches(text)), key=SORTS[sort])
    return found[::-1] if backwards else found


def totals(rows: Sequence[Row]) -> dict[str, float]:
    """The sums of them."""
    stats = [row.published.stats for row in rows]
    return {
        "opened": sum(each.opened for each in stats),
        "busy": sum(each.busy for each in stats),
        "idle": sum(each.idle for each in stats),
        "waiting": sum(each.waiting for each in stats),
        "rate": sum(row.published.rate for row in rows),
    }
