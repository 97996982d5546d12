"""The pool over real sockets: checking out and giving back, waiting in line, closing."""

from __future__ import annotations

import contextlib
import gc
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import pytest

from orapool import DatabaseUnavailable, LogOnError, PoolClosed, PoolError, PoolTimeout, SessionPool, session_pool
from orapool.pooling import closing, returns
from orapool.sandbox import Sandbox
from tests.interleaving import interrupted_in
from tests.waiting import until

MakePool = Callable[..., SessionPool]


def select(connection: Any, sql: str = "select 1 from dual") -> Any:
    """The first value of the first row."""
    cursor = connection.cursor()
    cursor.execute(sql)
    return cursor.fetchone()[0]


def spoil(connection: Any) -> None:
    """Change the stock, then fail."""
    connection.cursor().execute("update stock set amount = 0")
    connection.cursor().execute("select * from no_such_table")


@pytest.fixture
def stock(make_pool: MakePool) -> str:
    """A table with one row: id 1, amount 10."""
    pool = make_pool(max=1)
    with pool.acquire() as connection:
        cursor = connection.cursor()
        with contextlib.suppress(pool.driver.dbapi.DatabaseError):
            cursor.execute("drop table stock")
        cursor.execute("create table stock (id number primary key, amount number)")
        cursor.execute("insert into stock values (1, 10)")
        connection.commit()
    pool.close()
    return "stock"


