"""What `on_session`, `edition`, `cclass`, `purity` and `stmtcachesize` do to sessions."""

from __future__ import annotations

import functools
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import text

import orapool
from orapool import ConfigurationError, OnSessionError, PoolTimeout, pools
from orapool.sandbox import Sandbox
from orapool.session_pool import SessionPool
from tests.waiting import until

MakePool = Callable[..., SessionPool]
SEEN = "select sys_context('userenv', 'nls_date_format'), sys_context('userenv', 'current_schema') from dual"
FAILED = "on_session failed"


def prepare(connection: Any) -> None:
    """An `on_session`, as an application has it."""
    with connection.cursor() as cursor:
        cursor.execute("alter session set nls_date_format = 'YYYY-MM-DD'")
        cursor.execute("alter session set current_schema = sh")


not_a_function = "prepare"


class Counted:
    """An `on_session` that remembers the session numbers it has seen."""

    def __init__(self, inner: Callable[[Any], object] = prepare) -> None:
        self.sids: list[str] = []
        self.inner = inner

    def __call__(self, connection: Any) -> None:
        with connection.cursor() as cursor:
            self.sids.append(cursor.execute("select sys_context('userenv', 'sid') from dual").fetchone()[0])
        self.inner(connection)


def look(connection: Any) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        found: tuple[Any, ...] = cursor.execute(SEEN).fetchone()
    return found


def test_it_is_called_once_with_each_session_and_not_at_each_checkout(make_pool: MakePool, dbapi: ModuleType) -> None:
    seen = []
    counted = Counted(lambda connection: (seen.append(connection), prepare(connection)))
    pool = make_pool(on_session=counted, max=2)

    for _ in range(3):
        with pool.acquire() as one, pool.acquire() as other:
            assert look(one) == look(other) == ("YYYY-MM-DD", "SH")

    assert len(counted.sids) == len(set(counted.sids)) == pool.stats().log_ons == 2
    assert all(isinstance(connection, dbapi.Connection) for connection in seen)


def test_a_settings_file_can_name_it(make_pool: MakePool) -> None:
    with make_pool(on_session=f"{__name__}:prepare").acquire() as connection:
        assert look(connection) == ("YYYY-MM-DD", "SH")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no.such.module:prepare", r"on_session no.such.module:prepare \(set by keyword argument\) cannot be imported"),
        (f"{__name__}:nothing", "cannot be imported: module .* has no attribute 'nothing'"),
        (f"{__name__}:not_a_function", "is not a function: it is called with each new session"),
    ],
)
def test_a_name_of_no_function(make_pool: MakePool, sandbox: Sandbox, name: str, message: str) -> None:
    before = sandbox.stats()
    with pytest.raises(ConfigurationError, match=message):
        make_pool(on_session=name).acquire()
    assert (sandbox.stats() - before).connects == 0


def test_sessions_that_upkeep_opens_have_it(make_pool: MakePool) -> None:
    counted = Counted()
    pool = make_pool(on_session=counted, min=2, max=4, increment=3)

    with pool.acquire(), pool.acquire():
        until(lambda: pool.stats().opened == 4)  # two by the upkeep
    until(lambda: pool.stats().busy == 0)

    assert len(set(counted.sids)) == 4
    held = [pool.acquire() for _ in range(4)]
    assert {look(connection) for connection in held} == {("YYYY-MM-DD", "SH")}
    assert len(counted.sids) == pool.stats().log_ons == 4
    for connection in held:
        connection.close()


def test_sessions_that_replace_others_have_it(make_pool: MakePool, sandbox: Sandbox) -> None:
    counted = Counted()
    pool = make_pool(on_session=counted, min=1)
    pool.acquire().close()

    sandbox.end_sessions("fin")

    with pool.acquire() as connection:
        assert look(connection) == ("YYYY-MM-DD", "SH")
        connection.drop()
    until(lambda: len(counted.sids) == 3)  # refilled
    with pool.acquire() as connection:
        assert look(connection) == ("YYYY-MM-DD", "SH")


def test_sqlalchemy_s_sessions_have_it(default_pool: SessionPool, driver: str, sandbox: Sandbox) -> None:
    orapool.close()
    orapool.configure(
        dsn=sandbox.dsn, user="scott", password="tiger", driver=driver, on_session=f"{__name__}:prepare", max=1
    )
    for _ in range(2):
        with orapool.engine().connect() as connection:
            assert tuple(connection.execute(text(SEEN)).first()) == ("YYYY-MM-DD", "SH")


