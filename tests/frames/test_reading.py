"""DataFrames on the pool: pandas's own signature, more rows a round trip, and sessions that come back."""

from __future__ import annotations

import datetime
import gc
import inspect
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pandas
import pytest
from sqlalchemy import Column, DateTime, Integer, MetaData, Numeric, String, Table, text

import orapool
from orapool import SessionPool
from orapool.frames.options import FrameOptions
from orapool.sandbox import Sandbox
from tests.older_sqlalchemy import select
from tests.waiting import until

TOWNS = Table(
    "frames_towns",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", String(20)),
    Column("area", Numeric(10, 2)),
    Column("founded", DateTime),
)
ROWS = 2500
PANDAS = tuple(int(part) for part in pandas.__version__.split(".")[:2])


@pytest.fixture
def towns(default_pool: SessionPool) -> SessionPool:
    """A table of 2,500 rows, every fifth with NULLs, and the pool, which has one session."""
    engine = orapool.engine()
    TOWNS.drop(engine, checkfirst=True)
    TOWNS.create(engine)
    with orapool.transaction() as connection, connection.cursor() as cursor:
        cursor.executemany(
            "insert into frames_towns values (:1, :2, :3, to_date(:4, 'YYYY-MM-DD'))",
            [
                (n, f"town {n}", None if n % 5 == 0 else n / 4, None if n % 5 == 0 else "2024-02-29")
                for n in range(1, ROWS + 1)
            ],
        )
    return default_pool


def test_the_parameters_are_a_superset_of_pandas() -> None:
    ours = {*inspect.signature(orapool.read_df).parameters, *FrameOptions.__annotations__}
    pandas_has = set(inspect.signature(pandas.read_sql_query).parameters)

    assert pandas_has - ours == {"con"}


def test_it_reads_what_pandas_reads(towns: SessionPool) -> None:
    sql = "select name, area, founded from frames_towns order by id"

    frame = orapool.read_df(sql)

    with orapool.engine().connect() as connection:
        theirs = pandas.read_sql_query(sql, connection)
    # pandas 2 reads nanoseconds.
    pandas.testing.assert_frame_equal(frame, theirs if PANDAS >= (3, 0) else theirs.astype(frame.dtypes.to_dict()))
    assert frame.shape == (ROWS, 3)
    assert frame["area"].dtype == "float64"
    assert frame["area"].isna().sum() == ROWS // 5
    assert str(frame["founded"].dtype).startswith("datetime64")


def test_a_table_by_its_name(towns: SessionPool) -> None:
    assert orapool.read_df("frames_towns").shape == (ROWS, 4)
    assert orapool.read_df('scott."FRAMES_TOWNS"').shape == (ROWS, 4)


@pytest.mark.parametrize(
    ("sql", "params"),
    [
        ("select name from frames_towns where id = :id", {"id": 7}),
        ("select name from frames_towns where id = :1", [7]),
        ("select name from frames_towns where id = :1", (7,)),
        (text("select name from frames_towns where id = :id"), {"id": 7}),
        (select(TOWNS.c.name).where(TOWNS.c.id == 7), None),
    ],
    ids=["names", "list", "tuple", "text", "selectable"],
)
def test_parameters_by_name_and_position_and_selectables(towns: SessionPool, sql: Any, params: Any) -> None:
    assert orapool.read_df(sql, params).to_dict("list") == {"name": ["town 7"]}


@pytest.mark.parametrize("count", [3, 1000, 2400])
def test_a_list_of_any_length(towns: SessionPool, count: int) -> None:
    numbers = range(1, count + 1)

    by_number = orapool.read_df(
        "select id from frames_towns where id in :ids and id > :least", {"ids": numbers, "least": 1}
    )
    by_name = orapool.read_df("select id from frames_towns where name in (:1)", [[f"town {n}" for n in numbers]])

    assert sorted(by_number["id"]) == list(numbers)[1:]
    assert sorted(by_name["id"]) == list(numbers)


