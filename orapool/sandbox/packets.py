"""TNS packets: Oracle Net's framing, and the connect phase's messages.

A packet has a header of eight bytes: its length, a type and flags. The length has 16 bits up to and including ACCEPT,
and 32 bits afterwards, both ways (TNS version 315 and later).
"""

from __future__ import annotations

import re
import select
import socket
import struct
import time
from dataclasses import dataclass
from typing import Callable, NamedTuple

CONNECT = 1
ACCEPT = 2
REFUSE = 4
REDIRECT = 5
DATA = 6
MARKER = 12
CONTROL = 14

MARKER_BREAK = 1
MARKER_RESET = 2
MARKER_INTERRUPT = 3

HEADER_SIZE = 8
# In the header of CONNECT: a listener has sent the client here. In that of REDIRECT: what to ask for there comes along.
FLAG_REDIRECTED = 0x04
FLAG_CONNECT_DATA = 0x02
# In the two bytes before the data of a DATA packet.
DATA_FLAG_EOF = 0x0040
DATA_FLAG_END_OF_REQUEST = 0x0800
DATA_FLAG_END_OF_RESPONSE = 0x2000
# Older clients would need 16-bit lengths throughout; both drivers of today speak 318 and later.
OLDEST_VERSION = 315
# 318 and later add an out-of-band check that Oracle Client 19 insists on (oracle-net.md, part B).
NEWEST_VERSION = 317
# For clients that do without the network services of Oracle Client: python-oracledb's and node-oracledb's thin modes.
# 319 has ends of responses marked, without which nothing can be pipelined; such clients ask for no check.
NEWEST_THIN_VERSION = 319
_ACCEPT_END_OF_RESPONSE = 0x02000000
# The message that ends a response, by itself.
_END_OF_RESPONSE = b"\x1d"
_SERVICES_OFFSET = 24
_WITHOUT_SERVICES = 0x04
GREATEST_PACKET = 1 << 24
RECEIVE_SIZE = 262_144
# What may wait to be read while a call is under way: nobody waits for an answer and sends more than that.
GREATEST_BACKLOG = 1 << 20
# What a client may send before it has logged on: descriptor, capabilities and what it says of itself.
LOG_ON_BYTES = 1 << 20
_VERSION_NUMBER = 19 << 24
_TIMED_OUT = "inbound connection timed out (ORA-3136)"


class ConnectionClosed(Exception):
    """The client has gone, or this server has ended the session."""


class LogOnTimeout(ConnectionClosed):
    """The client has not logged on in time."""


class MarkerReceived(Exception):
    """A marker arrived where data was expected: the client wants to break the call."""

    def __init__(self, kind: int) -> None:
        super().__init__(f"marker {kind}")
        self.kind = kind


class Packet(NamedTuple):
    """One packet: its type, what follows the header, and the header's flags."""

    type: int
    body: bytes
    flags: int = 0


@dataclass(frozen=True)
class Connect:
    """What a client asks for with its CONNECT packet and connect descriptor."""

    version: int
    sdu: int
    descriptor: str
    redirected: bool = False
    without_services: bool = False

    @property
    def accepted_version(self) -> int:
        """The version to go on with: the newest that both sides know."""
        return min(self.version, NEWEST_THIN_VERSION if self.without_services else NEWEST_VERSION)

    @property
    def service_name(self) -> str:
        """SERVICE_NAME of the descriptor, or an empty string."""
        return self._value("SERVICE_NAME")

    @property
    def sid(self) -> str:
        """SID of the descriptor, or an empty string."""
        return self._value("SID")

    @property
    def is_pooled(self) -> bool:
        """Whether it asks for a pooled server (DRCP)."""
        return self._value("SERVER").upper() == "POOLED"

    @property
    def is_ping(self) -> bool:
        """Whether it asks the listener whether it is there, as tnsping does."""
        return self._value("COMMAND").lower() == "ping"

    def _value(self, key: str) -> str:
        match = re.search(rf"\(\s*{key}\s*=([^()]*)\)", self.descriptor, re.IGNORECASE)
        return match.group(1).strip() if match else ""


def parse_connect(packet: Packet, more: Callable[[], Packet]) -> Connect:
    """Read a CONNECT packet; a long descriptor follows in a DATA packet of its own, taken from ``more``."""
    body = packet.body
    if len(body) < 20:
        raise ConnectionClosed("a CONNECT packet too short for its fields")
    version, _lowest, _options, sdu = struct.unpack_from(">HHHH", body)
    length, offset = struct.unpack_from(">HH", body, 16)
    if min(offset - HEADER_SIZE, len(body)) >= 54:
        sdu = struct.unpack_from(">I", body, 50)[0] or sdu
    start = max(0, offset - HEADER_SIZE)
    descriptor = body[start : start + length]
    if len(descriptor) < length:
        following = more()
        if following.type != DATA:
            raise ConnectionClosed("a CONNECT packet without its descriptor")
        descriptor = following.body[2 : 2 + length]
    return Connect(
        *(version, sdu, descriptor.decode("utf-8", "replace"), bool(packet.flags & FLAG_REDIRECTED)),
        without_services=bool(body[_SERVICES_OFFSET] & _WITHOUT_SERVICES) if len(body) > _SERVICES_OFFSET else False,
    )


