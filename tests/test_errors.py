"""Exceptions and the table of codes."""

from __future__ import annotations

import pickle
import socket
from types import ModuleType
from typing import Any, Callable

import pytest

from orapool.errors import (
    FAULTS,
    DatabaseUnavailable,
    LogOnError,
    PoolError,
    PoolTimeout,
    Says,
    error_codes,
    log_on_error,
    lost_by_silence,
    lost_connection,
)
from orapool.sandbox import Sandbox


class Details:
    """What a driver puts into its exceptions: cx_Oracle's `_Error`, python-oracledb's too."""

    def __init__(self, message: str, code: int = 0) -> None:
        self.message, self.code = message, code

    def __str__(self) -> str:
        return self.message


class DriversError(Exception):
    """A driver's exception class."""


@pytest.mark.parametrize(
    ("message", "code", "found"),
    [
        ("ORA-03113: end-of-file on communication channel\nProcess ID: 0", 3113, "ORA-03113"),
        ("ORA-03150: end-of-file on communication channel for database link", 3150, "ORA-03150"),
        ("ORA-04088: error during execution of trigger\nORA-03114: not connected to ORACLE", 4088, "ORA-03114"),
        ("DPI-1080: connection was closed by ORA-3113", 0, "DPI-1080"),
        ("DPI-1067: call timeout of 300 ms exceeded with ORA-3156", 0, "DPI-1067"),
        ("DPI-1010: not connected", 0, "DPI-1010"),
        ("DPY-4024: call timeout of 300 ms exceeded", 0, "DPY-4024"),
        ("something in another language", 28, "ORA-00028"),
        ("ORA-02068: following severe error from SALES\nORA-03113: end-of-file", 2068, "ORA-03113"),
        ("ORA-03150: end-of-file on communication channel\nORA-02063: preceding line from SALES", 3150, "ORA-03150"),
        ("DPY-4011: the database or network closed the connection\n[Errno 32] Broken pipe", 0, "DPY-4011"),
    ],
)
def test_a_lost_session_is_known_by_its_code_in_the_text_or_by_number(message: str, code: int, found: str) -> None:
    assert lost_connection(DriversError(Details(message, code))) == found


@pytest.mark.parametrize(
    "message",
    [
        "ORA-00942: table or view does not exist",
        "ORA-00001: unique constraint (SCOTT.PK) violated",
        "ORA-20001: the log says that ORA-03113 was seen yesterday",  # anybody's text, within the line
        "DPY-4005: timed out waiting for the connection pool to return a connection",
        "ORA-12541: TNS:no listener",  # of a database link: our session told us
        "ORA-02068: following severe error from SALES\nORA-01034: ORACLE not available",
        "ORA-12170: TNS:Connect timeout occurred\nORA-02063: preceding line from SALES",
    ],
)
def test_other_errors_do_not_cost_the_session(message: str) -> None:
    assert lost_connection(DriversError(Details(message))) is None


def test_codes_are_found_in_errors_that_carry_only_a_string() -> None:
    assert list(error_codes(Exception("DPY-1001: not connected to database"))) == ["DPY-1001"]


def test_a_text_gives_all_its_codes_the_outermost_first() -> None:
    assert list(error_codes(Exception("DPI-1080: connection was closed by ORA-28"))) == ["DPI-1080", "ORA-00028"]
    assert list(error_codes(Exception("DPY-4011: closed\n[Errno 110] Connection timed out"))) == [
        "DPY-4011",
        "ETIMEDOUT",
    ]


def test_an_error_of_the_system_counts_only_if_the_driver_raised_it() -> None:
    error = TimeoutError(110, "Connection timed out")

    assert lost_connection(error) is None
    assert lost_connection(error, by_driver=True) == "ETIMEDOUT"


def test_a_log_on_that_failed_costs_no_session() -> None:
    refused = log_on_error(DriversError(Details("ORA-12170: TNS:Connect timeout occurred", 12170)), "pool 'default'")

    assert lost_connection(refused) is None
    assert lost_by_silence(refused)


