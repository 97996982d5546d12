"""PL/SQL arrays (index-by tables) as bind values."""

from __future__ import annotations

from collections.abc import Sequence


class ArrayText(bytes):
    """Engine text of a bind that is an array, with the engine text of each element.

    Example:
        >>> ArrayText.of([b"1", None]).elements
        (b'1', None)
    """

    elements: tuple[bytes | None, ...] = ()

    @classmethod
    def of(cls, elements: Sequence[bytes | None]) -> ArrayText:
        """The array of these elements."""
        made = cls(b"{" + b",".join([b"NULL" if each is None else each for each in elements]) + b"}")
        made.elements = tuple(elements)
        return made

    def cut(self, size: int) -> ArrayText:
        """The first elements, which have about so many bytes, each cut after as many."""
        kept: list[bytes | None] = []
        left = size
        for each in self.elements:
            if left <= 0:
                break
            kept.append(None if each is None else each[:size].decode(errors="ignore").encode())
            left -= len(each or b"") + 1
        return ArrayText.of(kept)
