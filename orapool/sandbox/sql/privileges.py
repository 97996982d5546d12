"""Views of the dictionary that users may not see, and the limits of their profiles."""

from __future__ import annotations

import json
import math

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.statement import Statement

LIMITS_VIEW = "USER_RESOURCE_LIMITS"


class Privileges:
    """What is taken from users, who may do everything otherwise."""

    def __init__(self) -> None:
        self._revoked: frozenset[tuple[str, str]] = frozenset()
        self._idle_minutes: dict[str, int] = {}

    def revoke(self, user: str, view: str) -> None:
        """Let a user not see a view of the dictionary, whose name is that of clients, such as ``V$SESSION``."""
        self._revoked |= {(user.upper(), _canonical(view.upper()))}

    def limit_idle(self, user: str, seconds: float) -> None:
        """Show a limit for idle time, which is in minutes."""
        self._idle_minutes[user.upper()] = max(1, math.ceil(seconds / 60))

    def restore(self) -> None:
        """Take nothing from anybody."""
        self._revoked = frozenset()
        self._idle_minutes = {}

    def check(self, user: str, statement: Statement) -> None:
        """Raise ORA-00942 where a user may not see what a query reads."""
        if self._revoked and any((user, _canonical(name)) in self._revoked for _schema, name in statement.tables):
            raise OracleError(942, "table or view does not exist")

    def limits_in_json(self, user: str) -> bytes:
        """The limits of a user's profile, as USER_RESOURCE_LIMITS takes them."""
        minutes = self._idle_minutes.get(user)
        return json.dumps({} if minutes is None else {"IDLE_TIME": str(minutes)}).encode()


def reads_limits(statement: Statement) -> bool:
    """Whether a query reads the limits of its user's profile."""
    return any(name == LIMITS_VIEW for _schema, name in statement.tables)


def _canonical(name: str) -> str:
    """``V_$SESSION`` stands for ``V$SESSION``, and who may not see that does not see GV$SESSION either."""
    name = name.replace("V_$", "V$")
    return name[1:] if name.startswith("GV$") else name
