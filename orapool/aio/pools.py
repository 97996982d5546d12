"""The asyncio pools by event loop and name, and the functions that use them."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Any

from orapool import pools
from orapool.aio.checkouts import Checkout
from orapool.aio.session_pool import AsyncPool
from orapool.errors import PoolError


def apool(name: str = "default") -> AsyncPool:
    """The asyncio pool called `name` of the event loop that runs: always the same object, until it is closed.

    It has the settings of `orapool.pool(name)`, and sessions of its own, at most `max`. Connects to nothing until
    acquire(). It closes by itself when `asyncio.run` ends.

    Raises `ConfigurationError` where nothing says how to reach the database, or its driver is cx_Oracle, which has no
    asyncio, and `PoolError` where no event loop runs.

    >>> orapool.apool().stats().busy
    0
    """
    loop = _running_loop()
    of_loop = pools._of_loops.get(loop)
    found = of_loop.get(name) if of_loop is not None else None
    if found is None:
        _forget_closed_loops()
        found = AsyncPool(pools.settings_of(name), name)
        pools._of_loops.setdefault(loop, {})[name] = found
    return found


def aconnection(
    name: str = "default",
    timeout: float | None = None,
    call_timeout: float | None = None,
    **options: Any,
) -> Checkout:
    """A connection of python-oracledb's asynchronous mode, checked out of the pool called `name`.

    The end of `async with` gives it back; so does close(), for who awaits it. What was not committed is rolled back
    then. The parameters are those of `AsyncPool.acquire`, which also says what is raised.

    >>> async with orapool.aconnection() as connection:
    ...     await connection.fetchone("select * from dual")
    """

    async def acquire() -> Any:
        return await apool(name).acquire(timeout, call_timeout, **options)

    return Checkout(acquire)


def atransaction(
    name: str = "default", timeout: float | None = None, **options: Any
) -> AbstractAsyncContextManager[Any]:
    """A connection whose work is committed at the end of the block, and rolled back if the block raises.

    The parameters are those of `aconnection`.

    >>> async with orapool.atransaction() as connection:
    ...     await connection.execute("update stock set amount = amount - 1")
    """
    return apool(name).transaction(timeout, **options)


async def aclose(name: str | None = None) -> None:
    """Close the pool called `name` of the event loop that runs, or all of that. Settings stay.

    Sessions checked out are closed when they are given back. See `AsyncPool.close`.

    >>> await orapool.aclose()
    """
    of_loop = pools._of_loops.get(_running_loop(), {})
    names = list(of_loop) if name is None else [name]
    closing = [of_loop.pop(each) for each in names if each in of_loop]
    await asyncio.gather(*(each.close() for each in closing))


def _running_loop() -> asyncio.AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise PoolError(
            "no event loop runs here: orapool.apool(), aconnection(), atransaction() and aclose() are for coroutines; "
            "elsewhere use orapool.pool(), connection(), transaction() and close()"
        ) from None


def _forget_closed_loops() -> None:
    """Loops that were closed without their asynchronous generators, and so without their pools."""
    for loop in list(pools._of_loops):
        if loop.is_closed():
            for each in (pools._of_loops.pop(loop, None) or {}).values():
                each.abandon()
