"""The `orapool` command: its subcommands, and errors in one line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import oracledb
import pytest
from click.testing import CliRunner

import orapool
from orapool import cli
from orapool.sandbox import Sandbox
from orapool.sandbox.control import SandboxError


def test_version() -> None:
    result = CliRunner().invoke(cli.main, ["--version"])

    assert (result.exit_code, result.output) == (0, f"orapool, version {orapool.__version__}\n")


def test_help_names_the_subcommands() -> None:
    result = CliRunner().invoke(cli.main, ["--help"])

    assert result.exit_code == 0
    assert "  config " in result.output
    assert "  demo " in result.output
    assert "  sandbox " in result.output


def test_without_arguments_it_lists_its_commands_with_a_line_each() -> None:
    result = CliRunner().invoke(cli.main, [])

    assert result.exit_code == 0
    listed = re.findall(r"^  (\w+)  +\S.*[.]$", result.output, re.MULTILINE)
    assert listed == list(cli.SUBCOMMANDS) == sorted(cli.SUBCOMMANDS)
    assert result.output == CliRunner().invoke(cli.main, ["--help"]).output


def test_the_list_of_commands_loads_none_of_them() -> None:
    code = "import sys; from orapool.cli import main; main([], standalone_mode=False); print(sorted(sys.modules))"

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert (run.returncode, run.stderr) == (0, "")
    loaded = set(re.findall(r"'([\w.]+)'", run.stdout.splitlines()[-1]))
    assert loaded.isdisjoint({"rich", "psutil", "oracledb", "cx_Oracle", "pandas", "psycopg"})


def all_commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of each command."""
    yield path
    context = click.Context(command)
    for name in command.list_commands(context) if isinstance(command, click.Group) else ():
        found = command.get_command(context, name)
        assert found is not None
        yield from all_commands(found, (*path, name))


@pytest.mark.parametrize("words", list(all_commands(cli.main)), ids=" ".join)
def test_each_command_has_help_with_an_example(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli.main, [*words, "--help"])

    assert result.exit_code == 0
    assert re.search(rf"^  Examples?:\n    {' '.join(('orapool', *words))}", result.output, re.MULTILINE)


def test_an_unknown_subcommand_is_a_usage_error() -> None:
    result = CliRunner().invoke(cli.main, ["dmeo"])

    assert result.exit_code == 2
    assert "No such command 'dmeo'" in result.output


