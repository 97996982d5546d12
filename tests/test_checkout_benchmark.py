"""`benchmarks/checkout.py`: its counts are exact; its times are those of this machine, and bounded very generously."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks import checkout
from orapool.sandbox import Sandbox

ALONE = {
    "the driver's pool": 0,
    "no instrumentation": 0,
    "pool.acquire(), close()": 0,
    "with pool.acquire()": 0,
    "orapool.connection()": 0,
    "orapool.engine()": 0,
    "QueuePool": 1,
    "QueuePool, pre-ping": 2,
}
CONTENDED = {name: trips for name, trips in ALONE.items() if name not in checkout.ALONE_ONLY}


@pytest.mark.parametrize(("contended", "expected"), [(False, ALONE), (True, CONTENDED)], ids=["alone", "contended"])
def test_a_healthy_checkout_costs_no_round_trip_and_little_time(
    driver: str, sandbox: Sandbox, contended: bool, expected: dict[str, int]
) -> None:
    found = checkout.compare(sandbox, driver, rounds=3, checkouts=50, contended=contended)

    assert {name: each.round_trips for name, each in found.items()} == expected
    if not contended:
        assert found["pool.acquire(), close()"].more_cpu < 100
        # On a machine of its own it is 1.5; here other work goes on meanwhile.
        assert found["pool.acquire(), close()"].watch_cpu < 5 * checkout.MOST_OF_INSTRUMENTATION


def test_the_command_prints_a_row_for_each_contender() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.checkout", "--driver", "oracledb", "--rounds", "1", "--checkouts", "10"],
        capture_output=True,
        text=True,
        timeout=100,
    )

    assert run.returncode == 0, run.stderr
    for name in ALONE:
        assert run.stdout.count(f"│ {name} ") == (2 if name in CONTENDED else 1)
    assert run.stdout.count("Instrumentation takes") == 2
