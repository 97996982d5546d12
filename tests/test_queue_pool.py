"""Options of an engine with a QueuePool, and what they are called here."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import cx_Oracle
import oracledb
import pytest
from sqlalchemy.pool import NullPool, QueuePool, StaticPool

import orapool
from orapool.alchemy import GOVERNED
from orapool.queue_pool import CONNECT_ARGUMENTS, POOL_OPTIONS, translate
from orapool.sandbox import Sandbox
from orapool.settings import KNOWN, load_settings

INCIDENT = {
    "pool_size": 20,
    "max_overflow": 5,
    "pool_timeout": 100,
    "pool_recycle": 280,
    "pool_pre_ping": True,
    "connect_args": {"connect_timeout": 3},
}
"""What the team had set."""


def test_the_incidents_options_are_settings(caplog: pytest.LogCaptureFixture) -> None:
    settings = orapool.from_engine_options(INCIDENT)

    assert settings == {"max": 25, "acquire_timeout": 100, "max_lifetime": 280, "connect_timeout": 3}
    assert caplog.records == []


def test_they_configure_a_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orapool.pools, "_settings", {})

    orapool.configure(url="oracle://scott:tiger@db/?service_name=sales", **orapool.from_engine_options(INCIDENT))

    assert orapool.pools.configured()["default"].max == 25


def engine(**options: Any) -> dict[str, Any]:
    return options


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        (engine(), {}),
        (engine(pool_size=3), {"max": 13}),
        (engine(max_overflow=0), {"max": 5}),
        (engine(pool_size="20", max_overflow="5", pool_timeout="1.5"), {"max": 25, "acquire_timeout": 1.5}),
        (engine(pool_timeout=0), {"acquire_timeout": 0}),
        (engine(pool_recycle=-1), {"max_lifetime": 0}),
        (engine(pool_use_lifo=True, pool_reset_on_return="rollback", poolclass=QueuePool, echo_pool=False), {}),
        (engine(module=cx_Oracle), {"driver": "cx_oracle"}),
        (engine(module=oracledb), {"driver": "oracledb"}),
        (engine(url="oracle://scott:tiger@db/?service_name=x"), {"url": "oracle://scott:tiger@db/?service_name=x"}),
        (engine(connect_args={"user": "scott", "password": "tiger"}), {"user": "scott", "password": "tiger"}),
        (engine(connect_args={"threaded": True, "encoding": "UTF-8", "nencoding": "utf8", "events": False}), {}),
        (engine(connect_args={"mode": 0, "expire_time": 2}), {"keepalive_idle": 120}),
        (engine(connect_args={"tcp_connect_timeout": 4.5}), {"transport_connect_timeout": 4.5}),
        (engine(connect_args=None, creator=None, pool=None, poolclass=None), {}),
        (engine(SQLALCHEMY_POOL_SIZE=8, SQLALCHEMY_MAX_OVERFLOW=2), {"max": 10}),
        (engine(SQLALCHEMY_POOL_SIZE=8, SQLALCHEMY_MAX_OVERFLOW=2, pool_size=9), {"max": 11}),
        (engine(SQLALCHEMY_POOL_TIMEOUT=None, SQLALCHEMY_POOL_RECYCLE=7200), {"max_lifetime": 7200}),
    ],
)
def test_each_option_has_its_setting(
    options: dict[str, Any], settings: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    assert orapool.from_engine_options(options) == settings
    assert caplog.records == []


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (engine(pool_size=0), "pool_size (orapool has no pool without a limit: set max)"),
        (engine(pool_size=5, max_overflow=-1), "pool_size and max_overflow (orapool has no pool without a limit"),
        (engine(pool_timeout=None), "pool_timeout (no wait here is without an end: set acquire_timeout)"),
        (engine(pool_recycle=0), "pool_recycle (a session for each checkout is what the pool avoids"),
        (engine(pool_pre_ping=False), "pool_pre_ping (checkouts are checked always"),
        (engine(pool_use_lifo=False), "pool_use_lifo (the pool keeps its sessions, the one used last"),
        (engine(pool_reset_on_return="commit"), "pool_reset_on_return (what is not committed"),
        (engine(pool_reset_on_return=None), "pool_reset_on_return (what is not committed"),
        (engine(poolclass=NullPool), "poolclass (sessions are kept and checked"),
        (engine(poolclass=StaticPool), "poolclass (the pool is orapool's)"),
        (engine(creator=print), "creator (orapool logs on by itself: set url"),
        (engine(async_creator=print), "async_creator (orapool logs on by itself)"),
        (engine(pool=QueuePool(print)), "pool (the pool is orapool's)"),
        (engine(module=pytest), "module (set driver: cx_oracle or oracledb)"),
        (engine(echo_pool="debug"), "echo_pool (watch the logger orapool.pool"),
        (engine(connect_args={"mode": 2}), "connect_args['mode'] (the native pools log on without a mode"),
        (engine(connect_args={"events": True}), "connect_args['events'] (the pool watches its sockets"),
        (engine(connect_args={"encoding": "latin-1"}), "connect_args['encoding'] (it is UTF-8 always)"),
        (engine(connect_args={"twophase": True}), "connect_args['twophase'] (not a setting of a pool)"),
    ],
)
def test_what_has_no_counterpart_is_told(
    options: dict[str, Any], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert orapool.from_engine_options(options) == {}

    [record] = caplog.records
    assert (record.name, record.levelno) == ("orapool.queue_pool", logging.WARNING)
    assert record.getMessage().startswith(f"engine options: no counterpart in orapool, left out: {reason}")


def test_options_of_the_engine_itself_are_named(caplog: pytest.LogCaptureFixture) -> None:
    assert orapool.from_engine_options({"echo": True, "pool_size": 1, "isolation_level": "AUTOCOMMIT"}) == {"max": 11}

    assert caplog.messages == [
        "engine options: not of the pool, pass them to orapool.engine() or orapool.engine_options(): "
        "echo, isolation_level"
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (engine(pool_size="many"), "pool_size should be a number"),
        (engine(pool_size=True), "pool_size should be a number"),
        (engine(pool_size=2.5), "pool_size should be a whole number from 0"),
        (engine(max_overflow=-2), "max_overflow should be a whole number from -1"),
        (engine(pool_timeout=-1), "pool_timeout should be a number of seconds from 0"),
        (engine(pool_recycle=float("nan")), "pool_recycle should be a number"),
        (engine(connect_args="threaded"), "connect_args should be a mapping of the driver's connect() parameters"),
        (engine(connect_args={"connect_timeout": "soon"}), "connect_timeout should be a number"),
    ],
)
def test_a_wrong_value_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(orapool.ConfigurationError) as raised:
        orapool.from_engine_options(options)

    assert str(raised.value) == f"engine options: {message}"


def test_no_message_has_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    secret = {"user": "scott", "password": "tiger", "newpassword": "tiger2", "wallet_pass": "tiger3"}

    orapool.from_engine_options({"connect_args": secret, "creator": lambda: "tiger", "url": "oracle://scott:tiger@db"})
    translation = translate({"connect_args": secret})

    assert "tiger" not in caplog.text
    assert "tiger" not in repr(translation)


def test_a_native_pools_sizes_are_kept(connect: Callable[..., Any], dbapi: Any, sandbox: Sandbox, driver: str) -> None:
    make = dbapi.SessionPool if driver == "cx_oracle" else dbapi.create_pool
    pool = make(user="scott", password="tiger", dsn=sandbox.dsn, min=1, max=20, increment=2, timeout=90)

    settings = orapool.from_engine_options({"creator": pool.acquire, "poolclass": NullPool})

    pool.close()
    assert settings == {"min": 1, "max": 20, "increment": 2, "idle_timeout": 90}


def test_every_option_that_the_pool_governs_is_known() -> None:
    assert set(GOVERNED) <= {*POOL_OPTIONS, "pool_size", "max_overflow", "connect_args"}


def test_every_translation_names_settings() -> None:
    samples: dict[str, Any] = {"connect_timeout": 3, "expire_time": 2, "tcp_connect_timeout": 3}
    named = {name for argument in samples for name in CONNECT_ARGUMENTS[argument](samples[argument])}  # type: ignore[union-attr]
    pool = SimpleNamespace(min=1, max=2, increment=1, timeout=5, max_lifetime_session=9)
    pool.acquire = SimpleNamespace(__self__=pool)

    settings = orapool.from_engine_options({**INCIDENT, "creator": pool.acquire})

    assert {*named, *settings} <= set(KNOWN)
    assert load_settings(dsn="db/x", user="scott", password="tiger", **settings).max_lifetime == 9
