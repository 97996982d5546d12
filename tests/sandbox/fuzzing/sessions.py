"""Whole sessions fuzzed: altered conversations, said to a sandbox that runs."""

from __future__ import annotations

import base64
import contextlib
import shlex
import tempfile
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import oracledb
import psutil

from orapool.sandbox import Sandbox
from tests.sandbox.fuzzing.mutation import mutate
from tests.sandbox.fuzzing.recording import PASSWORD, USER, Conversation, recorded
from tests.sandbox.fuzzing.replaying import Replay, Unanswered, log_on_turns
from tests.waiting import until

LOOK_AFTER = 50
"""Executions after which the server is looked at."""
GROWTH = 96 << 20
"""What the server's own process may grow by, in bytes: its caches are bounded, and its allocator keeps some back."""
CACHE, STATEMENTS = 4 << 20, 500
"""What it may keep for the next time: so much is soon there, and grows no more."""


class Found(AssertionError):
    """Something that the server must not do; the message has what reproduces it."""


@dataclass(frozen=True)
class Held:
    """What a server's process holds."""

    threads: int
    files: int
    backends: int
    memory: int

    def is_like(self, other: Held) -> bool:
        """Whether it is the same, but for memory."""
        return (self.threads, self.files, self.backends) == (other.threads, other.files, other.backends)

    def __str__(self) -> str:
        return f"{self.threads} threads, {self.files} files, {self.backends} of PostgreSQL, {self.memory >> 20} MB"


def held(sandbox: Sandbox) -> Held:
    """What a sandbox holds now."""
    process = psutil.Process(sandbox.pid)
    engine = [each for each in process.children() if each.name() == "postgres"]
    backends = sum(len(each.children()) for each in engine)
    return Held(process.num_threads(), process.num_fds(), backends, process.memory_info().rss)


def settled(sandbox: Sandbox, sessions: int) -> Held:
    """What a sandbox holds when so many sessions are open, and the ends of others are dealt with."""
    until(lambda: sandbox.stats().sessions == sessions)
    last = held(sandbox)
    same = 0

    def steady() -> bool:
        nonlocal last, same
        time.sleep(0.1)  # nothing tells that nothing changes
        last, previous = held(sandbox), last
        same = same + 1 if last.is_like(previous) else 0
        return same == 4

    until(steady)
    return last


@contextlib.contextmanager
def logging_sandbox(**settings: Any) -> Iterator[tuple[Sandbox, Path]]:
    """A sandbox with what it logs."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        launcher = ("sh", "-c", f'exec "$@" 2>>{shlex.quote(str(log))}', "sh")
        with Sandbox(launcher=launcher, cache_bytes=CACHE, kept_statements=STATEMENTS, **settings) as sandbox:
            yield sandbox, log


class Sessions:
    """Says altered conversations, and looks whether the server is as before.

    Args:
        sandbox: the server.
        log: what it logs.
        conversations: what is altered.
        seed: of all that is chosen.
    """

    def __init__(self, sandbox: Sandbox, log: Path, conversations: list[Conversation], seed: int) -> None:
        self.executions = 0
        self.answered = 0
        self.sandbox = sandbox
        self._log = log
        self.conversations = conversations
        self._seed = seed
        self._recent: list[str] = []
        self._good: Any = None
        self.baseline: Held | None = None

    def run(self, until_time: float, first: int = 0) -> None:
        """Go on until a moment of the monotonic clock, from a number on.

        Raises:
            Found: what the server must not do.
        """
        self.executions = first
        self._look()
        while time.monotonic() < until_time:
            self.execute(self.executions)
            if self.executions % LOOK_AFTER == 0:
                self._look()
        self._look()

    def execute(self, number: int) -> None:
        """Say one altered conversation, which its number tells."""
        random = Random(f"{self._seed}/{number}")
        conversation = random.choice(self.conversations)
        logged_on = log_on_turns(conversation.turns)
        first = 0 if random.random() < 0.15 else logged_on
        said = mutate(random, conversation.turns, first)
        same = next((at for at, turns in enumerate(zip(said, conversation.turns)) if turns[0] != turns[1]), len(said))
        # Where the log-on is in order, its answers are needed; what comes after that needs none.
        asked = min(same, logged_on)
        rest = b"".join(said[asked:])
        self._recent.append(f"{number}, {conversation.name}, after turn {asked}: {packed(rest)}")
        try:
            with Replay(self.sandbox.port) as replay:
                for turn in said[:asked]:
                    replay.ask(turn)
                if random.random() < 0.1:
                    replay.abandon(rest)
                else:
                    self.answered += bool(replay.say(rest))
        except Unanswered as error:
            self._report(str(error))
        except OSError as error:
            self._report(f"the listener does not answer: {error!r}")
        self.executions += 1
        if self._log.stat().st_size:  # it logs errors only, and no client may bring one about
            self._report("the server's log has: " + self._log.read_text(errors="replace")[-4000:])

    def _look(self) -> None:
        """Whether a good client is served as before, old and new sessions, and all that is held is held no more."""
        arguments = {"user": USER, "password": PASSWORD, "dsn": self.sandbox.dsn}
        try:
            if self._good is None:
                self._good = oracledb.connect(**arguments)
            for connection in (self._good, oracledb.connect(**arguments)):
                connection.call_timeout = 20_000
                with connection.cursor() as cursor:
                    cursor.execute("delete from fuzz_values")
                    connection.commit()
                    # Enough for what comes when it is needed and stays: numpy with a thread, a connection that looks
                    # whether the rows may be kept.
                    found = cursor.execute("select level from dual connect by level <= 2000").fetchall()
                    assert found == [(number,) for number in range(1, 2001)], found
                if connection is not self._good:
                    connection.close()
        except (oracledb.Error, AssertionError) as error:
            self._report(f"a good client is not served: {error!r}")
        if self.baseline is None:
            self.baseline = settled(self.sandbox, 2)  # with that of who recorded
        baseline = self.baseline
        now = baseline

        def as_before() -> bool:
            nonlocal now
            now = held(self.sandbox)
            return now.is_like(baseline)

        try:
            until(as_before, 20)
        except AssertionError:
            self._report(f"the server held {baseline} and now holds {now}")
        if now.memory > baseline.memory + GROWTH:
            self._report(f"the server has grown: it held {baseline} and now holds {now}")
        self._recent.clear()

    def _report(self, what: str) -> None:
        first = max(0, self.executions - LOOK_AFTER)
        raise Found(
            f"{what}\nIt is found again by: python -m tests.sandbox.fuzzing --seed {self._seed} --first {first}\n"
            "Executions since all was well, the last one last, packed as by `packed`:\n" + "\n".join(self._recent)
        )


def packed(data: bytes) -> str:
    """Bytes for a report: ``zlib.decompress(base64.b64decode(text))`` has them again."""
    return base64.b64encode(zlib.compress(data, 9)).decode()


@contextlib.contextmanager
def fuzzed_sessions(seed: int) -> Iterator[Sessions]:
    """A sandbox to fuzz, with the conversations that are recorded on it."""
    settings = {"log_level": "ERROR", "fast_authentication": True}
    with logging_sandbox(**settings) as (sandbox, log), recorded(sandbox) as conversations:
        yield Sessions(sandbox, log, conversations, seed)
