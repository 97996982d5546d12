"""Names and texts as PostgreSQL reads them."""

from __future__ import annotations

from orapool.sandbox.errors import OracleError

# PostgreSQL cuts longer names without a word (NAMEDATALEN - 1).
MAX_NAME_BYTES = 63

# Marks in generated text, filled in when it runs. No statement has these characters (the scanner sees to it).
BIND_MARK = "\x01"
SCHEMA = "\x02schema\x02"
SCHEMA_NAME = "\x02schema_name\x02"
SERIAL = "\x02serial\x02"


def quote_name(name: str) -> str:
    """A name in double quotes.

    Raises:
        OracleError: ORA-03001 for a name that Oracle would take but PostgreSQL would cut.
    """
    if len(name.encode()) > MAX_NAME_BYTES:
        raise OracleError(3001, f"unimplemented feature: a name of more than {MAX_NAME_BYTES} bytes ({name})")
    return '"' + name.replace('"', '""') + '"'


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
