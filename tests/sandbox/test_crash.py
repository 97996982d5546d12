"""The sandbox when something in it is killed: its PostgreSQL, a process of that, its own server."""

from __future__ import annotations

import os
import re
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import oracledb
import psutil
import pytest

from orapool.sandbox import Sandbox, SandboxError
from tests.waiting import until

LOST = re.compile(r"ORA-0?3113")
"""Oracle Client says: DPI-1080: connection was closed by ORA-3113."""


@pytest.fixture
def breakable(driver: str) -> Iterator[Sandbox]:
    """A sandbox of this test alone, in memory for the one driver and in a folder for the other."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        with Sandbox(path=Path(made, "kept") if driver == "oracledb" else None, log_level="CRITICAL") as sandbox:
            yield sandbox


def engine(sandbox: Sandbox) -> psutil.Process:
    """The PostgreSQL of a sandbox."""
    return next(each for each in psutil.Process(sandbox.pid).children() if each.name() == "postgres")


def open_session(dbapi: ModuleType, sandbox: Sandbox) -> Any:
    return dbapi.connect(user="scott", password="tiger", dsn=sandbox.dsn)


def told(dbapi: ModuleType, connection: Any) -> str:
    """What a session is told that has lost its engine."""
    with pytest.raises(dbapi.DatabaseError) as caught:
        connection.cursor().execute("select 1 from dual")
    return str(caught.value)


def fill(connection: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("create table kept (n number)")
    cursor.execute("insert into kept values (1)")
    connection.commit()


def test_a_killed_postgres_is_told_to_clients_and_start_brings_it_back(breakable: Sandbox, dbapi: ModuleType) -> None:
    idle, busy = open_session(dbapi, breakable), open_session(dbapi, breakable)
    fill(idle)
    busy.cursor().execute("insert into kept values (2)")
    breakable.check()
    killed = engine(breakable)
    family = [killed, *killed.children()]

    killed.kill()
    psutil.wait_procs(family, timeout=20)

    assert LOST.search(told(dbapi, busy))
    assert LOST.search(told(dbapi, idle))
    with pytest.raises(dbapi.DatabaseError, match="ORA-01034.*killed by SIGKILL"):
        open_session(dbapi, breakable)
    with pytest.raises(SandboxError, match="PostgreSQL has ended, killed by SIGKILL.*start"):
        breakable.check()
    assert breakable.stats().log_ons == 2

    breakable.start()

    breakable.check()
    with open_session(dbapi, breakable) as again:
        again.module = "again"
        again.ping()
        assert again.cursor().execute("select n from kept").fetchall() == [(1,)]
        found = again.cursor().execute("select module from v$session").fetchall()
        assert found == [("again",)]
    until(lambda: breakable.stats().sessions == 0)


def test_a_killed_process_of_postgres_ends_the_sessions_and_no_more() -> None:
    dbapi = oracledb
    with Sandbox(log_level="CRITICAL") as sandbox:
        one, other = open_session(dbapi, sandbox), open_session(dbapi, sandbox)
        fill(one)
        one.module = "there"
        one.ping()
        with open_session(dbapi, sandbox) as asking:
            assert asking.cursor().execute("select module from v$session where module = 'there'").fetchall()
        # As "postgres: postgres postgres [local] idle"; those of PostgreSQL's own have other titles.
        serving = [each for each in engine(sandbox).children() if "[local]" in " ".join(each.cmdline())]
        serving[0].kill()
        psutil.wait_procs(serving, timeout=20)  # it ends all of them

        assert LOST.search(told(dbapi, one))
        assert LOST.search(told(dbapi, other))
        # PostgreSQL comes back by itself.
        opened: list[Any] = []
        refusals: list[str] = []

        def can_log_on() -> bool:
            try:
                opened.append(open_session(dbapi, sandbox))
            except dbapi.DatabaseError as error:
                refusals.append(str(error))
                return False
            return True

        until(can_log_on, 60)
        assert all("ORA-01034" in each or "ORA-03113" in each for each in refusals), refusals
        connection = opened[0]
        connection.module = "again"
        connection.ping()
        connection.cursor().execute("select n from kept").fetchall()
        rows = connection.cursor().execute("select module from v$session where sid = sys_context('userenv', 'sid')")
        assert rows.fetchall() == [("again",)]
        sandbox.check()
        connection.close()


def test_a_killed_server_is_told_and_start_begins_anew() -> None:
    dbapi = oracledb
    with Sandbox(log_level="CRITICAL") as sandbox:
        connection = open_session(dbapi, sandbox)
        assert sandbox.pid is not None
        killed = engine(sandbox)
        os.kill(sandbox.pid, signal.SIGKILL)
        psutil.wait_procs([killed], timeout=20)

        with pytest.raises(SandboxError, match="process has ended, killed by SIGKILL"):
            sandbox.check()
        with pytest.raises(SandboxError, match="process has ended"):
            sandbox.stats()
        with pytest.raises(dbapi.DatabaseError):
            connection.cursor().execute("select 1 from dual")

        port = sandbox.port
        sandbox.start()
        assert sandbox.port == port
        with open_session(dbapi, sandbox) as again:
            assert again.cursor().execute("select 1 from dual").fetchall() == [(1,)]
