"""The blocks that clients send of themselves."""

from __future__ import annotations

from tests.sandbox.sql.session import Session, refused


def test_null(session: Session) -> None:
    assert session.run("begin null; end;").out == {}


def test_assignments(session: Session) -> None:
    assert session.run("begin :x := :y * 2; :z := 'a' || :y; end;", None, 4, None).out == {0: b"8", 2: b"a4"}


def test_transaction_id(session: Session) -> None:
    block = "BEGIN :x := dbms_transaction.local_transaction_id; END;"
    assert session.run(block, None).out == {0: None}
    session.run("create table t (x number)")
    session.run("insert into t values (1)")
    (found,) = session.run(block, None).out.values()
    assert found is not None
    session.run("rollback")
    (made,) = session.run("begin :id := dbms_transaction.local_transaction_id( TRUE ); end;", None).out.values()
    assert made is not None
    assert session.in_transaction
    query = (
        "SELECT CASE BITAND(t.flag, POWER(2, 28)) WHEN 0 THEN 'READ COMMITTED' ELSE 'SERIALIZABLE' END AS level_ "
        "FROM v$transaction t WHERE (t.xidusn, t.xidslot, t.xidsqn) = ((:xidusn, :xidslot, :xidsqn))"
    )
    assert session.rows(query, *made.decode().split(".")) == [("READ COMMITTED",)]


def test_dml_in_a_block(session: Session) -> None:
    session.run("create table t (x number)")
    assert session.run("begin insert into t values (:a); insert into t values (:a + 1); commit; end;", 1).row_count == 2
    assert session.rows("select x from t order by x") == [(1,), (2,)]


def test_wrong_arguments(session: Session) -> None:
    with refused(6550, "PLS-00306"):
        session.run("begin dbms_session.set_identifier(wrong => 'x'); end;")


def test_a_block_without_end(session: Session) -> None:
    with refused(6550):
        session.backend.prepare("begin null;")
