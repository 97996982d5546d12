"""`orapool demo`: one pool under ORM code, hand-written SQL and DataFrames, and what a Monday morning does to it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import logging
import platform
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy.exc import DBAPIError

import orapool
from orapool.cli import one_line
from orapool.cli.examples import example
from orapool.cli.order_book import KINDS, OnePool, Outcome, StockPool, Way, fill, play, remove, request, warm_up
from orapool.counters import PoolStats
from orapool.sandbox import Sandbox, instant_client

USER, PASSWORD = "scott", "tiger"
PACKAGES = {"cx_oracle": "cx_Oracle", "oracledb": "oracledb"}


@click.command(epilog=example("orapool demo", "orapool demo --dsn db1:1521/SALES --user scott"))
@click.option(
    "--driver",
    type=click.Choice(["auto", "cx_oracle", "oracledb"]),
    default="auto",
    help="auto: cx_Oracle where Oracle Client is found, else python-oracledb.",
)
@click.option("--dsn", help="Use this database (host:port/service, or a descriptor) instead of the sandbox.")
@click.option("--user", help="User to log on as, with --dsn; a table ORAPOOL_DEMO_ORDERS is made and removed there.")
@click.option("--password", envvar="ORAPOOL_PASSWORD", help="Better in ORAPOOL_PASSWORD; asked for if in neither.")
@click.option("--threads", type=click.IntRange(1, 64), default=6, show_default=True, help="Threads, and sessions.")
@click.option("--rounds", type=click.IntRange(1), default=4, show_default=True, help="Requests of a kind per thread.")
def demo(driver: str, dsn: str | None, user: str | None, password: str | None, threads: int, rounds: int) -> None:
    """See one native session pool survive Monday morning, beside SQLAlchemy's own pool.

    Exit status 0 says that the application saw no error on orapool.
    """
    if (dsn is None) != (user is None):
        raise click.UsageError("--dsn and --user go together; without them the demo starts a sandbox")
    if driver != "oracledb":
        find_oracle_client(must=driver == "cx_oracle")
    if dsn is not None and password is None:
        password = click.prompt(f"Password of {user}", hide_input=True)
    with database(dsn, user, password) as target:
        try:
            stories = [tell(way, target, threads, rounds) for way in ways(target, driver, threads)]
        except DBAPIError as error:
            raise click.ClickException(one_line(error.orig or error)) from error
        show(Console(highlight=False), stories, target, threads, rounds)
    if stories[0].errors:
        raise SystemExit(1)


@dataclass(frozen=True)
class Target:
    """The database that the demo runs on; `sandbox` is None where it is somebody's own."""

    dsn: str
    user: str
    password: str = field(repr=False)
    sandbox: Sandbox | None


@dataclass
class Story:
    """What happened to one way of reaching the database, from Friday to Monday."""

    label: str
    driver: str
    sessions: int = 0
    trips: dict[str, int] = field(default_factory=dict)
    ended: int = 0
    friday: Outcome = field(default_factory=Outcome)
    monday: Outcome = field(default_factory=Outcome)
    stats: PoolStats | None = None

    @property
    def errors(self) -> int:
        """Requests that failed."""
        return self.friday.failures + self.monday.failures


@contextmanager
def database(dsn: str | None, user: str | None, password: str | None) -> Iterator[Target]:
    """Give the database to run on: the user's own, or a sandbox that ends with the `with` block."""
    if dsn is not None:
        yield Target(dsn, user or "", password or "", None)
        return
    with Sandbox(users={USER: PASSWORD}) as sandbox:
        yield Target(sandbox.dsn, USER, PASSWORD, sandbox)


def find_oracle_client(must: bool) -> None:
    """Start this command anew where that lets cx_Oracle find Oracle Client: see instant_client."""
    if importlib.util.find_spec("cx_Oracle") is None:
        return  # orapool says so, or takes the other driver
    try:
        instant_client.reexec()
    except instant_client.ClientUnavailableError:
        if must:
            raise


