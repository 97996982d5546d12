"""python-oracledb in thin mode, from 2.5.1 on."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import threading
import weakref
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

import oracledb

from orapool.credentials import Credentials
from orapool.drivers.base import DeadIdleSession, OnSession, describe, native_max
from orapool.drivers.columns import ResultColumn, has_lobs
from orapool.drivers.connections import ParentsConnection, PooledConnection
from orapool.drivers.cursors import WatchedCursor
from orapool.drivers.left_cursors import LeftToClose, close_left
from orapool.dsn import unwatched, with_connect_timeouts
from orapool.errors import ConfigurationError, error_codes, lost_connection
from orapool.settings import PoolSettings

if TYPE_CHECKING:
    from pyarrow import RecordBatch

    from orapool.drivers.array_binds import Bind
    from orapool.drivers.arrow import Fetch

_PURITIES = {"new": oracledb.PURITY_NEW, "self": oracledb.PURITY_SELF}
_VERSION = tuple(int(part) for part in oracledb.__version__.split(".")[:2])
_MAJOR = _VERSION[0]
# Measured: 3.3.0 and 3.4.2 pass over the offset of an Arrow array, and write rows from the beginning of its memory;
# 4.0.0 and 26.1.0 do not.
_TAKES_NO_SLICES = _MAJOR < 4


class Cursor(WatchedCursor, oracledb.Cursor):
    """python-oracledb's cursor, watched."""


class ThinCursor(LeftToClose, Cursor):
    """The same in thin mode."""


class Connection(PooledConnection, oracledb.Connection):
    """python-oracledb's connection, of the pool."""

    def cursor(self, *args: Any, **options: Any) -> Cursor:
        """As the driver's own."""
        self._verify_connected()
        close_left()
        return ThinCursor(self, *args, **options)

    def told_of_transaction(self) -> bool:
        """Whether a transaction is open, as the server's last answer had it. Raises DPY-1001 for a closed session."""
        return bool(self.transaction_in_progress)

    if hasattr(oracledb.Connection, "fetch_df_all"):  # from 3.0 on

        def fetch_df_all(self, *args: Any, **options: Any) -> Any:
            """As the driver's own."""
            self.note_sending(args[0] if args else options.get("statement"))
            try:
                return super().fetch_df_all(*args, **options)
            except Exception as error:
                self.note(error)
                raise

        def fetch_df_batches(self, *args: Any, **options: Any) -> Iterator[Any]:
            """As the driver's own."""
            self.note_sending(args[0] if args else options.get("statement"))
            try:
                yield from super().fetch_df_batches(*args, **options)
            except Exception as error:
                self.note(error)
                raise

    def __del__(self) -> None:
        if self.lent_by is not None:
            PooledConnection.__del__(self)
        elif self._impl is not None and not sys.is_finalizing():
            with contextlib.suppress(Exception):
                oracledb.Connection.close(self)


class Disowned(ParentsConnection, Connection):
    """A connection of the parent process."""

    driver_error = oracledb.InterfaceError


