"""How long a connection may lie idle until somebody on the way, or the server, ends it.

One connection is opened for each duration, all of them before anything else, with nothing that keeps them alive. Each
is left alone for its time and then probed, within bounds: the kernel is asked for the path, and, if that stands, the
database for the session.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from orapool.credentials import of_settings
from orapool.doctor.case import Case
from orapool.doctor.idle_sockets import ask, end_of, leave_alone, segments_received
from orapool.doctor.log_on import log_on_by, new_socket
from orapool.errors import FAULTS, error_codes, reason
from orapool.sockets import SessionSocket, tcp_sockets

_LOG_OFF_SECONDS = 1.0

TICK = 0.1
"""Seconds between looks: how exactly the moment of an end is known that makes itself felt."""


class Outcome(str, Enum):
    """What has become of a connection."""

    WAITING = "not known"
    ALIVE = "alive"
    DROPPED = "silently dropped"
    RESET = "reset"
    CLOSED = "closed by the server"
    MUTE = "path alive, server silent"

    @property
    def is_dead(self) -> bool:
        """Whether it is of no use any more."""
        return self in (Outcome.DROPPED, Outcome.RESET, Outcome.CLOSED)


_BY = {"fin": Outcome.CLOSED, "rst": Outcome.RESET, "silence": Outcome.DROPPED}


@dataclass
class Probe:
    """One connection.

    Attributes:
        wanted: seconds that it is to lie idle.
        outcome: what became of it.
        idle: seconds that it has lain idle when that was known.
        exact: whether that was the moment of its end, which made itself felt, and not that of the probe.
        detail: the code or the reason.
        codes: of the error that the database or the driver answered with.
        stirred: packets that came from the other side meanwhile, such as the probes of SQLNET.EXPIRE_TIME.
    """

    wanted: float
    outcome: Outcome = Outcome.WAITING
    idle: float = 0.0
    exact: bool = False
    detail: str = ""
    stirred: int = 0
    codes: tuple[str, ...] = ()


@dataclass
class _Connection:
    probe: Probe
    native: Any
    socket: SessionSocket | None
    began: float
    received: int
    probing: threading.Thread | None = field(default=None)


class IdleProbe:
    """The connections of one run.

    Args:
        case: the pool, with its driver and settings known.
        durations: seconds, one for each connection.

    >>> probe = IdleProbe(case, [300, 900])
    >>> probe.open()
    >>> probe.wait()
    >>> [(each.wanted, each.outcome) for each in probe.probes]
    """

    def __init__(self, case: Case, durations: Sequence[float]) -> None:
        self._case = case
        self.probes = [Probe(seconds) for seconds in sorted(durations)]
        self.unwatched: bool | None = None
        """Whether the kernel confirms that nothing keeps the connections alive here; None: it cannot be asked."""
        self._connections: list[_Connection] = []

    def open(self) -> None:
        """Log on for each duration. Raises the driver's error, TimeoutError or `ConfigurationError`."""
        case = self._case
        settings, driver = case.known(), case.driver
        assert driver is not None
        credentials = replace(of_settings(settings), password=settings.current_password())
        seconds = max(1, math.ceil(case.timeout))
        for probe in self.probes:
            before = tcp_sockets()
            native = log_on_by(case, lambda: driver.connect(settings, credentials, seconds, watched=False))
            found = new_socket(before)
            if found is not None:
                self.unwatched = leave_alone(found) and self.unwatched is not False
            received = segments_received(found) if found is not None else -1
            self._connections.append(_Connection(probe, native, found, time.monotonic(), received))

    def wait(self, progress: Callable[[float], None] = lambda _seconds: None) -> None:
        """Leave them alone, and probe each when its time is over. `progress` gets the seconds that have passed.

        An interrupt ends it: what is known by then is in `probes`.
        """
        began = time.monotonic()
        while any(each.probe.outcome is Outcome.WAITING for each in self._connections):
            now = time.monotonic()
            for each in self._connections:
                if each.probing is None and each.probe.outcome is Outcome.WAITING:
                    self._look(each, now)
            progress(now - began)
            time.sleep(TICK)

    def _look(self, each: _Connection, now: float) -> None:
        """Note an end that has made itself felt; begin to probe where it is time."""
        idle = now - each.began
        ended = end_of(each.socket) if each.socket is not None else None
        if ended is not None:
            self._note(each, _BY[ended.by], idle, f"{ended.detail} arrived while it was idle", exact=True)
        elif idle >= each.probe.wanted:
            each.probe.idle = idle
            if each.socket is not None:
                each.probe.stirred = max(0, segments_received(each.socket) - each.received)
            each.probing = threading.Thread(target=self._probe, args=(each,), name="orapool-probe", daemon=True)
            each.probing.start()

    def _probe(self, each: _Connection) -> None:
        idle = each.probe.idle
        ended = ask(each.socket, self._case.timeout) if each.socket is not None else None
        if ended is not None:
            self._note(each, _BY[ended.by], idle, ended.detail)
        else:
            outcome, detail, each.probe.codes = self._ask_database(each)
            self._note(each, outcome, idle, detail)

    def _ask_database(self, each: _Connection) -> tuple[Outcome, str, tuple[str, ...]]:
        """A ping, whose connection is ended here if nobody answers."""
        driver, seconds = self._case.driver, self._case.timeout
        assert driver is not None
        failed: list[BaseException] = []

        def ping() -> None:
            try:
                driver.set_call_timeout(each.native, 0)
                each.native.ping()
            except BaseException as error:
                failed.append(error)

        thread = threading.Thread(target=ping, name="orapool-probe", daemon=True)
        thread.start()
        thread.join(seconds)
        if thread.is_alive():
            look = each.socket.look() if each.socket is not None else None
            if each.socket is not None:
                each.socket.shut_down()
            if look is not None and not look.retransmits:
                return (
                    Outcome.MUTE,
                    f"packets are acknowledged, and no answer came for {seconds:g} s",
                    (),
                )
            return Outcome.DROPPED, f"no answer within {seconds:g} s", ()
        if not failed:
            return Outcome.ALIVE, "", ()
        return _told(failed[0])

    def _note(self, each: _Connection, outcome: Outcome, idle: float, detail: str, exact: bool = False) -> None:
        probe = each.probe
        probe.idle, probe.exact, probe.detail, probe.outcome = idle, exact, detail, outcome

    def close(self) -> None:
        """End all connections; waits for nobody for long."""
        threads = []
        for each in self._connections:
            if each.socket is not None and each.probe.outcome is not Outcome.ALIVE:
                each.socket.shut_down()  # a log-off on a dead path would wait
            threads.append(threading.Thread(target=_close, args=(each.native,), name="orapool-probe", daemon=True))
            threads[-1].start()
        deadline = time.monotonic() + _LOG_OFF_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        for each in self._connections:  # it may have died since it was probed
            if each.socket is not None:
                each.socket.shut_down()


def _told(error: BaseException) -> tuple[Outcome, str, tuple[str, ...]]:
    """What an answer that is an error says of the connection."""
    codes = tuple(error_codes(error))
    if "ECONNRESET" in codes or "ORA-03135" in codes:
        return Outcome.RESET, reason(error), codes
    silent = next((FAULTS[code].silent for code in codes if code in FAULTS and FAULTS[code].silent is not None), False)
    return (Outcome.DROPPED if silent else Outcome.CLOSED), reason(error), codes


def _close(native: Any) -> None:
    with contextlib.suppress(Exception):  # it is of no use any more
        native.close()
