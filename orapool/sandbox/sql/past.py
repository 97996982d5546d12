"""Statements of the past: a second session of the same user, on the data of another time, for AS OF SCN."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql import columns
from orapool.sandbox.sql.binds import array
from orapool.sandbox.sql.dialect import unsupported
from orapool.sandbox.sql.flashback import TABLE_FORMS
from orapool.sandbox.sql.link import Run
from orapool.sandbox.sql.names import quote_name
from orapool.sandbox.sql.results import all_rows
from orapool.sandbox.sql.statement import Statement

if TYPE_CHECKING:
    from orapool.sandbox.sql.backend import Backend


@dataclass(frozen=True)
class Past:
    """What a session on the data of another time has: the SCN, its snapshot, and the settings of the session of now."""

    scn: int
    snapshot: str
    settings: dict[str, str]


def has_time(statement: Statement) -> bool:
    """Whether a statement tells the time of its data."""
    return bool(statement.scns or statement.scn_binds)


class OtherTime:
    """The session on the data of another time that one of now has beside it."""

    def __init__(self, backend: Backend) -> None:
        self._now = backend
        self._then: Backend | None = None

    def session(self, statement: Statement, binds: Sequence[bytes | None]) -> Backend:
        """The session on the data of a flashback query's SCN.

        Raises:
            OracleError: ORA-08181, ORA-01555; ORA-01466 when a table has been altered since.
        """
        scn = _scn(statement, binds)
        then = self._then
        known = then.past if then is not None else None
        if then is None or known is None or known.scn != scn or known.settings != self._now.settings:
            opened = self._now.engine.open_past(self._now, scn)
            if then is not None:
                then.close()
            self._then = then = opened
        names = [".".join(quote_name(part) for part in table if part).encode() for table in statement.tables]
        forms = [Run(TABLE_FORMS, [array(names, columns.TEXT)])]
        if all_rows(then.run(forms)[0]) != all_rows(self._now.run(forms)[0]):
            raise OracleError(1466, "unable to read data - table definition has changed")
        return then

    def close(self) -> None:
        """End it, whatever is left to fetch."""
        if self._then is not None:
            self._then.disconnect()
            self._then = None


def _scn(statement: Statement, binds: Sequence[bytes | None]) -> int:
    scns = set(statement.scns)
    for number in statement.scn_binds:
        given = binds[number] if number < len(binds) else None
        if given is None or not given.strip().isdigit():
            raise OracleError(8181, "specified number is not a valid system change number")
        scns.add(int(given))
    if len(scns) > 1:
        raise unsupported("a query of tables of different times")
    (scn,) = scns
    return scn
