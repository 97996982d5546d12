"""python-oracledb in thick mode, on Oracle Client's own session pool. Import it when the process is in that mode.

A process is in one mode, for good: from its first connection in thin mode on, or from `init_oracle_client()` on.

Measured with 2.5.1, 3.4.2 and 26.1: a log-on's last round trip, which asks for the server's version, is made with
Python's own lock in hand. Only that one; a server that freezes in that moment makes the process stand still. The
service context's handle is its session's for good: 12,000 checkouts of 660 sessions in 8 threads, some of them dropped.
"""

from __future__ import annotations

from typing import Any

import oracledb

from orapool.credentials import Credentials
from orapool.drivers.base import OnSession, describe, native_max
from orapool.drivers.columns import ResultColumn
from orapool.drivers.connections import ParentsConnection
from orapool.drivers.oracle_client import EXHAUSTED, WAIT_TIMEOUT, ClientConnection, descriptor, refuse, tag_lengths
from orapool.drivers.oracledb import (
    Connection,
    Cursor,
    OracleDb,
    forget_statement,
    log_on_arguments,
    session_class,
)
from orapool.dsn import unwatched
from orapool.errors import error_codes
from orapool.settings import PoolSettings


class ThickConnection(ClientConnection, Connection):
    """python-oracledb's connection in thick mode, of the pool."""

    longest_tags = tag_lengths(oracledb.clientversion())
    drivers_error = oracledb.Error
    drivers_cursor = oracledb.Cursor

    def cursor(self, *args: Any, **options: Any) -> Cursor:
        """As the driver's own."""
        self._verify_connected()
        cursor = Cursor(self, *args, **options)
        self._remember(cursor)
        return cursor


class ThickDisowned(ParentsConnection, ThickConnection):
    """A connection of the parent process."""

    driver_error = oracledb.InterfaceError


class ThickOracleDb(OracleDb):
    """Its part of `orapool.drivers.base.Driver`."""

    grows_alone = True
    written_rows = 20_000
    outlives_main = False
    client_version: tuple[int, ...] | None = tuple(oracledb.clientversion())
    logs_on_unasked = False

    def describe(self, connection: Any, statement: str) -> tuple[ResultColumn, ...] | None:
        """The columns of a query's result. It is parsed again when it is run, in the same round trip.

        Measured with 26.1 on the sandbox: what was only parsed is run with parameters that nobody can read.
        """
        columns = describe(connection, statement)
        forget_statement(connection, statement)
        return columns

    def open(self, settings: PoolSettings, credentials: Credentials, on_session: OnSession) -> Any:
        """Make an empty native pool. Raises `ConfigurationError` for what Oracle Client cannot."""
        refuse(settings, "python-oracledb in thick mode", "thin mode, without thick=True")
        dsn = descriptor(settings, settings.connect_timeout, settings.transport_connect_timeout)
        return oracledb.create_pool(
            **log_on_arguments(settings, credentials, dsn),
            # Oracle Client has external authentication only in pools that may hold sessions of several users.
            homogeneous=not settings.externalauth,
            min=0,
            max=native_max(settings),
            increment=1,  # the rest is opened by upkeep.py, which watches what it opens
            connectiontype=ThickConnection,
            # With NOWAIT, callers get ORA-24459 while another thread's log-on makes the pool grow.
            getmode=oracledb.POOL_GETMODE_TIMEDWAIT,
            wait_timeout=WAIT_TIMEOUT,
            # Its pings go one dead session after the other, 5 s each, within acquire: see health.py for ours.
            ping_interval=-1,
            stmtcachesize=settings.stmtcachesize,
            session_callback=lambda connection, tag: on_session(connection),
            **session_class(settings),
        )

    def log_on(self, settings: PoolSettings, credentials: Credentials, seconds: int) -> None:
        """Log on and off again."""
        self.connect(settings, credentials, seconds).close()

    def connect(self, settings: PoolSettings, credentials: Credentials, seconds: int, watched: bool = True) -> Any:
        """Log on."""
        refuse(settings, "python-oracledb in thick mode", "thin mode, without thick=True")
        dsn = descriptor(settings, seconds, seconds)
        return oracledb.connect(**log_on_arguments(settings, credentials, dsn if watched else unwatched(dsn)))

    def acquire_idle(self, native: Any) -> Any:
        """Draw an idle session."""
        return native.acquire()

    def acquire(self, native: Any, seconds: float) -> Any:
        """Draw a session. The wait for another's log-on is bounded by the pool's wait time-out, a log-on by its dsn."""
        return native.acquire()

    def draw_unasked(self, native: Any, known: int) -> Any:
        """None: it opens what is asked for."""
        return None

    def log_on_threads(self, native: Any) -> list[int]:
        """None: it logs on in the caller's own."""
        return []

    def session_key(self, connection: Any) -> int:
        """The address of the session's OCI service context."""
        return int(connection.handle)

    def disown(self, connection: Any) -> None:
        """Make a connection of the parent process unusable."""
        connection.__class__ = ThickDisowned

    def is_pool_exhausted(self, error: BaseException) -> bool:
        """ORA-24418, 24457, 24459 and 24496."""
        return any(code in EXHAUSTED for code in error_codes(error))
