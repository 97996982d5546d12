"""Sessions killed at random, under load."""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import pytest

from orapool import DatabaseUnavailable
from orapool.sandbox import Sandbox, SandboxError
from tests.faults.callers import Callers, MakePool, assert_in_order, lay_idle, longest, select
from tests.waiting import until


class TestSessionsKilledAtRandomUnderLoad:
    CHECKOUTS = 10_000
    THREADS = 16

    @pytest.mark.timeout(300)
    def test_10_000_checkouts_give_no_dead_session_and_leave_nothing_behind(
        self, make_pool: MakePool, sandbox: Sandbox, dbapi: ModuleType
    ) -> None:
        lay_idle(warm := make_pool(max=2), 2)  # what libraries open once and keep
        warm.close()
        until(lambda: sandbox.stats().sessions == 0)
        threads, files = set(threading.enumerate()), open_files()
        pool = make_pool(max=self.THREADS, acquire_timeout=20)
        killer = _Killer(sandbox)
        checkouts = iter(range(self.CHECKOUTS))
        dead: list[str] = []
        good: list[int] = []
        lost: list[str] = []
        refused: list[str] = []

        def work() -> None:
            for _ in checkouts:
                with killer.user():
                    begun = time.monotonic()
                    try:
                        connection = pool.acquire()
                    except Exception as error:
                        killed_in_log_on = isinstance(error, DatabaseUnavailable) and killer.struck_since(begun)
                        (refused if killed_in_log_on else dead).append(f"acquire: {error!r} {error}")
                        continue
                    try:
                        good.append(select(connection))
                    except dbapi.Error as error:
                        (lost if killer.struck_since(begun) else dead).append(f"{connection.session_state}: {error}")
                    finally:
                        connection.close()

        killer.start()
        outcomes = Callers(self.THREADS, work).wait(240)
        killer.stop()

        assert longest(outcomes) < float("inf")
        assert dead == []
        assert len(good) + len(lost) + len(refused) == self.CHECKOUTS
        assert len(refused) < 50
        assert killer.killed > 100
        until(lambda: pool.stats().busy == 0)  # some are given back in the background
        assert (pool.stats().waiting, pool.stats().checkouts) == (0, len(good) + len(lost))
        lay_idle(pool, self.THREADS)  # finds those that died idle
        assert_in_order(pool, sandbox, opened=self.THREADS)
        stats = pool.stats()
        assert stats.log_ons - stats.opened == stats.replaced + stats.dropped_total
        pool.close()
        until(lambda: sandbox.stats().sessions == 0)
        until(lambda: set(threading.enumerate()) <= threads, 15)
        until(lambda: open_files() <= files, 15)


def open_files() -> int:
    """How many descriptors this process has, those of files on disk left out: Oracle Client writes a log there."""
    files = 0
    for fd in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # that of the folder itself
            files += not os.readlink(f"/proc/self/fd/{fd}").startswith("/")
    return files


class _Killer:
    """Ends sessions at random: some while nobody is about to check one out, the others at any time.

    So a dead session that is handed out is told from one that dies in its user's hands.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.killed = 0
        self._sandbox = sandbox
        self._random = random.Random(7)
        self._state = threading.Condition()
        self._users = 0
        self._quiet = False
        self._last_strike = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(20)

    @contextmanager
    def user(self) -> Iterator[None]:
        """A time in which sessions are not killed quietly."""
        with self._state:
            self._state.wait_for(lambda: not self._quiet)
            self._users += 1
        try:
            yield
        finally:
            with self._state:
                self._users -= 1
                self._state.notify_all()

    def struck_since(self, moment: float) -> bool:
        """Whether a session was killed at any time after `moment`, quiet times left out."""
        return self._last_strike >= moment

    def _run(self) -> None:
        turn = 0
        while not self._stopped.wait(0.03):
            turn += 1
            if turn % 2:
                self._last_strike = float("inf")  # while it goes on
                self._end_some()
                self._last_strike = time.monotonic()
                continue
            with self._state:
                self._quiet = True
                self._state.wait_for(lambda: self._users == 0)
                self._end_some()
                self._quiet = False
                self._state.notify_all()

    def _end_some(self) -> None:
        sids = [session["sid"] for session in self._sandbox.sessions()]
        for sid in self._random.sample(sids, min(len(sids), self._random.randint(1, 3))):
            try:
                self._sandbox.end_sessions(self._random.choice(["fin", "rst"]), sid=sid)
                self.killed += 1
            except SandboxError:  # gone by itself
                continue
        time.sleep(0.01)  # under load, even the loopback takes its time to deliver the goodbye
