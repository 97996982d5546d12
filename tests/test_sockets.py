"""What the kernel is told, and tells, of sockets: the pool's own and nobody else's."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import pytest

from orapool import DatabaseUnavailable, PoolError, PoolTimeout, SessionPool
from orapool.credentials import Credentials
from orapool.drivers import find_driver
from orapool.health import Health, SessionState
from orapool.sandbox import Sandbox
from orapool.settings import load_settings
from orapool.sockets import KeepAlive, SessionSocket, SocketWatch, shut_down_all, tcp_sockets, waited_for
from tests.waiting import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems' kernels are not asked")

MakePool = Callable[..., SessionPool]
Pair = tuple[socket.socket, socket.socket]

QUICK = {"keepalive_idle": 7, "keepalive_interval": 3, "keepalive_probes": 4, "user_timeout": 2.5}
QUICK_OPTIONS = (1, 7, 3, 4, 2500)
DEFAULT_OPTIONS = (1, 60, 10, 3, 10_000)
LATE = 1.0
"""Seconds after its deadline by which a log-on has ended."""


def options(fd: int) -> tuple[int, ...]:
    """On or off, idle, interval, probes, and user time-out in milliseconds, as the kernel has them."""
    borrowed = socket.socket(fileno=fd)
    try:
        tcp = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
        is_on = borrowed.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        return (is_on, *(borrowed.getsockopt(socket.IPPROTO_TCP, option) for option in tcp))
    finally:
        borrowed.detach()


def sockets_to(sandbox: Sandbox) -> dict[int, int]:
    """The descriptors of this process that are connected to the server, by their own port."""
    found = {}
    for each in tcp_sockets().values():
        borrowed = socket.socket(fileno=each.fd)
        try:
            with contextlib.suppress(OSError):  # one that another test left has lost its other side
                if borrowed.getpeername()[1] == sandbox.port:
                    found[borrowed.getsockname()[1]] = each.fd
        finally:
            borrowed.detach()
    return found


def hold(pool: SessionPool, count: int) -> list[Any]:
    """So many sessions, which log on at once."""
    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(lambda _: pool.acquire(), range(count)))


def of(sock: socket.socket) -> SessionSocket:
    """A socket as the pool knows its own."""
    return SessionSocket(sock.fileno(), os.fstat(sock.fileno()).st_ino)


def answers(pool: SessionPool) -> bool:
    """Whether a checkout works."""
    try:
        with pool.acquire(timeout=2) as connection:
            connection.cursor().execute("select 1 from dual")
    except PoolError:
        return False
    return True


@contextmanager
def full_port() -> Iterator[int]:
    """A port whose queue is full: the kernel drops who wants to connect, as if the host were gone."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, ExitStack() as queue:
        for _ in range(2):
            waiting = queue.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Both ends of a TCP connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _address = listener.accept()
    with near, far:
        far.settimeout(5)
        near.settimeout(5)
        yield near, far


