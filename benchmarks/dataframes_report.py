"""What `benchmarks.dataframes` has found, as JSON, Markdown and a chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks import dataframes
from benchmarks.results import Report, rounded
from benchmarks.spread import Spread, beside, number

COLUMNS = ("rows/s", "CPU, s", "peak memory, frames", "round trips")


def rows_of(costs: dict[str, list[dataframes.Cost]]) -> list[list[str]]:
    """A row for each contender, beside `read_df` in the same rounds."""
    own = costs[dataframes.READ_DF]
    frame = own[0].frame
    rows = []
    for name, each in costs.items():
        failures = [cost.failure for cost in each if cost.failure]
        if failures or not each:
            rows.append([name, *failures[:1], *[""] * (len(COLUMNS) - len(failures[:1]))])
            continue
        rates, cpu = [cost.rows / cost.seconds for cost in each], [cost.cpu_seconds for cost in each]
        if name == dataframes.READ_DF or any(cost.failure for cost in own):
            cells = [str(Spread.of(rates)), str(Spread.of(cpu))]
        else:
            cells = [
                beside(rates, [cost.rows / cost.seconds for cost in own]),
                beside(cpu, [cost.cpu_seconds for cost in own]),
            ]
        if name == dataframes.BARE_SOCKET:
            rows.append([name, *cells, "", ""])
            continue
        memory = Spread.of([cost.memory / (cost.frame or frame or 1) for cost in each])
        rows.append([name, *cells, number(memory.median), f"{each[-1].round_trips:,}"])
    return rows


def write(runs: Sequence[dataframes.Run], folder: Path, quick: bool) -> None:
    """Write all three."""
    report = Report("dataframes", quick, folder)
    for run in runs:
        clob = run.title.endswith("CLOB")
        report.table(
            run.title,
            [run.title, *COLUMNS],
            rows_of(run.costs),
            f"dataframes-{run.driver}{'-clob' if clob else ''}",
            "Medians, and between what the rounds lie; then how many times as much as `orapool.read_df` in the same "
            "rounds. Peak memory beyond what the process had, in multiples of the frame's own.",
            printed=False,
        )
    report.data["runs"] = [rounded(asdict(run)) for run in runs]
    dataframes.chart(runs, report.place / "dataframes.svg")
    report.write()
