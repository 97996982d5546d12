"""The screen of `orapool top`."""

from __future__ import annotations

import getpass
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Callable

from rich.console import Console, Group
from rich.text import Text

from orapool.cli.stats import duration
from orapool.watching.rows import SORTS, WINDOW, Row, arrange, totals

KEYS = (
    ("q", "quit"),
    ("s", "sort"),
    ("r", "reverse"),
    ("/", "filter"),
    ("j k", "scroll"),
    ("+ -", "slower, faster"),
    ("?", "legend"),
)

LEGEND = (
    ("OPEN", "sessions on the server; of these, BUSY are checked out and IDLE are not"),
    ("LINE", "callers that stand in line for a session"),
    ("OUT/S", "checkouts a second"),
    ("WAIT50, 99", f"how long half, and 99 of 100, callers waited at most, in the last {WINDOW:.0f} s; -: none called"),
    ("LOGONS", "sessions opened since the pool was made"),
    ("DEAD", "sessions dropped since then; below it the causes: codes, or words such as asked, retired, ended"),
    ("longest", "the checkout that lasts longest at this moment, and the line of the program that made it"),
)


@dataclass(frozen=True)
class Column:
    """One of numbers.

    Attributes:
        sort: what it is sorted by, if it can be.
        show: the text, and its style.
    """

    title: str
    width: int
    show: Callable[[Row], tuple[str, str]]
    sort: str = ""
    left: bool = False


def _number(value: float, style: str = "", zero: str = "dim") -> tuple[str, str]:
    return (f"{value:.1f}" if isinstance(value, float) and value < 100 else f"{value:.0f}"), (style if value else zero)


def _time(seconds: float | None) -> tuple[str, str]:
    return ("-", "dim") if seconds is None else (duration(seconds).replace(" ", ""), "")


COLUMNS = (
    Column("PID", 7, lambda row: (str(row.published.process.pid), "bold"), "pid"),
    Column("COMMAND", 9, lambda row: (row.published.about.command, ""), left=True),
    Column("POOL", 8, lambda row: (row.published.about.pool, "cyan"), "pool", left=True),
    Column("OPEN", 4, lambda row: _number(row.published.stats.opened)),
    Column(
        "BUSY",
        4,
        lambda row: _number(
            row.published.stats.busy, "yellow" if row.published.stats.busy >= row.published.about.max else "green"
        ),
        "busy",
    ),
    Column("IDLE", 4, lambda row: _number(row.published.stats.idle)),
    Column("LINE", 4, lambda row: _number(row.published.stats.waiting, "bold red"), "waiting"),
    Column("OUT/S", 6, lambda row: _number(row.published.rate), "rate"),
    Column("WAIT50", 6, lambda row: _time(row.waits.p50)),
    Column("WAIT99", 6, lambda row: _time(row.waits.p99), "p99"),
    Column("LOGONS", 6, lambda row: _number(row.published.stats.log_ons)),
    Column("DEAD", 5, lambda row: _number(row.dead, "red"), "dead"),
)


@dataclass
class View:
    """What is to be seen of the rows.

    Attributes:
        first: the row at the top.
        typing: whether `text` is being typed.
        legend: whether it is explained.
    """

    sort: str = "pid"
    backwards: bool = False
    text: str = ""
    typing: bool = False
    legend: bool = False
    first: int = 0
    interval: float = 1.0

    def press(self, key: str) -> bool:
        """What a key does; False for quitting."""
        if self.typing:
            self._type(key)
        elif key in ("q", "Q", "\x03", "\x04"):
            return False
        elif key == "s":
            names = list(SORTS)
            self.sort = names[(names.index(self.sort) + 1) % len(names)]
        elif key == "r":
            self.backwards = not self.backwards
        elif key == "/":
            self.typing, self.first = True, 0
        elif key in ("?", "h"):
            self.legend = not self.legend
        elif key == "\x1b":
            self.text, self.legend = "", False
        elif key in ("j", "down"):
            self.first += 1
        elif key in ("k", "up"):
            self.first = max(0, self.first - 1)
        elif key == "+":
            self.interval = min(60.0, self.interval * 2)
        elif key == "-":
            self.interval = max(0.25, self.interval / 2)
        return True

    def _type(self, key: str) -> None:
        if key in ("\r", "\n"):
            self.typing = False
        elif key == "\x1b":
            self.typing, self.text = False, ""
        elif key in ("\x7f", "\b"):
            self.text = self.text[:-1]
        elif len(key) == 1 and key.isprintable():
            self.text += key


def nothing() -> Text:
    """What is to be seen where there is nothing."""
    return Text(f"No process of {_user()} has a pool in use.")


