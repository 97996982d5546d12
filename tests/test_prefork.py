"""Processes that fork workers after they have used the pool: Celery's, and multiprocessing's."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from celery import Celery

from orapool.sandbox import Sandbox
from tests.families import environment, sessions_of
from tests.waiting import until

JOBS = 60
"""Between one weekend and the next."""
WORKERS = 4


@pytest.fixture
def celery_worker(
    tmp_path: Path, settings_file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[subprocess.Popen[bytes]]:
    """One that runs the shop's jobs in processes of its own."""
    settings_file("new")
    monkeypatch.setenv("SHOP_JOBS", str(tmp_path))
    command = "worker --pool prefork --without-gossip --without-mingle --without-heartbeat --loglevel WARNING"
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "tests.incident.jobs_new", *command.split(), f"-c{WORKERS}"],
            cwd=tmp_path,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    yield process
    if process.poll() is None:
        process.terminate()
        process.wait(60)
    said = (tmp_path / "log").read_text()
    print(said[-5000:])
    assert "Traceback" not in said


@pytest.mark.usefixtures("shop")
def test_celery(celery_worker: subprocess.Popen[bytes], tmp_path: Path, sandbox: Sandbox) -> None:
    # Its own folders: the worker would read what is not written to its end.
    sending = tmp_path / "sending"
    folders = {name: str(sending) for name in ("data_folder_in", "data_folder_out")}
    client = Celery("client", broker="filesystem://", backend=f"file://{tmp_path}/results")
    client.conf.broker_transport_options = {**folders, "control_folder": str(tmp_path / "sending-control")}
    sending.mkdir()
    until(lambda: (tmp_path / "results").exists(), 60)

    def play() -> set[int]:
        """The processes that have done the jobs."""
        sent = [client.send_task("total", ["Basel"]) for _ in range(JOBS)]
        for message in sending.iterdir():
            message.replace(tmp_path / "messages" / message.name)
        done = [job.get(timeout=60, interval=0.02) for job in sent]
        assert {amount for amount, _ in done} == {42}
        return {pid for _, pid in done}

    pids = set()
    while len(pids) < WORKERS:
        pids |= play()
    found = sessions_of(celery_worker.pid, sandbox)
    assert sandbox.end_sessions() == WORKERS + 1
    pids |= play()

    assert {pid: found[pid] for pid in pids} == dict.fromkeys(pids, 1)  # one pool, and one session, in each
    assert found[celery_worker.pid] == 1
    sessions_of(celery_worker.pid, sandbox)
    before = sandbox.stats()
    celery_worker.send_signal(signal.SIGTERM)
    assert celery_worker.wait(60) == 0
    until(lambda: sandbox.stats().sessions == 0)
    stats = sandbox.stats() - before
    assert stats.round_trips["log_off"] == before.sessions + stats.log_ons


# Its parent uses the pool before it makes the workers, and while they work.
PARENT = """
import json, multiprocessing, os, sys
import orapool

def work(_number):
    with orapool.connection() as connection:
        cursor = connection.cursor()
        cursor.execute("select sys_context('userenv', 'sid') from dual")
        return os.getpid(), cursor.fetchone()[0]

work(0)
with multiprocessing.get_context("fork").Pool(int(sys.argv[1])) as workers:
    for turn in range(2):
        mine = work(0)
        print(json.dumps([mine, *workers.map(work, range(200), chunksize=1)]), flush=True)
        sys.stdin.readline()
    workers.close()
    workers.join()
"""


def test_a_multiprocessing_pool(sandbox: Sandbox, driver: str) -> None:
    account = {"ORAPOOL_DSN": sandbox.dsn, "ORAPOOL_USER": "scott", "ORAPOOL_PASSWORD": "tiger"}
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(WORKERS)],
        env=environment(ORAPOOL_DRIVER=driver, **account),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdin
        assert parent.stdout
        assert parent.stderr
        pids_of: dict[str, set[int]] = {}
        for last in (False, True):
            for pid, sid in json.loads(parent.stdout.readline()):
                pids_of.setdefault(sid, set()).add(pid)
            assert set(sessions_of(parent.pid, sandbox).values()) <= {0, 1}
            before = sandbox.stats()
            if not last:
                assert sandbox.end_sessions() >= 2
            parent.stdin.write("\n")
            parent.stdin.flush()
        said = parent.stderr.read()

    assert (parent.returncode, said) == (0, "")
    assert all(len(pids) == 1 for pids in pids_of.values()), pids_of
    until(lambda: sandbox.stats().sessions == 0)
    assert (sandbox.stats() - before).round_trips["log_off"] == before.sessions
