"""Calls that may block, side by side, and none waited for beyond its time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass
class Outcome:
    """What became of a call: its result or its error, and its seconds. One that did not end has a TimeoutError."""

    result: Any = None
    error: BaseException | None = None
    seconds: float = 0.0


def run_all(calls: Sequence[Callable[[], Any]], seconds: float) -> list[Outcome]:
    """Run calls in threads of their own for at most so many seconds; what has not ended then is left alone."""
    outcomes: list[Outcome | None] = [None] * len(calls)

    def run(number: int, call: Callable[[], Any]) -> None:
        began = time.monotonic()
        try:
            made = Outcome(call())
        except BaseException as error:
            made = Outcome(error=error)
        made.seconds = time.monotonic() - began
        outcomes[number] = made

    began = time.monotonic()
    threads = [
        threading.Thread(target=run, args=(number, call), name="orapool-doctor", daemon=True)
        for number, call in enumerate(calls)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, began + seconds - time.monotonic()))
    overdue = TimeoutError(f"no answer within {seconds:g} s")
    return [outcome or Outcome(error=overdue, seconds=seconds) for outcome in outcomes]


def run(call: Callable[[], Any], seconds: float) -> Outcome:
    """Run one call."""
    return run_all([call], seconds)[0]


def in_words(seconds: float) -> str:
    """A time that something took."""
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"
