"""Rolling back what a session's user did not commit, so that nobody waits for it without a limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from orapool.causes import ROLLBACK_UNANSWERED
from orapool.drivers.base import Driver
from orapool.errors import error_codes
from orapool.health import SessionState
from orapool.workers import CallTimeout, Workers


class Rollbacks:
    """Rolls back sessions of one pool.

    Args:
        driver: the pool's driver.
        workers: where rollbacks run.
        seconds: how long whoever gives a session back waits for it.
        settle: puts a session back, or lets it go for a cause, and passes its slot on.
    """

    def __init__(
        self,
        driver: Driver,
        workers: Workers,
        seconds: float,
        settle: Callable[[Any, str | None], None],
    ) -> None:
        self._driver = driver
        self._workers = workers
        self._seconds = seconds
        self._settle = settle

    def roll_back(self, connection: Any) -> None:
        """Roll back what is open. Raises CallTimeout after `seconds`; the rollback goes on in the background.

        It is cut off there only when the other side's kernel does not acknowledge it either: undoing can take long.
        """
        # The native pools would do it too, but with no limit, and python-oracledb's under a lock that all callers need.
        connection.close_cursors()
        limit = time.monotonic() + self._seconds
        try:
            self._workers.run(partial(self._driver.rollback, connection), limit, partial(self._came_late, connection))
        except CallTimeout:
            state: SessionState = connection.session_state
            look = None if state.socket is None else state.socket.look()
            if state.socket is not None and look is not None and look.retransmits:
                connection.lost_silently = True
                state.socket.shut_down()
                state.home.health.shut_down_suspects(state)  # before the caller asks for the next session
            raise

    def _came_late(self, connection: Any, _result: None, error: BaseException | None) -> None:
        """A rollback has ended after its caller had gone."""
        cause = None if error is None else next(error_codes(error), ROLLBACK_UNANSWERED)
        self._settle(connection, cause)
