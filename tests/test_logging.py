"""What orapool logs: below one logger, with fields, without secrets, and little unless it is asked for more."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text

import orapool
from orapool import DatabaseUnavailable, SessionPool
from orapool.aio.session_pool import AsyncPool
from orapool.sandbox import Sandbox
from orapool.settings import load_settings
from tests.older_sqlalchemy import VERSION
from tests.waiting import until

MakePool = Callable[..., SessionPool]

STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}


@pytest.fixture
def records(caplog: pytest.LogCaptureFixture) -> Iterator[list[logging.LogRecord]]:
    """What is logged by orapool's pools, at any level."""
    caplog.set_level(logging.DEBUG, "orapool")
    found: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = found.append  # type: ignore[method-assign]
    handler.addFilter(lambda record: not record.name.startswith(("orapool.sandbox", "orapool.drivers")))
    logging.getLogger("orapool").addHandler(handler)
    yield found
    logging.getLogger("orapool").removeHandler(handler)


@pytest.fixture
def loggers() -> Iterator[None]:
    """Loggers are as before afterwards."""
    names = ("orapool", "orapool.pool", "orapool.pool.checkouts", "sqlalchemy", "sqlalchemy.pool")
    before = {name: (logging.getLogger(name).level, list(logging.getLogger(name).handlers)) for name in names}
    yield
    for name, (level, handlers) in before.items():
        logging.getLogger(name).setLevel(level)
        logging.getLogger(name).handlers[:] = handlers


def fields(record: logging.LogRecord) -> dict[str, object]:
    """What a record has beside what all have."""
    return {name: value for name, value in vars(record).items() if name not in STANDARD}


def events(records: list[logging.LogRecord], level: int = logging.DEBUG) -> list[str]:
    """The events of a level, or of a higher one."""
    return [str(getattr(record, "event", record.getMessage())) for record in records if record.levelno >= level]


def live(make_pool: MakePool, sandbox: Sandbox) -> None:
    """A pool's life, with an outage."""
    pool = make_pool(max=2, acquire_timeout=5)
    pool.acquire().close()
    pool.drop(pool.acquire())
    with pool.acquire(), pool.acquire():
        pass
    sandbox.refuse()
    sandbox.end_sessions()
    for _ in range(5):
        with pytest.raises(DatabaseUnavailable):
            pool.acquire()
    until(lambda: pool.stats().outage_since is not None)
    sandbox.heal()
    until(lambda: pool.stats().outage_since is None)
    pool.acquire().close()
    pool.close()


class TestRecords:
    def test_are_below_one_logger_and_say_which_pool_and_what_has_happened(
        self, make_pool: MakePool, sandbox: Sandbox, records: list[logging.LogRecord]
    ) -> None:
        live(make_pool, sandbox)

        assert {"opened", "checkout", "return", "log_on", "dropped", "outage", "outage_over", "closed"} <= {
            *events(records)
        }
        for record in records:
            found = fields(record)
            assert record.name.startswith("orapool.")
            assert "event" in found, record.getMessage()
            assert found.get("pool") == "test" or "workers" in found, record.getMessage()
            json.dumps(found)
        dropped = next(fields(record) for record in records if getattr(record, "event", "") == "dropped")
        assert dropped["cause"] == "asked"
        checkout = next(fields(record) for record in records if getattr(record, "event", "") == "checkout")
        assert str(checkout["place"]).startswith("tests/test_logging.py:")

    def test_of_asyncio_too(self, sandbox: Sandbox, records: list[logging.LogRecord]) -> None:
        async def live_a_little() -> None:
            settings = load_settings("test", dsn=sandbox.dsn, user="scott", password="tiger", driver="oracledb")
            pool = AsyncPool(settings, "test")
            async with pool.acquire():
                pass
            connection = await pool.acquire()
            pool.drop(connection)
            await pool.close()

        asyncio.run(live_a_little())

        assert {"opened", "checkout", "return", "log_on", "dropped", "closed"} <= {*events(records)}
        assert {fields(record)["pool"] for record in records} == {"test"}

    def test_have_no_password_in_them(
        self, make_pool: MakePool, sandbox: Sandbox, records: list[logging.LogRecord]
    ) -> None:
        live(make_pool, sandbox)
        pool = make_pool(password="wolf")
        with pytest.raises(orapool.LogOnError):
            pool.acquire()

        told = "".join(f"{record.getMessage()} {vars(record)}" for record in records)
        assert "tiger" not in told
        assert "wolf" not in told

    def test_name_the_line_that_logs(
        self, make_pool: MakePool, sandbox: Sandbox, records: list[logging.LogRecord]
    ) -> None:
        live(make_pool, sandbox)

        assert "logs.py" not in {record.filename for record in records}

    def test_are_few_where_nothing_goes_wrong(self, make_pool: MakePool, records: list[logging.LogRecord]) -> None:
        pool = make_pool(max=2)
        for _ in range(50):
            with pool.acquire(), pool.acquire():
                pass
        pool.close()

        assert events(records, logging.WARNING) == []
        assert events(records, logging.INFO) == ["opened", "closed"]

    def test_of_an_outage_are_two_warnings(
        self, make_pool: MakePool, sandbox: Sandbox, records: list[logging.LogRecord]
    ) -> None:
        live(make_pool, sandbox)

        assert events(records, logging.WARNING) == ["outage", "outage_over"]


