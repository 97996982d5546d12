"""What the server says of itself: its version, and the limits that it sets for sessions."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from orapool.doctor.bounded import in_words
from orapool.doctor.case import Case
from orapool.doctor.findings import Finding, bad, good, warning
from orapool.errors import reason
from orapool.sizing import read_server

_CONTEXT = ("DB_NAME", "INSTANCE_NAME", "SERVICE_NAME", "DATABASE_ROLE")
_LIMITS = "select resource_name, limit from user_resource_limits"
_UNLIMITED = ("UNLIMITED", "DEFAULT")


def check_version(case: Case) -> Iterator[Finding]:
    """Which version it is, and which instance answers."""
    outcome = case.ask(_read_version)
    if outcome.error is not None:
        told = f"the database did not answer a query: {reason(outcome.error)}"
        yield bad("database", told, "look whether it hangs: sessions that wait are in V$SESSION")
        return
    version, context, seconds = outcome.result
    about = ", ".join(f"{name.lower().replace('_', ' ')} {value}" for name, value in context.items() if value)
    answered = f" (a round trip takes {in_words(seconds)})"
    yield good(f"Oracle Database {version}: {about}{answered}", version=version, round_trip=seconds, **context)


def _read_version(connection: Any) -> tuple[str, dict[str, str], float]:
    version = str(connection.version)
    with connection.cursor() as cursor:
        columns = ", ".join(f"sys_context('USERENV', '{name}')" for name in _CONTEXT)
        row = cursor.execute(f"select {columns} from dual").fetchone()
        began = time.monotonic()
        connection.ping()
        return version, dict(zip((name.lower() for name in _CONTEXT), row)), time.monotonic() - began


def check_limits(case: Case) -> Iterator[Finding]:
    """How many sessions the instance lets open, and how long the user's profile lets one lie idle, and live."""
    if case.connection is None:
        yield bad("database", "the session was lost while the server was asked", "run it again")
        return
    driver = case.driver
    assert driver is not None
    errors = driver.dbapi.Error
    outcome = case.ask(lambda connection: read_server(connection, errors))
    if outcome.error is None:
        server = case.server = outcome.result
        used = "" if server.others is None else f", {server.others} of them used by others"
        limits = f"processes {server.processes or '?'}, sessions {server.sessions or 'by default'}"
        yield good(
            f"the instance has {limits}{used} ({server.origin})",
            processes=server.processes,
            sessions=server.sessions,
            others=server.others,
        )
    else:
        yield good(
            "the instance's limits are not visible to this user",
            "GRANT SELECT ON V_$RESOURCE_LIMIT, or on V_$PARAMETER, lets doctor and `orapool sizing` see them",
        )
    if case.connection is None:
        return
    profile = case.ask(_read_profile)
    if profile.error is not None:
        yield good(f"the user's profile is not visible: {reason(profile.error)}")
        return
    yield from _about_profile(case, profile.result)


def _read_profile(connection: Any) -> dict[str, int]:
    """The limits of the user's profile that there are."""
    with connection.cursor() as cursor:
        rows = cursor.execute(_LIMITS).fetchall()
    return {str(name): int(limit) for name, limit in rows if str(limit).strip().isdigit()}


def _about_profile(case: Case, limits: dict[str, int]) -> Iterator[Finding]:
    settings = case.known()
    idle, connected, each = (limits.get(name) for name in ("IDLE_TIME", "CONNECT_TIME", "SESSIONS_PER_USER"))
    told = ", ".join(f"{name} {value}" for name, value in limits.items())
    if told:
        yield good(f"the user's profile has {told}; times are in minutes", profile=limits)
    else:
        yield good("the user's profile limits neither sessions, nor their idle time, nor their age")
    if idle is not None and not (0 < settings.idle_timeout < idle * 60 and settings.min == 0):
        yield warning(
            f"the profile ends sessions that are idle for {idle} minutes (ORA-02396), whatever keeps their paths alive",
            f"set idle_timeout below {idle * 60} and min=0, so that the pool closes them first",
        )
    if connected is not None and not 0 < settings.max_lifetime < connected * 60:
        yield warning(
            f"the profile ends sessions that are {connected} minutes old (ORA-02399)",
            f"set max_lifetime below {connected * 60}",
        )
    workers = case.workers or settings.workers or 1
    if each is not None and each < workers * settings.max:
        yield warning(
            f"the profile lets this user have {each} sessions, and {workers} x max {settings.max} are more (ORA-02391)",
            f"set max to {max(1, each // workers)}, or have SESSIONS_PER_USER raised",
        )
