"""How quickly the sandbox gives rows: a table of ten mixed columns, read for the first time and again, in one run.

    make benchmark         or: python -m benchmarks.sandbox --rows 1000000, or --quick

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
from typing import Any

import click
import psutil
from rich.table import Table

from benchmarks.measuring import make_console
from orapool.sandbox import Sandbox, instant_client

DRIVERS = {"cx_oracle": "cx_Oracle", "oracledb": "oracledb"}
USER, PASSWORD = "scott", "tiger"
ARRAYSIZE = 10_000
QUICK_ROWS, QUICK_ROUNDS = 100_000, 1

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
    first, again = [], []
    for _ in range(rounds):
        connection.cursor().execute("insert into others values (1)")
        connection.commit()
        first.append(measure(READS[driver], connection, sandbox))
        again.append(measure(READS[driver], connection, sandbox))
    return [medians(first), medians(again)]


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
def main(driver: tuple[str, ...], rows: int, rounds: int, quick: bool) -> None:
    """Print how many rows a second the sandbox gives."""
    instant_client.reexec()
    if quick:
        rows, rounds = QUICK_ROWS, QUICK_ROUNDS
    shown = Table(title=f"{rows:,} rows of ten mixed columns, arraysize {ARRAYSIZE:,}", title_justify="left")
    shown.add_column("read", no_wrap=True)
    for column in ("rows/s", "client, us", "server, us", "round trips", "memory, MB"):
        shown.add_column(column, justify="right")
    for name in driver:
        dbapi = importlib.import_module(DRIVERS[name])
        with Sandbox(users={USER: PASSWORD}) as sandbox:
            connection = dbapi.connect(user=USER, password=PASSWORD, dsn=sandbox.dsn)
            fill(connection, rows)
            for title, each in zip(("the first time", "again"), compare(name, connection, sandbox, rounds)):
                shown.add_row(
                    f"{name}, {title}",
                    f"{each.rows_a_second:,.0f}",
                    f"{each.client:.2f}",
                    f"{each.server:.2f}",
                    str(each.round_trips),
                    f"{memory(sandbox):.0f}",
                )
            connection.close()
    make_console().print(shown)


if __name__ == "__main__":
    main()
