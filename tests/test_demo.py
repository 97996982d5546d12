"""`orapool demo` as a newcomer types it, in a shell that knows nothing of Oracle Client."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orapool.sandbox import Sandbox

ORAPOOL = str(Path(sys.executable).with_name("orapool"))


def demo(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command as typed in a shell."""
    shell = {name: value for name, value in os.environ.items() if name not in ("LD_LIBRARY_PATH", "ORAPOOL_PASSWORD")}
    return subprocess.run(
        [ORAPOOL, "demo", *arguments],
        env={**shell, "COLUMNS": "100", **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
    )


def cells(output: str, row: str) -> list[str]:
    """The two figures of a row of the demo's table."""
    line = next(line for line in output.splitlines() if row in line)
    return [cell.strip() for cell in line.strip("│\n").split("│")][1:]


def test_the_demo_survives_monday_and_shows_what_queue_pool_does(driver: str) -> None:
    run = demo("--driver", driver)

    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    assert cells(run.stdout, "Sessions on the server") == ["6", "6"]
    assert cells(run.stdout, "Sessions replaced unseen")[0] == "6"
    ours, stock = cells(run.stdout, "Errors the application saw")
    assert ours == "0"
    assert int(stock) > 0
    lost = {"cx_oracle": "DPI-1080: connection was closed by ORA-3113", "oracledb": "DPY-4011: the database or network"}
    assert lost[driver] in run.stdout
    assert "\x1b[" not in run.stdout


@pytest.mark.parametrize("columns", ["80", "120"])
def test_the_table_fits_the_terminal(columns: str) -> None:
    run = demo("--driver", "oracledb", "--rounds", "1", COLUMNS=columns)

    assert max(map(len, run.stdout.splitlines())) <= int(columns)
    assert "…" not in run.stdout


def test_on_a_database_of_ones_own_the_weekend_is_left_out_and_nothing_stays(driver: str, sandbox: Sandbox) -> None:
    run = demo("--driver", driver, "--dsn", sandbox.dsn, "--user", "scott", ORAPOOL_PASSWORD="tiger")

    assert run.returncode == 0, run.stderr
    assert "is left out" in run.stdout
    assert "Monday" not in run.stdout
    assert "tiger" not in run.stdout
    assert cells(run.stdout, "Errors the application saw") == ["0", "0"]


def test_what_is_wrong_is_one_line(driver: str, sandbox: Sandbox) -> None:
    run = demo("--driver", driver, "--dsn", sandbox.dsn, "--user", "scott", "--password", "wrong")

    assert run.returncode == 1
    assert run.stderr.startswith("Error: pool 'default'")
    assert run.stderr.count("\n") == 1
    assert "ORA-01017" in run.stderr


def test_a_dsn_needs_a_user() -> None:
    run = demo("--dsn", "db:1521/sales")

    assert run.returncode == 2
    assert "--dsn and --user go together" in run.stderr
