"""Settings as they may be shown to people: without secrets."""

from __future__ import annotations

from typing import Any

from orapool.dsn import mask
from orapool.layers import SECRETS
from orapool.settings import PoolSettings

MASK = "***"


def in_force(settings: PoolSettings) -> dict[str, Any]:
    """Each setting as it may be shown; those that are not set at all are left out.

    >>> in_force(load_settings(url="oracle://scott:tiger@db/sales"))["password"]
    '***'
    """
    shown: dict[str, Any] = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if name in SECRETS and value is not None:
            value = MASK
        elif callable(value):  # functools.partial would show its arguments
            value = f"{type(value).__name__} {getattr(value, '__qualname__', '')}".strip()
        elif name == "dsn":
            value = mask(value)
        if value is not None:
            shown[name] = value if isinstance(value, (int, float, str)) else str(value)
    return shown
