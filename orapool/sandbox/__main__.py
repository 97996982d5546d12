"""The sandbox's own process: reads its configuration from standard input, says where it listens, serves until told.

Its standard input is its lifeline: when the process that started it is gone, the sandbox ends too.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import resource
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from orapool.sandbox.control import ControlServer, control_path, is_served
from orapool.sandbox.recorder import KEPT_STATEMENTS
from orapool.sandbox.server import CACHE_BYTES, INBOUND_CONNECT_TIMEOUT, Server


def main() -> int:
    """Run the server; returns the process's exit status."""
    configuration: dict[str, Any] = json.loads(sys.stdin.readline())
    logging.basicConfig(
        level=configuration.get("log_level", "WARNING"), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    _allow_files()
    folder = configuration.get("path")
    server = Server(
        configuration["host"],
        configuration["port"],
        configuration["users"],
        Path(folder) if folder is not None else None,
        configuration.get("cache_bytes", CACHE_BYTES),
        configuration.get("statements", KEPT_STATEMENTS),
        configuration.get("inbound_connect_timeout", INBOUND_CONNECT_TIMEOUT),
        configuration.get("fast_authentication", False),
    )
    finished = threading.Event()
    try:
        server.start()
        path = control_path(server.port)
        if is_served(path):  # the same port on another address
            path = path.with_name(f"{path.stem}-{os.getpid()}.sock")
        control = ControlServer(path, _commands(server, finished))
    except Exception as error:
        logging.getLogger(__name__).debug("start failed", exc_info=True)
        server.shut_down()
        _say({"error": str(error)})
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: finished.set())
    threading.Thread(target=_watch_lifeline, args=(finished,), daemon=True).start()
    _say({"port": server.port, "control": str(path)})
    finished.wait()
    server.shut_down()
    control.close()
    return 0


def _commands(server: Server, finished: threading.Event) -> dict[str, Any]:
    return {
        "stats": server.stats,
        "sessions": server.sessions,
        "end_sessions": server.end_sessions,
        "freeze": server.freeze,
        "thaw": server.thaw,
        "refuse": server.refuse,
        "redirect": server.redirect,
        "delay": server.set_delay,
        "fail_next": server.fail_next,
        "cut_next": server.cut_next,
        "set_password": server.accounts.set_password,
        "expire_password": server.accounts.expire_password,
        "lock": server.accounts.lock,
        "grant_proxy": server.accounts.grant_proxy,
        "identify_externally": server.accounts.identify_externally,
        "accept_token": server.accounts.accept_token,
        "listen_for_tls": server.listen_for_tls,
        "make_wallet": server.make_wallet,
        "demand_client_certificates": server.demand_client_certificates,
        "deny_log_ons": server.deny_log_ons,
        "limit_idle": server.limit_idle,
        "revoke": server.revoke,
        "statements": server.recorder.since,
        "last_statement": server.recorder.last,
        "clear_statements": server.recorder.clear,
        "describe_table": server.loader.describe,
        "load": server.loader.load,
        "keep_state": server.keep_state,
        "restore_state": server.restore_state,
        "register": server.routines.register,
        "unregister": server.routines.unregister,
        "heal": server.heal,
        "stop": server.stop,
        "start": server.start,
        "check": server.check,
        "shut_down": finished.set,
    }


def _allow_files() -> None:
    """As many files as the system lets us have: a session takes two."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _watch_lifeline(finished: threading.Event) -> None:
    sys.stdin.read()
    finished.set()


def _say(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    sys.exit(main())
