"""Who is logged on, as V$SESSION tells it: rows that belong to no session's transaction.

They are written over a connection of their own. Over a session's, they would be rolled back with its transaction, and
others would not see them before it commits.
"""

from __future__ import annotations

import threading
from dataclasses import fields

from psycopg import Error as PsycopgError
from psycopg import pq
from psycopg.pq.abc import PGconn, PGresult

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.identity import SessionIdentity
from orapool.sandbox.sql.link import Run

_COLUMNS = {"user": "username", "service": "service_name", "schema": "schemaname"}
"""Columns of oracle.sessions that are called otherwise than the fields of a `SessionIdentity`."""
_LOCK_TIMEOUT = b"set lock_timeout = '10s'"
_FIELDS = tuple(field.name for field in fields(SessionIdentity) if field.name != "instance")


def entry(identity: SessionIdentity) -> Run:
    """The command with which a session that logs on enters itself, over its own connection: no transaction is open."""
    names = [*(_COLUMNS.get(name, name) for name in _FIELDS), "pid", "logon_time"]
    marks = ", ".join(f"${number + 1}" for number in range(len(_FIELDS)))
    insert = (
        f"insert into oracle.sessions ({', '.join(names)}) values ({marks}, pg_backend_pid(), "
        f"oracle.sysdate()::timestamp) on conflict (sid) do update set "
        f"{', '.join(f'{name} = excluded.{name}' for name in names)}"
    )
    values = {name: str(getattr(identity, name)) for name in _FIELDS}
    values["user"] = identity.user.upper()
    return Run(insert.encode(), [value.encode() for value in values.values()])


def _is_lost(result: PGresult) -> bool:
    """Whether the connection failed: PostgreSQL's own errors have a SQLSTATE."""
    return result.status == pq.ExecStatus.FATAL_ERROR and not result.error_field(pq.DiagnosticField.SQLSTATE)


class SessionRegistry:
    """The table oracle.sessions, for what changes later. May be used by all threads."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._connection: PGconn | None = None
        self._lock = threading.Lock()

    def close(self) -> None:
        """Write no more."""
        with self._lock:
            if self._connection is not None:
                self._connection.finish()

    def update(self, identity: SessionIdentity, *names: str) -> None:
        """These fields of a session's identity have changed."""
        changes = ", ".join(f"{_COLUMNS.get(name, name)} = ${number + 2}" for number, name in enumerate(names))
        values = [str(getattr(identity, name)) for name in names]
        self._run(f"update oracle.sessions set {changes} where sid = $1", str(identity.sid), *values)

    def leave(self, identity: SessionIdentity) -> None:
        """A session has ended."""
        self._run("delete from oracle.sessions where sid = $1", str(identity.sid))

    def _run(self, sql: str, *values: str) -> PGresult:
        try:
            with self._lock:
                if self._connection is None:
                    self._connection = pq.PGconn.connect(f"{self._conninfo} application_name=registry".encode())
                    self._connection.exec_(_LOCK_TIMEOUT)
                result = self._connection.exec_params(sql.encode(), [value.encode() for value in values])
                if _is_lost(result):  # PostgreSQL has been started again, or has gone for good
                    self._connection.reset()
                    self._connection.exec_(_LOCK_TIMEOUT)
                    result = self._connection.exec_params(sql.encode(), [value.encode() for value in values])
        except PsycopgError as error:
            raise OracleError(
                3113, "end-of-file on communication channel (the embedded PostgreSQL has gone)"
            ) from error
        if _is_lost(result):
            raise OracleError(3113, "end-of-file on communication channel (the embedded PostgreSQL has gone)")
        if result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
            raise OracleError(604, f"error occurred in the sandbox's engine ({result.get_error_message()})")
        return result
