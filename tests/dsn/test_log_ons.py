"""Connect strings in use: on both drivers, over real sockets."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import oracledb
import pytest

import orapool
from orapool.dsn import connect_strings
from orapool.errors import ConfigurationError, DatabaseUnavailable
from orapool.sandbox import Sandbox
from orapool.session_pool import SessionPool
from tests.dsn.conftest import WriteNames
from tests.dsn.listener import Listener, two_listeners

MakePool = Callable[..., SessionPool]


@pytest.fixture(autouse=True)
def _with_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this is asked of a tnsnames.ora of the machine's, nor said twice."""
    monkeypatch.setattr(connect_strings, "_said", set())


@pytest.fixture(scope="module")
def running_second() -> Iterator[Sandbox]:
    with Sandbox(users={"scott": "tiger", "sh": "sales"}) as server:
        yield server


@pytest.fixture
def second(running_second: Sandbox) -> Iterator[Sandbox]:
    """A second server, beside `sandbox`; up again at the end."""
    yield running_second
    running_second.start()
    running_second.heal()


def query(pool: SessionPool) -> int:
    with pool.acquire() as connection:
        return int(connection.cursor().execute("select 1 from dual").fetchone()[0])


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


FORMS = [
    "127.0.0.1:{port}/ORAPOOL",
    "//localhost:{port}/orapool",
    "tcp://127.0.0.1:{port}/ORAPOOL:dedicated",
    "127.0.0.1:{port}:ORAPOOL",
    "127.0.0.1:{dead},127.0.0.1:{port}/ORAPOOL",
    "127.0.0.1:{dead};127.0.0.1:{port}/ORAPOOL",
    "127.0.0.1:{dead},127.0.0.1:{port}/ORAPOOL?load_balance=off&connect_timeout=5s&transport_connect_timeout=500ms",
    "127.0.0.1:{port}/ORAPOOL?retry_count=2&retry_delay=1&expire_time=1&sdu=16384&failover=on&ssl_server_dn_match=on",
    "127.0.0.1:{port}/ORAPOOL?pool_connection_class=app&pool_purity=new&enable=broken&recv_buf_size=65536",
    "(ADDRESS=(PROTOCOL=TCP)(HOST=127.0.0.1)(PORT={dead}))",
    "(description=\n (address=(protocol=tcp)(host=127.0.0.1)(port={port}))\n (connect_data=(service_name=orapool)))",
    '(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST="127.0.0.1")(PORT={port}))(CONNECT_DATA=(SID="ORAPOOL")))',
    "(DESCRIPTION=(CONNECT_TIMEOUT=1500 ms)(ADDRESS_LIST=(ADDRESS=(PROTOCOL=TCP)(HOST=127.0.0.1)(PORT={dead}))"
    "(ADDRESS=(PROTOCOL=TCP)(HOST=127.0.0.1)(PORT={port})))(CONNECT_DATA=(SERVICE_NAME=ORAPOOL)))",
    "(DESCRIPTION_LIST=(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=127.0.0.1)(PORT={dead}))(CONNECT_DATA=(SID=ORAPOOL)))"
    "(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=127.0.0.1)(PORT={port}))(CONNECT_DATA=(SID=ORAPOOL))))",
]


@pytest.mark.parametrize("form", [form for form in FORMS if "{port}" in form])
def test_each_form_logs_on(make_pool: MakePool, sandbox: Sandbox, form: str) -> None:
    pool = make_pool(dsn=form.format(port=sandbox.port, dead=closed_port()))

    assert query(pool) == 1


@pytest.mark.parametrize(
    "url",
    [
        "oracle://scott:tiger@127.0.0.1:{port}/ORAPOOL",
        "oracle://scott:tiger@127.0.0.1:{port}/?sid=ORAPOOL",
        "oracle://scott:tiger@127.0.0.1:{dead},127.0.0.1:{port}/?service_name=ORAPOOL&retry_count=1&threaded=true",
        "oracle://scott:tiger@%28DESCRIPTION%3D%28ADDRESS%3D%28PROTOCOL%3DTCP%29%28HOST%3D127.0.0.1%29%28PORT%3D{port}"
        "%29%29%28CONNECT_DATA%3D%28SID%3DORAPOOL%29%29%29",
    ],
)
def test_each_url_logs_on(make_pool: MakePool, sandbox: Sandbox, url: str) -> None:
    pool = make_pool(dsn=None, user=None, password=None, url=url.format(port=sandbox.port, dead=closed_port()))

    assert query(pool) == 1


