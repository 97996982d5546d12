"""`OraPool(app)`: an application's configuration as it was for Flask-SQLAlchemy, on the pool."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text
from sqlalchemy.engine import Engine
from sqlalchemy.engine.url import make_url
from sqlalchemy.pool import NullPool, QueuePool

import orapool
from orapool import pools
from orapool.cli.flask import orapool as commands
from orapool.flask import OraPool
from orapool.sandbox import Sandbox

ONE_SET_FOR_ALL = metadata.version("Flask-SQLAlchemy") < "3"
"""Flask-SQLAlchemy 2 gives SQLALCHEMY_ENGINE_OPTIONS to the engines of binds too."""


@pytest.fixture(autouse=True)
def _clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No pool, no settings file, no variables; everything closed at the end."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pools, "_settings", {})
    monkeypatch.setattr(pools, "_config", None)
    for name in os.environ:
        if name.startswith("ORAPOOL_") or name in ("SQLALCHEMY_DATABASE_URI", "DATABASE_URL"):
            monkeypatch.delenv(name)
    yield
    orapool.close()


@pytest.fixture
def uri(sandbox: Sandbox, driver: str) -> str:
    """The URL of scott's database."""
    place, _, service = sandbox.dsn.partition("/")
    return f"oracle+{driver}://scott:tiger@{place}/?service_name={service}"


@pytest.fixture
def reporting(uri: str) -> str:
    """The URL of another user's."""
    return uri.replace("scott:tiger", "sh:sales")


def application(**config: Any) -> Flask:
    app = Flask(__name__)
    app.config.update({"SQLALCHEMY_TRACK_MODIFICATIONS": False, **config})
    return app


def engine_of(db: SQLAlchemy, bind: str | None = None) -> Engine:
    return db.get_engine(bind=bind) if ONE_SET_FOR_ALL else db.engines[bind]


def user_of(engine: Engine) -> str:
    with engine.connect() as connection:
        return str(connection.execute(text("select user from dual")).scalar())


def in_force(pool: str = "default") -> dict[str, Any]:
    return pools.configured()[pool].model_dump()


def test_the_orm_sql_and_scripts_share_one_pool(uri: str, sandbox: Sandbox) -> None:
    app = application(SQLALCHEMY_DATABASE_URI=uri, SQLALCHEMY_ENGINE_OPTIONS={"pool_size": 2, "max_overflow": 1})
    before = sandbox.stats()

    OraPool(app)
    db = SQLAlchemy(app)
    connects = (sandbox.stats() - before).connects
    with app.app_context():
        engine = engine_of(db)
        orm = db.session.execute(text("select 1 from dual")).scalar()
        db.session.remove()
    with orapool.connection() as connection:
        raw = connection.cursor().execute("select 2 from dual").fetchone()[0]
    with orapool.engine().connect() as other:
        sql = other.execute(text("select 3 from dual")).scalar()

    assert connects == 0
    assert (orm, raw, sql) == (1, 2, 3)
    assert orapool.pool().stats().checkouts >= 3
    assert sandbox.stats().sessions == orapool.pool().stats().opened == 1
    assert isinstance(engine.pool, NullPool)


def test_monday_morning_is_not_seen(uri: str, sandbox: Sandbox) -> None:
    app = application(SQLALCHEMY_DATABASE_URI=uri)
    OraPool(app)
    db = SQLAlchemy(app)
    with app.app_context():
        engine = engine_of(db)
    assert user_of(engine) == "SCOTT"

    assert sandbox.end_sessions("fin") == 1

    assert user_of(engine) == "SCOTT"


def test_init_app(uri: str) -> None:
    pool, db = OraPool(), SQLAlchemy()
    app = application(SQLALCHEMY_DATABASE_URI=uri)

    pool.init_app(app)
    db.init_app(app)

    assert app.extensions["orapool"] is pool
    with app.app_context():
        assert user_of(engine_of(db)) == "SCOTT"


