"""Materialized views: tables that a query has filled, for the sandbox as for Oracle; they are refreshed on demand."""

from __future__ import annotations

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.actions import Ddl
from orapool.sandbox.sql.cursor import TokenReader
from orapool.sandbox.sql.dialect import unsupported
from orapool.sandbox.sql.expressions import source
from orapool.sandbox.sql.names import qualified, quote_text
from orapool.sandbox.sql.translate import part, translate_text


def create_materialized_view(reader: TokenReader) -> Ddl:
    """CREATE MATERIALIZED VIEW, after these words.

    Raises:
        OracleError: ORA-03001 for one that is refreshed by itself.
    """
    if reader.has("LOG", "ON"):
        raise unsupported("MATERIALIZED VIEW LOG")
    name = reader.object_name()
    if reader.sees_sign("("):
        raise unsupported("a materialized view with names for its columns")
    _options(reader)
    reader.expect("AS")
    query = reader.rest()
    if not query or not query[0].is_word("SELECT", "WITH"):
        raise OracleError(928, "missing SELECT keyword", reader.position)
    text = part(translate_text(query, {})).text().decode()
    target = qualified(name)
    guard = (
        f'CREATE TRIGGER "~materialized" BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {target} '
        "FOR EACH STATEMENT EXECUTE FUNCTION oracle.refuse_change()"
    )
    told = f"SELECT oracle.add_materialized_view({quote_text(target)}::regclass, {quote_text(text)})"
    return Ddl(
        [f"CREATE TABLE {target} AS {text}", guard, told], table=name, query=text, text=source(query), keyed=True
    )


def _options(reader: TokenReader) -> None:
    """What the sandbox does anyway: filled at once, refreshed as a whole, when told to."""
    while True:
        if reader.has("BUILD"):
            if not reader.has("IMMEDIATE"):
                raise unsupported("BUILD DEFERRED")
        elif reader.has("REFRESH"):
            while reader.sees("COMPLETE", "FORCE", "ON", "WITH"):
                if reader.has("ON"):
                    if not reader.has("DEMAND"):
                        raise unsupported("a materialized view that is refreshed on COMMIT")
                elif reader.has("WITH"):
                    reader.expect("PRIMARY", "KEY")
                else:
                    reader.take()
            if reader.sees("FAST", "START", "NEXT"):
                raise unsupported(f"REFRESH {reader.take().value}")
        elif reader.has("NEVER", "REFRESH"):
            pass
        elif reader.sees("DISABLE", "ENABLE"):
            if reader.take().value == "ENABLE":
                raise unsupported("ENABLE QUERY REWRITE")
            reader.expect("QUERY", "REWRITE")
        else:
            return


def drop_materialized_view(reader: TokenReader) -> Ddl:
    """DROP MATERIALIZED VIEW, after these words."""
    name = reader.object_name()
    reader.has("PRESERVE", "TABLE")
    reader.end()
    target = qualified(name)
    missing = (12003, f'materialized view "{name[1]}" does not exist')
    known = f"SELECT oracle.check_materialized_view({quote_text(target)})"
    return Ddl([known, f"DROP TABLE {target}"], missing=missing)
