"""`orapool config`: the settings in force, and where each of them was found."""

from __future__ import annotations

import json

import click

from orapool.cli import one_line
from orapool.cli.examples import example
from orapool.discovery import as_config, find_sources
from orapool.errors import ConfigurationError
from orapool.layers import pool_names
from orapool.passwords import read_secret
from orapool.settings import KNOWN, PoolSettings, load_settings
from orapool.shown import in_force
from orapool.sources import DEFAULT


class BadConfiguration(click.ClickException):
    """Says what is wrong, with exit status 2."""

    exit_code = 2


@click.command(epilog=example("orapool config", "orapool config reporting --json"))
@click.argument("pools", nargs=-1, metavar="[POOL]...")
@click.option("--config", "file", type=click.Path(), help="A settings file, in the place of that in ORAPOOL_CONFIG.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def config(pools: tuple[str, ...], file: str | None, as_json: bool) -> None:
    """Show the settings in force for each POOL, or all of them, and where each was found. Connects to nothing.

    Passwords are masked; a password file is read, to see whether it can be, and a password hook is not called. Exit
    status 2 says that something is wrong with the settings.
    """
    try:
        named = as_config(file) if file is not None else None
        sources = find_sources(named)
    except ConfigurationError as error:
        raise BadConfiguration(one_line(error)) from None
    found: dict[str, PoolSettings] = {}
    mistakes = []
    for pool in pools or pool_names(sources, KNOWN) or [DEFAULT]:
        try:
            found[pool] = load_settings(pool, named)
            check_password_file(pool, found[pool])
        except ConfigurationError as error:
            mistakes.append(one_line(error))
    if mistakes:
        raise BadConfiguration("\n".join(mistakes))
    labels = [source.label for source in sources]
    click.echo(in_json(found, labels) if as_json else in_words(found, labels))


def check_password_file(pool: str, settings: PoolSettings) -> None:
    """Raise where a log-on would find no password in the file."""
    if settings.password_file is not None:
        try:
            read_secret(settings.password_file, settings.origins["password_file"])
        except ConfigurationError as error:
            raise ConfigurationError(f"pool {pool!r}: {error}") from None


def in_words(found: dict[str, PoolSettings], sources: list[str]) -> str:
    """A table for each pool."""
    blocks = [
        "\n".join(["Settings are found in, the first that has one counts:", *(f"  {source}" for source in sources)])
    ]
    for pool, settings in found.items():
        rows = [(name, str(value), settings.origins[name]) for name, value in in_force(settings).items()]
        widths = [max(len(row[column]) for row in rows) for column in range(2)]
        lines = [f"  {name:<{widths[0]}}  {value:<{widths[1]}}  {origin}" for name, value, origin in rows]
        blocks.append("\n".join([f"Pool {pool}:", *lines]))
    return "\n\n".join(blocks)


def in_json(found: dict[str, PoolSettings], sources: list[str]) -> str:
    """The same for programs."""
    pools = {
        pool: {name: {"value": value, "origin": settings.origins[name]} for name, value in in_force(settings).items()}
        for pool, settings in found.items()
    }
    return json.dumps({"sources": sources, "pools": pools}, indent=2)
