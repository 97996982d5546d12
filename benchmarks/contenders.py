"""What orapool is measured beside: each way to a session that an application would have otherwise, set up alike.

All have as many sessions, open from the start where that can be told, wait for one when all are in use, and use Oracle
Client with mutexes; all else is as they have it by default, or as their documentation does. Two cannot be told:
litex.cxpool raises ORA-24496 at once when all are in use, and NullPool without a pool opens as many as are asked for.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Callable

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

import orapool
from benchmarks.measuring import on_processor, processors
from orapool.sandbox import Sandbox

DRIVERS = {"cx_oracle": "cx_Oracle", "oracledb": "oracledb"}
"""What a driver is called in settings and SQLAlchemy's URLs, and its module."""
TITLES = {"cx_oracle": "cx_Oracle", "oracledb": "python-oracledb"}
USER, PASSWORD = "scott", "tiger"
CLOSED, LEFT, ENGINE = "closed", "left", "engine"
"""How what a contender acquires goes back: by close(), by the end of a `with`; and an engine's, which is left too."""

DRIVERS_OWN = "the driver's pool"
CONNECTION, ORAPOOL_ENGINE = "orapool.connection()", "orapool.engine()"
QUEUE_POOL, PRE_PING = "QueuePool", "QueuePool, pre-ping"


@dataclass(frozen=True)
class Place:
    """Where a contender opens its sessions, and how many; ``name`` tells several in one process apart."""

    driver: str
    dsn: str
    sessions: int = 1
    name: str = "default"

    @property
    def log_on(self) -> dict[str, Any]:
        """What both drivers' connect() and pools take."""
        return {"user": USER, "password": PASSWORD, "dsn": self.dsn}

    @property
    def dbapi(self) -> Any:
        """The driver's module."""
        return importlib.import_module(DRIVERS[self.driver])


@dataclass(frozen=True)
class Way:
    """A contender that is open: ``acquire`` gives a connection, of the driver's or, with an engine, of SQLAlchemy's."""

    acquire: Callable[[], Any]
    kind: str
    engine: Any = None


@dataclass(frozen=True)
class Contender:
    """A contender.

    Attributes:
        open: set it up at a place; it may connect later.
        text: what it is, in a line.
        drivers: those that it knows.
        needs: a module that has to be installed.
        beside: the way into orapool that it is compared with.
        quick: whether it is measured in a hurry too, where exact counts are not all.
    """

    open: Callable[[Place], Way]
    text: str
    drivers: Sequence[str] = tuple(DRIVERS)
    needs: str = ""
    beside: str = ORAPOOL_ENGINE
    quick: bool = True

    def is_there(self) -> bool:
        """Whether what it needs is installed."""
        return not self.needs or importlib.util.find_spec(self.needs.partition(".")[0]) is not None


@contextlib.contextmanager
def running_sandbox() -> Iterator[Sandbox]:
    """The database, on a processor that is not the clients'."""
    with contextlib.ExitStack() as closing:
        with on_processor(processors()[0]):
            sandbox = closing.enter_context(Sandbox(users={USER: PASSWORD}))
        yield sandbox


# ------------------------------------------------------------ the drivers
def native_pool(place: Place, least: int | None = None) -> Any:
    """The driver's own pool, which waits for a session; it pings what was idle for a minute, as by default."""
    sizes = {"min": place.sessions if least is None else least, "max": place.sessions, "increment": 1}
    if place.driver == "cx_oracle":
        wait = place.dbapi.SPOOL_ATTRVAL_WAIT
        return place.dbapi.SessionPool(
            **place.log_on, **sizes, threaded=True, getmode=wait, encoding="UTF-8", nencoding="UTF-8"
        )
    return place.dbapi.create_pool(**place.log_on, **sizes)


def drivers_own(place: Place) -> Way:
    """Bare."""
    return Way(native_pool(place).acquire, CLOSED)


