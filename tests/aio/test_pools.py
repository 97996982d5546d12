"""The asyncio pools of a process: one for each event loop and name, and what becomes of them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

import orapool
from orapool.sandbox import Sandbox
from tests.aio.tasks import select
from tests.aio.tasks import until as asyncio_until
from tests.waiting import until


async def test_a_pool_is_the_same_until_it_is_closed(configured: Sandbox) -> None:
    pool = orapool.apool()
    assert orapool.apool() is pool
    async with orapool.aconnection() as connection:
        assert await select(connection) == 1
        assert pool.stats().busy == 1

    await orapool.aclose()

    assert orapool.apool() is not pool
    await asyncio_until(lambda: configured.stats().sessions == 0)


async def test_a_transaction_commits(configured: Sandbox) -> None:
    async with orapool.atransaction() as connection:
        await connection.execute("create table aio_marks (id number)")
        await connection.execute("insert into aio_marks values (1)")
    async with orapool.aconnection(timeout=1, call_timeout=2) as connection:
        assert await select(connection, "select count(*) from aio_marks") == 1
        assert connection.call_timeout == 2000
        await connection.execute("drop table aio_marks")


async def test_named_pools_are_apart(configured: Sandbox) -> None:
    orapool.configure("reporting", dsn=configured.dsn, user="sh", password="sales", driver="oracledb")

    async with orapool.aconnection("reporting") as connection, orapool.aconnection() as other:
        assert await select(connection, "select user from dual") == "SH"
        assert await select(other, "select user from dual") == "SCOTT"
    await orapool.aclose("reporting")

    await asyncio_until(lambda: configured.stats().sessions == 1)


async def test_settings_of_a_pool_in_use_cannot_be_changed(configured: Sandbox) -> None:
    orapool.apool()

    with pytest.raises(
        orapool.ConfigurationError, match=r"in use with other settings: call orapool.aclose\('default'\)"
    ):
        orapool.configure(dsn=configured.dsn, user="scott", password="tiger", driver="oracledb", max=9)


def test_the_pool_closes_when_asyncio_run_ends(configured: Sandbox) -> None:
    async def main() -> orapool.AsyncPool:
        async with orapool.aconnection() as connection:
            await select(connection)
        return orapool.apool()

    first = asyncio.run(main())
    until(lambda: configured.stats().sessions == 0)
    second = asyncio.run(main())

    until(lambda: configured.stats().sessions == 0)
    assert first is not second
    assert "closed" in repr(first)
    assert (first.stats().opened, second.stats().dropped) == (0, {"pool closed": 1})


def test_loops_in_threads_have_pools_of_their_own(configured: Sandbox) -> None:
    found: list[orapool.AsyncPool] = []
    together = threading.Barrier(3)

    async def use() -> None:
        async with orapool.aconnection() as connection:
            found.append(orapool.apool())
            await asyncio.get_running_loop().run_in_executor(None, together.wait)
            assert await select(connection) == 1

    threads = [threading.Thread(target=asyncio.run, args=(use(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({id(pool) for pool in found}) == 3
    until(lambda: configured.stats().sessions == 0)


def test_a_pool_of_another_loop_is_refused(configured: Sandbox) -> None:
    async def make() -> orapool.AsyncPool:
        return orapool.apool()

    async def use(pool: orapool.AsyncPool) -> None:
        await pool.acquire()

    pool = asyncio.run(make())
    with pytest.raises(orapool.PoolError, match="belongs to another event loop: call orapool.apool"):
        asyncio.run(use(pool))


def test_outside_of_a_loop_it_says_what_to_use() -> None:
    with pytest.raises(orapool.PoolError, match=r"no event loop runs here: .* use orapool.pool\(\)"):
        orapool.apool()


async def test_cx_oracle_says_that_it_cannot(configured: Sandbox) -> None:
    orapool.configure("other", dsn=configured.dsn, user="scott", password="tiger", driver="cx_oracle")

    with pytest.raises(orapool.ConfigurationError, match="cx_Oracle has no asyncio: set driver to oracledb"):
        async with orapool.aconnection("other"):
            pass


def run(source: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", source, *arguments], capture_output=True, text=True, timeout=60)


def test_importing_orapool_loads_neither_asyncio_nor_a_driver() -> None:
    done = run(
        "import sys, orapool; print([name for name in ('asyncio', 'oracledb', 'orapool.aio') if name in sys.modules])"
    )

    assert done.stdout.strip() == "[]", done.stderr


def test_thick_mode_says_that_it_cannot(configured: Sandbox) -> None:
    done = run(
        """
