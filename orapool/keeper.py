"""The upkeep of a pool: small tasks in one background thread, which sleeps until one of them is due."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence, Sized
from typing import Protocol

from orapool.logs import report

log = logging.getLogger("orapool.keeper")

NEVER = float("inf")


class Task(Protocol):
    """A piece of upkeep."""

    def due(self) -> float:
        """When it is to run next, a time of ``time.monotonic``; `NEVER` for not until the keeper is woken."""

    def run(self) -> None:
        """Do it."""


class Periodic:
    """Runs every so many seconds.

    Args:
        seconds: the period; 0 is never.
        action: what to do.
    """

    def __init__(self, seconds: float, action: Callable[[], object]) -> None:
        self._seconds = seconds
        self._action = action
        self._due = time.monotonic() + seconds if seconds else NEVER

    def due(self) -> float:
        """When it is to run next."""
        return self._due

    def run(self) -> None:
        """Do it, and count the period from now."""
        self._due = time.monotonic() + self._seconds
        self._action()


class Retried:
    """Runs while there is need, after a pause in which others may have seen to it, and again after each pause.

    Args:
        needed: whether there is need.
        action: what to do about it.
        pause: seconds.
    """

    PAUSE = 1.0

    def __init__(self, needed: Callable[[], bool], action: Callable[[], object], pause: float = PAUSE) -> None:
        self._needed = needed
        self._action = action
        self._pause = pause
        self._next = NEVER

    def due(self) -> float:
        """When it is to run next."""
        if not self._needed():
            self._next = NEVER
        elif self._next == NEVER:
            self._next = time.monotonic() + self._pause
        return self._next

    def run(self) -> None:
        """Do it."""
        self._next = time.monotonic() + self._pause
        self._action()


class Rarer:
    """Runs while there is need, after a pause, and from then on each time when the need is twice as old.

    Args:
        since: when it arose, a time of ``time.monotonic``; None where there is none.
        action: what to do about it.
    """

    PAUSE = 1.0

    def __init__(self, since: Callable[[], float | None], action: Callable[[], object]) -> None:
        self._since = since
        self._action = action
        self._last = -NEVER

    def due(self) -> float:
        """When it is to run next."""
        since = self._since()
        return NEVER if since is None else max(since + self.PAUSE, self._last + max(self.PAUSE, self._last - since))

    def run(self) -> None:
        """Do it."""
        self._last = time.monotonic()
        self._action()


class WhenThere:
    """Runs as soon as the keeper is woken and something is there.

    Args:
        things: what may be there.
        action: what to do about it.
    """

    def __init__(self, things: Sized, action: Callable[[], object]) -> None:
        self._things = things
        self._action = action

    def due(self) -> float:
        """Now, or not."""
        return 0.0 if len(self._things) else NEVER

    def run(self) -> None:
        """Do it."""
        self._action()


class LookForDatabase:
    """While an outage lasts, tries again and again whether the database answers.

    Args:
        away: whether an outage lasts.
        attempt: tries once; whatever it raises means that the database is still away.
    """

    FIRST_PAUSE = 0.05
    LONGEST_PAUSE = 0.5
    _JITTER = 0.2

    def __init__(self, away: Callable[[], bool], attempt: Callable[[], None]) -> None:
        self._away = away
        self._attempt = attempt
        self._pause = self.FIRST_PAUSE
        self._next = 0.0

    def due(self) -> float:
        """At once when an outage has begun, then after pauses that grow."""
        if not self._away():
            self._pause, self._next = self.FIRST_PAUSE, 0.0
            return NEVER
        return self._next

    def run(self) -> None:
        """Try once."""
        try:
            self._attempt()
        except Exception:
            self._next = time.monotonic() + self._pause * (1 + self._JITTER * random.uniform(-1, 1))
            self._pause = min(self._pause * 2, self.LONGEST_PAUSE)


class Keeper:
    """One thread that runs tasks when they are due. Survives their errors; costs nothing while none is due.

    Args:
        name: of the pool.
        tasks: what there is to do.
    """

    def __init__(self, name: str, tasks: Sequence[Task]) -> None:
        self._name = name
        self._tasks = tasks
        self._wake = threading.Condition()
        self._stopped = False
        self._woken = False
        self._thread = threading.Thread(target=self._run, name=f"orapool-keeper-{name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Look again at what is due."""
        with self._wake:
            self._woken = True
            self._wake.notify()

    def stop(self) -> None:
        """End, after the task that runs."""
        with self._wake:
            self._stopped = True
            self._wake.notify()

    def _run(self) -> None:
        while not self._stopped:
            now = time.monotonic()
            due = [(task.due(), task) for task in self._tasks]
            for when, task in due:
                if when <= now and not self._stopped:
                    try:
                        task.run()
                    except Exception:
                        report(log.exception, self._name, "upkeep_failed", "upkeep failed, and goes on")
            soonest = min((task.due() for task in self._tasks), default=NEVER)
            with self._wake:
                if not self._stopped and not self._woken:
                    left = soonest - time.monotonic()
                    if left > 0:
                        self._wake.wait(None if soonest == NEVER else left)
                self._woken = False
