"""`orapool check`: whether each pool can be had, and how long that takes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import click

from orapool import pools as open_pools
from orapool.cli import one_line
from orapool.cli.examples import example
from orapool.discovery import find_sources
from orapool.errors import PoolError
from orapool.layers import pool_names
from orapool.settings import KNOWN
from orapool.sources import DEFAULT


@dataclass(frozen=True)
class Found:
    """What a checkout of one pool has shown. Times are in seconds."""

    pool: str
    checkout: float
    ping: float | None = None
    error: str | None = None

    def in_words(self) -> str:
        """One line."""
        if self.error is not None:
            return f"Pool {self.pool}: failed after {self.checkout:.3f} s: {self.error}"
        return f"Pool {self.pool}: good, checkout {self.checkout * 1000:.1f} ms, ping {(self.ping or 0) * 1000:.1f} ms"


@click.command(epilog=example("orapool check", "orapool check reporting --timeout 2"))
@click.argument("pools", nargs=-1, metavar="[POOL]...")
@click.option("--timeout", type=click.FloatRange(min=0), help="Seconds to wait for a session, not acquire_timeout.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(pools: tuple[str, ...], timeout: float | None, as_json: bool) -> None:
    """Check a session out of each POOL, or of all, ping the database with it, and say how long it took.

    Exit status 1 says that a pool could not be had: `orapool doctor` tells why.
    """
    try:
        report(pools or pool_names(find_sources(), KNOWN) or [DEFAULT], timeout, as_json)
    finally:
        open_pools.close()


def report(pools: Iterable[str], timeout: float | None = None, as_json: bool = False) -> None:
    """Print what is found; exit status 1 where a pool cannot be had."""
    found = [try_out(pool, timeout) for pool in pools]
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], indent=2))
    else:
        click.echo("\n".join(each.in_words() for each in found))
    if any(each.error is not None for each in found):
        raise SystemExit(1)


def try_out(pool: str, timeout: float | None = None) -> Found:
    """One checkout, and one round trip on it."""
    began = time.monotonic()
    checkout = None
    try:
        with open_pools.connection(pool, timeout) as connection:
            checkout = time.monotonic() - began
            connection.ping()
            return Found(pool, checkout, time.monotonic() - began - checkout)
    except PoolError as error:
        told = one_line(error)
    except (open_pools.pool(pool).driver.dbapi.Error, OSError) as error:  # the session died just now
        told = one_line(error)
    return Found(pool, time.monotonic() - began if checkout is None else checkout, error=told)
