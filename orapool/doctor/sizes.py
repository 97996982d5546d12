"""The pool's size, beside what the server has for all workers."""

from __future__ import annotations

from collections.abc import Iterator

from orapool.doctor.case import Case
from orapool.doctor.findings import Finding, good, skipped, warning
from orapool.sizing import Server, Sizing


def check(case: Case) -> Iterator[Finding]:
    """Whether all workers' sessions fit."""
    settings = case.known()
    workers = case.workers or settings.workers
    if workers is None:
        yield skipped("how many processes have a pool is not known: --workers, or the setting workers")
        return
    server = case.server
    if settings.server_limit is not None:
        server = Server("server_limit", granted=settings.server_limit)
    found = Sizing(workers, case.threads, settings.max, server or Server("unknown"))
    told = f"{workers} workers x max {settings.max} are {found.sessions} sessions at most"
    values = {"workers": workers, "max": settings.max, "sessions": found.sessions, "left": found.server.left}
    if found.fits is None:
        yield skipped(f"{told}; the server's limits are not known: see `orapool sizing`", **values)
    elif found.fits:
        yield good(f"{told}, and the server has room for {found.server.left}", **values)
    else:
        yield warning(f"{told}, and the server has room for {found.server.left}", found.verdict, **values)
