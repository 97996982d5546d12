"""Log-ons take long, and sessions come back in the meantime: whoever waits for a log-on gets one of these."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from orapool import PoolTimeout, SessionPool
from orapool.sandbox import Sandbox
from tests.faults.callers import (
    AT_ONCE,
    BUSY,
    Callers,
    MakePool,
    assert_in_order,
    errors,
    lay_idle,
    longest,
    query,
    select,
)
from tests.waiting import until

ROUNDS = 10


def begin_log_on(pool: SessionPool, sandbox: Sandbox, callers: int = 1, timeout: float = 10) -> Callers:
    """Callers who need a log-on, of which one has begun and gets no answer."""
    sandbox.freeze(log_ons_only=True)
    connects = sandbox.stats().connects
    seeking = Callers(callers, lambda: query(pool, timeout=timeout))
    until(lambda: sandbox.stats().connects > connects)
    until(lambda: len(pool._parts.seekers.line) == callers if pool._parts is not None else False)
    return seeking


class TestASessionComesBackWhileALogOnIsMute:
    def test_whoever_logs_on_gets_it_at_once(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=2)
        connection = pool.acquire()
        seeking = begin_log_on(pool, sandbox)

        back = time.monotonic()
        connection.close()
        outcomes = seeking.wait()
        spent = time.monotonic() - back

        assert errors(outcomes) == []
        assert spent < AT_ONCE
        assert pool.stats().opened == 1

    def test_what_the_log_on_brings_is_kept_for_others(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=2)
        connection = pool.acquire()
        seeking = begin_log_on(pool, sandbox)
        connection.close()
        seeking.wait()

        sandbox.thaw()
        until(lambda: pool.stats().opened == 2)
        assert_in_order(pool, sandbox, opened=2)
        before = sandbox.stats()
        with pool.acquire() as first, pool.acquire() as second:
            assert (select(first), select(second)) == (1, 1)

        assert (sandbox.stats() - before).log_ons == 0

    def test_all_who_wait_for_their_turn_get_it_one_after_the_other(
        self, make_pool: MakePool, sandbox: Sandbox
    ) -> None:
        pool = make_pool(max=5)
        connection = pool.acquire()
        seeking = begin_log_on(pool, sandbox, callers=4)
        in_line = Callers(6, lambda: query(pool, timeout=10))
        until(lambda: pool.stats().waiting == 6)

        back = time.monotonic()
        connection.close()
        outcomes = seeking.wait() + in_line.wait()
        spent = time.monotonic() - back

        assert errors(outcomes) == []
        assert spent < BUSY
        sandbox.thaw()
        until(lambda: pool.stats().busy == 0)
        assert_in_order(pool, sandbox, opened=2)  # and no log-on that nobody needs any more

    def test_the_first_to_seek_one_is_the_first_to_get_it(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=3)
        held = pool.acquire()
        served: list[str] = []

        def keep(name: str) -> None:
            with pool.acquire(10) as connection:
                select(connection)
                served.append(name)

        sandbox.freeze(log_ons_only=True)
        connects = sandbox.stats().connects
        threads = []
        for number, name in enumerate(["first", "second"], start=1):
            threads.append(threading.Thread(target=keep, args=(name,)))
            threads[-1].start()
            until(lambda number=number: pool._parts is not None and len(pool._parts.seekers.line) == number)
        until(lambda: sandbox.stats().connects > connects)

        held.close()
        until(lambda: len(served) == 2)
        for thread in threads:
            thread.join(10)

        assert served == ["first", "second"]

    def test_nobody_who_draws_it_begins_to_log_on_in_its_stead(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        """The native pool may give it to one who wants to log on, and have another log on who saw that it was idle."""
        for _ in range(ROUNDS):
            pool = make_pool(max=8)
            lay_idle(pool, 1)
            sandbox.freeze(log_ons_only=True)

            outcomes = Callers(8, lambda: [query(pool, timeout=4) for _ in range(20)][-1]).wait()  # noqa: B023
            sandbox.thaw()
            pool.close()

            assert errors(outcomes) == []

    def test_a_session_that_is_lost_is_no_use_to_them(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=2)
        connection = pool.acquire()
        seeking = begin_log_on(pool, sandbox, timeout=1)

        pool.drop(connection)
        outcomes = seeking.wait()
        sandbox.thaw()

        assert isinstance(outcomes[0].error, PoolTimeout)
        assert longest(outcomes) < 1 + BUSY
        until(lambda: pool.stats().busy == 0)
        until(lambda: pool.stats().outage_since is None)
        assert query(pool, timeout=5) == 1

    def test_one_of_another_user_is_no_use_to_them(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=2)
        connection = pool.acquire(user="sh", password="sales")
        seeking = begin_log_on(pool, sandbox, timeout=1)

        connection.close()
        outcomes = seeking.wait()
        sandbox.thaw()

        assert isinstance(outcomes[0].error, PoolTimeout)
        until(lambda: pool.stats().busy == 0)

    def test_the_pool_is_closed_meanwhile(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=2)
        connection = pool.acquire()
        seeking = begin_log_on(pool, sandbox, timeout=2)

        pool.close()
        connection.close()
        outcomes = seeking.wait()
        sandbox.thaw()

        assert outcomes[0].error is not None
        until(lambda: sandbox.stats().sessions == 0)


class TestTheCallerIsInterruptedWhileItsLogOnIsMute:
    def test_its_slot_is_free_again_when_the_log_on_has_ended(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=1)
        pool.acquire().close()
        sandbox.end_sessions("fin")
        sandbox.freeze(log_ons_only=True)
        main = threading.main_thread().ident
        assert main is not None
        interrupt = threading.Timer(0.5, signal.pthread_kill, (main, signal.SIGINT))
        interrupt.start()

        with pytest.raises(KeyboardInterrupt):
            pool.acquire(10)
        interrupt.join()
        sandbox.thaw()

        until(lambda: pool.stats().busy == 0)
        assert query(pool, timeout=5) == 1
        assert_in_order(pool, sandbox, opened=1)
