"""What the sandbox is, and is not: for this machine alone, with the users it is given, and no Oracle database."""

from __future__ import annotations

import ipaddress
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import pytest

from orapool.sandbox import Sandbox
from orapool.sandbox.process import DEMO_USERS

NOT_ORACLE = "not an Oracle database"
ROOT = Path(__file__).parents[2]
# Accounts and passwords that every Oracle database had at one time.
DEFAULTS = [
    ("sys", "change_on_install"),
    ("system", "manager"),
    ("system", "oracle"),
    ("dbsnmp", "dbsnmp"),
    ("hr", "hr"),
]


def test_it_listens_on_loopback_alone() -> None:
    with Sandbox() as sandbox:
        sandbox.listen_for_tls()
        server = psutil.Process(sandbox.pid)
        found = [
            each.laddr
            for process in (server, *server.children(recursive=True))
            for each in process.net_connections("inet")
            if each.status == psutil.CONN_LISTEN
        ]
        assert len(found) == 2  # for TCP and for TLS; PostgreSQL has none
        assert all(ipaddress.ip_address(address.ip).is_loopback for address in found)


def test_it_listens_elsewhere_when_told() -> None:
    with Sandbox(host="0.0.0.0") as sandbox:
        connections = psutil.Process(sandbox.pid).net_connections("inet")
        assert [each.laddr.ip for each in connections if each.status == psutil.CONN_LISTEN] == ["0.0.0.0"]


def test_its_demo_user_is_the_only_default(connect: Callable[..., Any], dbapi: ModuleType) -> None:
    assert DEMO_USERS == {"scott": "tiger"}
    with Sandbox() as sandbox:
        for user, password in DEFAULTS:
            with pytest.raises(dbapi.DatabaseError, match="ORA-01017"):
                connect(user=user, password=password, dsn=sandbox.dsn)
        assert sandbox.stats().log_ons == 0


def test_there_is_no_demo_user_beside_those_who_are_named(connect: Callable[..., Any], dbapi: ModuleType) -> None:
    with Sandbox(users={"app": "secret"}) as sandbox:
        connect(user="app", password="secret", dsn=sandbox.dsn)
        for user, password in (("scott", "tiger"), *DEFAULTS):
            with pytest.raises(dbapi.DatabaseError, match="ORA-01017"):
                connect(user=user, password=password, dsn=sandbox.dsn)


def test_its_postgres_is_reached_by_its_own_user_only() -> None:
    with Sandbox() as sandbox:
        server = psutil.Process(sandbox.pid)
        engine = next(each for each in server.children() if each.name() == "postgres")
        folder = Path(engine.cmdline()[engine.cmdline().index("-k") + 1])
        assert folder.stat().st_mode & 0o077 == 0


def test_it_says_what_it_is_not(connect: Callable[..., Any]) -> None:
    connection = connect()
    for column in ("banner", "banner_full"):
        rows = connection.cursor().execute(f"select {column} from v$version").fetchall()
        assert any(NOT_ORACLE in banner for (banner,) in rows), column


def test_its_docs_say_what_it_is_not() -> None:
    assert NOT_ORACLE in " ".join((Sandbox.__doc__ or "").split())
    assert NOT_ORACLE in (ROOT / "README.md").read_text().replace("\n", " ")
    shown = subprocess.run([sys.executable, "-m", "orapool.cli", "sandbox", "--help"], capture_output=True, text=True)
    assert NOT_ORACLE in " ".join(shown.stdout.split())
