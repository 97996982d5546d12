"""Connect strings of every form, and what is made of them for a driver."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Collection
from pathlib import Path

from orapool.dsn import descriptors, easy_connect, tnsnames
from orapool.dsn.descriptors import Node
from orapool.dsn.faults import Fault
from orapool.dsn.parameters import DEFAULT_PORT, READERS, seconds
from orapool.dsn.tnsnames import ConfigDir
from orapool.errors import ConfigurationError

log = logging.getLogger("orapool.dsn")

_SCHEME = re.compile(r"([A-Za-z][\w+.-]*)://", re.ASCII)
_DRIVERS_OWN = re.compile(r"(?:ldaps?|config-[\w-]+)://", re.IGNORECASE)
"""Directories and providers of configurations, which the drivers ask."""
_ENTRY = re.compile(r"\s*[\w.$#,\s-]+=\s*\(")

_NOT_IN_THIN = {
    "FAILOVER_MODE": "no Transparent Application Failover (TAF): a session that is lost is replaced at the next "
    "checkout, and its work can be run again with orapool.retry",
    "ENABLE": "no ENABLE=BROKEN: orapool sets TCP keep-alive itself, see keepalive_idle",
}
_said: set[tuple[str, str]] = set()


def check_dsn(dsn: str) -> None:
    """Raise `ConfigurationError` where `dsn` cannot be a connect string. No file is read for it."""
    if _is_alias(dsn) or _DRIVERS_OWN.match(dsn.strip()):
        return
    _read(dsn)


def with_connect_timeouts(
    dsn: str,
    connect: float,
    transport: float,
    config_dir: ConfigDir = None,
    thin: bool = False,
    wallet: Path | None = None,
) -> str:
    """What a driver is given for `dsn`: a descriptor in which the client gives up a log-on after `connect` seconds.

    Both drivers get the same for every form of `dsn`, TNS aliases included. Limits that it has itself are kept.

    Args:
        connect: seconds of a log-on, at one address; 0: no limit. python-oracledb has no such limit.
        transport: seconds of the TCP connect to one address; 0: no limit.
        config_dir: the folder of tnsnames.ora; None: where Oracle Client looks.
        wallet: the folder of a wallet, for descriptors that name none themselves.
        thin: it is for python-oracledb's thin mode. Logs once what that has not, of what is asked for.

    A TNS alias that is for Oracle Client to find elsewhere, and a URL of a directory, are left as they are.

    >>> with_connect_timeouts("db/sales", 10, 2)  # doctest: +ELLIPSIS
    '(DESCRIPTION=(CONNECT_TIMEOUT=10)(TRANSPORT_CONNECT_TIMEOUT=2)(ADDRESS=(PROTOCOL=TCP)(HOST=db)(PORT=1521))...'
    """
    if is_drivers_own(dsn):
        return dsn.strip()
    try:
        return str(limited(dsn, connect, transport, config_dir, thin, wallet))
    except (tnsnames.NoTnsnames, tnsnames.UnknownAlias) as error:
        if thin or getattr(error, "elsewhere", True) is False:
            raise
        _say_once("info", dsn, f"{error}. Oracle Client may know it: it is passed on, without limits for log-ons")
        return dsn.strip()


def unwatched(dsn: str) -> str:
    """A connect string, as drivers are given it, without what has the client probe an idle connection.

    >>> unwatched("(DESCRIPTION=(EXPIRE_TIME=2)(ENABLE=BROKEN)(ADDRESS=(HOST=db)))")
    '(DESCRIPTION=(ADDRESS=(HOST=db)))'
    """
    return str(_without(descriptors.parse(dsn), {"EXPIRE_TIME", "ENABLE"})) if dsn.lstrip()[:1] == "(" else dsn


def _without(node: Node, names: Collection[str]) -> Node:
    if not node.children:
        return node
    return node.with_children(_without(child, names) for child in node.children if child.name not in names)


def is_drivers_own(dsn: str) -> bool:
    """Whether `dsn` is a URL of a directory or of a provider of configurations, which the driver asks itself."""
    return _DRIVERS_OWN.match(dsn.strip()) is not None


def limited(
    dsn: str,
    connect: float,
    transport: float,
    config_dir: ConfigDir = None,
    thin: bool = False,
    wallet: Path | None = None,
) -> Node:
    """What `with_connect_timeouts` gives, as a tree. Raises `ConfigurationError` for an unknown alias."""
    tree = resolve(dsn, config_dir)
    tree = _with_limits(_normalized(_for_thin(tree) if thin else tree), connect, transport)
    return tree if wallet is None else _with_wallet(tree, str(wallet))


def ports(dsn: str, config_dir: ConfigDir = None) -> frozenset[int]:
    """The ports that a connect string names; the default port where it names none, or is not understood.

    >>> sorted(ports("db1,db2:1522/sales"))
    [1522]
    """
    try:
        addresses = resolve(dsn, config_dir).all("ADDRESS")
    except ConfigurationError:
        return frozenset({DEFAULT_PORT})
    named = (address.child("PORT") for address in addresses)
    return frozenset(int(port.text) if port else DEFAULT_PORT for port in named)


def is_over_tcp(dsn: str, config_dir: ConfigDir = None) -> bool:
    """Whether none of the addresses that a connect string names is of another protocol than TCP, or TLS over that.

    >>> is_over_tcp("(DESCRIPTION=(ADDRESS=(PROTOCOL=BEQ)(PROGRAM=oracle))(CONNECT_DATA=(SID=FREE)))")
    False
    """
    try:
        addresses = resolve(dsn, config_dir).all("ADDRESS")
    except ConfigurationError:
        return True
    return not any(_text(address, "PROTOCOL").upper() in ("IPC", "BEQ") for address in addresses)


def is_pooled(dsn: str, config_dir: ConfigDir = None) -> bool | None:
    """Whether a connect string asks for a pooled server (DRCP), at one of its addresses at least; None: not known.

    >>> is_pooled("db/sales:pooled")
    True
    """
    try:
        places = resolve(dsn, config_dir).all("CONNECT_DATA")
    except ConfigurationError:
        return None
    return any(_text(place, "SERVER").upper() == "POOLED" for place in places)


def resolve(dsn: str, config_dir: ConfigDir = None) -> Node:
    """The connect descriptor that `dsn` is, or stands for. Raises `ConfigurationError`."""
    return tnsnames.resolve(dsn.strip(), config_dir) if _is_alias(dsn) else _read(dsn)


def _is_alias(dsn: str) -> bool:
    return tnsnames.ALIAS.fullmatch(dsn.strip()) is not None


def _read(dsn: str) -> Node:
    if dsn.lstrip()[:1] == "(":
        return descriptors.parse(dsn)
    scheme = _SCHEME.match(dsn.strip())
    if scheme and scheme[1].lower().startswith("oracle"):
        raise ConfigurationError("dsn is a URL: set url to it instead")
    if dsn.strip()[:5].lower() == "jdbc:":
        raise ConfigurationError("dsn is a JDBC URL: set dsn to what follows its '@', and user and password")
    if _ENTRY.match(dsn):
        raise ConfigurationError("dsn is an entry of tnsnames.ora: only what follows its '=' is a connect string")
    if "@" in dsn:  # it may follow a password, so that nothing is shown
        raise ConfigurationError("dsn has an '@' in it: user and password are settings of their own")
    try:
        return easy_connect.parse(dsn, len(dsn) - len(dsn.lstrip()))
    except Fault as fault:
        raise fault.error(dsn, "the connect string") from None


def _normalized(node: Node) -> Node:
    """Saying what both drivers take alike: durations in whole seconds, switches where they have their effect.

    Measured with Oracle Client 19.3 and python-oracledb 26.1, which go by other rules where nothing is said.
    """
    if node.name == "DESCRIPTION_LIST" and not node.child("LOAD_BALANCE"):
        # Oracle's default, which python-oracledb does not have.
        node = node.with_children([Node("LOAD_BALANCE", "ON"), *node.children])
    if node.name == "DESCRIPTION" and READERS["FAILOVER"](_text(node, "FAILOVER") or "ON") == "OFF":
        # python-oracledb would go on to the next address of a list.
        node = node.with_children(
            child.with_children([Node("FAILOVER", "OFF"), *child.children])
            if child.name == "ADDRESS_LIST" and not child.child("FAILOVER")
            else child
            for child in node.children
        )
    if node.name == "SECURITY":
        # Oracle Client 19.3 passes over the newer name.
        names = {"WALLET_LOCATION": "MY_WALLET_DIRECTORY"}
        node = node.with_children(
            Node(names.get(child.name, child.name), child.value) if not child.children else child
            for child in node.children
        )
    if isinstance(node.value, str):
        return Node(node.name, READERS[node.name](node.value)) if node.name in READERS and node.value else node
    return node.with_children(_normalized(child) for child in node.children)


def _text(node: Node, name: str) -> str:
    child = node.child(name)
    return child.text if child else ""


def _with_limits(node: Node, connect: float, transport: float) -> Node:
    if node.name == "DESCRIPTION_LIST":
        return node.with_children(_with_limits(child, connect, transport) for child in node.children)
    if node.name in ("ADDRESS", "ADDRESS_LIST"):  # which is a description without its frame
        node = Node("DESCRIPTION", (node,))
    if node.name != "DESCRIPTION":
        return node
    own = {child.name: seconds(child.text) for child in node.children if "CONNECT_TIMEOUT" in child.name and child.text}
    # A limit for all of a log-on includes that of its TCP connect: one that the user has set moves the other.
    connect = own.get("CONNECT_TIMEOUT", max(connect, own.get("TRANSPORT_CONNECT_TIMEOUT", 0)) if connect else 0)
    if connect > 0:
        transport = min(transport, connect) or connect
    limits = {"CONNECT_TIMEOUT": connect, "TRANSPORT_CONNECT_TIMEOUT": transport}
    missing = [
        Node(name, str(max(1, math.ceil(limit)))) for name, limit in limits.items() if limit > 0 and name not in own
    ]
    return node.with_children([*missing, *node.children])


def _with_wallet(node: Node, wallet: str) -> Node:
    if node.name == "DESCRIPTION_LIST":
        return node.with_children(_with_wallet(child, wallet) for child in node.children)
    security = node.child("SECURITY")
    if node.name != "DESCRIPTION" or (security and security.child("MY_WALLET_DIRECTORY")):
        return node
    others = [child for child in node.children if child is not security]
    own = security.children if security else ()
    return node.with_children([*others, Node("SECURITY", (*own, Node("MY_WALLET_DIRECTORY", wallet)))])


def _for_thin(node: Node) -> Node:
    """Without what python-oracledb's thin mode has not, which is logged."""
    kept = []
    for child in node.children:
        if child.name in _NOT_IN_THIN:
            _say_once(
                "warning",
                child.name,
                f"{child.name} in the connect string: python-oracledb's thin mode has {_NOT_IN_THIN[child.name]}",
            )
        else:
            kept.append(_for_thin(child))
    return node.with_children(kept) if node.children else node


def _say_once(level: str, about: str, message: str) -> None:
    if (level, about) not in _said:
        _said.add((level, about))
        getattr(log, level)("%s", message)
