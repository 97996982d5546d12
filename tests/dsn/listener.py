"""A listener that refuses everybody, and remembers what each has asked for."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from types import TracebackType

_CONNECT_HEADER = 8
_REFUSAL = b"(DESCRIPTION=(TMP=)(VSNNUM=318767104)(ERR=12514)(ERROR_STACK=(ERROR=(CODE=12514)(EMFI=4))))"


class Listener:
    """Listens on a port of the loopback while it is entered; `asked` are the descriptors of the CONNECT packets."""

    def __init__(self, log: list[tuple[int, str]] | None = None, host: str = "127.0.0.1") -> None:
        self._socket = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.port: int = self._socket.getsockname()[1]
        self._log = [] if log is None else log

    def __enter__(self) -> Listener:
        threading.Thread(target=self._run, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    @property
    def asked(self) -> list[str]:
        return [descriptor for port, descriptor in self._log if port == self.port]

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                with connection:
                    self._log.append((self.port, self._descriptor(connection)))
                    body = struct.pack(">BBH", 0x22, 0, len(_REFUSAL)) + _REFUSAL
                    connection.sendall(struct.pack(">HHBBH", _CONNECT_HEADER + len(body), 0, 4, 0, 0) + body)

    @staticmethod
    def _descriptor(connection: socket.socket) -> str:
        """That of the CONNECT packet, or of the DATA packet that follows it where it is long."""
        stream = connection.makefile("rb")
        packet = stream.read(_CONNECT_HEADER)
        packet += stream.read(struct.unpack(">H", packet[:2])[0] - _CONNECT_HEADER)
        length, offset = struct.unpack(">HH", packet[24:28])
        found = packet[offset : offset + length]
        if len(found) < length:
            stream.read(_CONNECT_HEADER + 2)
            found = stream.read(length)
        return str(found.decode())


@contextlib.contextmanager
def two_listeners() -> Iterator[tuple[Listener, Listener, list[tuple[int, str]]]]:
    """Two, and in one list what both were asked, in order, with their ports."""
    log: list[tuple[int, str]] = []
    with Listener(log) as one, Listener(log) as other:
        yield one, other, log
