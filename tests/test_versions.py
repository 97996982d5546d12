"""The versions beside the newest: the same tests, in a process of its own, with the older package in front.

`make install` puts each older version into a folder of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OLDER = Path(os.environ.get("ORAPOOL_OLDER", ROOT / ".venv" / "older"))

VERSIONS = [
    ("oracledb==2.5.1", "oracledb", ["tests/sandbox/test_session.py", "tests/sandbox/test_faults.py"]),
    ("oracledb==3.4.2", "oracledb", ["tests/sandbox/test_session.py", "tests/sandbox/test_faults.py"]),
    ("oracledb==2.5.1", "oracledb", ["tests/test_session_pool.py", "tests/test_sockets.py"]),
    ("oracledb==3.4.2", "oracledb", ["tests/test_session_pool.py", "tests/test_sockets.py"]),
    ("oracledb==2.5.1", "not Silently and not Stopped", ["tests/aio/test_cancellation.py", "tests/aio/test_faults.py"]),
    ("oracledb==3.4.2", "", ["tests/aio/test_cancellation.py"]),
    ("SQLAlchemy==2.0.*", "", ["tests/test_alchemy.py", "tests/test_frames.py", "tests/aio/test_alchemy.py"]),
]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("requirement", "selected", "files"), VERSIONS)
def test_an_older_version_passes_the_same_tests(requirement: str, selected: str, files: list[str]) -> None:
    folder = OLDER / requirement
    assert folder.is_dir(), f"{folder} is not there: make install puts it there"
    package, _, version = requirement.partition("==")
    told = f"import {package.lower()} as p; print(p.__version__)"
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    found = subprocess.run([sys.executable, "-c", told], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.strip().startswith(version.rstrip("*"))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", selected, *files]
    run = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-5_000:] + run.stderr[-2_000:]
