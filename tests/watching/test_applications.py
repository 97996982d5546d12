"""Which processes are one application: by how they were started."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from orapool.sandbox import Sandbox
from orapool.watching.applications import of_application
from orapool.watching.processes import Identity, Origin, identify
from orapool.watching.published import Published, read
from tests.families import environment
from tests.test_top import published
from tests.waiting import until

MASTER = """
import json, multiprocessing, sys
import orapool
from orapool.watching.applications import read_application

def work(ready, asked, answers):
    orapool.configure(url=sys.argv[2], driver="oracledb")
    with orapool.connection():
        ready.put(None)
        asked.get()
        answers.put(sorted({each.process.pid for each in read_application()}))

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    ready, asked, answers = context.Queue(), context.Queue(), context.Queue()
    workers = [context.Process(target=work, args=(ready, asked, answers)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        ready.get()
    print(json.dumps([worker.pid for worker in workers]), flush=True)
    sys.stdin.readline()
    for worker in workers:
        asked.put(None)
        print(json.dumps(answers.get()), flush=True)
"""


@contextlib.contextmanager
def running(folder: Path, sandbox: Sandbox, method: str) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A master with two workers that have a session each, and their numbers."""
    host = sandbox.dsn.partition("/")[0]
    url = f"oracle://scott:tiger@{host}/?service_name=ORAPOOL"
    script = folder / "master.py"
    script.write_text(MASTER, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, str(script), method, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(ORAPOOL_PUBLISH_DIR=str(folder / "published")),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process, sorted(json.loads(process.stdout.readline()))
    finally:
        process.communicate("\n", timeout=60)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_the_workers_of_a_master_are_and_those_of_another_start_of_the_same_program_are_not(
    method: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        both = [stack.enter_context(running(tmp_path, sandbox, method)) for _ in range(2)]
        until(lambda: len(read(tmp_path / "published")) == 4)
        for process, workers in both:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("\n")
            process.stdin.flush()

            assert json.loads(process.stdout.readline()) == workers


def process(pid: int, parent: int | None, program: str = "shop") -> tuple[Identity, Origin]:
    """One that another, or nobody of its kind, has started."""
    return replace(identify(), pid=pid), Origin(None if parent is None else replace(identify(), pid=parent), program)


def says(pid: int, parent: int | None, program: str = "shop") -> Published:
    """What it publishes."""
    identity, origin = process(pid, parent, program)
    return replace(published(pid), process=identity, origin=origin)


class TestAnApplication:
    MASTER, WORKERS, CHILD = says(10, None), (says(11, 10), says(12, 10)), says(20, 12)
    ALL = (MASTER, *WORKERS, CHILD)
    OTHERS = (says(30, None), says(31, 30), says(40, 10, "batch"))

    def pids(self, *whose: int | None, found: tuple[Published, ...] = (*OTHERS, *ALL)) -> list[int]:
        """The processes of that of a process."""
        return [each.process.pid for each in of_application(found, *process(*whose))]

    @pytest.mark.parametrize("whose", [(10, None), (11, 10), (12, 10), (20, 12)])
    def test_is_the_same_for_each_of_its_processes(self, whose: tuple[int, int | None]) -> None:
        assert self.pids(*whose) == [10, 11, 12, 20]

    def test_is_known_also_where_the_master_or_who_asks_publishes_nothing(self) -> None:
        assert self.pids(11, 10, found=(*self.OTHERS, *self.WORKERS)) == [11, 12]
        assert self.pids(13, 10, found=(*self.OTHERS, *self.WORKERS)) == [11, 12]
        assert self.pids(10, None, found=(*self.OTHERS, *self.WORKERS)) == [11, 12]

    def test_has_nothing_of_others(self) -> None:
        assert self.pids(31, 30) == [30, 31]
        assert self.pids(99, None) == []
        assert self.pids(11, 10, found=(replace(self.WORKERS[1], origin=None),)) == []
