"""The sandbox as a process: its life, its control connection, its folder."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import oracledb
import psutil
import pytest

from orapool.sandbox import Sandbox, SandboxError
from orapool.sandbox.control import ControlClient, control_path


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SandboxError, match="did not start.*in use"), Sandbox(port=port):
            pass


def test_it_must_be_started_to_be_steered() -> None:
    with pytest.raises(SandboxError, match="not started"):
        Sandbox().stats()


def test_no_sandbox_on_a_port_is_said() -> None:
    with pytest.raises(SandboxError, match="no sandbox answers"):
        ControlClient(control_path(1)).call("stats")


def test_an_unknown_command_and_bad_arguments_are_said(sandbox: Sandbox) -> None:
    client = ControlClient(control_path(sandbox.port))
    with pytest.raises(SandboxError, match="no command 'explode'"):
        client.call("explode")
    with pytest.raises(SandboxError, match="'fin' or 'rst'"):
        sandbox.end_sessions("bang")
    with pytest.raises(SandboxError, match="one of 28"):
        sandbox.fail_next(942)


def test_only_its_user_can_steer_it(sandbox: Sandbox) -> None:
    assert stat.S_IMODE(control_path(sandbox.port).parent.stat().st_mode) == 0o700


def test_the_password_stands_in_no_command_line_or_repr() -> None:
    with Sandbox(users={"app": "very-secret"}) as sandbox:
        assert "very-secret" not in repr(sandbox)
        children = psutil.Process().children(recursive=True)
        assert not any("very-secret" in argument for child in children for argument in child.cmdline())


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that PostgreSQL's own user can reach too, as it must when the tests run as root."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made, "kept")


def test_a_folder_keeps_the_data(folder: Path) -> None:
    for run in ("first", "second"):
        with Sandbox(path=folder) as sandbox:
            connection = oracledb.connect(user="scott", password="tiger", dsn=sandbox.dsn)
            cursor = connection.cursor()
            if run == "first":
                cursor.execute("create table notes (text varchar2(20))")
                cursor.execute("insert into notes values ('remember')")
                connection.commit()
            else:
                cursor.execute("select text from notes")
                assert cursor.fetchall() == [("remember",)]
            connection.close()


def test_nothing_is_left_when_its_owner_is_killed(tmp_path: Path) -> None:
    script = textwrap.dedent("""
        import sys, time
        from orapool.sandbox import Sandbox
        sandbox = Sandbox()
        sandbox.start()
        print(sandbox.port, sandbox.pid, flush=True)
        time.sleep(60)
    """)
    owner = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    port, pid = map(int, owner.stdout.readline().split())
    server = psutil.Process(pid)
    family = [server, *server.children(recursive=True)]
    os.kill(owner.pid, signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    _gone, alive = psutil.wait_procs(family, timeout=20)
    assert alive == []
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_it_can_be_started_with_a_command() -> None:
    with Sandbox(launcher=("env", "ORAPOOL_TEST=started")) as sandbox:
        assert sandbox.pid is not None
        assert psutil.Process(sandbox.pid).environ()["ORAPOOL_TEST"] == "started"
        assert sandbox.stats().sessions == 0


def test_two_on_the_same_port_are_steered_apart() -> None:
    with Sandbox() as first, Sandbox(host="127.0.0.2", port=first.port) as second:
        connection = oracledb.connect(user="scott", password="tiger", dsn=second.dsn)
        assert (first.stats().sessions, second.stats().sessions) == (0, 1)
        second.close()
        assert first.stats().sessions == 0
        del connection
