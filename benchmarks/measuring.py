"""What benchmarks have in common: the machine, its processors, the memory of a process, and a console."""

from __future__ import annotations

import contextlib
import gc
import os
import platform
import re
from collections.abc import Iterator
from importlib import metadata

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


@contextlib.contextmanager
def collector_at_rest() -> Iterator[None]:
    """Collect garbage first, and then none."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def machine() -> dict[str, str]:
    """The machine and the versions that figures come from."""
    with open("/proc/cpuinfo") as info:
        model = next((line.partition(":")[2].strip() for line in info if line.startswith("model name")), "unknown")
    found = {
        "processor": f"{model}, {len(os.sched_getaffinity(0))} of {os.cpu_count()}",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "load": f"{os.getloadavg()[0]:.1f}",
        "Python": platform.python_version(),
        "Oracle Client": _client_version(),
    }
    for name in ("orapool", "SQLAlchemy", "cx_Oracle", "oracledb", "DBUtils", "litex.cxpool", "pandas"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def _client_version() -> str:
    try:
        import cx_Oracle

        return ".".join(map(str, cx_Oracle.clientversion()[:2]))
    except Exception:  # not installed, or without Oracle Client
        return "none"
