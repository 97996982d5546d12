"""`benchmarks/dataframes.py`: its counts are exact; its times are those of this machine, and not looked at."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
from rich.console import Console

from benchmarks import dataframes
from orapool.sandbox import Sandbox

BY_HAND = "fetchall and DataFrame"


@pytest.mark.timeout(240)
def test_every_contender_reads_all_rows(driver: str, sandbox: Sandbox) -> None:
    found = {name: each for name, (each,) in dataframes.compare(sandbox, driver, 2_000, 1, clob=True).items()}

    assert list(found) == dataframes.contenders(driver, clob=True)
    assert {name: each.failure for name, each in found.items() if each.failure} == {}
    assert {each.rows for each in found.values()} == {2_000}
    assert found[dataframes.DEFAULTS].round_trips >= 2_000 / 100
    assert found[BY_HAND].round_trips >= 2_000 * 9 / 10  # every tenth CLOB is NULL
    assert found[dataframes.READ_DF].round_trips == found[dataframes.ITER_DF].round_trips < 10
    assert found[dataframes.BARE_SOCKET].round_trips == 0
    assert found[dataframes.BARE_SOCKET].bytes_sent >= found[dataframes.READ_DF].rows * 600 * 9 / 10


@pytest.mark.timeout(240)
def test_round_trips_do_not_grow_with_the_rows_that_have_clobs(driver: str, sandbox: Sandbox) -> None:
    counted = []
    for rows in (300, 600):
        dataframes.make_tables(driver, sandbox.dsn, rows, clob=True)
        found = dataframes.measure(sandbox, driver, dataframes.READ_DF, dataframes.TABLE)
        assert (found.rows, found.failure) == (rows, "")
        counted.append(found.round_trips)

    assert counted[0] == counted[1]


@pytest.mark.timeout(240)
def test_chunks_are_measured_by_themselves(driver: str, sandbox: Sandbox) -> None:
    found = dataframes.memory_of_chunks(sandbox, driver, 4_000)

    assert (found.rows, found.failure) == (4_000, "")
    assert 0 < found.memory < 200e6


@pytest.mark.timeout(240)
def test_the_command_prints_what_chunks_take() -> None:
    run = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.dataframes"),
            *("--driver", "oracledb", "--memory-of-chunks", "--rows", "300"),
        ],
        capture_output=True,
        text=True,
        timeout=200,
    )

    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("oracledb: orapool.iter_df of 300 rows, chunksize 50,000: ")


def test_the_table_has_a_row_for_each_contender() -> None:
    costs = {name: [dataframes.Cost(100, 1.0, 1.0, 3000, 1000)] for name in dataframes.CONTENDERS}
    console = Console(width=150, record=True, file=io.StringIO())

    console.print(dataframes.table("oracledb", dataframes.figures(costs)))

    shown = console.export_text()
    assert all(shown.count(f"│ {name} ") == 1 for name in costs)


def test_a_failure_is_told_and_has_no_figures() -> None:
    costs = {
        dataframes.DEFAULTS: [dataframes.Cost(100, 2.0, 1.0, 3000, 1000, round_trips=3)],
        dataframes.READ_DF: [dataframes.Cost(100, 0.5, 0.5, 1200, 1000, round_trips=1)],
        BY_HAND: [dataframes.Cost(failure="ORA-00942: table or view does not exist")],
    }
    found = dataframes.figures(costs)

    assert found[dataframes.READ_DF] == dataframes.Figures(100, 200.0, 0.5, 1.2, 0.0012, 1, 4.0, 2.0)
    assert found[BY_HAND] == dataframes.Figures(failure="ORA-00942: table or view does not exist")
