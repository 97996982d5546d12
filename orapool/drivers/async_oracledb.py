"""python-oracledb's asynchronous thin mode, from 2.5.1 on: connections of the asyncio pool."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
from collections.abc import AsyncIterator
from types import ModuleType
from typing import Any, Callable, Protocol

import oracledb

from orapool.causes import CANCELLED
from orapool.credentials import Credentials
from orapool.drivers.connections import ParentsConnection, PooledConnection
from orapool.drivers.left_cursors import LeftToClose, close_left
from orapool.drivers.oracledb import log_on_arguments, session_class
from orapool.drivers.wires import Interrupted, Wire, find_transport, interruptible, is_stranded
from orapool.errors import lost_by_silence, lost_connection
from orapool.settings import PoolSettings

_SETTINGS = ("autocommit", "inputtypehandler", "outputtypehandler")
"""What belongs to a session, and is the next user's too unless it is set back."""

_LOOK_PAUSE = 0.1
"""Seconds between looks at whether the connection of a log-on has ended."""


class AsyncLender(Protocol):
    """Whoever gave a connection out and wants it back: the pool."""

    async def take_back(self, connection: Any) -> None:
        """The caller has closed `connection`."""

    def take_out(self, connection: Any, cause: str) -> None:
        """`connection` shall leave the pool."""

    def reclaim(self, connection: Any) -> None:
        """`connection` is being garbage-collected. Must not block."""


class _Details:
    """What `args[0]` of the driver's exceptions has."""

    code = 0
    offset = 0
    isrecoverable = True
    context = None
    cause = None

    def __init__(self, full_code: str, text: str) -> None:
        self.full_code = full_code
        self.message = f"{full_code}: {text}"

    def __str__(self) -> str:
        return self.message


def _connection_ended() -> Exception:
    # 2.5.1 has none to say: it waits.
    return oracledb.DatabaseError(_Details("DPY-4011", "the database or network closed the connection"))


