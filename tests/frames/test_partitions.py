"""Reads in partitions: the same rows as in one go, over several sessions, from one snapshot, and all or nothing."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy
import pandas
import pytest
from sqlalchemy import column, table

import orapool
from orapool import SessionPool, pools
from orapool.sandbox import Sandbox
from tests.frames.interrupted import interrupt
from tests.older_sqlalchemy import select
from tests.waiting import until

ROWS = 2000
COLUMNS = {
    "id": "number(9) not null",
    "few": "number(9)",
    "fraction": "number",
    "binary": "binary_double",
    "word": "varchar2(20)",
    "padded": "char(8)",
    "day": "date",
    "moment": "timestamp",
    "zoned": "timestamp with time zone",
}
VALUES = {
    "id": "level - 1",
    "few": "case when mod(level, 7) > 0 then mod(level, 50) end",
    "fraction": "level / 3",
    "binary": "level * 1.5",
    "word": "case when mod(level, 5) > 0 then 'Word' || mod(level * 37, 999) end",
    "padded": "'p' || mod(level, 90)",
    "day": "date '1999-12-31' + level / 4",
    "moment": "timestamp '2024-01-01 00:00:00' + numtodsinterval(level, 'MINUTE')",
    "zoned": "from_tz(timestamp '2024-01-01 00:00:00' + numtodsinterval(level, 'MINUTE'), '+02:00')",
}
LEVELS = "(select level n from dual connect by level <= 20000)"
FOR_EVER = f"(select count(*) from {LEVELS} a, {LEVELS} b, {LEVELS} c)"


@pytest.fixture
def parts(default_pool: SessionPool) -> Iterator[SessionPool]:
    """A table of 2,000 rows, and the pool of 3 sessions."""
    with orapool.connection() as connection, connection.cursor() as cursor:
        cursor.execute(f"create table parts ({', '.join(map(' '.join, COLUMNS.items()))})")
        cursor.execute(f"insert into parts select {', '.join(VALUES.values())} from dual connect by level <= {ROWS}")
        connection.commit()
    yield default_pool
    orapool.close()
    with orapool.connection() as connection:
        connection.cursor().execute("drop table parts")


@pytest.fixture
def at_checkout(parts: SessionPool, sandbox: Sandbox, driver: str) -> Callable[..., None]:
    """Has the default pool, of one session from now on, do something before its n-th checkout."""

    def at_checkout(number: int, action: Callable[[], object]) -> None:
        count = 0

        def user_source() -> None:
            nonlocal count
            count += 1
            if count == number:
                action()

        orapool.close()
        settings = {"dsn": sandbox.dsn, "user": "scott", "password": "tiger", "driver": driver}
        orapool.configure(**settings, max=1, user_source=user_source)

    return at_checkout


def sorted_by_id(frame: pandas.DataFrame) -> pandas.DataFrame:
    return frame.sort_values("id", ignore_index=True)


@pytest.mark.parametrize("on", [*COLUMNS, "ROWID"])
def test_a_table_is_the_same_as_in_one_go(parts: SessionPool, on: str, caplog: pytest.LogCaptureFixture) -> None:
    expected = orapool.read_df("parts")
    caplog.set_level(logging.INFO, "orapool.frames")

    frame = orapool.read_df("parts", partition_on=on, partitions=5)

    pandas.testing.assert_frame_equal(sorted_by_id(frame), sorted_by_id(expected))
    assert "2,000 rows, 5 partitions over" in caplog.text
    assert parts.stats().busy == 0
    assert parts.stats().log_ons <= parts.settings.max


def test_the_rows_of_partitions_come_in_their_order(parts: SessionPool) -> None:
    frame = orapool.read_df("select id, few from parts order by id desc", partition_on="FEW", partitions=[10, 30])

    assert len(frame) == ROWS
    firsts = [frame.index[mask].min() for mask in (frame["few"] < 10, frame["few"].between(10, 29), frame["few"] >= 30)]
    assert firsts == sorted(firsts)
    assert frame.index[frame["few"].isna()].max() < firsts[1]
    assert frame["id"][firsts[1] : firsts[2] - 1].is_monotonic_decreasing


@pytest.mark.parametrize(
    ("sql", "params"),
    [
        ("select id, word from parts where id >= :low and id <> :odd", {"low": 100, "odd": 1}),
        ("select id, word from parts where id >= :1 and id <> :2", [100, 1]),
        ("select id, word from parts where id not in :gone", {"gone": list(range(100))}),
        (select(column("id"), column("word")).select_from(table("parts")).where(column("id") >= 100), None),
    ],
    ids=["names", "positions", "list", "selectable"],
)
@pytest.mark.parametrize("on", ["id", "word"])
def test_a_query_with_its_parameters(parts: SessionPool, sql: Any, params: Any, on: str) -> None:
    frame = orapool.read_df(sql, params, partition_on=on, partitions=4)

    assert sorted(frame["id"]) == list(range(100, ROWS))


def test_bounds_and_numbers_of_numpy(parts: SessionPool) -> None:
    bounds = numpy.linspace(0, ROWS, 5, dtype="int64")[1:-1]

    frame = orapool.read_df("parts", partition_on="id", partitions=bounds)

    assert sorted(frame["id"]) == list(range(ROWS))
    assert len(orapool.read_df("parts", partition_on="id", partitions=numpy.int64(3))) == ROWS


def test_arrow_and_polars_too(parts: SessionPool) -> None:
    by_id = {"partition_on": "id", "partitions": 3}

    assert orapool.read_arrow("parts", **by_id).sort_by("id").equals(orapool.read_arrow("parts").sort_by("id"))
    assert sorted(orapool.read_polars("parts", **by_id)["id"]) == list(range(ROWS))


@pytest.mark.parametrize("decimals", ["float", "decimal", "arrow", "string"])
def test_numbers_have_one_type_in_all_partitions(parts: SessionPool, decimals: Any) -> None:
    sql = "select id, fraction from parts where mod(id, 3) = 2 or id > 1900 order by id"

    table = orapool.read_arrow(sql, partition_on="id", partitions=4, decimals=decimals)

    assert table.equals(orapool.read_arrow(sql, decimals=decimals))


def test_a_table_without_rows_keeps_its_types(parts: SessionPool) -> None:
    expected = orapool.read_df("select * from parts where 1 = 0")

    frame = orapool.read_df("select * from parts where 1 = 0", partition_on="few", partitions=4)

    pandas.testing.assert_frame_equal(frame, expected)


def test_a_column_of_one_value_is_one_partition(parts: SessionPool, caplog: pytest.LogCaptureFixture) -> None:
    frame = orapool.read_df("select id, 7 as same from parts", partition_on="same", partitions=4, consistent=None)

    assert len(frame) == ROWS
    assert caplog.text == ""


def test_nulls_alone_are_a_partition(parts: SessionPool, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "orapool.frames")
    sql = "select id, case when id >= 1500 then 1 end as one from parts"

    frame = orapool.read_df(sql, partition_on="one", partitions=4, consistent=False)

    assert sorted(frame["id"][:1500]) == list(range(1500))
    assert "2 partitions" in caplog.text


@pytest.mark.parametrize(
    ("sql", "options", "message"),
    [
        ("parts", {"partitions": 4}, "go with partition_on"),
        ("parts", {"consistent": True}, "go with partition_on"),
        ("parts", {"partition_on": "id", "chunksize": 5}, "chunksize for one chunk after the other"),
        ("parts", {"partition_on": "id", "partitions": 0}, "a number of them, 1 or more, not 0"),
        ("parts", {"partition_on": "id", "partitions": "8"}, "a number, or a list of bounds, not '8'"),
        ("parts", {"partition_on": "id", "partitions": [5, 5]}, "do not increase: 5 stands before 5"),
        ("parts", {"partition_on": "id", "consistent": "yes"}, "None, True or False, not 'yes'"),
        ("parts", {"partition_on": "age"}, "there is no column 'age': there are ID, FEW,"),
        ("select id as a, id as a from parts", {"partition_on": "a"}, "two columns are called 'a'"),
        ("select id, to_clob(word) as c from parts", {"partition_on": "c"}, "column C is of type CLOB"),
        ("select * from parts", {"partition_on": "rowid"}, "is for a table by its name"),
    ],
)
def test_what_does_not_go_together_is_refused(
    parts: SessionPool, sql: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(orapool.ConfigurationError, match=message):
        orapool.read_df(sql, **options)

    assert parts.stats().busy == 0


# Sessions.


def test_it_takes_no_more_sessions_than_are_free(parts: SessionPool, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "orapool.frames")

    with orapool.connection(), orapool.connection():
        frame = orapool.read_df("parts", partition_on="id", partitions=6)

    assert sorted(frame["id"]) == list(range(ROWS))
    assert "6 partitions over 1 sessions (6 in" in caplog.text
    assert parts.stats().timeouts < 10


def test_others_are_served_between_partitions(
    parts: SessionPool, at_checkout: Callable[..., None], driver: str
) -> None:
    served: list[str] = []
    others: list[threading.Thread] = []

    def other() -> None:
        with orapool.connection():
            served.append("other")

    def begin() -> None:
        others.append(threading.Thread(target=other))
        others[0].start()

    at_checkout(3, begin)  # of the second partition

    orapool.read_df("parts", partition_on="id", partitions=8)

    others[0].join(30)
    assert served == ["other"]


def test_tags_go_with_each_session(parts: SessionPool) -> None:
    with orapool.tag(action="nightly"):
        frame = orapool.read_df(
            "select id, sys_context('userenv', 'action') as action from parts",
            partition_on="id",
            partitions=3,
            consistent=False,
        )

    assert set(frame["action"]) == {"nightly"}


def test_it_tells_once_what_the_time_went_for(
    parts: SessionPool, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "orapool.frames")
    sandbox.delay(0.3)

    orapool.read_df("parts", partition_on="id", partitions=3)

    sandbox.heal()
    (message,) = (record.message for record in caplog.records if record.levelno == logging.INFO)
    assert message.startswith("orapool.read_df(): 2,000 rows, 3 partitions over 3 sessions (1 in ")
    assert message.endswith("the server or the network was the limit: more sessions may help")


def test_progress_knows_how_many_rows_there_are(parts: SessionPool, capsys: pytest.CaptureFixture[str]) -> None:
    orapool.read_df("parts", partition_on="id", partitions=3, progress=True)

    shown = capsys.readouterr().err
    assert "100%" in shown
    assert "2.00k/2.00k" in shown


def test_sessions_wait_for_the_server_at_the_same_time(parts: SessionPool, sandbox: Sandbox) -> None:
    options: dict[str, Any] = {"partition_on": "id", "partitions": [700, 1400], "consistent": False, "arraysize": 40}
    orapool.read_df("parts", **options)  # so that there are three sessions
    sandbox.delay(0.05)

    with orapool.connection(), orapool.connection():
        begun = time.monotonic()
        orapool.read_df("parts", **options)
        one_by_one = time.monotonic() - begun
    begun = time.monotonic()
    orapool.read_df("parts", **options)
    together = time.monotonic() - begun

    sandbox.heal()
    assert together < 0.8 * one_by_one


# One snapshot.


def execute(sandbox: Sandbox, driver: str, *statements: str) -> None:
    """On a session of another pool, committed."""
    settings = {"dsn": sandbox.dsn, "user": "scott", "password": "tiger", "driver": driver}
    pool = SessionPool(pools.load_settings("other", **settings), "other")
    with pool.transaction() as connection:
        for statement in statements:
            connection.cursor().execute(statement)
    pool.close()


@pytest.mark.parametrize("on", ["id", "rowid"])
def test_all_partitions_of_a_table_are_of_one_moment(
    at_checkout: Callable[..., None], sandbox: Sandbox, driver: str, on: str
) -> None:
    at_checkout(3, lambda: execute(sandbox, driver, "delete from parts"))

    frame = orapool.read_df("parts", partition_on=on, partitions=4, consistent=True)

    assert sorted(frame["id"]) == list(range(ROWS))
    assert orapool.read_df("parts").empty


def test_each_is_of_its_own_time_where_that_will_do(
    at_checkout: Callable[..., None], sandbox: Sandbox, driver: str, caplog: pytest.LogCaptureFixture
) -> None:
    at_checkout(3, lambda: execute(sandbox, driver, "delete from parts"))

    frame = orapool.read_df("parts", partition_on="id", partitions=4, consistent=False)

    assert sorted(frame["id"]) == list(range(ROWS // 4))
    assert caplog.text == ""


def test_a_query_that_says_so_is_of_one_moment(at_checkout: Callable[..., None], sandbox: Sandbox, driver: str) -> None:
    at_checkout(3, lambda: execute(sandbox, driver, "delete from parts"))
    sql = "select a.id from parts as of scn :scn a join parts as of scn :scn b on a.id = b.id where a.id >= :low"

    frame = orapool.read_df(sql, {"low": 100}, partition_on="id", partitions=4, consistent=True)

    assert sorted(frame["id"]) == list(range(100, ROWS))


def test_a_query_that_does_not_says_how(parts: SessionPool, caplog: pytest.LogCaptureFixture) -> None:
    sql = "select * from parts"
    with pytest.raises(orapool.SnapshotUnavailable, match=r"write `as of scn :scn` behind each of its tables"):
        orapool.read_df(sql, partition_on="id", partitions=4, consistent=True)
    assert caplog.text == ""

    assert len(orapool.read_df(sql, partition_on="id", partitions=4)) == ROWS

    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "write `as of scn :scn`" in record.message
    assert "consistent=False says that this will do" in record.message


ALTERED = "truncate table parts", "insert into parts (id) select level from dual connect by level <= 5"


def test_a_snapshot_that_is_lost_is_told_and_all_is_read_again(
    at_checkout: Callable[..., None], sandbox: Sandbox, driver: str, caplog: pytest.LogCaptureFixture
) -> None:
    at_checkout(3, lambda: execute(sandbox, driver, *ALTERED))

    frame = orapool.read_df("parts", partition_on="id", partitions=4)

    assert frame["id"].tolist() == [1, 2, 3, 4, 5]
    assert "the partitions cannot be read from one snapshot (ORA-01466" in caplog.text


def test_a_snapshot_that_is_lost_is_an_error_where_it_is_wanted(
    at_checkout: Callable[..., None], sandbox: Sandbox, driver: str
) -> None:
    at_checkout(3, lambda: execute(sandbox, driver, *ALTERED))

    with pytest.raises(orapool.SnapshotUnavailable, match=r"cannot be read from one snapshot \(ORA-01466"):
        orapool.read_df("parts", partition_on="id", partitions=4, consistent=True)


# Errors.

FAILS = "select id, word, 1 / (id - 1234) as x from parts"


def test_the_first_error_ends_all_and_names_its_partition(parts: SessionPool, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(parts.driver.dbapi.DatabaseError, match="ORA-01476") as raised:
        orapool.read_df(FAILS, partition_on="id", partitions=[500, 1000, 1500], consistent=False)

    assert raised.value.__notes__ == ["in partition 3 of 4 (ID from 1000 to 1500)"]  # type: ignore[attr-defined]
    assert "orapool.read_df() failed in partition 3 of 4 (ID from 1000 to 1500): ORA-01476" in caplog.text
    until(lambda: parts.stats().busy == 0)


def test_the_others_are_cancelled(parts: SessionPool) -> None:
    sql = f"select id, case when id < 1000 then 1 / (id - 7) else {FOR_EVER} end as x from parts"

    with pytest.raises(parts.driver.dbapi.DatabaseError, match="ORA-01476"):
        orapool.read_df(sql, partition_on="id", partitions=[1000], consistent=False)

    until(lambda: parts.stats().busy == 0)
    assert len(orapool.read_df("parts")) == ROWS


def test_a_partition_that_loses_its_session_is_read_again(
    at_checkout: Callable[..., None], sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    at_checkout(3, sandbox.cut_next)

    frame = orapool.read_df("parts", partition_on="id", partitions=[500, 1000], consistent=True)

    assert sorted(frame["id"]) == list(range(ROWS))
    assert "orapool.read_df(), partition 2 of 3 (ID from 500 to 1000), lost its session" in caplog.text


def test_without_a_snapshot_all_are_read_again(
    at_checkout: Callable[..., None], sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    at_checkout(3, sandbox.cut_next)

    frame = orapool.read_df("parts", partition_on="id", partitions=[500, 1000], consistent=False)

    assert sorted(frame["id"]) == list(range(ROWS))
    (record,) = caplog.records
    assert record.message.startswith("orapool.read_df() lost its session")


def test_it_ends_in_time(parts: SessionPool) -> None:
    sql = f"select id, {FOR_EVER} as x from parts"

    with pytest.raises(orapool.ReadTimeout, match=r"the read did not end in time, after .* s and 0 rows"):
        orapool.read_df(sql, partition_on="id", partitions=[500], consistent=False, timeout=1)

    until(lambda: parts.stats().busy == 0)


def test_finding_the_partitions_ends_in_time(parts: SessionPool) -> None:
    sql = f"select id, {FOR_EVER} + id as x from parts"

    with pytest.raises(orapool.ReadTimeout, match=r"the partitions were not found in time"):
        orapool.read_df(sql, partition_on="x", partitions=2, timeout=1)

    until(lambda: parts.stats().busy == 0)


def test_a_database_that_falls_silent_ends_it_in_time(parts: SessionPool, sandbox: Sandbox) -> None:
    orapool.read_df("parts", partition_on="id", partitions=3)
    sandbox.delay(0.2)
    threading.Timer(0.5, sandbox.freeze).start()
    try:
        with pytest.raises(orapool.ReadTimeout):
            orapool.read_df("parts", partition_on="id", partitions=3, timeout=1.5, arraysize=20)
        until(lambda: parts.stats().busy == 0)
    finally:
        sandbox.thaw()
        sandbox.heal()
    assert len(orapool.read_df("parts", partition_on="id", partitions=3)) == ROWS


def test_ctrl_c_cancels_all_partitions(sandbox: Sandbox, driver: str, connect: Callable[..., Any]) -> None:
    sql = f"select id, {FOR_EVER} as x from (select level as id from dual connect by level < 4)"
    work = f"orapool.read_df({sql!r}, partition_on='id', partitions=[2, 3], consistent=False)"

    told = interrupt(sandbox, driver, connect(), work, sessions=3)

    assert told.startswith("1.0 ")
    assert told.endswith(" 0 busy")
