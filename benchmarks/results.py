"""What a benchmark has found: printed, and written as JSON and Markdown; the README takes its tables from there.

A table with a key stands in the Markdown between `<!-- begin key -->` and `<!-- end key -->`. Where the README has the
same two lines, `python -m benchmarks readme` puts what is between them now.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.measuring import machine

RESULTS = Path(__file__).parent / "results"
QUICK = RESULTS / "quick"
README = Path(__file__).parents[1] / "README.md"
_BLOCK = re.compile(r"<!-- begin (\S+) -->\n.*?<!-- end \1 -->", re.DOTALL)


@dataclass
class Report:
    """What one benchmark has found.

    Attributes:
        what: its name on the command line.
        quick: whether it was in a hurry: then nothing that counts is overwritten.
        folder: where to write; None: where it belongs.
    """

    what: str
    quick: bool = False
    folder: Path | None = None
    machine: dict[str, str] = field(default_factory=machine)
    data: dict[str, Any] = field(default_factory=dict)
    _parts: list[str] = field(default_factory=list)
    _console: Console | None = None

    @property
    def place(self) -> Path:
        """The folder, which is there."""
        folder = self.folder or (QUICK if self.quick else RESULTS)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @property
    def made_on(self) -> str:
        """Machine and versions, in a line."""
        versions = ", ".join(f"{name} {what}" for name, what in self.machine.items() if name not in _NO_VERSIONS)
        told = self.machine
        quick = " Quick: with few rounds, from which nothing is concluded." if self.quick else ""
        return f"On {told['processor']}, with a load of {told['load']} at the start; {versions}.{quick}"

    def table(
        self,
        title: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
        key: str = "",
        note: str = "",
        printed: bool = True,
    ) -> None:
        """Have a table; what has a key may be in the README, and what is not printed is in the Markdown only."""
        if printed:
            self._print(title, columns, rows, note)
        lines = [f"| {' | '.join(columns)} |", f"|---{'|--:' * (len(columns) - 1)}|"]
        lines += [f"| {' | '.join(row)} |" for row in rows]
        if note:
            lines += ["", note]
        if key:
            lines = [f"<!-- begin {key} -->", *lines, "", self.made_on, f"<!-- end {key} -->"]
        self._parts.append("\n".join([f"## {title}", "", *lines]))

    def _print(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], note: str) -> None:
        if self._console is None:
            self._console = Console(width=170)
            self._console.print(escape(self.made_on))
        shown = Table(title=escape(title), title_justify="left", caption=escape(note) or None, caption_justify="left")
        for number, column in enumerate(columns):
            shown.add_column(escape(column), justify="right" if number else "left", no_wrap=not number)
        for row in rows:
            shown.add_row(*map(escape, row))
        self._console.print(shown)

    def write(self) -> None:
        """Write JSON and Markdown."""
        told = {"what": self.what, "quick": self.quick, "machine": self.machine, **self.data}
        path = self.place / f"{self.what}.json"
        path.write_text(json.dumps(told, indent=1, default=_rounded) + "\n", encoding="utf-8")
        text = "\n\n".join([f"# {self.what}", self.made_on, *self._parts])
        (self.place / f"{self.what}.md").write_text(text + "\n", encoding="utf-8")


_NO_VERSIONS = ("processor", "memory", "system", "load")


def _rounded(value: Any) -> Any:
    return value.__dict__ if hasattr(value, "__dict__") else str(value)


def rounded(value: Any) -> Any:
    """The same with four digits that count in each float, for JSON that is read by people too."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {str(name): rounded(each) for name, each in value.items()}
    return [rounded(each) for each in value] if isinstance(value, (list, tuple)) else value


def blocks(folder: Path) -> dict[str, str]:
    """What may be in the README, by key."""
    found = {}
    for path in sorted(folder.glob("*.md")):
        found.update({each.group(1): each.group() for each in _BLOCK.finditer(path.read_text(encoding="utf-8"))})
    return found


def update(readme: Path, folder: Path) -> list[str]:
    """Put the tables into a file; returns the keys of those that it asks for and nobody has made."""
    made = blocks(folder)
    missing: list[str] = []

    def replace(match: re.Match[str]) -> str:
        if match.group(1) not in made:
            missing.append(match.group(1))
        return made.get(match.group(1), match.group())

    text = readme.read_text(encoding="utf-8")
    readme.write_text(_BLOCK.sub(replace, text), encoding="utf-8")
    return missing
