"""The idle sessions of an asyncio pool: who may have which."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class Idle:
    """Connections that nobody has, the one used last at the end. Each belongs to a user, its state's ``home``."""

    def __init__(self) -> None:
        self._connections: list[Any] = []

    def __len__(self) -> int:
        return len(self._connections)

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._connections))

    def __contains__(self, connection: object) -> bool:
        return any(each is connection for each in self._connections)

    def add(self, connection: Any) -> None:
        """Put one in."""
        self._connections.append(connection)

    def find(self, home: object) -> Any:
        """The one of a user that was used last, or None."""
        for each in reversed(self._connections):
            of = each.session_state.home
            if of is home or of == home:
                return each
        return None

    def oldest(self) -> Any:
        """The one that has been idle longest, of whatever user, or None."""
        return self._connections[0] if self._connections else None

    def remove(self, connection: Any) -> None:
        """Take one out."""
        for index in range(len(self._connections) - 1, -1, -1):
            if self._connections[index] is connection:
                del self._connections[index]
                return
