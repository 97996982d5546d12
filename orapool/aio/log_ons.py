"""Logging on for the asyncio pool: address by address, each within its limits, all within the caller's deadline."""

from __future__ import annotations

import asyncio
import socket
from functools import partial
from typing import TYPE_CHECKING

from orapool.aio.passwords import in_thread, left_until
from orapool.credentials import Credentials
from orapool.drivers.wires import Interrupted
from orapool.dsn import Route, routes
from orapool.errors import error_codes
from orapool.settings import PoolSettings

if TYPE_CHECKING:
    from orapool.drivers.async_oracledb import AsyncConnection, AsyncOracleDb

_NEXT_ADDRESS = frozenset({"DPY-6005"})
"""The first code of a log-on that did not come to the authentication: another address may help."""
_UNLIMITED = 24 * 3600.0


async def log_on(
    driver: AsyncOracleDb, settings: PoolSettings, credentials: Credentials, deadline: float
) -> AsyncConnection:
    """Log on by the deadline, a time of ``time.monotonic``.

    Raises `Overdue`, or the driver's error of the last address that was tried. When it is cancelled, it ends at once,
    and leaves no socket behind.
    """
    failed: Exception | None = None
    for route in routes(
        settings.dsn,
        settings.connect_timeout,
        settings.transport_connect_timeout,
        settings.config_dir,
        settings.wallet_location,
    ):
        if route.pause:
            await asyncio.sleep(min(route.pause, left_until(deadline)))
        try:
            addresses = await _looked_up(route, deadline)
        except OSError as error:  # nobody knows the host's name
            failed = driver.unreachable(str(error))
            continue
        for address in addresses:
            connect = min(address.connect or _UNLIMITED, left_until(deadline))
            try:
                return await driver.log_on(settings, credentials, address.descriptor, connect, address.transport)
            except Interrupted:
                left_until(deadline)
                failed = driver.unreachable("timed out: the log-on got no answer")
            except driver.dbapi.Error as error:
                if next(error_codes(error), "") not in _NEXT_ADDRESS:
                    raise
                failed = error
    assert failed is not None, "a connect string has an address"
    raise failed


async def _looked_up(route: Route, deadline: float) -> list[Route]:
    """The route to each address that its host's name stands for. Raises OSError where it stands for none."""
    if not route.is_named:
        return [route]
    found = await in_thread(partial(socket.getaddrinfo, route.host, int(route.port), type=socket.SOCK_STREAM), deadline)
    return [route.at(address) for address in dict.fromkeys(str(info[4][0]) for info in found)]
