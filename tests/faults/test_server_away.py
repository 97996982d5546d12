"""The server's host is gone, its process frozen, its log-on mute."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

import pytest
from sqlalchemy import text

import orapool
from orapool import DatabaseUnavailable, PoolTimeout, SessionPool
from orapool.sandbox import Sandbox
from tests.faults.callers import (
    AT_ONCE,
    BUSY,
    CALLERS,
    CLOSE_SECONDS,
    IDLE,
    LATE,
    Callers,
    MakePool,
    Ticks,
    assert_in_order,
    errors,
    lay_idle,
    log_lines,
    longest,
    outcome,
    query,
    typical,
)
from tests.firewall import Firewall
from tests.waiting import until


class TestTheServersHostIsGone:
    """Every packet is dropped, those of new connections too."""

    def test_every_caller_has_its_answer_by_its_deadline(self, make_pool: MakePool, firewall: Firewall) -> None:
        pool = make_pool(dsn=firewall.sandbox.dsn, max=IDLE, acquire_timeout=5, trust=0.2)
        lay_idle(pool)
        time.sleep(0.4)
        firewall.drop_everything()

        outcomes = Callers(CALLERS, lambda: query(pool)).wait(15)

        assert all(isinstance(each.error, (DatabaseUnavailable, PoolTimeout)) for each in outcomes)
        assert typical(outcomes) < 5 + LATE
        assert longest(outcomes) < 5 + BUSY

    def test_the_second_call_has_its_answer_at_once_and_the_return_is_seen_within_2_seconds(
        self, make_pool: MakePool, firewall: Firewall
    ) -> None:
        pool = make_pool(dsn=firewall.sandbox.dsn, max=IDLE, acquire_timeout=5, trust=0.2)
        lay_idle(pool)
        time.sleep(0.4)
        firewall.drop_everything()

        first = outcome(lambda: query(pool))
        following = [outcome(lambda: query(pool)) for _ in range(20)]
        wave = Callers(CALLERS, lambda: query(pool)).wait(15)
        firewall.restore()
        returned = time.monotonic()
        until(lambda: outcome(lambda: query(pool)).answer == 1)
        back = time.monotonic() - returned

        assert isinstance(first.error, (DatabaseUnavailable, PoolTimeout))
        assert first.seconds < 5 + BUSY
        assert all(isinstance(each.error, DatabaseUnavailable) for each in following + wave)
        assert typical(following) < 0.05
        assert longest(following) < AT_ONCE
        assert longest(wave) < AT_ONCE
        assert back < 2
        assert errors(Callers(CALLERS, lambda: query(pool)).wait()) == []
        until(lambda: pool.stats().busy == 0)

    def test_an_outage_that_lasts_ends_within_2_seconds_too(self, make_pool: MakePool, firewall: Firewall) -> None:
        pool = make_pool(dsn=firewall.sandbox.dsn, max=2, acquire_timeout=2, trust=0.2, min=2)
        lay_idle(pool, 2)
        time.sleep(0.4)
        firewall.drop_everything()
        outcome(lambda: query(pool))
        time.sleep(8)  # the pauses between attempts have grown

        firewall.restore()
        returned = time.monotonic()
        until(lambda: outcome(lambda: query(pool)).answer == 1)

        assert time.monotonic() - returned < 2
        until(lambda: pool.stats().opened == 2)  # refilled to min

    def test_it_is_gone_before_the_first_session(self, make_pool: MakePool, firewall: Firewall) -> None:
        firewall.drop_everything()
        pool = make_pool(dsn=firewall.sandbox.dsn, max=3)

        outcomes = Callers(3, lambda: query(pool, timeout=1)).wait(10)

        assert all(isinstance(each.error, (DatabaseUnavailable, PoolTimeout)) for each in outcomes)
        assert typical(outcomes) < 1 + LATE
        assert longest(outcomes) < 1 + BUSY

    def test_closing_the_pool(self, make_pool: MakePool, firewall: Firewall) -> None:
        pool = make_pool(dsn=firewall.sandbox.dsn, max=3, acquire_timeout=2)
        lay_idle(pool, 3)
        firewall.drop_everything()

        closed = outcome(pool.close)

        assert closed.error is None
        assert closed.seconds < CLOSE_SECONDS + BUSY


class TestTheServersProcessIsFrozen:
    """Its kernel still acknowledges what arrives, so that only a ping can tell."""

    def test_callers_have_their_answer_by_their_deadline_and_it_works_again_after_thaw(
        self, make_pool: MakePool, sandbox: Sandbox
    ) -> None:
        pool = make_pool(max=IDLE, trust=0)
        lay_idle(pool)
        sandbox.freeze()

        outcomes = Callers(CALLERS, lambda: query(pool, timeout=2)).wait(15)
        alone = outcome(lambda: query(pool, timeout=2))
        sandbox.thaw()
        until(lambda: outcome(lambda: query(pool, timeout=2)).answer == 1, 5)

        assert all(isinstance(each.error, (DatabaseUnavailable, PoolTimeout)) for each in [*outcomes, alone])
        assert typical([*outcomes, alone]) < 2 + LATE
        assert longest([*outcomes, alone]) < 2 + BUSY
        assert errors(Callers(CALLERS, lambda: query(pool, timeout=10)).wait()) == []
        assert_in_order(pool, sandbox)

    def test_deadlines_shorter_than_a_ping_hold_too(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=3, trust=0, ping_timeout=5)
        lay_idle(pool, 3)
        sandbox.freeze()

        asked = outcome(lambda: query(pool, timeout=0.5))
        sandbox.thaw()

        assert isinstance(asked.error, (DatabaseUnavailable, PoolTimeout))
        assert asked.seconds < 0.5 + BUSY
        until(lambda: outcome(lambda: query(pool, timeout=2)).answer == 1, 5)

    def test_a_session_that_cannot_log_off_stops_neither_other_callers_nor_the_process(
        self, make_pool: MakePool, sandbox: Sandbox
    ) -> None:
        # Oracle Client holds the lock of its pool meanwhile, and cx_Oracle may wait for that with Python's own in hand.
        pool = make_pool(max=4, ping_timeout=2)
        lay_idle(pool, 4)
        leaving, staying = pool.acquire(), pool.acquire()
        sandbox.freeze()
        ticks = Ticks()

        dropped = outcome(leaving.drop)
        released = outcome(staying.close)
        asked = [outcome(lambda: pool.acquire(timeout=0.3).close()) for _ in range(3)]
        shown = outcome(lambda: str(pool))
        pause = ticks.longest_pause()
        sandbox.thaw()

        assert all(isinstance(each.error, (DatabaseUnavailable, PoolTimeout, type(None))) for each in asked)
        assert longest([dropped, released, shown]) < AT_ONCE
        assert typical(asked) < 0.3 + LATE
        assert longest(asked) < 0.3 + BUSY
        assert pause < AT_ONCE
        until(lambda: outcome(lambda: query(pool, timeout=2)).answer == 1, 5)

    @pytest.mark.parametrize("leave", ["close", "drop"])
    def test_a_cursor_that_outlives_its_connection_does_not_stop_the_process(
        self, make_pool: MakePool, sandbox: Sandbox, leave: str
    ) -> None:
        # cx_Oracle frees a cursor with Python's own lock in hand, and waits then for the thread that rolls back or
        # logs off.
        pool = make_pool(max=2, ping_timeout=1)
        with pool.acquire() as connection:
            connection.cursor().execute("create table outlived (id number)")
        connection = pool.acquire()
        cursor = connection.cursor()
        cursor.execute("insert into outlived values (1)")
        sandbox.freeze()
        ticks = Ticks()

        left = outcome(getattr(connection, leave))
        time.sleep(0.1)  # now the background is at it
        begun = time.monotonic()
        del cursor
        freed = time.monotonic() - begun
        pause = ticks.longest_pause()
        sandbox.thaw()

        assert left.error is None
        assert left.seconds < 1 + BUSY
        assert freed < AT_ONCE
        assert pause < AT_ONCE
        until(lambda: outcome(lambda: query(pool, timeout=2)).answer == 1, 5)
        assert_in_order(pool, sandbox)
        with pool.acquire() as connection:
            connection.cursor().execute("drop table outlived")

    def test_closing_the_pool(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=3)
        lay_idle(pool, 3)
        sandbox.freeze()

        closed = outcome(pool.close)

        assert closed.error is None
        assert closed.seconds < CLOSE_SECONDS + BUSY


class TestLogOnIsAcceptedThenMute:
    def test_the_caller_has_its_answer_by_its_deadline(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=3)
        sandbox.freeze(log_ons_only=True)

        outcomes = Callers(3, lambda: query(pool, timeout=1)).wait(10)
        sandbox.thaw()

        assert all(isinstance(each.error, (DatabaseUnavailable, PoolTimeout)) for each in outcomes)
        assert typical(outcomes) < 1 + LATE
        assert longest(outcomes) < 1 + BUSY
        until(lambda: outcome(lambda: query(pool, timeout=2)).answer == 1, 5)
        assert_in_order(pool, sandbox)

    def test_a_pool_that_is_closed_before_a_log_on_has_ended_is_closed_whole(
        self, make_pool: MakePool, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
    ) -> None:
        pool = make_pool(max=3)
        sandbox.freeze(log_ons_only=True)
        asked = outcome(lambda: query(pool, timeout=0.3))

        with log_lines(caplog, logging.WARNING) as lines:
            pool.close()
            sandbox.thaw()
            until(lambda: not any(thread.name.startswith("orapool-test") for thread in threading.enumerate()), 5)

        assert isinstance(asked.error, (DatabaseUnavailable, PoolTimeout))
        assert lines == []
        until(lambda: sandbox.stats().sessions == 0)

    def test_callers_who_need_no_log_on_are_not_held_up(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=6)
        lay_idle(pool, 2)
        first, second = pool.acquire(), pool.acquire()
        sandbox.freeze(log_ons_only=True)
        connects = sandbox.stats().connects
        mute = Callers(2, lambda: query(pool, timeout=1.5))
        until(lambda: sandbox.stats().connects > connects)

        begun = time.monotonic()
        first.close()
        second.close()
        others = [outcome(lambda: query(pool, timeout=1)) for _ in range(50)]
        spent = time.monotonic() - begun
        outcomes = mute.wait(10)
        sandbox.thaw()

        assert errors(others) == []
        assert spent < 1
        assert typical(outcomes) < 1.5 + LATE
        assert longest(outcomes) < 1.5 + BUSY

    def test_engine_connect_keeps_the_pools_deadline(self, default_pool: SessionPool, sandbox: Sandbox) -> None:
        engine = orapool.engine()
        sandbox.freeze(log_ons_only=True)

        def execute() -> Any:
            with engine.connect() as connection:
                return connection.execute(text("select 1 from dual")).scalar()

        executed = Callers(1, execute).wait(15)[0]
        sandbox.thaw()

        assert executed.error is not None
        assert executed.seconds < 5 + BUSY