def test_a_list_of_dates_longer_than_oracle_takes(towns: SessionPool) -> None:
    day = datetime.datetime(2024, 2, 29)
    days = [day + datetime.timedelta(days=n) for n in range(1500)]

    found = orapool.read_df("select count(*) as n from frames_towns where founded in :days", {"days": days})

    assert found["n"].tolist() == [ROWS - ROWS // 5]


def test_an_empty_list_finds_nothing(towns: SessionPool) -> None:
    assert len(orapool.read_df("select id from frames_towns where id in :ids", {"ids": []})) == 0


def test_pandas_own_options(towns: SessionPool) -> None:
    frame = orapool.read_df(
        "select id, name, to_char(founded, 'YYYY-MM-DD') as founded from frames_towns where id < :1 order by id",
        [4],
        index_col="id",
        parse_dates=["founded"],
        dtype={"name": "category"},
    )

    assert list(frame.index) == [1, 2, 3]
    assert str(frame["name"].dtype) == "category"
    assert frame["founded"].iloc[0] == pandas.Timestamp("2024-02-29")


@pytest.mark.deselect_if(PANDAS < (2, 0), reason="new in pandas 2.0")
def test_dtype_backend(towns: SessionPool) -> None:
    frame = orapool.read_df("select id, name from frames_towns", dtype_backend="numpy_nullable")

    assert str(frame["id"].dtype) == "Int64"


@pytest.mark.deselect_if(PANDAS >= (2, 0), reason="new in pandas 2.0")
def test_dtype_backend_is_refused_where_pandas_has_none() -> None:
    with pytest.raises(orapool.ConfigurationError, match="dtype_backend is new in pandas 2.0, and pandas is 1.5"):
        orapool.read_df("select 1 from dual", dtype_backend="numpy_nullable")


def test_rows_come_in_few_round_trips(towns: SessionPool, sandbox: Sandbox) -> None:
    orapool.read_df("select id from frames_towns")
    before = sandbox.stats()

    orapool.read_df("select id from frames_towns")

    # One describes; the rows, of 24 bytes, come 5,000 at a time; one more may say that this was all.
    assert (sandbox.stats() - before).total_round_trips <= 3


def test_arraysize_is_set_for_one_call(towns: SessionPool, sandbox: Sandbox) -> None:
    before = sandbox.stats()

    orapool.read_df("select id from frames_towns", arraysize=ROWS + 1)

    assert (sandbox.stats() - before).total_round_trips <= 3


@pytest.mark.parametrize("arraysize", [1, 2, 3, 4])
@pytest.mark.parametrize("rows", range(10))
def test_every_row_comes_once_however_the_arrays_are_filled(towns: SessionPool, rows: int, arraysize: int) -> None:
    sql = "select id, name, area from frames_towns where id <= :1 order by id"

    frame = orapool.read_df(sql, [rows], arraysize=arraysize)

    assert list(frame["id"]) == list(range(1, rows + 1))
    assert list(frame["name"]) == [f"town {n}" for n in range(1, rows + 1)]
    assert list(frame["area"].fillna(-1)) == [-1 if n % 5 == 0 else n / 4 for n in range(1, rows + 1)]


@pytest.mark.parametrize("arraysize", [0, -1])
def test_an_arraysize_below_one_is_refused(arraysize: int) -> None:
    with pytest.raises(orapool.ConfigurationError, match="arraysize is a number of rows, 1 or more"):
        orapool.read_df("select 1 from dual", arraysize=arraysize)


def test_the_session_is_back_afterwards(towns: SessionPool) -> None:
    orapool.read_df("select id from frames_towns")
    with pytest.raises(Exception, match="ORA-00942"):
        orapool.read_df("select id from no_such_table")

    until(lambda: towns.stats().busy == 0)
    assert towns.stats().opened == 1


def test_chunks_hold_their_session_until_exhausted(towns: SessionPool) -> None:
    chunks = orapool.read_df("select id from frames_towns order by id", chunksize=1000)

    assert towns.stats().busy == 1
    assert [len(chunk) for chunk in chunks] == [1000, 1000, 500]
    until(lambda: towns.stats().busy == 0)
    assert list(chunks) == []


def test_chunks_give_their_session_back_when_closed(towns: SessionPool) -> None:
    with orapool.read_df("select id from frames_towns order by id", chunksize=1000) as chunks:
        assert next(chunks)["id"].iloc[0] == 1
        assert towns.stats().busy == 1

    until(lambda: towns.stats().busy == 0)
    assert list(chunks) == []


def test_chunks_give_their_session_back_when_forgotten(towns: SessionPool) -> None:
    chunks = orapool.read_df("select id from frames_towns order by id", chunksize=1000)
    next(chunks)
    del chunks
    gc.collect()

    until(lambda: towns.stats().busy == 0)


def test_wrong_sql_in_chunks_is_told_at_once_and_holds_nothing(towns: SessionPool) -> None:
    with pytest.raises(Exception, match="ORA-00942"):
        orapool.read_df("select id from no_such_table", chunksize=1000)

    until(lambda: towns.stats().busy == 0)


def test_a_session_lost_between_chunks_is_told_with_what_was_read(towns: SessionPool, sandbox: Sandbox) -> None:
    chunks = orapool.iter_df("select id from frames_towns order by id", chunksize=500, arraysize=500)
    next(chunks)
    next(chunks)
    sandbox.end_sessions("rst")

    with pytest.raises(orapool.ReadInterrupted, match="lost its session .* after chunk 2, 1,000 rows") as raised:
        list(chunks)

    assert (raised.value.chunks, raised.value.rows) == (2, 1000)
    assert isinstance(raised.value.__cause__, towns.driver.dbapi.Error)
    until(lambda: towns.stats().busy == 0)
    assert towns.stats().opened == 0
    assert len(orapool.read_df("select id from frames_towns")) == ROWS


@pytest.mark.parametrize("chunksize", [None, 1000])
def test_a_read_that_loses_its_session_runs_again(towns: SessionPool, sandbox: Sandbox, chunksize: int | None) -> None:
    sandbox.fail_next(28)

    found = orapool.read_df("select id from frames_towns", chunksize=chunksize)  # type: ignore[call-overload]

    assert sum(map(len, [found] if chunksize is None else found)) == ROWS
    until(lambda: towns.stats().busy == 0)


def end_after_fetches(sandbox: Sandbox, count: int) -> None:
    """End all sessions when so many more fetches were answered."""
    before = sandbox.stats()
    until(lambda: (sandbox.stats() - before).round_trips.get("fetch", 0) >= count)
    sandbox.end_sessions("rst")


@pytest.mark.parametrize("chunksize", [None, ROWS])
def test_a_read_that_loses_its_session_while_it_fetches_runs_again(
    towns: SessionPool, sandbox: Sandbox, chunksize: int | None
) -> None:
    sandbox.delay(0.02)  # of which there are 100
    with ThreadPoolExecutor() as threads:
        reading = threads.submit(
            orapool.read_df,
            "select id from frames_towns",
            chunksize=chunksize,
            arraysize=25,  # type: ignore[call-overload]
        )
        end_after_fetches(sandbox, 3)
        sandbox.delay(0)
        found = reading.result()

    frame = found if chunksize is None else pandas.concat(found)
    assert sorted(frame["id"]) == list(range(1, ROWS + 1))
    assert towns.stats().log_ons == 2
    until(lambda: towns.stats().busy == 0)


def test_a_read_that_loses_two_sessions_fails_with_the_first_loss_as_its_cause(
    towns: SessionPool, sandbox: Sandbox
) -> None:
    sandbox.delay(0.02)
    with ThreadPoolExecutor() as threads:
        reading = threads.submit(orapool.read_df, "select id from frames_towns", arraysize=25)
        end_after_fetches(sandbox, 3)
        end_after_fetches(sandbox, 3)
        with pytest.raises(towns.driver.dbapi.Error) as raised:
            reading.result()

    assert raised.value.__cause__ is not None
    assert raised.value.__cause__ is not raised.value
    until(lambda: towns.stats().busy == 0)


def test_no_query_is_refused_and_not_run(towns: SessionPool) -> None:
    with pytest.raises(orapool.ConfigurationError, match="this is no query"):
        orapool.read_df("delete from frames_towns")

    assert len(orapool.read_df("frames_towns")) == ROWS


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(TypeError, match=r"read_df\(\) got an unexpected keyword argument 'chunk_size'"):
        orapool.read_df("select 1 from dual", chunk_size=1)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("decimals", "exact"),
        ("column_names", "upper"),
        ("timestamp_unit", "ms"),
        ("dtype_backend", "numpy"),
        ("timeout", 0),
    ],
)
def test_an_option_of_another_value_is_refused(option: str, value: Any) -> None:
    with pytest.raises(orapool.ConfigurationError, match=f"{option} is .*, not {value!r}"):
        orapool.read_df("select 1 from dual", **{option: value})


