"""python-oracledb in thick mode: how a process gets into it, each in a process of its own, and who is refused.

What the pool does in thick mode is told by the pool's own tests: noxfile.py runs them with ORAPOOL_THICK=true.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import orapool
from orapool import ConfigurationError
from orapool.drivers import find_async_driver
from orapool.sandbox import Sandbox, instant_client
from orapool.settings import load_settings

DATABASE = {"dsn": "db/sales", "user": "scott", "password": "tiger"}

START = """
import sys
import oracledb, orapool

database = {"dsn": sys.argv[1], "user": "scott", "password": "tiger"}

def use(pool="default"):
    with orapool.connection(pool) as connection:
        print("thin" if connection.thin else "thick", connection.cursor().execute("select user from dual").fetchone())
"""


def run(code: str, sandbox: Sandbox, **variables: str) -> str:
    """The last line that a program prints, on standard output or as its error."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ORAPOOL_")}
    command = [sys.executable, "-c", START + code, sandbox.dsn]
    done = subprocess.run(
        command, env={**environment, **variables}, capture_output=True, text=True, timeout=60, check=False
    )
    return (done.stderr or done.stdout).splitlines()[-1]


@pytest.mark.parametrize("driver", ["oracledb", "auto"])
def test_it_is_a_setting(driver: str, sandbox: Sandbox) -> None:
    code = f'orapool.configure(driver="{driver}", thick=True, **database)\nuse()'

    assert run(code, sandbox) == "thick ('SCOTT',)"


def test_it_may_stand_among_the_variables(sandbox: Sandbox) -> None:
    assert run("orapool.configure(**database)\nuse()", sandbox, ORAPOOL_THICK="true") == "thick ('SCOTT',)"


def test_a_program_that_is_in_thick_mode_stays_in_it(sandbox: Sandbox) -> None:
    code = 'oracledb.init_oracle_client()\norapool.configure(driver="oracledb", **database)\nuse()'

    assert run(code, sandbox) == "thick ('SCOTT',)"


def test_engines_have_it_too(sandbox: Sandbox) -> None:
    code = """
orapool.configure(driver="oracledb", thick=True, **database)
from sqlalchemy import text
with orapool.engine().connect() as connection:
    print(orapool.url(), connection.execute(text("select user from dual")).scalar(), oracledb.is_thin_mode())
"""
    assert run(code, sandbox) == "oracle+oracledb:// SCOTT False"


def test_coming_too_late_is_told(sandbox: Sandbox) -> None:
    code = """
orapool.configure("thin", driver="oracledb", **database)
use("thin")
orapool.configure("thick", driver="oracledb", thick=True, **database)
use("thick")
"""
    assert run(code, sandbox).startswith(
        "orapool.errors.ConfigurationError: thick=True comes too late: python-oracledb has connected in thin mode"
    )


def test_a_pool_that_was_set_up_for_thin_mode_is_told(sandbox: Sandbox) -> None:
    code = """
orapool.configure("thin", driver="oracledb", **database)
orapool.url("thin")
orapool.configure("thick", driver="oracledb", thick=True, **database)
use("thick")
use("thin")
"""
    assert run(code, sandbox).endswith("a process has one mode, so set thick=True for this pool too")


@pytest.mark.deselect_if(
    "LD_LIBRARY_PATH" not in os.environ and instant_client.loadable(), reason="the system has Oracle Client"
)
def test_without_oracle_client_it_says_where_that_is_looked_for(sandbox: Sandbox) -> None:
    code = 'orapool.configure(driver="oracledb", thick=True, **database)\nuse()'

    told = run(code, sandbox, LD_LIBRARY_PATH="", ORACLE_HOME="")

    assert "python-oracledb's thick mode finds no Oracle Client libraries: install Oracle Instant Client" in told


def test_cx_oracle_with_it_is_told() -> None:
    with pytest.raises(ConfigurationError, match="thick=True is for python-oracledb, and driver is cx_oracle"):
        load_settings(**DATABASE, driver="cx_oracle", thick=True)


def test_asyncio_with_it_is_told() -> None:
    with pytest.raises(ConfigurationError, match="asyncio in its thin mode only, and the pool is set to thick=True"):
        find_async_driver("oracledb", thick=True)


@pytest.mark.parametrize("value", [True, {}, {"lib_dir": None}])
def test_sqlalchemy_s_thick_mode_is_it(value: object) -> None:
    assert orapool.from_engine_options({"thick_mode": value}) == {"thick": True}
    with pytest.raises(ConfigurationError, match=r"thick_mode is not an option of orapool engines: use .*thick=True"):
        orapool.engine_options(thick_mode=value)


def test_in_a_url_it_is_told() -> None:
    with pytest.raises(ConfigurationError, match="'thick_mode' is orapool's setting thick: pass it to orapool.config"):
        load_settings(url="oracle://scott:tiger@db/?service_name=sales&thick_mode=true")
