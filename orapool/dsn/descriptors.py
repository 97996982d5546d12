"""Connect descriptors: trees of (NAME=value), read from text and written as text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from orapool.dsn.faults import Fault
from orapool.dsn.parameters import READERS
from orapool.errors import ConfigurationError

GROUPS = frozenset(
    {"DESCRIPTION_LIST", "DESCRIPTION", "ADDRESS_LIST", "ADDRESS", "CONNECT_DATA", "SECURITY", "FAILOVER_MODE"}
)
"""Names whose values are (NAME=value) pairs."""
_PLAIN = frozenset({"HOST", "PORT", "PROTOCOL", "SERVICE_NAME", "SID", "INSTANCE_NAME"})
"""Names whose values are not."""
_ROOTS = ("DESCRIPTION", "DESCRIPTION_LIST", "ADDRESS", "ADDRESS_LIST")
_MAX_DEPTH = 20

_NAME = re.compile(r"[A-Z_][\w.$-]*", re.IGNORECASE | re.ASCII)
_SPACE = re.compile(r"\s*")
_VALUE = re.compile(r'[^()"]*')
_QUOTED = re.compile(r'"([^"]*)"')
_NEEDS_QUOTES = re.compile(r"[()=#\\\n\r]|\A\s|\s\Z")


@dataclass(frozen=True)
class Node:
    """``(NAME=value)``, where the value is a text or more of these. Names are the same in upper and lower case.

    Oracle's manual allows single quotes and a backslash too, but to both drivers they are characters like others: only
    double quotes hold a value together, so that none can stand within.

    >>> str(Node("address", (Node("host", "db"), Node("port", "1521"))))
    '(ADDRESS=(HOST=db)(PORT=1521))'
    """

    name: str
    value: str | tuple[Node, ...] = ""
    position: int = field(default=0, compare=False, repr=False)
    """Where its value stands in the text that it was read from."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigurationError(f"{self.name!r} is no name for a parameter of a connect descriptor")
        if isinstance(self.value, str) and '"' in self.value:
            raise ConfigurationError(f"{self.name}: a double quotation mark cannot stand in a connect descriptor")
        object.__setattr__(self, "name", self.name.upper())
        if not self.value:
            object.__setattr__(self, "value", () if self.name in GROUPS else "")

    def __str__(self) -> str:
        if not isinstance(self.value, str):
            return f"({self.name}={''.join(map(str, self.value))})"
        return f'({self.name}="{self.value}")' if _NEEDS_QUOTES.search(self.value) else f"({self.name}={self.value})"

    @property
    def children(self) -> tuple[Node, ...]:
        """The pairs in it."""
        return () if isinstance(self.value, str) else self.value

    @property
    def text(self) -> str:
        """Its value, empty where that is pairs."""
        return self.value if isinstance(self.value, str) else ""

    def child(self, name: str) -> Node | None:
        """The first pair of that name in it, in upper case."""
        return next((child for child in self.children if child.name == name), None)

    def all(self, name: str) -> Iterator[Node]:
        """Those of that name, itself included, at any depth."""
        if self.name == name:
            yield self
        for child in self.children:
            yield from child.all(name)

    def with_children(self, children: Iterable[Node]) -> Node:
        """One like it with other pairs."""
        return Node(self.name, tuple(children), self.position)


def parse(text: str) -> Node:
    """Read a connect descriptor. Raises `ConfigurationError`, which shows the character that is wrong.

    >>> parse("(address = (host = db) (port = 1521))").child("PORT").text
    '1521'
    """
    try:
        node, end = parse_from(text, _skip(text, 0))
        end = _skip(text, end)
        if end < len(text):
            raise Fault("it ends before this character, and more follows", end)
        check(node)
    except Fault as fault:
        raise fault.error(text, "the connect descriptor") from None
    return node


def parse_from(text: str, start: int) -> tuple[Node, int]:
    """The tree that begins at `start`, and where it ends. Raises `Fault`."""
    return _pair(text, start, 1)


