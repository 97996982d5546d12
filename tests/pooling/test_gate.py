"""The gate between calls into the native pool."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from orapool.pooling import gate
from orapool.pooling.gate import Gate, Occupied
from tests.interleaving import interrupted_in


def test_quick_calls_are_let_in_together_but_not_beside_a_drop() -> None:
    gate = Gate()
    assert gate.enter()
    assert gate.enter()
    gate.leave()
    gate.leave()

    with gate.drop(1.0):
        assert not gate.enter()

    assert gate.enter()


def test_a_drop_waits_until_the_quick_ones_have_left() -> None:
    gate = Gate()
    assert gate.enter()
    begun = threading.Event()

    def drop() -> None:
        with gate.drop(60.0):
            begun.set()

    with ThreadPoolExecutor(1) as threads:
        dropping = threads.submit(drop)
        assert not begun.wait(0.05)
        gate.leave()
        dropping.result(timeout=10)


def test_a_drop_waits_for_quick_ones_that_hang_no_longer_than_it_was_told() -> None:
    gate = Gate()
    assert gate.enter()

    asked = time.monotonic()
    with gate.drop(0.05):
        assert 0.05 <= time.monotonic() - asked < 5


def test_quick_calls_are_let_in_beside_a_growth_but_no_other_growth_is() -> None:
    gate = Gate()

    with gate.growth(1.0):
        assert gate.enter()
        with pytest.raises(Occupied), gate.growth(0.01):
            pass
    gate.leave()

    with gate.growth(0.0):
        pass


def test_a_drop_waits_until_a_growth_has_ended() -> None:
    gate = Gate()
    begun = threading.Event()

    def drop() -> None:
        with gate.drop(0.0):
            begun.set()

    with ThreadPoolExecutor(1) as threads:
        with gate.growth(1.0):
            dropping = threads.submit(drop)
            assert not begun.wait(0.05)
        dropping.result(timeout=10)

    assert begun.is_set()


@pytest.fixture
def interrupted() -> Iterator[None]:
    """Threads are interrupted anywhere in the room under test."""
    with interrupted_in(gate):
        yield


@pytest.mark.usefixtures("interrupted")
def test_no_quick_call_ever_runs_beside_a_drop() -> None:
    gate = Gate()
    done = threading.Event()
    inside: list[None] = []
    together: list[None] = []

    def be_quick() -> int:
        let_in = 0
        while not done.is_set():
            if gate.enter():
                inside.append(None)
                let_in += 1
                time.sleep(0)  # others run meanwhile
                inside.pop()
                gate.leave()
        return let_in

    with ThreadPoolExecutor(4) as threads:
        quick = [threads.submit(be_quick) for _ in range(4)]
        for _ in range(500):
            while not inside:
                time.sleep(0)
            with gate.drop(60.0):
                for _ in range(5):
                    together.extend(inside)
                    time.sleep(0)
        done.set()
        assert sum(each.result(timeout=10) for each in quick) > 0

    assert together == []
    assert gate.enter()
