"""How many sessions an application opens on its server, beside how many the server has for it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from orapool.settings import PoolSettings

log = logging.getLogger("orapool.sizing")

SHARE_OF_OTHERS = 0.2
"""What of the server's limit is left to others where nobody says how much they use: Oracle's own processes, DBAs."""

_RESOURCES = """select resource_name, limit_value, current_utilization from v$resource_limit
 where resource_name in ('processes', 'sessions')"""
_PARAMETERS = "select name, value from v$parameter where name in ('processes', 'sessions')"
_OF_OTHERS = "select count(*) from v$session where username is null or username <> user"
_OWN = "select count(*) from v$session where username = user"


@dataclass(frozen=True)
class Server:
    """What a server has for one application.

    `processes` and `sessions` are its parameters, None where not known; `others` of each are not the application's.
    `granted` is a number of sessions that somebody has set for the application, in the place of all that. `origin` says
    where it comes from.
    """

    origin: str
    processes: int | None = None
    sessions: int | None = None
    others: int | None = None
    granted: int | None = None

    @property
    def limit(self) -> int | None:
        """Sessions that can be open at once; with dedicated servers, each is a process too."""
        if self.granted is not None:
            return self.granted
        sessions = self.sessions
        if sessions is None and self.processes is not None:
            sessions = default_sessions(self.processes)
        return min((each for each in (self.processes, sessions) if each is not None), default=None)

    @property
    def used_by_others(self) -> int:
        """How many of these are not the application's; where nobody knows, a fifth."""
        if self.granted is not None or self.limit is None:
            return 0
        return int(self.limit * SHARE_OF_OTHERS) if self.others is None else self.others

    @property
    def left(self) -> int | None:
        """What is left for the application; None where no limit is known."""
        return None if self.limit is None else max(0, self.limit - self.used_by_others)


@dataclass(frozen=True)
class Sizing:
    """An application on its server: `workers` processes of `threads` each, with a pool of `max` sessions in each.

    `scripts` run beside them at a time, and have one session each.

    >>> Sizing(workers=9, threads=4, max=8, server=Server("options", processes=100)).fits
    True
    """

    workers: int
    threads: int
    max: int
    server: Server
    scripts: int = 0

    @property
    def sessions(self) -> int:
        """The most sessions that the application opens."""
        return self.workers * self.max + self.scripts

    @property
    def fits(self) -> bool | None:
        """Whether the server has as many for it; None where no limit is known."""
        return None if self.server.left is None else self.sessions <= self.server.left

    @property
    def largest_max(self) -> int | None:
        """The largest `max` that the server has room for, which may be 0; None where no limit is known."""
        return None if self.server.left is None else max(0, self.server.left - self.scripts) // self.workers

    @property
    def recommended_max(self) -> int:
        """As many as a worker has threads, since a thread uses one session at a time, or what there is room for."""
        return self.threads if self.largest_max is None else min(self.threads, self.largest_max)

    @property
    def verdict(self) -> str:
        """Whether it fits, and what to do."""
        largest, server = self.largest_max, self.server
        if self.fits:
            return f"It fits; max could be up to {largest}."
        raised = self.sessions + server.used_by_others
        remedy = "server_limit" if server.granted is not None else "processes" if server.processes else "sessions"
        instead = f"set max to {self.recommended_max}, have fewer workers"
        if not largest:
            instead = f"no max does with {self.workers} workers; have fewer"
        return f"It does not fit: {instead}, or raise {remedy} to {raised}."


def default_sessions(processes: int) -> int:
    """Oracle's default of the parameter SESSIONS, from the database reference: (1.5 * PROCESSES) + 22."""
    return processes * 3 // 2 + 22


def read_server(connection: Any, errors: type[Exception]) -> Server:
    """What the server says of its limits. Raises `errors`, of the driver, where its views may not be seen."""
    with connection.cursor() as cursor:

        def count(sql: str) -> int | None:
            try:
                return int(cursor.execute(sql).fetchone()[0])
            except errors:
                return None

        try:
            found = {name: (limit, used) for name, limit, used in cursor.execute(_RESOURCES).fetchall()}
        except errors:
            parameters = dict(cursor.execute(_PARAMETERS).fetchall())
            processes, sessions = (_number(parameters.get(name)) for name in ("processes", "sessions"))
            return Server("V$PARAMETER", processes, sessions, count(_OF_OTHERS))
        (processes, used), (sessions, _) = (
            (_number(limit), int(used)) for limit, used in (found[name] for name in ("processes", "sessions"))
        )
        own = count(_OWN)
        return Server("V$RESOURCE_LIMIT", processes, sessions, None if own is None else max(0, used - own))


def _number(limit: object) -> int | None:
    """A limit; None for UNLIMITED."""
    text = str(limit or "").strip()
    return int(text) if text.isdigit() else None


def warn_of_size(name: str, settings: PoolSettings) -> None:
    """Log a warning where all workers together may open more sessions than the settings say that the server has."""
    workers, limit = settings.workers, settings.server_limit
    if workers is None or limit is None or workers * settings.max <= limit:
        return
    most = limit // workers
    advice = f"set max to {most} at most" if most else "have fewer workers"
    log.warning(
        "pool %r: %d workers x max %d are up to %d sessions, more than server_limit %d: %s, or see `orapool sizing`",
        name,
        workers,
        settings.max,
        workers * settings.max,
        limit,
        advice,
    )
