"""Queries: columns as Oracle describes them, binds, ROWNUM, sets, locks."""

from __future__ import annotations

import pytest

from orapool.sandbox import types
from orapool.sandbox.sql import OracleError
from orapool.sandbox.types import Column
from tests.sandbox.sql.session import Session, refused


@pytest.fixture
def numbers(session: Session) -> Session:
    """A session with a table of five rows."""
    session.run("create table n (id number(4) primary key, name varchar2(10), grp number)")
    session.many("insert into n values (:1, :2, :3)", [[i, f"n{i}", i % 2] for i in range(1, 6)])
    session.run("commit")
    return session


def test_columns_of_a_table(session: Session) -> None:
    session.run("""
        create table kinds (a number, b number(5), c number(5,2), d integer, e float, f varchar2(10),
          g varchar2(10 char), h char(3), i date, j timestamp, k timestamp(3), l binary_double,
          m binary_float, n clob, o blob,
          p raw(16) not null, q nvarchar2(5),
          r timestamp with time zone, s interval day to second, t interval year to month)
    """)
    assert session.columns("select * from kinds") == (
        Column("A", types.number()),
        Column("B", types.number(5, 0)),
        Column("C", types.number(5, 2)),
        Column("D", types.number(38, 0)),
        Column("E", types.float_number(126)),
        Column("F", types.varchar2(10)),
        Column("G", types.varchar2(10, in_chars=True)),
        Column("H", types.char(3)),
        Column("I", types.DATE),
        Column("J", types.timestamp(6)),
        Column("K", types.timestamp(3)),
        Column("L", types.BINARY_DOUBLE),
        Column("M", types.BINARY_FLOAT),
        Column("N", types.CLOB),
        Column("O", types.BLOB),
        Column("P", types.raw(16), nullable=False),
        Column("Q", types.nvarchar2(5)),
        Column("R", types.timestamp_tz(6)),
        Column("S", types.INTERVAL_DS),
        Column("T", types.INTERVAL_YM),
    )


def test_columns_of_expressions(session: Session) -> None:
    columns = session.columns(
        "select 'abc', 1 + 1, count( * ), sysdate, :x, 'a' || 'b' as joined, max(dummy) Top from dual", 1
    )
    assert [column.name for column in columns] == ["'abc'", "1+1", "COUNT(*)", "SYSDATE", ":X", "JOINED", "TOP"]
    names = [column.type.name for column in columns]
    assert names == ["CHAR", "NUMBER", "NUMBER", "DATE", "NUMBER", "VARCHAR2", "VARCHAR2"]
    assert columns[0].type == types.char(3)


def test_names_fold_to_upper_case_unless_quoted(session: Session) -> None:
    session.run('create table Mixed (id number, "Lower" number)')
    assert [c.name for c in session.columns('select ID, "Lower", id as "x y" from mixed')] == ["ID", "Lower", "x y"]
    with refused(904, '"LOWER"'):
        session.rows("select lower from mixed")
    with refused(942):
        session.rows('select * from "mixed"')


def test_a_bad_column_is_found_in_the_statement(numbers: Session) -> None:
    with pytest.raises(OracleError, match='ORA-00904: "NIX": invalid identifier') as caught:
        numbers.rows("select id, nix from n")
    assert caught.value.position == 11


def test_rownum(numbers: Session) -> None:
    assert numbers.value("select count(*) from n where rownum <= 3") == 3
    assert numbers.rows("select id from (select id from n order by id desc) where rownum < 3") == [(5,), (4,)]
    assert numbers.rows("select rownum, id from (select id from n order by id) where rownum <= 2") == [(1, 1), (2, 2)]
    assert len(numbers.rows("select id from n where rownum = 1")) == 1
    assert len(numbers.rows("select id from n where rownum <= :1 order by id", 2)) == 2


def test_rownum_in_dml(numbers: Session) -> None:
    assert numbers.run("update n set name = 'x' where rownum <= 2 and id > 1").row_count == 2
    assert numbers.run("delete from n where rownum <= :1", 3).row_count == 3
    assert numbers.value("select count(*) from n") == 2


def test_fetch_and_offset_take_binds(numbers: Session) -> None:
    rows = numbers.rows("select id from n order by id offset :1 rows fetch next :2 rows only", 1, 2)
    assert rows == [(2,), (3,)]
    assert numbers.rows("select id from n order by id fetch first row only") == [(1,)]


def test_connect_by_level_makes_rows(session: Session) -> None:
    assert session.rows("select level from dual connect by level <= :1", 3) == [(1,), (2,), (3,)]
    assert session.rows("select rownum * 2 x from dual connect by level < 3") == [(2,), (4,)]


def test_set_operators_have_one_rank(session: Session) -> None:
    rows = session.rows("select 1 x from dual union select 2 from dual intersect select 2 from dual")
    assert rows == [(2,)]
    assert session.rows("select 1 x from dual minus select 1 from dual") == []


def test_aggregates_and_analytic_functions(numbers: Session) -> None:
    assert numbers.value("select listagg(name, ',') within group (order by id desc) from n") == "n5,n4,n3,n2,n1"
    rows = numbers.rows(
        "select id, row_number() over (partition by grp order by id) r, lag(id, 1, 0) over (order by id) from n"
    )
    assert sorted(rows) == [(1, 1, 0), (2, 1, 1), (3, 2, 2), (4, 2, 3), (5, 3, 4)]
    assert numbers.value("select avg(id) from n where id < 3") == 1.5


