"""The way in for Flask: `OraPool(app)` puts Flask-SQLAlchemy onto the pool, with the configuration as it was."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextvars import ContextVar
from importlib import metadata
from typing import Any, Callable
from urllib.parse import unquote

from flask import Flask, Response, current_app, has_app_context, has_request_context, request

from orapool import alchemy, pools, tags
from orapool.discovery import find_sources
from orapool.dsn import SCHEMES
from orapool.errors import ConfigurationError
from orapool.layers import pool_names, variable_prefix
from orapool.queue_pool import FLASK_NAMES, translate
from orapool.settings import KNOWN
from orapool.sources import BINDS, DEFAULT, Entry, Source, read_mapping, url_text

URI = "SQLALCHEMY_DATABASE_URI"
ENGINE_OPTIONS = "SQLALCHEMY_ENGINE_OPTIONS"
_PAGE = "orapool_status_page"
"""The endpoint of `status_page`."""

log = logging.getLogger("orapool.flask")

_asking: ContextVar[bool] = ContextVar("orapool_flask_asking", default=False)


class OraPool:
    """Puts the engines that Flask-SQLAlchemy makes for an application onto orapool's pools.

    Settings come from where `orapool.configure(app.config)` takes them. SQLALCHEMY_DATABASE_URI becomes the default
    pool, each of SQLALCHEMY_BINDS the pool of its name; what is not Oracle stays as it is. An Oracle URL without an
    address, ``oracle://``, or no SQLALCHEMY_DATABASE_URI at all, leaves it to a settings file or variables to tell the
    address. Options of a QueuePool in SQLALCHEMY_ENGINE_OPTIONS, in binds, and SQLALCHEMY_POOL_SIZE and its like are
    translated, see `orapool.from_engine_options`; what settings say beside them counts instead. A warning in the log
    names those without a counterpart.

    Whatever checks a session out while the application is at work, shows in V$SESSION as the module that has the
    application's name, with the request's endpoint as its action. `client_identifier` is a function without parameters
    that returns who makes the request: a string, or None. It is called at each checkout within a request, so it must
    not need the database; when it raises, the log says so, and the checkout goes on without. `orapool.tag` counts more.

    It comes before Flask-SQLAlchemy, and connects to nothing. Raises `ConfigurationError` for wrong settings, or where
    it comes too late.

    >>> OraPool(app, client_identifier=lambda: flask.session.get("user"))
    >>> db = SQLAlchemy(app)
    """

    def __init__(self, app: Flask | None = None, client_identifier: Callable[[], str | None] | None = None) -> None:
        self._client_identifier = client_identifier
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Do it for `app`: see the class.

        >>> pool = OraPool()
        >>> pool.init_app(app)
        >>> db.init_app(app)
        """
        if "sqlalchemy" in app.extensions:
            raise ConfigurationError(
                "OraPool comes too late: Flask-SQLAlchemy has been set up for this application. "
                "Call OraPool(app), or init_app(app), before SQLAlchemy(app) or db.init_app(app)"
            )
        if "orapool" in app.extensions:
            raise ConfigurationError("OraPool has been set up for this application already: call it once")
        config = app.config
        binds = dict(config.get(BINDS) or {})
        uri = config.get(URI) or _url_of(binds.get(None))
        if DEFAULT in binds:
            raise ConfigurationError(f"{BINDS}: {DEFAULT!r} is the pool of {URI}: give the bind another name")
        source = read_mapping(config)
        keys = [key for key, bind in binds.items() if key is not None and _is_oracle(_url_of(bind))]
        # An application may have binds alone; else a settings file says where the database is.
        if _is_oracle(uri) or (not uri and (not binds or DEFAULT in pool_names(find_sources(source), KNOWN))):
            keys.insert(0, None)
        for key in keys:
            _add_old_options(source, key, config, binds)
        for key in keys:
            pool = DEFAULT if key is None else str(key)
            pools.configure(pool, config=source)
            url = alchemy.plugin_url(pool)
            if key is None and (config.get(URI) or None not in binds):
                config[URI] = url
            else:
                binds[key] = {**binds[key], "url": url} if isinstance(binds[key], Mapping) else url
        if binds:
            config[BINDS] = binds
        app.extensions["orapool"] = self
        tags.add_source(_tags_of_request)

    def find_tags(self, app: Flask) -> tags.Tags:
        """Who is at work now, for V$SESSION."""
        if not has_request_context():
            return tags.Tags(module=app.name)
        return tags.Tags(app.name, request.endpoint, self._find_client_identifier())

    def _find_client_identifier(self) -> str | None:
        # A function that checks a session out itself would be asked again for that one.
        if self._client_identifier is None or _asking.get():
            return None
        token = _asking.set(True)
        try:
            found = self._client_identifier()
        except Exception:
            log.warning("client_identifier failed; V$SESSION will not show it", exc_info=True)
            return None
        finally:
            _asking.reset(token)
        return None if found is None else str(found)