def test_no_password_stays_in_the_configuration(uri: str, reporting: str) -> None:
    app = application(SQLALCHEMY_DATABASE_URI=make_url(uri), SQLALCHEMY_BINDS={"reporting": reporting})

    OraPool(app)

    assert "tiger" not in str(app.config)
    assert "sales" not in str(app.config)


def test_the_old_options_are_translated(uri: str) -> None:
    app = application(
        SQLALCHEMY_DATABASE_URI=uri,
        SQLALCHEMY_POOL_SIZE=20,
        SQLALCHEMY_POOL_TIMEOUT=100,
        SQLALCHEMY_ENGINE_OPTIONS={
            "max_overflow": 5,
            "pool_recycle": 280,
            "pool_pre_ping": True,
            "connect_args": {"connect_timeout": 3},
            "echo": False,
        },
    )

    OraPool(app)
    db = SQLAlchemy(app)

    found = in_force()
    assert (found["max"], found["min"], found["acquire_timeout"]) == (25, 1, 100)
    assert (found["max_lifetime"], found["connect_timeout"]) == (280, 3)
    origins = pools.configured()["default"].origins
    assert origins["max_lifetime"] == (
        "mapping['SQLALCHEMY_POOL_SIZE'], mapping['SQLALCHEMY_POOL_TIMEOUT'], mapping['SQLALCHEMY_ENGINE_OPTIONS']"
    )
    with app.app_context():
        assert user_of(engine_of(db)) == "SCOTT"


def test_a_setting_of_orapools_counts_more_and_is_told(uri: str, caplog: pytest.LogCaptureFixture) -> None:
    app = application(
        SQLALCHEMY_DATABASE_URI=uri,
        SQLALCHEMY_ENGINE_OPTIONS={"pool_size": 20, "pool_timeout": 7, "pool_recycle": 280},
        ORAPOOL_MAX=8,
        ORAPOOL={"acquire_timeout": 9},
    )

    OraPool(app)
    db = SQLAlchemy(app)
    with app.app_context():
        engine_of(db)

    assert (in_force()["max"], in_force()["acquire_timeout"], in_force()["max_lifetime"]) == (8, 9, 280)
    assert [record.getMessage() for record in caplog.records if record.name == "orapool.alchemy"] == [
        "pool 'default': the engine's options ask for max=30; in force is max=8, set by mapping['ORAPOOL_MAX']",
        "pool 'default': the engine's options ask for acquire_timeout=7.0; in force is acquire_timeout=9.0, "
        "set by mapping['ORAPOOL']['acquire_timeout']",
    ]


def test_what_has_no_counterpart_is_told(uri: str, caplog: pytest.LogCaptureFixture) -> None:
    app = application(SQLALCHEMY_DATABASE_URI=uri, SQLALCHEMY_ENGINE_OPTIONS={"poolclass": NullPool, "echo_pool": True})

    OraPool(app)
    db = SQLAlchemy(app)
    with app.app_context():
        engine_of(db)

    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        "pool 'default': the engine's options: no counterpart in orapool, left out: poolclass (sessions are kept and "
        "checked, in place of a log-on each time; set max); echo_pool (watch the logger orapool.pool, and "
        "orapool.pool().stats())"
    )


def test_options_of_the_extension_itself_are_told(uri: str, caplog: pytest.LogCaptureFixture) -> None:
    app = application(SQLALCHEMY_DATABASE_URI=uri)

    OraPool(app)
    db = SQLAlchemy(app, engine_options={"pool_size": 20, "max_overflow": 5})
    with app.app_context():
        assert user_of(engine_of(db)) == "SCOTT"

    assert in_force()["max"] == 4
    assert "pool 'default': the engine's options ask for max=25; in force is max=4, set by default" in caplog.messages


