"""Sessions on their way out of the native pool: in the background, bounded, and nobody waits for them."""

from __future__ import annotations

import logging
import threading
import time
from functools import partial
from typing import Any

from orapool import forking
from orapool.causes import ORDERLY, PING_UNANSWERED
from orapool.drivers.base import Driver
from orapool.gate import Gate
from orapool.health import Health, SessionState
from orapool.log_ons import CUT_PAUSE, LogOns
from orapool.settings import PoolSettings
from orapool.workers import Workers

log = logging.getLogger("orapool.pool")

CLOSE_LIMIT = 2.0
"""Seconds that a closing pool may take in all: half of them for calls to end, and three quarters before it cuts."""
_LOOK_PAUSE = 0.002
"""Seconds between looks at whether a session's connection has ended."""


class Departures:
    """Takes sessions out of one native pool.

    Args:
        where: the pool, for log lines.
        gate: keeps quick calls and growth away from a drop.
        log_ons: those under way.
        workers: where callers' calls go on.
        background: where departures go on.
    """

    def __init__(
        self,
        where: str,
        settings: PoolSettings,
        driver: Driver,
        health: Health,
        gate: Gate,
        log_ons: LogOns,
        workers: Workers,
        background: Workers,
    ) -> None:
        self._where = where
        self._patience = settings.ping_timeout
        self._driver = driver
        self._health = health
        self._gate = gate
        self._log_ons = log_ons
        self._workers = workers
        self._background = background

    def see_off(self, native: Any, connection: Any, cause: str) -> None:
        """Take a session out of `native`. The connection of a dead one ends here and now; all else takes its time."""
        state: SessionState = connection.session_state
        self._health.forget(state)
        if cause not in ORDERLY:
            if state.socket is not None:
                state.socket.shut_down()
            if cause == PING_UNANSWERED or connection.lost_silently:
                ended = self._health.shut_down_suspects(state)
                log.info("%s: a session died in silence (%s), and %d idle ones with it", self._where, cause, ended)
            elif connection.lost_silently is None:
                self._health.doubt_idle()
        connection.close_cursors()
        self._background.submit(partial(self._discard, native, connection, state, cause))

    def _discard(self, native: Any, connection: Any, state: SessionState, cause: str) -> None:
        """Drop a session, which logs it off if it lives."""
        under_way: threading.Event | None = connection.call_under_way
        # python-oracledb 2.5.1 and 3.4.2 crash when two threads are in one connection.
        if under_way is not None and not under_way.wait(3 * self._patience):
            log.warning("%s: a session is not given up by a call that hangs", self._where)
            return
        with self._gate.drop(self._patience):
            overdue = threading.Timer(self._patience, self._cut_off, (state, cause))
            overdue.daemon = True
            overdue.start()
            try:
                self._drop(native, connection, state)
            except Exception as error:
                log.info("%s: closing a session that was dropped (%s) failed: %s", self._where, cause, error)
            finally:
                overdue.cancel()

    def _drop(self, native: Any, connection: Any, state: SessionState) -> None:
        self._driver.drop(native, connection)
        # python-oracledb's own thread logs off, and holds its pool's lock while the connection stands.
        limit = time.monotonic() + 2 * self._patience
        while self._stands(state) and time.monotonic() < limit:
            time.sleep(_LOOK_PAUSE)
        self._health.forget_vanished()  # idle neighbours that Oracle Client has asked

    @staticmethod
    def _stands(state: SessionState) -> bool:
        look = None if state.socket is None else state.socket.look()
        return look is not None and look.established

    def _cut_off(self, state: SessionState, cause: str) -> None:
        """The log-off takes too long: end it."""
        if state.socket is not None:
            state.socket.shut_down()
        if cause not in ORDERLY:  # Oracle Client asks idle neighbours then, and these do not answer
            self._health.shut_down_idle()

    def close(self, native: Any) -> None:
        """Close `native` with all its sessions, within `CLOSE_LIMIT`. Nobody draws from it any more."""
        begun = time.monotonic()
        cut, limit = begun + CLOSE_LIMIT * 3 / 4, begun + CLOSE_LIMIT
        if not self._calls_end_by(begun + CLOSE_LIMIT / 2):
            self._health.shut_down_all()
            while not self._calls_end_by(time.monotonic() + CUT_PAUSE) and time.monotonic() < cut:
                self._log_ons.cut_overdue(float("inf"))  # nobody waits for any of them
        if not self._calls_end_by(cut):
            # Oracle Client crashes when its pool is closed under a call that still runs in it.
            forking.leak(native)
            log.warning("%s: %r, %r will not end: left alone", self._where, self._workers, self._background)
            return
        # python-oracledb tries a log-on that was cut once more, and waits for that before it closes.
        threads = self._driver.log_on_threads(native)
        self._workers.submit(partial(self._log_ons.run, lambda _left: self._driver.close(native), cut, threads))
        while not self._workers.idle_by(time.monotonic() + CUT_PAUSE):
            self._log_ons.cut_overdue()
            if time.monotonic() >= limit:
                log.warning("%s: the database does not answer the log-offs", self._where)
                self._health.shut_down_all()
                return

    def _calls_end_by(self, deadline: float) -> bool:
        """Whether all calls have ended by then: those in the background run within those of callers."""
        return self._background.idle_by(deadline) and self._workers.idle_by(deadline)
