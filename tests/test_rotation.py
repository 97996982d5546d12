"""A password that changes while a pool is in use: log-ons take the new one, and no account is locked by trying."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from orapool import LogOnError, SessionPool
from orapool.pooling.native_pool import Denial
from orapool.sandbox import Sandbox
from tests.waiting import until

MakePool = Callable[..., SessionPool]


def select(connection: Any, sql: str = "select user from dual") -> Any:
    """The first value of the first row."""
    cursor = connection.cursor()
    cursor.execute(sql)
    return cursor.fetchone()[0]


def native_pools(pool: SessionPool) -> int:
    """How many there are."""
    assert pool._parts is not None
    return len(pool._parts.natives.all)


def attempts(driver: str) -> int:
    """Log-ons that a driver makes for one that is denied: python-oracledb's pool repeats it by itself."""
    return {"cx_oracle": 1, "oracledb": 2}[driver]


class Vault:
    """A secret manager, which counts how often it is asked."""

    def __init__(self, password: str = "tiger") -> None:
        self.password = password
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        return self.password


@pytest.fixture
def vault() -> Vault:
    return Vault()


class TestANewPassword:
    @pytest.mark.parametrize("way", ["file", "function", "hook"])
    def test_is_taken_by_log_ons_from_now_on(
        self,
        make_pool: MakePool,
        sandbox: Sandbox,
        driver: str,
        way: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        vault = Vault()
        secret = tmp_path / "secret"
        secret.write_text("tiger")
        module = ModuleType("vault_of_test")
        module.fetch = lambda settings: vault()  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        given = {
            "file": {"password_file": secret},
            "function": {"password": vault},
            "hook": {"password_hook": "vault_of_test:fetch"},
        }[way]
        pool = make_pool(**{"password": None, "max": 3, **given})
        earlier = pool.acquire()
        before = sandbox.stats()

        sandbox.set_password("scott", "lion")
        vault.password = "lion"
        secret.write_text("lion\n")
        later = pool.acquire()

        assert (select(earlier), select(later)) == ("SCOTT", "SCOTT")
        # A file is looked at before each log-on, the others when one was denied.
        third = pool.acquire()
        assert (sandbox.stats() - before).denied_log_ons <= (0 if way == "file" else attempts(driver))
        for connection in (earlier, later, third):
            connection.close()

    def test_leaves_the_sessions_that_are_open_in_use(
        self, make_pool: MakePool, sandbox: Sandbox, vault: Vault
    ) -> None:
        pool = make_pool(password=vault, max=3)
        before = sandbox.stats()
        earlier = [pool.acquire(), pool.acquire()]
        sandbox.set_password("scott", "lion")
        vault.password = "lion"
        later = pool.acquire()
        sids = {select(connection, "select sys_context('userenv', 'sid') from dual") for connection in earlier}

        for connection in (*earlier, later):
            connection.close()
        again = [pool.acquire() for _ in range(3)]

        assert sids < {select(connection, "select sys_context('userenv', 'sid') from dual") for connection in again}
        assert (sandbox.stats() - before).log_ons == pool.stats().log_ons == 3
        assert (pool.stats().opened, pool.stats().busy, pool.stats().idle) == (3, 3, 0)
        for connection in again:
            connection.close()
        assert (pool.stats().opened, pool.stats().busy, pool.stats().idle) == (3, 0, 3)

    def test_leaves_no_native_pool_behind_when_the_old_ones_sessions_are_gone(
        self, make_pool: MakePool, sandbox: Sandbox, vault: Vault
    ) -> None:
        pool = make_pool(password=vault, max=3)
        earlier = pool.acquire()
        sandbox.set_password("scott", "lion")
        vault.password = "lion"
        pool.acquire().close()
        assert native_pools(pool) == 2

        earlier.drop()

        until(lambda: native_pools(pool) == 1)
        assert (pool.stats().opened, pool.stats().dropped) == (1, {"asked": 1})
        assert pool.acquire().close() is None

    def test_can_come_again_and_again(self, make_pool: MakePool, sandbox: Sandbox, vault: Vault) -> None:
        pool = make_pool(password=vault, min=0, max=5)
        held = []
        for number in range(5):
            vault.password = f"lion{number}"
            sandbox.set_password("scott", vault.password)
            held.append(pool.acquire())
        assert native_pools(pool) == 6 - 1  # the first has never had a session

        for connection in held:
            connection.close()
        held = [pool.acquire() for _ in range(5)]
        assert pool.stats().log_ons == 5
        for connection in held:
            connection.drop()
        until(lambda: pool.stats().opened == 0 and native_pools(pool) == 1)

    def test_is_taken_when_the_old_one_has_expired(self, make_pool: MakePool, sandbox: Sandbox, vault: Vault) -> None:
        pool = make_pool(password=vault, max=2)
        earlier = pool.acquire()
        sandbox.expire_password("scott")
        with pytest.raises(LogOnError, match=r"ORA-28001.*ALTER USER \.\.\. IDENTIFIED BY"):
            pool.acquire()

        sandbox.set_password("scott", "lion")
        vault.password = "lion"
        until(lambda: _can_be_had(pool))

        earlier.close()

    def test_closes_with_the_pool_as_the_old_one_does(
        self, make_pool: MakePool, sandbox: Sandbox, vault: Vault
    ) -> None:
        before = sandbox.stats()
        pool = make_pool(password=vault, max=3)
        earlier = pool.acquire()
        sandbox.set_password("scott", "lion")
        vault.password = "lion"
        later = pool.acquire()
        idle = pool.acquire()
        idle.close()

        pool.close()

        until(lambda: (sandbox.stats() - before).sessions == 2)
        for connection in (earlier, later):
            assert select(connection) == "SCOTT"
            connection.close()
        until(lambda: (sandbox.stats() - before).sessions == 0)
        assert (pool.stats().opened, pool.stats().dropped) == (0, {"pool closed": 3})

    def test_is_in_no_log_and_no_repr(
        self, make_pool: MakePool, sandbox: Sandbox, caplog: pytest.LogCaptureFixture, vault: Vault
    ) -> None:
        caplog.set_level("DEBUG")
        pool = make_pool(password=vault, max=2)
        earlier = pool.acquire()
        sandbox.set_password("scott", "swordfish")
        vault.password = "swordfish"
        pool.acquire().close()
        earlier.close()

        assert pool._parts is not None
        natives = pool._parts.natives
        shown = f"{pool!r}{pool.settings!r}{natives.all!r}{natives.primary.credentials!r}{caplog.text}"
        assert "there is a new password" in caplog.text
        assert "swordfish" not in shown
        assert "tiger" not in shown


def _can_be_had(pool: SessionPool) -> bool:
    try:
        with pool.acquire() as connection:
            return bool(select(connection) == "SCOTT")
    except LogOnError:
        return False


class TestAPasswordThatIsDenied:
    def test_is_not_tried_again_by_everyone_who_asks(
        self, make_pool: MakePool, sandbox: Sandbox, driver: str, dbapi: ModuleType
    ) -> None:
        pool = make_pool(password="wrong", min=0, max=8)
        before = sandbox.stats()
        together = threading.Barrier(8)

        def ask(_: int) -> Exception:
            together.wait()
            with pytest.raises(LogOnError) as raised:
                pool.acquire()
            return raised.value

        with ThreadPoolExecutor(8) as threads:
            errors = list(threads.map(ask, range(8)))

        assert 1 <= (sandbox.stats() - before).denied_log_ons <= attempts(driver)
        assert all(isinstance(error, dbapi.DatabaseError) and error.args[0].code == 1017 for error in errors)
        later = [error for error in errors if "the same password is not tried again for" in str(error)]
        assert len(later) == 7
        assert pool.stats().busy == 0

    def test_costs_one_attempt_in_all_when_there_is_a_new_one(
        self, make_pool: MakePool, sandbox: Sandbox, driver: str, vault: Vault
    ) -> None:
        pool = make_pool(password=vault, min=0, max=8)
        pool.acquire().drop()
        sandbox.set_password("scott", "lion")
        vault.password = "lion"
        before = sandbox.stats()
        together = threading.Barrier(8)

        def ask(_: int) -> Any:
            together.wait()
            return pool.acquire()

        with ThreadPoolExecutor(8) as threads:
            connections = list(threads.map(ask, range(8)))

        spent = sandbox.stats() - before
        assert 1 <= spent.denied_log_ons <= attempts(driver)
        assert spent.log_ons == 8
        assert vault.asked <= 3
        for connection in connections:
            connection.close()

    def test_is_read_again_while_it_is_not_tried(
        self, make_pool: MakePool, sandbox: Sandbox, driver: str, vault: Vault
    ) -> None:
        pool = make_pool(password=vault, min=0)
        sandbox.set_password("scott", "lion")
        before = sandbox.stats()
        for _ in range(20):
            with pytest.raises(LogOnError, match="ORA-01017"):
                pool.acquire()
        assert (sandbox.stats() - before).denied_log_ons <= attempts(driver)
        assert vault.asked <= 3

        vault.password = "lion"
        until(lambda: _can_be_had(pool))

        assert (sandbox.stats() - before).denied_log_ons <= attempts(driver)

    def test_is_tried_again_after_a_pause_that_grows(self, monkeypatch: pytest.MonkeyPatch) -> None:
        denials = [Denial(Exception("ORA-01017"))]
        for _ in range(8):
            denials.append(Denial(Exception("ORA-01017"), denials[-1]))

        assert [denial.pause for denial in denials[:4]] == [5, 10, 20, 40]
        assert denials[-1].pause == 300
        assert 0 < denials[0].left <= 5

    def test_counts_again_when_the_database_has_it_and_the_pause_is_over(
        self, make_pool: MakePool, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("orapool.pooling.native_pool._FIRST_PAUSE", 0.2)
        pool = make_pool(password="lion", min=0)
        with pytest.raises(LogOnError, match="ORA-01017"):
            pool.acquire()

        sandbox.set_password("scott", "lion")

        until(lambda: _can_be_had(pool))

    def test_of_a_locked_account_is_told_as_it_is(self, make_pool: MakePool, sandbox: Sandbox, vault: Vault) -> None:
        pool = make_pool(password=vault, min=0)
        sandbox.lock("scott")

        with pytest.raises(LogOnError, match="ORA-28000.*the account is locked"):
            pool.acquire()

        assert vault.asked == 1
        sandbox.lock("scott", False)
        pool.acquire().close()

    def test_and_cannot_be_read_again_is_the_one_that_there_is(
        self, make_pool: MakePool, sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        secret = tmp_path / "secret"
        secret.write_text("tiger")
        pool = make_pool(password=None, password_file=secret, max=2)
        with pool.acquire():
            secret.unlink()

            with pool.acquire() as later:  # the password that was read is still good
                assert select(later) == "SCOTT"

        assert "the password cannot be read again" in caplog.text


class TestAnOutage:
    def test_ends_with_a_new_password(self, make_pool: MakePool, sandbox: Sandbox, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.write_text("tiger")
        pool = make_pool(password=None, password_file=secret, min=0)
        sandbox.refuse()
        for _ in range(3):
            with pytest.raises(LogOnError):
                pool.acquire()
        assert pool.stats().outage_since is not None

        sandbox.set_password("scott", "lion")
        secret.write_text("lion")
        sandbox.refuse(False)

        until(lambda: pool.stats().outage_since is None)
        until(lambda: _can_be_had(pool))

    def test_that_ends_with_another_password_in_the_database_locks_no_account(
        self, make_pool: MakePool, sandbox: Sandbox, driver: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        pool = make_pool(min=1)
        pool.acquire().close()
        before = sandbox.stats()
        sandbox.stop()
        for _ in range(3):
            with pytest.raises(LogOnError):
                pool.acquire()
        sandbox.set_password("scott", "lion")
        sandbox.start()

        until(lambda: pool.stats().outage_since is None)
        for _ in range(5):
            with pytest.raises(LogOnError, match="ORA-01017"):
                pool.acquire()

        assert (sandbox.stats() - before).denied_log_ons <= attempts(driver)
        assert "the database is there, and denies the log-on" in caplog.text


def test_garbage_of_an_old_native_pool_comes_back(make_pool: MakePool, sandbox: Sandbox, vault: Vault) -> None:
    pool = make_pool(password=vault, max=2)
    lost = [pool.acquire()]
    sandbox.set_password("scott", "lion")
    vault.password = "lion"
    pool.acquire().close()

    lost.clear()
    gc.collect()

    until(lambda: pool.stats().busy == 0)
    assert (pool.stats().opened, pool.stats().idle, pool.stats().reclaimed) == (2, 2, 1)


def test_rotations_under_load_leave_the_counts_exact(make_pool: MakePool, sandbox: Sandbox, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("tiger")
    before = sandbox.stats()
    pool = make_pool(password=None, password_file=secret, max=4)
    over = threading.Event()
    errors: list[BaseException] = []
    served = []

    def work(number: int) -> None:
        while not over.is_set():
            try:
                with pool.acquire(timeout=20) as connection:
                    served.append(select(connection))
                    if len(served) % 7 == number:
                        connection.drop()
            except BaseException as error:
                errors.append(error)

    with ThreadPoolExecutor(8) as threads:
        for number in range(6):
            threads.submit(work, number)
        for number in range(5):
            done = len(served)
            until(lambda done=done: len(served) >= done + 30 or errors)
            (tmp_path / "new").write_text(f"lion{number}")
            sandbox.set_password("scott", f"lion{number}")
            (tmp_path / "new").replace(secret)
        over.set()

    # Between the two changes the old password is denied, which is told as it is.
    assert all(isinstance(error, LogOnError) and "ORA-01017" in str(error) for error in errors)
    until(lambda: pool.stats().busy == 0)
    stats = pool.stats()
    assert stats.log_ons - stats.dropped_total - stats.replaced == stats.opened <= 4
    pool.close()
    until(lambda: (sandbox.stats() - before).sessions == 0)
    assert pool.stats().opened == 0
