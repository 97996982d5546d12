"""Exceptions, and what Oracle's error codes say about a session."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from enum import Enum
from typing import Any, NamedTuple, cast


class PoolError(Exception):
    """The family of all errors that orapool raises itself."""


class ConfigurationError(PoolError, ValueError):
    """A setting is missing, unknown or out of range, or a driver is not installed."""


class PoolTimeout(PoolError, TimeoutError):
    """The acquire deadline passed before a session was to be had.

    Attributes:
        holders: where all sessions were in use, who had them: `orapool.loans.Holding`, the longest first, five at most.
    """

    def __init__(self, message: str, holders: tuple[Any, ...] = ()) -> None:
        super().__init__(message)
        self.holders = holders


class PoolClosed(PoolError):
    """The pool is closed, or was closed while the caller stood in line."""


class LogOnError(PoolError):
    """The database was asked for a new session and did not give one.

    What is raised is also an instance of the driver's own exception class, so that ``except cx_Oracle.DatabaseError``
    and SQLAlchemy's wrapping work as with a bare driver, and ``error.args[0].code`` is the driver's.
    """


class DatabaseUnavailable(LogOnError):
    """A log-on failed because the database or the way to it is down: trying again later may help."""


class OnSessionError(PoolError):
    """A new session was to be had, but `on_session` failed on it: the session was dropped.

    What `on_session` raised is its ``__cause__``.
    """


class PrecisionLoss(PoolError, ValueError):
    """A NUMBER does not fit the type that its column is read as, but for fewer digits."""


class ReadTimeout(PoolError, TimeoutError):
    """A read did not end within its `timeout`."""


class ReadInterrupted(PoolError):
    """A read lost its session after some of its rows had been handed out, so that it cannot be run again.

    Attributes:
        chunks: how many were handed out.
        rows: in them.
    """

    def __init__(self, message: str, chunks: int, rows: int) -> None:
        super().__init__(message)
        self.chunks = chunks
        self.rows = rows


class SnapshotUnavailable(PoolError):
    """A read that shall be of one moment cannot be: the database does not tell its SCN, or not read as of it."""


class WriteError(PoolError):
    """Rows of a DataFrame could not be written.

    Where a driver's error is the cause, what is raised is also an instance of its class.

    Attributes:
        written: what is committed all the same, with the errors of rows by their place in the frame.
    """

    def __init__(self, message: str, written: Any = None) -> None:
        super().__init__(message)
        self.written = written


class WriteTimeout(WriteError, TimeoutError):
    """A write did not end within its `timeout`."""


class Says(Enum):
    """What a code says about the session that it came from."""

    LOST = "the session is lost"
    DOWN = "the database, or the way to it, is down: the session is lost; over a link, it is the other database"
    REFUSED = "no session could be had; in the middle of a statement it was a database link's, and the session lives"
    LINK = "a database link's session is lost; ours lives, and is dropped for a fresh link"


class Fault(NamedTuple):
    """A row of `FAULTS`. `silent`: True: the other side fell silent; False: it said goodbye; None: not told."""

    says: Says
    silent: bool | None
    meaning: str
    source: str


_SILENCE, _GOODBYE, _UNTOLD = True, False, None

# Sources: "manual" is Oracle's Database Error Messages (docs.oracle.com/error-help/db); "odpi" the dead-session codes
# in ODPI-C's dpiError.c, which cx_Oracle turns into DPI-1080; "thin" python-oracledb's errors.py; "sqlalchemy" its
# oracle dialects' is_disconnect(); "measured" what cx_Oracle 8.3 and python-oracledb 26.1 did behind a firewall and in
# tests/test_errors.py; threads are those of cx_Oracle, python-oracledb and gunicorn on GitHub.
#
# ORA-03150 is judged so: the answer itself came over our session, which therefore lives, and could be kept. It is
# dropped: a link that broke costs one log-on, once, and the next caller is sure to get a link that works. What comes
# each time that a link cannot be opened (ORA-12541 and so on) keeps the session: with a remote database down, every
# statement would cost a log-on.
#
# cx_Oracle reports a path that the kernel gave up (user time-out, keep-alive) as ORA-03113, like an orderly end, and
# its own socket shut down, like a reset, as ORA-03135.
FAULTS: dict[str, Fault] = {
    "ORA-00018": Fault(Says.REFUSED, _GOODBYE, "the most sessions of the instance are open", "manual"),
    "ORA-00020": Fault(Says.REFUSED, _GOODBYE, "the most processes of the instance are running", "manual"),
    "ORA-00022": Fault(Says.LOST, _GOODBYE, "session ID is invalid, access denied", "odpi, thin"),
    "ORA-00028": Fault(Says.LOST, _GOODBYE, "session was killed", "odpi, thin, sqlalchemy"),
    "ORA-00031": Fault(Says.LOST, _GOODBYE, "session is marked to be killed", "odpi, thin"),
    "ORA-00045": Fault(Says.LOST, _GOODBYE, "session was terminated", "odpi, thin"),
    "ORA-00257": Fault(Says.REFUSED, _GOODBYE, "the archiver is stuck: only administrators may log on", "manual"),
    "ORA-00378": Fault(Says.LOST, _GOODBYE, "buffer pools cannot be created as specified", "odpi, thin"),
    "ORA-00602": Fault(Says.LOST, _GOODBYE, "internal programming exception in the server", "odpi, thin"),
    "ORA-00603": Fault(Says.LOST, _GOODBYE, "server session was terminated by a fatal error", "odpi, thin"),
    "ORA-00609": Fault(Says.LOST, _GOODBYE, "could not attach to the incoming connection", "odpi, thin"),
    "ORA-01012": Fault(Says.LOST, _GOODBYE, "not logged on", "odpi, thin, manual"),
    "ORA-01014": Fault(Says.DOWN, _GOODBYE, "shutdown is in progress", "manual"),
    "ORA-01033": Fault(Says.DOWN, _GOODBYE, "the database is starting up or shutting down", "sqlalchemy, manual"),
    "ORA-01034": Fault(Says.DOWN, _GOODBYE, "the database is not available", "manual"),
    "ORA-01035": Fault(Says.REFUSED, _GOODBYE, "only users with RESTRICTED SESSION may log on", "manual"),
    "ORA-01041": Fault(Says.LOST, _UNTOLD, "internal error, host definition lost", "odpi, thin"),
    "ORA-01043": Fault(Says.LOST, _UNTOLD, "user side memory is corrupt", "odpi, thin"),
    "ORA-01089": Fault(Says.DOWN, _GOODBYE, "immediate shutdown is in progress", "odpi, thin, manual"),
    "ORA-01090": Fault(Says.DOWN, _GOODBYE, "shutdown is in progress", "thin, manual"),
    "ORA-01092": Fault(Says.DOWN, _GOODBYE, "the instance was terminated", "odpi, thin, manual"),
    "ORA-01109": Fault(Says.REFUSED, _GOODBYE, "the database is not open", "manual"),
    "ORA-02392": Fault(Says.LOST, _GOODBYE, "the profile's CPU time was exceeded: logged off", "manual"),
    "ORA-02394": Fault(Says.LOST, _GOODBYE, "the profile's reads were exceeded: logged off", "manual"),
    "ORA-02396": Fault(Says.LOST, _GOODBYE, "the profile's idle time was exceeded", "odpi, sqlalchemy, cx_Oracle #598"),
    "ORA-02399": Fault(Says.LOST, _GOODBYE, "the profile's connect time was exceeded: logged off", "manual"),
    "ORA-03106": Fault(Says.LOST, _UNTOLD, "fatal two-task protocol error, as after a fork", "gunicorn #1953"),
    "ORA-03113": Fault(Says.LOST, _UNTOLD, "end-of-file on the communication channel", "odpi, sqlalchemy, measured"),
    "ORA-03114": Fault(Says.LOST, _UNTOLD, "not connected to the database", "odpi, thin, sqlalchemy"),
    "ORA-03122": Fault(Says.LOST, _UNTOLD, "attempt to close a window on the server failed", "odpi, thin"),
    "ORA-03127": Fault(Says.LOST, _UNTOLD, "the session is still in an earlier call", "manual"),
    "ORA-03135": Fault(Says.LOST, _GOODBYE, "connection lost contact, as by a reset", "odpi, sqlalchemy, measured"),
    "ORA-03136": Fault(Says.DOWN, _UNTOLD, "the log-on, or the call, took too long", "odpi, manual"),
    "ORA-03150": Fault(Says.LINK, _GOODBYE, "end-of-file on the channel of a database link", "manual"),
    "ORA-03151": Fault(Says.LINK, _GOODBYE, "duplicate of ORA-03150", "manual"),
    "ORA-03156": Fault(Says.LOST, _SILENCE, "the call timed out and the break was not answered", "odpi, measured"),
    "ORA-12150": Fault(Says.LOST, _UNTOLD, "TNS: unable to send data", "manual"),
    "ORA-12151": Fault(Says.LOST, _UNTOLD, "TNS: received a bad packet type", "manual"),
    "ORA-12152": Fault(Says.LOST, _UNTOLD, "TNS: unable to send the break message", "manual"),
    "ORA-12153": Fault(Says.LOST, _UNTOLD, "TNS: not connected", "odpi, thin, manual"),
    "ORA-12157": Fault(Says.LOST, _UNTOLD, "TNS: internal network communication error", "manual"),
    "ORA-12161": Fault(Says.LOST, _UNTOLD, "TNS: partial data received", "odpi, manual"),
    "ORA-12170": Fault(Says.DOWN, _SILENCE, "TNS: connect time-out", "manual, measured"),
    "ORA-12203": Fault(Says.REFUSED, _UNTOLD, "TNS: unable to connect to the destination", "thin, manual"),
    "ORA-12224": Fault(Says.REFUSED, _GOODBYE, "TNS: no listener", "manual"),
    "ORA-12500": Fault(Says.REFUSED, _GOODBYE, "the listener could not start a server process", "thin, manual"),
    "ORA-12505": Fault(Says.REFUSED, _GOODBYE, "the listener does not know the SID", "manual, measured"),
    "ORA-12514": Fault(Says.REFUSED, _GOODBYE, "the listener does not know the service", "thin, manual, measured"),
    "ORA-12516": Fault(Says.REFUSED, _GOODBYE, "the listener has no handler for the protocol", "manual"),
    "ORA-12518": Fault(Says.REFUSED, _GOODBYE, "the listener could not hand off the connection", "manual"),
    "ORA-12519": Fault(Says.REFUSED, _GOODBYE, "the listener has no handler: too many sessions", "manual"),
    "ORA-12520": Fault(Says.REFUSED, _GOODBYE, "the listener has no handler for the server type", "manual"),
    "ORA-12521": Fault(Says.REFUSED, _GOODBYE, "the listener does not know the instance", "manual"),
    "ORA-12523": Fault(Says.REFUSED, _GOODBYE, "the listener knows no instance for the connection", "manual"),
    "ORA-12525": Fault(Says.REFUSED, _GOODBYE, "the listener did not get the request in time", "manual"),
    "ORA-12526": Fault(Says.REFUSED, _GOODBYE, "all instances are in restricted mode", "manual"),
    "ORA-12527": Fault(Says.REFUSED, _GOODBYE, "all instances are restricted or block connections", "manual"),
    "ORA-12528": Fault(Says.REFUSED, _GOODBYE, "all instances block new connections", "manual, measured"),
    "ORA-12535": Fault(Says.DOWN, _SILENCE, "TNS: operation timed out", "manual"),
    "ORA-12537": Fault(Says.DOWN, _GOODBYE, "TNS: connection closed", "odpi, thin, manual"),
    "ORA-12540": Fault(Says.REFUSED, _GOODBYE, "TNS: a limit of the system is exceeded", "manual"),
    "ORA-12541": Fault(Says.REFUSED, _GOODBYE, "TNS: no listener", "manual, measured"),
    "ORA-12543": Fault(Says.DOWN, _SILENCE, "TNS: destination host unreachable", "manual"),
    "ORA-12545": Fault(Says.REFUSED, _UNTOLD, "the target host or object does not exist", "manual"),
    "ORA-12547": Fault(Says.DOWN, _GOODBYE, "TNS: lost contact", "odpi, thin, manual"),
    "ORA-12560": Fault(Says.DOWN, _UNTOLD, "TNS: protocol adapter error", "manual"),
    "ORA-12564": Fault(Says.REFUSED, _GOODBYE, "TNS: connection refused", "manual"),
    "ORA-12566": Fault(Says.LOST, _UNTOLD, "TNS: protocol error", "manual"),
    "ORA-12569": Fault(Says.LOST, _UNTOLD, "TNS: packet checksum failure", "manual"),
    "ORA-12570": Fault(Says.DOWN, _UNTOLD, "TNS: packet reader failure", "odpi, thin, manual"),
    "ORA-12571": Fault(Says.DOWN, _UNTOLD, "TNS: packet writer failure", "thin, manual"),
    "ORA-12583": Fault(Says.LOST, _GOODBYE, "TNS: no reader", "odpi, thin, manual"),
    "ORA-12592": Fault(Says.LOST, _UNTOLD, "TNS: bad packet", "manual"),
    "ORA-12593": Fault(Says.LOST, _UNTOLD, "TNS: no registered connection", "manual"),
    "ORA-12606": Fault(Says.DOWN, _SILENCE, "TNS: the log-on took too long", "manual"),
    "ORA-12608": Fault(Says.DOWN, _SILENCE, "TNS: send time-out", "manual"),
    "ORA-12609": Fault(Says.DOWN, _SILENCE, "TNS: receive time-out", "manual"),
    "ORA-12636": Fault(Says.DOWN, _UNTOLD, "TNS: packet send failed", "manual"),
    "ORA-12637": Fault(Says.DOWN, _UNTOLD, "TNS: packet receive failed", "manual"),
    "ORA-12757": Fault(Says.REFUSED, _GOODBYE, "the instance does not currently know the service", "thin, manual"),
    # By the manual a bad parameter, which no DBAPI call can cause; it came from execute and release after DPI-1067.
    "ORA-24300": Fault(Says.LOST, _UNTOLD, "bad value for mode, after a call timed out", "cx_Oracle #560, #561"),
    "ORA-24371": Fault(Says.LOST, _UNTOLD, "the session is another process's, as after a fork", "gunicorn #1953"),
    # A session that failed over lives, but without its transaction, its cursors and what was set in it.
    "ORA-25401": Fault(Says.LOST, _UNTOLD, "the session failed over and cannot continue its fetches", "manual"),
    "ORA-25402": Fault(Says.LOST, _UNTOLD, "the session failed over and its transaction is gone", "manual"),
    "ORA-25403": Fault(Says.LOST, _UNTOLD, "the session did not fail over: could not reconnect", "manual"),
    "ORA-25405": Fault(Says.LOST, _UNTOLD, "the session failed over in a commit, whose outcome is unknown", "manual"),
    "ORA-25407": Fault(Says.LOST, _UNTOLD, "the connection was terminated in a fetch", "manual"),
    "ORA-25408": Fault(Says.LOST, _UNTOLD, "the session failed over and the call cannot be replayed", "manual"),
    "ORA-25409": Fault(Says.LOST, _UNTOLD, "the session failed over during a network operation", "manual"),
    "ORA-27146": Fault(Says.LOST, _UNTOLD, "post/wait initialization failed", "odpi, thin"),
    "ORA-28511": Fault(Says.LOST, _GOODBYE, "lost the RPC connection to the heterogeneous agent", "odpi, thin"),
    "ORA-28547": Fault(Says.REFUSED, _GOODBYE, "the server ended the log-on: probably Oracle Net's settings", "manual"),
    "ORA-56600": Fault(Says.LOST, _UNTOLD, "an illegal OCI call was made on the session", "odpi, thin"),
    "DPI-1010": Fault(Says.LOST, _UNTOLD, "not connected; an earlier error said why", "sqlalchemy, measured"),
    # The break was answered: the path is well, and OCI calls the session usable, but later calls on it hung.
    "DPI-1067": Fault(Says.LOST, _GOODBYE, "the call time-out passed, and the break was answered", "cx_Oracle #560"),
    "DPI-1080": Fault(Says.LOST, _UNTOLD, "the connection was closed by the ORA- error in the text", "odpi, measured"),
    "DPY-1001": Fault(Says.LOST, _UNTOLD, "not connected; an earlier error said why", "sqlalchemy, measured"),
    "DPY-4011": Fault(Says.LOST, _UNTOLD, "the connection is closed; the next line may say why", "thin, measured"),
    "DPY-4024": Fault(Says.LOST, _GOODBYE, "the call time-out passed, and the break was answered", "thin, measured"),
    "DPY-4033": Fault(Says.LOST, _GOODBYE, "the profile's idle time was exceeded", "thin"),
    "DPY-5000": Fault(Says.LOST, _UNTOLD, "an unknown message arrived: the session is out of step", "thin"),
    "DPY-5004": Fault(Says.LOST, _UNTOLD, "unexpected data arrived: the session is out of step", "thin"),
    "DPY-5005": Fault(
        Says.LOST, _UNTOLD, "an unexpected refusal arrived: the session is out of step", "thin, measured"
    ),
    "DPY-5006": Fault(Says.LOST, _UNTOLD, "the answer ended too early: the session is out of step", "thin"),
    "DPY-6000": Fault(Says.REFUSED, _GOODBYE, "the listener refused the connection", "thin, measured"),
    "DPY-6001": Fault(Says.REFUSED, _GOODBYE, "the listener does not know the service: ORA-12514", "thin, measured"),
    "DPY-6003": Fault(Says.REFUSED, _GOODBYE, "the listener does not know the SID: ORA-12505", "thin, measured"),
    "DPY-6004": Fault(Says.REFUSED, _UNTOLD, "the HTTPS proxy did not let it through", "thin"),
    "DPY-6005": Fault(Says.REFUSED, _UNTOLD, "cannot connect; the next line says why", "thin, measured"),
    # The system's own errors, which python-oracledb names in the line after DPY-4011 and DPY-6005, or lets through.
    "ECONNABORTED": Fault(Says.LOST, _GOODBYE, "this system ended the connection", "thin"),
    "ECONNREFUSED": Fault(Says.REFUSED, _GOODBYE, "nobody listens on the port", "measured"),
    "ECONNRESET": Fault(Says.LOST, _GOODBYE, "the other side reset the connection", "measured"),
    "EHOSTUNREACH": Fault(Says.DOWN, _SILENCE, "there is no way to the host", "thin"),
    "ENETUNREACH": Fault(Says.DOWN, _SILENCE, "there is no way to the network", "thin"),
    # Measured with 26.1: a reset reads as ECONNRESET; only after the kernel gave up, or a local shutdown, is it this.
    "EPIPE": Fault(Says.LOST, _SILENCE, "the connection had been given up on this side", "measured"),
    "ETIMEDOUT": Fault(Says.DOWN, _SILENCE, "keep-alive or user time-out: the kernel gave the path up", "measured"),
}

# What to do about a log-on that fails with these.
_ADVICE = {
    "ORA-01005": "the password is empty: set `password`",
    "ORA-01017": "check user and password",
    "ORA-01045": "the user lacks the CREATE SESSION privilege",
    "ORA-12154": "the connect string names no TNS alias that is known: check `dsn`, TNS_ADMIN and tnsnames.ora",
    "ORA-12505": "the listener does not know this SID: check the URL's path, or use ?service_name=",
    "ORA-12514": "the listener does not know this service: check service_name, and whether the database is up",
    "ORA-28000": "the account is locked",
    "ORA-28001": "change the password in the database (ALTER USER ... IDENTIFIED BY ...), and then in the settings, "
    "the file or the secret manager: a running pool takes it from these two",
    "ORA-28150": "grant it (ALTER USER client GRANT CONNECT THROUGH proxy), or give the client's own password",
    "ORA-28040": "the server asks for an authentication protocol that this client does not speak",
    "DPY-4000": "the connect string names no TNS alias that is known: check `dsn`, TNS_ADMIN and tnsnames.ora",
    "DPY-4001": "set user and password: this version of python-oracledb has no external authentication in thin mode",
    "DPY-4026": "no tnsnames.ora was found: check `dsn` and TNS_ADMIN",
    "DPY-4027": "no tnsnames.ora was found: check `dsn` and TNS_ADMIN",
    "DPY-6001": "the listener does not know this service: check service_name, and whether the database is up",
    "DPY-6003": "the listener does not know this SID: check the URL's path, or use ?service_name=",
}

# A code at the start of a line is one that the database or the driver reports; within a line it may be anybody's text.
_CODE = re.compile(
    r"^(?:Error: )?(?:"
    r"((?:ORA|DPI|DPY|TNS)-\d{4,5})\b(?:: connection was closed by ORA-(\d+))?"
    r"|\[Errno (\d+)\]"
    r"|((?:socket )?timed out\b))",  # a time-out of the driver's own in a log-on, or of a break that was not answered
    re.MULTILINE,
)


def error_codes(error: BaseException) -> Iterator[str]:
    """Yield the codes that a driver's exception carries, the outermost first: ``ORA-03113``, ``DPY-4011``, ``EPIPE``.

    They are read from the text, because cx_Oracle gives code 0 for DPI-1010, DPI-1067 and DPI-1080.
    """
    details = error.args[0] if error.args else None
    text = getattr(details, "message", None)
    if not isinstance(text, str):
        text = details if isinstance(details, str) else str(error)
    for code, closed_by, number, timed_out in _CODE.findall(text):
        if code:
            yield code
        if closed_by:
            yield f"ORA-{int(closed_by):05d}"
        if number and int(number) in errno.errorcode:
            yield errno.errorcode[int(number)]
        if timed_out:
            yield "ETIMEDOUT"
    number = getattr(details, "code", 0)
    if isinstance(number, int) and number > 0:
        yield f"ORA-{number:05d}"


def lost_connection(error: BaseException, by_driver: bool = False) -> str | None:
    """The code in `FAULTS` for which `error` costs the session that it came from, or None: it can still be used.

    `by_driver`: whether a call of the driver raised it. An OSError counts only then: it may be anybody's otherwise.

    >>> lost_connection(Exception("DPI-1080: connection was closed by ORA-3113"))
    'DPI-1080'
    """
    if isinstance(error, PoolError) or (isinstance(error, OSError) and not by_driver):
        return None
    codes = list(error_codes(error))
    costs = {Says.LOST, Says.LINK} if _from_link(codes) else {Says.LOST, Says.LINK, Says.DOWN}
    return next((code for code in codes if code in FAULTS and FAULTS[code].says in costs), None)


def lost_by_silence(error: BaseException) -> bool | None:
    """Whether a lost connection, or a log-on that failed, met with silence: other sessions' paths may be dead too.

    False where the other side said goodbye (it closed, reset or refused the connection, or killed the session) or
    answered a break; None where `error` does not tell.

    >>> lost_by_silence(Exception("DPI-1080: connection was closed by ORA-3156"))
    True
    """
    codes = list(error_codes(error))
    if _from_link(codes):
        return False  # our database could tell us of it
    told = [FAULTS[code].silent for code in codes if code in FAULTS]
    return next((silent for silent in told if silent is not None), None)


def _from_link(codes: list[str]) -> bool:
    """Whether the database passes on what another said, over a link: ORA-02063 follows that, ORA-02068 precedes it."""
    return "ORA-02063" in codes or "ORA-02068" in codes


_DENIED = frozenset({"ORA-01005", "ORA-01017", "ORA-01045", "ORA-28000", "ORA-28001", "ORA-28150"})
_WRONG_PASSWORD = frozenset({"ORA-01017", "ORA-28001"})


def denied(error: BaseException) -> bool:
    """Whether a log-on failed for the user's or the password's sake: the database is there."""
    return not _DENIED.isdisjoint(error_codes(error))


def wrong_password(error: BaseException) -> bool:
    """Whether another password is all that a log-on needs.

    >>> wrong_password(Exception("ORA-28001: the password has expired"))
    True
    """
    return not _WRONG_PASSWORD.isdisjoint(error_codes(error))


def advice(error: BaseException) -> str:
    """What to do about a log-on that failed with `error`."""
    otherwise = "check host, port and service, and whether the database is up"
    return next((_ADVICE[code] for code in error_codes(error) if code in _ADVICE), otherwise)


def reason(error: BaseException) -> str:
    """What a driver's `error` says, on one line, which tells a scheduler's log by itself why a script has failed."""
    return " ".join(str(error).split("\nHelp: ")[0].split())


def log_on_error(error: Exception, where: str, more: str = "") -> LogOnError:
    """An orapool exception for a log-on that failed with the driver's `error`; `where` names pool, user and DSN.

    `more` follows what is to be done about it.

    It is of the driver's class as well, and carries the driver's own details (``args``).
    """
    ours = DatabaseUnavailable if any(code in FAULTS for code in error_codes(error)) else LogOnError
    raised = _both(ours, type(error))(*error.args)
    raised.message = f"{where}: the log-on failed: {reason(error)}: {advice(error)}{more}"  # type: ignore[attr-defined]
    return cast(LogOnError, raised)


def unavailable(error: Exception, message: str) -> DatabaseUnavailable:
    """A `DatabaseUnavailable` with this message, of the class and with the details of the driver's `error` as well."""
    raised = _both(DatabaseUnavailable, type(error))(*error.args)
    raised.message = message  # type: ignore[attr-defined]
    return cast(DatabaseUnavailable, raised)


def write_error(message: str, written: Any, error: Exception | None = None) -> WriteError:
    """A `WriteError` with this message, of the class and with the details of the driver's `error` as well, if any."""
    if error is None:
        return WriteError(message, written)
    kind = _both(WriteError, type(error))
    raised = cast(WriteError, kind.__new__(kind, *error.args))
    raised.args = error.args
    raised.message = message  # type: ignore[attr-defined]
    raised.written = written
    return raised


_classes: dict[tuple[type, type], type[PoolError]] = {}


def _both(ours: type[PoolError], drivers: type[Exception]) -> type[PoolError]:
    """A class that is ours and the driver's, whose text is the `message` set on the instance."""

    def __str__(self: Exception) -> str:  # noqa: N807
        return str(self.__dict__.get("message", self.args))

    if (ours, drivers) not in _classes:
        _classes[ours, drivers] = type(
            ours.__name__, (ours, drivers), {"__str__": __str__, "__module__": ours.__module__}
        )
    return _classes[ours, drivers]
