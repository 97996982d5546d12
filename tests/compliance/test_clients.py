"""Clients that others wrote, each with all checks: node-oracledb, JDBC, python-oracledb in three versions."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.compliance.clients.run import CHECKS, CLIENTS, run_checks
from tests.compliance.clients.tools import MissingError
from tests.compliance.table import Found, load

LEAST_PASSED = 80


@pytest.fixture(scope="module")
def runs() -> Iterator[dict[str, Future[Found]]]:
    """The checks with all clients, two at a time."""
    with ThreadPoolExecutor(2) as threads:
        yield {name: threads.submit(run_checks, name) for name in CLIENTS}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_passes_all_checks_but_those_that_are_refused(client: str, runs: dict[str, Future[Found]]) -> None:
    try:
        found = runs[client].result()
    except MissingError as missing:
        pytest.skip(str(missing))
    assert found.failed == {}
    assert found.passed >= LEAST_PASSED
    assert found.passed + len(found.refused) + found.left_out == len(CHECKS)
    for kept in load():
        if kept.client == found.client and kept.checks == found.checks:
            assert (kept.passed, kept.refused) == (found.passed, found.refused), "make compliance has not been run"


def test_no_check_is_there_twice() -> None:
    assert len(CHECKS) == len(set(CHECKS))
