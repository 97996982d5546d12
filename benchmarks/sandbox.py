"""How quick the sandbox is: to start, to answer what is trivial, and to give rows; each beside what it is held to.

    python -m benchmarks sandbox         or: python -m benchmarks.sandbox --rows 1000000, or --quick

A start is from nothing to the rows of the first query; the first one on a machine makes the database that the others
begin with a copy of. Trivial round trips are a ping, and `select 1 from dual` again and again, with client and server
on one processor, where a loopback is quickest and most even. They are held to twice what the same drivers took with the
bare servers that the sandbox was first tried out with, of a thousand lines over SQLite, as measured on two virtual
processors; `--against oracledb=127.0.0.1:1521/FREEPDB1` measures such a one, or any other server, in the same run.

Rows are those of a table of ten mixed columns, read for the first time and again. The first read takes the rows out of
the sandbox's PostgreSQL and encodes them; a read of the same rows again is sent from what it keeps. Before each first
read something else is committed, after which nothing that was kept counts. The client is the driver's quickest way:
Arrow columns with python-oracledb, fetchall with cx_Oracle. Shown are medians of the rounds. "client" and "server" are
CPU time for each row, of the client, and of the sandbox and its PostgreSQL; "memory" is what the sandbox's own process
had at the most.
"""

from __future__ import annotations

import importlib
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import psutil

from benchmarks.measuring import on_processor, processors
from benchmarks.results import Report
from benchmarks.spread import Spread
from orapool.sandbox import Sandbox, instant_client

DRIVERS = {"cx_oracle": "cx_Oracle", "oracledb": "oracledb"}
USER, PASSWORD = "scott", "tiger"
ARRAYSIZE = 10_000
QUICK_ROWS, QUICK_ROUNDS = 30_000, 1
TRIVIAL = "select 1 from dual"
CALLS = 3000

START_SECONDS = 1.5
TIMES_BARE = 2
BARE = {"cx_oracle": (26.0, 87.0), "oracledb": (19.0, 60.0)}
"""Microseconds of a ping and of the trivial query, with client and a bare server on one processor."""
LEAST_ROWS = {"the first time": 150_000, "again": 500_000}

COLUMNS = (
    "id number(10) not null, customer number(9), amount number(12,2), ratio binary_double, name varchar2(40),"
    " code char(6), note varchar2(200), born date, seen timestamp(6), rate number"
)
ROWS = """
select level id, case when mod(level, 10) > 0 then mod(level * 7919, 100003) end, round(level * 1.37 - 5000, 2),
       level * 0.5, 'customer ' || level, 'C' || mod(level, 1000),
       case when mod(level, 5) > 0 then 'a note of some length on row ' || level end,
       date '2020-01-01' + mod(level, 2000),
       timestamp '2020-01-01 00:00:00' + numtodsinterval(level * 1.001, 'second'),
       case when mod(level, 3) > 0 then level / 7 end
  from dual connect by level <= :1
"""
"""So many rows as the bind says."""
SELECT = "select * from mixed"

Read = Callable[[Any], int]


@dataclass(frozen=True)
class Reading:
    """One read: rows a second, and CPU microseconds a row of the client and of the server."""

    rows_a_second: float
    client: float
    server: float
    round_trips: int


def read_columns(connection: Any) -> int:
    """Read with python-oracledb into Arrow columns, or into tuples where it is too old for them."""
    if not hasattr(connection, "fetch_df_all"):
        return read_rows(connection)
    rows: int = connection.fetch_df_all(SELECT, arraysize=ARRAYSIZE).num_rows()
    return rows


def read_rows(connection: Any) -> int:
    """Read into tuples."""
    cursor = connection.cursor()
    cursor.arraysize, cursor.prefetchrows = ARRAYSIZE, ARRAYSIZE + 1
    return len(cursor.execute(SELECT).fetchall())


READS: dict[str, Read] = {"cx_oracle": read_rows, "oracledb": read_columns}


def measure(read: Read, connection: Any, sandbox: Sandbox) -> Reading:
    """Read once."""
    server = psutil.Process(sandbox.pid)
    processes = [server, *server.children(recursive=True)]
    before = sandbox.stats()
    client, servers, started = time.process_time(), _cpu(processes), time.perf_counter()
    rows = read(connection)
    wall = time.perf_counter() - started
    client, servers = time.process_time() - client, _cpu(processes) - servers
    trips = (sandbox.stats() - before).total_round_trips
    return Reading(rows / wall, client / rows * 1e6, servers / rows * 1e6, trips)


def _cpu(processes: Sequence[psutil.Process]) -> float:
    return sum(each.cpu_times().user + each.cpu_times().system for each in processes if each.is_running())


def fill(connection: Any, rows: int) -> None:
    """Make the table, and another that is changed to make the first read a first one again."""
    cursor = connection.cursor()
    cursor.execute(f"create table mixed ({COLUMNS})")
    cursor.execute("create table others (n number)")
    cursor.execute(f"insert into mixed {ROWS}", [rows])
    connection.commit()


def compare(driver: str, connection: Any, sandbox: Sandbox, rounds: int) -> list[Reading]:
    """The medians of a first read and of one again."""
    return [medians(each) for each in take_turns(driver, connection, sandbox, rounds)]


def take_turns(driver: str, connection: Any, sandbox: Sandbox, rounds: int) -> tuple[list[Reading], list[Reading]]:
    """First reads, and those again, in turn."""
    first, again = [], []
    for _ in range(rounds):
        connection.cursor().execute("insert into others values (1)")
        connection.commit()
        first.append(measure(READS[driver], connection, sandbox))
        again.append(measure(READS[driver], connection, sandbox))
    return first, again


