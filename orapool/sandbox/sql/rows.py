"""The bind rows of one call, kept by column: an array insert hands whole columns on to PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload


class BindRows(Sequence[Sequence["bytes | None"]]):
    """Rows that are made of their columns where somebody wants rows.

    Args:
        columns: the values of each bind, none of them an empty string.
        count: how many rows there are, which without binds the columns do not tell.
    """

    __slots__ = ("_count", "columns")

    def __init__(self, columns: Sequence[Sequence[bytes | None]], count: int) -> None:
        self.columns = list(columns)
        self._count = count

    @classmethod
    def of(cls, rows: Sequence[Sequence[bytes | None]], width: int) -> BindRows:
        """The first `width` values of each row, with empty strings as NULL."""
        if isinstance(rows, BindRows):
            return cls(rows.columns[:width], len(rows))
        return cls([[row[index] or None for row in rows] for index in range(width)], len(rows))

    def with_constants(self, constants: Sequence[bytes]) -> BindRows:
        """The rows with the same values at the end of each."""
        if not constants:
            return self
        return BindRows([*self.columns, *([value] * self._count for value in constants)], self._count)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Sequence[bytes | None]]:
        return iter(zip(*self.columns)) if self.columns else iter([()] * self._count)

    @overload
    def __getitem__(self, place: int) -> Sequence[bytes | None]: ...

    @overload
    def __getitem__(self, place: slice) -> BindRows: ...

    def __getitem__(self, place: int | slice) -> Sequence[bytes | None] | BindRows:
        if isinstance(place, slice):
            return BindRows([column[place] for column in self.columns], len(range(*place.indices(self._count))))
        if not -self._count <= place < self._count:
            raise IndexError(place)
        return [column[place] for column in self.columns]
