"""What it takes to write a DataFrame into a table: `write_df` beside `DataFrame.to_sql`, and the driver by hand.

    python -m benchmarks writing         or: python -m benchmarks.dataframes_write --rows 1000000 --rounds 1

Ten columns: whole numbers, one of them with NULLs, a decimal one, a float, three of text, two of moments, and a flag.
Each contender has a process and a table of its own, in turns; the server is another process, on another processor. Rows
a second are those of the whole call, in which the sandbox's server takes most of the time, some 9 us a row. CPU is the
client process's: with a server that is quicker, or on another machine, that is what is left. Memory is the process's
peak beyond what it had with the frame made.

`to_sql` with its defaults cannot make a table of float columns with SQLAlchemy 2.x (ArgumentError: binary precision),
so that it is told the types of these; and with cx_Oracle, which then makes room for 4,000 characters of each text, it
cannot write more than some 130,000 rows (DPI-1015), so that there is one of 10,000 rows a time too.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Callable

import click

import orapool
from benchmarks.contenders import DRIVERS, PASSWORD, TITLES, USER, running_sandbox
from benchmarks.measuring import forget_peak, peak, processors
from benchmarks.results import Report, rounded
from benchmarks.spread import Spread, beside, number
from orapool.sandbox import Sandbox, instant_client

ROWS, ROUNDS = 200_000, 5
QUICK_ROWS, QUICK_ROUNDS = 10_000, 1
WRITE_DF, OF_ARROW = "orapool.write_df", "orapool.write_df of a pyarrow Table"
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
    WRITE_DF: write_df,
    OF_ARROW: write_arrow,
    "orapool.write_df, its own table": write_own_table,
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
    if contender == OF_ARROW:
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


def measure(sandbox: Sandbox, driver: str, contender: str, rows: int) -> Cost:
    """One write, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.dataframes_write", "--rows", str(rows), "--driver", driver]
    before = sandbox.stats()
    run = subprocess.run(
        [*command, "--contender", contender, "--dsn", sandbox.dsn], capture_output=True, text=True, check=True
    )
    told = json.loads(run.stdout.splitlines()[-1])
    return Cost(contender, rows, round_trips=(sandbox.stats() - before).total_round_trips, **told)


def compare(
    sandbox: Sandbox, driver: str, contenders: Sequence[str], rows: int, rounds: int = 1
) -> dict[str, list[Cost]]:
    """Let contenders write in turns; what each round has cost, by contender."""
    found: dict[str, list[Cost]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name in random.sample(list(contenders), len(contenders)):
            found[name].append(measure(sandbox, driver, name, rows))
    return found


COLUMNS_SHOWN = ("rows/s", "CPU, s", "peak memory, MB", "round trips")


def rows_of(costs: dict[str, list[Cost]]) -> list[list[str]]:
    """A row for each contender, beside `write_df` in the same rounds."""
    own = costs.get(WRITE_DF, [])
    rows = []
    for name, each in costs.items():
        failures = [cost.failure for cost in each if cost.failure]
        if failures:
            rows.append([name, failures[0], "", "", ""])
            continue
        cells = []
        for what in (lambda cost: cost.rows / cost.seconds, lambda cost: cost.cpu_seconds):
            values = list(map(what, each))
            cells.append(str(Spread.of(values)) if name == WRITE_DF else beside(values, list(map(what, own))))
        memory = number(statistics.median(cost.memory for cost in each) / 1e6)
        rows.append([name, *cells, memory, f"{each[-1].round_trips:,}"])
    return rows


def show(report: Report, driver: str, costs: dict[str, list[Cost]]) -> None:
    """Lay out one driver's."""
    rows = next(iter(costs.values()))[0].rows
    title = f"{TITLES[driver]}, {rows:,} rows of {len(COLUMNS)} columns"
    report.table(
        title,
        [title, *COLUMNS_SHOWN],
        rows_of(costs),
        f"writing-{driver}",
        f"Medians, and between what the rounds lie; then how many times as much as `{WRITE_DF}` in the same rounds. "
        "Peak memory beyond what the process had with the frame.",
    )


@click.command()
@click.option("--rows", type=click.IntRange(1), help=f"Of the frame. Default: {ROWS:,}.")
@click.option("--rounds", type=click.IntRange(1), help=f"Default: {ROUNDS}.")
@click.option("--quick", is_flag=True, help=f"{QUICK_ROWS:,} rows, {QUICK_ROUNDS} round.")
@click.option("--driver", "drivers", type=click.Choice(list(DRIVERS)), multiple=True, help="Default: both.")
@click.option("--contender", "contenders", type=click.Choice(list(CONTENDERS)), multiple=True, help="Default: all.")
@click.option("--results", "folder", type=click.Path(file_okay=False, path_type=Path), help="Where to write.")
@click.option("--dsn", hidden=True, help="Of a server that runs: one contender, whose costs are printed as JSON.")
def main(
    rows: int | None,
    rounds: int | None,
    quick: bool,
    drivers: tuple[str, ...],
    contenders: tuple[str, ...],
    folder: Path | None,
    dsn: str | None,
) -> None:
    """Compare ways to write a DataFrame."""
    if dsn is not None:
        os.sched_setaffinity(0, {processors()[1]})
        orapool.configure(dsn=dsn, user=USER, password=PASSWORD, driver=drivers[0], max=2)
        click.echo(json.dumps(run_one(contenders[0], rows or ROWS)))
        return
    instant_client.reexec()
    report = Report("writing", quick, folder)
    rows, rounds = rows or (QUICK_ROWS if quick else ROWS), rounds or (QUICK_ROUNDS if quick else ROUNDS)
    report.data["drivers"] = {}
    for driver in drivers or tuple(DRIVERS):
        with running_sandbox() as sandbox:
            costs = compare(sandbox, driver, list(contenders or CONTENDERS), rows, rounds)
        show(report, driver, costs)
        report.data["drivers"][driver] = {
            name: [rounded(asdict(cost)) for cost in each] for name, each in costs.items()
        }
    report.write()


if __name__ == "__main__":
    main()
