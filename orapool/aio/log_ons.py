"""Logging on for the asyncio pool: address by address, each within its limits, all within the caller's deadline."""

from __future__ import annotations

import asyncio
import socket
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from orapool.drivers.wires import Interrupted
from orapool.dsn import Route, routes
from orapool.errors import error_codes
from orapool.settings import PoolSettings

if TYPE_CHECKING:
    from orapool.drivers.async_oracledb import AsyncConnection, AsyncOracleDb

_NEXT_ADDRESS = frozenset({"DPY-6005"})
"""The first code of a log-on that did not come to the authentication: another address may help."""
_UNLIMITED = 24 * 3600.0


class Overdue(Exception):
    """The caller's deadline passed before the log-on ended."""


async def log_on(driver: AsyncOracleDb, settings: PoolSettings, deadline: float) -> AsyncConnection:
    """Log on by the deadline, a time of ``time.monotonic``.

    Raises `Overdue`, or the driver's error of the last address that was tried. When it is cancelled, it ends at once,
    and leaves no socket behind.
    """
    password = await _password(settings, deadline)
    failed: Exception | None = None
    for route in routes(
        settings.dsn, settings.connect_timeout, settings.transport_connect_timeout, settings.config_dir
    ):
        if route.pause:
            await asyncio.sleep(min(route.pause, _left(deadline)))
        try:
            addresses = await _looked_up(route, deadline)
        except OSError as error:  # nobody knows the host's name
            failed = driver.unreachable(str(error))
            continue
        for address in addresses:
            connect = min(address.connect or _UNLIMITED, _left(deadline))
            try:
                return await driver.log_on(settings.user, password, address.descriptor, connect, address.transport)
            except Interrupted:
                _left(deadline)
                failed = driver.unreachable("timed out: the log-on got no answer")
            except driver.dbapi.Error as error:
                if next(error_codes(error), "") not in _NEXT_ADDRESS:
                    raise
                failed = error
    assert failed is not None, "a connect string has an address"
    raise failed


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise Overdue
    return left


async def _within(deadline: float, asked: asyncio.Future[Any]) -> Any:
    """What a thread comes to by the deadline. The thread goes on to its end in any case."""
    try:
        if not (await asyncio.wait({asked}, timeout=_left(deadline)))[0]:
            raise Overdue
        return asked.result()
    finally:
        asked.cancel()


async def _password(settings: PoolSettings, deadline: float) -> str:
    """The password. A file, a hook or a function may take its time, and is asked in a thread."""
    if settings.password_file is None and settings.password_hook is None and not callable(settings.password):
        return settings.current_password()
    loop = asyncio.get_running_loop()
    return str(await _within(deadline, loop.run_in_executor(None, settings.current_password)))


async def _looked_up(route: Route, deadline: float) -> list[Route]:
    """The route to each address that its host's name stands for. Raises OSError where it stands for none."""
    if not route.is_named:
        return [route]
    loop = asyncio.get_running_loop()
    look_up = partial(socket.getaddrinfo, route.host, int(route.port), type=socket.SOCK_STREAM)
    found = await _within(deadline, loop.run_in_executor(None, look_up))
    return [route.at(address) for address in dict.fromkeys(str(info[4][0]) for info in found)]
