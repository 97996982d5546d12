"""The way in for SQLAlchemy: engines whose connections are the sessions of an orapool pool.

SQLAlchemy keeps no connections of its own here (NullPool): a checkout draws a session from the native pool, closing
it releases the session. What SQLAlchemy does not know by itself is attached to each engine by `PoolPlugin`, through
SQLAlchemy's own plugin mechanism, so that engines built by others from `engine_options()` have it too.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from sqlalchemy import create_engine, event
from sqlalchemy.dialects import plugins
from sqlalchemy.engine import CreateEnginePlugin, Engine, ExceptionContext
from sqlalchemy.engine.url import URL
from sqlalchemy.pool import NullPool

from orapool import errors, logs, older_sqlalchemy, pools, queue_pool
from orapool.layers import SECRETS

# Options of create_engine() that the pool governs, and what to use in their place.
GOVERNED = {
    "async_creator": "orapool logs on by itself",
    "connect_args": "use orapool.configure(...): orapool logs on by itself",
    "creator": "orapool logs on by itself",
    "max_overflow": "use orapool.configure(max=...): the most sessions of this process",
    "module": "use orapool.configure(driver=...)",
    "pool": "the pool is orapool's",
    "pool_pre_ping": "leave it out: each checkout is checked; orapool.configure(trust=..., ping_timeout=...) says how",
    "pool_recycle": "leave it out: a session that was closed meanwhile is not handed out, however old it is",
    "pool_reset_on_return": "leave it out: an open transaction is rolled back when its session is released",
    "pool_size": "use orapool.configure(min=..., max=...): sessions kept, and the most of this process",
    "pool_timeout": "use orapool.configure(acquire_timeout=...), in seconds",
    "pool_use_lifo": "leave it out: the session used last is handed out first",
    "poolclass": "the pool is orapool's",
    "thick_mode": "use orapool.configure(thick=True)",
    "url": "use orapool.configure(url=...)",
}

PLUGIN = "orapool"
POOL_OF_URL = "orapool"
"""What a URL's query calls the pool in: see `plugin_url`."""

log = logging.getLogger("orapool.alchemy")

_SECRET = frozenset({*SECRETS, "url", "user", "dsn"})
"""Not told of in logs: a URL may hold a password, and where the database is has been decided."""

_engines: dict[object, Engine] = {}


def engine(name: str = "default", **create_engine_options: Any) -> Engine:
    """Return a SQLAlchemy engine on the pool `name`. Nothing connects before its first use.

    `create_engine_options` are those of `sqlalchemy.create_engine`, but for the ones that the pool governs, which
    raise ConfigurationError with the name of the setting to use. Calls with equal options return the same engine.
    `echo_pool=True` has what happens to the pool logged, `echo_pool="debug"` each checkout and return too.

    A failed log-on reaches the caller as SQLAlchemy's DBAPIError, as from any engine, with an orapool.LogOnError as
    its `orig`; PoolTimeout, PoolClosed and ConfigurationError arrive as they are.

        with orapool.engine().connect() as connection:
            connection.execute(text("select sysdate from dual"))
    """
    options = engine_options(name, **create_engine_options)
    address = url(name)
    try:
        # The settings are part of it: an engine knows what version of Oracle Database it has met.
        key = (name, address, pools.pool(name).settings, frozenset(create_engine_options.items()))
        made = _engines.get(key)
    except TypeError:  # an option that cannot be compared with an earlier call's
        return create_engine(address, **options)
    if made is None:
        # No lock, which a fork could leave locked for ever: of two callers at once, one throws its engine away.
        made = _engines.setdefault(key, create_engine(address, **options))
    return made


def engine_options(name: str = "default", **create_engine_options: Any) -> dict[str, Any]:
    """Return the options that put an engine which somebody else creates onto the pool `name`.

        SQLALCHEMY_DATABASE_URI = orapool.url()
        SQLALCHEMY_ENGINE_OPTIONS = orapool.engine_options(echo=True)

    Raises ConfigurationError for an option that the pool governs.
    """
    refuse_governed(create_engine_options)
    return {
        **create_engine_options,
        "creator": Checkout(name),
        "poolclass": NullPool,
        # The native pool rolls back what is open when it takes a session back: a second time would be a round trip.
        "pool_reset_on_return": None,
        "plugins": [*create_engine_options.get("plugins", ()), PLUGIN],
    }


