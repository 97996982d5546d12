"""What happens to pools in a forked child: it never touches the parent's sessions."""

from __future__ import annotations

import ctypes
import os
import time
import weakref
from collections.abc import Iterable
from typing import Any, Callable, Protocol

from orapool.sockets import owned, tcp_sockets


class Forkable(Protocol):
    """A pool, as seen from here."""

    def before_fork(self, seconds: float) -> None:
        """Come to rest, within so many seconds."""

    def after_fork_in_parent(self) -> None:
        """Go on."""

    def after_fork(self) -> None:
        """Begin anew in a forked child."""


class Disowner(Protocol):
    """A driver, as seen from here."""

    def disown(self, connection: Any) -> None:
        """In a forked child: make a connection of the parent unusable without touching its session."""


_LOOK_PAUSE = 0.002
"""Seconds between looks at sessions that are being ended while the process is about to fork."""
_REST_SECONDS = 0.25
"""How long a fork waits for log-ons and log-offs to end: what takes longer waits for its server, and holds no lock."""

_pools: weakref.WeakSet[Any] = weakref.WeakSet()


def remember(pool: Forkable) -> None:
    """Have `after_fork` of this pool called in each forked child."""
    _pools.add(pool)


def leak(thing: Any) -> None:
    """Keep `thing` for ever: its destructor would talk to the server over the parent's socket."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def let_calls_end(connections: Callable[[], Iterable[Any]], limit: float) -> None:
    """Before a fork: wait while a session has been ended, and no call of its user's has failed with that yet.

    In such a call Oracle Client holds locks of the whole process for a moment. `limit` is a time of ``time.monotonic``.
    """
    while any(_dies(connection) for connection in connections()) and time.monotonic() < limit:
        time.sleep(_LOOK_PAUSE)


def _dies(connection: Any) -> bool:
    state = connection.session_state
    if connection.lost_by is not None or state is None or state.socket is None:
        return False
    look = state.socket.look()
    return look is None or not look.established


def disown(driver: Disowner, connections: Iterable[Any], *left_over: Any) -> None:
    """In a forked child: leave the parent its connections, and what else would end with them."""
    for connection in connections:
        leak(connection)
        driver.disown(connection)
    for thing in left_over:
        leak(thing)


def _let_go_of_sockets() -> None:
    """Let the parent's connections be the parent's alone: they end with it, and nothing here can write to them.

    The descriptors stay taken, by /dev/null: what the drivers still have of them must not mean another file.
    """
    if not owned:
        return
    nowhere = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for inode, found in tcp_sockets().items():
        if inode in owned:
            os.dup2(nowhere, found.fd, inheritable=False)
    os.close(nowhere)
    owned.clear()


def _before_fork() -> None:
    limit = time.monotonic() + _REST_SECONDS
    for pool in list(_pools):
        pool.before_fork(max(0.0, limit - time.monotonic()))


def _after_fork_in_parent() -> None:
    for pool in list(_pools):
        pool.after_fork_in_parent()


def _after_fork_in_child() -> None:
    _let_go_of_sockets()
    for pool in list(_pools):
        pool.after_fork()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
