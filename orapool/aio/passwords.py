"""The password of the settings for the log-ons of an asyncio pool: as it is at the time, and never tried too often."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any, Callable

from orapool.errors import ConfigurationError, wrong_password
from orapool.logs import report
from orapool.pooling.native_pool import Denial
from orapool.pooling.native_pools import StillDenied
from orapool.settings import PoolSettings

log = logging.getLogger("orapool.pool")

_PROVEN_SECONDS = 5.0
"""Time after a log-on within which others need not see first whether its password is still the right one."""


class Overdue(Exception):
    """The caller's deadline passed before the log-on ended."""


def left_until(deadline: float) -> float:
    """Seconds until the deadline, a time of ``time.monotonic``. Raises `Overdue` when there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise Overdue
    return left


async def in_thread(function: Callable[[], Any], deadline: float) -> Any:
    """What a function that may take its time returns by the deadline. Its thread goes on to its end in any case."""
    asked = asyncio.get_running_loop().run_in_executor(None, function)
    try:
        if not (await asyncio.wait({asked}, timeout=left_until(deadline)))[0]:
            raise Overdue
        return asked.result()
    finally:
        asked.cancel()


class Passwords:
    """The password that the settings name, and whether it was denied.

    A file is looked at before each log-on; a function or a hook is asked again when a log-on was denied. All three
    may take their time, and are asked in a thread.

    Args:
        where: the pool, for log lines.
    """

    def __init__(self, settings: PoolSettings, where: str) -> None:
        self._settings = settings
        self._where = where
        self._current: str | None = None
        self._denial: Denial | None = None
        self._proven = float("-inf")
        self._first: asyncio.Future[None] | None = None
        """Done when the log-on that is to show whether the password is right has ended."""

    async def log_on(self, attempt: Callable[[str], Awaitable[Any]], deadline: float) -> Any:
        """Log on by an attempt with the password, and by another if that is denied and there is another password.

        Raises `StillDenied` where it was denied a moment ago, `Overdue`, or what the attempt raises.
        """
        while True:
            async with self._turn(deadline):
                password = await self._read(deadline)
                try:
                    connection = await attempt(password)
                except Exception as error:
                    if not wrong_password(error) or not await self._is_outdated(password, error, deadline):
                        raise
                else:
                    if password == self._current:
                        self._proven, self._denial = time.monotonic(), None
                    return connection

    async def _is_outdated(self, password: str, error: Exception, deadline: float) -> bool:
        """A log-on was denied for its password; whether there is another one."""
        if password == self._current:
            await self._renew(deadline)
        if password != self._current:  # or a task beside has found it
            return True
        self._denial = Denial(error, self._denial)
        return False

    @asynccontextmanager
    async def _turn(self, deadline: float) -> AsyncIterator[None]:
        """Of many who log on at once, one is denied, and not each of them, which would lock the account.

        A log-on that is mute holds up the others for `ping_timeout` only.
        """
        first = self._first
        if first is not None and not first.done() and time.monotonic() - self._proven > _PROVEN_SECONDS:
            await asyncio.wait({first}, timeout=min(left_until(deadline), self._settings.ping_timeout))
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._first is None or self._first.done():
            self._first = mine
        try:
            yield
        finally:
            mine.set_result(None)

    async def _read(self, deadline: float) -> str:
        if self._current is None or self._settings.password_file is not None:
            await self._renew(deadline)
        denial = self._denial
        if denial is not None and denial.left > 0:
            if denial.may_read():
                await self._renew(deadline)
            if self._denial is not None:
                raise StillDenied(self._denial)
        return self._current or ""

    async def _renew(self, deadline: float) -> None:
        """Read the password again."""
        settings = self._settings
        plain = settings.password_file is None and settings.password_hook is None and not callable(settings.password)
        try:
            found = settings.current_password() if plain else await in_thread(settings.current_password, deadline)
        except ConfigurationError as error:
            if self._current is None:
                raise
            report(
                log.warning,
                self._where,
                "password_unreadable",
                "the password cannot be read again: %(error)s",
                error=error,
            )
            return
        if found == self._current:
            return
        if self._current is not None:
            report(log.info, self._where, "password_changed", "there is a new password, for log-ons from now on")
        self._current, self._denial, self._proven = found, None, float("-inf")
