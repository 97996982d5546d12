"""`orapool sessions`: the server's sessions of this application, beside the processes and sockets of this machine."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orapool import pools as open_pools
from orapool.cli import one_line
from orapool.cli.examples import example
from orapool.discovery import find_sources
from orapool.doctor.bounded import run
from orapool.doctor.descriptor import places_of
from orapool.doctor.durations import in_units
from orapool.errors import PoolError
from orapool.layers import pool_names
from orapool.settings import KNOWN, PoolSettings, load_settings
from orapool.sources import DEFAULT
from orapool.watching.local_sockets import LocalSocket, Match, Matching, Owner, addresses_of, local_sockets
from orapool.watching.server_sessions import ServerSession, ServerSessions, read_sessions

TIMEOUT = 10.0
MODULE = "orapool sessions"
_SETTLE_SECONDS = 0.3
"""Within which a session is gone that was about to end when it was seen."""
_ORDERS = {
    "problem": lambda match: (match.owner is not Owner.NOBODY, match.session.machine or "", match.session.sid),
    "sid": lambda match: (match.session.instance, match.session.sid),
    "last-call": lambda match: -match.session.last_call,
    "logged-on": lambda match: -match.session.logged_on,
    "module": lambda match: (match.session.module or "", match.session.action or "", match.session.sid),
    "machine": lambda match: (match.session.machine or "", match.session.pid or 0, match.session.sid),
}
_SQL_SHOWN, _OTHERS, _WIDEST = 24, 108, 30
"""Characters: what is shown of a statement at least, what the columns beside it take, and each of these at most."""
_WIDTH = 150


class CannotLook(click.ClickException):
    """Says why nothing can be told, with exit status 2."""

    exit_code = 2


@dataclass(frozen=True)
class Found:
    """What is told."""

    matches: Sequence[Match]
    close_wait: Sequence[LocalSocket]
    sessions: ServerSessions
    translated: bool
    sockets_visible: bool

    @property
    def nobodys(self) -> list[Match]:
        """Sessions that the server has and no process owns."""
        return [match for match in self.matches if match.owner is Owner.NOBODY]


@click.command(epilog=example("orapool sessions", "orapool sessions reporting --all --sort last-call"))
@click.argument("pool", default=DEFAULT)
@click.option("--all", "everybody", is_flag=True, help="Sessions of all users and modules that V$SESSION shows.")
@click.option("--sort", type=click.Choice(list(_ORDERS)), default="problem", show_default=True, help="In which order.")
@click.option("--timeout", type=click.FloatRange(min=0.1), default=TIMEOUT, show_default=True, help="Seconds at most.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def sessions(pool: str, everybody: bool, sort: str, timeout: float, as_json: bool) -> None:
    """Show V$SESSION's sessions of this application, and whose process and socket on this machine each of them is.

    The database and its user are those of POOL; with the setting `module`, sessions of that module are shown. Sessions
    that the server has and no process here owns are marked: they are leaked, or behind a firewall that has forgotten
    them. Sockets of this machine that the server has closed (CLOSE_WAIT) are listed too. As root, processes of other
    users are seen.

    Exit status 0: there are none of these; 1: there are; 2: V$SESSION or the database is not to be had.
    """
    try:
        settings = open_pools.settings_of(pool)
        found = look(pool, settings, everybody, timeout)
    except PoolError as error:
        raise CannotLook(one_line(error)) from None
    finally:
        open_pools.close()
    found = replace(found, matches=sorted(found.matches, key=_ORDERS[sort]))
    if as_json:
        click.echo(json.dumps(as_values(found), indent=2))
    else:
        show(Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False), found)
    if found.nobodys or found.close_wait:
        raise SystemExit(1)


def look(pool: str, settings: PoolSettings, everybody: bool, timeout: float) -> Found:
    """Ask the server and the kernel. Raises `PoolError`."""
    lender = open_pools.pool(pool)
    errors = lender.driver.dbapi.Error
    places = [(place.host, place.port) for place in places_of(settings)]
    # The log-on tells of names that nobody knows.
    addresses = run(lambda: addresses_of(places), timeout).result or set()
    try:
        with lender.acquire(timeout, call_timeout=timeout, module=MODULE) as connection:
            before = local_sockets()
            server = read_sessions(connection, errors)
            sockets = local_sockets()
            matching = Matching(server, sockets, addresses, before or ())
            if any(matching.match(session)[0] is Owner.NOBODY for session in server.others):
                time.sleep(_SETTLE_SECONDS)
                server = replace(server, others=still_there(server, read_sessions(connection, errors)))
    except PoolError:
        raise
    except (errors, OSError) as error:
        raise PoolError(f"V$SESSION cannot be read: {one_line(error)}") from error
    users = {pool: settings, **_pools_of_the_same_database(pool, settings)}
    own = server.own.username
    matches = []
    for session in server.others:
        owner, socket = matching.match(session)
        names = [name for name, other in users.items() if _user(other, own) == session.username]
        mine = bool(names) and (settings.module is None or session.module == settings.module)
        if everybody or mine:
            matches.append(Match(session, owner, socket, ", ".join(names)))
    return Found(matches, matching.in_close_wait(), server, matching.translated, sockets is not None)


def still_there(first: ServerSessions, second: ServerSessions) -> tuple[ServerSession, ...]:
    """The sessions of the first look that a second one has found too."""
    kept = {(each.instance, each.sid, each.serial) for each in second.others}
    return tuple(each for each in first.others if (each.instance, each.sid, each.serial) in kept)


def _pools_of_the_same_database(pool: str, settings: PoolSettings) -> dict[str, PoolSettings]:
    """The other pools that settings files and variables speak of, whose sessions are in the same V$SESSION."""
    here = {(place.host, place.port, place.wanted) for place in places_of(settings)}
    found = {}
    for name in pool_names(find_sources(), KNOWN):
        try:
            other = load_settings(name)
        except PoolError:  # which `orapool config` tells of
            continue
        if name != pool and {(place.host, place.port, place.wanted) for place in places_of(other)} & here:
            found[name] = other
    return found


def _user(settings: PoolSettings, own: str) -> str:
    """The user of a pool's sessions, as V$SESSION has it; `own` is who has looked."""
    user = settings.user
    if user is None:
        return own
    proxied = user.partition("[")[2].rstrip("]")
    name = proxied or user
    return name.strip('"') if name.startswith('"') else name.upper()


