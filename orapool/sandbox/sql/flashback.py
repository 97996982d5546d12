"""The state of the data at a system change number (SCN): snapshots of PostgreSQL, kept for queries AS OF SCN.

Who asks for the SCN of now has a snapshot kept for it, by a connection whose transaction stays open. A query of that
time runs in a transaction of its own, which takes the snapshot over. Only so many are kept, and not for ever.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from psycopg import Error as PsycopgError
from psycopg import pq
from psycopg.pq.abc import PGconn, PGresult

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.changes import Changes

MOST_SNAPSHOTS = 16
KEPT_SECONDS = 900.0

# Where a table's rows are, and its columns: other than now when it was truncated, altered or made since.
TABLE_FORMS = b"""
select t.name, c.oid, c.relkind, c.relfilenode,
       (select string_agg(format('%s:%s:%s', attnum, attname, atttypid), ',' order by attnum)
          from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped)
  from unnest($1::text[]) as t(name) left join pg_class c on c.oid = to_regclass(t.name) order by 1
"""


@dataclass(frozen=True)
class _Kept:
    """A snapshot, and the connection that keeps it."""

    name: str
    connection: PGconn
    version: int | None
    since: float


def _is_lost(connection: PGconn) -> bool:
    try:
        connection.consume_input()
    except PsycopgError:
        return True
    return connection.status == pq.ConnStatus.BAD


class Snapshots:
    """The snapshots of one engine, by SCN. May be used by all threads.

    Args:
        conninfo: how to connect to the engine.
        changes: tells whether the data have changed since the last.
    """

    def __init__(self, conninfo: str, changes: Changes) -> None:
        self._conninfo = conninfo
        self._changes = changes
        # SCNs grow, over restarts too.
        self._first = self._last = int(time.time() * 1000)
        self._kept: OrderedDict[int, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def close(self) -> None:
        """Keep none."""
        with self._lock:
            while self._kept:
                self._drop()

    def current(self) -> int:
        """The SCN of now; its snapshot is kept.

        Raises:
            OracleError: ORA-03113 when the engine has gone.
        """
        with self._lock:
            self._expire()
            version = self._changes.version
            last = self._kept.get(self._last)
            if last is not None and version is not None and version == last.version:
                return self._last
            try:
                connection = pq.PGconn.connect(f"{self._conninfo} application_name=snapshot".encode())
                connection.exec_(b"begin isolation level repeatable read read only")
                exported: PGresult = connection.exec_(b"select pg_export_snapshot()")
            except PsycopgError as error:
                raise OracleError(3113, f"end-of-file on communication channel ({error})") from error
            if exported.status != pq.ExecStatus.TUPLES_OK:
                connection.finish()
                raise OracleError(604, f"error occurred in the sandbox's engine ({exported.get_error_message()})")
            name = (exported.get_value(0, 0) or b"").decode()
            if version != self._changes.version:
                version = None
            self._last += 1
            self._kept[self._last] = _Kept(name, connection, version, time.monotonic())
            while len(self._kept) > MOST_SNAPSHOTS:
                self._drop()
            return self._last

    def find(self, scn: int) -> str:
        """PostgreSQL's name of the snapshot of an SCN.

        Raises:
            OracleError: ORA-01555 for one that is kept no more, ORA-08181 for one that nobody asked for.
        """
        with self._lock:
            self._expire()
            kept = self._kept.get(scn)
            if kept is not None:
                return kept.name
            if self._first < scn <= self._last:
                raise OracleError(1555, f"snapshot too old: the sandbox keeps the last {MOST_SNAPSHOTS} SCNs that were "
                                        f"asked for, up to {KEPT_SECONDS:.0f} s")  # fmt: skip
            raise OracleError(8181, "specified number is not a valid system change number")

    def _expire(self) -> None:
        deadline = time.monotonic() - KEPT_SECONDS
        while self._kept and next(iter(self._kept.values())).since < deadline:
            self._drop()
        for scn, kept in list(self._kept.items()):
            if _is_lost(kept.connection):  # with PostgreSQL, which has been started again
                del self._kept[scn]

    def _drop(self) -> None:
        _scn, old = self._kept.popitem(last=False)
        old.connection.finish()
