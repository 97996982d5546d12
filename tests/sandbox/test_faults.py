"""The sandbox's faults, and its exact counts, as the bare drivers see them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from orapool.sandbox import Sandbox, SandboxError

Connect = Callable[..., Any]


def query(connection: Any) -> Any:
    return connection.cursor().execute("select 1 from dual").fetchone()


def test_a_log_on_costs_four_round_trips(connect: Connect, sandbox: Sandbox) -> None:
    before = sandbox.stats()
    connect()
    spent = sandbox.stats() - before
    assert (spent.connects, spent.log_ons, spent.sessions) == (1, 1, 1)
    assert spent.round_trips == {"protocol": 1, "data_types": 1, "authenticate": 2}


def test_each_call_is_counted(connect: Connect, sandbox: Sandbox) -> None:
    connection = connect()
    query(connection)
    before = sandbox.stats()
    query(connection)
    connection.commit()
    connection.ping()
    spent = sandbox.stats() - before
    assert {name: spent.round_trips[name] for name in ("execute", "commit", "ping")} == {
        "execute": 1,
        "commit": 1,
        "ping": 1,
    }
    assert spent.bytes_received > 0
    assert spent.bytes_sent > 0


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_an_ended_session_is_a_lost_connection(connect: Connect, sandbox: Sandbox, dbapi: ModuleType, how: str) -> None:
    connection = connect()
    assert sandbox.end_sessions(how) == 1
    with pytest.raises(dbapi.Error, match="ORA-03113|ORA-03135|DPI-1080|DPY-4011"):
        query(connection)
    assert sandbox.stats().sessions == 0


def test_one_session_can_be_ended_alone(connect: Connect, sandbox: Sandbox) -> None:
    first, second = connect(), connect()
    sids = sorted(session["sid"] for session in sandbox.sessions())
    sandbox.end_sessions("fin", sid=sids[0])
    assert query(second) == (1,)
    assert [session["sid"] for session in sandbox.sessions()] == sids[1:]
    del first


def test_a_frozen_server_answers_after_thaw(connect: Connect, sandbox: Sandbox) -> None:
    connection = connect()
    sandbox.freeze()
    answers: list[Any] = []
    waiting = threading.Thread(target=lambda: answers.append(query(connection)))
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()
    sandbox.thaw()
    waiting.join(10)
    assert answers == [(1,)]


def test_a_frozen_server_lets_no_one_in(connect: Connect, sandbox: Sandbox) -> None:
    sandbox.freeze()
    opening = threading.Thread(target=connect)
    opening.start()
    opening.join(0.3)
    assert opening.is_alive()
    assert sandbox.stats().sessions == 0
    sandbox.thaw()
    opening.join(10)
    assert sandbox.stats().sessions == 1


def test_a_refusing_server_keeps_its_sessions(connect: Connect, sandbox: Sandbox, dbapi: ModuleType) -> None:
    connection = connect()
    sandbox.refuse()
    with pytest.raises(dbapi.DatabaseError, match="ORA-12541|DPY-6005"):
        connect()
    assert query(connection) == (1,)
    sandbox.refuse(False)
    assert query(connect()) == (1,)


def test_the_listener_can_refuse_with_a_code(connect: Connect, sandbox: Sandbox, dbapi: ModuleType) -> None:
    sandbox.refuse(code=12528)
    for _ in range(2):
        with pytest.raises(dbapi.DatabaseError, match="12528"):
            connect()


def test_the_listener_can_refuse_once(connect: Connect, sandbox: Sandbox, dbapi: ModuleType) -> None:
    sandbox.refuse(code=12528, times=1)
    with pytest.raises(dbapi.DatabaseError, match="12528"):
        connect()
    connect()


class TestRedirect:
    def test_a_client_is_sent_on_and_logs_on_there(self, connect: Connect, sandbox: Sandbox, node: Sandbox) -> None:
        sandbox.redirect(node.dsn)
        before, before_there = sandbox.stats(), node.stats()

        connection = connect()

        assert query(connection) == (1,)
        spent, spent_there = sandbox.stats() - before, node.stats() - before_there
        assert (spent.connects, spent.redirects, spent.log_ons, spent.round_trips) == (1, 1, 0, {})
        assert (spent_there.connects, spent_there.redirects, spent_there.log_ons) == (1, 0, 1)
        assert spent_there.round_trips == {"protocol": 1, "data_types": 1, "authenticate": 2, "execute": 1}
        assert [session["service"] for session in node.sessions()] == ["ORAPOOL"]

    def test_a_descriptor_of_any_length_goes_along(self, connect: Connect, sandbox: Sandbox, node: Sandbox) -> None:
        address = f"(ADDRESS=(PROTOCOL=TCP)(HOST={sandbox.host})(PORT={sandbox.port}))"
        sandbox.redirect(f"{node.host}:{node.port}")
        for times in (1, 5):
            addresses = f"(ADDRESS_LIST={address * times})"
            dsn = f"(DESCRIPTION=(CONNECT_TIMEOUT=10){addresses}(CONNECT_DATA=(SERVICE_NAME=ORAPOOL)))"
            assert query(connect(dsn=dsn)) == (1,)
        assert node.stats().sessions == 2

    def test_a_listener_can_send_clients_on_to_itself(self, connect: Connect, sandbox: Sandbox) -> None:
        sandbox.redirect(sandbox.dsn)
        before = sandbox.stats()
        assert query(connect()) == (1,)
        spent = sandbox.stats() - before
        assert (spent.connects, spent.redirects, spent.log_ons) == (2, 1, 1)

    def test_sessions_that_are_open_stay_and_heal_ends_it(
        self, connect: Connect, sandbox: Sandbox, node: Sandbox
    ) -> None:
        earlier = connect()
        sandbox.redirect(node.dsn)
        assert query(earlier) == (1,)
        sandbox.heal()
        assert query(connect()) == (1,)
        assert (sandbox.stats().sessions, node.stats().sessions) == (2, 0)

    def test_an_unknown_service_is_refused_before(
        self, connect: Connect, sandbox: Sandbox, node: Sandbox, dbapi: ModuleType
    ) -> None:
        sandbox.redirect(node.dsn)
        before = sandbox.stats()
        with pytest.raises(dbapi.DatabaseError, match="12514|DPY-6001"):
            connect(dsn=sandbox.dsn.replace("ORAPOOL", "OTHER"))
        assert (sandbox.stats() - before).redirects == 0

    def test_nobody_listens_there(self, connect: Connect, sandbox: Sandbox, node: Sandbox, dbapi: ModuleType) -> None:
        sandbox.redirect(node.dsn)
        node.refuse()
        with pytest.raises(dbapi.DatabaseError, match="ORA-12541|ORA-12545|ORA-12516|DPY-6005"):
            connect()

    @pytest.mark.parametrize("address", ["", "node", "node:", "node:x", "node:1521x", "(ADDRESS=1)", "node:70000"])
    def test_an_address_that_cannot_be_is_refused(self, sandbox: Sandbox, address: str) -> None:
        with pytest.raises(SandboxError, match="an address is host:port, not "):
            sandbox.redirect(address)


def test_each_call_can_be_delayed(connect: Connect, sandbox: Sandbox) -> None:
    connection = connect()
    sandbox.delay(0.2)
    started = time.monotonic()
    query(connection)
    assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize("code", [28, 1033, 2396])
def test_the_next_call_can_fail_and_ends_the_session(
    connect: Connect, sandbox: Sandbox, dbapi: ModuleType, code: int
) -> None:
    connection = connect()
    assert sandbox.fail_next(code) == 1
    with pytest.raises(dbapi.Error, match=rf"ORA-0*{code}|DPY-4011"):
        query(connection)
    with pytest.raises(dbapi.Error):
        query(connection)


def test_a_stopped_server_comes_back_on_its_port_with_its_data(
    connect: Connect, sandbox: Sandbox, dbapi: ModuleType
) -> None:
    cursor = connect().cursor()
    cursor.execute("create table kept (id number)")
    cursor.execute("insert into kept values (7)")
    cursor.connection.commit()
    port = sandbox.port
    sandbox.stop()
    with pytest.raises(dbapi.Error):
        query(cursor.connection)
    with pytest.raises(dbapi.Error):
        connect()
    sandbox.start()
    assert sandbox.port == port
    cursor = connect().cursor()
    assert cursor.execute("select id from kept").fetchall() == [(7,)]
    cursor.execute("drop table kept")


def test_a_mute_log_on_leaves_open_sessions_alone(connect: Connect, sandbox: Sandbox) -> None:
    connection = connect()
    sandbox.freeze(log_ons_only=True)
    opening = threading.Thread(target=connect)
    opening.start()
    opening.join(0.3)
    assert opening.is_alive()
    assert query(connection) == (1,)
    assert sandbox.stats().sessions == 1
    sandbox.heal()
    opening.join(10)
    assert sandbox.stats().sessions == 2


@pytest.mark.parametrize("sql", ["select 1 from dual", "select level from dual connect by level <= 20000"])
def test_an_answer_can_be_cut_in_half(connect: Connect, sandbox: Sandbox, dbapi: ModuleType, sql: str) -> None:
    connection = connect()
    query(connection)
    assert sandbox.cut_next() == 1
    with pytest.raises(dbapi.Error, match="ORA-03113|ORA-12547|ORA-12537|DPI-1080|DPY-4011"):
        connection.cursor().execute(sql).fetchall()
    assert sandbox.stats().sessions == 0
    assert query(connect()) == (1,)


def test_one_session_can_be_cut_alone_and_heal_takes_it_back(connect: Connect, sandbox: Sandbox) -> None:
    first, second = connect(), connect()
    sids = sorted(session["sid"] for session in sandbox.sessions())
    assert sandbox.cut_next(sid=sids[0]) == 1
    assert query(second) == (1,)
    sandbox.heal()
    assert query(first) == (1,)
