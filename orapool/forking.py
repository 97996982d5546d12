"""What happens to pools in a forked child: it never touches the parent's sessions."""

from __future__ import annotations

import ctypes
import os
import weakref
from typing import Any, Protocol

from orapool.sockets import owned


class Forkable(Protocol):
    """A pool, as seen from here."""

    def after_fork(self) -> None:
        """Begin anew in a forked child."""


_pools: weakref.WeakSet[Any] = weakref.WeakSet()


def remember(pool: Forkable) -> None:
    """Have `after_fork` of this pool called in each forked child."""
    _pools.add(pool)


def leak(thing: Any) -> None:
    """Keep `thing` for ever: its destructor would talk to the server over the parent's socket."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def _after_fork_in_child() -> None:
    owned.clear()
    for pool in list(_pools):
        pool.after_fork()


os.register_at_fork(after_in_child=_after_fork_in_child)
