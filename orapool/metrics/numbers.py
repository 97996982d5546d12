"""The numbers of pools by name: those of this process, or those that a group of processes publishes."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from orapool import pools, totals
from orapool.counters import NO_STATS, PoolStats
from orapool.errors import ConfigurationError, PoolError
from orapool.logs import report
from orapool.sources import DEFAULT
from orapool.watching import groups
from orapool.watching.published import Group, Published, Refused, folders, read

log = logging.getLogger("orapool.metrics")

OF = ("process", "siblings", "children", "user")
"""Whose numbers: of this process; of its parent and all that this has started; of it and all that it has started; of
all processes of the user."""


_told: set[str] = set()
"""Of which pools and folders it was logged that they are missing."""


@dataclass(frozen=True)
class Numbers:
    """The pools of one name.

    Attributes:
        pool: the name.
        min, max: sessions that they are to keep open, and that they may open.
        processes: that have one open.
        stats: their numbers, with those of pools that are gone.
        command, pid: of the one process that they are of; empty where they are of several.
    """

    pool: str
    min: int = 0
    max: int = 0
    processes: int = 0
    stats: PoolStats = NO_STATS
    command: str = ""
    pid: str = ""

    def __add__(self, other: Numbers) -> Numbers:
        return Numbers(
            self.pool,
            self.min + other.min,
            self.max + other.max,
            self.processes + other.processes,
            self.stats + other.stats,
            self.command,
            self.pid,
        )


def of_process() -> list[Numbers]:
    """Those of this process, at this moment."""
    return [
        Numbers(each.name, each.min, each.max, processes=1 if each.max else 0, stats=each.stats)
        for each in totals.by_name().values()
    ]


class Publications:
    """What several processes publish.

    Args:
        of: which, one of `OF`, but "process".
        per_process: whether each is told apart.
        publish_dir: where they publish; None: where the pools of this process do.
    """

    def __init__(self, of: str, per_process: bool = False, publish_dir: Path | None = None) -> None:
        self._of = of
        self._per_process = per_process
        self._publish_dir = publish_dir

    def read(self) -> list[Numbers]:
        """Their numbers, those of this process at this moment, the others' a second old at most."""
        self._publish()
        there, gone = self._look()
        found = [_of_published(each, self._per_process) for each in there]
        if not self._per_process:
            found += [Numbers(name, stats=stats) for name, stats in gone]
        return _summed(found)

    def _publish(self) -> None:
        # Rather than taking the numbers of this process from memory: the next reader is another process, and for it
        # they must not go back.
        for pool in totals.there():
            if pool.closed:
                continue
            if pool.settings.publish:
                pool.publish()
            elif pool.name not in _told:
                _told.add(pool.name)
                text = "it has publish=False, and so is missing from the metrics of several processes"
                report(log.warning, pool.name, "metrics_incomplete", text)

    def _look(self) -> tuple[list[Published], list[tuple[str, PoolStats]]]:
        several = self._of == "user"
        chosen = _publish_dirs(look=not several) if self._publish_dir is None else [self._publish_dir]
        if several:
            there = [each for place in chosen for each in read(place)]
            return list({each.key: each for each in there}.values()), []
        group, members = _GROUPS[self._of](), []
        for each in dict.fromkeys(folders(place)[0] for place in chosen):
            try:
                members.append(groups.look(group, each))
            except (OSError, Refused) as error:  # the application's own metrics are to be read all the same
                if str(each) not in _told:
                    _told.add(str(each))
                    text = "the metrics are without those of pools of several processes: %s"
                    log.warning(text, error, extra={"event": "metrics_incomplete", "error": str(error)})
        return [each for found in members for each in found.there], [
            numbers for found in members for numbers in found.gone.items()
        ]


_GROUPS: dict[str, Callable[[], Group]] = {"siblings": groups.of_siblings, "children": groups.of_children}


def check_of(of: str) -> None:
    """Raises `ConfigurationError` for what is none of `OF`."""
    if of not in OF:
        raise ConfigurationError(f"of={of!r}: it is one of {', '.join(map(repr, OF))}")


def _publish_dirs(look: bool) -> list[Path | None]:
    """Where the pools of this process publish; None: where they do unless the settings say otherwise.

    Where it has no pool yet, it may `look` for settings.
    """
    settings = [*(pool.settings for pool in totals.there() if not pool.closed), *pools.configured().values()]
    if look and not settings:
        with contextlib.suppress(PoolError):
            settings = [pools.settings_of(DEFAULT)]
    return list(dict.fromkeys(each.publish_dir for each in settings)) or [None]


def _of_published(published: Published, per_process: bool) -> Numbers:
    about = published.about
    process = (about.command, str(published.process.pid)) if per_process else ("", "")
    return Numbers(about.pool, about.min, about.max, 1, published.stats, *process)


def _summed(found: Iterable[Numbers]) -> list[Numbers]:
    sums: dict[tuple[str, str, str], Numbers] = {}
    for each in found:
        key = (each.pool, each.command, each.pid)
        sums[key] = sums[key] + each if key in sums else each
    return [sums[key] for key in sorted(sums)]
