"""`orapool doctor --probe-idle`: how long a connection may lie idle."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from orapool.cli import one_line
from orapool.cli.findings import in_words
from orapool.doctor import Case, Verdict, examine
from orapool.doctor.durations import durations, in_units
from orapool.doctor.examination import WAY
from orapool.doctor.idle_probe import IdleProbe, Outcome, Probe
from orapool.doctor.idle_report import Advice, Limit, advise, as_values, find_limit

_COLOURS = {Outcome.ALIVE: "green", Outcome.WAITING: "bright_black", Outcome.MUTE: "yellow"}
_INTERRUPTED = 130


class Durations(click.ParamType):  # type: ignore[type-arg, unused-ignore]  # generic from click 8.4 on
    """``5m,15m,1h``."""

    name = "durations"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The seconds of each."""
        try:
            return durations(value) if isinstance(value, str) else value
        except ValueError as error:
            self.fail(str(error), param, ctx)


def report(case: Case, seconds: Sequence[float], as_json: bool) -> None:
    """Look at the way to the database, probe, and tell.

    Exit status 1: a session could not be had, or there is a limit that the settings do not keep clear of; 130: stopped.
    """
    try:
        for finding in examine(case, WAY):
            if finding.verdict is Verdict.BAD:
                if as_json:
                    told = {"pool": case.pool, "fails_at": finding.fault, "found": finding.found}
                    click.echo(json.dumps(told, indent=2))
                else:
                    click.echo(in_words(finding))
                    click.echo(f"It fails at: {finding.fault}. `orapool doctor` shows all steps.")
                raise SystemExit(1)
    finally:
        case.close()
    probe, stopped = IdleProbe(case, seconds), False
    settings = case.known()
    try:
        try:
            probe.open()
            if not as_json:
                click.echo(_beginning(case, probe))
            with _progress(probe) as progress:
                probe.wait(progress)
        except KeyboardInterrupt:
            stopped = True
        except Exception as error:
            raise click.ClickException(f"the connections could not be opened: {one_line(error)}") from error
        limit = find_limit(probe.probes)
        advice = advise(limit, probe.probes, settings)
        if as_json:
            values = as_values(probe.probes, limit, advice, probe.unwatched)
            click.echo(json.dumps({"pool": case.pool, "fails_at": None, **values, "stopped": stopped}, indent=2))
        else:
            click.echo("\n".join(_in_lines(probe.probes, limit, advice)))
    finally:
        probe.close()
    if stopped:
        raise SystemExit(_INTERRUPTED)
    if not advice.heeded:
        raise SystemExit(1)


def _beginning(case: Case, probe: IdleProbe) -> str:
    watched = {
        True: "the kernel confirms that keep-alive is off on each",
        False: "keep-alive could not be switched off on all of them",
        None: "whether keep-alive is off cannot be seen on this system",
    }[probe.unwatched]
    times = ", ".join(in_units(each.wanted) for each in probe.probes)
    heading = click.style(f"Pool {case.pool}, {case.where}", bold=True)
    return f"{heading}\n{len(probe.probes)} connections are left alone for {times}; {watched}."


def _in_lines(probes: Sequence[Probe], limit: Limit, advice: Advice) -> Iterator[str]:
    width = max(len(in_units(each.wanted)) for each in probes)
    for each in probes:
        outcome = click.style(f"{each.outcome.value:<22}", fg=_COLOURS.get(each.outcome, "red"))
        after = f"after {in_units(round(each.idle, 1))}" if each.exact else ""
        detail = ", ".join(part for part in (after, each.detail) if part)
        yield f"  {in_units(each.wanted):>{width}}  {outcome}  {detail}".rstrip()
    yield click.style(limit.in_words[:1].upper() + limit.in_words[1:], bold=True)
    yield from (f"-> {line}" for line in advice.lines)


@contextmanager
def _progress(probe: IdleProbe) -> Iterator[Callable[[float], None]]:
    """A bar on a terminal, with what is known so far."""
    if not sys.stderr.isatty():
        yield lambda _seconds: None
        return
    total = int(probe.probes[-1].wanted)
    made: Any = click.progressbar(
        length=total, label="Idle", file=sys.stderr, item_show_func=lambda _item: _so_far(probe.probes)
    )
    with made as bar:

        def advance(seconds: float) -> None:
            whole = min(int(seconds), total) - bar.pos
            if whole > 0:
                bar.update(whole)

        yield advance


def _so_far(probes: Sequence[Probe]) -> str:
    known = [f"{in_units(each.wanted)} {each.outcome.value}" for each in probes if each.outcome is not Outcome.WAITING]
    return ", ".join(known)