@pytest.mark.usefixtures("default_pool", "loggers")
class TestEchoPool:
    def run(self, **options: object) -> None:
        """One checkout by an engine."""
        with orapool.engine(**options).connect() as connection:
            connection.execute(text("select 1 from dual"))
        orapool.close()

    def names(self, caplog: pytest.LogCaptureFixture) -> set[str]:
        """The loggers that had something to say, as far as they are about pools."""
        return {".".join(record.name.split(".")[:3]) for record in caplog.records if "pool" in record.name}

    def test_is_off(self, caplog: pytest.LogCaptureFixture) -> None:
        self.run()

        assert self.names(caplog) == set()

    def test_true_shows_what_happens_to_the_pool(self, caplog: pytest.LogCaptureFixture) -> None:
        self.run(echo_pool=True)

        assert {"opened", "closed"} <= {*events(caplog.records)}
        assert "checkout" not in events(caplog.records)

    def test_debug_shows_each_checkout_and_return(self, caplog: pytest.LogCaptureFixture) -> None:
        self.run(echo_pool="debug")

        assert {"opened", "log_on", "checkout", "return", "closed"} <= {*events(caplog.records)}
        assert {"orapool.pool", "orapool.pool.checkouts", "sqlalchemy.pool.impl"} <= self.names(caplog)

    @pytest.mark.deselect_if(VERSION < (2, 0), "SQLAlchemy 1.x has no asyncio for Oracle Database")
    def test_of_an_asyncio_engine(self, caplog: pytest.LogCaptureFixture, driver: str) -> None:
        async def run() -> None:
            async with orapool.async_engine(echo_pool="debug").connect() as connection:
                await connection.execute(text("select 1 from dual"))
            await orapool.aclose()

        if driver == "cx_oracle":
            with pytest.raises(orapool.ConfigurationError):
                asyncio.run(run())
            return
        asyncio.run(run())

        assert {"checkout", "return"} <= {*events(caplog.records)}

    def test_prints_where_no_handler_is_set_up(self, sandbox: Sandbox, driver: str) -> None:
        program = (
            "import orapool, sys\n"
            "orapool.configure(dsn=sys.argv[1], user='scott', password='tiger', driver=sys.argv[2])\n"
            "orapool.engine(echo_pool='debug').connect().close()\n"
        )
        run = subprocess.run(
            [sys.executable, "-c", program, sandbox.dsn, driver], capture_output=True, text=True, timeout=60
        )

        assert run.returncode == 0, run.stderr
        lines = run.stdout.splitlines()
        assert sum(" DEBUG orapool.pool.checkouts pool 'default': checked out after " in line for line in lines) == 1
        assert sum(" DEBUG orapool.pool.checkouts pool 'default': given back after " in line for line in lines) == 1
        assert any("sqlalchemy.pool" in line and "checked out" in line for line in lines)
