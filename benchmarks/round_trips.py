"""What one unit of work costs on the wire: round trips, connects and bytes, counted by the sandbox.

    make benchmark

Counts are exact and the same on every machine; there are no times here. Pools are warm: each has its session, and
SQLAlchemy has asked its first questions.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Callable

import click
from rich.table import Table
from sqlalchemy import create_engine, text

import orapool
from benchmarks.measuring import make_console
from orapool.sandbox import Sandbox, instant_client

DRIVERS = ("cx_oracle", "oracledb")
QUERY = "select 1 from dual"
USER, PASSWORD = "scott", "tiger"

Checkout = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Cost:
    """What one unit of work cost: averages, which are whole numbers where every unit costs the same."""

    round_trips: float
    connects: float
    bytes: float


@dataclass(frozen=True)
class Contender:
    """A way to check a connection out, and to run a query on what that gives."""

    name: str
    checkout: Checkout
    query: Callable[[Any], Any]


@contextlib.contextmanager
def contenders(driver: str, dsn: str) -> Iterator[list[Contender]]:
    """Give all contenders on one driver, each with a pool of one session."""
    with contextlib.ExitStack() as closing:
        orapool.configure(dsn=dsn, user=USER, password=PASSWORD, driver=driver, max=1)
        closing.callback(orapool.close)
        yield [
            bare(driver, dsn, closing),
            Contender("orapool.connection()", orapool.connection, _query_on_cursor),
            Contender("orapool.engine()", orapool.engine().connect, _query_on_engine),
            queue_pool("QueuePool", driver, dsn, closing),
            queue_pool("QueuePool, pre-ping", driver, dsn, closing, pool_pre_ping=True),
        ]


def bare(driver: str, dsn: str, closing: contextlib.ExitStack) -> Contender:
    """Give the driver's own session pool."""
    if driver == "cx_oracle":
        import cx_Oracle

        pool = cx_Oracle.SessionPool(USER, PASSWORD, dsn, min=1, max=1, increment=0, threaded=True)
    else:
        import oracledb

        pool = oracledb.create_pool(user=USER, password=PASSWORD, dsn=dsn, min=1, max=1, increment=0)
    closing.callback(pool.close)
    return Contender("the driver's pool", lambda: contextlib.closing(pool.acquire()), _query_on_cursor)


def queue_pool(name: str, driver: str, dsn: str, closing: contextlib.ExitStack, **options: Any) -> Contender:
    """Give SQLAlchemy's own pool."""
    arguments = {"user": USER, "password": PASSWORD, "dsn": dsn}
    engine = create_engine(f"oracle+{driver}://", connect_args=arguments, pool_size=1, max_overflow=0, **options)
    closing.callback(engine.dispose)
    return Contender(name, engine.connect, _query_on_engine)


def measure(sandbox: Sandbox, work: Callable[[], None], units: int) -> Cost:
    """Do a unit of work a few times to warm up, and then `units` times, counted."""
    for _ in range(3):
        work()
    before = sandbox.stats()
    for _ in range(units):
        work()
    spent = sandbox.stats() - before
    return Cost(
        spent.total_round_trips / units,
        spent.connects / units,
        (spent.bytes_received + spent.bytes_sent) / units,
    )


def costs(sandbox: Sandbox, driver: str, units: int = 100) -> dict[str, tuple[Cost, Cost]]:
    """Return the cost of an empty checkout and of one with a SELECT, for each contender by name."""

    def empty(contender: Contender) -> None:
        with contender.checkout():
            pass

    def select(contender: Contender) -> None:
        with contender.checkout() as connection:
            contender.query(connection)

    with contenders(driver, sandbox.dsn) as all_of_them:
        return {
            contender.name: (
                measure(sandbox, lambda: empty(contender), units),  # noqa: B023 (called at once)
                measure(sandbox, lambda: select(contender), units),  # noqa: B023
            )
            for contender in all_of_them
        }


def table(driver: str, found: dict[str, tuple[Cost, Cost]]) -> Table:
    """Lay out one driver's costs."""
    shown = Table("unit of work", "by", title=driver, title_justify="left")
    for what in ("round trips", "connects", "bytes"):
        shown.add_column(what, justify="right")
    for index, unit in enumerate(("empty checkout", "one SELECT")):
        for name, pair in found.items():
            cost = pair[index]
            shown.add_row(unit, name, *(f"{value:g}" for value in (cost.round_trips, cost.connects, cost.bytes)))
        shown.add_section()
    return shown


def _query_on_cursor(connection: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(QUERY)
        return cursor.fetchone()


def _query_on_engine(connection: Any) -> Any:
    return connection.execute(text(QUERY)).scalar()


@click.command()
@click.option("--driver", type=click.Choice(DRIVERS), multiple=True, default=DRIVERS, help="Default: both.")
@click.option("--units", type=click.IntRange(1), default=100, show_default=True, help="Units of work to count.")
def main(driver: tuple[str, ...], units: int) -> None:
    """Print what one unit of work costs on the wire."""
    instant_client.reexec()
    with Sandbox(users={USER: PASSWORD}) as sandbox:
        for name in driver:
            make_console().print(table(name, costs(sandbox, name, units)))


if __name__ == "__main__":
    main()
