"""What is to be read: text, tables and SQLAlchemy selectables, with their parameters, as a driver takes them."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Union

from orapool.errors import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy import Select, TextClause
    from sqlalchemy.engine import Dialect

Parameters = Union[Mapping[str, Any], Sequence[Any]]
SQL = Union[str, "Select[Any]", "TextClause"]

_IN_LIST = 1_000
"""Elements that Oracle takes in a list (ORA-01795)."""
_CONSTRUCTOR = 999
"""Arguments that Oracle takes in a call."""
_MOST_BINDS = 65_535

# Literals, quoted names and comments hold no parameters. A q-literal ends with the partner of its first character.
_TOKENS = re.compile(
    r"""
      [nN]?[qQ]'(?:\[.*?\]|\{.*?\}|\(.*?\)|<.*?>|(?P<quote>[^\s\[{(<]).*?(?P=quote))'
    | '(?:[^']|'')*'
    | "[^"]*"
    | --[^\n]*
    | /\*.*?\*/
    | (?<![:\w]):(?P<bind>"[^"]+"|[A-Za-z][\w$\#]*|\d+)
    """,
    re.VERBOSE | re.DOTALL,
)
_TO_COME = re.compile(r"(?:__)?\[(?:POSTCOMPILE|EXPANDING)_([^]~]+)[^]]*\]")
_NAME = r'(?:[A-Za-z][\w$#]*|"[^"]+")'
_TABLE = re.compile(rf"\s*{_NAME}(?:\.{_NAME})?(?:@[\w.$#]+)?\s*")
_IN_BEFORE = re.compile(r"\bin\s*\(?\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Query:
    """A query as a driver takes it: its text, and parameters by name or by position."""

    text: str
    binds: dict[str, Any] | list[Any]


def find_query(sql: SQL, params: Parameters | None, dialect: Callable[[], Dialect]) -> Query:
    """The query to run, a list or a set among its parameters spread out.

    Raises ConfigurationError for parameters that do not go with it.
    """
    if isinstance(sql, str):
        text = f"select * from {sql.strip()}" if _TABLE.fullmatch(sql) else sql
        return _spread(text, params)
    if not hasattr(sql, "compile"):
        raise ConfigurationError(f"sql is a string or a SQLAlchemy selectable, not {type(sql).__name__}")
    if params is not None and not isinstance(params, Mapping):
        raise ConfigurationError("a SQLAlchemy selectable takes its parameters by name: a mapping")
    return _compile(sql, dict(params or {}), dialect())


def _compile(sql: Any, params: dict[str, Any], dialect: Dialect) -> Query:
    compiled = sql.compile(dialect=dialect)
    processors = compiled._bind_processors
    escaped = getattr(compiled, "escaped_bind_names", None) or {}
    binds = {}
    for name, value in compiled.construct_params(params).items():
        process = processors.get(name, lambda same: same)
        binds[escaped.get(name, name)] = [process(each) for each in value] if _is_list(value) else process(value)
    # SQLAlchemy leaves a place for lists, and for numbers that it would write out, till it executes.
    return _spread(_TO_COME.sub(r":\1", str(compiled)), binds)


def _spread(text: str, params: Parameters | None) -> Query:
    if params is None:
        return Query(text, [])
    if isinstance(params, (str, bytes)) or not isinstance(params, (Mapping, Sequence)):
        raise ConfigurationError(f"params is a mapping or a sequence, not {type(params).__name__}")
    if not any(_is_list(value) for value in (params.values() if isinstance(params, Mapping) else params)):
        if isinstance(params, Mapping):
            return Query(text, {name: _plain(value) for name, value in params.items()})
        return Query(text, [_plain(value) for value in params])
    return _Spreading(text, params).query()


class _Spreading:
    """Puts as many parameters into a query as its lists have elements."""

    def __init__(self, text: str, params: Parameters) -> None:
        self._text = text
        self._binds: dict[str, Any] = {}
        self._values = _by_name(text, params)
        self._place = 0

    def query(self) -> Query:
        """The query with its parameters, by name."""
        text = _TOKENS.sub(self._replace, self._text)
        if len(self._binds) > _MOST_BINDS:
            raise ConfigurationError(
                f"the query's lists make {len(self._binds):,} parameters, and Oracle takes {_MOST_BINDS:,}: "
                "put them into a table and join it"
            )
        return Query(text, self._binds)

    def _replace(self, match: re.Match[str]) -> str:
        if match.group("bind") is None:
            return match.group()
        name, value = self._values[self._place]
        self._place += 1
        if not _is_list(value):
            self._binds[name] = _plain(value)
            return f":{name}"
        before = _IN_BEFORE.search(match.string, 0, match.start())
        if before is None:
            raise ConfigurationError(f"parameter {match.group()} is a list: that goes behind IN only")
        spread = (
            self._tuples(name, value) if any(isinstance(each, tuple) for each in value) else self._list(name, value)
        )
        return spread if "(" in before.group() else f"({spread})"

    def _list(self, name: str, value: Any) -> str:
        values = [_plain(each) for each in value]
        names = [f"{name}_{number}" for number in range(1, len(values) + 1)]
        self._binds.update(zip(names, values))
        return _list_of(names, values)

    def _tuples(self, name: str, value: Any) -> str:
        if len(value) > _IN_LIST:
            raise ConfigurationError(
                f"parameter {name} has {len(value):,} tuples, and Oracle takes {_IN_LIST:,}: put them into a table and "
                "join it"
            )
        return ", ".join(f"({self._list(f'{name}_{number}', each)})" for number, each in enumerate(value, 1))


def _by_name(text: str, params: Parameters) -> list[tuple[str, Any]]:
    """A name to bind it by, and its value, for each parameter in the text, one that occurs twice included."""
    found = [match.group("bind").strip('"').lower() for match in _TOKENS.finditer(text) if match.group("bind")]
    if isinstance(params, Mapping):
        values = {name.lower(): (name, value) for name, value in params.items()}
        for bind in found:
            if bind not in values:
                raise ConfigurationError(f"params has no value for parameter :{bind}")
        return [values[bind] for bind in found]
    if len(params) == len(found):
        return [(f"p{place}", value) for place, value in enumerate(params, 1)]
    places = {bind: place for place, bind in enumerate(dict.fromkeys(found))}
    if len(params) != len(places):
        raise ConfigurationError(f"the query has {len(places)} parameters by position, and params {len(params)} values")
    return [(f"p{places[bind] + 1}", params[places[bind]]) for bind in found]


def _list_of(names: list[str], values: list[Any]) -> str:
    """What goes between the parentheses behind IN."""
    if not names:
        return "select null from dual where 1 = 0"
    if len(names) <= _IN_LIST:
        return ", ".join(f":{name}" for name in names)
    collection = _collection(values)
    return " union all ".join(
        f"select column_value from table({collection}({', '.join(f':{name}' for name in part)}))"
        for part in (names[start : start + _CONSTRUCTOR] for start in range(0, len(names), _CONSTRUCTOR))
    )


def _collection(values: list[Any]) -> str:
    """The type that Oracle has for a list of such values."""
    if all(isinstance(value, str) for value in values if value is not None):
        return "sys.odcivarchar2list"
    if all(isinstance(value, datetime.date) for value in values if value is not None):
        return "sys.odcidatelist"
    return "sys.odcinumberlist"


def _is_list(value: Any) -> bool:
    if isinstance(value, (list, tuple, range, AbstractSet)):
        return True
    return (
        type(value).__module__.partition(".")[0] in ("numpy", "pandas", "pyarrow", "polars")
        and hasattr(value, "__len__")
        and not isinstance(value, (str, bytes))
    )


def _plain(value: Any) -> Any:
    """A value as drivers take it: they know nothing of numpy's scalars."""
    if type(value).__module__ == "numpy" and hasattr(value, "item"):
        return value.item()
    return value
