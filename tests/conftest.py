"""Fixtures of all tests: one sandbox for the run, and both drivers. What is not installed fails, nothing is skipped."""

from __future__ import annotations

import contextlib
import faulthandler
import importlib.util
import logging
import os
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from types import ModuleType
from typing import Any, TextIO

import pytest

import orapool
from orapool import ending, pools
from orapool.drivers import find_driver
from orapool.sandbox import Sandbox
from orapool.session_pool import SessionPool
from orapool.settings import load_settings
from tests.firewall import firewall, running_firewall
from tests.incident.shop import settings_file, shop
from tests.older_sqlalchemy import VERSION
from tests.waiting import until

__all__ = ["firewall", "running_firewall", "settings_file", "shop"]  # fixtures

THICK = os.environ.get("ORAPOOL_THICK") == "true"
"""Whether python-oracledb is in thick mode: a setting of all pools, and for good in this process."""
DRIVERS = {"oracledb": "oracledb"} if THICK else {"cx_oracle": "cx_Oracle", "oracledb": "oracledb"}
STANDSTILL_SECONDS = 30
"""A test that its time-out has not ended by then holds the lock of the interpreter: the run ends, and shows where."""


# What SQLAlchemy 1.x has not: asyncio for Oracle Database; and what 2.x sends, without a driver.
collect_ignore = (
    ["aio/test_alchemy.py", "sandbox/sql/test_sqlalchemy.py", "sandbox/test_alembic.py"] if VERSION < (2, 0) else []
)

# SQLAlchemy's suite has a pytest of its own; what it asks for, and its tests' names, are those of newer versions.
collect_ignore.append("compliance/suite")
if VERSION < (2, 1):
    collect_ignore.append("compliance/test_dialect_suite.py")

if importlib.util.find_spec("dask") is None:
    collect_ignore.append("frames/test_dask.py")

LONGEST = ("test_versions.py", "test_dialect_suite.py", "test_clients.py")
STDERR = pytest.StashKey[TextIO]()


def pytest_configure(config: pytest.Config) -> None:
    """The real standard error, which later is captured."""
    if THICK:
        find_driver("oracledb", thick=True)
    config.stash[STDERR] = os.fdopen(os.dup(sys.__stderr__.fileno() if sys.__stderr__ else 2), "w")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, rather than skip, what is not for the versions that are installed; the longest files come first.

    So, of several workers, none is left with one at the end.
    """
    left_out = [item for item in items if any(mark.args[0] for mark in item.iter_markers("deselect_if"))]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Watch each test from a thread that needs no lock of the interpreter's."""
    marker = item.get_closest_marker("timeout")
    timeout = float(marker.args[0] if marker else item.config.getini("timeout"))
    faulthandler.dump_traceback_later(timeout + STANDSTILL_SECONDS, exit=True, file=item.config.stash[STDERR])
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where CI=true, what is skipped has failed."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI") == "true":
        report.outcome = "failed"
    return report


@pytest.fixture(scope="session", autouse=True)
def _published_apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What pools of one worker's tests publish is not seen by the other workers' tests, which are one application."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        yield


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    """The run's one server."""
    with Sandbox(users={"scott": "tiger", "sh": "sales"}) as server:
        yield server


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Iterator[Sandbox]:
    """The run's server, without sessions and faults of other tests."""
    yield running_sandbox
    running_sandbox.heal()
    running_sandbox.end_sessions()


@pytest.fixture(scope="session")
def running_node() -> Iterator[Sandbox]:
    """The run's other server."""
    with Sandbox() as server:
        yield server


@pytest.fixture
def node(running_node: Sandbox) -> Iterator[Sandbox]:
    """Another server, to which the first can send clients on; without sessions and faults of other tests."""
    yield running_node
    running_node.heal()
    running_node.end_sessions()


@pytest.fixture(params=list(DRIVERS))
def driver(request: pytest.FixtureRequest) -> str:
    """The name of a driver; a test that takes it runs on each."""
    return str(request.param)


@pytest.fixture
def dbapi(driver: str) -> ModuleType:
    """The module of the driver."""
    return importlib.import_module(DRIVERS[driver])


@pytest.fixture
def connect(dbapi: ModuleType, sandbox: Sandbox) -> Iterator[Callable[..., Any]]:
    """Opens connections with the bare driver, as scott unless told; closes them at the end of the test."""
    opened: list[Any] = []

    def connect(**changes: Any) -> Any:
        arguments = {"user": "scott", "password": "tiger", "dsn": sandbox.dsn, **changes}
        connection = dbapi.connect(**arguments)
        opened.append(connection)
        return connection

    yield connect
    for connection in opened:
        with contextlib.suppress(dbapi.Error):  # lost or closed by the test
            connection.close()


@pytest.fixture(autouse=True)
def _no_pool_outlives_its_test() -> Iterator[None]:
    """No test meets the threads, sessions and last log lines of another's pool: a log-on may outlast close()."""
    yield
    until(
        lambda: not any(thread.name.startswith("orapool-") for thread in threading.enumerate() if not _stays(thread)),
        20,
    )


def _stays(thread: threading.Thread) -> bool:
    """Whether it is the process's, and no pool's."""
    return thread.name == ending.THREAD


@pytest.fixture
def make_pool(driver: str, sandbox: Sandbox) -> Iterator[Callable[..., SessionPool]]:
    """Makes pools of scott on the sandbox, with the driver and the given settings; closes them at the end."""
    made: list[SessionPool] = []

    def make_pool(**changes: Any) -> SessionPool:
        settings = {"dsn": sandbox.dsn, "user": "scott", "password": "tiger", "driver": driver, **changes}
        made.append(SessionPool(load_settings("test", **settings), "test"))
        return made[-1]

    yield make_pool
    for pool in made:
        pool.close()


@pytest.fixture
def default_pool(driver: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[SessionPool]:
    """The process's default pool, configured for scott on the sandbox and not used yet; forgotten at the end."""
    monkeypatch.setattr(pools, "_settings", {})
    monkeypatch.setattr(pools, "_config", None)
    orapool.configure(dsn=sandbox.dsn, user="scott", password="tiger", driver=driver, max=3, acquire_timeout=5)
    yield orapool.pool()
    orapool.close()


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Callable[..., list[Any]]:
    """The records that were logged for an event."""
    caplog.set_level(logging.DEBUG, "orapool")

    def told(event: str) -> list[Any]:
        return [record for record in caplog.records if getattr(record, "event", None) == event]

    return told
