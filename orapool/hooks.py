"""Functions that a settings file names: ``package.module:function``."""

from __future__ import annotations

import importlib
from typing import Any

from orapool.errors import ConfigurationError

PATTERN = r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$"


def import_function(setting: str, name: str, origin: str) -> Any:
    """What `name`, the value of `setting`, names; `origin` says who set it.

    Raises `ConfigurationError` where it cannot be imported.

    >>> import_function("on_session", "shop.database:prepare", "variable ORAPOOL_ON_SESSION")
    <function prepare at 0x...>
    """
    module, _, path = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"{setting} {name} (set by {origin}) cannot be imported: {error}") from error
    return found
