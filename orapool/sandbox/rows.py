"""The rows of a cursor as they go over the wire: encoded ahead in blocks, handed out in batches, kept for a next time.

A result of many rows is kept in a `RowCache` when it would be the same again: the keys have the statement, its binds,
the session's settings and the number of the last commit, and only statements whose rows depend on these alone are kept.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Callable, Protocol

from orapool.sandbox import codecs
from orapool.sandbox.codecs import Encoder
from orapool.sandbox.errors import OracleError
from orapool.sandbox.messages import MessageType
from orapool.sandbox.sql import RowStream
from orapool.sandbox.types import Column

ROW = bytes((MessageType.ROW_DATA,))
Key = tuple[object, ...]
ValueEncoder = Callable[["bytes | None"], bytes]

# From so many rows on, they are encoded by columns.
_MANY = 64
# How many rows of a large result are encoded at a time, unless more are asked for, and with how many bytes of LOBs.
_AHEAD = 4096
_AHEAD_BYTES = 8 << 20
# An answer has no more rows when these have so many bytes, however many were asked for: clients come again.
MOST_BYTES = 64 << 20
# Smaller results are kept when they are asked for again: most never are.
_WORTH_KEEPING = 256
_MOST_ASKED = 2000
# What a kept block takes beside its rows, in bytes.
_OVERHEAD = 1000


@dataclass(frozen=True)
class ColumnEncoder:
    """How one column is encoded.

    ``encode`` is for single values, NULL too; ``plain`` for those that are not NULL, where they may be encoded in bulk.
    """

    column: Column
    form: str
    encode: ValueEncoder
    plain: Encoder | None


@dataclass(frozen=True)
class RowEncoder:
    """How the rows of a cursor are encoded for its client.

    ``signature`` tells it from others for the same columns; None where a row cannot be sent again, as with locators.
    """

    columns: tuple[Column, ...]
    forms: tuple[str, ...]
    encoders: Sequence[ColumnEncoder]
    signature: Key | None

    def encode(self, count: int, values: Sequence[Sequence[bytes | None]]) -> Block:
        """Encode rows, given column by column."""
        if count < _MANY:
            encoded = [map(column.encode, given) for column, given in zip(self.encoders, values)]
            rows = [ROW + b"".join(row) for row in zip(*encoded)]
            ends = [0]
            for row in rows:
                ends.append(ends[-1] + len(row))
            return Block(b"".join(rows), ends)
        from orapool.sandbox import bulk  # numpy takes its time to be imported

        made: list[bulk.Grid | list[bytes]] = []
        for column, given in zip(self.encoders, values):
            grid = None
            if column.plain is not None:
                grid = bulk.make_grid(given, column.column.type, column.form, column.plain)
            made.append(grid if grid is not None else list(map(column.encode, given)))
        return Block(*bulk.join_rows(ROW, made, count))


@dataclass(frozen=True)
class Block:
    """Encoded rows: their bytes, and where each begins, up to the end of the last."""

    data: bytes
    ends: Any

    @property
    def count(self) -> int:
        """How many rows."""
        return len(self.ends) - 1

    @property
    def size(self) -> int:
        """What it takes in memory, in bytes."""
        return len(self.data) + 8 * len(self.ends) + _OVERHEAD

    def rows(self, start: int, end: int) -> bytes | memoryview:
        """The bytes of some of its rows."""
        if start == 0 and end == self.count:
            return self.data
        return memoryview(self.data)[int(self.ends[start]) : int(self.ends[end])]


class RowSource(Protocol):
    """Where a cursor's rows come from."""

    columns: tuple[Column, ...]

    def batch(self, limit: int) -> tuple[list[bytes | memoryview], int]:
        """Up to `limit` encoded rows, or `MOST_BYTES` of them, in pieces, and how many they are."""

    def close(self) -> None:
        """Free the rows."""


@dataclass
class KeptRows:
    """Encoded results of one query, by the signatures of their encoders."""

    columns: tuple[Column, ...]
    forms: tuple[str, ...]
    blocks: dict[Key, Sequence[Block]] = field(default_factory=dict)
    size: int = 0