def medians(readings: Sequence[Reading]) -> Reading:
    """Of each figure, the median."""
    return Reading(
        statistics.median(each.rows_a_second for each in readings),
        statistics.median(each.client for each in readings),
        statistics.median(each.server for each in readings),
        readings[0].round_trips,
    )


def memory(sandbox: Sandbox) -> float:
    """The most that the sandbox's process has had, in MB."""
    with open(f"/proc/{sandbox.pid}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


def time_start(dbapi: Any) -> float:
    """Seconds from nothing to the first query's rows."""
    started = time.perf_counter()
    with Sandbox(users={USER: PASSWORD}) as sandbox:
        connection = dbapi.connect(user=USER, password=PASSWORD, dsn=sandbox.dsn)
        connection.cursor().execute(TRIVIAL).fetchall()
        seconds = time.perf_counter() - started
        connection.close()
    return seconds


def time_round_trips(connection: Any, calls: int, rounds: int) -> dict[str, float]:
    """Microseconds of a ping and of a trivial query, the medians of rounds, on one processor with the server."""
    cursor = connection.cursor()
    made: dict[str, Callable[[], object]] = {
        "ping": connection.ping,
        TRIVIAL: lambda: cursor.execute(TRIVIAL).fetchall(),
    }
    found: dict[str, float] = {}
    for name, call in made.items():
        times = []
        for _ in range(rounds + 1):
            started = time.perf_counter()
            for _ in range(calls):
                call()
            times.append((time.perf_counter() - started) / calls * 1e6)
        found[name] = statistics.median(times[1:])  # the first one warms up
    return found


def figures(drivers: Sequence[str], rounds: int, against: Mapping[str, str]) -> list[list[str]]:
    """Start-up and trivial round trips, each beside what it must keep below."""
    told: list[list[str]] = []
    for name in drivers:
        dbapi = importlib.import_module(DRIVERS[name])
        first, *starts = [time_start(dbapi) for _ in range(rounds + 1)]
        told.append([f"{name}, start to first query, the first time", f"{first:.2f} s", "", ""])
        again = f"{statistics.median(starts):.2f} s"
        told.append([f"{name}, start to first query", again, "", f"{START_SECONDS:.2f} s"])
        server, client = processors()[0], processors()[0]
        with on_processor(server), Sandbox(users={USER: PASSWORD}) as sandbox, on_processor(client):
            connection = dbapi.connect(user=USER, password=PASSWORD, dsn=sandbox.dsn)
            found = time_round_trips(connection, CALLS, rounds)
            connection.close()
            bare = dict(zip(found, BARE[name]))
            if name in against:
                connection = dbapi.connect(user=USER, password=PASSWORD, dsn=against[name])
                bare = time_round_trips(connection, CALLS, rounds)
                connection.close()
        for call, microseconds in found.items():
            limit = TIMES_BARE * bare[call]
            told.append([f"{name}, {call}", f"{microseconds:.0f} us", f"{bare[call]:.0f} us", f"{limit:.0f} us"])
    return told


@click.command()
@click.option("--driver", type=click.Choice(list(DRIVERS)), multiple=True, default=list(DRIVERS), help="Default: both.")
@click.option("--rows", type=click.IntRange(1), default=1_000_000, show_default=True, help="Rows of the table.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--quick", is_flag=True, help=f"{QUICK_ROWS:,} rows, {QUICK_ROUNDS} round.")
@click.option(
    "--against",
    multiple=True,
    metavar="DRIVER=DSN",
    help="A bare server of scott/tiger's, on the first processor, whose round trips are measured beside the sandbox's.",
)
@click.option("--results", type=click.Path(file_okay=False, path_type=Path), help="A folder for JSON and Markdown.")
def main(
    driver: tuple[str, ...], rows: int, rounds: int, quick: bool, against: tuple[str, ...], results: Path | None
) -> None:
    """Print how quickly the sandbox starts, answers, and gives rows."""
    instant_client.reexec()
    if quick:
        rows, rounds = QUICK_ROWS, QUICK_ROUNDS
    report = Report("sandbox", quick, results)
    report.table(
        "start and trivial round trips, on one processor",
        ["figure", "measured", "the bare server", "must be below"],
        figures(driver, rounds, dict(each.partition("=")[::2] for each in against)),
        "sandbox-quickness",
    )
    told, kept = [], {}
    for name in driver:
        dbapi = importlib.import_module(DRIVERS[name])
        with on_processor(processors()[0]):
            sandbox = Sandbox(users={USER: PASSWORD})
            sandbox.start()
        with sandbox, on_processor(processors()[1]):
            connection = dbapi.connect(user=USER, password=PASSWORD, dsn=sandbox.dsn)
            fill(connection, rows)
            kept[name] = take_turns(name, connection, sandbox, rounds)
            for (title, least), each in zip(LEAST_ROWS.items(), kept[name]):
                median = medians(each)
                told.append(
                    [
                        f"{name}, {title}",
                        str(Spread.of([one.rows_a_second for one in each])),
                        f"{least:,}",
                        f"{median.client:.2f}",
                        f"{median.server:.2f}",
                        str(median.round_trips),
                        f"{memory(sandbox):.0f}",
                    ]
                )
            connection.close()
    report.table(
        f"{rows:,} rows of ten mixed columns, arraysize {ARRAYSIZE:,}",
        ["read", "rows/s", "must be above", "client, us", "server, us", "round trips", "memory, MB"],
        told,
        "sandbox",
    )
    if results is not None:
        report.data["drivers"] = {name: [[vars(one) for one in each] for each in kept[name]] for name in kept}
        report.write()


if __name__ == "__main__":
    main()
