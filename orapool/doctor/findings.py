"""What a check finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Verdict(str, Enum):
    """How it is."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """One thing that a check has found.

    Attributes:
        verdict: how it is.
        found: what was found, in a line.
        advice: what to do about it; empty where there is nothing to do.
        more: details, a line each.
        fault: of what is bad, the step that fails: settings, driver, descriptor, name, route, port, listener, service,
            credentials or database.
        values: the same for programs.
        check: the check's name.
    """

    verdict: Verdict
    found: str
    advice: str = ""
    more: tuple[str, ...] = ()
    fault: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    check: str = ""


def good(found: str, *more: str, **values: Any) -> Finding:
    """All is well."""
    return Finding(Verdict.GOOD, found, more=more, values=values)


def warning(found: str, advice: str, *more: str, **values: Any) -> Finding:
    """It works, and could be better."""
    return Finding(Verdict.WARNING, found, advice, more, values=values)


def bad(fault: str, found: str, advice: str, *more: str, **values: Any) -> Finding:
    """It does not work: `fault` is the step that fails."""
    return Finding(Verdict.BAD, found, advice, more, fault, values)


def skipped(found: str, **values: Any) -> Finding:
    """It was not looked at."""
    return Finding(Verdict.SKIPPED, found, values=values)
