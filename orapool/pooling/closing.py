"""The end of sessions: of the idle ones, of a pool. Nobody waits for long, also when the database does not answer."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from functools import partial
from typing import Any

from orapool import forking
from orapool.causes import RETIRED
from orapool.logs import report
from orapool.pooling.floor import Floor
from orapool.pooling.log_ons import CUT_PAUSE, LogOns
from orapool.pooling.native_pools import NativePools
from orapool.pooling.parts import Parts
from orapool.pooling.returns import Returns
from orapool.sockets import shut_down_all, waited_for
from orapool.workers import Workers

log = logging.getLogger("orapool.pool")

_LOOK_PAUSE = 0.002
"""Seconds between attempts to draw an idle session."""
LIMIT = 2.0
"""Seconds that a closing pool may take in all: half of them for calls to end, and three quarters before it cuts."""


_GRACE = 0.2
"""Seconds for a driver's thread to end by itself, half of them, and when it was cut."""

_lingering: set[int] = set()
"""Threads of native pools that were closed, by their native ids: in a log-on to which nobody answers."""


def end_lingering() -> None:
    """Wait for the threads of native pools that were closed, and end what they wait for."""
    while left := _running(_lingering):
        _cut(left)
        time.sleep(CUT_PAUSE)


def _running(threads: Iterable[int]) -> list[int]:
    if not threads:
        return []
    there = {thread.native_id for thread in threading.enumerate()}
    return [each for each in threads if each in there]


def _cut(threads: Iterable[int]) -> None:
    """Nobody wants what they log on for: python-oracledb tries once more what was cut, and then its thread ends."""
    shut_down_all(waited_for(threads) or ())


def vacate(parts: Parts, floor: Floor, returns: Returns) -> None:
    """Close the idle sessions of a pool, within `LIMIT`; what is needed later is opened again, as at first use."""
    natives = parts.natives
    floor.sessions = 0
    drawn = []  # all of them first: while one is dropped, no other can be drawn
    for native in natives.all:
        while parts.slots.take_spare():
            found = natives.draw_idle(native)
            if found is None:
                parts.pass_on()
                break
            drawn.append(found[0])
    for connection in drawn:
        returns.let_go(connection, RETIRED)
        parts.pass_on()
    # Where one has ended, or the kernel does not tell, none can be drawn without a round trip.
    natives.shut_down_idle()
    parts.background.idle_by(time.monotonic() + LIMIT)


def draw_idle(natives: NativePools) -> list[Any]:
    """Draw all idle sessions while others are checked out, which no native pool can close by itself.

    What cannot be drawn, within `LIMIT`, is ended on this side.
    """
    limit = time.monotonic() + LIMIT
    drawn = []  # all of them first: while one is dropped, no other can be drawn
    for native in natives.all:
        while native.health.idle > 0 and time.monotonic() < limit:
            found = natives.draw_any_idle(native, limit)
            if found is None:
                time.sleep(_LOOK_PAUSE)
            else:
                drawn.append(found[0])
    natives.shut_down_idle()
    return drawn


def close(natives: NativePools, workers: Workers, background: Workers, log_ons: LogOns) -> None:
    """Close the native pools with all their sessions, within `LIMIT`. Nobody draws from them any more.

    Calls of `background` run within those of `workers`, which are callers' own; both end with this.
    """
    limit = time.monotonic() + LIMIT
    handles = [native.handle for native in natives.all if native.handle is not None]
    threads = [each for handle in handles for each in natives.driver.log_on_threads(handle) or ()]
    _close(natives, workers, background, log_ons)
    begun = time.monotonic()
    while (left := _running(threads)) and time.monotonic() < max(limit, begun + _GRACE):
        if time.monotonic() >= begun + _GRACE / 2:
            _cut(left)
        time.sleep(CUT_PAUSE)
    _lingering.update(left)
    natives.forget_sessions()
    workers.retire()
    background.retire()


def _close(natives: NativePools, workers: Workers, background: Workers, log_ons: LogOns) -> None:
    def calls_end_by(deadline: float) -> bool:
        return background.idle_by(deadline) and workers.idle_by(deadline)

    begun = time.monotonic()
    cut, limit = begun + LIMIT * 3 / 4, begun + LIMIT
    where = natives.primary.where
    if not calls_end_by(begun + LIMIT / 2):
        natives.shut_down_all()
        while not calls_end_by(time.monotonic() + CUT_PAUSE) and time.monotonic() < cut:
            log_ons.cut_overdue(float("inf"))  # nobody waits for any of them
    if not calls_end_by(cut):
        # Oracle Client crashes when its pool is closed under a call that still runs in it.
        forking.leak(natives.take_handles())
        report(
            log.warning,
            where,
            "close_hangs",
            "%(workers)s, %(background)s will not end: left alone",
            workers=repr(workers),
            background=repr(background),
        )
        return
    for handle in natives.take_handles():
        # python-oracledb tries a log-on that was cut once more, and waits for that before it closes.
        threads = natives.driver.log_on_threads(handle)
        workers.submit(partial(log_ons.run, partial(_close_one, natives, handle), cut, threads))
    while not workers.idle_by(time.monotonic() + CUT_PAUSE):
        log_ons.cut_overdue()
        if time.monotonic() >= limit:
            report(log.warning, where, "log_offs_unanswered", "the database does not answer the log-offs")
            natives.shut_down_all()
            return


def _close_one(natives: NativePools, handle: Any, _seconds: float) -> None:
    natives.driver.close(handle)
