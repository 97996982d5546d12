"""Sessions killed by the database, and answers cut in half."""

from __future__ import annotations

from functools import partial
from types import ModuleType

import pytest

import orapool
from orapool import SessionPool
from orapool.sandbox import Sandbox
from tests.faults.callers import (
    AT_ONCE,
    CALLERS,
    IDLE,
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


@pytest.mark.parametrize("code", [28, 2396])
class TestASessionKilledByTheDatabase:
    """ORA-00028 and ORA-02396 come as the answer to the next use."""

    def test_a_checked_session_is_replaced_unseen(self, make_pool: MakePool, sandbox: Sandbox, code: int) -> None:
        pool = make_pool(max=IDLE, acquire_timeout=5, trust=0)
        lay_idle(pool)
        sandbox.fail_next(code)

        outcomes = Callers(CALLERS, lambda: query(pool)).wait()

        assert errors(outcomes) == []
        assert_in_order(pool, sandbox)

    def test_an_unchecked_one_fails_once_and_leaves(
        self, make_pool: MakePool, sandbox: Sandbox, dbapi: ModuleType, code: int
    ) -> None:
        pool = make_pool(max=3, acquire_timeout=5)
        lay_idle(pool, 1)
        sandbox.fail_next(code)

        failed = outcome(lambda: query(pool))
        following = outcome(lambda: query(pool))

        assert isinstance(failed.error, dbapi.Error)
        assert pool.driver.is_lost_connection(failed.error)
        assert errors([following]) == []
        assert_in_order(pool, sandbox, opened=1)

    def test_read_df_runs_again_on_a_fresh_session(
        self, default_pool: SessionPool, sandbox: Sandbox, code: int
    ) -> None:
        lay_idle(default_pool, 3)
        sandbox.fail_next(code)

        frame = orapool.read_df("select 1 as one from dual")

        assert frame.iloc[0, 0] == 1


class TestAPacketCutInHalf:
    def test_a_checked_session_is_replaced_unseen(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=IDLE, acquire_timeout=5, trust=0)
        lay_idle(pool)
        sandbox.cut_next()

        outcomes = Callers(CALLERS, lambda: query(pool)).wait()

        assert errors(outcomes) == []
        assert_in_order(pool, sandbox)

    def test_a_statement_whose_answer_is_cut_fails_once_and_its_session_leaves(
        self, make_pool: MakePool, sandbox: Sandbox, dbapi: ModuleType
    ) -> None:
        pool = make_pool(max=3, acquire_timeout=5)
        lay_idle(pool, 3)
        connections = [pool.acquire() for _ in range(3)]
        sandbox.cut_next()

        failed = [outcome(partial(select, connection)) for connection in connections]
        released = [outcome(connection.close) for connection in connections]
        following = outcome(lambda: query(pool))

        assert all(isinstance(each.error, dbapi.Error) for each in failed)
        assert all(pool.driver.is_lost_connection(each.error) for each in failed)
        assert typical(released) < 0.05
        assert longest(released) < AT_ONCE
        assert errors([following]) == []
        assert_in_order(pool, sandbox)

    def test_read_df_runs_again_on_a_fresh_session(self, default_pool: SessionPool, sandbox: Sandbox) -> None:
        lay_idle(default_pool, 3)
        sandbox.cut_next()

        frame = orapool.read_df("select level as n from dual connect by level <= 5000")

        assert len(frame) == 5000
