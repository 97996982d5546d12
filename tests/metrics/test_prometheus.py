"""What Prometheus reads of the pools."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.openmetrics import exposition
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse
from prometheus_client.samples import Sample

from orapool import ConfigurationError, PoolTimeout
from orapool.cli import main
from orapool.metrics import prometheus
from orapool.sandbox import Sandbox
from tests.metrics.conftest import MakePool, start
from tests.waiting import until


@pytest.fixture
def registry() -> CollectorRegistry:
    """One that has nothing yet."""
    return CollectorRegistry()


@pytest.fixture
def other(sandbox: Sandbox, folder: Path, name: str) -> Iterator[subprocess.Popen[str]]:
    """Another process of this one's, with a session of a pool of the same name checked out."""
    process = start(sandbox, folder, name)
    yield process
    process.communicate()


@pytest.fixture
def scrape(registry: CollectorRegistry, name: str) -> Callable[..., float | None]:
    """Reads a number of the test's pools, as Prometheus would."""

    def scrape(metric: str, **labels: str) -> float | None:
        (found,) = [*samples(registry, metric, {"pool": name, **labels}), None][:1]
        return found.value if found is not None else None

    return scrape


def samples(registry: CollectorRegistry, metric: str, labels: dict[str, str]) -> list[Sample]:
    """All samples of a metric that have these labels, maybe others too."""
    families = parse(generate_latest(registry).decode())
    every = [sample for family in families for sample in family.samples if sample.name == metric]
    return [sample for sample in every if labels.items() <= sample.labels.items()]


class TestAPool:
    def test_has_its_numbers(self, make_named: MakePool, registry: CollectorRegistry, scrape) -> None:
        prometheus.register(registry)
        pool = make_named(min=1, max=2, acquire_timeout=30)
        pool.drop(pool.acquire())
        with pool.acquire(), ThreadPoolExecutor(1) as threads:
            second = pool.acquire()
            with pytest.raises(PoolTimeout):
                pool.acquire(timeout=0.01)
            waiting = threads.submit(lambda: pool.acquire().close())
            until(lambda: pool.stats().waiting == 1)

            assert scrape("orapool_sessions", state="busy") == 2
            assert scrape("orapool_sessions", state="idle") == 0
            assert scrape("orapool_waiting_callers") == 1
            assert (scrape("orapool_min_sessions"), scrape("orapool_max_sessions")) == (1, 2)
            assert scrape("orapool_longest_checkout_seconds") > 0
            second.close()
            waiting.result()

        assert scrape("orapool_sessions", state="busy") == 0
        assert scrape("orapool_checkouts_total") == 4
        assert scrape("orapool_log_ons_total") == pool.stats().log_ons >= 3
        assert scrape("orapool_timeouts_total") == 1
        assert scrape("orapool_dropped_sessions_total", cause="asked") == 1
        assert scrape("orapool_dropped_sessions_total", cause="ended") == 0
        assert scrape("orapool_longest_checkout_seconds") == 0
        assert scrape("orapool_outage") == 0

    def test_has_histograms(self, make_named: MakePool, registry: CollectorRegistry, scrape, name: str) -> None:
        prometheus.register(registry)
        pool = make_named()
        for _ in range(70):
            pool.acquire().close()
        with pool.acquire():
            threading.Event().wait(0.12)

        stats = pool.stats()
        for metric, times in (("wait", stats.waits), ("use", stats.uses), ("log_on", stats.log_on_times)):
            buckets = samples(registry, f"orapool_{metric}_seconds_bucket", {"pool": name})
            assert [float(each.labels["le"]) for each in buckets] == [*times.bounds, float("inf")]
            assert [each.value for each in buckets] == times.cumulative()
            assert scrape(f"orapool_{metric}_seconds_count") == times.count
            assert scrape(f"orapool_{metric}_seconds_sum") == times.total
        assert scrape("orapool_use_seconds_bucket", le="0.1") == 70
        assert scrape("orapool_use_seconds_bucket", le="+Inf") == 71

    def test_has_an_outage(self, make_named: MakePool, registry: CollectorRegistry, scrape, sandbox: Sandbox) -> None:
        prometheus.register(registry)
        pool = make_named(acquire_timeout=5)
        sandbox.refuse()
        for _ in range(4):
            with pytest.raises(pool.driver.dbapi.Error):
                pool.acquire()

        assert scrape("orapool_outage") == 1
        sandbox.heal()
        until(lambda: scrape("orapool_outage") == 0)

    def test_is_told_in_openmetrics_too(self, make_named: MakePool, registry: CollectorRegistry, name: str) -> None:
        prometheus.register(registry)
        make_named().acquire().close()

        families = {family.name: family for family in parse_open(exposition.generate_latest(registry).decode())}
        assert families["orapool_checkouts"].type == "counter"
        assert families["orapool_wait_seconds"].type == "histogram"
        assert families["orapool_sessions"].type == "gauge"
        assert all(family.documentation.endswith(".") for family in families.values())

    def test_of_one_process_is_scraped_without_being_published(
        self, make_named: MakePool, registry: CollectorRegistry, scrape, folder: Path
    ) -> None:
        prometheus.register(registry)
        make_named(publish=False).acquire().close()

        assert scrape("orapool_checkouts_total") == 1
        assert not folder.exists()


