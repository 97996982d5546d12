"""What cx_Oracle and python-oracledb's thick mode have in common: both stand on Oracle Client's session pool."""

from __future__ import annotations

import contextlib
import weakref
from typing import Any

from orapool.drivers.connections import PooledConnection
from orapool.dsn import with_connect_timeouts
from orapool.errors import ConfigurationError
from orapool.settings import PoolSettings

WAIT_TIMEOUT = 1000
"""Milliseconds of a wait in the native pool, after which the caller who has time left waits again. See gate.py for why
it is not set anew for each."""
EXHAUSTED = frozenset({"ORA-24418", "ORA-24457", "ORA-24459", "ORA-24496"})
"""The pool is full, or did not grow in time."""


class ClientConnection(PooledConnection):
    """A connection that Oracle Client has made: it can close its cursors before another thread uses it."""

    survives_cancel = False  # measured on the sandbox: Oracle Client may make the call again, after the break

    _cursors: set[weakref.ref[Any]] | None = None  # a WeakSet takes three times as long

    def _remember(self, cursor: Any) -> None:
        """A cursor was made."""
        cursors = self._cursors
        if cursors is None:
            cursors = self._cursors = set()
        cursors.add(weakref.ref(cursor, cursors.discard))

    def close_cursors(self) -> None:
        """Close all cursors, in the thread that used them.

        When one is freed later, the driver waits for the session, cx_Oracle with Python's own lock in hand: for ever,
        if another thread rolls back or logs off and the server does not answer; or the two threads wait for each other.
        """
        if self.in_call:
            return  # whose thread has them
        for reference in list(self._cursors or ()):
            cursor = reference()
            if cursor is not None:
                with contextlib.suppress(self.drivers_error):  # closed already
                    self.drivers_cursor.close(cursor)

    drivers_error: type[Exception]
    drivers_cursor: Any
    """The driver's own classes."""


def tag_lengths(version: tuple[int, ...]) -> tuple[int, ...]:
    """Bytes that a version of Oracle Client takes of each of the tags: earlier ones raise ORA-24960 for longer ones."""
    return (64, 64, 64, 64) if version >= (12, 2) else (48, 32, 64, 64)


def refuse(settings: PoolSettings, driver: str, instead: str) -> None:
    """Raise `ConfigurationError` for what Oracle Client's pools cannot."""
    if settings.wallet_password is not None:
        raise ConfigurationError(
            "wallet_password: Oracle Client opens wallets by themselves only (auto-login, cwallet.sso): leave it out, "
            f"or use {instead}"
        )
    if settings.externalauth and settings.user is not None:
        raise ConfigurationError(
            f"user={settings.user!r}: a pool of {driver} does not connect through an external user: leave it out"
        )


def descriptor(settings: PoolSettings, connect: float, transport: float) -> str:
    """Where to log on, with its limits in seconds."""
    return with_connect_timeouts(settings.dsn, connect, transport, settings.config_dir, wallet=settings.wallet_location)
