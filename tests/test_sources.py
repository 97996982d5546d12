"""Reading settings out of variables, mappings, and TOML, INI and shell files: what is read, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from orapool.errors import ConfigurationError
from orapool.sources import Source, read_database_variables, read_file, read_mapping, read_variables


def values(entries: dict[str, Any]) -> dict[str, Any]:
    """What was read."""
    return {name: entry.value for name, entry in entries.items()}


def origins(entries: dict[str, Any]) -> dict[str, str]:
    """Where it was read."""
    return {name: entry.origin for name, entry in entries.items()}


def read(folder: Path, name: str, text: str | bytes) -> Source:
    """A file with this text."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_file(path)


def refusal(folder: Path, name: str, text: str | bytes) -> str:
    """Why a file with this text is not read, which shows no password."""
    with pytest.raises(ConfigurationError) as raised:
        read(folder, name, text)
    shown = f"{raised.value!r} {raised.value.__cause__!r}"
    assert "tiger" not in shown
    assert raised.value.__suppress_context__ or raised.value.__context__ is None
    return str(raised.value).replace(str(folder), "DIR")


# Variables and mappings


def test_variables_are_those_of_orapool_that_are_not_empty() -> None:
    environ = {"ORAPOOL_MAX": "8", "orapool_min": "2", "ORAPOOL_USER": "", "ORAPOOL_CONFIG": "x.ini", "PATH": "/bin"}

    source = read_variables(environ)

    assert values(source.variables) == {"ORAPOOL_MAX": "8", "ORAPOOL_MIN": "2"}
    assert origins(source.variables)["ORAPOOL_MIN"] == "variable orapool_min"


def test_the_database_variables_are_apart() -> None:
    environ = {"DATABASE_URL": "oracle://a", "SQLALCHEMY_DATABASE_URI": "", "ORAPOOL_MAX": "8"}

    assert values(read_database_variables(environ).variables) == {"DATABASE_URL": "oracle://a"}


def test_a_mapping_has_variables_binds_and_settings_of_its_own() -> None:
    config = {
        "SQLALCHEMY_DATABASE_URI": "oracle://a",
        "SQLALCHEMY_BINDS": {"reporting": "oracle://b"},
        "ORAPOOL_MAX": 8,
        "ORAPOOL": {"min": 2, "user": None, "batch": {"dsn": "db/x"}},
        "SECRET_KEY": "x",
        7: "x",
    }

    source = read_mapping(config)

    assert set(source.variables) == {"SQLALCHEMY_DATABASE_URI", "SQLALCHEMY_BINDS", "ORAPOOL_MAX"}
    assert {name: values(entries) for name, entries in source.pools.items()} == {
        "default": {"min": 2},
        "batch": {"dsn": "db/x"},
    }
    assert source.pools["batch"]["dsn"].origin == "mapping['ORAPOOL']['batch']['dsn']"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"ORAPOOL": "oracle://scott:tiger@db"}, "mapping['ORAPOOL']: ORAPOOL holds no settings"),
        ({"ORAPOOL": {}, "orapool": {}}, "mapping: settings stand in both orapool and ORAPOOL"),
        ({"orapol": {"max": 3}}, "mapping: [orapol] is not read: did you mean [orapool]?"),
        ({"orapool": {"default": {"max": 3}}}, "the default pool's settings belong into [orapool]"),
    ],
)
def test_a_mapping_that_is_not_understood_is_refused(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read_mapping(config)

    assert message in str(raised.value)
    assert "tiger" not in str(raised.value)


# TOML


@pytest.mark.parametrize("table", ["orapool", "tool.orapool"])
def test_a_toml_file_has_a_table_for_each_pool(tmp_path: Path, table: str) -> None:
    text = f'[{table}]\nmax = 8\npassword = "t#i;g\\"er%"\nuser = ""\n\n[{table}.reporting]\n"dsn" = \'db/x\' # here\n'

    source = read(tmp_path, "a.toml", text)

    assert values(source.pools["default"]) == {"max": 8, "password": 't#i;g"er%'}
    assert values(source.pools["reporting"]) == {"dsn": "db/x"}
    assert source.pools["default"]["max"].origin == f"{tmp_path}/a.toml [{table}] line 2"
    assert source.pools["reporting"]["dsn"].origin == f"{tmp_path}/a.toml [{table}.reporting] line 7"


def test_an_inline_table_is_read_too_though_its_line_is_not_known(tmp_path: Path) -> None:
    source = read(tmp_path, "a.toml", 'orapool = {max = 8, reporting = {dsn = "db/x"}}\n')

    assert source.pools["reporting"]["dsn"].origin == f"{tmp_path}/a.toml [orapool.reporting]"


def test_the_top_of_a_toml_file_is_a_mapping_as_flask_reads_it(tmp_path: Path) -> None:
    text = 'SQLALCHEMY_DATABASE_URI = "oracle://a"\nDEBUG = true\n[SQLALCHEMY_BINDS]\nreporting = "oracle://b"\n'

    source = read(tmp_path, "config.toml", text)

    assert values(source.variables) == {
        "SQLALCHEMY_DATABASE_URI": "oracle://a",
        "SQLALCHEMY_BINDS": {"reporting": "oracle://b"},
    }
    assert source.variables["SQLALCHEMY_DATABASE_URI"].origin == f"{tmp_path}/config.toml line 1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[orapool]\npassword = tiger\n", "DIR/a.toml: not TOML, line 2, column 12: invalid value"),
        ("[orapool]\npassword 'tiger'\n", "DIR/a.toml: not TOML, line 2, column 10: expected '=' after a key"),
        ('[orapool]\npassword = "tiger\n', "DIR/a.toml: not TOML, line 2, column 18: "),
        ("[orapool]\nuser = 'a'\nuser = 'tiger'\n", "DIR/a.toml: not TOML, line 3, column 15: twice the same name"),
        ("[orapool\n", "DIR/a.toml: not TOML, line 1, column 9: expected ']'"),
        ("orapool = 'tiger'\n", "DIR/a.toml line 1: orapool holds no settings: a table or mapping belongs here"),
        ("[orapool]\n[tool.orapool]\n", "DIR/a.toml: settings stand in both orapool and tool.orapool"),
        ("[tool.orapol]\nmax = 3\n", "DIR/a.toml: [orapol] is not read: did you mean [orapool]?"),
        ("[orapool.default]\nmax = 3\n", "DIR/a.toml: [orapool.default]: the default pool's settings belong into"),
    ],
)
def test_a_malformed_toml_file_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    assert refusal(tmp_path, "a.toml", text).startswith(message)


