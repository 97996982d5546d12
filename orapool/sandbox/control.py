"""The control connection: how a sandbox in a process of its own is steered.

One request and one answer a line, in JSON, over a Unix socket in a folder that only its user can enter.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
import socket
import stat
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

Command = Callable[..., Any]


class SandboxError(Exception):
    """The sandbox could not be started, reached or steered; the message says why."""


def control_path(port: int) -> Path:
    """Where the sandbox on a port is steered: in a folder of this user alone.

    A Unix socket reaches over network namespaces, each of which has its own ports: the name tells them apart.

    Raises:
        SandboxError: when the folder belongs to somebody else or is open to others.
    """
    folder = Path(tempfile.gettempdir(), f"orapool-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise SandboxError(f"{folder} must be a folder of user {os.getuid()} alone (mode 0700)")
    return folder / f"sandbox-{_network_namespace()}{port}.sock"


def is_served(path: Path) -> bool:
    """Whether somebody answers at a control socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        return sock.connect_ex(str(path)) == 0


def _network_namespace() -> str:
    try:
        return f"{os.stat('/proc/self/ns/net').st_ino}-"
    except OSError:  # not Linux: there is one only
        return ""


class ControlServer:
    """Serves commands to control clients, each in a thread.

    Args:
        path: the socket's place; an old one there is replaced.
        commands: what can be asked for, by name.
    """

    def __init__(self, path: Path, commands: Mapping[str, Command]) -> None:
        self._path = path
        self._commands = commands
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._accept, name="control", daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        while True:
            try:
                sock, _address = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), name="control client", daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with sock, sock.makefile("rwb") as stream:
            for line in stream:
                answer = self._answer(line)
                with contextlib.suppress(OSError):
                    stream.write(json.dumps(answer, default=_plain).encode() + b"\n")
                    stream.flush()

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            command = self._commands[request["command"]]
            return {"result": command(**request.get("arguments", {}))}
        except KeyError as error:
            return {"error": f"there is no command {error}"}
        except (TypeError, ValueError, OSError, SandboxError) as error:
            return {"error": str(error)}
        except Exception as error:
            logger.exception("control command failed")
            return {"error": f"{type(error).__name__}: {error}"}


class ControlClient:
    """A connection to a sandbox's control socket. Safe to share between threads and over a fork.

    Args:
        path: the socket's place, see `control_path`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def call(self, command: str, **arguments: Any) -> Any:
        """Run a command in the sandbox and return its result.

        Raises:
            SandboxError: when no sandbox answers there, or the command failed.
        """
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
                sock.connect(str(self.path))
                with sock.makefile("rwb") as stream:
                    stream.write(json.dumps({"command": command, "arguments": arguments}).encode() + b"\n")
                    stream.flush()
                    line = stream.readline()
        except OSError as error:
            raise SandboxError(f"no sandbox answers at {self.path}: {error.strerror or error}") from error
        if not line:
            raise SandboxError(f"the sandbox at {self.path} ended while it was asked for {command!r}")
        answer = json.loads(line)
        if "error" in answer:
            raise SandboxError(answer["error"])
        return answer["result"]


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    raise TypeError(f"{type(value).__name__} does not go over the control connection")
