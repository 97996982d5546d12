"""Passwords that are somewhere else: in a file, as Docker and Kubernetes mount secrets, or with a secret manager."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

from pydantic import SecretStr

from orapool.errors import ConfigurationError
from orapool.hooks import import_function

_LONGEST = 65_536
"""Bytes after which a file cannot be a password."""


def read_secret(path: Path, origin: str) -> str:
    """The password in a file, without the line end that editors and `echo` leave; `origin` says who names the file.

    Raises `ConfigurationError` where it is not there, empty, or not text.
    """
    where = f"password_file {path} (set by {origin})"
    try:
        with path.open("rb") as file:
            data = file.read(_LONGEST + 1)
    except OSError as error:
        raise ConfigurationError(f"{where} cannot be read: {error.strerror}") from None
    if len(data) > _LONGEST:
        raise ConfigurationError(f"{where} is longer than {_LONGEST} bytes: it cannot be a password")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{where} is not UTF-8") from None
    for end in ("\r\n", "\n"):
        if text.endswith(end):
            text = text[: -len(end)]
            break
    if not text:
        raise ConfigurationError(f"{where} is empty")
    if "\n" in text:
        raise ConfigurationError(f"{where} has more than one line")
    return text


def call_function(function: Callable[..., Any], origin: str, *arguments: Any) -> str:
    """What the function returns as password. Raises `ConfigurationError` if that is none, or if it raises."""
    where = f"the function that is to return the password (set by {origin})"
    try:
        found = function(*arguments)
    except Exception as error:
        # Its own text is not repeated: nobody knows what is in it.
        raise ConfigurationError(f"{where} raised {type(error).__name__}") from error
    if isinstance(found, SecretStr):
        found = found.get_secret_value()
    if not isinstance(found, str) or not found:
        kind = "an empty string" if found == "" else type(found).__name__
        raise ConfigurationError(f"{where} returned {kind}: it must return the password, a string")
    return found


def call_hook(hook: str, settings: Any, origin: str) -> str:
    """What ``package.module:function`` returns for these settings. It is imported when it is first needed."""
    return call_function(import_function("password_hook", hook, origin), origin, settings)
