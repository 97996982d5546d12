"""What is set in a session before it is handed out: once what `on_session` sets, and for each user who that is."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

from orapool.causes import SETUP_FAILED
from orapool.drivers.base import Driver
from orapool.dsn import is_pooled
from orapool.errors import ConfigurationError, OnSessionError, error_codes
from orapool.health import SessionState
from orapool.keeper import NEVER
from orapool.logs import report
from orapool.pooling.log_ons import PATIENCE
from orapool.settings import PoolSettings
from orapool.tags import Tags
from orapool.workers import CallTimeout, Workers

log = logging.getLogger("orapool.pool")

ATTEMPTS = 5
"""Sessions that may be lost within `on_session`, in one checkout, before its caller is told."""


class SessionSetup:
    """Sets up the sessions of one pool.

    Also a task of the pool's keeper: it ends the sessions of calls of `on_session` that go on for too long.

    Args:
        where: the pool, in messages.
        settings: the pool's settings.
        driver: the pool's driver.
        workers: where `on_session` runs.
        let_go: takes a session out of the pool for a cause, and nothing else.
        settle: puts a session back, or lets it go for a cause, and passes its slot on.

    Raises `ConfigurationError` where the settings cannot be had with the connect string, or name no function.
    """

    def __init__(
        self,
        where: str,
        settings: PoolSettings,
        driver: Driver,
        workers: Workers,
        let_go: Callable[[Any, str], None],
        settle: Callable[[Any, str | None], None],
    ) -> None:
        self._on_session = settings.session_function()
        self._call_timeout = settings.call_timeout
        self._driver = driver
        self._workers = workers
        # As a log-on may, so that a session that comes late is kept for others.
        self._patience = settings.connect_timeout or PATIENCE
        self._pooled = may_be_pooled(where, settings)
        self._let_go = let_go
        self._settle = settle
        self._limits: dict[SessionState, float] = {}

    def prepare(self, connection: Any, state: SessionState, tags: Tags, deadline: float, attempt: int) -> str | None:
        """Set a session up that has not been told these tags, and may be new; what is wrong with it, or None.

        Raises what `begin` raises.
        """
        if not state.ready:
            fault = self.begin(connection, state, deadline, attempt)
            if fault is not None:
                return fault
        return tell(connection, state, tags, self._pooled, self._driver.dbapi)

    def begin(self, connection: Any, state: SessionState, deadline: float, attempt: int = 0) -> str | None:
        """Call `on_session` with a session that it has not seen; None, or the code of the error that lost the session.

        Raises `OnSessionError` when it failed otherwise, or in the last `attempt`; the session has been let go then.
        Raises CallTimeout when it has not ended by the deadline: the session and its slot stay with it until it does.
        """
        if self._on_session is None:
            state.ready = True
            return None
        self._limits[state] = deadline + self._patience
        try:
            self._workers.run(
                partial(self._call, connection, state), deadline, partial(self._ended_late, connection, state)
            )
        except CallTimeout:
            raise  # the session is not ours any more
        except BaseException as error:
            lost: str | None = connection.lost_by
            if lost is not None and attempt + 1 < ATTEMPTS and isinstance(error, Exception):
                report(
                    log.info,
                    state.home.where,
                    "lost_in_on_session",
                    "a session was lost in on_session: %(error)s",
                    cause=lost,
                    error=error,
                )
                return lost
            self._let_go(connection, lost or SETUP_FAILED)
            if isinstance(error, Exception):
                raise failed(state.home.where, error) from error
            raise
        state.ready = True
        fault: str | None = connection.lost_by  # an error that on_session has caught may have cost the session
        return fault

    def _call(self, connection: Any, state: SessionState) -> None:
        """In a worker: call it, and end what it leaves behind."""
        assert self._on_session is not None
        try:
            self._driver.set_call_timeout(connection, self._call_timeout)
            self._on_session(connection)
            if connection.lost_by is None and self._driver.in_transaction(connection):
                report(
                    log.warning,
                    state.home.where,
                    "on_session_uncommitted",
                    "on_session did not commit: what it wrote is rolled back",
                )
                self._driver.rollback(connection)
        except Exception as error:
            connection.note(error, by_driver=False)
            raise
        finally:
            self._limits.pop(state, None)
            connection.close_cursors()  # another thread would be blocked when it frees them

    def _ended_late(self, connection: Any, state: SessionState, _result: None, error: BaseException | None) -> None:
        """It has ended after its caller had gone: keep the session for others, or let it go."""
        cause = connection.lost_by
        if error is None:
            state.ready = True
        elif isinstance(error, CallTimeout):  # no worker was free to begin
            self._limits.pop(state, None)
        else:
            cause = cause or SETUP_FAILED
            report(
                log.warning, state.home.where, "on_session_failed", "%(error)s", error=failed(state.home.where, error)
            )
        self._settle(connection, cause)

    # ------------------------------------------------------------ a task of the keeper
    def due(self) -> float:
        """When the first of the calls under way will have gone on for too long."""
        return min(self._limits.copy().values(), default=NEVER)

    def run(self) -> None:
        """End the connections of such calls, which wakes their threads."""
        now = time.monotonic()
        for state, limit in self._limits.copy().items():
            if limit <= now and self._limits.pop(state, None) is not None and state.socket is not None:
                report(
                    log.warning,
                    state.home.where,
                    "on_session_hangs",
                    "on_session goes on for too long: its session is ended",
                )
                state.socket.shut_down()


def tell(connection: Any, state: SessionState, tags: Tags, pooled: bool, dbapi: ModuleType) -> str | None:
    """Tell a session who is at work, unless it knows; the code of the error that lost it, or None.

    `pooled`: whether it is behind the connection for this checkout only (DRCP).
    """
    try:
        if state.told != tags:
            connection.tell(tags, state.told)
        # Behind the connection will be another session, with the tags of another client.
        state.told = None if pooled else tags
    except dbapi.Error as error:
        return next(error_codes(error), type(error).__name__)
    return None


def failed(where: str, error: BaseException) -> OnSessionError:
    """What callers get when `on_session` has raised `error`; `where` names the pool, and the session's user."""
    return OnSessionError(
        f"{where}: on_session failed: {type(error).__name__}: {error}: the session was dropped; "
        "every new session needs on_session, so correct it, or what it needs in the database"
    )


def may_be_pooled(where: str, settings: PoolSettings) -> bool:
    """Whether the database may put another session behind a connection at each checkout: pooled servers (DRCP).

    Raises `ConfigurationError` for settings that do not go with the connect string.
    """
    pooled = is_pooled(settings.dsn, settings.config_dir)
    if pooled and settings.on_session is not None:
        raise ConfigurationError(
            f"{where}: on_session does not go with a pooled server (DRCP), where each checkout may meet another "
            "session and nobody is told: set what it sets in a logon trigger, or leave SERVER=POOLED out"
        )
    if pooled is False and (settings.cclass is not None or settings.purity != "default"):
        # cx_Oracle would log on anew at each checkout for purity new.
        raise ConfigurationError(
            f"{where}: cclass and purity are for pooled servers (DRCP): ask for one in the connect string, by "
            "(SERVER=POOLED) or host:port/service:pooled, or leave them out"
        )
    return pooled is not False
