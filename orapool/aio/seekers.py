"""Tasks whose log-ons take long: a session that comes back in the meantime is theirs, first come, first served.

With it comes the slot of the one who gives it back. The log-on keeps the other slot, and goes on: what it brings is the
next one's.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from orapool.aio.line import Line
from orapool.credentials import Credentials
from orapool.pooling.log_ons import LONG_LOG_ON


class _Seeker:
    """A task that seeks a session of a user."""

    __slots__ = ("found", "home")

    def __init__(self, home: Credentials, found: asyncio.Future[Any]) -> None:
        self.home = home
        self.found = found


class Seekers:
    """The seekers of one pool.

    Args:
        settle: puts a session back, or lets it go for a cause, and passes its slot on.
        keep: puts a session back that has no slot.
        line: the slots.
        remember: a task goes on, with nobody who waits for it.
    """

    def __init__(
        self,
        settle: Callable[[Any, str | None], None],
        keep: Callable[[Any], None],
        line: Line,
        remember: Callable[[asyncio.Task[Any]], None],
    ) -> None:
        self._settle = settle
        self._keep = keep
        self._slots = line
        self._remember = remember
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
                if self._slots.take_spare():
                    connection = idle()  # one that had come back before
                    if connection is None:
                        self._slots.give()
                    else:
                        seeker.found.set_result(connection)
                await asyncio.wait({logging_on, seeker.found}, return_when=asyncio.FIRST_COMPLETED)
        except BaseException:
            logging_on.cancel()
            logging_on.add_done_callback(self._ended_after_all)
            if seeker.found.done():
                self._settle(seeker.found.result(), None)
            raise
        finally:
            if seeker in self._line:
                self._line.remove(seeker)
        if not seeker.found.done():
            return logging_on.result()
        self._remember(logging_on)
        logging_on.add_done_callback(self._came_late)
        return seeker.found.result()

    def _came_late(self, log_on: asyncio.Task[Any]) -> None:
        """What it has brought, if anything, is for others, and so is its slot."""
        if log_on.cancelled() or log_on.exception() is not None:
            self._slots.give()
        else:
            self._settle(log_on.result(), None)

    def _ended_after_all(self, log_on: asyncio.Task[Any]) -> None:
        """It was cancelled, perhaps when it had just ended: its slot is given already."""
        if not log_on.cancelled() and log_on.exception() is None:
            self._keep(log_on.result())
