"""SQLAlchemy engines on the pool: what they cost, what they leave behind, and what they tell of errors."""

from __future__ import annotations

import contextlib
import gc
import subprocess
import sys
import threading
from decimal import Decimal
from typing import Any, Callable

import pytest
from sqlalchemy import Column, Integer, MetaData, Numeric, String, Table, create_engine, event, inspect, text
from sqlalchemy.exc import DatabaseError, DBAPIError

import orapool
from orapool import SessionPool
from orapool.sandbox import Sandbox
from tests.older_sqlalchemy import declarative_base, key_column, orm_session
from tests.waiting import until

ONE = text("select 1 from dual")


Base: Any = declarative_base()


class Book(Base):
    """A row with a generated key."""

    __tablename__ = "alchemy_books"

    id = key_column("alchemy_books")
    title = Column(String(40))


def spent(sandbox: Sandbox, work: Callable[[], object]) -> dict[str, int]:
    """The round trips of one unit of work, on a warm pool."""
    work()
    before = sandbox.stats()
    work()
    return (sandbox.stats() - before).round_trips


def test_making_an_engine_connects_to_nothing(default_pool: SessionPool, sandbox: Sandbox) -> None:
    before = sandbox.stats()

    engine = orapool.engine()

    assert (sandbox.stats() - before).connects == 0
    assert default_pool.stats().opened == 0
    assert engine.dialect.driver == default_pool.driver.name


def test_orm_sql_and_the_pool_share_their_sessions(default_pool: SessionPool, sandbox: Sandbox) -> None:
    engine = orapool.engine()
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)

    with orm_session(engine) as session:
        book = Book(title="Emil")
        session.add(book)
        session.commit()
        key = book.id
    with orapool.connection() as connection, connection.cursor() as cursor:
        cursor.execute("select title from alchemy_books where id = :1", [key])
        assert cursor.fetchone() == ("Emil",)

    assert default_pool.stats().log_ons == 1
    assert "alchemy_books" in inspect(engine).get_table_names()


def test_an_empty_checkout_costs_no_round_trip(default_pool: SessionPool, sandbox: Sandbox) -> None:
    def empty() -> None:
        with orapool.engine().connect():
            pass

    assert spent(sandbox, empty) == {}


def test_a_unit_of_work_costs_what_the_bare_driver_takes(default_pool: SessionPool, sandbox: Sandbox) -> None:
    engine = orapool.engine()
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)

    def select() -> None:
        with engine.connect() as connection:
            assert connection.execute(ONE).scalar() == 1

    def select_and_roll_back() -> None:
        with engine.connect() as connection, connection.begin() as transaction:
            connection.execute(ONE)
            transaction.rollback()

    def insert() -> None:
        with engine.begin() as connection:
            connection.execute(Book.__table__.insert().values(title="Momo"))

    def insert_and_forget() -> None:
        with engine.connect() as connection, contextlib.suppress(ZeroDivisionError), connection.begin():
            connection.execute(Book.__table__.insert().values(title="Momo"))
            raise ZeroDivisionError

    def fail() -> None:
        with engine.connect() as connection, contextlib.suppress(DBAPIError), connection.begin():
            connection.execute(text("select * from no_such_table"))

    for work, costs in (
        (select, {"execute": 1}),
        (select_and_roll_back, {"execute": 1}),
        (insert, {"execute": 1, "commit": 1}),
        (insert_and_forget, {"execute": 1, "rollback": 1}),
        (fail, {"execute": 1}),
    ):
        work()
        assert spent(sandbox, work) == costs, work.__name__


def test_equal_options_give_the_same_engine(default_pool: SessionPool) -> None:
    assert orapool.engine() is orapool.engine()
    assert orapool.engine(echo=False) is orapool.engine(echo=False)
    assert orapool.engine(echo=False) is not orapool.engine()


def test_options_that_cannot_be_compared_are_taken_too(default_pool: SessionPool) -> None:
    engine = orapool.engine(execution_options={"stream_results": True})

    assert engine.get_execution_options()["stream_results"] is True


def test_other_settings_after_close_give_another_engine(default_pool: SessionPool, sandbox: Sandbox) -> None:
    first = orapool.engine()
    orapool.close()
    orapool.configure(dsn=sandbox.dsn, user="sh", password="sales", driver=default_pool.driver.name)

    second = orapool.engine()

    assert first is not second
    with second.connect() as connection:
        assert connection.scalar(text("select user from dual")) == "SH"


@pytest.mark.parametrize(
    ("option", "hint"),
    [
        ("pool_size", "configure(min=..., max=...)"),
        ("max_overflow", "configure(max=...)"),
        ("pool_timeout", "configure(acquire_timeout=...)"),
        ("pool_pre_ping", "each checkout is checked"),
        ("creator", "logs on by itself"),
        ("connect_args", "use orapool.configure(...)"),
        ("poolclass", "the pool is orapool's"),
    ],
)
def test_options_that_the_pool_governs_name_the_setting(option: str, hint: str) -> None:
    with pytest.raises(orapool.ConfigurationError) as raised:
        orapool.engine_options(**{option: 1})

    assert str(raised.value).startswith(f"{option} is not an option of orapool engines: ")
    assert hint in str(raised.value)


