"""Reads that take long: they show how far they are, end in time, and Ctrl-C ends them on the server."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import orapool
from orapool import SessionPool
from orapool.sandbox import Sandbox
from tests.conftest import THICK
from tests.frames.interrupted import interrupt
from tests.waiting import until

LEVELS = "(select level n from dual connect by level <= 20000)"
FOR_EVER = f"select count(*) from {LEVELS} a, {LEVELS} b, {LEVELS} c"
MANY = "select level n from dual connect by level <= 20000"


def test_a_query_that_takes_too_long_is_cancelled_and_its_session_goes_back(
    default_pool: SessionPool, sandbox: Sandbox, driver: str
) -> None:
    begun = time.monotonic()

    with pytest.raises(orapool.ReadTimeout, match=r"did not end in time, after .* s and 0 rows"):
        orapool.read_df(FOR_EVER, timeout=0.5)

    assert time.monotonic() - begun < 30
    until(lambda: default_pool.stats().busy == 0)
    assert orapool.read_df("select 1 as one from dual")["one"].tolist() == [1]
    # A session of Oracle Client's is replaced.
    assert default_pool.stats().log_ons == (2 if driver == "cx_oracle" or THICK else 1)


def test_rows_that_come_too_slowly_end_it(default_pool: SessionPool, sandbox: Sandbox) -> None:
    sandbox.delay(0.05)

    with pytest.raises(orapool.ReadTimeout, match=r" s and [\d,]+ rows"):
        orapool.read_df(MANY, arraysize=10, timeout=1)

    sandbox.heal()
    until(lambda: default_pool.stats().busy == 0)


def test_a_database_that_falls_silent_ends_it_in_time(default_pool: SessionPool, sandbox: Sandbox) -> None:
    orapool.read_df("select 1 from dual")
    sandbox.freeze()
    try:
        begun = time.monotonic()
        with pytest.raises(orapool.ReadTimeout):
            orapool.read_df(MANY, timeout=0.5)
        assert time.monotonic() - begun < 30
        until(lambda: default_pool.stats().busy == 0)
    finally:
        sandbox.thaw()
    assert len(orapool.read_df(MANY)) == 20000


def test_chunks_end_in_time(default_pool: SessionPool, sandbox: Sandbox) -> None:
    chunks = orapool.iter_df(MANY, chunksize=10, timeout=2)
    next(chunks)
    sandbox.delay(0.05)

    with pytest.raises(orapool.ReadTimeout):
        list(chunks)

    sandbox.heal()
    until(lambda: default_pool.stats().busy == 0)


def test_the_wait_for_a_session_counts(default_pool: SessionPool) -> None:
    held = [orapool.pool().acquire() for _ in range(default_pool.settings.max)]

    with pytest.raises(orapool.PoolTimeout):
        orapool.read_df("select 1 from dual", timeout=0.1)

    for each in held:
        each.close()


def test_in_another_thread_it_ends_in_time_too(default_pool: SessionPool) -> None:
    with ThreadPoolExecutor() as threads, pytest.raises(orapool.ReadTimeout):
        threads.submit(orapool.read_df, FOR_EVER, timeout=0.5).result()
    until(lambda: default_pool.stats().busy == 0)


def test_ctrl_c_cancels_it_on_the_server_and_the_session_goes_back(
    sandbox: Sandbox, driver: str, connect: Callable[..., Any]
) -> None:
    told = interrupt(sandbox, driver, connect(), f"orapool.read_df({FOR_EVER!r})")

    # A session of Oracle Client's is replaced.
    assert told == f"1.0 {2 if driver == 'cx_oracle' or THICK else 1} log-ons 0 busy"


def test_progress_shows_rows_and_megabytes(default_pool: SessionPool, capsys: pytest.CaptureFixture[str]) -> None:
    orapool.read_df(MANY, progress=True)

    shown = capsys.readouterr().err
    assert "read_df: 20.0k rows" in shown
    assert "rows/s, 0.2 MB" in shown


def test_progress_of_a_total(default_pool: SessionPool, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in orapool.iter_df(MANY, chunksize=1000, progress=20_000):
        pass

    assert "100%" in capsys.readouterr().err


def test_progress_is_silent_unless_asked_for(default_pool: SessionPool, capsys: pytest.CaptureFixture[str]) -> None:
    orapool.read_df(MANY)

    assert capsys.readouterr() == ("", "")


def test_progress_without_tqdm_says_how_to_get_it() -> None:
    code = (
        "import sys; sys.modules['tqdm'] = sys.modules['tqdm.auto'] = None; import orapool;"
        "orapool.configure(dsn='db:1521/x', user='u', password='p'); orapool.read_df('t', progress=True)"
    )

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert run.stderr.splitlines()[-1] == (
        "orapool.errors.ConfigurationError: progress=True needs tqdm: pip install 'orapool[progress]'"
    )
