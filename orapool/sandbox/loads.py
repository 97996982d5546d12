"""`Sandbox.load`: what is to be loaded, with the types of a new table's columns, or as those that are there want it."""

from __future__ import annotations

import csv
import datetime
import math
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from orapool.sandbox.control import SandboxError
from orapool.sandbox.tabular import TabularColumn, columns_of, is_tabular
from orapool.sandbox.values import Json, to_json

_REGULAR = re.compile(r"[A-Za-z][\w$#]*", re.ASCII)
_PARTS = re.compile(r'("[^"]+"|[^".\s]+)(?:\.("[^"]+"|[^".\s]+))?')
_WHOLE = re.compile(r"[+-]?(0|[1-9]\d{0,37})")
_DECIMAL = re.compile(r"[+-]?(0|[1-9]\d*)?\.\d+|[+-]?[1-9]?\.?\d+[eE][+-]?\d+")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?")
_SMALLEST_TEXT, _GREATEST_TEXT, _GREATEST_BYTES = 16, 4000, 2000
_CALLED = {"number": "a number", "double": "a number", "date": "a date", "moment": "a date with a time zone"}
_CALLED |= {"bytes": "hexadecimal bytes", "interval": "an interval", "boolean": "true or false", "text": "a text"}
_FITS = {
    "number": {"number", "double", "boolean"},
    "double": {"number", "double", "boolean"},
    "date": {"date"},
    "moment": {"moment"},
    "bytes": {"bytes"},
    "interval": {"interval"},
    "boolean": {"boolean"},
    "text": {"text", "number", "double"},
}


@dataclass(frozen=True)
class _Source:
    """What is loaded: its columns, and how a row of it is called."""

    columns: list[TabularColumn]
    name: str
    place: Callable[[int], str]
    is_text: bool = False


def load(call: Callable[..., Any], source: Any, table: str, user: str, delimiter: str) -> int:
    """Load rows into a table by commands of the server: see `Sandbox.load`."""
    read = _read(source, delimiter)
    target = _table_name(table)
    names = [_stored(column.name) for column in read.columns]
    if not names:
        raise SandboxError(f"{read.name} has no columns")
    there = call("describe_table", user=user, table=target)
    create = None
    if there is None:
        columns = [_typed(column) for column in read.columns] if read.is_text else read.columns
        values = [_jsons(column, read) for column in columns]
        types = [_type_of(column, given, read) for column, given in zip(columns, values)]
        defined = ", ".join(f"{_quoted(name)} {type_}" for name, type_ in zip(names, types))
        create = f"CREATE TABLE {target} ({defined})"
    else:
        known = dict(there)
        for name in names:
            if name not in known:
                raise SandboxError(f"{read.name}: table {table} has no column {name}; it has {', '.join(known)}")
        values = [_values(column, known[name], read) for column, name in zip(read.columns, names)]
    done = call("load", user=user, table=target, create=create, names=[_quoted(name) for name in names], columns=values)
    if "row" in done:
        raise SandboxError(f"{read.name}, {read.place(done['row'])}: {done['message']}; nothing of it is loaded")
    rows: int = done["rows"]
    return rows


# ---------------------------------------------------------------- what is read
def _read(source: Any, delimiter: str) -> _Source:
    if is_tabular(source):
        try:
            columns = columns_of(source)
        except ValueError as error:
            raise SandboxError(str(error)) from None
        return _Source(columns, "the table given", lambda row: f"row {row}")
    if isinstance(source, (str, os.PathLike)):
        return _read_csv(Path(source), delimiter)
    raise TypeError(
        "a source is a DataFrame of pandas or polars, a pyarrow Table, or the path of a CSV file, not "
        f"{type(source).__name__}"
    )


def _read_csv(path: Path, delimiter: str) -> _Source:
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            names = next(reader, None)
            if not names:
                raise SandboxError(f"{path} is empty: its first line has the columns' names")
            before = reader.line_num
            for row in reader:
                if row and len(row) != len(names):
                    raise SandboxError(
                        f"{path}, line {before + 1}: {len(row)} values for {len(names)} columns ({', '.join(names)})"
                    )
                if row:
                    rows.append(row)
                    lines.append(before + 1)
                before = reader.line_num
    except OSError as error:
        raise SandboxError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SandboxError(f"{path} is not in UTF-8: {error}") from error
    except csv.Error as error:
        raise SandboxError(f"{path}, line {reader.line_num}: {error}") from error
    columns = [
        TabularColumn(name.strip(), [row[number] or None for row in rows], "") for number, name in enumerate(names)
    ]
    if len({_stored(column.name) for column in columns}) < len(columns):
        raise SandboxError(f"{path}, line 1: two columns have one name: {', '.join(names)}")
    return _Source(columns, str(path), lambda row: f"line {lines[row]}", is_text=True)


def _typed(column: TabularColumn) -> TabularColumn:
    """A column of texts with the values that all of them may stand for."""
    texts = [text for text in column.values if text is not None]
    parse: Callable[[str], Any] = str
    if texts and all(_WHOLE.fullmatch(text) for text in texts):
        parse = int
    elif texts and all(_WHOLE.fullmatch(text) or _DECIMAL.fullmatch(text) for text in texts):
        parse = Decimal
    elif texts and all(_is_moment(text) for text in texts):
        parse = _moment
    return TabularColumn(column.name, [None if text is None else parse(text) for text in column.values], "")


def _is_moment(text: str) -> bool:
    if not _MOMENT.fullmatch(text):
        return False
    try:
        _moment(text)
    except ValueError:
        return False
    return True


def _moment(text: str) -> datetime.datetime:
    """Of ISO 8601; Python before 3.11 wants three or six digits behind the point."""
    head, point, fraction = text.strip().partition(".")
    return datetime.datetime.fromisoformat(f"{head}{point}{fraction.ljust(6, '0')}" if point else head)


