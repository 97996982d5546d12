"""cx_Oracle 8.3 on Oracle Client libraries."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

import cx_Oracle

from orapool.credentials import Credentials
from orapool.drivers.base import OnSession, describe, native_max
from orapool.drivers.columns import ResultColumn
from orapool.drivers.connections import ParentsConnection
from orapool.drivers.cursors import WatchedCursor
from orapool.drivers.oracle_client import EXHAUSTED, WAIT_TIMEOUT, ClientConnection, descriptor, refuse, tag_lengths
from orapool.dsn import unwatched
from orapool.errors import ConfigurationError, error_codes, lost_connection
from orapool.settings import PoolSettings

if TYPE_CHECKING:
    from pyarrow import RecordBatch

    from orapool.drivers.array_binds import Bind
    from orapool.drivers.arrow import Fetch

# Handle types, attributes and value types of OCI's oci.h, for Connection._get_oci_attr(): no round trip, 0.2 us.
_SERVICE_CONTEXT, _SESSION = 3, 9
_ATTR_SERVER, _ATTR_TRANSACTION_IN_PROGRESS = 6, 484
_UB1, _UB8 = 8, 64

_PURITIES = {"new": cx_Oracle.ATTR_PURITY_NEW, "self": cx_Oracle.ATTR_PURITY_SELF}


class Cursor(WatchedCursor, cx_Oracle.Cursor):  # type: ignore[misc]
    """cx_Oracle's cursor, watched."""


class Connection(ClientConnection, cx_Oracle.Connection):  # type: ignore[misc]
    """cx_Oracle's connection, of the pool."""

    longest_tags = tag_lengths(cx_Oracle.clientversion())
    drivers_error = cx_Oracle.Error
    drivers_cursor = cx_Oracle.Cursor

    @property
    def version(self) -> str:
        """As the driver's own, which asks the server."""
        try:
            return str(super().version)
        except Exception as error:
            self.note(error)
            raise

    def cursor(self, scrollable: bool = False) -> Cursor:
        """As the driver's own."""
        self.handle  # noqa: B018 - raises InterfaceError if the connection is closed
        cursor = Cursor(self, scrollable=scrollable) if scrollable else Cursor(self)
        self._remember(cursor)
        return cursor

    def told_of_transaction(self) -> bool:
        """Whether a transaction is open, as the server's last answer had it. Raises DPI-1010 for a dead session."""
        return bool(self._get_oci_attr(_SESSION, _ATTR_TRANSACTION_IN_PROGRESS, _UB1))


class Disowned(ParentsConnection, Connection):
    """A connection of the parent process."""

    driver_error = cx_Oracle.InterfaceError


def _refuse(settings: PoolSettings) -> None:
    if settings.access_token is not None:
        raise ConfigurationError("access_token: cx_Oracle 8.3 does not log on by token: use driver='oracledb'")
    refuse(settings, "cx_Oracle", "driver='oracledb'")


