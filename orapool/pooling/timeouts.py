"""The error of a caller whose time is over."""

from __future__ import annotations

from collections.abc import Sequence

from orapool.errors import PoolTimeout
from orapool.loans import Holding

MOST_HOLDERS = 5
"""Of those who have the sessions, how many are named."""


def timed_out(
    pool: str,
    seconds: float,
    reason: tuple[str, str],
    *,
    most: int,
    busy: int,
    waiting: int,
    holders: Sequence[Holding] = (),
) -> PoolTimeout:
    """No session after so many seconds. `reason` is what was in the way, and what to do about it.

    `holders` are those who have the sessions, the longest first.
    """
    what, advice = reason
    lines = [
        f"pool {pool!r}: no session after {seconds:.2f} s, {what}: max {most}, {busy} busy, {waiting} waiting: "
        f"{advice}",
        *(f"  {holder}" for holder in holders),
    ]
    if holders and busy > len(holders):
        lines.append(f"  and {busy - len(holders)} more")
    return PoolTimeout("\n".join(lines), tuple(holders))
