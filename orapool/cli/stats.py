"""The numbers of this process's pools, for `flask orapool stats`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict

import click

from orapool import pools as open_pools


def report(pools: Iterable[str], as_json: bool = False) -> None:
    """Print the numbers of each pool after one checkout. Raises `PoolError` where that fails."""
    found = {}
    for name in pools:
        open_pools.connection(name).close()
        found[name] = asdict(open_pools.pool(name).stats())
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    blocks = []
    for name, numbers in found.items():
        width = max(len(label) for label in numbers)
        rows = [f"  {label:<{width}}  {in_words(value)}" for label, value in numbers.items()]
        blocks.append("\n".join([f"Pool {name}:", *rows]))
    click.echo("\n\n".join(blocks))


def in_words(value: object) -> str:
    """A number, or numbers by cause."""
    if isinstance(value, dict):
        return ", ".join(f"{count} {cause}" for cause, count in value.items()) or "0"
    return "-" if value is None else str(value)
