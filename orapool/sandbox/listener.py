"""The port that clients connect to: accepts for as long as it is open, whatever happens meanwhile."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)

_BACKLOG = 512
# Between two attempts, when the system has no descriptors or threads to spare.
_PAUSE = 0.05


class Listener:
    """Listens on a port until `close`.

    Args:
        host: the address.
        port: the port; 0 takes a free one.
        serve: takes each connection, quickly, as the others wait; it may raise OSError or RuntimeError, by which the
            connection is closed.
        make_room: ends what is least worth keeping, when the system can give no more.
    """

    def __init__(
        self, host: str, port: int, serve: Callable[[socket.socket], None], make_room: Callable[[], None]
    ) -> None:
        self._serve = serve
        self._make_room = make_room
        self._closed = threading.Event()
        self._socket = socket.create_server((host, port), backlog=_BACKLOG)
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, name="listener", daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        self._closed.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the thread in accept
        self._socket.close()

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                sock, _address = self._socket.accept()
            except OSError as error:
                if not self._closed.is_set():
                    self._wait(error)
                continue
            try:
                self._serve(sock)
            except (OSError, RuntimeError) as error:  # gone before it was served; no thread to be had
                sock.close()
                if isinstance(error, RuntimeError):
                    self._wait(error)

    def _wait(self, error: Exception) -> None:
        logger.warning("the listener on port %d cannot take a connection: %s", self.port, error)
        self._make_room()
        self._closed.wait(_PAUSE)
