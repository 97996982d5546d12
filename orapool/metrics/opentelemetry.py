"""OpenTelemetry: the pools' numbers by the semantic conventions for database client connection pools.

It needs `pip install 'orapool[opentelemetry]'`, and the SDK, or an agent, that reads the numbers and sends them.

OpenTelemetry has no histograms that are read when they are collected, as its counters are. So the times that a pool
counts in batches anyway are kept, and recorded at the next collection, on its thread: no caller of the pool waits for
an exporter. Where far more of them come than are kept, they are recorded as their buckets tell: as many, in the same
buckets, with the same sum.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Callable

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation

from orapool import totals
from orapool._version import __version__
from orapool.counters import Counters
from orapool.histograms import BOUNDS, NOTHING, Distribution, Histogram
from orapool.metrics.numbers import Numbers, of_process

__all__ = ["Instrumentation", "instrument"]

_SCHEMA = "https://opentelemetry.io/schemas/1.36.0"
"""The version of the semantic conventions, https://opentelemetry.io/docs/specs/semconv/database/database-metrics/."""
_POOL = "db.client.connection.pool.name"
_STATE = "db.client.connection.state"
_SYSTEM = {"db.system.name": "oracle.db"}
_CAUSE = "orapool.cause"

_MOST_BATCHES = 256
"""Batches of times that are kept until the next collection, for each pool and histogram: 2 MB of them."""

_HISTOGRAMS: dict[str, tuple[str, Callable[[Counters], Histogram]]] = {
    "db.client.connection.create_time": (
        "The time it took to create a new connection.",
        lambda counters: counters.log_on_times,
    ),
    "db.client.connection.wait_time": (
        "The time it took to obtain an open connection from the pool.",
        lambda counters: counters.waits,
    ),
    "db.client.connection.use_time": (
        "The time between borrowing a connection and returning it to the pool.",
        lambda counters: counters.uses,
    ),
}


def instrument(meter_provider: MeterProvider | None = None) -> Instrumentation:
    """Have the numbers of this process's pools collected, those that are there and those that come.

    meter_provider: None is the global one, also where that is set later. It is to be called once in a process, or for
    each provider; a forked child has what its parent had.

    >>> orapool.metrics.opentelemetry.instrument()
    """
    provider = metrics.get_meter_provider() if meter_provider is None else meter_provider
    return Instrumentation(provider)


@dataclass
class _Times:
    """The times of one histogram of a pool, of which some are not recorded yet."""

    histogram: Histogram
    record: Callable[[float], None]
    batches: deque[list[float]] = field(default_factory=lambda: deque(maxlen=_MOST_BATCHES))
    recorded: Distribution = NOTHING

    def __post_init__(self) -> None:
        self.recorded = self.histogram.read()
        self.histogram.keep(self.batches)

    def drain(self) -> None:
        """Record what has come since the last time."""
        now, taken = self.histogram.take(self.batches)
        news, self.recorded = now - self.recorded, now
        times = [seconds for batch in taken for seconds in batch]
        if len(times) < news.count:  # more came than are kept
            times = times_like(news)
        for seconds in times:
            self.record(seconds)


