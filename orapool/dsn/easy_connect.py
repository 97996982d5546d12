"""Easy Connect, Easy Connect Plus, and the older ``host:port:sid``, turned into connect descriptors.

Neither driver takes all of it: Oracle Client 19.3 knows no ``;`` and no SID, python-oracledb no ``host:port``. And
over several hosts, Oracle Client balances log-ons where python-oracledb goes from left to right. What orapool makes of
it is the same on both. Several hosts are balanced, as Oracle's manual has it, unless ``load_balance=off``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from orapool.dsn.descriptors import Node
from orapool.dsn.faults import Fault
from orapool.dsn.parameters import DEFAULT_PORT, PARAMETERS, nearest, port, server

SYNTAX = "host[,host...][:port][/service_name[:server][/instance_name]][?parameter=value[&...]]"

_PROTOCOL = re.compile(r"(?:(?P<protocol>[A-Za-z][\w+.-]*):)?//", re.ASCII)
_HOST = re.compile(r"\[(?P<bracketed>[^\[\]\s]*)\]|(?P<plain>[\w.-]+)")
_WORD = re.compile(r"[^/:?&=,;()\[\]\s\"'@]+")
_PARAMETER = re.compile(r"\s*(?P<name>[\w.]+)\s*=\s*")
_QUOTED = re.compile(r'"([^"]*)"\s*')
_UNQUOTED = re.compile(r'[^&"]*')


class _Reader:
    """Goes through a text from left to right."""

    def __init__(self, text: str, position: int, end: int) -> None:
        self.text, self.position, self.end = text, position, end

    def take(self, expected: str) -> bool:
        """Go past `expected`, if it stands here."""
        found = self.text.startswith(expected, self.position, self.end)
        if found:
            self.position += len(expected)
        return found

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Go past what matches here."""
        found = pattern.match(self.text, self.position, self.end)
        if found:
            self.position = found.end()
        return found

    def word(self, what: str) -> str:
        """A name that must stand here."""
        found = self.match(_WORD)
        if not found:
            raise Fault(f"{what} belongs here", self.position)
        return found[0]

    @property
    def done(self) -> bool:
        return self.position >= self.end


def parse(text: str, start: int = 0, end: int | None = None) -> Node:
    """The connect descriptor for an Easy Connect string, which stands in `text` from `start` to `end`. Raises `Fault`.

    >>> str(parse("db:1522/sales?expire_time=2"))  # doctest: +ELLIPSIS
    '(DESCRIPTION=(EXPIRE_TIME=2)(ADDRESS=(PROTOCOL=TCP)(HOST=db)(PORT=1522))(CONNECT_DATA=(SERVICE_NAME=sales)))'
    """
    reader = _Reader(text, start, len(text.rstrip()) if end is None else end)
    protocol = "TCP"
    found = reader.match(_PROTOCOL)
    if found and found["protocol"]:
        protocol = found["protocol"].upper()
        if protocol not in ("TCP", "TCPS"):
            raise Fault("the protocol is neither tcp nor tcps", start)
    hosts = _hosts(reader)
    connect_data = []
    if reader.take(":"):  # host:port:sid
        connect_data.append(Node("SID", reader.word("a SID")))
    else:
        connect_data += _service(reader)
    parameters = _parameters(reader) if reader.take("?") else {}
    if not reader.done:
        raise Fault(f"what stands here does not belong to {SYNTAX}", reader.position)
    return build(hosts, protocol, connect_data, parameters)


def parse_hosts(text: str, start: int, end: int) -> list[list[tuple[str, int]]]:
    """``host[:port][,host...]``: hosts with their ports, in one list for each address list. Raises `Fault`."""
    reader = _Reader(text, start, end)
    hosts = _hosts(reader)
    if not reader.done:
        raise Fault("this is neither host nor host:port", reader.position)
    return hosts


