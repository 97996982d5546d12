"""Every fault of the network and the database that we know of, played on a pool: no dead session, no hang.

The bounds in seconds are promises to users, and stand in the README. Those of a single log-on are measured beside it.
"""

from __future__ import annotations

import logging
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import text

import orapool
from orapool import DatabaseUnavailable, PoolTimeout, SessionPool, pools
from orapool.sandbox import Sandbox
from tests.firewall import Firewall

MakePool = Callable[..., SessionPool]

CALLERS = 20
IDLE = 10
LATE = 0.25
"""Seconds that a caller may get its answer after its deadline."""
QUICK_KERNEL = {"keepalive_idle": 1, "keepalive_interval": 1, "keepalive_probes": 2, "user_timeout": 3}
KERNEL_SECONDS = 6.0
"""What the kernel needs with these to find out that a path is dead."""
CLOSE_SECONDS = 5.0
"""What the log-offs of a pool that is closed may take in all."""


@dataclass
class Outcome:
    """What one caller got, and after how many seconds; no answer yet is infinitely late."""

    seconds: float = float("inf")
    answer: Any = None
    error: BaseException | None = None


def outcome(call: Callable[[], Any]) -> Outcome:
    """Call, and see what comes of it."""
    begun = time.monotonic()
    try:
        answer, error = call(), None
    except Exception as raised:
        answer, error = None, raised
    return Outcome(time.monotonic() - begun, answer, error)


class Callers:
    """Callers in threads of their own, all at once. One that hangs holds up nothing but its own outcome."""

    def __init__(self, count: int, call: Callable[[], Any]) -> None:
        self.outcomes = [Outcome() for _ in range(count)]
        self._start = threading.Barrier(count + 1)
        self._call = call
        self._threads = [threading.Thread(target=self._run, args=(index,), daemon=True) for index in range(count)]
        for thread in self._threads:
            thread.start()
        self._start.wait(10)

    def _run(self, index: int) -> None:
        self._start.wait(10)
        self.outcomes[index] = outcome(self._call)

    def wait(self, seconds: float = 30) -> list[Outcome]:
        """Their outcomes, after at most so many seconds."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return list(self.outcomes)


class Ticks:
    """A thread that should run every few milliseconds, and what kept it from that: a lock of the interpreter's."""

    def __init__(self) -> None:
        self._ticks = [time.monotonic()]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.005):
            self._ticks.append(time.monotonic())

    def longest_pause(self) -> float:
        """End it; the seconds of the longest pause."""
        self._stop.set()
        self._thread.join()
        ticks = [*self._ticks, time.monotonic()]
        return max(after - before for before, after in zip(ticks, ticks[1:]))


def select(connection: Any) -> Any:
    """The answer of one round trip."""
    cursor = connection.cursor()
    cursor.execute("select 1 from dual")
    return cursor.fetchone()[0]


def query(pool: SessionPool, timeout: float | None = None) -> Any:
    """One checkout with one round trip."""
    with pool.acquire(timeout) as connection:
        return select(connection)


def lay_idle(pool: SessionPool, count: int = IDLE) -> None:
    """Have `count` sessions idle in the pool, all of which have just worked."""
    connections = [pool.acquire() for _ in range(count)]
    for connection in connections:
        select(connection)
    for connection in connections:
        connection.close()
    assert pool.stats().opened == count


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until `condition` holds: for what the background does and no event tells."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited for {seconds} s"
        time.sleep(0.005)


def errors(outcomes: list[Outcome]) -> list[str]:
    """What went wrong, in words; a hang too."""
    return [f"{each.seconds:.3f} s: {each.error!r}" for each in outcomes if each.answer != 1]


def longest(outcomes: list[Outcome]) -> float:
    """The longest time that a caller waited."""
    return max(each.seconds for each in outcomes)


