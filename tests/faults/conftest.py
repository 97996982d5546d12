"""Measures of the bare driver."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from types import ModuleType

import pytest

from orapool.sandbox import Sandbox
from tests.faults.callers import outcome, select


@pytest.fixture
def one_log_on(dbapi: ModuleType) -> Callable[[Sandbox], float]:
    """Measures the seconds that the bare driver takes to log on and to run a query."""

    def measure(server: Sandbox) -> float:
        def log_on() -> None:
            connection = dbapi.connect(user="scott", password="tiger", dsn=server.dsn)
            select(connection)
            connection.close()

        return statistics.median(outcome(log_on).seconds for _ in range(5))

    return measure