def _found_dead(error: BaseException) -> bool:
    """Whether acquire failed at an idle session's free check, which a log-on's error with the same code did not."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_name.endswith("_check_connection"):
            return True
        trace = trace.tb_next
    return False


def session_class(settings: PoolSettings) -> dict[str, Any]:
    """What is set of edition and DRCP; the connect string may say it too."""
    found = {"edition": settings.edition, "cclass": settings.cclass, "purity": _PURITIES.get(settings.purity)}
    return {name: value for name, value in found.items() if value is not None}


def forget_statement(connection: Any, statement: str) -> None:
    """Take a statement out of the connection's statement cache.

    Measured with 2.5.1, 3.4.2 and 26.1: LOB columns of a statement that is in there are fetched as they were the first
    time. Where they are now wanted with their rows, or as locators again, the driver cannot read what it is sent.
    """
    with connection.cursor() as cursor:
        cursor.prepare(statement, None, False)


class _Closer:
    """Closes the native pools of a forked child when its main thread ends.

    Their threads would keep the process from ending. python-oracledb has a thread that does it, but starts that with
    the first pool only, and a child does not inherit it.
    """

    def __init__(self) -> None:
        self.process = os.getpid()
        self.pools: list[weakref.ref[Any]] | None = None

    def add(self, native: Any) -> None:
        """Close `native` at the end, if this is a forked child."""
        if self.process != os.getpid():
            self.process, self.pools = os.getpid(), []
            threading.Thread(target=self._run, args=(self.pools,), name="orapool-closer").start()
        if self.pools is not None:
            self.pools.append(weakref.ref(native))

    def _run(self, pools: list[weakref.ref[Any]]) -> None:
        threading.main_thread().join()
        for pool in pools:
            native = pool()
            if native is not None and native._impl is not None:
                native._impl.close(True)


_closer = _Closer()


def _descriptor(settings: PoolSettings, connect: float, transport: float) -> str:
    return with_connect_timeouts(
        settings.dsn, connect, transport, settings.config_dir, thin=True, wallet=settings.wallet_location
    )


def log_on_arguments(settings: PoolSettings, credentials: Credentials, dsn: str) -> dict[str, Any]:
    """Who logs on, how, and where."""
    arguments: dict[str, Any] = {"user": credentials.user, "dsn": dsn}
    if settings.wallet_password is not None:
        arguments["wallet_password"] = settings.wallet_password.get_secret_value()
    if credentials.password:
        arguments["password"] = credentials.password
    else:
        if credentials.user is not None and _MAJOR < 4:  # measured: 2.5.1 and 3.4.2 pass over it
            raise ConfigurationError(
                f"user={credentials.user!r}: python-oracledb {oracledb.__version__} does not connect through the user "
                "of a token or an external user: use a newer version"
            )
        # With a token too: where there is neither this nor a user, versions before 26 look for one in the dsn.
        arguments["externalauth"] = True
        if settings.access_token is not None:
            arguments["access_token"] = settings.driver_token()
    return arguments


class OracleDb:
    """python-oracledb's part of `orapool.drivers.base.Driver`."""

    name = "oracledb"
    version: str = oracledb.__version__
    dbapi: ModuleType = oracledb
    grows_alone = False
    batch_rows = 10_000
    written_rows = 50_000
    outlives_main = True
    client_version: tuple[int, ...] | None = None
    logs_on_unasked = _MAJOR >= 3  # 2.5.1 does too, but counts dead sessions as open, so that none shows
    # Measured: 2.5.1 raises DPY-4011 from acquire where 3.4.2 and later replace a session that the server has closed.
    # Each of these counts as open for ever, and is so many sessions less that the native pool would give.
    _room_for_miscounts = 0 if _MAJOR >= 3 else 1_000_000

    def open(self, settings: PoolSettings, credentials: Credentials, on_session: OnSession) -> Any:
        """Make an empty native pool."""
        if not oracledb.is_thin_mode():
            raise ConfigurationError(
                "python-oracledb went into thick mode when this pool had been set up for thin mode: a process has one "
                "mode, so set thick=True for this pool too"
            )
        native = oracledb.create_pool(
            **log_on_arguments(
                settings,
                credentials,
                _descriptor(settings, settings.connect_timeout, settings.transport_connect_timeout),
            ),
            # With min > 0 the sessions are opened in the background, where a wrong password goes unreported.
            min=0,
            max=native_max(settings) + self._room_for_miscounts,
            # It opens what the increment asks for also when a log-on has failed, and beyond our max; with 0, which it
            # takes for 1, it opens what is drawn, and after a failure makes one more attempt (measured: 2.5.1 to 26.1),
            # also with a password that was denied. upkeep.py does the rest.
            increment=0,
            connectiontype=Connection,
            # NOWAIT would not wait for a log-on either: it is made in the native pool's own thread.
            getmode=oracledb.POOL_GETMODE_TIMEDWAIT,
            wait_timeout=math.ceil(settings.acquire_timeout * 1000),
            # Its pings go one dead session after the other, in that one thread: see health.py for ours.
            ping_interval=-1,
            stmtcachesize=settings.stmtcachesize,
            session_callback=lambda connection, tag: on_session(connection),
            **session_class(settings),
        )
        _closer.add(native)
        return native

    def log_on(self, settings: PoolSettings, credentials: Credentials, seconds: int) -> None:
        """Log on and off again."""
        self.connect(settings, credentials, seconds).close()

    def connect(self, settings: PoolSettings, credentials: Credentials, seconds: int, watched: bool = True) -> Any:
        """Log on."""
        dsn = _descriptor(settings, seconds, seconds)
        return oracledb.connect(**log_on_arguments(settings, credentials, dsn if watched else unwatched(dsn)))

    def acquire(self, native: Any, seconds: float) -> Any:
        """Draw a session, or raise DPY-4005 after about `seconds`."""
        native.wait_timeout = math.ceil(seconds * 1000)
        return self.acquire_idle(native)

    def acquire_idle(self, native: Any) -> Any:
        """Draw a session as things are."""
        try:
            return native.acquire()
        except (oracledb.Error, OSError) as error:
            if not _found_dead(error):
                raise
            raise DeadIdleSession(str(error)) from error

    def draw_unasked(self, native: Any, known: int) -> Any:
        """Draw what its pool has opened with nobody to take it.

        It makes a log-on that failed once more, and goes on with one whose caller has got a session that came back.
        """
        if native.opened <= known:
            return None
        return native.acquire(purity=oracledb.PURITY_NEW)  # which is one that nobody has used yet

    def log_on_threads(self, native: Any) -> list[int] | None:
        """The native pool's one, which it does not name: it is known by what it runs."""
        for thread in threading.enumerate():
            if thread.native_id and getattr(getattr(thread, "_target", None), "__self__", None) is native._impl:
                return [thread.native_id]
        return None

    def release(self, connection: Any) -> None:
        """Put the session back."""
        close_left()
        oracledb.Connection.close(connection)

    def drop(self, native: Any, connection: Any) -> None:
        """Take the session out; the native pool's own thread logs off."""
        native.drop(connection)

    def close(self, native: Any) -> None:
        """Close the native pool. Without force, 2.5.1 and 3.4.2 raise DPY-1005 once an acquire has timed out."""
        native.close(force=True)

    def in_transaction(self, connection: Any) -> bool:
        """Whether a transaction is open, or may be. Raises DPY-1001 for a dead session."""
        if not connection.is_healthy():
            raise oracledb.InterfaceError("DPY-1001: not connected to database")
        return connection.may_have_begun or bool(connection.transaction_in_progress)

    def rollback(self, connection: Any) -> None:
        """Roll back."""
        oracledb.Connection.rollback(connection)
        connection.may_have_begun = False

    def ping(self, connection: Any, seconds: float) -> None:
        """Ping; the limit counts twice where nobody answers (the call, then the break)."""
        before = connection.call_timeout
        connection.call_timeout = math.ceil(seconds * 1000)
        oracledb.Connection.ping(connection)
        connection.call_timeout = before

    def set_call_timeout(self, connection: Any, seconds: float) -> None:
        """Set the call time-out, unless it is so already."""
        milliseconds = math.ceil(seconds * 1000) if seconds else 0
        if connection.call_timeout != milliseconds:
            connection.call_timeout = milliseconds

    def describe(self, connection: Any, statement: str) -> tuple[ResultColumn, ...] | None:
        """The columns of a query's result."""
        columns = describe(connection, statement)
        if columns is not None and has_lobs(columns):
            forget_statement(connection, statement)
        return columns

    def fetch_batches(self, connection: Any, fetch: Fetch) -> Iterator[RecordBatch]:
        """Run a query and fetch its rows as Arrow."""
        from orapool.drivers import oracledb_arrow

        return oracledb_arrow.fetch_batches(connection, fetch)

    def session_key(self, connection: Any) -> int:
        """The identity of the session's implementation object, which the native pool keeps."""
        return id(connection._impl)

    def disown(self, connection: Any) -> None:
        """Make a connection of the parent process unusable."""
        connection.__class__ = Disowned

    def is_lost_connection(self, error: BaseException) -> bool:
        """Whether the session is lost."""
        return lost_connection(error) is not None

    def is_pool_exhausted(self, error: BaseException) -> bool:
        """DPY-4005."""
        return "DPY-4005" in error_codes(error)

    def write_rows(self, cursor: Any, statement: str, binds: Sequence[Bind], batch_errors: bool) -> None:
        """Run `statement` for each row; from 3.4 on, the driver takes most Arrow data as it is."""
        from orapool.drivers.array_binds import execute_arrow, execute_lists, goes_as_arrow

        if _VERSION >= (3, 4) and all(map(goes_as_arrow, binds)):
            execute_arrow(cursor, statement, binds, batch_errors, _TAKES_NO_SLICES)
        else:
            execute_lists(oracledb, cursor, statement, binds, batch_errors)

    def check_direct_path(self) -> None:
        """It has it from 3.4 on, in thin mode."""
        if not hasattr(oracledb.Connection, "direct_path_load"):
            raise ConfigurationError(
                f"direct_path=True: python-oracledb {oracledb.__version__} has no direct path load: use 3.4 or later"
            )
        if not oracledb.is_thin_mode():
            raise ConfigurationError(
                "direct_path=True: python-oracledb has direct path load in thin mode only, and is in thick mode"
            )

    def load_direct_path(
        self, connection: Any, schema: str | None, table: str, names: Sequence[str], binds: Sequence[Bind]
    ) -> None:
        """Load, in one call for all rows."""
        from orapool.drivers.array_binds import goes_as_arrow, to_rows, to_table

        data = to_table(binds, _TAKES_NO_SLICES) if all(map(goes_as_arrow, binds)) else to_rows(binds)
        connection.note_sending("insert")
        try:
            connection.direct_path_load(schema or connection.username.upper(), table, list(names), data)
        except Exception as error:
            connection.note(error)
            raise
