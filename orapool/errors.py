"""Exceptions, and what Oracle's error codes say about a session."""

from __future__ import annotations

import re
from collections.abc import Iterator


class PoolError(Exception):
    """The family of all errors that orapool raises itself."""


class ConfigurationError(PoolError, ValueError):
    """A setting is missing, unknown or out of range, or a driver is not installed."""


class PoolTimeout(PoolError, TimeoutError):
    """The acquire deadline passed before a session was to be had."""


class PoolClosed(PoolError):
    """The pool is closed, or was closed while the caller stood in line."""


class LogOnError(PoolError):
    """The database was asked for a new session and did not give one.

    What is raised is also an instance of the driver's own exception class, so that ``except cx_Oracle.DatabaseError``
    and SQLAlchemy's wrapping work as with a bare driver, and ``error.args[0].code`` is the driver's.
    """


class DatabaseUnavailable(LogOnError):
    """A log-on failed because the database or the way to it is down: trying again later may help."""


# Codes after which a session is of no use any more: it leaves the pool instead of being put back.
# Sources: "manual" is Oracle Database Error Messages; "odpi" the table of dead-session codes in ODPI-C's dpiError.c
# (cx_Oracle turns those into DPI-1080); "sqlalchemy" its oracle dialects' is_disconnect(); "measured" what the drivers
# did in our tests; "field" user reports (cx_Oracle #560 and #598, python-oracledb #330, gunicorn #1953).
LOST_CONNECTION: dict[str, str] = {
    "ORA-00022": "session ID is invalid, access denied (odpi)",
    "ORA-00028": "session was killed (odpi, sqlalchemy)",
    "ORA-00031": "session is marked to be killed (odpi)",
    "ORA-00045": "session was terminated (odpi)",
    "ORA-00602": "internal programming exception in the server (odpi)",
    "ORA-00603": "server session was terminated by a fatal error (odpi)",
    "ORA-00609": "could not attach to the incoming connection (odpi)",
    "ORA-01012": "not logged on (odpi, manual)",
    "ORA-01033": "the database is starting up or shutting down (sqlalchemy, manual)",
    "ORA-01034": "the database is not available (manual)",
    "ORA-01041": "internal error, host definition lost (odpi)",
    "ORA-01043": "user side memory is corrupt (odpi)",
    "ORA-01089": "immediate shutdown is in progress (odpi, manual)",
    "ORA-01090": "shutdown is in progress (manual)",
    "ORA-01092": "the instance was terminated (odpi, manual)",
    "ORA-02068": "a severe error followed from a database link (manual)",
    "ORA-02396": "the profile's idle time was exceeded (odpi, sqlalchemy; cx_Oracle #598)",
    "ORA-02399": "the profile's connect time was exceeded (manual)",
    "ORA-03106": "fatal two-task protocol error, as after a fork (gunicorn #1953)",
    "ORA-03113": "end-of-file on the communication channel (odpi, sqlalchemy)",
    "ORA-03114": "not connected to the database (odpi, sqlalchemy)",
    "ORA-03122": "attempt to close a window on the server failed (odpi)",
    "ORA-03135": "connection lost contact (odpi, sqlalchemy)",
    # The link's session died, ours lives. But the transaction over the link is lost, and a pool that puts the session
    # back hands the broken link to the next caller: a fresh session costs one log-on (mission: the incident's code).
    "ORA-03150": "end-of-file on the communication channel of a database link (manual)",
    "ORA-03151": "duplicate of ORA-03150 for a link that lost contact (manual)",
    "ORA-03156": "the call timed out and the break was not answered (measured)",
    "ORA-12153": "TNS: not connected (odpi, manual)",
    "ORA-12170": "TNS: connect time-out (manual)",
    "ORA-12514": "the listener does not know the service (manual)",
    "ORA-12516": "the listener has no handler for the protocol (manual)",
    "ORA-12518": "the listener could not hand off the connection (manual)",
    "ORA-12520": "the listener has no handler for the server type (manual)",
    "ORA-12521": "the listener does not know the instance (manual)",
    "ORA-12526": "all instances are in restricted mode (manual)",
    "ORA-12528": "all instances block new connections (manual)",
    "ORA-12537": "TNS: connection closed (odpi, manual)",
    "ORA-12541": "TNS: no listener (manual)",
    "ORA-12543": "TNS: destination host unreachable (manual)",
    "ORA-12545": "the target host or object does not exist (manual)",
    "ORA-12547": "TNS: lost contact (odpi, manual)",
    "ORA-12560": "TNS: protocol adapter error (manual)",
    "ORA-12570": "TNS: packet reader failure (odpi, manual)",
    "ORA-12571": "TNS: packet writer failure (manual)",
    "ORA-12583": "TNS: no reader (odpi, manual)",
    "ORA-12609": "TNS: receive time-out (manual)",
    "ORA-12757": "the instance does not currently know the requested service (manual)",
    "ORA-24300": "bad service context, after a call that timed out (cx_Oracle #560)",
    "ORA-24371": "the session belongs to another process, as after a fork (gunicorn #1953)",
    "ORA-25408": "the session failed over and the call cannot be replayed (manual)",
    "ORA-27146": "post/wait initialization failed (odpi)",
    "ORA-28511": "lost the RPC connection to the heterogeneous agent (odpi)",
    "ORA-56600": "an illegal OCI call was made on the session (odpi)",
    "DPI-1010": "not connected (sqlalchemy, measured)",
    # OCI calls the session usable after this one, yet later calls on it were seen to hang: cx_Oracle #560.
    "DPI-1067": "the call time-out passed; the session may still be in its call (measured, cx_Oracle #560)",
    "DPI-1080": "the connection was closed by an ORA- error (sqlalchemy, measured)",
    "DPY-1001": "not connected to the database (sqlalchemy, measured)",
    "DPY-4011": "the database or the network closed the connection (sqlalchemy, measured)",
    "DPY-4024": "the call time-out passed; the session may still be in its call (measured)",
    "DPY-5005": "an unexpected packet arrived (measured)",
    "DPY-6000": "the listener refused the connection (measured)",
    "DPY-6001": "the listener does not know the service: thin mode's ORA-12514 (measured)",
    "DPY-6003": "the listener does not know the SID: thin mode's ORA-12505 (measured)",
    "DPY-6005": "cannot connect to the database: thin mode's ORA-12541 (measured)",
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
    "ORA-28001": "the password has expired",
    "ORA-28040": "the server asks for an authentication protocol that this client does not speak",
    "DPY-4000": "the connect string names no TNS alias that is known: check `dsn`, TNS_ADMIN and tnsnames.ora",
    "DPY-4026": "no tnsnames.ora was found: check `dsn` and TNS_ADMIN",
    "DPY-4027": "no tnsnames.ora was found: check `dsn` and TNS_ADMIN",
    "DPY-6001": "the listener does not know this service: check service_name, and whether the database is up",
    "DPY-6003": "the listener does not know this SID: check the URL's path, or use ?service_name=",
}

