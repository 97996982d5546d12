"""`orapool doctor`: what is wrong between here and the database, step by step."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import partial
from typing import Any

import click

from orapool.cli import one_line
from orapool.cli.config import BadConfiguration
from orapool.cli.examples import example
from orapool.cli.findings import in_words
from orapool.cli.idle_probe import Durations
from orapool.cli.idle_probe import report as report_idle
from orapool.discovery import as_config, find_sources
from orapool.doctor import Case, Finding, Verdict, examine
from orapool.doctor.case import TIMEOUT
from orapool.errors import ConfigurationError
from orapool.layers import pool_names
from orapool.settings import KNOWN, load_settings
from orapool.sources import DEFAULT


@click.command(
    epilog=example(
        "orapool doctor --workers 9", "orapool doctor reporting --json", "orapool doctor --probe-idle 5m,15m,30m,1h"
    )
)
@click.argument("pools", nargs=-1, metavar="[POOL]...")
@click.option("--timeout", type=click.FloatRange(min=0.1), default=TIMEOUT, show_default=True, help="Seconds a step.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes that have a pool.  [default: the setting]")
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="Threads in each of them.")
@click.option(
    "--probe-idle",
    type=Durations(),
    metavar="TIMES",
    help="Find out how long a connection may lie idle: leave one alone for each of these times (5m,15m,30m,1h).",
)
@click.option("--config", "file", type=click.Path(), help="A settings file, in the place of that in ORAPOOL_CONFIG.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(
    pools: tuple[str, ...],
    timeout: float,
    workers: int | None,
    threads: int,
    probe_idle: list[float] | None,
    file: str | None,
    as_json: bool,
) -> None:
    """Check each step between here and the database of each POOL, or of all: what was found, and what to do.

    The steps: driver and Oracle Client, settings, connect descriptor, names, addresses, listener, service, log-on,
    server, its limits, time-outs, sizing. It works while the database is down, and says which step fails: name, route,
    port, listener, service, credentials or database. Passwords are never shown.

    With --probe-idle, connections to one pool's database are left alone, with keep-alive off, each for its time, and
    then probed: where a firewall's idle limit is, what it does, and the settings that follow. It takes as long as the
    longest time; Ctrl-C stops it, and what is known by then is told.

    Exit status 0: all is good, or there are warnings; 1: a step failed, or the settings do not keep clear of the limit
    found; 2: the call was wrong; 130: stopped.
    """
    try:
        named = as_config(file) if file is not None else None
        sources = find_sources(named)
    except ConfigurationError as error:
        raise BadConfiguration(one_line(error)) from None
    cases = [
        Case(pool, partial(load_settings, pool, named), [each.label for each in sources], timeout, workers, threads)
        for pool in pools or pool_names(sources, KNOWN) or [DEFAULT]
    ]
    if probe_idle is None:
        report(cases, as_json)
    elif len(cases) == 1:
        report_idle(cases[0], probe_idle, as_json)
    else:
        raise click.UsageError(f"--probe-idle is for one pool: name one of {', '.join(case.pool for case in cases)}")


def report(cases: Iterable[Case], as_json: bool = False) -> None:
    """Examine each pool, and tell; exit status 1 where a step failed."""
    told, failed = [], False
    for number, case in enumerate(cases):
        findings = []
        if not as_json:
            heading = f"Pool {case.pool}" + (f", {case.where}" if case.where else "")
            click.echo(("\n" if number else "") + click.style(heading, bold=True))
        try:
            for finding in examine(case):
                findings.append(finding)
                if not as_json:
                    click.echo(in_words(finding, findings[-2].check if len(findings) > 1 else ""))
        finally:
            case.close()
        fault = next((each.fault for each in findings if each.verdict is Verdict.BAD), None)
        failed = failed or fault is not None
        told.append(summary(case.pool, findings, fault))
        if not as_json:
            click.echo(last_line(findings, fault))
    if as_json:
        click.echo(json.dumps(told, indent=2, default=str))
    if failed:
        raise SystemExit(1)


def last_line(findings: list[Finding], fault: str | None) -> str:
    """What it comes to."""
    warnings = sum(each.verdict is Verdict.WARNING for each in findings)
    if fault is not None:
        return click.style(f"It fails at: {fault}", fg="red", bold=True)
    if warnings:
        return click.style(f"It works, with {warnings} warning{'s' if warnings > 1 else ''}", fg="yellow", bold=True)
    return click.style("All is good", fg="green", bold=True)


def summary(pool: str, findings: list[Finding], fault: str | None) -> dict[str, Any]:
    """The same for programs."""
    return {
        "pool": pool,
        "good": fault is None,
        "fails_at": fault,
        "warnings": sum(each.verdict is Verdict.WARNING for each in findings),
        "findings": [
            {
                "check": each.check,
                "verdict": each.verdict.value,
                "found": each.found,
                "advice": each.advice or None,
                "fault": each.fault or None,
                "details": list(each.more),
                "values": dict(each.values),
            }
            for each in findings
        ],
    }
