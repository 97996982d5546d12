"""`Sandbox`: the embedded server in a process of its own, as a context manager and by its faults."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from orapool.sandbox.control import ControlClient, SandboxError
from orapool.sandbox.errors import OracleError
from orapool.sandbox.recorded import Statements
from orapool.sandbox.stats import Stats

if TYPE_CHECKING:
    from orapool.sandbox.functions import FunctionServer

SERVICE = "ORAPOOL"
DEMO_USERS = {"scott": "tiger"}
_CLOSE_TIMEOUT = 20.0


class Sandbox:
    """An embedded server that speaks Oracle Net, for demos and tests. It is not an Oracle database.

    It runs as a process of its own, over a real PostgreSQL that is embedded too, and ends with the process that made
    it, at the latest. Start it with `with` or `start`.

    Args:
        host: the address to listen on.
        port: the port; 0 takes a free one.
        users: passwords by user name; without it, the demo's own user ``scott`` with the password ``tiger``.
        path: a folder that keeps the data; None for data in memory, gone at the end.
        log_level: of the server's log on standard error.
        cache_bytes: what the server may keep of results in memory, so that a large one that is read again, by the same
            statement over the same data, comes at once; 0 for nothing.
        kept_statements: how many statements are recorded for `statements`, the last ones, in 32 MB at the most; 0 for
            none.
        inbound_connect_timeout: seconds in which a client has to log on before its connection is closed, 0 for ever.
        fast_authentication: whether clients that can, log on with fewer round trips, as with release 23; the sandbox
            stands for Oracle Database 19c, which has no such thing. Those are python-oracledb's and node-oracledb's
            thin modes: one round trip stands for three. Others log on as ever.
        launcher: a command that the server's process is started with, such as ``("ip", "netns", "exec", "db")`` for
            one that listens in a network namespace. It must become the server's process, as exec does.

    Example:
        >>> with Sandbox() as sandbox:
        ...     connection = oracledb.connect(user="scott", password="tiger", dsn=sandbox.dsn)
    """

    OracleError = OracleError
    """What a registered function raises for an ORA- error of its own."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        users: Mapping[str, str] | None = None,
        path: str | os.PathLike[str] | None = None,
        log_level: str = "WARNING",
        launcher: Sequence[str] = (),
        cache_bytes: int = 256 << 20,
        kept_statements: int = 10_000,
        inbound_connect_timeout: float = 60,
        fast_authentication: bool = False,
    ) -> None:
        self.host = host
        self.port = port
        self.users = dict(DEMO_USERS if users is None else users)
        self.path = Path(path).absolute() if path is not None else None
        self._log_level = log_level
        self._cache_bytes = cache_bytes
        self._kept_statements = kept_statements
        self._inbound_connect_timeout = inbound_connect_timeout
        self._fast_authentication = fast_authentication
        self._launcher = tuple(launcher)
        self._process: subprocess.Popen[str] | None = None
        self._control: ControlClient | None = None
        self._functions: FunctionServer | None = None
        self._owner = os.getpid()

    def __repr__(self) -> str:
        state = f"on {self.host}:{self.port}" if self._control else "not started"
        return f"<Sandbox {state}, data in {self.path or 'memory'}, users {', '.join(self.users)}>"

    @property
    def dsn(self) -> str:
        """The connect string, ``host:port/service``."""
        return f"{self.host}:{self.port}/{SERVICE}"

    @property
    def pid(self) -> int | None:
        """The server's process, None when it is not started."""
        return self._process.pid if self._process else None

    # ------------------------------------------------------------ life
    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start the server: the first time, or again after `stop` or a crash, then on the same port and with its data.

        When the server's own process has ended, what was not in a folder is gone.

        Raises:
            SandboxError: when it does not start; the message says why.
        """
        if self._process is not None and self._process.poll() is not None:
            self.close()
        if self._control is not None:
            self._control.call("start")
            return
        process = subprocess.Popen(
            [*self._launcher, sys.executable, "-m", "orapool.sandbox"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # an interrupt at the terminal is for the process that made this one
        )
        assert process.stdin is not None
        assert process.stdout is not None
        configuration = {
            "host": self.host,
            "port": self.port,
            "users": self.users,
            "path": str(self.path) if self.path is not None else None,
            "log_level": self._log_level,
            "cache_bytes": self._cache_bytes,
            "statements": self._kept_statements,
            "inbound_connect_timeout": self._inbound_connect_timeout,
            "fast_authentication": self._fast_authentication,
        }
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(configuration) + "\n")
            process.stdin.flush()
        line = process.stdout.readline()
        answer: dict[str, Any] = (
            json.loads(line) if line else {"error": "its process ended at once; its log is on standard error"}
        )
        if "error" in answer:
            process.stdin.close()
            process.stdout.close()
            process.wait(_CLOSE_TIMEOUT)
            raise SandboxError(f"the sandbox did not start: {answer['error']}")
        self._process = process
        self.port = answer["port"]
        self._control = ControlClient(Path(answer["control"]))

    def check(self) -> None:
        """Tell whether the sandbox is sound: that is, neither its server nor the PostgreSQL in it has crashed.

        Sessions get ORA-03113 when PostgreSQL crashes, and log-ons ORA-01034 until `start`, which brings the data back.

        Raises:
            SandboxError: it is not; the message says what has ended and how.
        """
        self._call("check")

    def stop(self) -> None:
        """Stop as a database that shuts down: sessions end, nobody listens. The data stay; `start` comes back."""
        self._call("stop")

    def close(self) -> None:
        """End the server's process. What is not in a folder is gone."""
        functions, self._functions = self._functions, None
        if functions is not None:
            functions.close()
        process, self._process, self._control = self._process, None, None
        if process is None or os.getpid() != self._owner:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(OSError):
            process.stdin.close()  # the lifeline
        try:
            process.wait(_CLOSE_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

    # ------------------------------------------------------------ counts
    def stats(self) -> Stats:
        """The exact counts of connects, log-ons, round trips and bytes since the start."""
        return Stats(**self._call("stats"))

    def sessions(self) -> list[dict[str, Any]]:
        """Who is logged on: sid, serial, user, program, machine, module, port and so on."""
        found: list[dict[str, Any]] = self._call("sessions")
        return found

    @property
    def statements(self) -> Statements:
        """What sessions had executed: a sequence of `RecordedStatement`, the first first, with `matching` and `during`.

        It has the last statements (`kept_statements`, in 32 MB). Commits and rollbacks are counted in `stats` only.
        """
        return Statements(self._call)

    def grant_proxy(self, client: str, proxy: str) -> None:
        """Let `proxy`, with its own password, log on as `client`: ALTER USER client GRANT CONNECT THROUGH proxy.

        Example:
            >>> sandbox.grant_proxy("sh", "scott")
            >>> connection = oracledb.connect(user="scott[sh]", password="tiger", dsn=sandbox.dsn)
        """
        self._call("grant_proxy", client=client, proxy=proxy)

    def identify_externally(self, user: str, os_user: str) -> None:
        """Let a user of the client's operating system log on as `user` without a password (REMOTE_OS_AUTHENT)."""
        self._call("identify_externally", user=user, os_user=os_user)

    def accept_token(self, user: str, token: str) -> None:
        """Let an access token stand for a user."""
        self._call("accept_token", user=user, token=token)

    # ------------------------------------------------------------ data
    @contextlib.contextmanager
    def restored(self) -> Iterator[Sandbox]:
        """Forget what happens in the block: at its end, all objects, rows and accounts are as before it.

        Then faults are healed too, functions registered in it are not there any more, and no statement is recorded.
        Both at its begin and its end all sessions are ended. Such blocks may stand in one another. It costs
        milliseconds, as PostgreSQL's files are copied ahead; more, where there are many megabytes in tables.

        Example:
            >>> with sandbox.restored():
            ...     test_drop_everything()
        """
        self._call("keep_state")
        try:
            yield self
        finally:
            self._call("restore_state")

    def load(self, source: Any, table: str, user: str | None = None, delimiter: str = ",") -> int:
        """Load rows into a table, all of them or none; a table that is not there is made first.

        A new table's columns have the types of their values, as with `orapool.write_df`; in a CSV file, these are
        whole and decimal numbers, dates and times as ISO 8601 writes them, and texts, as which numbers with a leading
        zero count. What is missing, empty or NaN is NULL.

        Args:
            source: a DataFrame of pandas or polars, a pyarrow Table, or the path of a CSV file (UTF-8) whose first
                line has the columns' names.
            table: ``table`` or ``schema.table``; names are in upper case unless they are quoted.
            user: in whose session, and schema; the first of the sandbox's users unless told.
            delimiter: of a CSV file.

        Returns:
            How many rows.

        Raises:
            SandboxError: for a value that does not fit or a row that is refused; it tells the row or line and the
                column.

        Example:
            >>> sandbox.load("orders.csv", "orders")
            3
        """
        from orapool.sandbox.loads import load

        return load(self._call, source, table, user or next(iter(self.users)), delimiter)

    # ------------------------------------------------------------ functions
    def register(self, name: str, function: Callable[..., Any]) -> None:
        """Let a function of Python stand for a function or procedure of PL/SQL, until `unregister`.

        Sessions call it by `callfunc` and `callproc`, in blocks, by CALL, and in SQL with binds and constants. Its
        parameters are PL/SQL's, by position and name; those annotated as `Out` and `InOut` get an object whose `value`
        is to be set, and a first parameter ``session`` gets the calling session, a `CallSession`. What it returns is
        the function's result: a value, or rows for a REF CURSOR (a list of tuples or mappings, `Rows`, a DataFrame, a
        `Query`). An `OracleError` that it raises is the client's error.

        It runs in this process, in a thread of its own; in a child after a fork, calls are still answered by its
        parent.

        Args:
            name: ``function``, ``package.function`` or ``schema.package.function``, in any case.
            function: anything that can be called.

        Raises:
            ValueError: the name or the function's parameters cannot be PL/SQL's.

        Example:
            >>> sandbox.register("shop.price", lambda item: 12.5)
            >>> connection.cursor().callfunc("shop.price", float, ["apple"])
            12.5
        """
        from orapool.sandbox.functions import FunctionServer, routine_name

        if self._control is None:
            raise SandboxError("the sandbox is not started")
        name = routine_name(name)
        if self._functions is None:
            control = self._control.path
            self._functions = FunctionServer(control.with_name(f"{control.stem}-functions-{os.getpid()}.sock"))
        signature = self._functions.add(name, function)
        self._call("register", name=name, path=str(self._functions.path), **signature.as_json())

    def unregister(self, name: str | None = None) -> None:
        """Take a registered function back, or all of them."""
        from orapool.sandbox.functions import routine_name

        self._call("unregister", name=None if name is None else routine_name(name))

    # ------------------------------------------------------------ TLS
    def listen_for_tls(self) -> str:
        """Listen for TLS too, on another port; returns the connect string, ``tcps://host:port/service``.

        Its certificate is of an authority of its own: `make_wallet` has that.
        """
        return f"tcps://{self.host}:{self._call('listen_for_tls')}/{SERVICE}"

    def make_wallet(self, password: str = "") -> str:
        """A folder with an ``ewallet.pem``, for python-oracledb; with a password, it has a client's certificate too.

        Example:
            >>> dsn, wallet = sandbox.listen_for_tls(), sandbox.make_wallet()
            >>> connection = oracledb.connect(user="scott", password="tiger", dsn=dsn, wallet_location=wallet)
        """
        wallet: str = self._call("make_wallet", password=password)
        return wallet

    def demand_client_certificates(self, demanded: bool = True) -> None:
        """Let in by TLS only who shows a certificate out of a wallet of `make_wallet` with a password, until `heal`."""
        self._call("demand_client_certificates", demanded=demanded)

    # ------------------------------------------------------------ faults
    def end_sessions(self, how: str = "fin", sid: int | None = None) -> int:
        """End one session, or all, from the server's side; returns how many.

        Args:
            how: ``"fin"``, an orderly end of the connection, or ``"rst"``, a reset.
            sid: the session; None for all.
        """
        count: int = self._call("end_sessions", how=how, sid=sid)
        return count

    def freeze(self, log_ons_only: bool = False) -> None:
        """Accept what is sent and answer nothing, until `thaw`.

        Args:
            log_ons_only: only new connections get no answer; open sessions go on.
        """
        self._call("freeze", log_ons_only=log_ons_only)

    def thaw(self) -> None:
        """Go on after `freeze`, first with what came in meanwhile."""
        self._call("thaw")

    def refuse(self, enabled: bool = True, code: int = 0, times: int | None = None) -> None:
        """Refuse new connections.

        Args:
            enabled: False ends it.
            code: 0 closes the port, so that clients see a refused connection; else the listener's ORA- code, 12528.
            times: how many the listener refuses with the code; None: all, until it is ended.
        """
        self._call("refuse", enabled=enabled, code=code, times=times)

    def redirect(self, to: str) -> None:
        """Send new connections on to another address, as the SCAN listener of a cluster does, until `heal`.

        Args:
            to: ``host:port``, or a DSN that begins so, of another sandbox, or of this one: who was sent on is served.

        Example:
            >>> listener.redirect(node.dsn)
        """
        self._call("redirect", to=to)

    def delay(self, seconds: float) -> None:
        """Let every call wait this many seconds before it is carried out; 0 ends it."""
        self._call("delay", seconds=seconds)

    def fail_next(self, code: int, sid: int | None = None) -> int:
        """Answer the next call of one session, or of every open one, with ORA-00028, 01012, 01033, 02396 or 03113.

        The session ends with it. Returns how many sessions it will hit.
        """
        count: int = self._call("fail_next", code=code, sid=sid)
        return count

    def cut_next(self, sid: int | None = None) -> int:
        """Send half of the next answer of one session, or of every open one, and then end its connection by FIN.

        Returns how many sessions it will hit.
        """
        count: int = self._call("cut_next", sid=sid)
        return count

    def set_password(self, user: str, password: str) -> None:
        """Change a user's password, until `heal`; one that had expired counts again. Open sessions stay."""
        self._call("set_password", user=user, password=password)

    def expire_password(self, user: str) -> None:
        """Let a user's password expire: log-ons with it get ORA-28001, until `set_password` or `heal`."""
        self._call("expire_password", user=user)

    def lock(self, user: str, locked: bool = True) -> None:
        """Lock a user's account: log-ons get ORA-28000, until `heal` or ``locked=False``."""
        self._call("lock", user=user, locked=locked)

    def deny_log_ons(self, code: int = 1033) -> None:
        """Answer every log-on with ORA-01033, 01034, 01089 or 01109, as a database that is not open, until `heal`."""
        self._call("deny_log_ons", code=code)

    def limit_idle(self, user: str, seconds: float, how: str = "error") -> None:
        """End each session of a user that has been idle for so many seconds, until `heal`.

        Args:
            user: whose sessions.
            seconds: without a call.
            how: ``"error"``, ORA-02396 at the next call, as a profile's IDLE_TIME does it; ``"fin"`` or ``"rst"``, at
                once, as a proxy or a firewall that says goodbye.
        """
        self._call("limit_idle", user=user, seconds=seconds, how=how)

    def revoke(self, user: str, view: str) -> None:
        """Let a user not see a view of the dictionary, such as ``V$SESSION`` (ORA-00942), until `heal`."""
        self._call("revoke", user=user, view=view)

    def heal(self) -> None:
        """End every fault in force: thaw, listen, serve here, no delay, no failure or cut to come.

        The accounts are as at the start: with the passwords of then, nobody locked, nothing granted.
        """
        self._call("heal")

    def _call(self, command: str, **arguments: Any) -> Any:
        if self._control is None:
            raise SandboxError("the sandbox is not started")
        try:
            return self._control.call(command, **arguments)
        except SandboxError as error:
            status = self._process.poll() if self._process is not None else None
            if status is None:
                raise
            how = f"killed by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
            raise SandboxError(
                f"the sandbox's process has ended, {how}; what it kept in memory is gone, and start() starts anew"
            ) from error
