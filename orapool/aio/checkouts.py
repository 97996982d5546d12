"""What acquire() of the asyncio pool returns."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from typing import Any, Callable


class Checkout:
    """What `AsyncPool.acquire` returns: await it for a connection, or use it in `async with`, which gives it back."""

    def __init__(self, acquire: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        self._acquire = acquire
        self._connection: Any = None

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._acquire().__await__()

    async def __aenter__(self) -> Any:
        self._connection = await self._acquire()
        return self._connection

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        await self._connection._leave(error)