def test_an_engine_made_by_others_works_alike(default_pool: SessionPool, sandbox: Sandbox) -> None:
    engine = create_engine(orapool.url(), **orapool.engine_options())
    with engine.connect() as connection:
        connection.execute(ONE)
    sandbox.fail_next(2396)

    with engine.connect() as connection, pytest.raises(DBAPIError) as raised:
        connection.execute(ONE)

    assert raised.value.connection_invalidated
    assert default_pool.stats().opened == 0


def test_the_plugin_alone_says_what_it_needs(default_pool: SessionPool) -> None:
    with pytest.raises(orapool.ConfigurationError, match="needs the other options"):
        create_engine(orapool.url(), plugins=["orapool"])


def test_the_url_and_the_engine_show_no_password(default_pool: SessionPool) -> None:
    shown = f"{orapool.url()} {orapool.engine()!r} {orapool.engine_options()!r} {orapool.engine().url!r}"

    assert orapool.url() == f"oracle+{default_pool.driver.name}://"
    assert "tiger" not in shown


def test_sessions_closed_while_idle_never_reach_the_caller(default_pool: SessionPool, sandbox: Sandbox) -> None:
    engine = orapool.engine()
    with engine.connect(), engine.connect(), engine.connect():
        assert default_pool.stats().opened == 3
    assert sandbox.end_sessions("fin") == 3

    for _ in range(6):
        with engine.connect() as connection:
            assert connection.execute(ONE).scalar() == 1


@pytest.mark.parametrize(
    "message",
    [
        "ORA-03150: end-of-file on communication channel for database link",
        "ORA-12570: TNS:packet reader failure",
        "ORA-12571: TNS:packet writer failure",
        "ORA-12547: TNS:lost contact",
        "DPI-1067: call timeout of 500 ms exceeded with ORA-3156",
        "DPY-4024: call timeout of 500 ms exceeded",
        "DPY-4011: the database or network closed the connection",
    ],
)
def test_errors_that_sqlalchemy_does_not_know_invalidate(default_pool: SessionPool, message: str) -> None:
    engine = create_engine(orapool.url(), **orapool.engine_options())
    connection = engine.connect()

    @event.listens_for(engine, "do_execute")
    def fail(*_: Any) -> None:
        raise default_pool.driver.dbapi.DatabaseError(message)

    with pytest.raises(DBAPIError) as raised:
        connection.execute(ONE)

    assert raised.value.connection_invalidated
    assert connection.invalidated
    assert default_pool.stats().opened == 0
    connection.close()
    until(lambda: default_pool.stats().busy == 0)


def test_a_database_link_that_cannot_be_opened_keeps_the_session(default_pool: SessionPool) -> None:
    engine = create_engine(orapool.url(), **orapool.engine_options())
    connection = engine.connect()

    @event.listens_for(engine, "do_execute")
    def fail(*_: Any) -> None:
        raise default_pool.driver.dbapi.DatabaseError("ORA-12541: TNS:no listener")

    with pytest.raises(DBAPIError) as raised:
        connection.execute(ONE)

    assert not raised.value.connection_invalidated
    connection.close()
    assert default_pool.stats().opened == 1


def test_other_errors_keep_the_session(default_pool: SessionPool) -> None:
    engine = orapool.engine()

    with engine.connect() as connection, pytest.raises(DatabaseError, match="ORA-00942") as raised:
        connection.execute(text("select * from no_such_table"))

    assert not raised.value.connection_invalidated
    assert default_pool.stats().opened == 1
    assert default_pool.stats().dropped == {}


def test_a_call_that_timed_out_takes_its_session_along(
    driver: str, sandbox: Sandbox, default_pool: SessionPool
) -> None:
    orapool.close()
    orapool.configure(dsn=sandbox.dsn, user="scott", password="tiger", driver=driver, call_timeout=0.3)
    engine = orapool.engine()
    with engine.connect() as connection:
        connection.execute(ONE)
    sandbox.delay(1.0)

    with engine.connect() as connection, pytest.raises(DBAPIError) as raised:
        connection.execute(ONE)
    sandbox.delay(0)

    assert raised.value.connection_invalidated
    assert orapool.pool().stats().opened == 0
    with engine.connect() as connection:
        assert connection.execute(ONE).scalar() == 1


def test_what_was_not_committed_does_not_leak_to_the_next_caller(default_pool: SessionPool) -> None:
    engine = orapool.engine()
    leaks = Table("alchemy_leaks", MetaData(), Column("id", Integer))
    leaks.drop(engine, checkfirst=True)
    leaks.create(engine)

    raw = engine.raw_connection()  # no SQLAlchemy transaction round it
    raw.cursor().execute("insert into alchemy_leaks values (1)")
    raw.close()
    connection = engine.connect()
    transaction = connection.begin()  # SQLAlchemy 1.x commits by itself without one
    connection.execute(leaks.insert().values(id=2))
    connection.close()
    connection = engine.connect()
    transaction = connection.begin()
    connection.execute(leaks.insert().values(id=3))
    del connection, transaction  # forgotten
    gc.collect()  # its parts refer to each other
    until(lambda: default_pool.stats().busy == 0)

    with engine.begin() as connection:
        assert connection.execute(leaks.select()).fetchall() == []
    until(lambda: default_pool.stats().busy == 0)
    assert default_pool.stats().log_ons == 1


