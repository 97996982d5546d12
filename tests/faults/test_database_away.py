"""The database is stopped and started; one address of a cluster is gone."""

from __future__ import annotations

import logging
import time

import pytest

from orapool import DatabaseUnavailable
from orapool.sandbox import Sandbox
from tests.faults.callers import (
    AT_ONCE,
    BUSY,
    CALLERS,
    IDLE,
    KERNEL_SECONDS,
    LATE,
    QUICK_KERNEL,
    Callers,
    MakePool,
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
        assert typical(wave) < 5 + LATE
        assert longest(wave) < 5 + BUSY
        assert typical(following) < 0.05
        assert longest(following) < AT_ONCE
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

    def test_one_line_is_logged_too_when_it_is_the_upkeep_that_finds_out(
        self, make_pool: MakePool, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
    ) -> None:
        pool = make_pool(min=2, max=2)
        lay_idle(pool, 2)
        with log_lines(caplog, logging.WARNING) as going:
            sandbox.stop()
            outcome(lambda: query(pool))  # one log-on that fails is no outage; those that refill the pool fail too
            until(lambda: "unavailable" in caplog.text, 20)
        sandbox.start()

        assert len(going) == 1, going

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
        pool = make_pool(max=3, min=3, acquire_timeout=5)
        sandbox.stop()
        told = outcome(lambda: query(pool))
        sandbox.start()

        until(lambda: outcome(lambda: query(pool)).answer == 1, 2)

        assert isinstance(told.error, DatabaseUnavailable)
        with pool.acquire(), pool.acquire():
            until(lambda: pool.stats().opened == 3)  # filled to min


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

    def test_it_is_silent_and_many_ask(self, make_pool: MakePool, firewall: Firewall) -> None:
        """A log-on takes the 2 seconds after which the other address is tried, and there is one at a time."""
        port = firewall.sandbox.port
        dsn = self.cluster(f"{firewall.other_address}:{port}", f"{firewall.address}:{port}")
        pool = make_pool(dsn=dsn, max=IDLE, acquire_timeout=5, transport_connect_timeout=2)
        lay_idle(pool)
        firewall.drop_host(firewall.other_address)
        firewall.sandbox.end_sessions("fin")

        outcomes = Callers(CALLERS, lambda: query(pool)).wait()

        assert errors(outcomes) == []
        assert pool.stats().outage_since is None
        assert_in_order(pool, firewall.sandbox)

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