class TestThePoolsSockets:
    @pytest.mark.parametrize(("settings", "expected"), [({}, DEFAULT_OPTIONS), (QUICK, QUICK_OPTIONS)])
    def test_the_kernel_watches_each(
        self, make_pool: MakePool, sandbox: Sandbox, settings: dict[str, Any], expected: tuple[int, ...]
    ) -> None:
        before = set(sockets_to(sandbox))
        connections = hold(make_pool(max=5, **settings), 5)

        found = [options(fd) for port, fd in sockets_to(sandbox).items() if port not in before]
        for connection in connections:
            connection.close()

        assert found == [expected] * 5

    def test_those_of_replaced_sessions_too(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=3, **QUICK)
        for _ in range(3):
            for connection in hold(pool, 3):
                connection.close()
            ports = {session["port"] for session in sandbox.sessions()}
            assert [options(fd) for port, fd in sockets_to(sandbox).items() if port in ports] == [QUICK_OPTIONS] * 3
            sandbox.end_sessions("rst")

    def test_those_of_two_pools_each_in_its_way(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        with make_pool(max=1, **QUICK).acquire(), make_pool(max=1).acquire():
            assert sorted(options(fd) for fd in sockets_to(sandbox).values()) == [QUICK_OPTIONS, DEFAULT_OPTIONS]

    def test_looking_at_them_leaves_no_descriptor(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=5)
        for connection in hold(pool, 5):
            connection.close()
        assert len(sockets_to(sandbox)) == 5

        for _ in range(20):
            before = len(os.listdir("/proc/self/fd"))
            assert all(each.look() for each in tcp_sockets().values())
            # Oracle Client opens and closes files of its own meanwhile.
            if len(os.listdir("/proc/self/fd")) == before:
                return
        pytest.fail("descriptors are left each time")

    def test_a_closed_session_says_goodbye(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        """A duplicate of its descriptor would keep the connection open."""
        pool = make_pool(max=2)
        for connection in hold(pool, 2):
            connection.drop()

        deadline = time.monotonic() + 5
        while sandbox.stats().sessions:
            assert time.monotonic() < deadline, "sessions are left"


class TestSocketsOfOthers:
    def test_a_slow_server_and_a_connection_that_might_be_the_sessions_cost_no_second_log_on(
        self, make_pool: MakePool, sandbox: Sandbox
    ) -> None:
        # A new session's socket is told from the other by pings, which take longer here than an idle session's may.
        pool = make_pool(max=2, min=0, ping_timeout=0.1)
        with pool.acquire() as first, socket.create_connection(("127.0.0.1", sandbox.port)):
            sandbox.delay(0.2)
            with pool.acquire(timeout=10):
                sandbox.heal()
            assert first is not None

        assert (pool.stats().log_ons, pool.stats().dropped_total) == (2, 0)

    def test_an_unrelated_connection_to_the_same_place_is_untouched(
        self, make_pool: MakePool, sandbox: Sandbox
    ) -> None:
        place = (sandbox.host, sandbox.port)
        with socket.create_connection(place) as earlier:
            as_it_was = options(earlier.fileno())
            pool = make_pool(max=5, trust=0, ping_timeout=0.2)
            connections = hold(pool, 3)
            with socket.create_connection(place) as later:
                connections += hold(pool, 2)
                for connection in connections:
                    connection.close()
                sandbox.freeze()  # so that one session is found dead by silence, and its neighbours are shut down
                with pytest.raises(Exception, match="test"):
                    pool.acquire(timeout=1)
                sandbox.thaw()
                pool.close()

                for other in (earlier, later):
                    assert options(other.fileno()) == as_it_was
                    assert of(other).look().established  # type: ignore[union-attr]

    def test_connections_made_while_sessions_log_on_are_untouched(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        pool = make_pool(max=5, **QUICK)
        others: list[socket.socket] = []
        stop = threading.Event()

        def connect() -> None:
            while not stop.wait(0.002):
                others.append(socket.create_connection((sandbox.host, sandbox.port)))

        connecting = threading.Thread(target=connect)
        connecting.start()
        connections = hold(pool, 5)
        stop.set()
        connecting.join()

        ports = {session["port"] for session in sandbox.sessions()}
        found = [options(fd) for port, fd in sockets_to(sandbox).items() if port in ports]
        touched = [other for other in others if options(other.fileno())[0]]
        for connection in connections:
            connection.close()
        for other in others:
            other.close()

        assert others
        assert touched == []
        assert len(found) == 5
        assert found.count(QUICK_OPTIONS) >= 1  # one that cannot be told from others is pinged instead

    def test_a_session_of_the_bare_driver_is_untouched(
        self, make_pool: MakePool, sandbox: Sandbox, connect: Callable[..., Any]
    ) -> None:
        bare = connect()
        (port,) = {session["port"] for session in sandbox.sessions()}
        as_it_was = options(sockets_to(sandbox)[port])
        pool = make_pool(max=3, **QUICK)
        for connection in hold(pool, 3):
            connection.close()

        assert options(sockets_to(sandbox)[port]) == as_it_was
        pool.close()
        bare.ping()

    def test_a_session_reset_while_it_is_admitted_does_not_take_anothers_for_its_own(
        self, driver: str, sandbox: Sandbox, connect: Callable[..., Any]
    ) -> None:
        settings = load_settings("test", dsn=sandbox.dsn, user="scott", password="tiger", driver=driver)
        health = Health(find_driver(driver), settings, lambda *_: None)
        connect()
        (other,) = sandbox.sessions()
        as_it_was = options(sockets_to(sandbox)[other["port"]])
        states: list[SessionState] = []

        def admit_dead(connection: Any) -> None:
            (new,) = (each for each in sandbox.sessions() if each != other)
            sandbox.end_sessions("rst", sid=new["sid"])
            states.append(health.admit(connection))

        native = find_driver(driver).open(settings, Credentials("scott", "tiger"), admit_dead)
        find_driver(driver).acquire(native, 5)

        assert [state.socket for state in states] == [None]
        assert options(sockets_to(sandbox)[other["port"]]) == as_it_was
        find_driver(driver).close(native)
        health.close()


class TestBehindAListenerThatSendsClientsOn:
    """As in a cluster: the connect string names one host and port, and sessions live at another."""

    @pytest.fixture(autouse=True)
    def sent_on(self, sandbox: Sandbox, node: Sandbox) -> None:
        """The one server sends clients on to the other."""
        sandbox.redirect(node.dsn)

    def test_the_kernel_watches_each_session_and_no_other_socket(
        self, make_pool: MakePool, sandbox: Sandbox, node: Sandbox
    ) -> None:
        with (
            socket.create_connection((sandbox.host, sandbox.port)) as to_listener,
            socket.create_connection((node.host, node.port)) as to_node,
        ):
            others = {each: options(each.fileno()) for each in (to_listener, to_node)}
            connections = hold(make_pool(max=5, **QUICK), 5)

            assert set(sockets_to(sandbox).values()) == {to_listener.fileno()}  # that of each log-on is closed
            of_sessions = {port: fd for port, fd in sockets_to(node).items() if fd != to_node.fileno()}
            assert set(of_sessions) == {session["port"] for session in node.sessions()}
            assert [options(fd) for fd in of_sessions.values()] == [QUICK_OPTIONS] * 5
            assert {each: options(each.fileno()) for each in others} == others
            for connection in connections:
                connection.close()
        assert (sandbox.stats().sessions, node.stats().sessions) == (0, 5)

    @pytest.mark.parametrize("how", ["fin", "rst"])
    def test_callers_notice_nothing_when_sessions_are_ended(self, make_pool: MakePool, node: Sandbox, how: str) -> None:
        pool = make_pool(max=5, acquire_timeout=10)
        for connection in hold(pool, 5):
            connection.close()

        node.end_sessions(how)  # within `trust` seconds, so that nobody but the kernel can tell
        for connection in hold(pool, 5):
            connection.cursor().execute("select 1 from dual")
            connection.close()

        assert pool.stats().opened == node.stats().sessions == 5

    @pytest.mark.parametrize("callers", [1, 3])
    def test_a_log_on_that_goes_mute_ends_by_its_deadline(
        self, make_pool: MakePool, sandbox: Sandbox, node: Sandbox, callers: int
    ) -> None:
        pool = make_pool(max=3)
        node.freeze(log_ons_only=True)
        connects = node.stats().connects
        with ThreadPoolExecutor(callers) as threads:
            begun = time.monotonic()
            asked = [threads.submit(pool.acquire, timeout=1) for _ in range(callers)]
            until(lambda: node.stats().connects > connects)
            # Younger than the log-on, and to the same place: which is whose cannot be told by that.
            others = [socket.create_connection((server.host, server.port)) for server in (sandbox, node)]
            errors = [each.exception() for each in asked]
            answered = time.monotonic() - begun
        until(lambda: pool.stats().busy == pool.stats().abandoned_calls == 0)
        ended = time.monotonic() - begun

        assert all(isinstance(error, (DatabaseUnavailable, PoolTimeout)) for error in errors)
        assert answered < 1 + LATE
        if callers == 1:  # native pools make several one after the other, and their ends take turns too
            assert ended < 1 + LATE
        assert [of(other).look().established for other in others] == [True, True]  # type: ignore[union-attr]
        node.thaw()
        until(lambda: answers(pool))
        until(lambda: pool.stats().opened == node.stats().sessions)
        for other in others:
            other.close()

    def test_a_log_on_to_a_host_that_does_not_answer_ends_by_its_deadline(
        self, make_pool: MakePool, sandbox: Sandbox, node: Sandbox
    ) -> None:
        pool = make_pool(max=1, transport_connect_timeout=30, connect_timeout=30)
        with full_port() as port:
            sandbox.redirect(f"127.0.0.1:{port}")

            begun = time.monotonic()
            with pytest.raises((DatabaseUnavailable, PoolTimeout)):
                pool.acquire(timeout=1)
            until(lambda: pool.stats().busy == pool.stats().abandoned_calls == 0)

            assert time.monotonic() - begun < 1 + LATE
        sandbox.redirect(node.dsn)
        until(lambda: answers(pool))


class TestSocketsThatThreadsWaitFor:
    @staticmethod
    @contextmanager
    def waiting(call: Callable[[], Any], end: Callable[[], Any]) -> Iterator[int]:
        """The native id of a thread that is in a call, which `end` ends."""
        begun = threading.Event()

        def run() -> None:
            begun.set()
            with suppress(OSError):
                call()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        begun.wait(5)
        assert thread.native_id is not None
        try:
            yield thread.native_id
        finally:
            end()
            thread.join(5)
            assert not thread.is_alive()

    @pytest.mark.parametrize("timeout", [None, 60])
    def test_one_that_is_read_from(self, pair: Pair, timeout: float | None) -> None:
        near, far = pair
        near.settimeout(timeout)  # with one, Python polls
        with self.waiting(lambda: near.recv(1), lambda: far.sendall(b"x")) as thread:
            until(lambda: waited_for([thread]))

            assert [each.inode for each in waited_for([thread]) or ()] == [of(near).inode]
            assert waited_for([threading.get_native_id()]) == []

    @pytest.mark.parametrize("timeout", [None, 60])
    def test_one_that_connects_and_can_be_woken(self, timeout: float | None) -> None:
        with full_port() as port, socket.socket() as connecting:
            connecting.settimeout(timeout)
            found: list[int] = []

            def wake() -> None:
                shut_down_all(waited_for([thread]) or ())

            with self.waiting(lambda: connecting.connect(("127.0.0.1", port)), wake) as thread:
                until(lambda: waited_for([thread]))
                found += [each.inode for each in waited_for([thread]) or ()]
            assert found == [of(connecting).inode]

    def test_nothing_else(self, pair: Pair) -> None:
        event, (reader, writer) = threading.Event(), os.pipe()
        ours, theirs = socket.socketpair()
        near, far = pair
        with (
            self.waiting(event.wait, event.set) as idle,
            self.waiting(lambda: os.read(reader, 1), lambda: os.write(writer, b"x")) as at_pipe,
            self.waiting(lambda: ours.recv(1), lambda: theirs.send(b"x")) as at_unix_socket,
            self.waiting(lambda: select.select([near], [], []), lambda: far.send(b"x")) as selecting,
        ):
            for _ in range(50):
                assert waited_for([idle, at_pipe, at_unix_socket, selecting, 1 << 22]) == []
                time.sleep(0.002)
        for number in (reader, writer):
            os.close(number)
        for end in (ours, theirs):
            end.close()


class TestSessionSocket:
    def test_the_kernel_is_told_and_tells(self, pair: Pair) -> None:
        near, far = pair
        mine = of(near)

        assert mine.keep_alive(KeepAlive(idle=9, interval=8, probes=7, user_timeout=1.25))

        assert options(near.fileno()) == (1, 9, 8, 7, 1250)
        before = mine.messages_sent()
        for _ in range(3):
            near.sendall(b"x")
            far.recv(1)
        assert mine.messages_sent() == before + 3
        look = mine.look()
        assert look is not None
        assert look.established
        assert look.retransmits == 0
        assert look.last_ack < 5

    def test_a_keep_alive_probe_counts_as_a_sign_of_life(self, pair: Pair) -> None:
        mine = of(pair[0])
        mine.keep_alive(KeepAlive(idle=1, interval=1, probes=2, user_timeout=3))

        time.sleep(1.3)  # nothing is sent, but the kernel's probe

        look = mine.look()
        assert look is not None
        assert look.last_ack < 0.6

    @pytest.mark.parametrize("reset", [False, True])
    def test_the_end_of_the_connection_is_seen(self, pair: Pair, reset: bool) -> None:
        near, far = pair
        end(far, reset)

        look = of(near).look()

        assert look is not None
        assert not look.established

    def test_a_shutdown_wakes_a_reader_and_says_goodbye(self, pair: Pair) -> None:
        near, far = pair
        near.settimeout(None)
        read: list[bytes] = []
        reader = threading.Thread(target=lambda: read.append(near.recv(1)), daemon=True)
        reader.start()

        assert of(near).shut_down()

        reader.join(5)
        assert read == [b""]
        assert far.recv(1) == b""

    def test_a_pending_error_is_cleared_by_a_shutdown(self, pair: Pair) -> None:
        near, far = pair
        end(far, reset=True)

        assert of(near).shut_down()

        assert near.recv(1) == b""

    def test_a_closed_descriptor_is_gone(self, pair: Pair) -> None:
        near, _far = pair
        mine = of(near)
        near.close()

        self.assert_gone(mine)

    def test_a_number_that_belongs_to_another_socket_by_now_is_left_alone(self, pair: Pair) -> None:
        near, _far = pair
        mine = of(near)
        with (
            socket.create_server(("127.0.0.1", 0)) as listener,
            socket.create_connection(listener.getsockname()) as other,
        ):
            near.close()
            os.dup2(other.fileno(), mine.fd)
            as_it_was = options(other.fileno())

            self.assert_gone(mine)

            assert options(mine.fd) == as_it_was
            assert of(other).look().established  # type: ignore[union-attr]
            os.close(mine.fd)

    def test_a_number_that_belongs_to_a_file_by_now_is_left_alone(self, pair: Pair) -> None:
        near, _far = pair
        mine = of(near)
        ends = os.pipe()
        near.close()
        os.dup2(ends[0], mine.fd)

        self.assert_gone(mine)

        for each in (*ends, mine.fd):
            os.close(each)

    @staticmethod
    def assert_gone(mine: SessionSocket) -> None:
        """Nothing is done to it, and nothing is raised."""
        assert mine.look() is None
        assert not mine.keep_alive(KeepAlive(1, 1, 1, 1))
        assert not mine.shut_down()
        assert mine.messages_sent() == -1
        assert shut_down_all([mine]) == 0


class TestSocketWatch:
    @pytest.fixture
    def watch(self) -> Iterator[SocketWatch]:
        """A watch, closed at the end."""
        watch = SocketWatch()
        yield watch
        watch.close()

    def test_it_is_quiet_while_nothing_has_ended(self, watch: SocketWatch, pair: Pair) -> None:
        near, far = pair
        watch.add(of(near))
        far.sendall(b"data is no end")

        assert watch.ended() == []

    @pytest.mark.parametrize("reset", [False, True])
    def test_it_tells_what_has_ended_until_the_driver_closes_it(
        self, watch: SocketWatch, pair: Pair, reset: bool
    ) -> None:
        near, far = pair
        mine = of(near)
        watch.add(mine)
        end(far, reset)

        assert watch.ended() == [mine]
        assert watch.ended() == [mine]

        near.close()
        assert watch.ended() == []

    def test_a_closed_number_that_is_used_again_is_another_socket(self, watch: SocketWatch, pair: Pair) -> None:
        near, _far = pair
        watch.add(of(near))
        number = near.fileno()
        other, peer = socket.socketpair()
        near.close()
        os.dup2(other.fileno(), number)
        peer.close()  # ends it, and it is not watched

        assert watch.ended() == []

        os.close(number)
        other.close()

    def test_a_number_can_be_watched_again(self, watch: SocketWatch) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            for _ in range(3):  # the kernel gives the number away again
                near = socket.create_connection(listener.getsockname())
                far, _address = listener.accept()
                mine = of(near)
                watch.add(mine)
                assert watch.ended() == []
                end(far, reset=False)
                assert watch.ended() == [mine]
                near.close()


def test_tcp_sockets_are_looked_at_only(pair: Pair) -> None:
    near, far = pair
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.connect(("127.0.0.1", 9))
        found = {each.fd for each in tcp_sockets().values()}

        assert {near.fileno(), far.fileno()} <= found
        assert not found & {listener.fileno(), datagrams.fileno()}
    near.sendall(b"x")
    assert far.recv(1) == b"x"


def end(sock: socket.socket, reset: bool) -> None:
    """Close a socket with FIN or RST."""
    if reset:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    sock.close()