# ---------------------------------------------------------------- names and types
def _table_name(table: str) -> str:
    match = _PARTS.fullmatch(table.strip())
    if match is None:
        raise SandboxError(f"{table!r} names no table: it is table, schema.table, or either in double quotes")
    parts = [part for part in match.groups() if part is not None]
    return ".".join(part if part.startswith('"') else _quoted(_stored(part)) for part in parts)


def _stored(name: str) -> str:
    """A name as Oracle has it: in upper case where it needs no quotes."""
    if '"' in name or not 0 < len(name.encode()) <= 128:
        raise SandboxError(f"{name!r} cannot be a name in Oracle, which has 1 to 128 bytes and no double quotes")
    return name.upper() if _REGULAR.fullmatch(name) else name


def _quoted(name: str) -> str:
    return f'"{name}"'


def _type_of(column: TabularColumn, jsons: Sequence[Json], source: _Source) -> str:
    """The type of a new table's column, by its values."""
    given = [value for value in jsons if value is not None]
    kinds = {kind for kind, _text in given}
    exact = {"number", "double"} >= kinds >= {"number"} and any(isinstance(value, Decimal) for value in column.values)
    if not kinds:
        return _type_of_nothing(column.dtype)
    if kinds == {"boolean"}:
        return "NUMBER(1)"
    if kinds <= {"number", "boolean"}:
        if exact:
            return "NUMBER"
        greatest = max(len(text.lstrip("-")) for _kind, text in given)
        return "NUMBER(19)" if greatest < 19 or column.dtype.lower() == "int64" else "NUMBER(38)"
    if kinds <= {"number", "double"}:
        if exact:
            return "NUMBER"
        return "BINARY_FLOAT" if column.dtype.lower() in ("float32", "float") else "BINARY_DOUBLE"
    if kinds == {"text"}:
        return _text_type([text for _kind, text in given])
    if kinds == {"bytes"}:
        longest = max(len(text) // 2 for _kind, text in given)
        return f"RAW({_rounded(longest)})" if longest <= _GREATEST_BYTES else "BLOB"
    if kinds == {"date"}:
        whole = all(len(text) <= 19 or not text[20:].strip("0") for _kind, text in given)
        return "DATE" if whole else "TIMESTAMP(6)"
    if kinds == {"moment"}:
        return "TIMESTAMP(6) WITH TIME ZONE"
    if kinds == {"interval"}:
        return "INTERVAL DAY(9) TO SECOND(6)"
    rows = {value[0]: row for row, value in reversed(list(enumerate(jsons))) if value is not None}
    found = ", ".join(f"{_CALLED[kind]} in {source.place(row)}" for kind, row in sorted(rows.items()))
    raise SandboxError(f"{source.name}, column {column.name}: values of several types: {found}")


def _type_of_nothing(dtype: str) -> str:
    """The type of a column without values, by what its library calls it."""
    dtype = dtype.lower()
    for start, type_ in (
        ("bool", "NUMBER(1)"),
        ("int", "NUMBER(19)"),
        ("uint", "NUMBER(38)"),
        ("float", "BINARY_DOUBLE"),
        ("double", "BINARY_DOUBLE"),
        ("decimal", "NUMBER"),
        ("date", "DATE"),
        ("timestamp", "TIMESTAMP(6)"),
    ):
        if dtype.startswith(start):
            return type_
    return f"VARCHAR2({_SMALLEST_TEXT} CHAR)"


def _text_type(texts: Sequence[str]) -> str:
    if max(len(text.encode()) for text in texts) > _GREATEST_TEXT:
        return "CLOB"
    return f"VARCHAR2({min(_GREATEST_TEXT, _rounded(max(map(len, texts))))} CHAR)"


def _rounded(size: int) -> int:
    return int(max(_SMALLEST_TEXT, 2 ** math.ceil(math.log2(size))))


# ---------------------------------------------------------------- values
def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _jsons(column: TabularColumn, source: _Source) -> list[Json]:
    """All values of a column."""
    made: list[Json] = []
    for row, value in enumerate(column.values):
        try:
            made.append(None if _is_missing(value) else to_json(value))
        except TypeError as error:
            raise SandboxError(f"{source.name}, {source.place(row)}, column {column.name}: {error}") from None
    return made


def _values(column: TabularColumn, kind: str, source: _Source) -> list[Json]:
    """All values, for a column of a kind that is there."""
    made = _jsons(column, source)
    for row, given in enumerate(made):
        if given is None:
            continue
        if source.is_text:
            made[row] = _parsed(column.values[row], kind)
        elif given[0] not in _FITS[kind]:
            made[row] = None
        if made[row] is None:
            raise SandboxError(
                f"{source.name}, {source.place(row)}, column {_stored(column.name)}: {column.values[row]!r} is not "
                f"{_CALLED[kind]}; nothing of it is loaded"
            )
    return made


def _parsed(text: str, kind: str) -> Json:
    """A text as a value of a kind; None where it is none."""
    try:
        if kind == "number":
            return to_json(Decimal(text.strip()))
        if kind == "double":
            return to_json(float(text))
        if kind == "date":
            return to_json(_moment(text))
        if kind == "moment":
            moment = datetime.datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
            return to_json(moment if moment.tzinfo else moment.replace(tzinfo=datetime.timezone.utc))
        if kind == "bytes":
            return to_json(bytes.fromhex(text))
    except (ValueError, InvalidOperation, TypeError):
        return None
    if kind == "boolean":
        return {"true": ["boolean", "t"], "false": ["boolean", "f"]}.get(text.strip().lower())
    return ["text", text] if kind == "text" else None
