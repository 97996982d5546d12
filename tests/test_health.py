"""Faults: what a session goes through while idle or in use, and that no caller gets a dead one."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import pytest

from orapool import DatabaseUnavailable, PoolError, SessionPool
from orapool.sandbox import Sandbox
from tests.waiting import until

MakePool = Callable[..., SessionPool]


def select(connection: Any) -> Any:
    """The answer of one round trip."""
    cursor = connection.cursor()
    cursor.execute("select 1 from dual")
    return cursor.fetchone()[0]


def lay_idle(pool: SessionPool, count: int) -> None:
    """Have `count` sessions idle in the pool."""
    connections = [pool.acquire() for _ in range(count)]
    for connection in connections:
        select(connection)
        connection.close()


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_ten_idle_sessions_ended_by_the_server_and_twenty_callers_see_no_error(
    make_pool: MakePool, sandbox: Sandbox, how: str
) -> None:
    pool = make_pool(max=10)
    lay_idle(pool, 10)
    sandbox.end_sessions(how)

    def work(_: int) -> Any:
        with pool.acquire() as connection:
            return select(connection)

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(work, range(20)))

    assert answers == [1] * 20
    until(lambda: pool.stats().busy == 0)  # some are given back in the background
    stats = pool.stats()
    assert stats.replaced + sum(stats.dropped.values()) == stats.log_ons - stats.opened >= 1


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_a_session_ended_while_idle_is_replaced_within_one_log_on(
    make_pool: MakePool, sandbox: Sandbox, how: str
) -> None:
    pool = make_pool(max=1)
    lay_idle(pool, 1)
    sandbox.end_sessions(how)
    before = sandbox.stats()

    with pool.acquire(timeout=5) as connection:
        assert select(connection) == 1

    assert (sandbox.stats() - before).log_ons == 1
    assert (pool.stats().opened, pool.stats().log_ons) == (1, 2)


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_a_session_ended_in_use_is_dropped_when_it_is_closed(
    make_pool: MakePool, sandbox: Sandbox, dbapi: ModuleType, how: str
) -> None:
    pool = make_pool(max=1)
    connection = pool.acquire()
    select(connection)
    sandbox.end_sessions(how)
    with pytest.raises(dbapi.Error) as raised:
        select(connection)

    connection.close()

    assert pool.driver.is_lost_connection(raised.value)
    assert (pool.stats().opened, pool.stats().busy) == (0, 0)
    assert sum(pool.stats().dropped.values()) == 1
    with pool.acquire() as connection:
        assert select(connection) == 1


@pytest.mark.parametrize("code", [28, 1033, 2396])
def test_a_session_that_the_database_ends_in_use_is_dropped_even_if_its_user_hides_the_error(
    make_pool: MakePool, sandbox: Sandbox, dbapi: ModuleType, code: int
) -> None:
    pool = make_pool(max=1)
    connection = pool.acquire()
    sandbox.fail_next(code)
    with pytest.raises(dbapi.DatabaseError):
        select(connection)

    connection.close()

    assert (pool.stats().opened, pool.stats().busy) == (0, 0)
    with pool.acquire() as connection:
        assert select(connection) == 1


def test_a_session_whose_call_timed_out_is_dropped(make_pool: MakePool, sandbox: Sandbox, dbapi: ModuleType) -> None:
    pool = make_pool(max=1, call_timeout=0.2)
    connection = pool.acquire()
    select(connection)
    sandbox.delay(0.4)
    with pytest.raises(dbapi.DatabaseError, match="DPI-1067|DPI-1080|DPY-4024|DPY-4011") as raised:
        select(connection)
    sandbox.heal()

    connection.close()

    assert pool.driver.is_lost_connection(raised.value)
    assert (pool.stats().opened, pool.stats().busy) == (0, 0)


@pytest.mark.parametrize("use", ["fetchone", "fetchmany", "fetchall", "iterate"])
def test_a_session_whose_fetch_timed_out_is_dropped(
    make_pool: MakePool, sandbox: Sandbox, dbapi: ModuleType, use: str
) -> None:
    pool = make_pool(max=1, call_timeout=0.2)
    connection = pool.acquire()
    cursor = connection.cursor()
    cursor.arraysize, cursor.prefetchrows = 2, 0
    cursor.execute("select level from dual connect by level <= 10")
    fetch = {"iterate": lambda: list(cursor)}.get(use) or getattr(cursor, use)
    sandbox.delay(0.4)
    with pytest.raises(dbapi.DatabaseError):
        fetch()
    sandbox.heal()

    connection.close()

    assert pool.stats().opened == 0


def test_an_error_of_a_statement_does_not_cost_the_session(make_pool: MakePool, dbapi: ModuleType) -> None:
    pool = make_pool(max=1)
    with pool.acquire() as connection, pytest.raises(dbapi.DatabaseError, match="ORA-00942"):
        connection.cursor().execute("select * from no_such_table")

    assert (pool.stats().opened, pool.stats().dropped) == (1, {})


def test_a_rollback_that_fails_on_closing_drops_the_session(make_pool: MakePool, sandbox: Sandbox) -> None:
    pool = make_pool(max=1)
    connection = pool.acquire()
    cursor = connection.cursor()
    cursor.execute("create table short_lived (id number)")
    cursor.execute("insert into short_lived values (1)")
    sandbox.end_sessions("rst")

    connection.close()

    assert (pool.stats().opened, pool.stats().busy) == (0, 0)
    with pool.acquire() as connection:
        connection.cursor().execute("drop table short_lived")


def test_without_trust_each_checkout_pings(make_pool: MakePool, sandbox: Sandbox) -> None:
    pool = make_pool(max=1, trust=0)
    lay_idle(pool, 1)
    before = sandbox.stats()

    for _ in range(3):
        pool.acquire().close()

    assert (sandbox.stats() - before).round_trips == {"ping": 3}


def test_only_sessions_without_a_recent_sign_of_life_are_pinged(make_pool: MakePool, sandbox: Sandbox) -> None:
    pool = make_pool(max=1, trust=0.1)
    lay_idle(pool, 1)
    before = sandbox.stats()
    pool.acquire().close()
    assert (sandbox.stats() - before).total_round_trips == 0

    time.sleep(0.15)
    pool.acquire().close()

    assert (sandbox.stats() - before).round_trips == {"ping": 1}


def test_a_session_that_does_not_answer_its_ping_is_replaced_in_the_time_left(
    make_pool: MakePool, sandbox: Sandbox
) -> None:
    pool = make_pool(max=1, trust=0, ping_timeout=0.1)
    lay_idle(pool, 1)
    sandbox.delay(0.3)

    # The new log-on is slow too, but nobody limits that: its four round trips take 1.2 s.
    with pool.acquire(timeout=10):
        sandbox.heal()

    assert sum(pool.stats().dropped.values()) == 1
    assert pool.stats().log_ons == 2


def test_a_mute_log_on_is_given_up_and_holds_up_nobody_who_needs_none(make_pool: MakePool, sandbox: Sandbox) -> None:
    pool = make_pool(max=3, connect_timeout=1)
    lay_idle(pool, 1)
    held = pool.acquire()
    sandbox.freeze()
    with ThreadPoolExecutor() as threads:
        started = time.monotonic()
        connects = sandbox.stats().connects
        mute = threads.submit(pool.acquire, 1)
        until(lambda: sandbox.stats().connects > connects)
        held.close()
        with pool.acquire(timeout=0):  # or it would be the other's
            assert time.monotonic() - started < 0.5
            with pytest.raises(PoolError, match="ORA-12170|a log-on has not ended"):
                mute.result()
            assert time.monotonic() - started < 2.5

    sandbox.thaw()

    until(lambda: pool.stats().busy == 0 and pool.stats().outage_since is None)
    with pool.acquire(timeout=5) as connection:
        assert select(connection) == 1


def test_sessions_killed_at_random_under_load_leave_exact_counts(
    make_pool: MakePool, sandbox: Sandbox, dbapi: ModuleType
) -> None:
    pool = make_pool(max=4)
    before = sandbox.stats()
    wrong = []

    def work(_: int) -> None:
        for _ in range(100):
            with contextlib.suppress(dbapi.Error), pool.acquire(timeout=10) as connection:
                wrong.append(select(connection) != 1)

    with ThreadPoolExecutor(8) as threads:
        working = [threads.submit(work, number) for number in range(8)]
        for turn in range(10):
            until(lambda: len(wrong) > turn * 20)  # noqa: B023 - waited for at once
            sandbox.end_sessions(["fin", "rst"][turn % 2])
        for each in working:
            each.result()

    assert not any(wrong)
    until(lambda: pool.stats().busy == 0)
    stats = pool.stats()
    assert stats.waiting == 0
    lay_idle(pool, 4)  # finds those that died idle
    until(lambda: (sandbox.stats() - before).sessions == pool.stats().opened == 4)
    assert stats.opened <= 4
    assert stats.log_ons - stats.opened == stats.replaced + sum(stats.dropped.values())


def test_the_database_is_stopped_and_started(make_pool: MakePool) -> None:
    with Sandbox(users={"scott": "tiger"}) as database:
        pool = make_pool(dsn=database.dsn, max=2)
        lay_idle(pool, 2)
        database.stop()
        for _ in range(3):
            with pytest.raises(DatabaseUnavailable):
                pool.acquire(timeout=5)

        database.start()
        until(lambda: pool.stats().outage_since is None)

        for _ in range(3):
            with pool.acquire(timeout=5) as connection:
                assert select(connection) == 1
        until(lambda: pool.stats().busy == 0)  # upkeep opens what min asks for at the same time
        assert pool.stats().opened in (1, 2)
        pool.close()


def test_a_log_on_that_was_refused_leaves_no_session_that_nobody_counts(make_pool: MakePool, sandbox: Sandbox) -> None:
    """python-oracledb's pool makes a log-on that failed once more, with nobody to take what that brings."""
    pool = make_pool(max=4)
    lay_idle(pool, 1)
    before = sandbox.stats()
    with pool.acquire():
        sandbox.refuse(code=12528, times=1)
        with pytest.raises(DatabaseUnavailable):
            pool.acquire()

    if pool.driver.logs_on_unasked:
        until(lambda: (sandbox.stats() - before).log_ons == 1)
        until(lambda: pool.stats().opened == 2)
    assert pool.stats().opened == sandbox.stats().sessions
    assert pool.stats().log_ons == sandbox.stats().log_ons - before.log_ons + 1
    drawn = [pool.acquire() for _ in range(4)]
    assert pool.stats().opened == sandbox.stats().sessions == 4
    for connection in drawn:
        connection.close()
