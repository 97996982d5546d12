"""What the pool needs of a driver."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, Callable, Protocol

from orapool.credentials import Credentials
from orapool.drivers.columns import ResultColumn, result_columns
from orapool.settings import PoolSettings

if TYPE_CHECKING:
    from pyarrow import RecordBatch

    from orapool.drivers.array_binds import Bind
    from orapool.drivers.arrow import Fetch

OnSession = Callable[[Any], None]


class DeadIdleSession(Exception):
    """Raised by `Driver.acquire`: the session it came upon was dead and is gone. Drawing again finds another."""


class Driver(Protocol):
    """Everything that differs between cx_Oracle and python-oracledb.

    `native` is the driver's own pool. Times are in seconds. Methods that talk to the server say so; all others cost no
    round trip and do not block.
    """

    name: str
    version: str
    grows_alone: bool
    """Whether only one call at a time may log on or meet dead sessions: see gate.py."""
    outlives_main: bool
    """Whether a native pool has a thread that keeps the process from ending: see ending.py."""
    batch_rows: int
    """Rows of a round trip of `fetch_batches` from which on nothing is gained."""
    written_rows: int
    """Rows of a round trip of `write_rows` from which on nothing is gained."""
    logs_on_unasked: bool
    """Whether `draw_unasked` may find something, after a log-on that failed or that was not needed any more."""

    @property
    def dbapi(self) -> ModuleType:
        """The driver's module."""

    @property
    def client_version(self) -> tuple[int, ...] | None:
        """The version of Oracle Client that it stands on; None where it needs none."""

    def open(self, settings: PoolSettings, credentials: Credentials, on_session: OnSession) -> Any:
        """Make an empty native pool. `on_session` is called with each session when it is first drawn."""

    def log_on(self, settings: PoolSettings, credentials: Credentials, seconds: int) -> None:
        """Log on and off again, outside of any pool, to see whether the database is there (talks to the server)."""

    def connect(self, settings: PoolSettings, credentials: Credentials, seconds: int, watched: bool = True) -> Any:
        """Log on outside of any pool, for one who closes the connection (talks to the server).

        `seconds` limit the log-on, as far as the driver can; `watched` is False for a connection whose path the driver
        shall not probe, whatever the connect string says of EXPIRE_TIME and ENABLE.
        """

    def acquire_idle(self, native: Any) -> Any:
        """Draw an idle session, which is known to be there and alive. Raises as `acquire` does."""

    def acquire(self, native: Any, seconds: float) -> Any:
        """Draw an idle session, or log on (talks to the server) where none is idle and the pool may grow.

        Raises `DeadIdleSession`, or the driver's error of a log-on.
        """

    def draw_unasked(self, native: Any, known: int) -> Any:
        """Draw a session that the native pool has opened by itself; None if no more than the `known` ones are open."""

    def log_on_threads(self, native: Any) -> Sequence[int] | None:
        """The native ids of the threads in which `acquire` logs on, beside the caller's own; None: not known."""

    def release(self, connection: Any) -> None:
        """Put the session back into the native pool. The connection is unusable afterwards."""

    def drop(self, native: Any, connection: Any) -> None:
        """Take the session out of the native pool, logging off (talks to the server)."""

    def close(self, native: Any) -> None:
        """Close the native pool with all its sessions (talks to the server)."""

    def in_transaction(self, connection: Any) -> bool:
        """Whether a transaction is open, or may be. Raises the driver's error where the session is known to be dead."""

    def rollback(self, connection: Any) -> None:
        """Roll back (talks to the server)."""

    def ping(self, connection: Any, seconds: float) -> None:
        """One round trip within about `seconds` (talks to the server)."""

    def set_call_timeout(self, connection: Any, seconds: float) -> None:
        """Set the longest time of a round trip on this session; 0 is no limit."""

    def describe(self, connection: Any, statement: str) -> tuple[ResultColumn, ...] | None:
        """The columns of a query's result, which is not run; None for what is no query (talks to the server)."""

    def fetch_batches(self, connection: Any, fetch: Fetch) -> Iterator[RecordBatch]:
        """Run a query and fetch its rows as Arrow (talks to the server)."""

    def session_key(self, connection: Any) -> int:
        """A number that stays with a session from checkout to checkout."""

    def disown(self, connection: Any) -> None:
        """In a forked child: make a connection of the parent unusable without touching its session."""

    def is_lost_connection(self, error: BaseException) -> bool:
        """Whether `error` means that the session it came from is of no use any more."""

    def is_pool_exhausted(self, error: BaseException) -> bool:
        """Whether the native pool had no session to give within the time it was allowed."""

    def write_rows(self, cursor: Any, statement: str, binds: Sequence[Bind], batch_errors: bool) -> None:
        """Run `statement` once for each row of columns of Arrow data (talks to the server). Needs pyarrow."""

    def check_direct_path(self) -> None:
        """Raise `ConfigurationError` where there is no `load_direct_path`."""

    def load_direct_path(
        self, connection: Any, schema: str | None, table: str, names: Sequence[str], binds: Sequence[Bind]
    ) -> None:
        """Load columns of Arrow data into a table past SQL, and commit (talks to the server). Needs pyarrow."""


def describe(connection: Any, statement: str) -> tuple[ResultColumn, ...] | None:
    """What `Driver.describe` does, on both drivers: a round trip."""
    with connection.cursor() as cursor:
        cursor.parse(statement)
        return None if cursor.description is None else result_columns(cursor.description)


def native_max(settings: PoolSettings) -> int:
    """Room in the native pool: twice the pool's own, for dead sessions on their way out beside their replacements."""
    return settings.max * 2
