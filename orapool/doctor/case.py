"""What is known of a pool's way to its database while it is examined; each check adds to it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from orapool.doctor.bounded import Outcome, run
from orapool.drivers.base import Driver
from orapool.dsn import mask
from orapool.dsn.descriptors import Node
from orapool.errors import ConfigurationError
from orapool.settings import PoolSettings
from orapool.sizing import Server
from orapool.sockets import SessionSocket

TIMEOUT = 5.0
"""Seconds for each step, unless told."""


@dataclass
class Reach:
    """An address that a host's name stands for, and whether the port there can be reached."""

    ip: str
    seconds: float | None = None
    listens: bool = False


@dataclass
class Place:
    """A host and port at which the connect string has the driver log on, or a proxy in front of it.

    `descriptor` is a connect descriptor with this address alone; it is empty where nobody but the driver can ask.
    """

    host: str
    port: int
    descriptor: str = ""
    tls: bool = False
    wanted: str = ""
    reaches: list[Reach] = field(default_factory=list)

    def __str__(self) -> str:
        return at(self.host, self.port)


def at(host: str, port: int) -> str:
    """Host and port as people write them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@dataclass
class Case:
    """A pool, and what is found out about it.

    Args:
        pool: its name.
        load: returns its settings.
        sources: where settings may come from, the first that counts first.
        timeout: seconds for each step.
        workers: processes that have such a pool; None: the setting.
        threads: threads that serve requests in each.
    """

    pool: str
    load: Callable[[], PoolSettings]
    sources: Sequence[str] = ()
    timeout: float = TIMEOUT
    workers: int | None = None
    threads: int = 1
    settings: PoolSettings | None = None
    mistake: ConfigurationError | None = None
    driver: Driver | None = None
    tree: Node | None = None
    places: list[Place] = field(default_factory=list)
    connection: Any = None
    socket: SessionSocket | None = None
    server: Server | None = None

    def __post_init__(self) -> None:
        try:
            self.settings = self.load()
        except ConfigurationError as error:
            self.mistake = error

    @property
    def where(self) -> str:
        """Whom it logs on as, and where."""
        return "" if self.settings is None else f"{self.settings.user or 'external user'}@{mask(self.settings.dsn)}"

    def known(self) -> PoolSettings:
        """The settings. Only for checks that need them."""
        assert self.settings is not None
        return self.settings

    def ask(self, question: Callable[[Any], Any]) -> Outcome:
        """Ask the database over the connection, which is given up if it does not answer in time."""
        driver, connection = self.driver, self.connection
        assert driver is not None

        def call() -> Any:
            driver.set_call_timeout(connection, self.timeout)
            return question(connection)

        # The limit counts twice where nobody answers: for the call, and for the break.
        outcome = run(call, self.timeout * 2 + 1)
        if isinstance(outcome.error, TimeoutError):
            self.close()
        return outcome

    def close(self) -> None:
        """End the connection; waits for nobody."""
        connection, self.connection = self.connection, None
        if connection is None:
            return
        thread = threading.Thread(target=_close, args=(connection,), name="orapool-doctor", daemon=True)
        thread.start()
        thread.join(self.timeout)
        if thread.is_alive() and self.socket is not None:
            self.socket.shut_down()
            thread.join(self.timeout)


def _close(connection: Any) -> None:
    with contextlib.suppress(Exception):  # it is of no use any more
        connection.close()
