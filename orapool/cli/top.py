"""`orapool top`: all pools of all processes of the user, live."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import click
from rich.console import Console
from rich.live import Live

from orapool.cli import keys
from orapool.cli.examples import example
from orapool.cli.screen import View, print_once, screen
from orapool.watching.published import read
from orapool.watching.rows import SORTS, Looks, arrange

_FOLDER = "ORAPOOL_PUBLISH_DIR"


@click.command(epilog=example("orapool top --sort waiting", "orapool top --json --filter shop"))
@click.option("--once", is_flag=True, help="Print what there is now, and end; so it is without a terminal.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON: a list of pools.")
@click.option("--sort", type=click.Choice(list(SORTS)), default="pid", show_default=True, help="Order of the pools.")
@click.option("--filter", "text", default="", metavar="TEXT", help="Only pools with this in name, place or pid.")
@click.option("--interval", type=click.FloatRange(0.25, 60), default=1.0, show_default=True, help="Seconds.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(),
    envvar=_FOLDER,
    help=f"The pools' setting publish_dir, where it has a value; also {_FOLDER}.",
)
def top(once: bool, as_json: bool, sort: str, text: str, interval: float, folder: str | None) -> None:
    """Show the pools of all processes of this user on this machine, as they are now, until q is pressed.

    Each process publishes its pools' numbers once a second while they are used. Exit status 0, also where there is
    none.
    """
    where = None if folder is None else Path(folder)
    if not (once or as_json) and sys.stdin.isatty() and sys.stdout.isatty():
        show(View(sort=sort, text=text, interval=interval), where)
        return
    rows = arrange(Looks().look(read(where), time.monotonic()), sort, text=text)
    if as_json:
        click.echo(json.dumps([row.as_json() for row in rows], indent=2))
    else:
        print_once(Console(), rows)


def show(view: View, folder: Path | None) -> None:
    """Show them until a key quits."""
    looks, console = Looks(), Console()
    rows = looks.look(read(folder), time.monotonic())
    due = time.monotonic() + view.interval
    with keys.one_by_one(), Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            live.update(screen(rows, view, console.width, console.height), refresh=True)
            try:
                pressed = keys.pressed_within(due - time.monotonic())
            except KeyboardInterrupt:
                return
            if not all(view.press(key) for key in pressed):
                return
            if time.monotonic() >= due or "+" in pressed or "-" in pressed:
                rows = looks.look(read(folder), time.monotonic())
                due = time.monotonic() + view.interval
