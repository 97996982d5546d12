"""Units of work that run again: only after a lost connection, only before a write, always on a live session."""

from __future__ import annotations

import logging
import socket
import threading
from typing import Any, Callable

import pytest
from sqlalchemy import Column, Integer, String, func, text
from sqlalchemy.exc import DBAPIError

import orapool
from orapool import SessionPool
from orapool.drivers.units import find_write
from orapool.sandbox import Sandbox
from tests.older_sqlalchemy import declarative_base, orm_session, select
from tests.waiting import until

Base: Any = declarative_base()


class Task(Base):
    """A row."""

    __tablename__ = "retries_tasks"

    id = Column(Integer, primary_key=True)
    name = Column(String(20))


@pytest.fixture
def tasks(default_pool: SessionPool) -> SessionPool:
    """A table of one row, and the pool with its three sessions open and idle."""
    engine = orapool.engine()
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    with orm_session(engine) as session:
        session.add(Task(id=1, name="first"))
        session.commit()
    held = [orapool.connection() for _ in range(3)]
    for connection in held:
        connection.close()
    return default_pool


def names(connection: Any) -> list[str]:
    """What is in the table."""
    with connection.cursor() as cursor:
        cursor.execute("select name from retries_tasks order by id")
        return [name for (name,) in cursor.fetchall()]


def committed() -> list[str]:
    """What is in the table for everybody."""
    found: list[str] = orapool.retry(names)()  # a fault may have struck idle sessions too
    return found


def insert(connection: Any, key: int) -> None:
    """A write."""
    connection.cursor().execute("insert into retries_tasks values (:1, 'more')", [key])


class Runs:
    """Counts the runs of a unit of work, and plays a fault in the first one."""

    def __init__(self, fault: Callable[[], object]) -> None:
        self.count = 0
        self._fault = fault

    def begin(self) -> None:
        """A run begins."""
        self.count += 1

    def strike(self) -> None:
        """The fault, once."""
        if self.count == 1:
            self._fault()


@pytest.fixture(params=["killed", "fin", "rst"])
def runs(request: pytest.FixtureRequest, sandbox: Sandbox) -> Runs:
    """Every session of the server is killed, or its connection ended; idle ones too."""
    if request.param == "killed":
        return Runs(lambda: sandbox.fail_next(28))
    return Runs(lambda: sandbox.end_sessions(request.param))


@pytest.fixture
def killed(sandbox: Sandbox) -> Runs:
    """Every session is killed, and says so when it is used next."""
    return Runs(lambda: sandbox.fail_next(28))


def test_a_query_runs_again_on_a_live_session(tasks: SessionPool, runs: Runs) -> None:
    @orapool.retry
    def read(connection: Any) -> list[str]:
        runs.begin()
        runs.strike()  # between checkout and statement, and the idle sessions too
        return names(connection)

    assert read() == ["first"]
    assert runs.count == 2
    until(lambda: tasks.stats().busy == 0)


def test_parameters_follow_the_connection_and_methods_keep_self(tasks: SessionPool, killed: Runs) -> None:
    class Tasks:
        @orapool.retry(attempts=2)
        def find(self, connection: Any, key: int, *, upper: bool = False) -> str:
            killed.begin()
            killed.strike()
            (name,) = [name for number, name in enumerate(names(connection), 1) if number == key]
            return name.upper() if upper else name

    assert Tasks().find(1, upper=True) == "FIRST"
    assert killed.count == 2


def test_a_function_may_open_what_it_needs_itself(tasks: SessionPool, runs: Runs) -> None:
    def read() -> list[str]:
        runs.begin()
        with orapool.connection() as connection:
            runs.strike()
            return names(connection)

    assert orapool.retry(read, attempts=2)() == ["first"]
    assert runs.count == 2


def test_engine_connections_and_orm_sessions_too(tasks: SessionPool, runs: Runs) -> None:
    @orapool.retry
    def read() -> tuple[int, str]:
        runs.begin()
        with orapool.engine().connect() as connection:
            number = connection.scalar(select(func.count(Task.id)))
        with orm_session(orapool.engine()) as session:
            session.connection()
            runs.strike()
            return number, session.query(Task).one().name

    assert read() == (1, "first")
    assert runs.count == 2


