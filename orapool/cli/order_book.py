"""What the demo runs: a small order book, three kinds of request to it, and two ways to reach the database."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import pandas
from sqlalchemy import Column, Integer, Numeric, String, create_engine, text
from sqlalchemy.engine import Engine

import orapool
from orapool.cli import one_line
from orapool.older_sqlalchemy import declarative_base, orm_session

CITIES = ("Basel", "Graz", "Lyon", "Turku")
ORDERS = 240

KINDS = ("ORM", "SQL", "DataFrame")
BY_CITY = "select city, count(*) as orders, sum(amount) as amount from orapool_demo_orders group by city"
OF_CITY = "select id, amount from orapool_demo_orders where city = :city and status = 'open' order by id"


Base: Any = declarative_base()


class Order(Base):  # type: ignore[misc]
    """One order."""

    __tablename__ = "orapool_demo_orders"

    id = Column(Integer, primary_key=True)
    city = Column(String(20), nullable=False)
    status: Any = Column(String(10), nullable=False)
    amount = Column(Numeric(10, 2), nullable=False)


class Way(Protocol):
    """A way from the application to the database."""

    label: str
    driver: str
    engine: Engine

    def rows(self, sql: str, parameters: Mapping[str, Any]) -> list[Any]:
        """Run hand-written SQL."""

    def frame(self, sql: str) -> pandas.DataFrame:
        """Read a DataFrame."""

    def hold(self) -> Any:
        """Hold one session while in the `with` block."""

    def close(self) -> None:
        """Close all sessions."""


class OnePool:
    """All three over the native pool of orapool."""

    label = "one orapool"

    def __init__(self, dsn: str, user: str, password: str, driver: str, sessions: int) -> None:
        orapool.configure(dsn=dsn, user=user, password=password, driver=driver, max=sessions)
        self.driver: str = orapool.pool().driver.name
        self.engine = orapool.engine()

    def rows(self, sql: str, parameters: Mapping[str, Any]) -> list[Any]:
        """Run hand-written SQL on a connection of the driver's own."""
        with orapool.connection() as connection, connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            rows: list[Any] = cursor.fetchall()
            return rows

    def frame(self, sql: str) -> pandas.DataFrame:
        """Read a DataFrame."""
        read: pandas.DataFrame = orapool.read_df(sql)
        return read

    def hold(self) -> Any:
        """Hold one session while in the `with` block."""
        return orapool.connection()

    def close(self) -> None:
        """Close all sessions."""
        orapool.close()


class StockPool:
    """All three over an engine as SQLAlchemy makes it: QueuePool with its defaults, but for the size."""

    label = "stock QueuePool"

    def __init__(self, dsn: str, user: str, password: str, driver: str, sessions: int) -> None:
        self.driver = driver
        arguments = {"user": user, "password": password, "dsn": dsn}
        self.engine = create_engine(f"oracle+{driver}://", connect_args=arguments, pool_size=sessions, max_overflow=0)

    def rows(self, sql: str, parameters: Mapping[str, Any]) -> list[Any]:
        """Run hand-written SQL."""
        with self.engine.connect() as connection:
            return list(connection.execute(text(sql), parameters))

    def frame(self, sql: str) -> pandas.DataFrame:
        """Read a DataFrame."""
        return pandas.read_sql_query(sql, self.engine)

    @contextmanager
    def hold(self) -> Iterator[Any]:
        """Hold one session while in the `with` block."""
        with self.engine.connect() as connection:
            yield connection.connection

    def close(self) -> None:
        """Close all sessions."""
        self.engine.dispose()


@dataclass
class Outcome:
    """What the application saw of a run: requests that worked, and the errors of those that did not, for each kind."""

    worked: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)

    @property
    def failures(self) -> int:
        """Requests that failed, of all kinds."""
        return sum(self.failed.values())

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(self.worked + other.worked, self.failed + other.failed, self.errors + other.errors)


def fill(engine: Engine) -> None:
    """Make the order book, anew where an earlier demo left one behind."""
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    with orm_session(engine) as session:
        session.add_all(
            Order(id=number + 1, city=CITIES[number % len(CITIES)], status="open", amount=(number * 37 % 1000) / 4)
            for number in range(ORDERS)
        )
        session.commit()


def remove(engine: Engine) -> None:
    """Remove the order book."""
    Base.metadata.drop_all(engine)


def request(way: Way, kind: str, number: int) -> None:
    """One request of the application, as a web worker would serve it. Raises whatever goes wrong."""
    if kind == "ORM":
        with orm_session(way.engine) as session:
            order = session.query(Order).filter_by(id=number % ORDERS + 1).one_or_none()
            if order is None:
                raise RuntimeError(f"the order book has no order {number % ORDERS + 1}")
            order.status = "shipped" if order.status == "open" else "open"
            session.commit()
    elif kind == "SQL":
        way.rows(OF_CITY, {"city": CITIES[number % len(CITIES)]})
    else:
        counted = way.frame(BY_CITY)
        if int(counted["orders"].sum()) != ORDERS:
            raise RuntimeError(f"the order book has {ORDERS} orders, the DataFrame says {counted['orders'].sum()}")


def warm_up(way: Way, threads: int) -> None:
    """Have one session open for each thread, and SQLAlchemy's first-connect questions asked."""
    together = threading.Barrier(threads)

    def hold() -> None:
        try:
            with way.hold():
                together.wait(timeout=60)
        except Exception:
            together.abort()  # the others need not wait for this one
            raise

    with ThreadPoolExecutor(threads) as pool:
        held = [pool.submit(hold) for _ in range(threads)]
    failed = [error for error in (done.exception() for done in held) if error]
    for error in sorted(failed, key=lambda error: isinstance(error, threading.BrokenBarrierError)):
        raise error  # the cause, before those who only waited for it
    for kind in KINDS:
        request(way, kind, 0)


def play(way: Way, threads: int, rounds: int) -> Outcome:
    """Send requests of all kinds from several threads at once."""
    together = threading.Barrier(threads)

    def work(thread: int) -> Outcome:
        outcome = Outcome()
        together.wait(timeout=60)
        for turn in range(rounds * len(KINDS)):
            kind = KINDS[(thread + turn) % len(KINDS)]
            try:
                request(way, kind, thread * ORDERS // threads + turn)
            except Exception as error:  # as a web framework does: the request fails, the worker goes on
                outcome.failed[kind] += 1
                # pandas puts the whole statement before the cause.
                told = error.__cause__ if isinstance(error, pandas.errors.DatabaseError) else error
                outcome.errors[one_line(told or error)] += 1
            else:
                outcome.worked[kind] += 1
        return outcome

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(work, range(threads)), Outcome())
