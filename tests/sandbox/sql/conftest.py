from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from orapool.sandbox.sql import Engine, SessionIdentity
from tests.sandbox.sql.session import Session

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """One engine for all tests."""
    with Engine(None, ["scott"]) as engine:
        yield engine


@pytest.fixture
def user(engine: Engine) -> Iterator[str]:
    """A user of this test's own, with an empty schema."""
    name = f"USER{next(_numbers)}"
    engine.create_user(name)
    yield name
    engine.drop_user(name)


@pytest.fixture
def session(engine: Engine, user: str) -> Iterator[Session]:
    """A session of the test's user."""
    with Session(engine.open(SessionIdentity(next(_numbers), 1, user))) as session:
        yield session


@pytest.fixture
def other(engine: Engine, user: str) -> Iterator[Session]:
    """A second session of the same user."""
    with Session(engine.open(SessionIdentity(next(_numbers), 1, user))) as session:
        yield session
