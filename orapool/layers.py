"""What each source says about one pool, in terms of its settings."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from orapool.dsn import SCHEMES, parse_url
from orapool.errors import ConfigurationError
from orapool.sources import BINDS, DATABASE_VARIABLES, DEFAULT, PREFIX, Entry, Source, url_text

PASSWORDS = ("password", "password_file", "password_hook")
"""Ways to give the password."""
WITHOUT_PASSWORD = ("externalauth", "access_token")
"""Ways to log on without one."""
SECRETS = ("password", "wallet_password", "access_token")
"""Settings that nobody is shown."""
PATHS = ("password_file", "config_dir", "wallet_location")
"""Settings that are paths: a relative one begins at its file's folder."""

_NOT_SETTINGS = frozenset({"client_dir", "client_reexec"})
_NEAR = 0.7


@dataclass
class Layer:
    """The settings of one pool from one place. Those in `of_url` came with its URL."""

    entries: dict[str, Entry]
    of_url: frozenset[str] = frozenset()


@dataclass
class Layers:
    """All that sources say about one pool, the first to be asked first; and what is wrong with it."""

    layers: list[Layer] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    """Database URLs that are not Oracle's, by origin."""


def variable_prefix(pool: str) -> str:
    """The prefix of a pool's variables: ORAPOOL_ for the default pool, ORAPOOL_REPORTING_ for the pool "reporting".

    Signs other than letters and digits become ``_``.
    """
    return PREFIX if pool == DEFAULT else f"{PREFIX}{re.sub('[^A-Z0-9]', '_', pool.upper())}_"


def collect(pool: str, given: Mapping[str, Any], sources: Iterable[Source], known: Collection[str]) -> Layers:
    """What `given`, the program's own settings, and then `sources` say about `pool`; `known` are all settings."""
    found = Layers()
    keywords = {name: Entry(value, "keyword argument") for name, value in given.items() if value is not None}
    _add(found, keywords, None, known)
    for source in sources:
        _add(found, source.pools.get(pool, {}), source, known)
        _add(found, _of_variables(pool, source.variables, known), source, known)
        for url in _database_urls(pool, source.variables):
            if _is_oracle(url.value):
                _add(found, {"url": url}, source, known)
            else:
                found.passed_over.append(url.origin)
    return found


def merge(layers: Iterable[Layer]) -> dict[str, Entry]:
    """Each setting as the first layer that has it says."""
    decided: dict[str, Entry] = {}
    for layer in layers:
        # The URL of another database says nothing about this one's user; of ways to log on the first one counts.
        has_database, has_way = "dsn" in decided, bool(log_on_ways(decided))
        for name, entry in layer.entries.items():
            if (has_database and name in layer.of_url) or (has_way and name in log_on_ways([name])):
                continue
            decided.setdefault(name, entry)
    return decided


def log_on_ways(names: Collection[str]) -> list[str]:
    """Those of these settings that say how a user proves who it is: there must be one."""
    return [name for name in (*PASSWORDS, *WITHOUT_PASSWORD) if name in names]


def pool_names(sources: Iterable[Source], known: Collection[str]) -> list[str]:
    """The pools that sources speak of, the default pool first."""
    declared: set[str] = set()
    of_variables: set[str] = set()
    for source in sources:
        declared.update(source.pools)
        declared.update(name for name, url in _binds(source.variables).items() if _is_oracle(url.value))
        if any(_is_oracle(url.value) for url in _database_urls(DEFAULT, source.variables)):
            declared.add(DEFAULT)
        for variable in source.variables:
            name = variable[len(PREFIX) :].lower() if variable.startswith(PREFIX) else ""
            if name in known:
                declared.add(DEFAULT)
            elif name.endswith(("_url", "_dsn")):
                of_variables.add(name[: -len("_url")])
    # ORAPOOL_MY_POOL_URL may be of a pool that a file calls "my-pool".
    prefixes = {variable_prefix(name) for name in declared}
    declared.update(name for name in of_variables if variable_prefix(name) not in prefixes)
    return sorted(declared, key=lambda name: (name != DEFAULT, name))


