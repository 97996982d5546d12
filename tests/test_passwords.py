"""Passwords out of files, functions and hooks, asked anew each time."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Callable

import pytest
from pydantic import SecretStr

from orapool import SessionPool
from orapool.errors import ConfigurationError
from orapool.settings import PoolSettings, load_settings

DATABASE: dict[str, Any] = {"dsn": "db/x", "user": "scott"}


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module that can be imported."""
    module = ModuleType("hooks_of_test")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def test_a_file_is_read_anew_each_time(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("lion")
    settings = load_settings(**DATABASE, password_file=secret)
    assert settings.current_password() == "lion"

    secret.write_text("tiger")

    assert settings.current_password() == "tiger"


@pytest.mark.parametrize(
    ("data", "password"),
    [
        (b"tiger\n", "tiger"),
        (b"tiger\r\n", "tiger"),
        (b" ti ger ", " ti ger "),
        (b"\xef\xbb\xbftiger", "tiger"),
        ("tigër%#;'\"\\".encode(), "tigër%#;'\"\\"),
    ],
)
def test_a_file_may_end_its_line(tmp_path: Path, data: bytes, password: str) -> None:
    (tmp_path / "secret").write_bytes(data)

    assert load_settings(**DATABASE, password_file=tmp_path / "secret").current_password() == password


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"tiger\nlion\n", "has more than one line"),
        (b"tig\xe4r", "is not UTF-8"),
        (b"tiger" * 20_000, "is longer than 65536 bytes: it cannot be a password"),
    ],
)
def test_a_file_without_a_password_is_refused_when_it_is_needed(
    tmp_path: Path, data: bytes | None, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORAPOOL_PASSWORD_FILE", f"{tmp_path}/secret")
    settings = load_settings(**DATABASE)
    if data is not None:
        (tmp_path / "secret").write_bytes(data)

    with pytest.raises(ConfigurationError) as raised:
        settings.current_password()

    assert str(raised.value) == (f"password_file {tmp_path}/secret (set by variable ORAPOOL_PASSWORD_FILE) {message}")
    assert raised.value.__cause__ is None


def test_a_function_is_called_each_time() -> None:
    passwords = iter(["lion", SecretStr("tiger")])
    settings = load_settings(**DATABASE, password=lambda: next(passwords))

    assert [settings.current_password(), settings.current_password()] == ["lion", "tiger"]


def fail() -> str:
    raise OSError("the secret tiger is not to be had")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (fail, "raised OSError"),
        (lambda: None, "returned NoneType: it must return the password, a string"),
        (lambda: b"tiger", "returned bytes: it must return the password, a string"),
        (lambda: "", "returned an empty string: it must return the password, a string"),
        (lambda settings: "tiger", "raised TypeError"),
    ],
)
def test_a_function_that_gives_none_is_told(function: Any, message: str) -> None:
    settings = load_settings(**DATABASE, password=function)

    with pytest.raises(ConfigurationError) as raised:
        settings.current_password()

    assert str(raised.value) == (f"the function that is to return the password (set by keyword argument) {message}")


def test_a_hook_is_imported_when_it_is_needed_and_gets_the_settings(hooks: ModuleType) -> None:
    asked: list[PoolSettings] = []
    settings = load_settings(**DATABASE, password_hook="hooks_of_test:manager.fetch")

    class Manager:
        def fetch(self, settings: PoolSettings) -> str:
            asked.append(settings)
            return "tiger"

    hooks.manager = Manager()  # type: ignore[attr-defined]

    assert settings.current_password() == "tiger"
    assert asked == [settings]


@pytest.mark.parametrize(
    ("hook", "reason"),
    [
        ("no_such_module_of_test:fetch", "No module named 'no_such_module_of_test'"),
        ("hooks_of_test:fetch", "module 'hooks_of_test' has no attribute 'fetch'"),
    ],
)
@pytest.mark.usefixtures("hooks")
def test_a_hook_that_is_not_there_is_told(hook: str, reason: str) -> None:
    settings = load_settings(**DATABASE, password_hook=hook)

    with pytest.raises(ConfigurationError) as raised:
        settings.current_password()

    assert str(raised.value) == f"password_hook {hook} (set by keyword argument) cannot be imported: {reason}"


@pytest.mark.parametrize("way", ["file", "function", "hook"])
def test_the_drivers_log_on_with_it(
    make_pool: Callable[..., SessionPool], way: str, tmp_path: Path, hooks: ModuleType
) -> None:
    (tmp_path / "secret").write_text("tiger\n")
    hooks.fetch = lambda settings: "tiger" if settings.user == "scott" else ""  # type: ignore[attr-defined]
    given: dict[str, Any] = {
        "file": {"password_file": tmp_path / "secret"},
        "function": {"password": lambda: "tiger"},
        "hook": {"password_hook": "hooks_of_test:fetch"},
    }[way]

    pool = make_pool(**{"password": None, **given})

    with pool.acquire() as connection:
        assert connection.cursor().execute("select user from dual").fetchone() == ("SCOTT",)


def test_a_password_that_is_not_to_be_had_reaches_the_caller(
    make_pool: Callable[..., SessionPool], tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    pool = make_pool(password=None, password_file=secret)

    with pytest.raises(ConfigurationError, match="secret .* cannot be read"):
        pool.acquire()
    secret.write_text("tiger")

    pool.acquire().close()
