"""Forks: a child has its own pool and never touches the parent's sessions."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import pytest

from orapool.sandbox import Sandbox

# Runs in a process of its own, whose children end as real ones do. The parent has written in a transaction before it
# forks: if a child released, rolled back or logged off the session, the row would be gone, or the session.
PARENT = """
import gc, json, multiprocessing, os, sys
import orapool

dsn, driver = sys.argv[1:]
orapool.configure(dsn=dsn, user="scott", password="tiger", driver=driver, min=2, max=2)
pool = orapool.pool()
table = f"family_{os.getpid()}"
with pool.acquire() as connection, pool.acquire():
    connection.cursor().execute(f"create table {table} (name varchar2(20))")
held = pool.acquire()
cursor = held.cursor()
cursor.execute(f"insert into {table} values ('parent')")
errors = []
report = {}

USES = [lambda: held.cursor(), lambda: held.commit(), lambda: cursor.execute("select 1 from dual"), cursor.fetchall]

def error_of(use):
    try:
        use()
    except pool.driver.dbapi.InterfaceError as error:
        return str(error)

def child(number=0):
    errors = [error_of(use) for use in USES]
    assert all("checked out before fork()" in str(error) for error in errors), errors
    held.close()
    assert pool.stats().opened == pool.stats().busy == 0
    with orapool.connection(), orapool.transaction() as connection:
        connection.cursor().execute(f"insert into {table} values (:1)", ["child"])
    assert pool.stats().opened == 2

def let_everything_go():
    global held, cursor, pool
    del held, cursor, pool
    orapool.pools._pools.clear()
    gc.collect()

%s

connection_count = pool.stats().opened
held.commit()
held.close()
with pool.acquire() as first, pool.acquire() as second:
    for connection in (first, second):
        cursor = connection.cursor()
        cursor.execute(f"select name from {table} order by name")
        names = [name for (name,) in cursor]
    cursor.execute(f"drop table {table}")
print(json.dumps({"names": names, "opened": connection_count, "log_ons": pool.stats().log_ons, **report}))
"""

FORK = """
pid = os.fork()
if pid == 0:
    child()
    {last}
report["status"] = os.waitpid(pid, 0)[1]
"""


def run(body: str, sandbox: Sandbox, driver: str) -> dict[str, Any]:
    """What the parent reports; no session is left when it has ended."""
    before = sandbox.stats()
    process = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PARENT % body, sandbox.dsn, driver],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert process.returncode == 0, process.stderr
    assert process.stderr == ""
    deadline = time.monotonic() + 5
    while (sandbox.stats() - before).sessions > 0:
        assert time.monotonic() < deadline, "sessions are left"
    report: dict[str, Any] = json.loads(process.stdout)
    assert report["opened"] == report["log_ons"] == 2
    return report


@pytest.mark.parametrize(
    "last",
    [
        "sys.exit()",
        "let_everything_go(); sys.exit()",
        "left_out = orapool.connection(); sys.exit()",
        "orapool.close(); sys.exit()",
        "os._exit(0)",
    ],
)
def test_a_forked_child_ends_normally_and_leaves_the_parents_sessions_alone(
    sandbox: Sandbox, driver: str, last: str
) -> None:
    report = run(FORK.format(last=last), sandbox, driver)

    assert report == {"names": ["child", "parent"], "opened": 2, "log_ons": 2, "status": 0}


def test_the_parents_connections_are_not_the_childs_too(sandbox: Sandbox, driver: str) -> None:
    body = """
import psutil
def connections():
    port = int(dsn.partition("/")[0].rpartition(":")[2])
    return sum(each.raddr[1:] == (port,) for each in psutil.Process().net_connections("tcp"))
report["before"] = connections()
pid = os.fork()
if pid == 0:
    found = [connections()]
    child()
    found.append(connections())
    sys.exit(found != [0, 2])
report["status"] = os.waitpid(pid, 0)[1]
report["after"] = connections()
"""
    report = run(body, sandbox, driver)

    assert (report["before"], report["status"], report["after"]) == (2, 0, 2)


def test_a_child_that_never_uses_the_pool_leaves_it_alone(sandbox: Sandbox, driver: str) -> None:
    body = FORK.replace("child()", "pass").format(last="sys.exit()")

    assert run(body, sandbox, driver)["names"] == ["parent"]


def test_a_child_may_leave_a_with_block_that_the_parent_entered(sandbox: Sandbox, driver: str) -> None:
    body = """
with pool.acquire():
    pid = os.fork()
    if pid == 0:
        sys.exit()
    report["status"] = os.waitpid(pid, 0)[1]
"""
    assert run(body, sandbox, driver)["status"] == 0


def test_a_grandchild_has_its_own_pool(sandbox: Sandbox, driver: str) -> None:
    body = """
pid = os.fork()
if pid == 0:
    child()
    grandchild = os.fork()
    if grandchild == 0:
        child()
        sys.exit()
    sys.exit(os.waitpid(grandchild, 0)[1])
report["status"] = os.waitpid(pid, 0)[1]
"""
    report = run(body, sandbox, driver)

    assert (report["names"], report["status"]) == (["child", "child", "parent"], 0)


def test_processes_and_pools_of_multiprocessing(sandbox: Sandbox, driver: str) -> None:
    body = """
forking = multiprocessing.get_context("fork")
process = forking.Process(target=child)
process.start()
process.join()
report["status"] = process.exitcode
with forking.Pool(2) as workers:
    workers.map(child, range(1), chunksize=1)
    workers.close()
    workers.join()
"""
    report = run(body, sandbox, driver)

    assert (report["names"], report["status"]) == (["child", "child", "parent"], 0)


def test_a_fork_while_other_threads_use_the_pool(sandbox: Sandbox, driver: str) -> None:
    body = """
import threading
stop = threading.Event()
def use():
    while not stop.is_set():
        with pool.acquire() as connection:
            cursor = connection.cursor()
            cursor.execute("select 1 from dual")
            cursor.fetchone()
threads = [threading.Thread(target=use) for _ in range(3)]
for thread in threads:
    thread.start()
for _ in range(5):
    pid = os.fork()
    if pid == 0:
        child()
        sys.exit()
    assert os.waitpid(pid, 0)[1] == 0
stop.set()
for thread in threads:
    thread.join()
"""
    assert run(body, sandbox, driver)["names"] == ["child"] * 5 + ["parent"]
