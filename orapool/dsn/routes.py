"""The addresses of a connect string one by one, in the order in which a log-on tries them.

For python-oracledb's asynchronous mode, which sets no limit for the TCP connect to an address, and so never comes to
the next one, and looks host names up while the event loop waits.
"""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from orapool.dsn.connect_strings import is_drivers_own, limited
from orapool.dsn.descriptors import Node
from orapool.dsn.parameters import READERS, seconds
from orapool.dsn.tnsnames import ConfigDir


@dataclass(frozen=True)
class Route:
    """One address to log on at.

    Attributes:
        descriptor: a connect string with that address alone.
        connect: seconds of a log-on there; 0: no limit.
        transport: seconds of the TCP connect; 0: no limit.
        pause: seconds to wait before it is tried.
        host: the host whose name can be looked up beforehand; empty where the driver has to do that itself.
        port: the port at that host.
    """

    descriptor: str
    connect: float = 0.0
    transport: float = 0.0
    pause: float = 0.0
    host: str = ""
    port: str = "1521"

    def at(self, address: str) -> Route:
        """The same route to an address that the host's name stands for.

        >>> Route("(ADDRESS=(HOST=db)(PORT=1521))", host="db").at("10.0.0.1").descriptor
        '(ADDRESS=(HOST=10.0.0.1)(PORT=1521))'
        """
        old, new = str(Node("HOST", self.host)), str(Node("HOST", address))
        return replace(self, descriptor=self.descriptor.replace(old, new), host=address)

    @property
    def is_named(self) -> bool:
        """Whether its host is a name that can be looked up beforehand."""
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return bool(self.host)
        return False


def routes(
    dsn: str, connect: float, transport: float, config_dir: ConfigDir = None, wallet: Path | None = None
) -> list[Route]:
    """The routes of a connect string, in the order that LOAD_BALANCE, FAILOVER and RETRY_COUNT ask for this time.

    Limits and wallet are those of `with_connect_timeouts`. Raises `ConfigurationError` for an unknown TNS alias.

    >>> [route.host for route in routes("db1,db2:1522/sales?load_balance=off", 10, 2)]
    ['db1', 'db2']
    """
    if is_drivers_own(dsn):
        return [Route(dsn.strip(), connect)]
    tree = limited(dsn, connect, transport, config_dir, thin=True, wallet=wallet)
    descriptions = _ordered(tree, "DESCRIPTION") if tree.name == "DESCRIPTION_LIST" else [tree]
    return [route for description in descriptions for route in _routes_of(description)]


def _routes_of(description: Node) -> Iterator[Route]:
    limits = Route("", _seconds(description, "CONNECT_TIMEOUT"), _seconds(description, "TRANSPORT_CONNECT_TIMEOUT"))
    if any(_is_on(node, "SOURCE_ROUTE") for node in (description, *description.all("ADDRESS_LIST"))):
        yield replace(limits, descriptor=str(description))  # its addresses are hops of one way
        return
    rest = [
        child
        for child in description.children
        if child.name not in ("ADDRESS", "ADDRESS_LIST", "RETRY_COUNT", "RETRY_DELAY", "LOAD_BALANCE", "FAILOVER")
    ]
    for number in range(int(_text(description, "RETRY_COUNT") or 0) + 1):
        pause = _seconds(description, "RETRY_DELAY") if number else 0.0
        for address in _addresses(description):
            yield replace(
                limits,
                descriptor=str(description.with_children([*rest, address])),
                pause=pause,
                host="" if _looked_up_by_driver(address) else _text(address, "HOST"),
                port=_text(address, "PORT") or limits.port,
            )
            pause = 0.0


def _addresses(description: Node) -> Iterator[Node]:
    lists = [child for child in description.children if child.name == "ADDRESS_LIST"]
    if not lists:
        yield from _ordered(description, "ADDRESS")
    for each in _chosen(description, lists):
        yield from _ordered(each, "ADDRESS")
    if lists:
        yield from (child for child in description.children if child.name == "ADDRESS")


def _ordered(node: Node, name: str) -> list[Node]:
    return _chosen(node, (child for child in node.children if child.name == name))


def _chosen(node: Node, nodes: Iterable[Node]) -> list[Node]:
    """Those that are tried, in their order."""
    found = list(nodes)
    if _is_on(node, "LOAD_BALANCE"):
        random.shuffle(found)
    return found if _is_on(node, "FAILOVER", "ON") else found[:1]


def _looked_up_by_driver(address: Node) -> bool:
    """A certificate is compared with the name, and behind a proxy the name means something to that alone."""
    return _text(address, "PROTOCOL").upper() == "TCPS" or address.child("HTTPS_PROXY") is not None


def _text(node: Node, name: str) -> str:
    child = node.child(name)
    return child.text if child else ""


def _seconds(node: Node, name: str) -> float:
    text = _text(node, name)
    return seconds(text) if text else 0.0


def _is_on(node: Node, name: str, default: str = "OFF") -> bool:
    return READERS[name](_text(node, name) or default) == "ON"