# A code at the start of a line is one that the database or the driver reports; within a line it may be anybody's text.
_CODE = re.compile(r"^(?:Error: )?((?:ORA|DPI|DPY|TNS)-\d{4,5})\b", re.MULTILINE)


def error_codes(error: BaseException) -> Iterator[str]:
    """Yield the codes that a driver's exception carries, the outermost first, spelled ``ORA-03113`` or ``DPY-4011``.

    They are read from the text, because cx_Oracle gives code 0 for DPI-1010, DPI-1067 and DPI-1080.
    """
    details = error.args[0] if error.args else None
    text = getattr(details, "message", None)
    if not isinstance(text, str):
        text = details if isinstance(details, str) else str(error)
    yield from _CODE.findall(text)
    number = getattr(details, "code", 0)
    if isinstance(number, int) and number > 0:
        yield f"ORA-{number:05d}"


def lost_connection(error: BaseException) -> str | None:
    """The code in `LOST_CONNECTION` that `error` carries, or None where the session can still be used.

    >>> lost_connection(Exception("DPI-1080: connection was closed by ORA-3113"))
    'DPI-1080'
    """
    return next((code for code in error_codes(error) if code in LOST_CONNECTION), None)


def log_on_error(error: Exception, where: str) -> LogOnError:
    """An orapool exception for a log-on that failed with the driver's `error`; `where` names pool, user and DSN.

    It is of the driver's class as well, and carries the driver's own details (``args``).
    """
    codes = list(error_codes(error))
    ours = DatabaseUnavailable if any(code in LOST_CONNECTION for code in codes) else LogOnError
    otherwise = "check host, port and service, and whether the database is up"
    advice = next((_ADVICE[code] for code in codes if code in _ADVICE), otherwise)
    reason = str(error).split("\nHelp: ")[0].strip()
    raised = _both(ours, type(error))(*error.args)
    raised.message = f"{where}: the log-on failed: {reason}: {advice}"  # type: ignore[attr-defined]
    return raised


_classes: dict[tuple[type, type], type[LogOnError]] = {}


def _both(ours: type[LogOnError], drivers: type[Exception]) -> type[LogOnError]:
    """A class that is ours and the driver's, whose text is the `message` set on the instance."""

    def __str__(self: Exception) -> str:  # noqa: N807
        return str(self.__dict__.get("message", self.args))

    if (ours, drivers) not in _classes:
        _classes[ours, drivers] = type(
            ours.__name__, (ours, drivers), {"__str__": __str__, "__module__": ours.__module__}
        )
    return _classes[ours, drivers]
