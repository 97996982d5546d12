"""CREATE VIEW."""

from __future__ import annotations

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.actions import Ddl
from orapool.sandbox.sql.cursor import TokenReader
from orapool.sandbox.sql.expressions import source
from orapool.sandbox.sql.names import qualified, quote_name, quote_text
from orapool.sandbox.sql.scanner import Token
from orapool.sandbox.sql.translate import part, translate_text

_READ_ONLY = ("READ", "ONLY")
_CHECK_OPTION = ("CHECK", "OPTION")


def create_view(reader: TokenReader, replace: bool) -> Ddl:
    """CREATE VIEW, after these words."""
    name = reader.object_name()
    columns = ""
    if reader.sees_sign("("):
        columns = " (" + ", ".join(quote_name(column) for column in reader.names()) + ")"
    reader.expect("AS")
    tokens = reader.rest()
    if not tokens or not (tokens[0].is_word("SELECT", "WITH") or tokens[0].is_sign("(")):
        raise OracleError(928, "missing SELECT keyword", reader.position)
    query, option = _cut_option(tokens)
    part_ = part(translate_text(query, {})).text().decode()
    target = qualified(name)
    checks = " WITH CASCADED CHECK OPTION" if option == _CHECK_OPTION else ""
    create = f"VIEW {target}{columns} AS {part_}{checks}"
    steps = [f"CREATE {create}"]
    if replace:
        # PostgreSQL replaces a view only by one that has its columns, and perhaps more.
        again = f"EXECUTE {quote_text(f'DROP VIEW {target}')}; EXECUTE {quote_text(f'CREATE {create}')};"
        first = f"EXECUTE {quote_text(f'CREATE OR REPLACE {create}')};"
        steps = [f"DO $body$ BEGIN {first} EXCEPTION WHEN invalid_table_definition THEN {again} END $body$"]
        steps.append(f'DROP TRIGGER IF EXISTS "~READ_ONLY" ON {target}')
    if option == _READ_ONLY:
        events = "INSTEAD OF INSERT OR UPDATE OR DELETE"
        refuse = "FOR EACH ROW EXECUTE FUNCTION oracle.refuse_read_only()"
        steps.append(f'CREATE TRIGGER "~READ_ONLY" {events} ON {target} {refuse}')
    return Ddl(steps, table=name, query=part_, text=source(tokens))


def _cut_option(tokens: list[Token]) -> tuple[list[Token], tuple[str, ...]]:
    """The query without WITH READ ONLY or WITH CHECK OPTION, which may have a name, and which of them it has."""
    end = len(tokens)
    if end > 2 and tokens[end - 2].is_word("CONSTRAINT"):
        end -= 2
    for option in (_READ_ONLY, _CHECK_OPTION):
        words = ("WITH", *option)
        if end > 3 and all(token.is_word(word) for token, word in zip(tokens[end - 3 : end], words)):
            return tokens[: end - 3], option
    return tokens, ()
