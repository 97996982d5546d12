"""The versions beside those of the run: the same tests, in a process and an environment of their own.

noxfile.py says which versions and tests these are; `make stacks` makes the environments, and `make versions` runs all
that there are.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.timeout(900)
@pytest.mark.parametrize("session", ["incident", "middle", "newest", "thick"])
def test_other_versions_pass_the_same_tests(session: str) -> None:
    command = [sys.executable, "-m", "nox", "--non-interactive", "--no-install", "-R", "--session", session]

    run = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)

    if "no Python" in run.stdout:
        pytest.skip(run.stdout.splitlines()[-1])
    assert run.returncode == 0, run.stdout[-7_000:]
    assert " passed" in run.stdout
