"""What it takes to write a DataFrame into a table: `write_df` beside `DataFrame.to_sql`, and the driver by hand.

    python -m benchmarks.dataframes_write --rows 1000000

Ten columns: whole numbers, one of them with NULLs, a decimal one, a float, three of text, two of moments, and a flag.
Each contender has a process and a table of its own; the server is another process, on another processor where there
are two. Rows a second are those of the whole call. CPU is the client process's: with a server that is quicker, or on
another machine, that is what is left. Memory is the process's peak beyond what it had with the frame made.

`to_sql` with its defaults cannot make a table of float columns with SQLAlchemy 2.x (ArgumentError: binary precision),
so that it is told the types of these; and with cx_Oracle, which then makes room for 4,000 characters of each text, it
cannot write more than some 130,000 rows (DPI-1015), so that there is one of 10,000 rows a time too.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any, Callable

import click
from rich.console import Console
from rich.table import Table

import orapool
from benchmarks.measuring import forget_peak, make_console, peak
from orapool.sandbox import Sandbox, instant_client

DRIVERS = ("cx_oracle", "oracledb")
USER, PASSWORD = "scott", "tiger"
TABLE, OWN_TABLE = "written", "written_own"
FLOATS = ("amount", "rate")
NUMBERS, TEXTS, MOMENTS = ("id", "customer", "amount", "flag"), ("name", "city", "note"), ("ordered", "updated")
COLUMNS = (*NUMBERS[:3], "rate", *TEXTS, *MOMENTS, "flag")


@dataclass(frozen=True)
class Cost:
    """What writing a frame has cost."""

    contender: str
    rows: int
    seconds: float
    cpu_seconds: float
    memory: int
    written: int
    round_trips: int
    failure: str = ""


def make_frame(rows: int) -> Any:
    """A frame of pandas, with its usual types."""
    import numpy
    import pandas

    random = numpy.random.default_rng(1)
    numbers = numpy.arange(rows)
    customer = pandas.array(random.integers(0, 1_000_000, rows), dtype="Int64")
    customer[numbers % 5 == 0] = pandas.NA
    return pandas.DataFrame(
        {
            "id": numbers,
            "customer": customer,
            "amount": random.integers(0, 10_000_000, rows) / 100,
            "rate": random.random(rows),
            "name": [f"customer {number}" for number in range(rows)],
            "city": numpy.array(["Basel", "Bern", "Zürich", "Genève"])[random.integers(0, 4, rows)],
            "note": [None if number % 7 == 0 else f"some longer text for order {number}" for number in range(rows)],
            "ordered": random.integers(1_500_000_000, 1_700_000_000, rows).astype("M8[s]"),
            "updated": random.integers(1_500_000_000_000_000, 1_700_000_000_000_000, rows).astype("M8[us]"),
            "flag": random.integers(0, 2, rows).astype(bool),
        }
    )


def write_df(frame: Any) -> None:
    """orapool's own."""
    orapool.write_df(frame, TABLE)


def write_arrow(frame: Any) -> None:
    """The same of a pyarrow Table."""
    orapool.write_df(frame, TABLE)


def write_own_table(frame: Any) -> None:
    """The same, into a table that it makes."""
    orapool.write_df(frame, OWN_TABLE, if_exists="replace")


def to_sql(frame: Any, **options: Any) -> None:
    """As pandas has it, into the table that is there: what it makes itself has CLOBs for text."""
    frame.to_sql(TABLE, orapool.engine(), index=False, if_exists="append", **options)


def to_sql_own_table(frame: Any) -> None:
    """With its defaults, but for the types of floats: it makes the table."""
    with contextlib.suppress(Exception), orapool.connection() as connection, connection.cursor() as cursor:
        cursor.execute(f"drop table {OWN_TABLE}")
    import sqlalchemy
    from sqlalchemy.dialects.oracle import BINARY_DOUBLE

    told = {} if sqlalchemy.__version__ < "2" else dict.fromkeys(FLOATS, BINARY_DOUBLE)
    frame.to_sql(OWN_TABLE, orapool.engine(), index=False, dtype=told)


def to_sql_in_chunks(frame: Any) -> None:
    """The same, 10,000 rows at a time."""
    to_sql(frame, chunksize=10_000)


def by_hand(frame: Any) -> None:
    """Tuples and executemany, 10,000 rows at a time."""
    statement = f"insert into {TABLE} values ({', '.join(f':{number}' for number in range(1, len(COLUMNS) + 1))})"
    with orapool.transaction() as connection, connection.cursor() as cursor:
        for start in range(0, len(frame), 10_000):
            part = frame.iloc[start : start + 10_000].astype(object)
            rows = list(part.where(part.notna(), None).itertuples(index=False, name=None))
            cursor.executemany(statement, [(*row[:9], int(row[9])) for row in rows])


CONTENDERS: dict[str, Callable[[Any], None]] = {
    "write_df": write_df,
    "write_df of a pyarrow Table": write_arrow,
    "write_df, its own table": write_own_table,
    "to_sql, its own table": to_sql_own_table,
    "to_sql": to_sql,
    "to_sql, chunksize=10,000": to_sql_in_chunks,
    "tuples and executemany": by_hand,
}


