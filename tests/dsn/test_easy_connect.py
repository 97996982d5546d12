"""Easy Connect, Easy Connect Plus and host:port:sid: each form with its descriptor, and each mistake."""

from __future__ import annotations

import oracledb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orapool.dsn import check_dsn
from orapool.dsn.connect_strings import resolve
from orapool.dsn.descriptors import parse
from orapool.errors import ConfigurationError
from tests.dsn.test_descriptors import steady


def address(host: str, port: int = 1521, protocol: str = "TCP", more: str = "") -> str:
    return f"(ADDRESS=(PROTOCOL={protocol})(HOST={host})(PORT={port}){more})"


def description(addresses: str, connect_data: str = "(SERVICE_NAME=sales)", before: str = "", after: str = "") -> str:
    return f"(DESCRIPTION={before}{addresses}(CONNECT_DATA={connect_data}){after})"


ON = "(LOAD_BALANCE=ON)"


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("db/sales", description(address("db"))),
        ("//db/sales", description(address("db"))),
        ("  db:1522/sales\n", description(address("db", 1522))),
        ("tcp://db:1522/sales", description(address("db", 1522))),
        ("TCPS://db:2484/sales", description(address("db", 2484, "TCPS"))),
        (
            "db.example.com/sales.example.com",
            description(address("db.example.com"), "(SERVICE_NAME=sales.example.com)"),
        ),
        ("db_1-a/s$a#l+es", description(address("db_1-a"), '(SERVICE_NAME="s$a#l+es")')),
        ("[2001:db8::200C:417A]:1522/sales", description(address("2001:db8::200C:417A", 1522))),
        ("[db]/sales", description(address("db"))),
        ("[::1],[::2]:1522/sales", description(address("::1", 1522) + address("::2", 1522), before=ON)),
        # The listener's default service.
        ("//db", description(address("db"), "(SERVICE_NAME=)")),
        ("db:1522", description(address("db", 1522), "(SERVICE_NAME=)")),
        ("db:1522/", description(address("db", 1522), "(SERVICE_NAME=)")),
        ("db:1522?sdu=8192", description(address("db", 1522), "(SERVICE_NAME=)", "(SDU=8192)")),
        # Server and instance.
        ("db/sales:pooled", description(address("db"), "(SERVICE_NAME=sales)(SERVER=POOLED)")),
        ("db/sales/one", description(address("db"), "(SERVICE_NAME=sales)(INSTANCE_NAME=one)")),
        (
            "db/sales:dedicated/one",
            description(address("db"), "(SERVICE_NAME=sales)(SERVER=DEDICATED)(INSTANCE_NAME=one)"),
        ),
        ("db/:shared", description(address("db"), "(SERVICE_NAME=)(SERVER=SHARED)")),
        ("db//one", description(address("db"), "(SERVICE_NAME=)(INSTANCE_NAME=one)")),
        # The old form.
        ("db:1522:XE", description(address("db", 1522), "(SID=XE)")),
        ("//db:1522:XE", description(address("db", 1522), "(SID=XE)")),
        # Several hosts.
        ("db1,db2/sales", description(address("db1") + address("db2"), before=ON)),
        ("db1,db2:1522/sales", description(address("db1", 1522) + address("db2", 1522), before=ON)),
        ("db1:1522,db2/sales", description(address("db1", 1522) + address("db2"), before=ON)),
        (
            "db1,db2:1,db3:2/sales",
            description(address("db1", 1) + address("db2", 1) + address("db3", 2), before=ON),
        ),
        (
            "db1,db2/sales?load_balance=off",
            description(address("db1") + address("db2"), before="(LOAD_BALANCE=OFF)"),
        ),
        (
            "db1,db2/sales?failover=no",
            description(address("db1") + address("db2"), before=f"{ON}(FAILOVER=OFF)"),
        ),
        (
            "cman,db/sales?source_route=yes",
            description(address("cman") + address("db"), before="(SOURCE_ROUTE=ON)"),
        ),
        (
            "db1:1;db2,db3:2/sales",
            description(
                f"(ADDRESS_LIST={ON}{address('db1', 1)})(ADDRESS_LIST={ON}{address('db2', 2)}{address('db3', 2)})"
            ),
        ),
        # Parameters.
        (
            "db/sales?connect_timeout=10&transport_connect_timeout=3",
            description(address("db"), before="(CONNECT_TIMEOUT=10)(TRANSPORT_CONNECT_TIMEOUT=3)"),
        ),
        (
            "db/sales?CONNECT_TIMEOUT=10s&Transport_Connect_Timeout=500ms",
            description(address("db"), before="(CONNECT_TIMEOUT=10)(TRANSPORT_CONNECT_TIMEOUT=1)"),
        ),
        ("db/sales?connect_timeout=1500 ms", description(address("db"), before="(CONNECT_TIMEOUT=2)")),
        ("db/sales?connect_timeout=2min", description(address("db"), before="(CONNECT_TIMEOUT=120)")),
        ("db/sales?connect_timeout=2.5 sec", description(address("db"), before="(CONNECT_TIMEOUT=3)")),
        (
            "db/sales?retry_count=3&retry_delay=2&expire_time=2&sdu=16384",
            description(address("db"), before="(RETRY_COUNT=3)(RETRY_DELAY=2)(EXPIRE_TIME=2)(SDU=16384)"),
        ),
        (
            "db/sales?enable=broken&recv_buf_size=1&send_buf_size=2&use_sni=on",
            description(address("db"), before="(ENABLE=BROKEN)(RECV_BUF_SIZE=1)(SEND_BUF_SIZE=2)(USE_SNI=ON)"),
        ),
        (
            "db/sales?pool_connection_class=app&pool_purity=self&pool_boundary=statement",
            description(
                address("db"),
                "(SERVICE_NAME=sales)(POOL_CONNECTION_CLASS=app)(POOL_PURITY=SELF)(POOL_BOUNDARY=STATEMENT)",
            ),
        ),
        (
            "tcps://db:2484/sales?https_proxy=proxy&https_proxy_port=8080",
            description(address("db", 2484, "TCPS", "(HTTPS_PROXY=proxy)(HTTPS_PROXY_PORT=8080)")),
        ),
        (
            'tcps://db:2484/sales?ssl_server_dn_match=true&ssl_server_cert_dn="CN=db&1,O=acme"&wallet_location=/my own',
            description(
                address("db", 2484, "TCPS"),
                after='(SECURITY=(SSL_SERVER_DN_MATCH=ON)(SSL_SERVER_CERT_DN="CN=db&1,O=acme")'
                "(MY_WALLET_DIRECTORY=/my own))",
            ),
        ),
        ("db/sales? sdu = 8192 & retry_count=1", description(address("db"), before="(SDU=8192)(RETRY_COUNT=1)")),
    ],
)
def test_each_form_becomes_a_descriptor(text: str, canonical: str) -> None:
    assert str(resolve(text)) == canonical
    assert parse(canonical) == resolve(text)


