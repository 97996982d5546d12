"""Where settings are written down: variables, mappings, and TOML, INI and shell files. What they say, and where.

Nothing here knows which settings there are: see `orapool.layers` for that, and `orapool.discovery` for the order.
"""

from __future__ import annotations

import configparser
import difflib
import io
import os
import re
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

from dotenv.parser import Binding, parse_stream
from dotenv.variables import parse_variables

from orapool.errors import ConfigurationError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PREFIX = "ORAPOOL_"
CONFIG_VARIABLE = "ORAPOOL_CONFIG"
DATABASE_VARIABLES = ("SQLALCHEMY_DATABASE_URI", "DATABASE_URL")
BINDS = "SQLALCHEMY_BINDS"
DEFAULT = "default"

_SECTION = "orapool"
_APP = "APP"
_NAMES = rf"{PREFIX}\w+|{BINDS}|{'|'.join(DATABASE_VARIABLES)}"
_MENTION = re.compile(rf"{_SECTION}|{BINDS}|{'|'.join(DATABASE_VARIABLES)}".encode(), re.IGNORECASE)
_VARIABLE = re.compile(_NAMES)
_ASSIGNMENT = re.compile(rf"(?:^|[\s;&(])({_NAMES})\s*=")
_PLACEHOLDER = re.compile(r"%\(([^)]+)\)s")


@dataclass(frozen=True)
class Entry:
    """A value, and where it was found: what is told to people. The value may be a secret."""

    value: Any = field(repr=False)
    origin: str


@dataclass(frozen=True)
class Source:
    """What one place says: settings of pools in sections of their own, and variables by their full names."""

    label: str
    pools: dict[str, dict[str, Entry]] = field(default_factory=dict)
    variables: dict[str, Entry] = field(default_factory=dict)
    folder: Path | None = None
    """Where relative paths begin; None: the working directory."""

    def __bool__(self) -> bool:
        return bool(self.pools or self.variables)


def read_variables(environ: Mapping[str, str]) -> Source:
    """The ``ORAPOOL_*`` variables of the environment, in small letters too; empty ones are as if not set."""
    found = {name.upper(): Entry(value, f"variable {name}") for name, value in environ.items() if value}
    found.pop(CONFIG_VARIABLE, None)
    return Source("variables ORAPOOL_*", variables={k: v for k, v in found.items() if k.startswith(PREFIX)})


def read_database_variables(environ: Mapping[str, str]) -> Source:
    """SQLALCHEMY_DATABASE_URI and DATABASE_URL of the environment."""
    found = {name: Entry(environ[name], f"variable {name}") for name in DATABASE_VARIABLES if environ.get(name)}
    return Source(f"variables {', '.join(DATABASE_VARIABLES)}", variables=found)


def read_mapping(mapping: Mapping[Any, Any]) -> Source:
    """A mapping such as Flask's ``app.config``: names as variables have, ``SQLALCHEMY_BINDS``, and ``ORAPOOL``.

    The last one is a mapping of settings by name, in which a mapping holds the settings of a named pool.
    """

    def origin(keys: tuple[str, ...]) -> str:
        return "mapping" + "".join(f"[{key!r}]" for key in keys)

    return _read_document(mapping, "mapping", origin, None)


def read_file(path: Path, named_by: str = "") -> Source:
    """A file: ``.toml``, ``.ini``, or any other name, with an INI's sections or a shell's lines in it.

    `named_by` says who wants it. Raises `ConfigurationError`, which names file and line and shows no value.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        wanted = f" (named by {named_by})" if named_by else ""
        raise ConfigurationError(f"{path}{wanted} cannot be read: {error.strerror}") from None
    source = _read(path, data)
    if named_by and not source:
        raise ConfigurationError(
            f"{path} (named by {named_by}) says nothing about a pool: expected "
            f"{_EXPECTED[_kind(path, data)]}, {' or '.join(DATABASE_VARIABLES)}"
        )
    return source


def read_file_if_ours(path: Path) -> Source | None:
    """A file that may be there, and may be about something else: None then."""
    try:
        data = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    if not _MENTION.search(data.replace(b"\0", b"")):
        return None
    return _read(path, data) or None


def url_text(url: Any) -> str:
    """A URL as text: SQLAlchemy's URL objects would hide their password."""
    render = getattr(url, "render_as_string", None)
    return str(render(hide_password=False) if render else url)


