"""Names and texts as PostgreSQL reads them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from orapool.sandbox.errors import OracleError

# PostgreSQL cuts longer names without a word (NAMEDATALEN - 1): they get one that is made of them.
MAX_NAME_BYTES = 63
_MOST_BYTES = 128
_KEPT_BYTES, _DIGITS = 42, 20
# Nobody has so many; who makes them up is not to fill the memory.
_MOST_NAMES = 50_000
# Those of the process, by PostgreSQL's: names are the same in every database.
_LONG: dict[str, str] = {}

# Marks in generated text, filled in when it runs. No statement has these characters (the scanner sees to it).
BIND_MARK = "\x01"
SCHEMA = "\x02schema\x02"
SCHEMA_NAME = "\x02schema_name\x02"
SERIAL = "\x02serial\x02"


def quote_name(name: str) -> str:
    """A name in double quotes.

    Raises:
        OracleError: ORA-00972 for a name that is too long for Oracle.
    """
    return '"' + postgres_name(name).replace('"', '""') + '"'


def postgres_name(name: str) -> str:
    """The name that PostgreSQL has for one of up to 128 bytes.

    Raises:
        OracleError: ORA-00972 for a name that is too long for Oracle.
    """
    text = name.encode()
    if len(text) <= MAX_NAME_BYTES:
        return name
    # One more for what we put before a name.
    if len(text) > _MOST_BYTES + 1:
        raise OracleError(972, "identifier is too long")
    kept = text[:_KEPT_BYTES].decode(errors="ignore")
    short = f"{kept}~{hashlib.sha256(text).hexdigest()[:_DIGITS]}"
    if short not in _LONG and len(_LONG) >= _MOST_NAMES:
        raise OracleError(3001, f"unimplemented feature: more than {_MOST_NAMES} names of over {MAX_NAME_BYTES} bytes")
    _LONG[short] = name
    return short


def full_name(name: str) -> str:
    """The name that `postgres_name` has made this one of, or the name itself."""
    return _LONG.get(name, name)


def full_names(text: str) -> str:
    """A text with full names in it."""
    if "~" in text:
        for short, name in tuple(_LONG.items()):
            text = text.replace(short, name)
    return text


def long_names(text: str) -> dict[str, str]:
    """PostgreSQL's names and the full ones of those in a text."""
    return {short: name for short, name in tuple(_LONG.items()) if short in text} if "~" in text else {}


def learn_long_names(names: Mapping[str, str]) -> None:
    """Take up names that an earlier process has made."""
    _LONG.update(names)


def quote_text(text: str) -> str:
    """A text in single quotes."""
    return "'" + text.replace("'", "''") + "'"


def system_name(number: int) -> str:
    """The mark of a constraint's name that Oracle makes up (SYS_C00nnnn), the `number`th of its statement."""
    return f"\x02constraint{number}\x02"


def qualified(name: tuple[str | None, str]) -> str:
    """An object's name; without a schema, the session's is filled in when the statement runs."""
    schema, own = name
    return f"{quote_name(schema) if schema is not None else SCHEMA}.{quote_name(own)}"
