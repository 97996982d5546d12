"""Materialized views and virtual columns."""

from __future__ import annotations

import pytest

from tests.sandbox.sql.session import Session, refused


@pytest.fixture
def tables(session: Session) -> Session:
    session.run("create table t (id number primary key, name varchar2(10))")
    session.run("insert into t values (1, 'one')")
    session.run("commit")
    return session


def test_it_keeps_what_the_query_had(tables: Session) -> None:
    tables.run("create materialized view m build immediate refresh complete on demand as select id, name from t")
    tables.run("insert into t values (2, 'two')")
    tables.run("commit")
    assert tables.rows("select * from m") == [(1, "one")]
    tables.run("begin dbms_mview.refresh('m'); end;")
    assert tables.rows("select * from m order by id") == [(1, "one"), (2, "two")]


def test_nobody_writes_to_it(tables: Session) -> None:
    tables.run("create materialized view m as select * from t")
    with refused(1732):
        tables.run("delete from m")
    with refused(1732):
        tables.run("insert into m values (3, 'x')")


def test_the_dictionary_has_it(tables: Session) -> None:
    tables.run("create materialized view m as select * from t")
    tables.run("create index m_name on m (name)")
    assert tables.value("select comments from user_mview_comments").startswith("snapshot table for snapshot")
    tables.run("comment on materialized view m is 'copied'")
    assert tables.value("select comments from user_mview_comments") == "copied"
    assert tables.rows("select mview_name, query from user_mviews") == [("M", "select * from t")]
    assert tables.rows("select object_type from user_objects where object_name = 'M' order by 1") == [
        ("MATERIALIZED VIEW",),
        ("TABLE",),
    ]
    keys = "select column_name from user_cons_columns natural join user_constraints"
    assert tables.rows(keys + " where constraint_type = 'P' and table_name = 'M'") == [("ID",)]


def test_drop(tables: Session) -> None:
    tables.run("create materialized view m as select * from t")
    tables.run("drop materialized view m")
    with refused(942):
        tables.rows("select * from m")
    with refused(12003):
        tables.run("drop materialized view t")
    assert tables.value("select count(*) from t") == 1


@pytest.mark.parametrize(
    "options",
    ["refresh fast", "refresh on commit", "build deferred", "enable query rewrite", "refresh start with sysdate"],
)
def test_refused(tables: Session, options: str) -> None:
    with refused(3001):
        tables.run(f"create materialized view m {options} as select * from t")


def test_virtual_columns(session: Session) -> None:
    session.run(
        "create table v (a number, b number generated always as (a * 2) virtual, c varchar2(5) as (upper('x')))"
    )
    session.run("insert into v (a) values (4)")
    session.run("insert into v values (5, default, default)")
    assert session.rows("select * from v order by a") == [(4, 8, "X"), (5, 10, "X")]
    session.run("update v set a = 1 where a = 4")
    assert session.value("select b from v where a = 1") == 2
    with refused(54013):
        session.run("insert into v (b) values (4)")
    with refused(54017):
        session.run("update v set b = 1")
    with refused(54002):
        session.run("create table w (a date, b date generated always as (sysdate) virtual)")
    found = session.rows("select column_name, virtual_column, data_default from user_tab_cols order by column_id")
    assert found == [("A", "NO", None), ("B", "YES", '"A"*2'), ("C", "YES", "UPPER('x')")]