class RowCache:
    """Encoded results, those used last, up to so many bytes. May be used by all threads."""

    def __init__(self, most_bytes: int) -> None:
        self.hits = 0
        self._most = most_bytes
        self._size = 0
        self._version: int | None = None
        self._kept: OrderedDict[Key, KeptRows] = OrderedDict()
        self._asked: dict[int, int] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<RowCache of {len(self._kept)} results, {self._size} bytes of {self._most}>"

    @property
    def is_off(self) -> bool:
        """Whether nothing is to be kept."""
        return not self._most

    def is_asked_again(self, version: int, key: Key) -> bool:
        """Whether a query that is run now was run before while the data had this version."""
        with self._lock:
            if len(self._asked) >= _MOST_ASKED:
                self._asked.clear()
            asked = hash(key)
            known, self._asked[asked] = self._asked.get(asked), version
            return known == version

    def find(self, version: int | None, key: Key) -> KeptRows | None:
        """What is kept of a query's rows while the data have this version; None too where there is no version."""
        with self._lock:
            if version is None or version != self._version:
                return None
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                self.hits += 1
            return found

    def reserve(self, size: int) -> bool:
        """Make room for rows that may be kept; False where there is not so much."""
        with self._lock:
            self._size += size
            while self._size > self._most and self._kept:
                _key, old = self._kept.popitem(last=False)
                self._size -= old.size
            if self._size <= self._most:
                return True
            self._size -= size
            return False

    def release(self, size: int) -> None:
        """Give room back."""
        with self._lock:
            self._size -= size

    def keep(self, version: int, key: Key, stream: RowStream, signature: Key, blocks: Sequence[Block]) -> None:
        """Keep a result, for which there is room already, while the data have this version."""
        size = sum(block.size for block in blocks)
        with self._lock:
            if self._version is None or version > self._version:
                # All others are of yesterday.
                self._size -= sum(old.size for old in self._kept.values())
                self._kept.clear()
                self._version = version
            kept = self._kept.get(key)
            if version < self._version or (kept is not None and signature in kept.blocks):
                self._size -= size
                return
            if kept is None:
                kept = self._kept[key] = KeptRows(stream.columns, stream.forms)
            kept.blocks[signature] = blocks
            kept.size += size


class Recording:
    """Keeps the blocks of a result that is read, while there is room for them, if they are `least` rows in the end."""

    def __init__(self, cache: RowCache, version: int, key: Key, least: int = _WORTH_KEEPING) -> None:
        self._cache = cache
        self._version = version
        self._key = key
        self._least = least
        self._blocks: list[Block] | None = []
        self._size = 0

    def add(self, block: Block) -> None:
        """Take up the next block; the whole result is let go when there is no room for it."""
        if self._blocks is None:
            return
        if self._cache.reserve(block.size):
            self._blocks.append(block)
            self._size += block.size
        else:
            self.drop()

    def finish(self, stream: RowStream, signature: Key) -> None:
        """All rows are there."""
        blocks, self._blocks = self._blocks, None
        if blocks is None:
            return
        if sum(block.count for block in blocks) >= self._least:
            self._cache.keep(self._version, self._key, stream, signature, blocks)
        else:
            self._cache.release(self._size)

    def drop(self) -> None:
        """Keep nothing."""
        if self._blocks is not None:
            self._blocks = None
            self._cache.release(self._size)


