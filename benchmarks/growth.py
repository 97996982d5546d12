"""Whether a checkout costs more where there is more: sessions in the pool, threads that wait, pools in the process.

    python -m benchmarks growth

CPU of the client for an empty checkout, by one thread, with so many idle sessions in the pool; the same by turns on so
many pools of two sessions; and CPU and time for a request (a checkout and one SELECT) of so many threads on four
sessions. Flat is well; what an interpreter takes to switch between threads grows by itself, for all alike.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks import charts, throughput, units
from benchmarks.contenders import CONNECTION, DRIVERS_OWN, ORAPOOL_ENGINE, QUEUE_POOL, TITLES, Place, running_sandbox
from benchmarks.measuring import collector_at_rest, processors
from benchmarks.performers import Failed, Performer, performing
from benchmarks.results import Report, rounded
from benchmarks.spread import LEAST, NO_DIFFERENCE, Spread, number, ratio
from orapool.sandbox import Sandbox

CHOSEN = (DRIVERS_OWN, CONNECTION, ORAPOOL_ENGINE, QUEUE_POOL)
QUICK_CHOSEN = (CONNECTION, ORAPOOL_ENGINE)
SESSIONS, THREADS, POOLS = "sessions", "waiting threads", "pools"
SIZES = {SESSIONS: (1, 10, 50, 200), THREADS: (1, 10, 100, 500), POOLS: (1, 5, 10, 20)}
QUICK_SIZES = {SESSIONS: (1, 20), THREADS: (1, 100), POOLS: (1, 5)}
ROUNDS, QUICK_ROUNDS = 9, 3
FEW_SESSIONS = 4
"""Of what threads share."""
OF_EACH_POOL = 2


# ------------------------------------------------------------ in a contender's process
def open_sessions(contender: str, place: Place) -> None:
    """Have all sessions of a pool opened, and given back."""
    units.open_way(contender, place)
    way = units._ways[place.name]
    with contextlib.ExitStack() as held:
        for _ in range(place.sessions):
            connection = way.acquire()
            held.enter_context(connection if way.kind != units.CLOSED else contextlib.closing(connection))


def take_turns(pools: int, times: int) -> float:
    """CPU microseconds of an empty checkout, of each pool in turn."""
    loops = [units.loop(units._ways[f"pool{number}"], units.EMPTY) for number in range(pools)]
    with collector_at_rest():
        cpu = time.process_time()
        for _ in range(max(1, times // pools)):
            for loop in loops:
                loop(1)
        cpu = time.process_time() - cpu
    return cpu / (max(1, times // pools) * pools) * 1e6


def ask(threads: int, seconds: float) -> float:
    """CPU microseconds of a request of so many threads."""
    start = time.monotonic() + throughput.START_SECONDS
    with collector_at_rest():
        cpu = time.process_time()
        load = throughput.ask(threads, start, seconds)
        cpu = time.process_time() - cpu
    return cpu / max(1, load.requests) * 1e6


# ------------------------------------------------------------ in the process that compares
Rounds = dict[str, dict[int, list[float]]]
"""CPU microseconds by contender and size."""


@dataclass
class Found:
    """What one driver's contenders take, by what grows; and why some could not be measured."""

    rounds: dict[str, Rounds] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


def _by_turns(
    found: Found, what: str, name: str, sizes: Sequence[int], rounds: int, play: Callable[[int], float]
) -> None:
    played: dict[int, list[float]] = {size: [] for size in sizes}
    try:
        for _ in range(rounds):
            for size in random.sample(list(sizes), len(sizes)):
                played[size].append(play(size))
        found.rounds.setdefault(what, {})[name] = played
    except Failed as error:
        found.failures.append(f"{what}, {error}")


