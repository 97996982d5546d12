"""What orapool's log lines carry beside their text: fields, for those who collect logs by machine.

All loggers are below ``orapool``. Each record about a pool has `pool`, its name, and `event`, what has happened in one
word, and what else belongs to it: see the README. No field, and no text, holds a password.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
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


def report(write: Callable[..., None], pool: str, event: str, text: str, **more: Any) -> None:
    """Log what has happened to a pool.

    Args:
        write: a logger's method, such as ``log.info``.
        pool: its name, or its `Where`, with which the line begins.
        event: what has happened, in a word: a field of the record.
        text: in words, with placeholders for fields, like ``%(cause)s``.
        more: fields.
    """
    where = pool if isinstance(pool, Where) else f"pool {pool!r}"
    fields = {name: str(value) if isinstance(value, BaseException) else value for name, value in more.items()}
    name = pool.pool if isinstance(pool, Where) else pool
    write(
        f"%(where)s: {text}", {"where": where, **fields}, extra={"pool": name, "event": event, **fields}, stacklevel=2
    )


def echo(checkouts: bool = False) -> None:
    """Have what happens to pools logged, and each checkout and return too, if asked.

    Where no handler is set up for it, it goes to standard output, as what SQLAlchemy's `echo_pool` asks for.
    """
    logger = logging.getLogger("orapool.pool")
    level = logging.DEBUG if checkouts else logging.INFO
    if not logger.isEnabledFor(level):
        logger.setLevel(level)
    if not logger.hasHandlers():
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
        logging.getLogger("orapool").addHandler(handler)
