"""Log-ons under way: which sockets are theirs, and how one that outlives its deadline is ended."""

from __future__ import annotations

import threading
import time
from typing import Any, Callable

from orapool.dsn import ports
from orapool.sockets import SessionSocket, owned, shut_down_all, tcp_sockets


class LogOns:
    """The calls of one pool that may log on, each in a thread of its own.

    Args:
        dsn: where they log on.
        patience: seconds that a call may go on after its deadline, so that a late session is not lost in the driver.
        config_dir: the folder of tnsnames.ora, where `dsn` is a TNS alias.
    """

    def __init__(self, dsn: str, patience: float, config_dir: str = "") -> None:
        self._ports = ports(dsn, config_dir)
        self._patience = patience
        self._lock = threading.Lock()
        self._deadlines: list[float] = []
        self._before: dict[int, SessionSocket] = {}

    def run(self, call: Callable[[float], Any], deadline: float) -> Any:
        """Run a call that may log on; it gets the seconds left until the deadline, and some more."""
        before = tcp_sockets(self._ports)
        with self._lock:
            if not self._deadlines:
                self._before = before
            self._deadlines.append(deadline)
        try:
            return call(max(0.0, deadline - time.monotonic()) + self._patience)
        finally:
            with self._lock:
                self._deadlines.remove(deadline)

    def cut_overdue(self) -> int:
        """End the connections of log-ons that have outlived their deadlines, which wakes their threads.

        Only where it is plain which sockets are theirs: all that are under way are overdue, and the process has no more
        new sockets to such ports than these can have opened. Else the limits in the connect descriptor remain. Returns
        how many connections were ended.
        """
        now = time.monotonic()
        with self._lock:
            under_way, before = list(self._deadlines), self._before
        if not under_way or max(under_way) > now:
            return 0
        new = [found for inode, found in tcp_sockets(self._ports).items() if inode not in before and inode not in owned]
        return shut_down_all(new) if len(new) <= len(under_way) else 0
