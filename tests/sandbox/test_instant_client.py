"""Oracle Client out of the wheel: found without importing it, linked aside, raced for, and explained when it lacks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orapool.sandbox import instant_client
from orapool.sandbox.instant_client import ClientUnavailableError, SystemLibrary

CHECK = "import cx_Oracle; print(cx_Oracle.clientversion()[:2])"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of this test's own, in place of the one in the user's cache."""
    chosen = tmp_path / "client"
    monkeypatch.setenv("ORAPOOL_CLIENT_DIR", str(chosen))
    return chosen


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The environment of a shell that knows nothing of Oracle Client."""
    variables = {name: value for name, value in os.environ.items() if name not in ("LD_LIBRARY_PATH", "ORACLE_HOME")}
    variables.pop(instant_client.GUARD, None)
    return variables


def python(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], env=env, text=True, capture_output=True, timeout=60)


def files(of: Path) -> list[tuple[str, int, int]]:
    return sorted(
        (str(path), path.stat().st_size, path.stat().st_mtime_ns)
        for path in of.rglob("*")
        if "__pycache__" not in path.parts
    )


def test_the_wheel_is_found_without_being_imported() -> None:
    found = instant_client.wheel()

    assert found is not None
    assert found.name == "instantclient"
    assert "pyoracleclient" not in sys.modules


def test_the_folder_holds_links_to_real_libraries_and_the_wheel_stays_as_it_is(folder: Path) -> None:
    wheel = instant_client.wheel()
    assert wheel is not None
    before = files(wheel.parent)

    made = instant_client.prepare()

    assert made == folder
    for name in ("libclntsh.so", "libclntsh.so.18.1", "libclntsh.so.19.1"):
        assert (made / name).resolve() == wheel / "libclntsh.so.19.1"
    assert (made / "libociei.so").resolve() == wheel / "libociei.so"
    assert files(wheel.parent) == before


def test_a_second_time_changes_nothing(folder: Path) -> None:
    instant_client.prepare()
    before = {path: path.lstat().st_mtime_ns for path in folder.rglob("*")}

    instant_client.prepare()

    assert {path: path.lstat().st_mtime_ns for path in folder.rglob("*")} == before


def test_links_left_by_a_removed_environment_are_mended(folder: Path) -> None:
    folder.mkdir()
    (folder / "libclntsh.so.19.1").symlink_to("/nowhere/libclntsh.so.19.1")

    instant_client.prepare()

    assert (folder / "libclntsh.so.19.1").exists()


def test_a_sqlnet_ora_of_the_users_own_is_kept(folder: Path) -> None:
    admin = folder / "network" / "admin"
    admin.mkdir(parents=True)
    (admin / "sqlnet.ora").write_text("SQLNET.OUTBOUND_CONNECT_TIMEOUT = 3\n")

    instant_client.prepare()

    assert (admin / "sqlnet.ora").read_text() == "SQLNET.OUTBOUND_CONNECT_TIMEOUT = 3\n"


def test_several_processes_make_the_folder_at_once(folder: Path, bare: dict[str, str]) -> None:
    command = [sys.executable, "-m", "orapool.sandbox.instant_client", "exec", sys.executable, "-c", CHECK]

    started = [subprocess.Popen(command, env=bare, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    printed = [process.communicate(timeout=60)[0] for process in started]

    assert printed == ["(19, 3)\n"] * 6
    assert not list(folder.glob(".*.new"))


def test_exec_runs_a_command_that_finds_oracle_client(folder: Path, bare: dict[str, str]) -> None:
    done = python("-m", "orapool.sandbox.instant_client", "exec", sys.executable, "-c", CHECK, env=bare)

    assert (done.returncode, done.stdout) == (0, "(19, 3)\n"), done.stderr


def test_exec_hands_on_the_exit_status(folder: Path, bare: dict[str, str]) -> None:
    done = python("-m", "orapool.sandbox.instant_client", "exec", sys.executable, "-c", "raise SystemExit(7)", env=bare)

    assert done.returncode == 7


@pytest.mark.parametrize("as_module", [False, True])
def test_reexec_starts_a_script_or_module_once_more_with_its_arguments(
    folder: Path, bare: dict[str, str], tmp_path: Path, as_module: bool
) -> None:
    script = tmp_path / "app.py"
    script.write_text(
        "import sys\nfrom orapool.sandbox import instant_client\n"
        f"instant_client.reexec()\nprint(sys.argv[1:])\n{CHECK}\n"
    )
    bare["PYTHONPATH"] = str(tmp_path)

    done = python(*(["-m", "app"] if as_module else [str(script)]), "--driver", "cx_oracle", env=bare)

    assert (done.returncode, done.stdout) == (0, "['--driver', 'cx_oracle']\n(19, 3)\n"), done.stderr


def test_reexec_does_not_loop_where_the_libraries_cannot_be_loaded(folder: Path, bare: dict[str, str]) -> None:
    bare[instant_client.GUARD] = "1"

    done = python("-c", "from orapool.sandbox import instant_client; instant_client.reexec()", env=bare)

    assert done.returncode == 1
    assert "cannot be loaded: libclntsh.so" in done.stderr


def test_an_oracle_client_that_is_found_already_is_used_as_it_is(folder: Path, bare: dict[str, str]) -> None:
    path = python("-m", "orapool.sandbox.instant_client", "path", env=bare).stdout.strip()
    own = dict(bare, LD_LIBRARY_PATH=path)
    own["ORAPOOL_CLIENT_DIR"] = str(folder.parent / "unused")

    done = python("-m", "orapool.sandbox.instant_client", "exec", "printenv", "LD_LIBRARY_PATH", env=own)

    assert done.stdout == f"{folder}\n"
    assert not (folder.parent / "unused").exists()


def test_errors_leave_no_oradiag_folder_in_the_home_folder(folder: Path, bare: dict[str, str], tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    bare["HOME"] = str(home)
    program = (
        "import contextlib, socket, threading, cx_Oracle\n"
        "listener = socket.create_server(('127.0.0.1', 0))\n"
        "threading.Thread(target=lambda: listener.accept()[0].close(), daemon=True).start()\n"
        "try:\n"
        "    cx_Oracle.connect('scott', 'tiger', f'127.0.0.1:{listener.getsockname()[1]}/none')\n"
        "except cx_Oracle.DatabaseError as error:\n"
        "    print(error)\n"
    )

    done = python("-m", "orapool.sandbox.instant_client", "exec", sys.executable, "-c", program, env=bare)

    assert "ORA-" in done.stdout, done.stderr
    assert list(home.iterdir()) == []


def test_a_missing_wheel_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instant_client, "PACKAGE", "no_such_package")

    with pytest.raises(ClientUnavailableError, match=r"pip install 'orapool\[instant-client\]'"):
        instant_client.prepare()


def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ORAPOOL_CLIENT_DIR", str(tmp_path / "file" / "client"))

    with pytest.raises(ClientUnavailableError, match="set ORAPOOL_CLIENT_DIR"):
        instant_client.prepare()


def test_a_missing_system_library_is_explained(tmp_path: Path) -> None:
    needed = SystemLibrary("libnosuch.so.1", "libnosuch.so.1t64", (), "install the package nosuch")

    with pytest.raises(ClientUnavailableError, match=r"needs libnosuch\.so\.1, .*: install the package nosuch"):
        instant_client._provide(needed, tmp_path)


def test_a_library_under_its_newer_name_is_linked_to(tmp_path: Path) -> None:
    needed = SystemLibrary("libnosuch.so.1", "libm.so.6", (), "")

    instant_client._provide(needed, tmp_path)

    assert (tmp_path / "libnosuch.so.1").resolve().name.startswith("libm.so.6")


def test_the_command_line_says_how_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert instant_client.main(["nonsense"]) == 2
    assert "usage: python -m orapool.sandbox.instant_client" in capsys.readouterr().err
