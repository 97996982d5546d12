"""Connect strings: URLs, connect descriptors, Easy Connect, TNS aliases."""

from __future__ import annotations

from orapool.dsn.builder import descriptor
from orapool.dsn.connect_strings import check_dsn, is_over_tcp, is_pooled, ports, unwatched, with_connect_timeouts
from orapool.dsn.faults import mask
from orapool.dsn.parameters import DEFAULT_PORT
from orapool.dsn.routes import Route, routes
from orapool.dsn.urls import SCHEMES, ConnectUrl, parse_url

__all__ = [
    "DEFAULT_PORT",
    "SCHEMES",
    "ConnectUrl",
    "Route",
    "check_dsn",
    "descriptor",
    "is_over_tcp",
    "is_pooled",
    "mask",
    "parse_url",
    "ports",
    "routes",
    "unwatched",
    "with_connect_timeouts",
]
