"""Log-in: Oracle's 12c password verifier (18453), server side.

The client proves that it knows the password by an AES key derived from it (PBKDF2 with SHA-512), and the server proves
the same in its answer. Neither sends the password in the clear. Both drivers check the server's proof.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

VERIFIER_12C = 0x4815
GENERATION_COUNT = 4096
DERIVATION_COUNT = 3
_BLOCK = 16


def _encrypt(key: bytes, data: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.CBC(bytes(_BLOCK))).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def _decrypt(key: bytes, data: bytes) -> bytes:
    decryptor = Cipher(algorithms.AES(key), modes.CBC(bytes(_BLOCK))).decryptor()
    return decryptor.update(data) + decryptor.finalize()


def _pad(data: bytes) -> bytes:
    count = _BLOCK - len(data) % _BLOCK
    return data + bytes((count,)) * count


@dataclass(frozen=True)
class Verifier:
    """What the server keeps of a user's password."""

    user: str
    salt: bytes
    key: bytes = field(repr=False)
    password: bytes = field(repr=False)

    @classmethod
    def of(cls, user: str, password: str) -> Verifier:
        """Make the verifier of a user, with a salt of its own."""
        salt = secrets.token_bytes(16)
        secret = password.encode()
        derived = hashlib.pbkdf2_hmac("sha512", secret, salt + b"AUTH_PBKDF2_SPEEDY_KEY", GENERATION_COUNT, 64)
        return cls(user, salt, hashlib.sha512(derived + salt).digest()[:32], secret)

    @classmethod
    def unknown(cls, user: str) -> Verifier:
        """A verifier that no password meets, so that an unknown user looks like a wrong password."""
        return cls.of(user, secrets.token_hex(16))


class Challenge:
    """One log-in: the server's half of the session key, and the check of the client's answer."""

    def __init__(self, verifier: Verifier) -> None:
        self.verifier = verifier
        self._server_half = secrets.token_bytes(32)
        self._salt = secrets.token_bytes(16)
        self._session_key = b""

    def pairs(self) -> list[tuple[str, str, int]]:
        """Names, values and flags that the first phase sends to the client."""
        return [
            ("AUTH_SESSKEY", _encrypt(self.verifier.key, self._server_half).hex().upper(), 0),
            ("AUTH_VFR_DATA", self.verifier.salt.hex().upper(), VERIFIER_12C),
            ("AUTH_PBKDF2_CSK_SALT", self._salt.hex().upper(), 0),
            ("AUTH_PBKDF2_VGEN_COUNT", str(GENERATION_COUNT), 0),
            ("AUTH_PBKDF2_SDER_COUNT", str(DERIVATION_COUNT), 0),
            ("AUTH_GLOBALLY_UNIQUE_DBID\0", "A" * 32, 0),
        ]

    def accept(self, answer: dict[str, str]) -> str | None:
        """Check the second phase's answer; returns the server's own proof (AUTH_SVR_RESPONSE), or None when refused."""
        try:
            client_half = _decrypt(self.verifier.key, bytes.fromhex(answer["AUTH_SESSKEY"]))
            halves = (client_half[:32] + self._server_half).hex().upper().encode()
            self._session_key = hashlib.pbkdf2_hmac("sha512", halves, self._salt, DERIVATION_COUNT, 32)
        except (KeyError, ValueError):
            return None
        if not self.proves(self.verifier, answer):
            return None
        return _encrypt(self._session_key, _pad(secrets.token_bytes(_BLOCK) + b"SERVER_TO_CLIENT")).hex().upper()

    def proves(self, verifier: Verifier, answer: dict[str, str]) -> bool:
        """Whether the client knows a password, which may have changed since the session began."""
        password = self._decrypted(answer, "AUTH_PASSWORD")
        return password is not None and secrets.compare_digest(password, verifier.password)

    def new_password(self, answer: dict[str, str]) -> str | None:
        """The password that the client wants to have from now on; None when it wants none."""
        password = self._decrypted(answer, "AUTH_NEWPASSWORD")
        return None if password is None else password.decode("utf-8", "replace")

    def _decrypted(self, answer: dict[str, str], key: str) -> bytes | None:
        """A password behind its salt."""
        try:
            padded = _decrypt(self._session_key, bytes.fromhex(answer[key]))
        except (KeyError, ValueError):
            return None
        return padded[_BLOCK : len(padded) - padded[-1]] if padded else b""
