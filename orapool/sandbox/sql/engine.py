"""The life of one embedded PostgreSQL: its folder, its process, its bootstrap."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path

from psycopg import pq
from psycopg.pq.abc import PGconn

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql import bootstrap
from orapool.sandbox.sql.activity import Activities
from orapool.sandbox.sql.backend import Backend
from orapool.sandbox.sql.bootstrap import run
from orapool.sandbox.sql.changes import Changes, Repeatability
from orapool.sandbox.sql.columns import ColumnCatalog
from orapool.sandbox.sql.flashback import Snapshots
from orapool.sandbox.sql.identity import ClientWatch, SessionIdentity
from orapool.sandbox.sql.installation import START_SECONDS, STOP_SECONDS, Installation
from orapool.sandbox.sql.link import Failure, Link, Run
from orapool.sandbox.sql.names import learn_long_names, quote_name, quote_text
from orapool.sandbox.sql.past import Past
from orapool.sandbox.sql.privileges import Privileges
from orapool.sandbox.sql.registry import SessionRegistry
from orapool.sandbox.sql.routines import Routines
from orapool.sandbox.sql.sqlstate import oracle_error
from orapool.sandbox.sql.statement import Statement, StatementCache
from orapool.sandbox.sql.states import States
from orapool.sandbox.sql.synonyms import Synonyms
from orapool.sandbox.sql.users import Accounts

logger = logging.getLogger(__name__)


# Waits for the end of its input, which comes when the process that holds the other end is gone.
_WATCHER = """
how=$1; pid=$2; shift 2
read -r _
kill -s "$how" "$pid"
for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$pid" 2>/dev/null || break; sleep 0.2; done
rm -rf -- "$@"
"""

_FORGET_ROWS = Run(b"select oracle.forget_rows(false)")


class Engine:
    """One embedded PostgreSQL that answers Oracle's SQL.

    Args:
        path: a folder that keeps the data; None for a temporary one, in memory where possible, removed by `stop`.
        users: the Oracle users; each gets a schema of its name in upper case.
    """

    def __init__(self, path: Path | None, users: Iterable[str]) -> None:
        self.path = path
        self.users = [user.upper() for user in users]
        self.statements = StatementCache()
        self.columns = ColumnCatalog()
        self.changes = Changes()
        self.activities = Activities()
        self.privileges = Privileges()
        self.routines = Routines()
        self.synonyms = Synonyms()
        self.accounts: Accounts | None = None
        self.has_temporary_tables = False
        self._states = States(self._conninfo)
        self._had_temporary_tables: list[bool] = []
        self._links: weakref.WeakSet[Link] = weakref.WeakSet()
        self._repeatability: Repeatability | None = None
        self._snapshots: Snapshots | None = None
        self._registry: SessionRegistry | None = None
        self._folder: Path | None = None
        self._sockets: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._watcher: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        state = "running" if self.running else "stopped"
        return f"<Engine {state} in {self.path or 'memory'}>"

    def __enter__(self) -> Engine:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Whether the PostgreSQL process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def registry(self) -> SessionRegistry:
        """Where sessions tell what V$SESSION shows of them. Raises an OracleError, ORA-01034, while it is stopped."""
        if self._registry is None:
            raise OracleError(1034, "ORACLE not available")
        return self._registry

    @property
    def snapshots(self) -> Snapshots:
        """The states of the data that are kept. Raises an OracleError, ORA-01034, while the engine is stopped."""
        if self._snapshots is None:
            raise OracleError(1034, "ORACLE not available")
        return self._snapshots

    def is_repeatable(self, statement: Statement, search_path: str) -> bool:
        """Whether a query's rows depend on its binds, the session's settings and the tables' data alone."""
        repeatability = self._repeatability
        return repeatability is not None and repeatability.is_repeatable(statement, search_path, self.columns.epoch)

    def at_commit(self) -> list[Run]:
        """What a session does before it commits: temporary tables may lose their rows."""
        return [_FORGET_ROWS] if self.has_temporary_tables else []

    def finish_streams(self, own: Link | None = None) -> None:
        """Read what all sessions but one have left to fetch, so that no table is locked for it."""
        with self._lock:
            links = [link for link in self._links if link is not own]
        for link in links:
            link.finish_stream()

    def start(self) -> None:
        """Make the database if it is not there, and start it.

        Raises:
            RuntimeError: it did not come up; the message has the end of its log.
        """
        with self._lock:
            if self.running:
                return
            crashed = self._process is not None
            if crashed:
                self._leave_crashed()
            else:
                self._make_folders()
                self._states = States(self._conninfo)
            assert self._sockets is not None
            assert self._folder is not None
            installation = Installation(self._sockets, in_memory=self.path is None)
            if self.path is None:
                installation.own(self._folder)
            data = self._folder / "postgres"
            fresh = not (data / "PG_VERSION").exists()
            template = installation.make_database(data) if fresh else None
            try:
                self._launch(installation, data)
            except RuntimeError as error:
                if template is None:
                    raise
                logger.warning("%s is of no use, and made anew: %s", template.folder, error)
                template.discard()
                shutil.rmtree(data)
                installation.make_database(data)
                self._launch(installation, data)
            self._watch()
            self._bootstrap(left_over=not fresh and not crashed)
            self._attend()

    def _make_folders(self) -> None:
        self._owner = os.getpid()
        atexit.register(self.stop)
        self._sockets = Path(tempfile.mkdtemp(prefix="orapool-", dir="/tmp"))
        if self.path is None:
            memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
            self._folder = Path(tempfile.mkdtemp(prefix="orapool-", dir=memory))
        else:
            self.path.mkdir(parents=True, exist_ok=True)
            self._folder = self.path.resolve()

    def _leave_crashed(self) -> None:
        """Let go of a PostgreSQL that has crashed, but of its data."""
        self._leave()
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.kill()
            watcher.communicate()

    @property
    def crash(self) -> str:
        """How PostgreSQL has ended of itself; empty while it runs, and when it was stopped."""
        process = self._process
        status = process.poll() if process is not None else None
        if status is None:
            return ""
        how = f"killed by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
        return f"the embedded PostgreSQL has ended, {how}, in {self._folder}"

    def stop(self) -> None:
        """Stop the database; a temporary one is removed. Sessions that are open get ORA-03113."""
        if self._owner != os.getpid():
            # A child after a fork: the engine is its parent's.
            return
        with self._lock:
            atexit.unregister(self.stop)
            process, self._process = self._process, None
            self._leave()
            self._states.close()
            watcher, self._watcher = self._watcher, None
            if watcher is not None:
                watcher.kill()
                watcher.communicate()
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGQUIT if self.path is None else signal.SIGINT)
                try:
                    process.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            if self._sockets is not None:
                shutil.rmtree(self._sockets, ignore_errors=True)
            if self.path is None and self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
            self.statements.clear()
            self.columns.clear()

    def _attend(self) -> None:
        """Have helpers beside the sessions, which connect to the database of now."""
        self._registry = SessionRegistry(self._conninfo())
        self._repeatability = Repeatability(self._conninfo())
        self._snapshots = Snapshots(self._conninfo(), self.changes)

    def _leave(self) -> None:
        for helper in (self._registry, self._snapshots, self._repeatability):
            if helper is not None:
                helper.close()
        self._registry = self._snapshots = self._repeatability = None

    def keep_state(self) -> None:
        """Keep all data and objects as they are, for `restore_state`; states are kept on a stack.

        No session may be open.

        Raises:
            RuntimeError: PostgreSQL cannot copy them; the message says why.
        """
        with self._lock, self._switched():
            self._states.keep()
            self._had_temporary_tables.append(self.has_temporary_tables)

    def restore_state(self) -> None:
        """Come back to the state that was kept last; what was done since is gone. No session may be open.

        Raises:
            ValueError: none is kept.
        """
        with self._lock, self._switched():
            self._states.restore()
            self.has_temporary_tables = self._had_temporary_tables.pop()

    @contextlib.contextmanager
    def _switched(self) -> Iterator[None]:
        """Around a change of the database."""
        self._leave()
        try:
            with self.changes.change():
                yield
        finally:
            self.columns.clear()
            self._attend()

    def open(self, identity: SessionIdentity, wait: ClientWatch | None = None) -> Backend:
        """Open one Oracle session.

        Raises:
            OracleError: ORA-01034 while the engine is stopped, ORA-00020 when it has too many sessions, ORA-01013 when
                the client broke in, or has gone.
        """
        if not self.running:
            raise OracleError(1034, f"ORACLE not available: {self.crash or 'the sandbox is stopped'}")
        link = self._link()
        try:
            return Backend(self, link, identity, wait)
        except BaseException as error:
            link.close()
            if isinstance(error, Failure):
                raise oracle_error(error) from error
            raise

    def open_past(self, backend: Backend, scn: int) -> Backend:
        """Open a session like another one, on the data of an SCN, read only.

        Raises:
            OracleError: ORA-01555 or ORA-08181 for an SCN whose state is not kept, and what `open` raises.
        """
        snapshot = self.snapshots.find(scn)
        link = self._link()
        try:
            return Backend(self, link, backend.identity, backend.watch, Past(scn, snapshot, dict(backend.settings)))
        except BaseException as error:
            link.close()
            if isinstance(error, Failure):
                raise oracle_error(error) from error
            raise

    def _link(self) -> Link:
        with self._states.use():
            link = Link.connect(self._conninfo())
        with self._lock:
            self._links.add(link)
        return link

    def create_user(self, user: str) -> None:
        """Add an Oracle user with an empty schema of its own, if it is not there."""
        with self._states.use():
            connection = pq.PGconn.connect(self._conninfo().encode())
        try:
            _create_user(connection, user.upper())
        finally:
            connection.finish()

    def drop_user(self, user: str) -> None:
        """Remove an Oracle user and all that is in its schema (DROP USER ... CASCADE)."""
        self.finish_streams()
        with self._states.use():
            connection = pq.PGconn.connect(self._conninfo().encode())
        try:
            with self.changes.change():
                run(connection, f"drop schema if exists {quote_name(user.upper())} cascade", "users")
            name = quote_text(user.upper())
            run(connection, f"delete from oracle.users where username = {name}", "users")
            run(connection, f"delete from oracle.synonyms where owner = {name}", "synonyms")
        finally:
            connection.finish()
            self.columns.clear()

    def _conninfo(self, database: str | None = None) -> str:
        database = database or self._states.current
        return f"host={self._sockets} user=postgres dbname={database} application_name=sandbox"

    def _launch(self, installation: Installation, data: Path) -> None:
        """Launch; again and again while processes of one that has crashed are about to end."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self._process = process = installation.launch(data)
            except RuntimeError as error:
                if "pre-existing shared memory" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                break
        threading.Thread(target=self._report_crash, args=(process,), name="engine", daemon=True).start()

    def _report_crash(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        if self._process is process and self._folder is not None:
            log = self._folder / "postgres.log"
            tail = log.read_text(errors="replace")[-1000:] if log.exists() else ""
            logger.error("%s; sessions get ORA-03113, log-ons ORA-01034. Its log ends:\n%s", self.crash, tail)

    def _watch(self) -> None:
        """Have a small process end PostgreSQL when this one is killed without a chance to do so itself."""
        assert self._process is not None
        leftovers = [self._sockets, *([self._folder] if self.path is None else [])]
        how = "QUIT" if self.path is None else "INT"
        command = ["sh", "-c", _WATCHER, "sandbox", how, str(self._process.pid), *map(str, leftovers)]
        self._watcher = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )

    def _bootstrap(self, left_over: bool) -> None:
        """Make the database ready for sessions; it may be `left_over` from an earlier process."""
        digest = bootstrap.digest()
        connection = pq.PGconn.connect(self._conninfo().encode())
        try:
            if run(connection, "select digest from oracle.bootstrap", "bootstrap").get_value(0, 0) != digest.encode():
                raise RuntimeError(f"{self.path} was made by another version of orapool: start with an empty folder")
            if left_over:
                self._states.remove_others()
            run(connection, "truncate oracle.sessions", "sessions")
            for user in self.users:
                name = quote_name(user)
                run(connection, f"create schema if not exists {name}", "users")
                run(connection, f"insert into oracle.users values ({quote_text(user)}) on conflict do nothing", "users")
            self.columns.load_oids(connection)
            found = run(connection, "select exists (select from oracle.temporary_tables)", "temporary tables")
            known = run(connection, "select short, name from oracle.long_names", "names")
            learn_long_names(
                {
                    (known.get_value(row, 0) or b"").decode(): (known.get_value(row, 1) or b"").decode()
                    for row in range(known.ntuples)
                }
            )
            self.has_temporary_tables = found.get_value(0, 0) == b"t"
            found = run(connection, "select exists (select from oracle.synonyms)", "synonyms")
            self.synonyms.present = found.get_value(0, 0) == b"t"
        finally:
            connection.finish()


def _create_user(connection: PGconn, user: str) -> None:
    run(connection, f"create schema if not exists {quote_name(user)}", "users")
    insert = f"insert into oracle.users (username) values ({quote_text(user)}) on conflict do nothing"
    run(connection, insert, "users")
