"""When the data changed last, and which queries depend on nothing else: what a cache of results has to know."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from psycopg import Error as PsycopgError
from psycopg import pq
from psycopg.pq.abc import PGconn

from orapool.sandbox.sql.binds import array
from orapool.sandbox.sql.columns import TEXT
from orapool.sandbox.sql.names import quote_name
from orapool.sandbox.sql.statement import Statement


class Changes:
    """Counts the transactions that ended with a commit.

    A result that was read between two of them is that of any other session, too, as long as no third comes.
    """

    def __init__(self) -> None:
        self.version: int | None = 0
        """The number of the last change; None while one is under way."""
        self._version = 0
        self._under_way = 0
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def change(self) -> Iterator[None]:
        """Around a commit: from its begin to its end no result counts as the present one."""
        with self._lock:
            self._version += 1
            self._under_way += 1
            self.version = None
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1
                if not self._under_way:
                    self.version = self._version


# Functions that read nothing but the session's settings, which a cache has in its keys.
_BY_SETTINGS = """
add_months concat dat date_format date_text date_varchar datetime_format extract_ from_tz num str timestamp_format
timestamp_tz_format tms to_char to_date to_nchar to_number to_timestamp to_timestamp_tz trunc
"""
_FUNCTIONS = b"""
select proname from pg_proc join pg_namespace n on n.oid = pronamespace
 where nspname = 'oracle' group by proname having bool_and(provolatile = 'i')
"""
# Whether all these names are tables that stay, of users' schemas, or DUAL.
_ARE_TABLES = b"""
select coalesce(bool_and(coalesce(c.relkind = 'r' and c.relpersistence <> 't' and nspname not in ('SYS', 'oracle')
         and nspname not like 'pg\\_%' or (nspname, relname) = ('SYS', 'DUAL'), false)), true)
  from unnest($1::text[]) as t(name) left join pg_class c on c.oid = to_regclass(t.name)
  left join pg_namespace n on n.oid = c.relnamespace
"""


class Repeatability:
    """Which statements give the same rows again while no data change: no SYSDATE, sequence, dictionary or view in them.

    May be used by all threads.
    """

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._connection: PGconn | None = None
        self._functions: frozenset[str] = frozenset()
        self._known: dict[tuple[object, ...], bool] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Ask no more."""
        with self._lock:
            if self._connection is not None:
                self._connection.finish()

    def is_repeatable(self, statement: Statement, search_path: str, epoch: int) -> bool:
        """Whether a query's rows depend on its binds, the session's settings and the tables' data alone."""
        if statement.locks:
            return False
        key = (statement.sql, search_path, epoch)
        with self._lock:
            found = self._known.get(key)
            if found is None:
                if len(self._known) > 1000:
                    self._known.clear()
                try:
                    found = self._ask(statement, search_path)
                except PsycopgError:
                    return False
                if self._connection is not None and self._connection.status == pq.ConnStatus.OK:
                    self._known[key] = found
            return found

    def _ask(self, statement: Statement, search_path: str) -> bool:
        if self._connection is not None and self._connection.status == pq.ConnStatus.BAD:
            self._connection.finish()  # PostgreSQL has been started again
            self._connection = None
        if self._connection is None:
            self._connection = pq.PGconn.connect(f"{self._conninfo} application_name=repeatability".encode())
            result = self._connection.exec_(_FUNCTIONS)
            names = {(result.get_value(row, 0) or b"").decode() for row in range(result.ntuples)}
            self._functions = frozenset(names | set(_BY_SETTINGS.split()))
        functions = {name[7:] for name in statement.functions if name.startswith("oracle.")}
        if not functions <= self._functions or {"nextval", "currval"} & statement.functions:
            return False
        self._connection.exec_params(b"select set_config('search_path', $1, false)", [search_path.encode()])
        tables = [".".join(quote_name(part) for part in table if part).encode() for table in statement.tables]
        result = self._connection.exec_params(_ARE_TABLES, [array(tables, TEXT)])
        return result.status == pq.ExecStatus.TUPLES_OK and result.get_value(0, 0) == b"t"