def table(rows: Sequence[Row], width: int | None = None, sort: str = "") -> list[Text]:
    """Two lines or more for each row, behind a headline. `width` is where they are cut off; None: nowhere."""
    spare = max(0, (width or 120) - sum(column.width + 1 for column in COLUMNS))
    widths = [column.width + (spare // 2 if column.left else 0) for column in COLUMNS]
    widths = [min(each, 24) for each in widths]
    lines = [Text(" ").join(_titles(widths, sort))]
    for row in rows:
        cells = [_cell(column, each, *column.show(row)) for column, each in zip(COLUMNS, widths)]
        lines.append(Text(" ").join(cells))
        lines += _details(row)
    for line in lines:
        if width is not None:
            line.truncate(width, overflow="ellipsis")
    return lines


def _titles(widths: Sequence[int], sort: str) -> list[Text]:
    return [
        _cell(column, width, column.title, "reverse bold" if sort and column.sort == sort else "bold")
        for column, width in zip(COLUMNS, widths)
    ]


def _cell(column: Column, width: int, text: str, style: str) -> Text:
    cell = Text(printable(text), style, no_wrap=True)
    cell.truncate(width, overflow="ellipsis")
    cell.align("left" if column.left else "right", width)
    return cell


def _details(row: Row) -> list[Text]:
    """What a row's numbers do not say."""
    stats, about, lines = row.published.stats, row.published.about, []
    what = f"{row.address}, {about.driver}, {'tasks' if about.kind == 'asyncio' else 'threads'}, max {about.max}"
    lines.append(Text(what, "dim"))
    if row.outage is not None:
        lines.append(Text(f"DATABASE UNAVAILABLE for {duration(row.outage)}", "bold red"))
    if row.silent is not None:
        lines.append(Text(f"NO NEWS for {duration(row.silent)}: the process stands still", "bold red"))
    if row.longest is not None:
        told = f"longest {duration(row.longest.seconds)}: {row.longest.place}, {row.longest.holder}"
        lines.append(Text(told, "yellow" if stats.leaks else ""))
    causes = [f"{count} {cause}" for cause, count in sorted(stats.dropped.items(), key=lambda each: -each[1])]
    causes += [f"{stats.replaced} replaced by the driver"] if stats.replaced else []
    if causes:
        lines.append(Text(f"dead: {', '.join(causes)}"))
    troubles = {"timeouts": stats.timeouts, "never closed": stats.reclaimed, "beyond leak_threshold": stats.leaks}
    if any(troubles.values()):
        lines.append(Text(", ".join(f"{count} {what}" for what, count in troubles.items() if count)))
    return [Text.assemble(" " * 8, Text(printable(line.plain), line.style)) for line in lines]


def screen(rows: Sequence[Row], view: View, width: int, height: int) -> Group:
    """All of it."""
    shown = arrange(rows, view.sort, view.backwards, view.text)
    head, foot = _head(rows, shown, view, width), _foot(view, width)
    if not rows:
        body = [Text(), nothing()]
    elif not shown:
        body = [Text(), Text(f"Nothing has {view.text!r} in it.")]
    else:
        view.first = min(view.first, len(shown) - 1)
        body = table(shown[view.first :], width, view.sort)
    room = max(0, height - len(head) - len(foot))
    body = [*body[:room], *[Text() for _ in range(room - len(body))]]
    return Group(*head, *body, *foot)


def _head(rows: Sequence[Row], shown: Sequence[Row], view: View, width: int) -> list[Text]:
    sums = totals(shown)
    processes = len({row.published.process for row in shown})
    pools = f"{len(shown)} of {len(rows)} pools" if view.text else f"{len(rows)} pools"
    first = Text.assemble(
        ("orapool top", "bold"),
        f"  {_user()}  {time.strftime('%H:%M:%S')}  {pools}, {processes} processes, every {view.interval:g} s, "
        f"by {view.sort}{', backwards' if view.backwards else ''}",
    )
    second = Text(
        f"{sums['opened']:.0f} sessions open: {sums['busy']:.0f} busy, {sums['idle']:.0f} idle; "
        f"{sums['waiting']:.0f} callers waiting, {sums['rate']:.1f} checkouts/s"
    )
    for line in (first, second):
        line.truncate(width, overflow="ellipsis")
    return [first, second, Text()]


def _foot(view: View, width: int) -> list[Text]:
    lines = []
    if view.legend:
        lines += [Text.assemble((f"{name:>10}", "bold"), f"  {meaning}") for name, meaning in LEGEND]
    if view.typing or view.text:
        lines.append(Text.assemble(("/", "bold"), view.text, ("_" if view.typing else "", "blink")))
    parts = [part for key, meaning in KEYS for part in ((f" {key} ", "reverse"), f" {meaning}  ")]
    lines.append(Text.assemble(*parts))
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return lines


def print_once(console: Console, rows: Sequence[Row]) -> None:
    """What there is at this moment, as lines."""
    width = console.width if console.is_terminal else None
    for line in table(rows, width) if rows else [nothing()]:
        line.rstrip()
        console.print(line, soft_wrap=True, highlight=False)


def printable(text: str) -> str:
    """A text that leaves the terminal as it is."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # of a number without a name
        return "this user"
