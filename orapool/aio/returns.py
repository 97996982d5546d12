"""Giving back: roll back what is open, put the session back or take it out, and pass its slot on.

To a task that seeks a session, a slot is passed on together with the session that was put back.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Protocol

from orapool.aio.health import Health
from orapool.aio.line import Line
from orapool.aio.seekers import Seekers
from orapool.causes import CLOSED, ENDED, ORDERLY, RETIRED, ROLLBACK_UNANSWERED, UNDER_WAY
from orapool.drivers.wires import Interrupted
from orapool.errors import error_codes
from orapool.health import SessionState
from orapool.logs import report
from orapool.settings import PoolSettings

log = logging.getLogger("orapool.pool")

CLOSE_LIMIT = 1.5
"""Seconds that the log-offs of a closing pool may take in all."""


class _Pool(Protocol):
    """What giving back needs of the pool."""

    where: str
    settings: PoolSettings
    health: Health

    @property
    def driver(self) -> Any:
        """The driver."""

    @property
    def line(self) -> Line:
        """The slots."""

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something in the background."""

    def remember(self, task: asyncio.Task[Any]) -> None:
        """A task goes on in the background."""


class Returns:
    """Takes the sessions of one pool back.

    Args:
        pool: the pool.
        loop: its event loop.
        dropped: notes that a session was dropped, and why.
        look_at_size: has the upkeep look whether sessions are missing.
    """

    def __init__(
        self,
        pool: _Pool,
        loop: asyncio.AbstractEventLoop,
        dropped: Callable[[str], None],
        look_at_size: Callable[[], None],
    ) -> None:
        self._pool = pool
        self._driver = pool.driver
        self._dropped = dropped
        self._look_at_size = look_at_size
        self._loop = loop
        self.seekers = Seekers(self.settle, self.keep, pool.line, pool.remember)

    async def take_back(self, connection: Any) -> None:
        """A connection was closed. A lost session is dropped instead of put back."""
        pool = self._pool
        cause, unfinished = self._look_at(connection)
        if cause is not None or not unfinished:
            self.settle(connection, cause)
            return
        # It goes on when the caller does not wait for it any more; the slot stays with it.
        rollback = pool.spawn(self._roll_back(connection))
        await asyncio.wait({rollback}, timeout=pool.settings.ping_timeout)
        state: SessionState = connection.session_state
        look = state.socket.look() if state.socket is not None and not rollback.done() else None
        if look is not None and look.retransmits:  # its path is dead, and it does not only take long
            connection.wire.end()
            for each in pool.health.doubt(state, silent=True):
                self.depart(each, ENDED)

    def _look_at(self, connection: Any) -> tuple[str | None, bool]:
        """Why a session that comes back is of no use, or None, and whether a transaction is open in it."""
        if connection.lost_by is not None:
            return connection.lost_by, False
        if connection.wire.over:
            return ENDED, False
        if connection.wire.waits:
            return UNDER_WAY, False
        try:
            return None, self._driver.in_transaction(connection)
        except self._driver.dbapi.Error as error:
            return next(error_codes(error), type(error).__name__), False

    async def _roll_back(self, connection: Any) -> None:
        cause: str | None = ROLLBACK_UNANSWERED
        try:
            await self._driver.rollback(connection)
            cause = None
        except Interrupted:
            pass
        except Exception as error:
            cause = next(error_codes(error), ROLLBACK_UNANSWERED)
        finally:
            self.settle(connection, ENDED if connection.wire.over else cause)

    def take_out(self, connection: Any, cause: str) -> None:
        """A connection shall leave the pool."""
        if connection.wire.waits:
            cause = UNDER_WAY
        self.settle(connection, connection.lost_by or cause)

    def settle(self, connection: Any, cause: str | None) -> None:
        """Put a session back, or let it go for a cause, and pass its slot on."""
        passed_on = False
        try:
            kept = self._well(connection) if cause is None else None
            if kept is not None:
                passed_on = self.seekers.offer(kept)
                if not passed_on:
                    self._pool.health.idle.add(kept)
            elif cause is not None:
                self.let_go(connection, cause)
        finally:
            if not passed_on:
                self._pool.line.give()

    def keep(self, connection: Any) -> None:
        """Put a session that has no slot among the idle ones, if it is well."""
        kept = self._well(connection)
        if kept is not None:
            self._pool.health.idle.add(kept)

    def _well(self, connection: Any) -> Any:
        """A session that its user has given back, for the next one; None for one that was let go."""
        state: SessionState = connection.session_state
        state.used = time.monotonic()
        closed = self._pool.line.closed
        if connection.wire.over or closed or state.used >= state.retires:
            self.let_go(connection, ENDED if connection.wire.over else CLOSED if closed else RETIRED)
            return None
        try:
            return self._driver.renew(connection)
        except self._driver.dbapi.Error as error:  # its user has closed what is behind it
            self.let_go(connection, next(error_codes(error), type(error).__name__))
            return None

    def let_go(self, connection: Any, cause: str) -> None:
        """Take a session out of the pool. Waits for nothing: one that is well logs off in the background."""
        self.depart(connection, cause)
        if cause in ORDERLY and not self._loop.is_closed():
            self._pool.spawn(self.log_off(connection))
        else:
            connection.wire.end()
            for each in self._pool.health.doubt_others(connection, cause):
                self.depart(each, ENDED)
        self._look_at_size()

    def depart(self, connection: Any, cause: str) -> None:
        """Count a session out."""
        self._pool.health.forget(connection.session_state)
        self._dropped(cause)
        write = log.debug if cause in ORDERLY else log.info
        report(write, self._pool.where, "dropped", "a session leaves the pool: %(cause)s", cause=cause)

    async def log_off(self, connection: Any) -> None:
        """Log a session off, within a limit."""
        with suppress(Exception):
            await self._driver.log_off(connection, min(self._pool.settings.ping_timeout, CLOSE_LIMIT))
