"""The tests' own firewall does what it says."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import textwrap

import pytest

from tests.firewall import Firewall
from tests.waiting import until

SILENT = 0.3  # seconds without a packet


def connect(firewall: Firewall, source: tuple[str, int] | None = None) -> socket.socket:
    """A connection through the firewall, on which the listener has nothing to say."""
    connects = firewall.sandbox.stats().connects
    connection = socket.create_connection((firewall.address, firewall.sandbox.port), 30, source)
    until(lambda: firewall.sandbox.stats().connects > connects)  # the server has yet to accept it
    return connection


def goodbye(connection: socket.socket, firewall: Firewall) -> bytes:
    """What arrives when the server ends all connections: nothing, as an end of file."""
    firewall.sandbox.end_sessions("fin")
    return connection.recv(1)


def is_silent(connection: socket.socket) -> bool:
    connection.settimeout(SILENT)
    try:
        connection.recv(1)
    except socket.timeout:
        return True
    return False


def test_everything_passes_at_first(firewall: Firewall) -> None:
    assert goodbye(connect(firewall), firewall) == b""


def test_flows_are_dropped_silently_and_new_connections_pass(firewall: Firewall) -> None:
    old = connect(firewall)
    assert firewall.drop_flows() >= 1
    new = connect(firewall)
    assert goodbye(new, firewall) == b""
    assert is_silent(old)


def test_a_new_connection_from_the_port_of_a_dropped_one_passes(firewall: Firewall) -> None:
    old = connect(firewall)
    source = old.getsockname()
    firewall.drop_flows()
    old.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # the port is free at once
    old.close()
    # The server's kernel has yet to forget the old one: the first attempt ends that, the next one succeeds.
    with connect(firewall, source) as new:
        assert goodbye(new, firewall) == b""


def test_what_was_dropped_arrives_after_restore(firewall: Firewall) -> None:
    old = connect(firewall)
    firewall.drop_flows()
    firewall.sandbox.end_sessions("fin")
    assert is_silent(old)
    firewall.restore()
    old.settimeout(30)  # the server's kernel sends it again
    assert old.recv(1) == b""


def test_a_host_is_dropped_with_new_connections_too(firewall: Firewall) -> None:
    old = connect(firewall)
    firewall.drop_everything()
    firewall.sandbox.end_sessions("fin")
    assert is_silent(old)
    with pytest.raises(socket.timeout):
        socket.create_connection((firewall.address, firewall.sandbox.port), SILENT)
    firewall.restore()
    connect(firewall).close()


def test_one_address_is_dropped_and_the_other_is_not(firewall: Firewall) -> None:
    firewall.drop_host(firewall.other_address)
    with pytest.raises(socket.timeout):
        socket.create_connection((firewall.other_address, firewall.sandbox.port), SILENT)
    connect(firewall).close()
    firewall.restore()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((firewall.other_address, firewall.sandbox.port), timeout=30)


@pytest.mark.usefixtures("firewall")
def test_two_runs_at_once_do_not_meet_and_a_crashed_one_leaves_its_place() -> None:
    code = textwrap.dedent("""
        import time
        from tests.firewall import Firewall
        print(Firewall().address, flush=True)
        time.sleep(60)
    """)

    def start() -> tuple[subprocess.Popen[str], str]:
        run = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert run.stdout is not None
        return run, run.stdout.readline().strip()

    first, address = start()
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    second, again = start()
    second.terminate()
    second.communicate()
    third = Firewall()  # removes what the second has left
    third.close()

    assert address
    assert address == again == third.address
