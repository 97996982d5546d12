"""Log-ons that outlive their deadlines: their connections are ended, and no others."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import pytest

from orapool.pooling import log_ons as module
from orapool.pooling.log_ons import LogOns
from orapool.sockets import owned

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems' kernels are not asked")

OVER, LATER = -1.0, 60.0


class Mute:
    """A socket that is connected to a port where nobody answers, and whoever reads from it."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.connected = threading.Event()
        self.answer: bytes | None = None

    def read(self, _seconds: float = 0) -> None:
        """Wait for an answer."""
        self.connected.set()
        self.answer = self.socket.recv(1)

    @property
    def ended(self) -> bool:
        """Whether the reader was woken by the end of the connection."""
        return self.answer == b""


class Scene:
    """Log-ons in threads of their own."""

    def __init__(self) -> None:
        self._listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        self.named, self.other = (int(listener.getsockname()[1]) for listener in self._listeners)
        self.log_ons = LogOns(f"127.0.0.1:{self.named}/sales", 1)
        self._connections: list[Mute] = []
        self._threads: list[threading.Thread] = []
        self._over = threading.Event()

    def close(self) -> None:
        """End them all."""
        self._over.set()
        for mute in self._connections:
            with suppress(OSError):
                mute.socket.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive()
        for each in (*self._listeners, *(mute.socket for mute in self._connections)):
            each.close()

    def connection(self, port: int) -> Mute:
        """A connection that is nobody's yet."""
        self._connections.append(Mute(port))
        return self._connections[-1]

    def thread(self, run: Callable[[], object]) -> int:
        """Start a thread; its native id."""
        thread = threading.Thread(target=run, daemon=True)
        self._threads.append(thread)
        thread.start()
        assert thread.native_id is not None
        return thread.native_id

    def log_on(self, port: int, seconds: float, shared_threads: Sequence[int] | None = ()) -> Mute:
        """One that connects to a port and hears nothing, and has so many seconds left."""
        made: list[Mute] = []
        under_way = threading.Event()

        def call(_left: float) -> None:
            made.append(self.connection(port))
            under_way.set()
            made[0].read()

        self.thread(lambda: self.log_ons.run(call, time.monotonic() + seconds, shared_threads))
        assert under_way.wait(5)
        return made[0]

    def log_on_elsewhere(self, worker: int, seconds: float) -> None:
        """One that another thread carries out."""
        under_way = threading.Event()

        def call(_left: float) -> None:
            under_way.set()
            self._over.wait(30)

        self.thread(lambda: self.log_ons.run(call, time.monotonic() + seconds, [worker]))
        assert under_way.wait(5)

    def cuts(self) -> int:
        """How many connections are ended; readers may still be on their way into the system call."""
        for _ in range(50):
            cut = self.log_ons.cut_overdue()
            if cut:
                return cut
            time.sleep(0.002)
        return 0


@pytest.fixture
def scene() -> Iterator[Scene]:
    """Nothing is under way."""
    scene = Scene()
    yield scene
    scene.close()


@pytest.fixture
def kernel_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where /proc is hidden, or on a processor whose system calls are not known."""
    monkeypatch.setattr(module, "waited_for", lambda threads: None)


def ends(mute: Mute) -> bool:
    """Whether its reader is woken."""
    deadline = time.monotonic() + 5
    while mute.answer is None and time.monotonic() < deadline:
        time.sleep(0.002)
    return mute.ended


def test_nothing_is_overdue_at_first(scene: Scene) -> None:
    assert not scene.log_ons.any_overdue()
    assert scene.log_ons.cut_overdue() == 0


def test_one_ends_wherever_it_was_sent_to(scene: Scene) -> None:
    stranger = scene.connection(scene.other)
    log_on = scene.log_on(scene.other, OVER)
    younger_stranger = scene.connection(scene.named)

    assert scene.log_ons.any_overdue()
    assert scene.cuts() == 1

    assert ends(log_on)
    for each in (stranger, younger_stranger):
        assert each.socket.send(b"still connected") > 0


def test_one_that_has_time_left_goes_on_beside_it(scene: Scene) -> None:
    in_time = scene.log_on(scene.named, LATER)
    log_on = scene.log_on(scene.named, OVER)

    assert scene.cuts() == 1

    assert ends(log_on)
    assert not in_time.ended
    assert not scene.log_ons.any_overdue()


def test_one_that_has_found_its_session_already_is_left_alone(scene: Scene) -> None:
    log_on = scene.log_on(scene.named, OVER)
    inode = os.fstat(log_on.socket.fileno()).st_ino
    owned.add(inode)
    try:
        assert scene.cuts() == 0
    finally:
        owned.discard(inode)

    assert not log_on.ended


def test_one_in_a_shared_thread_ends_when_all_who_share_it_are_overdue(scene: Scene) -> None:
    mute = scene.connection(scene.other)
    worker = scene.thread(mute.read)
    assert mute.connected.wait(5)
    scene.log_on_elsewhere(worker, OVER)
    scene.log_on_elsewhere(worker, 0.5)

    assert scene.log_ons.any_overdue()
    assert scene.cuts() == 0
    time.sleep(0.5)

    assert scene.cuts() == 1
    assert ends(mute)


@pytest.mark.usefixtures("kernel_tells_nothing")
class TestWhereTheKernelDoesNotTell:
    def test_one_at_a_port_that_the_connect_string_names_ends(self, scene: Scene) -> None:
        log_on = scene.log_on(scene.named, OVER)

        assert scene.cuts() == 1
        assert ends(log_on)

    def test_what_was_there_before_is_left_alone(self, scene: Scene) -> None:
        stranger = scene.connection(scene.named)
        log_on = scene.log_on(scene.named, OVER)

        assert scene.cuts() == 1
        assert ends(log_on)
        assert stranger.socket.send(b"still connected") > 0

    def test_nothing_is_done_while_it_may_be_a_strangers(self, scene: Scene) -> None:
        log_on = scene.log_on(scene.named, OVER)
        scene.connection(scene.named)

        assert scene.cuts() == 0
        assert not log_on.ended

    def test_nothing_is_done_while_one_has_time_left(self, scene: Scene) -> None:
        scene.log_on(scene.named, LATER)
        scene.log_on(scene.named, OVER)

        assert scene.cuts() == 0


def test_the_same_where_the_driver_does_not_tell_its_threads(scene: Scene) -> None:
    log_on = scene.log_on(scene.named, OVER, None)
    sent_on = scene.log_on(scene.other, OVER)

    assert scene.cuts() == 1

    assert ends(log_on)
    assert not sent_on.ended
