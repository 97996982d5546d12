"""Limits for the idle time of sessions, as a profile's IDLE_TIME, or a firewall that says goodbye, sets them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from orapool.sandbox.errors import OracleError
from orapool.sandbox.session import Session

WAYS = ("fin", "rst", "error")
_PAUSE = 0.02
_EXCEEDED = OracleError(2396, "exceeded maximum idle time, please connect again")


@dataclass(frozen=True)
class _Limit:
    seconds: float
    how: str


class IdleLimits:
    """Ends sessions that have been idle for too long, by user.

    Args:
        sessions: all that there are.
    """

    def __init__(self, sessions: Callable[[], Iterable[Session]]) -> None:
        self._sessions = sessions
        self._limits: dict[str, _Limit] = {}
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def set(self, user: str, seconds: float, how: str) -> None:
        """Limit the sessions of a user."""
        if seconds <= 0:
            raise ValueError(f"seconds must be more than 0, not {seconds}")
        if how not in WAYS:
            raise ValueError(f"how must be one of {', '.join(WAYS)}, not {how!r}")
        self._limits[user.upper()] = _Limit(seconds, how)
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="idle limits", daemon=True)
            self._thread.start()

    def clear(self) -> None:
        """Limit nobody."""
        self._limits = {}

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(_PAUSE):
            limits = self._limits
            for session in self._sessions() if limits else ():
                limit = limits.get(session.identity.user.upper())
                if limit is None or session.idle < limit.seconds or session.ended.is_set():
                    continue
                if limit.how == "error":
                    session.fail_next(_EXCEEDED)
                else:
                    session.end(reset=limit.how == "rst")
