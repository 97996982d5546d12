"""What benchmarks have in common that measure whole processes: their processors, and the memory that they take."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator

from rich.console import Console

PAGE_WIDTH = 140
"""Of what goes to a file, in characters."""


def make_console() -> Console:
    """Where results are printed: as wide as the terminal, or, in a file, as the tables need."""
    console = Console()
    return console if console.is_terminal else Console(width=PAGE_WIDTH)


def processors() -> tuple[int, int]:
    """One processor for the server and one for the client; the same where there is one only."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


@contextlib.contextmanager
def on_processor(number: int) -> Iterator[None]:
    """Start on one processor, to stay there, the processes that this thread starts meanwhile."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {number})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def forget_peak() -> None:
    """Let `peak` count from now on."""
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")


def peak() -> int:
    """The most resident memory that this process has had since then, in bytes, as the system counts it."""
    with open("/proc/self/status") as status:
        return 1024 * int(re.findall(r"^VmHWM:\s+(\d+)", status.read(), re.MULTILINE)[0])
