"""orapool.descriptor: a connect descriptor out of its parts."""

from __future__ import annotations

from typing import Any

import pytest

import orapool
from orapool.dsn.descriptors import parse

DB1 = "(ADDRESS=(PROTOCOL=TCP)(HOST=db1)(PORT=1521))"
DB2 = "(ADDRESS=(PROTOCOL=TCP)(HOST=db2)(PORT=1522))"
SALES = "(CONNECT_DATA=(SERVICE_NAME=sales))"


@pytest.mark.parametrize(
    "addresses",
    [
        ["db1", "db2:1522"],
        ("db1:1521", ("db2", 1522)),
        [("db1", 1521), ("db2", 1522)],
        "db1:1521,db2:1522",
        (name for name in ("db1", "db2:1522")),
    ],
)
def test_addresses_are_given_in_several_ways(addresses: Any) -> None:
    assert orapool.descriptor(addresses, service_name="sales") == f"(DESCRIPTION={DB1}{DB2}{SALES})"


def test_one_address_may_stand_alone() -> None:
    assert orapool.descriptor("db1", service_name="sales") == f"(DESCRIPTION={DB1}{SALES})"
    assert orapool.descriptor(("db2", 1522), service_name="sales") == f"(DESCRIPTION={DB2}{SALES})"
    assert "(HOST=::1)(PORT=1522)" in orapool.descriptor("[::1]:1522", service_name="sales")


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ({"load_balance": True}, "(DESCRIPTION=(LOAD_BALANCE=ON)(ADDRESS"),
        ({"load_balance": False}, "(LOAD_BALANCE=OFF)"),
        ({"failover": True}, "(FAILOVER=ON)"),
        ({"failover": False}, "(FAILOVER=OFF)"),
        ({"source_route": True}, "(SOURCE_ROUTE=ON)"),
        ({"retry_count": 3, "retry_delay": 2}, "(RETRY_COUNT=3)(RETRY_DELAY=2)"),
        ({"retry_count": 0}, "(RETRY_COUNT=0)"),
        (
            {"connect_timeout": 4.5, "transport_connect_timeout": 0.5},
            "(CONNECT_TIMEOUT=5)(TRANSPORT_CONNECT_TIMEOUT=1)",
        ),
        ({"connect_timeout": "500ms"}, "(CONNECT_TIMEOUT=1)"),
        ({"expire_time": 2, "sdu": 16384}, "(EXPIRE_TIME=2)(SDU=16384)"),
        ({"server": "pooled"}, "(SERVER=POOLED)"),
        ({"instance_name": "sales1"}, "(INSTANCE_NAME=sales1)"),
        ({"protocol": "tcps"}, "(PROTOCOL=TCPS)"),
        ({"https_proxy": "proxy", "https_proxy_port": 80}, "(PORT=1521)(HTTPS_PROXY=proxy)(HTTPS_PROXY_PORT=80))"),
        (
            {"pool_connection_class": "app", "pool_purity": "new"},
            "(SERVICE_NAME=sales)(POOL_CONNECTION_CLASS=app)(POOL_PURITY=NEW)",
        ),
        (
            {"failover_mode": {"type": "select", "method": "basic", "retries": 3, "delay": 5}},
            "(CONNECT_DATA=(SERVICE_NAME=sales)(FAILOVER_MODE=(TYPE=SELECT)(METHOD=BASIC)(RETRIES=3)(DELAY=5)))",
        ),
        ({"failover_mode": "session"}, "(FAILOVER_MODE=(TYPE=SESSION)(METHOD=BASIC))"),
        (
            {"security": {"ssl_server_dn_match": True, "ssl_server_cert_dn": "CN=db,O=a", "wallet_location": "/w"}},
            '(SECURITY=(SSL_SERVER_DN_MATCH=ON)(SSL_SERVER_CERT_DN="CN=db,O=a")(MY_WALLET_DIRECTORY=/w))',
        ),
        ({"security": {"ssl_allow_weak_dn_match": False, "x": 1}}, "(SECURITY=(SSL_ALLOW_WEAK_DN_MATCH=OFF)(X=1))"),
    ],
)
def test_each_argument_has_its_place(arguments: dict[str, Any], part: str) -> None:
    built = orapool.descriptor("db1", service_name="sales", **arguments)

    assert part in built
    assert str(parse(built)) == built


def test_a_sid_stands_for_a_service() -> None:
    assert orapool.descriptor("db1", sid="XE") == f"(DESCRIPTION={DB1}(CONNECT_DATA=(SID=XE)))"


@pytest.mark.parametrize(
    ("addresses", "arguments", "message"),
    [
        ([], {}, "addresses: there is none"),
        ("db:x", {}, "addresses: 'db:x': a port, from 1 to 65535, belongs here"),
        ("db/sales", {}, "addresses: 'db/sales': this is neither host nor host:port"),
        ("a;b", {}, "addresses: 'a;b': it has a ';' in it"),
        ([("db", "x")], {}, "addresses: ('db', 'x'): 'host:port' or ('host', port) belongs here"),
        ([7], {}, "addresses: 7: 'host:port' or ('host', port) belongs here"),
        ([("d b", 1)], {}, "HOST must be a name without spaces"),
        ("db", {"service_name": None}, "service_name (or sid) is needed"),
        ("db", {"sid": "XE"}, "service_name and sid exclude each other"),
        ("db", {"retry_count": -1}, "retry_count=-1 must be a whole number"),
        ("db", {"retry_count": True}, "retry_count=True must be a whole number"),
        ("db", {"connect_timeout": "soon"}, "connect_timeout='soon' must be a number of seconds, or one with ms, s"),
        ("db", {"expire_time": 1.5}, "expire_time=1.5 must be a whole number"),
        ("db", {"load_balance": "maybe"}, "load_balance='maybe' must be ON, YES or TRUE, or OFF, NO or FALSE"),
        ("db", {"server": "fast"}, "server='fast' must be DEDICATED or SHARED or POOLED"),
        ("db", {"protocol": "http"}, "protocol='http' must be TCP or TCPS"),
        ("db", {"instance_name": "a b"}, "instance_name='a b' must be a name without spaces"),
        ("db", {"failover_mode": "all"}, "failover_mode: type='all' must be SESSION or SELECT or NONE"),
        ("db", {"failover_mode": {"retry": 3}}, "failover_mode has no 'retry': did you mean 'retries'?"),
        ("db", {"failover_mode": {"x": 3}}, "failover_mode has no 'x': it has type, method, retries, delay"),
        ("db", {"security": {"a b": "c"}}, "'a b' is no name for a parameter"),
        (
            "db",
            {"service_name": 'sa"les'},
            "SERVICE_NAME: a double quotation mark cannot stand in a connect descriptor",
        ),
    ],
)
def test_a_wrong_argument_is_named_with_what_it_takes(addresses: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(orapool.ConfigurationError) as raised:
        orapool.descriptor(addresses, **{"service_name": "sales", **arguments})

    assert message in str(raised.value)
