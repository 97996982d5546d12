"""INSERT, UPDATE, DELETE, MERGE: limits of columns, constraints, RETURNING, arrays."""

from __future__ import annotations

import pytest

from orapool.sandbox.sql import OracleError
from tests.sandbox.sql.session import Session, date, refused


@pytest.fixture
def people(session: Session) -> Session:
    session.run("""
        create table people (id number(4) constraint people_pk primary key, name varchar2(10) not null,
          code char(3), money number(7,2) check (money >= 0), boss number(4) references people(id),
          born date, photo raw(4),
          constraint people_name unique (name))
    """)
    session.run("insert into people (id, name, money) values (1, 'Ann', 1.005)")
    session.run("commit")
    return session


def test_numbers_are_rounded_to_their_scale(people: Session) -> None:
    assert people.value("select money from people") == 1.01


def test_char_is_padded(people: Session) -> None:
    people.run("update people set code = 'x'")
    assert people.row("select code, length(code), code || '|' from people") == ("x  ", 3, "x  |")


@pytest.mark.parametrize(
    ("sql", "code", "text"),
    [
        ("insert into people (id, name) values (1, 'Bob')", 1, "({user}.PEOPLE_PK) violated"),
        ("insert into people (id, name) values (2, 'Ann')", 1, "unique constraint ({user}.PEOPLE_NAME) violated"),
        ("insert into people (id) values (2)", 1400, 'cannot insert NULL into ("{user}"."PEOPLE"."NAME")'),
        ("insert into people (id, name) values (2, '')", 1400, '"NAME"'),
        ("update people set name = null", 1407, 'cannot update ("{user}"."PEOPLE"."NAME") to NULL'),
        ("update people set name = 'twelve chars'", 12899, '"{user}"."PEOPLE"."NAME" (actual: 12, maximum: 10)'),
        ("update people set name = 'éééééé'", 12899, "(actual: 12, maximum: 10)"),
        ("update people set code = 'four'", 12899, '"{user}"."PEOPLE"."CODE" (actual: 4, maximum: 3)'),
        ("update people set photo = hextoraw('0102030405')", 12899, "(actual: 5, maximum: 4)"),
        ("update people set money = 100000", 1438, "specified precision"),
        ("update people set money = -1", 2290, "check constraint ({user}.SYS_C"),
        ("update people set boss = 99", 2291, "parent key not found"),
        ("update people set id = 'abc'", 1722, "invalid number"),
        ("update people set born = 'someday'", 1858, "non-numeric"),
        ("update people set nix = 1", 904, '"NIX"'),
        ("insert into people values (5, 'Eve')", 947, "not enough values"),
        ("insert into people select 5, 'Eve' from dual", 947, "not enough values"),
        ("insert into people select level from dual connect by level <= 3", 947, "not enough values"),
        ("insert into people (id, name) values (5)", 947, "not enough values"),
        ("insert into people (id) values (5, 'Eve')", 913, "too many values"),
        ("insert into nix values (1)", 942, "does not exist"),
    ],
)
def test_what_a_table_does_not_take(people: Session, user: str, sql: str, code: int, text: str) -> None:
    with refused(code, text.format(user=user)):
        people.run(sql)


def test_a_parent_with_children_stays(people: Session, user: str) -> None:
    people.run("insert into people (id, name, boss) values (2, 'Bob', 1)")
    with refused(2292, "child record found"):
        people.run("delete from people where id = 1")


def test_returning_into(people: Session) -> None:
    insert = "insert into people (id, name) values (:1, :2) returning id, upper(name) into :3, :4"
    outcome = people.run(insert, 2, "Bob", None, None)
    assert outcome.returned == [[(b"2", b"BOB")]]
    outcome = people.run("update people set money = 5 returning id into :1", None)
    assert sorted(outcome.returned[0]) == [(b"1",), (b"2",)]
    outcome = people.run("delete people where id = :1 returning name into :2", 2, None)
    assert outcome.returned == [[(b"Bob",)]]