def test_binds_are_named_pools_and_others_stay(uri: str, reporting: str, tmp_path: Path) -> None:
    files = f"sqlite:///{tmp_path}/files.db"
    app = application(
        SQLALCHEMY_DATABASE_URI=uri,
        SQLALCHEMY_ENGINE_OPTIONS={"poolclass": QueuePool, "pool_size": 2, "max_overflow": 1, "pool_timeout": 3},
        SQLALCHEMY_BINDS={"reporting": reporting, "files": files},
        ORAPOOL_REPORTING_MAX=2,
    )

    OraPool(app)
    db = SQLAlchemy(app)
    with app.app_context():
        engines = [engine_of(db, bind) for bind in (None, "reporting", "files")]

    assert [user_of(engine) for engine in engines[:2]] == ["SCOTT", "SH"]
    assert set(pools.configured()) == {"default", "reporting"}
    assert (orapool.pool("default").stats().opened, orapool.pool("reporting").stats().opened) == (1, 1)
    assert (in_force("default")["max"], in_force("reporting")["max"]) == (3, 2)
    assert in_force("reporting")["acquire_timeout"] == (3 if ONE_SET_FOR_ALL else 30)
    assert app.config["SQLALCHEMY_BINDS"]["files"] == files
    assert str(engines[2].url) == files
    if ONE_SET_FOR_ALL:
        assert isinstance(engines[2].pool, QueuePool)
        assert engines[2].pool.size() == 2


@pytest.mark.deselect_if(ONE_SET_FOR_ALL, reason="Flask-SQLAlchemy 2 knows no binds with options")
def test_a_bind_has_options_of_its_own(uri: str, reporting: str) -> None:
    bind = {"url": reporting, "pool_size": 2, "max_overflow": 0, "echo": False}
    app = application(SQLALCHEMY_DATABASE_URI=uri, SQLALCHEMY_BINDS={"reporting": bind})

    OraPool(app)
    db = SQLAlchemy(app)

    assert in_force("reporting")["max"] == 2
    assert bind["url"] == reporting
    with app.app_context():
        assert user_of(engine_of(db, "reporting")) == "SH"


@pytest.mark.deselect_if(ONE_SET_FOR_ALL, reason="Flask-SQLAlchemy 2 has SQLite for an application without a URL")
@pytest.mark.parametrize("also", [{}, {None: "the URL"}])
def test_an_application_of_binds_alone(reporting: str, also: dict[Any, str]) -> None:
    app = application(SQLALCHEMY_BINDS={**dict.fromkeys(also, reporting), "reporting": reporting})

    OraPool(app)
    db = SQLAlchemy(app)

    assert set(pools.configured()) == ({"default", "reporting"} if also else {"reporting"})
    with app.app_context():
        assert {user_of(engine) for engine in db.engines.values()} == {"SH"}


def test_another_database_with_a_bind_of_oracle(reporting: str) -> None:
    app = application(SQLALCHEMY_DATABASE_URI="sqlite://", SQLALCHEMY_BINDS={"reporting": reporting})

    OraPool(app)
    db = SQLAlchemy(app)

    assert set(pools.configured()) == {"reporting"}
    with app.app_context():
        assert engine_of(db).url.drivername == "sqlite"
        assert user_of(engine_of(db, "reporting")) == "SH"


@pytest.mark.parametrize("config", [{}, {"SQLALCHEMY_DATABASE_URI": "oracle://"}])
def test_a_settings_file_says_where_the_database_is(
    uri: str, reporting: str, tmp_path: Path, config: dict[str, str]
) -> None:
    (tmp_path / "app.ini").write_text(
        f"[APP]\nSQLALCHEMY_DATABASE_URI = {uri}\n[orapool]\nmax = 7\n[orapool.reporting]\nurl = {reporting}\n"
    )
    app = application(**config, SQLALCHEMY_BINDS={"reporting": "oracle://"})

    OraPool(app)
    db = SQLAlchemy(app)

    assert in_force()["max"] == 7
    with app.app_context():
        assert [user_of(engine_of(db, bind)) for bind in (None, "reporting")] == ["SCOTT", "SH"]


@pytest.mark.parametrize(
    ("credentials", "arguments"),
    [("", {"user": "sh", "password": "sales"}), ("sh:sales", {}), ("sh:x", {"password": "sales"})],
)
def test_the_address_may_stand_in_connect_args(
    credentials: str, arguments: dict[str, str], sandbox: Sandbox, driver: str
) -> None:
    app = application(
        SQLALCHEMY_DATABASE_URI=f"oracle+{driver}://{credentials}@",
        SQLALCHEMY_ENGINE_OPTIONS={"connect_args": {"dsn": sandbox.dsn, **arguments}},
    )

    OraPool(app)
    db = SQLAlchemy(app)

    with app.app_context():
        assert user_of(engine_of(db)) == "SH"
    assert in_force()["driver"] == driver


