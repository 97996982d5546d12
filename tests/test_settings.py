"""Settings: names, values, sources."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from orapool.errors import ConfigurationError
from orapool.layers import pool_names
from orapool.settings import KNOWN, NotConfigured, load_settings
from orapool.sources import Source, read_mapping, read_variables

URL = "oracle://scott:tiger@db:1522/?service_name=sales"
DATABASE: dict[str, Any] = {"dsn": "db:1522/sales", "user": "scott", "password": "tiger"}


@pytest.fixture(autouse=True)
def _no_other_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("ORAPOOL_") or name in ("SQLALCHEMY_DATABASE_URI", "DATABASE_URL"):
            monkeypatch.delenv(name)


def refusal(pool: str = "default", **given: Any) -> str:
    """Why these settings are refused; the answer shows no password."""
    with pytest.raises(ConfigurationError) as raised:
        load_settings(pool, **given)
    assert "tiger" not in f"{raised.value!r} {raised.value.__cause__!r}"
    assert raised.value.__suppress_context__ or raised.value.__context__ is None
    return str(raised.value)


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


# One place and another


def test_the_url_of_one_place_replaces_that_of_the_next_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORAPOOL_URL", "oracle://db2/?service_name=dwh")
    config = {"SQLALCHEMY_DATABASE_URI": URL.replace("oracle:", "oracle+oracledb:"), "ORAPOOL_USER": "sh"}

    message = refusal(config=config)

    assert "password is not set" in message
    assert load_settings(config={**config, "ORAPOOL_PASSWORD": "sales"}).model_dump(
        include={"dsn", "user", "driver"}
    ) == {
        "dsn": "db2:1521/dwh",
        "user": "sh",
        "driver": "auto",
    }


def test_a_dsn_replaces_the_url_of_the_next_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORAPOOL_DSN", "db2/dwh")

    message = refusal(config={"DATABASE_URL": URL})

    assert "user is not set" in message
    assert "password is not set" in message


@pytest.mark.parametrize("name", ["USER", "PASSWORD", "DRIVER"])
def test_a_part_given_before_it_overrides_the_urls(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"ORAPOOL_{name}", "cx_oracle")

    settings = load_settings(config={"DATABASE_URL": URL.replace("oracle:", "oracle+oracledb:")})

    assert {
        "USER": settings.user,
        "PASSWORD": settings.current_password(),
        "DRIVER": settings.driver,
    } == {"USER": "scott", "PASSWORD": "tiger", "DRIVER": "oracledb", name: "cx_oracle"}


def test_url_and_dsn_in_one_place_are_refused_with_that_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORAPOOL_DSN", "db/x")
    monkeypatch.setenv("ORAPOOL_URL", URL)

    assert (
        "url and dsn both say where the database is (variable ORAPOOL_URL, variable ORAPOOL_DSN): set one of them"
        in refusal()
    )


def test_an_sqlalchemy_url_is_a_url() -> None:
    assert load_settings(url=sqlalchemy.engine.url.make_url(URL)) == load_settings(url=URL)
    assert load_settings(config={"DATABASE_URL": sqlalchemy.engine.url.make_url(URL)}) == load_settings(url=URL)


def test_an_unreadable_url_is_told_with_its_place_beside_other_mistakes(tmp_path: Path) -> None:
    (tmp_path / "app.ini").write_text("[APP]\nSQLALCHEMY_DATABASE_URI = oracle://scott:tiger@db:x/\nORAPOOL_MIN = -1\n")

    message = refusal()

    assert f"url (set by {tmp_path}/app.ini [APP] line 2): the database URL cannot be read: the port" in message
    assert "; min: input should be greater than or equal to 0" in message
    assert "not set" not in message


@pytest.mark.parametrize("other", ["postgresql://scott:tiger@db/x", "sqlite://", "oracle+cx_oracle://", "tiger"])
def test_a_database_url_that_names_no_oracle_database_is_passed_over(
    other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQLALCHEMY_DATABASE_URI", other)

    with pytest.raises(NotConfigured) as raised:
        load_settings()
    monkeypatch.setenv("DATABASE_URL", URL)

    assert str(raised.value).endswith("; variable SQLALCHEMY_DATABASE_URI is not an oracle:// URL")
    assert load_settings().origins["user"] == "variable DATABASE_URL"


# Named pools


def test_a_named_pool_inherits_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORAPOOL_TRUST", "1")
    monkeypatch.setenv("DATABASE_URL", URL)
    (tmp_path / "orapool.toml").write_text(f"[orapool]\nmax = 9\nurl = '{URL}'\n[orapool.reporting]\ndsn = 'db/dwh'\n")

    message = refusal("reporting")

    assert "pool 'reporting': user is not set" in message or "; user is not set" in message
    settings = load_settings("reporting", user="sh", password="sales")
    assert (settings.dsn, settings.max, settings.trust) == ("db/dwh", 4, 65)


def test_every_place_has_settings_of_named_pools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORAPOOL_REPORTING_MAX", "11")
    (tmp_path / "orapool.toml").write_text("[orapool.reporting]\nmin = 2\n")
    (tmp_path / "orapool.ini").write_text("[orapool.reporting]\ntrust = 3\n")
    (tmp_path / ".env").write_text("ORAPOOL_REPORTING_INCREMENT=4\n")

    settings = load_settings("reporting", config={"SQLALCHEMY_BINDS": {"reporting": URL}})

    assert (settings.max, settings.min, settings.trust, settings.increment) == (11, 2, 3, 4)
    assert (settings.user, settings.origins["user"]) == ("scott", "mapping['SQLALCHEMY_BINDS']['reporting']")


@pytest.mark.parametrize("bind", [URL, {"url": URL, "echo": True}, sqlalchemy.engine.url.make_url(URL)])
def test_a_bind_is_a_named_pool(bind: Any) -> None:
    config = {"SQLALCHEMY_BINDS": {"reporting": bind, "files": "sqlite://"}}

    assert load_settings("reporting", config=config) == load_settings(url=URL)
    with pytest.raises(NotConfigured, match=r"mapping\['SQLALCHEMY_BINDS'\]\['files'\] is not an oracle:// URL"):
        load_settings("files", config=config)


def test_the_bind_without_a_name_is_the_default_pool() -> None:
    assert load_settings(config={"SQLALCHEMY_BINDS": {None: URL}}).user == "scott"


def test_signs_in_a_pools_name_are_underscores_in_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORAPOOL_MY_POOL_MAX", "3")

    assert load_settings("my-pool", **DATABASE).max == 3


def test_a_pool_whose_name_begins_a_setting_does_not_take_the_default_pools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORAPOOL_TRANSPORT_CONNECT_TIMEOUT", "7")

    assert load_settings(**DATABASE).transport_connect_timeout == 7
    assert load_settings("transport", **DATABASE).connect_timeout == 10


def test_the_pools_that_sources_speak_of() -> None:
    variables = read_variables({"ORAPOOL_BATCH_URL": "x", "ORAPOOL_MY_POOL_DSN": "x", "ORAPOOL_BATCH_MAX": "3"})
    config = read_mapping({"ORAPOOL": {"my-pool": {"max": 3}}, "SQLALCHEMY_BINDS": {"a": URL, "b": "sqlite://"}})

    assert pool_names([variables, config], KNOWN) == ["a", "batch", "my-pool"]
    assert pool_names([read_variables({"ORAPOOL_MAX": "3"}), config], KNOWN) == ["default", "a", "my-pool"]
    assert pool_names([read_mapping({"DATABASE_URL": URL})], KNOWN) == ["default"]
    assert pool_names([read_mapping({"DATABASE_URL": "sqlite://"}), Source("none")], KNOWN) == []


# Mistakes, by place


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("orapool.toml", "[orapool]\naquire_timeout = 3\n", "orapool.toml [orapool] line 2"),
        ("pyproject.toml", "[tool.orapool]\naquire_timeout = 3\n", "pyproject.toml [tool.orapool] line 2"),
        ("app.ini", "[APP]\n[orapool]\naquire_timeout = 3\n", "app.ini [orapool] line 3"),
        ("app.ini", "[APP]\nORAPOOL_AQUIRE_TIMEOUT = 3\n", "app.ini [APP] line 2"),
        (".env", "export ORAPOOL_AQUIRE_TIMEOUT=3\n", ".env line 1"),
    ],
)
def test_an_unknown_setting_in_a_file_is_named_with_its_place_and_the_nearest(
    tmp_path: Path, name: str, text: str, place: str
) -> None:
    (tmp_path / name).write_text(text)

    message = refusal(**DATABASE)

    expected = f"{tmp_path}/{place}: 'aquire_timeout' is not a setting: did you mean 'acquire_timeout'?"
    assert message == f"pool 'default': {expected}"


def test_an_unknown_setting_in_a_variable_or_mapping_is_named_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORAPOOL_REPORTING_PASWORD", "tiger")

    message = refusal("reporting", **DATABASE, config={"ORAPOOL": {"reporting": {"pool_size": 3}}, "ORAPOOL_MX": 3})

    assert message.startswith(
        "pool 'reporting': variable ORAPOOL_REPORTING_PASWORD: 'pasword' is not a setting: did you mean 'password'?; "
        "mapping['ORAPOOL']['reporting']['pool_size']: 'pool_size' is not a setting: Known are url, dsn"
    )
    assert refusal(**DATABASE, config={"ORAPOOL_MX": 3}).startswith(
        "pool 'default': mapping['ORAPOOL_MX']: 'mx' is not a setting: did you mean 'max'?"
    )


def test_variables_that_a_platform_sets_for_a_service_of_that_name_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SERVICE_HOST", "SERVICE_PORT", "PORT", "PORT_1521_TCP", "PORT_1521_TCP_ADDR", "CLIENT_DIR", "HOME"):
        monkeypatch.setenv(f"ORAPOOL_{name}", "tcp://10.0.0.1:1521")

    assert load_settings(**DATABASE) == load_settings(url=URL)


@pytest.mark.parametrize(
    ("name", "text", "origin"),
    [
        ("orapool.toml", "[orapool]\nmax = 'tiger'\n", "orapool.toml [orapool] line 2"),
        ("app.ini", "[orapool]\nmax = tiger\n", "app.ini [orapool] line 2"),
        ("app.cfg", "export ORAPOOL_MAX=tiger\n", "app.cfg line 1"),
    ],
)
def test_a_wrong_value_in_a_file_is_told_with_its_place(tmp_path: Path, name: str, text: str, origin: str) -> None:
    (tmp_path / name).write_text(text)

    assert refusal(**DATABASE) == (
        "pool 'default': max: input should be a valid integer, unable to parse string as an integer "
        f"(sessions that may be open at once; set by {tmp_path}/{origin}; also set by variable ORAPOOL_MAX)"
    )


def test_a_wrong_value_of_a_variable_or_mapping_is_told_with_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORAPOOL_REPORTING_DRIVER", "odbc")

    message = refusal("reporting", **DATABASE, config={"ORAPOOL": {"reporting": {"trust": [1]}}})

    assert "driver: input should be 'auto', 'cx_oracle' or 'oracledb' (auto: cx_oracle where it finds Oracle" in message
    assert "; set by variable ORAPOOL_REPORTING_DRIVER)" in message
    assert "trust: input should be a valid number" in message
    assert "; set by mapping['ORAPOOL']['reporting']['trust']; also set by variable ORAPOOL_REPORTING_TRUST)" in message


@pytest.mark.parametrize(("name", "value"), [("max", True), ("trust", False), ("user", True)])
def test_a_truth_value_is_no_number(name: str, value: bool) -> None:
    assert f"{name}: input should not be {str(value).lower()} (" in refusal(**{**DATABASE, name: value})


# Passwords


def test_a_password_may_be_a_function_which_nothing_shows() -> None:
    settings = load_settings(**{**DATABASE, "password": functools.partial(str, "tiger")})

    assert settings.current_password() == "tiger"
    assert "tiger" not in f"{settings!r} {settings}"


@pytest.mark.parametrize("password", [7, ["tiger"], {"x": "tiger"}])
def test_anything_else_is_no_password(password: Any) -> None:
    message = refusal(**{**DATABASE, "password": password})

    assert "password: input should be a string, or a function without parameters that returns one (" in message


def test_two_ways_to_give_the_password_in_one_place_are_refused() -> None:
    config = {"DATABASE_URL": URL, "ORAPOOL_PASSWORD": "tiger", "ORAPOOL_PASSWORD_FILE": "s"}

    assert refusal(config=config) == (
        "pool 'default': password and password_file both give the password "
        "(mapping['ORAPOOL_PASSWORD'], mapping['ORAPOOL_PASSWORD_FILE']): set one of them"
    )
    assert "password_file and password_hook both give the password: set one" in refusal(
        dsn="db/x", user="scott", password_file="s", password_hook="a:b"
    )


@pytest.mark.parametrize("first", ["password", "password_file", "password_hook"])
@pytest.mark.parametrize("second", ["url", "password", "password_file", "password_hook"])
def test_the_first_place_that_has_any_way_to_the_password_counts(
    first: str, second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"ORAPOOL_{first.upper()}", "x:x")
    others = {"url": URL, "password": "other", "password_file": "/other", "password_hook": "other:other"}
    config = {"orapool": {"url": URL.replace(":tiger", ""), second: others[second]}}

    settings = load_settings(config=config)

    given = {name for name in ("password", "password_file", "password_hook") if getattr(settings, name) is not None}
    assert given == {first}
    assert settings.origins[first] == f"variable ORAPOOL_{first.upper()}"


@pytest.mark.parametrize("apart", ["password", "password_file", "password_hook"])
def test_a_password_given_apart_in_the_same_place_overrides_the_urls(apart: str) -> None:
    settings = load_settings(url=URL, **{apart: "x:x"})

    assert settings.password is None or settings.current_password() == "x:x"
    assert settings.origins[apart] == "keyword argument"


def test_a_relative_path_begins_at_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "a.ini").write_text("[orapool]\npassword_file = secret\n")
    database = {"dsn": "db/x", "user": "scott"}

    assert load_settings(**database, config="etc/a.ini").password_file == tmp_path / "etc" / "secret"
    assert load_settings(**database, password_file="secret").password_file == tmp_path / "secret"
    monkeypatch.setenv("HOME", "/home/scott")
    assert load_settings(**database, password_file="~/secret").password_file == Path("/home/scott/secret")


@pytest.mark.parametrize("hook", ["secrets", "a.b", "a:", ":b", "a b:c", "os:system('tiger')"])
def test_a_hook_names_a_module_and_a_function(hook: str) -> None:
    message = refusal(dsn="db/x", user="scott", password_hook=hook)

    assert "password_hook: string should match pattern" in message
    assert "package.module:function" in message


def test_a_malformed_dsn_is_told_with_its_origin_and_ends_with_the_caret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORAPOOL_DSN", "db:15x1/sales")

    with pytest.raises(ConfigurationError) as raised:
        load_settings(user="scott", password="tiger")

    assert "set by variable ORAPOOL_DSN): the connect string cannot be read: a port, from" in str(raised.value)
    assert str(raised.value).endswith(", at character 4:\n    db:15x1/sales\n       ^")


def test_config_dir_begins_at_the_file_that_it_stands_in(tmp_path: Path) -> None:
    path = tmp_path / "app.ini"
    path.write_text("[orapool]\ndsn = sales\nuser = scott\npassword = tiger\nconfig_dir = admin\n")

    assert load_settings(config=path).config_dir == tmp_path / "admin"
