"""Processes that measure, on a processor that they are told; what each has set up is kept from call to call.

So contenders can take turns, and none has another's threads, memory or lock of the interpreter beside it.
"""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import traceback
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection
from typing import Any, Callable

_END_SECONDS = 10.0
_ANSWER_SECONDS = 180.0
_PRELOADED = ["benchmarks.units", "benchmarks.throughput", "benchmarks.growth"]
"""What all processes import is imported once, by one that has neither threads nor sessions, and forks."""


class Failed(Exception):
    """What was to be measured failed, or its process ended."""


class Performer:
    """A process that calls functions of modules, one after the other; ``fresh``: forked from none."""

    def __init__(self, title: str = "", fresh: bool = False) -> None:
        self.title = title
        context = multiprocessing.get_context("spawn" if fresh else "forkserver")
        if not fresh:
            context.set_forkserver_preload(_PRELOADED)
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_perform, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        """The process."""
        assert self._process.pid is not None
        return self._process.pid

    def begin(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Have it begin a call, which `end` waits for."""
        try:
            self._pipe.send((function, arguments))
        except OSError as error:
            raise Failed(f"{self.title}: its process has ended with {self._process.exitcode}") from error

    def end(self) -> Any:
        """What the call gives."""
        try:
            if not self._pipe.poll(_ANSWER_SECONDS):
                self._process.kill()
                raise Failed(f"{self.title}: no answer within {_ANSWER_SECONDS:g} s")
            good, found = self._pipe.recv()
        except (EOFError, OSError) as error:
            self._process.join(_END_SECONDS)
            raise Failed(f"{self.title}: its process has ended with {self._process.exitcode}") from error
        if not good:
            raise Failed(f"{self.title}: {found}")
        return found

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function of a module there."""
        self.begin(function, *arguments)
        return self.end()

    def close(self) -> None:
        """End it: with its pools closed, or, if that takes long, by force."""
        with contextlib.suppress(OSError):
            self._pipe.send(None)
        self._process.join(_END_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._pipe.close()


@contextlib.contextmanager
def performing(
    processor: int | None, titles: Iterable[str], module: str, fresh: bool = False
) -> Iterator[dict[str, Performer]]:
    """A process for each title, which has imported a module; all ended at the end. None: on any processor.

    Where its memory is measured, it is to be ``fresh``: of an interpreter of its own.
    """
    performers: dict[str, Performer] = {}
    try:
        for title in titles:
            performers[title] = Performer(title, fresh)
            performers[title].begin(_settle, processor, module)
        for each in performers.values():
            each.end()
        yield performers
    finally:
        for each in performers.values():
            each.close()


def _settle(processor: int | None, module: str) -> None:
    """Import on any processor, and go to one: there is one thread yet, and those to come go where it is."""
    importlib.import_module(module)
    if processor is not None:
        os.sched_setaffinity(0, {processor})


def _perform(pipe: Connection) -> None:
    while True:
        try:
            asked = pipe.recv()
        except EOFError:
            return
        if asked is None:
            return
        function, arguments = asked
        try:
            answer = (True, function(*arguments))
        except Exception as error:
            answer = (
                False,
                f"{type(error).__name__}: {error} ({traceback.format_exc(limit=-1).splitlines()[1].strip()})",
            )
        pipe.send(answer)
