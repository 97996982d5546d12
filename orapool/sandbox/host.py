"""What a session needs of the server that it is served by."""

from __future__ import annotations

import threading
from typing import Protocol

from orapool.sandbox.auth import Verifier
from orapool.sandbox.recorder import Recorder
from orapool.sandbox.rows import RowCache
from orapool.sandbox.sql import Backend, ClientWatch, SessionIdentity


class Host(Protocol):
    """What a session needs of its server."""

    def service_error(self, service_name: str, sid: str) -> int:
        """The listener's ORA- code for a service, 0 when it is known."""

    def redirection(self) -> tuple[str, int] | None:
        """Host and port that the listener sends this client on to; None to serve it here."""

    def verifier(self, user: str) -> Verifier | None:
        """The verifier of a user, None when there is no such user."""

    def identify(self, os_user: str, token: str | None) -> str | None:
        """Who logs on without a password; None for nobody."""

    def admit(self, user: str, client: str) -> str:
        """Who a session is of, when `user` has proved the password; raises OracleError where it may not be."""

    def change_password(self, user: str, password: str) -> None:
        """Give a user another password; raises OracleError where it may not be."""

    def count_denied_log_on(self) -> None:
        """Note a log-on that was denied."""

    def check_open(self) -> None:
        """Raise an OracleError while the database lets nobody log on."""

    def open_backend(self, identity: SessionIdentity, watch: ClientWatch) -> Backend:
        """An engine session for a client that has logged in."""

    def count_call(self, name: str) -> None:
        """Note a round trip."""

    def count_log_on(self) -> None:
        """Note a session that has logged in."""

    def wait_while_frozen(self, logged_on: bool, ended: threading.Event) -> None:
        """Return when the server is not frozen for such a session; raises ConnectionClosed when that is ended."""

    @property
    def fast_authentication(self) -> bool:
        """Whether clients are offered to log on in fewer round trips."""

    @property
    def row_cache(self) -> RowCache:
        """The results that all sessions keep."""

    @property
    def recorder(self) -> Recorder:
        """What keeps the statements of all sessions."""

    @property
    def delay(self) -> float:
        """Seconds that each call waits before it is carried out."""

    @property
    def inbound_connect_timeout(self) -> float:
        """Seconds in which a client has to log on, 0 for ever."""