def test_sessions_of_other_users_have_it(make_pool: MakePool) -> None:
    counted = Counted()
    pool = make_pool(on_session=counted, max=2)

    for _ in range(2):
        with pool.acquire() as own, pool.acquire(user="sh", password="sales", module="guest") as other:
            assert look(own) == look(other) == ("YYYY-MM-DD", "SH")
            query = "select user, module from v$session where sid = sys_context('userenv', 'sid')"
            assert other.cursor().execute(query).fetchone() == ("SH", "guest")

    assert len(set(counted.sids)) == len(counted.sids) == 2


def test_a_failure_names_the_user_of_the_session(make_pool: MakePool) -> None:
    def fail(connection: Any) -> None:
        raise LookupError("no tenant")

    with pytest.raises(OnSessionError, match="pool 'test', sh@.*: on_session failed: LookupError: no tenant"):
        make_pool(on_session=fail).acquire(user="sh", password="sales")


FORK = """
import os, sys
import orapool

def prepare(connection):
    print(os.getpid(), flush=True)
    connection.cursor().execute("alter session set nls_date_format = 'YYYY'")

dsn, driver = sys.argv[1:]
orapool.configure(dsn=dsn, user="scott", password="tiger", driver=driver, max=1, on_session=prepare)

def check():
    for _ in range(2):
        with orapool.connection() as connection:
            cursor = connection.cursor()
            cursor.execute("select sys_context('userenv', 'nls_date_format') from dual")
            assert cursor.fetchone() == ("YYYY",)

check()
child = os.fork()
check()
orapool.close()
if child:
    _, status = os.waitpid(child, 0)
    assert status == 0
    print(os.getpid(), child, flush=True)
"""


def test_sessions_of_a_forked_child_have_it(sandbox: Sandbox, driver: str) -> None:
    command = [sys.executable, "-c", FORK, sandbox.dsn, driver]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    *calls, who = done.stdout.splitlines()
    assert sorted(calls) == sorted(who.split())


# What goes wrong in it.


def test_an_error_in_it_is_told_and_the_session_dropped(
    make_pool: MakePool, sandbox: Sandbox, dbapi: ModuleType
) -> None:
    def fail(connection: Any) -> None:
        connection.cursor().execute("alter session set current_schema = nobody")

    pool = make_pool(on_session=fail, max=1)
    for attempt in (1, 2):
        with pytest.raises(OnSessionError, match=r"pool 'test', scott@.*: on_session failed: .*ORA-01435") as caught:
            pool.acquire(timeout=5)
        assert isinstance(caught.value.__cause__, dbapi.DatabaseError)
        stats = pool.stats()
        assert (stats.opened, stats.busy, stats.log_ons, stats.dropped) == (0, 0, attempt, {FAILED: attempt})
    until(lambda: sandbox.stats().sessions == 0)


def test_an_error_that_comes_later_leaves_the_pool_as_it_is(make_pool: MakePool) -> None:
    broken = threading.Event()

    def sometimes(connection: Any) -> None:
        if broken.is_set():
            raise LookupError("no tenant")

    pool = make_pool(on_session=sometimes, max=2)
    with pool.acquire() as connection:
        broken.set()
        with pytest.raises(OnSessionError, match="on_session failed: LookupError: no tenant"):
            pool.acquire()
        assert connection.cursor().execute("select 1 from dual").fetchone() == (1,)
    broken.clear()
    with pool.acquire(), pool.acquire():
        stats = pool.stats()
    assert (stats.opened, stats.log_ons, stats.dropped) == (2, 3, {FAILED: 1})


def test_a_broken_refill_says_so_and_opens_nothing(make_pool: MakePool, caplog: pytest.LogCaptureFixture) -> None:
    calls: list[Any] = []

    def first_two(connection: Any) -> None:
        calls.append(connection)
        if len(calls) > 2:
            raise LookupError("no tenant")

    pool = make_pool(on_session=first_two, min=3, max=3)
    with pool.acquire() as one, pool.acquire() as other:
        for connection in (one, other):
            assert connection.cursor().execute("select 1 from dual").fetchone() == (1,)
        until(lambda: "on_session failed: LookupError: no tenant" in caplog.text)

    until(lambda: pool.stats().opened == 2)


