"""The connections of a pool that are checked out: who has them, since when, and how long such things take."""

from __future__ import annotations

import threading
import time
import weakref
from typing import Any

from orapool.counters import Counters
from orapool.loans import Holding, Loan, describe
from orapool.places import note_place


class CheckedOut:
    """The connections of one pool that their users have not given back. None of them is kept alive by this.

    Args:
        counters: of the pool.
    """

    def __init__(self, counters: Counters) -> None:
        self._waits = counters.waits
        self._uses = counters.uses
        self._loans: dict[int, Loan] = {}

    def __len__(self) -> int:
        return len(self._loans)

    def add(self, connection: Any, asked: float, holder: threading.Thread | str) -> None:
        """A connection is handed out, in the pool's acquire, to who asked for it at this time of ``time.monotonic``."""
        code, instruction = note_place(1)
        now = time.monotonic()
        self._loans[id(connection)] = (weakref.ref(connection), now, code, instruction, holder)
        self._waits.add(now - asked)

    def remove(self, connection: Any) -> None:
        """A connection comes back, or leaves the pool."""
        loan = self._loans.pop(id(connection), None)
        if loan is not None:
            self._uses.add(time.monotonic() - loan[1])

    def connections(self) -> list[Any]:
        """Those that are alive."""
        found = (loan[0]() for loan in self.loans())
        return [connection for connection in found if connection is not None]

    def loans(self) -> list[Loan]:
        """All of them, the longest first."""
        return sorted(self._loans.copy().values(), key=lambda loan: loan[1])

    def longest(self) -> Holding | None:
        """The one that is checked out for the longest time."""
        loans = self.loans()
        return describe(loans[0]) if loans else None
