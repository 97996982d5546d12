"""Settings: names, values, sources."""

from __future__ import annotations

from typing import Any

import pytest

from orapool.errors import ConfigurationError
from orapool.settings import load_settings

URL = "oracle://scott:tiger@db:1522/?service_name=sales"
DATABASE: dict[str, Any] = {"dsn": "db:1522/sales", "user": "scott", "password": "tiger"}


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URL", "DSN", "USER", "PASSWORD", "DRIVER", "MIN", "MAX"):
        monkeypatch.delenv(f"ORAPOOL_{name}", raising=False)


def test_a_url_and_its_parts_are_the_same_settings() -> None:
    assert load_settings(url=URL) == load_settings(**DATABASE)


def test_the_urls_scheme_fixes_the_driver() -> None:
    assert load_settings(url=URL.replace("oracle:", "oracle+oracledb:")).driver == "oracledb"


def test_every_setting_has_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORAPOOL_URL", URL)
    monkeypatch.setenv("ORAPOOL_MIN", "2")
    monkeypatch.setenv("ORAPOOL_MAX", "8")
    monkeypatch.setenv("ORAPOOL_ACQUIRE_TIMEOUT", "1.5")

    settings = load_settings()

    assert (settings.dsn, settings.min, settings.max, settings.acquire_timeout) == ("db:1522/sales", 2, 8, 1.5)


def test_a_pool_of_another_name_has_variables_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORAPOOL_MAX", "8")
    monkeypatch.setenv("ORAPOOL_REPORTING_MAX", "3")

    assert load_settings("reporting", **DATABASE).max == 3


def test_what_the_program_says_wins_over_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORAPOOL_URL", "oracle://other:secret@elsewhere/?service_name=x")
    monkeypatch.setenv("ORAPOOL_PASSWORD", "secret")
    monkeypatch.setenv("ORAPOOL_MAX", "8")

    assert load_settings(url=URL, max=5) == load_settings(**DATABASE, max=5)


def test_the_password_may_come_from_a_variable_beside_a_url_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORAPOOL_PASSWORD", "tiger")

    assert load_settings(url=URL.replace(":tiger", "")) == load_settings(**DATABASE)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"min": 5, "max": 2}, "min=5 is larger than max=2"),
        ({"max": 0}, "max: input should be greater than or equal to 1"),
        ({"acquire_timeout": -1}, "acquire_timeout: input should be greater than or equal to 0"),
        ({"acquire_timeout": float("inf")}, "acquire_timeout: input should be a finite number"),
        ({"min": "many"}, "min: input should be a valid integer"),
        ({"driver": "odbc"}, "driver: input should be 'auto', 'cx_oracle' or 'oracledb'"),
        ({"aquire_timeout": 3}, "'aquire_timeout' is not a setting: did you mean 'acquire_timeout'?"),
        ({"pool_size": 3}, "'pool_size' is not a setting: Known are url, dsn"),
        ({"url": URL}, "url and dsn both say where the database is"),
        (
            {"dsn": "db:15x1/sales"},
            "a port, from 1 to 65535, belongs here, at character 4:\n    db:15x1/sales\n       ^",
        ),
        ({"dsn": "scott/tiger@db/sales"}, "dsn has an '@' in it: user and password are settings of their own"),
    ],
)
def test_a_wrong_setting_is_named_with_the_accepted_values(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load_settings(**{**DATABASE, **wrong})

    assert message in str(raised.value)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError, match="min: .*; trust: ") as raised:
        load_settings(**DATABASE, min=-1, trust=-1)

    assert "variable ORAPOOL_TRUST" in str(raised.value)


def test_what_is_missing_is_named_with_the_ways_to_set_it() -> None:
    with pytest.raises(ConfigurationError, match="password is not set") as raised:
        load_settings(dsn="db/sales", user="scott")

    assert "pass url= or password= to orapool.configure(), or set ORAPOOL_PASSWORD" in str(raised.value)


def test_a_driver_that_contradicts_the_url_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="driver=cx_oracle contradicts the url, which says oracledb"):
        load_settings(url=URL.replace("oracle:", "oracle+oracledb:"), driver="cx_oracle")


@pytest.mark.parametrize(
    "wrong",
    [
        {"min": 9, "max": 1},
        {"max": "tiger"},
        {"password": ["tiger"]},
        {"url": "oracle://scott:tiger@db:x/"},
        {"dsn": "scott/tiger@db:x/"},
    ],
)
def test_the_password_is_in_no_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load_settings(**{**DATABASE, **wrong})

    shown = [repr(raised.value), repr(raised.value.__cause__), str(raised.value)]
    assert "tiger" not in "".join(shown)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_the_password_is_in_no_repr() -> None:
    settings = load_settings(url=URL)

    assert "tiger" not in f"{settings!r} {settings}"
    assert settings.password.get_secret_value() == "tiger"
