"""Which process is it: by its number and the time of its start, since numbers are given again; and where it is from."""

from __future__ import annotations

import hashlib
import os
import sys
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


def ancestors() -> tuple[Identity, ...]:
    """The process that has started this one, the one that has started that, and so on, as far as can be seen."""
    found: list[Identity] = []
    pid = os.getppid()
    while pid and len(found) < _MOST_ANCESTORS:
        found.append(identify(pid))
        fields = _fields(pid)
        pid = int(fields[_PARENT]) if fields else 0
    return tuple(found)


def identify(pid: int | None = None) -> Identity:
    """This process, or another of those that are numbered alike."""
    pid = os.getpid() if pid is None else pid
    return Identity(pid, _start_time(pid), _boot(), _namespace())


@dataclass(frozen=True)
class Origin:
    """Where a process comes from: what tells the workers of one server from all other processes.

    Attributes:
        parent: the process that has started it to work for itself, as a server's master does with its workers; None:
            another has, such as a shell, or systemd.
        program: tells whether two processes run the same: a digest of interpreter and arguments.
    """

    parent: Identity | None
    program: str


def find_origin() -> Origin:
    """That of this process."""
    text = "\0".join((sys.executable or "", *sys.argv))
    program = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    parent = os.getppid()
    return Origin(identify(parent) if _is_master(parent) else None, program)


def _is_master(parent: int) -> bool:
    """Whether a parent is of the same kind: it runs the same program file, in the same process group.

    Shells and systemd run another, supervisors and interactive shells give each of their programs a group of its own.
    """
    try:
        if parent == 0 or os.getpgid(parent) != os.getpgrp():
            return False
        return os.path.samestat(os.stat(f"/proc/{parent}/exe"), os.stat("/proc/self/exe"))
    except PermissionError:  # a master that is root, of workers that are not
        return True
    except FileNotFoundError:  # a system without /proc, or a parent that has just ended
        return not os.path.exists("/proc/self/exe")
    except OSError:
        return False


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
