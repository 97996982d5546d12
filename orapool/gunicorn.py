"""Hooks for gunicorn: one line in gunicorn.conf.py, `from orapool.gunicorn import pre_fork, worker_exit`.

Workers have pools of their own without them too. With them the master keeps no session that it has opened while it
loaded the application (`preload_app`), and a worker logs its idle sessions off when it ends, also one that has to be
killed afterwards, because a thread of it hangs.

An own hook of the same name calls the one here: `orapool.gunicorn.pre_fork(server, worker)`.
"""

from __future__ import annotations

import os
from typing import Any

from orapool import pools

__all__ = ["pre_fork", "worker_exit"]


def pre_fork(server: Any, worker: Any) -> None:
    """In the master, before each worker is forked: close the idle sessions of its pools, within a few seconds."""
    pools.vacate()


def worker_exit(server: Any, worker: Any) -> None:
    """In a worker that ends: close its pools, within a few seconds."""
    if worker.pid == os.getpid():  # gunicorn calls it in the master, too, for a worker that it did not find any more
        pools.close()
