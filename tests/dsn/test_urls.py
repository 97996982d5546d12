"""URLs and connect strings."""

from __future__ import annotations

import pytest

from orapool.dsn import ConnectUrl, parse_url, with_connect_timeouts
from orapool.errors import ConfigurationError

SID = "(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=db)(PORT=1521))(CONNECT_DATA=(SID=XE)))"
FULL = "(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=n1)(PORT=1521))(CONNECT_DATA=(SERVICE_NAME=sales)))"


@pytest.mark.parametrize(
    ("url", "dsn"),
    [
        ("oracle://scott:tiger@db:1522/?service_name=sales", "db:1522/sales"),
        ("oracle://scott:tiger@db/?service_name=sales.example.com", "db:1521/sales.example.com"),
        ("oracle://scott:tiger@db:1522?service_name=sales", "db:1522/sales"),
        ("oracle://scott:tiger@[::1]:1522/?service_name=sales", "[::1]:1522/sales"),
        ("oracle://scott:tiger@db/?service_name=sales&encoding=UTF-8&nencoding=UTF-8", "db:1521/sales"),
        ("oracle://scott:tiger@db/XE", SID),
        ("oracle://scott:tiger@sales_alias", "sales_alias"),
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
        ("oracle://scott:tiger@(DESCRIPTION=(ADDRESS=(HOST=n1))", "the connect descriptor lacks 1 closing parenthesis"),
        ("oracle://scott:tiger@(DESCRIPTION=)/?service_name=x", "ends at its character 14, and more follows"),
        ("oracle://scott:tiger@db/?service_name=x&encoding=latin1", "encoding= can only be UTF-8"),
    ],
)
def test_a_url_that_cannot_be_read_says_what_is_wrong_and_never_the_password(url: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason) as raised:
        parse_url(url)

    assert "tiger" not in str(raised.value)
    assert "oracle://user:password@host:port/?service_name=NAME" in str(raised.value)


def test_the_password_is_not_in_the_repr() -> None:
    assert "tiger" not in repr(parse_url("oracle://scott:tiger@db/?service_name=sales"))


def test_a_connect_timeout_goes_into_the_descriptor_in_whole_seconds() -> None:
    assert with_connect_timeouts("db:1522/sales", 4.5, 2.5) == (
        "(DESCRIPTION=(CONNECT_TIMEOUT=5)(TRANSPORT_CONNECT_TIMEOUT=3)"
        "(ADDRESS=(PROTOCOL=TCP)(HOST=db)(PORT=1522))(CONNECT_DATA=(SERVICE_NAME=sales)))"
    )


def test_each_description_of_a_list_gets_the_connect_timeout() -> None:
    descriptor = "(DESCRIPTION_LIST=(DESCRIPTION=(ADDRESS=1))(DESCRIPTION=(ADDRESS=2)))"

    assert with_connect_timeouts(descriptor, 1, 2).count("CONNECT_TIMEOUT=1") == 4


@pytest.mark.parametrize("dsn", ["alias", "(description=(connect_timeout=9)(ADDRESS=1))", "db:1522/sales:dedicated"])
def test_other_connect_strings_are_left_as_they_are(dsn: str) -> None:
    assert with_connect_timeouts(dsn, 3, 3) == dsn


def test_a_limit_of_zero_is_none() -> None:
    assert "TIMEOUT" not in with_connect_timeouts("db:1522/sales", 0, 0)
    assert "(DESCRIPTION=(CONNECT_TIMEOUT=4)(TRANSPORT_CONNECT_TIMEOUT=4)" in with_connect_timeouts("db/sales", 4, 0)
