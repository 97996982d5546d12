"""What cx_Oracle and python-oracledb's thick mode have in common: both stand on Oracle Client's session pool."""

from __future__ import annotations

from orapool.dsn import with_connect_timeouts
from orapool.errors import ConfigurationError
from orapool.settings import PoolSettings

WAIT_TIMEOUT = 1000
"""Milliseconds of a wait in the native pool, after which the caller who has time left waits again. See gate.py for why
it is not set anew for each."""
EXHAUSTED = frozenset({"ORA-24418", "ORA-24457", "ORA-24459", "ORA-24496"})
"""The pool is full, or did not grow in time."""


def tag_lengths(version: tuple[int, ...]) -> tuple[int, ...]:
    """Bytes that a version of Oracle Client takes of each of the tags: earlier ones raise ORA-24960 for longer ones."""
    return (64, 64, 64, 64) if version >= (12, 2) else (48, 32, 64, 64)


def refuse(settings: PoolSettings, driver: str, instead: str) -> None:
    """Raise `ConfigurationError` for what Oracle Client's pools cannot."""
    if settings.wallet_password is not None:
        raise ConfigurationError(
            "wallet_password: Oracle Client opens wallets by themselves only (auto-login, cwallet.sso): leave it out, "
            f"or use {instead}"
        )
    if settings.externalauth and settings.user is not None:
        raise ConfigurationError(
            f"user={settings.user!r}: a pool of {driver} does not connect through an external user: leave it out"
        )


def descriptor(settings: PoolSettings, connect: float, transport: float) -> str:
    """Where to log on, with its limits in seconds."""
    return with_connect_timeouts(settings.dsn, connect, transport, settings.config_dir, wallet=settings.wallet_location)
