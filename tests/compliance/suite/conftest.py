"""Holds SQLAlchemy's tests against `expected`, and writes what came of them where ``--results`` says."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest
import sqlalchemy

from tests.compliance.suite.expected import FAILED, REFUSED
from tests.compliance.suite.requirements import HAS_NOT

REFUSAL = "ORA-03001"


class Results:
    """What came of each test, by the names of `expected`."""

    def __init__(self) -> None:
        self.outcomes: dict[str, str] = {}

    def add(self, name: str, outcome: str) -> None:
        """A test has set up, run or torn down; what failed once has failed."""
        if self.outcomes.get(name) in (None, "passed"):
            self.outcomes[name] = outcome

    def as_dict(self) -> dict[str, object]:
        """For the table."""
        found = Counter(self.outcomes.values())
        lists = {kind: sorted(n for n, o in self.outcomes.items() if o == kind) for kind in ("refused", "failed")}
        lacking = sorted(set(HAS_NOT.values()))
        return {"passed": found["passed"], **lists, "left_out": found["left out"], "lacking": lacking}


RESULTS = pytest.StashKey[Results]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--results``."""
    parser.addoption("--results", help="the file to write what came of the tests to")


def pytest_configure(config: pytest.Config) -> None:
    """Begin without results."""
    config.stash[RESULTS] = Results()


def name_of(item: pytest.Item) -> str:
    """``Class::test[parameters]``, without the dialect and its version."""
    _, _, name = item.nodeid.partition("::")
    cls, _, test = name.partition("::")
    return f"{cls.partition('_oracle+')[0]}::{test}"


def expectation(item: pytest.Item) -> tuple[str, str] | None:
    """How a test is to end that does not pass, and its entry."""
    name = name_of(item)
    for kind, entries in (("refused", REFUSED), ("failed", FAILED)):
        for entry in (name, name.partition("[")[0]):
            if entry in entries:
                return kind, entry
    return None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests that are not to pass; an entry for none is an error."""
    unused = {*REFUSED, *FAILED}
    for item in items:
        found = expectation(item)
        if found is not None:
            unused.discard(found[1])
            item.add_marker(pytest.mark.xfail(strict=True, reason=f"{found[0]}: {({**REFUSED, **FAILED})[found[1]]}"))
    if unused and not config.option.keyword:
        raise pytest.UsageError(f"tests/compliance/suite/expected.py has tests that are not there: {sorted(unused)}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Take down what came of it; what is to be refused must be refused, and not fail otherwise."""
    report = yield
    results, name, found = item.config.stash[RESULTS], name_of(item), expectation(item)
    if hasattr(report, "wasxfail") and report.skipped and found is not None:
        outcome = found[0]
        if outcome == "refused" and REFUSAL not in str(call.excinfo and call.excinfo.value):
            report.outcome, outcome = "failed", "failed"
    elif report.skipped:
        outcome = "left out"
        if found is not None or not str(call.excinfo and call.excinfo.value).endswith(tuple(HAS_NOT.values())):
            # Unexplained, or not there to be refused.
            report.outcome, outcome = "failed", "failed"
    else:
        outcome = report.outcome
    results.add(name, outcome)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the results."""
    path = session.config.getoption("results")
    if path:
        from sqlalchemy.testing import config  # not before its plugin is there

        driver = config.db.dialect.dbapi
        names = {
            "checks": f"SQLAlchemy {sqlalchemy.__version__}, `sqlalchemy.testing.suite`",
            "client": f"{driver.__name__} {driver.__version__}",
        }
        Path(path).write_text(json.dumps({**names, **session.config.stash[RESULTS].as_dict()}))
