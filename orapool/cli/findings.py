"""Findings in words, for people at a terminal."""

from __future__ import annotations

import shutil
import sys
import textwrap

import click

from orapool.doctor import Finding, Verdict

COLOURS = {Verdict.GOOD: "green", Verdict.WARNING: "yellow", Verdict.BAD: "red", Verdict.SKIPPED: "bright_black"}
_WIDTH = 110
_LABELS = 9 + 11


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


def _wrapped(text: str, indent: int = 0) -> list[str]:
    """Lines that fit behind the labels; a text with lines of its own, such as one with a caret, is left as it is."""
    if "\n" in text:
        return text.splitlines()
    terminal = shutil.get_terminal_size((_WIDTH, 24)).columns if sys.stdout.isatty() else _WIDTH
    room = max(40, min(terminal, 140) - _LABELS - indent)
    return textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]
