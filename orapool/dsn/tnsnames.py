"""TNS aliases: where tnsnames.ora is, what it holds, and the files that it includes.

Read as Oracle Client 19.3 does, as far as that was seen: an entry that is broken ends where the next begins in the
first column; of two entries for an alias the later counts; entries may lack the indent that Oracle's manual asks for.
"""

from __future__ import annotations

import contextlib
import difflib
import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Union

from orapool.dsn import easy_connect
from orapool.dsn.descriptors import Node, check, parse_from
from orapool.dsn.faults import Fault, caret, line_and_column
from orapool.errors import ConfigurationError

log = logging.getLogger("orapool.dsn")

FILE = "tnsnames.ora"
ConfigDir = Union[str, "os.PathLike[str]", None]
ALIAS = re.compile(r"[\w.$#-]+")

_DEEPEST = 8
"""IFILEs within IFILEs. Oracle Client 19.3 reads four, and says nothing of more."""
_MOST_SHOWN = 10
_NAMES = re.compile(r"^(?P<indent>[ \t]*)(?P<names>[^\s()=\"'#][^()=\"'#\n]*?)[ \t\r]*\n?[ \t]*=", re.MULTILINE)
_BLANK = re.compile(r"[^\n]")
_COMMENT_OR_QUOTED = re.compile(r'"[^"\n]*"|#[^\n]*')
_DEFAULT_DOMAIN = re.compile(r"^\s*NAMES\.DEFAULT_DOMAIN\s*=\s*\"?([\w.-]+)", re.IGNORECASE | re.MULTILINE)
_DIRECTORY_PATH = re.compile(r"^\s*NAMES\.DIRECTORY_PATH\s*=\s*\(?([^)#\n]*)", re.IGNORECASE | re.MULTILINE)
_READ_HERE = frozenset({"TNSNAMES", "EZCONNECT", "HOSTNAME", "ONAMES", ""})


class NoTnsnames(ConfigurationError):
    """There is no tnsnames.ora in which to look."""


class UnknownAlias(ConfigurationError):
    """The alias is in no tnsnames.ora. `elsewhere`: Oracle Client is told to look in other places too."""

    elsewhere = False


@dataclass(frozen=True)
class _Entry:
    """The value of an alias: what stands in `text`, the file without its comments, from `start` to `end`."""

    path: Path
    text: str
    start: int
    end: int

    def fault(self, fault: Fault, alias: str) -> ConfigurationError:
        line, column = line_and_column(self.text, fault.position)
        return ConfigurationError(
            f"TNS alias {alias!r} cannot be read: {self.path}, line {line}, column {column}: {fault.reason}:\n"
            f"{caret(self.text, fault.position)}"
        )


@dataclass
class _Names:
    """What the files hold."""

    entries: dict[str, _Entry] = field(default_factory=dict)
    paths: list[Path] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def resolve(alias: str, config_dir: ConfigDir = None) -> Node:
    """The connect descriptor of a TNS alias.

    Args:
        alias: in upper or lower case, with or without the default domain that sqlnet.ora names.
        config_dir: the folder of tnsnames.ora; None: where Oracle Client looks, see `places`.

    Raises `NoTnsnames`, `UnknownAlias`, or `ConfigurationError` with file, line and column of what cannot be read.
    """
    looked_in = places(config_dir)
    found = [path for path in looked_in if path.is_file()]
    if not found:
        where = ", ".join(str(path.parent) for path in looked_in)
        raise NoTnsnames(
            f"TNS alias {alias!r}: there is no {FILE} in {where}. Set config_dir, or the variable TNS_ADMIN, to its "
            f"folder; if {alias!r} is a host, write {alias}:1521/service_name"
        )
    names = _Names()
    for path in reversed(found):
        _read_file(path, names, [])
    domain, elsewhere = _sqlnet(looked_in)
    return _resolve(alias, names, domain, elsewhere, [])


def places(config_dir: ConfigDir = None) -> list[Path]:
    """Where a tnsnames.ora may be; what is in the first wins.

    As Oracle Client 19.3: that of the user (``~/.tnsnames.ora``), and the first that there is in TNS_ADMIN, /etc, and
    network/admin below ORACLE_HOME or, without that, the Instant Client's folder.
    """
    if config_dir:
        return [Path(config_dir).expanduser() / FILE]
    folders = [Path("/etc")]
    if os.environ.get("TNS_ADMIN"):
        folders.insert(0, Path(os.environ["TNS_ADMIN"]))
    home = os.environ.get("ORACLE_HOME") or _instant_client()
    if home:
        folders.append(Path(home, "network", "admin"))
    found = [folder / FILE for folder in folders]
    first = next((path for path in found if path.is_file()), None)
    return [Path("~", f".{FILE}").expanduser(), *([first] if first else found)]


def _instant_client() -> str | None:
    for folder in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep):
        if folder and any(Path(folder).glob("libclntsh.*")):
            return folder
    return None


def _sqlnet(looked_in: list[Path]) -> tuple[str | None, bool]:
    """The default domain, and whether Oracle Client is told of other places where aliases are."""
    folder = looked_in[-1].parent
    text = ""
    with contextlib.suppress(OSError):  # mostly there is none
        text = _content(folder / "sqlnet.ora")
    domain, path = _DEFAULT_DOMAIN.search(text), _DIRECTORY_PATH.search(text)
    methods = {method.strip().upper() for method in path[1].split(",")} if path else set()
    return domain[1] if domain else None, bool(methods - _READ_HERE) or (folder / "ldap.ora").is_file()


