"""The driver's calls of one read: Ctrl-C and the deadline count while one lasts, which no driver sees to by itself."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any, Callable, TypeVar

from orapool.causes import CANCELLED
from orapool.errors import error_codes
from orapool.workers import CallTimeout, Workers

Result = TypeVar("Result")

_CANCELLED_CALL = "ORA-01013"
PATIENCE = 2.0
"""Seconds for the database to end a call that was cancelled."""


class Stopped(Exception):
    """Another thread has stopped the calls."""


class UnderWay:
    """One call."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.failed: BaseException | None = None
        self.cancelled = False
        self._begun = False
        self._lock = threading.Lock()

    def cancel(self) -> bool:
        """Never begin it; whether it has begun, so that the session has to be told."""
        with self._lock:
            self.cancelled = self._begun
            if not self._begun:
                self.ended.set()
            return self._begun

    def make(self, call: Callable[[], Result]) -> Result:
        """Make it. Raises Stopped if it was cancelled before."""
        with self._lock:
            if self.ended.is_set():
                raise Stopped
            self._begun = True
        try:
            return call()
        except BaseException as error:
            self.failed = error
            raise
        finally:
            self.ended.set()


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
        self._lock = threading.Lock()
        self._stopped = False
        self._under_way: UnderWay | None = None
        self.abandoned = False
        """Whether the last call did not end when it was cancelled: the session is still in it."""

    def run(self, call: Callable[[], Result]) -> Result:
        """Make a call, and return what it does.

        Raises CallTimeout at the deadline, KeyboardInterrupt when Ctrl-C is pressed, and Stopped when another thread
        calls `stop`; all three cancel it on the server.
        """
        under_way = UnderWay()
        with self._lock:
            if self._stopped:
                raise Stopped
            self._under_way = under_way
        try:
            if self._deadline == float("inf") and threading.current_thread() is not threading.main_thread():
                return under_way.make(call)
            return self._workers.run(lambda: under_way.make(call), min(self._deadline, threading.TIMEOUT_MAX))
        except (CallTimeout, KeyboardInterrupt):
            self._cancel(under_way)
            if not under_way.ended.wait(PATIENCE):
                self._abandon(under_way)
            raise
        finally:
            with self._lock:
                self._under_way = None
                if under_way.cancelled and not self.abandoned:
                    self._check_break(under_way)
                stopped = self._stopped
            if stopped:
                raise Stopped from None

    def stop(self) -> None:
        """Have the thread that makes these calls make no more; one under way is cancelled. Does not wait for it."""
        with self._lock:  # so that the session is not another user's meanwhile
            if not self._stopped:
                self._stopped = True
                if self._under_way is not None:
                    self._cancel(self._under_way)

    def await_stop(self, deadline: float) -> None:
        """Wait for a call that `stop` cancelled to end. If it does not, it is abandoned, and its session goes back."""
        under_way = self._under_way
        if under_way is None or under_way.ended.wait(max(0.0, deadline - time.monotonic())):
            return
        with self._lock:
            if self._under_way is None:
                return
            self._abandon(under_way)
        self._connection.close()

    def _cancel(self, under_way: UnderWay) -> None:
        if not under_way.cancel():
            return
        # In a thread, since nothing tells how long a driver takes over it: the call may hold what it needs.
        cancelling = threading.Thread(target=self._break_off, name="orapool-cancel", daemon=True)
        cancelling.start()
        cancelling.join(PATIENCE)
        if cancelling.is_alive():  # and may meet a call that is another user's
            self._connection.lost_by = self._connection.lost_by or CANCELLED

    def _break_off(self) -> None:
        with contextlib.suppress(Exception):  # the session may be lost
            self._connection.cancel()

    def _abandon(self, under_way: UnderWay) -> None:
        self.abandoned = True
        self._connection.call_under_way = under_way.ended
        self._connection.lost_silently = True
        self._connection.lost_by = self._connection.lost_by or CANCELLED

    def _check_break(self, under_way: UnderWay) -> None:
        if (
            not self._connection.survives_cancel
            or under_way.failed is None
            or _CANCELLED_CALL not in error_codes(under_way.failed)
        ):
            # A break that came too late for this call would end the next one, which is another user's.
            self._connection.lost_by = self._connection.lost_by or CANCELLED

    def close(self) -> None:
        """End the thread."""
        self._workers.retire()
