"""What an empty checkout costs its caller: orapool beside the driver's own pool and SQLAlchemy's, in one run.

    make benchmark-instrumentation         or: python -m benchmarks.checkout --driver oracledb --rounds 10

The contenders take turns, in an order that changes with each round, so that a machine that gets slower or faster
meanwhile does so for all. Shown are medians of the rounds; what a contender takes beyond the driver's own pool is the
median of the differences within the rounds. Each driver has a process of its own, the database is in another, and no
garbage is collected during a round. CPU time is that of the whole process, threads in the background included; of the
two times it is the one to go by on a machine that has other work. "max" is the longest wait for a session in a round.
"no instrumentation" is a pool of orapool's that neither measures times, nor notes who has its sessions, nor publishes
its numbers; what all that takes of a checkout is told below, as the median of the differences within the rounds.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import random
import statistics
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any, Callable

import click
from rich.table import Table
from sqlalchemy import create_engine

import orapool
from benchmarks.measuring import collector_at_rest, make_console
from orapool.checked_out import CheckedOut
from orapool.counters import Counters
from orapool.sandbox import Sandbox, instant_client
from orapool.session_pool import SessionPool
from orapool.settings import load_settings

DRIVERS = ("cx_oracle", "oracledb")
USER, PASSWORD = "scott", "tiger"
SESSIONS = 4
THREADS = 8

DRIVERS_OWN = "the driver's pool"
POOL = "pool.acquire(), close()"
BARE = "no instrumentation"
ALONE_ONLY = ("with pool.acquire()", "orapool.connection()")
"""Those that would show nothing new where threads contend."""

MOST_OF_INSTRUMENTATION = 3.0
"""Microseconds of a checkout that it may take."""

Loop = Callable[[int], None]
Acquire = Callable[[], Any]


@dataclass(frozen=True)
class Contender:
    """A way to check a session out.

    What ``acquire`` returns has a close() that gives the session back; where ``in_with``, it is left by ``with``.
    """

    name: str
    acquire: Acquire
    in_with: bool = False

    def loop(self) -> Loop:
        """Give a function that checks a session out and gives it back so many times."""
        acquire = self.acquire

        def acquire_and_close(times: int) -> None:
            for _ in range(times):
                acquire().close()

        def enter_and_leave(times: int) -> None:
            for _ in range(times):
                with acquire():
                    pass

        return enter_and_leave if self.in_with else acquire_and_close


@dataclass(frozen=True)
class Round:
    """One round of one contender, in microseconds a checkout; ``longest`` wait for a session in milliseconds."""

    wall: float
    cpu: float
    round_trips: float
    longest: float = 0.0


@dataclass(frozen=True)
class Figures:
    """A contender's figures, times in microseconds a checkout; ``longest`` in milliseconds.

    ``more_wall`` and ``more_cpu`` are what it takes beyond the driver's own pool; ``watch_wall`` and ``watch_cpu``,
    beyond orapool's without instrumentation.
    """

    wall: float
    cpu: float
    more_wall: float
    more_cpu: float
    times: float
    round_trips: float
    longest: float = 0.0
    watch_wall: float = 0.0
    watch_cpu: float = 0.0


class Unwatched(CheckedOut):
    """What is checked out of a pool that is not instrumented: as much as has to be known of it."""

    def __init__(self, pool: SessionPool) -> None:
        super().__init__(pool.name, Counters())
        self._references: dict[int, weakref.ref[Any]] = {}

    def __len__(self) -> int:
        return len(self._references)

    def add(self, connection: Any, asked: float, holder: object) -> None:
        """A connection is handed out."""
        self._references[id(connection)] = weakref.ref(connection)

    def remove(self, connection: Any) -> None:
        """A connection comes back."""
        self._references.pop(id(connection), None)


def bare_pool(driver: str, dsn: str, closing: contextlib.ExitStack) -> Acquire:
    """Give acquire() of a pool of orapool's without instrumentation."""
    pool = SessionPool(
        load_settings(
            *("bare",), dsn=dsn, user=USER, password=PASSWORD, driver=driver, min=SESSIONS, max=SESSIONS, publish=False
        ),
        "bare",
    )
    pool._lent = Unwatched(pool)
    closing.callback(pool.close)
    return pool.acquire


