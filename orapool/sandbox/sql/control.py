"""Transaction control, LOCK TABLE and ALTER SESSION."""

from __future__ import annotations

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.actions import Control
from orapool.sandbox.sql.cursor import TokenReader
from orapool.sandbox.sql.dialect import unsupported
from orapool.sandbox.sql.formats import FORMATS, check_format
from orapool.sandbox.sql.scanner import Token

_LOCK_MODES = {
    "ROW SHARE": "ROW SHARE",
    "ROW EXCLUSIVE": "ROW EXCLUSIVE",
    "SHARE UPDATE": "ROW SHARE",
    "SHARE": "SHARE",
    "SHARE ROW EXCLUSIVE": "SHARE ROW EXCLUSIVE",
    "EXCLUSIVE": "EXCLUSIVE",
}

# Parameters of ALTER SESSION whose only value the sandbox has already.
_FIXED = {
    "NLS_NUMERIC_CHARACTERS": {".,"},
    "NLS_LANGUAGE": {"AMERICAN", "ENGLISH"},
    "NLS_DATE_LANGUAGE": {"AMERICAN", "ENGLISH"},
    "NLS_TERRITORY": {"AMERICA"},
    "NLS_SORT": {"BINARY"},
    "NLS_COMP": {"BINARY"},
    "NLS_LENGTH_SEMANTICS": {"BYTE"},
    "NLS_CALENDAR": {"GREGORIAN"},
    "NLS_CURRENCY": {"$"},
    "NLS_ISO_CURRENCY": {"AMERICA"},
    "CURSOR_SHARING": {"EXACT"},
    "TIME_ZONE": {"+00:00", "UTC", "00:00", "DBTIMEZONE"},
}
# What changes how Oracle works, and not what it answers.
_QUIET = """
STATISTICS_LEVEL OPTIMIZER_MODE SQL_TRACE TRACEFILE_IDENTIFIER RESUMABLE_TIMEOUT DDL_LOCK_TIMEOUT EVENTS
COMMIT_WRITE COMMIT_LOGGING COMMIT_WAIT
"""
_WITHOUT_EFFECT = frozenset(_QUIET.split())


def read_control(tokens: list[Token]) -> Control:
    """COMMIT, ROLLBACK, SAVEPOINT, SET TRANSACTION, LOCK TABLE."""
    reader = TokenReader(tokens)
    verb = reader.take().value
    if verb == "COMMIT":
        reader.has("WORK")
        if reader.has("WRITE"):
            while reader.sees("WAIT", "NOWAIT", "IMMEDIATE", "BATCH"):
                reader.take()
        if reader.sees("COMMENT", "FORCE"):
            raise unsupported(f"COMMIT {reader.take().value}")
        reader.end()
        return Control("commit")
    if verb == "ROLLBACK":
        return _rollback(reader)
    if verb == "SAVEPOINT":
        name = reader.name()
        reader.end()
        return Control("savepoint", (name,))
    if verb == "LOCK":
        return _lock(reader)
    return _set(reader)


def _rollback(reader: TokenReader) -> Control:
    reader.has("WORK")
    if reader.has("TO"):
        reader.has("SAVEPOINT")
        name = reader.name()
        reader.end()
        return Control("rollback_to", (name,))
    if reader.sees("FORCE"):
        raise unsupported("ROLLBACK FORCE")
    reader.end()
    return Control("rollback")


def _set(reader: TokenReader) -> Control:
    reader.expect("TRANSACTION")
    if reader.has("READ", "ONLY"):
        mode = "ISOLATION LEVEL REPEATABLE READ READ ONLY"
    elif reader.has("READ", "WRITE"):
        mode = ""
    elif reader.has("ISOLATION", "LEVEL"):
        mode = _isolation(reader)
    else:
        raise unsupported("SET TRANSACTION of that kind")
    if reader.has("NAME"):
        reader.string()
    reader.end()
    return Control("begin", (mode,))


def _isolation(reader: TokenReader) -> str:
    if reader.has("SERIALIZABLE"):
        # Oracle's SERIALIZABLE is snapshot isolation, PostgreSQL's REPEATABLE READ.
        return "ISOLATION LEVEL REPEATABLE READ"
    reader.expect("READ", "COMMITTED")
    return ""


def _lock(reader: TokenReader) -> Control:
    reader.expect("TABLE")
    schema, table = reader.object_name()
    reader.expect("IN")
    words: list[str] = []
    while not reader.has("MODE"):
        words.append(reader.take().value)
    mode = _LOCK_MODES.get(" ".join(words))
    if mode is None:
        raise OracleError(1737, "valid modes: [ROW] SHARE, [[SHARE] ROW] EXCLUSIVE, SHARE UPDATE")
    wait: int | None = None
    if reader.has("NOWAIT"):
        wait = 0
    elif reader.has("WAIT"):
        wait = reader.integer()
    reader.end()
    return Control("lock_table", (schema, table, mode, wait))


def read_alter_session(tokens: list[Token]) -> Control:
    """ALTER SESSION SET name = value."""
    reader = TokenReader(tokens)
    reader.expect("ALTER")
    if reader.has("SYSTEM"):
        raise unsupported("ALTER SYSTEM")
    reader.expect("SESSION")
    if not reader.has("SET"):
        raise unsupported("ALTER SESSION " + " ".join(token.text for token in reader.rest()[:3]))
    pairs: list[tuple[str, str]] = []
    while reader.next is not None:
        name = reader.take().value
        reader.expect_sign("=")
        value = reader.take().value
        if name == "ISOLATION_LEVEL" and value == "READ":
            reader.expect("COMMITTED")
            value = "READ COMMITTED"
        _check(name, value)
        pairs.append((name, value))
    if not pairs:
        raise OracleError(927, "missing equal sign")
    return Control("set_parameters", (tuple(pairs),))


def _check(name: str, value: str) -> None:
    if name in _FIXED:
        if value.upper() not in _FIXED[name]:
            raise unsupported(f"ALTER SESSION SET {name} = {value}")
    elif name == "ISOLATION_LEVEL":
        if value.upper() not in ("SERIALIZABLE", "READ COMMITTED"):
            raise OracleError(2248, "invalid option for ALTER SESSION")
    elif name in FORMATS:
        check_format(name, value)
    elif name not in _WITHOUT_EFFECT | {"CURRENT_SCHEMA", "EDITION"}:
        raise unsupported(f"ALTER SESSION SET {name}")
