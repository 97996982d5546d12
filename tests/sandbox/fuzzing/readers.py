"""The readers of messages fuzzed in this process: they may raise what they say, and keep no more than what has come."""

from __future__ import annotations

import socket
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from orapool.sandbox import (
    bind_rows,
    capabilities,
    codecs,
    direct_path,
    lobs,
    messages,
    network_services,
    packets,
    types,
)
from orapool.sandbox.errors import OracleError
from orapool.sandbox.packets import ConnectionClosed, MarkerReceived, PacketStream
from orapool.sandbox.types import CHARSET_NCHAR, OracleType
from orapool.sandbox.wire import ProtocolError, Reader
from tests.sandbox.fuzzing.mutation import DATA, HEADER_SIZE, TOKENS, alter_bytes, split_packets
from tests.sandbox.fuzzing.recording import Conversation

ALLOWED = (ProtocolError, OracleError, ConnectionClosed, MarkerReceived)
"""What a reader may raise: bytes that cannot be, a value that the sandbox does not take, the end of the connection."""
SECONDS = 5.0
"""More than any of them takes for some thousand bytes, on a machine that is busy."""
MEMORY = 48 << 20
MEMORY_OF_A_BYTE = 200
"""What may be held for each byte that has come: one of them can be a small object."""
MEASURED = 20
"""One in so many executions is measured: to measure takes its time."""

_KINDS = [
    types.number(),
    types.varchar2(40),
    types.nvarchar2(40),
    types.char(3),
    types.raw(40),
    types.DATE,
    types.timestamp(),
    types.timestamp_tz(),
    types.timestamp_ltz(),
    types.BINARY_FLOAT,
    types.BINARY_DOUBLE,
    types.INTERVAL_DS,
    types.INTERVAL_YM,
    types.ROWID,
    types.LONG,
    types.LONG_RAW,
]


def _ended() -> bytes:
    raise ConnectionClosed("end of file from the client")


def _pieces(data: bytes, size: int) -> Callable[[], bytes]:
    """The data in packets of a size, then the end."""
    starts = iter(range(0, len(data), size))

    def more() -> bytes:
        start = next(starts, None)
        if start is None:
            raise ConnectionClosed("end of file from the client")
        return data[start : start + size]

    return more


# ---------------------------------------------------------------- what is read, and what with
def _execute(reader: Reader) -> None:
    request = messages.parse_execute(reader)
    kinds = [bind.type for bind in request.binds]
    bind_rows.read(reader, kinds, range(len(kinds)), max(1, request.iterations))


def _execute_without_values(reader: Reader) -> None:
    request = messages.parse_execute(reader)
    bind_rows.read(reader, [bind.type for bind in request.binds], (), max(1, request.iterations))


def _bind_rows(reader: Reader) -> None:
    count = reader.integer()
    kinds = [_KINDS[reader.byte() % len(_KINDS)] for _ in range(3)]
    bind_rows.read(reader, kinds, range(3), max(1, count))


def _value(reader: Reader) -> None:
    kind = _KINDS[reader.byte() % len(_KINDS)]
    if reader.byte() % 4 == 0:
        kind = OracleType(kind.name, kind.code, CHARSET_NCHAR)
    value = reader.text()
    if value:
        bind_rows.decode(kind, [value] * 3)
        codecs.decoder(kind)(value)


def _lob(reader: Reader) -> None:
    store = lobs.LobStore()
    for is_clob in (True, False):
        store.locate(lobs.Lob(is_clob, b"some text", temporary=True))
    for _ in range(3):
        request = lobs.read_request(reader, store)
        lobs.answer(request, store)
        store.value(request.source)
        reader.raw(3)


def _direct_path(reader: Reader) -> None:
    list(direct_path.split_rows(reader.raw(reader.integer()), 3))


def _connect(reader: Reader) -> None:
    body = reader.raw(reader.integer())
    request = packets.parse_connect(packets.Packet(packets.CONNECT, body), lambda: packets.Packet(DATA, reader.raw(64)))
    for _ in (request.service_name, request.sid, request.is_pooled, request.is_ping):
        pass


def _types(reader: Reader) -> None:
    capabilities.make_data_types_reply(capabilities.parse_data_types(reader).types)