class TestFailover:
    """Of two databases, one is down."""

    @staticmethod
    def both(first: Sandbox, second: Sandbox, **more: Any) -> str:
        return orapool.descriptor(
            [f"127.0.0.1:{each.port}" for each in (first, second)], service_name="ORAPOOL", **more
        )

    @pytest.mark.parametrize("load_balance", [True, False])
    def test_log_ons_go_to_the_other(
        self, make_pool: MakePool, sandbox: Sandbox, second: Sandbox, load_balance: bool
    ) -> None:
        pool = make_pool(dsn=self.both(second, sandbox, load_balance=load_balance, failover=True), max=4)
        second.stop()

        connections = [pool.acquire() for _ in range(4)]

        assert sandbox.stats().sessions == 4
        for connection in connections:
            connection.close()

    def test_sessions_of_the_one_that_goes_are_replaced_by_the_others(
        self, make_pool: MakePool, sandbox: Sandbox, second: Sandbox
    ) -> None:
        pool = make_pool(dsn=self.both(second, sandbox, load_balance=False), max=2)
        assert query(pool) == 1
        assert (second.stats().sessions, sandbox.stats().sessions) == (1, 0)

        second.stop()

        assert query(pool) == 1
        assert sandbox.stats().sessions == 1

    def test_it_comes_back(self, make_pool: MakePool, sandbox: Sandbox, second: Sandbox) -> None:
        pool = make_pool(dsn=self.both(second, sandbox, load_balance=False), max=2)
        second.stop()
        assert query(pool) == 1
        second.start()

        sandbox.end_sessions()

        assert query(pool) == 1
        assert second.stats().sessions == 1

    def test_several_descriptions_and_an_alias_do_as_well(
        self, make_pool: MakePool, sandbox: Sandbox, second: Sandbox, write_names: WriteNames
    ) -> None:
        one, other = (self.both(each, each) for each in (second, sandbox))
        folder = write_names(f"cluster = (DESCRIPTION_LIST = (LOAD_BALANCE = off)\n {one}\n {other})\n")
        pool = make_pool(dsn="cluster", config_dir=str(folder))
        second.stop()

        assert query(pool) == 1
        assert sandbox.stats().sessions == 1

    def test_without_failover_the_first_is_all(self, make_pool: MakePool, sandbox: Sandbox, second: Sandbox) -> None:
        pool = make_pool(dsn=self.both(second, sandbox, load_balance=False, failover=False))
        second.stop()

        with pytest.raises(DatabaseUnavailable):
            query(pool)
        assert sandbox.stats().sessions == 0

    def test_log_ons_are_balanced(self, make_pool: MakePool, sandbox: Sandbox, second: Sandbox) -> None:
        pool = make_pool(dsn=f"127.0.0.1:{sandbox.port},127.0.0.1:{second.port}/ORAPOOL", max=20)

        connections = [pool.acquire() for _ in range(20)]  # all on one side once in half a million runs

        assert sandbox.stats().sessions > 0
        assert second.stats().sessions > 0
        for connection in connections:
            connection.close()


