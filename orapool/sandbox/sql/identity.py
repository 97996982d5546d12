"""Who a session is, and how its client is watched while the engine works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

BASE_EDITION = "ORA$BASE"


@dataclass
class SessionIdentity:
    """What V$SESSION and SYS_CONTEXT tell about a session."""

    sid: int
    serial: int
    user: str
    program: str = ""
    machine: str = ""
    osuser: str = ""
    terminal: str = ""
    process: str = ""
    module: str = ""
    action: str = ""
    client_identifier: str = ""
    client_info: str = ""
    schema: str = ""
    edition: str = BASE_EDITION
    server: str = "DEDICATED"
    connection_class: str = ""
    service: str = "ORAPOOL"
    instance: str = "ORAPOOL"
    port: int = 0
    proxy_user: str = ""
    """Who has logged on as the user, with a password of its own."""


@dataclass(frozen=True)
class ClientWatch:
    """The client's socket, watched while the engine works.

    When `fileno` becomes readable, `interrupted()` tells whether the client asks for a break (or has gone); it is
    called from the thread that waits for the engine, and must not block. `noticed()` tells whether a break has been
    read from there before, which does not become readable again for it.
    """

    fileno: int
    interrupted: Callable[[], bool]
    noticed: Callable[[], bool] = lambda: False
