"""Runs SQLAlchemy's suite on both drivers, and the checks of all clients: `python -m tests.compliance.run`.

`make compliance` does. With ``--write``, what came of it goes into the table. Names of clients and drivers choose some.
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
    """Run all, or those that are named, tell of them, and write the table if told to."""
    write = "--write" in sys.argv
    named = [argument for argument in sys.argv[1:] if argument != "--write"] or [*CLIENTS, *DRIVERS]
    unknown = sorted(set(named) - {*CLIENTS, *DRIVERS})
    if unknown:
        print(f"unknown: {', '.join(unknown)}; there are {', '.join([*CLIENTS, *DRIVERS])}", file=sys.stderr)
        return 2
    with ThreadPoolExecutor(2) as threads:
        checked = {name: threads.submit(run_checks, name) for name in named if name in CLIENTS}
        suites = {name: threads.submit(run_suite, name) for name in named if name in DRIVERS}
        passed = [_tell(f"client-{name}", run.result(), write) for name, run in checked.items()]
        for name, future in suites.items():
            run = future.result()
            if not run.complete:
                print(run.output[-8000:], file=sys.stderr)
            passed.append(_tell(f"sqlalchemy-{name}", run.found, write and run.complete) and run.complete)
    return 0 if all(passed) else 1


def _tell(name: str, found: Found, write: bool) -> bool:
    """Tell what was found with a client, and keep it under a name if told to; whether nothing failed unexpectedly."""
    print(_summary(found), flush=True)
    for check, why in found.failed.items():
        print(f"  {check}: {why}", file=sys.stderr)
    if write:
        save(name, found)
    return not found.failed or name.startswith("sqlalchemy")


def _summary(found: Found) -> str:
    counts = f"{found.passed} passed, {len(found.refused)} refused, {len(found.failed)} failed"
    return f"{found.checks}, {found.client}: {counts}"


if __name__ == "__main__":
    sys.exit(main())