def ways(target: Target, driver: str, threads: int) -> Iterator[Way]:
    """Give orapool and then, when that is closed, SQLAlchemy's own pool on the same driver."""
    with closing(OnePool(target.dsn, target.user, target.password, driver, threads)) as ours:
        yield ours
        driver = ours.driver
    # It logs a traceback for each dead session that it cannot close: the table has those errors already.
    logging.getLogger("sqlalchemy.pool").addHandler(logging.NullHandler())
    with closing(StockPool(target.dsn, target.user, target.password, driver, threads)) as stock:
        yield stock


def tell(way: Way, target: Target, threads: int, rounds: int) -> Story:
    """Play Friday, the weekend and Monday on one way."""
    story = Story(way.label, way.driver)
    fill(way.engine)
    warm_up(way, threads)
    if target.sandbox is not None:
        story.sessions = target.sandbox.stats().sessions
        for kind in KINDS:
            before = target.sandbox.stats()
            request(way, kind, 0)
            story.trips[kind] = (target.sandbox.stats() - before).total_round_trips
    story.friday = play(way, threads, rounds)
    if target.sandbox is not None:
        story.ended = target.sandbox.end_sessions("fin")
        story.monday = play(way, threads, rounds)
    if isinstance(way, OnePool):
        story.stats = orapool.pool().stats()
    remove(way.engine)
    return story


def show(console: Console, stories: list[Story], target: Target, threads: int, rounds: int) -> None:
    """Print what a reader needs to believe it."""
    one, stock = stories
    console.print(f"[bold]orapool demo[/bold]: {escape(versions(one.driver))}")
    console.print(
        "Database: the sandbox, an embedded server that speaks Oracle Net. It is not an Oracle database."
        if target.sandbox
        else f"Database: {escape(target.dsn)}"
    )
    console.print(
        f"{threads} threads send {threads * rounds * len(KINDS)} requests on Friday:"
        " ORM code, hand-written SQL, DataFrames."
    )
    if target.sandbox:
        console.print(
            "On the weekend the other side closes every idle session. On Monday the threads send them all again."
        )
    else:
        console.print("The weekend, in which all idle sessions are closed, is left out: this is not the sandbox.")
    console.print()
    table = Table("", f"[bold]{one.label}[/bold]", stock.label)
    if target.sandbox:
        table.add_row("Sessions on the server", str(one.sessions), str(stock.sessions))
        for kind in KINDS:
            table.add_row(f"Round trips, {kind} request", str(one.trips[kind]), str(stock.trips[kind]))
        table.add_section()
    elif one.stats:
        table.add_row("Sessions on the server", str(one.stats.opened), "")
    add_day(table, "Friday", one.friday, stock.friday)
    if target.sandbox:
        table.add_section()
        table.add_row("Weekend: sessions closed", str(one.ended), str(stock.ended))
        table.add_section()
        add_day(table, "Monday", one.monday, stock.monday)
        table.add_section()
        table.add_row("Sessions replaced unseen", str(one.stats.replaced if one.stats else 0), "-")
    else:
        table.add_section()
    table.add_row("[bold]Errors the application saw[/bold]", verdict(one.errors), verdict(stock.errors))
    console.print(table)
    for story in stories:
        for message, count in (story.friday.errors + story.monday.errors).most_common():
            console.print(f"{story.label}, {count} x: [red]{escape(message)}[/red]")


def add_day(table: Table, day: str, one: Outcome, stock: Outcome) -> None:
    """Add what became of a day's requests."""
    for kind in KINDS:
        table.add_row(f"{day}: {kind} requests", *(outcome_in_words(outcome, kind) for outcome in (one, stock)))


def outcome_in_words(outcome: Outcome, kind: str) -> str:
    """Say how many requests of a kind worked, and how many did not."""
    worked = f"{outcome.worked[kind]} served"
    return f"{worked}, [red]{outcome.failed[kind]} failed[/red]" if outcome.failed[kind] else worked


def verdict(errors: int) -> str:
    """Colour a number of errors."""
    return f"[bold {'red' if errors else 'green'}]{errors}[/]"


def versions(driver: str) -> str:
    """Say what takes part, each with its version."""
    packages = (PACKAGES[driver], "SQLAlchemy", "pandas")
    named = [f"{package} {importlib.metadata.version(package)}" for package in packages]
    return ", ".join([*named, f"Python {platform.python_version()}"])
