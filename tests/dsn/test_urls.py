"""URLs: what is in them, and what is said of those that cannot be read."""

from __future__ import annotations

from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orapool.dsn import ConnectUrl, parse_url
from orapool.errors import ConfigurationError
from tests.dsn.test_descriptors import steady

BOTH = (
    "(ADDRESS=(PROTOCOL=TCP)(HOST=db1)(PORT=1522))(ADDRESS=(PROTOCOL=TCP)(HOST=db2)(PORT=1522))"
    "(CONNECT_DATA=(SERVICE_NAME=sales)))"
)
SID = "(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=db)(PORT=1521))(CONNECT_DATA=(SID=XE)))"
SERVED = SID.replace("SID=XE", "SERVICE_NAME=sales)(INSTANCE_NAME=one)(SERVER=pooled")
FULL = "(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=n1)(PORT=1521))(CONNECT_DATA=(SERVICE_NAME=sales)))"
PLUS = FULL.replace("sales", "+ales")
SECURE = SID.replace(
    "(SID=XE))", '(SID=XE)(POOL_CONNECTION_CLASS=app))(SECURITY=(SSL_SERVER_CERT_DN="CN=db,O=an acme"))'
)
PLUS = FULL.replace("sales", "+ales")


@pytest.mark.parametrize(
    ("url", "dsn"),
    [
        ("oracle://scott:tiger@db:1522/?service_name=sales", "db:1522/sales"),
        ("oracle://scott:tiger@db/?service_name=sales.example.com", "db:1521/sales.example.com"),
        ("oracle://scott:tiger@db:1522?service_name=sales", "db:1522/sales"),
        ("oracle://scott:tiger@[::1]:1522/?service_name=sales", "[::1]:1522/sales"),
        ("oracle://scott:tiger@db/?service_name=sales&encoding=UTF-8&nencoding=UTF-8", "db:1521/sales"),
        ("oracle://scott:tiger@db/XE", SID),
        ("oracle://scott:tiger@db:1521/XE", SID),
        ("oracle://scott:tiger@db:1521/XE/", SID),
        ("oracle://scott:tiger@db/?sid=XE", SID),
        ("oracle://scott:tiger@db:1521?SID=XE", SID),
        ("oracle://scott:tiger@db/?service_name=sales&server=pooled&instance_name=one", SERVED),
        ("oracle://scott:tiger@db1,db2:1522/?service_name=sales", f"(DESCRIPTION=(LOAD_BALANCE=ON){BOTH}"),
        (
            "oracle://scott:tiger@db1,db2:1522/?service_name=sales&load_balance=off&failover=on",
            f"(DESCRIPTION=(LOAD_BALANCE=OFF)(FAILOVER=ON){BOTH}",
        ),
        (
            "oracle://scott:tiger@db/XE?retry_count=3&connect_timeout=10s&tcp_connect_timeout=500ms",
            SID.replace("(ADDRESS", "(RETRY_COUNT=3)(CONNECT_TIMEOUT=10)(TRANSPORT_CONNECT_TIMEOUT=1)(ADDRESS"),
        ),
        (
            "oracle://scott:tiger@db/XE?ssl_server_cert_dn=CN%3Ddb%2CO%3Dan+acme&cclass=app",
            SECURE,
        ),
        ("oracle://scott:tiger@db/?sid=XE&protocol=tcps", SID.replace("TCP", "TCPS")),
        ("oracle://scott:tiger@db/?service_name=a+b", SID.replace("SID=XE", "SERVICE_NAME=a b")),
        ("oracle://scott:tiger@sales_alias", "sales_alias"),
        ("oracle://scott:tiger@sales.example.com/", "sales.example.com"),
        # What SQLAlchemy's cx_oracle dialect takes, where it says what is so anyway.
        ("oracle://scott:tiger@db/?service_name=sales&threaded=true&events=False&mode=default", "db:1521/sales"),
        ("oracle://scott:tiger@sales_alias?encoding=UTF-8&nencoding=utf8", "sales_alias"),
        (f"oracle://scott:tiger@{FULL}/?encoding=UTF-8&threaded=true", FULL),
        (f"oracle://scott:tiger@{FULL}?encoding=UTF-8", FULL),
        (f"oracle://scott:tiger@{FULL}/", FULL),
        # Full descriptors, as they come out of files and of quote() and quote_plus().
        (f"  oracle://scott:tiger@\n  {FULL.lower().replace('tcp', 'TCP').replace('(', chr(10) + '  (')}\n", FULL),
        ("oracle://scott:tiger@" + FULL.replace("(", " ( ").replace("=", " = "), FULL),
        ("oracle://scott:tiger@" + quote(FULL.replace("(", "\r\n (")), FULL),
        ("oracle://scott:tiger@" + quote_plus(FULL.replace("=", " = ").replace("sales", "+ales")), PLUS),
        ("oracle://scott:tiger@" + quote_plus(FULL.replace("=", " = ")) + "?encoding=UTF-8", FULL),
        ("oracle://scott:tiger@" + FULL.replace("sales", "+ales"), PLUS),
        (f"oracle://scott:tiger@{FULL}", FULL),
        (f"oracle://scott:tiger@{FULL.replace('(', '%28').replace(')', '%29').replace('=', '%3D')}", FULL),
    ],
)
def test_the_host_part_becomes_the_connect_string(url: str, dsn: str) -> None:
    assert parse_url(url) == ConnectUrl(dsn=dsn, user="scott", password="tiger", driver=None)


