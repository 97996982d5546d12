"""Forks in the middle of faults."""

from __future__ import annotations

import subprocess
import sys

from orapool.sandbox import Sandbox


class TestAForkInTheMiddle:
    """In a process of its own, whose children end as real ones do."""

    PARENT = """
import os, sys, threading, time
import orapool
from orapool.sandbox.control import ControlClient
from pathlib import Path

dsn, driver, control = sys.argv[1:]
server = ControlClient(Path(control))
orapool.configure(dsn=dsn, user="scott", password="tiger", driver=driver, max=4, acquire_timeout=5)
pool = orapool.pool()

def query():
    with pool.acquire() as connection:
        cursor = connection.cursor()
        cursor.execute("select 1 from dual")
        assert cursor.fetchone() == (1,)

def fork():
    pid = os.fork()
    if pid == 0:
        for _ in range(5):
            query()
        threads = [thread.name for thread in threading.enumerate() if thread.name.startswith("orapool-keeper")]
        assert len(threads) == 1, threads
        sys.exit()
    return pid

def wait_for(pid):
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status
        time.sleep(0.02)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    return "hangs"

def assert_none_busy():
    deadline = time.monotonic() + 10  # some are given back in the background
    while pool.stats().busy:
        assert time.monotonic() < deadline, pool
        time.sleep(0.02)

"""

    def run(self, body: str, sandbox: Sandbox, driver: str) -> None:
        """Run the parent."""
        assert sandbox._control is not None
        control = str(sandbox._control.path)
        process = subprocess.run(
            [
                sys.executable,
                "-W",
                "ignore::DeprecationWarning",
                "-c",
                self.PARENT + body,
                sandbox.dsn,
                driver,
                control,
            ],
            capture_output=True,
            text=True,
            timeout=90,
        )
        assert process.returncode == 0, process.stderr
        assert "Traceback" not in process.stderr

    def test_while_sessions_die_under_load(self, sandbox: Sandbox, driver: str) -> None:
        self.run(
            """
stop, errors = threading.Event(), []
query()  # Python itself cannot fork while another thread imports a module

def use():
    while not stop.is_set():
        try:
            with pool.acquire() as connection:
                cursor = connection.cursor()
                cursor.execute("select 1 from dual")
                cursor.fetchone()
        except pool.driver.dbapi.Error as error:
            errors.append(error)  # killed while in use
threads = [threading.Thread(target=use, daemon=True) for _ in range(4)]
for thread in threads:
    thread.start()
try:
    for turn in range(5):
        time.sleep(0.1)
        if turn % 2:
            server.call("end_sessions", how="rst")
        pid = fork()
        status = wait_for(pid)
        assert status == 0, status
finally:
    stop.set()
for thread in threads:
    thread.join(10)
    assert not thread.is_alive()
query()
assert_none_busy()
""",
            sandbox,
            driver,
        )

    def test_while_a_log_on_is_stuck(self, sandbox: Sandbox, driver: str) -> None:
        self.run(
            """
server.call("freeze", log_ons_only=True)
failed = []

def ask():
    try:
        query()
    except orapool.PoolError as error:
        failed.append(error)
asking = threading.Thread(target=ask, daemon=True)
connects = server.call("stats")["connects"]
asking.start()
while server.call("stats")["connects"] == connects:
    time.sleep(0.01)
pid = fork()
server.call("thaw")
status = wait_for(pid)
assert status == 0, status
asking.join(10)
assert not asking.is_alive() and not failed, failed
query()
assert_none_busy()
""",
            sandbox,
            driver,
        )

    def test_in_an_outage_whose_end_each_process_sees_by_itself(self, sandbox: Sandbox, driver: str) -> None:
        self.run(
            """
query()
server.call("stop")
for _ in range(5):
    try:
        query()
    except orapool.DatabaseUnavailable:
        pass
server.call("start")
pid = fork()
status = wait_for(pid)
assert status == 0, status
deadline = time.monotonic() + 2
while True:
    try:
        query()
        break
    except orapool.DatabaseUnavailable:
        assert time.monotonic() < deadline
        time.sleep(0.01)
""",
            sandbox,
            driver,
        )
