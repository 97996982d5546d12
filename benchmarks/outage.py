"""What callers go through when the database, or the way to it, fails: orapool beside the stock pools.

    make benchmark-outage         or: python -m benchmarks.outage --quick --fault dropped --driver oracledb

After the HikariCP wiki's "Bad Behavior: Handling Database Down". Each fault is played on each contender in a process of
its own: 10 sessions lie idle, the fault comes, 20 callers ask at once, and again half a second after each error, until
each has had one good answer. Faults of the network need root: a network namespace is the database's host.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Callable

import click
from rich.progress import Progress
from rich.table import Table

from benchmarks import charts
from benchmarks.measuring import make_console
from benchmarks.outage_contender import CALLERS, CONTENDERS
from benchmarks.results import Report
from orapool.sandbox import Sandbox, instant_client
from tests.firewall import Firewall

DRIVERS = {"cx_oracle": "cx_Oracle", "oracledb": "python-oracledb"}
CAP, QUICK_CAP = 20.0, 5.0
LASTS = 10.0
"""Seconds that a fault lasts, where it ends by itself: longer than a deadline of orapool's, so that both show."""
IDLE_SECONDS = 1.2
"""How long sessions have been idle when a fault comes: longer than `trust`, but the kernel has had an answer since."""
KERNEL_SECONDS = 6.0
_START_SECONDS = 60.0
_GRACE = 5.0


class Place:
    """Where the faults are played: a sandbox, behind a firewall if there is root."""

    def __init__(self, sandbox: Sandbox, firewall: Firewall | None) -> None:
        self.sandbox = sandbox
        self._firewall = firewall

    @property
    def firewall(self) -> Firewall:
        """The firewall."""
        assert self._firewall is not None
        return self._firewall

    def heal(self) -> None:
        """End all faults, and all sessions."""
        if self._firewall is not None:
            self._firewall.restore()
        self.sandbox.start()
        self.sandbox.heal()
        self.sandbox.end_sessions("rst")


@dataclass(frozen=True)
class Fault:
    """A fault: what is done to idle sessions, how long before the callers come, and whether it ends while they ask."""

    name: str
    text: str
    play: Callable[[Place], object]
    wait: float = 0.0
    lasts: float | None = None
    needs_firewall: bool = False
    forks: bool = False
    cluster: bool = False


def _mute(place: Place) -> None:
    place.sandbox.freeze(log_ons_only=True)
    place.sandbox.end_sessions("fin")


def _one_address_gone(place: Place) -> None:
    place.firewall.drop_host(place.firewall.other_address)
    place.sandbox.end_sessions("fin")


FAULTS = (
    Fault("none", "no fault", lambda place: None),
    Fault("fin", "idle sessions end by FIN", lambda place: place.sandbox.end_sessions("fin")),
    Fault("rst", "idle sessions end by RST", lambda place: place.sandbox.end_sessions("rst")),
    Fault(
        "dropped-before",
        "idle sessions silently dropped a while ago",
        lambda place: place.firewall.drop_flows(),
        wait=KERNEL_SECONDS,
        needs_firewall=True,
    ),
    Fault(
        "dropped",
        "idle sessions silently dropped just now",
        lambda place: place.firewall.drop_flows(),
        needs_firewall=True,
    ),
    Fault(
        "host",
        f"host gone for {LASTS:g} s",
        lambda place: place.firewall.drop_everything(),
        lasts=LASTS,
        needs_firewall=True,
    ),
    Fault("frozen", f"server process frozen for {LASTS:g} s", lambda place: place.sandbox.freeze(), lasts=LASTS),
    Fault("mute", f"sessions end, log-ons mute for {LASTS:g} s", _mute, lasts=LASTS),
    Fault("stopped", f"database stopped for {LASTS:g} s", lambda place: place.sandbox.stop(), lasts=LASTS),
    Fault("killed", "ORA-00028 on next use", lambda place: place.sandbox.fail_next(28)),
    Fault("idle-limit", "ORA-02396 on next use", lambda place: place.sandbox.fail_next(2396)),
    Fault("cut", "a packet cut in half", lambda place: place.sandbox.cut_next()),
    Fault(
        "cluster",
        "sessions end, one address of two gone",
        _one_address_gone,
        needs_firewall=True,
        cluster=True,
    ),
    Fault("fork", "fork, then both processes ask", lambda place: None, forks=True),
)
QUICK_FAULTS = ("fin", "dropped")
QUICK_CONTENDERS = ("orapool", "QueuePool, pool_pre_ping")


@dataclass
class Result:
    """What became of one contender's callers.

    `first` is the time to the first good answer, in seconds since the fault's end or, if it has none, since the callers
    came; None: there was none. `longest` is the longest call, which goes on if `hangs`.
    """

    driver: str
    fault: str
    contender: str
    first: float | None = None
    errors: int = 0
    answered: int = 0
    longest: float = 0.0
    hangs: bool = False
    kinds: dict[str, int] = field(default_factory=dict)


