"""`python -m benchmarks`: counts are exact, and the same everywhere; times are those of this machine, not looked at."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import footprint, results, spread, throughput, units
from benchmarks.contenders import CONTENDERS, names
from orapool.sandbox import Sandbox
from tests.older_sqlalchemy import VERSION

QUEUE_POOL = (1, 2, 3, 3, 3)
PRE_PING = (2, 3, 4, 4, 4)
FLOOR = (0, 1, 1, 2, 2)
ROUND_TRIPS = {
    "the driver's pool": FLOOR,
    "orapool.connection()": FLOOR,
    "orapool.engine()": FLOOR,
    "DBUtils PooledDB": (2, 3, 3, 4, 4),
    "QueuePool": QUEUE_POOL,
    "QueuePool, pre-ping": PRE_PING,
    "QueuePool, LIFO": QUEUE_POOL,
    "NullPool, creator=pool.acquire": QUEUE_POOL,
    "litex.cxpool": QUEUE_POOL,
    "NullPool, no pool": (6, 7, 8, 8, 8),
}
"""Of an empty checkout, a SELECT, an ORM's get by key, an INSERT that is committed, and one that is rolled back."""


@pytest.mark.deselect_if(VERSION < (2, 0), reason="SQLAlchemy 1.x begins no transaction, and rolls back none")
def test_units_of_work_cost_exactly_these_round_trips_connects_and_bytes(driver: str, sandbox: Sandbox) -> None:
    found = units.costs(sandbox, driver, units=3)

    assert list(found) == names(driver)
    trips = {name: tuple(cost.round_trips for cost in each.values()) for name, each in found.items()}
    assert trips == {name: each for name, each in ROUND_TRIPS.items() if name in found}
    for name, each in found.items():
        assert {cost.connects for cost in each.values()} == {int(name == "NullPool, no pool")}
    floor = {unit: cost.bytes for unit, cost in found["the driver's pool"].items()}
    assert floor[units.EMPTY] == 0
    assert min(cost for unit, cost in floor.items() if unit != units.EMPTY) > 50
    for way in ("orapool.connection()", "orapool.engine()"):
        assert {unit: cost.bytes for unit, cost in found[way].items()} == floor
    for unit in units.UNITS:
        assert found["QueuePool"][unit].bytes > floor[unit]


def test_threads_are_all_served_in_turn(driver: str, sandbox: Sandbox) -> None:
    case = throughput.Case(threads=12, sessions=2, seconds=0.2)

    found = throughput.measure(sandbox, driver, ["orapool.connection()", "orapool.engine()"], [case], rounds=1)

    assert found.failures[case] == {}
    for (played,) in found.rounds[case].values():
        assert played.requests_a_second > 0
        assert 0 < played.p50 <= played.p95 <= played.p99 <= played.longest
        assert played.errors == 0
        assert played.least_served > 0


def test_processes_share_the_work(sandbox: Sandbox) -> None:
    case = throughput.Case(threads=2, sessions=1, milliseconds=1, processes=2, seconds=0.2)

    found = throughput.measure(sandbox, "oracledb", ["orapool.connection()"], [case], rounds=1)

    assert found.failures[case] == {}
    assert found.rounds[case]["orapool.connection()"][0].p99 >= 1  # what the call of another takes at the least


@pytest.mark.deselect_if(
    not CONTENDERS["litex.cxpool"].is_there(), reason="the dev group has it, other stacks have not"
)
def test_who_is_refused_a_session_is_counted_and_waits_on(sandbox: Sandbox) -> None:
    case = throughput.Case(threads=8, sessions=1, milliseconds=1, seconds=0.3)

    found = throughput.measure(sandbox, "cx_oracle", ["litex.cxpool"], [case], rounds=1)

    (played,) = found.rounds[case]["litex.cxpool"]
    assert 0 < played.errors < 1
    assert played.error.startswith("(cx_Oracle.DatabaseError) ORA-24")


def test_importing_orapool_imports_nothing_that_is_used_later() -> None:
    found = footprint.import_once()

    assert footprint.Imports(modules=found.modules).too_early == []
    assert "orapool" in found.modules
    assert found.cpu > 0
    assert found.configure > 0


