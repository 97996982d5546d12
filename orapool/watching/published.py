"""The numbers of a process's pools, published for `orapool top` and others: each pool in a file of the user's own.

A file has one page for the numbers, as JSON, behind a header that tells its length and checksum: who reads it while it
is written, or after its writer died in the middle, sees that and looks again, or leaves it alone. It is removed when
the pool is closed, or by the next reader when its process is gone; but where somebody adds up the numbers of a group of
processes, so that the past must not be lost, it is left to groups.py. Nothing in it is secret.

Files are not mapped for writing: where the disk is full, a mapping would end the process with SIGBUS.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import secrets
import stat
import struct
import tempfile
import time
import weakref
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from orapool.counters import PoolStats
from orapool.histograms import BOUNDS, Distribution
from orapool.loans import Holding
from orapool.logs import report
from orapool.watching import history
from orapool.watching.history import History, Sample
from orapool.watching.processes import Identity, Origin, ancestors, find_origin, identify

log = logging.getLogger("orapool.published")

_FORMAT = 1
_HEADER = struct.Struct("=8sIII")
"""A mark, how often it was written, and the length and the checksum of what follows."""
_MARK = b"ORAPOOL" + bytes([_FORMAT])
_SUFFIX = ".pool"
GROUP_SUFFIX = ".group"
_RATE_SECONDS = 0.5
"""Seconds that a rate is of, at least."""
_ATTEMPTS, _PAUSE = 5, 0.002
"""How often, and after how many seconds, a file is read again that is being written."""
_TORN_SECONDS = 10.0
"""How old a file is that nobody is writing any more."""
_LONGEST = 1 << 20
"""Bytes that a file can have."""
_DISTRIBUTIONS = ("waits", "uses", "log_on_times")


@dataclass(frozen=True)
class About:
    """What a pool is, and whose.

    Attributes:
        pool: its name.
        kind: "threads", or "asyncio".
        command: what its process is called.
        driver: of the pool.
        user: whom it logs on as; None: externally identified.
        dsn: where, without secrets.
        min, max: of its settings.
    """

    pool: str
    kind: str
    command: str
    driver: str
    user: str | None
    dsn: str
    min: int
    max: int


@dataclass(frozen=True)
class Published:
    """A pool of a process that runs.

    Attributes:
        key: tells it from all others, also of the same name in the same process.
        process: which.
        about: the pool.
        at: when its numbers were such, a time of `time.time`: a second or so ago, or they have not changed since. While
            a session is checked out they are published every second.
        rate: checkouts a second, in the second before.
        stats: the numbers.
        ancestors: of the process: what has started it, and that, and so on.
        ended: whether the pool is closed, and these are its last numbers.
        origin: where the process comes from; see applications.py.
        history: of the last ten minutes in which something happened, the oldest first.
    """

    key: str
    process: Identity
    about: About
    at: float
    rate: float
    stats: PoolStats
    ancestors: tuple[Identity, ...] = ()
    ended: bool = False
    origin: Origin | None = None
    history: tuple[Sample, ...] = ()

    @property
    def over(self) -> bool:
        """Whether the pool is closed, or its process is gone."""
        return self.ended or not self.process.lives


@dataclass(frozen=True)
class Group:
    """Processes that belong together: one, and those that it has started, as far as they run the same program.

    Attributes:
        root: the one.
        command: what they are called.
    """

    root: Identity
    command: str

    def has(self, published: Published) -> bool:
        """Whether a pool is of one of its processes."""
        descends = published.process == self.root or self.root in published.ancestors
        return descends and published.about.command == self.command


AVAILABLE = hasattr(os, "geteuid")
"""Whether the system has what it takes."""


class Refused(Exception):
    """The folder, or a file, is not the user's own."""


def folders(chosen: Path | None = None) -> list[Path]:
    """Where numbers are published: in the first, where there is no other choice; and where to look for them."""
    if chosen is not None:
        return [chosen]
    named = f"orapool-{os.geteuid()}"
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    # A service may have no such variable, and who looks at it in a shell has one: look in all places.
    places = [*([Path(runtime)] if runtime else []), Path(f"/run/user/{os.geteuid()}")]
    found = [place / "orapool" for place in places if place.is_dir()]
    return list(dict.fromkeys([*found[: 1 if runtime else 0], Path(tempfile.gettempdir()) / named, *found]))


