"""Is an idle session of an asyncio pool fit to be handed out? What is known of each, and how it is asked."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Callable

from orapool.aio.idle import Idle
from orapool.causes import ENDED, PING_CUT_SHORT, PING_UNANSWERED, RETIRED
from orapool.credentials import Credentials
from orapool.drivers.wires import Interrupted, Wire
from orapool.errors import error_codes
from orapool.health import SessionState, retirement
from orapool.logs import report
from orapool.settings import PoolSettings
from orapool.sockets import KeepAlive, SocketWatch, owned

if TYPE_CHECKING:
    from orapool.drivers.async_oracledb import AsyncOracleDb

log = logging.getLogger("orapool.pool")


class Health:
    """The sessions of one asyncio pool.

    Args:
        where: the pool, for log lines.
        driver: the pool's driver.
        settings: the pool's settings.
        let_go: takes a session out of the pool, for a cause.
    """

    def __init__(
        self, where: str, driver: AsyncOracleDb, settings: PoolSettings, let_go: Callable[[Any, str], None]
    ) -> None:
        self._where = where
        self._driver = driver
        self._settings = settings
        self._let_go = let_go
        self._keep_alive = KeepAlive(
            settings.keepalive_idle, settings.keepalive_interval, settings.keepalive_probes, settings.user_timeout
        )
        self._watch = SocketWatch()
        self._closed = False
        self.wires: dict[SessionState, Wire] = {}
        """The sessions, and their ways to the server."""
        self.idle = Idle()

    def admit(self, connection: Any, home: Credentials) -> None:
        """A session has logged on: let the kernel watch it."""
        found = connection.wire.socket
        state = SessionState(id(connection.wire), found, retirement(self._settings), home)
        connection.session_state, state.draws = state, 1
        connection.wire.on_end = lambda: self._ended(state)
        self.wires[state] = connection.wire
        if found is not None:
            owned.add(found.inode)
            found.keep_alive(self._keep_alive)
            if not self._closed:
                self._watch.add(found)
        if home.password is not None:  # an older one of the same user opens nothing any more; its sessions are as good
            for each in self.wires:
                if each.home.user == home.user and each.home.password is not None:
                    each.home = home

    def forget(self, state: SessionState) -> None:
        """A session leaves the pool."""
        self.wires.pop(state, None)
        if state.socket is not None:
            owned.discard(state.socket.inode)

    def _ended(self, state: SessionState) -> None:
        """The connection of a session has ended: called by its wire."""
        for connection in self.idle:
            if connection.session_state is state:
                self.idle.remove(connection)
                self._let_go(connection, ENDED)

    def any_alive(self) -> bool:
        """Whether there is an idle session whose connection stands, for all that is known; ended ones go."""
        ended = self._watch.ended()
        for connection in self.idle if ended else ():
            if connection.session_state.socket in ended:
                self.idle.remove(connection)
                self._let_go(connection, ENDED)
        return len(self.idle) > 0

    async def find_fault(self, connection: Any, deadline: float) -> str | None:
        """Why a session must not be handed out, or None: it is alive.

        Costs nothing if its path was confirmed within ``trust`` seconds, by use or by an acknowledged keep-alive probe;
        else it is pinged.
        """
        state: SessionState = connection.session_state
        if connection.wire.over:
            return ENDED
        if time.monotonic() >= state.retires:
            return RETIRED
        if state.draws == 1 or state.is_recent(state.confirmed, self._settings.trust):
            return None
        seen = state.last_seen_alive()
        if seen == float("-inf"):
            return ENDED
        return None if state.is_recent(seen, self._settings.trust) else await self.ask(connection, deadline)

    async def ask(self, connection: Any, deadline: float) -> str | None:
        """Ping a session by the deadline; why it must not be handed out, or None: it is alive.

        One whose ping is cancelled leaves the pool.
        """
        left = deadline - time.monotonic()
        try:
            await self._driver.ping(connection, min(left, self._settings.ping_timeout))
        except Interrupted:
            if connection.wire.over:
                return ENDED
            return PING_CUT_SHORT if left < self._settings.ping_timeout else PING_UNANSWERED
        except Exception as error:
            return next(error_codes(error), None) or type(error).__name__
        except BaseException:
            self._let_go(connection, PING_CUT_SHORT)
            raise
        connection.session_state.confirmed = time.monotonic()
        return None

    def doubt_others(self, dead: Any, cause: str) -> list[Any]:
        """A session has died: end the equally idle ones if that was by silence, and return them; ask all others."""
        silent = self._died_silently(dead, cause)
        return [] if silent is False else self.doubt(dead.session_state, bool(silent))

    def doubt(self, dead: SessionState, silent: bool) -> list[Any]:
        """The same. Equally idle is at least half as long without a sign of life."""
        now = time.monotonic()
        bound = now - (now - dead.confirmed) / 2
        ended = []
        for connection in self.idle:
            state: SessionState = connection.session_state
            state.doubted = now
            if silent and state.last_seen_alive() <= bound:
                self.idle.remove(connection)
                connection.wire.end()
                ended.append(connection)
        if silent:
            report(
                log.info,
                self._where,
                "died_silently",
                "a session died in silence, and %(neighbours)d idle ones with it",
                cause=PING_UNANSWERED,
                neighbours=len(ended),
            )
        return ended

    @staticmethod
    def _died_silently(connection: Any, cause: str) -> bool | None:
        """Whether it was silence that ended a session; None: nothing told."""
        if cause == PING_UNANSWERED:
            return True
        silent: bool | None = False
        if connection.lost_by is not None:
            silent = connection.lost_silently
        elif cause == ENDED:
            silent = connection.wire.silent
        return silent

    def close(self) -> None:
        """Stop watching."""
        self._closed = True
        self._watch.close()
