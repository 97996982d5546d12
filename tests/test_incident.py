"""The incident's application in its old form and on orapool, with 50 clients, while its idle sessions are cut."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

import orapool
from orapool.sandbox import Sandbox
from tests.conftest import THICK
from tests.families import environment
from tests.incident.shop import CLIENTS, HERE, PATHS
from tests.load import Load
from tests.waiting import until

REQUESTS = 150
"""Between one weekend and the next."""


class Silent(WSGIRequestHandler):
    """Keeps connections, and writes no line for each request."""

    protocol_version = "HTTP/1.1"

    def log(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def served(app: Flask) -> Iterator[int]:
    """The application on a port, a thread for each client."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Silent)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def play(form: str, sandbox: Sandbox) -> tuple[Load, int]:
    """Load, and three weekends, on a form of the application; with the most sessions that it had."""
    app = importlib.import_module(f"tests.incident.app_{form}").create_app()
    most = 0
    with served(app) as port, Load("127.0.0.1", port, PATHS, CLIENTS) as load:
        for how in ("fin", "rst", "fin"):
            load.wait_for(REQUESTS)
            most = max(most, sandbox.stats().sessions)
            with load.between_requests():
                assert sandbox.end_sessions(how) > 0
        load.wait_for(REQUESTS)
    print(f"{form}: {dict(load.statuses)}, {dict(load.failures)}, {most} sessions, longest {load.longest:.2f} s")
    return load, most


@pytest.mark.usefixtures("shop")
def test_the_old_form_fails_after_each_weekend(sandbox: Sandbox, settings_file: Callable[[str], Path]) -> None:
    settings_file("old")

    load, _most = play("old", sandbox)

    assert load.statuses[500] >= 3
    assert load.done == load.statuses[200] + load.statuses[500]


@pytest.mark.usefixtures("shop")
def test_the_new_form_does_not(sandbox: Sandbox, settings_file: Callable[[str], Path]) -> None:
    settings_file("new")

    load, most = play("new", sandbox)

    assert load.statuses == {200: load.done}
    assert load.done >= 4 * REQUESTS
    assert most <= orapool.pool().settings.max == 8


def batch(form: str) -> subprocess.CompletedProcess[str]:
    """Run the batch script of a form, as a scheduler does."""
    return subprocess.run(
        [sys.executable, f"batch_{form}.py"],
        cwd=HERE,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("form", ["old", "new"])
def test_the_batch_script_reads_the_same_file(
    form: str, sandbox: Sandbox, settings_file: Callable[[str], Path]
) -> None:
    path = settings_file(form)
    before = sandbox.stats()

    run = batch(form)

    assert (run.returncode, run.stdout) == (0, "2 orders\n")
    assert form == "old" or run.stderr == ""
    assert (sandbox.stats() - before).log_ons == 1
    assert path.read_text(encoding="utf-8").count("tiger") == 1


@pytest.mark.usefixtures("shop")
def test_it_opens_one_session_whatever_the_web_application_s_sizes_are(
    sandbox: Sandbox, settings_file: Callable[[str], Path], dbapi: ModuleType
) -> None:
    with settings_file("new").open("a") as file:
        file.write("min = 4\nincrement = 2\n")
    before = sandbox.stats()

    run = batch("new")

    assert (run.returncode, run.stdout, run.stderr) == (0, "2 orders\n", "")
    until(lambda: (sandbox.stats() - before).sessions == 0)
    spent = sandbox.stats() - before
    assert spent.log_ons == 1
    # python-oracledb 2.5.1 closes its pool in thin mode without logging off.
    closes_alone = dbapi.__version__.startswith("2.") and not THICK
    assert spent.round_trips.get("log_off", 0) == (not closes_alone)


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Sandbox.stop, r"orapool\.errors\.DatabaseUnavailable: pool 'default', scott@.*: check host, port and service"),
        (Sandbox.freeze, r"orapool\.errors\.PoolTimeout: pool 'default': .*: check whether the database answers"),
    ],
    ids=["stopped", "frozen"],
)
def test_it_ends_with_status_1_and_a_line_that_tells_why_when_the_database_is_away(
    fault: Callable[[Sandbox], None], told: str, sandbox: Sandbox, settings_file: Callable[[str], Path]
) -> None:
    with settings_file("new").open("a") as file:
        file.write("acquire_timeout = 2\n")
    fault(sandbox)

    run = batch("new")  # at once, or after acquire_timeout and what an end may take: not after connect_timeout

    sandbox.start() if fault is Sandbox.stop else sandbox.thaw()
    assert (run.returncode, run.stdout) == (1, "")
    # Not always the last: when its pool is closed, python-oracledb's own thread may stumble over a log-on that was cut.
    assert re.search(f"^{told}", run.stderr, re.MULTILINE), run.stderr
    assert "tiger" not in run.stderr


@pytest.mark.deselect_if(THICK, reason="its log-on ends with one more round trip, and is made again when that fails")
@pytest.mark.usefixtures("shop")
def test_it_ends_with_status_1_when_its_session_dies(sandbox: Sandbox, settings_file: Callable[[str], Path]) -> None:
    settings_file("new")
    before = sandbox.stats()
    sandbox.freeze()
    with ThreadPoolExecutor(1) as scheduler:
        running = scheduler.submit(batch, "new")
        until(lambda: (sandbox.stats() - before).connects == 1, 60)
        sandbox.delay(1)
        sandbox.thaw()
        until(lambda: (sandbox.stats() - before).log_ons == 1, 60)
        assert sandbox.fail_next(28) == 1  # its update, or else its commit
        sandbox.delay(0)
        run = running.result()

    assert (run.returncode, run.stdout) == (1, "")
    assert re.search(r"^\w+\.(exceptions\.)?\w+Error: (ORA|DPY|DPI)-", run.stderr, re.MULTILINE), run.stderr
