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


def test_a_break_is_found_behind_calls_that_wait(ends: tuple[socket.socket, PacketStream]) -> None:
    client, stream = ends
    client.sendall(packet(packets.DATA, b"\x08\0a") + packet(packets.DATA, b"\x08\0b"))
    assert not stream.client_broke_in()
    client.sendall(packet(packets.MARKER, b"\1\0\3"))
    assert stream.client_broke_in()
    assert stream.receive_data() == b"a"
    assert stream.request_ended
    assert stream.break_waits()
    assert stream.receive_data() == b"b"
    with pytest.raises(MarkerReceived):
        stream.receive_data()


def test_a_reset_is_no_break(ends: tuple[socket.socket, PacketStream]) -> None:
    client, stream = ends
    client.sendall(packet(packets.MARKER, b"\1\0\2") + packet(packets.DATA, b"\0\0x"))
    assert not stream.client_broke_in()
    assert stream.receive_data() == b"x"
    assert not stream.request_ended


def test_the_end_of_an_answer_is_marked_where_it_is_agreed_upon(ends: tuple[socket.socket, PacketStream]) -> None:
    client, stream = ends
    stream.packet_size = 512
    stream.marks_ends = True
    for size in (3, 500, 501, 1003):
        stream.send_data(b"x" * size)
        data, flags = b"", []
        while len(data) < size + 1:
            header = client.recv(10, socket.MSG_WAITALL)
            data += client.recv(int.from_bytes(header[:4], "big") - 10, socket.MSG_WAITALL)
            flags.append(header[8:])
        assert data == b"x" * size + b"\x1d"
        assert flags == [b"\0\0"] * (len(flags) - 1) + [b"\x20\0"]


@pytest.mark.parametrize(("version", "services", "accepted"), [(318, 0x41, 317), (319, 0x41, 317), (319, 0x84, 319)])
def test_ends_of_answers_are_marked_for_thin_clients(version: int, services: int, accepted: int) -> None:
    head = version.to_bytes(2, "big") + bytes(4) + (8192).to_bytes(2, "big") + bytes(8) + bytes(2)
    body = head + (74).to_bytes(2, "big") + bytes(4) + bytes((services, services)) + bytes(40)
    connect = packets.parse_connect(packets.Packet(packets.CONNECT, body), lambda: packets.Packet(packets.DATA, b""))
    assert connect.accepted_version == accepted
    accept = packets.make_accept(accepted, 8192)
    assert bool(accept[-4] & 0x02) == (accepted == 319)
