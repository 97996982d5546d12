"""Why a session left a pool, in the pool's own words; beside these, a cause is a code such as ORA-03113."""

from __future__ import annotations

ASKED = "asked"
CLOSED = "pool closed"
RETIRED = "retired"
MADE_ROOM = "made room"
"""For a session of another user, which `max` would not have let in beside it."""
ENDED = "ended"
PING_UNANSWERED = "ping unanswered"
PING_CUT_SHORT = "ping cut short"
ROLLBACK_UNANSWERED = "rollback unanswered"
CANCELLED = "call cancelled"
UNDER_WAY = "call under way"
SETUP_FAILED = "on_session failed"

ORDERLY = frozenset({ASKED, CLOSED, RETIRED, MADE_ROOM, SETUP_FAILED})
"""Causes to let go of a session that is well, and may log off."""