def test_every_code_has_a_meaning_and_a_source() -> None:
    for code, fault in FAULTS.items():
        assert code[0] == "E" or len(code.partition("-")[2]) in (4, 5)
        assert fault.meaning, code
        assert fault.source, code


@pytest.mark.parametrize(
    "codes",
    [
        "ORA-00028 ORA-01012 ORA-01033 ORA-01034 ORA-01089 ORA-01090 ORA-01092 ORA-02396 ORA-03113 ORA-03114 ORA-03135",
        "ORA-03150 ORA-03156 ORA-12153 ORA-12170 ORA-12537 ORA-12547 ORA-12570 ORA-12571 ORA-12583 ORA-25408 ORA-24300",
        "ORA-12152 ORA-12157 ORA-12161 ORA-12535 ORA-12543 ORA-12560 ORA-12606 ORA-12609 ORA-12636",
        "DPI-1010 DPI-1067 DPI-1080 DPY-1001 DPY-4011 DPY-4024",
    ],
)
def test_these_cost_the_session(codes: str) -> None:
    for code in codes.split():
        assert lost_connection(Exception(f"{code}: some text")) == code


@pytest.mark.parametrize(
    "codes",
    [
        "ORA-12514 ORA-12528 ORA-12541 ORA-12757 ORA-12224 ORA-12545 ORA-12505",
        "DPY-6000 DPY-6001 DPY-6003 DPY-6005",
    ],
)
def test_these_say_that_no_session_could_be_had(codes: str) -> None:
    for code in codes.split():
        assert FAULTS[code].says is Says.REFUSED
        assert isinstance(log_on_error(DriversError(f"{code}: some text"), "pool"), DatabaseUnavailable)


@pytest.mark.parametrize(
    ("text", "silent"),
    [
        ("DPI-1080: connection was closed by ORA-3156", True),
        ("DPI-1080: connection was closed by ORA-28", False),
        ("DPI-1080: connection was closed by ORA-3113", None),  # an end, or the kernel gave up: the socket knows
        ("DPI-1067: call timeout of 500 ms exceeded with ORA-3156", False),  # the break was answered
        ("DPY-4024: call timeout of 500 ms exceeded", False),
        ("DPY-4011: closed\nsocket timed out while recovering from previous socket timeout", True),
        ("DPY-4011: closed\n[Errno 110] Connection timed out", True),
        ("DPY-4011: closed\n[Errno 104] Connection reset by peer", False),
        ("DPY-4011: closed\nORA-02396: exceeded maximum idle time", False),
        ("DPY-6005: cannot connect to database (CONNECTION_ID=x).\ntimed out", True),
        ("DPY-6005: cannot connect to database (CONNECTION_ID=x).\n[Errno 111] Connection refused", False),
        ("ORA-12170: TNS:Connect timeout occurred", True),
        ("ORA-12170: TNS:Connect timeout occurred\nORA-02063: preceding line from SALES", False),
        ("ORA-00942: table or view does not exist", None),
    ],
)
def test_silence_and_goodbye_are_told_apart(text: str, silent: bool | None) -> None:
    assert lost_by_silence(Exception(text)) is silent


def call(connection: Any) -> None:
    """One round trip."""
    connection.cursor().execute("select 1 from dual").fetchone()


def set_call_timeout(connection: Any, milliseconds: int) -> None:
    """In the spelling of either driver."""
    name = "call_timeout" if hasattr(connection, "call_timeout") else "callTimeout"
    setattr(connection, name, milliseconds)


def loss(dbapi: ModuleType, connection: Any) -> Exception:
    """The error of the next round trip."""
    with pytest.raises(dbapi.Error) as raised:
        call(connection)
    return raised.value


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_what_the_drivers_raise_for_a_goodbye(
    how: str, dbapi: ModuleType, connect: Callable[..., Any], sandbox: Sandbox
) -> None:
    connection = connect()
    call(connection)
    sandbox.end_sessions(how)

    error = loss(dbapi, connection)

    assert lost_connection(error)
    assert not lost_by_silence(error)