@pytest.mark.deselect_if(ONE_SET_FOR_ALL, reason="Flask-SQLAlchemy 2 knows no binds with options")
def test_so_may_those_of_binds(uri: str, sandbox: Sandbox) -> None:
    binds = {
        name: {"url": f"oracle://{who}@", "connect_args": {"dsn": sandbox.dsn}}
        for name, who in {"reporting": "sh:sales", "batch": "scott:tiger"}.items()
    }
    app = application(SQLALCHEMY_DATABASE_URI=uri, SQLALCHEMY_BINDS=binds)

    OraPool(app)
    db = SQLAlchemy(app)

    with app.app_context():
        assert [user_of(engine_of(db, name)) for name in ("reporting", "batch")] == ["SH", "SCOTT"]


def test_coming_too_late_is_told(uri: str) -> None:
    app = application(SQLALCHEMY_DATABASE_URI=uri)
    SQLAlchemy(app)

    with pytest.raises(orapool.ConfigurationError) as raised:
        OraPool(app)

    assert str(raised.value).startswith("OraPool comes too late")
    assert "before SQLAlchemy(app) or db.init_app(app)" in str(raised.value)


def test_twice_is_told(uri: str) -> None:
    app = application(SQLALCHEMY_DATABASE_URI=uri)
    OraPool(app)

    with pytest.raises(orapool.ConfigurationError, match="has been set up for this application already"):
        OraPool(app)


def test_both_ways_at_once_are_told(uri: str) -> None:
    orapool.configure(url=uri)
    app = application(SQLALCHEMY_DATABASE_URI=uri, SQLALCHEMY_ENGINE_OPTIONS=orapool.engine_options())

    with pytest.raises(orapool.ConfigurationError, match="engine_options.. and OraPool do the same"):
        OraPool(app)


def test_a_bind_may_not_have_the_default_pools_name(uri: str) -> None:
    app = application(SQLALCHEMY_DATABASE_URI=uri, SQLALCHEMY_BINDS={"default": uri})

    with pytest.raises(orapool.ConfigurationError, match="SQLALCHEMY_BINDS: 'default' is the pool of SQLALCHEMY_DATA"):
        OraPool(app)


def test_an_application_without_a_database_is_told() -> None:
    with pytest.raises(orapool.ConfigurationError, match="pool 'default': nothing says where its database is"):
        OraPool(application())


def test_a_wrong_option_is_told(uri: str) -> None:
    with pytest.raises(orapool.ConfigurationError, match="engine options: pool_size should be a number"):
        OraPool(application(SQLALCHEMY_DATABASE_URI=uri, SQLALCHEMY_ENGINE_OPTIONS={"pool_size": "x"}))


# flask orapool ...


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(commands, list(arguments))


def test_flask_orapool_config(uri: str, reporting: str, sandbox: Sandbox) -> None:
    app = application(SQLALCHEMY_DATABASE_URI=uri, SQLALCHEMY_BINDS={"reporting": reporting}, ORAPOOL_MAX=8)
    OraPool(app)
    before = sandbox.stats()

    result = run(app, "config")

    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.output.splitlines()]
    assert "max 8 mapping['ORAPOOL_MAX']" in lines
    assert "user sh mapping['SQLALCHEMY_BINDS']['reporting']" in lines
    assert lines[:2] == ["Settings are found in, the first that has one counts:", "mapping"]
    assert (sandbox.stats() - before).connects == 0
    assert "tiger" not in result.output
    assert "Pool default" not in run(app, "config", "reporting").output