@contextlib.contextmanager
def contender(driver: str, name: str, dsn: str, cap: float, fault: Fault) -> Iterator[subprocess.Popen[str]]:
    """The process of a contender, killed at the end."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "benchmarks.outage_contender"),
            *(driver, name, dsn, str(cap), "yes" if fault.forks else "no"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line_from(process: subprocess.Popen[str], seconds: float) -> str:
    """The next line that a process prints within so many seconds; empty if there is none."""
    assert process.stdout is not None
    return process.stdout.readline() if select.select([process.stdout], [], [], seconds)[0] else ""


def dsn_for(place: Place, fault: Fault) -> str:
    """Where contenders connect: in a cluster, first to an address that refuses at once, as nobody listens there."""
    if not fault.cluster:
        return place.sandbox.dsn
    addresses = "".join(
        f"(ADDRESS=(PROTOCOL=TCP)(HOST={host})(PORT={place.sandbox.port}))"
        for host in (place.firewall.other_address, place.firewall.address)
    )
    return (
        f"(DESCRIPTION=(ADDRESS_LIST=(LOAD_BALANCE=off)(FAILOVER=on){addresses})(CONNECT_DATA=(SERVICE_NAME=ORAPOOL)))"
    )


def play(place: Place, driver: str, fault: Fault, name: str, cap: float) -> Result:
    """Play a fault on a contender."""
    result = Result(driver, fault.name, name)
    with contender(driver, name, dsn_for(place, fault), cap, fault) as process:
        if line_from(process, _START_SECONDS) != "ready\n":
            raise click.ClickException(f"{name} on {driver} did not come up")
        time.sleep(IDLE_SECONDS)
        fault.play(place)
        time.sleep(fault.wait)
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
        ended: list[float] = []
        timer = threading.Timer(fault.lasts or 0, lambda: (ended.append(time.monotonic()), end_of(place)))
        if fault.lasts is not None:
            timer.start()
        line = line_from(process, cap + _GRACE)
        if fault.lasts is not None:
            timer.join()
    place.heal()
    try:
        found: dict[str, Any] = json.loads(line)
    except json.JSONDecodeError:  # it hangs as a whole, or is gone: Oracle Client tells of its crash
        result.longest, result.hangs, result.kinds = cap, True, {line.strip() or "the process gave no sign": 1}
        return result
    if found["first"] is not None:
        result.first = found["first"] - (ended[0] if ended and found["first"] > ended[0] else found["begun"])
    result.errors, result.answered, result.kinds = found["errors"], found["answered"], found["kinds"]
    result.longest, result.hangs = found["longest"], bool(found["hanging"]) and found["longest"] > cap / 2
    return result


def end_of(place: Place) -> None:
    """End a fault, but no sessions."""
    if place._firewall is not None:
        place._firewall.restore()
    place.sandbox.start()
    place.sandbox.heal()


# ---------------------------------------------------------------- what is shown
def seconds(value: float | None, cap: float, hangs: bool = False) -> str:
    """A time in words."""
    if value is None or hangs:
        return f"> {value if value and value < cap else cap:.0f} s"
    return f"{value:.2f} s"


def table(driver: str, results: list[Result], cap: float) -> Table:
    """All of a driver's results."""
    shown = Table("fault", title=DRIVERS[driver], title_justify="left")
    shown.add_column("contender", no_wrap=True)
    for what in ("first good answer", f"errors of {CALLERS} callers", "longest call"):
        shown.add_column(what, justify="right")
    texts = {fault.name: fault.text for fault in FAULTS}
    last = ""
    for result in results:
        if result.fault != last:
            shown.add_section()
        shown.add_row(
            texts[result.fault] if result.fault != last else "",
            result.contender,
            seconds(result.first, cap),
            str(result.errors),
            seconds(result.longest, cap, result.hangs),
        )
        last = result.fault
    return shown


def rows_of(results: list[Result], cap: float) -> tuple[list[str], list[list[str]]]:
    """A driver's results for the README: contenders, and a row for each fault with errors and the longest call."""
    names = [name for name in CONTENDERS if any(result.contender == name for result in results)]
    rows = []
    for fault in FAULTS:
        cells = {
            result.contender: f"{result.errors}, {seconds(result.longest, cap, result.hangs)}"
            for result in results
            if result.fault == fault.name
        }
        if cells:
            rows.append([fault.text, *(cells.get(name, "") for name in names)])
    return names, rows


