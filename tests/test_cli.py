"""The `orapool` command: its subcommands, and errors in one line."""

from __future__ import annotations

import subprocess
import sys

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
    assert "  demo " in result.output
    assert "  sandbox " in result.output


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


def test_a_subcommand_says_what_is_not_installed() -> None:
    code = (
        "import sys; sys.modules['rich'] = None; from orapool.cli import main; main(['demo', '--driver', 'oracledb'])"
    )

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert run.returncode == 1
    assert run.stderr == "Error: orapool demo needs rich: pip install 'orapool[demo]'\n"


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
