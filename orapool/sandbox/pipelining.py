"""Pipelines: calls that a client sends one behind another, without waiting for the answers.

A piggyback of the first call begins one, a call of its own ends it, and all of it is one round trip. Each answer bears
the token of its call: their number, from 1 on. python-oracledb does so with asyncio (`AsyncConnection.run_pipeline`).
"""

from __future__ import annotations

from enum import IntEnum

from orapool.sandbox.errors import OracleError
from orapool.sandbox.messages import INTERRUPTED, MessageType
from orapool.sandbox.wire import ProtocolError, Reader, integer


class Mode(IntEnum):
    """What becomes of the calls behind one that has failed."""

    CONTINUE_ON_ERROR = 1
    ABORT_ON_ERROR = 2


class Pipeline:
    """A pipeline under way.

    Args:
        mode: as its client wants it.
    """

    def __init__(self, mode: Mode) -> None:
        self._mode = mode
        self._calls = 0
        self._verdict: OracleError | None = None

    @property
    def is_first(self) -> bool:
        """Whether the call under way is the first."""
        return self._calls == 1

    @property
    def verdict(self) -> OracleError | None:
        """The error of every call to come, None while they are carried out."""
        return self._verdict

    @property
    def is_broken(self) -> bool:
        """Whether the client broke in."""
        return self._verdict is not None and self._verdict.code == INTERRUPTED

    def begin_call(self) -> None:
        """The next call has come."""
        self._calls += 1

    def note_error(self, error: OracleError | None = None) -> None:
        """A call has failed; where the client broke in, with `error`, that is the error of all calls behind it too."""
        if error is not None:
            self._verdict = error
        elif self._mode == Mode.ABORT_ON_ERROR and self._verdict is None:
            self._verdict = OracleError(43610, "Pipeline, Aborted due to abort on error settings in pipeline mode")

    def token(self) -> bytes:
        """What stands before the answer of the call under way."""
        return bytes((MessageType.TOKEN,)) + integer(self._calls)


def parse_begin(reader: Reader) -> Pipeline:
    """Read the piggyback that begins a pipeline."""
    reader.integer()  # set of errors
    reader.byte()  # and its mode
    mode = reader.byte()
    if mode not in list(Mode):
        raise ProtocolError(f"a pipeline of mode {mode}")
    return Pipeline(Mode(mode))