# INI


def test_an_ini_file_has_a_section_for_each_pool_and_one_of_the_application(tmp_path: Path) -> None:
    text = (
        "; comment\n[APP]\nSQLALCHEMY_DATABASE_URI = oracle://a:b@db/?service_name=x\nDebug: true\n\n"
        "[orapool]\nMAX = 8\nuser =\n[orapool.reporting]\ndsn : db/x\n[server]\nmax = 1\n"
    )

    source = read(tmp_path, "app.ini", text)

    assert values(source.variables) == {"SQLALCHEMY_DATABASE_URI": "oracle://a:b@db/?service_name=x"}
    assert {name: values(entries) for name, entries in source.pools.items()} == {
        "default": {"max": "8"},
        "reporting": {"dsn": "db/x"},
    }
    assert source.variables["SQLALCHEMY_DATABASE_URI"].origin == f"{tmp_path}/app.ini [APP] line 3"
    assert source.pools["default"]["max"].origin == f"{tmp_path}/app.ini [orapool] line 7"


@pytest.mark.parametrize(
    "password",
    ["100%", "%(user)s", "a%%b", "%40", "#tiger", "ti#ger ;x", "ti ger", "=tiger:", "'tiger", 't"i"g', "t\\n$x", "ü"],
)
def test_a_password_in_an_ini_file_means_itself(tmp_path: Path, password: str) -> None:
    source = read(tmp_path, "app.ini", f"[orapool]\nuser = scott\npassword = {password}\n")

    assert source.pools["default"]["password"].value == password


def test_a_percent_sign_doubled_for_another_reader_is_one_in_a_url(tmp_path: Path) -> None:
    text = "[APP]\nSQLALCHEMY_DATABASE_URI = oracle://scott:ti%%40ger%%25@db/x\n[orapool]\nurl = oracle://a:10%%@db/x\n"

    source = read(tmp_path, "app.ini", text)

    assert source.variables["SQLALCHEMY_DATABASE_URI"].value == "oracle://scott:ti%40ger%25@db/x"
    assert source.pools["default"]["url"].value == "oracle://a:10%%@db/x"


def test_a_descriptor_may_take_several_lines(tmp_path: Path) -> None:
    source = read(
        tmp_path, "app.ini", "[orapool]\ndsn = (DESCRIPTION=\n  (ADDRESS=...)\n  (CONNECT_DATA=...))\nmax = 3\n"
    )

    assert values(source.pools["default"]) == {"dsn": "(DESCRIPTION=(ADDRESS=...)(CONNECT_DATA=...))", "max": "3"}


