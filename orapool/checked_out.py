"""The connections of a pool that are checked out."""

from __future__ import annotations

import weakref
from typing import Any


class CheckedOut:
    """The connections of one pool that their users have not given back. None of them is kept alive by this."""

    def __init__(self) -> None:
        self._references: dict[int, weakref.ref[Any]] = {}

    def __len__(self) -> int:
        return len(self._references)

    def add(self, connection: Any) -> None:
        """A connection is handed out."""
        self._references[id(connection)] = weakref.ref(connection)

    def remove(self, connection: Any) -> None:
        """A connection comes back, or leaves the pool."""
        self._references.pop(id(connection), None)

    def connections(self) -> list[Any]:
        """Those that are alive."""
        found = (reference() for reference in list(self._references.values()))
        return [connection for connection in found if connection is not None]
