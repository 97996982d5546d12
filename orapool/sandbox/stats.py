"""What the sandbox counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Stats:
    """Exact counts since the start of the server, or, as a difference, between two moments.

    Attributes:
        connects: connections accepted by the listener.
        log_ons: sessions that logged in.
        denied_log_ons: log-ins denied for their users' or passwords' sake: ORA-01017, 28000, 28001, 28150.
        redirects: connections that the listener sent on to another address.
        round_trips: calls answered, by name (``execute``, ``fetch``, ``commit``, ``rollback``, ``ping``, ``version``,
            ``lob``, ``log_off``, ``pipeline`` for all the calls of one; a log-on is one ``protocol``, one
            ``data_types`` and two ``authenticate``).
        bytes_received: bytes from clients.
        bytes_sent: bytes to clients.
        repeated_results: queries whose rows were kept from an earlier time, and not made again.
        sessions: sessions open now; in a difference, the change.
    """

    connects: int = 0
    log_ons: int = 0
    denied_log_ons: int = 0
    redirects: int = 0
    round_trips: dict[str, int] = field(default_factory=dict)
    bytes_received: int = 0
    bytes_sent: int = 0
    repeated_results: int = 0
    sessions: int = 0

    @property
    def total_round_trips(self) -> int:
        """The sum of all round trips."""
        return sum(self.round_trips.values())

    def __sub__(self, earlier: Stats) -> Stats:
        difference = Counter(self.round_trips)
        difference.subtract(earlier.round_trips)
        return Stats(
            connects=self.connects - earlier.connects,
            log_ons=self.log_ons - earlier.log_ons,
            denied_log_ons=self.denied_log_ons - earlier.denied_log_ons,
            redirects=self.redirects - earlier.redirects,
            round_trips={name: count for name, count in difference.items() if count},
            bytes_received=self.bytes_received - earlier.bytes_received,
            bytes_sent=self.bytes_sent - earlier.bytes_sent,
            repeated_results=self.repeated_results - earlier.repeated_results,
            sessions=self.sessions - earlier.sessions,
        )
