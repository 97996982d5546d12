"""Firewalls with a limit for idle connections, as real ones have it: each packet of a flow renews its time.

One host has an address for each, behind which a sandbox listens: what comes after the flow's time is dropped in
silence, or answered with a reset.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from orapool.sandbox import Sandbox
from tests.firewall import Firewall

LIMITS = (3, 8)
"""Seconds."""
_USERS = {3: "scott", 8: "sh"}
_OTHER = "app"
"""Whom the server sets no limit: it would come before a firewall's."""
_PASSWORDS = {"scott": "tiger", "sh": "sales", _OTHER: "secret"}

_TABLE = """
table inet idle {{
    set short {{ type ipv4_addr . inet_service . ipv4_addr; size 1024; flags dynamic, timeout; timeout 3s; }}
    set long {{ type ipv4_addr . inet_service . ipv4_addr; size 1024; flags dynamic, timeout; timeout 8s; }}
    chain coming {{
        type filter hook input priority 0;
        ip daddr {{ {short} }} tcp flags & (syn | ack) == syn update @short {{ {there} timeout 3s }} accept
        ip daddr {{ {long} }} tcp flags & (syn | ack) == syn update @long {{ {there} timeout 8s }} accept
        ip daddr {{ {short} }} {there} @short update @short {{ {there} timeout 3s }} accept
        ip daddr {{ {long} }} {there} @long update @long {{ {there} timeout 8s }} accept
        ip daddr {{ {silent} }} meta l4proto tcp drop
        ip daddr {{ {talking} }} meta l4proto tcp reject with tcp reset
    }}
    chain going {{
        type filter hook output priority 0;
        ip saddr {{ {short} }} {back} @short update @short {{ {back} timeout 3s }} accept
        ip saddr {{ {long} }} {back} @long update @long {{ {back} timeout 8s }} accept
        ip saddr {{ {silent} }} meta l4proto tcp drop
        ip saddr {{ {talking} }} tcp flags & rst == 0 drop
    }}
}}
"""
_THERE, _BACK = "ip saddr . tcp sport . ip daddr", "ip daddr . tcp dport . ip saddr"


class IdleLimits:
    """Where the ways with limits are: `settings` of a pool for each kind of end and each of `LIMITS`."""

    def __init__(self, firewall: Firewall, sandbox: Sandbox, addresses: dict[tuple[str, int], str]) -> None:
        self._plain = firewall.address
        self._port = sandbox.port
        self._addresses = addresses

    def settings(self, kind: str, limit: int) -> dict[str, str]:
        """`kind`: "drop" and "reset" are firewalls', and "close" is a server that ends its idle sessions."""
        user = _USERS[limit] if kind == "close" else _OTHER
        address = self._addresses.get((kind, limit), self._plain)
        return {"dsn": f"{address}:{self._port}/ORAPOOL", "user": user, "password": _PASSWORDS[user]}


@contextmanager
def idle_limits(firewall: Firewall) -> Iterator[IdleLimits]:
    """The host with a sandbox of its own behind firewalls of these limits."""
    kinds = [(kind, limit) for kind in ("drop", "reset") for limit in LIMITS]
    addresses = {way: firewall.add_address(number) for number, way in enumerate(kinds, 11)}
    of = {
        "short": [address for (_, limit), address in addresses.items() if limit == LIMITS[0]],
        "long": [address for (_, limit), address in addresses.items() if limit == LIMITS[1]],
        "silent": [address for (kind, _), address in addresses.items() if kind == "drop"],
        "talking": [address for (kind, _), address in addresses.items() if kind == "reset"],
    }
    table = _TABLE.format(there=_THERE, back=_BACK, **{name: ", ".join(each) for name, each in of.items()})
    with Sandbox("0.0.0.0", users=_PASSWORDS, launcher=firewall.launcher) as sandbox:
        for limit, user in _USERS.items():
            sandbox.limit_idle(user, limit, "fin")
        firewall.load(table)
        try:
            yield IdleLimits(firewall, sandbox, addresses)
        finally:
            firewall.load("delete table inet idle")
