"""The pools of this process by name, and the functions that use them."""

from __future__ import annotations

import atexit
import multiprocessing.util
import os
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from orapool import totals
from orapool.counters import PoolStats
from orapool.discovery import Config, as_config, find_sources
from orapool.errors import ConfigurationError
from orapool.layers import variable_prefix
from orapool.session_pool import SessionPool
from orapool.settings import NotConfigured, PoolSettings, load_settings
from orapool.sizing import warn_of_size
from orapool.sources import DEFAULT, Source

_lock = threading.RLock()
_settings: dict[str, PoolSettings] = {}
_pools: dict[str, SessionPool] = {}
_of_loops: dict[Any, dict[str, Any]] = {}
"""The asyncio pools by event loop and name: see `orapool.aio.pools`."""
_config: Config | None = None
"""What `configure` was given last for `config`."""


def configure(name: str | Mapping[Any, Any] = DEFAULT, config: Config | None = None, **settings: Any) -> None:
    """Set how the pool called `name` reaches its database and behaves. Connects to nothing.

    `settings` are those of `PoolSettings`, with `url` instead of dsn, user and password where that is handier. What is
    not given is found in ``ORAPOOL_<SETTING>`` variables (``ORAPOOL_<NAME>_<SETTING>`` for a pool of another name) and
    in settings files; `orapool config` shows what is in force. `config`, the path of such a file, or a mapping such as
    Flask's ``app.config``, which may also stand in the place of `name`, counts for the pools of other names too.

    Raises `ConfigurationError` for wrong settings, and for a pool in use, unless the settings are the same: close it
    first.

    >>> orapool.configure(url="oracle://scott:tiger@db:1521/?service_name=sales", min=2, max=8)
    >>> orapool.configure(app.config)
    """
    global _config
    if isinstance(name, Mapping):
        if config is not None:
            raise ConfigurationError("configure() takes one config: the mapping in first place, or config=")
        name, config = DEFAULT, name
    config = _config if config is None else as_config(config)
    loaded = load_settings(name, config, **settings)
    with _lock:
        of_loops = [of_loop for loop, of_loop in _of_loops.items() if not loop.is_closed()]
        for close, pool in [("close", _pools.get(name)), *(("aclose", of_loop.get(name)) for of_loop in of_loops)]:
            if pool is not None and pool.settings != loaded:
                raise ConfigurationError(
                    f"pool {name!r} is in use with other settings: call orapool.{close}({name!r}) before "
                    "orapool.configure()"
                )
        known, _settings[name] = _settings.get(name), loaded
        _config = config
    if loaded != known:  # once
        warn_of_size(name, loaded)


def configured() -> dict[str, PoolSettings]:
    """The settings in force of each pool that was configured or used in this process, by name."""
    with _lock:
        return dict(_settings)


def sources() -> list[Source]:
    """The places that settings come from in this process, with what `configure` was given; see `find_sources`."""
    return find_sources(_config)


def pool(name: str = "default") -> SessionPool:
    """The pool called `name`: always the same object, until it is closed. Connects to nothing until acquire().

    Raises `ConfigurationError` where neither `configure` nor the environment says how.

    >>> orapool.pool().stats().busy
    0
    """
    found = _pools.get(name)
    if found is not None:
        return found
    with _lock:
        if name not in _pools:
            _pools[name] = SessionPool(settings_of(name), name)
        return _pools[name]


def stats(name: str = "default") -> PoolStats:
    """The numbers of the pool called `name` at this moment; see `PoolStats`. Costs no round trip, and opens nothing.

    `all_stats` has those of all pools; `orapool.apool().stats()` is for an event loop's.

    >>> orapool.stats().waits.p99
    0.0049
    """
    return pool(name).stats()


