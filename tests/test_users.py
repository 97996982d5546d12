"""Sessions of several users in one pool: whose a checkout is, and that `max` is for all of them together."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import text

import orapool
from orapool import ConfigurationError, LogOnError, PoolTimeout, SessionPool
from orapool.credentials import Credentials, of_checkout
from orapool.pooling.seekers import Seeker
from orapool.sandbox import Sandbox
from orapool.settings import load_settings
from tests.waiting import until

MakePool = Callable[..., SessionPool]
WHO = "select sys_context('userenv', 'session_user'), sys_context('userenv', 'proxy_user') from dual"
SH = {"user": "sh", "password": "sales"}


def who(connection: Any) -> Any:
    """The user of a session, and whose proxy connected it."""
    cursor = connection.cursor()
    cursor.execute(WHO)
    return cursor.fetchone()


def sid(connection: Any) -> Any:
    """The number of a session."""
    cursor = connection.cursor()
    cursor.execute("select sys_context('userenv', 'sid') from dual")
    return cursor.fetchone()[0]


def native_pools(pool: SessionPool) -> int:
    """How many there are."""
    assert pool._parts is not None
    return len(pool._parts.natives.all)


@pytest.fixture
def proxies(sandbox: Sandbox) -> None:
    """scott may connect as sh."""
    sandbox.grant_proxy("sh", "scott")


@pytest.mark.usefixtures("proxies")
class TestAProxy:
    def test_of_the_settings_connects_as_its_client(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(user="scott[sh]")

        with pool.acquire() as connection:
            assert who(connection) == ("SH", "SCOTT")

        assert {(each["user"], each["proxy_user"]) for each in sandbox.sessions()} == {("SH", "SCOTT")}

    def test_in_a_url(self, sandbox: Sandbox, driver: str) -> None:
        place = sandbox.dsn.replace("/ORAPOOL", "/?service_name=ORAPOOL")
        pool = SessionPool(load_settings("test", url=f"oracle://scott%5Bsh%5D:tiger@{place}", driver=driver))
        with pool.acquire() as connection:
            assert who(connection) == ("SH", "SCOTT")
        pool.close()

    @pytest.mark.parametrize("user", ["sh", "[sh]", "scott[sh]", "SH"])
    def test_of_a_checkout_connects_through_the_settings_user(self, make_pool: MakePool, user: str) -> None:
        pool = make_pool()

        with pool.acquire() as own, pool.acquire(user=user) as other:
            assert who(own) == ("SCOTT", None)
            assert who(other) == ("SH", "SCOTT")

    def test_that_was_granted_nothing_is_told_what_to_do(self, make_pool: MakePool) -> None:
        pool = make_pool(user="sh", password="sales")

        with pytest.raises(LogOnError, match=r"sh\[scott\]@.*ORA-28150.*GRANT CONNECT THROUGH"):
            pool.acquire(user="scott")

        assert pool.stats().busy == 0
        assert native_pools(pool) == 1

    def test_takes_a_new_password_of_the_settings(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        passwords = {"now": "tiger"}
        pool = make_pool(password=lambda: passwords["now"])
        with pool.acquire(user="sh") as earlier:
            sandbox.set_password("scott", "lion")
            passwords["now"] = "lion"
            with pool.acquire(user="sh") as later, pool.acquire() as own:
                assert [who(each)[0] for each in (earlier, later, own)] == ["SH", "SH", "SCOTT"]
        assert pool.stats().opened == 3


class TestACheckoutOfAnotherUser:
    def test_logs_on_with_its_own_password(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        before = sandbox.stats()
        pool = make_pool()

        with pool.acquire() as own, pool.acquire(**SH) as other:
            assert who(own) == ("SCOTT", None)
            assert who(other) == ("SH", None)

        assert (pool.stats().opened, pool.stats().idle) == (2, 2)
        assert (sandbox.stats() - before).sessions == 2

    def test_uses_the_sessions_of_that_user_again_and_no_other(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool()
        with pool.acquire() as own, pool.acquire(**SH) as other:
            sids = sid(own), sid(other)
        before = sandbox.stats()

        for _ in range(20):
            with pool.acquire() as own:
                assert sid(own) == sids[0]
            with pool.acquire(**SH) as other:
                assert sid(other) == sids[1]

        assert (sandbox.stats() - before).log_ons == 0

    def test_needs_the_right_password_also_when_a_session_is_there(self, make_pool: MakePool, driver: str) -> None:
        pool = make_pool()
        pool.acquire(**SH).close()

        with pytest.raises(LogOnError, match="sh@.*ORA-01017"):
            pool.acquire(user="sh", password="guessed")

        assert (pool.stats().opened, pool.stats().busy) == (1, 0)
        assert native_pools(pool) == 2
        with pool.acquire(**SH) as connection:
            assert who(connection) == ("SH", None)

    def test_with_a_new_password_ends_the_use_of_the_older_one(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool()
        earlier = pool.acquire(**SH)
        sandbox.set_password("sh", "silk")
        with pool.acquire(user="sh", password="silk") as later:
            assert who(later) == ("SH", None)
        earlier.close()

        with pytest.raises(LogOnError, match="ORA-01017"):
            pool.acquire(**SH)

        held = [pool.acquire(user="sh", password="silk") for _ in range(2)]
        assert pool.stats().opened == 2  # the older session is as good
        for connection in held:
            connection.close()

    def test_under_way_with_an_older_password_leaves_the_newer_one_in_use(
        self, make_pool: MakePool, sandbox: Sandbox
    ) -> None:
        pool = make_pool()
        pool.acquire(**SH).close()
        assert pool._parts is not None
        natives = pool._parts.natives
        with natives.visit(Credentials("sh", "sales")) as older:
            sandbox.set_password("sh", "silk")
            with pool.acquire(), pool.acquire(**SH):  # nothing is idle that the newer one could take
                pool.acquire(user="sh", password="silk").close()
            connection, found = pool._parts.growth.draw(time.monotonic() + 5, Seeker(older))
            found.health.put_back(connection, found.health.drawn(connection))
        before = sandbox.stats()

        pool.acquire(user="sh", password="silk").close()

        assert (sandbox.stats() - before).log_ons == 0

    def test_is_made_by_the_functions_of_the_module_too(self, default_pool: SessionPool, sandbox: Sandbox) -> None:
        sandbox.grant_proxy("sh", "scott")

        with orapool.connection(**SH) as connection:
            assert who(connection) == ("SH", None)
        with orapool.transaction(user="sh") as connection:
            assert who(connection) == ("SH", "SCOTT")

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"password": "sales"}, "a password without a user"),
            ({"user": ""}, "user not an empty one"),
            ({"user": 7}, "should be strings"),
            ({"user": "sh", "password": b"sales"}, "should be strings"),
            ({"user": "sh", "password": ""}, "the password of user 'sh' is empty"),
            ({"user": "hr[sh]"}, "user 'hr\\[sh\\]' needs a password: the settings have the one of 'scott'"),
        ],
    )
    def test_that_cannot_be_is_refused(self, make_pool: MakePool, given: dict[str, Any], message: str) -> None:
        pool = make_pool()

        with pytest.raises(ConfigurationError, match=message):
            pool.acquire(**given)

        assert pool.stats().busy == 0

    def test_shows_its_password_nowhere(self, make_pool: MakePool, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("DEBUG")
        pool = make_pool()
        with pytest.raises(LogOnError) as raised:
            pool.acquire(user="sh", password="swordfish")

        key = Credentials("sh", "swordfish")
        assert "swordfish" not in f"{pool!r}{raised.value!r}{raised.value}{caplog.text}{key!r}"


class TestMax:
    def test_is_for_all_users_together(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        before = sandbox.stats()
        pool = make_pool(max=3)
        held = [pool.acquire() for _ in range(3)]
        for connection in held:
            connection.close()

        with pool.acquire(**SH) as connection:
            assert who(connection) == ("SH", None)
            assert (sandbox.stats() - before).sessions == pool.stats().opened == 3
            assert pool.stats().dropped == {"made room": 1}

        held = [pool.acquire(**SH) for _ in range(3)]
        assert (sandbox.stats() - before).sessions == pool.stats().opened == 3
        assert pool.stats().dropped == {"made room": 3}
        for connection in held:
            connection.close()
        assert (pool.stats().opened, pool.stats().busy, pool.stats().idle) == (3, 0, 3)

    def test_is_a_line_for_all_users(self, make_pool: MakePool) -> None:
        pool = make_pool(max=1)
        held = pool.acquire()
        started = time.monotonic()
        with pytest.raises(PoolTimeout, match="max 1, 1 busy"):
            pool.acquire(timeout=0.2, **SH)
        assert 0.2 <= time.monotonic() - started < 5
        with ThreadPoolExecutor() as threads:
            waiting = threads.submit(pool.acquire, 20, **SH)
            until(lambda: pool.stats().waiting == 1)
            held.close()
            with waiting.result() as connection:
                assert who(connection) == ("SH", None)
        assert pool.stats().opened == 1

    def test_keeps_no_native_pool_of_a_user_without_sessions(self, make_pool: MakePool) -> None:
        pool = make_pool(max=1)
        threads = threading.active_count()
        for _ in range(3):
            pool.acquire(**SH).close()
            pool.acquire().close()

        until(lambda: native_pools(pool) == 1)
        assert pool.stats().opened == 1
        until(lambda: threading.active_count() <= threads + 4)  # the pool's own workers

    def test_holds_under_load_and_nobody_gets_anothers_session(
        self, make_pool: MakePool, sandbox: Sandbox, driver: str
    ) -> None:
        sandbox.grant_proxy("sh", "scott")
        before = sandbox.stats()
        pool = make_pool(max=3, acquire_timeout=60)
        users: list[tuple[dict[str, str], Any]] = [
            ({}, ("SCOTT", None)),
            (SH, ("SH", None)),
            ({"user": "sh"}, ("SH", "SCOTT")),
        ]
        most = []

        def work(number: int) -> None:
            for turn in range(15):
                given, expected = users[(number + turn) % 3]
                with pool.acquire(**given) as connection:
                    assert who(connection) == expected
                    # It counts one user after the other: a place that has passed on meanwhile counts twice.
                    most.append(min(pool.stats().opened for _ in range(3)))

        with ThreadPoolExecutor(6) as threads:
            list(threads.map(work, range(6)))

        assert max(most) <= 3
        until(lambda: pool.stats().busy == 0)
        stats = pool.stats()
        assert (stats.checkouts, stats.waiting) == (90, 0)
        assert stats.log_ons - stats.dropped_total - stats.replaced == stats.opened <= 3
        if driver == "cx_oracle":  # python-oracledb's pool may open one that nobody asks for any more
            assert stats.log_ons == (sandbox.stats() - before).log_ons
            until(lambda: (sandbox.stats() - before).sessions == stats.opened)
        pool.close()
        until(lambda: (sandbox.stats() - before).sessions == 0)


class TestFaults:
    def test_ended_sessions_of_every_user_are_replaced(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool()
        with pool.acquire(), pool.acquire(**SH):
            pass

        sandbox.end_sessions("rst")

        for _ in range(3):
            with pool.acquire() as own, pool.acquire(**SH) as other:
                assert (who(own), who(other)) == (("SCOTT", None), ("SH", None))
        assert (pool.stats().opened, pool.stats().busy) == (2, 0)

    def test_a_session_lost_in_use_is_dropped_from_its_own_native_pool(
        self, make_pool: MakePool, sandbox: Sandbox, dbapi: ModuleType
    ) -> None:
        pool = make_pool()
        own, other = pool.acquire(), pool.acquire(**SH)
        sandbox.end_sessions("rst", sid=int(sid(other)))
        with pytest.raises(dbapi.Error):
            who(other)

        other.close()

        until(lambda: native_pools(pool) == 1)
        assert who(own) == ("SCOTT", None)
        own.close()
        assert (pool.stats().opened, pool.stats().busy) == (1, 0)

    def test_open_work_is_rolled_back(self, make_pool: MakePool) -> None:
        pool = make_pool(max=1)
        with pool.acquire(**SH) as connection:
            connection.cursor().execute("create table credit (amount number)")
            connection.cursor().execute("insert into credit values (1)")
        with pool.acquire(**SH) as connection:
            assert connection.cursor().execute("select count(*) from credit").fetchone() == (0,)
            connection.cursor().execute("drop table credit")

    def test_sessions_of_users_retire_too(self, make_pool: MakePool) -> None:
        pool = make_pool(min=0, idle_timeout=0.2)
        pool.acquire(**SH).close()
        pool.acquire().close()

        until(lambda: pool.stats().opened == 0)

        assert pool.stats().dropped == {"retired": 2}

    def test_a_closed_pool_closes_those_of_all_users(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        before = sandbox.stats()
        pool = make_pool()
        out = pool.acquire(**SH)
        pool.acquire(user="sh", password="sales").close()
        pool.acquire().close()

        pool.close()

        until(lambda: (sandbox.stats() - before).sessions == 1)
        assert who(out) == ("SH", None)
        out.close()
        until(lambda: (sandbox.stats() - before).sessions == 0)
        assert pool.stats().opened == 0

    def test_a_forked_child_has_sessions_of_its_own(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool()
        held = pool.acquire(**SH)
        pool.acquire().close()
        number = sid(held)
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                with pool.acquire(**SH) as connection:
                    good = who(connection) == ("SH", None) and sid(connection) != number
                pool.close()
                status = 0 if good and pool.stats().busy == 0 else 2
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert (sid(held), who(held)) == (number, ("SH", None))
        held.close()


class TestUserSource:
    @pytest.fixture
    def user(self) -> Iterator[dict[str, Any]]:
        """Who is logged in to the application."""
        return {"now": None}

    def test_says_at_each_checkout_whose_it_is(
        self, make_pool: MakePool, sandbox: Sandbox, user: dict[str, Any]
    ) -> None:
        sandbox.grant_proxy("sh", "scott")
        pool = make_pool(user_source=lambda: user["now"])

        seen = []
        for user["now"] in (None, "sh", ("sh", "sales"), "", "scott"):
            with pool.acquire() as connection:
                seen.append(who(connection))

        assert seen == [("SCOTT", None), ("SH", "SCOTT"), ("SH", None), ("SCOTT", None), ("SCOTT", None)]

    def test_is_overruled_by_the_checkouts_own(self, make_pool: MakePool, user: dict[str, Any]) -> None:
        user["now"] = ("sh", "sales")
        pool = make_pool(user_source=lambda: user["now"])

        with pool.acquire(user="scott") as connection:
            assert who(connection) == ("SCOTT", None)

    def test_serves_engines_and_frames(
        self, sandbox: Sandbox, driver: str, user: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(orapool.pools, "_settings", {})
        orapool.configure(
            "of_users", dsn=sandbox.dsn, user="scott", password="tiger", driver=driver, user_source=lambda: user["now"]
        )
        engine = orapool.engine("of_users")
        for user["now"], expected in ((("sh", "sales"), "SH"), (None, "SCOTT")):
            with engine.connect() as connection:
                assert connection.execute(text("select user from dual")).scalar() == expected
            assert orapool.read_df("select user from dual", name="of_users").iloc[0, 0] == expected
        orapool.close("of_users")

    def test_may_be_named_in_a_file(self, make_pool: MakePool, monkeypatch: pytest.MonkeyPatch) -> None:
        module = ModuleType("users_of_test")
        module.current = lambda: ("sh", "sales")  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)

        with make_pool(user_source="users_of_test:current").acquire() as connection:
            assert who(connection) == ("SH", None)

    def test_opens_no_sessions_ahead(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        before = sandbox.stats()
        pool = make_pool(min=3, user_source=lambda: ("sh", "sales"))

        pool.acquire().close()

        assert pool.stats().opened == 1
        assert (sandbox.stats() - before).log_ons == 1

    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            (7, "returned int: it must return a user, a user and a password, or None"),
            (("sh",), "returned tuple"),
            (("sh", None), "returned tuple"),
            (("sh", ""), "the password of user 'sh' is empty"),
        ],
    )
    def test_that_returns_something_else_is_told(self, make_pool: MakePool, answer: Any, message: str) -> None:
        pool = make_pool(user_source=lambda: answer)

        with pytest.raises(ConfigurationError, match=message):
            pool.acquire()

        assert pool.stats().busy == 0

    def test_that_raises_is_heard(self, make_pool: MakePool) -> None:
        def refuse() -> None:
            raise PermissionError("nobody is logged in")

        with pytest.raises(PermissionError, match="nobody is logged in"):
            make_pool(user_source=refuse).acquire()

    @pytest.mark.parametrize("value", [7, "module", "module:"])
    def test_that_is_none_is_refused(self, value: Any) -> None:
        with pytest.raises(ConfigurationError, match="user_source: input should be package.module:function, or a fun"):
            load_settings(dsn="db/x", user="scott", password="tiger", user_source=value)

    def test_that_is_not_there_is_told(self, make_pool: MakePool) -> None:
        pool = make_pool(user_source="no_such_module_of_test:users")

        with pytest.raises(ConfigurationError, match="user_source no_such_module_of_test:users .* cannot be imported"):
            pool.acquire()


@pytest.mark.parametrize(
    ("own", "user", "whose"),
    [
        ("scott", "sh", "scott[sh]"),
        ("scott", "SCOTT", "scott"),
        ("scott", '"sh"', 'scott["sh"]'),
        ("scott[hr]", "sh", "scott[sh]"),
        ("scott[hr]", "HR", "scott[hr]"),
        ("scott[hr]", "scott", "scott"),
        ("scott[hr]", "scott[hr]", "scott[hr]"),
        ('"Scott"', "scott", '"Scott"[scott]'),
    ],
)
def test_whom_a_user_without_a_password_is_connected_as(own: str, user: str, whose: str) -> None:
    settings = load_settings(dsn="db/x", user=own, password="tiger")

    assert of_checkout(settings, user) == Credentials(whose)
