"""`orapool doctor` finds the step that fails, on both drivers."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from orapool import cli
from orapool.sandbox import Sandbox
from tests.conftest import THICK
from tests.doctor.conftest import Told
from tests.firewall import Firewall
from tests.waiting import until

Doctor = Callable[..., Told]

BEFORE = {
    "name": [],
    "route": ["name"],
    "port": ["name"],
    "listener": ["name", "address"],
    "service": ["name", "address", "listener"],
    "credentials": ["name", "address", "listener", "service"],
    "database": ["name", "address", "listener", "service"],
}


def assert_fails_at(told: Told, step: str) -> None:
    """The step fails, those before it are good, and a session was not to be had."""
    assert (told.status, told.pool["fails_at"]) == (1, step)
    assert [told.verdict(check) for check in BEFORE[step]] == ["good"] * len(BEFORE[step])
    assert [told.verdict(check) for check in ("driver", "settings", "descriptor")] == ["good"] * 3
    assert told.verdict("server") == "skipped"
    assert step in told.finding("server")["found"]


def test_all_is_good(doctor: Doctor, sandbox: Sandbox) -> None:
    told = doctor("--workers", "9", "--threads", "4")

    assert told.status == 0
    assert [finding["check"] for finding in told.pool["findings"] if finding["verdict"] != "good"] == []
    assert list(dict.fromkeys(finding["check"] for finding in told.pool["findings"])) == [
        *("driver", "settings", "descriptor", "name", "address", "listener", "service"),
        *("log-on", "server", "limits", "time-outs", "sizing"),
    ]
    assert told.finding("listener")["values"]["version"] == "19.0"
    assert told.finding("log-on")["values"]["round_trips"] > 3
    assert "19.3" in told.said("server")
    assert "processes 500" in told.said("limits")
    assert "the kernel has taken it" in told.said("time-outs")
    assert "TRANSPORT_CONNECT_TIMEOUT = 2  (setting transport_connect_timeout, default)" in told.said("descriptor")
    assert "9 workers x max 4 are 36 sessions" in told.said("sizing")
    until(lambda: sandbox.stats().sessions == 0)  # it has logged off


def test_it_is_told_in_words(settings: Callable[..., None], driver: str) -> None:
    settings(max=5)

    result = CliRunner().invoke(cli.main, ["doctor"])

    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0].startswith("Pool default, scott@")
    assert re.match(r"good     driver     (cx_Oracle|python-oracledb) \d", lines[1])
    assert any(re.match(r" +max +5 +variable ORAPOOL_MAX", line) for line in lines)
    assert any(re.match(r"skipped  sizing +how many processes", line) for line in lines)
    assert lines[-1] == "All is good"
    assert "tiger" not in result.output
    assert "\x1b" not in result.output


@pytest.mark.parametrize("no_color", ["", "1"])
def test_there_are_colours_on_a_terminal_only(settings: Callable[..., None], no_color: str) -> None:
    settings(dsn="no-such-host.invalid/ORAPOOL")
    terminal, other = pty.openpty()
    command = [sys.executable, "-m", "orapool.cli", "doctor"]

    run = subprocess.Popen(command, stdout=other, env={**os.environ, "NO_COLOR": no_color})
    os.close(other)
    shown = b""
    with contextlib.suppress(OSError):  # which is how a terminal tells that nobody writes any more
        while True:
            shown += os.read(terminal, 4096)
    os.close(terminal)

    assert run.wait(60) == 1
    assert b"It fails at: name" in shown
    assert (b"\x1b[" in shown) is (no_color == "")


def test_a_name_that_is_not_known(doctor: Doctor) -> None:
    told = doctor(dsn="no-such-host.invalid:1521/ORAPOOL")

    assert_fails_at(told, "name")
    assert "no-such-host.invalid is not known" in told.said("name")


def test_one_name_of_two_that_is_not_known(doctor: Doctor, sandbox: Sandbox, driver: str) -> None:
    told = doctor(dsn=f"127.0.0.1,no-such-host.invalid:{sandbox.port}/ORAPOOL?load_balance=off")

    by_client = driver == "cx_oracle" or THICK  # thin mode looks up all names first, and fails
    assert (told.status, told.pool["fails_at"]) == ((0, None) if by_client else (1, "name"))
    verdicts = [finding["verdict"] for finding in told.pool["findings"] if finding["check"] == "name"]
    assert verdicts == ["good", "warning" if by_client else "bad"]


def test_an_address_behind_a_firewall_is_silent(doctor: Doctor, firewall: Firewall) -> None:
    firewall.drop_everything()
    began = time.monotonic()

    told = doctor("--timeout", "0.5", dsn=firewall.sandbox.dsn)

    assert_fails_at(told, "route")
    assert "is silent: nothing came back within 0.5 s" in told.said("address")
    assert time.monotonic() - began < 10


def test_a_port_on_which_nobody_listens(doctor: Doctor, sandbox: Sandbox) -> None:
    sandbox.refuse()

    told = doctor()

    assert_fails_at(told, "port")
    assert "refuses the connection" in told.said("address")


@contextlib.contextmanager
def listening(answer: bytes | None) -> Iterator[int]:
    """A port that accepts connections and answers: None is nothing at all, b"" the end of the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepted = []

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                accepted.append(connection)
                with contextlib.suppress(OSError):  # who only looks whether the port is reached has gone
                    if answer is not None:
                        connection.sendall(answer)
                        connection.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in accepted:
                connection.close()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "accepts connections and says nothing"),
        (b"", "ends the connection unanswered"),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", "another protocol than Oracle Net: b'SSH-2.0-"),
        (b"\x15\x03\x03\x00\x02\x02\x16\x00\x00", "it speaks TLS"),
    ],
)
def test_a_port_on_which_no_listener_listens(doctor: Doctor, answer: bytes | None, words: str) -> None:
    with listening(answer) as port:
        told = doctor("--timeout", "1", dsn=f"127.0.0.1:{port}/ORAPOOL")

    assert_fails_at(told, "listener")
    assert words in told.said("listener")