@pytest.mark.parametrize("error", [orapool.PoolTimeout("no session:\n  max 4"), SandboxError("no sandbox: max 4")])
def test_expected_errors_are_one_line_and_status_1(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(cli.click.Group, "invoke", fail)

    result = CliRunner().invoke(cli.main, ["demo"])

    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert result.output.startswith("Error: no s")
    assert result.output.endswith(": max 4\n")


@pytest.mark.parametrize(
    ("command", "missing", "extra"), [("demo", "rich", "demo"), ("sessions", "psutil", "sessions")]
)
def test_a_subcommand_says_what_is_not_installed(command: str, missing: str, extra: str) -> None:
    code = f"import sys; sys.modules['{missing}'] = None; from orapool.cli import main; main(['{command}'])"

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert run.returncode == 1
    assert run.stderr == f"Error: orapool {command} needs {missing}: pip install 'orapool[{extra}]'\n"


def test_it_runs_as_a_module() -> None:
    run = subprocess.run([sys.executable, "-m", "orapool.cli", "--version"], capture_output=True, text=True, timeout=60)

    assert run.stdout == f"orapool, version {orapool.__version__}\n"


def test_a_sandbox_sends_clients_on_from_the_command_line(sandbox: Sandbox) -> None:
    port = str(sandbox.port)
    before = sandbox.stats()

    sent_on = CliRunner().invoke(cli.main, ["sandbox", "redirect", sandbox.dsn, "--port", port])
    oracledb.connect(user="scott", password="tiger", dsn=sandbox.dsn).close()
    wrong = CliRunner().invoke(cli.main, ["sandbox", "redirect", "nowhere", "--port", port])

    assert (sent_on.exit_code, sent_on.output) == (0, "")
    assert (sandbox.stats() - before).redirects == 1
    assert wrong.exit_code == 1
    assert "an address is host:port, not 'nowhere'" in wrong.output


def test_a_sandboxs_accounts_are_changed_from_the_command_line(sandbox: Sandbox) -> None:
    def run(*arguments: str) -> None:
        result = CliRunner().invoke(cli.main, ["sandbox", *arguments, "--port", str(sandbox.port)])
        assert (result.exit_code, result.output) == (0, "")

    def log_on(user: str = "scott", password: str = "lion") -> None:
        oracledb.connect(user=user, password=password, dsn=sandbox.dsn).close()

    run("set-password", "scott", "--password", "lion")
    log_on()
    run("grant-proxy", "sh", "scott")
    log_on("scott[sh]")
    run("lock", "scott")
    with pytest.raises(oracledb.DatabaseError, match="ORA-28000"):
        log_on()
    run("lock", "scott", "--off")
    run("expire-password", "scott")
    with pytest.raises(oracledb.DatabaseError, match="ORA-28001"):
        log_on()
    run("heal")
    log_on(password="tiger")


def test_a_sandboxs_database_is_closed_and_its_users_are_limited_from_the_command_line(sandbox: Sandbox) -> None:
    def run(*arguments: str) -> None:
        result = CliRunner().invoke(cli.main, ["sandbox", *arguments, "--port", str(sandbox.port)])
        assert (result.exit_code, result.output) == (0, "")

    cursor = oracledb.connect(user="scott", password="tiger", dsn=sandbox.dsn).cursor()
    run("revoke", "scott", "V$SESSION")
    with pytest.raises(oracledb.DatabaseError, match="ORA-00942"):
        cursor.execute("select sid from v$session")
    run("limit-idle", "scott", "90")
    assert cursor.execute("select limit from user_resource_limits where resource_name = 'IDLE_TIME'").fetchone() == (
        "2",
    )
    run("deny-log-ons", "1033")
    with pytest.raises(oracledb.DatabaseError, match="ORA-01033"):
        oracledb.connect(user="scott", password="tiger", dsn=sandbox.dsn)


def test_a_sandbox_is_frozen_and_cut_from_the_command_line(sandbox: Sandbox) -> None:
    connection = oracledb.connect(user="scott", password="tiger", dsn=sandbox.dsn)
    port = str(sandbox.port)

    frozen = CliRunner().invoke(cli.main, ["sandbox", "freeze", "--log-ons-only", "--port", port])
    connection.ping()
    cut = CliRunner().invoke(cli.main, ["sandbox", "cut", "--port", port])

    assert (frozen.exit_code, frozen.output) == (0, "")
    assert (cut.exit_code, cut.output) == (0, "1 sessions will be cut\n")
    with pytest.raises(oracledb.Error):
        connection.ping()


URL = "oracle://scott:tiger@db1:1521/?service_name=SALES"
DESCRIPTOR = (
    "(DESCRIPTION=(ADDRESS=(PROTOCOL=TCPS)(HOST=db2)(PORT=2484))(CONNECT_DATA=(SERVICE_NAME=DWH))"
    "(SECURITY=(WALLET_PASSWORD=*)))"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with two pools in its app.ini, and no variables."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(orapool.pools, "_settings", {})
    monkeypatch.setattr(orapool.pools, "_config", None)
    for name in os.environ:
        if name.startswith("ORAPOOL_") or name in ("SQLALCHEMY_DATABASE_URI", "DATABASE_URL"):
            monkeypatch.delenv(name)
    (tmp_path / "secret").write_text("tiger")
    (tmp_path / "app.ini").write_text(
        f"[APP]\nSQLALCHEMY_DATABASE_URI = {URL}\n"
        f"[orapool.reporting]\ndsn = {DESCRIPTOR.replace('*', 'tiger')}\nuser = sh\npassword_file = secret\n"
    )
    return tmp_path


def test_config_shows_each_pools_settings_and_where_they_are_from(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORAPOOL_MAX", "8")

    result = CliRunner().invoke(cli.main, ["config"])

    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.output.splitlines()]
    assert lines[:3] == [
        "Settings are found in, the first that has one counts:",
        "variables ORAPOOL_*",
        f"{folder}/app.ini",
    ]
    default, reporting = lines[lines.index("Pool default:") :], lines[lines.index("Pool reporting:") :]
    assert default[1:5] == [
        f"dsn db1:1521/SALES {folder}/app.ini [APP] line 2",
        f"user scott {folder}/app.ini [APP] line 2",
        f"password *** {folder}/app.ini [APP] line 2",
        "driver auto default",
    ]
    assert "max 8 variable ORAPOOL_MAX" in default
    assert f"dsn {DESCRIPTOR.replace('*', '***')} {folder}/app.ini [orapool.reporting] line 4" in reporting
    assert f"password_file {folder}/secret {folder}/app.ini [orapool.reporting] line 6" in reporting
    assert "max 4 default" in reporting
    assert "tiger" not in result.output


def test_config_as_json(folder: Path) -> None:
    result = CliRunner().invoke(cli.main, ["config", "--json", "reporting"])

    assert result.exit_code == 0
    shown = json.loads(result.output)
    assert shown["sources"] == [f"{folder}/app.ini"]
    assert set(shown["pools"]) == {"reporting"}
    assert shown["pools"]["reporting"]["user"] == {
        "value": "sh",
        "origin": f"{folder}/app.ini [orapool.reporting] line 5",
    }
    assert shown["pools"]["reporting"]["max"] == {"value": 4, "origin": "default"}
    assert "password" not in shown["pools"]["reporting"]
    assert "tiger" not in result.output


def test_config_of_a_file(folder: Path) -> None:
    (folder / "other.env").write_text("export ORAPOOL_TRUST=3\nORAPOOL_PASSWORD_HOOK=no_such_module:tell\n")

    result = CliRunner().invoke(cli.main, ["config", "--config", "other.env", "default", "--json"])

    shown = json.loads(result.output)["pools"]["default"]
    assert shown["trust"] == {"value": 3.0, "origin": f"{folder}/other.env line 1"}
    assert shown["password_hook"]["value"] == "no_such_module:tell"


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("[orapool]\npassword tiger\n", ["Error: DIR/app.ini line 2: not a line of name = value"]),
        (
            f"[orapool]\nurl = {URL}\nmax = tiger\nmn = 3\n[orapool.batch]\nuser = tiger\n",
            [
                "Error: pool 'default': DIR/app.ini [orapool] line 4: 'mn' is not a setting: did you mean 'min'?; max: "
                "input should be a valid integer",
                "pool 'batch': password is not set",
            ],
        ),
        (
            "[orapool]\ndsn = db/x\nuser = a\npassword_file = gone\n",
            [
                "Error: pool 'default': password_file DIR/gone (set by DIR/app.ini [orapool] line 4) cannot be read: "
                "No such file or directory"
            ],
        ),
        ("", ["Error: pool 'default': nothing says where its database is"]),
    ],
)
def test_config_that_is_wrong_is_told_with_status_2(folder: Path, text: str, messages: list[str]) -> None:
    (folder / "app.ini").write_text(text)

    result = CliRunner().invoke(cli.main, ["config"])

    assert result.exit_code == 2
    lines = result.output.replace(str(folder), "DIR").splitlines()
    assert [line[: len(message)] for line, message in zip(lines, messages)] == messages
    assert len(lines) == len(messages)
    assert "tiger" not in result.output