@pytest.mark.parametrize(
    "text",
    [
        "db/sales",
        "tcps://db:2484/sales",
        "[::1]:1522/sales",
        "db/sales:pooled",
        "db1,db2:1522,db3:1523/sales",
        "db/sales?retry_count=3&retry_delay=2&expire_time=2&sdu=16384&transport_connect_timeout=3",
        "tcps://db/sales?ssl_server_dn_match=off&wallet_location=/w&https_proxy=proxy&https_proxy_port=80",
        "db/sales:pooled?pool_connection_class=app&pool_purity=self",
    ],
)
def test_python_oracledb_reads_the_descriptor_as_it_reads_the_form(text: str) -> None:
    ours, theirs = oracledb.ConnectParams(), oracledb.ConnectParams()
    ours.parse_connect_string(str(resolve(text)))
    theirs.parse_connect_string(text)

    for name in (
        *("host", "port", "protocol", "service_name", "sid", "server_type", "retry_count"),
        *("retry_delay", "expire_time", "sdu", "tcp_connect_timeout", "ssl_server_dn_match", "wallet_location"),
        *("https_proxy", "https_proxy_port", "cclass", "purity"),
    ):
        mine, its = getattr(ours, name), getattr(theirs, name)
        assert (mine if isinstance(mine, list) else [mine]) == (its if isinstance(its, list) else [its]), name


