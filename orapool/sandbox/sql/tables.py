"""CREATE TABLE and ALTER TABLE."""

from __future__ import annotations

from dataclasses import dataclass, field

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.actions import ColumnRecord, Ddl
from orapool.sandbox.sql.cursor import TokenReader
from orapool.sandbox.sql.datatypes import ColumnType, read_type
from orapool.sandbox.sql.dialect import generate, unsupported
from orapool.sandbox.sql.names import SCHEMA, SCHEMA_NAME, SERIAL, qualified, quote_name, quote_text, system_name
from orapool.sandbox.sql.scanner import Token, scan
from orapool.sandbox.sql.translate import part, translate_text

DROP_PRIMARY_KEY = "DROP PRIMARY KEY"
_AFTER_DEFAULT = (
    "CONSTRAINT",
    "NOT",
    "NULL",
    "UNIQUE",
    "PRIMARY",
    "REFERENCES",
    "CHECK",
    "ENABLE",
    "DISABLE",
    "VISIBLE",
)


def expression(tokens: list[Token]) -> str:
    """An expression (DEFAULT, CHECK, an index's) as PostgreSQL's text."""
    if not tokens:
        raise OracleError(936, "missing expression")
    for token in tokens:
        if token.kind == "bind":
            raise OracleError(1027, "bind variables not allowed for data definition operations", token.start)
    select = [*scan("SELECT "), *tokens, *scan("FROM DUAL")]
    tree = translate_text(select, {})
    if len(tree.expressions) != 1:
        raise OracleError(936, "missing expression", tokens[0].start)
    return generate(tree.expressions[0].unalias())


def condition(tokens: list[Token]) -> str:
    """A condition (of CHECK) as PostgreSQL's text."""
    if not tokens:
        raise OracleError(936, "missing expression")
    tree = translate_text([*scan("SELECT 1 FROM DUAL WHERE "), *tokens], {})
    return generate(tree.args["where"].this)


@dataclass
class _Table:
    """What a list of columns and constraints comes to."""

    name: tuple[str | None, str]
    lines: list[str] = field(default_factory=list)
    records: list[ColumnRecord] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    unnamed: int = 0

    def constraint_name(self, reader: TokenReader) -> str:
        """The name that comes after CONSTRAINT, or one of the system's."""
        if reader.has("CONSTRAINT"):
            return quote_name(reader.name())
        self.unnamed += 1
        return system_name(self.unnamed)

    def check(self, reader: TokenReader, name: str) -> str:
        """CHECK (condition); its text is kept for the dictionary."""
        reader.expect("CHECK")
        tokens = reader.group()
        made = condition(tokens)
        self.after.append(f"COMMENT ON CONSTRAINT {name} ON {qualified(self.name)} IS {quote_text(source(tokens))}")
        return f"CHECK ({made})"


def create_table(reader: TokenReader, temporary: bool = False) -> Ddl:
    """CREATE TABLE, after these words."""
    name = reader.object_name()
    table = _Table(name)
    if reader.sees_sign("("):
        reader.expect_sign("(")
        while True:
            _item(reader, table)
            if not reader.has_sign(","):
                break
        reader.expect_sign(")")
    if temporary:
        raise unsupported("GLOBAL TEMPORARY tables")
    _options(reader)
    if reader.has("AS"):
        if table.lines:
            raise unsupported("CREATE TABLE with columns AS SELECT")
        query = part(translate_text(reader.rest(), {})).text().decode()
        return Ddl([f"CREATE TABLE {qualified(name)} AS {query}"], table=name, query=query)
    reader.end()
    if not table.lines:
        raise OracleError(906, "missing left parenthesis", reader.position)
    create = f"CREATE TABLE {qualified(name)} ({', '.join(table.lines)})"
    return Ddl([*table.before, create, *table.after], table=name, columns=table.records)


def _options(reader: TokenReader) -> None:
    """Storage options, which change no result."""
    while True:
        if reader.has("TABLESPACE"):
            reader.name()
        elif reader.sees("PCTFREE", "PCTUSED", "INITRANS", "MAXTRANS"):
            reader.take()
            reader.integer()
        elif reader.has("SEGMENT", "CREATION"):
            if not reader.has("IMMEDIATE"):
                reader.expect("DEFERRED")
        elif reader.has("STORAGE"):
            reader.group()
        elif reader.sees(
            "LOGGING", "NOLOGGING", "NOCOMPRESS", "COMPRESS", "CACHE", "NOCACHE", "NOPARALLEL", "MONITORING"
        ):
            reader.take()
        else:
            return


