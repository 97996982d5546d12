"""What is taken without any work: time to import, memory, threads, files, idle CPU; and sessions on the server.

    python -m benchmarks footprint

`import orapool` is timed in interpreters of their own, beyond the import of SQLAlchemy, which it needs; and so is the
first `orapool.configure`, which imports what reads settings. Memory is what a process has to itself (USS), beyond what
it had with driver and SQLAlchemy imported, and nothing opened; that of a session is the difference between pools with
few and with many idle sessions. Idle CPU is that of a process whose eight sessions lie idle; all contenders idle at the
same time.

Sessions on the server: the incident's application, nine workers of eight threads, each with the ORM and hand-written
SQL in turn. Before: two QueuePools of 20 and 5 in each; after: one pool of orapool's, max=8.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import psutil
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

import orapool
from benchmarks import charts, growth, units
from benchmarks.contenders import CONNECTION, DRIVERS_OWN, QUEUE_POOL, TITLES, Place, names, running_sandbox
from benchmarks.measuring import on_processor, processors
from benchmarks.performers import Failed, Performer, performing
from benchmarks.results import Report, rounded
from benchmarks.spread import Spread, number
from orapool.sandbox import Sandbox

LATER = (
    "pandas",
    "numpy",
    "pyarrow",
    "polars",
    "dask",
    "flask",
    "rich",
    "psutil",
    "cx_Oracle",
    "oracledb",
    "prometheus_client",
    "opentelemetry",
    "psycopg",
    "sqlglot",
    "cryptography",
    "tqdm",
    "asyncio",
)
"""What `import orapool` must not import: it is imported where it is first used."""
IMPORT = """
import json, sys, time
import sqlalchemy
before = set(sys.modules)
wall, cpu = time.perf_counter(), time.process_time()
import orapool
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
modules = sorted(set(sys.modules) - before)
first = time.perf_counter()
orapool.configure(dsn="db1/SALES", user="scott", password="tiger")
first = time.perf_counter() - first
print(json.dumps({"wall": wall, "cpu": cpu, "configure": first, "modules": modules}))
"""
IMPORT_SQLALCHEMY = """
import json, time
wall, cpu = time.perf_counter(), time.process_time()
import sqlalchemy
print(json.dumps({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}))
"""
SESSIONS, MORE = 8, 32
QUICK_CHOSEN = (DRIVERS_OWN, CONNECTION, QUEUE_POOL)
WORKERS, THREADS, STEPS = 9, 8, 3
BEFORE = {"pool_size": 20, "max_overflow": 5, "pool_timeout": 100, "pool_recycle": 280}
AFTER = 8
AT_MOST = {"before": WORKERS * 2 * (BEFORE["pool_size"] + BEFORE["max_overflow"]), "after": WORKERS * AFTER}
END_SECONDS = 30.0
MEBI, KIBI = 2**20, 2**10


# ------------------------------------------------------------ imports
@dataclass
class Imports:
    """Milliseconds of importing SQLAlchemy, and then orapool; and what came with it that should not."""

    sqlalchemy: list[float] = field(default_factory=list)
    orapool: list[float] = field(default_factory=list)
    orapool_cpu: list[float] = field(default_factory=list)
    configure: list[float] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)

    @property
    def too_early(self) -> list[str]:
        """What was imported that is to be imported later."""
        found = {name.partition(".")[0] for name in self.modules}
        return [name for name in LATER if name in found]


@dataclass(frozen=True)
class Import:
    """What one interpreter took, in seconds: to import orapool after SQLAlchemy, and to configure it."""

    wall: float
    cpu: float
    configure: float = 0.0
    modules: list[str] = field(default_factory=list)


def import_once(program: str = IMPORT) -> Import:
    """Import in an interpreter of its own."""
    with on_processor(processors()[1]):
        run = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True)
    return Import(**json.loads(run.stdout))


def imports(rounds: int) -> Imports:
    """Import both in turn; the first time, which may compile, is not counted."""
    import_once()
    found = Imports()
    for _ in range(rounds):
        alone, both = import_once(IMPORT_SQLALCHEMY), import_once()
        found.sqlalchemy.append(alone.wall * 1e3)
        found.orapool.append(both.wall * 1e3)
        found.orapool_cpu.append(both.cpu * 1e3)
        found.configure.append(both.configure * 1e3)
        found.modules = both.modules
    return found


# ------------------------------------------------------------ a process with a pool
@dataclass(frozen=True)
class Standing:
    """What a process has when its sessions lie idle."""

    memory: int
    threads: int
    files: int


def bare(driver: str) -> None:
    """Import what a contender imports."""
    Place(driver, "").dbapi  # noqa: B018
    create_engine(f"oracle+{driver}://")


def standing(performer: Performer) -> Standing:
    """Look at a process from outside."""
    process = psutil.Process(performer.pid)
    return Standing(process.memory_full_info().uss, process.num_threads(), process.num_fds())


@dataclass
class Footprint:
    """What a contender takes; memory in bytes."""

    process: list[float] = field(default_factory=list)
    session: list[float] = field(default_factory=list)
    threads: int = 0
    files: int = 0
    idle: float = 0.0
    """CPU, as a share of one processor."""


@dataclass
class Found:
    """One driver's contenders; the sessions on the server before and after; and why some could not be measured."""

    footprints: dict[str, Footprint] = field(default_factory=dict)
    workers: dict[str, dict[str, float]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


def footprints(
    sandbox: Sandbox, driver: str, chosen: Sequence[str], seconds: float, rounds: int, found: Found, fresh: bool = True
) -> None:
    """Measure contenders' processes: each afresh in every round, and their idle CPU in the last."""
    for number_of in range(rounds):
        titles = [f"{name}, {size}" for name in chosen for size in (SESSIONS, MORE)]
        with performing(processors()[1], titles, growth.__name__, fresh) as performers:
            for name in chosen:
                try:
                    (nothing, few), (unused, many) = (
                        _opened(performers[f"{name}, {size}"], name, Place(driver, sandbox.dsn, size))
                        for size in (SESSIONS, MORE)
                    )
                except Failed as error:
                    found.failures[name] = str(error)
                    continue
                each = found.footprints.setdefault(name, Footprint())
                each.process.append(few.memory - nothing.memory)
                each.session.append((many.memory - unused.memory - few.memory + nothing.memory) / (MORE - SESSIONS))
                each.threads, each.files = few.threads - nothing.threads, few.files - nothing.files
            if number_of == rounds - 1:
                _idle({name: performers[f"{name}, {SESSIONS}"] for name in found.footprints}, seconds, found)


def _opened(performer: Performer, contender: str, place: Place) -> tuple[Standing, Standing]:
    """A process before and after it has opened its sessions, and used one."""
    performer.call(bare, place.driver)
    nothing = standing(performer)
    performer.call(growth.open_sessions, contender, place)
    performer.call(units.run, units.SELECT, 2)
    return nothing, standing(performer)


def _idle(performers: dict[str, Performer], seconds: float, found: Found) -> None:
    before = {name: each.call(time.process_time) for name, each in performers.items()}
    time.sleep(seconds)
    for name, each in performers.items():
        found.footprints[name].idle = max(0.0, each.call(time.process_time) - before[name]) / seconds


# ------------------------------------------------------------ the incident's workers
_engines: list[object] = []


def set_up_worker(form: str, place: Place) -> None:
    """One of the workers, in its old or its new form: an engine for the ORM, and another for SQL."""
    if form == "before":
        options = {"connect_args": {**place.log_on, **({"threaded": True} if place.driver == "cx_oracle" else {})}}
        _engines.extend(create_engine(f"oracle+{place.driver}://", **options, **BEFORE) for _ in range(2))
    else:
        orapool.configure(**place.log_on, driver=place.driver, max=AFTER)
        _engines.extend([orapool.engine(), orapool.engine()])


def work() -> None:
    """All threads at once ask by the ORM, then all by SQL, and so on."""
    together = threading.Barrier(THREADS)
    orm, sql = _engines
    errors: list[Exception] = []

    def run() -> None:
        try:
            for _ in range(STEPS):
                together.wait()
                with Session(orm) as session:  # type: ignore[arg-type]
                    session.get(units.Customer, 1)
                    together.wait()
                together.wait()
                with sql.connect() as connection:  # type: ignore[attr-defined]
                    connection.execute(text(units.QUERY)).scalar()
                    together.wait()
        except Exception as error:
            errors.append(error)
            together.abort()

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def _wait_for_none(sandbox: Sandbox) -> None:
    """Until the server knows that all sessions have ended."""
    deadline = time.monotonic() + END_SECONDS
    while sandbox.stats().sessions and time.monotonic() < deadline:
        time.sleep(0.05)


def workers(sandbox: Sandbox, driver: str, found: Found) -> None:
    """Sessions on the server, and memory of all workers, in both forms."""
    units.make_tables(sandbox)
    for form in ("before", "after"):
        _wait_for_none(sandbox)
        titles = [f"worker {number_of}" for number_of in range(WORKERS)]
        with performing(processors()[1], titles, __name__) as performers:
            try:
                for each in performers.values():
                    each.call(bare, driver)
                    each.call(set_up_worker, form, Place(driver, sandbox.dsn))
                nothing = sum(standing(each).memory for each in performers.values())
                for each in performers.values():
                    each.begin(work)
                for each in performers.values():
                    each.end()
            except Failed as error:
                found.failures[form] = str(error)
                continue
            found.workers[form] = {
                "sessions": sandbox.stats().sessions,
                "at most": WORKERS
                * (2 * (BEFORE["pool_size"] + BEFORE["max_overflow"]) if form == "before" else AFTER),
                "memory": sum(standing(each).memory for each in performers.values()) - nothing,
            }


# ------------------------------------------------------------ what is shown
def show(report: Report, imported: Imports, found: dict[str, Found], seconds: float) -> None:
    """Lay out all."""
    report.table(
        "What importing takes",
        ["", "ms"],
        [
            ["import sqlalchemy", str(Spread.of(imported.sqlalchemy))],
            ["import orapool, after it", str(Spread.of(imported.orapool))],
            ["CPU of that", str(Spread.of(imported.orapool_cpu))],
            ["orapool.configure(), the first time", str(Spread.of(imported.configure))],
        ],
        "footprint-import",
        f"Imported with orapool though it should not be: {', '.join(imported.too_early) or 'nothing'}.",
    )
    for driver, each in found.items():
        rows = [
            [
                name,
                str(Spread.of([value / MEBI for value in one.process])),
                str(Spread.of([value / KIBI for value in one.session])),
                str(one.threads),
                str(one.files),
                f"{one.idle:.3%}",
            ]
            for name, one in each.footprints.items()
        ]
        report.table(
            f"{TITLES[driver]}: a process with {SESSIONS} idle sessions",
            [TITLES[driver], "memory, MiB", "of a session, KiB", "threads", "files", "idle CPU"],
            rows,
            f"footprint-{driver}",
            f"Beyond a process that has opened nothing; idle CPU over {seconds:g} s. "
            + " ".join(f"{told}." for told in each.failures.values()),
        )
    rows = [
        [
            f"{TITLES[driver]}, {form}",
            f"{told['sessions']:g}",
            f"{told['at most']:g}",
            number(told["memory"] / MEBI),
        ]
        for driver, each in found.items()
        for form, told in each.workers.items()
    ]
    report.table(
        f"{WORKERS} workers of {THREADS} threads",
        ["", "sessions on the server", "they may become", "memory of all for them, MiB"],
        rows,
        "footprint-workers",
        "Before: two QueuePools of 20 and 5 in each worker; after: one pool of orapool's with max=8.",
    )
    panels: dict[str, dict[str, Spread]] = {}
    for driver, each in found.items():
        panels[f"{TITLES[driver]}: memory, MiB"] = {
            name: Spread.of([value / MEBI for value in one.process]) for name, one in each.footprints.items()
        }
    charts.dots(panels, f"MiB, with {SESSIONS} idle sessions", report.place / "footprint-memory.svg", log=False)
    charts.bars(
        {
            TITLES[driver]: {form: told["sessions"] for form, told in each.workers.items()}
            for driver, each in found.items()
        },
        "sessions on the server",
        report.place / "footprint-workers.svg",
    )
    report.data.update(
        imports=rounded(vars(imported)),
        drivers={
            driver: {
                "footprints": {name: rounded(vars(one)) for name, one in each.footprints.items()},
                "workers": each.workers,
                "failures": each.failures,
            }
            for driver, each in found.items()
        },
    )


def main(drivers: tuple[str, ...], report: Report) -> None:
    """Measure and show."""
    seconds, rounds, import_rounds = (10.0, 1, 3) if report.quick else (60.0, 3, 15)
    imported, found = imports(import_rounds), {}
    for driver in drivers:
        found[driver] = Found()
        with running_sandbox() as sandbox:
            chosen = QUICK_CHOSEN if report.quick else names(driver)
            footprints(sandbox, driver, chosen, seconds, rounds, found[driver], not report.quick)
            workers(sandbox, driver, found[driver])
    show(report, imported, found, seconds)
    report.write()
