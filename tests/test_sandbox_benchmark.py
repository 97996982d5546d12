"""`benchmarks/sandbox.py`: its round trips are exact; its times are those of this machine, and not looked at."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from benchmarks import sandbox as benchmark
from orapool.sandbox import Sandbox


def test_rows_are_counted_once_and_again(connect: Callable[..., Any], driver: str, sandbox: Sandbox) -> None:
    connection = connect()
    benchmark.fill(connection, 12_000)
    before = sandbox.stats()
    try:
        found = benchmark.compare(driver, connection, sandbox, rounds=2)
    finally:
        for table in ("mixed", "others"):
            connection.cursor().execute(f"drop table {table}")

    assert [each.round_trips for each in found] == [2, 2]
    assert (sandbox.stats() - before).repeated_results == 2
    assert all(each.rows_a_second > 0 for each in found)


def test_the_command_prints_a_row_for_each_driver_and_read() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.sandbox", "--rows", "1000", "--rounds", "1"],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "120"},
        check=True,
    )
    for driver in benchmark.DRIVERS:
        for title in ("start to first query", "ping", benchmark.TRIVIAL, "the first time", "again"):
            assert f"{driver}, {title}" in run.stdout
    for criterion in ("1.50 s", "38 us", "120 us", "150,000", "500,000"):
        assert criterion in run.stdout
