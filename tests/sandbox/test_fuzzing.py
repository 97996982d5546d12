"""A minute of fuzzing, half an hour of which is `make fuzz`. What is found is told with its seed and bytes.

FUZZ_SECONDS sets how long it takes, FUZZ_SEED what is chosen.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sandbox.fuzzing.mutation import DATA, MARKER, TOKENS, packet
from tests.sandbox.fuzzing.readers import READERS, Execution, Readers, read_packets
from tests.sandbox.fuzzing.sessions import Sessions, fuzzed_sessions, held
from tests.sandbox.fuzzing.statements import Statements

FUZZ_SECONDS = float(os.environ.get("FUZZ_SECONDS", "60"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
"""The same for each run, unless told: `make fuzz` takes others."""

ANYTHING = st.binary(max_size=200)
TOKEN_BY_TOKEN = st.lists(st.one_of(st.sampled_from(TOKENS), st.binary(max_size=8)), max_size=60).map(b"".join)
PACKETS = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.builds(packet, st.sampled_from((DATA, MARKER, 14, 1, 2, 255)), st.binary(max_size=60)),
    ),
    max_size=8,
).map(b"".join)


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[Sessions]:
    """A sandbox of its own, with conversations of both drivers that were recorded on it."""
    with fuzzed_sessions(SEED) as sessions:
        yield sessions


@settings(max_examples=400, deadline=None)
@given(reader=st.sampled_from(list(READERS)), data=st.one_of(ANYTHING, TOKEN_BY_TOKEN), size=st.integers(1, 300))
def test_a_reader_raises_what_it_says_alone(reader: str, data: bytes, size: int) -> None:
    Execution(reader, data, size).run()


@settings(max_examples=200, deadline=None)
@given(data=PACKETS, pieces=st.lists(st.integers(0, 30), max_size=6))
def test_packets_end_whatever_they_are(data: bytes, pieces: list[int]) -> None:
    read_packets(data, pieces)


@pytest.mark.parametrize("count", [b"\x04\x7f\xff\xff\xff", b"\x08\x7f" + b"\xff" * 7])
@pytest.mark.parametrize("reader", list(READERS))
def test_a_forged_length_or_count_takes_no_memory(reader: str, count: bytes) -> None:
    for ahead in range(40):
        Execution(reader, b"\1" * ahead + count + b"\1" * 50, 8192).measure()


@pytest.mark.timeout(FUZZ_SECONDS + 120)
def test_altered_messages_are_read_or_refused(fuzzed: Sessions) -> None:
    readers = Readers(fuzzed.conversations, SEED)
    readers.run(time.monotonic() + FUZZ_SECONDS / 6)
    assert readers.executions > 20 * FUZZ_SECONDS


@pytest.mark.timeout(FUZZ_SECONDS + 120)
def test_altered_statements_are_translated_or_refused() -> None:
    statements = Statements(SEED)
    statements.run(time.monotonic() + FUZZ_SECONDS / 6)
    assert statements.executions > 20 * FUZZ_SECONDS


@pytest.mark.timeout(FUZZ_SECONDS + 120)
def test_altered_conversations_are_answered_or_closed(fuzzed: Sessions) -> None:
    fuzzed.run(time.monotonic() + FUZZ_SECONDS * 4 / 6)
    assert fuzzed.executions > FUZZ_SECONDS / 4
    assert fuzzed.answered > fuzzed.executions / 2
    assert held(fuzzed.sandbox).threads == fuzzed.baseline.threads if fuzzed.baseline else False
