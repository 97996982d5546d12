"""Is the database away? After log-ons have failed in a row, callers hear so at once, until one succeeds again."""

from __future__ import annotations

import logging
import threading
import time
from datetime import datetime

from orapool.errors import DatabaseUnavailable, unavailable
from orapool.logs import report

log = logging.getLogger("orapool.pool")

FAILURES = 3
"""Log-ons that fail in a row before it counts as an outage; one that gets no answer at all does at once."""


class Outage:
    """The state of one pool's way to its database.

    Args:
        where: what to call the pool in messages.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._lock = threading.Lock()
        self._failures = 0
        self.since: float | None = None
        self._cause = Exception("no log-on has failed")

    def __repr__(self) -> str:
        return f"<Outage since {self.since}: {self._cause}>" if self.since else "<Outage: none>"

    def failed(self, cause: Exception, silent: bool = False) -> bool:
        """Note that a log-on failed; True when this begins an outage.

        Args:
            cause: the driver's error that it failed with.
            silent: it got no answer, and one is evidence enough.
        """
        with self._lock:
            self._failures += 1
            if self.since is not None:
                self._cause = cause
                return False
            if not silent and self._failures < FAILURES:
                return False
            self.since = time.time()
            self._cause = cause
        report(log.warning, self._where, "outage", "the database is unavailable: %(cause)s", cause=_first_line(cause))
        return True

    def succeeded(self) -> bool:
        """Note that a log-on succeeded; True when this ends an outage."""
        if not self._failures:
            return False
        with self._lock:
            self._failures = 0
            since, self.since = self.since, None
        if since is None:
            return False
        seconds = time.time() - since
        report(
            log.warning,
            self._where,
            "outage_over",
            "the database is available again, after %(seconds).1f s",
            seconds=seconds,
        )
        return True

    def error(self) -> DatabaseUnavailable:
        """What callers get while it lasts."""
        since = datetime.fromtimestamp(self.since or time.time())
        return unavailable(
            self._cause,
            f"{self._where}: the database is unavailable since {since:%Y-%m-%d %H:%M:%S}: {_first_line(self._cause)}. "
            f"orapool tries in the background and serves again as soon as it answers",
        )


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0].rstrip(".")