_EXPECTED = {
    "toml": "a table [orapool] or [tool.orapool]",
    "ini": "a section [orapool], or [APP] with ORAPOOL_...",
    "shell": "lines such as export ORAPOOL_URL=...",
}


def _kind(path: Path, data: bytes) -> str:
    if path.suffix.lower() in (".toml", ".ini"):
        return path.suffix.lower()[1:]
    lines = (line.strip() for line in data.decode("utf-8-sig", "replace").splitlines())
    first = next((line for line in lines if line and line[0] not in "#;"), "")
    return "ini" if first.startswith("[") else "shell"


def _read(path: Path, data: bytes) -> Source:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"{path} line {line}: not UTF-8: save the file as UTF-8") from None
    return {"toml": _read_toml, "ini": _read_ini, "shell": _read_shell}[_kind(path, data)](path, text)


# TOML files and mappings


def _read_toml(path: Path, text: str) -> Source:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # Its text may hold a character or key of the file; what follows "(at" is the place.
        place = re.search(r"\(at ([^()]*)\)$", str(error))
        raise ConfigurationError(f"{path}: not TOML{f', {place[1]}' if place else ''}: {_reason(error)}") from None
    lines = _lines(text)

    def origin(keys: tuple[str, ...]) -> str:
        section = ".".join(keys[:-1])
        return _place(path, section, lines.get((section, keys[-1].lower())))

    return _read_document(document, str(path), origin, path.parent)


def _reason(error: ValueError) -> str:
    """What tomllib says, without what it quotes."""
    reason = str(error).partition(" (at ")[0]
    known = ("Expected '=' after", "Unterminated", "Unclosed", "Unescaped", "Invalid value", "Expected ']'")
    if reason.startswith(known):
        return reason[:1].lower() + reason[1:]
    return "twice the same name" if "overwrite" in reason or "twice" in reason else "a sign that does not belong there"


def _read_document(
    document: Mapping[Any, Any], label: str, origin: Callable[[tuple[str, ...]], str], folder: Path | None
) -> Source:
    """Nested mappings, as TOML has them."""
    tool = document.get("tool")
    places: list[tuple[Mapping[Any, Any], tuple[str, ...]]]
    places = [(document, (name,)) for name in (_SECTION, _SECTION.upper()) if name in document]
    if isinstance(tool, Mapping) and _SECTION in tool:
        places.append((tool, ("tool", _SECTION)))
    if len(places) > 1:
        raise ConfigurationError(f"{label}: settings stand in both {' and '.join('.'.join(p[1]) for p in places)}")
    for table in (document, tool if isinstance(tool, Mapping) else {}):
        for name, value in table.items():
            if isinstance(value, Mapping):
                _refuse_misspelt(str(name), label)
    pools: dict[str, dict[str, Entry]] = {}
    for inside, keys in places:
        own = inside[keys[-1]]
        if not isinstance(own, Mapping):
            raise ConfigurationError(f"{origin(keys)}: {keys[-1]} holds no settings: a table or mapping belongs here")
        for name, value in own.items():
            if isinstance(value, Mapping):
                place = (*keys, str(name))
                entries = {str(key): Entry(each, origin((*place, str(key)))) for key, each in value.items()}
                pools[_pool_name(str(name), label)] = _filled(entries)
            elif not _empty(value):
                pools.setdefault(DEFAULT, {})[str(name)] = Entry(value, origin((*keys, str(name))))
    variables = {
        name: Entry(value, origin((name,)))
        for name, value in document.items()
        if isinstance(name, str) and _VARIABLE.fullmatch(name)
    }
    return Source(label, pools, _filled(variables), folder)