def assert_in_order(pool: SessionPool, server: Sandbox, opened: int | None = None) -> None:
    """Nobody has a session, and the pool's counts are the server's."""
    until(lambda: pool.stats().busy == pool.stats().waiting == 0)
    until(lambda: pool.stats().opened == server.stats().sessions)
    if opened is not None:
        assert pool.stats().opened == opened


@pytest.fixture
def one_log_on(dbapi: ModuleType) -> Callable[[Sandbox], float]:
    """Measures the seconds that the bare driver takes to log on and to run a query."""

    def measure(server: Sandbox) -> float:
        def log_on() -> None:
            connection = dbapi.connect(user="scott", password="tiger", dsn=server.dsn)
            select(connection)
            connection.close()

        return statistics.median(outcome(log_on).seconds for _ in range(5))

    return measure


@contextmanager
def log_lines(caplog: pytest.LogCaptureFixture, level: int) -> Iterator[list[str]]:
    """The pool's log lines of a level or above, while the block runs."""
    lines: list[str] = []
    with caplog.at_level(level, logger="orapool"):
        before = len(caplog.records)
        yield lines
        lines += [
            record.getMessage()
            for record in caplog.records[before:]
            if record.name.startswith("orapool") and record.levelno >= level
        ]


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
        assert longest(acquired) < 0.2
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
        assert longest(others) < 0.2
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
        try:
            lay_idle(orapool.pool(), 3)
            time.sleep(0.4)
            firewall.drop_flows()

            def execute() -> Any:
                with orapool.engine().connect() as connection:
                    return connection.execute(text("select 1 from dual")).scalar()

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
        connection = pool.acquire()
        time.sleep(0.1)
        firewall.drop_flows()
        with pytest.raises(dbapi.Error):
            select(connection)

        released = outcome(connection.close)
        following = [outcome(lambda: query(pool)) for _ in range(3)]

        assert released.error is None
        assert released.seconds < 0.01
        assert errors(following) == []
        assert longest(following) < 0.2
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
        assert closed.seconds < CLOSE_SECONDS + LATE

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


class TestTheServersHostIsGone:
    """Every packet is dropped, those of new connections too."""

    def test_every_caller_has_its_answer_by_its_deadline(self, make_pool: MakePool, firewall: Firewall) -> None:
        pool = make_pool(dsn=firewall.sandbox.dsn, max=IDLE, acquire_timeout=5, trust=0.2)
        lay_idle(pool)
        time.sleep(0.4)
        firewall.drop_everything()

        outcomes = Callers(CALLERS, lambda: query(pool)).wait(15)

        assert all(isinstance(each.error, (DatabaseUnavailable, PoolTimeout)) for each in outcomes)
        assert longest(outcomes) < 5 + LATE

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
        assert first.seconds < 5 + LATE
        assert all(isinstance(each.error, DatabaseUnavailable) for each in following + wave)
        assert longest(following) < 0.05
        assert longest(wave) < 0.25  # 20 threads on few cores
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
        assert longest(outcomes) < 1 + LATE

    def test_closing_the_pool(self, make_pool: MakePool, firewall: Firewall) -> None:
        pool = make_pool(dsn=firewall.sandbox.dsn, max=3, acquire_timeout=2)
        lay_idle(pool, 3)
        firewall.drop_everything()

        closed = outcome(pool.close)

        assert closed.error is None
        assert closed.seconds < CLOSE_SECONDS + LATE


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
        assert longest([*outcomes, alone]) < 2 + LATE
        assert errors(Callers(CALLERS, lambda: query(pool, timeout=10)).wait()) == []
        assert_in_order(pool, sandbox)

    def test_deadlines_shorter_than_a_ping_hold_too(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=3, trust=0, ping_timeout=5)
        lay_idle(pool, 3)
        sandbox.freeze()

        asked = outcome(lambda: query(pool, timeout=0.5))
        sandbox.thaw()

        assert isinstance(asked.error, (DatabaseUnavailable, PoolTimeout))
        assert asked.seconds < 0.5 + LATE
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
        assert longest([dropped, released, shown]) < 0.1
        assert longest(asked) < 0.3 + LATE
        assert pause < 0.25
        until(lambda: outcome(lambda: query(pool, timeout=2)).answer == 1, 5)

    def test_closing_the_pool(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=3)
        lay_idle(pool, 3)
        sandbox.freeze()

        closed = outcome(pool.close)

        assert closed.error is None
        assert closed.seconds < CLOSE_SECONDS + LATE


