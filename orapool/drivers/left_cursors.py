"""Cursors of python-oracledb's thin mode that nobody has closed: they are closed where that blocks nobody.

The driver closes a cursor when it is freed, under the lock of its session's statements. Those in cycles, such as a kept
exception's, are freed by the garbage collector, which up to Python 3.11 may run in the very thread that holds this lock
while it looks for a statement: it waits for itself, for ever. Measured with 2.5.1, 3.4.2 and 26.1.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from typing import Any

from orapool.collector import collects_here
from orapool.drivers.connections import ParentsConnection

_left: deque[Any] = deque()


class LeftToClose:
    """Mixed into a driver's Cursor class: when the garbage collector frees it, it is left to `close_left`."""

    def __del__(self: Any) -> None:
        if not collects_here():
            super().__del__()  # type: ignore[misc]
        elif self._impl is not None and not isinstance(self._connection, ParentsConnection):
            _left.append(self._impl)


def close_left() -> None:
    """Close those that were freed, in a thread that is in no call of the driver's."""
    while _left:
        with contextlib.suppress(Exception):  # another thread has closed the last one; the session is gone
            _left.popleft().close(in_del=True)


os.register_at_fork(after_in_child=_left.clear)
