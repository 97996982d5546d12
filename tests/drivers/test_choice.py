"""Which driver is taken, and what is said where none can be."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import cx_Oracle
import pytest

from orapool import ConfigurationError, SessionPool
from orapool.drivers import find_driver


def no_client() -> None:
    """cx_Oracle's first call where there are no client libraries."""
    raise cx_Oracle.DatabaseError("DPI-1047: Cannot locate a 64-bit Oracle Client library")


def test_auto_takes_cx_oracle_where_it_finds_oracle_client(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "orapool.drivers")

    assert find_driver().name == "cx_oracle"
    assert "driver cx_oracle 8.3.0: installed, and it finds Oracle Client" in caplog.text


def test_auto_takes_python_oracledb_where_cx_oracle_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "orapool.drivers")
    monkeypatch.setitem(sys.modules, "cx_Oracle", None)

    assert find_driver().name == "oracledb"
    assert "cx_Oracle is not installed" in caplog.text


def test_auto_takes_python_oracledb_where_there_is_no_oracle_client(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "orapool.drivers")
    monkeypatch.setattr(cx_Oracle, "clientversion", no_client)

    assert find_driver().name == "oracledb"
    assert "cx_Oracle finds no Oracle Client libraries" in caplog.text


def test_a_driver_that_was_asked_for_and_is_missing_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cx_Oracle", None)
    monkeypatch.setitem(sys.modules, "oracledb", None)
    monkeypatch.delitem(sys.modules, "orapool.drivers.oracledb", raising=False)

    with pytest.raises(ConfigurationError, match=r"pip install cx_Oracle.*setuptools<81"):
        find_driver("cx_oracle")
    with pytest.raises(ConfigurationError, match=r"python-oracledb is not installed: .*pip install oracledb"):
        find_driver("oracledb")
    with pytest.raises(ConfigurationError, match=r"no driver can be used\. cx_Oracle is not.*python-oracledb is not"):
        find_driver()


def test_cx_oracle_without_oracle_client_says_where_it_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cx_Oracle, "clientversion", no_client)

    with pytest.raises(ConfigurationError, match=r"Oracle Instant Client.*libaio.*LD_LIBRARY_PATH"):
        find_driver("cx_oracle")


def test_a_session_keeps_its_key_from_checkout_to_checkout(make_pool: Callable[..., SessionPool]) -> None:
    pool = make_pool(max=2)
    first, second = pool.acquire(), pool.acquire()
    keys = {pool.driver.session_key(first), pool.driver.session_key(second)}
    first.close()
    second.close()

    again: list[Any] = [pool.acquire(), pool.acquire()]

    assert len(keys) == 2
    assert {pool.driver.session_key(connection) for connection in again} == keys
    for connection in again:
        connection.close()
