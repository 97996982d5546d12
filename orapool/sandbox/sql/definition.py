"""Running DDL: names that Oracle makes up, our catalogue's rows, errors of missing objects."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from psycopg import pq

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.actions import ColumnRecord, Ddl
from orapool.sandbox.sql.datatypes import ColumnType
from orapool.sandbox.sql.link import Describe, Failure, Prepare, Run
from orapool.sandbox.sql.names import (
    SCHEMA,
    SCHEMA_NAME,
    SERIAL,
    full_name,
    long_names,
    postgres_name,
    quote_name,
    system_name,
)
from orapool.sandbox.sql.sqlstate import oracle_error
from orapool.sandbox.sql.statement import DDL, Statement
from orapool.sandbox.sql.tables import length_name
from orapool.sandbox.sql.temporary import rows_of, steps_for_rows
from orapool.sandbox.types import Column, OracleType

if TYPE_CHECKING:
    from orapool.sandbox.sql.backend import Backend

_UNNAMED = re.compile(system_name(0).replace("0", r"(\d+)"))
# Oracle does not wait for locks in DDL (DDL_LOCK_TIMEOUT 0); a little here, for PostgreSQL's own upkeep.
_LOCK_TIMEOUT = Run(b"SET LOCAL lock_timeout = '250ms'")
_SERIALS = b"select nextval('oracle.serials') from generate_series(1, $1::int)"
_REMEMBER = b"""
insert into oracle.column_types
select a.attrelid, a.attnum, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16
  from pg_attribute a where a.attrelid = $1::regclass and a.attname = $2 and not a.attisdropped
    on conflict (relid, attnum) do update set type_name = excluded.type_name, code = excluded.code,
  charset_form = excluded.charset_form, type_precision = excluded.type_precision, type_scale = excluded.type_scale,
  buffer_size = excluded.buffer_size, char_size = excluded.char_size, char_used = excluded.char_used,
  data_precision = excluded.data_precision, data_scale = excluded.data_scale
