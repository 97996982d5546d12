"""The numbers of a group of processes, such as gunicorn's workers, from what each of them publishes.

Processes come and go, and what they have counted must not go with them. So whoever adds a group up for the first time
claims it, with a file beside those of its pools, and from then on these stay when a pool is closed or its process is
gone (see published.py). When there are many of them, their numbers move into the group's file. All of that is removed
by the next reader after the group's first process has ended.

No reader waits for another: it looks again where numbers were moved while it looked.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from orapool.counters import NO_STATS, PoolStats
from orapool.tags import script_name
from orapool.watching.processes import ancestors, identify
from orapool.watching.published import (
    GROUP_SUFFIX,
    Group,
    Published,
    claims,
    decode_stats,
    make_folder,
    read_files,
    read_whole,
    whole,
)

_MOST_FILES = 16
"""Pools that are over whose files are kept."""
_ATTEMPTS = 100


@dataclass(frozen=True)
class Members:
    """The pools of a group.

    Attributes:
        there: those in use.
        gone: what those have done that are closed, or whose processes are gone, by name.
    """

    there: list[Published]
    gone: dict[str, PoolStats]


@dataclass
class _Ledger:
    """What the file of a group says.

    Attributes:
        number: how often it was written.
        moved: the keys of pools whose files may still be there, though their numbers are here.
        totals: the numbers, by the pools' names.
    """

    number: int = 0
    moved: list[str] = field(default_factory=list)
    totals: dict[str, PoolStats] = field(default_factory=dict)


def of_siblings() -> Group:
    """The process that has started this one, as gunicorn's master has its workers, and all that it has started."""
    return Group((*ancestors()[:1], identify())[0], script_name())


def of_children() -> Group:
    """This process, and all that it has started."""
    return Group(identify(), script_name())


def look(group: Group, folder: Path) -> Members:
    """The pools of a group that are published in a folder, and what was of it before; from now on nothing is lost.

    Raises `OSError` or `Refused` where the folder is not there and cannot be made, or is not the user's own.
    """
    path = _path(group, folder)
    make_folder(folder)
    if not path.exists():
        _claim(group, path)
    for _ in range(_ATTEMPTS):
        ledger = _read(path)
        found = [(file, each) for file, each in read_files(folder) if group.has(each) and each.key not in ledger.moved]
        if _read(path).number == ledger.number:
            break
    gone, over = dict(ledger.totals), [(file, each) for file, each in found if each.over]
    for _, each in over:
        gone[each.about.pool] = gone.get(each.about.pool, NO_STATS) + each.stats.past()
    if len(over) > _MOST_FILES:
        _move(group, folder)
    keys = {each.key for _, each in over}
    return Members([each for _, each in found if each.key not in keys], gone)


def _path(group: Group, folder: Path) -> Path:
    told = json.dumps([asdict(group.root), group.command])
    return folder / f"{group.root.pid}-{zlib.crc32(told.encode()):08x}{GROUP_SUFFIX}"


def _claim(group: Group, path: Path) -> None:
    with _written(group, _Ledger(), path) as made, contextlib.suppress(FileExistsError):
        os.link(made, path)  # unless another does so at this moment


def _move(group: Group, folder: Path) -> None:
    """Add the numbers of pools that are over to those in the group's file, and remove theirs.

    One process at a time does so, and no other waits for it. Those of two groups, one within the other, stay.
    """
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path = _path(group, folder)
        ledger, others = _read(path), [each for each in claims(folder) if each != group]
        totals, moved = dict(ledger.totals), []
        for file, each in read_files(folder):
            if each.key in ledger.moved:  # whoever moved it has not come to removing it
                moved.append((file, each.key))
            elif group.has(each) and each.over and not any(other.has(each) for other in others):
                moved.append((file, each.key))
                totals[each.about.pool] = totals.get(each.about.pool, NO_STATS) + each.stats.past()
        new = _Ledger(ledger.number + 1, [key for _, key in moved], totals)
        with _written(group, new, path) as made:
            made.replace(path)
        for file, _ in moved:
            file.unlink()
    except BlockingIOError:
        pass
    finally:
        os.close(lock)


@contextlib.contextmanager
def _written(group: Group, ledger: _Ledger, path: Path) -> Iterator[Path]:
    """A file of the user's own that says so, for the time of the block, to be put in place at once."""
    text = json.dumps({**asdict(group), **asdict(ledger)}, separators=(",", ":")).encode()
    made = path.with_suffix(f".{secrets.token_hex(4)}")
    file = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        try:
            os.write(file, whole(text))
        finally:
            os.close(file)
        yield made
    finally:
        made.unlink(missing_ok=True)


def _read(path: Path) -> _Ledger:
    try:
        found = json.loads(read_whole(path) or b"{}")
    except FileNotFoundError:  # the group's first process has ended, and somebody has noticed
        return _Ledger()
    totals = {name: decode_stats(numbers) for name, numbers in found.get("totals", {}).items()}
    return _Ledger(found.get("number", 0), found.get("moved", []), totals)
