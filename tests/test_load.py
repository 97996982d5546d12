"""The load generator tells good answers, errors and connections that end, and holds its clients back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.load import Load

under_way = threading.Semaphore(0)


class Handler(BaseHTTPRequestHandler):
    """/good, /bad and /gone do what they are called."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        under_way.release()
        body = self.path[1:].encode()
        if self.path == "/gone":
            self.close_connection = True
        else:
            self.send_response(200 if self.path == "/good" else 500)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
        under_way.acquire()
        if self.path != "/gone":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    """A server's port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_good_answers(port: int) -> None:
    with Load("127.0.0.1", port, ["/good"], clients=5) as load:
        load.wait_for(100)

    assert load.statuses == {200: load.done}
    assert (load.done >= 100, load.errors) == (True, 0)
    assert 0 < load.longest < 60


def test_errors_are_counted_by_kind(port: int) -> None:
    with Load("127.0.0.1", port, ["/good", "/bad", "/gone"], clients=6) as load:
        load.wait_for(60)

    assert set(load.statuses) == {200, 500}
    assert load.messages == {"bad": load.statuses[500]}
    assert [failure.partition(":")[0] for failure in load.failures] == ["RemoteDisconnected"]
    assert load.errors == load.statuses[500] + sum(load.failures.values()) > 30


def test_between_requests_nothing_is_under_way(port: int) -> None:
    with Load("127.0.0.1", port, ["/good"], clients=8) as load:
        for _ in range(5):
            load.wait_for(20)
            with load.between_requests():
                before = load.done
                assert not under_way.acquire(timeout=0.02)
                assert load.done == before


def test_it_does_not_wait_for_ever(port: int) -> None:
    told = pytest.raises(TimeoutError, match="1 of 1 requests have not ended after 0.05 s")

    with Load("127.0.0.1", port, ["/good"], clients=1) as load, load.between_requests(), told:
        load.wait_for(1, seconds=0.05)
