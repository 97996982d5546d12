"""What the pool needs of a driver, and what both drivers' connections have in common."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, Callable, Protocol

from orapool.causes import ASKED
from orapool.credentials import Credentials
from orapool.drivers import units
from orapool.drivers.columns import ResultColumn, result_columns
from orapool.errors import lost_by_silence, lost_connection
from orapool.settings import PoolSettings
from orapool.tags import Tags

if TYPE_CHECKING:
    from pyarrow import RecordBatch

    from orapool.drivers.array_binds import Bind
    from orapool.drivers.arrow import Fetch

_NO_ROW = object()
_UNTOLD = object()

OnSession = Callable[[Any], None]


class DeadIdleSession(Exception):
    """Raised by `Driver.acquire`: the session it came upon was dead and is gone. Drawing again finds another."""


class Lender(Protocol):
    """Whoever gave a connection out and wants it back: the pool."""

    def take_back(self, connection: Any) -> None:
        """The caller has closed `connection`."""

    def take_out(self, connection: Any, cause: str) -> None:
        """`connection` shall leave the pool."""

    def reclaim(self, connection: Any) -> None:
        """`connection` is being garbage-collected. Must not block."""


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


class TagAttribute:
    """One of a driver's write-only attributes `Tags._fields`, which each driver sends along with the next call.

    What the connection's user sets is noted, so that the next user's tags replace it.

    Args:
        own: the driver's own attribute.
        longest: bytes that it takes; what is beyond is cut off.
    """

    def __init__(self, own: Any, longest: int) -> None:
        self.own = own
        self.longest = longest
        self.__doc__ = own.__doc__

    def __get__(self, connection: Any, owner: type) -> Any:
        return self if connection is None else self.own.__get__(connection, owner)

    def __set__(self, connection: Any, value: Any) -> None:
        state = connection.session_state
        if state is not None:
            state.told = None
        self.own.__set__(connection, value)

    def tell(self, connection: Any, value: str | None) -> None:
        """Set it on behalf of the pool; None takes away what is there."""
        if value:
            value = value.encode("utf-8", "replace")[: self.longest].decode("utf-8", "ignore")
        # python-oracledb takes None only: of an empty string it sends a byte that its length does not count.
        self.own.__set__(connection, value or None)


def describe(connection: Any, statement: str) -> tuple[ResultColumn, ...] | None:
    """What `Driver.describe` does, on both drivers: a round trip."""
    with connection.cursor() as cursor:
        cursor.parse(statement)
        return None if cursor.description is None else result_columns(cursor.description)


def native_max(settings: PoolSettings) -> int:
    """Room in the native pool: twice the pool's own, for dead sessions on their way out beside their replacements."""
    return settings.max * 2