@pytest.mark.parametrize(
    ("scheme", "driver"),
    [("oracle", None), ("oracle+cx_oracle", "cx_oracle"), ("oracle+oracledb", "oracledb")],
)
def test_the_scheme_may_fix_the_driver(scheme: str, driver: str | None) -> None:
    assert parse_url(f"{scheme}://scott:tiger@db/?service_name=sales").driver == driver


@pytest.mark.parametrize(
    ("written", "password"),
    [("p%40ss%2Fw%3Fd%25", "p@ss/w?d%"), ("p@ss/word", "p@ss/word"), ("a:b", "a:b"), ("a+b", "a+b")],
)
def test_the_password_may_be_percent_encoded(written: str, password: str) -> None:
    assert parse_url(f"oracle://scott:{written}@db/?service_name=sales").password == password


def test_user_and_password_may_come_from_elsewhere() -> None:
    assert parse_url("oracle://db/?service_name=sales") == ConnectUrl(dsn="db:1521/sales")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://scott:tiger@db/x", "it has 'postgresql' where one of oracle://, oracle\\+cx_oracle://"),
        ("scott:tiger@db/x", "it has no scheme where"),
        ("oracle://scott:tiger@", "the host part is empty"),
        ("oracle://scott:tiger", "the port, between ':' and '/', is not a number"),
        ("oracle://scott:tiger@db:15x21/?service_name=sales", "the port, between ':' and '/', is not a number"),
        ("oracle://scott:tiger@db:99999/?service_name=sales", "is not a number from 1 to 65535"),
        ("oracle://scott:tiger@db:1521/", "neither /\\?service_name=NAME nor /SID follows"),
        ("oracle://scott:tiger@db/?service_name=", "service_name= is empty"),
        ("oracle://scott:tiger@db/?sid_name=x", "'sid_name' is not known after the '\\?'"),
        ("oracle://scott:tiger@db/?service_name=x&threaded", "not name=value pairs"),
        ("oracle://scott:tiger@db/XE?service_name=sales", "both a SID after the '/' and a service_name"),
        ("oracle://scott:ti?ger@db/XE", "write '\\?' in a password as %3F"),
        ("oracle://scott:tiger@d b/XE", "the host part is neither host nor host:port"),
        ("oracle://scott:tiger@db/?service_name=x&encoding=latin1", "encoding= can only be UTF-8: leave it out"),
        ("oracle://scott:tiger@db/?service_name=x&threaded=false", "threaded= has no meaning but true: sessions"),
        ("oracle://scott:tiger@db/?service_name=x&events=true", "events= has no meaning but false: the pool"),
        ("oracle://scott:tiger@db/?service_name=x&mode=SYSDBA", "mode= has no meaning: sessions of the pool are those"),
        ("oracle://scott:tiger@db/?service_name=x&purity=self", "purity= has no meaning here: it is pool_purity="),
        ("oracle://scott:tiger@db/?service_name=x&arraysize=9", "'arraysize' is an option of SQLAlchemy's engine"),
        ("oracle://scott:tiger@db/?service_name=x&max=9", "'max' is not known .*: settings of the pool go to"),
        ("oracle://scott:tiger@db/?service_name=x&pyo.min=9", "'pyo.min' is python-oracledb's own"),
        ("oracle://scott:tiger@db/?servicename=x", "'servicename' is not known after the '\\?': did you mean"),
        ("oracle://scott:tiger@db/?service_name=x&tig er=9", "a parameter after the '\\?' is not known"),
        ("oracle://scott:tiger@db/?service_name=x&sid=XE", "both a service_name and a sid after the '\\?'"),
        ("oracle://scott:tiger@db/XE?sid=XE", "both a SID after the '/' and a sid after the '\\?'"),
        ("oracle://scott:tiger@db/?sid=", "sid= is empty"),
        ("oracle://scott:tiger@db/XE?protocol=http", "protocol= is neither tcp nor tcps"),
        ("oracle://scott:tiger@sales_alias?protocol=tcps", "neither /\\?service_name=NAME nor /SID follows"),
        ("oracle://scott:tiger@db/XE?retry_count=1&RETRY_COUNT=2", "retry_count= is given twice"),
        ("oracle://scott:tiger@db/XE?retry_count=some", "retry_count must be a whole number"),
        ("oracle://scott:tiger@db/XE?server=fast", "SERVER must be DEDICATED or SHARED or POOLED"),
        ("oracle://scott:tiger@db/?server=pooled", "neither /\\?service_name=NAME nor /SID follows"),
        ("oracle://scott:tiger@sales_alias?retry_count=1", "neither /\\?service_name=NAME nor /SID follows"),
        ("oracle://scott:tiger@db1,,db2/XE", "the host part is neither host nor host:port"),
        ("oracle://scott:tiger@[::1/XE", "the host part is neither host nor host:port"),
        (f"oracle://scott:tiger@{FULL}?retry_count=1", "retry_count= stands after a full connect descriptor: write it"),
        ("jdbc:oracle:thin:scott/tiger@//db:1521/sales", "it is a JDBC URL: set dsn to what follows its '@'"),
    ],
)
def test_a_url_that_cannot_be_read_says_what_is_wrong_and_never_the_password(url: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason) as raised:
        parse_url(url)

    assert "tiger" not in str(raised.value)
    assert "oracle://user:password@host:port/?service_name=NAME" in str(raised.value)