def test_a_listener_that_hangs(doctor: Doctor, sandbox: Sandbox) -> None:
    sandbox.freeze()

    assert_fails_at(doctor("--timeout", "0.5"), "listener")


def test_a_service_that_the_listener_does_not_know(doctor: Doctor, sandbox: Sandbox) -> None:
    told = doctor(dsn=f"127.0.0.1:{sandbox.port}/SALES")

    assert_fails_at(told, "service")
    assert "does not know service SALES (ORA-12514)" in told.said("service")


def test_a_sid_that_the_listener_does_not_know(doctor: Doctor, sandbox: Sandbox) -> None:
    told = doctor(dsn=f"127.0.0.1:{sandbox.port}:XE")

    assert_fails_at(told, "service")
    assert "does not know SID XE (ORA-12505)" in told.said("service")


def test_a_database_that_lets_nobody_in(doctor: Doctor, sandbox: Sandbox) -> None:
    sandbox.refuse(code=12528)

    told = doctor()

    assert (told.status, told.pool["fails_at"]) == (1, "database")
    assert "ORA-12528" in told.said("service")
    assert told.verdict("listener") == "good"


@pytest.mark.parametrize("code", [1033, 1034])
def test_a_database_that_is_not_open(doctor: Doctor, sandbox: Sandbox, code: int) -> None:
    sandbox.deny_log_ons(code)

    told = doctor()

    assert_fails_at(told, "database")
    assert f"ORA-0{code}" in told.said("log-on")
    assert "the database is not open" in told.said("log-on")


