"""Connect strings: from a URL to user, password and connect descriptor."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import parse_qsl, unquote

from orapool.errors import ConfigurationError

DEFAULT_PORT = 1521
SCHEMES = {"oracle": None, "oracle+cx_oracle": "cx_oracle", "oracle+oracledb": "oracledb"}
_FORM = "oracle://user:password@host:port/?service_name=NAME"

_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:/?#@()\s]+)(?::(?P<port>[^/]*))?")
_EASY_CONNECT = re.compile(r"(?://)?(?P<host>\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?::(?P<port>\d+))?/(?P<service>[\w.$#-]+)")
_PORT = re.compile(r"\(\s*PORT\s*=\s*(\d+)\s*\)", re.IGNORECASE)
_HAS_TIMEOUT = re.compile(r"\(\s*(?:TRANSPORT_)?CONNECT_TIMEOUT\s*=", re.IGNORECASE)
_DESCRIPTION = re.compile(r"\(\s*DESCRIPTION\s*=", re.IGNORECASE)


@dataclass(frozen=True)
class Address:
    """Where a database listens, and what to ask its listener for."""

    host: str
    port: int = DEFAULT_PORT
    service_name: str | None = None
    sid: str | None = None

    def descriptor(self) -> str:
        """The connect descriptor, as tnsnames.ora would have it."""
        wanted = f"SID={self.sid}" if self.sid else f"SERVICE_NAME={self.service_name}"
        where = f"(ADDRESS=(PROTOCOL=TCP)(HOST={self.host})(PORT={self.port}))"
        return f"(DESCRIPTION={where}(CONNECT_DATA=({wanted})))"


@dataclass(frozen=True)
class ConnectUrl:
    """The parts of an ``oracle://`` URL. `driver` is None where the scheme leaves it open."""

    dsn: str
    user: str | None = None
    password: str | None = None
    driver: str | None = None

    def __repr__(self) -> str:
        return f"ConnectUrl(dsn={self.dsn!r}, user={self.user!r}, driver={self.driver!r})"


def parse_url(url: str) -> ConnectUrl:
    """Take apart an ``oracle://`` URL. What it raises never shows the password.

    User and password may be percent-encoded. The host part is ``host:port`` followed by ``/?service_name=NAME`` or
    ``/SID``, or a TNS alias, or a full ``(DESCRIPTION=...)``, plain or percent-encoded.

    >>> parse_url("oracle://scott:tiger@db:1521/?service_name=sales").dsn
    'db:1521/sales'
    """
    scheme, separator, rest = url.strip().partition("://")
    if not separator or scheme.lower() not in SCHEMES:
        shown = f"{scheme!r}" if separator and re.fullmatch(r"[\w+.-]{1,40}", scheme) else "no scheme"
        _refuse(f"it has {shown} where one of {', '.join(name + '://' for name in SCHEMES)} belongs")
    credentials, where = _split_credentials(rest)
    user, colon, password = credentials.partition(":")
    return ConnectUrl(
        dsn=_parse_where(where),
        user=unquote(user) or None,
        password=unquote(password) if colon else None,
        driver=SCHEMES[scheme.lower()],
    )


def with_connect_timeouts(dsn: str, connect: float, transport: float) -> str:
    """`dsn` as a descriptor in which the client gives up a log-on after about `connect` seconds, 0 for no limit.

    `transport` seconds are the limit of the TCP connect to one address. A descriptor that has such a limit already, a
    TNS alias and any form that is not understood are left as they are.

    >>> with_connect_timeouts("(DESCRIPTION=(ADDRESS=...))", 10, 2)
    '(DESCRIPTION=(CONNECT_TIMEOUT=10)(TRANSPORT_CONNECT_TIMEOUT=2)(ADDRESS=...))'
    """
    easy = _EASY_CONNECT.fullmatch(dsn)
    if easy:
        dsn = Address(easy["host"], int(easy["port"] or DEFAULT_PORT), easy["service"]).descriptor()
    if _HAS_TIMEOUT.search(dsn):
        return dsn
    if connect > 0:
        transport = min(transport, connect) or connect
    # Oracle Client 19 takes whole seconds only.
    limits = "".join(
        f"({name}={max(1, math.ceil(seconds))})"
        for name, seconds in (("CONNECT_TIMEOUT", connect), ("TRANSPORT_CONNECT_TIMEOUT", transport))
        if seconds > 0
    )
    return _DESCRIPTION.sub(lambda found: found[0] + limits, dsn)