def test_the_incident_s_workers_have_half_the_sessions(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footprint, "WORKERS", 2)
    found = footprint.Found()

    footprint.workers(sandbox, "oracledb", found)

    assert found.failures == {}
    assert {form: told["sessions"] for form, told in found.workers.items()} == {"before": 2 * 16, "after": 2 * 8}


def test_a_process_with_idle_sessions_is_looked_at_from_outside(sandbox: Sandbox) -> None:
    found = footprint.Found()

    footprint.footprints(sandbox, "oracledb", ["orapool.connection()"], 0.2, 1, found, fresh=False)

    assert found.failures == {}
    each = found.footprints["orapool.connection()"]
    assert each.files >= footprint.SESSIONS
    assert each.threads > 0
    assert each.session[0] > 0


def test_nothing_is_concluded_where_the_spread_is_wider_than_the_difference() -> None:
    apart, alike = [20.0, 21.0, 22.0, 21.0, 20.0], [10.0, 10.5, 11.0, 10.5, 10.0]
    noisy = [5.0, 11.0, 30.0, 12.0, 13.0]

    assert spread.beside(apart, alike) == "21.0 [20.0 to 22.0], 2.00 x"
    assert spread.beside(noisy, alike) == "12.0 [5.00 to 30.0], no difference shown"
    assert spread.beside(alike, alike).endswith(spread.NO_DIFFERENCE)
    assert spread.beside(apart[:4], alike[:4]) == "21.0 [20.0 to 22.0]"


def test_the_spread_is_between_the_quartiles_where_there_are_rounds_enough() -> None:
    few, many = spread.Spread.of([1, 2, 9]), spread.Spread.of([1, 2, 3, 4, 5, 6, 7, 8, 90])

    assert (few.low, few.median, few.high) == (1, 2, 9)
    assert (many.low, many.median, many.high) == (3, 5, 7)
    assert str(few) == "2.00 [1.00 to 9.00]"


def test_percentiles_are_values_that_occurred() -> None:
    ordered = [float(value) for value in range(1, 101)]

    assert [spread.percentile(ordered, share) for share in (0.5, 0.99, 1)] == [50, 99, 100]
    assert spread.percentile([], 0.5) == 0


def test_the_readme_takes_its_tables_from_results(tmp_path: Path) -> None:
    report = results.Report("checkout", folder=tmp_path / "results")
    report.table("What it costs", ["", "ms"], [["orapool", "1"]], "cost", "Medians.", printed=False)
    report.write()
    readme = tmp_path / "README.md"
    readme.write_text(
        "# x\n\n<!-- begin cost -->\nold\n<!-- end cost -->\n\n<!-- begin other -->\n<!-- end other -->\n"
    )

    missing = results.update(readme, tmp_path / "results")

    text = readme.read_text()
    assert missing == ["other"]
    assert "| orapool | 1 |" in text
    assert "old" not in text
    assert "Medians." in text
    assert text.endswith("<!-- begin other -->\n<!-- end other -->\n")
    assert json.loads((tmp_path / "results" / "checkout.json").read_text())["machine"]["Python"]


def test_the_readme_has_what_results_have() -> None:
    made, text = results.blocks(results.RESULTS), results.README.read_text(encoding="utf-8")

    asked = results._BLOCK.findall(text)
    assert len(asked) >= 7
    for key in asked:
        assert made[key] in text, f"python -m benchmarks readme has not been run since {key} was measured"


def test_the_command_says_what_has_not_been_measured(tmp_path: Path) -> None:
    before = results.README.read_bytes()

    run = subprocess.run(
        [sys.executable, "-m", "benchmarks", "readme", "--results", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=100,
    )

    assert run.returncode == 1
    assert "checkout-cost" in run.stderr
    assert results.README.read_bytes() == before


def test_each_contender_is_described_and_compared_with_one_that_there_is() -> None:
    assert all(each.text and each.beside in CONTENDERS for each in CONTENDERS.values())
