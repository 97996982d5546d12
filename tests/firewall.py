"""A firewall between this process and a sandbox, for real: a network namespace, a veth pair, nftables in between.

The sandbox listens in a namespace of its own, as on another host. Packets are dropped there, after they have left this
host, so that its kernel sees what it would see of any silent firewall. Linux and root only.
"""

from __future__ import annotations

import fcntl
import ipaddress
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any

import pytest

from orapool.sandbox import Sandbox

_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
_LISTENING = "0A"  # state in /proc/net/tcp
_SUBNETS = 255

# A client's kernel gives the port of a connection that it has given up to a new one, which is another flow.
_RULES = """
table inet firewall {{
    set flows {{ type ipv4_addr . inet_service . ipv4_addr . inet_service; flags dynamic; {flows} }}
    set hosts {{ type ipv4_addr; {hosts} }}
    chain coming {{
        type filter hook prerouting priority -300;
        tcp flags & (syn | ack) == syn delete @flows {{ ip saddr . tcp sport . ip daddr . tcp dport }}
        ip saddr . tcp sport . ip daddr . tcp dport @flows drop
        ip daddr @hosts drop
    }}
    chain going {{
        type filter hook output priority -300;
        ip daddr . tcp dport . ip saddr . tcp sport @flows drop
        ip saddr @hosts drop
    }}
}}
"""


class Firewall:
    """A host of its own behind a firewall, at two addresses, and a sandbox on the first of them.

    Attributes:
        sandbox: the server; `sandbox.dsn` is reached through the firewall.
        address: the host's address, where the sandbox listens.
        other_address: the host's second address, where nobody listens.
        launcher: starts a command on that host.

    A lock on a file gives each run a subnet and names of its own; what a crashed run has left is removed by the next.
    """

    def __init__(self) -> None:
        self._closing = ExitStack()
        try:
            self._number = self._take_number()
            self._namespace = f"orapool-{self._number}"
            self.address, self.other_address = (f"10.99.{self._number}.{host}" for host in (2, 3))
            self.launcher = (_tool("ip"), "netns", "exec", self._namespace)
            self._flows: set[str] = set()
            self._hosts: set[str] = set()
            self._make_host()
            self.sandbox = self._closing.enter_context(
                Sandbox(self.address, users={"scott": "tiger"}, launcher=self.launcher)
            )
        except BaseException:
            self._closing.close()
            raise

    def close(self) -> None:
        """Remove it all."""
        self._closing.close()

    def drop_flows(self) -> int:
        """Drop every packet of the connections that exist now, both ways, and say nothing; new ones pass.

        Returns how many there are.
        """
        flows = set(self._connections())
        self._flows |= flows
        self._apply()
        return len(flows)

    def drop_everything(self) -> None:
        """Drop every packet to the host and from it."""
        self.drop_host(self.address)
        self.drop_host(self.other_address)

    def drop_host(self, address: str) -> None:
        """Drop every packet to one address of the host, and from it."""
        self._hosts.add(address)
        self._apply()

    def restore(self) -> None:
        """Let everything pass again, also what was dropped before."""
        self._flows.clear()
        self._hosts.clear()
        self._apply()

    def add_address(self, number: int) -> str:
        """Give the host one more address; returns that."""
        address = f"10.99.{self._number}.{number}"
        command = (_tool("ip"), "-netns", self._namespace, "address", "replace", f"{address}/24")
        _run(*command, "dev", f"vdb{self._number}")
        return address

    def load(self, rules: str) -> None:
        """Load more rules of nftables on the host, in tables of their own."""
        _run(*self.launcher, _tool("nft"), "-f", "-", text=rules)

    # ------------------------------------------------------------
    def _connections(self) -> Iterator[str]:
        """The host's TCP connections, as elements of the set of flows."""
        table = Path(f"/proc/{self.sandbox.pid}/net/tcp").read_text(encoding="ascii")
        for line in table.splitlines()[1:]:
            _number, here, there, state = line.split()[:4]
            if state != _LISTENING:
                (host, port), (peer, peers_port) = _place(here), _place(there)
                yield f"{peer} . {peers_port} . {host} . {port}"

    def _apply(self) -> None:
        sets = {"flows": self._flows, "hosts": self._hosts}
        elements = {
            name: f"elements = {{ {', '.join(sorted(values))} }}" if values else "" for name, values in sets.items()
        }
        rules = f"add table inet firewall\ndelete table inet firewall\n{_RULES.format(**elements)}"
        self.load(rules)

    def _take_number(self) -> int:
        folder = Path(tempfile.gettempdir(), "orapool-firewall")
        folder.mkdir(mode=0o700, exist_ok=True)
        ours = re.compile(r"vapp\d+")
        used = {
            address["local"]
            for link in json.loads(_run(_tool("ip"), "-json", "-4", "address"))
            if not ours.fullmatch(link.get("ifname", ""))
            for address in link["addr_info"]
        }
        for number in range(1, _SUBNETS):
            subnet = ipaddress.ip_network(f"10.99.{number}.0/24")
            if any(ipaddress.ip_address(address) in subnet for address in used):
                continue
            lock = self._closing.enter_context((folder / f"{number}.lock").open("w"))
            if _locked(lock):
                return number
        raise RuntimeError("no subnet of 10.99.0.0/16 is free")

    def _make_host(self) -> None:
        ip, number, namespace = _tool("ip"), self._number, self._namespace
        here, there = f"vapp{number}", f"vdb{number}"
        self._remove_host()
        self._closing.callback(self._remove_host)
        _run(ip, "netns", "add", namespace)
        _run(ip, "link", "add", here, "type", "veth", "peer", "name", there, "netns", namespace)
        _run(ip, "address", "add", f"10.99.{number}.1/24", "dev", here)
        _run(ip, "link", "set", here, "up")
        for address in (self.address, self.other_address):
            _run(ip, "-netns", namespace, "address", "add", f"{address}/24", "dev", there)
        for link in (there, "lo"):
            _run(ip, "-netns", namespace, "link", "set", link, "up")

    def _remove_host(self) -> None:
        # The link goes first, as a namespace lives on until its last packet is delivered.
        for command in (("link", "delete", f"vapp{self._number}"), ("netns", "delete", self._namespace)):
            with suppress(RuntimeError):  # not there
                _run(_tool("ip"), *command)


def _place(text: str) -> tuple[str, int]:
    """An address and a port as /proc/net/tcp writes them: hexadecimal, the address in the host's byte order."""
    address, port = text.split(":")
    return str(ipaddress.ip_address(int.from_bytes(bytes.fromhex(address), "little"))), int(port, 16)


def _locked(lock: IO[Any]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _tool(name: str) -> str:
    found = shutil.which(name, path=_PATH)
    if found is None:
        raise RuntimeError(f"the tests' firewall needs {name}: apt-get install nftables iproute2")
    return found


def _run(*command: str, text: str = "") -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=30)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


@pytest.fixture(scope="session")
def running_firewall() -> Iterator[Firewall]:
    """The run's one firewall."""
    if os.geteuid() != 0:
        pytest.skip("a network namespace and nftables need root")
    firewall = Firewall()
    yield firewall
    firewall.close()


@pytest.fixture
def firewall(running_firewall: Firewall) -> Iterator[Firewall]:
    """The run's firewall with its sandbox, everything passing, without sessions and faults of other tests."""
    yield running_firewall
    running_firewall.restore()
    running_firewall.sandbox.heal()
    running_firewall.sandbox.end_sessions("rst")
