"""What OpenTelemetry collects of the pools."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.metrics import MeterProvider as AnyProvider
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.semconv._incubating.metrics import db_metrics

from orapool import PoolTimeout
from orapool.histograms import BATCH, NOTHING, Distribution, Histogram
from orapool.metrics import opentelemetry
from orapool.metrics.opentelemetry import Instrumentation, times_like
from orapool.sandbox import Sandbox
from tests.metrics.conftest import MakePool
from tests.waiting import until

STATE = "db.client.connection.state"
CONVENTIONS = [
    *(db_metrics.create_db_client_connection_count, db_metrics.create_db_client_connection_max),
    *(db_metrics.create_db_client_connection_idle_max, db_metrics.create_db_client_connection_idle_min),
    *(db_metrics.create_db_client_connection_pending_requests, db_metrics.create_db_client_connection_timeouts),
    *(db_metrics.create_db_client_connection_create_time, db_metrics.create_db_client_connection_wait_time),
    db_metrics.create_db_client_connection_use_time,
]

Instrument = Callable[..., Instrumentation]


class Reader:
    """Reads what a provider has, of the test's pool."""

    def __init__(self, pool: str) -> None:
        self._pool = pool
        self._reader = InMemoryMetricReader()
        self.provider = MeterProvider([self._reader])

    def collect(self) -> dict[str, Any]:
        """All metrics, by name."""
        data = self._reader.get_metrics_data()
        if data is None:
            return {}
        scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics]
        return {metric.name: metric for scope in scopes for metric in scope.metrics if scope.scope.name == "orapool"}

    def points(self, name: str, **attributes: str) -> list[Any]:
        """Those of a metric."""
        wanted = {"db.client.connection.pool.name": self._pool, "db.system.name": "oracle.db", **attributes}
        metric = self.collect().get(name)
        points = metric.data.data_points if metric else []
        return [point for point in points if wanted.items() <= dict(point.attributes).items()]

    def value(self, name: str, **attributes: str) -> float:
        """The one of a metric."""
        (point,) = self.points(name, **attributes)
        assert set(point.attributes) == {"db.client.connection.pool.name", "db.system.name", *attributes}
        return point.value


@pytest.fixture
def reader(name: str) -> Iterator[Reader]:
    """One of a new provider's."""
    reader = Reader(name)
    yield reader
    reader.provider.shutdown()


@pytest.fixture
def instrument() -> Iterator[Instrument]:
    """Instruments a provider until the end of the test."""
    made = []

    def instrument(provider: AnyProvider) -> Instrumentation:
        made.append(opentelemetry.instrument(provider))
        return made[-1]

    yield instrument
    for each in made:
        each.end()


def test_names_units_and_kinds_are_those_of_the_conventions(
    make_named: MakePool, reader: Reader, instrument: Instrument
) -> None:
    instrument(reader.provider)
    make_named().acquire().close()
    found = reader.collect()

    conventional = InMemoryMetricReader()
    provider = MeterProvider([conventional])
    for create in CONVENTIONS:
        made = create(provider.get_meter("orapool"))
        (made.record if hasattr(made, "record") else made.add)(1)
    data = conventional.get_metrics_data()
    assert data is not None
    for expected in data.resource_metrics[0].scope_metrics[0].metrics:
        metric = found.pop(expected.name)
        assert metric.unit == expected.unit
        assert metric.description.rstrip(".") == expected.description.rstrip(".").replace("`", "")
        assert type(metric.data) is type(expected.data)
        for same in ("is_monotonic", "aggregation_temporality"):
            assert getattr(metric.data, same, None) == getattr(expected.data, same, None)
    assert set(found) - {"orapool.dropped_sessions"} == {"orapool.outage"}  # none was dropped, maybe
    provider.shutdown()


def test_a_pool_has_its_numbers(make_named: MakePool, reader: Reader, instrument: Instrument, sandbox: Sandbox) -> None:
    instrument(reader.provider)
    pool = make_named(min=1, max=2, acquire_timeout=30)
    pool.drop(pool.acquire())
    with pool.acquire(), ThreadPoolExecutor(1) as threads:
        second = pool.acquire()
        with pytest.raises(PoolTimeout):
            pool.acquire(timeout=0.01)
        waiting = threads.submit(lambda: pool.acquire().close())
        until(lambda: pool.stats().waiting == 1)

        assert reader.value("db.client.connection.count", **{STATE: "used"}) == 2
        assert reader.value("db.client.connection.count", **{STATE: "idle"}) == 0
        assert reader.value("db.client.connection.pending_requests") == 1
        assert reader.value("db.client.connection.timeouts") == 1
        assert reader.value("db.client.connection.max") == 2
        assert reader.value("db.client.connection.idle.max") == 2
        assert reader.value("db.client.connection.idle.min") == 1
        second.close()
        waiting.result()

    assert reader.value("db.client.connection.pending_requests") == 0
    assert reader.value("orapool.dropped_sessions", **{"orapool.cause": "asked"}) == 1
    assert reader.value("orapool.outage") == 0


