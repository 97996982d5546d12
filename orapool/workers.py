"""Threads for driver calls that may block, so that no caller waits longer than its deadline.

A call that has not ended by then is abandoned: the caller goes on, the worker stays in the native library until that
lets go of it, and what it brings back late is handed to a clean-up.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from queue import Empty, SimpleQueue
from typing import Any, Callable, TypeVar

log = logging.getLogger("orapool.workers")

Result = TypeVar("Result")
Late = Callable[[Any, "BaseException | None"], None]

_SPARE_SECONDS = 10.0
"""How long a thread without work waits for some before it ends."""


_here = threading.local()


def run_outside(call: Callable[[], object], name: str) -> None:
    """Run what waits for workers to become idle: here, but in a thread of its own where this is a worker."""
    if getattr(_here, "serves", False):
        threading.Thread(target=call, name=f"orapool-{name}", daemon=True).start()
    else:
        call()


class CallTimeout(Exception):
    """The deadline passed before the call ended."""


class Bell:
    """Wakes the one thread that waits for it, for whatever reason: it looks for itself."""

    def __init__(self) -> None:
        self._rings: SimpleQueue[None] = SimpleQueue()

    def ring(self) -> None:
        """Wake it, now or when it comes to wait."""
        self._rings.put(None)

    def wait(self, deadline: float) -> bool:
        """Wait until it rings; False when it has not by ``deadline``, a time of ``time.monotonic``."""
        try:
            self._rings.get(timeout=max(0.0, deadline - time.monotonic()))
        except Empty:
            return False
        return True


class Call:
    """One call: waiting, running, then ended or abandoned. Its bell rings when it has ended and was not abandoned."""

    __slots__ = ("abandoned", "bell", "call", "ended", "error", "late", "result")

    def __init__(self, call: Callable[[], Any], late: Late | None, bell: Bell) -> None:
        self.call = call
        self.late = late
        self.bell = bell
        self.abandoned = False
        self.ended = False
        self.result: Any = None
        self.error: BaseException | None = None

    def outcome(self) -> Any:
        """The result of a call that has ended; raises its error."""
        error, self.error = self.error, None
        if error is not None:
            raise error
        return self.result


class Workers:
    """At most ``most`` threads, started when there is work and ended when there has been none for a while.

    >>> workers = Workers("log-on", most=4)
    >>> workers.run(lambda: connect(), deadline=time.monotonic() + 5)
    """

    def __init__(self, name: str, most: int) -> None:
        self.name = name
        self.most = most
        lock = threading.RLock()
        self._work = threading.Condition(lock)
        self._ended = threading.Condition(lock)
        self._calls: deque[Call] = deque()
        self._threads = 0
        self._spare = 0
        self._running = 0
        self._abandoned = 0
        self._retired = False

    def __repr__(self) -> str:
        return f"<Workers {self.name}: {self._running} of {self.most} running, {self._abandoned} abandoned>"

    @property
    def running(self) -> int:
        """Calls under way."""
        return self._running

    @property
    def active(self) -> bool:
        """Whether any call waits or runs."""
        return self._running > 0 or bool(self._calls)

    @property
    def abandoned(self) -> int:
        """Calls under way that nobody waits for any more."""
        return self._abandoned

    def run(self, call: Callable[[], Result], deadline: float, late: Late | None = None) -> Result:
        """Run ``call`` in a worker and return its result, or raise its error, if it ends before ``deadline``.

        Args:
            call: what to run.
            deadline: a time of ``time.monotonic``.
            late: gets the result and the error, in the worker, when the call ends after the deadline. A call that had
                not begun by then never does, and ``late`` gets (None, CallTimeout).

        Raises:
            CallTimeout: the deadline has passed.
        """
        begun = self.begin(call, late, Bell())
        if not begun.bell.wait(deadline) and self.abandon(begun):
            raise CallTimeout
        result: Result = begun.outcome()
        return result

    def begin(self, call: Callable[[], Any], late: Late | None, bell: Bell) -> Call:
        """Have ``call`` run in a worker, for one who waits for the bell, which may ring for other reasons too."""
        begun = Call(call, late, bell)
        self._put(begun)
        return begun

    def submit(self, call: Callable[[], Any]) -> None:
        """Run ``call`` in a worker some time; an error is logged."""
        begun = Call(call, self._log_error, Bell())
        begun.abandoned = True
        self._put(begun, abandoned=True)

    def idle_by(self, deadline: float) -> bool:
        """Wait until no call waits or runs, abandoned ones included; False when that is not so by ``deadline``."""
        with self._work:
            return self._ended.wait_for(
                lambda: not self._calls and not self._running, max(0.0, deadline - time.monotonic())
            )

    def retire(self) -> None:
        """Let no thread wait for work any more; what is still to come gets one, which ends with it."""
        with self._work:
            self._retired = True
            self._work.notify_all()

    def _put(self, call: Call, abandoned: bool = False) -> None:
        with self._work:
            self._calls.append(call)
            self._abandoned += abandoned
            if self._spare >= len(self._calls):
                self._work.notify()
                return
            if self._threads >= self.most:
                return
            self._threads += 1
        threading.Thread(target=self._serve, name=f"orapool-{self.name}", daemon=True).start()

    def abandon(self, call: Call) -> bool:
        """Give a call up; False when it has ended at the same moment."""
        with self._work:
            if call.ended:
                return False
            call.abandoned = True
            waiting = call in self._calls
            if waiting:
                self._calls.remove(call)
            else:
                self._abandoned += 1
        if waiting and call.late is not None:
            call.late(None, CallTimeout())
        return True

    def leave(self, call: Call) -> None:
        """Leave a call to itself, whether it has ended or not: what it brings is for its `late`."""
        if not self.abandon(call) and call.late is not None:
            call.late(call.result, call.error)

    def _serve(self) -> None:
        _here.serves = True
        while True:
            with self._work:
                while not self._calls:
                    self._spare += 1
                    notified = not self._retired and self._work.wait(_SPARE_SECONDS)
                    self._spare -= 1
                    if not self._calls and (not notified or self._retired):
                        self._threads -= 1
                        return
                call = self._calls.popleft()
                self._running += 1
            self._do(call)
            del call  # or the connection that it brought back would live on here

    def _do(self, call: Call) -> None:
        result: Any = None
        error: BaseException | None = None
        try:
            result = call.call()
        except BaseException as raised:
            error = raised
        with self._work:
            abandoned = call.abandoned
            if not abandoned:
                call.result, call.error = result, error
            call.ended = True
        if not abandoned:
            call.bell.ring()
        elif call.late is not None:
            try:
                call.late(result, error)
            except Exception:
                told = {"event": "cleanup_failed", "workers": self.name}
                log.exception("%s: cleaning up after a call that ended late", self.name, extra=told)
        with self._work:
            self._running -= 1
            self._abandoned -= abandoned
            self._ended.notify_all()

    def _log_error(self, _result: Any, error: BaseException | None) -> None:
        if error is not None:
            told = {"event": "call_failed", "workers": self.name, "error": str(error)}
            log.info("%s: a call in the background failed: %s", self.name, error, extra=told)