def test_chunks_are_of_the_size_asked_for_whatever_a_round_trip_brings(towns: SessionPool) -> None:
    chunks = list(orapool.iter_df("select id from frames_towns order by id", chunksize=700, arraysize=300))

    assert [len(chunk) for chunk in chunks] == [700, 700, 700, 400]
    assert [chunk.index.start for chunk in chunks] == [0, 0, 0, 0]
    assert pandas.concat(chunks)["id"].tolist() == list(range(1, ROWS + 1))


def test_no_rows_are_one_empty_chunk(towns: SessionPool) -> None:
    (chunk,) = orapool.iter_df("select id, name from frames_towns where id < 0", chunksize=10)

    assert chunk.shape == (0, 2)
    assert chunk["id"].dtype == "int64"


def test_arrow(towns: SessionPool) -> None:
    table = orapool.read_arrow("select id, name, area from frames_towns order by id")

    assert table.schema.names == ["id", "name", "area"]
    assert [str(field.type) for field in table.schema] == ["int64", "large_string", "double"]
    assert table.slice(0, 1).to_pylist() == [{"id": 1, "name": "town 1", "area": 0.25}]
    assert table.num_rows == ROWS


def test_arrow_in_batches_holds_its_session_until_exhausted(towns: SessionPool) -> None:
    reader = orapool.read_arrow("select id from frames_towns order by id", chunksize=1000)

    assert towns.stats().busy == 1
    assert [batch.num_rows for batch in reader] == [1000, 1000, 500]
    until(lambda: towns.stats().busy == 0)


def test_polars(towns: SessionPool) -> None:
    frame = orapool.read_polars("select id, name, founded from frames_towns where id <= 5 order by id")

    assert frame.columns == ["id", "name", "founded"]
    assert frame["id"].to_list() == [1, 2, 3, 4, 5]
    assert frame["founded"].null_count() == 1


def test_a_named_pool(towns: SessionPool, sandbox: Sandbox) -> None:
    orapool.configure("reporting", dsn=sandbox.dsn, user="sh", password="sales", driver=towns.driver.name)

    frame = orapool.read_df("select user as who from dual", name="reporting")

    assert frame["who"].tolist() == ["SH"]
    orapool.close("reporting")


def test_without_pandas_it_says_how_to_get_it() -> None:
    code = "import sys; sys.modules['pandas'] = None; import orapool; orapool.read_df('select 1 from dual')"

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert run.stderr.splitlines()[-1] == (
        "orapool.errors.ConfigurationError: orapool.read_df needs pandas: pip install 'orapool[pandas]'"
    )
