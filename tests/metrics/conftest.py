"""Pools whose numbers nobody has counted yet."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orapool import SessionPool
from orapool.sandbox import Sandbox
from orapool.settings import load_settings

MakePool = Callable[..., SessionPool]

_numbers = itertools.count(1)


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
