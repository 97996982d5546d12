"""Tasks that ask a pool for sessions, and what they got."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from orapool.aio.session_pool import AsyncPool
from orapool.sandbox import Sandbox
from tests.faults.callers import Outcome

ONE = "select 1 from dual"


async def until(condition: Callable[[], object], seconds: float = 10) -> None:
    """Wait until `condition` holds; fail when it does not within so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited for {seconds} s"
        await asyncio.sleep(0.002)


async def select(connection: Any, sql: str = ONE) -> Any:
    """The first value of the first row, by one round trip."""
    cursor = connection.cursor()
    await cursor.execute(sql)
    return (await cursor.fetchone())[0]


async def query(pool: AsyncPool, timeout: float | None = None) -> Any:
    """One checkout with one round trip."""
    async with pool.acquire(timeout) as connection:
        return await select(connection)


async def outcome(work: Awaitable[Any]) -> Outcome:
    """What comes of it."""
    begun = time.monotonic()
    try:
        answer, error = await work, None
    except (Exception, asyncio.CancelledError) as raised:
        answer, error = None, raised
    return Outcome(time.monotonic() - begun, answer, error)


async def ask(pool: AsyncPool, count: int, timeout: float | None = None) -> list[Outcome]:
    """So many tasks that ask at once."""
    return await asyncio.gather(*(outcome(query(pool, timeout)) for _ in range(count)))


async def lay_idle(pool: AsyncPool, count: int) -> None:
    """Have `count` sessions idle in the pool, all of which have just worked."""
    connections = [await pool.acquire() for _ in range(count)]
    for connection in connections:
        await select(connection)
    for connection in connections:
        await connection.close()
    assert pool.stats().opened == count


async def assert_in_order(pool: AsyncPool, server: Sandbox, opened: int | None = None) -> None:
    """Nobody has a session, and the pool's counts are the server's."""
    await until(lambda: pool.stats().busy == pool.stats().waiting == 0)
    await until(lambda: pool.stats().opened == pool.stats().idle == server.stats().sessions)
    stats = pool.stats()
    assert stats.log_ons - stats.opened == stats.dropped_total
    if opened is not None:
        assert stats.opened == opened