def test_the_password_is_not_in_the_repr() -> None:
    assert "tiger" not in repr(parse_url("oracle://scott:tiger@db/?service_name=sales"))


@pytest.mark.parametrize(
    ("descriptor", "reason", "shown"),
    [
        ("(DESCRIPTION=(ADDRESS=(HOST=n1))", "it lacks 1 closing parenthesis, at character 33", None),
        (f"{FULL}x", "it ends before this character, and more follows", f"{FULL}x\n{' ' * (len(FULL) + 4)}^"),
        ("(DESCRIPTION=(ADDRESS=(HOST=n1)(PORT=x)))", "PORT must be a port", None),
        ("%28DESCRIPTION%3D%28ADDRESS%3Ddb%29%29", "ADDRESS must be (NAME=value) pairs, at character 23", None),
        ("(DESCRIPTION=(PASSWORD=oyster)(X))", "'=' belongs here, after X", "(DESCRIPTION=(PASSWORD=***)(X))"),
    ],
)
def test_a_malformed_descriptor_in_a_url_is_shown_with_the_character(
    descriptor: str, reason: str, shown: str | None
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        parse_url(f"oracle://scott:tiger@{descriptor}")

    message = str(raised.value)
    assert message.startswith("the connect descriptor of the database URL cannot be read: ")
    assert reason in message
    assert (shown or "") in message
    assert "tiger" not in message
    assert "oyster" not in message


@steady
@given(st.text("ab@:/?=&;,()[]%2834 \n", max_size=25))
def test_any_text_is_a_url_or_refused(text: str) -> None:
    try:
        dsn = parse_url(f"oracle://{text}").dsn
    except ConfigurationError:
        return
    assert parse_url(f"oracle://scott:tiger@{dsn}" if dsn[0] == "(" else f"oracle://{text}").dsn == dsn
