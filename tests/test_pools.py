"""The pools of a process by name: configure, pool, connection, transaction, close."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import orapool
from orapool import ConfigurationError, PoolClosed, pools
from orapool.sandbox import Sandbox
from tests.waiting import until


@pytest.fixture(autouse=True)
def _no_pools(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No pool is configured, by call or variable."""
    monkeypatch.setattr(pools, "_settings", {})
    monkeypatch.setattr(pools, "_config", None)
    for name in ("URL", "DSN", "USER", "PASSWORD"):
        monkeypatch.delenv(f"ORAPOOL_{name}", raising=False)
    yield
    orapool.close()


@pytest.fixture
def url(sandbox: Sandbox, driver: str) -> str:
    """The sandbox's URL, with the driver in it."""
    place, _, service = sandbox.dsn.partition("/")
    return f"oracle+{driver}://scott:tiger@{place}/?service_name={service}"


def test_one_pool_for_everybody(url: str) -> None:
    orapool.configure(url=url, max=2)

    assert orapool.pool() is orapool.pool()
    with orapool.connection() as connection:
        assert connection.cursor().execute("select 1 from dual").fetchone() == (1,)
        assert orapool.pool().stats().busy == 1
    assert orapool.pool().stats().busy == 0


def test_importing_and_configuring_neither_connects_nor_loads_what_is_not_used() -> None:
    code = (
        "import sys, orapool; orapool.configure(url='oracle://scott:tiger@127.0.0.1:1/XE', min=3); orapool.pool();"
        "print([name for name in ('pandas', 'sqlalchemy', 'cx_Oracle', 'oracledb') if name in sys.modules])"
    )

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert run.stdout == "[]\n"


def test_importing_alone_loads_next_to_nothing() -> None:
    code = "import sys, orapool; print([name for name in ('pydantic', 'orapool.session_pool') if name in sys.modules])"

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert run.stdout == "[]\n"


def test_each_public_name_is_there() -> None:
    assert all(getattr(orapool, name) is not None for name in orapool.__all__)
    assert set(orapool.__all__) <= set(dir(orapool))


def test_unconfigured_use_says_how_to_configure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ORAPOOL_THICK", raising=False)  # of a run in thick mode

    with pytest.raises(ConfigurationError) as raised:
        orapool.connection()

    message = str(raised.value)
    assert "pool 'default' is not configured: call orapool.configure(url=\"oracle://user:password@" in message
    assert "or set ORAPOOL_URL, or ORAPOOL_DSN, ORAPOOL_USER and ORAPOOL_PASSWORD" in message


def test_an_unconfigured_pool_of_another_name_says_so_too() -> None:
    with pytest.raises(ConfigurationError, match=r"orapool.configure\('reporting', url=.*ORAPOOL_REPORTING_URL"):
        orapool.pool("reporting")


