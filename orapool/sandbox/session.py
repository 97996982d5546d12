"""One Oracle session: the protocol's phases in their order, and the calls that are not about statements."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import socket
import struct
import threading
from collections.abc import Callable

from orapool.sandbox import direct_path, lobs, messages, network_services, packets, pipelining
from orapool.sandbox.errors import OracleError
from orapool.sandbox.host import Host
from orapool.sandbox.log_in import LogIn
from orapool.sandbox.messages import CallStatus, Function, MessageType, Piggyback, make_error, make_status
from orapool.sandbox.packets import ConnectionClosed, LogOnTimeout, MarkerReceived, PacketStream
from orapool.sandbox.sql import Backend, ClientWatch, SessionIdentity
from orapool.sandbox.statements import StatementCalls
from orapool.sandbox.wire import ProtocolError, Reader, as_text

logger = logging.getLogger(__name__)

# Errors after which the server has ended the session.
_LOST = 3113
_ENDING_CODES = frozenset({28, 1012, 1033, 2396, 3113, 3114, 3135})
# How long a client that has sent what cannot be may take to hear so, in seconds.
_TOLD_SECONDS = 1.0
_JDBC_MARKER_SECONDS = 0.2
_AUTHENTICATION = frozenset({Function.AUTHENTICATE_1, Function.AUTHENTICATE_2})


class Session:
    """Serves one client connection from its first packet to its last; `run` is the whole life, in its own thread.

    Args:
        host: the server.
        sock: the accepted connection.
        sid: the session's number, as V$SESSION has it.
        count_bytes: takes the bytes received and sent.
    """

    def __init__(self, host: Host, sock: socket.socket, sid: int, count_bytes: Callable[[int, int], None]) -> None:
        self._host = host
        self._socket = sock
        self._stream = PacketStream(sock, count_bytes)
        self._reader = Reader(self._stream.receive_data)
        peer = sock.getpeername()
        self.identity = SessionIdentity(sid=sid, serial=sid * 7919 % 60_000 + 1, user="", port=peer[1])
        self._lobs = lobs.LobStore()
        self._backend: Backend | None = None
        self._statements: StatementCalls | None = None
        self._direct_path: direct_path.DirectPath | None = None
        self._sequence = 0
        self._failure: OracleError | None = None
        self._cut = False
        self._prelude = b""
        self._pipeline: pipelining.Pipeline | None = None
        # The client broke a pipeline and has seen no markers for it.
        self._owes_markers = False
        self.ended = threading.Event()
        self._log_in = LogIn(host, self._stream, self._reader, self.identity, self.ended)

    @property
    def logged_on(self) -> bool:
        """True between log-in and the end."""
        return self._backend is not None and not self.ended.is_set()

    @property
    def logging_on(self) -> bool:
        """True from the start to log-in."""
        return self._backend is None and not self.ended.is_set()

    # ------------------------------------------------------------ steered from outside
    def end(self, reset: bool = False) -> None:
        """End the session from the server's side: the client sees FIN, or RST with ``reset``."""
        self.ended.set()
        with contextlib.suppress(OSError):
            if reset:  # a close with nothing left to linger for sends RST
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self._socket.shutdown(socket.SHUT_RD)
            else:
                self._socket.shutdown(socket.SHUT_RDWR)

    @property
    def idle(self) -> float:
        """Seconds since the last call was answered; 0 while one is under way, or nobody is logged on."""
        backend = self._backend
        return backend.activity.idle if backend is not None else 0.0

    def fail_next(self, error: OracleError | None) -> None:
        """Answer the next call with this error; None takes that back."""
        self._failure = error

    def cut_next(self, enabled: bool = True) -> None:
        """Send half of the next answer and end the connection; False takes that back."""
        self._cut = enabled

    # ------------------------------------------------------------ the life of a session
    def run(self) -> None:
        """Serve the client until one side ends."""
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._stream.limit(self._host.inbound_connect_timeout)
            self._log_in.connect()
            while not self.ended.is_set():
                try:
                    self._message()
                except MarkerReceived:
                    self._break_call()
        except LogOnTimeout as error:
            logger.warning("session %d: %s", self.identity.sid, error)
        except ConnectionClosed as closed:
            logger.debug("session %d: %s", self.identity.sid, closed)
        except ProtocolError as error:
            logger.warning("session %d sent what the protocol does not know: %s", self.identity.sid, error)
            self._tell(OracleError(3137, f"malformed TTC packet from client rejected: {error}"))
        except Exception as error:
            logger.exception("session %d failed", self.identity.sid)
            self._tell(OracleError(600, f"internal error of the sandbox, whose log has more: {type(error).__name__}"))
        finally:
            self._close()

    def _tell(self, error: OracleError) -> None:
        """Say why the session ends, to a client that may have gone, or not listen."""
        if self._stream.wide_lengths:  # it is connected
            self._socket.settimeout(_TOLD_SECONDS)
            with contextlib.suppress(ConnectionClosed):
                self._stream.send_data(self._prelude + make_error(self._status(), error))

    def _close(self) -> None:
        self.ended.set()
        if self._statements is not None:
            with contextlib.suppress(OracleError):
                self._statements.close()
        if self._backend is not None:
            with contextlib.suppress(OracleError):
                self._backend.close()
        self._socket.close()

    def _message(self) -> None:
        """Read one message and answer it."""
        reader = self._reader
        kind = reader.byte()
        if kind == MessageType.PROTOCOL:
            reply = self._log_in.agree_on_protocol()
            self._host.count_call("protocol")
            self._answer(reply)
        elif kind == MessageType.DATA_TYPES:
            reply = self._log_in.agree_on_data_types()
            self._host.count_call("data_types")
            self._answer(reply)
            self._log_in.mark_ends()
        elif kind == MessageType.FAST_AUTHENTICATION:
            self._authenticate_at_once()
        elif kind == MessageType.PIGGYBACK:
            code = reader.byte()
            reader.byte()
            try:
                self._piggyback(code)
            except OracleError as error:  # the call behind it fails
                self._failure = self._failure or error
        elif kind == MessageType.ONE_WAY:
            code = reader.byte()
            reader.byte()
            self._one_way(code)
        elif kind == MessageType.FUNCTION:
            code = reader.byte()
            self._sequence = reader.byte()
            (self._pipelined_call if self._pipeline is not None else self._call)(code)
        elif kind == network_services.MAGIC[0]:
            network_services.skip_offer(reader)
            self._answer(network_services.make_refusal())
        else:
            raise ProtocolError(f"a message of type {kind}")

    def _answer(self, message: bytes) -> None:
        self._host.wait_while_frozen(self.logged_on, self.ended)
        message, self._prelude = self._prelude + message, b""
        if self._cut:
            self._stream.send_half(message)
            raise ConnectionClosed("ended within an answer")
        self._stream.send_data(message)

    def _break_call(self) -> None:
        """Break and reset: our break marker, the client's reset, ours, and then ORA-01013."""
        if self._owes_markers:  # and this is the marker that broke the pipeline, or comes behind it
            return
        self._reader.discard()
        self._pipeline = None
        if self._reader.bare:
            # JDBC's thread that cancels and the one that reads share a buffer for their markers: answered at once,
            # the second may write while the first does (BufferOverflowException, or no end).
            self.ended.wait(_JDBC_MARKER_SECONDS)
        self._stream.send_marker(packets.MARKER_BREAK)
        self._stream.await_reset()
        self._stream.send_marker(packets.MARKER_RESET)
        self._answer(
            make_error(self._status(), OracleError(messages.INTERRUPTED, "user requested cancel of current operation"))
        )

    def _status(self) -> CallStatus:
        return CallStatus(self._backend is not None and self._backend.in_transaction, self._sequence)

    # ------------------------------------------------------------ calls
    def _call(self, code: int, make: Callable[[int], None] | None = None) -> None:
        make = make or self._make_call
        activity = self._backend.activity if self._backend is not None else None
        if activity is None:
            make(code)
            return
        activity.begin()
        try:
            make(code)
        finally:
            activity.end()

    def _make_call(self, code: int) -> None:
        self._host.count_call(messages.CALL_NAMES.get(code, f"function_{code}"))  # type: ignore[call-overload]
        self._make_counted_call(code)

    def _make_counted_call(self, code: int) -> None:
        self._host.wait_while_frozen(self.logged_on, self.ended)
        self._send_owed_markers()
        delay = self._host.delay
        if delay and self._stream.client_breaks_in_within(delay):
            self._stream.await_break()
            self._break_call()
            return
        failure, self._failure = self._failure, None
        if failure:
            self._reader.discard()
            self._answer(make_error(self._status(), failure))
            if failure.code in _ENDING_CODES:
                raise ConnectionClosed(f"ended after {failure}")
            return
        ended = False
        try:
            answer = self._carry_out(code)
        except OracleError as error:
            if error.code == messages.INTERRUPTED and self._stream.client_broke_in():
                # The marker that interrupted the call is next in line, and its handshake is the answer.
                return
            answer = make_error(self._status(), error)
            ended = error.code == _LOST
        self._answer(answer)
        if ended:
            raise ConnectionClosed("the engine has gone")

    def _send_owed_markers(self) -> None:
        """Reset the client after a pipeline that it broke: it waits for markers, but drops those within a pipeline.

        Its own marker comes at some time, and means nothing by itself.
        """
        if self._owes_markers:
            self._owes_markers = False
            self._stream.send_marker(packets.MARKER_BREAK)
            self._stream.send_marker(packets.MARKER_RESET)

    # ------------------------------------------------------------ pipelines
    def _pipelined_call(self, code: int) -> None:
        """One call of a pipeline, which is answered as soon as it is carried out; its end is one too."""
        pipeline = self._pipeline
        assert pipeline is not None
        if code == Function.PIPELINE_END:
            self._reader.integer()
            self._pipeline = None
            self._answer(make_status(self._status()))
            return
        pipeline.begin_call()
        if pipeline.is_first:
            self._host.count_call("pipeline")
        self._call(code, self._make_pipelined_call)
        # Of a call that failed, or was not carried out, parts may stand in packets that are still to come.
        self._reader.discard()
        while not self._stream.request_ended:
            self._stream.receive_data()

    def _make_pipelined_call(self, code: int) -> None:
        pipeline = self._pipeline
        assert pipeline is not None
        self._host.wait_while_frozen(self.logged_on, self.ended)
        if pipeline.is_first and self._host.delay and self._stream.client_breaks_in_within(self._host.delay):
            self._note_break(pipeline)
        failure, self._failure = self._failure, None
        error = failure or pipeline.verdict
        answer = b""
        if error is None:
            try:
                answer = self._carry_out(code)
                if self._statements is not None and self._statements.failed:
                    pipeline.note_error()
            except OracleError as raised:
                error = raised
                if error.code == messages.INTERRUPTED and self._stream.client_broke_in():
                    self._note_break(pipeline)
        if error is not None:
            pipeline.note_error()
            answer = make_error(self._status(), error)
        self._answer(pipeline.token() + answer)
        if error is not None and (error.code == _LOST or error.code in _ENDING_CODES):
            raise ConnectionClosed(f"ended after {error}")

    def _note_break(self, pipeline: pipelining.Pipeline) -> None:
        """The client broke in: no call behind this one is carried out, and none is answered by markers."""
        self._owes_markers = True
        pipeline.note_error(OracleError(messages.INTERRUPTED, "user requested cancel of current operation"))

    def _carry_out(self, code: int) -> bytes:
        if code in _AUTHENTICATION:
            return self._authenticate(code)
        if code == Function.VERSION:  # which Oracle Client asks for before it logs on without a password
            return self._log_in.version() + make_status(self._status())
        backend, statements = self._backend, self._statements
        if backend is None or statements is None:
            self._reader.discard()
            raise OracleError(1012, "not logged on")
        reader = self._reader
        statements.failed = False
        if code == Function.EXECUTE:
            return statements.execute(messages.parse_execute(reader), reader)
        if code in (Function.REEXECUTE, Function.REEXECUTE_AND_FETCH):
            fetch = code == Function.REEXECUTE_AND_FETCH
            return statements.reexecute(messages.parse_reexecute(reader), reader, fetch)
        if code == Function.FETCH:
            return statements.fetch(reader.integer(), reader.integer())
        if code == Function.LOB:
            request = lobs.read_request(reader, self._lobs)
            return lobs.answer(request, self._lobs) + make_error(self._status())
        if code in direct_path.CALLS:
            self._direct_path = self._direct_path or direct_path.DirectPath(backend)
            return self._direct_path.carry_out(code, reader) + make_status(self._status())
        if code == Function.COMMIT:
            backend.commit()
        elif code == Function.ROLLBACK:
            backend.rollback()
        elif code == Function.PING:
            backend.ping()
        elif code == Function.LOG_OFF:
            backend.rollback()
        else:
            reader.discard()
            what = messages.REFUSED_CALLS.get(code, "this call")
            raise OracleError(3001, f"unimplemented feature: {what} (call {code} of the protocol)")
        return make_status(self._status())

    def _piggyback(self, code: int) -> None:
        reader = self._reader
        if code in (Piggyback.CLOSE_CURSORS, Piggyback.CANCEL_CURSORS):
            cursor_ids = messages.parse_cursor_ids(reader)
            if self._statements is not None:
                close = code == Piggyback.CLOSE_CURSORS
                (self._statements.close_cursors if close else self._statements.cancel_cursors)(cursor_ids)
        elif code == Piggyback.END_TO_END:
            self._set_end_to_end(messages.parse_end_to_end(reader))
        elif code == Piggyback.CURRENT_SCHEMA:
            reader.byte()
            schema = as_text(reader.sized_text())
            if self._backend is not None:
                self._backend.schema = schema
        elif code == Piggyback.LOB:
            lobs.read_request(reader, self._lobs)
        elif code == Piggyback.KEY_VALUES:
            messages.skip_key_values(reader)
        elif code == Piggyback.SESSION_STATE:
            reader.integer()
        elif code == Piggyback.PIPELINE_BEGIN:
            self._pipeline = pipelining.parse_begin(reader)
        elif code == Piggyback.SESSION_SWITCH:
            for _ in range(3):
                reader.integer()
        else:
            raise ProtocolError(f"piggyback {code}")

    def _set_end_to_end(self, values: messages.EndToEnd) -> None:
        if self._backend is not None:
            changed = {name: value for name, value in dataclasses.asdict(values).items() if value is not None}
            self._backend.set_identity(**changed)

    def _one_way(self, code: int) -> None:
        """A call that nobody waits for: a pooled server's session goes back to the broker."""
        if code != Function.SESSION_RELEASE:
            raise ProtocolError(f"one-way call {code}")
        self._reader.raw(2)  # no tag
        self._reader.integer()  # mode
        backend = self._backend
        if backend is None:
            return
        backend.rollback()
        if self._log_in.fresh_each_time:
            backend.reset()
            if self._statements is not None:
                self._statements.close()
            self._statements = self._statement_calls(backend)
        who = self.identity
        self._prelude = messages.make_session_returned(who.sid, who.serial, self._log_in.fresh_each_time)

    # ------------------------------------------------------------ log-in
    def _authenticate(self, code: int) -> bytes:
        """One of the two phases in which a client logs on, or a change of the password of who has."""
        if code == Function.AUTHENTICATE_1:
            parameters = self._log_in.challenge(self._backend is not None)
        elif self._backend is not None:
            parameters = self._log_in.change_password()
        else:
            parameters = self._log_in.identify()
            self._log_on()
        return parameters + make_error(self._status())

    def _authenticate_at_once(self) -> None:
        """Fast authentication: what is agreed upon and the first phase, or the only one, answered in one response."""
        self._prelude = self._log_in.agree_at_once()
        reader = self._reader
        kind, code, self._sequence = reader.byte(), reader.byte(), reader.byte()
        if kind != MessageType.FUNCTION or code not in _AUTHENTICATION:
            raise ProtocolError(f"fast authentication with a message of type {kind} and call {code}")
        self._host.count_call("fast_authentication")
        self._call(code, self._make_counted_call)

    def _log_on(self) -> None:
        self._stream.unlimit()
        watch = ClientWatch(self._socket.fileno(), self._stream.client_broke_in, self._stream.break_waits)
        self._backend = self._host.open_backend(self.identity, watch)
        self._statements = self._statement_calls(self._backend)
        self._lobs.change_row = self._backend.change_lob
        self._lobs.in_transaction = lambda: self._status().transaction_open
        self._host.count_log_on()

    def _statement_calls(self, backend: Backend) -> StatementCalls:
        return StatementCalls(
            *(backend, self._lobs, self._host.row_cache, self._status, self._host.recorder),
            *(self._log_in.is_oci, self._reader.bare),
        )
