"""Altering what a client sends: bits, lengths, packets and their order."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

HEADER_SIZE = 8
DATA, MARKER, CONTROL = 6, 12, 14
# What lengths, counts and marks look like: NULLs, chunks, the greatest and the negative, too short and too long.
TOKENS = [
    *(bytes((value,)) for value in (0, 1, 2, 3, 7, 8, 9, 0x7F, 0x80, 0x84, 0xFC, 0xFD, 0xFE, 0xFF)),
    b"\x04\xff\xff\xff\xff",
    b"\x04\x7f\xff\xff\xff",
    b"\x84\x7f\xff\xff\xff",
    b"\x81\x01",
    b"\x08\x7f" + b"\xff" * 7,
    b"\x88\x7f" + b"\xff" * 7,
    b"\x03\x0f\x42\x40",
    b"\xfe\x04\x7f\xff\xff\xff",
    b"\xfe\x81\x05",
    b"\xfd\x01",
    b"\xc3\x28\xff\xfe",
    "🙂".encode(),
    b"\x00" * 9,
    b"\xff" * 9,
    b"\x07",
    b"\x11\x69",
    b"\x03\x5e",
]


def split_packets(turn: bytes) -> list[bytes]:
    """The packets of a turn; what is none is left as the last piece."""
    packets = []
    at = 0
    while at + HEADER_SIZE <= len(turn):
        short = int.from_bytes(turn[at : at + 2], "big")
        size = short if short else int.from_bytes(turn[at : at + 4], "big")
        if not HEADER_SIZE <= size <= len(turn) - at:
            break
        packets.append(turn[at : at + size])
        at += size
    return packets + ([turn[at:]] if at < len(turn) else [])


def packet(kind: int, body: bytes) -> bytes:
    """A packet as they are after log-on, with its length in four bytes."""
    return (len(body) + HEADER_SIZE).to_bytes(4, "big") + bytes((kind, 0, 0, 0)) + body


def with_body(old: bytes, body: bytes) -> bytes:
    """A packet with another body, and the length that goes with it."""
    size = len(body) + HEADER_SIZE
    length = size.to_bytes(2, "big") + b"\0\0" if old[:2] != b"\0\0" and size < 65_536 else size.to_bytes(4, "big")
    return length + old[4:HEADER_SIZE] + body


def mutate(random: Random, turns: Sequence[bytes], first: int) -> list[bytes]:
    """Alter some of the turns from `first` on."""
    made = list(turns)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        at = random.choice([number for number in range(first, len(made)) if made[number]] or [first])
        if not made[at]:
            break
        made[at] = random.choice(_OF_TURN)(random, made[at], made)
    if random.random() < 0.1:
        del made[random.randrange(first, len(made)) :]
    if random.random() < 0.1:
        at = random.randrange(first, len(made) + 1)
        made.insert(at, random.choice(turns))
    return made


def alter_bytes(random: Random, data: bytes) -> bytes:
    """A few bytes turned over, replaced, put in, or taken away."""
    altered = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 3, 8))):
        at = random.randrange(len(altered) + 1)
        what = random.randrange(6)
        if what == 0 and at < len(altered):
            altered[at] ^= 1 << random.randrange(8)
        elif what == 1 and at < len(altered):
            altered[at] = random.choice((0, 1, 0x7F, 0x80, 0xFD, 0xFE, 0xFF, random.randrange(256)))
        elif what == 2:
            altered[at:at] = random.choice(TOKENS)
        elif what == 3:
            token = random.choice(TOKENS)
            altered[at : at + len(token)] = token
        elif what == 4:
            del altered[at : at + random.choice((1, 1, 2, 4, 16, 200))]
        else:
            start = random.randrange(len(altered) + 1)
            altered[at:at] = altered[start : start + random.choice((1, 4, 16, 64))]
    return bytes(altered)


def _alter_within(random: Random, turn: bytes, _all: Sequence[bytes]) -> bytes:
    """Another body in a packet that is in order."""
    packets = split_packets(turn)
    at = random.randrange(len(packets))
    head, body = packets[at][:HEADER_SIZE], packets[at][HEADER_SIZE:]
    kept = 2 if head[4:5] == bytes((DATA,)) and random.random() < 0.9 else 0  # the flags of DATA
    packets[at] = with_body(head, body[:kept] + alter_bytes(random, body[kept:]))
    return b"".join(packets)


def _alter_anything(random: Random, turn: bytes, _all: Sequence[bytes]) -> bytes:
    return alter_bytes(random, turn)


def _forge_length(random: Random, turn: bytes, _all: Sequence[bytes]) -> bytes:
    """A packet that claims another length than it has."""
    packets = split_packets(turn)
    at = random.randrange(len(packets))
    length = random.choice((0, 1, 7, 8, 9, 10, len(packets[at]) - 1, len(packets[at]) + 1, 1 << 15, 1 << 23, 1 << 31))
    packets[at] = max(0, length).to_bytes(4, "big") + packets[at][4:]
    return b"".join(packets)


def _truncate(random: Random, turn: bytes, _all: Sequence[bytes]) -> bytes:
    return turn[: random.randrange(len(turn) + 1)]


def _truncate_within(random: Random, turn: bytes, _all: Sequence[bytes]) -> bytes:
    packets = split_packets(turn)
    at = random.randrange(len(packets))
    body = packets[at][HEADER_SIZE:]
    packets[at] = with_body(packets[at], body[: random.randrange(len(body) + 1)])
    return b"".join(packets)


def _shuffle(random: Random, turn: bytes, _all: Sequence[bytes]) -> bytes:
    """Packets in another order, twice, or left out."""
    packets = split_packets(turn)
    chosen = [random.choice(packets) for _ in range(random.randrange(len(packets) + 2))]
    return b"".join(chosen)


def _join(random: Random, turn: bytes, others: Sequence[bytes]) -> bytes:
    """Two turns at once, or the bytes of one in packets of the other."""
    other = random.choice(others)
    if random.random() < 0.5:
        return turn + other
    cut = random.randrange(len(turn) + 1)
    return turn[:cut] + other[random.randrange(len(other) + 1) :]


def _break_in(random: Random, turn: bytes, _all: Sequence[bytes]) -> bytes:
    """Markers of all kinds, well-formed or not, before, after or within."""
    kind = random.choice((MARKER, MARKER, MARKER, CONTROL, 11, 13, 1, 2, 0, 255))
    body = random.choice((b"\1\0\1", b"\1\0\2", b"\1\0\3", b"\1\0", b"", b"\1\0\xff", b"\0" * 30))
    packets = split_packets(turn)
    packets.insert(random.randrange(len(packets) + 1), packet(kind, body) * random.choice((1, 1, 2, 3)))
    return b"".join(packets)


def _chop(random: Random, turn: bytes, _all: Sequence[bytes]) -> bytes:
    """The same data in packets of other sizes."""
    packets = split_packets(turn)
    if any(each[4:5] != bytes((DATA,)) for each in packets):
        return turn
    data = b"".join(each[HEADER_SIZE + 2 :] for each in packets)
    size = random.choice((1, 2, 3, 10, 100))
    pieces = range(0, min(len(data), 200 * size), size)
    return b"".join(packet(DATA, b"\0\0" + data[at : at + size]) for at in pieces)


def _swell(random: Random, turn: bytes, _all: Sequence[bytes]) -> bytes:
    """Much more of the same."""
    packets = split_packets(turn)
    at = random.randrange(len(packets))
    body = packets[at][HEADER_SIZE:]
    cut = random.randrange(len(body) + 1)
    filling = random.choice((b"\0", b"\xff", b"\xfe", b"A", b"\1\1", b"\7")) * random.choice((300, 5_000, 70_000))
    packets[at] = with_body(packets[at], body[:cut] + filling + body[cut:])
    return b"".join(packets)


_OF_TURN = (
    *(_alter_within,) * 10,
    *(_alter_anything,) * 2,
    _forge_length,
    _truncate,
    _truncate_within,
    _shuffle,
    *(_join,) * 2,
    _break_in,
    _chop,
    _swell,
)
