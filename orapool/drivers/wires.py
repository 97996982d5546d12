"""The way of one asyncio session to its server: who waits on it, and how the waiting is ended.

What python-oracledb's asynchronous calls do when nobody answers, measured with 2.5.1, 3.4.2 and 26.1:

- A cancelled call sends a break and waits for the answer, without a limit: on a frozen server the cancellation itself
  hangs. Cancelled once more it lets go, and leaves a session that calls itself healthy with an answer outstanding.
- 2.5.1 does not wake a call whose connection ends: it waits for ever. So does a call begun after that. Later ones wake
  it, but a pipeline, which goes on to wait for the answers to its other operations, for ever.
- `is_healthy()` turns False when the event loop has read the end, one turn or more after it has come.
- A cancelled log-on closes its socket. Nothing limits a log-on: `tcp_connect_timeout` is for synchronous ones.

So each call of the driver is driven by `interruptible`, which is the first to hear of a cancellation, and a `Wire` that
hears of the connection's end ends the calls that wait. Nothing here waits for the other side.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import types
from collections.abc import Generator
from typing import Any, Callable

from orapool.errors import lost_by_silence
from orapool.forking import leak
from orapool.sockets import SessionSocket, socket_of

_DEPTH = 8
"""How many hands it goes through, from a call or a connection, at most."""
_NOT_OURS = (type, types.ModuleType, types.FunctionType, dict, asyncio.AbstractEventLoop, asyncio.Future)
"""What a search does not go through: it would come upon what others hold."""
_THROWS = 8
_TIMEOUTS_CANCEL = sys.version_info >= (3, 12)
"""Whether `asyncio.wait_for`, by which the driver limits calls, cancels the task that it runs in, and takes it back."""


class Interrupted(Exception):
    """A call was given up because its time was over or its connection had ended."""


class Wire(asyncio.Protocol):
    """Stands between the transport of a session and the driver's protocol, to hear of the end.

    Args:
        transport: the session's; None while it logs on, or where it is not known.
    """

    over = False
    """Whether the connection has ended, as far as the event loop knows."""
    error: BaseException | None = None
    """What it ended by, if not by an orderly end."""
    interrupted = False
    """Whether its calls were given up."""
    disowned = False
    """Whether it is the parent's, in a forked child."""
    on_end: Callable[[], object] | None = None
    """Called when the connection has ended."""

    def __init__(self, transport: Any = None) -> None:
        self.transport = transport
        self.waits: dict[object, Any] = {}
        """The calls under way, and the futures that they wait for."""
        if transport is not None:
            protocol = transport.get_protocol()
            self.over = protocol is None  # at the very end of the log-on
        if transport is not None and not self.over:
            self._drivers = protocol
            # The transport looks these up on its protocol: without a detour, they cost nothing more.
            for name in ("data_received", "eof_received", "pause_writing", "resume_writing"):
                setattr(self, name, getattr(protocol, name))
            transport.set_protocol(self)

    def __repr__(self) -> str:
        state = "over" if self.over else f"{len(self.waits)} calls under way"
        return f"<Wire {self.transport}: {state}>"

    @property
    def socket(self) -> SessionSocket | None:
        """The session's socket, where the kernel can be asked about it."""
        found = None if self.transport is None else self.transport.get_extra_info("socket")
        return None if found is None else socket_of(found.fileno())

    @property
    def silent(self) -> bool | None:
        """Whether silence ended it (True) or a goodbye (False); None: it has not ended, or nothing told."""
        if self.error is not None:
            return lost_by_silence(self.error)
        return False if self.over else None

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport has ended: so have the calls that wait for it."""
        self.over, self.error = True, exc
        self._drivers.connection_lost(exc)
        # The driver has woken those that it wakes, from 3.4.2 on.
        self._cancel_waits()
        if self.on_end is not None:
            self.on_end()

    def interrupt(self) -> None:
        """Give up the calls under way: they raise `Interrupted`."""
        self.interrupted = True
        self._cancel_waits()

    def end(self) -> None:
        """End the connection on this side, at once. Does not wait, and the other side need not answer."""
        if self.transport is not None:
            try:
                self.transport.abort()
            except RuntimeError:  # its event loop is closed
                found = self.socket
                if found is not None:
                    found.shut_down()

    def disown(self) -> None:
        """In a forked child: never touch the transport again, whose socket and event loop are the parent's."""
        self.transport, self.disowned = None, True

    def _cancel_waits(self) -> None:
        for future in list(self.waits.values()):
            if future is not None:
                future.cancel()


