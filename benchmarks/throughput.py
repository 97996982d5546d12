"""What threads get that share a pool: requests a second, and how long they wait for a session.

    python -m benchmarks throughput         or: python -m benchmarks throughput --driver oracledb --processes 9

A request is a checkout and one SELECT. All threads begin at once, and each asks again as soon as it has its answer,
until the round is over; who waits then is served, and counted. The wait is the time that the checkout takes, a ping or
a log-on included. A thread's fair share is what it would wait if all were served in turn: how long a request of it
takes, were they all alike, less the time for which it has a session. Where processes share the work, each has pool and
threads of its own, and all are on the one processor that the clients have. "least and most served" are threads.

Errors, such as that all sessions are in use, are counted; the thread asks again in a millisecond, and goes on waiting.
"""

from __future__ import annotations

import contextlib
import random
import statistics
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarks import charts, units
from benchmarks.contenders import CLOSED, CONTENDERS, ENGINE, TITLES, Place, names, running_sandbox
from benchmarks.measuring import processors
from benchmarks.performers import Failed, Performer, performing
from benchmarks.results import Report, rounded
from benchmarks.spread import Spread, beside, number, percentile
from orapool.sandbox import Sandbox

HEADLINE = (64, 8)
"""Threads and sessions of what is told in the README."""
RETRY_SECONDS = 0.001
START_SECONDS = 0.15
ROUNDS, QUICK_ROUNDS = 5, 3
FAIR = 3.0
"""Of how many fair shares the longest wait may be at most."""


@dataclass(frozen=True)
class Case:
    """What is asked of a contender: so many threads in each process on so many sessions, calls delayed so long."""

    threads: int
    sessions: int
    milliseconds: int = 0
    processes: int = 1
    seconds: float = 0.3

    def __str__(self) -> str:
        told = f"{self.threads} threads on {self.sessions} session{'s' if self.sessions > 1 else ''}"
        if self.processes > 1:
            told = f"{self.processes} processes of {told}"
        return f"{told}, a delay of {self.milliseconds} ms" if self.milliseconds else told


def cases(quick: bool, processes: int | None) -> list[Case]:
    """All that is played."""
    if quick:
        found = [Case(threads, HEADLINE[1]) for threads in (8, HEADLINE[0])]
    else:
        found = [
            Case(threads, sessions)
            for sessions in (1, 4, 8, 16)
            for threads in (1, 4, 16, 64)
            if threads >= sessions or sessions == 8
        ]
        found += [Case(threads, 8, delay, seconds=1.0) for delay in (1, 10) for threads in (8, 64)]
        if processes is None:
            found.append(Case(8, 4, 1, processes=9, seconds=1.5))
    if processes is not None and processes > 1:
        found = [Case(8, 4, delay, processes, seconds=1.5) for delay in (0, 1)]
    return found


@dataclass
class Load:
    """What the threads of a process, or of several, had in one round; times in seconds."""

    seconds: float
    waits: list[float]
    held: float
    served: list[int]
    errors: Counter[str] = field(default_factory=Counter)

    @property
    def requests(self) -> int:
        """All that were served."""
        return sum(self.served)

    @property
    def fair_wait(self) -> float:
        """What each would wait if all were served in turn."""
        if not self.requests:
            return 0.0
        return max(0.0, len(self.served) * self.seconds / self.requests - self.held / self.requests)


@dataclass(frozen=True)
class Round:
    """Figures of a round; waits in milliseconds, ``unfair`` is the longest wait in fair shares."""

    requests_a_second: float
    p50: float
    p95: float
    p99: float
    longest: float
    unfair: float
    least_served: float
    most_served: float
    errors: float
    error: str = ""

    @classmethod
    def of(cls, load: Load) -> Round:
        """Of what the threads had."""
        waits = sorted(load.waits)
        errors = sum(load.errors.values())
        fair, mean = load.fair_wait, load.requests / len(load.served)
        return cls(
            load.requests / load.seconds,
            *(percentile(waits, share) * 1e3 for share in (0.5, 0.95, 0.99)),
            (waits[-1] if waits else 0.0) * 1e3,
            waits[-1] / fair if waits and fair else 0.0,
            min(load.served) / mean if mean else 0.0,
            max(load.served) / mean if mean else 0.0,
            errors / max(1, load.requests + errors),
            load.errors.most_common(1)[0][0] if errors else "",
        )


