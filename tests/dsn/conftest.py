"""Fixtures for TNS aliases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orapool.dsn import connect_strings

WriteNames = Callable[..., Path]


@pytest.fixture(autouse=True)
def _no_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No tnsnames.ora of the machine's, and nothing has been said yet."""
    for variable in ("TNS_ADMIN", "ORACLE_HOME", "LD_LIBRARY_PATH"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(connect_strings, "_said", set())


@pytest.fixture
def write_names(tmp_path: Path) -> WriteNames:
    """Writes a tnsnames.ora, or another file beside it; returns the folder."""

    def write_names(text: str, name: str = "tnsnames.ora", folder: str = "admin") -> Path:
        path = tmp_path / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        return path.parent

    return write_names