def test_flask_orapool_check(uri: str, reporting: str, sandbox: Sandbox) -> None:
    app = application(
        SQLALCHEMY_DATABASE_URI=uri, SQLALCHEMY_BINDS={"reporting": reporting.replace("sales@", "wrong@")}
    )
    OraPool(app)

    good, both = run(app, "check", "default"), run(app, "check", "--timeout", "5")

    assert good.exit_code == 0
    assert good.output.startswith("Pool default: good, checkout ")
    assert good.output.endswith(" ms\n")
    assert both.exit_code == 1
    first, second = both.output.splitlines()
    assert first.startswith("Pool default: good")
    assert second.startswith("Pool reporting: failed after 0.")
    assert "ORA-01017" in second


def test_flask_orapool_doctor(uri: str, reporting: str) -> None:
    app = application(
        SQLALCHEMY_DATABASE_URI=uri, SQLALCHEMY_BINDS={"reporting": reporting.replace("sales@", "wrong@")}
    )
    OraPool(app)

    good, both = run(app, "doctor", "default"), run(app, "doctor", "--json")

    assert good.exit_code == 0
    assert good.output.startswith("Pool default, ")
    assert "mapping['SQLALCHEMY_DATABASE_URI']" in good.output
    assert both.exit_code == 1
    assert [(each["pool"], each["fails_at"]) for each in json.loads(both.output)] == [
        ("default", None),
        ("reporting", "credentials"),
    ]
    assert "wrong" not in both.output


def test_flask_orapool_check_pings_an_idle_session(uri: str, sandbox: Sandbox) -> None:
    app = application(SQLALCHEMY_DATABASE_URI=uri)
    OraPool(app)
    run(app, "check")
    before = sandbox.stats()

    result = run(app, "check", "--json")

    assert (sandbox.stats() - before).round_trips == {"ping": 1}
    assert '"error": null' in result.output


def test_flask_orapool_stats(uri: str) -> None:
    app = application(SQLALCHEMY_DATABASE_URI=uri)
    OraPool(app)

    result = run(app, "stats")

    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.output.splitlines()]
    assert lines[0] == "Pool default:"
    assert {"opened 1", "busy 0", "checkouts 1", "log_ons 1", "dropped 0", "outage_since -"} <= set(lines)
    assert '"checkouts": 2' in run(app, "stats", "--json").output


def test_a_pool_that_the_application_has_not_is_told(uri: str) -> None:
    app = application(SQLALCHEMY_DATABASE_URI=uri)
    OraPool(app)

    result = run(app, "check", "reporting")

    assert result.exit_code == 1
    assert result.output == "Error: pool 'reporting' is not the application's: it has default\n"


def test_the_plain_way_has_the_commands_too(uri: str) -> None:
    orapool.configure(url=uri)
    app = application(SQLALCHEMY_DATABASE_URI=orapool.url(), SQLALCHEMY_ENGINE_OPTIONS=orapool.engine_options())
    SQLAlchemy(app)

    assert run(app, "check").output.startswith("Pool default: good")


def test_the_flask_command_finds_the_group(uri: str, tmp_path: Path) -> None:
    (tmp_path / "app.ini").write_text(f"[APP]\nSQLALCHEMY_DATABASE_URI = {uri}\n")
    (tmp_path / "shop.py").write_text(
        "from flask import Flask\nfrom orapool.flask import OraPool\napp = Flask('shop')\nOraPool(app)\n"
    )
    command = [sys.executable, "-m", "flask", "orapool", "check"]
    environment = {
        **os.environ,
        "FLASK_APP": "shop",
        "PYTHONWARNINGS": "ignore",
        "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path]),
    }

    good = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    (tmp_path / "app.ini").write_text("[orapool]\nmx = 3\n")
    wrong = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.startswith("Pool default: good")
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("Error: pool 'default': ")
    assert "did you mean 'max'?" in wrong.stderr
    assert wrong.stderr.count("\n") == 1


# Who is at work.

WHO = "select module, action, client_identifier from v$session where sid = sys_context('userenv', 'sid')"


def three_ways(app: Flask, db: SQLAlchemy) -> Any:
    """A view that asks V$SESSION who it is, through the ORM, a raw engine and a connection."""

    @app.route("/three")
    def three_ways() -> dict[str, Any]:
        found = {"orm": tuple(db.session.execute(text(WHO)).first())}
        with orapool.engine().connect() as connection:
            found["sql"] = tuple(connection.execute(text(WHO)).first())
        with orapool.connection() as own, own.cursor() as cursor:
            found["connection"] = cursor.execute(WHO).fetchone()
        return found

    return three_ways


