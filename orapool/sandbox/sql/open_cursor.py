"""A REF CURSOR or an implicit result, as a block hands it over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orapool.sandbox.sql.statement import Statement
from orapool.sandbox.types import Column, OracleType


@dataclass
class OpenCursor:
    """A query that is to be run, or rows that are there already, as engine text."""

    statement: Statement | None = None
    bind_types: Sequence[OracleType] = ()
    binds: Sequence[bytes | None] = ()
    columns: tuple[Column, ...] = ()
    rows: Sequence[Sequence[bytes | None]] = ()
