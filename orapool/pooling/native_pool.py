"""One native pool of a driver's: the sessions of one user, made with one password."""

from __future__ import annotations

import threading
import time
from typing import Any, Callable

from orapool.credentials import Credentials
from orapool.drivers.base import Driver
from orapool.health import Health, SessionState
from orapool.pooling.gate import Gate
from orapool.settings import PoolSettings

_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 300.0
_READ_PAUSE = 1.0


class Denial:
    """A log-on that was denied for the password's sake: asking again with the same one may lock the account."""

    def __init__(self, error: Exception, earlier: Denial | None = None) -> None:
        self.error = error
        self.at = time.monotonic()
        self.pause: float = _FIRST_PAUSE if earlier is None else min(earlier.pause * 2, _LONGEST_PAUSE)
        self._reads_again = self.at + _READ_PAUSE

    @property
    def left(self) -> float:
        """Seconds for which the password is not tried again."""
        return self.at + self.pause - time.monotonic()

    def may_read(self) -> bool:
        """Whether to look at this moment for another password: a secret manager is not asked for each caller."""
        if time.monotonic() < self._reads_again:
            return False
        self._reads_again = time.monotonic() + _READ_PAUSE
        return True


class NativePool:
    """A native pool with what is known of its sessions, and what keeps calls into it apart.

    Args:
        key: whom checkouts ask for; without a password, it is the one of the settings that counts.
        credentials: the same with the password that it logs on with.
        where: what to call it in messages.
        ping: makes a round trip on a session by a deadline, or raises.
    """

    def __init__(
        self,
        key: Credentials,
        credentials: Credentials,
        where: str,
        driver: Driver,
        settings: PoolSettings,
        ping: Callable[[float, Any, SessionState], None],
    ) -> None:
        self.key = key
        self.credentials = credentials
        self.where = where
        self.gate = Gate()
        self.health = Health(driver, settings, ping, self)
        self.turn = threading.Lock()
        """Held while logging on, where it is not the gate that lets one in at a time."""
        self.handle: Any = None
        """The driver's own pool; None when it is closed."""
        self.successor: NativePool | None = None
        """The one of the same user with a newer password, which logs on in its place."""
        self.elders: tuple[NativePool, ...] = ()
        """Those of the same user with older passwords, whose sessions are as good."""
        self.guests = 0
        """Callers and calls who are about to use it: it is not closed under them."""
        self.denial: Denial | None = None
        self.deviated = float("-inf")
        """When a log-on failed last, or was asked for in vain since a session came back meanwhile, a time of
        ``time.monotonic``: the driver may open one then that nobody takes."""

    def __repr__(self) -> str:
        return f"<NativePool of {self.where}: {self.health.total} sessions, {self.guests} guests>"

    @property
    def at_rest(self) -> bool:
        """Whether there is no session, and nobody is about to make one. A successor stays as long as its elders do."""
        return not self.guests and not self.elders and self.health.at_rest

    @property
    def newest(self) -> NativePool:
        """This one, or the one that has succeeded it."""
        found = self
        while found.successor is not None:
            found = found.successor
        return found

    def any_alive(self) -> bool:
        """Whether one of its idle sessions, or of its elders', stands for all that is known."""
        return any(each.health.any_alive() for each in (self, *self.elders))
