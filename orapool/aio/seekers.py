"""Tasks whose log-ons take long: a session that comes back in the meantime is theirs, first come, first served.

With it comes the slot of the one who gives it back. The log-on keeps the other slot, and goes on: what it brings is the
next one's.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from orapool.aio.line import Line
from orapool.credentials import Credentials
from orapool.pooling.log_ons import LONG_LOG_ON


class _Pool(Protocol):
    """What seekers need of their pool."""

    @property
    def line(self) -> Line:
        """The slots."""

    def keep(self, connection: Any, with_slot: bool = True) -> bool:
        """Put a session that is well among the idle ones; whether its slot was passed on with it."""

    def remember(self, task: asyncio.Task[Any]) -> None:
        """A task has nobody who waits for it, until it ends or the pool does."""


class _Seeker:
    """A task that seeks a session of a user."""

    __slots__ = ("found", "home")

    def __init__(self, home: Credentials, found: asyncio.Future[Any]) -> None:
        self.home = home
        self.found = found


class Seekers:
    """The seekers of one pool."""

    def __init__(self, pool: _Pool) -> None:
        self._pool = pool
        self._line: deque[_Seeker] = deque()

    def __len__(self) -> int:
        return len(self._line)

    def offer(self, connection: Any) -> bool:
        """A session is well, and nobody has it: whether somebody has taken it, with its slot."""
        home = connection.session_state.home
        for seeker in self._line:
            if seeker.home == home and not seeker.found.done():
                connection.session_state.draws += 1
                seeker.found.set_result(connection)
                return True
        return False

    async def first_of(self, home: Credentials, log_on: Coroutine[Any, Any, Any], idle: Callable[[], Any]) -> Any:
        """The session that a log-on brings, or one of the same user that comes back while that takes long.

        `idle` draws an idle session, if there is one. Raises what the log-on does. When the task is cancelled, so is
        the log-on.
        """
        loop = asyncio.get_running_loop()
        logging_on = loop.create_task(log_on)
        seeker = _Seeker(home, loop.create_future())
        try:
            await asyncio.wait({logging_on}, timeout=LONG_LOG_ON)
            if not logging_on.done():
                self._line.append(seeker)
                if self._pool.line.take_spare():
                    connection = idle()  # one that had come back before
                    if connection is None:
                        self._pool.line.give()
                    else:
                        seeker.found.set_result(connection)
                await asyncio.wait({logging_on, seeker.found}, return_when=asyncio.FIRST_COMPLETED)
        except BaseException:
            logging_on.cancel()
            logging_on.add_done_callback(self._keep_late)
            if seeker.found.done():
                self._settle(seeker.found)
            raise
        finally:
            if seeker in self._line:
                self._line.remove(seeker)
        if not seeker.found.done():
            return logging_on.result()
        self._pool.remember(logging_on)
        logging_on.add_done_callback(self._settle)
        return seeker.found.result()

    def _settle(self, found: asyncio.Future[Any]) -> None:
        """What it has brought, if anything, is for others, and so is its slot."""
        if found.cancelled() or found.exception() is not None or not self._pool.keep(found.result()):
            self._pool.line.give()

    def _keep_late(self, log_on: asyncio.Future[Any]) -> None:
        """It was cancelled when it had just ended: its slot is given already."""
        if not log_on.cancelled() and log_on.exception() is None:
            self._pool.keep(log_on.result(), with_slot=False)
