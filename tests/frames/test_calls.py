"""Calls of a read that end in time: what of the session is left, and what is never begun."""

from __future__ import annotations

import pytest

from orapool import SessionPool
from orapool.frames.calls import Calls, Stopped, UnderWay


def test_a_call_that_is_cancelled_before_it_begins_is_not_made() -> None:
    under_way, made = UnderWay(), []

    told = under_way.cancel()

    assert not told  # so that no session hears of it
    assert under_way.ended.is_set()
    with pytest.raises(Stopped):
        under_way.make(lambda: made.append(1))
    assert made == []


def test_a_call_that_has_begun_is_cancelled_by_its_session() -> None:
    under_way = UnderWay()

    assert under_way.make(under_way.cancel)

    assert under_way.cancelled
    assert under_way.ended.is_set()


def test_calls_that_are_stopped_before_they_begin_are_not_made(default_pool: SessionPool) -> None:
    with default_pool.acquire() as connection:
        calls = Calls(connection, deadline=float("inf"))
        calls.stop()

        with pytest.raises(Stopped):
            calls.run(connection.ping)
        calls.close()

        assert connection.lost_by is None