def find_transport(root: object) -> Any:
    """The asyncio transport that a connection of python-oracledb, or a call that logs on, holds; None: none yet.

    The driver shows it to nobody, but the garbage collector knows who holds what.
    """
    return _find(root, lambda held: hasattr(held, "get_extra_info"))


def is_stranded(call: object, awaited: object) -> bool:
    """Whether a call that logs on awaits data of a connection that has ended, and not the next node's connection."""
    transport = find_transport(call)
    if transport is None or not transport.is_closing():
        return False
    protocol = _find(call, lambda held: isinstance(held, asyncio.BaseProtocol))
    return any(held is awaited for held in gc.get_referents(*gc.get_referents(protocol)))


def _find(root: object, matches: Callable[[object], bool]) -> Any:
    seen, level = {id(root)}, [root]
    for _ in range(_DEPTH):
        following: list[object] = []
        for held in gc.get_referents(*level):
            if id(held) in seen or isinstance(held, _NOT_OURS):
                continue
            seen.add(id(held))
            if matches(held):
                return held
            following.append(held)
        level = following
    return None


@types.coroutine
def interruptible(wire: Wire, call: Any) -> Generator[Any, None, Any]:
    """Await `call`, a coroutine of the driver's, so that nothing keeps its caller once it is cancelled or interrupted.

    Raises `Interrupted`, CancelledError, or what the call raises. After the first two nobody knows what the server will
    still send: the session is of no use any more.
    """
    try:
        awaited = call.send(None)
        while True:
            if wire.over and awaited is not None and not awaited.done():
                # It was told of the end, and waits for more: a pipeline does, for the answers that are outstanding.
                _unwind(call)
                raise Interrupted
            wire.waits[call] = awaited
            error: BaseException | None = None
            try:
                yield awaited
            except BaseException as thrown:
                error = thrown
            if wire.disowned:  # the driver would send a break on the parent's socket
                leak(call)
                raise Interrupted from error
            if isinstance(error, GeneratorExit):
                call.close()
                raise error
            if wire.interrupted or (wire.over and isinstance(error, asyncio.CancelledError)):
                _unwind(call)
                raise Interrupted from None
            if isinstance(error, asyncio.CancelledError):
                awaited = _cancel(call, error)
            elif error is not None:
                awaited = call.throw(error)
            else:
                awaited = call.send(None)
    except StopIteration as end:
        return end.value
    finally:
        wire.waits.pop(call, None)


def _cancel(call: Any, error: asyncio.CancelledError) -> Any:
    """Cancel a call, and raise `error`; but where the driver's own time-out cancelled it, what it waits for next."""
    task: Any = asyncio.current_task() if _TIMEOUTS_CANCEL else None
    if task is None:
        _unwind(call)
        raise error
    before = task.cancelling()
    try:
        awaited = call.throw(error)
    except BaseException:
        if task.cancelling() < before:
            raise
        raise error from None
    if task.cancelling() < before:
        return awaited
    _unwind(call)
    raise error


def _unwind(call: Any) -> None:
    """End a call where it stands. The driver sends its break, which ends the statement on the server, as it goes."""
    for _ in range(_THROWS):
        try:
            call.throw(asyncio.CancelledError())
        except BaseException:
            return
    call.close()