class TestCheckingOut:
    def test_nothing_connects_before_the_first_use(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        before = sandbox.stats()

        pool = make_pool(min=3)

        assert (sandbox.stats() - before).connects == 0
        assert "not used yet" in repr(pool)

    def test_who_is_alone_opens_one_session_and_min_are_opened_when_two_are_wanted_at_a_time(
        self, make_pool: MakePool, sandbox: Sandbox
    ) -> None:
        before = sandbox.stats()
        pool = make_pool(min=4, max=5, increment=3)

        for _ in range(3):
            with pool.acquire() as connection:
                assert select(connection) == 1
        assert pool.stats().log_ons == (sandbox.stats() - before).log_ons == 1

        with pool.acquire(), pool.acquire():
            until(lambda: pool.stats().opened >= 4)

        def counts_agree() -> bool:  # when all has come that was asked for
            spent = sandbox.stats() - before
            return pool.stats().busy == 0 and pool.stats().log_ons == spent.log_ons == spent.sessions

        until(counts_agree)

    def test_the_one_session_of_who_is_alone_is_opened_again_when_it_is_lost(
        self, make_pool: MakePool, sandbox: Sandbox
    ) -> None:
        pool = make_pool(min=3)
        before = sandbox.stats()

        with pool.acquire() as connection:
            connection.drop()

        until(lambda: pool.stats().opened == 1)
        assert (sandbox.stats() - before).log_ons == 2

    def test_when_one_session_is_opened_the_increment_is_opened_with_it_but_never_more_than_max(
        self, make_pool: MakePool, sandbox: Sandbox
    ) -> None:
        pool = make_pool(min=0, max=5, increment=3)

        first, second = pool.acquire(), pool.acquire()
        until(lambda: pool.stats().opened == 4)
        others = [pool.acquire() for _ in range(3)]
        until(lambda: pool.stats().opened == 5)

        assert sandbox.stats().sessions == 5
        for connection in (first, second, *others):
            connection.close()

    def test_a_connection_is_the_drivers_own(self, make_pool: MakePool, dbapi: ModuleType) -> None:
        with make_pool().acquire() as connection:
            assert isinstance(connection, dbapi.Connection)
            assert isinstance(connection.cursor(), dbapi.Cursor)

    def test_a_healthy_empty_checkout_costs_no_round_trip(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool()
        pool.acquire().close()
        before = sandbox.stats()

        for _ in range(100):
            with pool.acquire():
                pass

        assert (sandbox.stats() - before).total_round_trips == 0
        assert pool.stats().checkouts == 101

    def test_a_closed_connection_is_used_again(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool()
        before = sandbox.stats()

        for _ in range(5):
            with pool.acquire() as connection:
                select(connection)

        assert (sandbox.stats() - before).log_ons == 1

    def test_rows_can_be_had_in_every_way(self, make_pool: MakePool) -> None:
        sql = "select 1 from dual union all select 2 from dual union all select 3 from dual"
        with make_pool().acquire() as connection:
            cursor = connection.cursor()
            assert [row[0] for row in cursor.execute(sql)] == [1, 2, 3]
            assert cursor.execute(sql).fetchall() == [(1,), (2,), (3,)]
            assert cursor.execute(sql).fetchmany(2) == [(1,), (2,)]
            assert (cursor.fetchone(), cursor.fetchone()) == ((3,), None)

    def test_a_call_timeout_of_the_pool_is_set_on_each_session(self, make_pool: MakePool, driver: str) -> None:
        name = "callTimeout" if driver == "cx_oracle" else "call_timeout"
        with make_pool(call_timeout=1.5).acquire() as connection:
            assert getattr(connection, name) == 1500

    def test_a_call_timeout_of_one_user_does_not_meet_the_next(self, make_pool: MakePool, driver: str) -> None:
        name = "callTimeout" if driver == "cx_oracle" else "call_timeout"
        pool = make_pool(max=1)
        with pool.acquire() as connection:
            setattr(connection, name, 700)

        with pool.acquire() as connection:
            assert getattr(connection, name) == 0


class TestGivingBack:
    def test_a_second_close_does_nothing(self, make_pool: MakePool) -> None:
        pool = make_pool(max=1)
        first = pool.acquire()
        first.close()
        second = pool.acquire()

        first.close()

        assert pool.stats().busy == 1
        assert select(second) == 1
        second.close()

    def test_use_after_close_raises_the_drivers_error(self, make_pool: MakePool, dbapi: ModuleType) -> None:
        connection = make_pool().acquire()
        cursor = connection.cursor()
        connection.close()

        for use in (
            connection.cursor,
            connection.commit,
            connection.ping,
            lambda: cursor.execute("select 1 from dual"),
        ):
            with pytest.raises(dbapi.InterfaceError):
                use()

    def test_the_end_of_a_with_block_closes_also_after_an_error(self, make_pool: MakePool) -> None:
        pool = make_pool()

        with pytest.raises(ZeroDivisionError), pool.acquire():
            _ = 1 / 0

        assert pool.stats().busy == 0

    def test_open_work_is_rolled_back_and_its_locks_are_gone(self, make_pool: MakePool, stock: str) -> None:
        pool = make_pool(max=2, call_timeout=5)
        first, second = pool.acquire(), pool.acquire()
        first.cursor().execute("update stock set amount = 0")

        first.close()

        assert select(second, "select amount from stock") == 10
        second.cursor().execute("update stock set amount = 9")  # would wait for the lock
        second.close()

    def test_a_rollback_is_made_only_for_open_work(self, make_pool: MakePool, sandbox: Sandbox, stock: str) -> None:
        pool = make_pool(max=1)
        with pool.acquire() as connection:
            select(connection)
        before = sandbox.stats()

        with pool.acquire() as connection:
            connection.cursor().execute("update stock set amount = 0")
        with pool.acquire() as connection:
            connection.cursor().execute("update stock set amount = 0")
            connection.rollback()

        assert (sandbox.stats() - before).round_trips["rollback"] == 2

    def test_a_transaction_block_commits_and_rolls_back_on_an_error(self, make_pool: MakePool, stock: str) -> None:
        pool = make_pool(max=1)
        with pool.transaction() as connection:
            connection.cursor().execute("update stock set amount = 7")
        with pytest.raises(pool.driver.dbapi.DatabaseError, match="ORA-00942"), pool.transaction() as connection:
            spoil(connection)

        with pool.acquire() as connection:
            assert select(connection, "select amount from stock") == 7

    def test_a_connection_without_close_comes_back_when_it_is_garbage(self, make_pool: MakePool, stock: str) -> None:
        pool = make_pool(max=1)
        connection = pool.acquire()
        connection.cursor().execute("update stock set amount = 0")
        connection.itself = connection

        del connection

        def come_back() -> bool:
            gc.collect()  # the thread that has logged on may still have it at first
            return pool.stats().busy == 0

        until(come_back)
        assert pool.stats().reclaimed == 1
        with pool.acquire(timeout=0) as connection:
            assert select(connection, "select amount from stock") == 10

    def test_garbage_collected_while_the_pools_lock_is_held_comes_back_afterwards(self, make_pool: MakePool) -> None:
        pool = make_pool(max=1)
        lost = [pool.acquire()]

        with pool._counters.lock:  # the collector may run at any line, also at one in here
            lost.clear()
        pool.acquire(timeout=10).close()

        assert (pool.stats().busy, pool.stats().reclaimed) == (0, 1)

    def test_a_garbage_connection_wakes_who_waits(self, make_pool: MakePool) -> None:
        pool = make_pool(max=1)
        lost = [pool.acquire()]
        with ThreadPoolExecutor() as threads:
            waiting = threads.submit(pool.acquire, 10)
            until(lambda: pool.stats().waiting == 1)

            lost.clear()

            waiting.result().close()
        assert pool.stats().busy == 0

    def test_a_dropped_session_is_closed_and_a_new_one_made(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=1)
        before = sandbox.stats()
        connection = pool.acquire()

        pool.drop(connection)
        connection.close()

        until(lambda: (sandbox.stats() - before).sessions == 0)
        assert (pool.stats().opened, pool.stats().busy, pool.stats().dropped) == (0, 0, {"asked": 1})
        with pool.acquire() as connection:
            assert select(connection) == 1
        assert (sandbox.stats() - before).log_ons == pool.stats().log_ons == 2


class TestWaitingInLine:
    def test_callers_are_served_first_come_first_served(self, make_pool: MakePool) -> None:
        pool = make_pool(max=1)
        held = pool.acquire()
        served: list[int] = []

        def ask(number: int) -> None:
            with pool.acquire():
                served.append(number)

        threads = []
        for number in range(8):
            threads.append(threading.Thread(target=ask, args=(number,)))
            threads[-1].start()
            until(lambda: pool.stats().waiting == len(threads))
        held.close()
        for thread in threads:
            thread.join()

        assert served == list(range(8))

    def test_a_timeout_says_which_pool_how_long_and_what_to_do(self, make_pool: MakePool) -> None:
        pool = make_pool(max=1, acquire_timeout=0.05)
        with pool.acquire(timeout=10):
            started = time.monotonic()
            with pytest.raises(PoolTimeout) as raised:
                pool.acquire()

        assert 0.05 <= time.monotonic() - started < 1
        assert str(raised.value).startswith(
            "pool 'test': no session after 0.05 s, all sessions are in use: max 1, 1 busy, 0 waiting: "
        )
        assert "or raise max or acquire_timeout" in str(raised.value)
        assert pool.stats().timeouts == 1

    def test_no_time_at_all_means_not_to_wait_in_line(self, make_pool: MakePool) -> None:
        pool = make_pool(max=1)

        with pool.acquire(timeout=0) as connection:  # which logs on
            assert select(connection) == 1
            with pytest.raises(PoolTimeout, match="no session after 0.00 s"):
                pool.acquire(timeout=0)

    def test_a_caller_whose_time_ends_at_the_handover_loses_no_slot(self, make_pool: MakePool) -> None:
        pool = make_pool(max=2)
        given = []

        def ask(number: int) -> None:
            for turn in range(60):
                try:
                    with pool.acquire(timeout=(number + turn) % 7 / 2000):
                        given.append(number)
                        time.sleep(0.001)
                except PoolTimeout:
                    pass

        with ThreadPoolExecutor(12) as threads:
            list(threads.map(ask, range(12)))

        until(lambda: pool.stats().busy == 0)  # log-ons that nobody waits for any more have slots
        stats = pool.stats()
        assert stats.waiting == 0
        assert stats.checkouts == len(given)
        assert stats.checkouts + stats.timeouts == 12 * 60
        first, second = pool.acquire(timeout=0), pool.acquire(timeout=0)
        first.close()
        second.close()

    def test_many_threads_never_have_more_than_max_sessions(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=4)
        before = sandbox.stats()
        out: list[Any] = []
        most = []

        def work(_: int) -> None:
            for _ in range(50):
                with pool.acquire() as connection:
                    out.append(connection)
                    most.append(len(out))
                    select(connection)
                    out.remove(connection)

        with ThreadPoolExecutor(16) as threads:
            list(threads.map(work, range(16)))

        assert max(most) <= 4
        assert (sandbox.stats() - before).log_ons <= 4
        assert (pool.stats().checkouts, pool.stats().busy) == (800, 0)


class TestLoggingOn:
    @pytest.mark.parametrize("name", [{"password": "wrong"}, {"user": "nobody"}])
    def test_wrong_user_or_password(self, make_pool: MakePool, dbapi: ModuleType, name: dict[str, str]) -> None:
        pool = make_pool(min=2, **name)

        for _ in range(2):
            with pytest.raises(LogOnError, match="ORA-01017.*: check user and password") as raised:
                pool.acquire()
            assert isinstance(raised.value, dbapi.DatabaseError)
            assert raised.value.args[0].code == 1017
            assert str(raised.value).startswith("pool 'test', ")
        assert pool.stats().busy == 0

    def test_an_unknown_service(self, make_pool: MakePool, sandbox: Sandbox, driver: str) -> None:
        pool = make_pool(dsn=sandbox.dsn.replace("ORAPOOL", "NOWHERE"))

        with pytest.raises(DatabaseUnavailable, match="check service_name"):
            pool.acquire()

    def test_a_closed_port(self, make_pool: MakePool, dbapi: ModuleType) -> None:
        pool = make_pool(dsn="127.0.0.1:1/ORAPOOL")

        with pytest.raises(DatabaseUnavailable, match="check host, port and service") as raised:
            pool.acquire()

        assert isinstance(raised.value, dbapi.DatabaseError)

    def test_a_refused_log_on_costs_no_slot(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=1)
        sandbox.refuse()
        for _ in range(3):
            with pytest.raises(DatabaseUnavailable):
                pool.acquire()

        sandbox.refuse(False)
        until(lambda: pool.stats().outage_since is None)

        with pool.acquire(timeout=5) as connection:
            assert select(connection) == 1


class TestClosing:
    def test_idle_sessions_are_closed_at_once(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        before = sandbox.stats()
        pool = make_pool(min=3)
        with pool.acquire(), pool.acquire():
            until(lambda: pool.stats().opened == 3)

        pool.close()

        until(lambda: (sandbox.stats() - before).sessions == 0)
        assert pool.stats().opened == 0
        assert "closed" in repr(pool)

    def test_a_closed_pool_gives_out_nothing(self, make_pool: MakePool) -> None:
        pool = make_pool()
        pool.close()
        pool.close()

        with pytest.raises(PoolClosed, match="pool 'test' is closed"):
            pool.acquire()

    def test_a_session_that_is_out_works_on_and_is_closed_when_it_comes_back(
        self, make_pool: MakePool, sandbox: Sandbox
    ) -> None:
        before = sandbox.stats()
        pool = make_pool(min=3)
        connection = pool.acquire()
        with pool.acquire():
            until(lambda: pool.stats().opened == 3)

        pool.close()

        until(lambda: (sandbox.stats() - before).sessions == 1)
        assert select(connection) == 1
        connection.close()
        until(lambda: (sandbox.stats() - before).sessions == 0)
        assert (pool.stats().opened, pool.stats().busy) == (0, 0)

    @pytest.mark.parametrize("pause", [0, 1e-4, 2e-4, 3e-4, 4e-4])
    def test_sessions_that_come_back_at_that_moment_are_closed_too(
        self, make_pool: MakePool, sandbox: Sandbox, pause: float
    ) -> None:
        with interrupted_in(session_pool, returns, closing):
            for _ in range(5):
                self._close_while_the_upkeep_puts_back(make_pool(min=3), sandbox, pause)

    def _close_while_the_upkeep_puts_back(self, pool: SessionPool, sandbox: Sandbox, pause: float) -> None:
        held = pool.acquire()
        with pool.acquire():
            until(lambda: pool.stats().opened == 3)
        time.sleep(pause)
        pool.close()

        until(lambda: sandbox.stats().sessions == 1)
        held.close()
        until(lambda: sandbox.stats().sessions == 0)

    def test_who_waits_in_line_is_told(self, make_pool: MakePool) -> None:
        pool = make_pool(max=1)
        held = pool.acquire()
        with ThreadPoolExecutor() as threads:
            waiting = [threads.submit(pool.acquire, 10) for _ in range(3)]
            until(lambda: pool.stats().waiting == 3)

            pool.close()

            for each in waiting:
                with pytest.raises(PoolClosed, match="closed while waiting"):
                    each.result()
        held.close()
        assert pool.stats().busy == 0


class TestVacating:
    def test_idle_sessions_are_closed_and_the_pool_begins_anew(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(min=3)
        held = pool.acquire()
        with pool.acquire():
            until(lambda: pool.stats().opened == 3 and pool.stats().busy == 2)

        pool.vacate()

        until(lambda: sandbox.stats().sessions == 1)
        assert (pool.stats().opened, pool.stats().busy, pool.stats().dropped) == (1, 1, {"retired": 2})
        assert select(held) == 1
        held.close()
        pool.vacate()
        until(lambda: sandbox.stats().sessions == 0)
        with pool.acquire() as connection:
            assert select(connection) == 1
        assert sandbox.stats().sessions == 1

    def test_those_that_have_died_cost_no_log_on(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(min=0)
        with pool.acquire(), pool.acquire():
            pass
        before = sandbox.stats()
        sandbox.end_sessions("fin", sid=sandbox.sessions()[0]["sid"])

        pool.vacate()

        until(lambda: sandbox.stats().sessions == 0)
        assert (sandbox.stats() - before).log_ons == 0
        with pool.acquire() as connection:
            assert select(connection) == 1

    def test_one_that_is_not_used_or_closed_stays_so(self, make_pool: MakePool) -> None:
        pool = make_pool()
        pool.vacate()
        assert "not used yet" in repr(pool)
        pool.close()
        pool.vacate()
        assert "closed" in repr(pool)


class TestLooking:
    def test_the_repr_tells_what_state_the_pool_is_in(self, make_pool: MakePool, sandbox: Sandbox, driver: str) -> None:
        pool = make_pool(min=2, max=5)

        with pool.acquire():
            pool.acquire().close()
            until(lambda: pool.stats().busy == 1)
            assert repr(pool) == (
                f"<SessionPool 'test' {driver} scott@{sandbox.dsn}: open, 2 opened, 1 busy, 1 idle, 0 waiting, "
                f"min 2, max 5>"
            )

    def test_the_password_is_in_no_repr_and_no_log(self, make_pool: MakePool, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("DEBUG")
        pool = make_pool(password="swordfish")

        with pytest.raises(PoolError) as raised:
            pool.acquire()

        assert "swordfish" not in f"{pool!r}{pool.settings!r}{raised.value!r}{raised.value}{caplog.text}"
