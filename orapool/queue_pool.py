"""What the options of an engine with a QueuePool are called here: `from_engine_options`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Callable, Union

from orapool.errors import ConfigurationError
from orapool.settings import KNOWN

log = logging.getLogger("orapool.queue_pool")

FLASK_NAMES = {
    "SQLALCHEMY_POOL_SIZE": "pool_size",
    "SQLALCHEMY_MAX_OVERFLOW": "max_overflow",
    "SQLALCHEMY_POOL_TIMEOUT": "pool_timeout",
    "SQLALCHEMY_POOL_RECYCLE": "pool_recycle",
}
"""Variables of Flask-SQLAlchemy 2, which SQLALCHEMY_ENGINE_OPTIONS overrides."""

_POOL_SIZE, _MAX_OVERFLOW = 5, 10
"""QueuePool's own defaults, for when one of the two is given."""
_DRIVERS = {"cx_Oracle": "cx_oracle", "oracledb": "oracledb"}
_UTF8 = ("utf-8", "utf8")
_KEPT = "the pool keeps its sessions, the one used last is handed out first"
_ROLLED_BACK = "what is not committed when a connection is closed is rolled back"


@dataclass
class Translation:
    """What became of an engine's options."""

    settings: dict[str, Any] = field(default_factory=dict, repr=False)
    """Settings of a pool. One may be a password."""
    passed_on: dict[str, Any] = field(default_factory=dict, repr=False)
    """Options that are not a pool's, for create_engine()."""
    lost: dict[str, str] = field(default_factory=dict)
    """Options with no counterpart, and why."""


@dataclass(frozen=True)
class _No:
    """There is no counterpart."""

    why: str


_Counterparts = Union[dict[str, Any], _No]
"""The settings that an option's value becomes: none where the pool does the same by itself."""


def from_engine_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a pool that does what an engine with these options did, for `orapool.configure`.

    `options` are those of `sqlalchemy.create_engine`, such as SQLALCHEMY_ENGINE_OPTIONS; the variables
    SQLALCHEMY_POOL_SIZE, _POOL_TIMEOUT, _POOL_RECYCLE and SQLALCHEMY_MAX_OVERFLOW may stand among them. What is not
    set stays at orapool's defaults. Two warnings in the log, of the logger "orapool.queue_pool", name the options
    that have no counterpart, with the reason, and those that belong to create_engine: pass them to `orapool.engine`.

    Raises `ConfigurationError` for a value that the option does not take.

    >>> orapool.from_engine_options({"pool_size": 20, "max_overflow": 5, "pool_timeout": 100, "pool_pre_ping": True})
    {'max': 25, 'acquire_timeout': 100.0}
    """
    found = translate(options)
    warn(found, "engine options")
    if found.passed_on:
        log.warning(
            "engine options: not of the pool, pass them to orapool.engine() or orapool.engine_options(): %s",
            ", ".join(found.passed_on),
        )
    return found.settings


def translate(options: Mapping[str, Any]) -> Translation:
    """What becomes of `options`; see `from_engine_options`."""
    named = {FLASK_NAMES.get(name, name): value for name, value in options.items() if name in FLASK_NAMES}
    named = {name: value for name, value in named.items() if value is not None}
    named.update({name: value for name, value in options.items() if name not in FLASK_NAMES})
    found = Translation()
    sizes = {name: named.pop(name) for name in ("pool_size", "max_overflow") if name in named}
    if sizes:
        _take(found, " and ".join(sizes), _sizes(**sizes))
    if named.get("creator") is not None and _is_null_pool(named.get("poolclass")):
        del named["poolclass"]  # it only kept SQLAlchemy from a pool of its own around the driver's
    arguments = named.pop("connect_args", None) or {}
    if not isinstance(arguments, Mapping):
        raise _wrong("connect_args", "a mapping of the driver's connect() parameters")
    for name, value in named.items():
        if name in POOL_OPTIONS:
            _take(found, name, POOL_OPTIONS[name](value))
        else:
            found.passed_on[name] = value
    for name, value in arguments.items():
        _take(found, f"connect_args[{name!r}]", _connect_argument(name, value))
    return found


def warn(found: Translation, place: str) -> None:
    """Tell in the log which options of `place` have no counterpart."""
    if found.lost:
        reasons = "; ".join(f"{option} ({why})" for option, why in found.lost.items())
        log.warning("%s: no counterpart in orapool, left out: %s", place, reasons)


def _take(found: Translation, option: str, counterparts: _Counterparts) -> None:
    if isinstance(counterparts, _No):
        found.lost[option] = counterparts.why
    else:
        found.settings.update(counterparts)


# The pool's options.


def _sizes(pool_size: Any = _POOL_SIZE, max_overflow: Any = _MAX_OVERFLOW) -> _Counterparts:
    size, overflow = _whole("pool_size", pool_size), _whole("max_overflow", max_overflow, least=-1)
    if size == 0 or overflow == -1:
        return _No("orapool has no pool without a limit: set max")
    return {"max": size + overflow}


def _pool_timeout(value: Any) -> _Counterparts:
    if value is None:
        return _No("no wait here is without an end: set acquire_timeout")
    return {"acquire_timeout": _seconds("pool_timeout", value)}


def _pool_recycle(value: Any) -> _Counterparts:
    seconds = _seconds("pool_recycle", value, least=-1)
    if seconds == 0:
        return _No("a session for each checkout is what the pool avoids; max_lifetime=0 means no limit")
    return {"max_lifetime": max(seconds, 0.0)}


def _pool_pre_ping(value: Any) -> _Counterparts:
    return {} if value else _No("checkouts are checked always; an idle session is pinged when older than trust")


def _pool_use_lifo(value: Any) -> _Counterparts:
    return {} if value else _No(_KEPT)


def _pool_reset_on_return(value: Any) -> _Counterparts:
    return {} if value in ("rollback", True) else _No(_ROLLED_BACK)


def _poolclass(value: Any) -> _Counterparts:
    name = getattr(value, "__name__", str(value))
    if value is None or name in ("QueuePool", "AsyncAdaptedQueuePool"):
        return {}
    if _is_null_pool(value):
        return _No("sessions are kept and checked, in place of a log-on each time; set max")
    return _No("the pool is orapool's")


def _is_null_pool(value: Any) -> bool:
    return getattr(value, "__name__", None) == "NullPool"


def _creator(value: Any) -> _Counterparts:
    """``creator=pool.acquire``, of a driver's own pool: its sizes are the new ones."""
    if value is None:
        return {}
    native = getattr(value, "__self__", None)
    sizes = {name: getattr(native, name, None) for name in ("min", "max", "increment")}
    if not all(isinstance(size, int) for size in sizes.values()):
        return _No("orapool logs on by itself: set url, and what the function did as settings")
    ages = {"idle_timeout": getattr(native, "timeout", 0), "max_lifetime": getattr(native, "max_lifetime_session", 0)}
    return {**sizes, **{name: float(seconds) for name, seconds in ages.items() if seconds}}


