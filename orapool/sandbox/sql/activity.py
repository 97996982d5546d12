"""What each session does and has done last, for V$SESSION and V$SQL, which are told of it when they are read."""

from __future__ import annotations

import json
import threading
import time

from orapool.sandbox.sql.sql_id import make_sql_id
from orapool.sandbox.sql.statement import Statement

VIEWS = frozenset(f"{prefix}{name}" for prefix in ("V$", "GV$", "V_$") for name in ("SESSION", "SQL"))
"""The views that are told."""


class Activity:
    """One session's: whether a call is under way, since when, and the statements of this and the last time.

    Written by the session's own thread, and read by others.
    """

    __slots__ = ("active", "since", "statements")

    def __init__(self) -> None:
        self.active = False
        self.since = time.monotonic()
        self.statements: tuple[tuple[str, float], ...] = ()
        """The last two and when they began, in seconds of `time.time`; the later first."""

    def begin(self) -> None:
        """A call begins."""
        self.active, self.since = True, time.monotonic()

    def end(self) -> None:
        """The call has been answered."""
        self.active, self.since = False, time.monotonic()

    def note(self, sql: str) -> None:
        """A statement is executed."""
        self.statements = ((sql, time.time()), *self.statements[:1])

    @property
    def idle(self) -> float:
        """Seconds since the last call was answered; 0 while one is under way."""
        return 0.0 if self.active else time.monotonic() - self.since


class Activities:
    """Those of all sessions of an engine, by SID. May be used by all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_sid: dict[int, Activity] = {}

    def join(self, sid: int) -> Activity:
        """A session has logged on."""
        with self._lock:
            made = self._by_sid[sid] = Activity()
        return made

    def leave(self, sid: int, activity: Activity) -> None:
        """A session has ended."""
        with self._lock:
            if self._by_sid.get(sid) is activity:
                del self._by_sid[sid]

    def in_json(self) -> bytes:
        """All of them, as the views take them."""
        with self._lock:
            found = list(self._by_sid.items())
        now = time.monotonic()
        rows = []
        for sid, each in found:
            statements, active = each.statements, each.active
            current = statements[:1] if active else ()
            previous = statements[1:] if active else statements[:1]
            row: dict[str, object] = {"sid": sid, "active": active, "seconds": int(now - each.since)}
            for column, texts in (("sql", current), ("prev", previous)):
                for text, began in texts:
                    row[f"{column}_id"], row[f"{column}_text"] = make_sql_id(text), text
                    row[f"{column}_start"] = began
            rows.append(row)
        return json.dumps(rows).replace("\\u0000", "").encode()


def reads_activities(statement: Statement) -> bool:
    """Whether a query reads a view that has to be told."""
    return any(name in VIEWS for _schema, name in statement.tables)