class _Watched:
    """The pools of one process."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.lock = threading.Lock()
        self.pools: list[tuple[weakref.ref[Any], list[_Times]]] = []


class Instrumentation:
    """The instruments of one meter provider; see `instrument`."""

    def __init__(self, provider: MeterProvider) -> None:
        meter = provider.get_meter("orapool", __version__, schema_url=_SCHEMA)
        self._histograms = {
            name: meter.create_histogram(name, "s", text, explicit_bucket_boundaries_advisory=BOUNDS)
            for name, (text, _) in _HISTOGRAMS.items()
        }
        self._watched = _Watched()
        self._ended = False

        def up_down(name: str, unit: str, text: str, values: Callable[[Numbers], dict[str, float]]) -> None:
            meter.create_observable_up_down_counter(name, [self._callback(values)], unit, text)

        def counter(name: str, unit: str, text: str, values: Callable[[Numbers], dict[str, float]], key: str) -> None:
            meter.create_observable_counter(name, [self._callback(values, key)], unit, text)

        # The first of all: it records the times too.
        up_down(
            "db.client.connection.count",
            "{connection}",
            "The number of connections that are currently in state described by the state attribute.",
            lambda each: {"idle": each.stats.idle, "used": each.stats.busy},
        )
        up_down(
            "db.client.connection.idle.max",
            "{connection}",
            "The maximum number of idle open connections allowed.",
            lambda each: {"": each.max},
        )
        up_down(
            "db.client.connection.idle.min",
            "{connection}",
            "The minimum number of idle open connections allowed.",
            lambda each: {"": each.min},
        )
        up_down(
            "db.client.connection.max",
            "{connection}",
            "The maximum number of open connections allowed.",
            lambda each: {"": each.max},
        )
        up_down(
            "db.client.connection.pending_requests",
            "{request}",
            "The number of current pending requests for an open connection.",
            lambda each: {"": each.stats.waiting},
        )
        counter(
            "db.client.connection.timeouts",
            "{timeout}",
            "The number of connection timeouts that have occurred trying to obtain a connection from the pool.",
            lambda each: {"": each.stats.timeouts},
            "",
        )
        # What the conventions have no name for.
        counter(
            "orapool.dropped_sessions",
            "{connection}",
            "Sessions dropped, by cause: a code of Oracle's or the driver's, or words.",
            lambda each: dict(each.stats.dropped),
            _CAUSE,
        )
        up_down(
            "orapool.outage",
            "1",
            "1 while the database is away, else 0.",
            lambda each: {"": 0 if each.stats.outage_since is None else 1},
        )
        totals.watch(self._watch)

    def end(self) -> None:
        """Collect nothing any more. What has not been collected is lost."""
        if self._ended:
            return
        self._ended = True
        totals.unwatch(self._watch)
        here = self._here()
        with here.lock:
            for _, times in here.pools:
                for each in times:
                    each.histogram.let_go(each.batches)
            here.pools.clear()

    def _watch(self, pool: totals.Pool, counters: Counters) -> None:
        """A pool is there."""
        attributes = {**_SYSTEM, _POOL: pool.name}

        def recorder(name: str) -> Callable[[float], None]:
            histogram = self._histograms[name]
            return lambda seconds: histogram.record(seconds, attributes)

        times = [_Times(find(counters), recorder(name)) for name, (_, find) in _HISTOGRAMS.items()]
        here = self._here()
        with here.lock:
            self._record_gone(here)
            here.pools.append((weakref.ref(pool), times))

    def _here(self) -> _Watched:
        """This process's: a forked child records its own times."""
        if self._watched.pid != os.getpid():
            self._watched = _Watched()
        return self._watched

    def _drain(self) -> None:
        """Record the times that have come."""
        here = self._here()
        with here.lock:
            self._record_gone(here)
            for _, times in here.pools:
                for each in times:
                    each.drain()

    def _record_gone(self, here: _Watched) -> None:
        """Under the lock: record the last times of pools that are gone, and forget these."""
        gone = [times for pool, times in here.pools if pool() is None]
        here.pools = [each for each in here.pools if each[1] not in gone]
        for times in gone:
            for each in times:
                each.drain()

    def _callback(
        self, values: Callable[[Numbers], dict[str, float]], key: str = _STATE
    ) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def observe(_: CallbackOptions) -> Iterator[Observation]:
            if self._ended:
                return
            self._drain()
            for each in of_process():
                attributes = {**_SYSTEM, _POOL: each.pool}
                for value, number in values(each).items():
                    yield Observation(number, {**attributes, key: value} if value else attributes)

        return observe


def times_like(news: Distribution) -> list[float]:
    """As many times as a distribution has, in the same buckets, and with the same sum."""
    lowers, uppers = (0.0, *BOUNDS), (*BOUNDS, max(news.longest, BOUNDS[-1]))
    least = sum(count * lower for count, lower in zip(news.counts, lowers))
    most = sum(count * upper for count, upper in zip(news.counts, uppers))
    # Not none of it: the lower bound is in the bucket before.
    part = min(1.0, max(1e-6, (news.total - least) / (most - least))) if most > least else 1.0
    times: list[float] = []
    for count, lower, upper in zip(news.counts, lowers, uppers):
        times += [lower + (upper - lower) * part] * count
    return times