import asyncio, sys, oracledb, orapool
oracledb.init_oracle_client()
orapool.configure(dsn=sys.argv[1], user="scott", password="tiger", driver="oracledb")

async def main():
    async with orapool.aconnection():
        pass

try:
    asyncio.run(main())
except orapool.ConfigurationError as error:
    print(error)
""",
        configured.dsn,
    )

    assert "python-oracledb has asyncio in its thin mode only" in done.stdout, done.stderr


HURRY = """
import asyncio, sys, time
from pathlib import Path
import orapool
from orapool.sandbox.control import ControlClient

server = ControlClient(Path(sys.argv[2]))
orapool.configure(dsn=sys.argv[1], user="scott", password="tiger", driver="oracledb", max=3)
held = []

def sessions(wanted):
    deadline = time.monotonic() + 10
    while server.call("stats")["sessions"] != wanted:
        assert time.monotonic() < deadline, server.call("stats")

async def hold():
    held.append(await orapool.apool().acquire())
    async with orapool.aconnection():
        pass

async def use():
    async with orapool.aconnection() as connection:
        sessions(1)
        print(await connection.fetchone("select 1 from dual"))

loop = asyncio.new_event_loop()
loop.run_until_complete(hold())
loop.close()  # neither tasks nor asynchronous generators are ended
sessions(2)
asyncio.run(use())
assert list(orapool.pools._of_loops) != [loop]
held.clear()
sessions(0)
"""


def test_a_loop_that_ends_in_a_hurry_leaves_no_session_to_the_next(configured: Sandbox) -> None:
    # In a process of its own: python-oracledb keeps the sockets open, as it does without a pool.
    assert configured._control is not None
    done = run(HURRY, configured.dsn, str(configured._control.path))

    assert (done.stdout.strip(), done.returncode) == ("(1,)", 0), done.stderr


FORK = """
import asyncio, gc, multiprocessing, os, sys
from pathlib import Path
import oracledb, orapool
from orapool.sandbox.control import ControlClient

server = ControlClient(Path(sys.argv[2]))
orapool.configure(dsn=sys.argv[1], user="scott", password="tiger", driver="oracledb", max=3)

async def work(amount):
    async with orapool.atransaction() as connection:
        await connection.execute("insert into aio_family values (:1)", [amount])

def child():
    for use in (lambda: held.cursor(), lambda: held.commit, lambda: asyncio.run(cursor.execute("select 1 from dual"))):
        try:
            use()
        except oracledb.InterfaceError as error:
            assert "checked out before fork()" in str(error), error
        else:
            raise AssertionError("the parent's session was used")
    asyncio.run(held.close())
    held.drop()
    gc.collect()
    asyncio.run(work(10))
    try:
        asyncio.run(use_parents_pool())
    except orapool.PoolError:
        return
    os._exit(3)

async def use_parents_pool():
    await pool.acquire()

async def main():
    global held, cursor, pool
    pool = orapool.apool()
    async with pool.acquire() as connection:
        await connection.execute("create table aio_family (amount number)")
    held = await pool.acquire()
    cursor = held.cursor()
    await cursor.execute("insert into aio_family values (1)")
    idle, busy = await pool.acquire(), await pool.acquire()
    await idle.close()
    server.call("delay", seconds=0.5)
    under_way = asyncio.create_task(busy.fetchone("select 7 from dual"))
    await asyncio.sleep(0.1)
    server.call("delay", seconds=0)
    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    while process.is_alive():
        await asyncio.sleep(0.01)
    assert process.exitcode == 0, process.exitcode
    assert await under_way == (7,)
    await held.commit()
    await held.close()
    await busy.close()
    async with pool.acquire() as connection:
        rows = await connection.fetchall("select amount from aio_family order by amount")
        await connection.execute("drop table aio_family")
    print(rows, pool.stats().log_ons, pool.stats().opened, pool.stats().busy)

asyncio.run(main())
"""


def test_a_forked_child_has_its_own_pool_and_leaves_the_parents_sessions_alone(configured: Sandbox) -> None:
    assert configured._control is not None
    done = run(FORK, configured.dsn, str(configured._control.path))

    assert done.stdout.strip() == "[(1,), (10,)] 3 3 0", done.stderr
    assert "Traceback" not in done.stderr
    until(lambda: configured.stats().sessions == 0)
