"""`orapool sizing`: how many sessions all workers open, and whether the server has as many."""

from __future__ import annotations

import json
from dataclasses import replace

import click

from orapool import pools as open_pools
from orapool.cli import one_line
from orapool.cli.config import BadConfiguration
from orapool.cli.examples import example
from orapool.errors import ConfigurationError, PoolError
from orapool.settings import NotConfigured, PoolSettings, load_settings
from orapool.sizing import SHARE_OF_OTHERS, Server, Sizing, default_sessions, read_server
from orapool.sources import DEFAULT

_COUNT = click.IntRange(min=1)


@click.command(epilog=example("orapool sizing --workers 9 --threads 4 --processes 300"))
@click.argument("pool", default=DEFAULT)
@click.option("--workers", type=_COUNT, help="Processes that have a pool.  [default: the setting]")
@click.option("--threads", type=_COUNT, default=1, show_default=True, help="Threads that serve requests in each.")
@click.option("--max", "most", type=_COUNT, help="Sessions of each pool.  [default: the setting, or the threads]")
@click.option("--scripts", type=click.IntRange(min=0), default=0, help="Batch scripts at a time, of one session each.")
@click.option("--processes", type=_COUNT, help="The server's parameter PROCESSES.")
@click.option("--sessions", type=_COUNT, help="The server's parameter SESSIONS.  [default: 1.5 x PROCESSES + 22]")
@click.option(
    "--others",
    type=click.IntRange(min=0),
    help="Sessions that are not the application's: Oracle's own, DBAs'.  [default: what the server says, or a fifth]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def sizing(
    pool: str,
    workers: int | None,
    threads: int,
    most: int | None,
    scripts: int,
    processes: int | None,
    sessions: int | None,
    others: int | None,
    as_json: bool,
) -> None:
    """Compute how many sessions all workers with a pool of the settings of POOL open, and whether the server has them.

    The server's limits are those given, or else the setting server_limit, or else what V$RESOURCE_LIMIT or V$PARAMETER
    says, where a database is configured and the user may see them.

    Exit status 1 says that there are too many, 2 that no limit is known, or something else is wrong.
    """
    settings = _settings(pool)
    workers = workers or (settings.workers if settings else None)
    if workers is None:
        raise click.UsageError("say how many processes have a pool: --workers, or the setting workers")
    unknown = ""
    server = Server("given", processes, sessions, others)
    if server.limit is None and settings is not None:
        if settings.server_limit is not None:
            server = Server("server_limit", granted=settings.server_limit)
        else:
            try:
                server = _ask(pool)
            except PoolError as error:
                unknown = one_line(error)
            if others is not None:
                server = replace(server, others=others)
    most = most or (settings.max if settings else threads)
    found = Sizing(workers, threads, most, server, scripts)
    click.echo(_in_json(found) if as_json else _in_words(found))
    if found.fits is None:
        unknown = f"{unknown}: " if unknown else ""
        click.echo(f"{unknown}the server's limits are not known: give --processes, or --sessions", err=True)
        raise SystemExit(2)
    if not found.fits:
        raise SystemExit(1)


def _settings(pool: str) -> PoolSettings | None:
    """The settings of the pool; None where there are none."""
    try:
        return load_settings(pool)
    except NotConfigured:
        return None
    except ConfigurationError as error:
        raise BadConfiguration(one_line(error)) from None


def _ask(pool: str) -> Server:
    """The server's limits, out of the server. Raises PoolError where that does not work."""
    try:
        dbapi_error = open_pools.pool(pool).driver.dbapi.Error
        with open_pools.connection(pool) as connection:
            return read_server(connection, dbapi_error)
    except PoolError:
        raise
    except dbapi_error as error:
        raise PoolError(f"V$RESOURCE_LIMIT and V$PARAMETER cannot be read: {one_line(error)}") from error
    finally:
        open_pools.close(pool)


def _in_words(found: Sizing) -> str:
    """A few lines."""
    server, workers = found.server, found.workers
    lines = [f"{workers} workers x max {found.max}: {workers * found.max} sessions at most"]
    if found.scripts:
        lines[0] += f", and {found.scripts} of scripts: {found.sessions}"
    if server.limit is not None:
        lines.append(f"Server: {_limits(server)}: {server.left} left")
        lines.append(found.verdict)
    if found.max > found.threads:
        lines.append(f"A worker with {found.threads} threads uses {found.threads} sessions at most: max may be that.")
    elif found.max < found.threads:
        lines.append(f"Of {found.threads} threads, {found.max} have a session at a time, and the others wait for one.")
    return "\n".join(lines)


def _limits(server: Server) -> str:
    """Where the limit comes from, and what is taken off."""
    if server.granted is not None:
        return f"server_limit {server.granted}"
    known = [f"{name} {value}" for name, value in _parameters(server).items() if value is not None]
    others = f"{server.used_by_others} of others"
    if server.others is None:
        others += f" (assumed: {SHARE_OF_OTHERS:.0%}; --others says it)"
    origin = "" if server.origin == "given" else f" ({server.origin})"
    return f"{', '.join(known)}{origin}, {others}"


def _parameters(server: Server) -> dict[str, int | None]:
    sessions = server.sessions
    if sessions is None and server.processes is not None:
        sessions = default_sessions(server.processes)
    return {"processes": server.processes, "sessions": sessions}


def _in_json(found: Sizing) -> str:
    """The same for programs."""
    server = found.server
    return json.dumps(
        {
            "workers": found.workers,
            "threads": found.threads,
            "max": found.max,
            "scripts": found.scripts,
            "sessions": found.sessions,
            "server": {
                "origin": server.origin,
                **_parameters(server),
                "limit": server.limit,
                "others": server.used_by_others,
                "left": server.left,
            },
            "fits": found.fits,
            "largest_max": found.largest_max,
            "recommended_max": found.recommended_max,
        },
        indent=2,
    )
