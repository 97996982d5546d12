"""Flask-SQLAlchemy on the pool, by two lines of configuration."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.exc import DBAPIError

import orapool
from orapool import SessionPool
from orapool.sandbox import Sandbox
from tests.older_sqlalchemy import key_column
from tests.waiting import until


@pytest.fixture
def db() -> SQLAlchemy:
    """The extension with a model."""
    db = SQLAlchemy()

    class Visit(db.Model):  # type: ignore[name-defined, misc]
        __tablename__ = "flask_visits"
        id = key_column("flask_visits")
        page = db.Column(db.String(20), nullable=False)

    db.Visit = Visit
    return db


@pytest.fixture
def app(default_pool: SessionPool, db: SQLAlchemy) -> Flask:
    """An application that writes by ORM, reads by hand-written SQL and as a DataFrame."""
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = orapool.url()
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = orapool.engine_options()
    db.init_app(app)
    visit: Any = db.Visit

    @app.route("/visits/<page>", methods=["POST"])
    def add(page: str) -> dict[str, Any]:
        made = visit(page=page)
        db.session.add(made)
        db.session.commit()
        return {"id": made.id}

    @app.route("/visits")
    def count() -> dict[str, Any]:
        with orapool.connection() as connection, connection.cursor() as cursor:
            raw = cursor.execute("select count(*) from flask_visits").fetchone()[0]
        frame = orapool.read_df("select page from flask_visits order by id")
        orm = db.session.query(visit).count()
        return {"raw": raw, "orm": orm, "frame": frame["page"].tolist()}

    with app.app_context():
        db.drop_all()
        db.create_all()
    return app


def test_making_the_application_does_not_connect(default_pool: SessionPool, db: SQLAlchemy, sandbox: Sandbox) -> None:
    before = sandbox.stats()
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = orapool.url()
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = orapool.engine_options()

    db.init_app(app)

    assert (sandbox.stats() - before).connects == 0
    assert "tiger" not in str(app.config)


def test_orm_sql_and_dataframes_share_one_pool(app: Flask, default_pool: SessionPool, sandbox: Sandbox) -> None:
    client = app.test_client()

    assert client.post("/visits/home").json == {"id": 1}
    assert client.post("/visits/about").json == {"id": 2}
    assert client.get("/visits").json == {"raw": 2, "orm": 2, "frame": ["home", "about"]}

    until(lambda: default_pool.stats().busy == 0)
    assert sandbox.stats().sessions == default_pool.stats().opened <= 2


def test_monday_morning_is_not_seen(app: Flask, sandbox: Sandbox) -> None:
    client = app.test_client()
    client.post("/visits/home")
    assert sandbox.end_sessions("fin") > 0

    assert client.get("/visits").status_code == 200
    assert sandbox.end_sessions("fin") > 0
    assert client.post("/visits/home").status_code == 200


def test_requests_from_many_threads_stay_within_max(app: Flask, default_pool: SessionPool, sandbox: Sandbox) -> None:
    statuses: list[int] = []

    def visit() -> None:
        client = app.test_client()
        statuses.extend(client.post("/visits/home").status_code for _ in range(5))

    threads = [threading.Thread(target=visit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [200] * 40
    assert sandbox.stats().sessions <= default_pool.settings.max
    assert app.test_client().get("/visits").json["raw"] == 40  # type: ignore[index]


def test_an_error_that_only_orapool_knows_invalidates_here_too(
    app: Flask, db: SQLAlchemy, default_pool: SessionPool
) -> None:
    with app.app_context():
        default_pool_before = default_pool.stats().opened

        @db.event.listens_for(db.engine, "do_execute")
        def fail(*_: Any) -> None:
            raise default_pool.driver.dbapi.DatabaseError("ORA-03150: end-of-file on communication channel")

        with pytest.raises(DBAPIError) as raised:
            db.session.execute(db.text("select 1 from dual"))

    assert raised.value.connection_invalidated
    assert default_pool.stats().opened == default_pool_before - 1
