"""What connections that were left alone tell: the limit, and the settings that follow from it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orapool.doctor.durations import in_units
from orapool.doctor.idle_probe import Outcome, Probe
from orapool.settings import PoolSettings

SHARE = 3
"""A third of the longest idle time that was survived: two probes may be lost before the limit is reached."""
_TRUST_MORE = 5
_PROFILE = frozenset({"ORA-02396", "DPY-4033"})


@dataclass(frozen=True)
class Limit:
    """What was found.

    Attributes:
        alive: the longest idle time after which a connection was alive, in seconds; None: no connection was.
        dead: the shortest after which one was dead; None: none was.
        how: what had become of that.
        exact: whether `dead` is the moment of its end.
        plain: whether all that lay idle for less lived.
    """

    alive: float | None
    dead: float | None
    how: Outcome | None
    exact: bool
    plain: bool
    by_profile: bool = False
    """Whether it is the profile's IDLE_TIME."""

    @property
    def in_words(self) -> str:
        """One line."""
        alive = None if self.alive is None else f"alive after {in_units(self.alive)}"
        if self.dead is None or self.how is None:
            return f"{alive or 'nothing is known'}: no limit up to there" if alive else "nothing is known"
        dead = f"dead after {in_units(self.dead)} ({self.how.value})"
        return f"{alive}, {dead}" if alive else dead


def find_limit(probes: Sequence[Probe]) -> Limit:
    """Where the limit is."""
    alive = [probe.idle if probe.outcome is not Outcome.ALIVE else probe.wanted for probe in probes if _lived(probe)]
    dead = sorted((probe for probe in probes if probe.outcome.is_dead), key=_dead_after)
    first = dead[0] if dead else None
    longest = max(alive, default=None)
    return Limit(
        longest,
        None if first is None else _dead_after(first),
        None if first is None else first.outcome,
        first is not None and first.exact,
        first is None or longest is None or longest <= _dead_after(first),
        first is not None and not _PROFILE.isdisjoint(first.codes),
    )


def _lived(probe: Probe) -> bool:
    return probe.outcome in (Outcome.ALIVE, Outcome.MUTE)


def _dead_after(probe: Probe) -> float:
    return round(probe.idle, 1) if probe.exact else probe.wanted


@dataclass(frozen=True)
class Advice:
    """The settings that follow. None is for what nothing follows for."""

    keepalive_idle: int | None = None
    trust: float | None = None
    expire_time: int | None = None
    idle_timeout: int | None = None
    lines: tuple[str, ...] = ()
    heeded: bool = True
    """Whether the pool's settings are so already."""


def advise(limit: Limit, probes: Sequence[Probe], settings: PoolSettings) -> Advice:
    """What to set, given what was found."""
    if limit.dead is None:
        lines = ["Nothing cuts connections that are idle for that long; keep-alive as it is does no harm."]
        return Advice(lines=(*lines, *_cautions(limit, probes)))
    if limit.by_profile:
        return _by_profile(limit, probes, settings)
    if limit.alive is None:
        lines = ["Even the shortest time was too long: try shorter ones, such as 30s,1m,2m."]
        return Advice(lines=(*lines, *_cautions(limit, probes)), heeded=settings.keepalive_idle * SHARE <= limit.dead)
    idle = max(1, int(limit.alive / SHARE))
    heeded = settings.keepalive_idle <= idle
    lines = []
    if heeded:
        lines.append(f"keepalive_idle {settings.keepalive_idle} is well below it: nothing is to be changed.")
    else:
        lines.append(
            f"Set keepalive_idle={idle} (it is {settings.keepalive_idle}), a third of the longest time survived, and "
            f"trust={idle + _TRUST_MORE}."
        )
    minutes = int(limit.alive / 60 / SHARE) or (1 if limit.alive >= 2 * 60 else 0)
    if minutes:
        lines.append(f"For clients without orapool: (EXPIRE_TIME={minutes}) in the connect string,")
        lines.append(f"or SQLNET.EXPIRE_TIME={minutes} in the server's sqlnet.ora.")
    else:
        lines.append("EXPIRE_TIME counts in minutes, which is too coarse for this limit.")
    timeout = None
    if limit.how is Outcome.CLOSED:
        timeout = max(1, int(limit.alive / SHARE * 2))
        lines.append(
            f"Who closed it may not count keep-alive as traffic; if sessions are lost all the same, set "
            f"idle_timeout={timeout} and min=0."
        )
    return Advice(
        idle, float(idle + _TRUST_MORE), minutes or None, timeout, (*lines, *_cautions(limit, probes)), heeded
    )


def _by_profile(limit: Limit, probes: Sequence[Probe], settings: PoolSettings) -> Advice:
    """The limit is the user's profile's IDLE_TIME, which keep-alive does not count for."""
    timeout = max(1, int((limit.alive or limit.dead or 1) / SHARE * 2))
    heeded = 0 < settings.idle_timeout < (limit.dead or math.inf) and settings.min == 0
    lines = [
        "That is IDLE_TIME of the user's profile, for which keep-alive does not count.",
        "idle_timeout is below it: nothing is to be changed."
        if heeded
        else f"Set idle_timeout={timeout} and min=0, so that the pool closes its sessions first.",
    ]
    return Advice(idle_timeout=timeout, lines=(*lines, *_cautions(limit, probes)), heeded=heeded)


def _cautions(limit: Limit, probes: Sequence[Probe]) -> list[str]:
    lines = []
    stirred = [probe for probe in probes if probe.stirred]
    if stirred:
        names = ", ".join(in_units(probe.wanted) for probe in stirred)
        lines.append(
            f"The other side sent packets meanwhile ({names}), as SQLNET.EXPIRE_TIME on the server does: these were "
            "not idle, and a limit may be hidden."
        )
    if not limit.plain:
        lines.append("A connection lived longer than another that died: there is more than one way, or a restart.")
    if any(probe.outcome is Outcome.MUTE for probe in probes):
        lines.append("Some paths stood while the database did not answer: look there, or raise --timeout.")
    if any(probe.outcome is Outcome.WAITING for probe in probes):
        lines.append("It was stopped: the others are not known.")
    return lines


def as_values(probes: Sequence[Probe], limit: Limit, advice: Advice, unwatched: bool | None) -> dict[str, Any]:
    """All of it for programs."""
    return {
        "keep_alive_off": unwatched,
        "connections": [
            {
                "seconds": probe.wanted,
                "outcome": probe.outcome.value,
                "idle": None if probe.outcome is Outcome.WAITING else round(probe.idle, 2),
                "exact": probe.exact,
                "detail": probe.detail or None,
                "packets_received": probe.stirred,
            }
            for probe in probes
        ],
        "alive_after": limit.alive,
        "dead_after": limit.dead,
        "how": None if limit.how is None else limit.how.value,
        "found": limit.in_words,
        "settings": {
            name: getattr(advice, name)
            for name in ("keepalive_idle", "trust", "expire_time", "idle_timeout")
            if getattr(advice, name) is not None
        },
        "heeded": advice.heeded,
        "advice": list(advice.lines),
    }
