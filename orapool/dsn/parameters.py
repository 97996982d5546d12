"""The parameters of connect descriptors by name: where they stand, and which values they take."""

from __future__ import annotations

import difflib
import math
import re
from dataclasses import dataclass
from typing import Callable

DEFAULT_PORT = 1521

_UNITS = {"": 1.0, "s": 1.0, "sec": 1.0, "ms": 0.001, "min": 60.0, "m": 60.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)", re.IGNORECASE | re.ASCII)
_ON, _OFF = ("on", "yes", "true"), ("off", "no", "false")


def seconds(text: str) -> float:
    """The seconds of a duration: ``10``, ``10s``, ``10 sec``, ``500ms``, ``2min``. Raises ValueError.

    >>> seconds("500ms")
    0.5
    """
    found = _DURATION.fullmatch(text.strip())
    if not found or found[2].lower() not in _UNITS:
        raise ValueError("a number of seconds, or one with ms, s, sec or min after it")
    return float(found[1]) * _UNITS[found[2].lower()]


def whole_seconds(text: str) -> str:
    """A duration in whole seconds, rounded up.

    Oracle Client 19.3 rounds milliseconds up itself, and drops a limit with a decimal point or an ``s`` altogether.
    """
    return str(math.ceil(seconds(text)))


def count(text: str) -> str:
    """A whole number."""
    if not re.fullmatch(r"\d{1,9}", text.strip(), re.ASCII):
        raise ValueError("a whole number")
    return str(int(text))


def port(text: str) -> str:
    """A TCP port."""
    if not re.fullmatch(r"\d{1,5}", text.strip(), re.ASCII) or not 0 < int(text) < 65536:
        raise ValueError("a port, from 1 to 65535")
    return str(int(text))


def switch(text: str) -> str:
    """ON or OFF, as both drivers take it."""
    lowered = text.strip().lower()
    if lowered not in _ON + _OFF:
        raise ValueError("ON, YES or TRUE, or OFF, NO or FALSE")
    return "ON" if lowered in _ON else "OFF"


def name(text: str) -> str:
    """A host, service or instance."""
    if not text or re.search(r"\s", text):
        raise ValueError("a name without spaces" if text else "a name, and it is empty")
    return text


def text(value: str) -> str:
    """Anything."""
    return value


def one_of(*values: str) -> Callable[[str], str]:
    """One of `values`, in any case."""

    def check(value: str) -> str:
        if value.strip().upper() not in values:
            raise ValueError(" or ".join(values))
        return value.strip().upper()

    return check


server = one_of("DEDICATED", "SHARED", "POOLED")


@dataclass(frozen=True)
class Parameter:
    """One that Easy Connect Plus, a URL or `descriptor` may give. `read` returns a value as the drivers take it."""

    group: str
    name: str
    read: Callable[[str], str] = text


_DESCRIPTION, _ADDRESS, _CONNECT_DATA, _SECURITY = "DESCRIPTION", "ADDRESS", "CONNECT_DATA", "SECURITY"

# Oracle's Net Services Administrator's Guide, "Support for Easy Connect Plus", of 19c and later.
PARAMETERS = {
    "connect_timeout": Parameter(_DESCRIPTION, "CONNECT_TIMEOUT", whole_seconds),
    "transport_connect_timeout": Parameter(_DESCRIPTION, "TRANSPORT_CONNECT_TIMEOUT", whole_seconds),
    "retry_count": Parameter(_DESCRIPTION, "RETRY_COUNT", count),
    "retry_delay": Parameter(_DESCRIPTION, "RETRY_DELAY", whole_seconds),
    "expire_time": Parameter(_DESCRIPTION, "EXPIRE_TIME", count),
    "load_balance": Parameter(_DESCRIPTION, "LOAD_BALANCE", switch),
    "failover": Parameter(_DESCRIPTION, "FAILOVER", switch),
    "source_route": Parameter(_DESCRIPTION, "SOURCE_ROUTE", switch),
    "enable": Parameter(_DESCRIPTION, "ENABLE", one_of("BROKEN")),
    "sdu": Parameter(_DESCRIPTION, "SDU", count),
    "recv_buf_size": Parameter(_DESCRIPTION, "RECV_BUF_SIZE", count),
    "send_buf_size": Parameter(_DESCRIPTION, "SEND_BUF_SIZE", count),
    "compression": Parameter(_DESCRIPTION, "COMPRESSION", switch),
    "use_sni": Parameter(_DESCRIPTION, "USE_SNI", switch),
    "https_proxy": Parameter(_ADDRESS, "HTTPS_PROXY", name),
    "https_proxy_port": Parameter(_ADDRESS, "HTTPS_PROXY_PORT", port),
    "pool_connection_class": Parameter(_CONNECT_DATA, "POOL_CONNECTION_CLASS", name),
    "pool_purity": Parameter(_CONNECT_DATA, "POOL_PURITY", one_of("SELF", "NEW")),
    "pool_boundary": Parameter(_CONNECT_DATA, "POOL_BOUNDARY", one_of("STATEMENT", "TRANSACTION")),
    "pool_name": Parameter(_CONNECT_DATA, "POOL_NAME", name),
    "connection_id_prefix": Parameter(_CONNECT_DATA, "CONNECTION_ID_PREFIX", name),
    "use_tcp_fast_open": Parameter(_CONNECT_DATA, "USE_TCP_FAST_OPEN", switch),
    "ssl_server_dn_match": Parameter(_SECURITY, "SSL_SERVER_DN_MATCH", switch),
    "ssl_server_cert_dn": Parameter(_SECURITY, "SSL_SERVER_CERT_DN"),
    "ssl_version": Parameter(_SECURITY, "SSL_VERSION"),
    # Oracle Client 19.3 opens the wallet for this name only; python-oracledb takes both.
    "wallet_location": Parameter(_SECURITY, "MY_WALLET_DIRECTORY"),
}

# What else stands in descriptors and has values that can be wrong.
READERS = {
    **{parameter.name: parameter.read for parameter in PARAMETERS.values()},
    "HOST": name,
    "PORT": port,
    "SERVER": server,
}
# Left to the driver: what newer clients may take for these is not ours to refuse.
for _free in ("ENABLE", "COMPRESSION", "POOL_PURITY", "POOL_BOUNDARY", "SSL_VERSION", "CONNECTION_ID_PREFIX"):
    READERS.pop(_free)


def nearest(word: str, known: list[str]) -> str:
    """``: did you mean 'retry_count'?``, or nothing."""
    near = difflib.get_close_matches(word.lower(), [entry.lower() for entry in known], n=1)
    return f": did you mean {near[0]!r}?" if near else ""
