"""Fast authentication: who knows it logs on in fewer round trips, others as ever, and all with what a log-on can be."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import oracledb
import pytest

from orapool.sandbox import Sandbox, Stats
from tests.compliance.clients.run import CLIENTS, run_checks
from tests.compliance.clients.tools import MissingError
from tests.sandbox.fuzzing.mutation import packet, split_packets
from tests.sandbox.fuzzing.recording import record_log_on
from tests.sandbox.fuzzing.replaying import Replay

Connect = Callable[..., Any]
FAST = {"fast_authentication": 1, "authenticate": 1}
PLAIN = {"protocol": 1, "data_types": 1, "authenticate": 2}
LOG_ONS = {"oracledb": FAST, "cx_oracle": PLAIN}
"""What a log-on takes, by driver."""
HEAD = 10  # of a packet of data
CHECKED = ["connect", "wrong_password", "server_version", "clob", "binds_by_name", "pool", "pool_concurrency"]


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    """A sandbox that offers it."""
    with Sandbox(users={"scott": "tiger", "sh": "sales"}, fast_authentication=True) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(server: Sandbox) -> Iterator[Sandbox]:
    """It, whom the `connect` of all tests connects to."""
    yield server
    server.heal()
    server.end_sessions()


@pytest.fixture(scope="module")
def turns(server: Sandbox) -> tuple[bytes, ...]:
    """What python-oracledb says: CONNECT, the fast authentication, the proof of its password, ..."""
    return record_log_on(server).turns


def who(connection: Any) -> tuple[Any, ...]:
    asked = "select sys_context('userenv', 'session_user'), sys_context('userenv', 'proxy_user') from dual"
    found: tuple[Any, ...] = connection.cursor().execute(asked).fetchone()
    return found


def log_on_trips(spent: Stats) -> dict[str, int]:
    return {name: count for name, count in spent.round_trips.items() if name in {**FAST, **PLAIN}}


# ---------------------------------------------------------------- who logs on how
def test_a_log_on_takes_fewer_round_trips_where_the_client_knows_it(
    connect: Connect, sandbox: Sandbox, driver: str
) -> None:
    before = sandbox.stats()
    connection = connect()
    spent = sandbox.stats() - before
    assert (spent.round_trips, spent.log_ons) == (LOG_ONS[driver], 1)
    assert who(connection) == ("SCOTT", None)
    assert connection.version.startswith("19.3")


def test_nobody_is_offered_it_unless_it_is_asked_for(running_sandbox: Sandbox) -> None:
    before = running_sandbox.stats()
    oracledb.connect(user="scott", password="tiger", dsn=running_sandbox.dsn).close()
    assert log_on_trips(running_sandbox.stats() - before) == PLAIN


def test_asyncio_logs_on_and_has_its_pipelines(sandbox: Sandbox) -> None:
    pipeline = oracledb.create_pipeline()
    pipeline.add_fetchall("select level from dual connect by level <= 3")
    pipeline.add_fetchall("select nothing from nowhere")
    pipeline.add_fetchone("select 'ř' from dual")

    async def work() -> list[Any]:
        async with oracledb.connect_async(user="scott", password="tiger", dsn=sandbox.dsn) as connection:
            results: list[Any] = await connection.run_pipeline(pipeline, continue_on_error=True)
            return results

    before = sandbox.stats()
    rows, error, row = asyncio.run(asyncio.wait_for(work(), 30))
    assert rows.rows == [(1,), (2,), (3,)]
    assert error.error.full_code == "ORA-00942"
    assert row.rows == [("ř",)]
    assert (sandbox.stats() - before).round_trips == {**FAST, "pipeline": 1, "log_off": 1}


def test_a_pool_of_asyncio(sandbox: Sandbox) -> None:
    async def ask(pool: Any, number: int) -> Any:
        async with pool.acquire() as connection:
            return (await connection.fetchone("select :1 from dual", [number]))[0]

    async def work() -> list[Any]:
        pool = oracledb.create_pool_async(user="scott", password="tiger", dsn=sandbox.dsn, min=1, max=4)
        try:
            return await asyncio.gather(*(ask(pool, number) for number in range(20)))
        finally:
            await pool.close()

    before = sandbox.stats()
    assert asyncio.run(asyncio.wait_for(work(), 60)) == list(range(20))
    spent = sandbox.stats() - before
    assert log_on_trips(spent) == dict.fromkeys(FAST, spent.log_ons)


def test_a_drivers_own_pool(sandbox: Sandbox, dbapi: ModuleType, driver: str) -> None:
    make = dbapi.SessionPool if driver == "cx_oracle" else dbapi.create_pool
    before = sandbox.stats()
    pool = make(user="scott", password="tiger", dsn=sandbox.dsn, min=0, max=3, increment=1)
    held = [pool.acquire() for _ in range(3)]
    assert [who(connection) for connection in held] == [("SCOTT", None)] * 3
    for connection in held:
        pool.release(connection)
    pool.close()
    assert log_on_trips(sandbox.stats() - before) == {name: 3 * count for name, count in LOG_ONS[driver].items()}


@pytest.mark.parametrize("client", CLIENTS)
def test_clients_that_others_wrote(sandbox: Sandbox, client: str) -> None:
    before = sandbox.stats()
    try:
        with sandbox.restored():
            found = run_checks(client, CHECKED, sandbox=sandbox)
    except MissingError as missing:
        pytest.skip(str(missing))
    assert (found.failed, found.passed) == ({}, len(CHECKED))
    assert set(log_on_trips(sandbox.stats() - before)) == set(PLAIN if client == "jdbc" else FAST)


# ---------------------------------------------------------------- what else a log-on can be
def test_a_wrong_password_and_an_unknown_user_are_denied(connect: Connect, sandbox: Sandbox, dbapi: ModuleType) -> None:
    before = sandbox.stats()
    for account in ({"password": "wrong"}, {"user": "nobody"}):
        with pytest.raises(dbapi.DatabaseError, match="ORA-01017"):
            connect(**account)
    assert (sandbox.stats() - before).denied_log_ons == 2
    assert who(connect()) == ("SCOTT", None)


def test_a_wrong_password_is_told_to_asyncio(sandbox: Sandbox) -> None:
    async def work() -> None:
        await asyncio.wait_for(oracledb.connect_async(user="scott", password="wrong", dsn=sandbox.dsn), 30)

    with pytest.raises(oracledb.DatabaseError, match="ORA-01017"):
        asyncio.run(work())


def test_a_password_that_expired_is_changed_at_log_on(connect: Connect, sandbox: Sandbox, dbapi: ModuleType) -> None:
    sandbox.expire_password("scott")
    with pytest.raises(dbapi.DatabaseError, match="ORA-28001"):
        connect()
    assert who(connect(newpassword="lion")) == ("SCOTT", None)
    connection = connect(password="lion")
    connection.changepassword("lion", "panther")
    assert who(connect(password="panther")) == ("SCOTT", None)
    sandbox.lock("scott")
    with pytest.raises(dbapi.DatabaseError, match="ORA-28000"):
        connect(password="panther")


@pytest.mark.parametrize("code", [1033, 1034])
def test_a_database_that_is_not_open_says_so_in_the_first_answer(
    connect: Connect, sandbox: Sandbox, dbapi: ModuleType, driver: str, code: int
) -> None:
    sandbox.deny_log_ons(code)
    before = sandbox.stats()
    with pytest.raises(dbapi.DatabaseError, match=f"ORA-0{code}"):
        connect()
    first = {"oracledb": {"fast_authentication": 1}, "cx_oracle": {**PLAIN, "authenticate": 1}}[driver]
    assert log_on_trips(sandbox.stats() - before) == first


def test_a_proxy(connect: Connect, sandbox: Sandbox) -> None:
    sandbox.grant_proxy("sh", "scott")
    assert who(connect(user="scott[sh]")) == ("SH", "SCOTT")


def test_passwords_and_tokens_by_tls(sandbox: Sandbox) -> None:
    """With a token, python-oracledb negotiates network services first, and then logs on as ever."""
    parts = ({"alg": "none"}, {"exp": int(time.time()) + 3600, "sub": "sh"})
    token = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    token += ".signature"
    sandbox.accept_token("sh", token)
    arguments = {"dsn": sandbox.listen_for_tls(), "wallet_location": sandbox.make_wallet()}

    before = sandbox.stats()
    with oracledb.connect(**arguments, access_token=token) as connection:
        assert log_on_trips(sandbox.stats() - before) == {**PLAIN, "authenticate": 1}
        assert who(connection) == ("SH", None)
    before = sandbox.stats()
    with oracledb.connect(**arguments, user="scott", password="tiger") as connection:
        assert log_on_trips(sandbox.stats() - before) == FAST
        assert who(connection) == ("SCOTT", None)
    with pytest.raises(oracledb.DatabaseError, match="ORA-01017"):
        oracledb.connect(**arguments, access_token=token.replace("signature", "forgery"))


def test_a_pooled_server(connect: Connect, sandbox: Sandbox, dbapi: ModuleType) -> None:
    connection = connect(dsn=f"{sandbox.dsn}:pooled", cclass="REPORTS", purity=dbapi.ATTR_PURITY_SELF)
    assert who(connection) == ("SCOTT", None)
    (session,) = sandbox.sessions()
    assert (session["server"], session["connection_class"]) == ("POOLED", "REPORTS")


def test_a_listener_sends_clients_on(connect: Connect, sandbox: Sandbox, running_node: Sandbox, driver: str) -> None:
    """And the offer counts of the listener where they end up."""
    running_node.redirect(sandbox.dsn)
    try:
        before = sandbox.stats()
        assert who(connect(dsn=running_node.dsn)) == ("SCOTT", None)
        assert log_on_trips(sandbox.stats() - before) == LOG_ONS[driver]
    finally:
        running_node.heal()


def test_a_delay_and_a_break_in_it(sandbox: Sandbox) -> None:
    sandbox.delay(0.2)
    connection = oracledb.connect(user="scott", password="tiger", dsn=sandbox.dsn)
    connection.call_timeout = 50
    with pytest.raises(oracledb.DatabaseError, match="DPY-4024"):
        who(connection)
    sandbox.delay(0)
    connection.call_timeout = 0
    assert who(connection) == ("SCOTT", None)
    connection.close()


def test_the_command_line_offers_it() -> None:
    command = [sys.executable, "-m", "orapool.cli", "sandbox", "--port", "0", "--fast-authentication"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process:
        try:
            dsn = process.stdout.readline().partition("listens on ")[2].split()[0]
            with oracledb.connect(user="scott", password="tiger", dsn=dsn) as connection:
                assert who(connection) == ("SCOTT", None)
        finally:
            process.terminate()


# ---------------------------------------------------------------- what is none
def altered(turn: bytes, what: str) -> bytes:
    """A fast authentication that cannot be; the packet has its length in four bytes."""
    (whole,) = split_packets(turn)
    data = whole[HEAD:]
    protocol = data.index(b"\1\6\0")
    field_version = data.index(b"\0" * 6 + b"\x0d\2") + 6
    call = data.index(b"\x03\x76")
    places = {
        "of another version": (1, b"\x02"),
        "without the protocol": (protocol, b"\x02"),
        "of a field version with tokens": (field_version, b"\x12"),
        "without data types": (field_version + 1, b"\x03"),
        "without a call": (call, b"\x11"),
        "with another call": (call + 1, b"\x5e"),
    }
    at, byte = places[what]
    return packet(whole[4], whole[8:HEAD] + data[:at] + byte + data[at + 1 :])


ALTERED = [
    "of another version",
    "without the protocol",
    "of a field version with tokens",
    "without data types",
    "without a call",
    "with another call",
]


@pytest.mark.parametrize("what", ALTERED)
def test_a_message_that_cannot_be_is_refused(sandbox: Sandbox, turns: tuple[bytes, ...], what: str) -> None:
    before = sandbox.stats()
    with Replay(sandbox.port) as replay:
        replay.ask(turns[0])
        heard = replay.say(altered(turns[1], what))
    assert b"ORA-03137: malformed TTC packet from client rejected: fast authentication" in heard
    assert (sandbox.stats() - before).log_ons == 0


def test_it_is_said_once_and_first(sandbox: Sandbox, turns: tuple[bytes, ...]) -> None:
    for said in ([turns[1]], [turns[1], turns[2]]):
        with Replay(sandbox.port) as replay:
            for turn in (turns[0], *said):
                replay.ask(turn)
            heard = replay.say(turns[1])
        assert b"fast authentication, which it was not offered" in heard


def test_it_is_refused_where_it_was_not_offered(running_sandbox: Sandbox, turns: tuple[bytes, ...]) -> None:
    with Replay(running_sandbox.port) as replay:
        replay.ask(turns[0])
        heard = replay.say(turns[1])
    assert b"ORA-03137" in heard
    assert b"fast authentication, which it was not offered" in heard


def test_it_may_come_in_any_pieces(sandbox: Sandbox, turns: tuple[bytes, ...]) -> None:
    """Of the stream, and as packets of few bytes."""
    data = turns[1][HEAD:]
    small = b"".join(packet(6, b"\0\0" + data[at : at + 7]) for at in range(0, len(data), 7))
    before = sandbox.stats()
    for turn in (turns[1], small):
        with Replay(sandbox.port) as replay:
            replay.ask(turns[0])
            for at in range(0, len(turn) - 1, 211):
                replay.sock.sendall(turn[: len(turn) - 1][at : at + 211])
            replay.ask(turn[-1:])
            replay.ask(turns[2])
    assert (sandbox.stats() - before).log_ons == 2


def test_the_answer_is_one_response_whose_end_is_marked(sandbox: Sandbox, turns: tuple[bytes, ...]) -> None:
    with Replay(sandbox.port) as replay:
        replay.sock.sendall(turns[0])
        size = int.from_bytes(replay.sock.recv(2, socket.MSG_WAITALL), "big")
        accept = replay.sock.recv(size - 2, socket.MSG_WAITALL)
        assert accept[-4:] == b"\x12\0\0\0"  # fast authentication, and marks
        replay.sock.sendall(turns[1])
        packets = [b""]
        while packets[-1][8:10] != b"\x20\0":
            length = replay.sock.recv(4, socket.MSG_WAITALL)
            packets.append(length + replay.sock.recv(int.from_bytes(length, "big") - 4, socket.MSG_WAITALL))
    answer = b"".join(each[HEAD:] for each in packets)
    assert answer[:1] == b"\1"  # the protocol's answer is the first
    assert answer[-1:] == b"\x1d"
    assert answer.index(b"IBMPC") < answer.index(b"AUTH_SESSKEY")