_publishers: weakref.WeakSet[Publisher] = weakref.WeakSet()


class Publisher:
    """Publishes the numbers of one pool of this process.

    Args:
        about: the pool.
        folder: where; None: in the folder of the user.
    """

    def __init__(self, about: About, folder: Path | None = None) -> None:
        self._about = about
        self._folder = folders(folder)[0]
        self._process = identify()
        self._ancestors = ancestors()
        self._origin = find_origin()
        self._path = self._folder / f"{self._process.pid}-{secrets.token_hex(4)}{_SUFFIX}"
        self._file: int | None = None
        self._gave_up = False
        self._written = 0
        self._last: tuple[PoolStats, float] | None = None
        self._counted = (0, time.monotonic())
        self._history = History()
        _publishers.add(self)

    def publish(self, stats: PoolStats) -> bool:
        """Write the numbers down, where they are others than before, which is returned, or a session is checked out.

        Where that cannot be done, it is logged, once.
        """
        rate = self._rate(stats)
        changed = self._last != (stats, rate)
        self._last = (stats, rate)
        if self._gave_up or not (changed or stats.longest):
            return False
        try:
            found = self._published(stats, rate)
            self._history.note(stats, found.at)
            self._write(_encode(found, self._history.encode()))
        except (OSError, Refused) as error:
            self._gave_up = True
            report(
                log.warning,
                self._about.pool,
                "publish_failed",
                "its numbers are not published, and `orapool top` does not show it: %(error)s. publish_dir names "
                "another folder, publish=False none",
                error=error,
            )
        return changed and not self._gave_up

    def _rate(self, stats: PoolStats) -> float:
        """Checkouts a second since the last time, or as they were then, where that has just been."""
        (checkouts, since), now = self._counted, time.monotonic()
        if self._last is not None and now - since < _RATE_SECONDS:
            return self._last[1]
        self._counted = (stats.checkouts, now)
        return round((stats.checkouts - checkouts) / (now - since), 1) if self._last is not None else 0.0

    def _published(self, stats: PoolStats, rate: float, ended: bool = False) -> Published:
        whose = self._path.stem, self._process, self._about
        return Published(*whose, time.time(), rate, stats, self._ancestors, ended, self._origin)

    def _write(self, text: bytes) -> None:
        if self._file is None:
            make_folder(self._folder)
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            self._file = os.open(self._path, flags, 0o600)
        self._written += 1
        # In one call, and should it be cut short all the same, the checksum tells.
        os.pwrite(self._file, whole(text, self._written), 0)

    def remove(self, stats: PoolStats | None = None) -> None:
        """Take the numbers away: the pool is closed, and these were the last. Where somebody adds up, they stay.

        In a forked child this leaves the parent's alone.
        """
        gave_up, self._gave_up = self._gave_up, True
        if os.getpid() != self._process.pid:
            return
        if stats is None and self._file is not None and self._last is not None:
            stats = self._last[0]
        with contextlib.suppress(OSError, Refused):
            last = self._published(stats, 0.0, ended=True) if stats is not None and not gave_up else None
            if last is not None and any(group.has(last) for group in claims(self._folder)):
                self._write(_encode(last))
            elif self._file is not None:
                os.unlink(self._path)
        self._close()

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def __del__(self) -> None:
        self._close()


@atexit.register
def _remove_all() -> None:
    """The process ends, perhaps with pools that were not closed."""
    for each in list(_publishers):
        each.remove()


def make_folder(folder: Path) -> None:
    """Make a folder that only the user can look into. Raises `Refused` where it is there and is not so."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    check_folder(folder)


def check_folder(folder: Path) -> None:
    """Raises `Refused` where a folder is not the user's own, and `OSError` where it is not there."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise Refused(f"{folder} is no folder")
    _check_owner(str(folder), found)


def _check_owner(what: str, found: os.stat_result) -> None:
    if found.st_uid != os.geteuid():
        raise Refused(f"{what} belongs to user {found.st_uid}, not to {os.geteuid()}")
    if found.st_mode & 0o077:
        raise Refused(f"{what} is open to others (mode {stat.S_IMODE(found.st_mode):o})")


