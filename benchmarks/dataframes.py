"""What it takes to read a query into a DataFrame: `read_df` and `iter_df` beside what else there is, in one run.

    make benchmark-dataframes         or: python -m benchmarks.dataframes --driver oracledb --rounds 5, or --quick
    python -m benchmarks.dataframes --memory-of-chunks

A table of ten columns (whole numbers, one of them with NULLs, decimals, a float, three texts, two moments, a NUMBER of
any digits), and one with a CLOB of some 800 characters besides. The rows come from what the sandbox keeps of a result,
so that the client is what is measured: a read that it did not have yet is not counted but done again.

Each read has a process of its own, which has read a few thousand rows before; the server is on one processor, the
client on another. The contenders take turns, in an order that changes with each round; shown are medians. Rows a second
are those of the whole call. CPU is the client process's, threads in the background included; of the two it is the one
to go by on a machine that has other work. "times" is how much quicker than `pandas.read_sql` with SQLAlchemy's defaults
in the same round, "CPU times" the same of the CPU seconds. "peak" is the most memory of the process beyond what it had
before, as a multiple of the frame's own too (`memory_usage(deep=True)`; for chunks, which are thrown away, of that of
`read_df`). Round trips are those that the sandbox has counted, among them those of a contender that connects for each
call.

The bare socket takes as many bytes as `read_df` did from a process that does nothing else but send them.

Some are measured where they are installed, as `pip install '.[benchmarks]'` does, with their own defaults: connectorx
(on Oracle Client, as cx_Oracle), adbc-driver-oracle (without, as python-oracledb), pandas-oracle (on cx_Oracle).
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.util
import json
import random
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Callable

import click
from rich.table import Table

import orapool
from benchmarks import charts
from benchmarks.measuring import forget_peak, make_console, on_processor, peak, processors
from benchmarks.sandbox import COLUMNS, DRIVERS, PASSWORD, ROWS, USER
from orapool.sandbox import Sandbox, instant_client

ARRAYSIZE = 10_000
CHUNK = 50_000
FEW = 3_000
CACHE_BYTES = 2 << 30
QUICK_ROWS, QUICK_ROUNDS = 20_000, 1
CLOB_ROWS = 100_000
CHUNKED_ROWS = 5_000_000
TABLE = "frames_read"
DOCUMENT = "case when mod(id, 10) > 0 then to_clob(rpad('document ' || id, 600 + mod(id, 400), ' some words')) end"

DEFAULTS, READ_DF, ITER_DF, BARE_SOCKET = "pandas.read_sql", "orapool.read_df", "orapool.iter_df", "a bare socket"

Read = Callable[[str], Any]
"""Runs a query; gives a frame, or, where none is kept, the number of rows."""


@dataclass(frozen=True)
class Cost:
    """What one read has cost; ``memory`` and ``frame`` in bytes, ``repeated`` if the server had the rows already."""

    rows: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    memory: int = 0
    frame: int = 0
    round_trips: int = 0
    bytes_sent: int = 0
    repeated: bool = False
    failure: str = ""


@dataclass(frozen=True)
class Figures:
    """A contender's medians; ``times`` and ``cpu_times`` as quick as `pandas.read_sql` with defaults."""

    rows: int = 0
    rows_a_second: float = 0.0
    cpu_seconds: float = 0.0
    memory: float = 0.0
    megabytes: float = 0.0
    round_trips: int = 0
    times: float = 0.0
    cpu_times: float = 0.0
    failure: str = ""


@dataclass(frozen=True)
class Contender:
    """A way to read: ``prepare`` gets a driver's name and a dsn, in the process that will read."""

    prepare: Callable[[str, str], Read]
    drivers: Sequence[str] = tuple(DRIVERS)
    needs: str = ""
    clob_only: bool = False

    def is_there(self) -> bool:
        """Whether what it needs is installed."""
        if self.needs == "fetch_df_all":
            return hasattr(importlib.import_module("oracledb").Connection, self.needs)
        return not self.needs or importlib.util.find_spec(self.needs) is not None


# ------------------------------------------------------------ contenders
def read_sql(driver: str, dsn: str, **options: Any) -> Read:
    """As it is in pandas' documentation."""
    import pandas
    from sqlalchemy import create_engine

    arguments = {"user": USER, "password": PASSWORD, "dsn": dsn}
    engine = create_engine(f"oracle+{driver}://", connect_args=arguments, **options)
    return lambda sql: pandas.read_sql(sql, engine)


