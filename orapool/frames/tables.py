"""Tables of the database as `write_df` meets them: names, columns, and the statements that make and fill them."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orapool.errors import ConfigurationError, error_codes

LONGEST_NAME = 128
_REGULAR = re.compile(r"[A-Za-z][A-Za-z0-9_$#]*")
_PARTS = re.compile(r'\s*("[^"]+"|[^".\s][^".]*?)\s*(?:\.\s*("[^"]+"|[^".\s][^".]*?)\s*)?')
_LOBS = frozenset(("CLOB", "NCLOB", "BLOB", "LONG", "LONG_RAW"))
_NO_TABLE = "ORA-00942"
_CHANGED = ("ORA-00932", "ORA-01007")
_NAME_IN_USE = "ORA-00955"


def as_stored(name: str, quoted: bool = False) -> str:
    """A name as Oracle has it: in upper case where it needs no quotes, unless `quoted`; else as it is.

    >>> as_stored("unit_price"), as_stored("Unit price")
    ('UNIT_PRICE', 'Unit price')
    """
    if '"' in name or "\0" in name or not 0 < len(name.encode()) <= LONGEST_NAME:
        raise ConfigurationError(
            f"{name!r} cannot be a name in Oracle, which has 1 to {LONGEST_NAME} bytes and no double quotes: rename it"
        )
    return name.upper() if not quoted and _REGULAR.fullmatch(name) else name


def quote(name: str) -> str:
    """A stored name for a statement. Quoted names may also be Oracle's own words, such as DATE."""
    return f'"{name}"'


@dataclass(frozen=True)
class TableName:
    """Which table; without a schema, the session's current one."""

    table: str
    schema: str | None = None

    @property
    def sql(self) -> str:
        """For a statement."""
        return quote(self.table) if self.schema is None else f"{quote(self.schema)}.{quote(self.table)}"

    def __str__(self) -> str:
        return self.table if self.schema is None else f"{self.schema}.{self.table}"


def parse_name(name: str, schema: str | None, quoted: bool) -> TableName:
    """Read ``table``, ``schema.table`` or ``"Schema"."Table"``; in double quotes, names are as they are."""
    parts = [name] if quoted else None
    if parts is None:
        match = _PARTS.fullmatch(name)
        if match is None or "@" in name:
            raise ConfigurationError(
                f"{name!r} names no table: it is table, schema.table, or either in double quotes (for a table over a "
                "database link, make a synonym)"
            )
        parts = [part for part in match.groups() if part is not None]
    stored = [
        as_stored(part[1:-1], quoted=True) if part.startswith('"') and not quoted else as_stored(part, quoted)
        for part in parts
    ]
    if len(stored) == 2 and schema is not None:
        raise ConfigurationError(f"table={name!r} has a schema already: leave schema={schema!r} out")
    own = as_stored(schema, quoted) if schema is not None else stored[0] if len(stored) == 2 else None
    return TableName(stored[-1], own)


@dataclass(frozen=True)
class TableColumn:
    """A column as the database describes it.

    Attributes:
        name: as it is stored.
        kind: its type, by the drivers' own names without ``DB_TYPE_``: NUMBER, VARCHAR, TIMESTAMP_TZ.
        size: the most characters, of strings.
        precision, scale: of a NUMBER, None where it has none; scale: digits of a second's fraction.
    """

    name: str
    kind: str
    size: int | None = None
    precision: int | None = None
    scale: int | None = None

    @property
    def is_lob(self) -> bool:
        """Whether its binds may be long ones, which Oracle wants last in a statement (ORA-24816)."""
        return self.kind in _LOBS

    @property
    def text(self) -> str:
        """Its type for a message."""
        kind = {"VARCHAR": "VARCHAR2", "NVARCHAR": "NVARCHAR2"}.get(self.kind, self.kind.replace("_", " "))
        kind = {"TIMESTAMP TZ": "TIMESTAMP WITH TIME ZONE", "TIMESTAMP LTZ": "TIMESTAMP WITH LOCAL TIME ZONE"}.get(
            kind, kind
        )
        if self.kind == "NUMBER" and self.precision:
            return f"NUMBER({self.precision},{self.scale or 0})"
        return f"{kind}({self.size})" if self.size else kind


def describe(cursor: Any, name: TableName) -> list[TableColumn] | None:
    """The columns of a table, or None where there is none of that name. One round trip, and no right but to read it."""
    try:
        try:
            cursor.execute(f"select * from {name.sql} where 1 = 0")
        except Exception as error:
            if next(error_codes(error), None) not in _CHANGED:
                raise
            # Oracle Client has this text in its statement cache, with the columns of the table that was there before.
            cursor.execute(f"select /* {time.time_ns()} */ * from {name.sql} where 1 = 0")
    except Exception as error:
        if next(error_codes(error), None) == _NO_TABLE:
            return None
        raise
    found = []
    for title, kind, size, _, precision, scale, _ in (item[:7] for item in cursor.description):
        named = kind.name.replace("DB_TYPE_", "")
        if named == "NUMBER":
            # A NUMBER without precision is described with scale -127, and so is FLOAT, with a binary precision.
            exact = bool(precision) and scale is not None and scale != -127
            found.append(TableColumn(title, named, None, precision if exact else None, scale if exact else None))
        else:
            strings = named in ("CHAR", "VARCHAR", "NCHAR", "NVARCHAR", "RAW")
            found.append(TableColumn(title, named, size if strings else None, None, scale))
    return found


def create(cursor: Any, name: TableName, types: Mapping[str, str]) -> None:
    """Make a table of columns by stored name and type. Raises ConfigurationError where the name is in use."""
    columns = ", ".join(f"{quote(column)} {kind}" for column, kind in types.items())
    try:
        cursor.execute(f"create table {name.sql} ({columns})")
    except Exception as error:
        if next(error_codes(error), None) == _NAME_IN_USE:
            raise exists_already(name) from error
        raise


def exists_already(name: TableName) -> ConfigurationError:
    """What to raise where a table is to be made and is there."""
    return ConfigurationError(
        f"table {name} exists already: use if_exists='append' to add rows, 'merge' to update them too, or 'replace' to "
        "drop it and make it anew"
    )


def drop(cursor: Any, name: TableName) -> None:
    """Drop a table."""
    cursor.execute(f"drop table {name.sql}")


def insert_statement(name: TableName, columns: Sequence[TableColumn]) -> str:
    """INSERT with a bind for each column."""
    names = ", ".join(quote(column.name) for column in columns)
    binds = ", ".join(f":{number}" for number in range(1, len(columns) + 1))
    return f"insert into {name.sql} ({names}) values ({binds})"


def merge_statement(name: TableName, columns: Sequence[TableColumn], keys: Sequence[str]) -> str:
    """MERGE with a bind for each column: update the row with these keys, or insert one."""
    binds = ", ".join(
        # A DATE column compared with a TIMESTAMP, as python-oracledb binds one, is compared without its index.
        (f"cast(:{number} as date)" if column.kind == "DATE" else f":{number}") + f" as {quote(column.name)}"
        for number, column in enumerate(columns, 1)
    )
    on = " and ".join(f"t.{quote(key)} = s.{quote(key)}" for key in keys)
    others = [quote(column.name) for column in columns if column.name not in keys]
    update = f" when matched then update set {', '.join(f't.{each} = s.{each}' for each in others)}" if others else ""
    names = [quote(column.name) for column in columns]
    return (
        f"merge into {name.sql} t using (select {binds} from dual) s on ({on}){update} when not matched then insert "
        f"({', '.join(names)}) values ({', '.join(f's.{each}' for each in names)})"
    )