# INI files


def _read_ini(path: Path, text: str) -> Source:
    # No section is everybody's default: [DEFAULT] belongs to the application, not to [orapool].
    parser = configparser.RawConfigParser(default_section="]", empty_lines_in_values=False)
    try:
        parser.read_string(text)
    except configparser.MissingSectionHeaderError as error:
        raise ConfigurationError(f"{path} line {error.lineno}: a section such as [APP] has to begin first") from None
    except configparser.DuplicateOptionError as error:
        place = _place(path, error.section, error.lineno)
        raise ConfigurationError(f"{place}: {error.option!r} stands there twice") from None
    except configparser.DuplicateSectionError as error:
        raise ConfigurationError(f"{path} line {error.lineno}: section [{error.section}] begins twice") from None
    except configparser.ParsingError as error:
        raise ConfigurationError(f"{path} line {error.errors[0][0]}: not a line of name = value") from None
    lines = _lines(text)
    common = dict(parser.items("DEFAULT")) if parser.has_section("DEFAULT") else {}
    pools: dict[str, dict[str, Entry]] = {}
    variables: dict[str, Entry] = {}
    for section in parser.sections():
        own = dict(parser.items(section))

        def read(name: str, value: str, section: str = section, own: dict[str, str] = own) -> Entry:
            line = lines.get((section, name)) or lines.get(("DEFAULT", name))
            return _ini_entry(name, value, _place(path, section, line), {*own, *common})

        head, dot, pool = section.partition(".")
        if section.upper() == _APP:
            for name, value in {**common, **own}.items():
                if value and _VARIABLE.fullmatch(name.upper()):
                    variables[name.upper()] = read(name, value)
        elif head == _SECTION:
            entries = {name: read(name, value) for name, value in own.items() if value}
            pools[_pool_name(pool, str(path)) if dot else DEFAULT] = entries
        else:
            _refuse_misspelt(section, str(path))
    return Source(str(path), {name: entries for name, entries in pools.items() if entries}, variables, path.parent)


def _ini_entry(name: str, value: str, origin: str, siblings: Iterable[str]) -> Entry:
    """A value as it stands: '%', '#' and ';' mean themselves."""
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        raise ConfigurationError(f"{origin}: {name} stands in quotes, which in an INI file belong to the value: remove")
    if name.upper() in (*DATABASE_VARIABLES, f"{PREFIX}URL", f"{PREFIX}DSN", "URL", "DSN"):
        if any(found.lower() in siblings for found in _PLACEHOLDER.findall(value)):
            raise ConfigurationError(f"{origin}: {name} refers to other lines by %(...)s: write their values out")
        # Written for a reader that interpolates, %40 stands there as %%40.
        value = re.sub(r"%%(?=[0-9A-Fa-f]{2})", "%", value.replace("\n", ""))
    return Entry(value, origin)


# Shell files


def _read_shell(path: Path, text: str) -> Source:
    values: dict[str, str | None] = {}
    variables: dict[str, Entry] = {}
    for binding in parse_stream(io.StringIO(text)):
        statement = binding.original.string.lstrip()
        skipped = binding.original.string[: len(binding.original.string) - len(statement)]
        origin = f"{path} line {binding.original.line + skipped.count(chr(10))}"
        quote = statement.partition("=")[2].lstrip()[:1]
        _refuse_hidden(statement if binding.error else "" if quote in "'\"" else binding.value or "", origin)
        if binding.key is None or binding.value is None:
            continue
        ours = _VARIABLE.fullmatch(binding.key) is not None
        if ours:
            _refuse_other_reading(binding, statement, quote, origin)
        # As in a shell, single quotes keep a value as it is.
        values[binding.key] = binding.value if quote == "'" else _expand(binding.value, values, origin if ours else "")
        if ours:
            variables[binding.key] = Entry(values[binding.key], origin)
    return Source(str(path), variables=_filled(variables), folder=path.parent)