def test_a_listener_that_sends_on_to_a_node_that_is_not_reached(doctor: Doctor, sandbox: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    sandbox.redirect(f"127.0.0.1:{port}")

    told = doctor()

    assert (told.status, told.pool["fails_at"]) == (1, "port")
    assert f"sends on to 127.0.0.1:{port}, which refuses the connection" in told.said("service")


def test_a_listener_that_sends_on(doctor: Doctor, sandbox: Sandbox) -> None:
    sandbox.redirect(sandbox.dsn)

    told = doctor()

    assert (told.status, told.pool["fails_at"]) == (0, None)
    assert f"sends on to 127.0.0.1:{sandbox.port}, which is reached" in told.said("service")


@pytest.mark.parametrize("wrong", ["password", "user", "locked", "expired"])
def test_credentials(doctor: Doctor, sandbox: Sandbox, wrong: str) -> None:
    given = {"password": "lion"} if wrong == "password" else {"user": "nobody"} if wrong == "user" else {}
    if wrong == "locked":
        sandbox.lock("scott")
    if wrong == "expired":
        sandbox.expire_password("scott")

    told = doctor(**given)

    assert_fails_at(told, "credentials")
    assert {"locked": "ORA-28000", "expired": "ORA-28001"}.get(wrong, "ORA-01017") in told.said("log-on")
    assert "lion" not in told.output


def test_a_log_on_that_hangs_is_cut_off(doctor: Doctor, sandbox: Sandbox) -> None:
    sandbox.delay(30)
    began = time.monotonic()

    told = doctor("--timeout", "1")

    assert_fails_at(told, "database")
    assert "has not ended after 1 s" in told.said("log-on")
    assert time.monotonic() - began < 15


def test_settings_that_are_wrong(doctor: Doctor) -> None:
    told = doctor(max="many")

    assert (told.status, told.pool["fails_at"]) == (1, "settings")
    assert "max: input should be a valid integer" in told.said("settings")
    assert told.verdict("driver") == "good"
    assert told.verdict("descriptor") == "skipped"


def test_a_descriptor_that_is_wrong_is_shown_with_the_character(doctor: Doctor, tmp_path: Path) -> None:
    text = "sales = (DESCRIPTION=(ADDRESS=(HOST=db1)(PORT=15x1)))\n"
    tmp_path.joinpath("tnsnames.ora").write_text(text)

    told = doctor(dsn="sales", config_dir=tmp_path)

    assert (told.status, told.pool["fails_at"]) == (1, "descriptor")
    assert f"line 1, column {text.index('15x1') + 1}" in told.said("descriptor")


def test_a_password_file_that_is_not_there(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORAPOOL_PASSWORD", "")

    told = doctor(password="", password_file="/nowhere/secret")

    assert (told.status, told.pool["fails_at"]) == (1, "settings")
    assert "/nowhere/secret" in told.said("settings")


@pytest.mark.deselect_if(THICK, reason="the process is in thick mode")
def test_a_setting_that_the_driver_cannot(doctor: Doctor, driver: str) -> None:
    told = doctor(thick="true", password="x") if driver == "cx_oracle" else doctor(driver="cx_orcale")

    assert (told.status, told.pool["fails_at"]) == (1, "settings")


def test_litter_of_oracle_client_is_a_warning(doctor: Doctor, tmp_path: Path) -> None:
    tmp_path.joinpath("oradiag_scott").mkdir()

    told = doctor()

    assert (told.status, told.pool["warnings"]) == (0, 1)
    assert f"{tmp_path}/oradiag_scott" in told.said("driver")
    assert "DIAG_ADR_ENABLED=OFF" in told.said("driver")


def test_a_profile_that_ends_idle_sessions(doctor: Doctor, sandbox: Sandbox) -> None:
    sandbox.limit_idle("scott", 900)

    told = doctor()
    heeded = doctor(idle_timeout=600, min=0)

    assert (told.status, told.pool["warnings"]) == (0, 1)
    assert "idle for 15 minutes (ORA-02396)" in told.said("limits")
    assert "set idle_timeout below 900 and min=0" in told.said("limits")
    assert heeded.pool["warnings"] == 0


def test_limits_that_are_not_visible(doctor: Doctor, sandbox: Sandbox) -> None:
    for view in ("V$RESOURCE_LIMIT", "V$PARAMETER", "USER_RESOURCE_LIMITS"):
        sandbox.revoke("scott", view)

    told = doctor("--workers", "3")

    assert told.status == 0
    assert "GRANT SELECT ON V_$RESOURCE_LIMIT" in told.said("limits")
    assert "the user's profile is not visible: ORA-00942" in told.said("limits")
    assert told.verdict("sizing") == "skipped"


def test_a_pool_that_is_too_large_is_a_warning(doctor: Doctor) -> None:
    told = doctor("--workers", "100", max=8)

    assert (told.status, told.pool["warnings"]) == (0, 1)
    assert "100 workers x max 8 are 800 sessions at most" in told.said("sizing")


def test_time_outs_that_contradict_each_other(doctor: Doctor, sandbox: Sandbox) -> None:
    dsn = (
        f"(DESCRIPTION=(EXPIRE_TIME=1)(ADDRESS=(PROTOCOL=TCP)(HOST=127.0.0.1)(PORT={sandbox.port}))"
        f"(ADDRESS=(PROTOCOL=TCP)(HOST=localhost)(PORT={sandbox.port}))(CONNECT_DATA=(SERVICE_NAME=ORAPOOL)))"
    )

    told = doctor(dsn=dsn, keepalive_idle=120, acquire_timeout=3)

    assert told.status == 0
    assert "EXPIRE_TIME 1 in the connect string is shorter than keepalive_idle" in told.said("time-outs")
    assert "set transport_connect_timeout below 1.5" in told.said("time-outs")


@pytest.mark.deselect_if(THICK, reason="Oracle Client has no wallet of the sandbox's kind")
def test_a_listener_for_tls(doctor: Doctor, sandbox: Sandbox) -> None:
    dsn, wallet = sandbox.listen_for_tls(), sandbox.make_wallet()

    told = doctor(dsn=f"{dsn}?ssl_server_dn_match=off", wallet_location=wallet, driver="oracledb")

    assert (told.status, told.pool["fails_at"]) == (0, None)
    assert "by TLSv1." in told.said("listener")
    assert wallet not in told.said("descriptor")


@pytest.mark.deselect_if(THICK, reason="Oracle Client has no wallet of the sandbox's kind")
def test_a_listener_that_demands_a_certificate_is_left_to_the_log_on(doctor: Doctor, sandbox: Sandbox) -> None:
    dsn, wallet = sandbox.listen_for_tls(), sandbox.make_wallet("oyster1")
    sandbox.demand_client_certificates()

    given = {"wallet_location": wallet, "wallet_password": "oyster1", "driver": "oracledb"}
    told = doctor(dsn=f"{dsn}?ssl_server_dn_match=off", **given)
    without = doctor(dsn=f"{dsn}?ssl_server_dn_match=off", **{**given, "wallet_location": sandbox.make_wallet()})

    assert (told.status, told.pool["fails_at"]) == (0, None)
    assert [told.verdict(check) for check in ("listener", "service", "log-on")] == ["skipped", "skipped", "good"]
    assert (without.status, without.verdict("log-on")) == (1, "bad")
    assert "oyster1" not in told.output + without.output


def test_several_pools(settings: Callable[..., None], monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    settings()
    monkeypatch.setenv("ORAPOOL_REPORTING_URL", f"oracle://sh:wrong@127.0.0.1:{sandbox.port}/?service_name=ORAPOOL")

    result = CliRunner().invoke(cli.main, ["doctor"])

    assert result.exit_code == 1
    assert re.findall(r"^(?:Pool \w+|All is good|It fails at: \w+)", result.output, re.MULTILINE) == [
        "Pool default",
        "All is good",
        "Pool reporting",
        "It fails at: credentials",
    ]
    assert "wrong" not in result.output


@pytest.mark.deselect_if(THICK, reason="the mode is a setting")
def test_no_settings_at_all(settings: Callable[..., None], tmp_path: Path) -> None:
    result = CliRunner().invoke(cli.main, ["doctor"])
    named = CliRunner().invoke(cli.main, ["doctor", "--config", str(tmp_path / "gone.ini")])

    assert result.exit_code == 1
    assert "nothing says where its database is" in " ".join(result.output.split())
    assert named.exit_code == 2
