"""What the sandbox is, and is not: for this machine alone, with the users it is given, and no Oracle database."""

from __future__ import annotations

import importlib
import ipaddress
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import oracledb
import psutil
import pytest

from orapool.sandbox import Sandbox
from orapool.sandbox.process import DEMO_USERS

NOT_ORACLE = "not an Oracle database"
ROOT = Path(__file__).parents[2]
# Accounts and passwords that every Oracle database had at one time.
DEFAULTS = [("sys", "change_on_install"), ("system", "manager"), ("system", "oracle"), ("hr", "hr")]


def listening(sandbox: Sandbox) -> list[str]:
    """The addresses where a sandbox and its PostgreSQL listen."""
    server = psutil.Process(sandbox.pid)
    return [
        each.laddr.ip
        for process in (server, *server.children(recursive=True))
        for each in process.net_connections("inet")
        if each.status == psutil.CONN_LISTEN
    ]


def refused(sandbox: Sandbox, accounts: list[tuple[str, str]]) -> None:
    for dbapi in (oracledb, importlib.import_module("cx_Oracle")):
        for user, password in accounts:
            with pytest.raises(dbapi.DatabaseError, match="ORA-01017"):
                log_on(dbapi, sandbox, user, password)


def log_on(dbapi: Any, sandbox: Sandbox, user: str, password: str) -> None:
    dbapi.connect(user=user, password=password, dsn=f"127.0.0.1:{sandbox.port}/ORAPOOL").close()


def test_it_is_for_its_own_machine_and_its_demo_user_alone() -> None:
    assert DEMO_USERS == {"scott": "tiger"}
    with Sandbox() as sandbox:
        sandbox.listen_for_tls()
        found = listening(sandbox)
        assert len(found) == 2  # for TCP and for TLS; PostgreSQL has none
        assert all(ipaddress.ip_address(address).is_loopback for address in found)
        engine = next(each for each in psutil.Process(sandbox.pid).children() if each.name() == "postgres")
        folder = Path(engine.cmdline()[engine.cmdline().index("-k") + 1])
        assert folder.stat().st_mode & 0o077 == 0  # where PostgreSQL is reached
        refused(sandbox, DEFAULTS)
        assert sandbox.stats().log_ons == 0


def test_it_is_open_to_others_and_for_other_users_when_told() -> None:
    with Sandbox(host="0.0.0.0", users={"app": "secret"}) as sandbox:
        assert listening(sandbox) == ["0.0.0.0"]
        log_on(oracledb, sandbox, "app", "secret")
        refused(sandbox, [("scott", "tiger"), *DEFAULTS])


def test_it_says_what_it_is_not(connect: Callable[..., Any]) -> None:
    connection = connect()
    for column in ("banner", "banner_full", "banner_legacy"):
        rows = connection.cursor().execute(f"select {column} from v$version").fetchall()
        assert any(NOT_ORACLE in banner for (banner,) in rows), column


def test_its_docs_say_what_it_is_not() -> None:
    assert NOT_ORACLE in " ".join((Sandbox.__doc__ or "").split())
    assert NOT_ORACLE in (ROOT / "README.md").read_text().replace("\n", " ")
    shown = subprocess.run([sys.executable, "-m", "orapool.cli", "sandbox", "--help"], capture_output=True, text=True)
    assert NOT_ORACLE in " ".join(shown.stdout.split())
