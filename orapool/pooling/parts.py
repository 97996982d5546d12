"""What the rooms of one pool share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Protocol

from orapool.checked_out import CheckedOut
from orapool.counters import Counters
from orapool.drivers.base import Driver
from orapool.errors import PoolTimeout
from orapool.pooling.growth import Growth
from orapool.pooling.log_ons import LogOns
from orapool.pooling.native_pools import NativePools
from orapool.pooling.outage import Outage
from orapool.pooling.seekers import Seekers
from orapool.pooling.slots import Slots
from orapool.settings import PoolSettings
from orapool.workers import Workers


class TimedOut(Protocol):
    """Makes the error of a caller whose time is over."""

    def __call__(self, seconds: float, reason: tuple[str, str]) -> PoolTimeout:
        """No session after so many seconds: `reason` is what was in the way, and what to do about it."""


@dataclass(frozen=True, eq=False)
class Parts:
    """The parts of a pool that is in use, for those who draw sessions from it, put them back, and look after them.

    Attributes:
        where: what to call the pool in messages.
        growth: draws from them where that may block.
        seekers: the callers who wait for a log-on.
        lent: the connections that users have.
        wake: has the keeper look again at what is due.
        pass_on: gives a slot to the first in line, or back.
        timed_out: makes the error of a caller whose time is over.
    """

    name: str
    where: str
    settings: PoolSettings
    driver: Driver
    natives: NativePools
    growth: Growth
    slots: Slots
    seekers: Seekers
    workers: Workers
    background: Workers
    log_ons: LogOns
    outage: Outage
    counters: Counters
    lent: CheckedOut
    wake: Callable[[], None]
    pass_on: Callable[[], None]
    timed_out: TimedOut