@pytest.mark.parametrize("user", ["kim", None, 7])
def test_v_session_shows_application_endpoint_and_user(uri: str, user: Any) -> None:
    app, db = Flask("shop"), SQLAlchemy()
    app.config.update(SQLALCHEMY_TRACK_MODIFICATIONS=False, SQLALCHEMY_DATABASE_URI=uri, ORAPOOL_MODULE="otherwise")
    OraPool(app, client_identifier=lambda: user)
    db.init_app(app)
    three_ways(app, db)

    found = app.test_client().get("/three").get_json()

    assert list(found.values()) == [["shop", "three_ways", None if user is None else str(user)]] * 3
    with app.app_context():
        assert tuple(db.session.execute(text(WHO)).first()) == ("shop", None, None)
        db.session.remove()
    with orapool.engine().connect() as connection:
        assert tuple(connection.execute(text(WHO)).first()) == ("otherwise", None, None)


def test_a_user_never_shows_in_another_s_request(uri: str) -> None:
    users = iter(["kim", None, "lee"])
    app, db = Flask("shop"), SQLAlchemy()
    app.config.update(SQLALCHEMY_TRACK_MODIFICATIONS=False, SQLALCHEMY_DATABASE_URI=uri, ORAPOOL_MAX=1)
    OraPool(app, client_identifier=lambda: next(users))
    db.init_app(app)

    @app.route("/me")
    def me() -> dict[str, Any]:
        return {"user": db.session.execute(text(WHO)).first()[2]}

    client = app.test_client()
    assert [client.get("/me").get_json()["user"] for _ in range(3)] == ["kim", None, "lee"]
    assert orapool.pool().stats().log_ons == 1


def test_a_tag_counts_more_than_the_request(uri: str) -> None:
    app, db = Flask("shop"), SQLAlchemy()
    app.config.update(SQLALCHEMY_TRACK_MODIFICATIONS=False, SQLALCHEMY_DATABASE_URI=uri)
    OraPool(app)
    db.init_app(app)

    @app.route("/export")
    def export() -> dict[str, Any]:
        with orapool.tag(action="export.pdf"), orapool.engine().connect() as connection:
            return {"who": list(connection.execute(text(WHO)).first())}

    assert app.test_client().get("/export").get_json()["who"] == ["shop", "export.pdf", None]


def test_a_client_identifier_that_fails_is_left_out(uri: str, caplog: pytest.LogCaptureFixture) -> None:
    app, db = Flask("shop"), SQLAlchemy()
    app.config.update(SQLALCHEMY_TRACK_MODIFICATIONS=False, SQLALCHEMY_DATABASE_URI=uri)
    asked = []

    def ask_the_database() -> str:
        with orapool.connection() as connection, connection.cursor() as cursor:
            asked.append(cursor.execute(WHO).fetchone())
        raise LookupError("nobody is logged in")

    OraPool(app, client_identifier=ask_the_database)
    db.init_app(app)
    three_ways(app, db)

    found = app.test_client().get("/three").get_json()

    assert list(found.values()) == [["shop", "three_ways", None]] * 3
    assert asked == [("shop", "three_ways", None)] * 3
    assert "client_identifier failed" in caplog.text
    assert "nobody is logged in" in caplog.text


def test_applications_beside_each_other(uri: str, reporting: str) -> None:
    orapool.configure(url=uri)
    shop, plain = application(SQLALCHEMY_DATABASE_URI=uri), Flask("plain")
    shop.name = "shop"
    OraPool(shop)
    found = []
    for app in (shop, plain, shop):
        with app.test_request_context("/"), orapool.connection() as connection, connection.cursor() as cursor:
            found.append(cursor.execute(WHO).fetchone()[0])
    assert [found[0], found[2]] == ["shop", "shop"]
    assert found[1] not in ("shop", "plain")
