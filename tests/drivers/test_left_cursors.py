"""Cursors that nobody closes: the garbage collector, which runs anywhere, never makes a thread wait for itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

from orapool import SessionPool
from orapool.sandbox import Sandbox
from tests.conftest import THICK

SCRIPT = """
import asyncio, contextlib, faulthandler, gc, sys, types
import orapool

def in_a_cycle(cursor):
    gc.collect()
    cycle = types.SimpleNamespace(cursor=cursor)
    cycle.itself = cycle
    return cursor

@contextlib.contextmanager
def collecting_after(allocations):
    gc.set_threshold(allocations)
    gc.enable()
    yield
    gc.disable()

faulthandler.dump_traceback_later(30, exit=True)
gc.disable()
orapool.configure(dsn=sys.argv[1], user="scott", password="tiger", driver=sys.argv[2], publish=False)
"""
WITH_THREADS = """
with orapool.connection() as connection:
    for allocations in range(1, 50):
        in_a_cycle(connection.cursor()).execute(f"select {allocations} from dual")
        with connection.cursor() as cursor, collecting_after(allocations):
            cursor.execute(f"select :1, {allocations} from dual", [1])
"""
WITH_ASYNCIO = """
async def work():
    async with orapool.aconnection() as connection:
        for allocations in range(1, 50):
            await in_a_cycle(connection.cursor()).execute(f"select {allocations} from dual")
            with connection.cursor() as cursor, collecting_after(allocations):
                await cursor.execute(f"select :1, {allocations} from dual", [1])
    await orapool.aclose()
asyncio.run(work())
"""


def _run(work: str, sandbox: Sandbox, driver: str) -> None:
    arguments = [sys.executable, "-c", SCRIPT + work, sandbox.dsn, driver]
    run = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stderr) == (0, "")


def test_a_collection_in_the_middle_of_execute_does_not_lock_the_thread(driver: str, sandbox: Sandbox) -> None:
    _run(WITH_THREADS, sandbox, driver)


@pytest.mark.deselect_if(THICK, reason="thick mode has no asyncio")
def test_a_collection_in_the_middle_of_execute_does_not_lock_the_event_loop(sandbox: Sandbox) -> None:
    _run(WITH_ASYNCIO, sandbox, "oracledb")


def test_cursors_that_are_not_closed_do_not_pile_up(default_pool: SessionPool) -> None:
    with default_pool.acquire() as connection:
        for number in range(400):  # a session of the sandbox may have 300
            connection.cursor().execute(f"select {number} from dual")
