"""The columns of a query's result, as both drivers describe them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_PREFIX = "DB_TYPE_"
_LOBS = frozenset({"BLOB", "CLOB", "NCLOB"})


@dataclass(frozen=True)
class ResultColumn:
    """A column of a query's result.

    Attributes:
        name: as Oracle has it.
        type: Oracle's name of the type, as the drivers spell it in their ``DB_TYPE_`` constants: ``NUMBER``,
            ``TIMESTAMP_TZ``.
        precision: of a NUMBER, decimal digits; of a FLOAT, binary ones; 0 where it has none.
        scale: of a NUMBER; -127 where it has none.
        size: bytes that a value takes at most; 0 where that is not told.
        nullable: whether NULL may occur.
    """

    name: str
    type: str
    precision: int = 0
    scale: int = 0
    size: int = 0
    nullable: bool = True


def result_columns(description: Iterable[Any]) -> tuple[ResultColumn, ...]:
    """The columns of a cursor's `description`."""
    return tuple(
        ResultColumn(name, type_.name[len(_PREFIX) :], precision or 0, scale or 0, size or 0, bool(nullable))
        for name, type_, _display, size, precision, scale, nullable in (tuple(entry)[:7] for entry in description)
    )


def has_lobs(columns: Iterable[ResultColumn]) -> bool:
    """Whether any of the columns is a LOB."""
    return any(column.type in _LOBS for column in columns)
