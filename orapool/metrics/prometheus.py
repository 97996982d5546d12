"""Prometheus: a collector of the pools' numbers. It reads them when it is scraped, and costs nothing in between.

It needs `pip install 'orapool[prometheus]'`. prometheus_client's own multi-process mode takes no part in it, nor it in
that, and both go together in one registry: what several processes publish is added up from orapool's own files.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Callable, Literal

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.utils import floatToGoString

from orapool import causes
from orapool.counters import PoolStats
from orapool.errors import ConfigurationError
from orapool.histograms import Distribution
from orapool.metrics.numbers import Numbers, Publications, check_of, of_process

__all__ = ["PoolCollector", "register"]

Of = Literal["process", "siblings", "children", "user"]

_GAUGES: dict[str, tuple[str, Callable[[Numbers], float]]] = {
    "orapool_min_sessions": ("Sessions that are to be kept open (setting min).", lambda each: each.min),
    "orapool_max_sessions": ("Sessions that may be open at most (setting max).", lambda each: each.max),
    "orapool_processes": ("Processes that have the pool open.", lambda each: each.processes),
    "orapool_waiting_callers": ("Callers in line for a session.", lambda each: each.stats.waiting),
    "orapool_calls": ("Calls of the driver that are under way in workers.", lambda each: each.stats.calls),
    "orapool_abandoned_calls": (
        "Of these, calls that nobody waits for any more.",
        lambda each: each.stats.abandoned_calls,
    ),
    "orapool_replaced_sessions": (
        "Sessions that died while idle, and that the driver replaced unasked, since the pool was made.",
        lambda each: each.stats.replaced,
    ),
    "orapool_outage": ("1 while the database is away, for any process; else 0.", lambda each: _is_out(each.stats)),
    "orapool_longest_checkout_seconds": (
        "How long the session is checked out that is so for the longest time; 0 where none is.",
        lambda each: _longest(each.stats),
    ),
}
_COUNTERS: dict[str, tuple[str, Callable[[PoolStats], float]]] = {
    "orapool_checkouts": ("Sessions given out.", lambda stats: stats.checkouts),
    "orapool_log_ons": ("Sessions opened.", lambda stats: stats.log_ons),
    "orapool_timeouts": ("Callers that got no session in time.", lambda stats: stats.timeouts),
    "orapool_reclaimed_connections": (
        "Connections that were garbage-collected instead of closed.",
        lambda stats: stats.reclaimed,
    ),
    "orapool_leaks": ("Checkouts that lasted longer than the setting leak_threshold.", lambda stats: stats.leaks),
}
_HISTOGRAMS: dict[str, tuple[str, Callable[[PoolStats], Distribution]]] = {
    "orapool_wait_seconds": (
        "How long callers waited for the sessions that they got, log-ons included.",
        lambda stats: stats.waits,
    ),
    "orapool_use_seconds": (
        "How long sessions were checked out, those that came back.",
        lambda stats: stats.uses,
    ),
    "orapool_log_on_seconds": ("How long log-ons took.", lambda stats: stats.log_on_times),
}
_CAUSES = (
    *(causes.ASKED, causes.CLOSED, causes.RETIRED, causes.MADE_ROOM, causes.ENDED, causes.SETUP_FAILED),
    *(causes.PING_UNANSWERED, causes.PING_CUT_SHORT, causes.ROLLBACK_UNANSWERED, causes.CANCELLED, causes.UNDER_WAY),
    *("ORA-03113", "ORA-03135", "DPY-4011"),
)
"""Those that there is a count of from the beginning: the first rise of one that comes later is not seen by rate()."""

_registered: weakref.WeakKeyDictionary[CollectorRegistry, PoolCollector] = weakref.WeakKeyDictionary()


def register(
    registry: CollectorRegistry | None = None,
    *,
    of: Of = "process",
    per_process: bool = False,
    publish_dir: str | PathLike[str] | None = None,
) -> PoolCollector:
    """Have the pools' numbers scraped with a registry. A second call for the same registry changes nothing.

    registry: None is prometheus_client's own, `REGISTRY`.
    of: whose numbers. "process": this process's. "siblings": those of all processes that this one's parent has started,
    and its parent's: so any worker of gunicorn, uvicorn or Celery that is scraped tells those of all. "children": those
    of this process, and of all that it has started: for the parent that is scraped. "user": all of the user's. Only
    processes that run the same program count ("user": all), are of this machine (or container), and publish in the
    same folder.
    per_process: label each process's numbers `command` and `pid`. Those of processes that are gone are missing then;
    without it they are in the sums, so that these never go back.
    publish_dir: where the processes publish; None: where the pools of this process do.

    Raises `ConfigurationError` where the registry has the collector already, registered in another way.

    >>> orapool.metrics.prometheus.register(of="siblings")
    """
    registry = REGISTRY if registry is None else registry
    collector = PoolCollector(of, per_process, None if publish_dir is None else Path(publish_dir))
    try:
        registry.register(collector)
    except ValueError:
        known = _registered.get(registry)
        if known is None:  # the names are another's
            raise
        if known.told != collector.told:
            raise ConfigurationError(
                f"the registry has {known!r} already, and {collector!r} would have the same names: "
                "registry.unregister() the one, or take another registry"
            ) from None
        return known
    _registered[registry] = collector
    return collector


class PoolCollector:
    """Gives the pools' numbers to a registry of prometheus_client; see `register`."""

    def __init__(self, of: Of = "process", per_process: bool = False, publish_dir: Path | None = None) -> None:
        check_of(of)
        self.told = (of, per_process, publish_dir)
        """How it was made."""
        self._labels = ["pool", *(["command", "pid"] if per_process else [])]
        several = of != "process"
        self._read = Publications(of, per_process, publish_dir).read if several else of_process
        if per_process and not several:
            raise ConfigurationError("per_process=True tells processes apart, and of='process' is one")

    def __repr__(self) -> str:
        of, per_process, publish_dir = self.told
        return f"<PoolCollector of={of!r} per_process={per_process} publish_dir={publish_dir}>"

    def describe(self) -> Iterator[Metric]:
        """The metrics without numbers: to register them reads nothing."""
        return self._metrics([])

    def collect(self) -> Iterator[Metric]:
        """The metrics as they are now."""
        return self._metrics(self._read())

    def _metrics(self, found: list[Numbers]) -> Iterator[Metric]:
        sessions = GaugeMetricFamily(
            "orapool_sessions", "Sessions open on the server, busy or idle.", labels=[*self._labels, "state"]
        )
        for each in found:
            sessions.add_metric([*self._values(each), "busy"], each.stats.busy)
            sessions.add_metric([*self._values(each), "idle"], each.stats.idle)
        yield sessions
        for name, (text, gauge) in _GAUGES.items():
            gauges = GaugeMetricFamily(name, text, labels=self._labels)
            for each in found:
                gauges.add_metric(self._values(each), gauge(each))
            yield gauges
        for name, (text, count) in _COUNTERS.items():
            counters = CounterMetricFamily(name, text, labels=self._labels)
            for each in found:
                counters.add_metric(self._values(each), count(each.stats))
            yield counters
        dropped = CounterMetricFamily(
            "orapool_dropped_sessions",
            "Sessions dropped, by cause: a code of Oracle's or the driver's, or words.",
            labels=[*self._labels, "cause"],
        )
        for each in found:
            for cause, number in {**dict.fromkeys(_CAUSES, 0), **each.stats.dropped}.items():
                dropped.add_metric([*self._values(each), cause], number)
        yield dropped
        for name, (text, times) in _HISTOGRAMS.items():
            histograms = HistogramMetricFamily(name, text, labels=self._labels)
            for each in found:
                distribution = times(each.stats)
                bounds = [*map(floatToGoString, distribution.bounds), "+Inf"]
                buckets = list(zip(bounds, map(float, distribution.cumulative())))
                histograms.add_metric(self._values(each), buckets, distribution.total)
            yield histograms

    def _values(self, each: Numbers) -> list[str]:
        return [each.pool, each.command, each.pid][: len(self._labels)]


def _is_out(stats: PoolStats) -> float:
    return 0.0 if stats.outage_since is None else 1.0


def _longest(stats: PoolStats) -> float:
    return 0.0 if stats.longest is None else max(0.0, time.time() - stats.longest.since)
