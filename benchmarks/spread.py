"""What rounds tell: a median with its spread, and what may be said of two that took turns."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

NO_DIFFERENCE = "no difference shown"
FEW = 8
"""With fewer rounds, the spread is from the least to the most; else it is between the quartiles."""
LEAST = 5
"""With fewer rounds nothing is concluded: three agree by chance, on a machine that has other work."""


@dataclass(frozen=True)
class Spread:
    """A median, and between what most rounds lie."""

    median: float
    low: float
    high: float
    rounds: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of all rounds."""
        if len(values) < FEW:
            return cls(statistics.median(values), min(values), max(values), len(values))
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high, len(values))

    @property
    def width(self) -> float:
        """How far apart the ends are."""
        return self.high - self.low

    def __str__(self) -> str:
        if self.rounds == 1:
            return number(self.median)
        return f"{number(self.median)} [{number(self.low)} to {number(self.high)}]"


def number(value: float) -> str:
    """A figure with three digits that count."""
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2f}"


def ratio(others: Sequence[float], own: Sequence[float]) -> float | None:
    """How many times as much the others are as one's own, from rounds side by side; None: nothing can be said.

    Nothing is said where the differences within the rounds spread more widely than they are large.
    """
    pairs = list(zip(others, own))
    if len(pairs) < LEAST or not all(mine for _other, mine in pairs):
        return None
    differences = Spread.of([other - mine for other, mine in pairs])
    if differences.width >= abs(differences.median):
        return None
    return statistics.median(other / mine for other, mine in pairs)


def beside(others: Sequence[float], own: Sequence[float]) -> str:
    """Median and spread of others, and how many times as much as one's own they are, in words."""
    shown = str(Spread.of(others))
    if min(len(others), len(own)) < LEAST:
        return shown
    found = ratio(others, own)
    return f"{shown}, {NO_DIFFERENCE if found is None else f'{number(found)} x'}"


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that a share of ordered ones do not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered) - 1e-9) - 1)] if ordered else 0.0
