"""All benchmarks by one command.

    python -m benchmarks                                  # all, with the peers of `pip install '.[benchmarks]'`
    python -m benchmarks checkout throughput --driver oracledb
    python -m benchmarks all --quick                      # a few minutes, few rounds, into results/quick/
    python -m benchmarks readme                           # the tables that are in results/, into the README

Results go to benchmarks/results/ as JSON, Markdown and charts in SVG. What has more options than these is called by its
own name: python -m benchmarks.outage --help.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import time
from pathlib import Path

import click

from benchmarks import results
from benchmarks.contenders import DRIVERS
from orapool.sandbox import instant_client

MODULES = {"checkout": "units", "throughput": "throughput", "footprint": "footprint", "growth": "growth"}
"""What is run in this process, and its module."""
PROGRAMS = {"outage": "outage", "dataframes": "dataframes", "writing": "dataframes_write", "sandbox": "sandbox"}
"""What is a program of its own."""
ORDER = ("checkout", "throughput", "footprint", "growth", "dataframes", "writing", "sandbox", "outage")


def run_program(what: str, drivers: tuple[str, ...], report: results.Report) -> None:
    """Run one that is a program of its own."""
    command = [sys.executable, "-m", f"benchmarks.{PROGRAMS[what]}", "--results", str(report.place)]
    for driver in drivers:
        command += ["--driver", driver]
    subprocess.run([*command, *(["--quick"] if report.quick else [])], check=True)


@click.command(epilog=f"Names: {', '.join(ORDER)}; all, which is the default; readme, the README's tables anew.")
@click.argument("what", nargs=-1, type=click.Choice([*ORDER, "all", "readme"]))
@click.option("--driver", "drivers", type=click.Choice(list(DRIVERS)), multiple=True, help="Default: both.")
@click.option("--quick", is_flag=True, help="Few rounds of few cases, for a look: within five minutes for all.")
@click.option("--processes", type=click.IntRange(1), help="For throughput: of so many processes only; else 1 and 9.")
@click.option("--results", "folder", type=click.Path(file_okay=False, path_type=Path), help="Where to write.")
def main(
    what: tuple[str, ...], drivers: tuple[str, ...], quick: bool, processes: int | None, folder: Path | None
) -> None:
    """Measure orapool beside what there is otherwise."""
    if what == ("readme",):
        missing = results.update(results.README, folder or results.RESULTS)
        if missing:
            raise click.ClickException(f"nothing in {folder or results.RESULTS} for {', '.join(missing)}: measure it")
        return
    if "readme" in what:
        raise click.UsageError("readme goes by itself")
    instant_client.reexec()
    chosen = ORDER if not what or "all" in what else what
    for name in chosen:
        started = time.monotonic()
        report = results.Report(name, quick, folder)
        if name in MODULES:
            module = importlib.import_module(f"benchmarks.{MODULES[name]}")
            options = {"processes": processes} if name == "throughput" else {}
            module.main(drivers or tuple(DRIVERS), report, **options)
        else:
            run_program(name, drivers or tuple(DRIVERS), report)
        click.echo(f"{name} took {time.monotonic() - started:.0f} s; written to {report.place}\n")


if __name__ == "__main__":
    main()