@contextlib.contextmanager
def contenders(driver: str, dsn: str) -> Iterator[list[Contender]]:
    """Give all contenders on one driver, each with a pool of as many sessions."""
    with contextlib.ExitStack() as closing:
        orapool.configure(dsn=dsn, user=USER, password=PASSWORD, driver=driver, min=SESSIONS, max=SESSIONS)
        closing.callback(orapool.close)
        yield [
            Contender(DRIVERS_OWN, drivers_own(driver, dsn, closing)),
            Contender(BARE, bare_pool(driver, dsn, closing)),
            Contender(POOL, orapool.pool().acquire),
            Contender("with pool.acquire()", orapool.pool().acquire, in_with=True),
            Contender("orapool.connection()", orapool.connection, in_with=True),
            Contender("orapool.engine()", orapool.engine().connect, in_with=True),
            queue_pool("QueuePool", driver, dsn, closing),
            queue_pool("QueuePool, pre-ping", driver, dsn, closing, pool_pre_ping=True),
        ]


def drivers_own(driver: str, dsn: str, closing: contextlib.ExitStack) -> Acquire:
    """Give acquire() of the driver's own session pool, which like orapool's pings nothing by itself."""
    sizes = {"min": SESSIONS, "max": SESSIONS, "increment": 1}
    pool: Any
    if driver == "cx_oracle":
        import cx_Oracle

        pool = cx_Oracle.SessionPool(
            USER,
            PASSWORD,
            dsn,
            **sizes,
            threaded=True,
            getmode=cx_Oracle.SPOOL_ATTRVAL_TIMEDWAIT,
            waitTimeout=1000,
            encoding="UTF-8",
            nencoding="UTF-8",
        )
        pool.ping_interval = -1
    else:
        import oracledb

        pool = oracledb.create_pool(
            user=USER,
            password=PASSWORD,
            dsn=dsn,
            **sizes,
            getmode=oracledb.POOL_GETMODE_TIMEDWAIT,
            wait_timeout=30_000,
            ping_interval=-1,
        )
    closing.callback(pool.close, force=True)
    acquire: Acquire = pool.acquire
    return acquire


def queue_pool(name: str, driver: str, dsn: str, closing: contextlib.ExitStack, **options: Any) -> Contender:
    """Give SQLAlchemy's own pool."""
    arguments = {"user": USER, "password": PASSWORD, "dsn": dsn}
    engine = create_engine(f"oracle+{driver}://", connect_args=arguments, pool_size=SESSIONS, max_overflow=0, **options)
    closing.callback(engine.dispose)
    return Contender(name, engine.connect, in_with=True)


def open_all(acquire: Acquire) -> None:
    """Have all sessions of a pool opened, used and given back."""
    held = [acquire() for _ in range(SESSIONS)]
    for connection in held:
        connection.close()


def play(contender: Contender, checkouts: int, sandbox: Sandbox) -> Round:
    """One round by one thread."""
    loop = contender.loop()
    before = sandbox.stats()
    with collector_at_rest():
        wall, cpu = time.perf_counter(), time.process_time()
        loop(checkouts)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    spent = sandbox.stats() - before
    return Round(wall / checkouts * 1e6, cpu / checkouts * 1e6, spent.total_round_trips / checkouts)