"""
_FORGET = Run(
    b"delete from oracle.column_types c where not exists (select from pg_attribute a where a.attrelid = c.relid "
    b"and a.attnum = c.attnum and not a.attisdropped)"
)
_TEXT = (
    b"insert into oracle.objects (relid, text) values ($1::regclass, $2) on conflict (relid) do update set text = $2"
)

_FIELD = pq.DiagnosticField
# What rows that are there do not meet.
_NOT_VALID = {
    "23503": (2298, "validate", "parent keys not found"),
    "23514": (2293, "validate", "check constraint violated"),
    "23502": (2296, "enable", "null values found"),
    "23505": (2299, "validate", "duplicate keys found"),
}
_LONG_NAME = b"insert into oracle.long_names values ($1, $2) on conflict do nothing"


def run_ddl(backend: Backend, ddl: Ddl) -> None:
    """Run a DDL statement in a transaction of its own.

    Raises:
        OracleError: what is wrong with it; nothing of it is done then.
    """
    if not ddl.steps:
        return
    steps, serial = _filled(backend, ddl)
    if ddl.changes is not None and backend.engine.has_temporary_tables:
        steps = _for_temporary(backend, ddl.changes, steps)
    commands: list[Run] = [_LOCK_TIMEOUT, *(Run(step.encode()) for step in steps)]
    if ddl.table is not None:
        table = _target(backend, ddl.table)
        commands.extend(_remember(table, record, serial) for record in ddl.columns)
        if ddl.text is not None:
            commands.append(Run(_TEXT, [table.encode(), ddl.text.encode()]))
    names = long_names("".join(steps)).items()
    commands.extend(Run(_LONG_NAME, [short.encode(), name.encode()]) for short, name in names)
    commands.append(_FORGET)
    try:
        columns = _describe(backend, ddl.query) if ddl.query is not None else []
        backend.run_raw(commands, opens=True)
        if ddl.table is not None and columns:
            _take_up(backend, ddl.table, columns, limits=steps[0].startswith("CREATE TABLE"))
        if ddl.table is not None and ddl.query is not None and ddl.keyed:
            _add_key(backend, ddl.table, ddl.query)
        backend.engine.has_temporary_tables |= ddl.temporary
        backend.engine.synonyms.present |= ddl.synonyms
        backend.commit()
    except Failure as failure:
        backend.rollback()
        raise _explain(failure, ddl) from failure
    except OracleError:
        backend.rollback()
        raise
    finally:
        backend.engine.columns.clear()


def _explain(failure: Failure, ddl: Ddl) -> OracleError:
    error = oracle_error(failure, "DDL")
    message = str(failure)
    if error.code in (942, 1418) or (failure.sqlstate == "42704" and "constraint" not in message):
        return OracleError(*ddl.missing)
    if failure.sqlstate == "42809" and ddl.query is not None:
        return OracleError(955, "name is already used by an existing object")
    if failure.sqlstate == "42809":
        return OracleError(*ddl.missing)
    if failure.sqlstate == "42704":
        return OracleError(2443, "Cannot drop constraint  - nonexistent constraint")
    adding = next((step for step in ddl.steps if step.startswith("ALTER TABLE") and " ADD " in step), "")
    if failure.sqlstate in _NOT_VALID and any(step.startswith("ALTER TABLE") for step in ddl.steps):
        code, verb, text = _NOT_VALID[failure.sqlstate]
        code = 2437 if code == 2299 and "PRIMARY KEY" in adding else code
        schema, name = (full_name(failure.field(field)) for field in (_FIELD.SCHEMA_NAME, _FIELD.CONSTRAINT_NAME))
        return OracleError(code, f"cannot {verb} ({schema}.{name}) - {text}")
    if failure.sqlstate == "2BP01" and "view " in failure.field(_FIELD.MESSAGE_DETAIL):
        return OracleError(3001, "unimplemented feature: dropping or changing what a view reads; drop the view first")
    if failure.sqlstate == "0A000" and "used by a view" in message:
        return OracleError(3001, "unimplemented feature: dropping or changing what a view reads; drop the view first")
    if failure.sqlstate == "23505" and "could not create unique index" in message:
        return OracleError(1452, "cannot CREATE UNIQUE INDEX; duplicate keys found")
    if failure.sqlstate == "42701":
        return OracleError(1430, "column being added already exists in table")
    if failure.sqlstate == "2BP01" and ddl.steps[0].startswith("DROP TABLE"):
        return OracleError(2449, "unique/primary keys in table referenced by foreign keys")
    if failure.sqlstate == "2BP01" and ddl.steps[0].startswith("DROP INDEX"):
        return OracleError(2429, "cannot drop index used for enforcement of unique/primary key")
    return error


def _target(backend: Backend, name: tuple[str | None, str]) -> str:
    return f"{quote_name(name[0] or backend.schema)}.{quote_name(name[1])}"


def _filled(backend: Backend, ddl: Ddl) -> tuple[list[str], str]:
    """The steps with their marks filled in, and the number that the statement's own objects bear."""
    unnamed = sorted(set(_UNNAMED.findall("".join(ddl.steps))), key=int)
    serials: list[int] = []
    if unnamed or any(SERIAL in step for step in ddl.steps):
        found = backend.run([Run(_SERIALS, [str(len(unnamed) + 1).encode()])])[0]
        serials = [int(found.get_value(row, 0) or b"0") for row in range(found.ntuples)]
    names = {number: quote_name(f"SYS_C{serial:07d}") for number, serial in zip(unnamed, serials)}
    own = str(serials.pop()) if serials else ""
    schema = backend.schema
    filled: list[str] = []
    for step in ddl.steps:
        step = _UNNAMED.sub(lambda found: names[found.group(1)], step)
        step = step.replace(SERIAL, own).replace(SCHEMA, quote_name(schema))
        filled.append(step.replace(SCHEMA_NAME, schema.replace("'", "''")))
    return filled, own