def make_accept(version: int, sdu: int) -> bytes:
    """The body of ACCEPT: version and packet size in force, no network encryption (0x04), no out-of-band breaks.

    With version 319 and later, ends of responses are marked.
    """
    flags = _ACCEPT_END_OF_RESPONSE if version >= NEWEST_THIN_VERSION else 0
    small_sdu = min(sdu, 65535)
    fixed = struct.pack(">HHHHHHHBB", version, 0x0001, small_sdu, small_sdu, 0x0100, 0, 45, 0x04, 0x04)
    return fixed + bytes(8) + struct.pack(">II", sdu, sdu) + struct.pack(">BI", 0, flags)


def make_refuse(code: int) -> bytes:
    """The body of REFUSE, with an ORA- code of the listener's such as 12514."""
    return _refusal(1, f"(ERR={code})(ERROR_STACK=(ERROR=(CODE={code})(EMFI=4)))")


def make_ping_answer() -> bytes:
    """The body of REFUSE with which a listener says that it is there."""
    return _refusal(0, "(ERR=0)(ALIAS=LISTENER)")


def _refusal(reason: int, parts: str) -> bytes:
    descriptor = f"(DESCRIPTION=(TMP=)(VSNNUM={_VERSION_NUMBER}){parts})".encode()
    return struct.pack(">BBH", reason, 0, len(descriptor)) + descriptor


def make_redirect(host: str, port: int, descriptor: str) -> tuple[bytes, bytes]:
    """The bodies of REDIRECT and of the DATA packet after it: where to connect instead, and what to ask for there.

    The length stands alone in the first: python-oracledb waits for the second in any case.
    """
    address = f"(ADDRESS=(PROTOCOL=TCP)(HOST={host})(PORT={port}))"
    text = f"{address}\0{descriptor}".encode()
    return struct.pack(">H", len(text)), struct.pack(">H", DATA_FLAG_EOF) + text


