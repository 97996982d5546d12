"""orapool: one native Oracle session pool per process, shared by ORM code, hand-written SQL and DataFrames."""

from __future__ import annotations

import importlib
from typing import Any

from orapool._version import __version__ as __version__
from orapool.counters import PoolStats
from orapool.errors import (
    ConfigurationError,
    DatabaseUnavailable,
    LogOnError,
    OnSessionError,
    PoolClosed,
    PoolError,
    PoolTimeout,
    PrecisionLoss,
    ReadInterrupted,
    ReadTimeout,
    SnapshotUnavailable,
    WriteError,
    WriteTimeout,
)
from orapool.pools import all_stats, close, configure, connection, pool, stats, transaction
from orapool.retries import retry
from orapool.session_pool import SessionPool
from orapool.tags import tag

# The ways in, imported when first asked for: SQLAlchemy and pandas take a second to load.
_WAYS_IN = {
    "AsyncPool": "orapool.aio.session_pool",
    "aclose": "orapool.aio.pools",
    "aconnection": "orapool.aio.pools",
    "apool": "orapool.aio.pools",
    "async_engine": "orapool.aio.alchemy",
    "atransaction": "orapool.aio.pools",
    "descriptor": "orapool.dsn",
    "engine": "orapool.alchemy",
    "engine_options": "orapool.alchemy",
    "from_engine_options": "orapool.queue_pool",
    "url": "orapool.alchemy",
    "iter_df": "orapool.frames",
    "read_arrow": "orapool.frames",
    "read_df": "orapool.frames",
    "read_polars": "orapool.frames",
    "write_df": "orapool.frames.writing",
}

__all__ = [
    "AsyncPool",
    "ConfigurationError",
    "DatabaseUnavailable",
    "LogOnError",
    "OnSessionError",
    "PoolClosed",
    "PoolError",
    "PoolStats",
    "PoolTimeout",
    "PrecisionLoss",
    "ReadInterrupted",
    "ReadTimeout",
    "SessionPool",
    "SnapshotUnavailable",
    "WriteError",
    "WriteTimeout",
    "aclose",
    "aconnection",
    "all_stats",
    "apool",
    "async_engine",
    "atransaction",
    "close",
    "configure",
    "connection",
    "descriptor",
    "engine",
    "engine_options",
    "from_engine_options",
    "iter_df",
    "pool",
    "read_arrow",
    "read_df",
    "read_polars",
    "retry",
    "stats",
    "tag",
    "transaction",
    "url",
    "write_df",
]


def __getattr__(name: str) -> Any:
    if name not in _WAYS_IN:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(_WAYS_IN[name]), name)
    globals()[name] = found
    return found
