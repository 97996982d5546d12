"""V$SESSION's view of an application: which sessions the server has, who is at work in them, and since when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from orapool.errors import PoolError, error_codes, reason

_NOT_VISIBLE = frozenset({"ORA-00942", "ORA-01031", "ORA-00904"})
_COLUMNS = """s.sid, s.serial#, s.username, s.status, s.module, s.action, s.client_identifier, s.machine, s.port,
 s.process, s.program, round((sysdate - s.logon_time) * 86400), s.last_call_et, s.sql_id, s.prev_sql_id"""
_SQL = """left join {v}$sql q on q.sql_id = s.sql_id and q.child_number = s.sql_child_number{q}
 left join {v}$sql p on p.sql_id = s.prev_sql_id and p.child_number = s.prev_child_number{p}"""
_OWN = "select sys_context('USERENV', 'SID'), sys_context('USERENV', 'INSTANCE') from dual"


class NotVisible(PoolError):
    """The user may not see V$SESSION."""


@dataclass(frozen=True)
class ServerSession:
    """A session, as the server has it.

    Attributes:
        instance: the number of its instance, in a cluster.
        machine: the client's host, as its driver calls it.
        port: the client's port, as it arrives at the server.
        process: the client's process.
        logged_on: seconds since the log-on.
        last_call: seconds since its last call began, while it is active, or ended.
        sql: what it runs, if it runs something and V$SQL is visible.
        previous_sql: what it has run before.
    """

    instance: int
    sid: int
    serial: int
    username: str
    status: str
    module: str | None
    action: str | None
    client_identifier: str | None
    machine: str | None
    port: int | None
    process: str | None
    program: str | None
    logged_on: int
    last_call: int
    sql_id: str | None
    previous_sql_id: str | None
    sql: str | None = None
    previous_sql: str | None = None

    @property
    def pid(self) -> int | None:
        """The client's process as a number; Windows has the thread behind it."""
        text = (self.process or "").partition(":")[0]
        return int(text) if text.isdigit() else None


@dataclass(frozen=True)
class ServerSessions:
    """All users' sessions.

    Attributes:
        own: the one that has looked.
        others: the others.
        has_sql: whether V$SQL was visible.
        all_instances: whether those of all instances of a cluster are there.
    """

    own: ServerSession
    others: tuple[ServerSession, ...]
    has_sql: bool
    all_instances: bool


def read_sessions(connection: Any, errors: type[Exception]) -> ServerSessions:
    """Read them all. Raises `NotVisible`, and `errors`, of the driver.

    >>> [session.sid for session in read_sessions(connection, oracledb.Error).others]
    [101, 102]
    """
    with connection.cursor() as cursor:
        sid, instance = (int(value) for value in cursor.execute(_OWN).fetchone())
        denied: Exception | None = None
        for statement, has_sql, everywhere in _statements(instance):
            try:
                rows = cursor.execute(statement).fetchall()
            except errors as error:
                if _NOT_VISIBLE.isdisjoint(error_codes(error)):
                    raise
                denied = error
                continue
            found = [_session(row, has_sql) for row in rows]
            own = next((each for each in found if (each.sid, each.instance) == (sid, instance)), None)
            if own is not None:
                others = tuple(each for each in found if each is not own)
                return ServerSessions(own, others, has_sql, everywhere)
    assert denied is not None
    raise NotVisible(
        "V$SESSION is not visible to this user: have a DBA GRANT SELECT ON V_$SESSION (in a cluster GV_$SESSION too, "
        f"and V_$SQL or GV_$SQL for the statements) to it, or the role SELECT_CATALOG_ROLE ({reason(denied)})"
    ) from denied


def _statements(instance: int) -> Iterator[tuple[str, bool, bool]]:
    """From the one that tells most to the one that needs least."""
    for has_sql in (True, False):
        for everywhere in (True, False):
            view, number = ("gv", "s.inst_id") if everywhere else ("v", str(instance))
            joined = {"v": view, **{each: f" and {each}.inst_id = s.inst_id" if everywhere else "" for each in "qp"}}
            texts = ", q.sql_text, p.sql_text" if has_sql else ""
            join = _SQL.format(**joined) if has_sql else ""
            yield (
                f"select {number}, {_COLUMNS}{texts} from {view}$session s {join} where s.type = 'USER'",
                has_sql,
                everywhere,
            )


def _session(row: tuple[Any, ...], has_sql: bool) -> ServerSession:
    numbers = {0, 1, 2, 9, 12, 13}
    values: list[Any] = [int(value) if at in numbers and value is not None else value for at, value in enumerate(row)]
    values[12:14] = [value or 0 for value in values[12:14]]
    return ServerSession(*values)
