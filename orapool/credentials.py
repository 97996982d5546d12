"""Whom a checkout logs on as: the user of the settings, one who is connected through that user, or another."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from orapool.errors import ConfigurationError
from orapool.hooks import import_function
from orapool.settings import PoolSettings

_PROXY = re.compile(r"(?P<proxy>[^\[\]]*)\[(?P<client>[^\[\]]+)\]")


@dataclass(frozen=True)
class Credentials:
    """A user and a password. `password` is None where it is the one that the settings name, as it is at the time."""

    user: str | None
    password: str | None = field(default=None, repr=False)


def of_settings(settings: PoolSettings) -> Credentials:
    """Those of the settings."""
    return Credentials(settings.user)


def of_checkout(settings: PoolSettings, user: str | None = None, password: str | None = None) -> Credentials:
    """Those of a checkout that asks for `user`, or else for whom the setting `user_source` names.

    A user with a password logs on by itself. One without is connected through the user of the settings, who must have
    been granted that.

    Raises `ConfigurationError` for what cannot be, and what `user_source` raises.

    >>> of_checkout(load_settings(dsn="db/sales", user="scott", password="tiger"), "sh").user
    'scott[sh]'
    """
    if user is None and password is not None:
        raise ConfigurationError("a password without a user: pass user= too")
    if user is None and settings.user_source is not None:
        user, password = _ask(settings.user_source, settings.origins["user_source"])
        if not user:
            return of_settings(settings)
    if user is None:
        return of_settings(settings)
    if not isinstance(user, str) or not user.strip() or not (password is None or isinstance(password, str)):
        raise ConfigurationError("user and password of a checkout should be strings, and user not an empty one")
    if password == "":
        raise ConfigurationError(f"the password of user {user!r} is empty")
    return Credentials(user, password) if password is not None else Credentials(_through(settings.user, user))


def _through(own: str | None, user: str) -> str:
    """`user` without a password, connected through our own."""
    proxy, client = _parts(own or "")
    through, wanted = _parts(user)
    if wanted is None and _name(through) == _name(proxy):
        return proxy
    if not proxy:
        raise ConfigurationError(f"user {user!r} needs a password: the settings name no user to connect it through")
    if wanted is not None and through and _name(through) != _name(proxy):
        raise ConfigurationError(f"user {user!r} needs a password: the settings have the one of {proxy!r}")
    wanted = wanted or through
    return own if own and client and _name(client) == _name(wanted) else f"{proxy}[{wanted}]"


def _parts(user: str) -> tuple[str, str | None]:
    """A user, and whom it is a proxy of, or None."""
    found = _PROXY.fullmatch(user)
    return (found["proxy"], found["client"]) if found else (user, None)


def _name(user: str) -> str:
    """A user's name as the database compares it."""
    return user[1:-1] if len(user) > 1 and user[0] == user[-1] == '"' else user.upper()


def _ask(source: Any, origin: str) -> tuple[str | None, str | None]:
    function = import_function("user_source", source, origin) if isinstance(source, str) else source
    found = function()
    if found is None or isinstance(found, str):
        return found, None
    if isinstance(found, Sequence) and len(found) == 2 and all(isinstance(part, str) for part in found):
        return found[0], found[1]
    raise ConfigurationError(
        f"user_source (set by {origin}) returned {type(found).__name__}: it must return a user, a user and a password, "
        "or None"
    )