def test_each_time_is_in_a_histogram_once(make_named: MakePool, reader: Reader, instrument: Instrument) -> None:
    instrument(reader.provider)
    pool = make_named(max=2)
    for _ in range(3):
        for _ in range(100):
            pool.acquire().close()
        with pool.acquire():
            threading.Event().wait(0.02)
        agree(reader, pool.stats())

    assert reader.points("db.client.connection.wait_time")[0].count == 303


def test_so_it_is_while_threads_use_the_pool(make_named: MakePool, reader: Reader, instrument: Instrument) -> None:
    instrument(reader.provider)
    pool = make_named(max=4)
    with ThreadPoolExecutor(4) as threads:
        working = [threads.submit(lambda: [pool.acquire().close() for _ in range(500)]) for _ in range(4)]
        while not all(each.done() for each in working):
            reader.collect()

    agree(reader, pool.stats())
    assert reader.points("db.client.connection.use_time")[0].count == 2000


def agree(reader: Reader, stats: Any) -> None:
    """Fails where the histograms are not the pool's own."""
    for name, times in (("wait", stats.waits), ("use", stats.uses), ("create", stats.log_on_times)):
        (point,) = reader.points(f"db.client.connection.{name}_time")
        assert tuple(point.explicit_bounds) == times.bounds
        assert tuple(point.bucket_counts) == times.counts
        assert point.sum == pytest.approx(times.total, abs=1e-5)
        assert point.max == pytest.approx(times.longest)


def test_more_times_than_are_kept_have_the_same_buckets_and_sum(
    make_named: MakePool, reader: Reader, instrument: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opentelemetry, "_MOST_BATCHES", 2)
    instrument(reader.provider)
    pool = make_named()
    for _ in range(1000):
        pool.acquire().close()

    stats = pool.stats()
    (point,) = reader.points("db.client.connection.wait_time")
    assert tuple(point.bucket_counts) == stats.waits.counts
    assert point.sum == pytest.approx(stats.waits.total, abs=1e-4)


@given(st.lists(st.floats(1e-7, 1000), min_size=1, max_size=50), st.lists(st.floats(1e-7, 1000), max_size=5))
def test_times_like_others_are_in_the_same_buckets(times: list[float], earlier: list[float]) -> None:
    before, news = distribution(earlier), distribution(earlier + times) - distribution(earlier)
    like = distribution(times_like(news))

    assert like.counts == news.counts
    assert like.total == pytest.approx(news.total, abs=1e-3, rel=1e-4)
    assert before.count + like.count == len(earlier + times)
    assert times_like(NOTHING) == []


def distribution(times: list[float]) -> Distribution:
    """Of these."""
    histogram = Histogram()
    for each in times:
        histogram.add(each)
    return histogram.read()


def test_pools_that_come_later_and_two_providers_have_all(
    make_named: MakePool, reader: Reader, name: str, instrument: Instrument
) -> None:
    make_named().acquire().close()  # before anyone looks: what it took is not known any more
    other = Reader(name)
    for each in (reader, other):
        instrument(each.provider)
    make_named().acquire().close()

    for each in (reader, other):
        assert each.points("db.client.connection.use_time")[0].count == 1
        assert each.value("db.client.connection.count", **{STATE: "idle"}) == 2
    other.provider.shutdown()


def test_after_the_end_nothing_is_kept(make_named: MakePool, reader: Reader, instrument: Instrument) -> None:
    instrumentation = instrument(reader.provider)
    pool = make_named()
    pool.acquire().close()
    instrumentation.end()
    instrumentation.end()
    pool.acquire().close()

    assert reader.points("db.client.connection.count") == []
    assert reader.points("db.client.connection.use_time") == []
    make_named().acquire().close()


def test_without_a_reader_little_is_kept(
    make_named: MakePool, instrument: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opentelemetry, "_MOST_BATCHES", 3)
    instrumentation = instrument(NoOpMeterProvider())
    pool = make_named()
    for _ in range(4 * BATCH):
        pool.acquire().close()

    assert max(len(times.batches) for _, every in instrumentation._watched.pools for times in every) == 3


def test_a_forked_child_records_its_own(make_named: MakePool, reader: Reader, instrument: Instrument) -> None:
    instrument(reader.provider)
    pool = make_named(max=2)
    for _ in range(10):
        pool.acquire().close()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:  # no test's code after this
        try:
            pool.acquire().close()
            (point,) = reader.points("db.client.connection.use_time")
            os.write(write, str(point.count).encode())
            pool.close()
        finally:
            os._exit(0)
    os.waitpid(child, 0)

    assert os.read(read, 100) == b"1"
    assert reader.points("db.client.connection.use_time")[0].count == 10
    os.close(read)
    os.close(write)