def read(folder: Path | None = None) -> list[Published]:
    """The pools that the user's processes have published, by process. Files of processes that are gone are removed.

    `folder` is where to look; None: where they are unless `publish_dir` says otherwise.
    """
    found = []
    for each in folders(folder):
        with contextlib.suppress(OSError, Refused):
            check_folder(each)
            claiming = claims(each)
            for path, published in read_files(each):
                if not published.over:
                    found.append(published)
                elif not any(group.has(published) for group in claiming):
                    with contextlib.suppress(OSError):
                        path.unlink()
    return sorted(found, key=lambda published: (published.process.pid, published.about.pool, published.key))


def read_files(folder: Path) -> Iterator[tuple[Path, Published]]:
    """All pools' files of a folder, those that are over included, of processes that can be judged here."""
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        with contextlib.suppress(OSError, Refused):
            text = read_whole(path)
            if text is None:
                _remove_left_over(path)
                continue
            try:
                found = _decode(text)
            except (ValueError, TypeError, KeyError, AttributeError):  # of another version
                continue
            if found.process.can_be_judged:
                yield path, found


def claims(folder: Path) -> list[Group]:
    """The groups that somebody adds up in a folder: what their processes have published stays when they end.

    A group is over with its first process; its file is removed then.
    """
    found = []
    for path in folder.glob(f"*{GROUP_SUFFIX}"):
        with contextlib.suppress(OSError, Refused, ValueError, TypeError, KeyError):
            text = json.loads(read_whole(path) or b"")
            group = Group(Identity(**text["root"]), text["command"])
            if group.root.can_be_judged and group.root.lives:
                found.append(group)
            elif group.root.can_be_judged:
                path.unlink()
    return found


def read_whole(path: Path) -> bytes | None:
    """What a file of the user's own says; None where that is not whole, now and some milliseconds later.

    Raises `OSError` or `Refused`.
    """
    for _ in range(_ATTEMPTS):
        text = _read_text(path)
        if text is not None:
            return text
        time.sleep(_PAUSE)
    return None


def whole(text: bytes, number: int = 1) -> bytes:
    """A file's content, of which a reader can tell that it has all of it."""
    return _HEADER.pack(_MARK, number, len(text), zlib.crc32(text)) + text


def _read_text(path: Path) -> bytes | None:
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            raise Refused(f"{path} is no file")
        _check_owner(str(path), found)
        content = os.read(file, _LONGEST)
    finally:
        os.close(file)
    if len(content) < _HEADER.size:
        return None
    mark, _, length, checksum = _HEADER.unpack_from(content)
    if mark != _MARK:
        raise Refused(f"{path} is of another version")
    text = content[_HEADER.size : _HEADER.size + length]
    return text if len(text) == length and zlib.crc32(text) == checksum else None


def _remove_left_over(path: Path) -> None:
    """What was not written to its end is removed when nobody goes on with it, and no process has its number."""
    pid = path.name.partition("-")[0]
    with contextlib.suppress(OSError):
        if pid.isdigit() and time.time() - path.stat().st_mtime > _TORN_SECONDS:
            try:
                os.kill(int(pid), 0)
            except ProcessLookupError:
                path.unlink()


def _encode(published: Published, samples: str = "[]") -> bytes:
    numbers = {"bounds": BOUNDS, **asdict(published)}
    del numbers["history"]
    text = json.dumps(numbers, separators=(",", ":"), default=str)
    return f'{text[:-1]},"history":{samples}}}'.encode()


def _decode(text: bytes) -> Published:
    found: dict[str, Any] = json.loads(text)
    if tuple(found["bounds"]) != BOUNDS:
        raise ValueError("of another version")
    parent, program = found["origin"]["parent"], found["origin"]["program"]
    return Published(
        key=found["key"],
        process=Identity(**found["process"]),
        about=About(**found["about"]),
        at=found["at"],
        rate=found["rate"],
        stats=decode_stats(found["stats"]),
        ancestors=tuple(Identity(**each) for each in found["ancestors"]),
        ended=found["ended"],
        origin=Origin(None if parent is None else Identity(**parent), program),
        history=history.decode(found["history"]),
    )


def decode_stats(numbers: dict[str, Any]) -> PoolStats:
    """Numbers as `dataclasses.asdict` and JSON have them."""
    times = {
        name: Distribution(**{**numbers[name], "counts": tuple(numbers[name]["counts"])}) for name in _DISTRIBUTIONS
    }
    longest = numbers["longest"]
    return PoolStats(**{**numbers, **times, "longest": None if longest is None else Holding(**longest)})
