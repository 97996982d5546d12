"""Is a session that lay idle fit to be handed out?"""

from __future__ import annotations

import time
from typing import Any

from orapool.drivers.base import Driver
from orapool.errors import lost_connection
from orapool.settings import PoolSettings


class HealthCheck:
    """Pings sessions that have been idle for longer than `trust`, where the driver cannot tell that they are closed."""

    def __init__(self, driver: Driver, settings: PoolSettings) -> None:
        self._driver = driver
        self._trust = settings.trust
        self._ping_timeout = settings.ping_timeout
        self._idle_since: dict[int, float] = {}
        self.needed = settings.trust == 0 or not driver.sees_closed_sessions
        """Whether sessions have to be checked at all."""

    def went_idle(self, connection: Any) -> None:
        """`connection` is about to be put back, and was fine."""
        self._idle_since[self._driver.session_key(connection)] = time.monotonic()

    def is_new(self, connection: Any) -> None:
        """`connection` has just logged on; an earlier session may have had the same key."""
        self._idle_since.pop(self._driver.session_key(connection), None)

    def find_fault(self, connection: Any, deadline: float) -> str | None:
        """What is wrong with `connection`, as an Oracle code or a word, or None: it is alive.

        Costs a round trip, of at most about the ping time-out or the time left, if it was idle for longer than `trust`.
        """
        now = time.monotonic()
        since = self._idle_since.pop(self._driver.session_key(connection), None)
        if since is None or now - since < self._trust:
            return None
        try:
            self._driver.ping(connection, min(self._ping_timeout, max(deadline - now, 0.001)))
        except Exception as error:  # python-oracledb 2.5.1 raises AttributeError, and bare OSErrors occur
            return lost_connection(error) or type(error).__name__
        return None
