"""Sessions that are not given back, or late: who has them is told."""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pandas
import pytest
from sqlalchemy import text

import orapool
from orapool import PoolTimeout, SessionPool
from orapool.sandbox import Sandbox
from tests.waiting import until

MakePool = Callable[..., SessionPool]


def take(pool: SessionPool) -> Any:
    """A checkout whose place is here."""
    return pool.acquire()


class TestALeak:
    def test_is_logged_once_with_its_place_and_when_it_is_back(
        self, make_pool: MakePool, told: Callable[..., list[Any]]
    ) -> None:
        pool = make_pool(max=2, leak_threshold=0.2)
        with ThreadPoolExecutor(1, thread_name_prefix="sloth") as threads:
            connection = threads.submit(take, pool).result()
            until(lambda: told("leak"))
        with pool.acquire():
            pass
        connection.close()

        (leak,), (back,) = told("leak"), told("leak_returned")
        assert leak.levelno == back.levelno == logging.WARNING
        assert leak.name == back.name == "orapool.pool"
        assert (leak.pool, leak.holder, leak.seconds >= 0.2) == ("test", "thread sloth_0", True)
        assert leak.place.startswith("tests/test_leaks.py:")
        assert leak.place.endswith("in take")
        assert (back.place, back.holder, back.seconds >= leak.seconds) == (leak.place, leak.holder, True)
        assert "longer than leak_threshold=0.2. It was checked out at tests/test_leaks.py:" in leak.getMessage()
        assert pool.stats().leaks == 1

    def test_is_found_again_after_the_pool_was_at_rest(
        self, make_pool: MakePool, told: Callable[..., list[Any]]
    ) -> None:
        pool = make_pool(leak_threshold=0.1, publish=False)
        for number in (1, 2):
            with pool.acquire():
                until(lambda number=number: len(told("leak")) == number)
            until(lambda: pool._lent.at_rest)

    def test_is_none_where_it_is_back_in_time(self, make_pool: MakePool, told: Callable[..., list[Any]]) -> None:
        pool = make_pool(leak_threshold=30)
        pool.acquire().close()

        assert (told("leak"), told("leak_returned"), pool.stats().leaks) == ([], [], 0)


class TestAConnectionThatIsNotClosed:
    def test_is_told_with_its_place(self, make_pool: MakePool, told: Callable[..., list[Any]]) -> None:
        pool = make_pool()
        connection = take(pool)
        del connection
        gc.collect()

        until(lambda: told("reclaimed"))
        (record,) = told("reclaimed")
        assert (record.levelno, record.pool, record.place.endswith("in take")) == (logging.WARNING, "test", True)
        assert "was garbage-collected, not closed" in record.getMessage()


class TestWhoHasTheSessions:
    def test_is_in_the_error_of_who_gets_none_the_longest_first(self, make_pool: MakePool) -> None:
        pool = make_pool(max=7)
        held = [take(pool)]
        while len(held) < 7:
            held.append(pool.acquire())

        with pytest.raises(PoolTimeout) as raised:
            pool.acquire(timeout=0.05)

        first, *holders, last = str(raised.value).splitlines()
        assert "all sessions are in use: max 7, 7 busy, 0 waiting" in first
        assert len(holders) == 5
        assert holders[0].startswith("  tests/test_leaks.py:")
        assert " in take, thread MainThread, for " in holders[0]
        assert all(" in test_is_in_the_error_of_who_gets_none_the_longest_first, " in each for each in holders[1:])
        assert last == "  and 2 more"
        assert next(str(each) for each in raised.value.holders).startswith("tests/test_leaks.py:")
        for connection in held:
            connection.close()

    def test_is_not_told_where_something_else_is_in_the_way(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=2)
        with pool.acquire():
            sandbox.freeze(log_ons_only=True)
            with pytest.raises(PoolTimeout) as raised:
                pool.acquire(timeout=0.2)

        assert raised.value.holders == ()

    @pytest.mark.parametrize("way", ["connection", "transaction", "engine", "retry", "thread", "pandas", "read_df"])
    def test_is_told_by_the_line_of_the_users_own(self, default_pool: SessionPool, way: str) -> None:
        seen: list[str] = []

        def note(*_: object) -> int:
            longest = default_pool.stats().longest
            assert longest is not None
            seen.append(longest.place)
            return 0

        def users_own() -> None:
            if way == "connection":
                with orapool.connection():
                    note()
            elif way == "transaction":
                with orapool.transaction():
                    note()
            elif way == "engine":
                with orapool.engine().connect() as connection:
                    connection.execute(text("select 1 from dual"))
                    note()
            elif way == "retry":
                orapool.retry(inner)()
            elif way == "thread":
                threading.Thread(target=inner).start()
                until(lambda: seen)
            elif way == "pandas":
                with orapool.engine().connect() as connection:
                    pandas.read_sql_query(text("select 1 from dual"), connection)
                    note()
            else:
                for _ in orapool.iter_df("select 1 as one from dual", chunksize=1):
                    note()

        def inner() -> None:
            with orapool.connection():
                note()

        users_own()

        assert seen[0].startswith("tests/test_leaks.py:")
        assert seen[0].endswith(f"in {'inner' if way in ('retry', 'thread') else 'users_own'}")

    def test_is_told_for_who_is_called_by_libraries_only(self, make_pool: MakePool) -> None:
        pool = make_pool()
        with ThreadPoolExecutor(1) as threads:
            connection = threads.submit(pool.acquire).result()

        longest = pool.stats().longest
        assert longest is not None
        assert "orapool" not in longest.place.rpartition("/")[2]
        connection.close()
