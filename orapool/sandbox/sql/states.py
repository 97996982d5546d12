"""States of all the data that are kept, to come back to: databases of PostgreSQL, copied as files.

Who keeps a state goes on with a copy of it. A copy that nobody has used is good for the next time, and after one that
was used another is made ahead, by a thread of its own.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from psycopg import Error as PsycopgError
from psycopg import pq
from psycopg.pq.abc import PGconn, PGresult

FIRST = "postgres"
_PREFIX = "state_"
_LEAVE_SECONDS = 5.0
_OK = (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK)


@dataclass
class _Kept:
    """A state: its database, and whether that had been used since it was copied itself."""

    name: str
    used: bool


class States:
    """The databases of one engine.

    Args:
        conninfo: how to connect to a database, by its name.
    """

    def __init__(self, conninfo: Callable[[str], str]) -> None:
        self.current = FIRST
        self._conninfo = conninfo
        self._kept: list[_Kept] = []
        self._used = True
        self._spares: dict[str, str] = {}
        self._stale: list[str] = []
        self._serial = 0
        self._lock = threading.Lock()
        # Who connects waits while a copy is made, and the other way round: PostgreSQL would have both wait for seconds.
        self._gate = threading.Condition()
        self._entering = 0
        self._copying = False
        self._upkeep: threading.Thread | None = None

    def __repr__(self) -> str:
        return f"<States, {len(self._kept)} kept, now in {self.current}>"

    @contextlib.contextmanager
    def use(self) -> Iterator[None]:
        """Around the connecting of somebody who may change what is there."""
        with self._gate:
            while self._copying:
                self._gate.wait()
            self._entering += 1
        try:
            self._used = True
            with self._lock:
                spare = self._spares.pop(self.current, None)
                if spare is not None:
                    self._stale.append(spare)
            yield
        finally:
            with self._gate:
                self._entering -= 1
                self._gate.notify_all()

    @contextlib.contextmanager
    def _closed(self) -> Iterator[None]:
        """While nobody can connect."""
        with self._gate:
            while self._entering or self._copying:
                self._gate.wait()
            self._copying = True
        try:
            yield
        finally:
            with self._gate:
                self._copying = False
                self._gate.notify_all()

    def keep(self) -> None:
        """Keep the state of now, and go on with a copy. Nobody may be connected.

        Raises:
            RuntimeError: PostgreSQL cannot copy it; the message says why.
        """
        self._finish_upkeep()
        with self._lock:
            copy = self._spares.pop(self.current, None)
        if copy is None:
            with self._closed(), self._connected() as connection:
                self._wait_until_left(connection, self.current)
                copy = self._copy(connection, self.current)
        self._kept.append(_Kept(self.current, self._used))
        self.current, self._used = copy, False

    def restore(self) -> None:
        """Come back to the state that was kept last.

        Raises:
            ValueError: none is kept.
        """
        if not self._kept:
            raise ValueError("no state is kept")
        self._finish_upkeep()
        copy, used = self.current, self._used
        kept = self._kept.pop()
        self.current, self._used = kept.name, kept.used
        with self._lock:
            if not used:
                self._spares[self.current] = copy
                return
            self._stale.append(copy)
        self._upkeep = threading.Thread(target=self._tidy, args=(self.current,), name="states", daemon=True)
        self._upkeep.start()

    def close(self) -> None:
        """Do no more."""
        self._finish_upkeep()

    def remove_others(self) -> None:
        """Drop the copies that an earlier process left in a folder."""
        with self._connected() as connection:
            found = _run(connection, f"select datname from pg_database where datname like '{_PREFIX}%'")
            self._stale = [(found.get_value(row, 0) or b"").decode() for row in range(found.ntuples)]
            self._drop_stale(connection)

    def _tidy(self, base: str) -> None:
        """Make the next copy, and drop those that are of no use."""
        with contextlib.suppress(RuntimeError, PsycopgError), self._connected() as connection:
            with self._closed():
                # Who has connected already may change it: it is not worth a copy then.
                if base == self.current and not self._others(connection, base):
                    copy = self._copy(connection, base)
                    with self._lock:
                        self._spares[base] = copy
            self._drop_stale(connection)

    def _drop_stale(self, connection: PGconn) -> None:
        with self._lock:
            stale, self._stale = self._stale, []
        for name in stale:
            _run(connection, f"drop database if exists {name} with (force)")

    def _others(self, connection: PGconn, base: str) -> int:
        """How many are connected."""
        sql = f"select from pg_stat_activity where datname = '{base}' and backend_type = 'client backend'"
        return _run(connection, sql).ntuples

    def _wait_until_left(self, connection: PGconn, base: str) -> None:
        """PostgreSQL itself looks but ten times a second whether those who leave have gone."""
        deadline = time.monotonic() + _LEAVE_SECONDS
        while self._others(connection, base) and time.monotonic() < deadline:
            time.sleep(0.001)

    def _copy(self, connection: PGconn, base: str) -> str:
        self._serial += 1
        name = f"{_PREFIX}{self._serial}"
        _run(connection, f"create database {name} template {base} strategy file_copy")
        return name

    def _finish_upkeep(self) -> None:
        upkeep, self._upkeep = self._upkeep, None
        if upkeep is not None:
            upkeep.join()

    @contextlib.contextmanager
    def _connected(self) -> Iterator[PGconn]:
        connection = pq.PGconn.connect(self._conninfo("template1").encode())
        try:
            yield connection
        finally:
            connection.finish()


def _run(connection: PGconn, sql: str) -> PGresult:
    result = connection.exec_(sql.encode())
    if result.status not in _OK:
        raise RuntimeError(f"the embedded PostgreSQL refused {sql!r}: {result.get_error_message()}")
    return result
