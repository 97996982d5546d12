"""Sequences, and the options that identity columns have of theirs."""

from __future__ import annotations

from dataclasses import dataclass

from orapool.sandbox.sql.actions import Ddl
from orapool.sandbox.sql.cursor import TokenReader
from orapool.sandbox.sql.dialect import unsupported
from orapool.sandbox.sql.names import qualified

MISSING = (2289, "sequence does not exist")


@dataclass(frozen=True)
class SequenceOptions:
    """Options in PostgreSQL's words, and those that change no number but are in the dictionary."""

    text: str
    cache: int | None = None
    ordered: bool | None = None

    def notes(self, sequence: str) -> list[str]:
        """What keeps for the dictionary what PostgreSQL does not know of."""
        known = [f"CACHE={self.cache}"] if self.cache is not None else []
        if self.ordered is not None:
            known.append(f"ORDER={'Y' if self.ordered else 'N'}")
        return [f"COMMENT ON SEQUENCE {sequence} IS '{' '.join(known)}'"] if known else []


def create_sequence(reader: TokenReader) -> Ddl:
    """CREATE SEQUENCE, after these words."""
    name = qualified(reader.object_name())
    options = read_options(reader)
    reader.end()
    return Ddl([f"CREATE SEQUENCE {name} {options.text}", *options.notes(name)])


def alter_sequence(reader: TokenReader) -> Ddl:
    """ALTER SEQUENCE, after these words."""
    name = qualified(reader.object_name())
    if reader.has("RESTART"):
        value = f" WITH {reader.integer()}" if reader.has("START", "WITH") else ""
        reader.end()
        return Ddl([f"ALTER SEQUENCE {name} RESTART{value}"], missing=MISSING)
    options = read_options(reader)
    reader.end()
    steps = [f"ALTER SEQUENCE {name} {options.text}"] if options.text else []
    return Ddl([*steps, *options.notes(name)], missing=MISSING)


def read_options(reader: TokenReader) -> SequenceOptions:
    """The options of CREATE SEQUENCE and of GENERATED AS IDENTITY."""
    start: int | None = None
    cache: int | None = None
    ordered: bool | None = None
    out: list[str] = []
    while True:
        if reader.has("START", "WITH"):
            if reader.has("LIMIT", "VALUE"):
                raise unsupported("START WITH LIMIT VALUE")
            start = reader.integer()
        elif reader.has("INCREMENT", "BY"):
            out.append(f"INCREMENT BY {reader.integer()}")
        elif reader.has("MINVALUE"):
            out.append(f"MINVALUE {_within_bigint(reader.integer())}")
        elif reader.has("MAXVALUE"):
            out.append(f"MAXVALUE {_within_bigint(reader.integer())}")
        elif reader.has("NOMINVALUE"):
            out.append("NO MINVALUE")
        elif reader.has("NOMAXVALUE"):
            out.append("NO MAXVALUE")
        elif reader.has("CACHE"):
            # For all sessions together, where PostgreSQL's is each session's own and would part their numbers.
            cache = reader.integer()
        elif reader.has("NOCACHE"):
            cache = 0
        elif reader.has("CYCLE"):
            out.append("CYCLE")
        elif reader.has("NOCYCLE"):
            out.append("NO CYCLE")
        elif reader.sees("ORDER", "NOORDER"):
            ordered = reader.take().value == "ORDER"
        elif reader.sees("NOKEEP", "NOSCALE", "GLOBAL"):
            reader.take()
        else:
            break
    if start is not None:
        out.append(f"START WITH {start}")
    return SequenceOptions(" ".join(out), cache, ordered)


def _within_bigint(value: int) -> int:
    """Oracle's tools write MAXVALUE 9999999999999999999999999999: as far as PostgreSQL counts."""
    return max(-(2**63), min(2**63 - 1, value))
