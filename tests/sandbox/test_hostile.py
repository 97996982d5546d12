"""Connections that do not do as the protocol says: half open, slow, mute, oversized, in floods. Nobody else notices."""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import oracledb
import psutil
import pytest

from orapool.sandbox import Sandbox
from tests.sandbox.fuzzing.mutation import packet
from tests.sandbox.fuzzing.recording import Conversation, recorded
from tests.sandbox.fuzzing.replaying import Replay, log_on_turns
from tests.sandbox.fuzzing.sessions import held, logging_sandbox, settled
from tests.waiting import until

SECONDS = 1.0
"""In which clients have to log on here."""
FLOOD = 700


@pytest.fixture(scope="module")
def hostile() -> Iterator[tuple[Sandbox, Path, list[Conversation]]]:
    """A sandbox that waits for nobody for long, its log, and conversations to begin."""
    with logging_sandbox(inbound_connect_timeout=SECONDS) as (sandbox, log), recorded(sandbox) as conversations:
        yield sandbox, log, conversations


@pytest.fixture
def server(hostile: tuple[Sandbox, Path, list[Conversation]]) -> Iterator[Sandbox]:
    """The sandbox; a good client works before, during (in `good`) and after, and nothing is held for longer."""
    sandbox, log, _conversations = hostile
    serve(sandbox)
    before = settled(sandbox, 1)  # that of who has recorded
    logged = log.stat().st_size
    yield sandbox
    serve(sandbox)
    until(lambda: held(sandbox).is_like(before), 30)
    assert held(sandbox).memory < before.memory + (64 << 20)
    assert "Traceback" not in log.read_text()[logged:]


@pytest.fixture
def turns(hostile: tuple[Sandbox, Path, list[Conversation]]) -> tuple[bytes, ...]:
    """What python-oracledb says for its log-on and some queries."""
    return next(each.turns for each in hostile[2] if each.name == "oracledb, queries")


def serve(sandbox: Sandbox) -> None:
    """A good client is served, at once as far as a busy machine can."""
    with oracledb.connect(user="scott", password="tiger", dsn=sandbox.dsn) as connection:
        connection.call_timeout = 20_000
        rows = connection.cursor().execute("select level from dual connect by level <= 2000").fetchall()
    assert rows == [(number,) for number in range(1, 2001)]


def connect(sandbox: Sandbox) -> socket.socket:
    return socket.create_connection(("127.0.0.1", sandbox.port), timeout=20)


def ends(sock: socket.socket) -> bytes:
    """What the server says until it closes the connection; the test fails by a time-out when it does not."""
    heard = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := sock.recv(65_536):
            heard += piece
    return heard


def test_who_says_nothing_is_closed(server: Sandbox, hostile: tuple[Sandbox, Path, list[Conversation]]) -> None:
    started = time.monotonic()
    with connect(server) as mute:
        serve(server)
        assert ends(mute) == b""
    assert time.monotonic() - started >= SECONDS
    until(lambda: "inbound connection timed out (ORA-3136)" in hostile[1].read_text())


@pytest.mark.parametrize("said", [1, 2, 3, 4])
def test_who_stops_amid_the_log_on_is_closed(server: Sandbox, turns: tuple[bytes, ...], said: int) -> None:
    assert said < log_on_turns(turns)
    with Replay(server.port) as replay:
        for turn in turns[:said]:
            replay.ask(turn)
        replay.sock.sendall(turns[said][: len(turns[said]) // 2])
        serve(server)
        assert ends(replay.sock) == b""


def test_a_byte_at_a_time_is_no_longer_than_all_at_once(server: Sandbox, turns: tuple[bytes, ...]) -> None:
    """Each byte that comes does not begin the time anew."""
    sent = 0
    with connect(server) as slow, contextlib.suppress(OSError):
        slow.settimeout(0.05)
        started = time.monotonic()
        for number in range(len(turns[0])):
            slow.sendall(turns[0][number : number + 1])
            sent += 1
            with contextlib.suppress(socket.timeout):
                if not slow.recv(1):
                    break
    assert 1 < sent < len(turns[0])
    assert time.monotonic() - started < 20


def test_a_log_on_may_come_in_any_pieces(server: Sandbox, turns: tuple[bytes, ...]) -> None:
    with Replay(server.port) as replay:
        for turn in turns[:4]:
            for at in range(0, len(turn) - 1, 97):
                replay.sock.sendall(turn[: len(turn) - 1][at : at + 97])
            replay.ask(turn[-1:])
        replay.ask(turns[4])
        assert server.stats().sessions == 2


def test_who_has_logged_on_may_take_its_time(server: Sandbox, turns: tuple[bytes, ...]) -> None:
    count = log_on_turns(turns)
    with Replay(server.port) as replay:
        for turn in turns[:count]:
            replay.ask(turn)
        replay.sock.sendall(turns[count][:20])
        time.sleep(2 * SECONDS)  # nothing tells that nothing happens
        serve(server)
        assert replay.ask(turns[count][20:])


def test_a_client_that_goes_amid_its_call_is_forgotten(server: Sandbox, turns: tuple[bytes, ...]) -> None:
    count = log_on_turns(turns)
    with Replay(server.port) as replay:
        for turn in turns[:count]:
            replay.ask(turn)
        replay.sock.sendall(turns[count][:20])
        replay.abandon(b"")


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
        b"\0" * 5000,
        b"\xff" * 100_000,
        packet(6, b"\0\0\3\x93\1"),
        packet(12, b"\1\0\1") * 50,
        bytes(range(256)) * 40,
    ],
    ids=["HTTP", "TLS", "zeros", "ones", "data", "markers", "all bytes"],
)
def test_what_is_not_oracle_net_is_closed(server: Sandbox, data: bytes) -> None:
    with connect(server) as other:
        with contextlib.suppress(OSError):
            other.sendall(data)
        ends(other)


