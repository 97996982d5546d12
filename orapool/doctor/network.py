"""Names and addresses: what DNS says, and whether packets come through."""

from __future__ import annotations

import errno
import ipaddress
import socket
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from orapool.doctor.bounded import Outcome, in_words, run_all
from orapool.doctor.case import Case, Reach, at
from orapool.doctor.findings import Finding, bad, good, skipped, warning

_SLOW_NAME = 1.0
_UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EACCES, errno.EPERM}
_NOTHING = "the driver finds its way itself: see the log-on"


def check_names(case: Case) -> Iterator[Finding]:
    """The addresses of each host."""
    if not case.places:
        yield skipped(_NOTHING)
        return
    hosts = list(dict.fromkeys(place.host for place in case.places))
    outcomes = dict(zip(hosts, run_all([partial(_look_up, host) for host in hosts], case.timeout)))
    known = [host for host, outcome in outcomes.items() if outcome.error is None]
    # Measured: python-oracledb's thin mode looks up all names before it connects to any, and fails for one of them.
    oracle_client = case.driver is not None and case.driver.client_version is not None
    for host, outcome in outcomes.items():
        for place in case.places:
            if place.host == host and outcome.error is None:
                place.reaches = [Reach(ip) for ip in outcome.result]
        yield _about_name(host, outcome, bool(known) and oracle_client)
    case.places = [place for place in case.places if place.host in known]


def _look_up(host: str) -> list[str]:
    """The addresses of a host, in the order in which a driver tries them."""
    return list(dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)))


def _about_name(host: str, outcome: Outcome, others: bool) -> Finding:
    values: dict[str, Any] = {"host": host, "seconds": outcome.seconds}
    if isinstance(outcome.error, TimeoutError):
        told = f"{host}: {outcome.error} from the name service"
        advice = "check the servers in /etc/resolv.conf, and whether they can be reached from here"
    elif outcome.error is not None:
        reason = getattr(outcome.error, "strerror", None) or str(outcome.error)
        told = f"{host} is not known: {reason}"
        advice = "check how the name is written in dsn, and whether DNS or /etc/hosts has it on this machine"
    else:
        addresses = outcome.result
        if _is_address(host):
            return good(f"{host} is an address", host=host, addresses=addresses)
        told = f"{host} is {', '.join(addresses)} ({in_words(outcome.seconds)})"
        if outcome.seconds < _SLOW_NAME:
            return good(told, addresses=addresses, **values)
        advice = "the name service is slow, and each log-on waits for it: have names cached on this machine (nscd)"
        return warning(told, advice, addresses=addresses, **values)
    return warning(told, advice, **values) if others else bad("name", told, advice, **values)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def check_addresses(case: Case) -> Iterator[Finding]:
    """Whether each address is reached over TCP, and how long that takes."""
    ways = [(place, reach) for place in case.places for reach in place.reaches]
    if not ways:
        yield skipped(_NOTHING)
        return
    keys = list(dict.fromkeys((reach.ip, place.port) for place, reach in ways))
    # A little more than the sockets' own limit.
    tries = run_all([partial(_connect, ip, port, case.timeout) for ip, port in keys], case.timeout + 1)
    outcomes = dict(zip(keys, tries))
    for place, reach in ways:
        outcome = outcomes[reach.ip, place.port]
        reach.listens = outcome.error is None
        reach.seconds = outcome.result
    reached = any(outcome.error is None for outcome in outcomes.values())
    for (ip, port), outcome in outcomes.items():
        same_name = [place for place in case.places if (ip, port) in [(each.ip, place.port) for each in place.reaches]]
        neighbours = any(reach.listens for place in same_name for reach in place.reaches)
        yield _about_address(case, at(ip, port), outcome, reached, neighbours)


def _connect(ip: str, port: int, seconds: float) -> float:
    began = time.monotonic()
    with socket.create_connection((ip, port), seconds):
        return time.monotonic() - began


def _about_address(case: Case, address: str, outcome: Outcome, reached: bool, neighbours: bool) -> Finding:
    error = outcome.error
    number = getattr(error, "errno", None)
    if error is None:
        told = f"{address} is reached ({in_words(outcome.result)})"
        limit = case.known().transport_connect_timeout
        if limit and outcome.result > limit:
            advice = f"that is more than transport_connect_timeout, {limit:g} s: raise it, or look at the network"
            return warning(told, advice, address=address, seconds=outcome.result)
        return good(told, address=address, seconds=outcome.result)
    if isinstance(error, (ConnectionRefusedError, ConnectionResetError)):
        fault, told = "port", f"{address} refuses the connection: the host is there, and nobody listens on that port"
        advice = "check the port in dsn, and on the server whether the listener runs (lsnrctl status)"
        if neighbours and reached:
            return good(f"{address} refuses the connection; another address of the same name does not", address=address)
    elif number in _UNREACHABLE:
        fault, told = "route", f"there is no way to {address}: {getattr(error, 'strerror', error)}"
        advice = "check the network and its routes (ip route get), and a VPN that may be down"
    else:
        fault, told = "route", f"{address} is silent: nothing came back within {case.timeout:g} s"
        advice = "the host is down, or a firewall drops the packets: ask who runs it to let this host through"
    values: dict[str, Any] = {"address": address, "reason": fault}
    return warning(told, advice, **values) if reached else bad(fault, told, advice, **values)