def chart(results: list[Result], cap: float, path: Path) -> None:
    """Draw the longest calls, one row for each fault, and the errors beside them."""
    pyplot = charts.pyplot()
    if pyplot is None:
        return
    drivers = [driver for driver in DRIVERS if any(result.driver == driver for result in results)]
    faults = [fault for fault in FAULTS if any(result.fault == fault.name for result in results)]
    names = [name for name in CONTENDERS if any(result.contender == name for result in results)]
    styles = dict(
        zip(CONTENDERS, [("#0a7d34", "o"), ("#7bc043", "o"), ("#c0392b", "s"), ("#e67e22", "D"), ("#34609e", "^")])
    )
    figure, panels = pyplot.subplots(
        1, len(drivers), figsize=(2.6 + 4.2 * len(drivers), 1.6 + 0.42 * len(faults)), sharey=True, squeeze=False
    )
    for driver, panel in zip(drivers, panels[0]):
        for offset, name in enumerate(names):
            own = {result.fault: result for result in results if (result.driver, result.contender) == (driver, name)}
            rows = [
                (row + (offset - (len(names) - 1) / 2) * 0.15, own[fault.name])
                for row, fault in enumerate(faults)
                if fault.name in own
            ]
            color, marker = styles[name]
            values = [cap * 1.25 if result.hangs else max(result.longest, 0.005) for _row, result in rows]
            panel.scatter(
                values, [row for row, _result in rows], s=26, color=color, marker=marker, label=name, zorder=3
            )
        panel.axvspan(cap, cap * 1.7, color="#f6d5d5", zorder=0)
        panel.text(cap * 1.28, -0.75, "hangs", ha="center", fontsize=8, color="#8a1f1f")
        panel.set_xscale("log")
        panel.set_xlim(0.004, cap * 1.7)
        ticks = [0.01, 0.1, 1, 5, 10, cap]
        panel.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        panel.minorticks_off()
        panel.grid(axis="x", color="#dddddd", zorder=0)
        for row in range(len(faults) - 1):
            panel.axhline(row + 0.5, color="#eeeeee", linewidth=0.8)
        panel.set_title(DRIVERS[driver], fontsize=10)
        panel.set_xlabel("longest call of 20 callers, in seconds", fontsize=9)
        panel.set_yticks(range(len(faults)), [fault.text for fault in faults], fontsize=9)
        panel.set_ylim(len(faults) - 0.5, -1.1)
    handles, labels = panels[0][0].get_legend_handles_labels()
    columns = len(names) if len(drivers) > 1 else 2
    figure.legend(handles, labels, loc="lower center", ncols=columns, fontsize=8, frameon=False)
    figure.tight_layout(rect=(0, 0.035 * -(-len(names) // columns), 1, 1))
    charts.save(pyplot, figure, path)


@contextlib.contextmanager
def a_place() -> Iterator[Place]:
    """Where to play."""
    if os.geteuid() == 0:
        with contextlib.closing(Firewall()) as firewall:
            yield Place(firewall.sandbox, firewall)
    else:
        with Sandbox(users={"scott": "tiger"}) as sandbox:
            yield Place(sandbox, None)


@click.command()
@click.option("--driver", "drivers", type=click.Choice(list(DRIVERS)), multiple=True, help="Default: both.")
@click.option(
    "--fault", "names", type=click.Choice([fault.name for fault in FAULTS]), multiple=True, help="Default: all."
)
@click.option("--contender", "contenders", type=click.Choice(list(CONTENDERS)), multiple=True, help="Default: all.")
@click.option("--quick", is_flag=True, help=f"{len(QUICK_FAULTS)} faults, and at most {QUICK_CAP:g} s for each.")
@click.option("--results", type=click.Path(file_okay=False, path_type=Path), help="Where to write.")
def main(
    drivers: tuple[str, ...], names: tuple[str, ...], contenders: tuple[str, ...], quick: bool, results: Path | None
) -> None:
    """Play faults on orapool and on the stock pools, print what callers went through, and draw it."""
    instant_client.reexec()
    drivers = drivers or tuple(DRIVERS)
    cap = QUICK_CAP if quick else CAP
    wanted = names or (QUICK_FAULTS if quick else tuple(fault.name for fault in FAULTS))
    faults = [fault for fault in FAULTS if fault.name in wanted]
    console = make_console()
    found: list[Result] = []
    with a_place() as place, Progress(console=console, transient=True) as progress:
        if place._firewall is None:
            console.print("Without root there is no firewall: faults of the network are left out.")
            faults = [fault for fault in faults if not fault.needs_firewall]
        contenders = contenders or (QUICK_CONTENDERS if quick else tuple(CONTENDERS))
        chosen = [name for name in CONTENDERS if name in contenders]
        task = progress.add_task("", total=len(drivers) * len(faults) * len(chosen))
        for driver in drivers:
            for fault in faults:
                for name in chosen:
                    progress.update(task, description=f"{DRIVERS[driver]}: {fault.text}: {name}")
                    found.append(play(place, driver, fault, name, cap))
                    progress.advance(task)
    report = Report("outage", quick, results)
    for driver in drivers:
        own = [result for result in found if result.driver == driver]
        console.print(table(driver, own, cap))
        names, rows = rows_of(own, cap)
        title = f"{DRIVERS[driver]}: errors, longest call"
        report.table(title, [title, *names], rows, f"outage-{driver}", printed=False)
    report.data.update(cap=cap, results=[asdict(result) for result in found])
    report.write()
    chart(found, cap, report.place / "outage.svg")
    console.print(f"Written to {report.place}")


if __name__ == "__main__":
    main()
