"""What orapool's log lines carry beside their text: fields, for those who collect logs by machine.

All loggers are below ``orapool``. Each record about a pool has `pool`, its name, and `event`, what has happened in one
word, and what else belongs to it: see the README. No field, and no text, holds a password.
"""

from __future__ import annotations

from typing import Any


class Where(str):
    """What to call a pool, and whom it logs on as, in messages.

    Args:
        text: that.
        pool: the pool's name.
    """

    pool: str

    def __new__(cls, text: str, pool: str) -> Where:
        """A string that knows which pool it names."""
        made = super().__new__(cls, text)
        made.pool = pool
        return made


def fields(pool: str, event: str, **more: Any) -> dict[str, Any]:
    """The fields of a record, for the parameter `extra` of a logger's methods.

    `pool` is its name, or its `Where`.
    """
    return {"pool": pool.pool if isinstance(pool, Where) else pool, "event": event, **more}
