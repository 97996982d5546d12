"""SQLAlchemy's own suite of dialect tests, on both drivers."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.compliance.run import DRIVERS, Run, run_suite
from tests.compliance.table import TABLE, load, render

# These are left to `make compliance`: 674 tests that ask of many tables at once what the others ask of one.
QUICK = "not test_get_multi"
LEAST_SHARE = 0.9


@pytest.fixture(scope="module")
def runs() -> Iterator[dict[str, Future[Run]]]:
    """The suite, on both drivers at once."""
    with ThreadPoolExecutor() as threads:
        yield {driver: threads.submit(run_suite, driver, QUICK) for driver in DRIVERS}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("driver", DRIVERS)
def test_each_test_ends_as_expected(driver: str, runs: dict[str, Future[Run]]) -> None:
    run = runs[driver].result()
    assert run.complete, run.output[-8000:]
    found = run.found
    assert found.passed > 700
    assert found.share >= LEAST_SHARE
    for kept in load():
        if (kept.checks, kept.client) == (found.checks, found.client):
            assert (kept.refused, kept.failed) == (found.refused, found.failed), "make compliance has not been run"


def test_the_table_has_what_was_found() -> None:
    assert TABLE.read_text() == render(load())