def _fast_authentication(reader: Reader) -> None:
    capabilities.parse_fast_authentication(reader)
    capabilities.parse_protocol(reader)
    capabilities.parse_fast_capabilities(reader)
    capabilities.make_data_types_reply(capabilities.parse_data_types(reader, knows_server=False).types)
    messages.parse_authenticate(reader)


READERS: dict[str, Callable[[Reader], object]] = {
    "protocol": capabilities.parse_protocol,
    "data types": _types,
    "fast authentication": _fast_authentication,
    "authenticate": messages.parse_authenticate,
    "execute": _execute,
    "execute without values": _execute_without_values,
    "reexecute": messages.parse_reexecute,
    "end to end": messages.parse_end_to_end,
    "cursor ids": messages.parse_cursor_ids,
    "key values": messages.skip_key_values,
    "network services": network_services.skip_offer,
    "bind rows": _bind_rows,
    "value": _value,
    "LOB": _lob,
    "direct path": _direct_path,
    "connect": _connect,
}


@dataclass(frozen=True)
class Execution:
    """One reader with what it is given."""

    reader: str
    data: bytes
    packet_size: int

    def run(self) -> None:
        """Read it all.

        Raises:
            AssertionError: it raised what it must not, or took too long.
        """
        started = time.monotonic()
        try:
            READERS[self.reader](Reader(_pieces(self.data, self.packet_size)))
        except ALLOWED:
            pass
        except BaseException as error:
            raise AssertionError(f"{self} raised {error!r}") from error
        assert time.monotonic() - started < SECONDS, f"{self} took {time.monotonic() - started:.1f} s"

    def measure(self) -> None:
        """Read it all, and look how much memory that takes.

        Raises:
            AssertionError: more than what has come asks for, and what `run` raises it for.
        """
        tracemalloc.start()
        try:
            self.run()
            taken = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        most = MEMORY + MEMORY_OF_A_BYTE * len(self.data)
        assert taken < most, f"{self} took {taken} bytes of memory"

    def __str__(self) -> str:
        return f"the reader of {self.reader!r}, in packets of {self.packet_size}, of {self.data.hex()}"


class Readers:
    """Gives readers what real clients sent, altered.

    Args:
        conversations: what is altered.
        seed: of all that is chosen.
    """

    def __init__(self, conversations: Sequence[Conversation], seed: int) -> None:
        self.executions = 0
        self._seed = seed
        # A message's reader begins behind its type and function code.
        bodies = [
            piece[HEADER_SIZE + 2 :] for each in conversations for turn in each.turns for piece in split_packets(turn)
        ]
        self._seeds = sorted({body[skip:] for body in bodies for skip in (0, 1, 3) if len(body) > 8})

    def run(self, until_time: float) -> None:
        """Go on until a moment of the monotonic clock.

        Raises:
            AssertionError: see `Execution.run`; its message tells how to have it again.
        """
        while time.monotonic() < until_time:
            self.execute(self.executions)
            self.executions += 1

    def execute(self, number: int) -> None:
        """One execution, which its number tells."""
        random = Random(f"{self._seed}/{number}")
        if random.random() < 0.8:
            data = random.choice(self._seeds)[: random.choice((200, 5000))]
        else:
            data = b"".join(random.choice(TOKENS) for _ in range(random.randrange(1, 60)))
        data = alter_bytes(random, data)
        execution = Execution(random.choice(list(READERS)), data, random.choice((1, 7, 100, 8192, 65_536)))
        if number % MEASURED:
            execution.run()
        else:
            execution.measure()


def read_packets(data: bytes, pieces: Sequence[int]) -> None:
    """Let a packet stream have data over a real socket, in pieces, until it ends or the stream refuses it.

    Raises:
        AssertionError: the stream raised what it must not.
    """
    client, server = socket.socketpair()
    with client, server:
        server.settimeout(SECONDS)
        stream = PacketStream(server, lambda received, sent: None)
        stream.wide_lengths = bool(data[:1] and data[0] & 1)
        at = 0
        for size in pieces:
            client.sendall(data[at : at + size])
            at += size
        client.sendall(data[at:])
        client.shutdown(socket.SHUT_WR)
        for _ in range(len(data) + 2):
            try:
                stream.client_broke_in()
                stream.receive_data()
            except MarkerReceived:
                continue
            except ConnectionClosed:
                return
        raise AssertionError(f"no end of the packets of {data.hex()}")
