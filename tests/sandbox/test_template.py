"""The fresh database in the user's cache that each sandbox begins with a copy of."""

from __future__ import annotations

from pathlib import Path

import oracledb
import pytest

from orapool.sandbox import Sandbox


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of this test alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "orapool"


def serve() -> None:
    """Start a sandbox, and find it empty; leave something in it."""
    with Sandbox(users={"app": "secret"}, log_level="ERROR") as sandbox:
        connection = oracledb.connect(user="app", password="secret", dsn=sandbox.dsn)
        assert connection.cursor().execute("select table_name from user_tables").fetchall() == []
        connection.cursor().execute("create table left_behind (n number)")
        users = connection.cursor().execute("select username from all_users").fetchall()
        assert "SCOTT" not in [user for (user,) in users]
        connection.close()


def test_it_is_made_once_and_copied(cache: Path) -> None:
    serve()
    (template,) = cache.glob("database-*")
    made = (template / "PG_VERSION").stat()
    assert template.stat().st_mode & 0o077 == 0
    serve()
    assert list(cache.glob("database-*")) == [template]
    assert list(cache.glob(".database-*")) == []
    found = (template / "PG_VERSION").stat()
    assert (found.st_ino, found.st_mtime_ns) == (made.st_ino, made.st_mtime_ns)


def test_a_broken_one_is_made_anew(cache: Path) -> None:
    serve()
    (template,) = cache.glob("database-*")
    (template / "global" / "pg_control").write_bytes(b"broken")
    serve()
    assert (template / "global" / "pg_control").stat().st_size > 1000


def test_without_a_cache_each_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    serve()
