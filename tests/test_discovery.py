"""The places that settings come from: each alone, and which of two counts."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any, Callable

import pytest

from orapool.discovery import find_sources
from orapool.errors import ConfigurationError
from orapool.settings import PoolSettings, load_settings


def url(user: str) -> str:
    """An URL by which the source can be told."""
    return f"oracle://{user}:tiger@db:1522/?service_name=sales"


def write(folder: Path, name: str, text: str) -> Path:
    """A file in the folder."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


Given = dict[str, Any]
Place = Callable[[Path, pytest.MonkeyPatch], Given]


def keyword(folder: Path, patch: pytest.MonkeyPatch) -> Given:
    return {"url": url("keyword")}


def variable(folder: Path, patch: pytest.MonkeyPatch) -> Given:
    patch.setenv("ORAPOOL_URL", url("variable"))
    return {}


def named_file(folder: Path, patch: pytest.MonkeyPatch) -> Given:
    other = folder / "etc"
    other.mkdir()
    patch.setenv("ORAPOOL_CONFIG", str(write(other, "any.toml", f'[orapool]\nurl = "{url("named_file")}"\n')))
    return {}


def toml(folder: Path, patch: pytest.MonkeyPatch) -> Given:
    write(folder, "pyproject.toml", f'[project]\nname = "x"\n[tool.orapool]\nurl = "{url("toml")}"\n')
    return {}


def ini(folder: Path, patch: pytest.MonkeyPatch) -> Given:
    write(folder, "app.ini", f"[APP]\nSQLALCHEMY_DATABASE_URI = {url('ini')}\n")
    return {}


def shell(folder: Path, patch: pytest.MonkeyPatch) -> Given:
    write(folder, "app.cfg", f"export SQLALCHEMY_DATABASE_URI='{url('shell')}'\n")
    return {}


def mapping(folder: Path, patch: pytest.MonkeyPatch) -> Given:
    return {"config": {"DEBUG": True, "SQLALCHEMY_DATABASE_URI": url("mapping")}}


def sqlalchemy_database_uri(folder: Path, patch: pytest.MonkeyPatch) -> Given:
    patch.setenv("SQLALCHEMY_DATABASE_URI", url("sqlalchemy_database_uri"))
    return {}


def database_url(folder: Path, patch: pytest.MonkeyPatch) -> Given:
    patch.setenv("DATABASE_URL", url("database_url"))
    return {}


