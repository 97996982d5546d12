"""When the background tasks of a pool run."""

from __future__ import annotations

import time

from orapool.keeper import NEVER, Rarer


def test_what_does_not_come_is_looked_for_ever_more_rarely() -> None:
    need: list[float] = []
    looks: list[float] = []
    task = Rarer(lambda: need[-1] if need else None, lambda: looks.append(time.monotonic()))
    assert task.due() == NEVER

    need.append(time.monotonic() - 20)
    assert task.due() <= time.monotonic()
    task.run()
    assert 19 < task.due() - looks[0] < 30  # when the need is twice as old

    need.append(time.monotonic())
    assert 0.9 < task.due() - need[-1] < 10  # it is new
    assert len(looks) == 1
