"""What is set in a session of an asyncio pool before it is handed out: by `on_session` once, and for each user."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from typing import TYPE_CHECKING, Any, Callable

from orapool.causes import SETUP_FAILED
from orapool.health import SessionState
from orapool.logs import report
from orapool.pooling.session_setup import ATTEMPTS, failed, may_be_pooled, tell
from orapool.settings import PoolSettings
from orapool.tags import Tags

if TYPE_CHECKING:
    from orapool.drivers.async_oracledb import AsyncOracleDb

log = logging.getLogger("orapool.pool")


class SetupOverdue(Exception):
    """The deadline passed before `on_session` ended."""


class SessionSetup:
    """Sets up the sessions of one pool.

    Args:
        where: names the pool, its user and its database in messages.
        settings: the pool's settings.
        driver: the pool's driver.
        let_go: takes a session out of the pool for a cause.

    Raises `ConfigurationError` where the settings cannot be had with the connect string, or name no function.
    """

    def __init__(
        self, where: str, settings: PoolSettings, driver: AsyncOracleDb, let_go: Callable[[Any, str], None]
    ) -> None:
        self._where = where
        self._on_session = settings.session_function()
        self._call_timeout = settings.call_timeout
        self._driver = driver
        self._pooled = may_be_pooled(where, settings)
        self._let_go = let_go

    async def prepare(self, connection: Any, tags: Tags, deadline: float, attempt: int) -> str | None:
        """Set a session up that has not been told these tags, and may be new; what is wrong with it, or None.

        Raises what `begin` raises.
        """
        state: SessionState = connection.session_state
        if not state.ready:
            fault = await self.begin(connection, deadline, attempt)
            if fault is not None:
                return fault
        return tell(connection, state, tags, self._pooled, self._driver.dbapi)

    async def begin(self, connection: Any, deadline: float, attempt: int = 0) -> str | None:
        """Await `on_session` with a session that it has not seen; None, or the code of the error that lost the session.

        Raises `OnSessionError` when it failed otherwise, or in the last `attempt`, and `SetupOverdue` when it has not
        ended by the deadline. The session has been let go then, and when the task is cancelled.
        """
        state: SessionState = connection.session_state
        if self._on_session is None:
            state.ready = True
            return None
        setting_up = asyncio.get_running_loop().create_task(self._call(connection))
        try:
            await asyncio.wait({setting_up}, timeout=max(0.0, deadline - time.monotonic()))
            if setting_up.done():
                setting_up.result()
        except Exception as error:
            lost: str | None = connection.lost_by
            if lost is not None and attempt + 1 < ATTEMPTS:
                report(
                    log.info,
                    self._where,
                    "lost_in_on_session",
                    "a session was lost in on_session: %(error)s",
                    cause=lost,
                    error=error,
                )
                return lost
            self._give_up(setting_up, connection, lost or SETUP_FAILED)
            raise failed(self._where, error) from error
        except BaseException:
            self._give_up(setting_up, connection, SETUP_FAILED)
            raise
        if not setting_up.done():
            self._give_up(setting_up, connection, SETUP_FAILED)
            raise SetupOverdue
        state.ready = True
        fault: str | None = connection.lost_by  # an error that on_session has caught may have cost the session
        return fault

    def _give_up(self, setting_up: asyncio.Task[None], connection: Any, cause: str) -> None:
        if not setting_up.done():
            setting_up.cancel()
            connection.wire.end()  # so that whoever does not heed that does not go on either
        self._let_go(connection, cause)

    async def _call(self, connection: Any) -> None:
        assert self._on_session is not None
        self._driver.set_call_timeout(connection, self._call_timeout)
        try:
            awaited = self._on_session(connection)
            if not inspect.isawaitable(awaited):
                raise TypeError("it has to be a coroutine function here (async def), as the connection is asynchronous")
            await awaited
        except Exception as error:
            connection.note(error, by_driver=False)
            raise
        if connection.lost_by is None and self._driver.in_transaction(connection):
            report(
                log.warning,
                self._where,
                "on_session_uncommitted",
                "on_session did not commit: what it wrote is rolled back",
            )
            await connection.rollback()
