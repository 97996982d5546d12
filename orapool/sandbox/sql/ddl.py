"""DDL: Oracle's grammar read word by word; what this does not know, it refuses."""

from __future__ import annotations

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.actions import Control, Ddl
from orapool.sandbox.sql.alter import alter_table
from orapool.sandbox.sql.cursor import TokenReader
from orapool.sandbox.sql.dialect import unsupported
from orapool.sandbox.sql.expressions import expression, normal
from orapool.sandbox.sql.identity import BASE_EDITION
from orapool.sandbox.sql.materialized import create_materialized_view, drop_materialized_view
from orapool.sandbox.sql.names import qualified, quote_name, quote_text
from orapool.sandbox.sql.scanner import Token, split_list
from orapool.sandbox.sql.sequences import MISSING, alter_sequence, create_sequence
from orapool.sandbox.sql.synonyms import create_synonym, drop_synonym
from orapool.sandbox.sql.tables import create_table
from orapool.sandbox.sql.users import read_user
from orapool.sandbox.sql.views import create_view


def read_ddl(tokens: list[Token]) -> Ddl | Control:
    """Read one DDL statement.

    Raises:
        OracleError: a syntax error, or ORA-03001 for what the sandbox does not have.
    """
    reader = TokenReader(tokens)
    verb = reader.take().value
    if verb in ("CREATE", "ALTER", "DROP") and reader.has("USER"):
        return read_user(verb, reader)
    if verb == "CREATE":
        return _create(reader)
    if verb == "DROP":
        return _drop(reader)
    if verb == "ALTER":
        return _alter(reader)
    if verb == "TRUNCATE":
        return _truncate(reader)
    if verb == "COMMENT":
        return _comment(reader)
    if verb == "RENAME":
        return _rename(reader)
    if verb == "PURGE":
        return _purge(reader)
    if verb in ("GRANT", "REVOKE"):
        return _grant(reader, verb)
    raise unsupported(verb)


def _create(reader: TokenReader) -> Ddl:
    replace = reader.has("OR", "REPLACE")
    if reader.has("GLOBAL", "TEMPORARY"):
        reader.expect("TABLE")
        return create_table(reader, temporary=True)
    if reader.has("TABLE"):
        return create_table(reader)
    if reader.has("MATERIALIZED", "VIEW"):
        return create_materialized_view(reader)
    unique = reader.has("UNIQUE")
    if reader.has("INDEX"):
        return _index(reader, unique)
    if reader.has("SEQUENCE"):
        return create_sequence(reader)
    if reader.has("EDITION"):
        return _edition(reader)
    public = reader.sees("PUBLIC")
    if reader.has("SYNONYM") or reader.has("PUBLIC", "SYNONYM"):
        return create_synonym(reader, replace, public)
    if not reader.has("FORCE"):
        reader.has("NOFORCE")
    if reader.has("VIEW"):
        return create_view(reader, replace)
    what = reader.next.value if reader.next is not None else ""
    raise unsupported(f"CREATE {what}")


def _edition(reader: TokenReader) -> Ddl:
    name, parent = reader.name(), BASE_EDITION
    if reader.has("AS", "CHILD", "OF"):
        parent = reader.name()
    reader.end()
    return Ddl([f"SELECT oracle.create_edition({quote_text(name)}, {quote_text(parent)})"])


def _index(reader: TokenReader, unique: bool) -> Ddl:
    schema, name = reader.object_name()
    reader.expect("ON")
    table = reader.object_name()
    items: list[str] = []
    sources: list[str] = []
    for item in split_list(reader.group()):
        inner = TokenReader(item)
        tokens = inner.until("ASC", "DESC", signs=())
        descending = inner.has("DESC")
        inner.has("ASC")
        inner.end()
        plain = len(tokens) == 1
        text = quote_name(TokenReader(tokens).name()) if plain else f"({expression(tokens)})"
        sources.append("" if plain else normal(tokens))
        items.append(text + (" DESC" if descending else ""))
    _storage(reader, "COMPUTE", "STATISTICS")
    reader.end()
    if schema is not None and table[0] is not None and schema != table[0]:
        raise unsupported("an index in another schema than its table")
    kind = "UNIQUE INDEX" if unique else "INDEX"
    steps = [f"CREATE {kind} {quote_name(name)} ON {qualified(table)} ({', '.join(items)})"]
    if any(sources):
        # The dictionary tells expressions as Oracle writes them; newlines part the columns.
        text = quote_text("\n".join(sources))
        steps.append(f"COMMENT ON INDEX {qualified((schema or table[0], name))} IS {text}")
    return Ddl(steps, changes=table)


def _storage(reader: TokenReader, *more: str) -> None:
    """Storage clauses that change no result, as Oracle's tools write them."""
    while True:
        if reader.has("TABLESPACE"):
            reader.name()
        elif reader.sees("PCTFREE", "INITRANS", "MAXTRANS", "PCTUSED"):
            reader.take()
            reader.integer()
        elif reader.sees("LOGGING", "NOLOGGING", "NOPARALLEL", "ONLINE", "NOCOMPRESS", "REVERSE", *more):
            reader.take()
        elif reader.has("COMPRESS"):
            if not reader.sees("COMPUTE") and reader.next is not None and reader.next.text.isdigit():
                reader.integer()
        else:
            return