def read_sql_in_arrays(driver: str, dsn: str) -> Read:
    """The same with larger arrays."""
    return read_sql(driver, dsn, arraysize=ARRAYSIZE)


def fetch_all(driver: str, dsn: str, **attributes: Any) -> Read:
    """By hand; LOBs are read one by one."""
    import pandas

    connection = importlib.import_module(DRIVERS[driver]).connect(user=USER, password=PASSWORD, dsn=dsn)

    def read(sql: str) -> Any:
        with connection.cursor() as cursor:
            cursor.arraysize = ARRAYSIZE
            for name, value in attributes.items():
                setattr(cursor, name, value)
            rows = cursor.execute(sql).fetchall()
            names = [column[0].lower() for column in cursor.description]
        if "document" in names and not attributes:
            rows = [(*row[:-1], row[-1].read() if row[-1] is not None else None) for row in rows]
        return pandas.DataFrame(rows, columns=names)

    return read


def fetch_all_long(driver: str, dsn: str) -> Read:
    """The same, with an output type handler that has LOBs come with the rows."""
    dbapi = importlib.import_module(DRIVERS[driver])

    def handle(cursor: Any, _name: str, kind: Any, *_sizes: Any) -> Any:
        return cursor.var(dbapi.DB_TYPE_LONG, arraysize=cursor.arraysize) if kind is dbapi.DB_TYPE_CLOB else None

    return fetch_all(driver, dsn, outputtypehandler=handle)


def fetch_df_all(_driver: str, dsn: str) -> Read:
    """python-oracledb's own, with the larger arrays."""
    import oracledb
    import pyarrow

    connection: Any = oracledb.connect(user=USER, password=PASSWORD, dsn=dsn)

    def read(sql: str) -> Any:
        found = connection.fetch_df_all(sql, arraysize=ARRAYSIZE)
        return pyarrow.Table.from_arrays(found.column_arrays(), names=found.column_names()).to_pandas()

    return read


def read_df(driver: str, dsn: str) -> Read:
    """orapool's own."""
    orapool.configure(dsn=dsn, user=USER, password=PASSWORD, driver=driver, max=2)
    return orapool.read_df


def iter_df(driver: str, dsn: str) -> Read:
    """The same in chunks, which are thrown away."""
    orapool.configure(dsn=dsn, user=USER, password=PASSWORD, driver=driver, max=2)
    return lambda sql: sum(len(chunk) for chunk in orapool.iter_df(sql, chunksize=CHUNK))


def connectorx(_driver: str, dsn: str) -> Read:
    """It connects for each call."""
    import connectorx  # type: ignore[import-not-found,unused-ignore]

    return lambda sql: connectorx.read_sql(f"oracle://{USER}:{PASSWORD}@{dsn}", sql)


def adbc(_driver: str, dsn: str) -> Read:
    """By way of a pyarrow Table."""
    from adbc_driver_oracle import dbapi  # type: ignore[import-not-found,unused-ignore]

    connection = dbapi.connect(f"oracle://{USER}:{PASSWORD}@{dsn}")

    def read(sql: str) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetch_arrow_table().to_pandas()

    return read


def pandas_oracle(_driver: str, dsn: str) -> Read:
    """Its arrays have 10,000 rows."""
    import cx_Oracle
    from pandas_oracle import tools  # type: ignore[import-not-found,unused-ignore]

    connection = cx_Oracle.connect(user=USER, password=PASSWORD, dsn=dsn)
    return lambda sql: tools.query_to_df(sql, connection)


def bare_socket(_driver: str, address: str) -> Read:
    """Take bytes and forget them; the address is that of `sending`."""
    host, port, rows = address.split(":")

    def read(_sql: str) -> int:
        buffer = bytearray(1 << 18)
        with socket.create_connection((host, int(port))) as sock:
            while sock.recv_into(buffer):
                pass
        return int(rows)

    return read


CONTENDERS = {
    DEFAULTS: Contender(read_sql),
    "pandas.read_sql, arraysize 10,000": Contender(read_sql_in_arrays),
    "fetchall and DataFrame": Contender(fetch_all),
    "fetchall and DataFrame, CLOB as LONG": Contender(fetch_all_long, clob_only=True),
    "fetch_df_all and to_pandas": Contender(fetch_df_all, ("oracledb",), needs="fetch_df_all"),
    READ_DF: Contender(read_df),
    ITER_DF: Contender(iter_df),
    "connectorx": Contender(connectorx, ("cx_oracle",), needs="connectorx"),
    "adbc-driver-oracle": Contender(adbc, ("oracledb",), needs="adbc_driver_oracle"),
    "pandas-oracle": Contender(pandas_oracle, ("cx_oracle",), needs="pandas_oracle"),
    BARE_SOCKET: Contender(bare_socket),
}


