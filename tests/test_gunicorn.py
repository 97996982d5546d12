"""The incident's application under gunicorn: with and without preload, synchronous and threaded workers."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from orapool.cli import main
from orapool.sandbox import Sandbox
from tests.families import children, environment, ports, sessions_of
from tests.incident.shop import CLIENTS, PATHS
from tests.load import Load
from tests.waiting import until

pytestmark = [pytest.mark.usefixtures("shop"), pytest.mark.timeout(300)]

WORKERS = 9
REQUESTS = 100
"""Between one weekend and the next."""
READY = """
def post_worker_init(worker):
    print("a worker has loaded the application", flush=True)
"""
HOOKS = "from orapool.gunicorn import pre_fork, worker_exit\n"
USED_BY_THE_MASTER = """
def when_ready(server):
    import orapool
    with orapool.connection() as connection:
        connection.ping()
"""


@dataclass
class Gunicorn:
    """One that runs."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def pid(self) -> int:
        """Of the master."""
        return self.process.pid

    def get(self, path: str) -> int:
        """The status of a request."""
        return self.ask(path)[0]

    def ask(self, path: str) -> tuple[int, str]:
        """The status of a request, and what it brings."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def kill(self) -> None:
        """End it and its workers at once."""
        workers = children(self.pid)
        for pid in (self.pid, *workers):
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        until(lambda: not any(map(psutil.pid_exists, workers)))

    def end(self) -> None:
        """Stop it gracefully."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0


@pytest.fixture
def serve(tmp_path: Path, settings_file: Callable[[str], Path]) -> Callable[..., object]:
    """Runs a form of the application under gunicorn, for the time of a `with` block."""

    @contextmanager
    def serve(form: str, *options: str, workers: int = WORKERS, hooks: str = "", app: str = "") -> Iterator[Gunicorn]:
        settings_file(form)
        (tmp_path / "gunicorn.conf.py").write_text(f"workers = {workers}\ntimeout = 120\n{READY}{hooks}")
        with socket.create_server(("127.0.0.1", 0), backlog=100) as listener, open(tmp_path / "log", "wb") as log:
            fd, port = listener.fileno(), listener.getsockname()[1]
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "gunicorn",
                    f"--bind=fd://{fd}",
                    *options,
                    f"tests.incident.app_{app or form}:create_app()",
                ],
                cwd=tmp_path,
                env=environment(HOME=str(tmp_path)),  # where newer versions put a socket
                pass_fds=[fd],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            until(lambda: (tmp_path / "log").read_text().count("has loaded the application") == workers, 100)
            yield Gunicorn(process, port)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(60)
            said = (tmp_path / "log").read_text()
            print(said[-5000:])
        if form == "new":
            assert "Traceback" not in said

    return serve


def play(gunicorn: Gunicorn, sandbox: Sandbox) -> tuple[Load, dict[int, int]]:
    """Load, and a weekend; with the most sessions that each process had."""
    most: dict[int, int] = {}

    def look() -> None:
        for pid, count in sessions_of(gunicorn.pid, sandbox).items():
            most[pid] = max(count, most.get(pid, 0))

    with Load("127.0.0.1", gunicorn.port, PATHS, CLIENTS) as load:
        while sum(bool(ports(pid, sandbox)) for pid in children(gunicorn.pid)) < WORKERS:
            load.wait_for(WORKERS)
        load.wait_for(REQUESTS)
        with load.between_requests():
            look()
            assert sandbox.end_sessions() >= WORKERS
        load.wait_for(REQUESTS)
        with load.between_requests():
            look()
    print(f"{dict(load.statuses)}, {dict(load.failures)}, sessions {most}, longest {load.longest:.2f} s")
    return load, most


SYNC = ("--worker-class=sync",)
THREADED = ("--preload", "--threads=4", "--keep-alive=0")


# Without preload, each of 9 workers takes seconds to import all that: on the incident's own driver only.
@pytest.mark.parametrize(
    ("driver", "options"), [("cx_oracle", SYNC), ("oracledb", THREADED)], indirect=["driver"], ids=["sync", "gthread"]
)
def test_the_old_form_fails_after_a_weekend(serve, sandbox: Sandbox, options: tuple[str, ...]) -> None:
    with serve("old", *options) as gunicorn:
        load, _most = play(gunicorn, sandbox)

    assert load.statuses[500] >= WORKERS
    assert load.done == load.statuses[200] + load.statuses[500]


