"""The statements that sessions had executed, the last of them, for who asks what an application sent."""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from orapool.sandbox.arrays import ArrayText
from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql import SessionIdentity
from orapool.sandbox.sql.python_values import json_of
from orapool.sandbox.types import OracleType

KEPT_STATEMENTS = 10_000
_KEPT_BYTES = 32 << 20
_KEPT_ROWS = 20
_KEPT_VALUE = 1000
# What a statement takes beside its texts.
_OVERHEAD = 500
_SECRET = r"(?:\"[^\"]*\"|'[^']*'|[^\s;]+)"
_PASSWORD = re.compile(rf"(\bidentified\s+by\s+(?:values\s+)?){_SECRET}(?:(\s+replace\s+){_SECRET})?", re.IGNORECASE)


class Record:
    """One statement, executed once, or once for each bind row. Its session's thread completes it."""

    __slots__ = (
        "action", "bind_rows", "error", "executions", "module", "row_count", "seconds", "serial", "sid", "size", "sql",
        "started", "types", "user",
    )  # fmt: skip

    def __init__(
        self, serial: int, identity: SessionIdentity, sql: str, types: Sequence[OracleType], rows: Sequence[Any]
    ) -> None:
        self.serial = serial
        self.sid = identity.sid
        self.user = identity.user
        self.module = identity.module
        self.action = identity.action
        self.sql = sql
        self.types = types
        self.executions = len(rows)
        self.bind_rows: list[list[bytes | None]] = []
        self.size = len(sql) + _OVERHEAD
        if types:
            for number in range(min(self.executions, _KEPT_ROWS)):
                row = list(rows[number])
                for index, value in enumerate(row):
                    if value is not None:
                        size = len(value)
                        if size > _KEPT_VALUE:
                            cut = value.cut(_KEPT_VALUE) if isinstance(value, ArrayText) else value[:_KEPT_VALUE]
                            row[index] = cut
                        self.size += size
                self.bind_rows.append(row)
        self.row_count = 0
        self.error: OracleError | None = None
        self.started = time.time()
        self.seconds = 0.0

    def as_json(self) -> dict[str, Any]:
        """What the client's side makes a `RecordedStatement` of."""
        return {
            "serial": self.serial,
            "sid": self.sid,
            "user": self.user,
            "module": self.module,
            "action": self.action,
            "sql": _without_passwords(self.sql),
            "bind_rows": [[_bind(kind, value) for kind, value in zip(self.types, row)] for row in self.bind_rows],
            "executions": self.executions,
            "row_count": self.row_count,
            "error": None if self.error is None else [self.error.code, _without_passwords(self.error.message)],
            "started": self.started,
            "seconds": self.seconds,
        }


def _without_passwords(text: str) -> str:
    return _PASSWORD.sub(lambda found: f"{found[1]}***" + (f"{found[2]}***" if found[2] else ""), text)


def _bind(kind: OracleType, value: bytes | None) -> Any:
    if value is None or isinstance(value, ArrayText) or len(value) < _KEPT_VALUE:
        return json_of(kind, value)
    given = json_of(kind, value.decode(errors="ignore").encode())
    return given if given is None or given[0] != "bytes" else ["bytes", given[1][: len(given[1]) // 2 * 2]]


class Recorder:
    """The last statements of all sessions, so many of them and so many bytes at the most. May be used by all threads.

    Args:
        most: how many are kept; 0 for none.
    """

    def __init__(self, most: int = KEPT_STATEMENTS) -> None:
        self._most = most
        self._size = 0
        self._serials = itertools.count(1)
        self._records: deque[Record] = deque()
        self._lock = threading.Lock()

    def add(
        self, identity: SessionIdentity, sql: str, types: Sequence[OracleType], rows: Sequence[Any]
    ) -> Record | None:
        """Take up a statement that is about to be executed; None where none are kept."""
        if not self._most:
            return None
        record = Record(next(self._serials), identity, sql, types, rows)
        with self._lock:
            self._records.append(record)
            self._size += record.size
            while len(self._records) > self._most or self._size > _KEPT_BYTES:
                self._size -= self._records.popleft().size
        return record

    def since(self, after: int = 0) -> list[dict[str, Any]]:
        """Those later than a serial number, the first first."""
        with self._lock:
            found = [record for record in self._records if record.serial > after]
        return [record.as_json() for record in sorted(found, key=_serial)]

    def last(self) -> int:
        """The serial number of the last."""
        with self._lock:
            return max((record.serial for record in self._records), default=0)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._records.clear()
            self._size = 0


def _serial(record: Record) -> int:
    return record.serial