def _item(reader: TokenReader, table: _Table) -> None:
    if reader.sees("CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK"):
        table.lines.append(_table_constraint(reader, table))
        return
    _column(reader, table)


def _table_constraint(reader: TokenReader, table: _Table) -> str:
    name = table.constraint_name(reader)
    if reader.has("PRIMARY", "KEY"):
        made = f"PRIMARY KEY ({_columns(reader)})"
    elif reader.has("UNIQUE"):
        made = f"UNIQUE ({_columns(reader)})"
    elif reader.has("FOREIGN", "KEY"):
        columns = _columns(reader)
        made = f"FOREIGN KEY ({columns}) {_references(reader)}"
    else:
        made = table.check(reader, name)
    return f"CONSTRAINT {name} {made}{_state(reader)}"


def _columns(reader: TokenReader) -> str:
    return ", ".join(quote_name(name) for name in reader.names())


def _references(reader: TokenReader) -> str:
    reader.expect("REFERENCES")
    target = qualified(reader.object_name())
    columns = f" ({_columns(reader)})" if reader.sees_sign("(") else ""
    action = ""
    if reader.has("ON", "DELETE"):
        if reader.has("CASCADE"):
            action = " ON DELETE CASCADE"
        else:
            reader.expect("SET", "NULL")
            action = " ON DELETE SET NULL"
    return f"REFERENCES {target}{columns}{action}"


def _state(reader: TokenReader) -> str:
    """A constraint's state, as far as PostgreSQL has it."""
    state = ""
    while True:
        if reader.has("DEFERRABLE"):
            state += " DEFERRABLE"
        elif reader.has("INITIALLY"):
            if reader.has("DEFERRED"):
                state += " INITIALLY DEFERRED"
            else:
                reader.expect("IMMEDIATE")
        elif reader.has("NOT", "DEFERRABLE") or reader.has("ENABLE") or reader.has("VALIDATE"):
            pass
        elif reader.has("USING", "INDEX"):
            if reader.sees_sign("("):
                raise unsupported("USING INDEX with an index of its own")
            _options(reader)
        elif reader.sees("DISABLE", "NOVALIDATE", "RELY"):
            raise unsupported(f"{reader.take().value} of constraints")
        else:
            return state


def _column(reader: TokenReader, table: _Table) -> None:
    name = reader.name()
    kind = read_type(reader)
    line, record = _definition(reader, table, name, kind)
    table.lines.append(line)
    table.records.append(record)


def _definition(reader: TokenReader, table: _Table, name: str, kind: ColumnType) -> tuple[str, ColumnRecord]:
    record = ColumnRecord(table.name[1], name, kind)
    words = [quote_name(name), kind.postgres]
    check = kind.check(table.name[0] or SCHEMA_NAME, table.name[1], name)
    if check is not None:
        words.append(f"CONSTRAINT {quote_name(length_name(name))} CHECK ({check})")
    while True:
        if reader.has("DEFAULT"):
            record.default_on_null = reader.has("ON", "NULL")
            tokens = reader.until(*_AFTER_DEFAULT) if not reader.sees("NULL") else [reader.take()]
            record.default_text = source(tokens)
            words.append(f"DEFAULT {expression(tokens)}")
            if record.default_on_null:
                words.append("NOT NULL")
                table.after.extend(_trigger(table.name, name, expression(tokens)))
        elif reader.has("GENERATED"):
            words.extend(_identity(reader, table, record))
        elif reader.sees("CONSTRAINT", "NOT", "NULL", "UNIQUE", "PRIMARY", "REFERENCES", "CHECK"):
            words.append(_column_constraint(reader, table))
        elif reader.has("VISIBLE"):
            pass
        elif reader.sees("INVISIBLE", "AS", "SORT", "ENCRYPT", "COLLATE"):
            raise unsupported(f"{reader.take().value} of columns")
        else:
            return " ".join(words), record


def length_name(column: str) -> str:
    """The name of the CHECK that keeps a column's length."""
    return ("~" + column).encode()[:63].decode(errors="ignore")


def source(tokens: list[Token]) -> str:
    out = ""
    for before, token in zip([None, *tokens], tokens):
        out += (" " if before is not None and before.end != token.start else "") + token.text
    return out