NOT_QUICK = ("pandas.read_sql, arraysize 10,000", ITER_DF, "pandas-oracle", BARE_SOCKET)
"""Those that are left out in a hurry."""


def contenders(driver: str, clob: bool, quick: bool = False) -> list[str]:
    """The names of those that a driver has."""
    return [
        name
        for name, each in CONTENDERS.items()
        if driver in each.drivers
        and each.is_there()
        and (clob or not each.clob_only)
        and not (quick and name in NOT_QUICK)
    ]


# ------------------------------------------------------------ the process that reads
def read_here(contender: str, driver: str, dsn: str, table: str) -> None:
    """Read a few rows, say so, and read all when told to; what it has cost goes to standard output."""
    try:
        read = CONTENDERS[contender].prepare(driver, dsn)
        if contender != BARE_SOCKET:
            read(f"select * from {table}_few")
        gc.collect()
        _say({})
        sys.stdin.readline()
        forget_peak()
        before = peak()
        cpu, wall = time.process_time(), time.perf_counter()
        found = read(f"select * from {table}")
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        memory = peak() - before
    except Exception as error:
        code = re.search(r"(?:ORA|DPI|DPY)-\d+[^\n]*", str(error))
        _say({"failure": code.group() if code else f"{type(error).__name__}: {error}"[:100]})
        return
    rows, frame = (found, 0) if isinstance(found, int) else (len(found), int(found.memory_usage(deep=True).sum()))
    _say({"rows": rows, "seconds": wall, "cpu_seconds": cpu, "memory": memory, "frame": frame})
    sys.stdin.readline()  # nothing is closed before its round trips are counted


def _say(told: dict[str, Any]) -> None:
    print(json.dumps(told), flush=True)


def send_here(size: int) -> None:
    """Tell a port, and send so many bytes to each that connects to it, until standard input ends."""
    block = bytes(1 << 18)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        _say({"port": listener.getsockname()[1]})
        peer, _address = listener.accept()
        with peer, contextlib.suppress(ConnectionError):
            for start in range(0, size, len(block)):
                peer.sendall(block[: size - start])


