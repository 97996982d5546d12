"""The numbers of this process's pools, for `flask orapool stats`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, fields

import click

from orapool import pools as open_pools
from orapool.histograms import Distribution


def report(pools: Iterable[str], as_json: bool = False) -> None:
    """Print the numbers of each pool after one checkout. Raises `PoolError` where that fails."""
    found = {}
    for name in pools:
        open_pools.connection(name).close()
        found[name] = open_pools.pool(name).stats()
    if as_json:
        click.echo(json.dumps({name: asdict(stats) for name, stats in found.items()}, indent=2))
        return
    blocks = []
    for name, stats in found.items():
        numbers = {each.name: getattr(stats, each.name) for each in fields(stats)}
        width = max(len(label) for label in numbers)
        rows = [f"  {label:<{width}}  {in_words(value)}" for label, value in numbers.items()]
        blocks.append("\n".join([f"Pool {name}:", *rows]))
    click.echo("\n\n".join(blocks))


def in_words(value: object) -> str:
    """A number, numbers by cause, or times."""
    if isinstance(value, Distribution):
        times = {"p50": value.p50, "p99": value.p99, "longest": value.longest}
        told = ", ".join(f"{name} {duration(seconds)}" for name, seconds in times.items() if seconds is not None)
        return f"{value.count}: {told}" if value.count else "0"
    if isinstance(value, dict):
        return ", ".join(f"{count} {cause}" for cause, count in value.items()) or "0"
    return "-" if value is None else str(value)


def duration(seconds: float) -> str:
    """A time in a unit that suits it."""
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} us"
    return f"{seconds * 1e3:.{0 if seconds >= 0.1 else 1}f} ms" if seconds < 1 else f"{seconds:.1f} s"