def _for_temporary(backend: Backend, name: tuple[str | None, str], steps: list[str]) -> list[str]:
    target = _target(backend, name)
    found = backend.run([Run(b"select oracle.is_temporary($1)", [target.encode()])])[0]
    if found.get_value(0, 0) != b"t":
        return steps
    return steps_for_rows(steps, target, _target(backend, rows_of(name)))


def _add_key(backend: Backend, name: tuple[str | None, str], query: str) -> None:
    """Give a table that a query has filled the primary key of the one that the query reads, if it has all of it."""
    prepare = Prepare(b"described", query.encode())
    described = backend.run_raw([prepare, Describe(b"described"), Run(b"DEALLOCATE described")])[1]
    fields = range(described.nfields)
    sources = {described.ftable(field) for field in fields}
    if len(sources) == 1 and 0 not in sources:
        numbers = "{" + ",".join(str(described.ftablecol(field)) for field in fields) + "}"
        values = [_target(backend, name).encode(), str(sources.pop()).encode(), numbers.encode()]
        backend.run_raw([Run(b"select oracle.add_key($1::regclass, $2::oid, $3::int2[])", values)])


def _remember(table: str, record: ColumnRecord, serial: str) -> Run:
    kind = record.type
    values: list[object] = [*_type_values(kind.oracle), kind.char_used, kind.precision, kind.scale]
    sequence = record.sequence.replace(SERIAL, serial) if record.sequence is not None else None
    values += [record.default_text, record.identity, sequence, record.default_on_null]
    return _remember_command(table, record.column, values)


def _type_values(kind: OracleType) -> list[object]:
    return [kind.name, kind.code, kind.charset_form, kind.precision, kind.scale, kind.buffer_size, kind.char_size]


def _remember_command(table: str, column: str, values: list[object]) -> Run:
    texts = [None if value is None else str(value).encode() for value in values]
    return Run(_REMEMBER, [table.encode(), postgres_name(column).encode(), *texts])


def _describe(backend: Backend, query: str) -> list[Column]:
    """The columns of the query of a view or of CREATE TABLE AS."""
    prepare = Prepare(b"described", query.encode())
    described = backend.run_raw([prepare, Describe(b"described"), Run(b"DEALLOCATE described")])[1]
    return backend.prepared.described(described, Statement(query, DDL, "CREATE"))


def _take_up(backend: Backend, name: tuple[str | None, str], columns: list[Column], limits: bool) -> None:
    """Give a view's or a new table's columns the types of its query; a table's columns keep their limits too."""
    table = _target(backend, name)
    prepare = Prepare(b"described", f"select * from {table}".encode())
    described = backend.run_raw([prepare, Describe(b"described"), Run(b"DEALLOCATE described")])[1]
    commands: list[Run] = []
    for index, column in enumerate(columns):
        kind = column.type
        title = (described.fname(index) or b"").decode()
        numeric = kind.code == 2 and kind.precision > 0
        used = ("C" if kind.buffer_size != kind.char_size else "B") if kind.code in (1, 96) else None
        scale = kind.scale if numeric and kind.scale != -127 else None
        values = [*_type_values(kind), used, kind.precision if numeric else None, scale, None, None, None, False]
        commands.append(_remember_command(table, title, values))
        if limits:
            commands.extend(_limits(table, name[0] or backend.schema, name[1], title, column, used))
    backend.run_raw(commands)


def _limits(table: str, schema: str, name: str, title: str, column: Column, used: str | None) -> list[Run]:
    kind = column.type
    limit = {1: kind.char_size, 23: kind.buffer_size}.get(kind.code)
    measure = "char_length" if used == "C" else "octet_length"
    check = ColumnType("", kind, limit=limit, measure=measure).check(schema, name, title)
    changes = []
    if check is not None:
        changes.append(f"ADD CONSTRAINT {quote_name(length_name(title))} CHECK ({check})")
    if not column.nullable:
        changes.append(f"ALTER COLUMN {quote_name(title)} SET NOT NULL")
    return [Run(f"ALTER TABLE {table} {change}".encode()) for change in changes]
