"""What a unit of work costs: round trips, connects and bytes, exactly; and microseconds, of the client and in all.

    python -m benchmarks checkout         or: python -m benchmarks checkout --driver oracledb --quick

The sandbox counts the former, which are the same on every machine. Pools are warm: each has its one session, and
SQLAlchemy has asked its first questions. For the times, each contender is a process of its own; all are on one
processor, the server is on another, the contenders take turns in an order that changes with each round, and no garbage
is collected during one. CPU is that of the client's process, threads in the background included.

On one machine a round trip takes no more time than some hundred lines of Python; so two units are measured once more
with a server that takes a millisecond to answer, as one on a network does.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Callable

from sqlalchemy import Column, Integer, String, text
from sqlalchemy.orm import Session

try:
    from sqlalchemy.orm import declarative_base
except ImportError:  # SQLAlchemy 1.3
    from sqlalchemy.ext.declarative import declarative_base

import orapool
from benchmarks import charts
from benchmarks.contenders import CLOSED, CONTENDERS, ENGINE, PASSWORD, TITLES, USER, Place, Way, names, running_sandbox
from benchmarks.measuring import collector_at_rest, processors
from benchmarks.performers import Failed, Performer, performing
from benchmarks.results import Report, rounded
from benchmarks.spread import Spread, beside, number
from orapool.sandbox import Sandbox

QUERY = "select 1 from dual"
EMPTY, SELECT, GET, INSERT, ROLLBACK = (
    "empty checkout",
    "one SELECT",
    "ORM get by key",
    "INSERT and commit",
    "INSERT and rollback",
)
UNITS = (EMPTY, SELECT, GET, INSERT, ROLLBACK)
"""What an ORM would do, is done by hand on a connection of the driver's."""
AWAY = {f"{unit}, 1 ms away": unit for unit in (SELECT, INSERT)}
"""Units whose time is measured once more, with a server that takes so long to answer, as one on a network does."""
AWAY_SECONDS = 0.001
TIMED = {**{unit: unit for unit in UNITS}, **AWAY}
"""What is measured, and the unit of work that it is."""
BY_KEY = "select id, name from benchmark_customers where id = :id"
ADD = "insert into benchmark_notes (id, note) values (:id, :note)"
NOTE = {"id": 1, "note": "a note of some length"}
TABLES = (
    "create table benchmark_customers (id number(9) primary key, name varchar2(40))",
    "insert into benchmark_customers (id, name) values (1, 'customer 1')",
    "create table benchmark_notes (id number(9), note varchar2(40))",
)
WARM_UP = 3
FULL = {"rounds": 15, "seconds": 0.2}
HURRY = {"rounds": 3, "seconds": 0.02}

Base: Any = declarative_base()


class Customer(Base):
    """Who is found by key."""

    __tablename__ = "benchmark_customers"
    id = Column(Integer, primary_key=True)
    name = Column(String(40))


class Note(Base):
    """What is inserted. Its key is one in the ORM only, so that each costs as many bytes."""

    __tablename__ = "benchmark_notes"
    id = Column(Integer, primary_key=True, autoincrement=False)
    note = Column(String(40))


@dataclass(frozen=True)
class Cost:
    """What one unit of work cost: averages, which are whole numbers where every unit costs the same."""

    round_trips: float
    connects: float
    bytes: float


Counts = dict[str, dict[str, Cost]]
"""By contender and unit."""


@dataclass(frozen=True)
class Round:
    """Microseconds a unit."""

    wall: float
    cpu: float


