"""Transactions, locks, breaks: as Oracle has them, by PostgreSQL's means."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from orapool.sandbox.sql import ClientWatch, Engine, OracleError, SessionIdentity
from tests.sandbox.sql.session import Session, refused


@pytest.fixture(autouse=True)
def table(session: Session) -> Iterator[None]:
    session.run("create table t (id number primary key, x number)")
    session.run("insert into t values (1, 0)")
    session.run("insert into t values (2, 0)")
    session.run("commit")
    yield
    session.run("rollback")


def test_what_opens_a_transaction(session: Session) -> None:
    assert not session.in_transaction
    session.rows("select * from t")
    assert not session.in_transaction
    session.run("update t set x = 1")
    assert session.in_transaction
    session.run("rollback")
    assert not session.in_transaction
    session.rows("select * from t for update")
    assert session.in_transaction
    session.run("create table u (x number)")
    assert not session.in_transaction
    with refused(942):
        session.run("delete from nix")
    assert not session.in_transaction
    session.run("savepoint a")
    assert not session.in_transaction


def test_a_failed_statement_leaves_the_transaction_as_it_was(session: Session) -> None:
    session.run("update t set x = 1 where id = 1")
    with refused(1):
        session.run("insert into t values (1, 1)")
    with refused(942):
        session.rows("select * from nix")
    assert session.in_transaction
    session.run("commit")
    assert session.value("select x from t where id = 1") == 1


def test_a_statement_is_done_whole_or_not_at_all(session: Session) -> None:
    session.run("update t set x = id")
    with refused(1476):
        session.run("update t set x = 1 / (id - 2)")
    assert session.rows("select x from t order by id") == [(1,), (2,)]


def test_ddl_commits_before_itself(session: Session, other: Session) -> None:
    session.run("update t set x = 5")
    with refused(955):
        session.run("create table t (y number)")
    assert not session.in_transaction
    assert other.value("select max(x) from t") == 5


def test_sessions_see_what_is_committed(session: Session, other: Session) -> None:
    session.run("update t set x = 5")
    assert other.value("select max(x) from t") == 0
    session.run("commit")
    assert other.value("select max(x) from t") == 5


def test_savepoints(session: Session) -> None:
    session.run("update t set x = 1")
    session.run("savepoint first")
    session.run("update t set x = 2")
    session.run("savepoint second")
    session.run("rollback to savepoint first")
    assert session.value("select max(x) from t") == 1
    with refused(1086, "SECOND"):
        session.run("rollback to second")
    session.run("commit")
    assert session.value("select max(x) from t") == 1


def test_nowait_and_skip_locked(session: Session, other: Session) -> None:
    session.run("update t set x = 1 where id = 1")
    with refused(54):
        other.rows("select * from t for update nowait")
    with refused(30006):
        other.rows("select id from t for update wait 1")
    assert other.rows("select id from t for update skip locked") == [(2,)]
    with refused(54):
        other.run("lock table t in exclusive mode nowait")
    other.run("rollback")


def test_ddl_does_not_wait_for_a_lock(session: Session, other: Session) -> None:
    session.run("update t set x = 1 where id = 1")
    with refused(54):
        other.run("drop table t")


def test_rows_are_locked_one_by_one(session: Session, other: Session) -> None:
    session.run("update t set x = 1 where id = 1")
    other.run("update t set x = 2 where id = 2")
    other.run("commit")
    session.run("commit")
    assert session.rows("select x from t order by id") == [(1,), (2,)]


def test_a_lock_of_a_row_and_a_new_child_of_it_do_not_wait_for_each_other(session: Session, other: Session) -> None:
    session.run("create table child (id number primary key, parent number references t (id))")
    session.run("insert into child values (1, 1)")
    assert other.rows("select id from t order by id for update wait 1") == [(1,), (2,)]
    session.run("insert into child values (2, 2)")
    with refused(54):
        session.rows("select * from t for update nowait")
    other.run("rollback")
    session.run("rollback")


def test_a_deadlock_fails_one_statement_of_one_session(session: Session, other: Session) -> None:
    session.run("update t set x = 1 where id = 1")
    other.run("update t set x = 2 where id = 2")
    codes: list[int] = []

    def cross(who: Session, row: int) -> None:
        try:
            who.run("update t set x = 3 where id = :1", row)
        except OracleError as error:
            codes.append(error.code)
            who.run("rollback")

    thread = threading.Thread(target=cross, args=(other, 1))
    thread.start()
    cross(session, 2)
    thread.join()
    assert codes == [60]
    other.run("rollback")


def test_read_only_and_serializable(session: Session, other: Session) -> None:
    session.run("set transaction read only")
    assert session.value("select max(x) from t") == 0
    other.run("update t set x = 9")
    other.run("commit")
    assert session.value("select max(x) from t") == 0
    with refused(1456):
        session.run("update t set x = 1")
    session.run("commit")
    session.run("set transaction isolation level serializable")
    assert session.value("select max(x) from t") == 9
    other.run("update t set x = 10")
    other.run("commit")
    with refused(8177):
        session.run("update t set x = 11")


def test_interrupt_from_another_thread(session: Session, other: Session) -> None:
    session.run("update t set x = 1")
    waiting = threading.Timer(0.05, other.backend.interrupt)
    waiting.start()
    with refused(1013):
        other.run("update t set x = 2")
    other.backend.interrupt()
    assert other.value("select 1 from dual") == 1


def test_a_break_of_the_client(engine: Engine, user: str, session: Session) -> None:
    session.run("update t set x = 1")
    reader, writer = os.pipe()
    watch = ClientWatch(reader, lambda: True)
    with Session(engine.open(SessionIdentity(9000, 1, user), watch)) as client:
        threading.Timer(0.05, os.write, (writer, b"!")).start()
        with refused(1013):
            client.run("update t set x = 2")
        os.read(reader, 1)
        assert client.value("select 1 from dual") == 1
    os.close(reader)
    os.close(writer)


def test_bytes_that_are_no_break_do_not_disturb(engine: Engine, user: str, session: Session) -> None:
    session.run("update t set x = 1")
    reader, writer = os.pipe()
    os.write(writer, b"more of the call")
    with Session(engine.open(SessionIdentity(9001, 1, user), ClientWatch(reader, lambda: False))) as client:
        release = threading.Timer(0.1, session.run, ("commit",))
        release.start()
        assert client.run("update t set x = 2").row_count == 2
        release.join()
        client.run("rollback")
    os.close(reader)
    os.close(writer)


def test_settings_outlive_a_rollback(session: Session) -> None:
    session.run("update t set x = 1")
    session.run("alter session set nls_date_format = 'YYYY-MM-DD'")
    session.run("rollback")
    assert session.value("to_char(date '2024-01-02')") == "2024-01-02"


def test_closing_rolls_back(engine: Engine, user: str, session: Session) -> None:
    with Session(engine.open(SessionIdentity(9002, 1, user))) as leaving:
        leaving.run("update t set x = 77")
    assert session.value("select max(x) from t") == 0