def test_config_works_without_the_packages_of_the_demo(folder: Path) -> None:
    code = "import sys; sys.modules['rich'] = None; from orapool.cli import main; main(['config'])"
    environment = {**os.environ, "PYTHONPATH": str(Path(orapool.__file__).parents[1])}

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=environment)

    assert (run.returncode, run.stderr) == (0, "")


def test_check_tries_each_pool(folder: Path, sandbox: Sandbox) -> None:
    (folder / "app.ini").write_text(
        f"[orapool]\ndsn = {sandbox.dsn}\nuser = scott\npassword = tiger\ndriver = oracledb\n"
        f"[orapool.reporting]\ndsn = {sandbox.dsn}\nuser = sh\npassword = wrong\ndriver = oracledb\n"
    )

    good = CliRunner().invoke(cli.main, ["check", "default"])
    both = CliRunner().invoke(cli.main, ["check", "--json"])

    assert good.exit_code == 0
    assert re.fullmatch(r"Pool default: good, checkout \d+\.\d ms, ping \d+\.\d ms\n", good.output)
    assert both.exit_code == 1
    default, reporting = json.loads(both.output)
    assert (default["pool"], default["error"]) == ("default", None)
    assert default["checkout"] > default["ping"] > 0
    assert (reporting["pool"], reporting["ping"]) == ("reporting", None)
    assert "ORA-01017" in reporting["error"]
    assert sandbox.stats().sessions == 0
    assert "wrong" not in both.output


def test_check_gives_up_after_its_timeout(folder: Path, sandbox: Sandbox) -> None:
    (folder / "app.ini").write_text(
        f"[orapool]\ndsn = {sandbox.dsn}\nuser = scott\npassword = tiger\ndriver = oracledb\n"
    )
    sandbox.freeze(log_ons_only=True)

    result = CliRunner().invoke(cli.main, ["check", "--timeout", "0.5"])

    assert result.exit_code == 1
    assert re.match(r"Pool default: failed after 0\.[5-9]\d+ s: pool 'default'", result.output)


def test_check_of_what_is_not_configured(folder: Path) -> None:
    (folder / "app.ini").unlink()

    result = CliRunner().invoke(cli.main, ["check"])

    assert result.exit_code == 1
    assert "pool 'default' is not configured" in result.output