WRITES = [
    "insert into retries_tasks values (2, 'more')",
    "/* select */ update retries_tasks set name = name",
    "begin null; end;",
    "select name from retries_tasks for update",
]


@pytest.mark.parametrize("write", WRITES)
def test_what_has_sent_a_write_does_not_run_again(write: str, tasks: SessionPool, killed: Runs) -> None:
    @orapool.retry
    def work(connection: Any) -> list[str]:
        killed.begin()
        connection.cursor().execute(write)
        killed.strike()
        return names(connection)

    with pytest.raises(tasks.driver.dbapi.DatabaseError) as raised:
        work()

    assert killed.count == 1
    assert raised.value.__cause__ is None
    assert committed() == ["first"]


def test_a_write_that_was_committed_is_there_once(tasks: SessionPool, runs: Runs) -> None:
    @orapool.retry
    def work(connection: Any) -> list[str]:
        runs.begin()
        insert(connection, 100 + runs.count)
        connection.commit()
        runs.strike()
        return names(connection)

    with pytest.raises(tasks.driver.dbapi.DatabaseError):
        work()

    assert committed() == ["first", "more"]


def test_a_commit_whose_answer_is_lost_is_not_sent_again(tasks: SessionPool, runs: Runs) -> None:
    @orapool.retry
    def work(connection: Any) -> None:
        runs.begin()
        names(connection)
        runs.strike()
        connection.commit()

    with pytest.raises(tasks.driver.dbapi.DatabaseError):
        work()

    assert runs.count == 1


def test_a_write_of_an_orm_session_is_not_repeated(tasks: SessionPool, killed: Runs) -> None:
    @orapool.retry
    def work() -> None:
        killed.begin()
        with orm_session(orapool.engine()) as session:
            session.add(Task(id=100 + killed.count, name="more"))
            session.flush()
            killed.strike()
            session.commit()

    with pytest.raises(DBAPIError):
        work()

    assert killed.count == 1
    assert committed() == ["first"]


def test_a_write_on_another_connection_counts(tasks: SessionPool, killed: Runs) -> None:
    @orapool.retry
    def work(connection: Any) -> list[str]:
        killed.begin()
        with orapool.transaction() as another:
            insert(another, 100)
        killed.strike()
        return names(connection)

    with pytest.raises(tasks.driver.dbapi.DatabaseError):
        work()

    assert killed.count == 1
    assert committed() == ["first", "more"]


def test_a_write_in_another_thread_on_the_units_connection_counts(tasks: SessionPool, killed: Runs) -> None:
    @orapool.retry
    def work(connection: Any) -> list[str]:
        killed.begin()
        writer = threading.Thread(target=insert, args=(connection, 100 + killed.count))
        writer.start()
        writer.join()
        killed.strike()
        return names(connection)

    with pytest.raises(tasks.driver.dbapi.DatabaseError):
        work()

    assert killed.count == 1


def test_who_says_so_runs_writes_again(tasks: SessionPool, runs: Runs) -> None:
    @orapool.retry(writes=True)
    def work(connection: Any) -> None:
        runs.begin()
        insert(connection, 100)
        runs.strike()
        names(connection)
        connection.commit()

    work()

    assert runs.count == 2
    assert committed() == ["first", "more"]


def test_giving_up_names_the_first_loss_as_the_cause(tasks: SessionPool, sandbox: Sandbox) -> None:
    seen: list[BaseException] = []

    @orapool.retry(attempts=3)
    def work(connection: Any) -> None:
        sandbox.fail_next(28)
        try:
            names(connection)
        except Exception as error:
            seen.append(error)
            raise

    with pytest.raises(tasks.driver.dbapi.DatabaseError) as raised:
        work()

    assert len(seen) == 3
    assert raised.value is seen[2]
    assert raised.value.__cause__ is seen[0]
    until(lambda: tasks.stats().busy == 0)


