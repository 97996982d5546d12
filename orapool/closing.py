"""The end of a pool: its native pools are closed, and nobody waits for long, also when the database does not answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from orapool import forking
from orapool.log_ons import CUT_PAUSE, LogOns
from orapool.native_pools import NativePools
from orapool.workers import CallTimeout, Workers

log = logging.getLogger("orapool.pool")

_LIMIT = 1.5
"""Seconds that the log-offs of a closing pool may take in all."""


def draw_idle(natives: NativePools, background: Workers) -> Iterator[Any]:
    """Draw the idle sessions while others are checked out, which no native pool can close by itself."""
    if not background.idle_by(time.monotonic() + _LIMIT):
        natives.shut_down_idle()
    for native in natives.all:
        for connection, _state in list(iter(partial(natives.draw_idle, native), None)):
            yield connection


def close(natives: NativePools, workers: Workers, background: Workers, log_ons: LogOns, where: str) -> None:
    """Close the native pools, when the calls in them have ended. Those of `background` run within those of `workers`.

    `where` is what to call the pool in the log.
    """

    def calls_end_by(deadline: float) -> bool:
        return background.idle_by(deadline) and workers.idle_by(deadline)

    deadline = time.monotonic() + _LIMIT
    limit = deadline + _LIMIT / 4
    if not calls_end_by(deadline):
        natives.shut_down_all()
        while not calls_end_by(time.monotonic() + CUT_PAUSE) and time.monotonic() < limit:
            log_ons.cut_overdue(float("inf"))  # nobody waits for any of them
    try:
        if calls_end_by(limit):
            workers.run(natives.close, deadline)
        else:
            # Oracle Client crashes when its pool is closed under a call that still runs in it.
            forking.leak(natives.handles())
            log.warning("%s: %s, %s will not end: left alone", where, workers, background)
    except CallTimeout:
        log.warning("%s: the database does not answer the log-offs", where)
        natives.shut_down_all()
    except Exception as error:
        log.warning("%s: closing failed: %s", where, error)
    natives.forget_sessions()
