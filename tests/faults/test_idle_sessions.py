"""Sessions that die while they are idle: said goodbye to, or silently."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import text

import orapool
from orapool import SessionPool, pools
from orapool.sandbox import Sandbox
from tests.faults.callers import (
    AT_ONCE,
    BUSY,
    CALLERS,
    CLOSE_SECONDS,
    IDLE,
    KERNEL_SECONDS,
    QUICK_KERNEL,
    Callers,
    MakePool,
    assert_in_order,
    errors,
    lay_idle,
    longest,
    outcome,
    query,
    select,
    typical,
)
from tests.firewall import Firewall
from tests.waiting import until


@pytest.mark.parametrize("how", ["fin", "rst"])
class TestAllIdleSessionsEnded:
    def test_20_callers_see_no_error_and_the_first_answer_comes_within_a_log_on(
        self, make_pool: MakePool, sandbox: Sandbox, one_log_on: Callable[[Sandbox], float], how: str
    ) -> None:
        log_on = one_log_on(sandbox)
        pool = make_pool(max=IDLE, acquire_timeout=10)
        lay_idle(pool)
        sandbox.end_sessions(how)

        outcomes = Callers(CALLERS, lambda: query(pool)).wait()

        assert errors(outcomes) == []
        assert min(each.seconds for each in outcomes) < log_on + 0.2
        assert_in_order(pool, sandbox)

    def test_the_engine_sees_none_of_it(self, default_pool: SessionPool, sandbox: Sandbox, how: str) -> None:
        lay_idle(default_pool, 3)
        sandbox.end_sessions(how)

        def execute() -> Any:
            with orapool.engine().connect() as connection:
                return connection.execute(text("select 1 from dual")).scalar()

        assert errors(Callers(CALLERS, execute).wait()) == []


class TestIdleSessionsSilentlyDropped:
    def test_the_kernel_has_had_its_time(self, make_pool: MakePool, firewall: Firewall) -> None:
        pool = make_pool(dsn=firewall.sandbox.dsn, max=IDLE, acquire_timeout=5, **QUICK_KERNEL)
        lay_idle(pool)
        firewall.drop_flows()
        time.sleep(KERNEL_SECONDS)
        held: list[Any] = []

        acquired = [outcome(lambda: held.append(pool.acquire())) for _ in range(IDLE)]
        answers = [select(connection) for connection in held]
        for connection in held:
            connection.close()

        assert [each.error for each in acquired] == [None] * IDLE
        assert typical(acquired) < 0.2
        assert longest(acquired) < BUSY
        assert answers == [1] * IDLE
        until(lambda: pool.stats().busy == 0)
        assert pool.stats().opened == IDLE

    def test_20_callers_at_once_after_that(self, make_pool: MakePool, firewall: Firewall) -> None:
        pool = make_pool(dsn=firewall.sandbox.dsn, max=IDLE, acquire_timeout=5, **QUICK_KERNEL)
        lay_idle(pool)
        firewall.drop_flows()
        time.sleep(KERNEL_SECONDS)

        outcomes = Callers(CALLERS, lambda: query(pool)).wait()

        assert errors(outcomes) == []
        until(lambda: pool.stats().busy == 0)

    def test_straight_after_the_drop_one_ping_is_paid_for_all_that_were_idle_for_long(
        self, make_pool: MakePool, firewall: Firewall
    ) -> None:
        pool = make_pool(dsn=firewall.sandbox.dsn, max=IDLE, acquire_timeout=5, trust=0.2)
        lay_idle(pool)
        time.sleep(0.4)
        firewall.drop_flows()
        held: list[Any] = []

        def acquire() -> Any:
            held.append(pool.acquire())
            return select(held[-1])

        first = outcome(acquire)
        others = [outcome(acquire) for _ in range(IDLE - 1)]
        for connection in held:
            connection.close()

        assert errors([first, *others]) == []
        assert first.seconds < 1.5
        assert longest(others) < AT_ONCE
        until(lambda: (pool.stats().busy, pool.stats().opened) == (0, IDLE))

    def test_20_callers_straight_after_the_drop(self, make_pool: MakePool, firewall: Firewall) -> None:
        pool = make_pool(dsn=firewall.sandbox.dsn, max=IDLE, acquire_timeout=5, trust=0.2)
        lay_idle(pool)
        time.sleep(0.4)
        firewall.drop_flows()

        outcomes = Callers(CALLERS, lambda: query(pool)).wait()

        assert errors(outcomes) == []
        assert min(each.seconds for each in outcomes) < 1.5
        until(lambda: pool.stats().busy == 0)

    def test_the_engine_pays_one_ping_too(
        self, driver: str, firewall: Firewall, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pools, "_settings", {})
        orapool.configure(
            dsn=firewall.sandbox.dsn, user="scott", password="tiger", driver=driver, max=3, acquire_timeout=5, trust=0.2
        )
        engine = orapool.engine()

        def execute() -> Any:
            with engine.connect() as connection:
                return connection.execute(text("select 1 from dual")).scalar()

        try:
            execute()  # SQLAlchemy asks for more at the first connect
            lay_idle(orapool.pool(), 3)
            time.sleep(0.4)
            firewall.drop_flows()

            executed = outcome(execute)
        finally:
            orapool.close()

        assert errors([executed]) == []
        assert executed.seconds < 1.5

    def test_the_release_of_a_session_that_died_in_use_is_free_and_its_neighbours_go_with_it(
        self, make_pool: MakePool, firewall: Firewall, dbapi: ModuleType
    ) -> None:
        pool = make_pool(dsn=firewall.sandbox.dsn, max=IDLE, acquire_timeout=5, call_timeout=0.5)
        lay_idle(pool)
        connections = [pool.acquire() for _ in range(3)]
        time.sleep(0.1)
        firewall.drop_flows()
        for connection in connections:
            with pytest.raises(dbapi.Error):
                select(connection)

        released = [outcome(connection.close) for connection in connections]
        following = [outcome(lambda: query(pool)) for _ in range(3)]

        assert [each.error for each in released] == [None] * 3
        assert typical(released) < 0.05
        assert longest(released) < AT_ONCE
        assert errors(following) == []
        assert longest(following) < AT_ONCE
        until(lambda: pool.stats().busy == 0)

    def test_a_release_with_open_work_on_a_dead_path_does_not_hold_up_the_caller(
        self, make_pool: MakePool, firewall: Firewall
    ) -> None:
        pool = make_pool(dsn=firewall.sandbox.dsn, max=3, acquire_timeout=5, **QUICK_KERNEL)
        with pool.acquire() as connection:
            connection.cursor().execute("create table unfinished (id number)")
        lay_idle(pool, 3)
        connection = pool.acquire()
        connection.cursor().execute("insert into unfinished values (1)")
        firewall.drop_flows()

        released = outcome(connection.close)
        following = outcome(lambda: query(pool))

        firewall.restore()
        firewall.sandbox.end_sessions("rst")
        with pool.acquire() as connection:
            connection.cursor().execute("drop table unfinished")
        assert released.error is None
        assert released.seconds < 1.5
        assert errors([following]) == []
        until(lambda: pool.stats().busy == 0)

    def test_closing_the_pool_does_not_wait_for_the_dead(self, make_pool: MakePool, firewall: Firewall) -> None:
        pool = make_pool(dsn=firewall.sandbox.dsn, max=IDLE, acquire_timeout=5)
        lay_idle(pool)
        firewall.drop_flows()

        closed = outcome(pool.close)

        assert closed.error is None
        assert closed.seconds < CLOSE_SECONDS + BUSY

    def test_a_statement_that_the_kernel_gave_up_casts_doubt_on_the_sessions_that_were_trusted(
        self, make_pool: MakePool, firewall: Firewall
    ) -> None:
        pool = make_pool(dsn=firewall.sandbox.dsn, max=5, acquire_timeout=5, user_timeout=2)
        lay_idle(pool, 5)
        connection = pool.acquire()
        firewall.drop_flows()
        stuck = Callers(1, lambda: select(connection)).wait(15)[0]
        connection.close()

        outcomes = [outcome(lambda: query(pool)) for _ in range(5)]

        assert pool.driver.is_lost_connection(stuck.error)
        assert errors(outcomes) == []
        assert sum(each.seconds for each in outcomes) < 2.5  # one ping for all of them

    def test_a_statement_under_way_ends_with_the_user_timeout(
        self, make_pool: MakePool, firewall: Firewall, dbapi: ModuleType
    ) -> None:
        pool = make_pool(dsn=firewall.sandbox.dsn, max=1, **QUICK_KERNEL)
        connection = pool.acquire()
        select(connection)
        firewall.drop_flows()

        stuck = Callers(1, lambda: select(connection)).wait(15)[0]
        connection.close()

        assert isinstance(stuck.error, (dbapi.Error, OSError))
        assert stuck.seconds < 8
        assert pool.driver.is_lost_connection(stuck.error)
        assert query(pool) == 1