class TestAliases:
    def test_an_alias_is_looked_up_with_each_new_native_pool(
        self, make_pool: MakePool, sandbox: Sandbox, write_names: WriteNames, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = write_names(f"hr = {sandbox.dsn}\n")
        monkeypatch.setenv("TNS_ADMIN", str(folder))
        pool = make_pool(dsn="sales")
        with pytest.raises(ConfigurationError, match=f"TNS alias 'sales' is not in {folder}/tnsnames.ora: it has HR"):
            pool.acquire()

        write_names(f"sales = {sandbox.dsn}\n")

        assert query(pool) == 1

    def test_config_dir_may_be_a_variable(
        self,
        make_pool: MakePool,
        sandbox: Sandbox,
        write_names: WriteNames,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("ORAPOOL_TEST_CONFIG_DIR", str(write_names(f"sales = {sandbox.dsn}\n")))

        assert query(make_pool(dsn="sales")) == 1

    def test_one_without_a_tnsnames_ora_is_for_oracle_client_to_find(self, make_pool: MakePool, driver: str) -> None:
        pool = make_pool(dsn="nosuchalias", config_dir="/nowhere")

        if driver == "cx_oracle":
            with pytest.raises(orapool.LogOnError, match="ORA-12154.*check `dsn`"):
                pool.acquire()
        else:
            with pytest.raises(ConfigurationError, match="there is no tnsnames.ora in /nowhere"):
                pool.acquire()


ORDERS = [
    ("127.0.0.1:{one},127.0.0.1:{other}/sales", {"12", "21"}),
    ("127.0.0.1:{one},127.0.0.1:{other}/sales?load_balance=off", {"12"}),
    ("127.0.0.1:{one},127.0.0.1:{other}/sales?failover=off", {"1", "2"}),
    ("127.0.0.1:{one};127.0.0.1:{other}/sales", {"12"}),
    ("(DESCRIPTION={ADDRESS_ONE}{ADDRESS_OTHER})", {"12"}),
    ("(DESCRIPTION=(LOAD_BALANCE=yes){ADDRESS_ONE}{ADDRESS_OTHER})", {"12", "21"}),
    ("(DESCRIPTION=(ADDRESS_LIST=(LOAD_BALANCE=yes){ADDRESS_ONE}{ADDRESS_OTHER}))", {"12", "21"}),
    ("(DESCRIPTION=(FAILOVER=no){ADDRESS_ONE}{ADDRESS_OTHER})", {"1"}),
    ("(DESCRIPTION=(FAILOVER=no)(ADDRESS_LIST={ADDRESS_ONE}{ADDRESS_OTHER}))", {"1"}),
    ("(DESCRIPTION_LIST=(DESCRIPTION={ADDRESS_ONE})(DESCRIPTION={ADDRESS_OTHER}))", {"12", "21"}),
    ("(DESCRIPTION_LIST=(LOAD_BALANCE=no)(DESCRIPTION={ADDRESS_ONE})(DESCRIPTION={ADDRESS_OTHER}))", {"12"}),
]
"""In which orders two addresses are tried, by the form of the connect string."""


class TestWhatTheDatabaseIsAsked:
    """By a listener that remembers it."""

    @staticmethod
    def refused(make_pool: MakePool, dsn: str) -> None:
        with pytest.raises(orapool.LogOnError):
            make_pool(dsn=dsn).acquire()

    def test_taf_is_passed_on_to_oracle_client_and_thin_mode_says_that_it_has_none(
        self, make_pool: MakePool, driver: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        mode = "(FAILOVER_MODE=(TYPE=SELECT)(METHOD=BASIC)(RETRIES=3)(DELAY=5))"
        with Listener() as listener, caplog.at_level(logging.WARNING, logger="orapool.dsn"):
            dsn = orapool.descriptor(
                f"127.0.0.1:{listener.port}",
                service_name="sales",
                failover_mode={"type": "select", "method": "basic", "retries": 3, "delay": 5},
            )
            for _ in range(2):
                self.refused(make_pool, dsn)

        said = [message for message in caplog.messages if "FAILOVER_MODE" in message]
        if driver == "cx_oracle":
            assert all(mode in asked for asked in listener.asked)
            assert said == []
        else:
            assert all("FAILOVER_MODE" not in asked for asked in listener.asked)
            assert len(said) == 1
            assert "thin mode has no Transparent Application Failover (TAF)" in said[0]

    @pytest.mark.parametrize(
        ("form", "parts"),
        [
            ("127.0.0.1:{port}/sales:dedicated", ["SERVICE_NAME=sales", "SERVER=DEDICATED"]),
            ("127.0.0.1:{port}:XE", ["SID=XE"]),
            ("127.0.0.1:{port}/s$a#l", ["SERVICE_NAME=s$a#l"]),
        ],
    )
    def test_parts_arrive(self, make_pool: MakePool, form: str, parts: list[str]) -> None:
        with Listener() as listener:
            self.refused(make_pool, form.format(port=listener.port))

        assert all(f"({part})".lower() in listener.asked[0].lower() for part in parts)

    def test_it_is_asked_over_ipv6(self, make_pool: MakePool) -> None:
        try:
            listener = Listener(host="::1")
        except OSError:
            pytest.xfail("no IPv6 on this machine")
        with listener:
            self.refused(make_pool, f"[::1]:{listener.port}/sales")

        assert "(HOST=::1)" in listener.asked[0]

    def test_an_instance_is_asked_for(self, make_pool: MakePool, driver: str) -> None:
        with Listener() as listener:
            self.refused(make_pool, f"127.0.0.1:{listener.port}/sales/one")

        # python-oracledb 2.5 does not know the parameter.
        passed_on = driver == "cx_oracle" or hasattr(oracledb.ConnectParams(), "instance_name")
        assert ("(INSTANCE_NAME=one)" in listener.asked[0]) == passed_on

    def test_addresses_are_asked_in_turn_as_often_as_retry_count_says(self, make_pool: MakePool) -> None:
        with two_listeners() as (one, other, log):
            addresses = [f"127.0.0.1:{one.port}", f"127.0.0.1:{other.port}"]
            self.refused(make_pool, orapool.descriptor(addresses, service_name="sales", retry_count=1, retry_delay=0))

        assert [port for port, _ in log[:4]] == [one.port, other.port] * 2  # later ones look for the database

    @pytest.mark.parametrize(("form", "orders"), ORDERS)
    def test_both_drivers_go_to_addresses_in_the_same_order(
        self, dbapi: Any, driver: str, form: str, orders: set[str]
    ) -> None:
        seen = set()
        with two_listeners() as (one, other, log):
            address = "(ADDRESS=(PROTOCOL=TCP)(HOST=127.0.0.1)(PORT={}))"
            dsn = form.format(
                one=one.port,
                other=other.port,
                ADDRESS_ONE=address.format(one.port),
                ADDRESS_OTHER=address.format(other.port),
            )
            dsn = connect_strings.with_connect_timeouts(dsn, 5, 2, thin=driver == "oracledb")
            for _ in range(25):  # of two orders, one comes 25 times once in 16 million runs
                log.clear()
                with pytest.raises(dbapi.Error):
                    dbapi.connect(user="scott", password="tiger", dsn=dsn)
                seen.add("".join("1" if port == one.port else "2" for port, _ in log))

        assert seen == orders


class TestLimits:
    @pytest.fixture
    def silent_port(self) -> Iterator[int]:
        """A port that does not answer a TCP connect: its queue is full."""
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            waiting = [socket.socket() for _ in range(3)]
            for each in waiting:
                each.setblocking(False)
                each.connect_ex(listener.getsockname())
            yield listener.getsockname()[1]
            for each in waiting:
                each.close()

    @pytest.mark.parametrize("limit", ["1s", "500ms", "1 sec", "1"])
    def test_the_tcp_connect_ends_in_time_whatever_its_unit(
        self, make_pool: MakePool, sandbox: Sandbox, silent_port: int, limit: str
    ) -> None:
        pool = make_pool(
            dsn=f"127.0.0.1:{silent_port},127.0.0.1:{sandbox.port}/ORAPOOL"
            f"?load_balance=off&transport_connect_timeout={limit}",
            connect_timeout=20,
            transport_connect_timeout=20,
        )
        started = time.monotonic()

        assert query(pool) == 1
        assert 0.9 < time.monotonic() - started < 4

    def test_an_alias_has_the_limits_of_the_settings(
        self, make_pool: MakePool, sandbox: Sandbox, silent_port: int, write_names: WriteNames
    ) -> None:
        places = [f"127.0.0.1:{silent_port}", f"127.0.0.1:{sandbox.port}"]
        folder = write_names(f"sales = {orapool.descriptor(places, service_name='ORAPOOL')}\n")
        pool = make_pool(dsn="sales", config_dir=str(folder), transport_connect_timeout=1)
        started = time.monotonic()

        assert query(pool) == 1
        assert 0.9 < time.monotonic() - started < 4

    def test_retries_of_a_descriptor_do_not_hold_a_caller_beyond_the_deadline(
        self, make_pool: MakePool, silent_port: int
    ) -> None:
        dsn = orapool.descriptor(
            f"127.0.0.1:{silent_port}", service_name="ORAPOOL", retry_count=3, transport_connect_timeout=1
        )
        pool = make_pool(dsn=dsn, acquire_timeout=1.5)
        started = time.monotonic()

        with pytest.raises((orapool.PoolTimeout, DatabaseUnavailable)):
            pool.acquire()
        assert time.monotonic() - started < 2.5