def test_the_environment_is_enough(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORAPOOL_URL", url)

    with orapool.connection() as connection:
        assert connection.cursor().execute("select 1 from dual").fetchone() == (1,)


@pytest.mark.parametrize("given", ["file", "mapping", "mapping first"])
def test_one_file_or_mapping_configures_all_pools(given: str, url: str, tmp_path: Path) -> None:
    (tmp_path / "app.ini").write_text(f"[APP]\nSQLALCHEMY_DATABASE_URI = {url}\n[orapool.reporting]\nurl = {url}\n")
    config = {"SQLALCHEMY_DATABASE_URI": url, "SQLALCHEMY_BINDS": {"reporting": url}}

    if given == "file":
        orapool.configure(config=tmp_path / "app.ini", max=2)
    elif given == "mapping":
        orapool.configure("default", config, max=2)
    else:
        orapool.configure(config, max=2)
    config.clear()  # it is read once

    assert (orapool.pool().settings.max, orapool.pool("reporting").settings.max) == (2, 4)
    for name in ("default", "reporting"):
        with orapool.connection(name) as connection:
            assert connection.cursor().execute("select user from dual").fetchone() == ("SCOTT",)
    orapool.close()
    orapool.configure(max=3)
    assert (orapool.pool().settings.user, orapool.pool().settings.max) == ("scott", 3)


def test_a_mapping_is_given_once(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"configure\(\) takes one config"):
        orapool.configure({"DATABASE_URL": url}, config={"DATABASE_URL": url})


def test_settings_that_are_wrong_change_nothing(url: str, tmp_path: Path) -> None:
    orapool.configure(url=url, max=2)

    with pytest.raises(ConfigurationError):
        orapool.configure(config={"DATABASE_URL": url, "ORAPOOL_MAX": 0})

    assert orapool.pool().settings.max == 2
    with pytest.raises(ConfigurationError, match="'reporting' is not configured"):
        orapool.pool("reporting")


def test_use_without_configuration_tells_what_is_wrong_with_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORAPOOL_DSN", "db/x")
    monkeypatch.setenv("ORAPOOL_USER", "scott")

    with pytest.raises(ConfigurationError, match="pool 'default': password is not set") as raised:
        orapool.pool()

    assert "not configured" not in str(raised.value)


def test_pools_of_different_names_are_apart(url: str) -> None:
    orapool.configure(url=url)
    orapool.configure("reporting", url=url, max=1)

    with orapool.connection(), orapool.connection("reporting"):
        assert [orapool.pool().stats().busy, orapool.pool("reporting").stats().busy] == [1, 1]
        assert orapool.pool("reporting").settings.max == 1


def test_a_transaction_is_committed_at_the_end_of_its_block(url: str) -> None:
    orapool.configure(url=url, max=2)
    with orapool.connection() as connection:
        connection.cursor().execute("create table notes (text varchar2(20))")

    with orapool.transaction() as connection:
        connection.cursor().execute("insert into notes values ('kept')")

    with orapool.connection() as first, orapool.connection() as second:
        for connection in (first, second):
            assert connection.cursor().execute("select text from notes").fetchall() == [("kept",)]
        first.cursor().execute("drop table notes")


def test_settings_may_be_repeated_but_not_changed_while_the_pool_is_in_use(url: str) -> None:
    orapool.configure(url=url, max=2)
    orapool.pool()
    orapool.configure(url=url, max=2)

    with pytest.raises(ConfigurationError, match=r"in use with other settings: call orapool.close\('default'\) before"):
        orapool.configure(url=url, max=3)


def test_after_close_the_pool_can_be_configured_anew_and_opened_again(url: str) -> None:
    orapool.configure(url=url, max=2)
    old = orapool.pool()
    old.acquire().close()

    orapool.close()
    orapool.configure(url=url, max=3)

    with orapool.connection() as connection:
        assert connection.cursor().execute("select 1 from dual").fetchone() == (1,)
    assert orapool.pool().settings.max == 3
    with pytest.raises(PoolClosed):
        old.acquire()


def test_after_close_the_next_use_opens_the_pool_with_its_settings(url: str) -> None:
    orapool.configure(url=url, max=2)
    orapool.pool().acquire().close()

    orapool.close("default")

    orapool.connection().close()
    assert orapool.pool().stats().log_ons == 1


def test_closing_what_was_never_used_does_nothing() -> None:
    orapool.close()
    orapool.close("reporting")


@pytest.mark.parametrize("out", [False, True])
def test_a_script_may_end_without_closing(url: str, sandbox: Sandbox, out: bool) -> None:
    code = (
        f"import orapool; orapool.configure(url={url!r}, min=2); held = orapool.connection();"
        "print(held.cursor().execute('select 1 from dual').fetchone())" + ("" if out else "; held.close()")
    )
    before = sandbox.stats()

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert (run.stdout, run.stderr) == ("(1,)\n", "")
    assert (sandbox.stats() - before).log_ons == 1  # min counts when two are wanted at a time
    until(lambda: (sandbox.stats() - before).sessions == 0)  # a process that ends says goodbye by itself


def test_what_is_public_can_be_reached() -> None:
    for name in orapool.__all__:
        assert getattr(orapool, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'acquire_all'"):
        _ = orapool.acquire_all  # type: ignore[attr-defined]
