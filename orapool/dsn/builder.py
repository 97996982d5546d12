"""`orapool.descriptor`: a connect descriptor out of its parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Union, cast

from orapool.dsn import easy_connect
from orapool.dsn.descriptors import Node, check
from orapool.dsn.faults import Fault
from orapool.dsn.parameters import PARAMETERS, READERS, count, nearest, one_of, port, server
from orapool.errors import ConfigurationError

Address = Union[str, tuple[str, int]]

_MODE = {
    "type": one_of("SESSION", "SELECT", "NONE", "AUTO", "TRANSACTION"),
    "method": one_of("BASIC", "PRECONNECT"),
    "retries": count,
    "delay": count,
    "backup": str,
    "transaction": one_of("YES", "NO"),
}


def descriptor(
    addresses: Address | Iterable[Address],
    *,
    service_name: str | None = None,
    sid: str | None = None,
    instance_name: str | None = None,
    server: str | None = None,
    protocol: str = "tcp",
    load_balance: bool | None = None,
    failover: bool | None = None,
    source_route: bool | None = None,
    retry_count: int | None = None,
    retry_delay: float | None = None,
    connect_timeout: float | None = None,
    transport_connect_timeout: float | None = None,
    expire_time: int | None = None,
    sdu: int | None = None,
    failover_mode: str | Mapping[str, Any] | None = None,
    pool_connection_class: str | None = None,
    pool_purity: str | None = None,
    https_proxy: str | None = None,
    https_proxy_port: int | None = None,
    security: Mapping[str, Any] | None = None,
) -> str:
    """A connect descriptor, for the setting `dsn`.

    Args:
        addresses: ``"host"``, ``"host:port"`` or ``("host", port)``, one or several; the port is 1521 unless given.
        service_name: the service that is asked for; or `sid`, of an older database.
        sid: see `service_name`.
        instance_name: the instance of the service.
        server: ``"dedicated"``, ``"shared"`` or ``"pooled"`` (DRCP).
        protocol: ``"tcp"`` or ``"tcps"``.
        load_balance: whether addresses are tried in random order, and not in their own; None: the driver's default,
            which is their own.
        failover: whether the next address is tried when one fails; None: the driver's default, which is yes.
        source_route: whether the addresses are hops on the way.
        retry_count: how often all addresses are tried again when all have failed. Each round takes its time: a caller
            has its answer by `acquire_timeout` all the same, but the log-on goes on behind.
        retry_delay: seconds between these rounds.
        connect_timeout: seconds of a log-on at one address, rounded up; unless given, the setting of that name.
        transport_connect_timeout: seconds of the TCP connect to one address, rounded up; as above.
        expire_time: minutes of silence after which the client probes the path.
        sdu: bytes of the session data unit.
        failover_mode: Transparent Application Failover, for cx_Oracle: ``{"type": "select", "method": "basic",
            "retries": 3, "delay": 5}`` (`delay` in seconds), or its type alone. python-oracledb's thin mode has none.
        pool_connection_class: DRCP's connection class.
        pool_purity: ``"self"`` or ``"new"``.
        https_proxy: the host of a proxy, for TCPS.
        https_proxy_port: its port.
        security: `ssl_server_dn_match`, `ssl_server_cert_dn`, `wallet_location` and the like, for TCPS.

    Raises `ConfigurationError`, which names the argument and what it takes.

    >>> descriptor(["db1", "db2:1522"], service_name="sales", load_balance=True)  # doctest: +ELLIPSIS
    '(DESCRIPTION=(LOAD_BALANCE=ON)(ADDRESS=(PROTOCOL=TCP)(HOST=db1)(PORT=1521))(ADDRESS=(PROTOCOL=TCP)(HOST=db2)...'
    """
    given: dict[str, Any] = {
        "connect_timeout": connect_timeout,
        "transport_connect_timeout": transport_connect_timeout,
        "retry_count": retry_count,
        "retry_delay": retry_delay,
        "expire_time": expire_time,
        "sdu": sdu,
        "load_balance": load_balance,
        "failover": failover,
        "source_route": source_route,
        "https_proxy": https_proxy,
        "https_proxy_port": https_proxy_port,
        "pool_connection_class": pool_connection_class,
        "pool_purity": pool_purity,
    }
    parameters = {name: _read(name, PARAMETERS[name].read, value) for name, value in given.items() if value is not None}
    tree = easy_connect.build(
        [_addresses(addresses)],
        _read("protocol", one_of("TCP", "TCPS"), protocol),
        _connect_data(service_name, sid, server, instance_name, failover_mode),
        parameters,
        balance=False,
    )
    if security:
        tree = tree.with_children([*tree.children, Node("SECURITY", tuple(_security(security)))])
    try:
        check(tree)
    except Fault as fault:  # such as a service name with a space
        raise ConfigurationError(f"descriptor(): {fault.reason}") from None
    return str(tree)


def _addresses(given: Address | Iterable[Address]) -> list[tuple[str, int]]:
    one = isinstance(given, str) or (isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], int))
    members: list[Any] = [given] if one else list(cast("Iterable[Address]", given))
    if not members:
        raise ConfigurationError("descriptor(): addresses: there is none")
    return [each for member in members for each in _address(member)]


def _address(given: Any) -> list[tuple[str, int]]:
    if isinstance(given, str):
        try:
            [hosts] = easy_connect.parse_hosts(given, 0, len(given))
            return hosts
        except (Fault, ValueError) as error:
            reason = error.reason if isinstance(error, Fault) else "it has a ';' in it"
    else:
        try:
            host, number = given
            return [(str(host), int(port(str(number))))]
        except (TypeError, ValueError):
            reason = "'host:port' or ('host', port) belongs here"
    raise ConfigurationError(f"descriptor(): addresses: {given!r}: {reason}")


def _connect_data(
    service_name: str | None,
    sid: str | None,
    kind: str | None,
    instance_name: str | None,
    failover_mode: str | Mapping[str, Any] | None,
) -> list[Node]:
    if bool(service_name) == bool(sid):
        both = "service_name and sid exclude each other" if sid else "service_name (or sid) is needed"
        raise ConfigurationError(f"descriptor(): {both}")
    nodes = [Node("SERVICE_NAME", str(service_name)) if service_name else Node("SID", str(sid))]
    if kind is not None:
        nodes.append(Node("SERVER", _read("server", server, kind)))
    if instance_name is not None:
        nodes.append(Node("INSTANCE_NAME", _read("instance_name", READERS["HOST"], instance_name)))
    if failover_mode is not None:
        nodes.append(Node("FAILOVER_MODE", tuple(_failover_mode(failover_mode))))
    return nodes


def _failover_mode(given: str | Mapping[str, Any]) -> Iterable[Node]:
    mode = {"type": given, "method": "basic"} if isinstance(given, str) else given
    for name, value in mode.items():
        if name.lower() not in _MODE:
            known = nearest(name, list(_MODE)) or f": it has {', '.join(_MODE)}"
            raise ConfigurationError(f"descriptor(): failover_mode has no {name!r}{known}")
        yield Node(name, _read(f"failover_mode: {name}", _MODE[name.lower()], value))


def _security(given: Mapping[str, Any]) -> Iterable[Node]:
    for name, value in given.items():
        parameter = PARAMETERS.get(name.lower())
        if parameter and parameter.group == "SECURITY":
            yield Node(parameter.name, _read(f"security: {name}", parameter.read, value))
        else:
            yield Node(name, ("ON" if value else "OFF") if isinstance(value, bool) else str(value))


def _read(name: str, reader: Any, value: Any) -> str:
    text = ("on" if value else "off") if isinstance(value, bool) else str(value)
    try:
        return str(reader(text))
    except ValueError as error:
        raise ConfigurationError(f"descriptor(): {name}={value!r} must be {error}") from None
