"""Counting."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from orapool import counters
from orapool.counters import Tally
from tests.interleaving import interrupted_in


@pytest.fixture
def interrupted() -> Iterator[None]:
    """Threads are interrupted anywhere in the room under test."""
    with interrupted_in(counters):
        yield


@pytest.mark.usefixtures("interrupted")
def test_a_tally_is_exact_whoever_adds_and_reads_meanwhile() -> None:
    tally = Tally()

    def work(_: int) -> bool:
        before = 0
        for _ in range(500):
            tally.add()
            now = tally.read()
            if now <= before:
                return False
            before = now
        return True

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(work, range(8)))

    assert tally.read() == 4000
    assert tally.read() == 4000