def build(
    hosts: list[list[tuple[str, int]]],
    protocol: str,
    connect_data: Iterable[Node],
    parameters: Mapping[str, str],
    balance: bool = True,
) -> Node:
    """The descriptor; the values of `parameters` are as `orapool.dsn.parameters` reads them.

    `balance`: try several hosts in random order, unless `parameters` say something of it.
    """
    groups: dict[str, list[Node]] = {"DESCRIPTION": [], "ADDRESS": [], "CONNECT_DATA": [*connect_data], "SECURITY": []}
    several = sum(map(len, hosts)) > 1 and parameters.get("source_route") != "ON"
    if balance and several and "load_balance" not in parameters:
        parameters = {"load_balance": "ON", **parameters}
    for name, value in parameters.items():
        parameter = PARAMETERS[name]
        groups[parameter.group].append(Node(parameter.name, value))
    lists = [
        [
            Node("ADDRESS", (Node("PROTOCOL", protocol), Node("HOST", host), Node("PORT", str(at)), *groups["ADDRESS"]))
            for host, at in members
        ]
        for members in hosts
    ]
    if len(lists) == 1:
        addresses = lists[0]
    else:
        # Switches count where the addresses stand; of the lists, the first that answers is taken.
        switches = [node for node in groups["DESCRIPTION"] if node.name in ("LOAD_BALANCE", "FAILOVER")]
        addresses = [Node("ADDRESS_LIST", (*switches, *members)) for members in lists]
        groups["DESCRIPTION"] = [node for node in groups["DESCRIPTION"] if node not in switches]
    security = [Node("SECURITY", tuple(groups["SECURITY"]))] if groups["SECURITY"] else []
    return Node(
        "DESCRIPTION",
        (*groups["DESCRIPTION"], *addresses, Node("CONNECT_DATA", tuple(groups["CONNECT_DATA"])), *security),
    )


def read_parameter(name: str, value: str) -> str:
    """The value of an Easy Connect Plus parameter, as the drivers take it. Raises ValueError."""
    try:
        return PARAMETERS[name].read(value)
    except ValueError as error:
        raise ValueError(f"{name} must be {error}") from None


def unknown_parameter(name: str) -> str:
    """What to say of a parameter that is not known."""
    if name.startswith("pyo."):
        return f"{name!r} is python-oracledb's own: such settings go to orapool.configure()"
    return f"{name!r} is not a parameter of Easy Connect{nearest(name, list(PARAMETERS))}"


def _hosts(reader: _Reader) -> list[list[tuple[str, int]]]:
    lists: list[list[tuple[str, int]]] = [[]]
    without_port: list[str] = []
    while True:
        at = reader.position
        found = reader.match(_HOST)
        host = found and (found["bracketed"] or found["plain"])
        if not host:
            raise Fault("a host belongs here", at)
        without_port.append(host)
        if reader.text.startswith(":", reader.position, reader.end):
            reader.position += 1
            number = _port(reader)
            lists[-1] += [(member, number) for member in without_port]  # host1,host2:1522 is one port for both
            without_port = []
        more = reader.take(",")
        if not more or reader.done:
            lists[-1] += [(member, DEFAULT_PORT) for member in without_port]
            without_port = []
        if not more:
            if not reader.take(";"):
                return lists
            lists.append([])


def _port(reader: _Reader) -> int:
    at = reader.position
    found = reader.match(_WORD)
    try:
        return int(port(found[0] if found else ""))
    except ValueError as error:
        raise Fault(f"{error}, belongs here", at) from None


def _service(reader: _Reader) -> list[Node]:
    """``/service_name:server/instance_name``; without any, the listener's default service."""
    service, instance, kind = "", "", ""
    if reader.take("/"):
        found = reader.match(_WORD)
        service = found[0] if found else ""
        if reader.take(":"):
            at = reader.position
            kind = reader.word("a server type")
            try:
                kind = server(kind)
            except ValueError as error:
                raise Fault(f"the server type must be {error}", at) from None
        if reader.take("/"):
            instance = reader.word("an instance name")
    nodes = [Node("SERVICE_NAME", service)]
    if kind:
        nodes.append(Node("SERVER", kind))
    if instance:
        nodes.append(Node("INSTANCE_NAME", instance))
    return nodes


def _parameters(reader: _Reader) -> dict[str, str]:
    values: dict[str, str] = {}
    while not reader.done:
        at = reader.position
        found = reader.match(_PARAMETER)
        if not found:
            raise Fault("parameter=value belongs here", at)
        name = found["name"].lower()
        if name not in PARAMETERS:
            raise Fault(unknown_parameter(name), found.start("name"))
        if name in values:
            raise Fault(f"{name} is given twice", found.start("name"))
        at = reader.position
        quoted = reader.match(_QUOTED)
        unquoted = None if quoted else reader.match(_UNQUOTED)
        value = quoted[1] if quoted else unquoted[0].strip() if unquoted else ""
        try:
            values[name] = read_parameter(name, value)
        except ValueError as error:
            raise Fault(str(error), at) from None
        if not reader.done and not reader.take("&"):
            raise Fault("'&' belongs here, between parameters", reader.position)
    return values
