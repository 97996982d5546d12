"""What a session hands back: result sets and outcomes of DML."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Callable

from psycopg.pq.abc import PGresult

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.columns import TEXT_LIMIT
from orapool.sandbox.sql.link import Failure, Stream
from orapool.sandbox.sql.lob_places import NONE, Placing
from orapool.sandbox.sql.open_cursor import OpenCursor
from orapool.sandbox.types import Column

Values = list["bytes | None"]


class RowStream:
    """The rows of a query in PostgreSQL's binary form, read from it as they are taken.

    ``forms`` tells the binary form of each column: `ColumnCatalog.form`.
    """

    def __init__(
        self,
        columns: tuple[Column, ...],
        forms: tuple[str, ...],
        guarded: Sequence[int],
        chunks: Stream | Sequence[PGresult],
        explain: Callable[[Failure], OracleError],
        placing: Placing = NONE,
    ) -> None:
        self.columns = columns
        self._placing = placing
        self.forms = forms
        self._guarded = guarded
        self._lobs = [index for index, form in enumerate(forms) if form in ("clob", "blob")]
        self._stream = chunks if isinstance(chunks, Stream) else None
        self._parts = deque(() if isinstance(chunks, Stream) else chunks)
        self._explain = explain
        self._part: PGresult | None = None
        self._at = 0
        self._closed = False

    def __repr__(self) -> str:
        return f"<RowStream of {len(self.columns)} columns, {'complete' if self.complete else 'open'}>"

    @property
    def complete(self) -> bool:
        """Whether all rows have come from PostgreSQL."""
        return self._stream is None or self._stream.ended

    @property
    def exhausted(self) -> bool:
        """Whether all rows are taken, as far as is known without waiting."""
        if self._part is not None and self._at < self._part.ntuples:
            return False
        return not self._parts if self._stream is None else self._stream.exhausted

    def take(self, count: int, most_bytes: int) -> tuple[int, list[Values]]:
        """Up to `count` rows, fewer at the end or where they have more than about `most_bytes`: number, and columns.

        Raises:
            OracleError: what PostgreSQL refused on the way; ORA-01489 for a text longer than its column was described;
                ORA-01002 after `close`.
        """
        if self._closed:
            raise OracleError(1002, "fetch out of sequence")
        columns: list[Values] = [[] for _ in self.columns]
        taken = size = 0
        while taken < count and size <= most_bytes:
            part = self._next_part()
            if part is None:
                break
            start = self._at
            end = min(part.ntuples, start + count - taken)
            value, hidden, placing = part.get_value, self._placing.hidden, self._placing
            for index, column in enumerate(columns):
                column += [value(row, index + hidden) for row in range(start, end)]
            for index in placing.columns:
                for row in range(start, end):
                    at = taken + row - start
                    columns[index][at] = placing.placed(index, columns[index][at], partial(value, row))
            for index in self._lobs:
                size += sum(len(text) for text in columns[index][taken:] if text)
            taken += end - start
            self._at = end
        for index in self._guarded:
            if max((len(text) for text in columns[index] if text is not None), default=0) > TEXT_LIMIT:
                raise OracleError(1489, "result of string concatenation is too long")
        return taken, columns

    def _next_part(self) -> PGresult | None:
        part = self._part
        if part is not None and self._at < part.ntuples:
            return part
        if part is not None:
            part.clear()
        self._at = 0
        if self._stream is None:
            part = self._parts.popleft() if self._parts else None
        else:
            try:
                part = self._stream.take()
            except Failure as failure:
                raise self._explain(failure) from failure
        self._part = part
        return part if part is None or part.ntuples else self._next_part()

    def close(self) -> None:
        """Free the rows."""
        self._closed = True
        self._part = None
        self._parts.clear()
        if self._stream is not None:
            self._stream.close()


class ResultSet:
    """The rows of a query, held by PostgreSQL's client library and handed out in batches."""

    def __init__(
        self, result: PGresult, columns: tuple[Column, ...], guarded: Sequence[int], placing: Placing = NONE
    ) -> None:
        self.columns = columns
        self._placing = placing
        self.row_count: int = result.ntuples
        self._result: PGresult | None = result
        self._guarded = guarded

    def __repr__(self) -> str:
        return f"<ResultSet of {self.row_count} rows, {len(self.columns)} columns>"

    def rows(self, start: int, count: int, longest: int = TEXT_LIMIT) -> list[tuple[bytes | None, ...]]:
        """Up to `count` rows from row `start` on, as engine text; texts of up to `longest` bytes.

        Raises:
            OracleError: ORA-01489 for a longer text; ORA-01002 after `close`.
        """
        result = self._result
        if result is None:
            raise OracleError(1002, "fetch out of sequence")
        value, placing = result.get_value, self._placing
        fields = range(placing.hidden, placing.hidden + len(self.columns))
        end = min(start + count, self.row_count)
        for field_ in self._guarded:
            for row in range(start, end):
                text = value(row, field_ + placing.hidden)
                if text is not None and len(text) > longest:
                    raise OracleError(1489, "result of string concatenation is too long")
        rows = [tuple([value(row, field_) for field_ in fields]) for row in range(start, end)]
        if not placing.columns:
            return rows
        return [placing.placed_row(row, partial(value, start + at)) for at, row in enumerate(rows)]

    def close(self) -> None:
        """Free the rows."""
        if self._result is not None:
            self._result.clear()
            self._result = None


@dataclass
class Outcome:
    """What came of a statement that is not a query.

    ``row_counts`` and ``returned`` have an entry for each bind row; ``out`` has a PL/SQL block's OUT binds by index,
    ``cursors`` those of them that are REF CURSORs, and ``in_out`` tells which go in, too; ``results`` are implicit
    results; ``batch_errors`` has the rows that failed, with their errors; ``last_rowid`` is
    PostgreSQL's text of a row's place.
    """

    row_count: int = 0
    row_counts: list[int] = field(default_factory=list)
    returned: list[list[tuple[bytes | None, ...]]] = field(default_factory=list)
    out: dict[int, bytes | None] = field(default_factory=dict)
    cursors: dict[int, OpenCursor] = field(default_factory=dict)
    in_out: frozenset[int] = frozenset()
    results: list[OpenCursor] = field(default_factory=list)
    batch_errors: list[tuple[int, OracleError]] = field(default_factory=list)
    last_rowid: bytes | None = None


def all_rows(result: PGresult) -> list[tuple[bytes | None, ...]]:
    """All that PostgreSQL handed over at once."""
    fields = range(result.nfields)
    return [tuple(result.get_value(row, field_) for field_ in fields) for row in range(result.ntuples)]