class TestLogOnIsAcceptedThenMute:
    def test_the_caller_has_its_answer_by_its_deadline(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=3)
        sandbox.freeze(log_ons_only=True)

        outcomes = Callers(3, lambda: query(pool, timeout=1)).wait(10)
        sandbox.thaw()

        assert all(isinstance(each.error, (DatabaseUnavailable, PoolTimeout)) for each in outcomes)
        assert longest(outcomes) < 1 + LATE
        until(lambda: outcome(lambda: query(pool, timeout=2)).answer == 1, 5)
        assert_in_order(pool, sandbox)

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
        assert longest(outcomes) < 1.5 + LATE

    def test_engine_connect_keeps_the_pools_deadline(self, default_pool: SessionPool, sandbox: Sandbox) -> None:
        sandbox.freeze(log_ons_only=True)

        def execute() -> Any:
            with orapool.engine().connect() as connection:
                return connection.execute(text("select 1 from dual")).scalar()

        executed = Callers(1, execute).wait(15)[0]
        sandbox.thaw()

        assert executed.error is not None
        assert executed.seconds < 5 + LATE


class TestTheDatabaseIsStoppedAndStarted:
    def test_callers_are_told_at_once_and_it_works_again_within_2_seconds(
        self, make_pool: MakePool, sandbox: Sandbox
    ) -> None:
        pool = make_pool(max=IDLE, acquire_timeout=5)
        lay_idle(pool)
        sandbox.stop()

        wave = Callers(CALLERS, lambda: query(pool)).wait(15)
        following = [outcome(lambda: query(pool)) for _ in range(20)]
        sandbox.start()
        returned = time.monotonic()
        until(lambda: outcome(lambda: query(pool)).answer == 1)
        back = time.monotonic() - returned

        assert all(isinstance(each.error, DatabaseUnavailable) for each in wave + following)
        assert longest(wave) < 5 + LATE
        assert longest(following) < 0.05
        assert back < 2
        assert errors(Callers(CALLERS, lambda: query(pool)).wait()) == []
        assert_in_order(pool, sandbox)

    def test_the_error_tells_the_cause_and_since_when(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=2, acquire_timeout=5)
        lay_idle(pool, 2)
        sandbox.stop()
        Callers(CALLERS, lambda: query(pool)).wait(15)

        told = outcome(lambda: query(pool))
        sandbox.start()

        assert isinstance(told.error, DatabaseUnavailable)
        assert isinstance(told.error, pool.driver.dbapi.DatabaseError)
        assert "since" in str(told.error)
        assert "12541" in str(told.error) or "DPY-6005" in str(told.error)

    def test_one_line_is_logged_when_it_goes_and_one_when_it_comes_back(
        self, make_pool: MakePool, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
    ) -> None:
        pool = make_pool(max=2, acquire_timeout=5)
        lay_idle(pool, 2)
        sandbox.stop()
        with log_lines(caplog, logging.WARNING) as going:
            for _ in range(3):
                Callers(CALLERS, lambda: query(pool)).wait(15)
            time.sleep(1)
        with log_lines(caplog, logging.WARNING) as coming:
            sandbox.start()
            until(lambda: outcome(lambda: query(pool)).answer == 1)
            query(pool)

        assert len(going) == 1, going
        assert len(coming) == 1, coming

    def test_the_database_is_not_stormed(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=IDLE, acquire_timeout=5)
        lay_idle(pool)
        sandbox.refuse(code=12528)
        sandbox.end_sessions("fin")
        Callers(CALLERS, lambda: query(pool)).wait(15)
        before = sandbox.stats()

        for _ in range(10):
            Callers(CALLERS, lambda: query(pool)).wait(15)
        time.sleep(2)
        attempts = (sandbox.stats() - before).connects
        sandbox.refuse(False)
        until(lambda: outcome(lambda: query(pool)).answer == 1)

        assert 1 <= attempts <= 12

    def test_it_is_away_at_the_first_use(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=2, min=2, acquire_timeout=5)
        sandbox.stop()
        told = outcome(lambda: query(pool))
        sandbox.start()

        until(lambda: outcome(lambda: query(pool)).answer == 1, 2)

        assert isinstance(told.error, DatabaseUnavailable)
        until(lambda: pool.stats().opened == 2)  # refilled to min


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
        lay_idle(pool, 1)
        connection = pool.acquire()
        sandbox.cut_next()

        failed = outcome(lambda: select(connection))
        released = outcome(connection.close)
        following = outcome(lambda: query(pool))

        assert isinstance(failed.error, dbapi.Error)
        assert pool.driver.is_lost_connection(failed.error)
        assert released.seconds < 0.01
        assert errors([following]) == []
        assert_in_order(pool, sandbox, opened=1)

    def test_read_df_runs_again_on_a_fresh_session(self, default_pool: SessionPool, sandbox: Sandbox) -> None:
        lay_idle(default_pool, 3)
        sandbox.cut_next()

        frame = orapool.read_df("select level as n from dual connect by level <= 5000")

        assert len(frame) == 5000