def url(name: str = "default") -> str:
    """Return the URL that names the pool's driver to SQLAlchemy: `oracle+cx_oracle://` or `oracle+oracledb://`.

    It holds no address and no password, which only the pool needs. Decides which driver it is, and does not connect.
    """
    return f"oracle+{pools.pool(name).driver.name}://"


def plugin_url(name: str = "default") -> str:
    """Return a URL that alone puts an engine onto the pool `name`, for engines whose options are not ours to choose.

    Options of the pool that such an engine is given all the same, as Flask-SQLAlchemy 2 gives one set to all engines,
    have no effect. A warning in the log names those that ask for something else than the pool's settings say.
    """
    # SQLAlchemy 1.3 finds a query only behind a "/".
    return f"{url(name)}/?plugin={PLUGIN}&{POOL_OF_URL}={quote(name, safe='')}"


class Checkout:
    """What SQLAlchemy calls for a new connection: draws a session from the pool `name` of the process it runs in."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self) -> Any:
        return pools.pool(self.name).acquire()

    def __repr__(self) -> str:
        return f"<checkout from orapool {self.name!r}>"


class PoolPlugin(CreateEnginePlugin):
    """Attached to an engine by `engine_options()`: lost sessions are recognised, and leave the native pool."""

    def __init__(self, url: URL, kwargs: dict[str, Any]) -> None:
        super().__init__(url, kwargs)
        if POOL_OF_URL in url.query:
            _put_onto_pool(str(url.query[POOL_OF_URL]), kwargs)
            if older_sqlalchemy.VERSION < (1, 4):  # which calls no update_url()
                older_sqlalchemy.without_parameters(url, [POOL_OF_URL])
        echo_pool(kwargs)
        if not isinstance(kwargs.get("creator"), Checkout):
            raise errors.ConfigurationError(
                "the orapool plugin needs the other options of orapool.engine_options() too"
            )

    def update_url(self, url: URL) -> URL:
        """Leave the URL as it is, but for what is meant for this plugin."""
        updated: URL = older_sqlalchemy.without_parameters(url, [POOL_OF_URL])
        return updated

    def engine_created(self, engine: Engine) -> None:
        """Listen to the new engine and its pool; Engine.dispose() keeps the listeners."""
        attend(engine)


def echo_pool(options: Mapping[str, Any]) -> None:
    """Do for orapool's loggers what the engine's option `echo_pool`, True or "debug", has SQLAlchemy do for its own."""
    asked = options.get("echo_pool")
    if asked:
        logs.echo(checkouts=asked == "debug")


def attend(engine: Engine) -> None:
    """Have lost sessions of an engine recognised, and taken out of the pool."""
    event.listen(engine, "handle_error", _recognise_lost_connection)
    event.listen(engine.pool, "invalidate", _drop_session)


def refuse_governed(options: Iterable[str]) -> None:
    """Raise ConfigurationError for an option that the pool governs, with what to use in its place."""
    for option in options:
        if option in GOVERNED:
            raise errors.ConfigurationError(f"{option} is not an option of orapool engines: {GOVERNED[option]}")


def _put_onto_pool(name: str, options: dict[str, Any]) -> None:
    """Replace the options that the pool governs by those of `engine_options`."""
    translation = queue_pool.translate(options)
    queue_pool.warn(translation, f"pool {name!r}: the engine's options")
    settings = pools.pool(name).settings
    for setting, value in translation.settings.items():
        in_force = getattr(settings, setting, None)
        if setting not in _SECRET and in_force != value:
            log.warning(
                "pool %r: the engine's options ask for %s=%r; in force is %s=%r, set by %s",
                *(name, setting, value, setting, in_force, settings.origins[setting]),
            )
    kept = engine_options(name, **translation.passed_on)
    options.clear()
    options.update(kept)


def _recognise_lost_connection(context: ExceptionContext) -> None:
    # SQLAlchemy knows some of the errors after which a session is of no use, orapool.errors knows more.
    # An OSError, which python-oracledb sometimes lets through, can only have come from it here.
    if not context.is_disconnect and errors.lost_connection(context.original_exception, by_driver=True) is not None:
        context.is_disconnect = True


def _drop_session(connection: Any, record: Any, error: object) -> None:
    # SQLAlchemy closes an invalidated connection, which alone would release the session into the native pool.
    # Within an AsyncEngine, its own object stands before the driver's.
    getattr(connection, "driver_connection", connection).drop()


plugins.register(PLUGIN, __name__, PoolPlugin.__name__)