def test_what_it_does_not_commit_is_rolled_back(
    make_pool: MakePool, connect: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    other = connect().cursor()
    other.execute("create table visits (what varchar2(10))")
    try:

        def write(connection: Any) -> None:
            cursor = connection.cursor()
            cursor.execute("insert into visits values ('kept')")
            connection.commit()
            cursor.execute("insert into visits values ('lost')")

        pool = make_pool(on_session=write)
        with pool.acquire() as connection:
            assert not pool.driver.in_transaction(connection)
            assert other.execute("select what from visits").fetchall() == [("kept",)]
        assert "on_session did not commit: what it wrote is rolled back" in caplog.text
        pool.close()
    finally:
        other.execute("drop table visits")


def test_a_session_lost_in_it_is_replaced(make_pool: MakePool, sandbox: Sandbox) -> None:
    counted = Counted()
    failures = iter([28, 3113])

    def lose_two(connection: Any) -> None:
        code = next(failures, None)
        if code is not None:
            sandbox.fail_next(code)
        prepare(connection)

    counted.inner = lose_two
    pool = make_pool(on_session=counted, max=1)

    with pool.acquire() as connection:
        assert look(connection) == ("YYYY-MM-DD", "SH")

    assert len(counted.sids) == 3
    assert sum(pool.stats().dropped.values()) == 2


def test_if_each_session_is_lost_in_it_the_caller_is_told(make_pool: MakePool, sandbox: Sandbox) -> None:
    def lose(connection: Any) -> None:
        sandbox.fail_next(28)
        prepare(connection)

    pool = make_pool(on_session=lose, max=1)
    with pytest.raises(OnSessionError, match="on_session failed: .*(?:DPI-1010|DPY-4011)"):
        pool.acquire()
    assert pool.stats().log_ons == sum(pool.stats().dropped.values()) == 5


def test_an_error_that_it_catches_does_not_hide_a_lost_session(
    make_pool: MakePool, sandbox: Sandbox, dbapi: ModuleType
) -> None:
    failures = iter([28])

    def careless(connection: Any) -> None:
        try:
            for code in failures:
                sandbox.fail_next(code)
            connection.cursor().execute("select 1 from dual")
        except dbapi.Error:
            pass

    with make_pool(on_session=careless).acquire() as connection:
        assert connection.cursor().execute("select 1 from dual").fetchone() == (1,)


# How long it may take.


def test_a_caller_does_not_wait_for_it_beyond_its_deadline_and_the_session_is_kept(make_pool: MakePool) -> None:
    go_on = threading.Event()
    counted = Counted(lambda connection: (go_on.wait(60), prepare(connection)))
    pool = make_pool(on_session=counted, max=1)

    started = time.monotonic()
    with pytest.raises(PoolTimeout, match="on_session has not ended: max 1, 1 busy"):
        pool.acquire(timeout=0.3)
    assert time.monotonic() - started < 5
    assert pool.stats().abandoned_calls == 1
    with pytest.raises(PoolTimeout, match="all sessions are in use"):
        pool.acquire(timeout=0.05)

    go_on.set()
    until(lambda: pool.stats().busy == 0)
    with pool.acquire() as connection:
        assert look(connection) == ("YYYY-MM-DD", "SH")
    stats = pool.stats()
    assert (stats.opened, stats.log_ons, len(counted.sids), stats.dropped) == (1, 1, 1, {})


def test_one_that_fails_late_leaves_nothing(make_pool: MakePool, sandbox: Sandbox) -> None:
    go_on = threading.Event()

    def fail_late(connection: Any) -> None:
        go_on.wait(60)
        raise LookupError("no tenant")

    pool = make_pool(on_session=fail_late, max=1)
    with pytest.raises(PoolTimeout):
        pool.acquire(timeout=0.3)

    go_on.set()
    until(lambda: pool.stats().busy == 0)
    stats = pool.stats()
    assert (stats.opened, stats.log_ons, stats.dropped) == (0, 1, {FAILED: 1})
    until(lambda: sandbox.stats().sessions == 0)


def test_a_statement_of_it_that_does_not_end_is_cut(make_pool: MakePool, sandbox: Sandbox) -> None:
    delays = iter([60])

    def hang_once(connection: Any) -> None:
        for seconds in delays:
            sandbox.delay(seconds)
        prepare(connection)

    pool = make_pool(on_session=hang_once, max=1, connect_timeout=1)
    with pytest.raises(PoolTimeout, match="on_session has not ended"):
        pool.acquire(timeout=0.5)

    until(lambda: pool.stats().busy == 0, 20)
    assert sum(pool.stats().dropped.values()) == 1
    sandbox.heal()
    with pool.acquire(timeout=10) as connection:
        assert look(connection) == ("YYYY-MM-DD", "SH")


def test_the_pool_can_be_closed_meanwhile(make_pool: MakePool, sandbox: Sandbox) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def wait(connection: Any) -> None:
        entered.set()
        go_on.wait(60)

    pool = make_pool(on_session=wait, max=1)
    errors: list[Exception] = []

    def acquire() -> None:
        try:
            pool.acquire()
        except orapool.PoolClosed as error:
            errors.append(error)

    caller = threading.Thread(target=acquire)
    caller.start()
    assert entered.wait(10)
    pool.close()
    go_on.set()
    caller.join(10)

    assert len(errors) == 1
    until(lambda: sandbox.stats().sessions == 0)


# What else is set for a session.


def test_the_edition(make_pool: MakePool, connect: Callable[..., Any]) -> None:
    other = connect().cursor()
    other.execute("create edition autumn")
    pool = make_pool(edition="autumn")
    with pool.acquire() as connection:
        query = "select sys_context('userenv', 'current_edition_name') from dual"
        assert connection.cursor().execute(query).fetchone() == ("AUTUMN",)
    pool.close()
    until(lambda: other.execute("select count(*) from v$session").fetchone() == (1,))
    other.execute("drop edition autumn")

    with pytest.raises(orapool.LogOnError, match="ORA-38802"):
        make_pool(edition="autumn").acquire()


def test_the_statement_cache(make_pool: MakePool, sandbox: Sandbox) -> None:
    statement = f"select 1 from dual where 'x' <> '{'y' * 2000}'"

    def bytes_of_the_second(pool: SessionPool) -> int:
        with pool.acquire() as connection, connection.cursor() as cursor:
            cursor.execute(statement).fetchall()
        with pool.acquire() as connection, connection.cursor() as cursor:
            before = sandbox.stats()
            cursor.execute(statement).fetchall()
            return (sandbox.stats() - before).bytes_received

    with make_pool(stmtcachesize=7).acquire() as connection:
        assert connection.stmtcachesize == 7
    assert bytes_of_the_second(make_pool()) < 1000 < bytes_of_the_second(make_pool(stmtcachesize=0))


@pytest.mark.parametrize("purity", ["default", "new", "self"])
def test_a_pooled_server(make_pool: MakePool, sandbox: Sandbox, purity: str) -> None:
    pool = make_pool(dsn=f"{sandbox.dsn}:pooled", cclass="REPORTS", purity=purity, module="reports", max=1)
    query = "select server, module, action from v$session where sid = sys_context('userenv', 'sid')"
    for action in ("first", "second", None):
        with pool.acquire(action=action) as connection:
            assert connection.cursor().execute(query).fetchall() == [("POOLED", "reports", action)]
            assert [session["connection_class"] for session in sandbox.sessions()] == ["REPORTS"]
    assert pool.stats().log_ons == 1


@pytest.mark.parametrize(
    ("place", "settings", "message"),
    [
        (
            "",
            {"cclass": "REPORTS"},
            "cclass and purity are for pooled servers .DRCP.: ask for one in the connect string",
        ),
        ("", {"purity": "new"}, "cclass and purity are for pooled servers"),
        (":pooled", {"on_session": prepare}, "on_session does not go with a pooled server .DRCP."),
    ],
)
def test_what_does_not_go_together(
    make_pool: MakePool, sandbox: Sandbox, place: str, settings: dict[str, Any], message: str
) -> None:
    before = sandbox.stats()
    with pytest.raises(ConfigurationError, match=message):
        make_pool(dsn=f"{sandbox.dsn}{place}", **settings).acquire()
    assert (sandbox.stats() - before).connects == 0


def test_neither_driver_takes_an_edition_with_a_connection_class() -> None:
    with pytest.raises(ConfigurationError, match="edition and cclass exclude each other"):
        orapool.configure("test", dsn="db/sales", user="scott", password="tiger", edition="e", cclass="c")
    assert "test" not in pools.configured()


def test_a_function_s_arguments_are_not_shown() -> None:
    from orapool.cli.config import in_force
    from orapool.settings import load_settings

    secret = functools.partial(lambda key, connection: None, "hidden")
    settings = load_settings(dsn="db/sales", user="scott", password="tiger", on_session=secret)

    assert "hidden" not in repr(settings) + str(in_force(settings))
    assert in_force(settings)["on_session"] == "partial"