def test_a_connection_that_the_collector_closes_comes_back_by_another_thread(default_pool: SessionPool) -> None:
    connection = orapool.engine().connect()
    connection.execute(ONE)
    itself = [connection]
    itself.append(itself)
    del connection, itself

    gc.collect()

    until(lambda: default_pool.stats().busy == 0)
    assert default_pool.stats().reclaimed == 1
    with orapool.engine().connect() as connection:
        assert connection.execute(ONE).scalar() == 1


def test_what_the_collector_closes_after_its_pool_was_closed_is_logged_off(
    default_pool: SessionPool, sandbox: Sandbox
) -> None:
    before = sandbox.stats().sessions
    connection = orapool.engine().connect()
    connection.execute(ONE)
    itself = [connection]
    itself.append(itself)
    orapool.close()
    assert sandbox.stats().sessions == before + 1

    del connection, itself
    gc.collect()

    until(lambda: sandbox.stats().sessions == before)


def test_invalidate_takes_the_session_out_of_the_pool(default_pool: SessionPool) -> None:
    with orapool.engine().connect() as connection:
        connection.invalidate()

    assert default_pool.stats().opened == 0
    until(lambda: default_pool.stats().busy == 0)


def test_dispose_keeps_the_engine_working_and_its_listeners(default_pool: SessionPool, sandbox: Sandbox) -> None:
    engine = orapool.engine()
    engine.dispose()
    with engine.connect() as connection:
        connection.invalidate()

    assert default_pool.stats().opened == 0


def test_pool_timeout_reaches_the_caller_as_it_is(driver: str, sandbox: Sandbox, default_pool: SessionPool) -> None:
    orapool.close()
    orapool.configure(dsn=sandbox.dsn, user="scott", password="tiger", driver=driver, max=1, acquire_timeout=2)
    held = orapool.connection()
    engine = orapool.engine()
    orapool_errors: list[Exception] = []

    def wait() -> None:
        try:
            engine.connect()
        except Exception as error:
            orapool_errors.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    waiting.join()

    assert type(orapool_errors[0]) is orapool.PoolTimeout
    held.close()


def test_a_failed_log_on_is_sqlalchemys_error_with_orapools_inside(
    driver: str, sandbox: Sandbox, default_pool: SessionPool
) -> None:
    orapool.close()
    orapool.configure(dsn=sandbox.dsn, user="scott", password="wrong", driver=driver)

    with pytest.raises(DatabaseError, match="ORA-01017") as raised:
        orapool.engine().connect()

    assert isinstance(raised.value.orig, orapool.LogOnError)
    assert "wrong" not in str(raised.value)


def test_a_database_that_is_away_is_sqlalchemys_error_too(driver: str, default_pool: SessionPool) -> None:
    orapool.close()
    orapool.configure(dsn="127.0.0.1:1/none", user="scott", password="tiger", driver=driver)

    with pytest.raises(DBAPIError) as raised:
        orapool.engine().connect()

    assert isinstance(raised.value.orig, orapool.DatabaseUnavailable)


def test_sql_that_does_not_parse_gives_one_clear_error(default_pool: SessionPool) -> None:
    with orapool.engine().connect() as connection, pytest.raises(DatabaseError, match="ORA-009"):
        connection.execute(text("selec 1 from dual"))


FORK = """
import os, sys
import orapool
from sqlalchemy import text

dsn, driver = sys.argv[1:]
orapool.configure(dsn=dsn, user="scott", password="tiger", driver=driver)
engine = orapool.engine()
with engine.connect() as connection:
    mine = connection.scalar(text("select sys_context('userenv', 'sid') from dual"))
child = os.fork()
with engine.connect() as connection:
    print(connection.scalar(text("select sys_context('userenv', 'sid') from dual")) == mine, flush=True)
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) if sys.version_info >= (3, 9) else 1)
"""


def test_an_engine_made_before_fork_works_in_the_child_on_a_session_of_its_own(driver: str, sandbox: Sandbox) -> None:
    run = subprocess.run([sys.executable, "-c", FORK, sandbox.dsn, driver], capture_output=True, text=True, timeout=60)

    assert run.returncode == 0, run.stderr
    assert sorted(run.stdout.split()) == ["False", "True"]


def test_numbers_keep_their_digits(default_pool: SessionPool) -> None:
    engine = orapool.engine()
    prices = Table("alchemy_prices", MetaData(), Column("price", Numeric(20, 4)))
    prices.drop(engine, checkfirst=True)
    prices.create(engine)
    with engine.begin() as connection:
        connection.execute(prices.insert(), [{"price": Decimal("1234567890123456.7891")}, {"price": None}])

    with engine.connect() as connection:
        found = connection.execute(prices.select()).fetchall()

    assert sorted(str(price) for (price,) in found) == ["1234567890123456.7891", "None"]
