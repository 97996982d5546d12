"""`orapool sessions`: whose the server's sessions are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from orapool import cli
from orapool.sandbox import Sandbox
from orapool.watching.local_sockets import LocalSocket, Matching, Owner
from orapool.watching.server_sessions import ServerSession, ServerSessions
from tests.conftest import DRIVERS
from tests.firewall import Firewall

CLIENT = """
    import sys
    import {module} as dbapi
    connection = dbapi.connect(user="scott", password="tiger", dsn="{dsn}")
    connection.module, connection.action = "shop", "orders"
    connection.client_identifier = "kim"
    connection.cursor().execute("select 42 from dual").fetchall()
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def client(driver: str) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Starts a process that has a session, on the bare driver, and does not look at it any more."""
    started: list[subprocess.Popen[str]] = []

    def client(dsn: str) -> subprocess.Popen[str]:
        code = textwrap.dedent(CLIENT).format(module=DRIVERS[driver], dsn=dsn)
        run = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(run)
        assert run.stdout is not None
        assert run.stdout.readline() == "ready\n"
        return run

    yield client
    for run in started:
        run.kill()
        run.communicate()


def look(*options: str) -> tuple[int, dict[str, Any]]:
    """The exit status, and what the command tells."""
    result = run(*options, "--json")
    return result.exit_code, json.loads(result.output)


def run(*options: str) -> Result:
    result = CliRunner().invoke(cli.main, ["sessions", *options])
    assert "tiger" not in result.output
    return result


def test_a_session_is_matched_with_its_process(
    settings: Callable[..., None], client: Callable[[str], subprocess.Popen[str]], sandbox: Sandbox
) -> None:
    settings()
    process = client(sandbox.dsn)
    (identity,) = sandbox.sessions()

    status, told = look()

    assert status == 0
    (session,) = told["sessions"]
    assert (session["sid"], session["serial"], session["port"]) == (
        identity["sid"],
        identity["serial"],
        identity["port"],
    )
    assert (session["owner"], session["socket"]["pid"], session["socket"]["state"]) == (
        "process",
        process.pid,
        "ESTABLISHED",
    )
    assert (session["username"], session["pool"], session["status"]) == ("SCOTT", "default", "INACTIVE")
    assert (session["module"], session["action"], session["client_identifier"]) == ("shop", "orders", "kim")
    assert (session["sql"], session["previous_sql"]) == (None, "select 42 from dual")
    assert 0 <= session["last_call"] <= session["logged_on"] + 1
    assert (told["of_no_process"], told["close_wait"]) == ([], [])


def test_a_session_whose_client_was_killed_behind_the_firewall(
    settings: Callable[..., None], client: Callable[[str], subprocess.Popen[str]], firewall: Firewall
) -> None:
    settings(dsn=firewall.sandbox.dsn)
    lost, alive = client(firewall.sandbox.dsn), client(firewall.sandbox.dsn)
    (identity, _) = sorted(firewall.sandbox.sessions(), key=lambda each: str(each["process"]) != str(lost.pid))
    assert lost.poll() is None
    firewall.drop_flows()
    lost.kill()
    lost.wait()

    status, told = look()
    shown = run()

    assert status == 1
    leaked = [each for each in told["sessions"] if each["owner"] == "nobody"]
    assert [(each["sid"], each["serial"], each["port"]) for each in leaked] == [
        (identity["sid"], identity["serial"], identity["port"])
    ]
    assert told["of_no_process"] == [[1, identity["sid"], identity["serial"]]]
    assert [each["socket"]["pid"] for each in told["sessions"] if each["owner"] == "process"] == [alive.pid]
    assert shown.exit_code == 1
    assert "NO PROCESS" in shown.output
    assert f"ALTER SYSTEM KILL SESSION '{identity['sid']},{identity['serial']}' IMMEDIATE" in " ".join(
        shown.output.split()
    )


def test_a_socket_that_the_server_has_closed(
    settings: Callable[..., None], client: Callable[[str], subprocess.Popen[str]], sandbox: Sandbox
) -> None:
    settings()
    process = client(sandbox.dsn)
    (identity,) = sandbox.sessions()
    sandbox.end_sessions("fin")

    status, told = look()
    shown = run()

    assert (status, told["sessions"]) == (1, [])
    (closed,) = told["close_wait"]
    assert (closed["pid"], closed["port"], closed["state"]) == (process.pid, identity["port"], "CLOSE_WAIT")
    assert closed["peer"] == ["127.0.0.1", sandbox.port]
    assert shown.exit_code == 1
    assert f"CLOSE_WAIT: {process.pid} " in shown.output


def test_of_this_application_or_of_all(settings: Callable[..., None], connect: Callable[..., Any]) -> None:
    settings(module="billing")
    mine = connect()
    mine.module = "billing"
    mine.ping()
    connect()
    connect(user="sh", password="sales")

    _, ours = look()
    _, everybody = look("--all", "--sort", "sid")

    assert [(each["username"], each["module"]) for each in ours["sessions"]] == [("SCOTT", "billing")]
    assert [each["username"] for each in everybody["sessions"]] == ["SCOTT", "SCOTT", "SH"]
    sids = [each["sid"] for each in everybody["sessions"]]
    assert sids == sorted(sids)


def test_another_pool_of_the_same_database_is_named(
    settings: Callable[..., None], connect: Callable[..., Any], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings()
    monkeypatch.setenv("ORAPOOL_REPORTING_URL", f"oracle://sh:sales@127.0.0.1:{sandbox.port}/?service_name=ORAPOOL")
    connect(user="sh", password="sales")

    _, told = look()

    assert [(each["username"], each["pool"]) for each in told["sessions"]] == [("SH", "reporting")]


def test_without_a_grant_it_says_which_is_needed(settings: Callable[..., None], sandbox: Sandbox) -> None:
    settings()
    sandbox.revoke("scott", "V$SESSION")

    result = run()

    assert result.exit_code == 2
    assert "GRANT SELECT ON V_$SESSION" in result.output


def test_without_the_statements(settings: Callable[..., None], connect: Callable[..., Any], sandbox: Sandbox) -> None:
    settings()
    sandbox.revoke("scott", "V$SQL")
    connect().cursor().execute("select 1 from dual").fetchall()

    status, told = look()
    shown = run()

    assert (status, told["sql_visible"]) == (0, False)
    assert told["sessions"][0]["previous_sql"] is None
    assert told["sessions"][0]["previous_sql_id"]
    assert "GRANT SELECT ON V_$SQL shows the statements" in shown.output


def test_a_database_that_is_away(settings: Callable[..., None], sandbox: Sandbox) -> None:
    settings()
    sandbox.refuse()

    result = run()

    assert result.exit_code == 2
    assert "the log-on failed" in result.output


def test_it_does_not_hang(settings: Callable[..., None], sandbox: Sandbox) -> None:
    settings()
    sandbox.freeze(log_ons_only=True)

    result = run("--timeout", "0.5")

    assert result.exit_code == 2
    assert "no session after 0.50 s" in result.output


# Matching, without a server


def session(sid: int, **changes: Any) -> ServerSession:
    found = {"machine": "web1", "port": 40_000 + sid, "process": str(1000 + sid), "program": "python"}
    names = {"status": "INACTIVE", "module": None, "action": None, "client_identifier": None}
    times = {"logged_on": 60, "last_call": 5, "sql_id": None, "previous_sql_id": None}
    return ServerSession(
        **{"instance": 1, "sid": sid, "serial": 1, "username": "SCOTT", **names, **found, **times, **changes}
    )


def matching(*sockets: LocalSocket, own: int = 40_001) -> Matching:
    mine = LocalSocket(own, ("10.0.0.1", 1521), "ESTABLISHED", os.getpid())
    sessions = ServerSessions(session(1), (), True, True)
    return Matching(sessions, [mine, *sockets], {("10.0.0.1", 1521)})


DATABASE = ("10.0.0.1", 1521)


@pytest.mark.parametrize(
    ("sockets", "changes", "owner"),
    [
        ([LocalSocket(40_002, DATABASE, "ESTABLISHED", 7)], {}, Owner.PROCESS),
        ([LocalSocket(40_002, DATABASE, "ESTABLISHED")], {}, Owner.PROCESS),
        ([LocalSocket(40_002, ("10.0.0.7", 1521), "ESTABLISHED", 7)], {}, Owner.PROCESS),  # a cluster's other node
        ([LocalSocket(40_002, ("10.0.0.9", 443), "ESTABLISHED", 7)], {}, Owner.NOBODY),
        ([LocalSocket(40_002, DATABASE, "FIN_WAIT1")], {}, Owner.NOBODY),
        ([LocalSocket(40_003, DATABASE, "ESTABLISHED", 7)], {}, Owner.NOBODY),
        ([], {"machine": "WORKGROUP\\WEB1"}, Owner.NOBODY),
        ([], {"machine": "web1.example.com"}, Owner.NOBODY),
        ([], {"machine": "web2"}, Owner.ELSEWHERE),
    ],
)
def test_whose_a_session_is(sockets: list[LocalSocket], changes: dict[str, Any], owner: Owner) -> None:
    assert matching(*sockets).match(session(2, **changes))[0] is owner


def test_behind_address_translation_sessions_are_matched_by_process() -> None:
    found = matching(LocalSocket(50_002, DATABASE, "ESTABLISHED", 1002), own=50_001)

    assert found.translated
    assert found.match(session(2))[0] is Owner.PROCESS
    assert found.match(session(3))[0] is Owner.UNKNOWN


def test_sockets_that_cannot_be_seen() -> None:
    found = Matching(ServerSessions(session(1), (), True, True), None, {DATABASE})

    assert found.match(session(2)) == (Owner.UNKNOWN, None)
    assert found.in_close_wait() == []