class TestSeveralProcesses:
    def test_are_added_up(
        self, make_named: MakePool, registry: CollectorRegistry, scrape, other: subprocess.Popen[str], folder: Path
    ) -> None:
        prometheus.register(registry, of="user", publish_dir=str(folder))
        with make_named(max=3).acquire():
            assert scrape("orapool_processes") == 2
            assert scrape("orapool_sessions", state="busy") == 2
            assert scrape("orapool_checkouts_total") == 2
            assert scrape("orapool_wait_seconds_count") == 2

    def test_are_told_apart(
        self, make_named: MakePool, registry: CollectorRegistry, scrape, other: subprocess.Popen[str], folder: Path
    ) -> None:
        prometheus.register(registry, of="user", per_process=True, publish_dir=folder)
        pool = make_named()
        pool.acquire().close()
        pool.acquire().close()

        assert scrape("orapool_checkouts_total", pid=str(other.pid), command="python") == 1
        assert scrape("orapool_checkouts_total", pid=str(os.getpid())) == 2

    def test_have_this_ones_numbers_as_they_are_now(
        self, make_named: MakePool, registry: CollectorRegistry, scrape
    ) -> None:
        prometheus.register(registry, of="children")
        pool = make_named()
        for number in range(1, 100):
            pool.acquire().close()
            assert scrape("orapool_checkouts_total") == number

    def test_are_missing_with_publish_false_which_is_logged_once(
        self, make_named: MakePool, registry: CollectorRegistry, scrape, name: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        prometheus.register(registry, of="siblings")
        make_named(publish=False).acquire().close()
        with caplog.at_level(logging.WARNING, "orapool"):
            assert scrape("orapool_checkouts_total") is None
            assert scrape("orapool_checkouts_total") is None

        assert caplog.text.count(f"pool '{name}': it has publish=False, and so is missing from the metrics") == 1

    def test_whose_folder_is_not_the_users_own_leave_the_applications_metrics_alone(
        self, registry: CollectorRegistry, folder: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        folder.mkdir()
        folder.chmod(0o755)
        Counter("shop_requests", "The application's own.", registry=registry)
        prometheus.register(registry, of="siblings", publish_dir=folder)

        for _ in range(2):
            assert samples(registry, "shop_requests_total", {})
            assert samples(registry, "orapool_sessions", {}) == []
        assert caplog.text.count(f"{folder} is open to others") == 1

    def test_by_the_command(self, other: subprocess.Popen[str], folder: Path, name: str) -> None:
        def printed(*options: str) -> str:
            result = CliRunner().invoke(main, ["metrics", "--dir", str(folder), *options], catch_exceptions=False)
            assert result.exit_code == 0
            return result.output

        labels = f'command="python",pid="{other.pid}",pool="{name}"'
        assert f"orapool_checkouts_total{{{labels}}} 1.0" in printed()
        assert f'orapool_checkouts_total{{pool="{name}"}} 1.0' in printed("--sum")
        assert list(parse(printed()))


class TestToRegister:
    def test_twice_changes_nothing(self, registry: CollectorRegistry) -> None:
        first = prometheus.register(registry, of="siblings")

        assert prometheus.register(registry, of="siblings") is first
        registry.unregister(first)
        assert prometheus.register(registry) is not first

    def test_twice_in_two_ways_is_an_error(self, registry: CollectorRegistry) -> None:
        prometheus.register(registry)

        with pytest.raises(ConfigurationError, match="has <PoolCollector of='process' .* already"):
            prometheus.register(registry, of="siblings")

    def test_beside_others_of_the_same_name_is_prometheus_clients_error(self, registry: CollectorRegistry) -> None:
        Counter("orapool_checkouts", "Another's.", registry=registry)

        with pytest.raises(ValueError, match="orapool_checkouts"):
            prometheus.register(registry)

    def test_reads_nothing(self, registry: CollectorRegistry, folder: Path) -> None:
        prometheus.register(registry, of="siblings", publish_dir=folder)

        assert not folder.exists()

    def test_what_is_unknown_is_an_error(self, registry: CollectorRegistry) -> None:
        with pytest.raises(ConfigurationError, match="of='workers': it is one of 'process', 'siblings'"):
            prometheus.register(registry, of="workers")  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="per_process"):
            prometheus.register(registry, per_process=True)


def test_nobody_needs_it_who_does_not_use_it() -> None:
    code = "import sys, orapool; orapool.all_stats(); print({'prometheus_client', 'opentelemetry'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"
    code = (
        "import sys; sys.modules['prometheus_client'] = None; from orapool.cli import main; main(['metrics', '--sum'])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install 'orapool[prometheus]'" in result.stderr