def test_the_default_section_is_the_applications_alone(tmp_path: Path) -> None:
    text = "[DEFAULT]\nDATABASE_URL = oracle://a\ndebug = 1\n[APP]\nname = x\n[orapool]\nmax = 3\n"

    source = read(tmp_path, "app.ini", text)

    assert values(source.pools["default"]) == {"max": "3"}
    assert origins(source.variables) == {"DATABASE_URL": f"{tmp_path}/app.ini [APP] line 2"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("password = tiger\n[APP]\n", "DIR/app.ini line 1: a section such as [APP] has to begin first"),
        ("[orapool]\npassword tiger\n", "DIR/app.ini line 2: not a line of name = value"),
        ("[orapool]\nuser = a\nUser = tiger\n", "DIR/app.ini [orapool] line 3: 'user' stands there twice"),
        ("[orapool]\n[APP]\n[orapool]\n", "DIR/app.ini line 3: section [orapool] begins twice"),
        ("[orapol]\nmax = 3\n", "DIR/app.ini: [orapol] is not read: did you mean [orapool]?"),
        ("[Orapool.x]\nmax = 3\n", "DIR/app.ini: [Orapool.x] is not read: did you mean [orapool]?"),
        ("[orapool.]\nmax = 3\n", "DIR/app.ini: [orapool.]: the default pool's settings belong into [orapool]"),
        (
            "[orapool]\npassword = 'tiger'\n",
            "DIR/app.ini [orapool] line 2: password stands in quotes, which in an INI file belong to the value: remove",
        ),
        (
            '[APP]\nDATABASE_URL = "oracle://scott:tiger@db/x"\n',
            "DIR/app.ini [APP] line 2: DATABASE_URL stands in quotes",
        ),
        (
            "[DEFAULT]\npw = tiger\n[APP]\nDATABASE_URL = oracle://scott:%(pw)s@db/x\n",
            "DIR/app.ini [APP] line 4: DATABASE_URL refers to other lines by %(...)s: write their values out",
        ),
    ],
)
def test_a_malformed_ini_file_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    found = refusal(tmp_path, "app.ini", text)

    assert found.lower().startswith(message.lower())


# Shell files


def test_a_shell_file_has_lines_of_variables_among_others(tmp_path: Path) -> None:
    text = """#!/bin/sh
# export ORAPOOL_TRUST=1
set -e
export SQLALCHEMY_DATABASE_URI='oracle://scott:t$i%g#e;r@db/?service_name=x'   # with a comment
export   ORAPOOL_MAX=8
export ORAPOOL_USER="sc ott"
ORAPOOL_MIN = 2
ORAPOOL_DRIVER=
export PATH=/opt:$PATH
[ -n "$ORAPOOL_MAX" ] && echo "$ORAPOOL_MAX"

ORAPOOL_PASSWORD=ti#g er
"""

    source = read(tmp_path, "app.cfg", text)

    assert values(source.variables) == {
        "SQLALCHEMY_DATABASE_URI": "oracle://scott:t$i%g#e;r@db/?service_name=x",
        "ORAPOOL_MAX": "8",
        "ORAPOOL_USER": "sc ott",
        "ORAPOOL_MIN": "2",
        "ORAPOOL_PASSWORD": "ti#g er",
    }
    assert [origin[len(f"{tmp_path}/app.cfg ") :] for origin in origins(source.variables).values()] == [
        "line 4",
        "line 5",
        "line 6",
        "line 7",
        "line 12",
    ]


def test_variables_in_braces_are_filled_in_but_for_single_quotes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_HOST", "db1")
    text = (
        "export DB_PASSWORD='ti${g}er'\n"
        'export ORAPOOL_URL="oracle://scott:${DB_PASSWORD}@${DB_HOST}/x"\n'
        "ORAPOOL_PASSWORD='${DB_PASSWORD}'\n"
        "ORAPOOL_USER=${NO_SUCH_VARIABLE:-scott}\n"
        "GREETING=${NO_SUCH_VARIABLE}\n"
    )

    source = read(tmp_path, ".env", text)

    assert values(source.variables) == {
        "ORAPOOL_URL": "oracle://scott:ti${g}er@db1/x",
        "ORAPOOL_PASSWORD": "${DB_PASSWORD}",
        "ORAPOOL_USER": "scott",
    }


