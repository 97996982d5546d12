"""Time zone regions, which JDBC asks for by number before it sends or reads a time in one: those that are UTC."""

from __future__ import annotations

from orapool.sandbox.sql.dialect import unsupported

TRANSITIONS = ("DBMS_UTILITY.GET_TZ_TRANSITIONS", "SYS.DBMS_UTILITY.GET_TZ_TRANSITIONS")

# The numbers that JDBC has for UTC, GMT, UCT, Zulu, Greenwich and Universal, of themselves and under Etc.
_UTC = frozenset((1, 28, 29, 513, 540, 541, 1025, 1052, 1564, 2049, 2076, 3073, 3585, 4097, 4609, 5121))
# One: from the first of January 1900 on, 0 hours and 0 minutes from UTC, and no daylight saving time.
_NO_CHANGE = bytes((1, 119, 100, 1, 1, 1, 1, 1, 20, 60, 0))


def transitions(region: int) -> bytes:
    """When a region's offset from UTC changes, as JDBC reads it.

    Raises:
        OracleError: ORA-03001 for all regions that are not UTC.
    """
    if region not in _UTC:
        raise unsupported(f"time zone regions but UTC (number {region})")
    return _NO_CHANGE
