"""Runs SQLAlchemy's suite on both drivers, and the checks of all clients: `python -m tests.compliance.run`.

`make compliance` does. With ``--write``, what came of it goes into the table.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from orapool.sandbox import Sandbox
from tests.compliance.clients.run import CLIENTS, run_checks
from tests.compliance.suite.expected import FAILED, REFUSED
from tests.compliance.table import Found, save

DRIVERS = ("cx_oracle", "oracledb")
SUITE = Path(__file__).parent / "suite"
# The main user's tests make and drop objects in the other schemas.
USERS = {"scott": "tiger", "test_schema": "tiger", "test_schema_2": "tiger"}
LONGEST_SECONDS = 600


@dataclass(frozen=True)
class Run:
    """A run of the suite that has ended.

    Attributes:
        found: what came of the tests.
        complete: whether it went to its end and each test ended as `expected` has it.
        output: pytest's.
    """

    found: Found
    complete: bool
    output: str


def run_suite(driver: str, select: str = "") -> Run:
    """Run the suite with one driver against a sandbox of its own.

    Args:
        driver: its name in SQLAlchemy's URLs.
        select: pytest's -k.
    """
    with Sandbox(users=USERS) as sandbox, tempfile.TemporaryDirectory() as folder:
        address, _, service = sandbox.dsn.partition("/")
        results = Path(folder) / "results.json"
        command = [
            *(sys.executable, "-m", "pytest", "-c", SUITE / "setup.cfg", "--rootdir", SUITE, SUITE / "dialect.py"),
            *("--dburi", f"oracle+{driver}://scott:tiger@{address}/?service_name={service}"),
            *("--results", results, "-q", *(["-k", select] if select else [])),
        ]
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONGEST_SECONDS,
            check=False,
        )
        if not results.exists():
            raise RuntimeError(f"SQLAlchemy's suite did not run with {driver}:\n{done.stdout[-4000:]}")
        found = json.loads(results.read_text())
    for kind, reasons in (("refused", REFUSED), ("failed", FAILED)):
        found[kind] = {name: reasons.get(name, reasons.get(name.partition("[")[0], "")) for name in found[kind]}
    return Run(Found(**found), done.returncode == 0, done.stdout)


def main() -> int:
    """Run all, tell of it, and write the table if told to."""
    status = 0
    with ThreadPoolExecutor(2) as threads:
        checked = {name: threads.submit(run_checks, name) for name in CLIENTS}
        for name, found in ((name, future.result()) for name, future in checked.items()):
            print(_summary(found))
            for check, why in found.failed.items():
                status = 1
                print(f"  {check}: {why}", file=sys.stderr)
            if "--write" in sys.argv:
                save(f"client-{name}", found)
        for driver, run in zip(DRIVERS, threads.map(run_suite, DRIVERS)):
            found = run.found
            print(_summary(found))
            if not run.complete:
                status = 1
                print(run.output[-8000:], file=sys.stderr)
            elif "--write" in sys.argv:
                save(f"sqlalchemy-{driver}", found)
    return status


def _summary(found: Found) -> str:
    counts = f"{found.passed} passed, {len(found.refused)} refused, {len(found.failed)} failed"
    return f"{found.checks}, {found.client}: {counts}"


if __name__ == "__main__":
    sys.exit(main())
