"""`orapool top`: what it shows, by keys and without a terminal."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from orapool import SessionPool
from orapool.cli import main, screen
from orapool.counters import PoolStats
from orapool.histograms import Distribution, Histogram
from orapool.loans import Holding
from orapool.watching.processes import identify
from orapool.watching.published import About, Published
from orapool.watching.rows import Looks, Row, arrange
from tests.waiting import until

MakePool = Callable[..., SessionPool]


def times(*seconds: float) -> Distribution:
    """So long it took."""
    histogram = Histogram()
    for each in seconds:
        histogram.add(each)
    return histogram.read()


def published(number: int = 1, **changes: Any) -> Published:
    """What a process says of its pool."""
    numbers: dict[str, Any] = {
        "opened": 3,
        "busy": 2,
        "idle": 1,
        "waiting": 0,
        "checkouts": 70,
        "log_ons": 5,
        "replaced": 0,
        "dropped": {},
        "timeouts": 0,
        "reclaimed": 0,
        "longest": Holding(12.5, time.time() - 12.5, "shop/orders.py:17 in load", "thread worker"),
        "waits": times(0.003, 0.2),
    }
    about = About("default", "threads", f"app{number}", "oracledb", "scott", "db1:1521/SALES", 1, 4)
    process = replace(identify(), pid=number)
    stats = PoolStats(**{**numbers, **changes})
    return Published(f"{number}-a", process, about, time.time(), 20.0, stats)


def shown(rows: list[Row], view: screen.View | None = None, width: int = 120, height: int = 40) -> str:
    """The screen as text."""
    console = Console(width=width, height=height, file=io.StringIO(), record=True)
    console.print(screen.screen(rows, view or screen.View(), width, height))
    return console.export_text()


def rows_of(*found: Published) -> list[Row]:
    """Their rows, at a first look."""
    return Looks().look(found, 0.0)


class TestTheScreen:
    def test_has_the_numbers_of_each_pool_and_their_sums(self) -> None:
        found = shown(rows_of(published(7), published(8, busy=4, idle=0, opened=4, waiting=2)))

        assert "2 pools, 2 processes" in found
        assert "7 sessions open: 6 busy, 1 idle; 2 callers waiting, 40.0 checkouts/s" in found
        first = next(line for line in found.splitlines() if " app7 " in line)
        assert first.split() == ["7", "app7", "default", "3", "2", "1", "0", "20.0", "5.0ms", "200ms", "5", "0"]
        assert "scott@db1:1521/SALES, oracledb, threads, max 4" in found
        assert "longest 12.5 s: shop/orders.py:17 in load, thread worker" in found

    def test_has_what_went_wrong(self) -> None:
        found = shown(
            rows_of(
                published(
                    dropped={"ORA-03113": 3, "ended": 1},
                    replaced=2,
                    timeouts=4,
                    reclaimed=1,
                    leaks=6,
                    outage_since=time.time() - 90,
                )
            )
        )

        assert "DATABASE UNAVAILABLE for 90.0 s" in found
        assert "dead: 3 ORA-03113, 1 ended, 2 replaced by the driver" in found
        assert "4 timeouts, 1 never closed, 6 beyond leak_threshold" in found

    def test_tells_of_a_process_that_stands_still(self) -> None:
        old = replace(published(), at=time.time() - 60)

        assert "NO NEWS for 60.0 s: the process stands still" in shown(rows_of(old))
        assert "NO NEWS" not in shown(rows_of(replace(old, stats=replace(old.stats, longest=None))))

    @pytest.mark.parametrize("width", [40, 80, 200])
    def test_fits_its_window(self, width: int) -> None:
        rows = rows_of(*[published(number, timeouts=1) for number in range(50)])
        found = shown(rows, screen.View(legend=True, text="app"), width, 24)

        assert len(found.splitlines()) == 24
        assert max(map(len, found.splitlines())) <= width

    def test_of_nothing_says_so(self) -> None:
        assert re.search("No process of .+ has a pool in use", shown([]))

    def test_shows_waits_of_late_once_there_were_looks_before(self) -> None:
        looks = Looks()
        before, after = published(), published(waits=times(0.003, 0.2, 0.04))
        (first,) = looks.look([before], 0.0)
        (second,) = looks.look([after], 1.0)
        (quiet,) = looks.look([after], 30.0)

        assert (first.waits.count, second.waits.count, quiet.waits.count) == (2, 1, 0)
        assert quiet.waits.p99 is None

    def test_leaves_the_terminal_as_it_is_whatever_names_have_in_them(self) -> None:
        nasty = published()
        nasty = replace(nasty, about=replace(nasty.about, command="\x1b[2J", pool="a\nb", user="\x07"))

        assert "\x1b[2J" not in shown(rows_of(nasty))
        assert "a\nb" not in shown(rows_of(nasty))


class TestKeys:
    def test_sort_and_turn_round(self) -> None:
        rows = rows_of(published(1, busy=1), published(2, busy=3), published(3, busy=2))
        view = screen.View()
        while view.sort != "busy":
            assert view.press("s")

        assert [row.published.process.pid for row in arrange(rows, view.sort, view.backwards)] == [2, 3, 1]
        assert view.press("r")
        assert [row.published.process.pid for row in arrange(rows, view.sort, view.backwards)] == [1, 3, 2]

    def test_filter_by_a_text_until_escape(self) -> None:
        rows = rows_of(published(1), published(2))
        view = screen.View()
        for key in "/App3\x7f2q\x7f\r":
            assert view.press(key)

        assert (view.text, view.typing) == ("App2", False)
        assert "1 of 2 pools" in shown(rows, view)
        view.press("\x1b")
        assert "2 pools" in shown(rows, view)

    def test_move_explain_and_change_the_pace(self) -> None:
        view = screen.View()
        for key in ("j", "down", "k", "+", "?"):
            assert view.press(key)

        assert (view.first, view.interval, view.legend) == (1, 2.0, True)
        assert "checkouts a second" in shown(rows_of(published()), view)

    @pytest.mark.parametrize("key", ["q", "\x03", "\x04"])
    def test_quit(self, key: str) -> None:
        assert not screen.View().press(key)


class TestWithoutATerminal:
    @pytest.fixture
    def pool(self, make_pool: MakePool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SessionPool]:
        """One that is shown."""
        monkeypatch.setenv("ORAPOOL_PUBLISH_DIR", str(tmp_path / "published"))
        pool = make_pool(publish_dir=tmp_path / "published")
        with pool.acquire():
            until(lambda: json.loads(self.top("--json")))
            yield pool

    def top(self, *options: str) -> str:
        """What it prints."""
        result = CliRunner().invoke(main, ["top", *options], catch_exceptions=False)
        assert result.exit_code == 0
        return result.output

    def test_it_prints_what_there_is_and_ends(self, pool: SessionPool) -> None:
        assert str(os.getpid()) in self.top()
        assert "longest" in self.top("--once", "--filter", "scott@")
        assert self.top("--filter", "nobody").startswith("No process of")

    def test_json_has_these_keys(self, pool: SessionPool, driver: str) -> None:
        (found,) = json.loads(self.top("--json"))

        readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
        assert [key for key in found if f"`{key}`" not in readme] == []
        assert {**found, "at": 0, "longest": 0, "command": ""}.items() >= {
            "pid": os.getpid(),
            "pool": "test",
            "kind": "threads",
            "driver": driver,
            "user": "scott",
            "opened": 1,
            "busy": 1,
            "idle": 0,
            "checkouts": 1,
            "log_ons": 1,
            "dropped": {},
            "outage_since": None,
        }.items()
        assert found["longest"]["holder"] == "thread MainThread"

    def test_no_pool_is_no_error(self, tmp_path: Path) -> None:
        assert json.loads(self.top("--json", "--dir", str(tmp_path / "none"))) == []
        assert self.top("--dir", str(tmp_path / "none")).startswith("No process of")


def test_a_terminal_is_filled_and_left_as_it_was(make_pool: MakePool, tmp_path: Path) -> None:
    pool = make_pool(publish_dir=tmp_path / "published")
    terminal, other_end = pty.openpty()
    with pool.acquire():
        process = subprocess.Popen(
            [sys.executable, "-m", "orapool.cli", "top", "--dir", str(tmp_path / "published")],
            stdin=other_end,
            stdout=other_end,
            stderr=other_end,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"},
            close_fds=True,
        )
        os.close(other_end)
        seen = bytearray()

        os.set_blocking(terminal, False)

        def sees(text: str) -> bool:
            with contextlib.suppress(OSError):  # nothing yet, or the other end is closed
                seen.extend(os.read(terminal, 65536))
            return text in seen.decode(errors="replace")

        until(lambda: sees(str(os.getpid())))
        os.write(terminal, b"?")
        until(lambda: sees("checkouts a second"))
        os.write(terminal, b"/nobody\r")
        until(lambda: sees("Nothing has 'nobody' in it."))
        os.write(terminal, b"q")
        until(lambda: sees("") and process.poll() is not None)
        sees("")
    os.close(terminal)

    assert process.returncode == 0
    assert seen.rindex(b"\x1b[?1049l") > seen.index(b"\x1b[?1049h")  # the other screen, and back