def show(console: Console, found: Found) -> None:
    """A table, and what is wrong below it."""
    table = Table(box=None, pad_edge=False)
    for title in ("SID,serial", "status", "pool", "owner", "port", "module, action", "client"):
        table.add_column(title, no_wrap=True, max_width=_WIDEST)
    for title in ("logged on", "last call"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("SQL")
    room = max(_SQL_SHOWN, console.width - _OTHERS)
    for match in found.matches:
        session = match.session
        style = "red" if match.owner is Owner.NOBODY else "green" if session.status == "ACTIVE" else ""
        instance = f"{session.instance}: " if found.sessions.all_instances and session.instance != 1 else ""
        table.add_row(
            f"{instance}{session.sid},{session.serial}",
            session.status,
            match.pool,
            escape(_owner(match)),
            str(session.port or ""),
            escape(", ".join(part for part in (session.module, session.action) if part)),
            escape(session.client_identifier or ""),
            in_units(session.logged_on),
            in_units(session.last_call),
            escape(_cut(_statement(match), room)),
            style=style,
        )
    console.print(table)
    console.print(f"{len(found.matches)} sessions" if len(found.matches) != 1 else "1 session")
    for line in _marks(found):
        console.print(line)


def _owner(match: Match) -> str:
    session = match.session
    if match.owner is Owner.NOBODY:
        return "NO PROCESS"
    if match.owner is Owner.PROCESS:
        pid = match.socket.pid if match.socket is not None else session.pid
        name = match.socket.process if match.socket is not None else ""
        return f"{pid or session.pid or '?'} {name or session.program or ''}".strip()
    where = f"{session.process or '?'} on {session.machine or '?'}"
    return where if match.owner is Owner.ELSEWHERE else f"{where} (?)"


def _statement(match: Match) -> str:
    """What it runs now, or has run last."""
    session = match.session
    if session.sql_id is not None:
        return " ".join((session.sql or session.sql_id).split())
    before = session.previous_sql or session.previous_sql_id
    return f"was: {' '.join(before.split())}" if before else ""


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: room - 3]}..."


def _marks(found: Found) -> list[str]:
    lines = []
    nobodys = found.nobodys
    if nobodys:
        first = nobodys[0].session
        many = f"{len(nobodys)} sessions are" if len(nobodys) > 1 else "1 session is"
        lines.append(
            f"[bold red]{many} of no process here[/]: leaked, or behind a firewall that has forgotten the connection. "
            f"The server ends them by SQLNET.EXPIRE_TIME, if that is set, or "
            f"ALTER SYSTEM KILL SESSION '{first.sid},{first.serial}' IMMEDIATE does."
        )
    for each in found.close_wait:
        owner = f"{each.pid} {each.process}" if each.pid else "a process of another user"
        lines.append(
            f"[bold red]CLOSE_WAIT[/]: {escape(owner)}, port {each.port} to {each.peer[0]}:{each.peer[1]}: the server "
            "has ended the connection, and the process has not closed it yet."
        )
    if not found.sockets_visible:
        lines.append("Sockets are not visible to this user: run it as root to see whose the sessions are.")
    if found.translated:
        lines.append("Ports arrive at the server as others (address translation): sessions are matched by process.")
    if not found.sessions.has_sql:
        lines.append("V$SQL is not visible: GRANT SELECT ON V_$SQL shows the statements.")
    return lines


def as_values(found: Found) -> dict[str, Any]:
    """The same for programs."""
    return {
        "sessions": [
            {
                **dataclasses.asdict(match.session),
                "pool": match.pool or None,
                "owner": match.owner.name.lower(),
                "socket": None if match.socket is None else dataclasses.asdict(match.socket),
            }
            for match in found.matches
        ],
        "of_no_process": [[match.session.instance, match.session.sid, match.session.serial] for match in found.nobodys],
        "close_wait": [dataclasses.asdict(each) for each in found.close_wait],
        "ports_translated": found.translated,
        "sockets_visible": found.sockets_visible,
        "sql_visible": found.sessions.has_sql,
    }
