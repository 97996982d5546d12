"""Sessions that nobody needs now, lent to the upkeep."""

from __future__ import annotations

import logging
import time
from typing import Any

from orapool.causes import MADE_ROOM
from orapool.health import SessionState
from orapool.logs import report
from orapool.pooling.drawing import Drawing, Overdue
from orapool.pooling.log_ons import PATIENCE
from orapool.pooling.native_pool import NativePool
from orapool.pooling.parts import Parts
from orapool.pooling.returns import Returns
from orapool.pooling.session_setup import SessionSetup
from orapool.workers import CallTimeout

log = logging.getLogger("orapool.pool")


class Spares:
    """Draws sessions of one pool for its upkeep, and takes them back.

    Args:
        parts: of the pool.
        setup: sets new sessions up.
        drawing: draws sessions.
        returns: takes them back, or lets them go.
    """

    def __init__(self, parts: Parts, setup: SessionSetup, drawing: Drawing, returns: Returns) -> None:
        self._parts = parts
        self._natives = parts.natives
        self._slots = parts.slots
        self._setup = setup
        self._drawing = drawing
        self._returns = returns

    def draw(self, native: NativePool, deadline: float) -> tuple[Any, SessionState] | None:
        """Draw a session that nobody waits for, idle or, in the primary native pool, new.

        None where there is no slot for it, or no log-on by the deadline.
        """
        natives, parts = self._natives, self._parts
        if natives.closing or not self._slots.take_spare():
            return None
        try:
            drawn = natives.draw_idle(native)
            if drawn is None and native is natives.primary:
                drawn = self._drawing.draw_otherwise(native, deadline, 0, seeks=False)
            if drawn is not None:
                connection, state = drawn
                fault = connection.lost_by
                if fault is None and not state.ready:
                    fault = self._setup.begin(connection, state, deadline)
                if fault is not None:
                    self._returns.let_go(connection, fault)
                    drawn = None
        except (Overdue, CallTimeout):  # the slot stays with what is under way
            parts.wake()
            return None
        except BaseException:
            parts.pass_on()
            raise
        if drawn is None:
            parts.pass_on()
        return drawn

    def adopt_unasked(self) -> None:
        """Take in a session that a native pool has opened by itself, if there is one."""
        natives, parts = self._natives, self._parts
        if natives.closing or not self._slots.take_spare():
            return
        try:
            drawn = parts.workers.run(self._draw_unasked, time.monotonic() + PATIENCE, self._drawing.came_late)
        except CallTimeout:
            return  # the slot stays with it until it ends
        except (parts.driver.dbapi.Error, OSError) as error:
            report(
                log.info,
                parts.name,
                "not_adopted",
                "a session that was opened by itself is not to be had: %(error)s",
                error=error,
            )
            drawn = None
        except BaseException:
            parts.pass_on()
            raise
        if drawn is None:
            parts.pass_on()
        else:
            self.give_back(*drawn, MADE_ROOM if natives.total > parts.settings.max else None)

    def _draw_unasked(self) -> tuple[Any, SessionState] | None:
        drawn = self._parts.growth.draw_unasked()
        if drawn is None:
            return None
        connection, native = drawn
        return connection, native.health.drawn(connection)

    def give_back(self, connection: Any, state: SessionState, cause: str | None) -> None:
        """Take a session back, or let it go for a cause."""
        self._returns.settle_and_wait(connection, state, cause)
