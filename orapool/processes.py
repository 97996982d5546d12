"""Which process is it: by its number and the time of its start, since numbers are given again."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_PARENT, _START_TIME = 1, 19
"""Where these stand in /proc/PID/stat, counted from behind the name: fields 4 and 22 of proc(5)."""
_MOST_ANCESTORS = 32


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
    return _identity(os.getpid())


def ancestors() -> tuple[Identity, ...]:
    """The process that has started this one, the one that has started that, and so on, as far as can be seen."""
    found: list[Identity] = []
    pid = os.getppid()
    while pid and len(found) < _MOST_ANCESTORS:
        found.append(_identity(pid))
        fields = _fields(pid)
        pid = int(fields[_PARENT]) if fields else 0
    return tuple(found)


def _identity(pid: int) -> Identity:
    return Identity(pid, _start_time(pid), _boot(), _namespace())


def _start_time(pid: int) -> int:
    fields = _fields(pid)
    # One that has ended, and that its parent has not asked about, has a number and runs no more.
    return 0 if not fields or fields[0] in "ZX" else int(fields[_START_TIME])


def _fields(pid: int) -> list[str]:
    """What the system says of a process, from its state on; nothing where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


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
