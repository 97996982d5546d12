"""Runs the checks with one client against a sandbox of its own, and plays the faults that they ask for."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orapool.sandbox import Sandbox
from tests.compliance.clients import tools
from tests.compliance.table import Found

CLIENTS: dict[str, Callable[[], list[str | Path]]] = {
    "jdbc": tools.java_command,
    "node-oracledb": tools.node_command,
    **{f"python-oracledb-{v}": lambda v=v: tools.python_command(v) for v in tools.PYTHON_ORACLEDB},
    "python-oracledb-newest": lambda: tools.python_command(None),
}
"""Commands by the clients' names; they raise `tools.MissingError` where one is not here."""

CHECKS = [line for line in Path(__file__).with_name("checks.txt").read_text().splitlines() if not line.startswith("#")]
LONGEST_SECONDS = 300


def run_checks(name: str, checks: list[str] = CHECKS, verbose: bool = False, sandbox: Sandbox | None = None) -> Found:
    """Run the checks with a client.

    Args:
        name: one of CLIENTS.
        checks: some of the list.
        verbose: whether what failed comes with its stack.
        sandbox: what they are run against, by scott; one of their own unless given.

    Raises:
        MissingError: the client is not here.
        RuntimeError: it did not tell of all checks.
    """
    command = CLIENTS[name]()
    own = Sandbox(users={"scott": "tiger"}) if sandbox is None else contextlib.nullcontext(sandbox)
    with own as sandbox:
        where = {"host": sandbox.host, "port": sandbox.port, "service": sandbox.dsn.partition("/")[2]}
        task = {**where, "dsn": sandbox.dsn, "user": "scott", "password": "tiger", "checks": checks, "verbose": verbose}
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, "TZ": "UTC"},  # as the sandbox's sessions are
        )
        timer = threading.Timer(LONGEST_SECONDS, process.kill)
        timer.start()
        try:
            return _converse(process, sandbox, task, name)
        finally:
            timer.cancel()
            process.kill()
            process.communicate()


def _converse(process: subprocess.Popen[str], sandbox: Sandbox, task: dict[str, Any], name: str) -> Found:
    assert process.stdin is not None
    assert process.stdout is not None

    def say(what: Any) -> None:
        assert process.stdin is not None
        process.stdin.write(json.dumps(what) + "\n")
        process.stdin.flush()

    say(task)
    found = Found(f"{len(task['checks'])} checks of ours", name, 0)
    told: set[str] = set()
    for line in process.stdout:
        what = json.loads(line)
        if "client" in what:
            found.client = what["client"]
        elif "do" in what:
            say(_play(sandbox, what["do"], what["with"]))
        else:
            sandbox.heal()
            told.add(what["check"])
            _note(found, what["check"], what["result"], what.get("detail", ""))
    left = [check for check in task["checks"] if check not in told]
    if left:
        raise RuntimeError(f"{found.client} told nothing of {', '.join(left)}")
    found.lacking = sorted(set(found.lacking))
    return found


def _play(sandbox: Sandbox, name: str, given: list[Any]) -> Any:
    """What a check asks for; the answer."""
    if name == "round_trips":
        return sandbox.stats().round_trips
    return {"delay": sandbox.delay, "end_sessions": sandbox.end_sessions, "fail_next": sandbox.fail_next}[name](*given)


def _note(found: Found, check: str, result: str, detail: str) -> None:
    if result == "pass":
        found.passed += 1
    elif result == "left out":
        found.left_out += 1
        found.lacking.append(detail)
    elif result == "refused":
        reason = re.search(r"ORA-03001: unimplemented feature: (.*)", detail)
        found.refused[check] = reason.group(1) if reason else detail
    else:
        found.failed[check] = detail