def test_before_the_log_on_no_more_is_read_than_that_takes(server: Sandbox, turns: tuple[bytes, ...]) -> None:
    with Replay(server.port) as replay:
        replay.ask(turns[0])
        sent = 0
        piece = packet(6, b"\0\0" + b"\1" * 60_000)
        with contextlib.suppress(OSError):
            while sent < 64 << 20:
                replay.sock.sendall(piece)
                sent += len(piece)
        assert sent < 32 << 20  # what the system's buffers take


def test_a_client_that_does_not_hear_the_answer_waits_alone(server: Sandbox, turns: tuple[bytes, ...]) -> None:
    count = log_on_turns(turns)
    with Replay(server.port) as replay:
        for turn in turns[:count]:
            replay.ask(turn)
        replay.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        replay.sock.setblocking(False)
        sent = 0
        with contextlib.suppress(BlockingIOError):  # calls whose answers nobody takes
            while sent < 64 << 20:
                sent += replay.sock.send(turns[count] * 20)
        serve(server)
        assert held(server).memory < settled_memory(server) + (64 << 20)


def settled_memory(sandbox: Sandbox) -> int:
    return psutil.Process(sandbox.pid).memory_info().rss


def test_what_is_said_during_a_call_is_not_kept_without_bound(server: Sandbox, turns: tuple[bytes, ...]) -> None:
    """While a statement waits, the server looks for a break, and reads what comes: not all that may come."""
    count = log_on_turns(turns)
    with oracledb.connect(user="scott", password="tiger", dsn=server.dsn) as holder, Replay(server.port) as replay:
        holder.cursor().execute("insert into fuzz_values (id) values (555)")
        for turn in turns[:count]:
            replay.ask(turn)
        before = held(server).memory
        replay.sock.sendall(waiting_call(turns[count]))
        replay.sock.setblocking(False)
        flood = packet(6, b"\0\0" + b"\1" * 60_000)
        deadline = time.monotonic() + 2
        with selectors.DefaultSelector() as selector:
            selector.register(replay.sock, selectors.EVENT_WRITE)
            while time.monotonic() < deadline:
                if selector.select(0.1):
                    replay.sock.send(flood)
        assert held(server).memory < before + (16 << 20)
        serve(server)
        holder.rollback()
        replay.sock.setblocking(True)


def waiting_call(call: bytes) -> bytes:
    """A call like `select 1 from dual`, with a statement that waits for a key."""
    old, new = b"select 1 from dual", b"insert into fuzz_values (id) values (555)"
    at = call.index(old)
    sized = call[: at - 1] + bytes((len(new),)) + new + call[at + len(old) :]
    # The statement's length stands in the call's head too.
    head = sized.index(bytes((1, len(old))))
    sized = sized[:head] + bytes((1, len(new))) + sized[head + 2 :]
    return packet(6, sized[8:])


def test_a_flood_of_connections_keeps_nobody_out(server: Sandbox) -> None:
    opened: list[socket.socket] = []
    with contextlib.ExitStack() as stack:
        for _ in range(FLOOD):
            opened.append(stack.enter_context(connect(server)))
        serve(server)
        assert held(server).threads < FLOOD
        for sock in opened:
            assert ends(sock) == b""


@pytest.fixture(scope="module")
def tls(hostile: tuple[Sandbox, Path, list[Conversation]]) -> int:
    """The port where the sandbox listens for TLS."""
    return int(hostile[0].listen_for_tls().rpartition(":")[2].partition("/")[0])


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01", b"GET / HTTP/1.1\r\n\r\n", b"\0" * 5000])
def test_what_is_no_handshake_is_closed(tls: int, server: Sandbox, said: bytes) -> None:
    with socket.create_connection(("127.0.0.1", tls), timeout=20) as sock:
        sock.sendall(said)
        ends(sock)


def test_a_flood_of_handshakes_is_bounded(tls: int, server: Sandbox) -> None:
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(socket.create_connection(("127.0.0.1", tls), timeout=20)) for _ in range(FLOOD)]
        serve(server)
        assert held(server).threads < FLOOD
        for sock in opened:
            ends(sock)


def test_two_hundred_sessions_at_once(server: Sandbox) -> None:
    arguments = {"user": "scott", "password": "tiger", "dsn": server.dsn}
    with contextlib.ExitStack() as stack:
        sessions = [stack.enter_context(oracledb.connect(**arguments)) for _ in range(200)]
        for number, connection in enumerate(sessions):
            cursor = connection.cursor()
            cursor.execute("insert into fuzz_values (id) values (:1)", [number])
        assert server.stats().sessions == 201
        for number, connection in enumerate(sessions):
            # Each has its own transaction, all at once.
            assert connection.cursor().execute("select id from fuzz_values").fetchall() == [(number,)]


def test_when_no_files_are_left_the_listener_goes_on(server: Sandbox) -> None:
    process = psutil.Process(server.pid)
    before = process.rlimit(psutil.RLIMIT_NOFILE)
    process.rlimit(psutil.RLIMIT_NOFILE, (process.num_fds() + 8, before[1]))
    try:
        with contextlib.ExitStack() as stack:
            for _ in range(40):
                stack.enter_context(connect(server))
            until(lambda: process.num_fds() <= 40)
    finally:
        process.rlimit(psutil.RLIMIT_NOFILE, before)
    serve(server)