class StreamedRows:
    """Rows that come from PostgreSQL."""

    def __init__(
        self,
        stream: RowStream,
        make_encoder: Callable[[tuple[Column, ...], tuple[str, ...]], RowEncoder],
        recording: Recording | None,
    ) -> None:
        self.columns = stream.columns
        self._stream = stream
        self._make_encoder = make_encoder
        self._encoder: RowEncoder | None = None
        self._recording = recording
        self._block = Block(b"", (0,))
        self._at = 0
        self._ended = False

    def batch(self, limit: int) -> tuple[list[bytes | memoryview], int]:
        """Up to `limit` encoded rows, in pieces, and how many they are.

        Raises:
            OracleError: what PostgreSQL refused on the way, or a value that cannot be encoded.
        """
        parts: list[bytes | memoryview] = []
        count = size = 0
        while count < limit and size < MOST_BYTES:
            if self._at == self._block.count and (self._ended or not self._next_block(limit - count)):
                break
            end = min(self._block.count, self._at + limit - count)
            parts.append(self._block.rows(self._at, end))
            size += len(parts[-1])
            count += end - self._at
            self._at = end
        return parts, count

    def _next_block(self, wanted: int) -> bool:
        if self._encoder is None:
            self._encoder = self._make_encoder(self.columns, self._stream.forms)
            if self._encoder.signature is None:
                self._drop_recording()
        encoder = self._encoder
        # A result that is there already is encoded as it is asked for; locators are not made ahead.
        if not self._stream.complete and encoder.signature is not None:
            wanted = max(wanted, _AHEAD)
        try:
            count, values = self._stream.take(min(wanted, _AHEAD), _AHEAD_BYTES)
            self._block = encoder.encode(count, values)
        except OracleError:
            self._drop_recording()
            raise
        self._at = 0
        self._ended = not count or self._stream.exhausted
        recording = self._recording
        if recording is not None:
            recording.add(self._block)
            if self._ended:
                assert encoder.signature is not None
                recording.finish(self._stream, encoder.signature)
        return count > 0

    def _drop_recording(self) -> None:
        recording, self._recording = self._recording, None
        if recording is not None:
            recording.drop()

    def close(self) -> None:
        """Free the rows."""
        self._drop_recording()
        self._stream.close()


class CachedRows:
    """Rows that were encoded before; `run` gives them afresh where the client wants another form than is there."""

    def __init__(
        self,
        kept: KeptRows,
        make_encoder: Callable[[tuple[Column, ...], tuple[str, ...]], RowEncoder],
        run: Callable[[], RowSource],
    ) -> None:
        self.columns = kept.columns
        self._kept = kept
        self._make_encoder = make_encoder
        self._run = run
        self._fresh: RowSource | None = None
        self._blocks: Sequence[Block] | None = None
        self._number = self._at = 0

    def batch(self, limit: int) -> tuple[list[bytes | memoryview], int]:
        """Up to `limit` encoded rows, in pieces, and how many they are."""
        if self._fresh is None and self._blocks is None:
            signature = self._make_encoder(self.columns, self._kept.forms).signature
            self._blocks = self._kept.blocks.get(signature) if signature is not None else None
            if self._blocks is None:
                self._fresh = self._run()
        if self._fresh is not None:
            return self._fresh.batch(limit)
        assert self._blocks is not None
        parts: list[bytes | memoryview] = []
        count = size = 0
        while count < limit and size < MOST_BYTES and self._number < len(self._blocks):
            block = self._blocks[self._number]
            end = min(block.count, self._at + limit - count)
            parts.append(block.rows(self._at, end))
            size += len(parts[-1])
            count += end - self._at
            self._at = end
            if end == block.count:
                self._number, self._at = self._number + 1, 0
        return parts, count

    def close(self) -> None:
        """Free the rows."""
        self._blocks = ()
        if self._fresh is not None:
            self._fresh.close()


class HeldRows:
    """Rows that are there already, in engine text."""

    def __init__(self, columns: tuple[Column, ...], rows: Sequence[Sequence[bytes | None]]) -> None:
        self.columns = columns
        self._rows = rows
        self._encoders = [codecs.encoder(column.type) for column in columns]
        self._at = 0

    def batch(self, limit: int) -> tuple[list[bytes | memoryview], int]:
        """Up to `limit` encoded rows, in pieces, and how many they are."""
        rows = self._rows[self._at : self._at + limit]
        self._at += len(rows)
        parts: list[bytes | memoryview] = []
        for row in rows:
            encoded = [b"\0" if value is None else encode(value) for encode, value in zip(self._encoders, row)]
            parts.append(b"".join((ROW, *encoded)))
        return parts, len(rows)

    def close(self) -> None:
        """Free the rows."""
        self._rows = ()
