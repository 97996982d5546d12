"""Which process is it: by its number and the time of its start, since numbers are given again."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_START_TIME = 19
"""Where the start time stands in /proc/PID/stat, counted from behind the name: field 22 of proc(5)."""


@dataclass(frozen=True)
class Identity:
    """A process, told from all others of the machine that ever were.

    Attributes:
        pid: its number.
        started: when it started, in the kernel's own count; 0 where the system does not tell.
        boot: of which run of the machine that is.
        namespace: in which processes have such numbers: containers have their own.
    """

    pid: int
    started: int
    boot: str
    namespace: str

    @property
    def can_be_judged(self) -> bool:
        """Whether its number means here what it means to itself."""
        return self.namespace == _namespace() or self.boot != _boot()

    @property
    def lives(self) -> bool:
        """Whether it runs, for who can judge."""
        if self.boot != _boot():
            return False
        if self.started:
            return _start_time(self.pid) == self.started
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except OSError:
            pass
        return True


def identify() -> Identity:
    """This process."""
    pid = os.getpid()
    return Identity(pid, _start_time(pid), _boot(), _namespace())


def _start_time(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return 0
    # One that has ended, and that its parent has not asked about, has a number and runs no more.
    return 0 if fields[0] in "ZX" else int(fields[_START_TIME])


@cache
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""