def _refuse_hidden(text: str, origin: str) -> None:
    """A shell's statements that are not read may not set what orapool wants to know."""
    hidden = _ASSIGNMENT.search(re.sub(r"\s#.*", "", text))
    if hidden:
        raise ConfigurationError(
            f"{origin}: {hidden[1]} cannot be read: {hidden[1]}='...' or export {hidden[1]}='...' has to stand in a "
            "line of its own, with its quotes closed"
        )


def _refuse_other_reading(binding: Binding, statement: str, quote: str, origin: str) -> None:
    """An export line is a shell's: python-dotenv must read the value that a shell would."""
    if not re.match(r"export\s", statement):
        return
    raw = statement.partition("=")[2]
    try:
        lexer = shlex.shlex(statement, posix=True, punctuation_chars=True)
        lexer.whitespace_split, lexer.commenters = True, ""
        words = list(lexer)
    except ValueError:
        words = []
    if words[2:3] and words[1] == binding.key and words[2].startswith("="):
        return  # blanks around the "=", of which a shell would complain
    same = words[1:2] == [f"{binding.key}={binding.value}"] and (len(words) == 2 or words[2].startswith("#"))
    if not same or (quote != "'" and re.search(r"[$`]", re.sub(r"\$\{\w+\}", "", raw))):
        raise ConfigurationError(
            f"{origin}: a shell reads another value of {binding.key} there than orapool does: "
            f"write export {binding.key}='...', in single quotes"
        )


def _expand(value: str, values: Mapping[str, str | None], origin: str) -> str:
    """``${NAME}`` replaced by what an earlier line says, or the environment; with `origin`, it must be set."""
    known = {**os.environ, **values}
    parts = []
    for atom in parse_variables(value):
        name = getattr(atom, "name", None)
        if origin and name is not None and name not in known and getattr(atom, "default", None) is None:
            # The name is not shown: it may be a part of a password.
            raise ConfigurationError(
                f"{origin}: ${{...}} names no variable that is set: single quotes keep it as it is"
            )
        parts.append(atom.resolve(known))
    return "".join(parts)


# What they share


def _pool_name(name: str, where: str) -> str:
    if name in ("", DEFAULT):
        raise ConfigurationError(f"{where}: [{_SECTION}.{name}]: the default pool's settings belong into [{_SECTION}]")
    return name


def _refuse_misspelt(section: str, where: str) -> None:
    head = section.partition(".")[0]
    if head not in (_SECTION, _SECTION.upper()) and difflib.get_close_matches(head.lower(), [_SECTION], cutoff=0.8):
        raise ConfigurationError(f"{where}: [{section}] is not read: did you mean [{_SECTION}]?")


def _lines(text: str) -> dict[tuple[str, str], int]:
    """The line of each ``name = value`` by section and name, as far as a plain look at TOML or INI finds it."""
    found: dict[tuple[str, str], int] = {}
    for number, section, name in _assignments(text):
        found.setdefault((section, name.lower()), number)
    return found


def _assignments(text: str) -> Iterator[tuple[int, str, str]]:
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[([^\[\]]+)\]", line)
        named = re.match(r"""\s*["']?([^\s=:"'\[#;]+)["']?\s*[=:]""", line)
        if header:
            section = header[1].strip()
        elif named:
            yield number, section, named[1]


def _place(path: Path, section: str, line: int | None) -> str:
    return f"{path}" + (f" [{section}]" if section else "") + (f" line {line}" if line else "")


def _filled(entries: dict[str, Entry]) -> dict[str, Entry]:
    return {name: entry for name, entry in entries.items() if not _empty(entry.value)}


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value == "")
