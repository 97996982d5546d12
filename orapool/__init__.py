"""orapool: one native Oracle session pool per process, shared by ORM code, hand-written SQL and DataFrames."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

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
from orapool.tags import tag

if TYPE_CHECKING:
    from orapool.aio.alchemy import async_engine
    from orapool.aio.pools import aclose, aconnection, apool, atransaction
    from orapool.aio.session_pool import AsyncPool
    from orapool.alchemy import engine, engine_options, url
    from orapool.dsn import descriptor
    from orapool.frames import iter_df, read_arrow, read_df, read_polars
    from orapool.frames.writing import write_df
    from orapool.pools import all_stats, close, configure, connection, pool, stats, transaction
    from orapool.queue_pool import from_engine_options
    from orapool.retries import retry
    from orapool.session_pool import SessionPool

# Imported when first asked for: SQLAlchemy and pandas take a second to load, pydantic, for settings, a tenth of one.
_MODULES = {
    "AsyncPool": "orapool.aio.session_pool",
    "SessionPool": "orapool.session_pool",
    "aclose": "orapool.aio.pools",
    "aconnection": "orapool.aio.pools",
    "all_stats": "orapool.pools",
    "apool": "orapool.aio.pools",
    "async_engine": "orapool.aio.alchemy",
    "atransaction": "orapool.aio.pools",
    "close": "orapool.pools",
    "configure": "orapool.pools",
    "connection": "orapool.pools",
    "descriptor": "orapool.dsn",
    "engine": "orapool.alchemy",
    "engine_options": "orapool.alchemy",
    "from_engine_options": "orapool.queue_pool",
    "iter_df": "orapool.frames",
    "pool": "orapool.pools",
    "read_arrow": "orapool.frames",
    "read_df": "orapool.frames",
    "read_polars": "orapool.frames",
    "retry": "orapool.retries",
    "stats": "orapool.pools",
    "transaction": "orapool.pools",
    "url": "orapool.alchemy",
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
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(_MODULES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