@pytest.mark.parametrize(
    "line",
    [
        'export ORAPOOL_PASSWORD="tiger$1"',
        'export ORAPOOL_PASSWORD="tiger`x`"',
        r'export ORAPOOL_PASSWORD="tiger\$1"',
        r'export ORAPOOL_PASSWORD="tiger\n"',
        r"export ORAPOOL_PASSWORD='tiger\\'",
        r"export ORAPOOL_PASSWORD=tiger\#",
        "export ORAPOOL_PASSWORD=tiger;x",
        "export ORAPOOL_PASSWORD=tiger&x",
        "export ORAPOOL_PASSWORD=tiger one",
        "export ORAPOOL_PASSWORD=$(tiger)",
        "export ORAPOOL_PASSWORD=$tiger",
    ],
)
def test_an_export_that_a_shell_reads_otherwise_is_refused(tmp_path: Path, line: str) -> None:
    assert refusal(tmp_path, "app.cfg", f"\n{line}\n") == (
        "DIR/app.cfg line 2: a shell reads another value of ORAPOOL_PASSWORD there than orapool does: "
        "write export ORAPOOL_PASSWORD='...', in single quotes"
    )


@pytest.mark.parametrize(
    "line",
    [
        "if [ -d x ]; then export ORAPOOL_PASSWORD=tiger; fi",
        "export A=1; export ORAPOOL_PASSWORD=tiger",
        "export A=1 ORAPOOL_PASSWORD=tiger",
        "export ORAPOOL_PASSWORD='tiger",
        'export ORAPOOL_PASSWORD="tiger',
        "export ORAPOOL_PASSWORD='tiger'x",
        "declare -x ORAPOOL_PASSWORD=tiger",
    ],
)
def test_a_shells_statement_that_would_be_missed_is_refused(tmp_path: Path, line: str) -> None:
    assert refusal(tmp_path, "app.cfg", f"set -e\n{line}\n") == (
        "DIR/app.cfg line 2: ORAPOOL_PASSWORD cannot be read: ORAPOOL_PASSWORD='...' or export ORAPOOL_PASSWORD='...' "
        "has to stand in a line of its own, with its quotes closed"
    )


def test_a_variable_that_is_not_set_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, ".env", "ORAPOOL_PASSWORD=x${tiger}\n") == (
        "DIR/.env line 1: ${...} names no variable that is set: single quotes keep it as it is"
    )


# All files


@pytest.mark.parametrize(
    ("name", "text", "read_from"),
    [
        ("a.cfg", "[orapool]\nmax = 8\n", "ini"),
        ("a.conf", "\n; x\n# y\n [orapool]\nmax = 8\n", "ini"),
        ("a.cfg", "export ORAPOOL_MAX=8\n[ -f x ]\n", "shell"),
        ("a", "# x\nORAPOOL_MAX=8\n", "shell"),
    ],
)
def test_what_a_file_is_tells_its_name_or_its_first_line(tmp_path: Path, name: str, text: str, read_from: str) -> None:
    source = read(tmp_path, name, text)

    found = source.pools["default"]["max"] if read_from == "ini" else source.variables["ORAPOOL_MAX"]
    assert found.value == "8"


FILES = [
    ("a.toml", "[orapool]\nuser = 'scött'\nmax = '8'\n"),
    ("a.ini", "[orapool]\nuser = scött\nmax = 8\n"),
    ("a.sh", "export ORAPOOL_USER='scött'\nexport ORAPOOL_MAX=8\n"),
]


@pytest.mark.parametrize(("name", "text"), FILES)
def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path, name: str, text: str) -> None:
    source = read(tmp_path, name, b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())

    found = source.pools.get("default") or source.variables
    assert list(values(found).values()) == ["scött", "8"]
    assert [origin[-1] for origin in origins(found).values()] == [
        "1" if name == "a.sh" else "2",
        "2" if name == "a.sh" else "3",
    ]


@pytest.mark.parametrize(("name", "text"), FILES)
def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path, name: str, text: str) -> None:
    line = 1 if name == "a.sh" else 2

    message = refusal(tmp_path, name, text.encode("latin-1"))

    assert message == f"DIR/{name} line {line}: not UTF-8: save the file as UTF-8"


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read_file(tmp_path, "config")

    assert str(raised.value) == f"{tmp_path} (named by config) cannot be read: Is a directory"


def test_sources_and_entries_hide_their_values(tmp_path: Path) -> None:
    source = read(tmp_path, "a.toml", 'DATABASE_URL = "oracle://scott:tiger@db/x"\n[orapool]\npassword = "tiger"\n')

    assert "tiger" not in repr(source)


def test_sqlalchemys_own_urls_are_read_with_their_password() -> None:
    from orapool.sources import url_text

    url = sqlalchemy.engine.url.make_url("oracle+oracledb://scott:ti%40ger@db:1522/?service_name=sales")

    assert url_text(url) == "oracle+oracledb://scott:ti%40ger@db:1522/?service_name=sales"
