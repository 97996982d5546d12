"""What a listener is asked, and its answers."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator

import pytest

from orapool.doctor.oracle_net import Answer, Kind, NotOracleNet, Unanswered, connect, ping
from orapool.sandbox import Sandbox

SECONDS = 10
REFUSE, REDIRECT, DATA, RESEND = 4, 5, 6, 11


def descriptor(sandbox: Sandbox, service: str, padding: int = 0) -> str:
    return (
        f"(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=127.0.0.1)(PORT={sandbox.port}))"
        f"(CONNECT_DATA=(SERVICE_NAME={service})(CID=(PROGRAM={'x' * padding}))))"
    )


def packet(kind: int, body: bytes) -> bytes:
    return struct.pack(">HHBBH", len(body) + 8, 0, kind, 0, 0) + body


@contextlib.contextmanager
def listener(*answers: bytes) -> Iterator[int]:
    """A listener that gives one answer to each CONNECT of one client."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            client, _ = server.accept()
            with client:
                for answer in answers:
                    client.recv(65_536)
                    client.sendall(answer)
                with contextlib.suppress(ConnectionResetError):  # it did not read all of it
                    client.recv(65_536)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            thread.join(SECONDS)


def test_a_listener_that_is_pinged_tells_its_version(sandbox: Sandbox) -> None:
    before = sandbox.stats()

    answer = ping("127.0.0.1", sandbox.port, SECONDS)

    assert (answer.kind, answer.code, answer.version) == (Kind.REFUSED, 0, "19.0")
    assert (sandbox.stats() - before).log_ons == 0


@pytest.mark.parametrize("padding", [0, 500])
def test_a_service_is_known_or_not_however_long_the_descriptor(sandbox: Sandbox, padding: int) -> None:
    known = connect("127.0.0.1", sandbox.port, descriptor(sandbox, "ORAPOOL", padding), SECONDS)
    unknown = connect("127.0.0.1", sandbox.port, descriptor(sandbox, "SALES", padding), SECONDS)

    assert (known.kind, unknown.kind, unknown.code) == (Kind.ACCEPTED, Kind.REFUSED, 12514)


def test_a_listener_that_wants_to_be_asked_again_is() -> None:
    refusal = packet(REFUSE, b"\0\0\0\0(DESCRIPTION=(VSNNUM=352321536)(ERR=0))")

    with listener(packet(RESEND, b""), refusal) as port:
        answer = ping("127.0.0.1", port, SECONDS)

    assert (answer.kind, answer.code, answer.version) == (Kind.REFUSED, 0, "21.0")


@pytest.mark.parametrize("apart", [False, True])
def test_where_a_listener_sends_clients_on_to(apart: bool) -> None:
    text = b"(ADDRESS=(PROTOCOL=TCP)(HOST=node7)(PORT=1522))\0(DESCRIPTION=(HOST=other))"
    length = struct.pack(">H", len(text))
    redirect = packet(REDIRECT, length) + packet(DATA, b"\0\0" + text) if apart else packet(REDIRECT, length + text)

    with listener(redirect) as port:
        answer = ping("127.0.0.1", port, SECONDS)

    assert (answer.kind, answer.target) == (Kind.REDIRECTED, ("node7", 1522))


def test_what_is_no_listener() -> None:
    with listener(b"HTTP/1.1 400 Bad Request\r\n") as port, pytest.raises(NotOracleNet, match="HTTP/1.1"):
        ping("127.0.0.1", port, SECONDS)
    with listener(packet(6, b"\0\0")) as port, pytest.raises(NotOracleNet, match="a packet of type 6"):
        ping("127.0.0.1", port, SECONDS)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises((TimeoutError, socket.timeout)):
        ping("127.0.0.1", silent.getsockname()[1], 0.2)


def test_a_listener_that_goes_without_a_word() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: server.accept()[0].close())
        thread.start()
        with pytest.raises(Unanswered):
            ping("127.0.0.1", server.getsockname()[1], SECONDS)
        thread.join(SECONDS)


def test_an_answer_without_a_version_or_an_address() -> None:
    assert (Answer(Kind.REFUSED).version, Answer(Kind.REDIRECTED, text="(HOST=db)").target) == ("", None)