class CxOracle:
    """cx_Oracle's part of `orapool.drivers.base.Driver`."""

    name = "cx_oracle"
    version: str = cx_Oracle.version
    dbapi: ModuleType = cx_Oracle
    grows_alone = True
    batch_rows = 2_000  # measured: as many Python objects as the processor has at hand
    written_rows = 20_000
    outlives_main = False
    logs_on_unasked = False

    client_version: tuple[int, ...] | None = tuple(cx_Oracle.clientversion())

    def __init__(self) -> None:
        # What acquire takes for DRCP. Without a pooled server, purity new would log on at each acquire.
        self._session_class: dict[str, Any] = {}

    def open(self, settings: PoolSettings, credentials: Credentials, on_session: OnSession) -> Any:
        """Make an empty native pool. Raises `ConfigurationError` for what cx_Oracle cannot."""
        _refuse(settings)
        self._session_class = {"cclass": settings.cclass} if settings.cclass else {}
        if settings.purity in _PURITIES:
            self._session_class["purity"] = _PURITIES[settings.purity]
        by_password = bool(credentials.password)
        native = cx_Oracle.SessionPool(
            **({"user": credentials.user, "password": credentials.password} if by_password else {}),
            # OCI has external authentication only in pools that may hold sessions of several users.
            externalauth=not by_password,
            homogeneous=by_password,
            dsn=descriptor(settings, settings.connect_timeout, settings.transport_connect_timeout),
            min=0,
            max=native_max(settings),
            increment=1,  # the rest is opened by upkeep.py, which watches what it opens
            connectiontype=Connection,
            threaded=True,
            # With NOWAIT, callers get ORA-24459 while another thread's log-on makes the pool grow.
            getmode=cx_Oracle.SPOOL_ATTRVAL_TIMEDWAIT,
            waitTimeout=WAIT_TIMEOUT,
            encoding="UTF-8",
            nencoding="UTF-8",
            stmtcachesize=settings.stmtcachesize,
            sessionCallback=lambda connection, tag: on_session(connection),
            **({"edition": settings.edition} if settings.edition else {}),
        )
        # Its pings go one dead session after the other, 5 s each, within acquire: see health.py for ours.
        native.ping_interval = -1
        return native

    def log_on(self, settings: PoolSettings, credentials: Credentials, seconds: int) -> None:
        """Log on and off again."""
        self.connect(settings, credentials, seconds).close()

    def connect(self, settings: PoolSettings, credentials: Credentials, seconds: int, watched: bool = True) -> Any:
        """Log on."""
        _refuse(settings)
        own = {"user": credentials.user, "password": credentials.password} if credentials.password else {}
        dsn = descriptor(settings, seconds, seconds)
        return cx_Oracle.connect(**own, dsn=dsn if watched else unwatched(dsn), threaded=True, encoding="UTF-8")

    def acquire_idle(self, native: Any) -> Any:
        """Draw an idle session."""
        return native.acquire(**self._session_class) if self._session_class else native.acquire()

    def acquire(self, native: Any, seconds: float) -> Any:
        """Draw a session. The wait for another's log-on is bounded by the pool's wait time-out, a log-on by its dsn."""
        return native.acquire(**self._session_class)

    def draw_unasked(self, native: Any, known: int) -> Any:
        """None: it opens what is asked for."""
        return None

    def log_on_threads(self, native: Any) -> list[int]:
        """None: it logs on in the caller's own."""
        return []

    def release(self, connection: Any) -> None:
        """Put the session back."""
        cx_Oracle.Connection.close(connection)

    def drop(self, native: Any, connection: Any) -> None:
        """Take the session out, logging off."""
        native.drop(connection)

    def close(self, native: Any) -> None:
        """Close the native pool."""
        native.close(force=True)

    def in_transaction(self, connection: Any) -> bool:
        """Whether a transaction is open, or may be. Raises DPI-1010 for a dead session."""
        return connection.may_have_begun or bool(
            connection._get_oci_attr(_SESSION, _ATTR_TRANSACTION_IN_PROGRESS, _UB1)
        )

    def rollback(self, connection: Any) -> None:
        """Roll back."""
        cx_Oracle.Connection.rollback(connection)
        connection.may_have_begun = False

    def ping(self, connection: Any, seconds: float) -> None:
        """Ping; the limit counts twice where nobody answers (the call, then the break)."""
        before = connection.callTimeout
        connection.callTimeout = math.ceil(seconds * 1000)
        cx_Oracle.Connection.ping(connection)
        connection.callTimeout = before

    def set_call_timeout(self, connection: Any, seconds: float) -> None:
        """Set OCI's call time-out, unless it is so already."""
        milliseconds = math.ceil(seconds * 1000) if seconds else 0
        if connection.callTimeout != milliseconds:
            connection.callTimeout = milliseconds

    def describe(self, connection: Any, statement: str) -> tuple[ResultColumn, ...] | None:
        """The columns of a query's result."""
        return describe(connection, statement)

    def fetch_batches(self, connection: Any, fetch: Fetch) -> Iterator[RecordBatch]:
        """Run a query and fetch its rows as Arrow."""
        from orapool.drivers import cx_oracle_arrow

        return cx_oracle_arrow.fetch_batches(connection, fetch)

    def session_key(self, connection: Any) -> int:
        """The address of the session's OCI server handle."""
        key: int = connection._get_oci_attr(_SERVICE_CONTEXT, _ATTR_SERVER, _UB8)
        return key

    def disown(self, connection: Any) -> None:
        """Make a connection of the parent process unusable."""
        connection.__class__ = Disowned

    def is_lost_connection(self, error: BaseException) -> bool:
        """Whether the session is lost."""
        return lost_connection(error) is not None

    def is_pool_exhausted(self, error: BaseException) -> bool:
        """ORA-24418, 24457, 24459 and 24496: the pool is full, or did not grow in time."""
        return any(code in EXHAUSTED for code in error_codes(error))

    def write_rows(self, cursor: Any, statement: str, binds: Sequence[Bind], batch_errors: bool) -> None:
        """Run `statement` for each row."""
        from orapool.drivers.array_binds import execute_lists

        execute_lists(cx_Oracle, cursor, statement, binds, batch_errors)

    def check_direct_path(self) -> None:
        """It has none."""
        raise ConfigurationError("direct_path=True: cx_Oracle has no direct path load: use driver='oracledb'")

    def load_direct_path(
        self, connection: Any, schema: str | None, table: str, names: Sequence[str], binds: Sequence[Bind]
    ) -> None:
        """It has none."""
        self.check_direct_path()
