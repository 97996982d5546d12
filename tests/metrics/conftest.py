"""Pools whose numbers nobody has counted yet."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orapool import SessionPool
from orapool.sandbox import Sandbox
from orapool.settings import load_settings
from orapool.watching.published import read
from tests.families import environment
from tests.waiting import until

MakePool = Callable[..., SessionPool]

_numbers = itertools.count(1)

CHILD = """
import sys, threading
import orapool
sys.argv[0] = sys.argv[1]
dsn, folder, name = sys.argv[2:]
orapool.configure(name, dsn=dsn, user="scott", password="tiger", driver="oracledb", publish_dir=folder)
with orapool.connection(name):
    print("ready", flush=True)
    sys.stdin.readline()
"""


def start(sandbox: Sandbox, folder: Path, name: str, program: str = "-c") -> subprocess.Popen[str]:
    """A process, called `program`, that has a session until its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, program, sandbox.dsn, str(folder), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    until(lambda: process.pid in {each.process.pid for each in read(folder)})
    return process


@pytest.fixture
def name() -> str:
    """A name that no other test's pools have: the totals of a process never end."""
    return f"metrics{next(_numbers)}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where pools are published."""
    return tmp_path / "published"


@pytest.fixture
def make_named(driver: str, sandbox: Sandbox, name: str, folder: Path) -> Iterator[MakePool]:
    """Makes pools of that name, published there; closes them at the end."""
    made: list[SessionPool] = []

    def make_named(**changes: Any) -> SessionPool:
        settings = {"dsn": sandbox.dsn, "user": "scott", "password": "tiger", "driver": driver, "publish_dir": folder}
        made.append(SessionPool(load_settings(name, **{**settings, **changes}), name))
        return made[-1]

    yield make_named
    for pool in made:
        pool.close()