def _drop(reader: TokenReader) -> Ddl:
    if reader.has("TABLE"):
        name = reader.object_name()
        cascade = reader.has("CASCADE", "CONSTRAINTS")
        reader.has("PURGE")
        reader.end()
        return Ddl([f"DROP TABLE {qualified(name)} {'CASCADE' if cascade else ''}"], changes=name)
    if reader.has("MATERIALIZED", "VIEW"):
        return drop_materialized_view(reader)
    for words, missing in _DROPS.items():
        if reader.has(*words.split()):
            name = reader.object_name()
            if words == "VIEW":
                reader.has("CASCADE", "CONSTRAINTS")
            reader.end()
            return Ddl([f"DROP {words} {qualified(name)}"], missing=missing)
    public = reader.sees("PUBLIC")
    if reader.has("SYNONYM") or reader.has("PUBLIC", "SYNONYM"):
        return drop_synonym(reader, public)
    if reader.has("EDITION"):
        name = (None, reader.name())
        reader.has("CASCADE")
        reader.end()
        return Ddl([f"SELECT oracle.drop_edition({quote_text(name[1])})"])
    what = reader.next.value if reader.next is not None else ""
    raise unsupported(f"DROP {what}")


_DROPS = {
    "VIEW": (942, "table or view does not exist"),
    "INDEX": (1418, "specified index does not exist"),
    "SEQUENCE": MISSING,
}


def _alter(reader: TokenReader) -> Ddl:
    if reader.has("TABLE"):
        return alter_table(reader)
    if reader.has("SEQUENCE"):
        return alter_sequence(reader)
    if reader.has("INDEX"):
        name = reader.object_name()
        reader.expect("RENAME", "TO")
        new = reader.name()
        reader.end()
        return Ddl([f"ALTER INDEX {qualified(name)} RENAME TO {quote_name(new)}"], missing=_DROPS["INDEX"])
    what = reader.next.value if reader.next is not None else ""
    raise unsupported(f"ALTER {what}")


def _truncate(reader: TokenReader) -> Ddl:
    reader.expect("TABLE")
    name = reader.object_name()
    if not (reader.has("DROP", "STORAGE") or reader.has("REUSE", "STORAGE")):
        reader.has("DROP", "ALL", "STORAGE")
    cascade = reader.has("CASCADE")
    reader.end()
    return Ddl([f"TRUNCATE TABLE {qualified(name)} {'CASCADE' if cascade else ''}"], changes=name)


def _comment(reader: TokenReader) -> Ddl:
    reader.expect("ON")
    if reader.has("TABLE") or reader.has("MATERIALIZED", "VIEW"):
        name = reader.object_name()
        target = qualified(name)
        column = None
    else:
        reader.expect("COLUMN")
        names = [reader.name()]
        while reader.has_sign("."):
            names.append(reader.name())
        if len(names) not in (2, 3):
            raise OracleError(904, "invalid identifier", reader.position)
        column = names.pop()
        target = qualified((names[0] if len(names) == 2 else None, names[-1]))
    reader.expect("IS")
    text = reader.string()
    reader.end()
    value = quote_text(text) if text else "NULL"
    if column is not None:
        return Ddl([f"COMMENT ON COLUMN {target}.{quote_name(column)} IS {value}"])
    quoted = quote_text(target)
    kind = f"CASE (SELECT relkind FROM pg_class WHERE oid = {quoted}::regclass) WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END"
    body = f"EXECUTE format('COMMENT ON %s %s IS %L', {kind}, {quoted}::regclass, {value})"
    return Ddl([f"DO $body$ BEGIN {body}; END $body$"])


def _rename(reader: TokenReader) -> Ddl:
    old = reader.name()
    reader.expect("TO")
    new = reader.name()
    reader.end()
    return Ddl([f"ALTER TABLE {qualified((None, old))} RENAME TO {quote_name(new)}"], changes=(None, old))


def _purge(reader: TokenReader) -> Ddl:
    """PURGE: nothing is in the recycle bin, as what is dropped is gone."""
    if reader.sees("TABLE", "INDEX", "TABLESPACE"):
        if reader.take().value == "TABLESPACE":
            raise unsupported("PURGE TABLESPACE")
        raise OracleError(38307, "object not in RECYCLE BIN")
    if not reader.has("RECYCLEBIN"):
        reader.expect("DBA_RECYCLEBIN")
    reader.end()
    return Ddl([])


def _grant(reader: TokenReader, verb: str) -> Ddl:
    """GRANT and REVOKE are taken and change nothing: every user of the sandbox may do everything."""
    privileges: list[list[str]] = [[]]
    while reader.next is not None and not reader.sees("ON", "TO", "FROM"):
        token = reader.take()
        if token.is_sign("("):
            reader.until(signs=())
            reader.expect_sign(")")
        elif token.is_sign(","):
            privileges.append([])
        else:
            privileges[-1].append(token.value)
    if not all(privileges):
        raise OracleError(990, "missing or invalid privilege", reader.position)
    steps: list[str] = []
    if reader.has("ON"):
        special = any(reader.has(word) for word in ("DIRECTORY", "USER", "EDITION", "TYPE", "SQL"))
        target = reader.object_name()
        if not special and not {"EXECUTE"} & {word for privilege in privileges for word in privilege}:
            steps.append(
                f"SELECT oracle.check_object({quote_text(target[0]) if target[0] else 'NULL'}, {quote_text(target[1])})"
            )
    if not reader.has("TO" if verb == "GRANT" else "FROM"):
        raise OracleError(990, "missing or invalid privilege", reader.position)
    while True:
        if reader.next is None or reader.next.kind not in ("word", "quoted"):
            raise OracleError(987, "missing or invalid username(s)", reader.position)
        steps.append(f"SELECT oracle.check_grantee({quote_text(reader.take().value)})")
        if not reader.has_sign(","):
            break
    endings = (("WITH", "GRANT", "OPTION"), ("WITH", "ADMIN", "OPTION"), ("CASCADE", "CONSTRAINTS"), ("FORCE",))
    any(reader.has(*words) for words in endings)
    reader.end()
    return Ddl(steps)