# ------------------------------------------------------------ in a contender's process
def ask(threads: int, start: float, seconds: float) -> Load:
    """Let threads ask from a moment of the system's clock on; what each had."""
    way = units._ways["default"]
    work = units._select if way.kind != ENGINE else _select_on_connection
    acquire = way.acquire if way.kind != CLOSED else lambda: contextlib.closing(way.acquire())
    together = threading.Barrier(threads)
    end = start + seconds
    all_waits: list[list[float]] = []
    held: list[float] = []
    served: list[int] = []
    errors: Counter[str] = Counter()
    clock = time.monotonic

    def run() -> None:
        waits: list[float] = []
        all_waits.append(waits)
        having = 0.0
        together.wait()
        time.sleep(max(0.0, start - clock()))
        asked = clock()
        while clock() < end:
            try:
                with acquire() as connection:
                    got = clock()
                    work(connection)
            except Exception as error:
                errors[str(error).splitlines()[0]] += 1
                time.sleep(RETRY_SECONDS)
                continue
            waits.append(got - asked)
            asked = clock()
            having += asked - got
        served.append(len(waits))
        if asked < end - RETRY_SECONDS:
            waits.append(end - asked)  # it has had nothing but errors since
        held.append(having)

    started = [threading.Thread(target=run) for _ in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    waited = [wait for waits in all_waits for wait in waits]
    return Load(clock() - start, waited, sum(held), served, errors)


def _select_on_connection(connection: Any) -> None:
    connection.execute(units.text(units.QUERY)).scalar()


# ------------------------------------------------------------ in the process that compares
def play(performers: Sequence[Performer], case: Case) -> Round:
    """One round, of one process or of several at once."""
    start = time.monotonic() + START_SECONDS
    for each in performers:
        each.begin(ask, case.threads, start, case.seconds)
    loads: list[Load] = [each.end() for each in performers]
    return Round.of(
        Load(
            max(load.seconds for load in loads),
            [wait for load in loads for wait in load.waits],
            sum(load.held for load in loads),
            [served for load in loads for served in load.served],
            sum((load.errors for load in loads), Counter()),
        )
    )


@dataclass
class Found:
    """What one driver's contenders had, by case and name; and why some could not be measured."""

    rounds: dict[Case, dict[str, list[Round]]] = field(default_factory=dict)
    failures: dict[Case, dict[str, str]] = field(default_factory=dict)

    def values(self, case: Case, name: str, what: str) -> list[float]:
        """A figure of each round."""
        return [getattr(each, what) for each in self.rounds[case][name]]

    def cell(self, case: Case, name: str, what: str) -> str:
        """The same as median and spread, and how many times orapool's."""
        values, own = self.values(case, name, what), CONTENDERS[name].beside
        if name == own or own not in self.rounds[case]:
            return str(Spread.of(values))
        return beside(values, self.values(case, own, what))


def measure(sandbox: Sandbox, driver: str, chosen: Sequence[str], played: Sequence[Case], rounds: int) -> Found:
    """Let the contenders take turns in each case; pools stay open for all cases with as many sessions."""
    found = Found({case: {} for case in played}, {case: {} for case in played})
    for sessions, processes in dict.fromkeys((case.sessions, case.processes) for case in played):
        alike = [case for case in played if (case.sessions, case.processes) == (sessions, processes)]
        titles = [f"{name} {number}" for name in chosen for number in range(processes)]
        with performing(processors()[1], titles, __name__) as performers:
            for case in alike:
                for name in chosen:
                    own = [performers[f"{name} {number}"] for number in range(processes)]
                    try:
                        if case == alike[0]:
                            for each in own:
                                each.call(units.open_way, name, Place(driver, sandbox.dsn, sessions))
                        play(own, replace(case, seconds=0.05))
                        found.rounds[case][name] = []
                    except Failed as error:
                        found.failures[case][name] = str(error)
                _play_rounds(sandbox, case, rounds, performers, found)
    return found


def _play_rounds(sandbox: Sandbox, case: Case, rounds: int, performers: dict[str, Performer], found: Found) -> None:
    ready = found.rounds[case]
    sandbox.delay(case.milliseconds / 1e3)
    for _ in range(rounds):
        for name in random.sample(list(ready), len(ready)):
            try:
                own = [performers[f"{name} {number}"] for number in range(case.processes)]
                ready[name].append(play(own, case))
            except Failed as error:
                found.failures[case][name] = str(error)
                del ready[name]
    sandbox.delay(0)


# ------------------------------------------------------------ what is shown
def fairness(found: Found, case: Case, name: str) -> str:
    """The longest wait in fair shares, where somebody has to wait."""
    if case.threads <= case.sessions or case.processes > 1:
        return ""
    each = Spread.of(found.values(case, name, "unfair"))
    return f"{number(each.median)}{' (starves)' if each.median > FAIR else ''}"


def rows_of(found: Found, case: Case) -> list[list[str]]:
    """A row for each contender."""
    rows = []
    for name in dict.fromkeys([*found.rounds[case], *found.failures[case]]):
        if name in found.failures[case]:
            rows.append([name, found.failures[case][name], *[""] * 6])
            continue
        errors = statistics.median(found.values(case, name, "errors"))
        rows.append(
            [
                name,
                found.cell(case, name, "requests_a_second"),
                *(number(statistics.median(found.values(case, name, what))) for what in ("p50", "p95")),
                found.cell(case, name, "p99"),
                number(statistics.median(found.values(case, name, "longest"))),
                fairness(found, case, name),
                f"{errors:.0%}" if errors else "",
            ]
        )
    return rows


def errors_of(found: Found, case: Case) -> str:
    """What the errors were."""
    told = {name: {one.error for one in rounds if one.error} for name, rounds in found.rounds[case].items()}
    return "".join(f" {name}: {', '.join(sorted(errors))}." for name, errors in told.items() if errors)


COLUMNS = ("contender", "requests/s", "p50, ms", "p95, ms", "p99, ms", "longest, ms", "in fair shares", "errors")


def show(report: Report, found: dict[str, Found], played: Sequence[Case]) -> None:
    """Lay out the figures of all drivers; the README has those of one case."""
    headline = next((case for case in played if (case.threads, case.sessions) == HEADLINE), played[0])
    for case in played:
        for driver, each in found.items():
            report.table(
                f"{TITLES[driver]}: {case}",
                COLUMNS,
                rows_of(each, case),
                f"throughput-{driver}" if (case.threads, case.sessions) == HEADLINE and case == headline else "",
                f"{TITLES[driver]}, {case}: waits for a session; medians of rounds, and between what they lie; then "
                "how many times as much as orapool has in the same rounds." + errors_of(each, case),
                printed=case == headline or case.processes > 1,
            )
    panels, below = {}, []
    for driver, each in found.items():
        for sessions in dict.fromkeys(case.sessions for case in played):
            series: dict[str, list[tuple[float, float]]] = {}
            for case in played:
                if (case.sessions, case.milliseconds, case.processes) == (sessions, 0, 1):
                    for name, rounds in each.rounds[case].items():
                        median = statistics.median(one.p99 for one in rounds)
                        series.setdefault(name, []).append((case.threads, max(median, 0.001)))
            if any(len(points) > 1 for points in series.values()):
                panels[f"{TITLES[driver]}, {sessions} session{'s' if sessions > 1 else ''}"] = series
                below.append("threads")
    charts.lines(panels, below, "p99 of waits, ms", report.place / f"{report.what}.svg")
    report.data["drivers"] = {
        driver: [
            {
                "case": vars(case),
                "rounds": {name: [rounded(vars(one)) for one in rounds] for name, rounds in each.rounds[case].items()},
                "failures": each.failures[case],
            }
            for case in played
        ]
        for driver, each in found.items()
    }


def main(drivers: tuple[str, ...], report: Report, processes: int | None = None) -> None:
    """Measure and show."""
    if processes is not None and processes > 1:
        report.what = f"throughput-{processes}-processes"
    played, rounds = cases(report.quick, processes), QUICK_ROUNDS if report.quick else ROUNDS
    found = {}
    for driver in drivers:
        with running_sandbox() as sandbox:
            found[driver] = measure(sandbox, driver, names(driver, report.quick), played, rounds)
    show(report, found, played)
    report.write()
