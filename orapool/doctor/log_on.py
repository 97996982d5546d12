"""The log-on."""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from orapool.credentials import of_settings
from orapool.doctor.bounded import in_words, run
from orapool.doctor.case import Case
from orapool.doctor.findings import Finding, bad, good
from orapool.errors import ConfigurationError, advice, denied, error_codes, reason
from orapool.pooling.log_ons import CUT_PAUSE, LogOns
from orapool.sockets import SessionSocket, tcp_sockets

_STEPS = {
    **dict.fromkeys(("ORA-12505", "ORA-12514", "ORA-12521", "ORA-12757", "DPY-6001", "DPY-6003"), "service"),
    **dict.fromkeys(("ORA-12541", "ORA-12224", "ECONNREFUSED"), "port"),
    **dict.fromkeys(("ORA-12543", "EHOSTUNREACH", "ENETUNREACH"), "route"),
    **dict.fromkeys(("ORA-12154", "ORA-12545", "DPY-4000", "DPY-4026", "DPY-4027"), "name"),
    **dict.fromkeys(("ORA-28040", "DPY-4001", "DPY-3015"), "credentials"),
}
_CLOSED = frozenset({"ORA-01033", "ORA-01034", "ORA-01035", "ORA-01089", "ORA-01090", "ORA-01109", "ORA-12528"})
_CUT_SECONDS = 5.0


def check(case: Case) -> Iterator[Finding]:
    """Log on as the pool does, once, and keep the connection for the checks that follow."""
    settings, driver = case.known(), case.driver
    assert driver is not None
    try:
        password = run(settings.current_password, case.timeout)
        if password.error is not None:
            raise password.error
    except ConfigurationError as error:
        yield bad("credentials", str(error), "let the password be had as the settings say")
        return
    except TimeoutError:
        told = f"the password was not to be had within {case.timeout:g} s"
        yield bad("credentials", told, "look at the function or hook that returns it, or raise --timeout")
        return
    before = tcp_sockets()
    credentials = replace(of_settings(settings), password=password.result)
    attempt = partial(driver.connect, settings, credentials, max(1, math.ceil(case.timeout)))
    began = time.monotonic()
    try:
        case.connection = log_on_by(case, attempt)
    except TimeoutError:
        told = f"the log-on of {case.where} has not ended after {case.timeout:g} s"
        todo = "the listener has accepted it, and the database is silent: look there, or raise --timeout"
        yield bad("database", told, todo)
        return
    except ConfigurationError as error:
        yield bad("driver", str(error), "correct the settings, or take the other driver")
        return
    except Exception as error:
        yield _about_error(case, error)
        return
    seconds = time.monotonic() - began
    case.socket = new_socket(before)
    sent = -1 if case.socket is None else case.socket.messages_sent()
    trips = f", about {sent} round trips" if sent > 0 else ""
    yield good(f"{case.where} is logged on ({in_words(seconds)}{trips})", seconds=seconds, round_trips=sent)


def log_on_by(case: Case, attempt: Any) -> Any:
    """Log on within the case's time, after which the log-on is cut off and a TimeoutError raised."""
    settings = case.known()
    log_ons = LogOns(settings.dsn, 0.0, settings.config_dir)
    deadline = time.monotonic() + case.timeout
    limit = case.timeout + _CUT_SECONDS

    def call() -> Any:
        return log_ons.run(lambda _left: attempt(), deadline)

    done = threading.Event()
    threading.Thread(target=_cut, args=(log_ons, case.timeout, done), name="orapool-doctor", daemon=True).start()
    try:
        outcome = run(call, limit)
    finally:
        done.set()
    if outcome.error is not None:
        if time.monotonic() >= deadline and not denied(outcome.error):
            raise TimeoutError(f"the log-on has not ended after {case.timeout:g} s") from outcome.error
        raise outcome.error
    return outcome.result


def _cut(log_ons: LogOns, seconds: float, done: threading.Event) -> None:
    """End the log-on's connections when its time is over, one address after the other."""
    if not done.wait(seconds):
        while not done.wait(CUT_PAUSE):
            log_ons.cut_overdue()


def new_socket(before: dict[int, SessionSocket]) -> SessionSocket | None:
    """The socket that was not there before; None where that is not plain."""
    found = [each for inode, each in tcp_sockets().items() if inode not in before]
    return found[0] if len(found) == 1 else None


def _about_error(case: Case, error: BaseException) -> Finding:
    codes = list(error_codes(error))
    if denied(error):
        fault = "credentials"
    elif isinstance(error, socket.gaierror):
        fault = "name"
    else:
        fault = next((_STEPS[code] for code in codes if code in _STEPS), "database")
    told = f"the log-on of {case.where} failed: {reason(error)}"
    todo = advice(error)
    if not _CLOSED.isdisjoint(codes):
        todo = "the listener is well, and the database is not open, or is restricted: wait, or ask a DBA"
    return bad(fault, told, todo, codes=codes)
