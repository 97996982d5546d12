"""Whom the sessions of an asyncio pool are logged on as: passwords that change, users of a checkout, TLS, tokens."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import oracledb
import pytest

from orapool import ConfigurationError, LogOnError
from orapool.sandbox import Sandbox
from tests.aio.conftest import MakePool
from tests.aio.tasks import ask, assert_in_order, lay_idle, outcome, query, select, until
from tests.faults.callers import errors

WHO = "select user from dual"


@pytest.fixture
def scotts_password(sandbox: Sandbox) -> Iterator[Sandbox]:
    """A server on which scott's password may change; it is the old one at the end."""
    yield sandbox
    sandbox.set_password("scott", "tiger")


class TestANewPassword:
    async def test_in_a_file_is_taken_by_log_ons_from_now_on(
        self, make_pool: MakePool, scotts_password: Sandbox, tmp_path: Path
    ) -> None:
        secret = tmp_path / "secret"
        secret.write_text("tiger")
        pool = make_pool(password=None, password_file=secret, max=2, min=0)
        earlier = await pool.acquire()
        before = scotts_password.stats()

        scotts_password.set_password("scott", "lion")
        secret.write_text("lion")
        async with pool.acquire() as later:
            assert (await select(earlier, WHO), await select(later, WHO)) == ("SCOTT", "SCOTT")

        assert (scotts_password.stats() - before).denied_log_ons == 0
        await earlier.close()
        await assert_in_order(pool, scotts_password, opened=2)

    async def test_of_a_function_is_asked_for_when_one_was_denied(
        self, make_pool: MakePool, scotts_password: Sandbox
    ) -> None:
        passwords = ["tiger"]
        asked = []

        def password() -> str:
            asked.append(passwords[-1])
            return passwords[-1]

        pool = make_pool(password=password, max=3, min=0)
        await lay_idle(pool, 3)
        assert asked == ["tiger"]
        scotts_password.set_password("scott", "lion")
        passwords.append("lion")
        scotts_password.end_sessions("fin")
        before = scotts_password.stats()

        outcomes = await ask(pool, 10)

        assert errors(outcomes) == []
        assert (scotts_password.stats() - before).denied_log_ons <= 3  # those who had logged on a moment ago
        await assert_in_order(pool, scotts_password)

    async def test_that_is_not_to_be_had_is_not_asked_for_again_and_again(
        self, make_pool: MakePool, scotts_password: Sandbox
    ) -> None:
        pool = make_pool(password="wrong", max=10, min=0)
        before = scotts_password.stats()

        outcomes = [*await ask(pool, 20), *await ask(pool, 20)]

        assert all(isinstance(each.error, LogOnError) for each in outcomes)
        assert (scotts_password.stats() - before).denied_log_ons == 1
        assert "the same password is not tried again for" in str(outcomes[-1].error)
        assert pool.stats().outage_since is None

    async def test_ends_an_outage_as_far_as_the_database_goes(
        self, make_pool: MakePool, scotts_password: Sandbox, caplog: pytest.LogCaptureFixture
    ) -> None:
        pool = make_pool(min=0)
        await query(pool)
        scotts_password.refuse()
        scotts_password.end_sessions("fin")
        await ask(pool, 5)
        assert pool.stats().outage_since is not None
        scotts_password.set_password("scott", "lion")

        scotts_password.refuse(False)
        await until(lambda: pool.stats().outage_since is None)

        assert "the database is there, and denies the log-on" in caplog.text
        assert isinstance((await outcome(query(pool))).error, LogOnError)


class TestUsersOfACheckout:
    async def test_each_gets_sessions_of_its_own(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=2, min=0)

        for _ in range(3):
            async with pool.acquire(user="sh", password="sales") as connection, pool.acquire() as other:
                assert (await select(connection, WHO), await select(other, WHO)) == ("SH", "SCOTT")

        assert pool.stats().log_ons == 2
        await assert_in_order(pool, sandbox, opened=2)

    async def test_another_password_gets_no_idle_session(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=2, min=0)
        async with pool.acquire(user="sh", password="sales"):
            pass

        with pytest.raises(LogOnError, match="ORA-01017"):
            await pool.acquire(user="sh", password="guessed")

        assert pool.stats().busy == 0

    async def test_max_is_for_all_together(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=2, min=0)
        await lay_idle(pool, 2)

        async with pool.acquire(user="sh", password="sales") as connection:
            assert await select(connection, WHO) == "SH"
            assert sandbox.stats().sessions == 2

        assert pool.stats().dropped == {"made room": 1}
        await assert_in_order(pool, sandbox, opened=2)

    async def test_user_source_says_it_for_all(self, make_pool: MakePool) -> None:
        pool = make_pool(user_source=lambda: ("sh", "sales"), max=2)

        async with pool.acquire() as connection, pool.acquire(user="scott") as other:
            assert (await select(connection, WHO), await select(other, WHO)) == ("SH", "SCOTT")

    async def test_what_cannot_be_is_told(self, make_pool: MakePool) -> None:
        pool = make_pool()

        with pytest.raises(ConfigurationError, match="a password without a user"):
            await pool.acquire(password="sales")

        assert pool.stats().busy == 0


class TestTLS:
    async def test_sessions_over_tls_are_watched_too(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        dsn, wallet = sandbox.listen_for_tls(), sandbox.make_wallet()
        pool = make_pool(dsn=dsn, wallet_location=wallet, max=3, min=0)
        await lay_idle(pool, 3)
        async with pool.acquire() as connection:
            assert connection.session_state.socket is not None
            assert connection.wire.transport.get_extra_info("ssl_object") is not None
            sandbox.freeze()
            asking = asyncio.create_task(outcome(select(connection)))
            await until(lambda: connection.wire.waits)
            sandbox.end_sessions("rst")
            assert isinstance((await asking).error, oracledb.DatabaseError)
            sandbox.thaw()

        assert errors(await ask(pool, 10)) == []
        await assert_in_order(pool, sandbox)

    async def test_a_cancelled_statement_over_tls(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        dsn, wallet = sandbox.listen_for_tls(), sandbox.make_wallet()
        pool = make_pool(dsn=dsn, wallet_location=wallet, max=1, min=0)
        async with pool.acquire() as connection:
            sandbox.freeze()
            asking = asyncio.create_task(outcome(select(connection)))
            await until(lambda: connection.wire.waits)
            asking.cancel()
            cancelled = await asking
            sandbox.thaw()

        assert isinstance(cancelled.error, asyncio.CancelledError)
        assert pool.stats().dropped == {"call cancelled": 1}
        assert await query(pool) == 1
        await assert_in_order(pool, sandbox, opened=1)
