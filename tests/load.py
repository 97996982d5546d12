"""Load for a web application: clients that ask over and over, each on a connection of its own."""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType

TIMEOUT = 60.0
"""Seconds that a client waits for an answer; more is an error."""


class Load:
    """Clients in threads of this process that send GET requests until the end of the `with` block.

    Each client goes through `paths` in turn, from a place of its own. A request that is answered counts in `statuses`,
    one that is not in `failures`, by what went wrong; what an answer with an error said is in `messages`.

    >>> with Load("127.0.0.1", 8000, ["/orders", "/report"], clients=50) as load:
    ...     load.wait_for(500)
    ...     with load.between_requests():
    ...         sandbox.end_sessions("fin")
    ...     load.wait_for(500)
    >>> load.statuses
    Counter({200: 1012})
    """

    def __init__(self, host: str, port: int, paths: Sequence[str], clients: int = 50, pause: float = 0.0) -> None:
        self.statuses: Counter[int] = Counter()
        self.failures: Counter[str] = Counter()
        self.messages: Counter[str] = Counter()
        self.longest = 0.0
        """Seconds that the slowest request took."""
        self._place = host, port
        self._pause = pause
        self._changed = threading.Condition()
        self._under_way = 0
        self._held = False
        self._over = False
        self._threads = [
            threading.Thread(target=self._ask, args=(paths[number % len(paths) :] + paths[: number % len(paths)],))
            for number in range(clients)
        ]

    @property
    def done(self) -> int:
        """Requests that have ended, well or not."""
        return sum(self.statuses.values()) + sum(self.failures.values())

    @property
    def errors(self) -> int:
        """Requests that were not answered with 200."""
        return self.done - self.statuses[200]

    def wait_for(self, requests: int, seconds: float = TIMEOUT) -> None:
        """Wait until so many more requests have ended. Raises TimeoutError after `seconds`."""
        with self._changed:
            wanted = self.done + requests
            if not self._changed.wait_for(lambda: self.done >= wanted, seconds):
                raise TimeoutError(f"{wanted - self.done} of {requests} requests have not ended after {seconds} s")

    @contextmanager
    def between_requests(self) -> Iterator[None]:
        """Hold the clients back for the block, which begins when no request is under way."""
        with self._changed:
            self._held = True
            if not self._changed.wait_for(lambda: not self._under_way, TIMEOUT):
                raise TimeoutError(f"{self._under_way} requests have not ended after {TIMEOUT} s")
        try:
            yield
        finally:
            with self._changed:
                self._held = False
                self._changed.notify_all()

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._changed:
            self._over = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _ask(self, paths: Sequence[str]) -> None:
        connection = http.client.HTTPConnection(*self._place, timeout=TIMEOUT)
        for path in itertools.cycle(paths):
            with self._changed:
                self._changed.wait_for(lambda: self._over or not self._held)
                if self._over:
                    break
                self._under_way += 1
            began = time.monotonic()
            status, failure, message = 0, "", ""
            try:
                connection.request("GET", path)
                response = connection.getresponse()
                status, message = response.status, response.read().decode(errors="replace")
            except (OSError, http.client.HTTPException) as error:
                failure = f"{type(error).__name__}: {error}"
                connection.close()
            with self._changed:
                self._under_way -= 1
                self.longest = max(self.longest, time.monotonic() - began)
                if failure:
                    self.failures[failure] += 1
                else:
                    self.statuses[status] += 1
                    if status != 200:
                        self.messages[message] += 1
                self._changed.notify_all()
                if self._pause:
                    self._changed.wait_for(lambda: self._over, self._pause)
        connection.close()
