"""Fixtures of the tests of `orapool doctor` and `orapool sessions`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from orapool import cli, pools
from orapool.sandbox import Sandbox

PASSWORD = "tiger"


@dataclass
class Told:
    """What the command has told of one pool."""

    status: int
    pool: dict[str, Any]
    output: str

    def verdict(self, check: str) -> str:
        """The verdict of a check's first finding."""
        return str(self.finding(check)["verdict"])

    def finding(self, check: str) -> dict[str, Any]:
        """A check's first finding."""
        found: dict[str, Any] = next(each for each in self.pool["findings"] if each["check"] == check)
        return found

    def said(self, check: str) -> str:
        """All that a check has found."""
        return "\n".join(
            f"{each['found']} {each['advice'] or ''} {' '.join(each['details'])}"
            for each in self.pool["findings"]
            if each["check"] == check
        )


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, driver: str, sandbox: Sandbox) -> Callable[..., None]:
    """Sets variables: scott on the sandbox, with the driver, and what is given. No other settings are found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(pools, "_settings", {})
    monkeypatch.setattr(pools, "_config", None)
    for name in list(os.environ):
        if name.startswith("ORAPOOL_") and name != "ORAPOOL_THICK":
            monkeypatch.delenv(name)

    def settings(**given: object) -> None:
        found = {"dsn": sandbox.dsn, "user": "scott", "password": PASSWORD, "driver": driver, **given}
        for name, value in found.items():
            monkeypatch.setenv(f"ORAPOOL_{name.upper()}", str(value))

    return settings


@pytest.fixture
def doctor(settings: Callable[..., None]) -> Callable[..., Told]:
    """Runs `orapool doctor --json` with settings, and options after them."""

    def doctor(*options: str, **given: object) -> Told:
        settings(**given)
        result = CliRunner().invoke(cli.main, ["doctor", "--json", *options])
        assert PASSWORD not in result.output
        (pool,) = json.loads(result.output)
        return Told(result.exit_code, pool, result.output)

    return doctor