IN_ORDER: list[Place] = [
    keyword,
    variable,
    named_file,
    toml,
    ini,
    shell,
    mapping,
    sqlalchemy_database_uri,
    database_url,
]
ORIGINS = {
    "keyword": "keyword argument",
    "variable": "variable ORAPOOL_URL",
    "named_file": "{}/etc/any.toml [orapool] line 2",
    "toml": "{}/pyproject.toml [tool.orapool] line 4",
    "ini": "{}/app.ini [APP] line 2",
    "shell": "{}/app.cfg line 1",
    "mapping": "mapping['SQLALCHEMY_DATABASE_URI']",
    "sqlalchemy_database_uri": "variable SQLALCHEMY_DATABASE_URI",
    "database_url": "variable DATABASE_URL",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with nothing in it, and no variables."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("ORAPOOL_") or name in ("SQLALCHEMY_DATABASE_URI", "DATABASE_URL"):
            monkeypatch.delenv(name)
    return tmp_path


@pytest.mark.parametrize("place", IN_ORDER)
def test_each_place_is_enough_alone_and_is_told(place: Place, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(**place(folder, monkeypatch))

    assert (settings.user, settings.current_password(), settings.dsn) == (place.__name__, "tiger", "db:1522/sales")
    origin = ORIGINS[place.__name__].format(folder)
    assert [settings.origins[name] for name in ("user", "password", "dsn", "max")] == [origin] * 3 + ["default"]


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(IN_ORDER, 2)))
def test_of_two_places_the_first_counts(
    first: Place, second: Place, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {**second(folder, monkeypatch), **first(folder, monkeypatch)}

    settings = load_settings(**given)

    assert settings.user == first.__name__
    assert settings.origins["dsn"] == ORIGINS[first.__name__].format(folder)


def test_each_setting_is_taken_from_the_first_place_that_has_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORAPOOL_MAX", "11")
    monkeypatch.setenv("ORAPOOL_CONFIG", str(write(folder, "any.ini", "[orapool]\nmax = 12\nmin = 3\n")))
    write(folder, "orapool.toml", "[orapool]\nmax = 13\nmin = 4\ntrust = 5\n")
    write(folder, "orapool.ini", "[orapool]\nmax = 14\nmin = 5\ntrust = 6\nping_timeout = 7\n")
    write(folder, ".env", "ORAPOOL_PING_TIMEOUT=8\nORAPOOL_INCREMENT=9\n")
    config = {"ORAPOOL_INCREMENT": 10, "ORAPOOL_CALL_TIMEOUT": 11, "DATABASE_URL": url("scott")}

    settings = load_settings(config=config, acquire_timeout=1)

    found = {name: (getattr(settings, name), origin) for name, origin in settings.origins.items()}
    assert found["acquire_timeout"] == (1, "keyword argument")
    assert found["max"] == (11, "variable ORAPOOL_MAX")
    assert found["min"] == (3, f"{folder}/any.ini [orapool] line 3")
    assert found["trust"] == (5, f"{folder}/orapool.toml [orapool] line 4")
    assert found["ping_timeout"] == (7, f"{folder}/orapool.ini [orapool] line 5")
    assert found["increment"] == (9, f"{folder}/.env line 2")
    assert found["call_timeout"] == (11, "mapping['ORAPOOL_CALL_TIMEOUT']")
    assert found["user"] == ("scott", "mapping['DATABASE_URL']")
    assert found["keepalive_idle"] == (60, "default")


def test_in_one_file_a_section_of_its_own_counts_before_the_applications(folder: Path) -> None:
    write(
        folder,
        "app.ini",
        f"[APP]\nDATABASE_URL = {url('b')}\nSQLALCHEMY_DATABASE_URI = {url('a')}\nORAPOOL_MAX = 5\nORAPOOL_MIN = 2\n"
        "[orapool]\nmax = 6\n",
    )

    settings = load_settings()

    assert (settings.user, settings.max, settings.min) == ("a", 6, 2)


def test_a_file_of_orapools_own_name_counts_before_the_other_in_its_folder(folder: Path) -> None:
    write(folder, "pyproject.toml", f'[tool.orapool]\nurl = "{url("pyproject")}"\n')
    write(folder, "orapool.toml", f'[orapool]\nurl = "{url("own")}"\n')
    write(folder, "app.ini", "[orapool]\nmax = 6\n")
    write(folder, "orapool.ini", "[orapool]\nmax = 7\n")

    settings = load_settings()

    assert (settings.user, settings.max) == ("own", 7)
    assert [source.label for source in find_sources()] == [f"{folder}/orapool.toml", f"{folder}/orapool.ini"]


def test_in_a_repository_the_folders_above_are_searched_up_to_its_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = folder / "repository"
    notebooks = repository / "src" / "notebooks"
    notebooks.mkdir(parents=True)
    (repository / ".git").mkdir()
    write(folder, "orapool.toml", f'[orapool]\nurl = "{url("above_the_repository")}"\n')
    write(repository, "app.ini", f"[APP]\nSQLALCHEMY_DATABASE_URI = {url('scott')}\n")
    write(repository, "orapool.toml", "[orapool]\nmax = 5\n")
    write(repository / "src", "pyproject.toml", "[project]\ndependencies = ['orapool']\n")
    monkeypatch.chdir(notebooks)

    settings = load_settings()

    assert (settings.user, settings.max) == ("scott", 5)
    write(repository / "src", "orapool.toml", "[orapool]\nmax = 6\n")
    assert load_settings().max == 6, "the nearer file counts"


def test_outside_of_a_repository_only_the_working_directory_is_searched(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, "orapool.toml", f'[orapool]\nurl = "{url("scott")}"\n')
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")

    assert find_sources() == []


def test_a_working_directory_that_is_gone_has_no_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "gone").mkdir()
    monkeypatch.chdir(folder / "gone")
    (folder / "gone").rmdir()

    assert load_settings(url=url("scott")).user == "scott"
    monkeypatch.chdir(folder)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", "this is [not TOML"),
        ("app.ini", "[APP]\nSECRET_KEY = \xe4\n[APP]\n"),
        (".env", "if true; then FLASK_APP=x; fi\nPATH='"),
        ("app.cfg", "[server]\nport = 80\n"),
        ("app.ini", "[APP]\nSQLALCHEMY_ECHO = 1\n"),
    ],
)
def test_files_that_have_nothing_to_do_with_it_are_passed_over(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="latin-1")

    assert find_sources() == []


