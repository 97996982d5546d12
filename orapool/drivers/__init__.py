"""The drivers, and which one to take. No other room imports cx_Oracle or python-oracledb."""

from __future__ import annotations

import logging
from types import ModuleType
from typing import TYPE_CHECKING

from orapool.drivers.base import Driver
from orapool.errors import ConfigurationError, error_codes

if TYPE_CHECKING:
    from orapool.drivers.async_oracledb import AsyncOracleDb

log = logging.getLogger("orapool.drivers")

_HOW_CX_ORACLE = (
    "install it with `pip install cx_Oracle` (on Python 3.11 and later it is built from source and needs an older "
    "setuptools: `echo 'setuptools<81' > build.txt; PIP_CONSTRAINT=build.txt pip install cx_Oracle`)"
)
_HOW_CLIENT = (
    "install Oracle Instant Client (Basic or Basic Light) with libaio, and name its folder in LD_LIBRARY_PATH before "
    "the process starts, or in /etc/ld.so.conf.d followed by `ldconfig`"
)
_HOW_ORACLEDB = "install it with `pip install oracledb`"


def find_driver(name: str = "auto", thick: bool = False) -> Driver:
    """The driver called `name`; for "auto", cx_Oracle where it finds Oracle Client libraries, else python-oracledb.

    `thick` puts python-oracledb into thick mode, and is nothing for cx_Oracle: "auto" means python-oracledb then.

    Raises `ConfigurationError`, which says what to install.
    """
    if name == "oracledb" or thick:
        return _oracledb(thick)
    if name == "cx_oracle":
        return _cx_oracle()
    try:
        driver = _cx_oracle()
        reason = "installed, and it finds Oracle Client"
    except ConfigurationError as no_cx_oracle:
        try:
            driver = _oracledb()
        except ConfigurationError as no_oracledb:
            raise ConfigurationError(f"no driver can be used. {no_cx_oracle}. {no_oracledb}.") from no_cx_oracle
        reason = str(no_cx_oracle).partition(":")[0]
    log.info("driver %s %s: %s", driver.name, driver.version, reason)
    return driver


def find_async_driver(name: str = "auto", thick: bool = False) -> AsyncOracleDb:
    """The driver for asyncio, which is python-oracledb in thin mode, also where `find_driver` takes another for "auto".

    Raises `ConfigurationError` where that is not what `name` and `thick` say, not installed, or in thick mode.
    """
    if thick:
        raise ConfigurationError(
            "python-oracledb has asyncio in its thin mode only, and the pool is set to thick=True: leave that out, or "
            "use orapool.connection() in a thread, as asyncio.to_thread does"
        )
    if name == "cx_oracle":
        raise ConfigurationError(
            "cx_Oracle has no asyncio: set driver to oracledb, or to auto, for python-oracledb's thin mode, or use "
            "orapool.connection() in a thread, as asyncio.to_thread does"
        )
    try:
        import oracledb

        from orapool.drivers.async_oracledb import AsyncOracleDb
    except ImportError as error:
        raise ConfigurationError(f"asyncio needs python-oracledb, which is not installed: {_HOW_ORACLEDB}") from error
    if not oracledb.is_thin_mode():
        raise ConfigurationError(
            "python-oracledb has asyncio in its thin mode only, and is in thick mode in this process, by "
            "oracledb.init_oracle_client(): leave that out, or use orapool.connection() in a thread"
        )
    return AsyncOracleDb()


def _cx_oracle() -> Driver:
    try:
        import cx_Oracle
    except ImportError as error:
        raise ConfigurationError(f"cx_Oracle is not installed: {_HOW_CX_ORACLE}") from error
    try:
        cx_Oracle.clientversion()
    except cx_Oracle.Error as error:
        raise ConfigurationError(f"cx_Oracle finds no Oracle Client libraries: {_HOW_CLIENT}") from error
    from orapool.drivers.cx_oracle import CxOracle

    return CxOracle()


def _oracledb(thick: bool = False) -> Driver:
    try:
        import oracledb

        from orapool.drivers.oracledb import OracleDb
    except ImportError as error:
        raise ConfigurationError(f"python-oracledb is not installed: {_HOW_ORACLEDB}") from error
    if oracledb.is_thin_mode():
        if not thick:
            return OracleDb()
        _go_thick(oracledb)
    elif not thick:
        log.info("python-oracledb is in thick mode in this process already: its pools are Oracle Client's")
    from orapool.drivers.thick_oracledb import ThickOracleDb

    return ThickOracleDb()


def _go_thick(oracledb: ModuleType) -> None:
    """Put python-oracledb into thick mode, in this process for good."""
    try:
        oracledb.init_oracle_client()
    except oracledb.Error as error:
        code = next(error_codes(error), None)
        if code == "DPY-2019":
            raise ConfigurationError(
                "thick=True comes too late: python-oracledb has connected in thin mode in this process, by a pool "
                "without thick=True, asyncio or other code, and stays in it"
            ) from error
        raise ConfigurationError(
            f"python-oracledb's thick mode finds no Oracle Client libraries: {_HOW_CLIENT}"
        ) from error
