"""Exceptions and the table of codes."""

from __future__ import annotations

import pickle

import pytest

from orapool.errors import (
    LOST_CONNECTION,
    DatabaseUnavailable,
    LogOnError,
    PoolError,
    PoolTimeout,
    error_codes,
    log_on_error,
    lost_connection,
)


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
    ],
)
def test_other_errors_do_not_cost_the_session(message: str) -> None:
    assert lost_connection(DriversError(Details(message))) is None


def test_codes_are_found_in_errors_that_carry_only_a_string() -> None:
    assert list(error_codes(Exception("DPY-1001: not connected to database"))) == ["DPY-1001"]


def test_every_code_has_a_meaning_and_a_source() -> None:
    for code, meaning in LOST_CONNECTION.items():
        assert len(code.partition("-")[2]) in (4, 5)
        assert meaning.endswith(")"), code


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
