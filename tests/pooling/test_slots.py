"""The line of callers, and the slots they stand in line for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from orapool.pooling import slots
from orapool.pooling.slots import LineClosed, Slots
from tests.interleaving import interrupted_in
from tests.waiting import until

THREADS = 8
ROUNDS = 200


@pytest.fixture
def interrupted() -> Iterator[None]:
    """Threads are interrupted anywhere in the room under test."""
    with interrupted_in(slots):
        yield


def soon() -> float:
    """A deadline that is never reached where nothing is lost."""
    return time.monotonic() + 20


def test_slots_are_taken_until_there_are_no_more_and_given_back() -> None:
    slots = Slots(2)

    assert slots.take(0)
    assert slots.take(0)
    assert not slots.take(0)
    assert not slots.take_spare()
    assert (slots.busy, slots.waiting) == (2, 0)

    assert not slots.give()
    assert slots.busy == 1
    assert slots.take_spare()
    assert slots.busy == 2


def test_whoever_waits_leaves_the_line_at_the_deadline() -> None:
    slots = Slots(1)
    assert slots.take(0)

    asked = time.monotonic()
    assert not slots.take(asked + 0.05)

    assert time.monotonic() - asked >= 0.05
    assert slots.waiting == 0
    slots.give()
    assert slots.take(0)


def test_callers_are_served_in_turn_and_nobody_jumps_the_line() -> None:
    slots = Slots(1)
    assert slots.take(0)
    served: list[int] = []

    def ask(number: int) -> None:
        assert slots.take(soon())
        served.append(number)
        assert not slots.take_spare()
        slots.give()

    with ThreadPoolExecutor(THREADS) as threads:
        asked = []
        for number in range(THREADS):
            asked.append(threads.submit(ask, number))
            until(lambda waiting=number + 1: slots.waiting == waiting)  # type: ignore[misc]
        assert not slots.take(0)
        slots.give()
        for each in asked:
            each.result(timeout=60)

    assert served == list(range(THREADS))
    assert slots.busy == 0


@pytest.mark.usefixtures("interrupted")
@pytest.mark.parametrize("most", [1, 3, THREADS])
def test_many_threads_never_have_more_slots_than_there_are_and_none_is_lost(most: int) -> None:
    slots = Slots(most)
    held: list[int] = []
    too_many: list[int] = []
    begun = threading.Barrier(THREADS)

    def work(number: int) -> int:
        served = 0
        begun.wait()
        for _ in range(400):
            # Some look in only, some give up soon, most wait.
            if slots.take(time.monotonic() + (0, 0.0001, 20, 20)[number % 4]):
                held.append(number)
                served += 1
                if len(held) > most:
                    too_many.append(len(held))
                time.sleep(0)  # others run meanwhile
                held.pop()
                slots.give()
        return served

    with ThreadPoolExecutor(THREADS) as threads:
        served = list(threads.map(work, range(THREADS)))

    assert too_many == []
    assert all(count == 400 for number, count in enumerate(served) if number % 4 > 1)
    assert (slots.busy, slots.waiting) == (0, 0)
    assert [slots.take(0) for _ in range(most + 1)] == [True] * most + [False]


def test_closing_wakes_all_in_line_and_tells_when_the_last_slot_is_back() -> None:
    slots = Slots(2)
    assert slots.take(0)
    assert slots.take(0)

    with ThreadPoolExecutor(3) as threads:
        waiting = [threads.submit(slots.take, soon()) for _ in range(3)]
        until(lambda: slots.waiting == 3)
        assert slots.close() is False
        for each in waiting:
            with pytest.raises(LineClosed, match="was closed while waiting"):
                each.result(timeout=60)

    assert slots.close() is None
    with pytest.raises(LineClosed, match="is closed"):
        slots.take(soon())
    assert not slots.take_spare()
    assert slots.give() is False
    assert slots.busy == 1
    assert slots.give() is True
    assert slots.busy == 0


def at_once(*calls: Callable[[], object]) -> list[object]:
    """What the calls return, made by as many threads at the same moment."""
    begun = threading.Barrier(len(calls))

    def make(call: Callable[[], object]) -> object:
        begun.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(make, calls))


def test_closing_tells_when_all_slots_are_back_already() -> None:
    slots = Slots(2)
    assert slots.take(0)
    slots.give()

    assert slots.close() is True
    assert slots.busy == 0


@pytest.mark.usefixtures("interrupted")
def test_a_slot_that_is_given_while_somebody_lines_up_is_not_lost() -> None:
    for _ in range(ROUNDS):
        slots = Slots(1)
        assert slots.take(0)

        assert at_once(slots.give, lambda slots=slots: slots.take(soon())) == [False, True]  # type: ignore[misc]


@pytest.mark.usefixtures("interrupted")
@pytest.mark.parametrize("jump", [lambda slots: slots.take(0), Slots.take_spare], ids=["take", "take_spare"])
def test_a_slot_that_is_given_goes_to_the_first_in_line_whoever_asks_at_that_moment(
    jump: Callable[[Slots], bool],
) -> None:
    with ThreadPoolExecutor(1) as threads:
        for _ in range(ROUNDS):
            slots = Slots(1)
            assert slots.take(0)
            first = threads.submit(slots.take, soon())
            until(lambda slots=slots: slots.waiting == 1)  # type: ignore[misc]

            assert at_once(slots.give, partial(jump, slots)) == [False, False]
            assert first.result(timeout=60)


@pytest.mark.usefixtures("interrupted")
def test_exactly_one_sees_the_last_slot_come_back() -> None:
    for _ in range(ROUNDS):
        slots = Slots(3)
        assert slots.take(0)
        assert slots.take(0)

        assert sorted(map(bool, at_once(slots.give, slots.close, slots.give))) == [False, False, True]
        assert slots.busy == 0
