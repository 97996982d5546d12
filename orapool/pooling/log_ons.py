"""Log-ons under way: which sockets are theirs, and how one that outlives its deadline is ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

from orapool.dsn import ports
from orapool.sockets import SessionSocket, owned, shut_down_all, tcp_sockets, waited_for

PATIENCE = 10.0
"""Seconds that a log-on may go on when nobody waits for it, where `connect_timeout` sets no limit."""
LONG_LOG_ON = 0.1
"""Seconds that a log-on takes before its caller looks for a session that comes back too. Passing on each one that does
takes more time than it saves where log-ons are quick."""
CUT_PAUSE = 0.05
"""Seconds between cuts of overdue log-ons: a native pool may make them one after the other."""


@dataclass(frozen=True, eq=False)
class _LogOn:
    """A call under way: until when it may go on, and in which threads, its own and those that others use too."""

    deadline: float
    thread: int
    shared_threads: Sequence[int] | None


class LogOns:
    """The calls of one pool that may log on, each in a thread of its own.

    Args:
        dsn: where they log on.
        patience: seconds that a call may go on after its deadline, so that a late session is not lost in the driver.
        config_dir: the folder of tnsnames.ora, where `dsn` is a TNS alias.
    """

    def __init__(self, dsn: str, patience: float, config_dir: Path | None = None) -> None:
        self._ports = ports(dsn, config_dir)
        self._patience = patience
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._paused = False
        self._under_way: list[_LogOn] = []
        self._log_offs = 0
        self._before: dict[int, SessionSocket] = {}

    def run(self, call: Callable[[float], Any], deadline: float, shared_threads: Sequence[int] | None = ()) -> Any:
        """Run a call that may log on; it gets the seconds left until the deadline, and some more.

        `shared_threads` are the native ids of threads in which it may log on beside this one, and other calls too;
        None if these are not known.
        """
        log_on = _LogOn(deadline, threading.get_native_id(), shared_threads)
        before = tcp_sockets(self._ports)
        with self._lock:
            self._changed.wait_for(lambda: not self._paused)
            if not self._under_way:
                self._before = before
            self._under_way.append(log_on)
        try:
            return call(max(0.0, deadline - time.monotonic()) + self._patience)
        finally:
            with self._lock:
                self._under_way.remove(log_on)
                if self._paused:
                    self._changed.notify_all()

    @contextmanager
    def log_off(self) -> Iterator[None]:
        """Log a session off within the block, which waits while log-ons do."""
        with self._lock:
            self._changed.wait_for(lambda: not self._paused)
            self._log_offs += 1
        try:
            yield
        finally:
            with self._lock:
                self._log_offs -= 1
                if self._paused:
                    self._changed.notify_all()

    def pause(self, seconds: float) -> None:
        """Begin no log-on and no log-off until go_on(); wait for those under way, for at most so many seconds."""
        with self._lock:
            self._paused = True
            self._changed.wait_for(lambda: not self._under_way and not self._log_offs, seconds)

    def go_on(self) -> None:
        """Log on and off again."""
        with self._lock:
            self._paused = False
            self._changed.notify_all()

    def any_overdue(self) -> bool:
        """Whether a log-on has outlived its deadline."""
        now = time.monotonic()
        with self._lock:
            return any(log_on.deadline <= now for log_on in self._under_way)

    def cut_overdue(self, by: float | None = None) -> int:
        """End the connections of log-ons that have outlived their deadlines, which wakes their threads.

        `by` is the time of ``time.monotonic`` by which deadlines are judged; None is now, infinity ends all log-ons.

        Theirs are those in which their threads are blocked: a listener may have sent them to any host and port. Where
        that is not known, only when it is plain by the ports that the connect string names: all that are under way are
        overdue, and the process has no more new sockets to such ports than these can have opened. Else the limits in
        the connect descriptor remain. Returns how many connections were ended.
        """
        by = time.monotonic() if by is None else by
        with self._lock:
            under_way, before = list(self._under_way), self._before
        overdue = [log_on for log_on in under_way if log_on.deadline <= by]
        if not overdue:
            return 0
        theirs = _sockets_of(overdue, [log_on for log_on in under_way if log_on.deadline > by])
        if theirs is not None:
            return shut_down_all(theirs)
        if len(overdue) < len(under_way):
            return 0
        new = [found for inode, found in tcp_sockets(self._ports).items() if inode not in before and inode not in owned]
        return shut_down_all(new) if len(new) <= len(overdue) else 0


def _sockets_of(overdue: list[_LogOn], others: list[_LogOn]) -> list[SessionSocket] | None:
    """The sockets in which overdue log-ons are blocked, and no other log-on may be; None: not known."""
    if any(log_on.shared_threads is None for log_on in (*overdue, *others)):
        return None
    threads = {log_on.thread for log_on in overdue}.union(*(log_on.shared_threads or () for log_on in overdue))
    found = waited_for(threads.difference(*(log_on.shared_threads or () for log_on in others)))
    return None if found is None else [each for each in found if each.inode not in owned]
