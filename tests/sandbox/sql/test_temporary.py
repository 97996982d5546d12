"""Global temporary tables: everybody's table, each session's rows."""

from __future__ import annotations

import pytest

from orapool.sandbox.sql import Engine
from tests.sandbox.sql.session import Session, refused

KEPT = "create global temporary table t (id number primary key, name varchar2(5), n number) on commit preserve rows"


def test_a_session_sees_its_own_rows(session: Session, other: Session) -> None:
    session.run(KEPT)
    session.run("insert into t (id, name) values (1, 'one')")
    other.run("insert into t values (1, 'uno', 2)")
    session.run("commit")
    other.run("commit")
    assert session.rows("select id, name from t") == [(1, "one")]
    assert other.rows("select * from t") == [(1, "uno", 2)]


def test_rows_go_with_the_transaction_unless_told(session: Session) -> None:
    session.run("create global temporary table t (id number)")
    session.run("insert into t values (1)")
    assert session.value("select count(*) from t") == 1
    session.run("commit")
    assert session.value("select count(*) from t") == 0


def test_rows_go_with_the_session(engine: Engine, session: Session, other: Session, user: str) -> None:
    session.run(KEPT)
    other.run("insert into t (id) values (1)")
    other.run("commit")
    other.backend.close()
    assert session.value("select count(*) from t") == 0


def test_a_session_of_the_pool_begins_without_rows(session: Session) -> None:
    session.run(KEPT)
    session.run("insert into t (id) values (1)")
    session.run("commit")
    session.backend.reset()
    assert session.value("select count(*) from t") == 0


def test_statements(session: Session) -> None:
    session.run(KEPT)
    session.many("insert into t (id, n) values (:1, :2)", [(number, number * 10) for number in range(8)])
    assert session.run("update t set n = n + 1 where id < 4").row_count == 4
    assert session.run("delete from t where id = 7").row_count == 1
    assert session.value("select sum(n) from t") == 214
    session.run("merge into t using (select 6 id from dual) s on (t.id = s.id) when matched then update set n = 0")
    assert session.value("select sum(n) from t") == 154
    session.run("rollback")
    assert session.value("select count(*) from t") == 0


def test_limits_are_kept(session: Session, other: Session) -> None:
    session.run(KEPT)
    session.run("insert into t (id) values (1)")
    with refused(1, "unique constraint"):
        session.run("insert into t (id) values (1)")
    with refused(1400, '."T"."ID"'):
        session.run("insert into t (name) values ('x')")
    with refused(12899, '"T"."NAME"'):
        session.run("insert into t values (2, 'too long', 0)")
    other.run("insert into t (id) values (1)")


def test_indexes_and_the_dictionary(session: Session) -> None:
    session.run(KEPT)
    session.run("create index t_n on t (n)")
    session.run("create unique index t_name on t (name)")
    session.run("comment on table t is 'mine'")
    assert session.row("select temporary, duration from user_tables where table_name = 'T'") == ("Y", "SYS$SESSION")
    columns = session.rows("select column_name, data_type, nullable from user_tab_columns where table_name = 'T'")
    assert columns == [("ID", "NUMBER", "N"), ("NAME", "VARCHAR2", "Y"), ("N", "NUMBER", "Y")]
    keys = "select column_name from user_cons_columns natural join user_constraints where constraint_type = 'P'"
    assert session.rows(keys) == [("ID",)]
    indexed = (
        "select index_name, column_name from user_ind_columns where index_name like 'T\\_%' escape '\\' order by 1"
    )
    assert session.rows(indexed) == [("T_N", "N"), ("T_NAME", "NAME")]
    assert session.value("select comments from user_tab_comments where table_name = 'T'") == "mine"
    assert session.rows("select view_name from user_views") == []
    session.run("insert into t values (1, 'a', 1)")
    with refused(1):
        session.run("insert into t values (2, 'a', 1)")


def test_truncate_takes_a_sessions_own_rows(session: Session, other: Session) -> None:
    session.run(KEPT)
    for one in (session, other):
        one.run("insert into t (id) values (1)")
        one.run("commit")
    session.run("truncate table t")
    assert session.value("select count(*) from t") == 0
    assert other.value("select count(*) from t") == 1


def test_drop(session: Session) -> None:
    session.run(KEPT)
    session.run("drop table t")
    with refused(942):
        session.rows("select * from t")
    session.run(KEPT)


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("create global temporary table u (id number references t)", 14455),
        ("create global temporary table u as select 1 one from dual", 3001),
        ("create global temporary table u (id number) on commit forget", 14457),
        ("alter table t add (x number)", 3001),
    ],
)
def test_refused(session: Session, statement: str, code: int) -> None:
    session.run(KEPT)
    with refused(code):
        session.run(statement)
