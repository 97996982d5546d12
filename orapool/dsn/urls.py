"""``oracle://`` URLs: user, password, driver and connect string out of one text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import parse_qsl, unquote, unquote_plus

from orapool.dsn import descriptors, easy_connect, tnsnames
from orapool.dsn.descriptors import Node
from orapool.dsn.faults import Fault
from orapool.dsn.parameters import PARAMETERS, nearest
from orapool.errors import ConfigurationError

SCHEMES = {"oracle": None, "oracle+cx_oracle": "cx_oracle", "oracle+oracledb": "oracledb"}
_FORM = "oracle://user:password@host:port/?service_name=NAME"

_BEGINS = r"(?:\s|\+|%0D|%0A|%09|%20)*(?P<first>\(|%28)"
_DESCRIPTOR = re.compile(_BEGINS, re.IGNORECASE)
_AT_DESCRIPTOR = re.compile(f"@(?={_BEGINS})", re.IGNORECASE)
_SIMPLE_HOST = re.compile(r"[\w.-]+|[0-9A-Fa-f:.]+")
_SIMPLE_SERVICE = re.compile(r"[\w.$#-]+")

# What python-oracledb calls some of the parameters in its own arguments, which its SQLAlchemy dialect takes in URLs.
_OTHER_NAMES = {"tcp_connect_timeout": "transport_connect_timeout", "cclass": "pool_connection_class"}
_PLACE = ("service_name", "sid", "instance_name", "server", "protocol")

# Parameters of SQLAlchemy's cx_oracle dialect that say what is so anyway, and what to say where they do not.
_AS_IT_IS = {
    "encoding": (("utf-8", "utf8"), "encoding= can only be UTF-8"),
    "nencoding": (("utf-8", "utf8"), "nencoding= can only be UTF-8"),
    "threaded": (("true", "1", "on", "yes"), "threaded= has no meaning but true: sessions of the pool serve threads"),
    "events": (("false", "0", "off", "no"), "events= has no meaning but false: the pool subscribes to no events"),
    "mode": (("default", "0"), "mode= has no meaning: sessions of the pool are those of ordinary users"),
    "purity": (("default", "0"), "purity= has no meaning here: it is pool_purity=, with pool_connection_class="),
}
_OF_THE_ENGINE = frozenset(
    {
        "arraysize",
        "auto_convert_lobs",
        "coerce_to_decimal",
        "coerce_to_unicode",
        "enable_offset_fetch",
        "encoding_errors",
        "exclude_tablespaces",
        "max_identifier_length",
        "optimize_limits",
        "use_ansi",
        "use_binds_for_limits",
        "use_nchar_for_unicode",
    }
)


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

    User and password may be percent-encoded. The host part is ``host:port``, or several as in Easy Connect, followed by
    ``/?service_name=NAME``, ``/?sid=SID`` or ``/SID`` and by parameters of Easy Connect Plus; or a TNS alias; or a full
    ``(DESCRIPTION=...)``, plain or percent-encoded.

    >>> parse_url("oracle://scott:tiger@db:1521/?service_name=sales").dsn
    'db:1521/sales'
    """
    scheme, separator, rest = url.strip().partition("://")
    if url.strip()[:5].lower() == "jdbc:":
        _refuse("it is a JDBC URL: set dsn to what follows its '@', and user and password")
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


def _split_credentials(rest: str) -> tuple[str, str]:
    """``user:password`` and what follows the ``@`` that ends it; a password may hold ``@`` and ``/`` unencoded."""
    found = _AT_DESCRIPTOR.search(rest)
    if found:
        return rest[: found.start()], rest[found.end() :]
    if rest.rfind("@") > rest.find("?") >= 0:
        _refuse("a '?' stands before the '@': write '?' in a password as %3F, and '@' in a parameter as %40")
    credentials, _, where = rest.rpartition("@")
    return credentials, where