def _tags_of_request() -> tags.Tags | None:
    """Those of the application that is at work here, if it has an `OraPool`."""
    if not has_app_context():
        return None
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    pool = app.extensions.get("orapool")
    return pool.find_tags(app) if isinstance(pool, OraPool) else None


def _add_old_options(source: Source, key: Any, config: Mapping[str, Any], binds: Mapping[Any, Any]) -> None:
    """Add what a bind's engine options mean as settings; those that `source` has under their own names count instead.

    `key` is None for the engine of SQLALCHEMY_DATABASE_URI.
    """
    options: dict[str, Any] = {}
    origins = []
    if key is None or _one_set_for_all():
        options = {name: config[name] for name in FLASK_NAMES if config.get(name) is not None}
        origins = [f"mapping[{name!r}]" for name in options]
        if config.get(ENGINE_OPTIONS):
            options.update(config[ENGINE_OPTIONS])
            origins.append(f"mapping[{ENGINE_OPTIONS!r}]")
    if isinstance(binds.get(key), Mapping):
        options.update({name: value for name, value in binds[key].items() if name != "url"})
        origins.append(f"mapping[{BINDS!r}][{key!r}]")
    if isinstance(options.get("creator"), alchemy.Checkout):
        raise ConfigurationError("orapool.engine_options() and OraPool do the same: use one of them")
    pool = DEFAULT if key is None else str(key)
    settings = translate(options).settings
    if "dsn" in settings:
        url = _url_of(binds[key]) if key in binds else config.get(URI) or "oracle://"
        settings = {**_without_address(source, key, url), **settings}
    for setting, value in settings.items():
        if f"{variable_prefix(pool)}{setting.upper()}" not in source.variables:
            source.pools.setdefault(pool, {}).setdefault(setting, Entry(value, ", ".join(origins)))


def _without_address(source: Source, key: Any, url: Any) -> dict[str, str]:
    """What a URL such as ``oracle://scott:tiger@`` says, where connect_args have the address. `source` forgets it."""
    scheme, _, rest = url_text(url).strip().partition("://")
    credentials, _, where = rest.rpartition("@")
    if where.strip("/"):
        return {}
    if key is None:
        source.variables.pop(URI, None)
    if BINDS in source.variables:
        entry = source.variables[BINDS]
        others = {name: bind for name, bind in entry.value.items() if name != key}
        source.variables[BINDS] = Entry(others, entry.origin)
    user, _, password = credentials.partition(":")
    found = {"user": unquote(user), "password": unquote(password), "driver": SCHEMES[scheme.lower()]}
    return {name: value for name, value in found.items() if value}


def _one_set_for_all() -> bool:
    """Whether Flask-SQLAlchemy gives SQLALCHEMY_ENGINE_OPTIONS to the engines of binds too."""
    try:
        return int(metadata.version("Flask-SQLAlchemy").partition(".")[0]) < 3
    except metadata.PackageNotFoundError:
        return False


def _url_of(bind: Any) -> Any:
    return bind.get("url") if isinstance(bind, Mapping) else bind


def _is_oracle(url: Any) -> bool:
    return url is not None and url_text(url).strip().partition("://")[0].lower() in SCHEMES


def status_page(app: Flask, path: str = "/_pool", *, allow: Callable[[], bool]) -> None:
    """Show the pools of this process, and of the others of its application, on a page below a path of `app`.

    `allow` is called at each request, within it, and says who may look: only True lets in, others get status 403. It
    may also `flask.abort`. It must not need the database, when the page is to be seen without.

    >>> status_page(app, "/_pool", allow=lambda: flask.session.get("user") == "admin")
    """
    from orapool.status_page import app as page

    page.check_callable(allow)
    base = "/" + path.strip("/")
    if base == "/":
        raise ConfigurationError(f"status_page: {path!r} is the application itself: give a path below it, like /_pool")

    if _PAGE in app.view_functions:
        raise ConfigurationError("status_page has been set up for this application already: call it once")

    def show(name: str = "") -> Response:
        # Not by its name: an application may have made slashes at the end optional.
        path = request.path[len(base) :]
        method = "GET" if request.method == "HEAD" else request.method  # Flask leaves the body out by itself
        found = page.answer(method, path, request.script_root + base, page.is_allowed(allow))
        return Response(found.body, found.status.value, list(found.headers))

    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]  # those that it answers with 405 are too
    for rule in (f"{base}/", f"{base}/<path:name>"):
        app.add_url_rule(rule, _PAGE, show, methods=methods)
