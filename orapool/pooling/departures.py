"""Sessions on their way out of a native pool: in the background, bounded, and nobody waits for them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from functools import partial
from typing import Any, Callable

from orapool.causes import ORDERLY, PING_UNANSWERED
from orapool.drivers.base import Driver
from orapool.health import Health, SessionState
from orapool.logs import report
from orapool.pooling.log_ons import LogOns
from orapool.pooling.native_pool import NativePool
from orapool.settings import PoolSettings
from orapool.workers import Workers

log = logging.getLogger("orapool.pool")

_LOOK_PAUSE = 0.002
"""Seconds between looks at whether a session's connection has ended."""


class Departures:
    """Takes sessions out of the native pools of one session pool.

    Args:
        background: where departures go on.
        log_ons: what a log-off waits with while the process forks.
        neighbours: what is known of the sessions of each of these pools: their paths are one.
    """

    def __init__(
        self,
        settings: PoolSettings,
        driver: Driver,
        background: Workers,
        log_ons: LogOns,
        neighbours: Callable[[], Iterable[Health]],
    ) -> None:
        self._patience = settings.ping_timeout
        self._driver = driver
        self._background = background
        self._log_ons = log_ons
        self._neighbours = neighbours

    def see_off(
        self, native: NativePool, connection: Any, cause: str, done: Callable[[], None], wait: bool = False
    ) -> None:
        """Take a session out of `native`. The connection of a dead one ends here and now; all else takes its time.

        `done` is called at the end, in a thread of the background unless `wait`.
        """
        state: SessionState = connection.session_state
        native.health.forget(state)
        if cause not in ORDERLY:
            if state.socket is not None:
                state.socket.shut_down()
            if cause == PING_UNANSWERED or connection.lost_silently:
                ended = sum(health.shut_down_suspects(state) for health in self._neighbours())
                report(
                    log.info,
                    native.where,
                    "died_silently",
                    "a session died in silence (%(cause)s), and %(neighbours)d idle ones with it",
                    cause=cause,
                    neighbours=ended,
                )
            elif connection.lost_silently is None:
                for health in self._neighbours():
                    health.doubt_idle()
        connection.close_cursors()
        if wait:
            self._discard(native, connection, cause, done)
        else:
            self._background.submit(partial(self._discard, native, connection, cause, done))

    def _discard(self, native: NativePool, connection: Any, cause: str, done: Callable[[], None]) -> None:
        """Drop a session, which logs it off if it lives."""
        under_way: threading.Event | None = connection.call_under_way
        # python-oracledb 2.5.1 and 3.4.2 crash when two threads are in one connection.
        if under_way is not None and not under_way.wait(3 * self._patience):
            report(log.warning, native.where, "hangs", "a session is not given up by a call that hangs", cause=cause)
            return  # not done: the native pool must not be closed under that call
        try:
            with native.gate.drop(self._patience):
                overdue = threading.Timer(self._patience, self._cut_off, (native, connection.session_state, cause))
                overdue.daemon = True
                overdue.start()
                try:
                    with self._log_ons.log_off():
                        self._drop(native, connection)
                except Exception as error:
                    report(
                        log.info,
                        native.where,
                        "log_off_failed",
                        "closing a session that was dropped (%(cause)s) failed: %(error)s",
                        cause=cause,
                        error=error,
                    )
                finally:
                    overdue.cancel()
        finally:
            done()

    def _drop(self, native: NativePool, connection: Any) -> None:
        state: SessionState = connection.session_state
        self._driver.drop(native.handle, connection)
        # python-oracledb's own thread logs off, and holds its pool's lock while the connection stands.
        limit = time.monotonic() + 2 * self._patience
        while self._stands(state) and time.monotonic() < limit:
            time.sleep(_LOOK_PAUSE)
        native.health.forget_vanished()  # idle neighbours that Oracle Client has asked

    @staticmethod
    def _stands(state: SessionState) -> bool:
        look = None if state.socket is None else state.socket.look()
        return look is not None and look.established

    @staticmethod
    def _cut_off(native: NativePool, state: SessionState, cause: str) -> None:
        """The log-off takes too long: end it."""
        if state.socket is not None:
            state.socket.shut_down()
        if cause not in ORDERLY:  # Oracle Client asks idle neighbours then, and these do not answer
            native.health.shut_down_idle()