def _pair(text: str, start: int, depth: int) -> tuple[Node, int]:
    if text[start : start + 1] != "(":
        raise Fault("'(' belongs here", start)
    if depth > _MAX_DEPTH:
        raise Fault(f"more than {_MAX_DEPTH} parentheses are open", start)
    position = _skip(text, start + 1)
    found = _NAME.match(text, position)
    if not found:
        raise _lacks(depth, text, position) or Fault("a name belongs here, as in (NAME=value)", position)
    name, position = found[0].upper(), _skip(text, found.end())
    if text[position : position + 1] != "=":
        raise _lacks(depth, text, position) or Fault(f"'=' belongs here, after {name}", position)
    at = _skip(text, position + 1)
    value: str | tuple[Node, ...]
    if text[at : at + 1] == "(":
        value, position = _pairs(text, at, depth)
    else:
        value, position = _value(text, at, name)
    position = _skip(text, position)
    if text[position : position + 1] == ")":
        return Node(name, value, at), position + 1
    if text[position : position + 1] == "(":  # which leaves out the parenthesis before it
        raise Fault(f"')' belongs here, after the value of {name}", len(text[:position].rstrip()))
    raise _lacks(depth, text, position) or Fault(_instead(text[position], value), position)


def _pairs(text: str, position: int, depth: int) -> tuple[tuple[Node, ...], int]:
    pairs = []
    while text[position : position + 1] == "(":
        pair, position = _pair(text, position, depth + 1)
        pairs.append(pair)
        position = _skip(text, position)
    return tuple(pairs), position


def _value(text: str, at: int, name: str) -> tuple[str, int]:
    if text[at : at + 1] == '"':
        found = _QUOTED.match(text, at)
        if not found:
            raise Fault("the quotation mark that opens here is not closed", at)
        value, end = found[1], found.end()
    else:
        found = _VALUE.match(text, at)
        end = found.end() if found else at
        value = text[at:end].strip()
        line_break = value.find("\n")
        if line_break >= 0 and end < len(text):
            raise Fault(f"')' belongs here, after the value of {name}", at + line_break)
    if value and name in GROUPS:
        raise Fault(f"{name} must be (NAME=value) pairs", at)
    return value, end


def _instead(character: str, value: object) -> str:
    if character == '"':
        return "a quotation mark cannot stand within a value"
    return "')' or '(' belongs here" if isinstance(value, tuple) else "')' belongs here"


def _lacks(depth: int, text: str, position: int) -> Fault | None:
    """At the end of the text: how many parentheses are open."""
    if position < len(text):
        return None
    return Fault(f"it lacks {depth} closing parenthes{'is' if depth == 1 else 'es'}", position)


def _skip(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def check(root: Node) -> None:
    """Whether it can be a connect descriptor, as far as can be told. Raises `Fault`."""
    if root.name not in _ROOTS:
        raise Fault(f"a connect descriptor begins with (DESCRIPTION=, not with ({root.name}=", 0)
    _check_values(root)
    for description in list(root.all("DESCRIPTION")) or [root]:
        addresses = list(description.all("ADDRESS"))
        if not addresses:
            raise Fault(f"there is no ADDRESS in this {description.name}", description.position)
        for address in addresses:
            _check_address(address)


def _check_values(node: Node) -> None:
    if node.name in _PLAIN and node.children:
        raise Fault(f"{node.name} must be a value, not (NAME=value) pairs", node.position)
    # An empty SERVICE_NAME or SDU is none; an empty HOST is a mistake.
    if node.name in READERS and not node.children and (node.text or node.name in ("HOST", "PORT")):
        try:
            READERS[node.name](node.text)
        except ValueError as error:
            raise Fault(f"{node.name} must be {error}", node.position) from None
    for child in node.children:
        _check_values(child)


def _check_address(address: Node) -> None:
    protocol = address.child("PROTOCOL")
    if (protocol is None or protocol.text.upper() in ("TCP", "TCPS")) and not address.child("HOST"):
        raise Fault("there is no HOST in this ADDRESS", address.position)