def _column_constraint(reader: TokenReader, table: _Table) -> str:
    name = table.constraint_name(reader)
    if reader.has("NULL"):
        return ""
    if reader.has("NOT", "NULL"):
        # Named as all constraints are, so that the dictionary has it.
        made = "NOT NULL"
    elif reader.has("PRIMARY", "KEY"):
        made = "PRIMARY KEY"
    elif reader.has("UNIQUE"):
        made = "UNIQUE"
    elif reader.sees("REFERENCES"):
        made = _references(reader)
    else:
        made = table.check(reader, name)
    return f"CONSTRAINT {name} {made}{_state(reader)}"


def _identity(reader: TokenReader, table: _Table, record: ColumnRecord) -> list[str]:
    """An identity column: PostgreSQL has none of type numeric, so a sequence and a trigger."""
    from orapool.sandbox.sql.ddl import sequence_options

    if reader.has("ALWAYS"):
        record.identity = "ALWAYS"
    else:
        reader.expect("BY", "DEFAULT")
        record.identity = "BY DEFAULT"
        record.default_on_null = reader.has("ON", "NULL")
    reader.expect("AS", "IDENTITY")
    options = ""
    if reader.has_sign("("):
        options = sequence_options(reader)
        reader.expect_sign(")")
    # As Oracle names it; the number is filled in when the statement runs.
    record.sequence = f"ISEQ$$_{SERIAL}"
    sequence = f"{quote_name(table.name[0]) if table.name[0] else SCHEMA}.{quote_name(record.sequence)}"
    table.before.append(f"CREATE SEQUENCE {sequence} {options}")
    following = f"nextval('{sequence}')::numeric"
    table.after.append(f"ALTER SEQUENCE {sequence} OWNED BY {qualified(table.name)}.{quote_name(record.column)}")
    if record.identity == "ALWAYS":
        table.after.extend(_always_trigger(table.name, record.column, following))
        return ["NOT NULL"]
    if record.default_on_null:
        table.after.extend(_trigger(table.name, record.column, following))
    return [f"DEFAULT {following}", "NOT NULL"]


def _trigger(table: tuple[str | None, str], column: str, value: str) -> list[str]:
    """Fill a column that is NULL."""
    name = quote_name(column)
    return _before_insert(table, column, f"IF new.{name} IS NULL THEN new.{name} := {value}; END IF;")


def _always_trigger(table: tuple[str | None, str], column: str, value: str) -> list[str]:
    """Refuse a value for GENERATED ALWAYS, else make it."""
    name = quote_name(column)
    refuse = "PERFORM oracle.raise(32795, 'cannot insert into a generated always identity column')"
    return _before_insert(table, column, f"IF new.{name} IS NOT NULL THEN {refuse}; END IF; new.{name} := {value};")


def _before_insert(table: tuple[str | None, str], column: str, body: str) -> list[str]:
    function = f'oracle."BEFORE_INSERT_{SERIAL}"'
    return [
        f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN {body} RETURN new; END $body$",
        f"CREATE TRIGGER {quote_name(length_name(column))} BEFORE INSERT ON {qualified(table)} "
        f"FOR EACH ROW EXECUTE FUNCTION {function}()",
    ]


def alter_table(reader: TokenReader) -> Ddl:
    """ALTER TABLE, after these words."""
    name = reader.object_name()
    target = qualified(name)
    table = _Table(name)
    changes: list[str] = []
    if reader.has("ADD"):
        if reader.has_sign("("):
            while True:
                _item(reader, table)
                if not reader.has_sign(","):
                    break
            reader.expect_sign(")")
        else:
            _item(reader, table)
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
    if changes and changes[0].startswith(DROP_PRIMARY_KEY):
        cascade = changes[0][len(DROP_PRIMARY_KEY) :]
        found = f"(SELECT conname FROM pg_constraint WHERE conrelid = '{target}'::regclass AND contype = 'p')"
        drop = f"EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I{cascade}', '{target}'::regclass, {found})"
        return Ddl([f"DO $body$ BEGIN {drop}; END $body$"], missing=(2441, "Cannot drop nonexistent primary key"))
    # Each change alone: a CHECK on a new column's length needs the column.
    return Ddl([*table.before, *(f"ALTER TABLE {target} {change}" for change in changes), *table.after],
               table=name, columns=table.records)  # fmt: skip


def _modify(reader: TokenReader, table: _Table, changes: list[str]) -> None:
    column = reader.name()
    name = quote_name(column)
    if not reader.sees("NOT", "NULL", "DEFAULT", "CONSTRAINT"):
        kind = read_type(reader)
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
        return [DROP_PRIMARY_KEY + (" CASCADE" if reader.has("CASCADE") else "")]
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
