"""The addresses of a connect string one by one, as a log-on tries them."""

from __future__ import annotations

import pytest

from orapool.dsn import routes
from orapool.dsn.descriptors import parse
from tests.dsn.test_log_ons import ORDERS

TWO = "(ADDRESS=(PROTOCOL=TCP)(HOST=db1)(PORT=1521))(ADDRESS=(PROTOCOL=TCP)(HOST=db2)(PORT=1522))"
DATA = "(CONNECT_DATA=(SERVICE_NAME=SALES))"


def hosts(dsn: str) -> list[str]:
    return [route.host for route in routes(dsn, 10, 2)]


def test_each_is_a_descriptor_of_one_address_with_all_else_that_is_said() -> None:
    first, second = routes(
        f"(DESCRIPTION=(SDU=8192)(CONNECT_TIMEOUT=7){TWO}{DATA}(SECURITY=(SSL_SERVER_DN_MATCH=OFF)))", 10, 2
    )

    assert (first.host, first.port, second.host, second.port) == ("db1", "1521", "db2", "1522")
    assert (first.connect, first.transport, first.pause) == (7, 2, 0)
    tree = parse(second.descriptor)
    assert [address.child("HOST").text for address in tree.all("ADDRESS")] == ["db2"]  # type: ignore[union-attr]
    assert {child.name for child in tree.children} >= {"SDU", "CONNECT_DATA", "SECURITY"}


def test_the_order_is_theirs_unless_they_are_balanced() -> None:
    plain = f"(DESCRIPTION={TWO}{DATA})"
    balanced = f"(DESCRIPTION=(LOAD_BALANCE=ON){TWO}{DATA})"

    assert {tuple(hosts(plain)) for _ in range(30)} == {("db1", "db2")}
    assert {tuple(hosts(balanced)) for _ in range(100)} == {("db1", "db2"), ("db2", "db1")}


@pytest.mark.parametrize(("form", "orders"), ORDERS)
def test_the_order_is_the_drivers(form: str, orders: set[str]) -> None:
    address = "(ADDRESS=(PROTOCOL=TCP)(HOST=127.0.0.1)(PORT={}))"
    dsn = form.format(one=1, other=2, ADDRESS_ONE=address.format(1), ADDRESS_OTHER=address.format(2))

    assert {"".join(route.port for route in routes(dsn, 5, 2)) for _ in range(50)} == orders


def test_without_failover_there_is_one() -> None:
    assert hosts(f"(DESCRIPTION=(FAILOVER=OFF){TWO}{DATA})") == ["db1"]
    assert hosts(f"(DESCRIPTION=(FAILOVER=OFF)(ADDRESS_LIST={TWO}){DATA})") == ["db1"]


def test_lists_of_addresses_and_of_descriptions() -> None:
    other = "(ADDRESS_LIST=(ADDRESS=(PROTOCOL=TCP)(HOST=db3)(PORT=1521)))"
    assert hosts(f"(DESCRIPTION=(ADDRESS_LIST={TWO}){other}{DATA})") == ["db1", "db2", "db3"]
    listed = f"(DESCRIPTION_LIST=(LOAD_BALANCE=OFF)(DESCRIPTION={TWO}{DATA})(DESCRIPTION={other}{DATA}))"
    assert hosts(listed) == ["db1", "db2", "db3"]


def test_retries_are_rounds_with_a_pause_before_each() -> None:
    found = routes(f"(DESCRIPTION=(RETRY_COUNT=2)(RETRY_DELAY=3){TWO}{DATA})", 10, 2)

    assert [(route.host, route.pause) for route in found] == [
        *[("db1", 0), ("db2", 0)],
        *[("db1", 3), ("db2", 0)],
        *[("db1", 3), ("db2", 0)],
    ]
    assert "RETRY" not in found[0].descriptor


def test_a_source_route_is_one_way() -> None:
    [route] = routes(f"(DESCRIPTION=(SOURCE_ROUTE=ON){TWO}{DATA})", 10, 2)

    assert "db1" in route.descriptor
    assert "db2" in route.descriptor
    assert not route.is_named


@pytest.mark.parametrize(
    ("dsn", "named"),
    [
        ("db1/SALES", True),
        ("10.0.0.1/SALES", False),
        ("[::1]:1521/SALES", False),
        ("tcps://db1/SALES", False),  # its certificate is compared with the name
        ("tcps://db1/SALES?https_proxy=proxy&https_proxy_port=80", False),
        ("ldap://directory/SALES", False),  # which the driver asks
    ],
)
def test_names_that_can_be_looked_up_beforehand(dsn: str, named: bool) -> None:
    [route] = routes(dsn, 10, 2)

    assert route.is_named is named


def test_a_route_to_an_address_that_the_name_stands_for() -> None:
    [route] = routes("db1/db1", 10, 2)

    assert "(HOST=10.0.0.7)" in route.at("10.0.0.7").descriptor
    assert "(SERVICE_NAME=db1)" in route.at("10.0.0.7").descriptor
    assert "(HOST=::7)" in route.at("::7").descriptor
