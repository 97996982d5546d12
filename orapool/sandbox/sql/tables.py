"""CREATE TABLE."""

from __future__ import annotations

from dataclasses import dataclass, field

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.actions import ColumnRecord, Ddl
from orapool.sandbox.sql.cursor import TokenReader
from orapool.sandbox.sql.datatypes import ColumnType, read_type
from orapool.sandbox.sql.dialect import unsupported
from orapool.sandbox.sql.expressions import condition, expression, normal, source
from orapool.sandbox.sql.names import SCHEMA, SCHEMA_NAME, SERIAL, qualified, quote_name, quote_text, system_name
from orapool.sandbox.sql.sequences import SequenceOptions, read_options
from orapool.sandbox.sql.temporary import OWNER, create_temporary, keeps_rows, rows_of
from orapool.sandbox.sql.translate import part, translate_text

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


@dataclass
class TableText:
    """What a list of columns and constraints comes to."""

    name: tuple[str | None, str]
    lines: list[str] = field(default_factory=list)
    records: list[ColumnRecord] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    unnamed: int = 0
    temporary: bool = False

    @property
    def rows(self) -> tuple[str | None, str]:
        """The table of PostgreSQL's that has the rows."""
        return rows_of(self.name) if self.temporary else self.name

    def key(self, kind: str, columns: str) -> str:
        """PRIMARY KEY or UNIQUE; in a temporary table each session has its own."""
        return f"{kind} ({columns}{', ' + OWNER if self.temporary else ''})"

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
        self.after.append(f"COMMENT ON CONSTRAINT {name} ON {qualified(self.rows)} IS {quote_text(source(tokens))}")
        return f"CHECK ({made})"


def create_table(reader: TokenReader, temporary: bool = False) -> Ddl:
    """CREATE TABLE, after these words."""
    name = reader.object_name()
    table = TableText(name, temporary=temporary)
    if reader.sees_sign("("):
        reader.expect_sign("(")
        while True:
            read_item(reader, table)
            if not reader.has_sign(","):
                break
        reader.expect_sign(")")
    keeps = temporary and keeps_rows(reader)
    _options(reader)
    if temporary:
        if reader.sees("AS"):
            raise unsupported("CREATE GLOBAL TEMPORARY TABLE AS SELECT")
        reader.end()
        return create_temporary(name, table.lines, table.records, table.before, table.after, keeps)
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


def read_item(reader: TokenReader, table: TableText) -> None:
    """Read a column or a constraint."""
    if reader.sees("CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK"):
        table.lines.append(_table_constraint(reader, table))
        return
    _column(reader, table)


def _table_constraint(reader: TokenReader, table: TableText) -> str:
    name = table.constraint_name(reader)
    if reader.has("PRIMARY", "KEY"):
        made = table.key("PRIMARY KEY", _columns(reader))
    elif reader.has("UNIQUE"):
        made = table.key("UNIQUE", _columns(reader))
    elif reader.has("FOREIGN", "KEY"):
        columns = _columns(reader)
        made = f"FOREIGN KEY ({columns}) {_references(reader, table)}"
    else:
        made = table.check(reader, name)
    return f"CONSTRAINT {name} {made}{_state(reader)}"


def _columns(reader: TokenReader) -> str:
    position, names = reader.position, reader.names()
    if len(set(names)) < len(names):
        raise OracleError(957, "duplicate column name", position)
    return ", ".join(quote_name(name) for name in names)


def _references(reader: TokenReader, table: TableText) -> str:
    if table.temporary:
        raise OracleError(14455, "attempt to create referential integrity constraint on temporary table")
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


def _column(reader: TokenReader, table: TableText) -> None:
    name = reader.name()
    kind = read_type(reader)
    line, record = _definition(reader, table, name, kind)
    table.lines.append(line)
    table.records.append(record)


def _definition(reader: TokenReader, table: TableText, name: str, kind: ColumnType) -> tuple[str, ColumnRecord]:
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
                table.after.extend(_trigger(table.rows, name, expression(tokens)))
        elif reader.has("GENERATED"):
            words.extend(_identity(reader, table, record))
        elif reader.sees("CONSTRAINT", "NOT", "NULL", "UNIQUE", "PRIMARY", "REFERENCES", "CHECK"):
            words.append(_column_constraint(reader, table, name))
        elif reader.has("AS"):
            words.append(_virtual(reader, record))
        elif reader.has("VISIBLE"):
            pass
        elif reader.sees("INVISIBLE", "SORT", "ENCRYPT", "COLLATE"):
            raise unsupported(f"{reader.take().value} of columns")
        else:
            return " ".join(words), record


def length_name(column: str) -> str:
    """The name of the CHECK that keeps a column's length."""
    return f"~{column}"


def _column_constraint(reader: TokenReader, table: TableText, column: str) -> str:
    name = table.constraint_name(reader)
    if reader.has("NULL"):
        return ""
    if reader.has("NOT", "NULL"):
        # Named as all constraints are, so that the dictionary has it.
        made = "NOT NULL"
    elif reader.sees("PRIMARY", "UNIQUE"):
        made = "UNIQUE" if reader.has("UNIQUE") else "PRIMARY KEY"
        if made == "PRIMARY KEY":
            reader.expect("PRIMARY", "KEY")
        if table.temporary:
            table.lines.append(f"CONSTRAINT {name} {table.key(made, quote_name(column))}{_state(reader)}")
            return ""
    elif reader.sees("REFERENCES"):
        made = _references(reader, table)
    else:
        made = table.check(reader, name)
    return f"CONSTRAINT {name} {made}{_state(reader)}"


def _virtual(reader: TokenReader, record: ColumnRecord) -> str:
    """A virtual column. PostgreSQL's take no functions of ours, unless it stores them."""
    tokens = reader.group()
    reader.has("VIRTUAL")
    record.default_text = normal(tokens)
    return f"GENERATED ALWAYS AS ({expression(tokens)}) STORED"


def _identity(reader: TokenReader, table: TableText, record: ColumnRecord) -> list[str]:
    """An identity column: PostgreSQL has none of type numeric, so a sequence and a trigger."""
    if reader.has("ALWAYS"):
        record.identity = "ALWAYS"
    else:
        reader.expect("BY", "DEFAULT")
        record.identity = "BY DEFAULT"
        record.default_on_null = reader.has("ON", "NULL")
    reader.expect("AS")
    if record.identity == "ALWAYS" and reader.sees_sign("("):
        record.identity = None
        return [_virtual(reader, record)]
    reader.expect("IDENTITY")
    options = SequenceOptions("")
    if reader.has_sign("("):
        options = read_options(reader)
        reader.expect_sign(")")
    # As Oracle names it; the number is filled in when the statement runs.
    record.sequence = f"ISEQ$$_{SERIAL}"
    sequence = f"{quote_name(table.name[0]) if table.name[0] else SCHEMA}.{quote_name(record.sequence)}"
    table.before.extend([f"CREATE SEQUENCE {sequence} {options.text}", *options.notes(sequence)])
    following = f"nextval({quote_text(sequence)})::numeric"
    table.after.append(f"ALTER SEQUENCE {sequence} OWNED BY {qualified(table.rows)}.{quote_name(record.column)}")
    if record.identity == "ALWAYS":
        table.after.extend(_always_trigger(table.rows, record.column, following))
        return ["NOT NULL"]
    if record.default_on_null:
        table.after.extend(_trigger(table.rows, record.column, following))
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
