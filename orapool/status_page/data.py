"""What the page shows, as data.json has it: documented in the README."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
from typing import Any

from orapool._version import __version__
from orapool.tags import script_name
from orapool.watching.applications import read_application
from orapool.watching.history import PERIOD, SAMPLES
from orapool.watching.published import Published
from orapool.watching.rows import WINDOW, Row
from orapool.watching.series import recent_waits, series


def describe_application() -> dict[str, Any]:
    """This application's pools at this moment, and in the last ten minutes."""
    return describe(read_application(), time.time())


def describe(found: Sequence[Published], now: float) -> dict[str, Any]:
    """The same of what was published."""
    return {
        "orapool": __version__,
        "application": script_name(),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "at": now,
        "pools": [_describe_pool(published, now) for published in found],
        "history": {
            "period": PERIOD,
            "from": (int(now // PERIOD) - SAMPLES) * PERIOD,
            "pools": series(found, now),
        },
    }


def _describe_pool(published: Published, now: float) -> dict[str, Any]:
    row = Row(published, recent_waits(published, now, WINDOW))
    return {
        **row.as_json(),
        "silent": row.silent is not None,
        "recent": {"seconds": WINDOW, "wait_p50": row.waits.p50, "wait_p99": row.waits.p99},
    }