class PooledConnection:
    """Mixed into a driver's Connection class: its close() gives the session back, and it remembers a lost session."""

    lent_by: Lender | None = None
    """The pool, while the connection is checked out."""
    lost_by: str | None = None
    """The code of the error after which the session must not be used again."""
    lost_silently: bool | None = False
    """Whether it was silence, and not a goodbye, that ended it: others may be dead too. None: not told."""
    unit: units.Unit | None = None
    """The unit of work that the connection was drawn for, if that may be run again."""

    may_have_begun = False
    """Whether something was sent since the last commit or rollback that may have begun a transaction unheard."""

    survives_cancel = True
    """Whether the session is as good as before after a call on it was cancelled."""
    call_under_way: threading.Event | None = None
    """Set when a call that nobody waits for any more has let go of the session."""
    session_state: Any = None
    """What the pool knows of the session."""

    longest_tags: tuple[int, ...] = (64, 64, 64, 64)
    """Bytes that the driver takes of each of the tags."""
    _tag_attributes: list[TagAttribute]

    def __init_subclass__(cls) -> None:
        units.watch(cls)
        if not hasattr(cls, "_tag_attributes") and hasattr(cls, "module"):
            cls._tag_attributes = [
                TagAttribute(getattr(cls, name), longest) for name, longest in zip(Tags._fields, cls.longest_tags)
            ]
            for name, attribute in zip(Tags._fields, cls._tag_attributes):
                setattr(cls, name, attribute)

    def close(self) -> None:
        """Give the session back to the pool, rolling back what was not committed. A second call does nothing."""
        lender = self._end_loan()
        if lender is not None:
            lender.take_back(self)

    def _end_loan(self) -> Lender | None:
        """The pool, to give the connection back to; None if that is being done, or was never lent.

        To delete an attribute is atomic: of two threads that close, one finds the pool.
        """
        lender = self.lent_by
        if lender is not None:
            try:
                del self.lent_by
            except AttributeError:
                return None
        return lender

    @property
    def in_call(self) -> bool:
        """Whether a call that nobody waits for any more has not let go of the session yet."""
        return self.call_under_way is not None and not self.call_under_way.is_set()

    def close_cursors(self) -> None:
        """Close what could be freed in the caller's thread while another thread has the session (blocks nobody)."""

    def tell(self, tags: Tags, told: Tags | None) -> None:
        """Tell the session who uses it, with its next call; `told` is what it was told last, None if nobody knows."""
        module, action, *others = self._tag_attributes
        renamed = told is None or told.module != tags.module
        if renamed:
            module.tell(self, tags.module)
        # Who sets the module takes the action away, and both drivers do.
        if renamed or told is None or told.action != tags.action:
            action.tell(self, tags.action)
        for attribute, value, old in zip(others, tags[2:], told[2:] if told else (_UNTOLD, _UNTOLD)):
            if value != old:
                attribute.tell(self, value)

    def drop(self) -> None:
        """Close the session instead of giving it back: the pool opens a new one when it needs one."""
        lender = self._end_loan()
        if lender is not None:
            lender.take_out(self, ASKED)

    def note(self, error: BaseException, by_driver: bool = True) -> None:
        """Remember that the session is lost, if that is what `error` means."""
        code = lost_connection(error, by_driver)
        if code is not None:
            self.lost_by = code
            self.lost_silently = self.lost_silently or lost_by_silence(error)
            for unit in (units.current.get(), self.unit):
                if unit is not None:
                    unit.note_lost(error, self.lent_by)

    def note_sending(self, statement: Any) -> None:
        """Remember whether `statement`, about to be sent, is more than a query."""
        if not self.may_have_begun:
            self.may_have_begun = units.may_begin_transaction(statement)
        for unit in (units.current.get(), self.unit):
            if unit is not None and unit.wrote is None:
                write = units.find_write(statement)
                if write is not None:
                    unit.note_write(write)

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        # Bound when the block was entered, perhaps in the parent process: what it does is looked up now.
        self._leave(error)

    def _leave(self, error: BaseException | None) -> None:
        if error is not None:
            self.note(error, by_driver=False)
        self.close()

    def __del__(self) -> None:
        if self.lent_by is not None and not sys.is_finalizing():
            lender = self._end_loan()
            if lender is not None:
                lender.reclaim(self)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open, or may be: as the server's last answer had it, and by what was sent."""
        return self.may_have_begun or self.told_of_transaction()

    def told_of_transaction(self) -> bool:
        """Whether a transaction is open, as the server's last answer had it; the driver's error for a dead session."""
        raise NotImplementedError

    def commit(self) -> None:
        """As the driver's own."""
        try:
            super().commit()  # type: ignore[misc]
        except Exception as error:
            self.note(error)
            raise
        self.may_have_begun = False

    def rollback(self) -> None:
        """As the driver's own, but without a round trip where no transaction can be open."""
        try:
            if self.in_transaction:
                super().rollback()  # type: ignore[misc]
        except Exception as error:
            self.note(error)
            raise
        self.may_have_begun = False

    def ping(self) -> None:
        """As the driver's own."""
        try:
            super().ping()  # type: ignore[misc]
        except Exception as error:
            self.note(error)
            raise


