"""The connections of a pool that are checked out: who has them, since when, and how long such things take."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any
from weakref import ref

from orapool.counters import Counters
from orapool.histograms import BATCH
from orapool.loans import Holding, Loan, describe
from orapool.logs import report
from orapool.places import note_place

log = logging.getLogger("orapool.pool")
checkouts = logging.getLogger("orapool.pool.checkouts")
_DEBUG = logging.DEBUG


class CheckedOut:
    """The connections of one pool that their users have not given back. None of them is kept alive by this.

    Args:
        pool: its name.
        counters: of the pool.
        leak_threshold: seconds after which a checkout lasts suspiciously long; 0: never.
        wake: is called when a connection is handed out after some time of rest; None: nobody has to be told.
    """

    def __init__(
        self, pool: str, counters: Counters, leak_threshold: float = 0.0, wake: Callable[[], None] | None = None
    ) -> None:
        self._pool = pool
        self._counters = counters
        self._note_wait = counters.waits.added.append
        self._uses = counters.uses.added
        self._leak_threshold = leak_threshold
        self._wake = wake or (lambda: None)
        self._loans: dict[int, Loan] = {}
        self._told: dict[int, Loan] = {}
        self._tells = False  # whether there has ever been anything to tell when one comes back
        self.at_rest = wake is not None
        """Whether who looks at this from time to time, while something is out, rests: see activity.py."""

    def __len__(self) -> int:
        return len(self._loans)

    def add(self, connection: Any, asked: float, holder: threading.Thread | str) -> None:
        """A connection is handed out, in the pool's acquire, to who asked for it at this time of ``time.monotonic``."""
        place = note_place()
        now = monotonic()
        self._loans[id(connection)] = (ref(connection), now, place, holder)
        self._note_wait(now - asked)
        if self.at_rest:
            self.at_rest = False
            self._wake()
        if checkouts.isEnabledFor(_DEBUG):
            self._tells = True
            told = describe(self._loans[id(connection)])
            text = "checked out after %(waited).4f s, at %(place)s, by %(holder)s"
            known = {"place": told.place, "holder": told.holder}
            report(checkouts.debug, self._pool, "checkout", text, waited=now - asked, **known)

    def remove(self, connection: Any) -> None:
        """A connection comes back, or leaves the pool."""
        loan = self._loans.pop(id(connection), None)
        if loan is not None:
            uses = self._uses
            uses.append(monotonic() - loan[1])
            if len(uses) >= BATCH:
                self._counters.waits.count()
                self._counters.uses.count()
            if self._tells:
                with suppress(Exception):  # of a filter of the application's: the session has to come back
                    self._tell_return(loan, self._told.pop(id(connection), None) is not None)

    def _tell_return(self, loan: Loan, late: bool) -> None:
        if late or checkouts.isEnabledFor(_DEBUG):
            told = describe(loan)
            text = "given back after %(seconds).4f s, checked out at %(place)s, by %(holder)s"
            self._report(checkouts.debug, "return", text, told)
            if late:
                self._warn("is back after %(seconds).1f s", "leak_returned", told)

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

    def holdings(self, most: int) -> list[Holding]:
        """As many of them in words, the longest first."""
        return [describe(loan) for loan in self.loans()[:most]]

    # What is not given back.

    def leak_due(self) -> float:
        """When the next of them will last too long, a time of ``time.monotonic``; infinity where none will."""
        if not self._leak_threshold:
            return float("inf")
        since = (loan[1] for key, loan in self._loans.copy().items() if key not in self._told)
        return min(since, default=float("inf")) + self._leak_threshold

    def tell_leaks(self) -> None:
        """Log those that last too long, each once."""
        limit = monotonic() - self._leak_threshold
        for key, loan in self._loans.copy().items():
            if self._leak_threshold and loan[1] <= limit and key not in self._told:
                self._told[key] = loan
                self._tells = True
                if self._loans.get(key) is not loan:  # it has just come back
                    self._told.pop(key, None)
                    continue
                self._counters.count_leak()
                self._warn(
                    f"has been out for %(seconds).1f s, longer than leak_threshold={self._leak_threshold:g}",
                    "leak",
                    describe(loan),
                )

    def tell_reclaimed(self, connection: Any) -> None:
        """Log that one was garbage-collected."""
        self._counters.count_reclaimed()
        loan = self._loans.get(id(connection))
        if loan is not None:
            self._warn(
                "was garbage-collected, not closed, after %(seconds).1f s, and is taken back: use `with`, or close()",
                "reclaimed",
                describe(loan),
            )

    def _warn(self, what: str, event: str, holding: Holding) -> None:
        self._report(log.warning, event, f"a session {what}. It was checked out at %(place)s, by %(holder)s", holding)

    def _report(self, write: Callable[..., None], event: str, text: str, told: Holding) -> None:
        report(write, self._pool, event, text, seconds=told.seconds, place=told.place, holder=told.holder)