# ------------------------------------------------------------ the work
def _select(connection: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(QUERY)
        cursor.fetchone()


def _get(connection: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(BY_KEY, {"id": 1})
        cursor.fetchone()


def _insert(connection: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(ADD, NOTE)
    connection.commit()


def _insert_and_roll_back(connection: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(ADD, NOTE)
    connection.rollback()


BY_HAND: dict[str, Callable[[Any], None]] = {
    SELECT: _select,
    GET: _get,
    INSERT: _insert,
    ROLLBACK: _insert_and_roll_back,
}


def _select_on(engine: Any) -> None:
    with engine.connect() as connection:
        connection.execute(text(QUERY)).scalar()


def _get_on(engine: Any) -> None:
    with Session(engine) as session:
        session.get(Customer, 1)


def _insert_on(engine: Any) -> None:
    with Session(engine) as session:
        session.add(Note(**NOTE))
        session.commit()


def _insert_and_roll_back_on(engine: Any) -> None:
    with Session(engine) as session:
        session.add(Note(**NOTE))
        session.flush()
        session.rollback()


BY_ENGINE: dict[str, Callable[[Any], None]] = {
    SELECT: _select_on,
    GET: _get_on,
    INSERT: _insert_on,
    ROLLBACK: _insert_and_roll_back_on,
}


def loop(way: Way, unit: str) -> Callable[[int], None]:
    """Give a function that does a unit of work so many times."""
    acquire = way.acquire

    def acquire_and_close(times: int) -> None:
        for _ in itertools.repeat(None, times):
            acquire().close()

    def enter_and_leave(times: int) -> None:
        for _ in itertools.repeat(None, times):
            with acquire():
                pass

    if unit == EMPTY:
        return acquire_and_close if way.kind == CLOSED else enter_and_leave
    if way.kind == ENGINE:
        engine, on_engine = way.engine, BY_ENGINE[unit]

        def work_on_engine(times: int) -> None:
            for _ in itertools.repeat(None, times):
                on_engine(engine)

        return work_on_engine
    work = BY_HAND[unit]

    def work_and_close(times: int) -> None:
        for _ in itertools.repeat(None, times):
            connection = acquire()
            try:
                work(connection)
            finally:
                connection.close()

    def work_and_leave(times: int) -> None:
        for _ in itertools.repeat(None, times):
            with acquire() as connection:
                work(connection)

    return work_and_close if way.kind == CLOSED else work_and_leave


# ------------------------------------------------------------ in a contender's process
_ways: dict[str, Way] = {}


def open_way(contender: str, place: Place) -> None:
    """Set a contender up, for the calls that follow."""
    _ways[place.name] = CONTENDERS[contender].open(place)


def run(unit: str, times: int, name: str = "default") -> Round:
    """Do a unit of work so many times."""
    work = loop(_ways[name], unit)
    with collector_at_rest():
        wall, cpu = time.perf_counter(), time.process_time()
        work(times)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Round(wall / times * 1e6, cpu / times * 1e6)


# ------------------------------------------------------------ in the process that compares
def make_tables(sandbox: Sandbox) -> None:
    """What the units of work are done on, new."""
    orapool.configure("tables", dsn=sandbox.dsn, user=USER, password=PASSWORD, driver="oracledb", max=1)
    with orapool.transaction("tables") as connection, connection.cursor() as cursor:
        for name in ("benchmark_customers", "benchmark_notes"):
            with contextlib.suppress(Exception):
                cursor.execute(f"drop table {name}")
        for statement in TABLES:
            cursor.execute(statement)
    orapool.close("tables")


def count(sandbox: Sandbox, performer: Performer, unit: str, times: int) -> Cost:
    """Count what a unit of work costs on the wire."""
    performer.call(run, unit, WARM_UP)
    before = sandbox.stats()
    performer.call(run, unit, times)
    spent = sandbox.stats() - before
    return Cost(
        spent.total_round_trips / times, spent.connects / times, (spent.bytes_received + spent.bytes_sent) / times
    )


def costs(sandbox: Sandbox, driver: str, chosen: Sequence[str] | None = None, units: int = 20) -> Counts:
    """What each contender's units of work cost on the wire, on any processors."""
    make_tables(sandbox)
    with performing(None, names(driver) if chosen is None else chosen, __name__) as performers:
        return {name: _counted(sandbox, driver, performer, units) for name, performer in performers.items()}


def _counted(sandbox: Sandbox, driver: str, performer: Performer, units: int) -> dict[str, Cost]:
    performer.call(open_way, performer.title, Place(driver, sandbox.dsn))
    return {unit: count(sandbox, performer, unit, units) for unit in UNITS}


@dataclass
class Found:
    """What one driver's contenders were found to cost; and why some could not be measured."""

    times: dict[str, dict[str, list[Round]]] = field(default_factory=dict)
    counts: Counts = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def values(self, name: str, unit: str, what: str) -> list[float]:
        """The ``wall`` or ``cpu`` of each round."""
        return [getattr(each, what) for each in self.times[name][unit]]

    def spread(self, name: str, unit: str, what: str) -> Spread:
        """The same as median and spread."""
        return Spread.of(self.values(name, unit, what))

    def cell(self, name: str, unit: str, what: str) -> str:
        """The same in words, and how many times as much as orapool takes in the same rounds."""
        if name not in self.times:
            return "failed" if name in self.failures else ""
        own = CONTENDERS[name].beside
        if name == own or own not in self.times:
            return str(self.spread(name, unit, what))
        return beside(self.values(name, unit, what), self.values(own, unit, what))


def measure(sandbox: Sandbox, driver: str, rounds: int, seconds: float) -> Found:
    """Let the contenders take turns, in rounds of about so many seconds, after counting."""
    make_tables(sandbox)
    found = Found()
    many: dict[tuple[str, str], int] = {}
    with performing(processors()[1], names(driver), __name__) as performers:
        for name, performer in performers.items():
            try:
                found.counts[name] = _counted(sandbox, driver, performer, 10)
                for timed, unit in TIMED.items():
                    with far_away(sandbox, timed):
                        once = performer.call(run, unit, WARM_UP).wall / 1e6
                    many[name, timed] = max(WARM_UP, min(5_000, round(seconds / once)))
                found.times[name] = {timed: [] for timed in TIMED}
            except Failed as error:
                found.failures[name] = str(error)
        for timed, unit in TIMED.items():
            with far_away(sandbox, timed):
                for _ in range(rounds):
                    for name in random.sample(list(found.times), len(found.times)):
                        found.times[name][timed].append(performers[name].call(run, unit, many[name, timed]))
    return found


@contextlib.contextmanager
def far_away(sandbox: Sandbox, timed: str) -> Iterator[None]:
    """Have the server answer as late as it does where this is measured."""
    if timed in AWAY:
        sandbox.delay(AWAY_SECONDS)
    try:
        yield
    finally:
        sandbox.delay(0)


def show(report: Report, found: dict[str, Found]) -> None:
    """Lay out the figures of all drivers."""
    everyone = list(dict.fromkeys(name for each in found.values() for name in (*each.counts, *each.failures)))
    headlines = (
        (EMPTY, "cpu", "CPU of an empty checkout"),
        (SELECT, "wall", "time of one SELECT"),
        (next(iter(AWAY)), "wall", "the same, with a database 1 ms away"),
    )
    report.table(
        "What a checkout costs",
        ["microseconds", *(f"{TITLES[driver]}: {told}" for driver in found for _unit, _what, told in headlines)],
        [
            [name, *(each.cell(name, unit, what) for each in found.values() for unit, what, _told in headlines)]
            for name in everyone
        ],
        "checkout-cost",
        "Medians, and between what the rounds lie; then how many times as much as orapool takes in the same rounds, by "
        "`orapool.connection()` beside what gives the driver's connections, by `orapool.engine()` beside engines. "
        + " ".join(f"{told}." for each in found.values() for told in each.failures.values()),
    )
    for driver, each in found.items():
        for what, told, units in (("cpu", "client's CPU", UNITS), ("wall", "time", tuple(TIMED))):
            report.table(
                f"{TITLES[driver]}: {told} of each unit of work",
                ["microseconds", *units],
                [[name, *(each.cell(name, unit, what) for unit in units)] for name in each.times],
                printed=False,
            )
    _show_counts(report, {driver: each.counts for driver, each in found.items()})
    panels = {
        f"{TITLES[driver]}: {told}": {name: each.spread(name, unit, what) for name in each.times}
        for driver, each in found.items()
        for unit, what, told in headlines
    }
    charts.dots(panels, "microseconds", report.place / "checkout-cost.svg")
    report.data["drivers"] = {
        driver: {
            "microseconds": rounded(
                {
                    name: {unit: {what: each.values(name, unit, what) for what in ("wall", "cpu")} for unit in TIMED}
                    for name in each.times
                }
            ),
            "counts": {name: {unit: vars(cost) for unit, cost in units.items()} for name, units in each.counts.items()},
            "failures": each.failures,
        }
        for driver, each in found.items()
    }


def _show_counts(report: Report, counts: dict[str, Counts]) -> None:
    """One table for both drivers where they count alike, and the bytes of each."""
    trips = {
        driver: {name: [f"{units[unit].round_trips:g}" for unit in UNITS] for name, units in each.items()}
        for driver, each in counts.items()
    }
    merged: dict[str, list[str]] = {}
    for each in trips.values():
        for name, row in each.items():
            seen = merged.setdefault(name, row)
            merged[name] = [a if a == b else f"{a} or {b}" for a, b in zip(seen, row)]
    told = " and ".join(TITLES[driver] for driver in counts)
    rows = [[name, *row] for name, row in merged.items()]
    report.table(f"Round trips of a unit of work, {told}", ["round trips", *UNITS], rows, "checkout-round-trips")
    for driver, contenders in counts.items():
        rows = [
            [name, *(f"{units[unit].connects:g}, {number(units[unit].bytes)}" for unit in UNITS)]
            for name, units in contenders.items()
        ]
        title = f"{TITLES[driver]}: connects and bytes of a unit of work"
        report.table(title, ["connects, bytes", *UNITS], rows, printed=False)
    first = next(iter(counts.values()))
    charts.bars(
        {unit: {name: units[unit].round_trips for name, units in first.items()} for unit in UNITS},
        "round trips",
        report.place / "checkout-round-trips.svg",
    )


def main(drivers: tuple[str, ...], report: Report) -> None:
    """Measure and show."""
    told = HURRY if report.quick else FULL
    found = {}
    for driver in drivers:
        with running_sandbox() as sandbox:
            found[driver] = measure(sandbox, driver, int(told["rounds"]), told["seconds"])
    show(report, found)
    report.write()