def ports(dsn: str) -> frozenset[int]:
    """The ports that a connect string names; the default port where it names none.

    >>> ports("db:1522/sales")
    frozenset({1522})
    """
    easy = _EASY_CONNECT.fullmatch(dsn)
    named = [easy["port"]] if easy else _PORT.findall(dsn)
    return frozenset(int(port) for port in named if port) or frozenset({DEFAULT_PORT})


def _split_credentials(rest: str) -> tuple[str, str]:
    """``user:password`` and what follows the ``@`` that ends it; a password may hold ``@`` and ``/`` unencoded."""
    encoded = re.search(r"@(?=\(|%28)", rest, re.IGNORECASE)
    if encoded:
        return rest[: encoded.start()], rest[encoded.end() :]
    if rest.rfind("@") > rest.find("?") >= 0:
        _refuse("a '?' stands before the '@': write '?' in a password as %3F")
    credentials, _, where = rest.rpartition("@")
    return credentials, where


def _parse_where(where: str) -> str:
    # No message quotes what stands here: where the '@' was forgotten, it is the password.
    if where[:1] == "(" or where[:3] == "%28":
        return _balanced(unquote(where))
    place, _, query = where.partition("?")
    place, slash, database = place.partition("/")
    if not place:
        _refuse("the host part is empty")
    found = _ADDRESS.fullmatch(place)
    if not found:
        _refuse("the host part is neither host nor host:port")
    port = _port(found["port"])
    service_name, sid = _parse_query(query), unquote(database)
    if service_name and sid:
        _refuse("it names both a SID after the '/' and a service_name after the '?'")
    if service_name:
        return f"{found['host']}:{port}/{service_name}"
    if sid:
        return Address(found["host"].strip("[]"), port, sid=sid).descriptor()
    if found["port"] is not None or slash:
        _refuse("neither /?service_name=NAME nor /SID follows the host part")
    return place  # a TNS alias


def _parse_query(query: str) -> str | None:
    """The service name, if the query has one."""
    try:
        values = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
    except ValueError:
        _refuse("what follows the '?' is not name=value pairs joined by '&'")
    for name in ("encoding", "nencoding"):  # found in older URLs; this has been cx_Oracle 8's default
        if values.pop(name, "utf-8").upper() not in ("UTF-8", "UTF8"):
            _refuse(f"{name}= can only be UTF-8")
    service_name = values.pop("service_name", None)
    if values:
        _refuse(f"{next(iter(values))!r} is not known after the '?': service_name is")
    if service_name == "":
        _refuse("service_name= is empty")
    return service_name


def _port(text: str | None) -> int:
    if text is None:
        return DEFAULT_PORT
    if not text.isdigit() or not 0 < int(text) < 65536:
        _refuse("the port, between ':' and '/', is not a number from 1 to 65535")
    return int(text)


def _balanced(descriptor: str) -> str:
    """`descriptor`, if its parentheses match."""
    depth = 0
    for position, character in enumerate(descriptor, start=1):
        depth += (character == "(") - (character == ")")
        if depth < 0 or (depth == 0 and position < len(descriptor.rstrip())):
            _refuse(f"the connect descriptor ends at its character {position}, and more follows")
    if depth:
        _refuse(f"the connect descriptor lacks {depth} closing parenthes{'is' if depth == 1 else 'es'}")
    return descriptor.strip()


def _refuse(reason: str) -> NoReturn:
    raise ConfigurationError(f"the database URL cannot be read: {reason}. Expected: {_FORM}") from None
