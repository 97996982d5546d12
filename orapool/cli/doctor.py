"""`orapool doctor`: what is wrong between here and the database, step by step."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Iterable
from functools import partial
from typing import Any

import click

from orapool.cli import one_line
from orapool.cli.config import BadConfiguration
from orapool.cli.examples import example
from orapool.discovery import as_config, find_sources
from orapool.doctor import Case, Finding, Verdict, examine
from orapool.doctor.case import TIMEOUT
from orapool.errors import ConfigurationError
from orapool.layers import pool_names
from orapool.settings import KNOWN, load_settings
from orapool.sources import DEFAULT

COLOURS = {Verdict.GOOD: "green", Verdict.WARNING: "yellow", Verdict.BAD: "red", Verdict.SKIPPED: "bright_black"}
_WIDTH = 110
_LABELS = 9 + 11


@click.command(epilog=example("orapool doctor --workers 9", "orapool doctor reporting --json"))
@click.argument("pools", nargs=-1, metavar="[POOL]...")
@click.option("--timeout", type=click.FloatRange(min=0.1), default=TIMEOUT, show_default=True, help="Seconds a step.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes that have a pool.  [default: the setting]")
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="Threads in each of them.")
@click.option("--config", "file", type=click.Path(), help="A settings file, in the place of that in ORAPOOL_CONFIG.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(
    pools: tuple[str, ...], timeout: float, workers: int | None, threads: int, file: str | None, as_json: bool
) -> None:
    """Check each step between here and the database of each POOL, or of all: what was found, and what to do.

    The steps: driver and Oracle Client, settings, connect descriptor, names, addresses, listener, service, log-on,
    server, its limits, time-outs, sizing. It works while the database is down, and says which step fails: name, route,
    port, listener, service, credentials or database. Passwords are never shown.

    Exit status 0: all is good, or there are warnings; 1: a step failed; 2: the call was wrong.
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
    report(cases, as_json)


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


def in_words(finding: Finding, before: str = "") -> str:
    """A finding in a few lines: how it is, which check, what was found, details, and what to do."""
    verdict = click.style(
        f"{finding.verdict.value:<9}", fg=COLOURS[finding.verdict], bold=finding.verdict is Verdict.BAD
    )
    label = f"{finding.check if finding.check != before else '':<11}"
    first, *rest = _wrapped(finding.found)
    lines = [f"{verdict}{label}{first}", *(" " * _LABELS + line for line in rest)]
    for detail in finding.more:
        lines += [" " * _LABELS + "  " + line for line in _wrapped(detail, 2)]
    if finding.advice:
        first, *rest = _wrapped(finding.advice, 3)
        lines += [" " * _LABELS + "-> " + click.style(first, bold=True)]
        lines += [" " * _LABELS + "   " + click.style(line, bold=True) for line in rest]
    return "\n".join(lines)


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


def _wrapped(text: str, indent: int = 0) -> list[str]:
    """Lines that fit behind the labels; a text with lines of its own, such as one with a caret, is left as it is."""
    if "\n" in text:
        return text.splitlines()
    terminal = shutil.get_terminal_size((_WIDTH, 24)).columns if sys.stdout.isatty() else _WIDTH
    room = max(40, min(terminal, 140) - _LABELS - indent)
    return textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]
