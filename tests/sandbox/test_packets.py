"""TNS packets over a real socket pair."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from orapool.sandbox import packets
from orapool.sandbox.packets import ConnectionClosed, MarkerReceived, PacketStream


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, PacketStream]]:
    """The client's bare socket and the server's stream."""
    client, server = socket.socketpair()
    client.settimeout(5)
    server.settimeout(5)
    stream = PacketStream(server, lambda received, sent: None)
    stream.wide_lengths = True
    with client, server:
        yield client, stream


def packet(packet_type: int, body: bytes) -> bytes:
    return (len(body) + 8).to_bytes(4, "big") + bytes((packet_type, 0, 0, 0)) + body


def test_a_message_longer_than_a_packet_is_cut(ends: tuple[socket.socket, PacketStream]) -> None:
    client, stream = ends
    stream.packet_size = 512
    stream.send_data(b"x" * 1000)
    data = client.recv(4096)
    assert int.from_bytes(data[:4], "big") == 512
    assert int.from_bytes(data[512:516], "big") == 1000 - 502 + 10


def test_a_packet_may_arrive_in_pieces(ends: tuple[socket.socket, PacketStream]) -> None:
    client, stream = ends
    whole = packet(packets.DATA, b"\0\0hello")
    client.sendall(whole[:3])
    client.sendall(whole[3:])
    assert stream.receive_data() == b"hello"


def test_a_break_marker_interrupts_reading(ends: tuple[socket.socket, PacketStream]) -> None:
    client, stream = ends
    client.sendall(packet(packets.MARKER, b"\1\0\1"))
    assert stream.client_broke_in()
    with pytest.raises(MarkerReceived):
        stream.receive_data()


def test_data_that_waits_is_no_break(ends: tuple[socket.socket, PacketStream]) -> None:
    client, stream = ends
    client.sendall(packet(packets.DATA, b"\0\0x"))
    assert not stream.client_broke_in()
    assert stream.receive_data() == b"x"


def test_a_client_that_has_gone_has_broken_in(ends: tuple[socket.socket, PacketStream]) -> None:
    client, stream = ends
    client.close()
    assert stream.client_broke_in()
    with pytest.raises(ConnectionClosed):
        stream.receive_data()


@pytest.mark.parametrize("size", [0, 7, 1 << 31])
def test_a_length_that_cannot_be_is_refused(ends: tuple[socket.socket, PacketStream], size: int) -> None:
    client, stream = ends
    client.sendall(size.to_bytes(4, "big") + bytes((packets.DATA, 0, 0, 0)))
    with pytest.raises(ConnectionClosed, match="claims"):
        stream.receive()


def test_the_descriptor_of_a_connect_may_follow_in_a_packet_of_its_own() -> None:
    descriptor = b"(DESCRIPTION=(CONNECT_DATA=(SERVICE_NAME=ORAPOOL)))"
    head = (318).to_bytes(2, "big") + bytes(4) + (8192).to_bytes(2, "big") + bytes(8)
    body = head + len(descriptor).to_bytes(2, "big") + (74).to_bytes(2, "big") + bytes(46)
    connect = packets.parse_connect(
        packets.Packet(packets.CONNECT, body), lambda: packets.Packet(packets.DATA, b"\0\0" + descriptor)
    )
    assert (connect.service_name, connect.sid) == ("ORAPOOL", "")