@pytest.mark.parametrize(
    ("driver", "options"),
    [("cx_oracle", SYNC), ("cx_oracle", THREADED), ("oracledb", THREADED)],
    indirect=["driver"],
    ids=["sync", "gthread", "gthread, oracledb"],
)
def test_the_new_form_does_not(serve, sandbox: Sandbox, options: tuple[str, ...]) -> None:
    with serve("new", *options) as gunicorn:
        load, most = play(gunicorn, sandbox)
        gunicorn.end()
        until(lambda: sandbox.stats().sessions == 0)

    assert load.statuses == {200: load.done}
    assert most.pop(gunicorn.pid) == 0
    assert len(most) == WORKERS
    # One pool: the ORM, SQL and DataFrames of a thread take turns on one session. A log-on that takes long goes on when
    # its caller has got another's, so that four threads may have some more than four.
    assert set(most.values()) <= ({1} if options == SYNC else {1, 2, 3, 4, 5, 6})


def test_top_shows_nine_workers_with_right_figures_and_none_of_them_when_they_were_killed(
    serve, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = tmp_path / "published"
    monkeypatch.setenv("ORAPOOL_PUBLISH_DIR", str(published))

    def top() -> list[dict[str, object]]:
        return json.loads(CliRunner().invoke(main, ["top", "--json"], catch_exceptions=False).output)

    with serve("new", *SYNC, "--preload") as gunicorn, ThreadPoolExecutor(WORKERS) as clients:
        served = 0
        workers = children(gunicorn.pid)
        while len(top()) < WORKERS:
            assert set(clients.map(gunicorn.get, ["/sql/Basel"] * WORKERS)) == {200}
            served += WORKERS
        until(lambda: sum(int(str(pool["checkouts"])) for pool in top()) >= served)  # published once a second
        until(lambda: all(pool["busy"] == 0 for pool in top()))
        shown = top()
        once = CliRunner().invoke(main, ["top", "--once"], catch_exceptions=False).output

        assert {pool["pid"] for pool in shown} == set(workers)
        assert {str(pool["pid"]): pool["opened"] for pool in shown} == {
            str(pid): count for pid, count in sessions_of(gunicorn.pid, sandbox).items() if pid != gunicorn.pid
        }
        assert sum(int(str(pool["checkouts"])) for pool in shown) == served
        for pool in shown:
            assert (pool["command"], pool["pool"], pool["user"]) == ("gunicorn", "default", "scott")
            assert (pool["busy"], pool["idle"], pool["log_ons"], pool["longest"]) == (0, 1, 1, None)
            assert str(pool["pid"]) in once
        assert len(list(published.iterdir())) == WORKERS

        gunicorn.kill()
        once = CliRunner().invoke(main, ["top", "--once"], catch_exceptions=False).output

        assert once.startswith("No process of ")
        assert list(published.iterdir()) == []
    sandbox.end_sessions()


Scrape = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scrape(gunicorn: Gunicorn) -> Scrape:
    """What Prometheus would read from whichever worker answers, by name and labels; consistent in itself."""
    status, text = gunicorn.ask("/metrics")
    assert status == 200
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    found = {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}
    assert len(found) == len(samples)
    for name in ("wait", "use", "log_on"):
        buckets = [sample.value for sample in samples if sample.name == f"orapool_{name}_seconds_bucket"]
        assert buckets == sorted(buckets)
        assert buckets[-1:] == [each.value for each in samples if each.name == f"orapool_{name}_seconds_count"]
    return found


def value(found: Scrape, name: str, **labels: str) -> float:
    """A number of the default pool, or of the application."""
    labels = {"pool": "default", **labels} if name.startswith("orapool_") else labels
    return found.get((name, tuple(sorted(labels.items()))), 0.0)


def went_back(before: Scrape, after: Scrape) -> list[str]:
    """The counters that did."""
    ends = ("_total", "_bucket", "_count", "_sum")
    return [f"{key}: {number}" for key, number in before.items() if key[0].endswith(ends) and after[key] < number]


# The drivers have no part in it.
@pytest.mark.parametrize("driver", ["oracledb"], indirect=True)
def test_prometheus_scrapes_nine_workers_consistently_whoever_of_them_comes_and_goes(
    serve, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published, own = tmp_path / "published", tmp_path / "multiproc"
    own.mkdir()
    monkeypatch.setenv("ORAPOOL_PUBLISH_DIR", str(published))
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(own))

    with serve("new", *SYNC, "--preload", app="metrics") as gunicorn, ThreadPoolExecutor(WORKERS) as clients:
        scrapes, served = [scrape(gunicorn)], 0

        def work(requests: int) -> None:
            """Scrape while the workers work, and until all of it is counted."""
            nonlocal served
            answers = [clients.submit(gunicorn.get, "/sql/Basel") for _ in range(requests)]
            while not all(answer.done() for answer in answers):
                scrapes.append(scrape(gunicorn))
            assert {answer.result() for answer in answers} == {200}
            served += requests
            until(lambda: scrapes.append(scrape(gunicorn)) or value(scrapes[-1], "orapool_checkouts_total") == served)

        def replaced(workers: set[int]) -> bool:
            """Whether all of these are gone, and others there."""
            return len(children(gunicorn.pid)) == WORKERS and not workers & set(children(gunicorn.pid))

        assert value(scrapes[0], "orapool_checkouts_total") == 0
        while value(scrapes[-1], "orapool_processes") < WORKERS:
            work(WORKERS)
        work(20 * WORKERS)
        until(lambda: value(scrape(gunicorn), "orapool_use_seconds_count") == served)  # published once a second
        found = scrape(gunicorn)
        assert value(found, "shop_requests_total") == served
        assert value(found, "orapool_sessions", state="idle") == value(found, "orapool_log_ons_total") == WORKERS
        assert value(found, "orapool_sessions", state="busy") == value(found, "orapool_waiting_callers") == 0
        assert value(found, "orapool_max_sessions") == 8 * WORKERS
        assert value(found, "orapool_wait_seconds_count") == served

        killed = children(gunicorn.pid)[0]
        os.kill(killed, signal.SIGKILL)
        until(lambda: replaced({killed}))
        scrapes.append(scrape(gunicorn))
        assert value(scrapes[-1], "orapool_processes") == WORKERS - 1
        assert value(scrapes[-1], "orapool_checkouts_total") == served
        work(5 * WORKERS)

        ended = set(children(gunicorn.pid)[:2])
        for pid in ended:
            os.kill(pid, signal.SIGTERM)
        until(lambda: replaced(ended), 60)
        scrapes.append(scrape(gunicorn))
        assert value(scrapes[-1], "orapool_dropped_sessions_total", cause="pool closed") == len(ended)
        work(5 * WORKERS)

        for before, after in zip(scrapes, scrapes[1:]):
            assert went_back(before, after) == []
        print(f"{len(scrapes)} scrapes, {served} requests, {len(list(published.iterdir()))} files")
        gunicorn.kill()
    sandbox.end_sessions()
    # The next who looks at the group's files finds that it is over.
    assert CliRunner().invoke(main, ["top", "--json"], catch_exceptions=False).output == "[]\n"
    assert list(published.iterdir()) == []


@pytest.mark.parametrize("hooks", ["", HOOKS], ids=["without hooks", "with hooks"])
def test_what_the_master_has_opened_is_left_to_it_and_a_request_under_way_at_the_end_is_served(
    serve, sandbox: Sandbox, hooks: str
) -> None:
    options = ("--threads=2", "--preload")
    with (
        serve("new", *options, workers=2, hooks=hooks + USED_BY_THE_MASTER) as gunicorn,
        ThreadPoolExecutor(1) as client,
    ):
        assert gunicorn.get("/orm/Basel") == 200
        found = sessions_of(gunicorn.pid, sandbox)
        assert found.pop(gunicorn.pid) == (0 if hooks else 1)
        assert sum(found.values()) == 1

        before = sandbox.stats()
        sandbox.freeze()
        answer = client.submit(gunicorn.get, "/orm/Basel")
        until(lambda: sandbox.stats().bytes_received > before.bytes_received)
        gunicorn.process.send_signal(signal.SIGTERM)
        until(lambda: len(children(gunicorn.pid)) == 1, 60)  # the other worker has ended
        sandbox.thaw()

        assert answer.result() == 200
        assert gunicorn.process.wait(60) == 0
    until(lambda: sandbox.stats().sessions == 0)
    stats = sandbox.stats() - before
    assert stats.round_trips["log_off"] == stats.log_ons + before.sessions  # by whatever has opened them


def test_workers_that_are_replaced_log_off(serve, sandbox: Sandbox) -> None:
    before = sandbox.stats()
    options = ("--preload", "--max-requests=15")
    with (
        serve("new", *options, workers=3, hooks=HOOKS) as gunicorn,
        Load("127.0.0.1", gunicorn.port, PATHS, 10) as load,
    ):
        load.wait_for(100)
        with load.between_requests():
            sessions_of(gunicorn.pid, sandbox)
    until(lambda: sandbox.stats().sessions == 0)
    stats = sandbox.stats() - before

    assert load.statuses == {200: load.done}
    assert load.done // 15 - 3 <= stats.log_ons == stats.round_trips["log_off"]


def test_a_worker_that_has_to_be_killed_has_logged_off(serve, sandbox: Sandbox) -> None:
    thread_that_never_ends = """
def post_fork(server, worker):
    import threading
    threading.Thread(target=threading.Event().wait).start()
"""
    options = ("--preload", "--graceful-timeout=2")
    before = sandbox.stats()
    with serve("new", *options, workers=1, hooks=HOOKS + thread_that_never_ends) as gunicorn:
        assert gunicorn.get("/orm/Basel") == 200
        assert sandbox.stats().sessions == 1
        gunicorn.end()

    assert sandbox.stats().sessions == 0
    assert (sandbox.stats() - before).round_trips["log_off"] == 1
