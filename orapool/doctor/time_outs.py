"""Time-outs and keep-alive in force, beside what the kernel and Oracle Net have of their own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from orapool.doctor.case import Case
from orapool.doctor.findings import Finding, good, warning
from orapool.dsn import is_over_tcp
from orapool.dsn.descriptors import Node
from orapool.dsn.tnsnames import places
from orapool.settings import PoolSettings
from orapool.sockets import AVAILABLE, KeepAlive

_SYSCTL = Path("/proc/sys/net/ipv4")
_PARAMETERS = re.compile(
    r"^\s*((?:SQLNET\.(?:EXPIRE_TIME|OUTBOUND_CONNECT_TIMEOUT|RECV_TIMEOUT|SEND_TIMEOUT|INBOUND_CONNECT_TIMEOUT)"
    r"|TCP\.CONNECT_TIMEOUT|DIAG_ADR_ENABLED|DISABLE_OOB))\s*=\s*([^#\n]*)",
    re.IGNORECASE | re.MULTILINE,
)


def check(case: Case) -> Iterator[Finding]:
    """What bounds a log-on, an idle session, and a statement."""
    settings = case.known()
    kernel = {name: _sysctl(name) for name in ("tcp_keepalive_time", "tcp_keepalive_intvl", "tcp_keepalive_probes")}
    retries = {name: _sysctl(name) for name in ("tcp_syn_retries", "tcp_retries2")}
    lines = [*_log_on_lines(case, settings, retries["tcp_syn_retries"]), *_sqlnet(settings)]
    values = {"kernel": {**kernel, **retries}, "available": AVAILABLE}
    if not is_over_tcp(settings.dsn, settings.config_dir):
        yield good("the session is not over TCP: there is nothing to keep alive", *lines, **values)
        return
    if not AVAILABLE:
        yield warning(
            "the kernel cannot be asked to watch sessions on this system (it can on Linux)",
            "set trust below the firewall's idle limit: sessions idle for longer are pinged at checkout",
            *lines,
            **values,
        )
        return
    if all(value is not None for value in kernel.values()):
        by_itself = "net.ipv4: keep-alive after {} s, every {} s, {} times; orapool sets its own on its sockets"
        lines.insert(0, by_itself.format(*kernel.values()))
    wanted = KeepAlive(
        settings.keepalive_idle, settings.keepalive_interval, settings.keepalive_probes, settings.user_timeout
    )
    told = (
        f"keep-alive after {wanted.idle} s idle, every {wanted.interval} s, and what is sent is given up after "
        f"{wanted.user_timeout:g} s"
    )
    if case.socket is not None and case.socket.keep_alive(wanted):
        force = case.socket.kept_alive()
        if force == wanted:
            yield good(f"{told}: the kernel has taken it for the session's socket", *lines, **values)
        else:
            yield warning(f"{told} is wanted, and the kernel has {force}", "use values that it takes", *lines)
    else:
        yield good(told, *lines, **values)
    yield from _contradictions(case, settings)


def _log_on_lines(case: Case, settings: PoolSettings, retries: int | None) -> Iterator[str]:
    for description in _descriptions(case.tree):
        limits = {child.name: child.text for child in description.children}
        found = [
            f"{name} {limits[name]}"
            for name in ("CONNECT_TIMEOUT", "TRANSPORT_CONNECT_TIMEOUT", "RETRY_COUNT", "RETRY_DELAY", "EXPIRE_TIME")
            if name in limits
        ]
        yield f"connect string: {', '.join(found) or 'no limits'}"
    if retries is not None:
        # The first of them after 1 s, and each later one after twice the time.
        silent = 2 ** (retries + 1) - 1
        yield f"net.ipv4.tcp_syn_retries {retries}: a silent address costs {silent} s where nothing else limits it"
    call = f"{settings.call_timeout:g} s" if settings.call_timeout else "unlimited"
    yield f"a round trip of a statement: {call} (call_timeout); a checkout: {settings.acquire_timeout:g} s"


def _descriptions(tree: Node | None) -> list[Node]:
    return [] if tree is None else list(tree.all("DESCRIPTION"))


def _contradictions(case: Case, settings: PoolSettings) -> Iterator[Finding]:
    for description in _descriptions(case.tree):
        child = description.child("EXPIRE_TIME")
        if child is not None and child.text.isdigit() and int(child.text) * 60 < settings.keepalive_idle:
            yield warning(
                f"EXPIRE_TIME {child.text} in the connect string is shorter than keepalive_idle, which replaces it",
                f"set keepalive_idle to {int(child.text) * 60}",
            )
    addresses = sum(len(place.reaches) for place in case.places)
    if addresses > 1 and settings.transport_connect_timeout * 2 > settings.acquire_timeout:
        yield warning(
            f"transport_connect_timeout {settings.transport_connect_timeout:g} s is more than half of acquire_timeout "
            f"{settings.acquire_timeout:g} s: a caller gets no further than the first address that is silent",
            f"set transport_connect_timeout below {settings.acquire_timeout / 2:g}",
        )
    if 0 < settings.trust < settings.keepalive_idle:
        yield good(
            f"trust {settings.trust:g} s is less than keepalive_idle {settings.keepalive_idle} s: sessions that were "
            "idle for longer cost a ping at checkout"
        )


def _sqlnet(settings: PoolSettings) -> Iterator[str]:
    """What the sqlnet.ora says that Oracle Client reads."""
    folder = places(settings.config_dir)[-1].parent
    for found in dict.fromkeys((folder, *([Path(os.environ["TNS_ADMIN"])] if os.environ.get("TNS_ADMIN") else []))):
        path = found / "sqlnet.ora"
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        parameters = [f"{name.upper()} {value.strip()}" for name, value in _PARAMETERS.findall(text)]
        yield f"{path}: {', '.join(parameters) or 'no time-outs'}"
        return
    yield "no sqlnet.ora is found"


def _sysctl(name: str) -> int | None:
    try:
        return int((_SYSCTL / name).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