def measure(sandbox: Sandbox, driver: str, sizes: dict[str, Sequence[int]], rounds: int, quick: bool) -> Found:
    """Let the sizes take turns, for one contender after the other: so there are not too many sessions at a time."""
    found = Found()
    checkouts, seconds = (300, 0.1) if quick else (2_000, 0.5)
    for name in QUICK_CHOSEN if quick else CHOSEN:
        titles = [str(size) for size in sizes[SESSIONS]]
        with performing(processors()[1], titles, __name__) as performers, _failures(found, SESSIONS):
            for title, performer in performers.items():
                performer.call(open_sessions, name, Place(driver, sandbox.dsn, int(title)))

            def empty(size: int, performers: dict[str, Performer] = performers) -> float:
                cpu: float = performers[str(size)].call(units.run, units.EMPTY, checkouts).cpu
                return cpu

            _by_turns(found, SESSIONS, name, sizes[SESSIONS], rounds, empty)
        with performing(processors()[1], [name], __name__) as performers, _failures(found, THREADS):
            performers[name].call(open_sessions, name, Place(driver, sandbox.dsn, FEW_SESSIONS))

            def wait(size: int, performer: Performer = performers[name]) -> float:
                cpu: float = performer.call(ask, size, max(seconds, size / 500))
                return cpu

            _by_turns(found, THREADS, name, sizes[THREADS], rounds, wait)
        with performing(processors()[1], [name], __name__) as performers, _failures(found, POOLS):
            for pool in range(max(sizes[POOLS])):
                place = Place(driver, sandbox.dsn, OF_EACH_POOL, f"pool{pool}")
                performers[name].call(open_sessions, name, place)

            def turn(size: int, performer: Performer = performers[name]) -> float:
                cpu: float = performer.call(take_turns, size, checkouts)
                return cpu

            _by_turns(found, POOLS, name, sizes[POOLS], rounds, turn)
    return found


@contextlib.contextmanager
def _failures(found: Found, what: str) -> Any:
    try:
        yield
    except Failed as error:
        found.failures.append(f"{what}, {error}")


# ------------------------------------------------------------ what is shown
def growth(played: dict[int, list[float]]) -> str:
    """How many times as much the most costs as the least."""
    least, most = min(played), max(played)
    if len(played[least]) < LEAST:
        return ""
    found = ratio(played[most], played[least])
    return NO_DIFFERENCE if found is None else f"{number(found)} x"


def show(report: Report, found: dict[str, Found], sizes: dict[str, Sequence[int]]) -> None:
    """Lay out the ends, and draw what is between."""
    rows = []
    for driver, each in found.items():
        for what, rounds in each.rounds.items():
            for name, played in rounds.items():
                least, most = min(played), max(played)
                rows.append(
                    [
                        f"{TITLES[driver]}, {least} to {most} {what}",
                        name,
                        str(Spread.of(played[least])),
                        str(Spread.of(played[most])),
                        growth(played),
                    ]
                )
    report.table(
        "What grows",
        ["from, to", "by", "microseconds with the least", "with the most", "growth"],
        rows,
        "growth",
        "CPU of the client; with waiting threads, of a request, else of an empty checkout. Medians, and between "
        "what the rounds lie. " + " ".join(f"{told}." for each in found.values() for told in each.failures),
    )
    panels, below = {}, []
    for driver, each in found.items():
        for what, rounds in each.rounds.items():
            panels[f"{TITLES[driver]}, {what}"] = {
                name: [(size, Spread.of(values).median) for size, values in played.items()]
                for name, played in rounds.items()
            }
            below.append(what)
    charts.lines(panels, below, "CPU, microseconds", report.place / "growth.svg", log_y=False)
    report.data["drivers"] = {
        driver: {"microseconds": rounded(each.rounds), "failures": each.failures} for driver, each in found.items()
    }


def main(drivers: tuple[str, ...], report: Report) -> None:
    """Measure and show."""
    sizes, rounds = (QUICK_SIZES, QUICK_ROUNDS) if report.quick else (SIZES, ROUNDS)
    found = {}
    for driver in drivers:
        with running_sandbox() as sandbox:
            found[driver] = measure(sandbox, driver, sizes, rounds, report.quick)
    show(report, found, sizes)
    report.write()