def play_contended(contender: Contender, checkouts: int, sandbox: Sandbox) -> Round:
    """One round by more threads than there are sessions, each with so many checkouts; all start at once."""
    together = threading.Barrier(THREADS + 1)
    longest: list[float] = []
    errors: list[Exception] = []
    acquire = contender.acquire

    def ask() -> None:
        slowest = 0.0
        together.wait()
        try:
            for _ in range(checkouts):
                asked = time.perf_counter()
                connection = acquire()
                slowest = max(slowest, time.perf_counter() - asked)
                connection.close()
        except Exception as error:
            errors.append(error)
        longest.append(slowest)

    threads = [threading.Thread(target=ask) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    before = sandbox.stats()
    with collector_at_rest():
        together.wait()
        wall, cpu = time.perf_counter(), time.process_time()
        for thread in threads:
            thread.join()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if errors:
        raise errors[0]
    spent = sandbox.stats() - before
    total = checkouts * THREADS
    return Round(wall / total * 1e6, cpu / total * 1e6, spent.total_round_trips / total, max(longest) * 1e3)


def figures(rounds: Sequence[Round], own: Sequence[Round], bare: Sequence[Round]) -> Figures:
    """A contender's rounds beside those of the driver's own pool, and of orapool's without instrumentation."""
    return Figures(
        wall=statistics.median(each.wall for each in rounds),
        cpu=statistics.median(each.cpu for each in rounds),
        more_wall=statistics.median(each.wall - base.wall for each, base in zip(rounds, own)),
        more_cpu=statistics.median(each.cpu - base.cpu for each, base in zip(rounds, own)),
        times=statistics.median(each.wall / base.wall for each, base in zip(rounds, own)),
        round_trips=statistics.fmean(each.round_trips for each in rounds),
        longest=statistics.median(each.longest for each in rounds),
        watch_wall=statistics.median(each.wall - base.wall for each, base in zip(rounds, bare)),
        watch_cpu=statistics.median(each.cpu - base.cpu for each, base in zip(rounds, bare)),
    )


def compare(sandbox: Sandbox, driver: str, rounds: int, checkouts: int, contended: bool = False) -> dict[str, Figures]:
    """Let the contenders take turns; their figures by name."""
    with contenders(driver, sandbox.dsn) as everyone:
        if contended:
            everyone = [each for each in everyone if each.name not in ALONE_ONLY]
        for each in everyone:
            open_all(each.acquire)
            play(each, min(checkouts, 100), sandbox)
        played: dict[str, list[Round]] = {each.name: [] for each in everyone}
        for _ in range(rounds):
            for each in random.sample(everyone, len(everyone)):
                played[each.name].append((play_contended if contended else play)(each, checkouts, sandbox))
    return {name: figures(each, played[DRIVERS_OWN], played[BARE]) for name, each in played.items()}


def table(title: str, found: dict[str, Figures], contended: bool = False) -> Table:
    """Lay out the figures of one driver."""
    shown = Table(title=title, title_justify="left")
    shown.add_column("empty checkout by", no_wrap=True)
    last = "max, ms" if contended else "times"
    for column in ("wall, us", "beyond", "CPU, us", "beyond", "round trips", last):
        shown.add_column(column, justify="right")
    for name, each in found.items():
        own = name == DRIVERS_OWN
        shown.add_row(
            name,
            f"{each.wall:.1f}",
            "" if own else f"{each.more_wall:+.1f}",
            f"{each.cpu:.1f}",
            "" if own else f"{each.more_cpu:+.1f}",
            f"{each.round_trips:g}",
            f"{each.longest:.1f}" if contended else f"{each.times:.1f}",
        )
    pool = found[POOL]
    shown.caption = (
        f"Instrumentation takes {pool.watch_wall:+.1f} us of time, {pool.watch_cpu:+.1f} us of CPU of a checkout"
        + ("." if contended else f"; at most {MOST_OF_INSTRUMENTATION:g} is allowed.")
    )
    shown.caption_justify = "left"
    return shown


def _alone_and_contended(driver: str, rounds: int, checkouts: int) -> tuple[dict[str, Figures], dict[str, Figures]]:
    """What runs in a process of its own."""
    with Sandbox(users={USER: PASSWORD}) as sandbox:
        return (
            compare(sandbox, driver, rounds, checkouts),
            compare(sandbox, driver, max(1, rounds // 5), checkouts, contended=True),
        )


@click.command()
@click.option("--driver", type=click.Choice(DRIVERS), multiple=True, default=DRIVERS, help="Default: both.")
@click.option("--rounds", type=click.IntRange(1), default=25, show_default=True, help="Rounds; contended, a fifth.")
@click.option("--checkouts", type=click.IntRange(1), default=2000, show_default=True, help="In a round, by a thread.")
def main(driver: tuple[str, ...], rounds: int, checkouts: int) -> None:
    """Print what a checkout costs the caller."""
    instant_client.reexec()
    for name in driver:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            alone, contended = process.submit(_alone_and_contended, name, rounds, checkouts).result()
        make_console().print(table(f"{name}, one thread", alone))
        make_console().print(table(f"{name}, {THREADS} threads on {SESSIONS} sessions", contended, contended=True))


if __name__ == "__main__":
    main()