def test_a_folder_of_such_a_name_is_passed_over(folder: Path) -> None:
    (folder / ".env").mkdir()

    assert find_sources() == []


@pytest.mark.parametrize(("name", "text"), [("app.ini", "[orapool]\nmax 5\n"), ("orapool.toml", "[orapool\n")])
def test_files_that_mention_orapool_have_to_be_right(folder: Path, name: str, text: str) -> None:
    write(folder, name, text)

    with pytest.raises(ConfigurationError, match=str(folder / name)):
        load_settings(url=url("scott"))


def test_a_named_file_has_to_be_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORAPOOL_CONFIG", "etc/nowhere.toml")

    with pytest.raises(ConfigurationError) as raised:
        load_settings(url=url("scott"))

    path = folder / "etc/nowhere.toml"
    assert str(raised.value) == f"{path} (named by variable ORAPOOL_CONFIG) cannot be read: No such file or directory"


def test_an_empty_variable_names_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORAPOOL_CONFIG", "")

    assert find_sources() == []


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("any.toml", "[server]\nport = 80\n", "a table [orapool] or [tool.orapool]"),
        ("any.ini", "[APP]\nport = 80\n", "a section [orapool], or [APP] with ORAPOOL_..."),
        ("any.cfg", "[server]\nport = 80\n", "a section [orapool], or [APP] with ORAPOOL_..."),
        ("any.sh", "export PORT=80\n", "lines such as export ORAPOOL_URL=..."),
        ("empty", "", "lines such as export ORAPOOL_URL=..."),
    ],
)
def test_a_named_file_has_to_say_something(folder: Path, name: str, text: str, expected: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load_settings(config=write(folder, name, text))

    assert str(raised.value) == (
        f"{folder / name} (named by config) says nothing about a pool: expected {expected}, "
        "SQLALCHEMY_DATABASE_URI or DATABASE_URL"
    )


def test_the_programs_file_is_read_in_place_of_the_variables(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named_file(folder, monkeypatch)
    mine = write(folder, "mine.sh", f"ORAPOOL_URL={url('mine')}\n")

    assert load_settings(config=str(mine)).user == "mine"
    assert [source.label for source in find_sources("mine.sh")] == [str(mine)]


def test_a_file_found_twice_is_one_source(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ini(folder, monkeypatch)
    monkeypatch.setenv("ORAPOOL_CONFIG", "app.ini")

    assert [source.label for source in find_sources()] == [f"{folder}/app.ini"]


def test_no_source_shows_a_value(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: Given = {}
    for place in IN_ORDER:
        given.update(place(folder, monkeypatch))

    shown = repr(find_sources(given["config"])) + repr(load_settings(**given))

    assert "mapping['SQLALCHEMY_DATABASE_URI']" in shown
    assert "tiger" not in shown
    assert isinstance(load_settings(**given), PoolSettings)
