"""Saying again what a client said, to a server that runs: with another log-on, as each has a challenge of its own."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import selectors
import socket
import struct
import time
from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.sandbox.fuzzing.recording import PASSWORD

_PIECE = 1 << 16
_KEYS: dict[str, bytes] = {}


class Unanswered(Exception):
    """The server neither answered nor closed the connection in time."""


def log_on_turns(turns: Sequence[bytes]) -> int:
    """How many of the turns are the log-on."""
    return next(number for number, turn in enumerate(turns, start=1) if b"AUTH_PASSWORD" in turn)


class Replay:
    """A connection over which recorded turns are said."""

    def __init__(self, port: int, seconds: float = 20) -> None:
        self._seconds = seconds
        self._heard = b""
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=seconds)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Replay:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def ask(self, turn: bytes) -> bytes:
        """Say a turn that is in order, and wait for the beginning of its answer.

        Raises:
            Unanswered: there is none.
        """
        self.sock.sendall(with_answer(turn, self._heard))
        try:
            heard = self.sock.recv(_PIECE)
        except TimeoutError:
            raise Unanswered("no answer to a turn that is in order") from None
        self._heard = heard
        return heard

    def abandon(self, data: bytes) -> None:
        """Say all that the server takes at once, and go without a word."""
        self.sock.setblocking(False)
        with contextlib.suppress(OSError):
            self.sock.send(data)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def say(self, data: bytes) -> bytes:
        """Say all, and hear all until the server closes the connection, which it must do when all is said.

        Raises:
            Unanswered: it does not.
        """
        heard = bytearray()
        deadline = time.monotonic() + self._seconds
        view = memoryview(data)
        self.sock.setblocking(False)
        with selectors.DefaultSelector() as selector:
            selector.register(self.sock, selectors.EVENT_READ | selectors.EVENT_WRITE)
            while True:
                if time.monotonic() > deadline:
                    raise Unanswered("the connection is not closed although all is said")
                for _key, events in selector.select(1):
                    try:
                        if events & selectors.EVENT_READ:
                            piece = self.sock.recv(_PIECE)
                            if not piece:
                                return bytes(heard)
                            heard += piece
                        if events & selectors.EVENT_WRITE:
                            view = view[self.sock.send(view[:_PIECE]) :] if view else view
                            if not view:
                                selector.modify(self.sock, selectors.EVENT_READ)
                                self.sock.shutdown(socket.SHUT_WR)
                    except OSError:  # reset: that is an end too
                        return bytes(heard)


def with_answer(turn: bytes, challenge: bytes) -> bytes:
    """A turn with the log-on's answer to the server's challenge, when it is the turn that has one."""
    if b"AUTH_PASSWORD" not in turn or b"AUTH_VFR_DATA" not in challenge:
        return turn
    salt, key_salt = _value(challenge, b"AUTH_VFR_DATA", 32), _value(challenge, b"AUTH_PBKDF2_CSK_SALT", 32)
    key = _KEYS.get(salt)
    if key is None:
        raw = bytes.fromhex(salt)
        derived = hashlib.pbkdf2_hmac("sha512", PASSWORD.encode(), raw + b"AUTH_PBKDF2_SPEEDY_KEY", 4096, 64)
        key = _KEYS[salt] = hashlib.sha512(derived + raw).digest()[:32]
    server_half = _aes(key, bytes.fromhex(_value(challenge, b"AUTH_SESSKEY", 64)), encrypt=False)
    client_half = secrets.token_bytes(32)
    halves = (client_half + server_half).hex().upper().encode()
    session_key = hashlib.pbkdf2_hmac("sha512", halves, bytes.fromhex(key_salt), 3, 32)
    padding = 16 - len(PASSWORD) % 16
    password = secrets.token_bytes(16) + PASSWORD.encode() + bytes((padding,)) * padding
    for name, value in (
        (b"AUTH_SESSKEY", _aes(key, client_half, encrypt=True)),
        (b"AUTH_PASSWORD", _aes(session_key, password, encrypt=True)),
    ):
        at = turn.index(name) + len(name) + 3
        text = value.hex().upper().encode()
        turn = turn[:at] + text + turn[at + len(text) :]
    return turn


def _value(message: bytes, name: bytes, size: int) -> str:
    """A value behind its name: between them are its length, as an integer and as a byte."""
    at = message.index(name) + len(name) + 3
    return message[at : at + size].decode()


def _aes(key: bytes, data: bytes, encrypt: bool) -> bytes:
    cipher = Cipher(algorithms.AES(key), modes.CBC(bytes(16)))
    half = cipher.encryptor() if encrypt else cipher.decryptor()
    return half.update(data) + half.finalize()