@pytest.mark.parametrize(
    ("text", "reason", "column"),
    [
        ("/sales", "a host belongs here", 1),
        ("//", "a host belongs here", 3),
        ("db1,,db2/sales", "a host belongs here", 5),
        ("db1,/sales", "a host belongs here", 5),
        ("[::1/sales", "a host belongs here", 1),
        ("[]/sales", "a host belongs here", 1),
        ("db:/sales", "a port, from 1 to 65535, belongs here", 4),
        ("db:15x1/sales", "a port, from 1 to 65535, belongs here", 4),
        ("db:0/sales", "a port, from 1 to 65535, belongs here", 4),
        ("db:65536/sales", "a port, from 1 to 65535, belongs here", 4),
        ("db:1521:", "a SID belongs here", 9),
        ("db:1521:XE/sales", "what stands here does not belong to host[,host...]", 11),
        ("ftp://db/sales", "the protocol is neither tcp nor tcps", 1),
        ("db/sales:fast", "the server type must be DEDICATED or SHARED or POOLED", 10),
        ("db/sales:", "a server type belongs here", 10),
        ("db/sales/", "an instance name belongs here", 10),
        ("db/sales two", "what stands here does not belong to", 9),
        ("db/sales)", "what stands here does not belong to", 9),
        ("d b/sales", "what stands here does not belong to", 2),
        ("db/sales?sdu", "parameter=value belongs here", 10),
        ("db/sales?sdu=1&&retry_count=1", "parameter=value belongs here", 16),
        ("db/sales?retry_cuont=1", "'retry_cuont' is not a parameter of Easy Connect: did you mean 'retry_count'?", 10),
        ("db/sales?sid=XE", "'sid' is not a parameter of Easy Connect", 10),
        ("db/sales?pyo.min=3", "'pyo.min' is python-oracledb's own: such settings go to orapool.configure()", 10),
        ("db/sales?sdu=1&SDU=2", "sdu is given twice", 16),
        ("db/sales?sdu=big", "sdu must be a whole number", 14),
        ("db/sales?retry_count=-1", "retry_count must be a whole number", 22),
        (
            "db/sales?connect_timeout=3h",
            "connect_timeout must be a number of seconds, or one with ms, s, sec or min",
            26,
        ),
        ("db/sales?failover=maybe", "failover must be ON, YES or TRUE, or OFF, NO or FALSE", 19),
        ("db/sales?pool_purity=old", "pool_purity must be SELF or NEW", 22),
        ("db/sales?https_proxy_port=x", "https_proxy_port must be a port", 27),
        ('db/sales?wallet_location="/w', "'&' belongs here, between parameters", 26),
        ('db/sales?ssl_server_cert_dn="a"b', "'&' belongs here, between parameters", 32),
    ],
)
def test_a_malformed_one_is_shown_with_the_character(text: str, reason: str, column: int) -> None:
    with pytest.raises(ConfigurationError) as raised:
        check_dsn(text)

    message = str(raised.value)
    assert message.startswith(f"the connect string cannot be read: {reason}")
    assert f", at character {column}:\n" in message
    assert message.endswith("\n    " + " " * (column - 1) + "^")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scott/tiger@db/sales", "dsn has an '@' in it: user and password are settings of their own"),
        ("scott/ti?ger@db/sales", "dsn has an '@' in it"),
        ("oracle://scott:tiger@db/XE", "dsn is a URL: set url to it instead"),
        ("oracle+oracledb://scott:tiger@db/XE", "dsn is a URL: set url to it instead"),
        ("jdbc:oracle:thin:scott/tiger@db:1521:XE", "dsn is a JDBC URL: set dsn to what follows its '@'"),
        ("SALES = (DESCRIPTION=...)", "dsn is an entry of tnsnames.ora: only what follows its '=' is a connect string"),
    ],
)
def test_what_is_something_else_is_called_by_its_name_and_shows_no_password(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as raised:
        check_dsn(text)

    assert "tiger" not in str(raised.value)


def test_the_place_of_a_wallet_is_not_shown() -> None:
    with pytest.raises(ConfigurationError) as raised:
        check_dsn("db/sales?wallet_location=/home/oyster&sdu=big")

    _, line, caret = str(raised.value).split("\n")
    assert line == "    db/sales?wallet_location=***&sdu=big"
    assert line[caret.index("^") :] == "big"


@pytest.mark.parametrize(
    "dsn", ["sales", "sales.example.com", "ldap://directory/cn=sales", "config-file:///etc/db.json"]
)
def test_what_is_looked_up_later_is_not_judged(dsn: str) -> None:
    check_dsn(dsn)


@steady
@given(st.text("ab1:/,;[]?&=\"' @.-()", max_size=20))
def test_any_text_is_understood_or_refused(text: str) -> None:
    try:
        tree = resolve(f"db/{text}")
    except ConfigurationError:
        return
    assert parse(str(tree)) == tree
