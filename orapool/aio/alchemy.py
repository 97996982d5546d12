"""The way in for SQLAlchemy's asyncio extension: engines whose connections are sessions of an asyncio pool."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import sqlalchemy
from sqlalchemy.pool import NullPool

from orapool import alchemy, pools
from orapool.aio.pools import apool
from orapool.drivers import find_async_driver
from orapool.errors import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

_URL = "oracle+oracledb_async://"

_engines: dict[object, AsyncEngine] = {}


def async_engine(name: str = "default", **create_async_engine_options: Any) -> AsyncEngine:
    """Return a SQLAlchemy AsyncEngine on the asyncio pool `name`. Nothing connects before its first use.

    `create_async_engine_options` are those of `sqlalchemy.ext.asyncio.create_async_engine`, but for the ones that the
    pool governs, which raise ConfigurationError with the name of the setting to use. Calls with equal options return
    the same engine, which serves each event loop from the pool of that loop.

    Raises ConfigurationError where the driver is cx_Oracle, which has no asyncio, SQLAlchemy is older than 2.0, or
    greenlet is not installed. Errors of the pool arrive as they do from `orapool.engine`.

        async with orapool.async_engine().connect() as connection:
            await connection.execute(text("select sysdate from dual"))
    """
    alchemy.refuse_governed(create_async_engine_options)
    create = _create_async_engine()
    settings = pools.settings_of(name)
    find_async_driver(settings.driver, settings.thick)

    async def acquire() -> Any:
        return await apool(name).acquire()

    def make() -> AsyncEngine:
        # Sessions are rolled back when they are released: a second time would be a round trip.
        engine: AsyncEngine = create(
            _URL,
            **create_async_engine_options,
            async_creator=acquire,
            poolclass=NullPool,
            pool_reset_on_return=None,
        )
        alchemy.echo_pool(create_async_engine_options)
        alchemy.attend(engine.sync_engine)
        return engine

    try:
        key = (name, settings, frozenset(create_async_engine_options.items()))
        made = _engines.get(key)
    except TypeError:  # an option that cannot be compared with an earlier call's
        return make()
    return _engines.setdefault(key, make()) if made is None else made


def _create_async_engine() -> Any:
    if int(sqlalchemy.__version__.partition(".")[0]) < 2:
        raise ConfigurationError(
            f"SQLAlchemy {sqlalchemy.__version__} has no asyncio for Oracle Database: orapool.async_engine() needs 2.0 "
            "or later; orapool.aconnection() works without SQLAlchemy"
        )
    try:
        importlib.import_module("greenlet")
        from sqlalchemy.ext.asyncio import create_async_engine
    except ImportError as error:
        raise ConfigurationError(
            "SQLAlchemy's asyncio needs greenlet, which is not installed: `pip install sqlalchemy[asyncio]`"
        ) from error
    return create_async_engine
