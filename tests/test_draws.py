"""Who is about to draw an idle session."""

from __future__ import annotations

import threading

from orapool.draws import Draws
from tests.waiting import until

ONE, TWO = ["a session"], ["a session", "another"]


def test_one_is_left_to_each_who_logs_on() -> None:
    draws = Draws()

    with draws.growth():
        assert draws.growing
        with draws.growth():
            assert draws.set_aside == 2

    assert draws.set_aside == 0
    assert not draws.growing


def test_a_log_on_begins_when_quick_draws_that_did_not_know_of_it_have_ended() -> None:
    draws = Draws()
    begun = threading.Event()

    def log_on() -> None:
        with draws.growth():
            begun.set()

    draws.quick.append(None)
    thread = threading.Thread(target=log_on)
    thread.start()
    until(lambda: draws.growing)
    assert draws.set_aside == 1  # from now on, nobody else draws the last one quickly

    draws.quick.pop()
    thread.join(10)

    assert begun.is_set()


def test_a_quick_draw_that_does_not_end_holds_up_no_log_on() -> None:
    draws = Draws()
    draws.quick.append(None)

    with draws.growth():
        assert draws.growing


def test_of_two_who_may_block_one_gets_the_only_session() -> None:
    draws = Draws()

    with draws.taking(ONE) as first, draws.taking(ONE) as second:
        assert (first, second) == (True, False)
        assert (len(draws), draws.set_aside) == (1, 1)
    with draws.taking(TWO) as first, draws.taking(TWO) as second:
        assert (first, second) == (True, True)

    assert not draws.under_way


def test_a_quick_draw_comes_first() -> None:
    draws = Draws()
    draws.quick.append(None)

    with draws.taking(ONE) as there:
        assert not there


def test_a_draw_that_takes_long_has_turned_into_a_log_on_and_keeps_the_session_from_nobody() -> None:
    draws = Draws()

    with draws.taking(ONE):
        assert draws.slow
        until(lambda: not draws.slow)
        assert len(draws) == 0
        assert draws.under_way
        with draws.taking(ONE) as there:
            assert there
