"""The incident's application in its old form and on orapool, with 50 clients, while its idle sessions are cut."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

import orapool
from orapool.sandbox import Sandbox
from tests.incident.shop import CLIENTS, HERE, PATHS
from tests.load import Load

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


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("form", ["old", "new"])
def test_the_batch_script_reads_the_same_file(
    form: str, sandbox: Sandbox, settings_file: Callable[[str], Path], driver: str
) -> None:
    path = settings_file(form)
    command = [sys.executable, f"batch_{form}.py"]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")]),
    }
    before = sandbox.stats()

    run = subprocess.run(command, cwd=HERE, env=environment, capture_output=True, text=True, timeout=60, check=False)

    assert (run.returncode, run.stdout) == (0, "2 orders\n")
    assert form == "old" or run.stderr == ""
    assert (sandbox.stats() - before).log_ons == 1
    assert path.read_text(encoding="utf-8").count("tiger") == 1