def make_table() -> None:
    """An empty table, of the types that `write_df` would choose."""
    with orapool.connection() as connection, connection.cursor() as cursor:
        with contextlib.suppress(Exception):
            cursor.execute(f"drop table {TABLE}")
        cursor.execute(
            f"create table {TABLE} (id number(18), customer number(18), amount number(12,2), rate binary_double, "
            "name varchar2(32 char), city varchar2(16 char), note varchar2(64 char), ordered date, "
            "updated timestamp(6), flag number(1))"
        )


def count_rows(table: str) -> int:
    """How many rows a table has now."""
    with orapool.connection() as connection, connection.cursor() as cursor:
        return int(cursor.execute(f"select count(*) from {table}").fetchone()[0])


def run_one(contender: str, rows: int) -> dict[str, Any]:
    """Write in this process."""
    frame = make_frame(rows)
    if contender == "write_df of a pyarrow Table":
        import pyarrow

        frame = pyarrow.Table.from_pandas(frame, preserve_index=False)
    make_table()
    first = frame.slice(0, 5) if hasattr(frame, "slice") else frame.head(5)
    CONTENDERS[contender](first)  # what is imported and asked for the first time
    make_table()
    forget_peak()
    before = peak()
    times = os.times()
    started = time.perf_counter()
    failure = ""
    try:
        CONTENDERS[contender](frame)
    except Exception as error:
        found = re.search(r"(?:ORA|DPI|DPY)-\d+[^\n]*", str(error))
        failure = found.group() if found else str(error)[:100]
    seconds = time.perf_counter() - started
    after = os.times()
    return {
        "seconds": seconds,
        "cpu_seconds": after.user + after.system - times.user - times.system,
        "memory": peak() - before,
        "written": count_rows(OWN_TABLE if contender.endswith("own table") else TABLE),
        "failure": failure,
    }


def compare(sandbox: Sandbox, driver: str, contenders: list[str], rows: int) -> list[Cost]:
    """Let contenders write, one after the other, each in a process of its own."""
    found = []
    for contender in contenders:
        command = [sys.executable, "-m", "benchmarks.dataframes_write", "--rows", str(rows), "--driver", driver]
        before = sandbox.stats()
        run = subprocess.run(
            [*command, "--contender", contender, "--dsn", sandbox.dsn], capture_output=True, text=True, check=True
        )
        told = json.loads(run.stdout.splitlines()[-1])
        trips = (sandbox.stats() - before).total_round_trips
        found.append(Cost(contender, rows, round_trips=trips, **told))
    return found


def show(console: Console, driver: str, costs: list[Cost]) -> None:
    """Print a table."""
    table = Table(title=f"{driver}: {costs[0].rows:,} rows of {len(COLUMNS)} columns")
    table.add_column("")
    for title in ("rows/s", "seconds", "CPU s", "rows/CPU s", "peak MB", "round trips"):
        table.add_column(title, justify="right")
    for cost in costs:
        if cost.failure:
            table.add_row(cost.contender, cost.failure)
            continue
        table.add_row(
            cost.contender,
            f"{cost.rows / cost.seconds:,.0f}",
            f"{cost.seconds:.1f}",
            f"{cost.cpu_seconds:.2f}",
            f"{cost.rows / max(cost.cpu_seconds, 0.01):,.0f}",
            f"{cost.memory / 1e6:,.0f}",
            f"{cost.round_trips:,.0f}",
        )
    console.print(table)


@click.command()
@click.option("--rows", default=100_000, show_default=True, help="of the frame")
@click.option("--driver", "drivers", type=click.Choice(DRIVERS), multiple=True, help="both without it")
@click.option("--contender", "contenders", type=click.Choice(list(CONTENDERS)), multiple=True, help="all without it")
@click.option("--dsn", hidden=True, help="of a server that runs: one contender, whose costs are printed as JSON")
@click.option("--json", "path", type=click.Path(dir_okay=False), help="a file for the costs")
def main(rows: int, drivers: tuple[str, ...], contenders: tuple[str, ...], dsn: str | None, path: str | None) -> None:
    """Compare ways to write a DataFrame."""
    if dsn is not None:
        processors = sorted(os.sched_getaffinity(0))
        if len(processors) > 1:
            os.sched_setaffinity(0, processors[:1])
        orapool.configure(dsn=dsn, user=USER, password=PASSWORD, driver=drivers[0], max=2)
        click.echo(json.dumps(run_one(contenders[0], rows)))
        return
    instant_client.reexec()
    console = make_console()
    costs = {}
    with Sandbox(users={USER: PASSWORD}) as sandbox:
        for driver in drivers or DRIVERS:
            costs[driver] = compare(sandbox, driver, list(contenders or CONTENDERS), rows)
            show(console, driver, costs[driver])
    if path is not None:
        with open(path, "w") as file:
            json.dump({driver: [asdict(cost) for cost in found] for driver, found in costs.items()}, file, indent=1)


if __name__ == "__main__":
    main()