async def attended(connection: AsyncConnection, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Await a call of the driver on `connection`, which is lost if the call does not run to its end."""
    wire = connection.wire
    if wire.over:
        error = _connection_ended()
        connection.note(error)
        raise error
    try:
        return await interruptible(wire, function(*args, **options))
    except Interrupted:
        error = _connection_ended()
        connection.note(error)
        raise error from wire.error
    except Exception as error:
        connection.note(error)
        if wire.over and connection.lost_by is None:  # 2.5.1, where it does not expect the end
            raise _connection_ended() from error
        raise
    except BaseException:
        connection.lost_by = connection.lost_by or CANCELLED
        wire.end()
        raise


def _attending(drivers: type, *names: str, sends: bool = False) -> Callable[[type], Any]:
    """Have a class of connections or cursors attend to these methods of the driver's class, as far as it has them."""

    def wrap(own: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(own)
        async def method(self: Any, *args: Any, **options: Any) -> Any:
            connection = self if isinstance(self, AsyncConnection) else self.connection
            if sends:
                statement = args[0] if args else options.get("statement")
                # None is the statement that was prepared.
                connection.note_sending(self.statement if statement is None else statement)
            return await attended(connection, own, self, *args, **options)

        return method

    def decorate(cls: type) -> Any:
        for name in names:
            if hasattr(drivers, name):
                setattr(cls, name, wrap(getattr(drivers, name)))
        return cls

    return decorate


@_attending(oracledb.AsyncCursor, "__anext__", "callfunc", "callproc", "fetchall", "fetchmany", "fetchone")
@_attending(oracledb.AsyncCursor, "parse", "scroll")
@_attending(oracledb.AsyncCursor, "execute", "executemany", sends=True)
class AsyncCursor(LeftToClose, oracledb.AsyncCursor):
    """python-oracledb's cursor, watched."""


# Beside these, methods only use a cursor, or do not talk to the server.
@_attending(
    oracledb.AsyncConnection,
    "begin_sessionless_transaction",
    "changepassword",
    "commit",
    "createlob",
    "direct_path_load",
    "fetch_df_all",
    "gettype",
    "ping",
    "resume_sessionless_transaction",
    "rollback",
    "run_pipeline",
    "suspend_sessionless_transaction",
    "tpc_begin",
    "tpc_commit",
    "tpc_end",
    "tpc_forget",
    "tpc_prepare",
    "tpc_recover",
    "tpc_rollback",
)
class _Calls:
    """Methods of a connection that talk to the server."""


class AsyncConnection(_Calls, PooledConnection, oracledb.AsyncConnection):
    """python-oracledb's asynchronous connection, of the pool."""

    wire = Wire()
    """The way to the server."""
    inherited: tuple[str, ...] = ()
    """What the session's next connection has of this one."""
    fresh: tuple[tuple[str, Any], ...] = ()
    """The session's own settings as they were after the log-on."""

    def cursor(self, *args: Any, **options: Any) -> AsyncCursor:
        """As the driver's own."""
        self._verify_connected()
        close_left()
        return AsyncCursor(self, *args, **options)  # type: ignore[arg-type]

    async def fetch_df_batches(self, *args: Any, **options: Any) -> AsyncIterator[Any]:  # type: ignore[override]
        """As the driver's own."""
        batches: Any = super().fetch_df_batches(*args, **options)
        with contextlib.suppress(StopAsyncIteration):
            while True:
                yield await attended(self, batches.__anext__)

    async def close(self) -> None:  # type: ignore[override]
        """Give the session back to the pool, rolling back what was not committed. A second call does nothing."""
        lender = self.__dict__.pop("lent_by", None)
        if lender is not None:
            await lender.take_back(self)

    def told_of_transaction(self) -> bool:
        """Whether a transaction is open, as the server's last answer had it. Raises DPY-1001 for a closed session."""
        return bool(self.transaction_in_progress)

    async def commit(self) -> None:  # type: ignore[override]
        """As the driver's own."""
        await super().commit()  # type: ignore[misc]
        self.may_have_begun = False

    async def rollback(self) -> None:  # type: ignore[override]
        """As the driver's own, but without a round trip where no transaction can be open."""
        if self.in_transaction:
            await super().rollback()  # type: ignore[misc]
        self.may_have_begun = False

    def terminate(self) -> None:
        """Close the session instead of giving it back, as `drop` does: for where nothing can be awaited."""
        self.drop()

    async def __aexit__(self, *raised: Any) -> None:
        # Bound when the block was entered, perhaps in the parent process: what it does is looked up now.
        await self._leave(raised[1] if len(raised) > 1 else None)

    async def _leave(self, error: BaseException | None) -> None:  # type: ignore[override]
        if isinstance(error, Exception):
            self.note(error, by_driver=False)
        await self.close()

    def __del__(self) -> None:
        if self.lent_by is not None:
            PooledConnection.__del__(self)

    def note(self, error: BaseException, by_driver: bool = True) -> None:
        """Remember that the session is lost, if that is what `error` means."""
        # Units of work that run again are synchronous: what is lost here is not theirs to repeat.
        code = lost_connection(error, by_driver)
        if code is not None:
            self.lost_by = self.lost_by or code
            told = lost_by_silence(error) if self.wire.silent is None else self.wire.silent
            self.lost_silently = self.lost_silently or told


class AsyncDisowned(ParentsConnection, AsyncConnection):
    """A connection of the parent process."""

    driver_error = oracledb.InterfaceError

    def __getattribute__(self, name: str) -> Any:
        return object.__getattribute__(self, name) if name == "terminate" else super().__getattribute__(name)

    async def close(self) -> None:  # type: ignore[override]
        """Do nothing: the parent closes it."""

    def terminate(self) -> None:
        """Do nothing."""

    async def _leave(self, error: BaseException | None) -> None:  # type: ignore[override]
        pass


class AsyncOracleDb:
    """What the asyncio pool needs of python-oracledb. Methods that talk to the server are coroutines."""

    name = "oracledb"
    version: str = oracledb.__version__
    dbapi: ModuleType = oracledb

    async def log_on(
        self, settings: PoolSettings, credentials: Credentials, dsn: str, connect: float, transport: float
    ) -> AsyncConnection:
        """Log on.

        Args:
            settings: how the user proves who it is, if not by a password.
            credentials: whom to log on as.
            dsn: a connect descriptor.
            connect: the most seconds that it may take.
            transport: the most seconds until the TCP connection stands; 0: as long as it may take.

        Raises `Interrupted` when it takes longer, or the driver's error. Leaves no socket behind when it fails.
        """
        loop = asyncio.get_running_loop()
        connection: Any = oracledb.connect_async(
            **log_on_arguments(settings, credentials, dsn),
            **session_class(settings),
            stmtcachesize=settings.stmtcachesize,
            conn_class=AsyncConnection,
        )
        wire = Wire()
        call = connection.__await__()

        def give_up_without_transport() -> None:
            if find_transport(call) is None:
                wire.interrupt()

        def look() -> None:
            # 2.5.1 does not wake a log-on whose connection ends.
            awaited = wire.waits.get(call)
            if awaited is not None and not awaited.done() and is_stranded(call, awaited):
                wire.over = True
                wire.interrupt()
            else:
                timers["look"] = loop.call_later(_LOOK_PAUSE, look)

        timers = {"connect": loop.call_later(connect, wire.interrupt), "look": loop.call_later(_LOOK_PAUSE, look)}
        if 0 < transport < connect:
            timers["transport"] = loop.call_later(transport, give_up_without_transport)
        try:
            await interruptible(wire, call)
        except Interrupted:
            if wire.over:
                raise _connection_ended() from None
            raise
        finally:
            for timer in timers.values():
                timer.cancel()
        connection.wire = Wire(find_transport(connection._impl))
        # What a connection has from its driver goes on to the next user of the session; nothing else does.
        connection.fresh = tuple((name, getattr(connection, name)) for name in _SETTINGS)
        connection.inherited = (*connection.__dict__, "inherited", "session_state")
        found: AsyncConnection = connection
        return found

    def renew(self, connection: AsyncConnection) -> AsyncConnection:
        """A new connection on the session of `connection`, which is unusable afterwards."""
        for name, value in connection.fresh:
            if getattr(connection, name) != value:
                setattr(connection, name, value)
        renewed = AsyncConnection.__new__(AsyncConnection)
        renewed.__dict__.update({name: connection.__dict__[name] for name in connection.inherited})
        connection._impl = None
        return renewed

    async def log_off(self, connection: AsyncConnection, seconds: float) -> None:
        """Log off, within about so many seconds; the connection ends in any case."""
        try:
            await self._within(connection, seconds, oracledb.AsyncConnection.close)
        finally:
            connection.wire.end()

    async def ping(self, connection: AsyncConnection, seconds: float) -> None:
        """One round trip. Raises `Interrupted` where it takes longer than so many seconds."""
        await self._within(connection, seconds, oracledb.AsyncConnection.ping)

    async def rollback(self, connection: AsyncConnection) -> None:
        """Roll back."""
        await interruptible(connection.wire, oracledb.AsyncConnection.rollback(connection))
        connection.may_have_begun = False

    async def _within(self, connection: AsyncConnection, seconds: float, function: Callable[..., Any]) -> None:
        wire = connection.wire
        timer = asyncio.get_running_loop().call_later(seconds, wire.interrupt)
        try:
            if wire.over:
                raise Interrupted
            await interruptible(wire, function(connection))
        finally:
            timer.cancel()

    def in_transaction(self, connection: AsyncConnection) -> bool:
        """Whether a transaction is open, or may be."""
        return connection.in_transaction

    def set_call_timeout(self, connection: AsyncConnection, seconds: float) -> None:
        """Set the longest time of a round trip on this session; 0 is no limit."""
        milliseconds = math.ceil(seconds * 1000)
        if connection.call_timeout != milliseconds:
            connection.call_timeout = milliseconds

    def disown(self, connection: AsyncConnection) -> None:
        """In a forked child: make a connection of the parent unusable without touching its session."""
        connection.__class__ = AsyncDisowned

    def unreachable(self, reason: str) -> Exception:
        """The driver's error for a log-on that did not come to the server."""
        return oracledb.OperationalError(_Details("DPY-6005", f"cannot connect to database.\n{reason}"))
