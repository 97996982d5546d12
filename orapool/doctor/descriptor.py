"""The connect descriptor that the driver is given, with every parameter in it, and the places that it names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orapool.doctor.case import Case, Place
from orapool.doctor.findings import Finding, bad, good
from orapool.dsn import DEFAULT_PORT, mask
from orapool.dsn.connect_strings import is_drivers_own, limited, resolve
from orapool.dsn.descriptors import Node
from orapool.dsn.tnsnames import NoTnsnames, UnknownAlias
from orapool.errors import ConfigurationError
from orapool.settings import PoolSettings

_LIMITS = {"CONNECT_TIMEOUT": "connect_timeout", "TRANSPORT_CONNECT_TIMEOUT": "transport_connect_timeout"}
_ADDRESSES = ("ADDRESS", "ADDRESS_LIST")
_OFF = ("OFF", "NO", "FALSE", "")


def check(case: Case) -> Iterator[Finding]:
    """Read it as the pool does, and find the places in it."""
    settings = case.known()
    if is_drivers_own(settings.dsn):
        yield good("the connect string is for a directory or a provider, which the driver asks itself")
        return
    thin = case.driver is not None and case.driver.client_version is None
    limits = settings.connect_timeout, settings.transport_connect_timeout
    try:
        own = resolve(settings.dsn, settings.config_dir)
        tree = limited(settings.dsn, *limits, settings.config_dir, thin, settings.wallet_location)
    except ConfigurationError as error:
        if not thin and isinstance(error, (NoTnsnames, UnknownAlias)) and getattr(error, "elsewhere", True):
            yield good(f"{' '.join(str(error).split())}. Oracle Client may know it: it is asked at the log-on")
            return
        where = settings.origins["dsn"]
        yield bad("descriptor", str(error), f"correct dsn, set by {where}")
        return
    case.tree = tree
    case.places = list(_places(tree))
    named = f"{len(case.places)} address{'es' if len(case.places) != 1 else ''}"
    ours = {name: setting for name, setting in _LIMITS.items() if not any(own.all(name))}
    origins = {name: f"{setting}, {settings.origins[setting]}" for name, setting in ours.items()}
    lines = tuple(_in_lines(_masked(tree), origins))
    others = [place for place in tree.all("ADDRESS") if not _is_tcp(place)]
    if others:
        named += f", and {len(others)} that are not TCP"
    yield good(f"{mask(settings.dsn.strip())}: {named}", *lines, descriptor=mask(str(tree)))


def places_of(settings: PoolSettings) -> list[Place]:
    """The places at which a pool's sessions are; none where only the driver knows."""
    try:
        return list(_places(resolve(settings.dsn, settings.config_dir)))
    except ConfigurationError:
        return []


def _masked(node: Node) -> Node:
    """The tree without secrets, each value looked at with its name."""
    if node.children:
        return node.with_children(_masked(child) for child in node.children)
    shown = mask(f"{node.name}={node.text}").partition("=")[2]
    return Node(node.name, shown)


def _in_lines(node: Node, origins: dict[str, str], depth: int = 0) -> Iterator[str]:
    """A line for each parameter, and where those come from that the connect string does not say itself."""
    indent = "  " * depth
    if node.children:
        yield f"{indent}{node.name}"
        for child in node.children:
            yield from _in_lines(child, origins, depth + 1)
    else:
        origin = f"  (setting {origins[node.name]})" if node.name in origins else ""
        yield f"{indent}{node.name} = {node.text}{origin}"


def _places(tree: Node) -> Iterator[Place]:
    seen = set()
    for place in _all_places(tree):
        key = (place.host, place.port, place.descriptor)
        if key not in seen:
            seen.add(key)
            yield place


def _all_places(tree: Node) -> Iterator[Place]:
    descriptions = list(tree.all("DESCRIPTION")) or [Node("DESCRIPTION", (tree,))]
    for description in descriptions:
        # What a listener needs: the paths of wallets are nothing to it.
        rest = [child for child in description.children if child.name not in (*_ADDRESSES, "SECURITY")]
        addresses = [address for address in description.all("ADDRESS") if _is_tcp(address)]
        nodes = (description, *description.all("ADDRESS_LIST"))
        if any(_text(node.children, "SOURCE_ROUTE").upper() not in _OFF for node in nodes):
            addresses, rest = addresses[:1], []  # the others are behind it
        for address in addresses:
            host, port = _text(address.children, "HOST"), _text(address.children, "PORT") or str(DEFAULT_PORT)
            proxy = _text(address.children, "HTTPS_PROXY")
            if proxy:
                yield Place(proxy, int(_text(address.children, "HTTPS_PROXY_PORT") or 80))
            elif host:
                descriptor = str(description.with_children([*rest, address])) if rest else ""
                data = description.child("CONNECT_DATA")
                yield Place(host, int(port), descriptor, _protocol(address) == "TCPS", _wanted(data))


def _wanted(data: Node | None) -> str:
    """What is to be found behind the listener."""
    for name in ("SERVICE_NAME", "SID"):
        value = _text(data.children, name) if data is not None else ""
        if value:
            return f"{'service' if name != 'SID' else 'SID'} {value}"
    return "the listener's default service"


def _protocol(address: Node) -> str:
    return _text(address.children, "PROTOCOL").upper() or "TCP"


def _is_tcp(address: Node) -> bool:
    return _protocol(address) in ("TCP", "TCPS")


def _text(nodes: Iterable[Node], name: str) -> str:
    return next((node.text for node in nodes if node.name == name), "")
