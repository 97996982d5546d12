"""The driver's calls of one read: Ctrl-C and the deadline count while one lasts, which no driver sees to by itself."""

from __future__ import annotations

import contextlib
import threading
from typing import Any, Callable, TypeVar

from orapool.causes import CANCELLED
from orapool.errors import error_codes
from orapool.workers import CallTimeout, Workers

Result = TypeVar("Result")

_CANCELLED_CALL = "ORA-01013"
_PATIENCE = 2.0
"""Seconds for the database to end a call that was cancelled."""


class Calls:
    """Makes the calls of one session's user, one at a time.

    Args:
        connection: the session.
        deadline: when they must have ended, a time of ``time.monotonic``; infinity for never.
    """

    def __init__(self, connection: Any, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline
        self._workers = Workers("read", 1)
        self.abandoned = False
        """Whether the last call did not end when it was cancelled: the session is still in it."""

    def run(self, call: Callable[[], Result]) -> Result:
        """Make a call, and return what it does.

        Raises CallTimeout at the deadline, and KeyboardInterrupt when Ctrl-C is pressed; both cancel it on the server.
        """
        if self._deadline == float("inf") and threading.current_thread() is not threading.main_thread():
            return call()
        ended = threading.Event()
        failed: list[BaseException] = []

        def noted() -> Result:
            try:
                return call()
            except BaseException as error:
                failed.append(error)
                raise
            finally:
                ended.set()

        try:
            return self._workers.run(noted, min(self._deadline, threading.TIMEOUT_MAX))
        except (CallTimeout, KeyboardInterrupt):
            self._cancel(ended, failed)
            raise

    def _cancel(self, ended: threading.Event, failed: list[BaseException]) -> None:
        with contextlib.suppress(Exception):  # the session may be lost
            self._connection.cancel()
        self.abandoned = not ended.wait(_PATIENCE)
        if self.abandoned:
            self._connection.call_under_way = ended
            self._connection.lost_silently = True
        if self.abandoned or not any(_CANCELLED_CALL in error_codes(error) for error in failed):
            # A break that came too late for this call would end the next one, which is another user's.
            self._connection.lost_by = self._connection.lost_by or CANCELLED

    def close(self) -> None:
        """End the thread."""
        self._workers.retire()
