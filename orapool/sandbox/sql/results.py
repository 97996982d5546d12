"""What a session hands back: result sets and outcomes of DML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from psycopg.pq.abc import PGresult

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.columns import TEXT_LIMIT
from orapool.sandbox.types import Column


class ResultSet:
    """The rows of a query, held by PostgreSQL's client library and handed out in batches."""

    def __init__(self, result: PGresult, columns: tuple[Column, ...], guarded: Sequence[int]) -> None:
        self.columns = columns
        self.row_count: int = result.ntuples
        self._result: PGresult | None = result
        self._guarded = guarded

    def __repr__(self) -> str:
        return f"<ResultSet of {self.row_count} rows, {len(self.columns)} columns>"

    def rows(self, start: int, count: int) -> list[tuple[bytes | None, ...]]:
        """Up to `count` rows from row `start` on, as engine text.

        Raises:
            OracleError: ORA-01489 for a text longer than its column was described; ORA-01002 after `close`.
        """
        result = self._result
        if result is None:
            raise OracleError(1002, "fetch out of sequence")
        value = result.get_value
        fields = range(len(self.columns))
        end = min(start + count, self.row_count)
        for field_ in self._guarded:
            for row in range(start, end):
                text = value(row, field_)
                if text is not None and len(text) > TEXT_LIMIT:
                    raise OracleError(1489, "result of string concatenation is too long")
        return [tuple([value(row, field_) for field_ in fields]) for row in range(start, end)]

    def close(self) -> None:
        """Free the rows."""
        if self._result is not None:
            self._result.clear()
            self._result = None


@dataclass
class Outcome:
    """What came of a statement that is not a query.

    ``row_counts`` and ``returned`` have an entry for each bind row; ``out`` has a PL/SQL block's OUT binds by index;
    ``batch_errors`` has the rows that failed, with their errors.
    """

    row_count: int = 0
    row_counts: list[int] = field(default_factory=list)
    returned: list[list[tuple[bytes | None, ...]]] = field(default_factory=list)
    out: dict[int, bytes | None] = field(default_factory=dict)
    batch_errors: list[tuple[int, OracleError]] = field(default_factory=list)
    last_rowid: str | None = None