def test_no_run_starts_after_the_timeout(tasks: SessionPool, killed: Runs) -> None:
    @orapool.retry(timeout=0)
    def work(connection: Any) -> list[str]:
        killed.begin()
        killed.strike()
        return names(connection)

    with pytest.raises(tasks.driver.dbapi.DatabaseError):
        work()

    assert killed.count == 1


def test_a_database_that_is_away_ends_it_with_the_first_loss_as_the_cause(tasks: SessionPool, sandbox: Sandbox) -> None:
    runs = Runs(sandbox.stop)

    @orapool.retry(attempts=5)
    def work(connection: Any) -> list[str]:
        runs.begin()
        runs.strike()
        return names(connection)

    try:
        with pytest.raises(orapool.DatabaseUnavailable) as raised:
            work()
    finally:
        sandbox.start()

    assert runs.count == 1
    assert isinstance(raised.value.__cause__, tasks.driver.dbapi.DatabaseError)
    assert not isinstance(raised.value.__cause__, orapool.DatabaseUnavailable)


def test_a_pool_timeout_is_not_retried(tasks: SessionPool) -> None:
    held = [orapool.connection() for _ in range(3)]
    runs = Runs(lambda: None)

    @orapool.retry(attempts=5)
    def work() -> None:
        runs.begin()
        tasks.acquire(timeout=0.05)

    with pytest.raises(orapool.PoolTimeout):
        work()

    assert runs.count == 1
    for connection in held:
        connection.close()


def test_other_errors_are_not_retried(tasks: SessionPool) -> None:
    runs = Runs(lambda: None)

    @orapool.retry(attempts=5)
    def work(connection: Any) -> None:
        runs.begin()
        connection.cursor().execute("select * from no_such_table")

    with pytest.raises(tasks.driver.dbapi.DatabaseError, match="ORA-00942"):
        work()

    assert runs.count == 1


def test_a_connection_lost_to_somebody_else_is_not_the_databases(tasks: SessionPool) -> None:
    runs = Runs(lambda: None)

    @orapool.retry(attempts=5)
    def work(connection: Any) -> None:
        runs.begin()
        names(connection)
        with socket.create_server(("127.0.0.1", 0)) as server:
            address = server.getsockname()
        socket.create_connection(address)

    with pytest.raises(ConnectionRefusedError):
        work()

    assert runs.count == 1
    assert tasks.stats().dropped == {}


def test_an_error_that_came_from_a_lost_connection_is_one(tasks: SessionPool, killed: Runs) -> None:
    class ReportFailed(Exception):
        """The application's own."""

    @orapool.retry
    def work(connection: Any) -> list[str]:
        killed.begin()
        killed.strike()
        try:
            return names(connection)
        except tasks.driver.dbapi.Error as error:
            raise ReportFailed("no report") from error

    assert work() == ["first"]


def test_a_unit_within_a_unit_runs_again_alone(tasks: SessionPool, killed: Runs) -> None:
    inner = orapool.retry(lambda connection: (killed.begin(), killed.strike(), names(connection))[2])
    outer_runs = Runs(lambda: None)

    @orapool.retry
    def outer() -> list[str]:
        outer_runs.begin()
        with orapool.transaction() as connection:
            insert(connection, 100)
        found: list[str] = inner()
        return found

    assert outer() == ["first", "more"]
    assert (outer_runs.count, killed.count) == (1, 2)


def test_what_a_unit_within_wrote_counts_for_the_outer(tasks: SessionPool, killed: Runs) -> None:
    @orapool.retry
    def inner(connection: Any) -> None:
        insert(connection, 100 + killed.count)
        connection.commit()

    @orapool.retry
    def outer(connection: Any) -> list[str]:
        killed.begin()
        inner()
        killed.strike()
        return names(connection)

    with pytest.raises(tasks.driver.dbapi.DatabaseError):
        outer()

    assert committed() == ["first", "more"]