class TestOneClusterAddressOfTwoIsGone:
    @staticmethod
    def cluster(*places: str, balance: str = "off") -> str:
        """A connect descriptor with an address for each ``host:port``."""
        addresses = "".join(
            f"(ADDRESS=(PROTOCOL=TCP)(HOST={place.partition(':')[0]})(PORT={place.partition(':')[2]}))"
            for place in places
        )
        return (
            f"(DESCRIPTION=(ADDRESS_LIST=(LOAD_BALANCE={balance})(FAILOVER=on){addresses})"
            f"(CONNECT_DATA=(SERVICE_NAME=ORAPOOL)))"
        )

    def test_it_refuses(self, make_pool: MakePool, firewall: Firewall) -> None:
        port = firewall.sandbox.port
        pool = make_pool(dsn=self.cluster(f"{firewall.other_address}:{port}", f"{firewall.address}:{port}"), max=3)

        outcomes = Callers(3, lambda: query(pool, timeout=5)).wait()

        assert errors(outcomes) == []
        assert longest(outcomes) < 2

    def test_it_is_silent(self, make_pool: MakePool, firewall: Firewall) -> None:
        port = firewall.sandbox.port
        firewall.drop_host(firewall.other_address)
        pool = make_pool(dsn=self.cluster(f"{firewall.other_address}:{port}", f"{firewall.address}:{port}"), max=3)

        outcomes = Callers(3, lambda: query(pool, timeout=10)).wait()

        assert errors(outcomes) == []

    def test_its_sessions_are_replaced_by_the_other_addresss(self, make_pool: MakePool, firewall: Firewall) -> None:
        with Sandbox(firewall.other_address, launcher=firewall.launcher) as other:
            places = (f"{firewall.address}:{firewall.sandbox.port}", f"{firewall.other_address}:{other.port}")
            pool = make_pool(dsn=self.cluster(*places, balance="on"), max=IDLE, acquire_timeout=15, **QUICK_KERNEL)
            lay_idle(pool)
            assert other.stats().sessions + firewall.sandbox.stats().sessions == IDLE
            firewall.drop_host(firewall.other_address)
            time.sleep(KERNEL_SECONDS)

            outcomes = Callers(CALLERS, lambda: query(pool)).wait(40)

            assert errors(outcomes) == []
            until(lambda: pool.stats().busy == 0)
            firewall.restore()