class ParentsConnection:
    """What a connection of the parent process turns into in a forked child: nothing works but letting go of it."""

    def __getattribute__(self, name: str) -> Any:
        if name in ("close", "drop", "_leave", "__class__", "__dict__"):
            return object.__getattribute__(self, name)
        raise object.__getattribute__(self, "driver_error")(
            "this connection was checked out before fork() and belongs to the parent process: acquire one here"
        )

    driver_error: type[Exception] = Exception

    def close(self) -> None:
        """Do nothing: the parent closes it."""

    drop = close

    def _leave(self, error: BaseException | None) -> None:
        pass

    def __del__(self) -> None:
        pass

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: checked out before fork()>"


class WatchedCursor:
    """Mixed into a driver's Cursor class: tells its connection of errors that mean a lost session.

    Without it a call that timed out would go unnoticed: the drivers call such a session usable (DPI-1067, DPY-4024).
    """

    connection: Any
    statement: Any

    def _note_sending(self, args: Sequence[Any], options: Mapping[str, Any]) -> None:
        statement = args[0] if args else options.get("statement")
        # None, in both drivers, is the statement that was prepared.
        self.connection.note_sending(self.statement if statement is None else statement)

    def executemanyprepared(self, *args: Any) -> Any:
        """As cx_Oracle's own."""
        note = self.connection.note
        self._note_sending((), {})
        try:
            return super().executemanyprepared(*args)  # type: ignore[misc]
        except Exception as error:
            note(error)
            raise

    def execute(self, *args: Any, **binds: Any) -> Any:
        """As the driver's own."""
        note = self.connection.note
        self._note_sending(args, binds)
        try:
            return super().execute(*args, **binds)  # type: ignore[misc]
        except Exception as error:
            note(error)
            raise

    def executemany(self, *args: Any, **options: Any) -> Any:
        """As the driver's own."""
        note = self.connection.note
        self._note_sending(args, options)
        try:
            return super().executemany(*args, **options)  # type: ignore[misc]
        except Exception as error:
            note(error)
            raise

    def callproc(self, *args: Any, **binds: Any) -> Any:
        """As the driver's own."""
        note = self.connection.note
        self.connection.note_sending("call")
        try:
            return super().callproc(*args, **binds)  # type: ignore[misc]
        except Exception as error:
            note(error)
            raise

    def callfunc(self, *args: Any, **binds: Any) -> Any:
        """As the driver's own."""
        note = self.connection.note
        self.connection.note_sending("call")
        try:
            return super().callfunc(*args, **binds)  # type: ignore[misc]
        except Exception as error:
            note(error)
            raise

    def parse(self, *args: Any, **options: Any) -> Any:
        """As the driver's own."""
        note = self.connection.note
        self._note_sending(args, options)
        try:
            return super().parse(*args, **options)  # type: ignore[misc]
        except Exception as error:
            note(error)
            raise

    def fetchraw(self, *args: Any, **options: Any) -> Any:
        """As cx_Oracle's own."""
        note = self.connection.note
        try:
            return super().fetchraw(*args, **options)  # type: ignore[misc]
        except Exception as error:
            note(error)
            raise

    def fetchone(self) -> Any:
        """As the driver's own."""
        note = self.connection.note
        try:
            return super().fetchone()  # type: ignore[misc]
        except Exception as error:
            note(error)
            raise

    def fetchmany(self, *args: Any, **options: Any) -> Any:
        """As the driver's own."""
        note = self.connection.note
        try:
            return super().fetchmany(*args, **options)  # type: ignore[misc]
        except Exception as error:
            note(error)
            raise

    def fetchall(self) -> Any:
        """As the driver's own."""
        note = self.connection.note
        try:
            return super().fetchall()  # type: ignore[misc]
        except Exception as error:
            note(error)
            raise

    def __iter__(self) -> Iterator[Any]:
        note = self.connection.note
        # A generator round the driver's __next__ costs far less a row than a __next__ in Python would.
        try:
            yield from iter(super().__next__, _NO_ROW)  # type: ignore[misc]
        except Exception as error:
            note(error)
            raise