def _parse_where(where: str) -> str:
    # No message quotes what stands here: where the '@' was forgotten, it is the password.
    begins = _DESCRIPTOR.match(where)
    if begins:
        # A plus sign for a space is quote_plus's, which would have written a plus sign as %2B.
        return _parse_descriptor((unquote if begins["first"] == "(" else unquote_plus)(where).strip())
    place, _, query = where.partition("?")
    place, _, database = place.partition("/")
    if not place:
        _refuse("the host part is empty")
    values = _parse_query(query)
    wanted = {name: values.pop(name) for name in _PLACE if name in values}
    empty = next((name for name, value in wanted.items() if not value), None)
    if empty:
        _refuse(f"{empty}= is empty")
    protocol = wanted.pop("protocol", "tcp").upper()
    if protocol not in ("TCP", "TCPS"):
        _refuse("protocol= is neither tcp nor tcps")
    database = unquote(database).strip("/")
    if database:
        for name in ("service_name", "sid"):
            if name in wanted:
                _refuse(f"it names both a SID after the '/' and a {name} after the '?'")
        wanted["sid"] = database
    if "service_name" in wanted and "sid" in wanted:
        _refuse("it names both a service_name and a sid after the '?'")
    if "service_name" in wanted or "sid" in wanted:
        return _connect_string(_hosts(place), protocol, wanted, values)
    is_alias = tnsnames.ALIAS.fullmatch(place)
    if not is_alias:
        _hosts(place)
    if not is_alias or wanted or values or protocol != "TCP":
        _refuse("neither /?service_name=NAME nor /SID follows the host part")
    return place


def _hosts(place: str) -> list[list[tuple[str, int]]]:
    try:
        return easy_connect.parse_hosts(place, 0, len(place))
    except Fault as fault:
        if fault.reason.startswith("a port"):
            _refuse("the port, between ':' and '/', is not a number from 1 to 65535")
        _refuse("the host part is neither host nor host:port")


def _connect_string(
    hosts: list[list[tuple[str, int]]], protocol: str, wanted: dict[str, str], parameters: dict[str, str]
) -> str:
    simple = list(wanted) == ["service_name"] and not parameters and protocol == "TCP"
    if simple and len(hosts) == len(hosts[0]) == 1:
        [[(host, port)]] = hosts
        if _SIMPLE_HOST.fullmatch(host) and _SIMPLE_SERVICE.fullmatch(wanted["service_name"]):
            return f"{f'[{host}]' if ':' in host else host}:{port}/{wanted['service_name']}"
    names = {"service_name": "SERVICE_NAME", "sid": "SID", "server": "SERVER", "instance_name": "INSTANCE_NAME"}
    connect_data = [Node(names[name], value) for name, value in wanted.items()]
    tree = easy_connect.build(hosts, protocol, connect_data, parameters)
    try:
        descriptors.check(tree)
    except Fault as fault:
        _refuse(fault.reason)
    return str(tree)


def _parse_descriptor(text: str) -> str:
    try:
        node, end = descriptors.parse_from(text, 0)
        descriptors.check(node)
        rest = text[end:].strip()
        if rest and not re.match(r"/?\?|/$", rest):
            raise Fault("it ends before this character, and more follows", end)
    except Fault as fault:
        raise fault.error(text, "the connect descriptor of the database URL") from None
    for name in _parse_query(rest.partition("?")[2]):
        _refuse(f"{name}= stands after a full connect descriptor: write it into that")
    return str(node)


def _parse_query(query: str) -> dict[str, str]:
    """The parameters after the ``?`` that have a meaning, in Easy Connect's names."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError:
        _refuse("what follows the '?' is not name=value pairs joined by '&'")
    values: dict[str, str] = {}
    for given, value in pairs:
        name = _OTHER_NAMES.get(given.lower(), given.lower())
        if name in _AS_IT_IS:
            accepted, reason = _AS_IT_IS[name]
            if value.lower() not in accepted:
                _refuse(f"{reason}: leave it out")
            continue
        if name in values:
            _refuse(f"{name}= is given twice")
        if name in PARAMETERS:
            try:
                value = easy_connect.read_parameter(name, value)
            except ValueError as error:
                _refuse(str(error))
        elif name not in _PLACE:
            _refuse(_unknown(given))
        values[name] = value
    return values


def _unknown(name: str) -> str:
    if not re.fullmatch(r"[\w.]{1,40}", name):
        return "a parameter after the '?' is not known"
    if name.lower() in _OF_THE_ENGINE:
        return f"{name!r} is an option of SQLAlchemy's engine: pass it to orapool.engine()"
    if name.lower() == "thick_mode":
        return f"{name!r} is orapool's setting thick: pass it to orapool.configure()"
    if name.lower().startswith("pyo."):
        return easy_connect.unknown_parameter(name)
    known: Iterable[str] = [*_PLACE, *PARAMETERS]
    near = nearest(name, list(known))
    return f"{name!r} is not known after the '?'{near or ': settings of the pool go to orapool.configure()'}"


def _refuse(reason: str) -> NoReturn:
    raise ConfigurationError(f"the database URL cannot be read: {reason}. Expected: {_FORM}") from None