# ------------------------------------------------------------ the process that compares
@contextlib.contextmanager
def started(processor: int, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """This program once more, on one processor; it ends with its standard input."""
    with on_processor(processor):
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.dataframes", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    with process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def _hear(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    found: dict[str, Any] = json.loads(line) if line else {"failure": f"its process ended with {process.wait()}"}
    return found


def _tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def measure(sandbox: Sandbox, driver: str, contender: str, table: str, dsn: str | None = None) -> Cost:
    """One read, in a process of its own."""
    arguments = ["--driver", driver, "--contender", contender, "--table", table, "--dsn", dsn or sandbox.dsn]
    with started(processors()[1], *arguments) as process:
        told = _hear(process)
        if "failure" in told:
            return Cost(**told)
        before = sandbox.stats()
        _tell(process)
        told = _hear(process)
        spent = sandbox.stats() - before
    return Cost(
        **told,
        round_trips=spent.total_round_trips,
        bytes_sent=spent.bytes_sent,
        repeated=spent.repeated_results > 0,
    )


def measure_socket(sandbox: Sandbox, driver: str, like: Cost) -> Cost:
    """What a bare socket takes for the bytes of such a read."""
    with started(processors()[0], "--send", str(like.bytes_sent)) as process:
        found = measure(sandbox, driver, BARE_SOCKET, TABLE, f"127.0.0.1:{_hear(process)['port']}:{like.rows}")
    return replace(found, bytes_sent=like.bytes_sent, repeated=True)


def make_tables(driver: str, dsn: str, rows: int, clob: bool) -> None:
    """A table, and another with a few of its rows."""
    with importlib.import_module(DRIVERS[driver]).connect(user=USER, password=PASSWORD, dsn=dsn) as connection:
        cursor = connection.cursor()
        for name, number in ((TABLE, rows), (f"{TABLE}_few", min(rows, FEW))):
            with contextlib.suppress(Exception):
                cursor.execute(f"drop table {name}")
            cursor.execute(f"create table {name} ({COLUMNS}{', document clob' if clob else ''})")
            cursor.execute(
                f"insert into {name} select numbers.*, {DOCUMENT} from ({ROWS}) numbers"
                if clob
                else f"insert into {name} {ROWS}",
                [number],
            )
        connection.commit()


def compare(
    sandbox: Sandbox, driver: str, rows: int, rounds: int, clob: bool = False, quick: bool = False
) -> dict[str, list[Cost]]:
    """Let the contenders take turns; what each round has cost, by contender."""
    make_tables(driver, sandbox.dsn, rows, clob)
    names = contenders(driver, clob, quick)
    like = measure(sandbox, driver, READ_DF, TABLE)
    costs: dict[str, list[Cost]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in random.sample(names, len(names)):
            if name == BARE_SOCKET:
                costs[name].append(measure_socket(sandbox, driver, like))
                continue
            found = measure(sandbox, driver, name, TABLE)
            if not found.repeated and not found.failure and not costs[name]:
                found = measure(sandbox, driver, name, TABLE)
            costs[name].append(found)
    return costs


def figures(costs: dict[str, list[Cost]]) -> dict[str, Figures]:
    """The medians."""
    found = {}
    frame = costs[READ_DF][0].frame
    for name, each in costs.items():
        failures = [cost.failure for cost in each if cost.failure]
        if failures:
            found[name] = Figures(failure=failures[0])
            continue
        beside = [(own, other) for own, other in zip(each, costs[DEFAULTS]) if not other.failure]
        found[name] = Figures(
            rows=each[0].rows,
            rows_a_second=statistics.median(cost.rows / cost.seconds for cost in each),
            cpu_seconds=statistics.median(cost.cpu_seconds for cost in each),
            memory=statistics.median(cost.memory / (cost.frame or frame or 1) for cost in each),
            megabytes=statistics.median(cost.memory for cost in each) / 1e6,
            round_trips=each[-1].round_trips,
            times=statistics.median([other.seconds / own.seconds for own, other in beside] or [0]),
            cpu_times=statistics.median(
                [other.cpu_seconds / max(own.cpu_seconds, 1e-3) for own, other in beside] or [0]
            ),
        )
    return found


def table(title: str, found: dict[str, Figures]) -> Table:
    """Lay out the figures of one driver."""
    shown = Table(title=title, title_justify="left")
    shown.add_column("read by", no_wrap=True)
    for column in ("rows/s", "times", "CPU, s", "CPU times", "peak, MB", "peak, frames", "round trips"):
        shown.add_column(column, justify="right")
    for name, each in found.items():
        if each.failure:
            shown.add_row(name, each.failure)
            continue
        shown.add_row(
            name,
            f"{each.rows_a_second:,.0f}",
            f"{each.times:.2f}",
            f"{each.cpu_seconds:.2f}",
            f"{each.cpu_times:.2f}",
            f"{each.megabytes:,.0f}",
            "" if name == BARE_SOCKET else f"{each.memory:.2f}",
            "" if name == BARE_SOCKET else f"{each.round_trips:,}",
        )
    return shown


@dataclass
class Run:
    """One table's figures on one driver."""

    driver: str
    title: str
    costs: dict[str, list[Cost]] = field(default_factory=dict)


def chart(runs: Sequence[Run], path: Path) -> None:
    """Draw the rows a second, with the peaks of memory beside them."""
    pyplot = charts.pyplot()
    if pyplot is None or not runs:
        return
    figure, panels = pyplot.subplots(len(runs), 1, figsize=(9, 0.6 + 3.4 * len(runs)), squeeze=False)
    for run, (panel,) in zip(runs, panels):
        found = {name: each for name, each in figures(run.costs).items() if not each.failure}
        names = list(found)
        colors = [
            "#0a7d34" if name.startswith("orapool") else "#999999" if name == BARE_SOCKET else "#34609e"
            for name in names
        ]
        end = 1.5 * max(each.rows_a_second for name, each in found.items() if name != BARE_SOCKET)
        lengths = [min(each.rows_a_second, end) for each in found.values()]
        panel.barh(range(len(names)), lengths, color=colors, zorder=3)
        for row, (name, each) in enumerate(found.items()):
            beyond = each.rows_a_second > end
            memory = "" if name == BARE_SOCKET else f", peak of {each.memory:.1f} frames"
            panel.text(
                end if beyond else each.rows_a_second,
                row,
                f"{each.rows_a_second:,.0f}, beyond the edge " if beyond else f" {each.rows_a_second:,.0f}{memory}",
                ha="right" if beyond else "left",
                va="center",
                fontsize=8,
                zorder=4,
            )
        panel.set_xlim(0, end)
        panel.xaxis.set_major_formatter("{x:,.0f}")
        panel.set_yticks(range(len(names)), names, fontsize=8)
        panel.invert_yaxis()
        panel.set_title(run.title, fontsize=10, loc="left")
        panel.set_xlabel("rows a second", fontsize=8)
        panel.grid(axis="x", color="#dddddd", zorder=0)
    figure.tight_layout()
    charts.save(pyplot, figure, path)


def memory_of_chunks(sandbox: Sandbox, driver: str, rows: int) -> Cost:
    """What `iter_df` costs over a large table."""
    make_tables(driver, sandbox.dsn, rows, clob=False)
    return measure(sandbox, driver, ITER_DF, TABLE)


@click.command()
@click.option("--driver", type=click.Choice(list(DRIVERS)), multiple=True, default=list(DRIVERS), help="Default: both.")
@click.option("--rows", type=click.IntRange(1), help="Default: 1,000,000, of chunks 5,000,000.")
@click.option("--clob-rows", type=click.IntRange(0), default=CLOB_ROWS, show_default=True, help="With a CLOB; 0: none.")
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True)
@click.option("--quick", is_flag=True, help=f"{QUICK_ROWS:,} rows, none with a CLOB, {QUICK_ROUNDS} round.")
@click.option("--results", type=click.Path(file_okay=False, path_type=Path), help="A folder for JSON, Markdown, chart.")
@click.option("--memory-of-chunks", "chunked", is_flag=True, help="Nothing but the memory that iter_df takes.")
@click.option("--chart", "picture", type=click.Path(dir_okay=False, path_type=Path), help="A PNG to draw.")
@click.option("--json", "path", type=click.Path(dir_okay=False, path_type=Path), help="A file for the costs.")
@click.option("--contender", hidden=True, help="Read in this process.")
@click.option("--dsn", default="", hidden=True)
@click.option("--table", "source", default=TABLE, hidden=True)
@click.option("--send", type=int, hidden=True, help="Be what the bare socket reads from.")
def main(
    driver: tuple[str, ...],
    rows: int | None,
    clob_rows: int,
    rounds: int,
    quick: bool,
    results: Path | None,
    chunked: bool,
    picture: Path | None,
    path: Path | None,
    contender: str | None,
    dsn: str,
    source: str,
    send: int | None,
) -> None:
    """Compare ways to read a DataFrame."""
    if contender is not None:
        read_here(contender, driver[0], dsn, source)
        return
    if send is not None:
        send_here(send)
        return
    instant_client.reexec()
    console = make_console()
    if quick:
        rows, clob_rows, rounds = rows or QUICK_ROWS, 0, QUICK_ROUNDS
    runs: list[Run] = []
    for name in driver:
        with contextlib.ExitStack() as closing:
            with on_processor(processors()[0]):
                sandbox = closing.enter_context(Sandbox(users={USER: PASSWORD}, cache_bytes=CACHE_BYTES))
            if chunked:
                cost = memory_of_chunks(sandbox, name, rows or CHUNKED_ROWS)
                console.print(
                    f"{name}: orapool.iter_df of {cost.rows:,} rows, chunksize {CHUNK:,}: {cost.memory / 1e6:,.0f} MB "
                    f"at the most above its start, {cost.cpu_seconds:.1f} s of CPU {cost.failure}"
                )
                continue
            for number, clob in ((rows or 1_000_000, False), (clob_rows, True)):
                if number:
                    title = f"{name}, {number:,} rows of ten columns{' and a CLOB' if clob else ''}"
                    runs.append(Run(name, title, compare(sandbox, name, number, rounds, clob, quick)))
                    console.print(table(title, figures(runs[-1].costs)))
    if path is not None:
        path.write_text(json.dumps([asdict(run) for run in runs], indent=1))
    if picture is not None and runs:
        chart(runs, picture)
    if results is not None and runs:
        from benchmarks import dataframes_report

        dataframes_report.write(runs, results, quick)


if __name__ == "__main__":
    main()
