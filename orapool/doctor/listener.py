"""Listeners: do they answer, and do they know the service."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from orapool.doctor.bounded import Outcome, in_words, run_all
from orapool.doctor.case import Case, Place, Reach, at
from orapool.doctor.findings import Finding, bad, good, skipped, warning
from orapool.doctor.oracle_net import Answer, Kind, NotOracleNet, Unanswered, connect, ping
from orapool.errors import FAULTS

_UNKNOWN = {
    12505: "SID",
    12514: "service",
    12521: "instance",
    12757: "service",
}
_CLOSED = {12526, 12527, 12528}
_FULL = {12516, 12518, 12519, 12520, 12500}
_NOBODY = "no listener can be asked from here: see the log-on"


def check_listeners(case: Case) -> Iterator[Finding]:
    """Ping each listener, as tnsping does."""
    ways = _ways(case)
    if not ways:
        yield skipped(_NOBODY)
        return
    outcomes = _ask_all(
        case, ways, lambda place, reach: partial(ping, reach.ip, place.port, tls=place.tls, name=place.host)
    )
    answered = any(outcome.error is None for outcome in outcomes)
    said = set()
    for (place, reach), outcome in zip(ways, outcomes):
        reach.listens = outcome.error is None
        if (reach.ip, place.port) not in said:
            said.add((reach.ip, place.port))
            yield _about_listener(case, at(reach.ip, place.port), place.tls, outcome, answered)


def _ways(case: Case) -> list[tuple[Place, Reach]]:
    return [(place, reach) for place in case.places if place.descriptor for reach in place.reaches if reach.listens]


def _ask_all(
    case: Case, ways: list[tuple[Place, Reach]], question: Callable[[Place, Reach], Callable[..., Answer]]
) -> list[Outcome]:
    # A little more than the sockets' own limit.
    calls = [partial(question(place, reach), seconds=case.timeout) for place, reach in ways]
    return run_all(calls, case.timeout * 2 + 1)


def _about_listener(case: Case, address: str, tls: bool, outcome: Outcome, answered: bool) -> Finding:
    error = outcome.error
    values: dict[str, Any] = {"address": address, "seconds": outcome.seconds}
    if error is None:
        answer: Answer = outcome.result
        version = f", version {answer.version}" if answer.version else ""
        by = f", by {answer.tls}" if answer.tls else ""
        told = f"the listener at {address} answers{version}{by} ({in_words(outcome.seconds)})"
        return good(told, version=answer.version or None, **values)
    if tls and (isinstance(error, Unanswered) or (isinstance(error, ssl.SSLError) and "ALERT" in (error.reason or ""))):
        # Nothing is wrong with that: the wallet's certificate is the driver's to show.
        told = f"the listener at {address} speaks TLS and does not talk to us without a certificate: see the log-on"
        return skipped(told, **values)
    if isinstance(error, NotOracleNet):
        told = f"{address} is no Oracle listener for us: {error}"
        advice = (
            "check the port in dsn; a listener that admits certain hosts only (TCP.VALIDNODE_CHECKING, "
            "TCP.INVITED_NODES in its sqlnet.ora) ends connections of others unanswered"
        )
    elif isinstance(error, ssl.SSLError):
        told = f"{address} does not agree on TLS: {error.reason or error}"
        advice = "check whether that port is for TCPS, and which versions of TLS its listener takes"
    elif isinstance(error, (TimeoutError, socket.timeout)):
        told = f"{address} accepts connections and says nothing for {case.timeout:g} s"
        advice = "no Oracle listener is there, or it hangs: look on the server (lsnrctl status), or restart it"
    else:
        told = f"{address} does not answer: {getattr(error, 'strerror', None) or error}"
        advice = "look at the listener on the server (lsnrctl status)"
    return warning(told, advice, **values) if answered else bad("listener", told, advice, **values)


def check_services(case: Case) -> Iterator[Finding]:
    """Ask each listener for the service, as a log-on begins."""
    ways = _ways(case)
    if not ways:
        yield skipped(_NOBODY)
        return
    outcomes = _ask_all(
        case,
        ways,
        lambda place, reach: partial(connect, reach.ip, place.port, place.descriptor, tls=place.tls, name=place.host),
    )
    known = any(outcome.error is None and outcome.result.kind is not Kind.REFUSED for outcome in outcomes)
    for (place, reach), outcome in zip(ways, outcomes):
        yield _about_service(case, place, at(reach.ip, place.port), outcome, known)


def _about_service(case: Case, place: Place, address: str, outcome: Outcome, known: bool) -> Finding:
    values: dict[str, Any] = {"address": address, "wanted": place.wanted, "seconds": outcome.seconds}
    answer: Answer | None = outcome.result
    if answer is None:
        fault, told = "service", f"{address} does not say whether it knows {place.wanted}: {outcome.error}"
        advice = "look at the listener on the server (lsnrctl services)"
    elif answer.kind is Kind.REDIRECTED and answer.target is not None:
        return _about_target(case, place, address, answer.target)
    elif answer.kind is not Kind.REFUSED:
        return good(f"{address} knows {place.wanted} ({in_words(outcome.seconds)})", **values)
    else:
        values["code"] = answer.code
        fault, told, advice = _refusal(place.wanted, address, answer.code)
    return warning(told, advice, **values) if known else bad(fault, told, advice, **values)


def _refusal(wanted: str, address: str, code: int) -> tuple[str, str, str]:
    """The step that fails, in words, and what to do."""
    name = f"ORA-{code:05d}" if code > 0 else "without a code"
    meaning = FAULTS[name].meaning if name in FAULTS else "see Oracle's manual of error messages"
    if code in _UNKNOWN:
        told = f"{address} does not know {wanted} ({name})"
        advice = "check service_name in dsn; a database that is down has left its listener too (lsnrctl services)"
        return "service", told, advice
    if code in _CLOSED:
        told = f"{address} knows {wanted}, and the database lets nobody in ({name}: {meaning})"
        return "database", told, "it is starting, mounted only or restricted: ask a DBA, or wait"
    if code in _FULL:
        told = f"{address} knows {wanted}, and cannot start a session ({name}: {meaning})"
        return "database", told, "the server's limit of processes or sessions may be reached: see `orapool sizing`"
    return "service", f"{address} refuses to connect to {wanted} ({name}: {meaning})", "ask who runs the listener"


def _about_target(case: Case, place: Place, address: str, target: tuple[str, int]) -> Finding:
    """A cluster's listener sends clients on to a node: that has to be known and reached here too."""
    node = at(*target)
    (outcome,) = run_all([partial(_reach, *target, case.timeout)], case.timeout + 1)
    values: dict[str, Any] = {"address": address, "wanted": place.wanted, "node": node}
    if outcome.error is None:
        told = f"{address} knows {place.wanted}, and sends on to {node}, which is reached"
        return good(told, seconds=outcome.seconds, **values)
    error = outcome.error
    if isinstance(error, socket.gaierror):
        fault, why = "name", "whose name is not known here"
    elif isinstance(error, ConnectionRefusedError):
        fault, why = "port", "which refuses the connection"
    else:
        fault, why = "route", "which is not reached"
    told = f"{address} knows {place.wanted}, and sends on to {node}, {why}"
    advice = "a cluster's clients have to reach its nodes too: have DNS and the firewall know all of them"
    return bad(fault, told, advice, **values)


def _reach(host: str, port: int, seconds: float) -> None:
    socket.create_connection((host, port), seconds).close()
