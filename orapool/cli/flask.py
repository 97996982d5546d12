"""`flask orapool ...`: the pools of a Flask application, as it has configured them."""

from __future__ import annotations

from functools import partial

import click
from flask.cli import with_appcontext

from orapool import pools as open_pools
from orapool.cli import OneLineErrors
from orapool.cli import check as checks
from orapool.cli import config as configuration
from orapool.cli import doctor as steps
from orapool.cli import stats as numbers
from orapool.cli.examples import example
from orapool.doctor import Case
from orapool.doctor.case import TIMEOUT
from orapool.errors import ConfigurationError
from orapool.sources import DEFAULT


@click.group(cls=OneLineErrors, epilog=example("flask --app shop orapool check"))
def orapool() -> None:
    """Show and check the application's Oracle session pools."""


@orapool.command(epilog=example("flask --app shop orapool config"))
@click.argument("pools", nargs=-1, metavar="[POOL]...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def config(pools: tuple[str, ...], as_json: bool) -> None:
    """Show the settings in force for each POOL, or all of them, and where each was found. Connects to nothing."""
    names = _names(pools)
    found = {name: settings for name, settings in open_pools.configured().items() if name in names}
    labels = [source.label for source in open_pools.sources()]
    click.echo(configuration.in_json(found, labels) if as_json else configuration.in_words(found, labels))


@orapool.command(epilog=example("flask --app shop orapool stats"))
@click.argument("pools", nargs=-1, metavar="[POOL]...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def stats(pools: tuple[str, ...], as_json: bool) -> None:
    """Check a session out of each POOL, or of all, and show the numbers of this process's pools."""
    numbers.report(_names(pools), as_json)


@orapool.command(epilog=example("flask --app shop orapool check"))
@click.argument("pools", nargs=-1, metavar="[POOL]...")
@click.option("--timeout", type=click.FloatRange(min=0), help="Seconds to wait for a session, not acquire_timeout.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def check(pools: tuple[str, ...], timeout: float | None, as_json: bool) -> None:
    """Check a session out of each POOL, or of all, ping the database with it, and say how long it took.

    Exit status 1 says that a pool could not be had.
    """
    checks.report(_names(pools), timeout, as_json)


@orapool.command(epilog=example("flask --app shop orapool doctor"))
@click.argument("pools", nargs=-1, metavar="[POOL]...")
@click.option("--timeout", type=click.FloatRange(min=0.1), default=TIMEOUT, show_default=True, help="Seconds a step.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes that have a pool.  [default: the setting]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def doctor(pools: tuple[str, ...], timeout: float, workers: int | None, as_json: bool) -> None:
    """Check each step between here and the database of each POOL, or of all: see `orapool doctor --help`."""
    labels = [source.label for source in open_pools.sources()]
    steps.report(
        [Case(name, partial(open_pools.settings_of, name), labels, timeout, workers) for name in _names(pools)], as_json
    )


def _names(pools: tuple[str, ...]) -> list[str]:
    """The pools that were asked for, or all that the application has; at least the default pool has to be there."""
    known = sorted(open_pools.configured(), key=lambda name: (name != DEFAULT, name))
    strangers = [name for name in pools if name not in known]
    if strangers:
        raise ConfigurationError(f"pool {strangers[0]!r} is not the application's: it has {', '.join(known) or 'none'}")
    if not known:
        open_pools.pool(DEFAULT)  # raises, or finds its settings by itself
        known = [DEFAULT]
    return list(pools) or known
