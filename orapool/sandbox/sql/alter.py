"""ALTER TABLE."""

from __future__ import annotations

from orapool.sandbox.sql.actions import ColumnRecord, Ddl
from orapool.sandbox.sql.cursor import TokenReader
from orapool.sandbox.sql.datatypes import read_type
from orapool.sandbox.sql.dialect import unsupported
from orapool.sandbox.sql.expressions import expression
from orapool.sandbox.sql.names import SCHEMA_NAME, postgres_name, qualified, quote_name, quote_text
from orapool.sandbox.sql.tables import TableText, length_name, read_item

_DROP_PRIMARY_KEY = "DROP PRIMARY KEY"


def alter_table(reader: TokenReader) -> Ddl:
    """ALTER TABLE, after these words."""
    name = reader.object_name()
    target = qualified(name)
    table = TableText(name)
    changes: list[str] = []
    if reader.has("ADD"):
        if reader.has_sign("("):
            while True:
                read_item(reader, table)
                if not reader.has_sign(","):
                    break
            reader.expect_sign(")")
        else:
            read_item(reader, table)
        changes = [f"ADD {'COLUMN ' if not line.startswith('CONSTRAINT ') else ''}{line}" for line in table.lines]
    elif reader.has("MODIFY"):
        wrapped = reader.has_sign("(")
        while True:
            _modify(reader, table, changes)
            if not (wrapped and reader.has_sign(",")):
                break
        if wrapped:
            reader.expect_sign(")")
    elif reader.has("DROP"):
        changes = _drop_parts(reader)
    elif reader.has("RENAME"):
        return _rename_part(reader, name)
    else:
        what = reader.next.value if reader.next is not None else ""
        raise unsupported(f"ALTER TABLE ... {what}")
    reader.end()
    if changes and changes[0].startswith(_DROP_PRIMARY_KEY):
        cascade = changes[0][len(_DROP_PRIMARY_KEY) :]
        quoted = quote_text(target)
        found = f"(SELECT conname FROM pg_constraint WHERE conrelid = {quoted}::regclass AND contype = 'p')"
        drop = f"EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I{cascade}', {quoted}::regclass, {found})"
        return Ddl(
            [f"DO $body$ BEGIN {drop}; END $body$"], missing=(2441, "Cannot drop nonexistent primary key"), changes=name
        )
    # Each change alone: a CHECK on a new column's length needs the column.
    return Ddl([*table.before, *(f"ALTER TABLE {target} {change}" for change in changes), *table.after],
               table=name, columns=table.records, changes=name)  # fmt: skip


def _modify(reader: TokenReader, table: TableText, changes: list[str]) -> None:
    column = reader.name()
    name = quote_name(column)
    if not reader.sees("NOT", "NULL", "DEFAULT", "CONSTRAINT"):
        kind = read_type(reader)
        described = kind.oracle
        names = ", ".join(quote_text(text) for text in (qualified(table.name), postgres_name(column), described.name))
        sizes = f"{described.precision}, {described.scale}, {described.buffer_size}"
        table.before.append(f"SELECT oracle.check_modify({names}, {sizes})")
        changes.append(f"DROP CONSTRAINT IF EXISTS {quote_name(length_name(column))}")
        changes.append(f"ALTER COLUMN {name} TYPE {kind.postgres}")
        check = kind.check(table.name[0] or SCHEMA_NAME, table.name[1], column)
        if check is not None:
            changes.append(f"ADD CONSTRAINT {quote_name(length_name(column))} CHECK ({check})")
        table.records.append(ColumnRecord(table.name[1], column, kind))
    if reader.has("DEFAULT"):
        tokens = reader.until("NOT", "NULL") if not reader.sees("NULL") else [reader.take()]
        changes.append(f"ALTER COLUMN {name} SET DEFAULT {expression(tokens)}")
    if reader.has("NOT", "NULL"):
        changes.append(f"ALTER COLUMN {name} SET NOT NULL")
    elif reader.has("NULL"):
        changes.append(f"ALTER COLUMN {name} DROP NOT NULL")


def _drop_parts(reader: TokenReader) -> list[str]:
    if reader.has("COLUMN"):
        columns = [reader.name()]
    elif reader.sees_sign("("):
        columns = reader.names()
    elif reader.has("CONSTRAINT"):
        name = reader.name()
        cascade = " CASCADE" if reader.has("CASCADE") else ""
        reader.has("DROP", "INDEX")
        return [f"DROP CONSTRAINT {quote_name(name)}{cascade}"]
    elif reader.has("PRIMARY", "KEY"):
        return [_DROP_PRIMARY_KEY + (" CASCADE" if reader.has("CASCADE") else "")]
    else:
        raise unsupported("ALTER TABLE ... DROP of that")
    cascade = " CASCADE" if reader.has("CASCADE", "CONSTRAINTS") else ""
    return [f"DROP COLUMN {quote_name(column)}{cascade}" for column in columns]


def _rename_part(reader: TokenReader, name: tuple[str | None, str]) -> Ddl:
    target = qualified(name)
    if reader.has("TO"):
        change = f"RENAME TO {quote_name(reader.name())}"
    elif reader.has("COLUMN"):
        old = reader.name()
        reader.expect("TO")
        change = f"RENAME COLUMN {quote_name(old)} TO {quote_name(reader.name())}"
    else:
        reader.expect("CONSTRAINT")
        old = reader.name()
        reader.expect("TO")
        change = f"RENAME CONSTRAINT {quote_name(old)} TO {quote_name(reader.name())}"
    reader.end()
    return Ddl([f"ALTER TABLE {target} {change}"])
