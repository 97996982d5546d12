"""Who has a connection, since when, and where it was checked out."""

from __future__ import annotations

import threading
import time
import weakref
from dataclasses import dataclass, field
from typing import Any, Union

from orapool.places import Place, in_words


@dataclass(frozen=True)
class Holding:
    """A connection that is checked out.

    Attributes:
        seconds: for how long.
        since: from when on, a time of `time.time`.
        place: the line of the application's that checked it out, like "shop/orders.py:17 in load".
        holder: the name of the thread, or of the task, that did.
    """

    seconds: float = field(compare=False)
    since: float
    place: str
    holder: str

    def __str__(self) -> str:
        return f"{self.place}, {self.holder}, for {self.seconds:.1f} s"


Loan = tuple["weakref.ref[Any]", float, Place, Union[threading.Thread, str]]
"""What is noted of a connection when it is handed out, as little as can be put into words later.

A weak reference to it, since when, a time of ``time.monotonic``, the place (see places.py), and a thread, or what to
call a task.

A plain tuple, since others take three times as long to make.
"""


def describe(loan: Loan) -> Holding:
    """A loan in words."""
    _, since, place, holder = loan
    seconds = time.monotonic() - since
    name = holder if isinstance(holder, str) else f"thread {holder.name}"
    return Holding(seconds, round(time.time() - seconds, 3), in_words(place), name)