@pytest.mark.parametrize("code", [28, 1012, 1033, 2396, 3113])
def test_what_the_drivers_raise_for_a_session_that_the_server_ends(
    code: int, dbapi: ModuleType, connect: Callable[..., Any], sandbox: Sandbox
) -> None:
    connection = connect()
    call(connection)
    sandbox.fail_next(code)

    error = loss(dbapi, connection)

    assert lost_connection(error)
    assert f"ORA-{code:05d}" in error_codes(error)
    assert not lost_by_silence(error)


def test_what_the_drivers_raise_when_nobody_answers_the_break(
    dbapi: ModuleType, connect: Callable[..., Any], sandbox: Sandbox
) -> None:
    connection = connect()
    set_call_timeout(connection, 200)
    sandbox.freeze()

    error = loss(dbapi, connection)

    assert lost_connection(error)
    assert lost_by_silence(error) is True


def test_what_the_drivers_raise_when_the_break_is_answered(
    dbapi: ModuleType, connect: Callable[..., Any], sandbox: Sandbox
) -> None:
    connection = connect()
    set_call_timeout(connection, 200)
    sandbox.delay(0.4)

    error = loss(dbapi, connection)

    assert lost_connection(error)
    assert lost_by_silence(error) is False


def test_what_the_drivers_raise_for_a_log_on_that_is_refused_or_not_answered(
    dbapi: ModuleType, connect: Callable[..., Any], sandbox: Sandbox
) -> None:
    for code in (0, 12514, 12528):
        sandbox.refuse(True, code)
        with pytest.raises(dbapi.Error) as raised:
            connect()
        assert isinstance(log_on_error(raised.value, "pool"), DatabaseUnavailable)
        assert not lost_by_silence(raised.value)
        sandbox.refuse(False)

    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        host, port = full.getsockname()
        place = f"(ADDRESS=(PROTOCOL=TCP)(HOST={host})(PORT={port}))(CONNECT_DATA=(SERVICE_NAME=X))"
        # Nobody accepts, and one connection fills the queue: the next one's packets are dropped.
        with socket.create_connection((host, port)), pytest.raises(dbapi.Error) as raised:
            connect(dsn=f"(DESCRIPTION=(CONNECT_TIMEOUT=1)(TRANSPORT_CONNECT_TIMEOUT=1){place})")
    assert isinstance(log_on_error(raised.value, "pool"), DatabaseUnavailable)
    assert lost_by_silence(raised.value) is True


def test_a_wrong_password_is_a_log_on_error_of_the_drivers_class() -> None:
    details = Details("ORA-01017: invalid username/password; logon denied\nHelp: https://example.invalid", 1017)

    error = log_on_error(DriversError(details), "pool 'default', scott@db/sales")

    assert isinstance(error, LogOnError)
    assert isinstance(error, DriversError)
    assert not isinstance(error, DatabaseUnavailable)
    assert error.args[0] is details
    assert str(error) == (
        "pool 'default', scott@db/sales: the log-on failed: "
        "ORA-01017: invalid username/password; logon denied: check user and password"
    )


def test_a_closed_port_means_that_the_database_is_unavailable() -> None:
    error = log_on_error(DriversError(Details("ORA-12541: TNS:no listener", 12541)), "pool 'default'")

    assert isinstance(error, DatabaseUnavailable)
    assert "check host, port and service" in str(error)


def test_all_errors_are_of_one_family() -> None:
    assert issubclass(LogOnError, PoolError)
    assert issubclass(DatabaseUnavailable, LogOnError)
    assert issubclass(PoolTimeout, (PoolError, TimeoutError))


def test_a_timeout_can_be_sent_to_another_process() -> None:
    assert str(pickle.loads(pickle.dumps(PoolTimeout("late")))) == "late"
