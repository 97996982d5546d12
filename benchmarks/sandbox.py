"""How quickly the sandbox gives rows: a table of ten mixed columns, read for the first time and again, in one run.

    python -m benchmarks sandbox         or: python -m benchmarks.sandbox --rows 1000000, or --quick

The first read takes the rows out of the sandbox's PostgreSQL and encodes them; a read of the same rows again is sent
from what it keeps. Before each first read something else is committed, after which nothing that was kept counts. The
client is the driver's quickest way: Arrow columns with python-oracledb, fetchall with cx_Oracle. Shown are medians of
the rounds. "client" and "server" are CPU time for each row, of the client, and of the sandbox and its PostgreSQL;
"memory" is what the sandbox's own process had at the most.
"""

from __future__ import annotations

import importlib
import statistics
import time
from collections.abc import Callable, Sequence
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


@click.command()
@click.option("--driver", type=click.Choice(list(DRIVERS)), multiple=True, default=list(DRIVERS), help="Default: both.")
@click.option("--rows", type=click.IntRange(1), default=1_000_000, show_default=True, help="Rows of the table.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--quick", is_flag=True, help=f"{QUICK_ROWS:,} rows, {QUICK_ROUNDS} round.")
@click.option("--results", type=click.Path(file_okay=False, path_type=Path), help="A folder for JSON and Markdown.")
def main(driver: tuple[str, ...], rows: int, rounds: int, quick: bool, results: Path | None) -> None:
    """Print how many rows a second the sandbox gives."""
    instant_client.reexec()
    if quick:
        rows, rounds = QUICK_ROWS, QUICK_ROUNDS
    report = Report("sandbox", quick, results)
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
            for title, each in zip(("the first time", "again"), kept[name]):
                median = medians(each)
                told.append(
                    [
                        f"{name}, {title}",
                        str(Spread.of([one.rows_a_second for one in each])),
                        f"{median.client:.2f}",
                        f"{median.server:.2f}",
                        str(median.round_trips),
                        f"{memory(sandbox):.0f}",
                    ]
                )
            connection.close()
    report.table(
        f"{rows:,} rows of ten mixed columns, arraysize {ARRAYSIZE:,}",
        ["read", "rows/s", "client, us", "server, us", "round trips", "memory, MB"],
        told,
        "sandbox",
    )
    if results is not None:
        report.data["drivers"] = {name: [[vars(one) for one in each] for each in kept[name]] for name in kept}
        report.write()


if __name__ == "__main__":
    main()
