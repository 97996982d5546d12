"""Giving back: roll back what is open, put the session back or take it out, and pass its slot on.

To whoever seeks a session, a slot is passed on together with the session that was put back.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from orapool.causes import CLOSED, RETIRED
from orapool.errors import error_codes
from orapool.health import SessionState
from orapool.logs import report
from orapool.pooling.floor import Floor
from orapool.pooling.gate import Gate
from orapool.pooling.parts import Parts
from orapool.pooling.rollbacks import Rollbacks
from orapool.workers import CallTimeout

log = logging.getLogger("orapool.pool")


class Returns:
    """Takes the sessions of one pool back.

    Args:
        parts: of the pool.
        floor: what to keep open.
        close_idle: closes the idle sessions of a pool that was closed.
    """

    def __init__(self, parts: Parts, floor: Floor, close_idle: Callable[[], None]) -> None:
        self._name = parts.name
        self._in_transaction = parts.driver.in_transaction
        self._natives = parts.natives
        self._slots = parts.slots
        self._seekers = parts.seekers
        self._background = parts.background
        self._pass_on = parts.pass_on
        self._floor = floor
        self._close_idle = close_idle
        self._rollbacks = Rollbacks(parts.driver, parts.workers, parts.settings.ping_timeout, self.settle)

    def take_back(self, connection: Any) -> None:
        """A connection was closed: put its session back, without what was not committed. A lost one is dropped.

        One that has died unnoticed goes back like the others: who draws it next will see.
        """
        try:
            cause = connection.lost_by
            if cause is None and self._in_transaction(connection):
                self._rollbacks.roll_back(connection)
        except CallTimeout:
            return  # the slot stays with the rollback until that ends
        except Exception as error:
            cause = next(error_codes(error), type(error).__name__)
        self.settle(connection, cause)

    def settle(self, connection: Any, cause: str | None) -> None:
        """Put a session back, or let it go for a cause, and pass its slot on. Never waits for others on their way."""
        state: SessionState = connection.session_state
        gate: Gate = state.home.gate
        if not gate.enter():
            connection.close_cursors()
            self._background.submit(partial(self.settle_and_wait, connection, state, cause))
            return
        passed_on = False
        try:
            passed_on = self._settle_now(connection, state, cause)
        finally:
            gate.leave()
            if not passed_on:
                self._pass_on()

    def settle_and_wait(self, connection: Any, state: SessionState, cause: str | None) -> None:
        """The same, for one who may have to wait for others on their way."""
        passed_on = False
        try:
            passed_on = self._settle_now(connection, state, cause)
        finally:
            if not passed_on:
                self._pass_on()

    def _settle_now(self, connection: Any, state: SessionState, cause: str | None) -> bool:
        """Whether its slot was passed on with it."""
        try:
            if cause is None:
                return self._put_back(connection, state)
            self.let_go(connection, cause)
        except Exception as error:
            report(log.warning, self._name, "return_failed", "giving a session back failed: %(error)s", error=error)
        return False

    def _put_back(self, connection: Any, state: SessionState) -> bool:
        """Put a session that is well back into the native pool; whether its slot was passed on with it."""
        state.used = time.monotonic()
        if self._slots.closed or state.used >= state.retires:
            self.let_go(connection, CLOSED if self._slots.closed else RETIRED)
            return False
        home = state.home
        home.health.put_back(connection, state)
        if self._slots.closed:  # meanwhile: either close() saw this one idle, or this sees the close
            self._background.submit(self._close_idle)
            return False
        return self._seekers.offer(home) if self._seekers.line else False

    def let_go(self, connection: Any, cause: str) -> None:
        """Take a session out of its native pool, in the background."""
        if self._natives.closing:
            return  # this session with it
        self._natives.see_off(connection, cause)
        self._floor.look()
