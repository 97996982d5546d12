"""Work in a process of its own that gets Ctrl-C once its statements run on the server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import Any

from orapool.sandbox import Sandbox
from tests.waiting import until

SCRIPT = """
import sys
import orapool
orapool.configure(dsn=sys.argv[1], user="scott", password="tiger", driver=sys.argv[2])
try:
    print("working", flush=True)
    {work}
except KeyboardInterrupt:
    one = orapool.read_df("select 1 as one from dual")["one"][0]
    stats = orapool.pool().stats()
    print("cancelled", one, stats.log_ons, "log-ons", stats.busy, "busy")
"""


def sessions_at_work(onlooker: Any) -> int:
    """Sessions that run something, but for the onlooker's own."""
    (count,) = onlooker.cursor().execute("select count(*) from v$session where status = 'ACTIVE'").fetchone()
    return int(count) - 1


def _stay_at_work(onlooker: Any, sessions: int) -> bool:
    """Whether so many are at it, and not with a log-on or a description, which take a moment only."""
    for _ in range(10):
        if sessions_at_work(onlooker) != sessions:
            return False
        time.sleep(0.05)
    return True


def interrupt(sandbox: Sandbox, driver: str, onlooker: Any, work: str, sessions: int = 1) -> str:
    """Run `work`, interrupt it when so many sessions are at it, and return what is said after "cancelled"."""
    run = subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(work=work), sandbox.dsn, driver],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    try:
        assert run.stdout is not None
        assert run.stdout.readline() == "working\n"
        until(lambda: _stay_at_work(onlooker, sessions), 30)
        run.send_signal(signal.SIGINT)
        output, _ = run.communicate(timeout=60)
    finally:
        run.kill()
    assert run.returncode == 0
    until(lambda: not sessions_at_work(onlooker))
    said, _, told = output.strip().partition(" ")
    assert said == "cancelled"
    return told