def _resolve(alias: str, names: _Names, domain: str | None, elsewhere: bool, above: list[str]) -> Node:
    if alias.upper() in above:
        raise ConfigurationError(f"TNS alias {above[0]!r} leads back to itself: {' = '.join([*above, alias.upper()])}")
    wanted = [alias.upper(), *([f"{alias}.{domain}".upper()] if domain and "." not in alias else [])]
    entry = next((names.entries[name] for name in wanted if name in names.entries), None)
    if entry is None:
        raise _unknown(alias, names, elsewhere)
    for problem in names.problems:
        log.warning("%s", problem)
    text, start, end = entry.text, entry.start, entry.end
    try:
        if text[start : start + 1] == '"' and text[end - 1 : end] == '"' and end - start > 1:
            start, end = start + 1, end - 1
        if start == end:
            raise Fault("a connect descriptor belongs here", start)
        if text[start] == "(":
            return _descriptor(text[:end], start)
        if ALIAS.fullmatch(text, start, end):
            return _resolve(text[start:end], names, domain, elsewhere, [*above, alias.upper()])
        return easy_connect.parse(text, start, end)
    except Fault as fault:
        raise entry.fault(fault, alias) from None


def _descriptor(text: str, start: int) -> Node:
    node, position = parse_from(text, start)
    # Oracle Client takes no offence at parentheses too many.
    rest = len(text[position:]) - len(text[position:].lstrip(") \t\r\n"))
    if position + rest < len(text):
        raise Fault("the connect descriptor ends before this character, and more follows", position + rest)
    check(node)
    return node


def _unknown(alias: str, names: _Names, elsewhere: bool) -> UnknownAlias:
    near = difflib.get_close_matches(alias.upper(), list(names.entries), n=3)
    shown = sorted(names.entries)[:_MOST_SHOWN]
    if near:
        known = f"did you mean {' or '.join(near)}?"
    elif shown:
        known = f"it has {', '.join(shown)}{' and others' if len(names.entries) > len(shown) else ''}"
    else:
        known = "it has no entries"
    problems = "".join(f". {problem}" for problem in names.problems)
    files = ", ".join(map(str, reversed(names.paths)))
    error = UnknownAlias(f"TNS alias {alias!r} is not in {files}: {known}{problems}")
    error.elsewhere = elsewhere
    return error


def _read_file(path: Path, names: _Names, above: list[Path]) -> None:
    try:
        content = _content(path)
    except OSError as error:
        if not above:
            raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
        names.problems.append(f"{above[-1]} includes {path}, which cannot be read: {error.strerror}")
        return
    names.paths.append(path)
    for aliases, entry in _entries(path, content):
        if [alias.upper() for alias in aliases] == ["IFILE"]:
            _include(entry, names, [*above, path])
            continue
        for alias in aliases:
            names.entries[alias.upper()] = entry


def _include(entry: _Entry, names: _Names, above: list[Path]) -> None:
    # A path from the folder of the file that names it, as in python-oracledb: from the current one it would be chance.
    path = entry.path.parent / os.path.expandvars(entry.text[entry.start : entry.end].strip("\"'"))
    chain = " includes ".join(str(each) for each in [*above, path])
    if any(path.resolve() == each.resolve() for each in above):
        names.problems.append(f"{chain}: a circle, of which the last is left out")
    elif len(above) > _DEEPEST:
        names.problems.append(f"{chain}: deeper than {_DEEPEST}, and the last is left out")
    else:
        _read_file(path, names, above)


def _entries(path: Path, content: str) -> Iterator[tuple[list[str], _Entry]]:
    """Aliases and the value that they stand for, in order."""
    text = _COMMENT_OR_QUOTED.sub(lambda found: found[0] if found[0][0] == '"' else _BLANK.sub(" ", found[0]), content)
    # Where the parentheses in quotes do not count.
    bare = _COMMENT_OR_QUOTED.sub(lambda found: _BLANK.sub('"', found[0]), text)
    heads: list[re.Match[str]] = []
    depth, counted = 0, 0
    for head in _NAMES.finditer(bare):
        between = bare[counted : head.start()]
        depth = max(0, depth + between.count("(") - between.count(")"))
        counted = head.start()
        if head["indent"] and (depth > 0 or (heads and not bare[heads[-1].end() : head.start()].strip())):
            continue  # a line within a value, or the value of the alias above
        depth = 0
        heads.append(head)
    for head, following in zip(heads, [*heads[1:], None]):
        rest = text[head.end() : following.start() if following else len(text)]
        start = head.end() + (len(rest) - len(rest.lstrip()) if rest.strip() else 0)
        names = [name.strip() for name in head["names"].split(",")]
        yield [name for name in names if name], _Entry(path, text, start, max(start, head.end() + len(rest.rstrip())))


def _content(path: Path) -> str:
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig").replace("\r\n", " \n")
    except UnicodeDecodeError:
        return data.decode("latin-1").replace("\r\n", " \n")  # a comment in an older encoding