class TestAForkInTheMiddle:
    """In a process of its own, whose children end as real ones do."""

    PARENT = """
import os, sys, threading, time
import orapool
from orapool.sandbox.control import ControlClient
from pathlib import Path

dsn, driver, control = sys.argv[1:]
server = ControlClient(Path(control))
orapool.configure(dsn=dsn, user="scott", password="tiger", driver=driver, max=4, acquire_timeout=5)
pool = orapool.pool()

def query():
    with pool.acquire() as connection:
        cursor = connection.cursor()
        cursor.execute("select 1 from dual")
        assert cursor.fetchone() == (1,)

def fork():
    pid = os.fork()
    if pid == 0:
        for _ in range(5):
            query()
        threads = [thread.name for thread in threading.enumerate() if thread.name.startswith("orapool-keeper")]
        assert len(threads) == 1, threads
        sys.exit()
    return pid

def wait_for(pid):
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status
        time.sleep(0.02)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    return "hangs"

"""

    def run(self, body: str, sandbox: Sandbox, driver: str) -> None:
        """Run the parent."""
        assert sandbox._control is not None
        control = str(sandbox._control._path)
        process = subprocess.run(
            [
                sys.executable,
                "-W",
                "ignore::DeprecationWarning",
                "-c",
                self.PARENT + body,
                sandbox.dsn,
                driver,
                control,
            ],
            capture_output=True,
            text=True,
            timeout=90,
        )
        assert process.returncode == 0, process.stderr
        assert "Traceback" not in process.stderr

    def test_while_sessions_die_under_load(self, sandbox: Sandbox, driver: str) -> None:
        self.run(
            """
stop, errors = threading.Event(), []
query()  # Python itself cannot fork while another thread imports a module

def use():
    while not stop.is_set():
        try:
            with pool.acquire() as connection:
                cursor = connection.cursor()
                cursor.execute("select 1 from dual")
                cursor.fetchone()
        except pool.driver.dbapi.Error as error:
            errors.append(error)  # killed while in use
threads = [threading.Thread(target=use, daemon=True) for _ in range(4)]
for thread in threads:
    thread.start()
try:
    for turn in range(5):
        time.sleep(0.1)
        if turn % 2:
            server.call("end_sessions", how="rst")
        pid = fork()
        status = wait_for(pid)
        assert status == 0, status
finally:
    stop.set()
for thread in threads:
    thread.join(10)
    assert not thread.is_alive()
query()
assert pool.stats().busy == 0, pool
""",
            sandbox,
            driver,
        )

    def test_while_a_log_on_is_stuck(self, sandbox: Sandbox, driver: str) -> None:
        self.run(
            """
server.call("freeze", log_ons_only=True)
failed = []

def ask():
    try:
        query()
    except orapool.PoolError as error:
        failed.append(error)
asking = threading.Thread(target=ask, daemon=True)
connects = server.call("stats")["connects"]
asking.start()
while server.call("stats")["connects"] == connects:
    time.sleep(0.01)
pid = fork()
server.call("thaw")
status = wait_for(pid)
assert status == 0, status
asking.join(10)
assert not asking.is_alive() and not failed, failed
query()
assert pool.stats().busy == 0, pool
""",
            sandbox,
            driver,
        )

    def test_in_an_outage_whose_end_each_process_sees_by_itself(self, sandbox: Sandbox, driver: str) -> None:
        self.run(
            """
query()
server.call("stop")
for _ in range(5):
    try:
        query()
    except orapool.DatabaseUnavailable:
        pass
server.call("start")
pid = fork()
status = wait_for(pid)
assert status == 0, status
deadline = time.monotonic() + 2
while True:
    try:
        query()
        break
    except orapool.DatabaseUnavailable:
        assert time.monotonic() < deadline
        time.sleep(0.01)
""",
            sandbox,
            driver,
        )