class PacketStream:
    """A socket as a stream of packets. Counts the bytes each way.

    Attributes:
        wide_lengths: whether packets have lengths of 32 bits: after ACCEPT.
        packet_size: the most bytes of a packet that is sent.
        marks_ends: whether the end of each answer is marked.
        request_ended: whether the packet of data that was read last is the last of its request, in a pipeline.
    """

    def __init__(self, sock: socket.socket, count_bytes: Callable[[int, int], None]) -> None:
        self._socket = sock
        self._count_bytes = count_bytes
        self._received = bytearray()
        self._deadline: float | None = None
        self._bytes_left = 0
        self.wide_lengths = False
        self.packet_size = 8192
        self.marks_ends = False
        self.request_ended = False

    def limit(self, seconds: float) -> None:
        """Let the client have so many seconds, 0 for ever, and `LOG_ON_BYTES` for what it sends, until `unlimit`."""
        self._bytes_left = LOG_ON_BYTES
        self._deadline = time.monotonic() + seconds if seconds else None

    def unlimit(self) -> None:
        """Wait for the client as long as it takes."""
        self._bytes_left, self._deadline = 0, None
        self._socket.settimeout(None)

    def receive(self) -> Packet:
        """The next packet, waiting for it."""
        received = self._received
        while True:
            size = self._next_size()
            if size and len(received) >= size:
                packet = Packet(received[4], bytes(memoryview(received)[HEADER_SIZE:size]), received[5])
                del received[:size]
                return packet
            self._receive_more(0)

    def receive_data(self) -> bytes:
        """The payload of the next DATA packet."""
        while True:
            packet = self.receive()
            if packet.type == DATA:
                if len(packet.body) < 2:
                    raise ConnectionClosed("a DATA packet without its flags")
                flags = int.from_bytes(packet.body[:2], "big")
                if flags & DATA_FLAG_EOF:
                    raise ConnectionClosed("end of file from the client")
                self.request_ended = bool(flags & DATA_FLAG_END_OF_REQUEST)
                return packet.body[2:]
            if packet.type == MARKER and len(packet.body) >= 3:
                if packet.body[2] == MARKER_RESET:
                    continue
                raise MarkerReceived(packet.body[2])
            if packet.type != CONTROL:
                raise ConnectionClosed(f"a packet of type {packet.type} where data was expected")

    def await_reset(self) -> None:
        """Read on until the client's reset marker, dropping the rest of the broken call."""
        while True:
            packet = self.receive()
            if packet.type == MARKER and packet.body[2:3] == bytes((MARKER_RESET,)):
                return

    def await_break(self) -> None:
        """Read on until the client's break marker, dropping what stands before it."""
        while self.receive().type != MARKER:
            pass

    def client_broke_in(self) -> bool:
        """True when a marker or the end of the connection waits to be read; reads nothing away."""
        try:
            if len(self._received) < GREATEST_BACKLOG:
                self._receive_more(socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass
        except ConnectionClosed:
            return True
        return self.break_waits()

    def break_waits(self) -> bool:
        """True when a marker that breaks has arrived, be it behind the other calls of a pipeline."""
        received, start = self._received, 0
        while len(received) > start + HEADER_SIZE:
            if received[start + 4] == MARKER:
                kind = received[start + HEADER_SIZE + 2 : start + HEADER_SIZE + 3]
                if kind and kind[0] != MARKER_RESET:
                    return True
            start += max(self._size_at(start), HEADER_SIZE)
        return False

    def client_breaks_in_within(self, seconds: float) -> bool:
        """Wait; True as soon as `client_broke_in` would say so, False when the time has passed."""
        deadline = time.monotonic() + seconds
        while not self.break_waits():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            if select.select([self._socket], [], [], left)[0] and self.client_broke_in():
                return True
        return True

    def send(self, packet_type: int, body: bytes, flags: int = 0) -> None:
        """Send one packet."""
        self._send(self._header(packet_type, len(body), flags) + body)

    def send_data(self, message: bytes) -> None:
        """Send an answer, cut into DATA packets of the negotiated size."""
        self._send(self._data_packets(message))

    def send_half(self, message: bytes) -> None:
        """Send the first half of what `send_data` would send: a fault."""
        data = self._data_packets(message)
        self._send(data[: len(data) // 2])

    def _data_packets(self, message: bytes) -> bytes:
        room = self.packet_size - HEADER_SIZE - 2
        last_flags = b"\0\0"
        if self.marks_ends:
            message += _END_OF_RESPONSE
            last_flags = struct.pack(">H", DATA_FLAG_END_OF_RESPONSE)
        if len(message) <= room:
            return self._header(DATA, len(message) + 2) + last_flags + message
        view = memoryview(message)
        parts: list[bytes | memoryview] = []
        for start in range(0, len(message), room):
            piece = view[start : start + room]
            flags = last_flags if start + room >= len(message) else b"\0\0"
            parts += (self._header(DATA, len(piece) + 2), flags, piece)
        return b"".join(parts)

    def send_marker(self, kind: int) -> None:
        """Send a break or reset marker."""
        self.send(MARKER, bytes((1, 0, kind)))

    def _header(self, packet_type: int, body_size: int, flags: int = 0) -> bytes:
        size = body_size + HEADER_SIZE
        if self.wide_lengths:
            return struct.pack(">IBBH", size, packet_type, flags, 0)
        return struct.pack(">HHBBH", size, 0, packet_type, flags, 0)

    def _next_size(self) -> int:
        """The size of the packet that is arriving; 0 while its header is not there yet."""
        if len(self._received) < HEADER_SIZE:
            return 0
        size = self._size_at(0)
        if not HEADER_SIZE <= size <= GREATEST_PACKET:
            raise ConnectionClosed(f"a packet that claims {size} bytes")
        return size

    def _size_at(self, start: int) -> int:
        return int.from_bytes(self._received[start : start + (4 if self.wide_lengths else 2)], "big")

    def _receive_more(self, flags: int) -> None:
        try:
            if self._deadline is not None:
                self._settimeout(self._deadline)
            data = self._socket.recv(RECEIVE_SIZE, flags)
        except BlockingIOError:
            raise
        except socket.timeout:
            raise LogOnTimeout(_TIMED_OUT) from None
        except OSError as error:
            raise ConnectionClosed(str(error)) from error
        if not data:
            raise ConnectionClosed("end of file from the client")
        self._count_bytes(len(data), 0)
        self._received += data
        if self._bytes_left:
            self._bytes_left -= len(data)
            if self._bytes_left <= 0:
                raise ConnectionClosed(f"{LOG_ON_BYTES} bytes and more without a log-on")

    def _settimeout(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise LogOnTimeout(_TIMED_OUT)
        self._socket.settimeout(left)

    def _send(self, data: bytes) -> None:
        # Counted first: the client that has its answer may ask for the counts before this thread runs again.
        self._count_bytes(0, len(data))
        try:
            self._socket.sendall(data)
        except OSError as error:
            self._count_bytes(0, -len(data))
            raise ConnectionClosed(str(error)) from error