def test_merge(people: Session) -> None:
    merge = """
        merge into people p using (select 1 id, 'Anna' name from dual union all select 3, 'Cid' from dual) s
        on (p.id = s.id)
        when matched then update set p.name = s.name when not matched then insert (id, name) values (s.id, s.name)
    """
    assert people.run(merge).row_count == 2
    assert people.rows("select id, name from people order by id") == [(1, "Anna"), (3, "Cid")]


def test_update_with_a_subquery_and_an_alias(people: Session) -> None:
    people.run("update people p set (p.name, money) = (select 'New', 7 from dual) where p.id = 1")
    assert people.row("select name, money from people") == ("New", 7)


def test_an_array_of_rows(people: Session) -> None:
    rows = [[i, f'q"\\{i}', date("2024-01-02")] for i in range(2, 102)]
    outcome = people.many("insert into people (id, name, born) values (:1, :2, :3)", rows)
    assert (outcome.row_count, outcome.row_counts) == (100, [1] * 100)
    assert people.row("select name, born from people where id = 50") == ('q"\\50', date("2024-01-02"))


def test_an_array_of_updates_counts_each_row(people: Session) -> None:
    outcome = people.many("update people set money = :1 where id = :2", [[1, 1], [2, 99], [3, 1]])
    assert outcome.row_counts == [1, 0, 1]


@pytest.mark.parametrize("size", [3, 50])
def test_rows_before_a_failing_one_are_kept(people: Session, size: int) -> None:
    rows = [[i + 10, f"n{i}"] for i in range(size)]
    rows[2][1] = "Ann"
    with pytest.raises(OracleError) as caught:
        people.many("insert into people (id, name) values (:1, :2)", rows)
    assert (caught.value.code, caught.value.rows_done) == (1, 2)
    assert people.value("select count(*) from people where id >= 10") == 2
    assert people.in_transaction


def test_batch_errors(people: Session) -> None:
    rows = [[i + 10, f"n{i}"] for i in range(20)]
    rows[3][1], rows[19][0] = "much too long a name", 10
    outcome = people.many("insert into people (id, name) values (:1, :2)", rows, batch_errors=True)
    assert [(row, error.code) for row, error in outcome.batch_errors] == [(3, 12899), (19, 1)]
    assert outcome.row_count == 18
    assert outcome.row_counts[2:5] == [1, 0, 1]


def test_an_array_returning(people: Session) -> None:
    outcome = people.many(
        "insert into people (id, name) values (:1, :2) returning id into :3", [[i, f"n{i}", None] for i in range(2, 8)]
    )
    assert outcome.returned == [[(str(i).encode(),)] for i in range(2, 8)]


def test_empty_strings_in_arrays_are_null(people: Session) -> None:
    people.many("insert into people (id, name, code) values (:1, :2, :3)", [[i, f"n{i}", ""] for i in range(2, 12)])
    assert people.value("select count(*) from people where code is null") == 11


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("id", "NaN"),
        ("id", "0x10"),
        ("id", "infinity"),
        ("born", "yesterday"),
        ("born", "2024-01-02"),
        ("photo", "no hex"),
    ],
)
def test_strings_that_only_postgresql_would_take(people: Session, column: str, text: str) -> None:
    with pytest.raises(OracleError, match=r"ORA-0(1722|18\d\d|1465)"):
        people.run(f"update people set {column} = '{text}'")
    with pytest.raises(OracleError, match=r"ORA-0(1722|18\d\d|1465)"):
        people.run(f"insert into people (name, {column}) values ('x', :1)", text)
    with pytest.raises(OracleError, match=r"ORA-0(1722|18\d\d|1465)"):
        people.rows(f"select 1 from people where {column} = '{text}'")


def test_strings_that_oracle_takes(people: Session) -> None:
    people.run("update people set id = ' 7 ', born = '02-JAN-24', photo = '0aff'")
    assert people.row("select id, born, photo from people") == (7, date("2024-01-02"), b"\x0a\xff")
    assert people.value("select count(*) from people where photo = '0AFF' and born > '01-JAN-24'") == 1
    people.run("alter session set nls_date_format = 'YYYY-MM-DD'")
    people.run("update people set born = '2024-05-06'")
    assert people.value("select to_char(born) from people") == "2024-05-06"
