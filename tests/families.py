"""Processes that fork, and whose the connections to the server are: as the kernel and the server know it."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

from orapool.sandbox import Sandbox

ROOT = Path(__file__).parents[1]


def environment(**variables: str) -> dict[str, str]:
    """Variables for a process that imports the tests."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "PYTHONPATH": path, **variables}


def children(pid: int) -> list[int]:
    """The children of a process."""
    return [child.pid for child in psutil.Process(pid).children()]


def ports(pid: int, sandbox: Sandbox) -> set[int]:
    """The local ports of a process's connections to the sandbox, those that have ended included; none when it has."""
    place = int(sandbox.dsn.partition("/")[0].rpartition(":")[2])
    try:
        connections = psutil.Process(pid).net_connections("tcp")
    except psutil.NoSuchProcess:
        return set()
    return {each.laddr.port for each in connections if each.raddr and each.raddr.port == place}


def sessions_of(pid: int, sandbox: Sandbox) -> dict[int, int]:
    """How many sessions each of the process and its children has, by process.

    Fails where two processes hold one connection, or where the server has a session that is none of theirs.
    """
    by_process = {each: ports(each, sandbox) for each in (pid, *children(pid))}
    every = [port for found in by_process.values() for port in found]
    assert len(every) == len(set(every)), f"a shared connection: {by_process}"
    strangers = {session["port"] for session in sandbox.sessions()} - set(every)
    assert not strangers, f"{strangers} belong to none of {by_process}"
    return {each: len(found) for each, found in by_process.items()}