def pooled_db(place: Place) -> Way:
    """DBUtils over connections of the driver's."""
    from dbutils.pooled_db import PooledDB

    sizes = {"mincached": place.sessions, "maxcached": place.sessions, "maxconnections": place.sessions}
    threaded = {"threaded": True} if place.driver == "cx_oracle" else {}
    pool = PooledDB(place.dbapi, **sizes, blocking=True, **place.log_on, **threaded)
    return Way(pool.connection, CLOSED)


# ------------------------------------------------------------ orapool
def _configure(place: Place) -> None:
    orapool.configure(place.name, **place.log_on, driver=place.driver, min=place.sessions, max=place.sessions)


def connection(place: Place) -> Way:
    """A connection of the driver's own."""
    _configure(place)
    name = place.name
    return Way(orapool.connection if name == "default" else lambda: orapool.connection(name), LEFT)


def engine(place: Place) -> Way:
    """SQLAlchemy's engine."""
    _configure(place)
    made = orapool.engine(place.name)
    return Way(made.connect, ENGINE, made)


# ------------------------------------------------------------ SQLAlchemy
def _sqlalchemy(place: Place, **options: Any) -> Way:
    made = create_engine(f"oracle+{place.driver}://", **options)
    return Way(made.connect, ENGINE, made)


def _arguments(place: Place) -> dict[str, Any]:
    return {**place.log_on, **({"threaded": True} if place.driver == "cx_oracle" else {})}


def queue_pool(place: Place, **options: Any) -> Way:
    """Its own pool."""
    return _sqlalchemy(
        place, connect_args=_arguments(place), pool_size=place.sessions, max_overflow=0, pool_timeout=300, **options
    )


def null_pool(place: Place) -> Way:
    """A log-on for each checkout."""
    return _sqlalchemy(place, connect_args=_arguments(place), poolclass=NullPool)


def creator(place: Place) -> Way:
    """The driver's pool, as SQLAlchemy's documentation has it."""
    return _sqlalchemy(place, creator=native_pool(place).acquire, poolclass=NullPool)


def cxpool(place: Place) -> Way:
    """litex.cxpool 1.1.1, of 2019, which takes a URL with the service's name in the place of a SID."""
    from litex.cxpool import CxOracleSessionPool  # type: ignore[import-untyped,unused-ignore]

    url = f"oracle+cx_oracle://{USER}:{PASSWORD}@{place.dsn}"
    sizes = {"min_sessions": place.sessions, "max_sessions": place.sessions, "increment": 1}
    made = create_engine(url, pool=CxOracleSessionPool(url, **sizes))
    return Way(made.connect, ENGINE, made)


CONTENDERS = {
    DRIVERS_OWN: Contender(drivers_own, "cx_Oracle.SessionPool, oracledb.create_pool: the floor", beside=CONNECTION),
    CONNECTION: Contender(connection, "connections of the driver's own", beside=CONNECTION),
    "DBUtils PooledDB": Contender(pooled_db, "blocking=True", needs="dbutils", beside=CONNECTION, quick=False),
    ORAPOOL_ENGINE: Contender(engine, "an engine on the same pool"),
    QUEUE_POOL: Contender(queue_pool, "SQLAlchemy's own pool"),
    PRE_PING: Contender(lambda place: queue_pool(place, pool_pre_ping=True), "the same, pool_pre_ping=True"),
    "QueuePool, LIFO": Contender(
        lambda place: queue_pool(place, pool_use_lifo=True), "the same, pool_use_lifo=True", quick=False
    ),
    "NullPool, creator=pool.acquire": Contender(
        creator, "an engine on the driver's pool, as in SQLAlchemy's docs", quick=False
    ),
    "litex.cxpool": Contender(cxpool, "the same as a package", ("cx_oracle",), needs="litex.cxpool", quick=False),
    "NullPool, no pool": Contender(
        null_pool, "a log-on for each checkout: what the incident's team ended with", quick=False
    ),
}


def names(driver: str, quick: bool = False) -> list[str]:
    """The contenders that a driver has here."""
    return [
        name
        for name, each in CONTENDERS.items()
        if driver in each.drivers and each.is_there() and (each.quick or not quick)
    ]
