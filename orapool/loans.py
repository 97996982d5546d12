"""Who has a connection, since when, and where it was checked out."""

from __future__ import annotations

import threading
import time
import weakref
from dataclasses import dataclass
from typing import Any, NamedTuple

from orapool.places import Place


@dataclass(frozen=True)
class Holding:
    """A connection that is checked out.

    Attributes:
        seconds: for how long.
        since: from when on, a time of `time.time`.
        place: the line of the application's that checked it out, like "shop/orders.py:17 in load".
        holder: the name of the thread, or of the task, that did.
    """

    seconds: float
    since: float
    place: str
    holder: str

    def __str__(self) -> str:
        return f"{self.place}, {self.holder}, for {self.seconds:.1f} s"


class Loan(NamedTuple):
    """What is noted of a connection when it is handed out: as little as can be put into words later.

    Attributes:
        connection: a weak reference.
        since: a time of ``time.monotonic``.
        holder: a thread, or the name of a task.
    """

    connection: weakref.ref[Any]
    since: float
    place: Place
    holder: threading.Thread | str

    def describe(self) -> Holding:
        """In words."""
        seconds = time.monotonic() - self.since
        holder = self.holder if isinstance(self.holder, str) else f"thread {self.holder.name}"
        return Holding(seconds, time.time() - seconds, str(self.place), holder)
