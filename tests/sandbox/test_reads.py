"""What reads of large tables ask for: times with zones, lists as tables, ROWIDs, the state of a moment."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

Connect = Callable[..., Any]


@pytest.fixture
def connection(connect: Connect) -> Any:
    return connect()


def query(connection: Any, sql: str, *binds: Any) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = connection.cursor().execute(sql, binds).fetchall()
    return rows


@pytest.fixture
def table(connect: Connect) -> Iterator[Callable[..., str]]:
    """Makes tables of this test alone."""
    made: list[str] = []

    def make(name: str, columns: str) -> str:
        connect().cursor().execute(f"create table {name} {columns}")
        made.append(name)
        return name

    yield make
    for name in made:
        connect().cursor().execute(f"drop table {name}")


# ---------------------------------------------------------------- time zones
@pytest.mark.parametrize(
    ("expression", "utc"),
    [
        ("timestamp '2024-01-02 03:04:05 +02:00'", "2024-01-02 01:04:05"),
        ("timestamp '2024-01-02 03:04:05.5 -01:30'", "2024-01-02 04:34:05.5"),
        ("timestamp '2024-07-02 03:04:05 Europe/Berlin'", "2024-07-02 01:04:05"),
        ("from_tz(timestamp '2024-01-02 03:04:05', '+02:00')", "2024-01-02 01:04:05"),
        ("from_tz(timestamp '2024-01-02 03:04:05', 'Asia/Tokyo')", "2024-01-01 18:04:05"),
        ("sys_extract_utc(timestamp '2024-01-02 03:04:05 +02:00')", "2024-01-02 01:04:05"),
        ("sys_extract_utc(from_tz(timestamp '2024-01-02 03:04:05', '-05:00'))", "2024-01-02 08:04:05"),
    ],
)
def test_a_time_with_its_zone_is_an_instant(connection: Any, expression: str, utc: str) -> None:
    assert query(connection, f"select {expression} from dual") == [(datetime.datetime.fromisoformat(_padded(utc)),)]


def _padded(moment: str) -> str:
    return moment + "00000" if "." in moment else moment


def test_columns_with_time_zone_take_literals_and_binds(
    connection: Any, dbapi: ModuleType, table: Callable[..., str]
) -> None:
    table("zones", "(id number, a timestamp with time zone, b timestamp(3) with local time zone)")
    moment = datetime.datetime(2024, 5, 6, 7, 8, 9, 123_456)
    cursor = connection.cursor()
    literal = "timestamp '2024-01-02 03:04:05 +02:00'"
    cursor.execute(f"insert into zones values (1, {literal}, {literal})")
    cursor.execute("insert into zones values (2, :1, :2)", [moment, moment])
    cursor.setinputsizes(dbapi.DB_TYPE_TIMESTAMP_TZ, dbapi.DB_TYPE_TIMESTAMP_LTZ)
    cursor.execute("insert into zones values (3, :1, :2)", [moment, moment])
    connection.commit()

    rows = cursor.execute("select * from zones order by id").fetchall()

    day = moment.replace(microsecond=0)
    assert rows == [
        (1, datetime.datetime(2024, 1, 2, 1, 4, 5), datetime.datetime(2024, 1, 2, 1, 4, 5)),
        # Both drivers send a datetime as DATE, unless they are told.
        (2, day, day),
        (3, moment, moment.replace(microsecond=123_000)),
    ]
    kinds = [column[1] for column in cursor.description]
    assert kinds == [dbapi.DB_TYPE_NUMBER, dbapi.DB_TYPE_TIMESTAMP_TZ, dbapi.DB_TYPE_TIMESTAMP_LTZ]
    types = "select data_type from user_tab_columns where table_name = 'ZONES' order by column_id"
    expected = ["NUMBER", "TIMESTAMP(6) WITH TIME ZONE", "TIMESTAMP(3) WITH LOCAL TIME ZONE"]
    assert query(connection, types) == [(kind,) for kind in expected]


# ---------------------------------------------------------------- lists as tables
def test_collections_are_tables_of_one_column(connection: Any) -> None:
    moment = datetime.datetime(2021, 2, 3, 4, 5, 6)
    assert query(connection, "select column_value from table(sys.odcinumberlist(1, -2.5, :1))", 3) == [
        (1,),
        (-2.5,),
        (3,),
    ]
    words = "select t.column_value word from table(sys.odcivarchar2list('a', :1, '', 'it''s')) t order by 1"
    assert query(connection, words, "z") == [("a",), ("it's",), ("z",), (None,)]
    dates = "select * from table(sys.odcidatelist(date '2020-01-01', :1))"
    assert query(connection, dates, moment) == [(datetime.datetime(2020, 1, 1),), (moment,)]
    assert query(connection, "select count(*) from table(sys.odcinumberlist())") == [(0,)]


def test_thousands_of_binds_stand_in_lists(connection: Any, table: Callable[..., str]) -> None:
    table("listed", "as select level id, 'row ' || level name from dual connect by level <= 10000")
    wanted = list(range(3, 9_000, 3))
    lists = [wanted[start : start + 999] for start in range(0, len(wanted), 999)]
    number = iter(range(len(wanted)))
    parts = [
        f"select column_value from table(sys.odcinumberlist({', '.join(f':b{next(number)}' for _ in part)}))"
        for part in lists
    ]
    sql = f"select id, name from listed where id in ({' union all '.join(parts)}) order by id"
    assert query(connection, sql, *wanted) == [(n, f"row {n}") for n in wanted]


def test_a_list_has_999_values_at_the_most(connection: Any, dbapi: ModuleType) -> None:
    full = "select count(*) from table(sys.odcinumberlist({}))"
    assert query(connection, full.format(", ".join("1" * 999))) == [(999,)]
    with pytest.raises(dbapi.DatabaseError, match="ORA-00939"):
        query(connection, full.format(", ".join("1" * 1000)))


# ---------------------------------------------------------------- ROWID
@pytest.fixture
def placed(table: Callable[..., str]) -> str:
    """A table of many blocks."""
    return table("placed", "as select level id, rpad('x', 100, 'x') filler from dual connect by level <= 5000")


def test_a_rowid_is_18_characters_that_find_their_row_again(connection: Any, dbapi: ModuleType, placed: str) -> None:
    cursor = connection.cursor()
    cursor.execute("select rowid, p.rowid, p.id from placed p order by rowid")
    rows = cursor.fetchall()
    assert [column[0] for column in cursor.description] == ["ROWID", "ROWID", "ID"]
    assert cursor.description[0][1] == dbapi.DB_TYPE_ROWID
    assert [row[2] for row in rows] == list(range(1, 5_001))
    assert len({row[0] for row in rows}) == 5_000
    assert {len(row[0]) for row in rows} == {18}
    assert all(row[0] == row[1] for row in rows)
    for found, _, id_ in rows[::999]:
        assert query(connection, "select id from placed where rowid = :1", found) == [(id_,)]
        assert query(connection, f"select id from placed where rowid = '{found}'") == [(id_,)]
        assert query(connection, "select rowidtochar(rowid), '' || rowid from placed where id = :1", id_) == [
            (found, found)
        ]


def test_ranges_of_rowids_are_parts_of_a_table(connection: Any, placed: str) -> None:
    parts = query(
        connection,
        "select part, min(rid), max(rid), count(*) from"
        " (select rowid rid, ntile(8) over (order by rowid) part from placed) group by part order by part",
    )
    assert [part[3] for part in parts] == [625] * 8
    assert query(connection, "select min(rowid), max(rowid) from placed") == [(parts[0][1], parts[-1][2])]
    found: list[int] = []
    for _, low, high, _ in parts:
        rows = query(connection, "select id from placed where rowid between :1 and :2 order by rowid", low, high)
        same = "select id from placed where rowid >= chartorowid(:1) and rowid <= chartorowid(:2) order by rowid"
        assert rows == query(connection, same, low, high)
        found += [row[0] for row in rows]
    assert found == list(range(1, 5_001))


def test_a_rowid_given_by_a_subquery_has_the_name_that_it_has_there(connection: Any, placed: str) -> None:
    sql = "select min(rowid) from (select rowid, ntile(2) over (order by rowid) part from placed) where part = 1"
    assert query(connection, sql) == query(connection, "select min(rowid) from placed")
    joined = "select a.id from placed a join placed b on a.rowid = b.rowid where b.id = 7"
    assert query(connection, joined) == [(7,)]


def test_rows_are_changed_by_their_rowids(connection: Any, dbapi: ModuleType, placed: str) -> None:
    ((found,),) = query(connection, "select rowid from placed where id = 7")
    cursor = connection.cursor()
    returned = cursor.var(str)
    cursor.execute("update placed set filler = 'new' where rowid = :1 returning rowid into :2", [found, returned])
    assert query(connection, "select id, filler from placed where rowid = :1", returned.getvalue()[0]) == [(7, "new")]
    cursor.execute("delete from placed where rowid in (select rowid from placed where id < 10)")
    assert cursor.rowcount == 9
    connection.rollback()
    for wrong in ("x", "AAAAABAABAAAAAAAA", "AAAAABAABAAAAAAA-B"):
        with pytest.raises(dbapi.DatabaseError, match="ORA-01410"):
            query(connection, "select id from placed where rowid = :1", wrong)


# ---------------------------------------------------------------- the state at an SCN
SCN = "select current_scn from v$database"


def scn_of(connection: Any) -> int:
    return int(query(connection, SCN)[0][0])


def test_the_scn_grows_with_commits(connection: Any, connect: Connect, table: Callable[..., str]) -> None:
    table("dated", "(n number)")
    first = scn_of(connection)
    asked = [
        "select dbms_flashback.get_system_change_number from dual",
        "select dbms_flashback.get_system_change_number() from dual",
        "select d.current_scn from v$database d",
    ]
    assert [query(connection, sql) for sql in asked] == [[(first,)]] * 3
    assert scn_of(connect()) == first
    connection.cursor().execute("insert into dated values (1)")
    assert scn_of(connection) == first
    connection.commit()
    assert scn_of(connection) > first


def test_other_sessions_read_the_state_of_an_scn(connection: Any, connect: Connect, table: Callable[..., str]) -> None:
    table("dated", "as select level n, 'old' word from dual connect by level <= 3000")
    scn = scn_of(connection)
    connection.cursor().execute("update dated set word = 'new'")
    connection.cursor().execute("delete from dated where n > 2000")
    connection.commit()

    readers = [connect() for _ in range(3)]
    for reader in readers:
        cursor = reader.cursor()
        cursor.arraysize = 100
        past = cursor.execute("select n, word from dated as of scn :1 order by n", [scn])
        found = past.fetchmany(100)
        assert query(reader, "select count(*), min(word) from dated") == [(2_000, "new")]
        assert query(reader, f"select count(*), min(word) from dated as of scn {scn} d") == [(3_000, "old")]
        assert found + past.fetchall() == [(n, "old") for n in range(1, 3_001)]
    joined = (
        "select count(*) from dated as of scn :1 a join dated as of scn :1 b on a.n = b.n"
        " where a.rowid in (select rowid from dated as of scn :1 where n > 2500)"
    )
    cursor = connection.cursor()
    assert cursor.execute(joined.replace(":1", ":scn"), {"scn": scn}).fetchall() == [(500,)]


def test_a_session_changes_between_times(connection: Any, table: Callable[..., str]) -> None:
    table("dated", "(n number)")
    scns = []
    for n in range(4):
        scns.append(scn_of(connection))
        connection.cursor().execute("insert into dated values (:1)", [n])
        connection.commit()
    for count in (0, 3, 1, 2, 2):
        assert query(connection, "select count(*) from dated as of scn :1", scns[count]) == [(count,)]
    connection.cursor().execute("insert into dated values (9)")
    assert query(connection, "select count(*) from dated as of scn :1", scns[1]) == [(1,)]
    assert query(connection, "select count(*) from dated") == [(5,)]
    connection.rollback()
    assert query(connection, "select count(*) from dated") == [(4,)]


def test_settings_hold_in_other_times_too(connection: Any, table: Callable[..., str]) -> None:
    table("dated", "as select date '2024-01-02' day from dual")
    scn = scn_of(connection)
    sql = "select to_char(day) from dated as of scn :1"
    assert query(connection, sql, scn) == [("02-JAN-24",)]
    connection.cursor().execute("alter session set nls_date_format = 'YYYY-MM-DD'")
    assert query(connection, sql, scn) == [("2024-01-02",)]


def test_an_scn_that_is_not_kept_is_refused(connection: Any, dbapi: ModuleType, table: Callable[..., str]) -> None:
    table("dated", "(n number)")
    first = scn_of(connection)
    sql = "select * from dated as of scn :1"
    for unknown in (first + 1, 1, -1, None):
        with pytest.raises(dbapi.DatabaseError, match="ORA-08181"):
            query(connection, sql, unknown)
    for n in range(20):
        connection.cursor().execute("insert into dated values (:1)", [n])
        connection.commit()
        last = scn_of(connection)
    with pytest.raises(dbapi.DatabaseError, match="ORA-01555"):
        query(connection, sql, first)
    assert len(query(connection, sql, last)) == 20


@pytest.mark.parametrize(
    "change",
    ["truncate table dated", "alter table dated add (more number)", "drop table dated"],
)
def test_a_table_that_was_altered_since_is_refused(
    connection: Any, connect: Connect, dbapi: ModuleType, table: Callable[..., str], change: str
) -> None:
    table("dated", "as select level n from dual connect by level <= 5000")
    scn = scn_of(connection)
    assert len(query(connection, "select n from dated as of scn :1", scn)) == 5000
    connect().cursor().execute(change)
    with pytest.raises(dbapi.DatabaseError, match=r"ORA-01466|ORA-00942"):
        query(connection, "select n from dated as of scn :1", scn)
    if change.startswith("drop"):
        connection.cursor().execute("create table dated (n number)")
        with pytest.raises(dbapi.DatabaseError, match="ORA-01466"):
            query(connection, "select n from dated as of scn :1", scn)


@pytest.mark.parametrize(
    "sql",
    [
        "select * from dated as of timestamp systimestamp",
        "select * from dated versions between scn 1 and 2",
        "select * from dated as of scn 5 a, dated as of scn 6 b",
        "select * from dated as of scn 5 a, dated b",
        "select * from dated as of scn 5 for update",
        "select * from dated as of scn 5 + 1",
        "insert into dated select * from dated as of scn 5",
        "create table copied as select * from dated as of scn 5",
        "create view dated_view as select * from dated as of scn 5",
        "insert into dated select current_scn from v$database",
    ],
)
def test_other_flashback_queries_are_refused(
    connection: Any, dbapi: ModuleType, table: Callable[..., str], sql: str
) -> None:
    table("dated", "(n number)")
    with pytest.raises(dbapi.DatabaseError, match=r"ORA-03001|ORA-009|ORA-08181"):
        query(connection, sql)