def test_group_by_an_expression_with_a_bind(numbers: Session) -> None:
    assert numbers.rows("select mod(id, :m), count(*) from n group by mod(id, :m) order by 1", 2, 2) == [(0, 2), (1, 3)]


def test_binds_convert_as_oracle_does(numbers: Session) -> None:
    assert numbers.value("select name from n where id = :1", "2") == "n2"
    assert numbers.value("select name from n where id = '2'") == "n2"
    numbers.run("update n set name = :1 where id = 1", 7)
    numbers.run("delete from n where id > 1")
    assert numbers.value("select id from n where name = :1", 7) == 1
    assert numbers.value("select name || id from n") == "71"


def test_a_bind_alone_has_its_own_type(session: Session) -> None:
    assert session.columns("select :1 from dual", 1.5)[0].type == types.number()
    assert session.columns("select :1 from dual", "text")[0].type == types.varchar2(4000)


def test_all_binds_must_be_there(session: Session) -> None:
    with refused(1008):
        session.rows("select :1, :2 from dual", 1)


def test_any_and_multi_column_in(numbers: Session) -> None:
    assert numbers.rows("select id from n where id = any (1, 2) order by id") == [(1,), (2,)]
    assert numbers.rows("select id from n where (id, name) in ((1, 'n1'), (2, 'nix'))") == [(1,)]


def test_hints_and_comments_are_no_part_of_a_statement(numbers: Session) -> None:
    assert numbers.value("select /*+ full(n) */ id -- one\n from n where id = /* two */ 1") == 1


def test_a_result_set_is_handed_out_in_batches(numbers: Session) -> None:
    result = numbers.backend.query(numbers.backend.prepare("select id from n order by id"), [], [])
    assert result.row_count == 5
    assert result.rows(3, 10) == [(b"4",), (b"5",)]
    result.close()
    with refused(1002):
        result.rows(0, 1)


def test_long_text_never_exceeds_its_description(session: Session) -> None:
    session.run("create table big (c clob)")
    session.run("insert into big values (:1)", "x" * 5000)
    assert len(session.value("select c from big")) == 5000
    assert session.columns("select c || 'y' from big")[0].type == types.CLOB
    with refused(1489):
        session.value("select to_char(c) from big")


def test_a_table_changed_by_another_session_is_described_anew(numbers: Session, other: Session) -> None:
    assert len(numbers.columns("select * from n")) == 3
    other.run("alter table n add extra date")
    assert len(numbers.columns("select * from n")) == 4
    assert len(numbers.rows("select * from n")[0]) == 4


def test_group_by_a_case_with_a_literal(numbers: Session) -> None:
    kind = "case when name = 'n1' then 'first' else 'rest' end"
    assert numbers.rows(f"select {kind}, count(*) from n group by {kind} order by 2") == [("first", 1), ("rest", 4)]


def test_clobs_are_searched_with_like(session: Session) -> None:
    session.run("create table t (id number, c clob, d date)")
    session.run("insert into t values (1, 'a%c', date '2024-01-01')")
    session.run("insert into t values (2, 'x\\y', null)")
    assert session.rows("select id from t where c like '%!%%' escape '!'") == [(1,)]
    assert session.rows("select id from t where c like '%\\%'") == [(2,)]
    assert session.rows("select id from t where c not like 'a%'") == [(2,)]


def test_a_filter_that_may_be_left_out(numbers: Session) -> None:
    optional = "select id from n where (:1 is null or name = :1) and (:2 is null or id = :2) order by id"
    statement = numbers.backend.prepare(optional.replace(":1", ":a").replace(":2", ":b"))
    text = types.varchar2(100)
    for binds, expected in (([None, None], 5), ([b"n2", None], 1), ([None, b"3"], 1), ([b"n2", b"3"], 0)):
        values = [binds[0], binds[0], binds[1], binds[1]]
        assert numbers.backend.query(statement, [text] * 4, values).row_count == expected


def test_a_query_that_names_itself_is_recursive(session: Session) -> None:
    session.run("create table staff (id number(5), boss number(5), name varchar2(10))")
    session.many(
        "insert into staff values (:1, :2, :3)", [(1, None, "ann"), (2, 1, "bob"), (3, 2, "cy"), (4, None, "di")]
    )
    below = """
        with under (id, depth) as (
            select id, 0 from staff where name = :1
            union all select s.id, u.depth + 1 from staff s, under u where s.boss = u.id
        ) select name, depth from under join staff using (id) order by depth"""
    assert session.rows(below, "ann") == [("ann", 0), ("bob", 1), ("cy", 2)]


@pytest.mark.parametrize(
    ("clause", "values"),
    [
        ("fetch first 1 + 1 rows only", [1, 2]),
        ("offset 1 + 1 rows fetch next :1 * 2 rows only", [3, 4]),
        ("fetch first 40 percent rows only", [1, 2]),
        ("fetch first 41 percent rows only", [1, 2, 3]),
        ("offset 2 rows fetch next 40 percent rows only", [3, 4]),
        ("fetch first :1 * 20 percent rows only", [1]),
        ("fetch first 80 percent rows with ties", [1, 2, 3, 4, 4]),
        ("fetch first 0 percent rows only", []),
    ],
)
def test_fetch(session: Session, clause: str, values: list[int]) -> None:
    session.run("create table t (n number)")
    session.many("insert into t values (:1)", [(n,) for n in (1, 2, 3, 4, 4)])
    assert [
        n for (n,) in session.rows(f"select n from t order by n {clause}", *([1] if ":1" in clause else []))
    ] == values
