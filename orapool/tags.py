"""Who is at work in a session: module, action, client identifier and client info, as V$SESSION shows them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple, Union

from orapool.errors import ConfigurationError


class Tags(NamedTuple):
    """What a session's user is called. None leaves it to who is asked next: see `resolve`."""

    module: str | None = None
    action: str | None = None
    client_identifier: str | None = None
    clientinfo: str | None = None

    def over(self, others: Tags) -> Tags:
        """These, and where they say nothing, the others."""
        return Tags(*(other if own is None else own for own, other in zip(self, others)))


Source = Callable[[], Union[Tags, None]]

current: ContextVar[Tags | None] = ContextVar("orapool_tags", default=None)
"""What `tag` says here."""
sources: list[Source] = []
"""Who else is asked."""


@contextmanager
def tag(
    module: str | None = None,
    action: str | None = None,
    client_identifier: str | None = None,
    clientinfo: str | None = None,
) -> Iterator[None]:
    """Say who checks sessions out within the block, in this thread or task: V$SESSION shows it while they work.

    `module`, `action`, `client_identifier` and `clientinfo` count for every checkout in the block, by `orapool.engine`,
    the ORM, `orapool.connection` and all others. None leaves one as it is outside of the block; an empty string takes
    it away. They go along with the session's next statement, without a round trip, and the next user's replace them.
    Longer ones than 64 bytes are cut.

    Raises `ConfigurationError` for what is no string.

    >>> with orapool.tag(module="billing", action="monthly run"):
    ...     orapool.read_df("select * from invoices")
    """
    outer = current.get()
    own = make_tags(module, action, client_identifier, clientinfo)
    token = current.set(own if outer is None else own.over(outer))
    try:
        yield
    finally:
        current.reset(token)


def make_tags(*values: str | None) -> Tags:
    """Tags of these values, which must be strings or None."""
    made = Tags(*values)
    for value in values:
        if value is not None and not isinstance(value, str):
            name = Tags._fields[values.index(value)]
            raise ConfigurationError(f"{name} should be a string or None, not {type(value).__name__}")
    return made


def add_source(source: Source) -> None:
    """Have every checkout ask `source` too, after `tag`: a framework that knows whose request it is."""
    if source not in sources:
        sources.append(source)


class Resolver:
    """Finds the tags of each checkout of one pool.

    Args:
        defaults: what holds where nobody says anything.
    """

    def __init__(self, defaults: Tags) -> None:
        self.defaults = defaults
        self._last = (defaults, defaults)

    def resolve(self, given: Tags | None = None) -> Tags:
        """The tags of a checkout: from its own parameters, then `tag`, then frameworks, then the defaults."""
        found = current.get()
        if given is not None:
            found = given if found is None else given.over(found)
        for source in sources:
            more = source()
            if more is not None:
                found = more if found is None else found.over(more)
        if found is None:
            return self.defaults
        # Most checkouts have the tags of the one before. The pair is replaced as a whole, so that no lock is needed.
        asked, answer = self._last
        if found is asked or found == asked:
            return answer
        answer = found.over(self.defaults)
        self._last = (found, answer)
        return answer


def script_name() -> str:
    """What the running program is called: ``nightly.py``, the module of ``python -m``, ``gunicorn``, or ``python``.

    >>> script_name()
    'nightly.py'
    """
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    if spec is not None:
        name: str = spec.name
        return name[: -len(".__main__")] if name.endswith(".__main__") else name
    name = os.path.basename(sys.argv[0]) if sys.argv else ""
    return name if name and not name.startswith("-") else "python"
