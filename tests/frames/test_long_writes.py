"""Writes that take long: they show how far they are, end in time, and Ctrl-C ends them on the server."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pandas
import pytest

import orapool
from orapool import SessionPool
from orapool.sandbox import Sandbox
from tests.conftest import THICK
from tests.frames.interrupted import interrupt, sessions_at_work
from tests.waiting import until

FRAME = pandas.DataFrame({"id": range(1000), "name": [f"town {number}" for number in range(1000)]})


@pytest.fixture
def places(default_pool: SessionPool) -> SessionPool:
    """A table of places, which is empty."""
    orapool.write_df(FRAME.head(0), "places", if_exists="replace", dtype={"name": "VARCHAR2(20)"})
    return default_pool


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    """Nobody else can write into the table meanwhile."""
    with orapool.connection() as connection, connection.cursor() as cursor:
        cursor.execute("lock table places in exclusive mode")
        yield


def _count() -> int:
    return int(orapool.read_df("select count(*) as n from places")["n"][0])


@pytest.mark.parametrize("commit", ["once", "batch"])
def test_a_write_that_waits_is_cancelled_in_time(places: SessionPool, commit: Any) -> None:
    begun = time.monotonic()

    with _locked(), pytest.raises(orapool.WriteTimeout, match="at row 0, .* cancelled; no row is written") as caught:
        orapool.write_df(FRAME, "places", timeout=0.5, commit=commit)

    assert time.monotonic() - begun < 30
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.written.rows == 0
    until(lambda: places.stats().busy == 0)
    assert _count() == 0
    assert orapool.write_df(FRAME, "places").rows == 1000


def test_what_was_committed_before_the_time_was_over_is_told(places: SessionPool, sandbox: Sandbox) -> None:
    sandbox.delay(0.05)
    try:
        with pytest.raises(orapool.WriteTimeout, match=r"[\d,]+ rows of the batches before are committed") as caught:
            orapool.write_df(FRAME, "places", batch_size=5, commit="batch", timeout=2)
    finally:
        sandbox.heal()

    until(lambda: places.stats().busy == 0)
    # The last batch may have been committed as the time ran out.
    assert 0 < caught.value.written.rows <= _count() <= caught.value.written.rows + 5


def test_a_database_that_falls_silent_ends_it_in_time(
    places: SessionPool, sandbox: Sandbox, connect: Callable[..., Any]
) -> None:
    onlooker, begun = connect(), time.monotonic()
    with ThreadPoolExecutor(1) as threads, _locked():
        writing = threads.submit(orapool.write_df, FRAME, "places", timeout=2)
        until(lambda: sessions_at_work(onlooker) == 1)
        sandbox.freeze()
        try:
            with pytest.raises(orapool.WriteTimeout, match="no row is written"):
                writing.result()
            assert time.monotonic() - begun < 30
            until(lambda: places.stats().busy == 1)  # which is the lock's
        finally:
            sandbox.thaw()


def test_a_database_that_fell_silent_before_the_first_row_ends_it_in_time(
    places: SessionPool, sandbox: Sandbox
) -> None:
    places.acquire().close()  # there is a session, and its path was good a moment ago
    sandbox.freeze()
    try:
        with pytest.raises(orapool.WriteTimeout, match=r"PLACES: .* before the first row, .*; no row is written"):
            orapool.write_df(FRAME, "places", timeout=1)
    finally:
        sandbox.thaw()

    assert _count() == 0


def test_ctrl_c_cancels_it_on_the_server_and_writes_nothing(
    places: SessionPool, sandbox: Sandbox, driver: str, connect: Callable[..., Any]
) -> None:
    work = "import pandas; orapool.write_df(pandas.DataFrame({'id': [1]}), 'places')"

    with _locked():
        told = interrupt(sandbox, driver, connect(), work)

    # A session of Oracle Client's is replaced.
    assert told == f"1.0 {2 if driver == 'cx_oracle' or THICK else 1} log-ons 0 busy"
    assert _count() == 0


def test_progress_shows_rows_and_megabytes(places: SessionPool, capsys: pytest.CaptureFixture[str]) -> None:
    orapool.write_df(FRAME, "places", batch_size=100, progress=True)

    shown = capsys.readouterr().err
    assert "write_df: 100%" in shown
    assert "1.00k/1.00k" in shown
    assert " MB" in shown