def _module(value: Any) -> _Counterparts:
    name = value.__name__ if isinstance(value, ModuleType) else str(value)
    return {"driver": _DRIVERS[name]} if name in _DRIVERS else _No("set driver: cx_oracle or oracledb")


def _thick_mode(value: Any) -> _Counterparts:
    return {"thick": True} if value or isinstance(value, Mapping) else {}


def _echo_pool(value: Any) -> _Counterparts:
    return _No("watch the logger orapool.pool, and orapool.pool().stats()") if value else {}


def _nothing(why: str) -> Callable[[Any], _Counterparts]:
    return lambda value: {} if value is None else _No(why)


def _same(setting: str) -> Callable[[Any], _Counterparts]:
    return lambda value: {setting: value}


POOL_OPTIONS: dict[str, Callable[[Any], _Counterparts]] = {
    "async_creator": _nothing("orapool logs on by itself"),
    "connect_timeout": lambda value: {"connect_timeout": _seconds("connect_timeout", value)},
    "creator": _creator,
    "echo_pool": _echo_pool,
    "module": _module,
    "pool": _nothing("the pool is orapool's"),
    "pool_pre_ping": _pool_pre_ping,
    "pool_recycle": _pool_recycle,
    "pool_reset_on_return": _pool_reset_on_return,
    "pool_timeout": _pool_timeout,
    "pool_use_lifo": _pool_use_lifo,
    "poolclass": _poolclass,
    "thick_mode": _thick_mode,
    "url": _same("url"),
}
"""Options that are the pool's affair; pool_size, max_overflow and connect_args are too. All others are passed on."""


# What the driver's connect() was given.


def _encoding(value: Any) -> _Counterparts:
    return {} if value is None or str(value).lower() in _UTF8 else _No("it is UTF-8 always")


def _mode(value: Any) -> _Counterparts:
    return {} if not value else _No("the native pools log on without a mode such as SYSDBA")


def _expire_time(value: Any) -> _Counterparts:
    minutes = _whole("connect_args['expire_time']", value)
    return {"keepalive_idle": minutes * 60} if minutes else {}


CONNECT_ARGUMENTS: dict[str, Callable[[Any], _Counterparts]] = {
    "connect_timeout": POOL_OPTIONS["connect_timeout"],
    "encoding": _encoding,
    "events": lambda value: {} if not value else _No("the pool watches its sockets by itself"),
    "expire_time": _expire_time,
    "mode": _mode,
    "nencoding": _encoding,
    "tcp_connect_timeout": lambda value: {
        "transport_connect_timeout": _seconds("connect_args['tcp_connect_timeout']", value)
    },
    "threaded": lambda value: {},
}
"""Parameters of connect() that are called otherwise here, or done without."""


def _connect_argument(name: str, value: Any) -> _Counterparts:
    if name in CONNECT_ARGUMENTS:
        return CONNECT_ARGUMENTS[name](value)
    # Settings are spelled as the drivers spell them.
    return {name: value} if name in KNOWN else _No("not a setting of a pool")


def _whole(option: str, value: Any, least: int = 0) -> int:
    number = _number(option, value)
    if number != int(number) or number < least:
        raise _wrong(option, f"a whole number from {least}")
    return int(number)


def _seconds(option: str, value: Any, least: float = 0) -> float:
    number = _number(option, value)
    if number < least:
        raise _wrong(option, f"a number of seconds from {least:g}")
    return number


def _number(option: str, value: Any) -> float:
    try:
        if isinstance(value, bool):
            raise ValueError
        number = float(value)  # text too: configuration files hold nothing else
        if not abs(number) < float("inf"):
            raise ValueError
    except (TypeError, ValueError):
        raise _wrong(option, "a number") from None
    return number


def _wrong(option: str, expected: str) -> ConfigurationError:
    return ConfigurationError(f"engine options: {option} should be {expected}")
