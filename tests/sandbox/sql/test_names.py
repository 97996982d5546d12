"""Names of up to 128 bytes, where PostgreSQL has 63."""

from __future__ import annotations

from pathlib import Path

import pytest

from orapool.sandbox.sql import Engine, SessionIdentity
from tests.sandbox.sql.session import Session, refused

TABLE = "THINGS_WITH_A_NAME_THAT_GOES_ON_AND_ON_UNTIL_IT_IS_LONGER_THAN_POSTGRESQL_TAKES_AND_SOME_MORE"
ONE, OTHER = TABLE + "_1", TABLE + "_2"
ACCENTED = "É" * 60


@pytest.fixture
def things(session: Session) -> Session:
    session.run(f"create table {TABLE} ({ONE} number constraint pk_{TABLE} primary key, {OTHER} varchar2(3) not null)")
    session.run(f"insert into {TABLE} values (1, 'one')")
    return session


def test_results_bear_them(things: Session) -> None:
    assert [column.name for column in things.columns(f"select * from {TABLE}")] == [ONE, OTHER]
    assert [column.name for column in things.columns(f"select {OTHER}, 1 as a{ONE} from {TABLE}")] == [OTHER, f"A{ONE}"]
    assert things.row(f"select t.{OTHER} from {TABLE.lower()} t where t.{ONE} = 1") == ("one",)
    assert things.row(f"with {ONE} as (select 1 as {OTHER} from dual) select {OTHER} from {ONE}") == (1,)


def test_errors_tell_them(things: Session) -> None:
    with refused(1, f"PK_{TABLE})"):
        things.run(f"insert into {TABLE} values (1, 'two')")
    with refused(1400, f'"{TABLE}"."{OTHER}"'):
        things.run(f"insert into {TABLE} ({ONE}) values (2)")
    with refused(12899, f'"{TABLE}"."{OTHER}"'):
        things.run(f"insert into {TABLE} values (2, 'three')")
    with refused(904, f'"{OTHER}X"'):
        things.rows(f"select {OTHER}x from {TABLE}")


def test_the_dictionary_has_them(things: Session) -> None:
    things.run(f"create index i_{TABLE} on {TABLE} ({OTHER})")
    things.run(f"create sequence s_{TABLE}")
    things.run(f'create global temporary table "{ACCENTED}" ({ONE} number unique)')
    assert things.value(f"s_{TABLE}.nextval") == 1
    assert things.rows("select table_name from user_tables order by 1") == [(TABLE,), (ACCENTED,)]
    names = "select column_name from user_tab_columns where table_name = :1 order by column_id"
    assert things.rows(names, TABLE) == [(ONE,), (OTHER,)]
    keys = "select constraint_name, column_name from user_cons_columns natural join user_constraints"
    assert things.rows(f"{keys} where constraint_type = 'P'") == [(f"PK_{TABLE}", ONE)]
    indexed = "select index_name, column_name from user_ind_columns where index_name like 'I%'"
    assert things.rows(indexed) == [(f"I_{TABLE}", OTHER)]
    assert things.value("select sequence_name from user_sequences") == f"S_{TABLE}"


def test_alter_and_drop(things: Session) -> None:
    things.run(f"alter table {TABLE} modify {OTHER} varchar2(5)")
    things.run(f"update {TABLE} set {OTHER} = 'three'")
    things.run(f"alter table {TABLE} rename column {OTHER} to {OTHER}_new")
    assert things.value(f"select {OTHER}_new from {TABLE}") == "three"
    things.run(f"alter table {TABLE} drop constraint pk_{TABLE}")
    things.run(f"drop table {TABLE}")
    assert things.rows("select table_name from user_tables") == []


def test_names_beyond_oracles_are_refused(session: Session) -> None:
    with refused(972):
        session.run(f"create table {'x' * 129} (a number)")
    with refused(972):
        session.rows(f"select 1 as {'x' * 129} from dual")
    session.run(f"create table {'x' * 128} (a number)")


def test_they_outlast_the_process(tmp_path: Path) -> None:
    with Engine(tmp_path, ["scott"]) as engine, Session(engine.open(SessionIdentity(1, 1, "scott"))) as session:
        session.run(f"create table {TABLE} ({ONE} number)")
    with Engine(tmp_path, ["scott"]) as engine, Session(engine.open(SessionIdentity(1, 1, "scott"))) as session:
        assert [column.name for column in session.columns(f"select * from {TABLE}")] == [ONE]
        assert session.rows("select table_name from user_tables") == [(TABLE,)]