def test_the_log_says_what_ran_again_and_why_not(
    tasks: SessionPool, killed: Runs, caplog: pytest.LogCaptureFixture
) -> None:
    @orapool.retry
    def work(connection: Any, write: bool) -> list[str]:
        killed.begin()
        if write:
            insert(connection, 100)
        killed.strike()
        return names(connection)

    with caplog.at_level(logging.INFO, "orapool.retries"):
        work(False)
        killed.count = 0
        with pytest.raises(tasks.driver.dbapi.DatabaseError):
            work(True)

    again, not_again = (record.getMessage() for record in caplog.records if record.name == "orapool.retries")
    assert "work() lost its session (" in again
    assert again.endswith(") and runs again on a fresh one")
    assert not_again.endswith(") and is not run again: it had sent INSERT")


def test_without_a_fault_it_costs_no_round_trip(tasks: SessionPool, sandbox: Sandbox) -> None:
    read = orapool.retry(lambda connection: names(connection))
    read()
    before = sandbox.stats()

    read()

    assert (sandbox.stats() - before).round_trips == {"execute": 1}


def test_generators_and_coroutines_are_refused() -> None:
    def rows(connection: Any) -> Any:
        yield from names(connection)

    with pytest.raises(orapool.ConfigurationError, match="rows\\(\\) cannot be retried"):
        orapool.retry(rows)


@pytest.mark.parametrize("wrong", [{"attempts": 0}, {"timeout": -1}])
def test_wrong_parameters_are_told(wrong: dict[str, Any]) -> None:
    with pytest.raises(orapool.ConfigurationError, match=f"{next(iter(wrong))} is a number of"):
        orapool.retry(**wrong)


@pytest.mark.parametrize(
    "statement",
    [
        "select * from dual",
        "  (SELECT 1 from dual) union all (select 2 from dual)",
        "-- a comment\n/* another; insert */ select /*+ parallel */ 1 from dual",
        "with t as (select 1 from dual) select * from t",
        "alter session set current_schema = sh",
        "set transaction read only",
        "begin :id := dbms_transaction.local_transaction_id( TRUE ); end;",
        "begin dbms_application_info.set_module('orders', :action); end;",
        "select wait_for, updated from tasks",
    ],
)
def test_these_are_harmless(statement: str) -> None:
    assert find_write(statement) is None


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("insert into t select * from s", "INSERT"),
        ("-- select\ninsert into t values (1)", "INSERT"),
        ("/* select */merge into t", "MERGE"),
        ("select * from t for update", "SELECT ... FOR UPDATE"),
        ("select * from t for /* all */\nUPDATE nowait", "SELECT ... FOR UPDATE"),
        ("with function f return number is begin return 1; end; select f from dual", "WITH"),
        ("begin null; end;", "BEGIN"),
        ("begin dbms_application_info.set_module(pay_everybody, null); end;", "BEGIN"),
        ("begin dbms_session.set_identifier('me'); pay_everybody; end;", "BEGIN"),
        ("commit", "COMMIT"),
        ("lock table t in exclusive mode", "LOCK"),
        ("explain plan for select * from t", "EXPLAIN"),
        ("{call f}", "an unknown statement"),
        ("/* never ends", "an unknown statement"),
        ("/* a */ " * 40 + "/* never ends", "an unknown statement"),
        (None, "an unknown statement"),
    ],
)
def test_these_are_not(statement: str | None, what: str) -> None:
    assert find_write(statement) == what


def test_a_prepared_statement_is_known_too(tasks: SessionPool, killed: Runs) -> None:
    @orapool.retry
    def work(connection: Any) -> list[str]:
        killed.begin()
        cursor = connection.cursor()
        cursor.prepare("update retries_tasks set name = :1")
        cursor.execute(None, ["other"])
        killed.strike()
        return names(connection)

    with pytest.raises(tasks.driver.dbapi.DatabaseError):
        work()

    assert killed.count == 1


def test_text_queries_through_an_engine_of_a_first_connection(tasks: SessionPool, killed: Runs) -> None:
    @orapool.retry
    def work() -> Any:
        killed.begin()
        with orapool.engine(
            echo=False, max_identifier_length=128
        ).connect() as connection:  # it has met no database yet
            killed.strike()
            return connection.scalar(text("select count(*) from retries_tasks"))

    assert work() == 1
    assert killed.count == 2