def all_stats() -> dict[str, PoolStats]:
    """The numbers of all pools of this process, by name; see `PoolStats`. Costs no round trip, and opens nothing.

    Pools of the same name are added up: the one of threads, those of event loops, and what those have done that were
    closed, so that no total ever goes back. A pool that nobody has asked for is not there.

    >>> {name: stats.busy for name, stats in orapool.all_stats().items()}
    {'default': 2, 'billing': 0}
    """
    return {name: total.stats for name, total in totals.by_name().items()}


def in_use() -> list[Any]:
    """The pools of this process that were made by name: each a `SessionPool`, or an `AsyncPool` of an event loop."""
    with _lock:
        of_loops = [each for loop, of_loop in _of_loops.items() if not loop.is_closed() for each in of_loop.values()]
        return [*_pools.values(), *of_loops]


def close(name: str | None = None) -> None:
    """Close the pool called `name`, or all. Its settings stay: the next use opens a new pool.

    Sessions checked out are closed when they are given back. See `SessionPool.close`.

    >>> orapool.close()
    """
    with _lock:
        names = list(_pools) if name is None else [name]
        closing = [_pools.pop(each) for each in names if each in _pools]
    for each in closing:
        each.close()


def vacate() -> None:
    """Close the idle sessions of all pools, which stay usable; see `SessionPool.vacate`."""
    for each in list(_pools.values()):
        each.vacate()


def connection(
    name: str = "default",
    timeout: float | None = None,
    *,
    user: str | None = None,
    password: str | None = None,
    module: str | None = None,
    action: str | None = None,
    client_identifier: str | None = None,
    clientinfo: str | None = None,
) -> Any:
    """A connection of the driver, checked out of the pool called `name`; close() or the end of `with` gives it back.

    What was not committed is rolled back then. The other parameters and what is raised: see `SessionPool.acquire`.

    >>> with orapool.connection() as connection:
    ...     connection.cursor().execute("select * from dual").fetchone()
    """
    return pool(name).acquire(
        timeout,
        user=user,
        password=password,
        module=module,
        action=action,
        client_identifier=client_identifier,
        clientinfo=clientinfo,
    )


def transaction(name: str = "default", timeout: float | None = None, **options: Any) -> AbstractContextManager[Any]:
    """A connection whose work is committed at the end of the block, and rolled back if the block raises.

    The parameters are those of `connection`.

    >>> with orapool.transaction() as connection:
    ...     connection.cursor().execute("update stock set amount = amount - 1")
    """
    return pool(name).transaction(timeout, **options)


def settings_of(name: str) -> PoolSettings:
    """The settings in force of the pool called `name`. Raises `ConfigurationError` where nothing says how."""
    if name not in _settings:
        try:
            _settings[name] = load_settings(name, _config)
        except NotConfigured as error:
            prefix = variable_prefix(name)
            given = "" if name == DEFAULT else f"{name!r}, "
            raise ConfigurationError(
                f"pool {name!r} is not configured: call orapool.configure({given}"
                f'url="oracle://user:password@host:port/?service_name=NAME") first, or set {prefix}URL, or '
                f"{prefix}DSN, {prefix}USER and {prefix}PASSWORD, or write a settings file ({error})"
            ) from None
        warn_of_size(name, _settings[name])
    return _settings[name]


def _after_fork_in_child() -> None:
    global _lock
    _lock = threading.RLock()
    _of_loops.clear()


os.register_at_fork(after_in_child=_after_fork_in_child)


def _close_at_its_end(_: object = None) -> None:
    """A process of multiprocessing ends with its own finalizers, without atexit."""
    if multiprocessing.parent_process() is not None:
        multiprocessing.util.Finalize(None, close, exitpriority=0)


_close_at_its_end()
multiprocessing.util.register_after_fork(_close_at_its_end, _close_at_its_end)


@atexit.register
def _close_at_exit() -> None:
    for each in list(_pools.values()):
        try:
            each.close()
        except RuntimeError:  # Python 3.12 starts no more threads when it ends
            each.abandon()