def unknown(name: str, known: Collection[str]) -> str:
    """That `name` is not a setting, and which one may be meant."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"{name!r} is not a setting: " + (f"did you mean {near[0]!r}?" if near else f"Known are {', '.join(known)}")


def _of_variables(pool: str, variables: Mapping[str, Entry], known: Collection[str]) -> dict[str, Entry]:
    """Those of the pool, by setting. Of unknown ones, those that look like a setting: a platform sets others."""
    prefix = variable_prefix(pool)
    found = {}
    for variable, entry in variables.items():
        name = variable[len(prefix) :].lower()
        if not variable.startswith(prefix) or name in _NOT_SETTINGS:
            continue
        if prefix != PREFIX and variable[len(PREFIX) :].lower() in known:
            continue  # ORAPOOL_TRANSPORT_CONNECT_TIMEOUT is not of a pool "transport"
        of_other_pool = any(name.endswith(f"_{setting}") for setting in known)
        if name in known or (not of_other_pool and difflib.get_close_matches(name, known, cutoff=_NEAR)):
            found[name] = entry
    return found


def _database_urls(pool: str, variables: Mapping[str, Entry]) -> list[Entry]:
    binds = _binds(variables)
    if pool != DEFAULT:
        return [binds[pool]] if pool in binds else []
    plain = [variables[name] for name in DATABASE_VARIABLES if name in variables]
    return [*plain, *([binds[DEFAULT]] if DEFAULT in binds else [])]


def _binds(variables: Mapping[str, Entry]) -> dict[str, Entry]:
    """Flask-SQLAlchemy's binds: the URL of each by name."""
    entry = variables.get(BINDS)
    found = {}
    for key, value in entry.value.items() if entry is not None and isinstance(entry.value, Mapping) else ():
        url = value.get("url") if isinstance(value, Mapping) else value
        if url is not None and entry is not None:
            found[DEFAULT if key is None else str(key)] = Entry(url, f"{entry.origin}[{key!r}]")
    return found


def _is_oracle(url: Any) -> bool:
    """Whether a URL tells where an Oracle database is; `orapool.url()`, for one, does not."""
    scheme, _, rest = url_text(url).strip().partition("://")
    return scheme.lower() in SCHEMES and rest != ""


def _add(found: Layers, entries: Mapping[str, Entry], source: Source | None, known: Collection[str]) -> None:
    """Add a layer of these entries, with the URL taken apart."""
    settings: dict[str, Entry] = {}
    for name, entry in entries.items():
        if name not in known:
            place = f"{entry.origin}: " if source is not None else ""
            found.mistakes.append(place + unknown(name, known))
        else:
            settings[name] = _prepare(name, entry, source)
    if "externalauth" in settings and _is_off(settings["externalauth"].value):
        del settings["externalauth"]
    given = log_on_ways(settings)
    if len(given) > 1:
        clash = "both say how to log on" if set(given) & set(WITHOUT_PASSWORD) else "both give the password"
        found.mistakes.append(f"{' and '.join(given)} {clash}{_at(settings, given)}: set one of them")
    if "url" in settings and "dsn" in settings:
        found.mistakes.append(
            f"url and dsn both say where the database is{_at(settings, ['url', 'dsn'])}: set one of them"
        )
        del settings["url"]
    of_url: frozenset[str] = frozenset()
    if "url" in settings:
        try:
            of_url = _take_url_apart(settings)
        except ConfigurationError as error:
            found.mistakes.append(str(error))
            # What it would have said is not missing as well.
            stand_in = Entry("x", settings.pop("url").origin)
            settings = {"dsn": stand_in, "user": stand_in, **({} if given else {"password": stand_in}), **settings}
    if settings:
        found.layers.append(Layer(settings, of_url))


def _take_url_apart(settings: dict[str, Entry]) -> frozenset[str]:
    """Replace `url` by what it says, which what stands beside it overrides; return what came from it."""
    url = settings["url"]
    try:
        parts = parse_url(url.value.get_secret_value())
    except ConfigurationError as error:
        raise ConfigurationError(f"url (set by {url.origin}): {error}") from None
    driver = settings["driver"].value if "driver" in settings else "auto"
    if parts.driver and driver not in ("auto", parts.driver):
        raise ConfigurationError(f"driver={driver} contradicts the url, which says {parts.driver}")
    of_url = {"dsn": parts.dsn, "user": parts.user, "password": parts.password, "driver": parts.driver}
    without = [name for name in WITHOUT_PASSWORD if name in settings]
    if without and parts.password:
        raise ConfigurationError(f"the url has a password, and {without[0]} logs on without one: leave one of them out")
    if any(name in settings for name in PASSWORDS):
        del of_url["password"]
    del settings["url"]
    added = {name: Entry(value, url.origin) for name, value in of_url.items() if value and name not in settings}
    settings.update({name: _prepare(name, entry, None) for name, entry in added.items()})
    return frozenset(added)


def _prepare(name: str, entry: Entry, source: Source | None) -> Entry:
    """Secrets out of sight, and paths made absolute, so that a later chdir() does not matter."""
    value = entry.value
    if name == "url" and not isinstance(value, SecretStr):
        value = SecretStr(url_text(value))
    elif name in SECRETS and isinstance(value, str):
        value = SecretStr(value)
    elif name in PATHS and isinstance(value, (str, Path)):
        value = str((source.folder if source and source.folder else Path.cwd()) / Path(value).expanduser())
    return Entry(value, entry.origin)


def _is_off(value: Any) -> bool:
    return str(value).strip().lower() in ("false", "0", "no", "off", "n", "f")


def _at(settings: Mapping[str, Entry], names: Iterable[str]) -> str:
    origins = list(dict.fromkeys(settings[name].origin for name in names))
    return "" if origins == ["keyword argument"] else f" ({', '.join(origins)})"
