"""One Oracle session on one PostgreSQL connection: transactions, queries, DML."""

from __future__ import annotations

import contextlib
import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg.pq.abc import PGresult

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql import columns, definition
from orapool.sandbox.sql.actions import Control, Ddl
from orapool.sandbox.sql.activity import reads_activities
from orapool.sandbox.sql.batch import run_batch
from orapool.sandbox.sql.binds import LEFT_OPEN, array, bind_oid, check_binds, merged_binds, string_binds, without_empty
from orapool.sandbox.sql.columns import COLUMNS_OF_TABLES
from orapool.sandbox.sql.conversions import convert_strings
from orapool.sandbox.sql.dialect import unsupported
from orapool.sandbox.sql.flashback import TABLE_FORMS
from orapool.sandbox.sql.formats import FORMATS
from orapool.sandbox.sql.identity import BASE_EDITION, ClientWatch, SessionIdentity
from orapool.sandbox.sql.link import Describe, Failure, Link, Prepare, Run, RunPrepared, Stream
from orapool.sandbox.sql.names import quote_name, quote_text
from orapool.sandbox.sql.parser import parse_statement
from orapool.sandbox.sql.plsql import PROCEDURES, Step
from orapool.sandbox.sql.privileges import reads_limits
from orapool.sandbox.sql.registry import entry
from orapool.sandbox.sql.results import Outcome, ResultSet, RowStream
from orapool.sandbox.sql.rows import BindRows
from orapool.sandbox.sql.scanner import locate, scan
from orapool.sandbox.sql.sqlstate import oracle_error
from orapool.sandbox.sql.statement import DDL, DML, PLSQL, QUERY, Statement
from orapool.sandbox.sql.toolong import name_column
from orapool.sandbox.types import Column, OracleType

if TYPE_CHECKING:
    from orapool.sandbox.sql.engine import Engine

_BEGIN, _COMMIT, _ROLLBACK = Run(b"BEGIN"), Run(b"COMMIT"), Run(b"ROLLBACK")
_MARK, _RELEASE, _BACK = Run(b"SAVEPOINT s"), Run(b"RELEASE s"), Run(b"ROLLBACK TO s")
_PREPARED_SIZE = 300
# Rows that PostgreSQL's client library hands over at a time, and what these may take at the most by their columns'
# lengths; of LOBs nobody knows those.
_CHUNK, _CHUNK_WITH_LOBS, _CHUNK_BYTES = 500, 50, 16 << 20
# PostgreSQL cannot tell a bind's type: the strings among them are tried as text then.
_PARAMETER = re.compile(r"parameter \$(\d+)")
_UNDECIDED = frozenset(("42P08", "42P18", "42725", "42883", "42804", "42846"))

_IDENTITY_COLUMNS = {
    "MODULE_NAME": "module",
    "ACTION_NAME": "action",
    "CLIENT_INFO": "client_info",
    "CLIENT_ID": "client_identifier",
}


@dataclass
class Prepared:
    """A statement that PostgreSQL knows by name, for binds of certain types."""

    name: bytes
    parameters: tuple[int, ...]
    columns: tuple[Column, ...]
    guarded: tuple[int, ...]
    # The binary form of each column.
    forms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Past:
    """What a session on the data of another time has: the SCN, its snapshot, and the settings of the session of now."""

    scn: int
    snapshot: str
    settings: dict[str, str]


class Backend:
    """One session. Calls block; one thread at a time, except for `interrupt`."""

    def __init__(
        self,
        engine: Engine,
        link: Link,
        identity: SessionIdentity,
        wait: ClientWatch | None,
        past: Past | None = None,
    ) -> None:
        self.engine = engine
        self.identity = identity
        self.in_transaction = False
        self._link = link
        self._link.watch = self.watch = wait
        self._past = past
        # In the past, a transaction that goes on must not keep the locks of what it has read.
        self._end_of_mark = [_RELEASE] if past is None else [_BACK, _RELEASE]
        # A session of the same user on the data of another time, for flashback queries.
        self._other_time: Backend | None = None
        self._prepared: OrderedDict[tuple[bytes, tuple[int, ...]], Prepared] = OrderedDict()
        self._epoch = engine.columns.epoch
        self._serial = 0
        # A PostgreSQL transaction may be open while Oracle would have none yet (after SAVEPOINT).
        self._open = False
        self._savepoints: list[str] = []
        self._isolation = ""
        self._schema = identity.schema = identity.user.upper()
        self._settings: dict[str, str] = {
            "oracle.user": identity.user.upper(),
            "oracle.proxy_user": identity.proxy_user.upper(),
            "search_path": self._search_path(),
        }
        self._settings_unsafe = False
        if past is None:
            self._begin_session()
            self.activity = engine.activities.join(identity.sid)
        else:
            self._begin_in_the_past(past)

    def __repr__(self) -> str:
        state = "in transaction" if self.in_transaction else "idle"
        return f"<Backend sid {self.identity.sid} of {self.identity.user}, {state}>"

    # -- the session ---------------------------------------------------------------------------------------------

    @property
    def schema(self) -> str:
        """The current schema."""
        return self._schema

    @schema.setter
    def schema(self, name: str) -> None:
        self.set_schema(name)

    def set_schema(self, name: str) -> None:
        """Change the current schema.

        Raises:
            OracleError: ORA-01435 for a schema that is not there.
        """
        found = self.run([Run(b"select 1 from pg_namespace where nspname = $1", [name.encode()])])[-1]
        if not found.ntuples:
            raise OracleError(1435, "user does not exist")
        self._schema = name
        self._forget_prepared()
        self._set("search_path", self._search_path())
        self.set_identity(schema=name)

    def _search_path(self) -> str:
        return f'{quote_name(self._schema)}, "SYS", oracle'

    def _begin_session(self) -> None:
        self._link.run([_check_edition(self.identity.edition), *self._setting_commands(), entry(self.identity)])

    def _begin_in_the_past(self, past: Past) -> None:
        self._settings = dict(past.settings)
        snapshot = f"SET TRANSACTION SNAPSHOT {quote_text(past.snapshot)}"
        self._link.run(self._setting_commands())
        self._link.run([Run(b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"), Run(snapshot.encode())])
        self._open = True

    @property
    def settings(self) -> dict[str, str]:
        """PostgreSQL's settings of this session."""
        return self._settings

    def _setting_commands(self) -> list[Run]:
        return [
            Run(b"select set_config($1, $2, false)", [name.encode(), value.encode()])
            for name, value in self._settings.items()
        ]

    def _set(self, name: str, value: str) -> None:
        self._settings[name] = value
        self.run([Run(b"select set_config($1, $2, false)", [name.encode(), value.encode()])])
        # PostgreSQL takes settings back when the transaction is rolled back; Oracle does not.
        self._settings_unsafe = self._settings_unsafe or self._open

    def set_parameters(self, pairs: Sequence[tuple[str, str]]) -> None:
        """ALTER SESSION SET."""
        for name, value in pairs:
            if name == "CURRENT_SCHEMA":
                self.set_schema(value)
            elif name == "ISOLATION_LEVEL":
                self._isolation = "ISOLATION LEVEL REPEATABLE READ" if value.upper() == "SERIALIZABLE" else ""
            elif name == "EDITION":
                if self.in_transaction:
                    raise OracleError(38814, "ALTER SESSION SET EDITION must be first statement of transaction")
                self.run([_check_edition(value)])
                self.set_identity(edition=value)
            elif name in FORMATS:
                self._set(f"oracle.{name.lower()}", value)

    def set_identity(self, **values: str | None) -> None:
        """Change what V$SESSION tells of this session: module, action, client_info, client_identifier, schema..."""
        changed = {name: value or "" for name, value in values.items() if getattr(self.identity, name) != (value or "")}
        for name, value in changed.items():
            setattr(self.identity, name, value)
        if changed:
            self.engine.registry.update(self.identity, *changed)

    def reset(self) -> None:
        """Forget what was set in the session: behind a pooled server's connection is a fresh one now."""
        self.rollback()
        self._isolation = ""
        names = [name for name in self._settings if name.startswith("oracle.nls_")]
        for name in names:
            self._set(name, "")
            del self._settings[name]
        self.set_schema(self.identity.user.upper())
        self.set_identity(module=self.identity.program, action="", client_info="", client_identifier="")

    def ping(self) -> None:
        """Tell whether the session is there.

        Raises:
            OracleError: ORA-03113 when the engine has gone.
        """
        if self._link.closed or not self.engine.running:
            raise OracleError(3113, "end-of-file on communication channel (the embedded PostgreSQL has gone)")

    def close(self) -> None:
        """End the session; an open transaction is rolled back."""
        if self._past is not None:
            # Who fetches goes on with what is read now.
            with contextlib.suppress(OracleError):
                self._link.finish_stream()
            self._link.close()
            return
        if self._other_time is not None:
            self._other_time._link.close()
            self._other_time = None
        if self._link.closed:
            return
        self.engine.activities.leave(self.identity.sid, self.activity)
        try:
            self._link.discard_stream()
            self.engine.registry.leave(self.identity)
            if self._open:
                self._link.run([_ROLLBACK])
        except (Failure, OracleError):
            pass
        finally:
            self._link.close()

    def interrupt(self) -> None:
        """From another thread: cancel what runs; the call that runs raises ORA-01013."""
        self._link.cancel()

    # -- statements ----------------------------------------------------------------------------------------------

    def prepare(self, sql: str) -> Statement:
        """Parse and translate a statement; cached by its text.

        Raises:
            OracleError: a syntax error (with its position), what the sandbox does not have, or what was revoked.
        """
        statement = self.engine.statements.get(sql, parse_statement)
        self.engine.privileges.check(self.identity.user.upper(), statement)
        return statement

    def describe(self, statement: Statement, bind_types: Sequence[OracleType]) -> tuple[Column, ...]:
        """A query's columns, without running it."""
        if statement.kind != QUERY:
            return ()
        return self._prepare(statement, bind_types, {}).columns

    def query(self, statement: Statement, bind_types: Sequence[OracleType], binds: Sequence[bytes | None]) -> ResultSet:
        """Run a query.

        Raises:
            OracleError: what PostgreSQL refused, in Oracle's words.
        """
        if self._is_of_other_time(statement):
            return self._at_time_of(statement, binds).query(statement, bind_types, binds)
        prepared, values = self._bound(statement, bind_types, binds)
        result = self._query(statement, RunPrepared(prepared.name, values))
        return ResultSet(result, prepared.columns, prepared.guarded)

    def stream(
        self, statement: Statement, bind_types: Sequence[OracleType], binds: Sequence[bytes | None]
    ) -> RowStream:
        """Run a query whose rows are read from PostgreSQL as they are taken, in its binary form.

        They are those of now, whatever the session or others change meanwhile.

        Raises:
            OracleError: what PostgreSQL refused, in Oracle's words.
        """
        if self._is_of_other_time(statement):
            return self._at_time_of(statement, binds).stream(statement, bind_types, binds)
        prepared, values = self._bound(statement, bind_types, binds)
        command = RunPrepared(prepared.name, values, binary=True)
        chunks: Stream | list[PGresult]
        if statement.locks:
            chunks = [self._query(statement, command)]
        else:
            was_open = self._open
            try:
                chunks = self._link.stream(
                    [*([_MARK] if was_open else []), *self._told_before(statement)],
                    command,
                    self._end_of_mark if was_open else [],
                    _chunk(prepared.columns),
                    lambda: self.recover(was_open),
                )
            except Failure as failure:
                raise self._explain(failure, "SELECT", False) from failure
            except OracleError as error:
                self._lose_transaction(error)
                raise
        return RowStream(
            prepared.columns,
            prepared.forms,
            prepared.guarded,
            chunks,
            lambda failure: self._explain(failure, "SELECT", False),
        )

    def _told_before(self, statement: Statement) -> list[Run]:
        """What a statement has to know, said in the same go: PostgreSQL forgets it at its end, or the transaction's."""
        told = {}
        if statement.asks_scn:
            scn = self._past.scn if self._past is not None else self.engine.snapshots.current()
            told[b"oracle.current_scn"] = b"%d" % scn
        if reads_activities(statement):
            told[b"oracle.activities"] = self.engine.activities.in_json()
        if reads_limits(statement):
            told[b"oracle.limits"] = self.engine.privileges.limits_in_json(self.identity.user.upper())
        return [Run(b"select set_config($1, $2, true)", [name, value]) for name, value in told.items()]

    @staticmethod
    def _has_time(statement: Statement) -> bool:
        return bool(statement.scns or statement.scn_binds)

    def _is_of_other_time(self, statement: Statement) -> bool:
        return self._past is None and self._has_time(statement)

    def _at_time_of(self, statement: Statement, binds: Sequence[bytes | None]) -> Backend:
        """The session on the data of a flashback query's SCN.

        Raises:
            OracleError: ORA-08181, ORA-01555; ORA-01466 when a table has been altered since.
        """
        scns = set(statement.scns)
        for number in statement.scn_binds:
            given = binds[number] if number < len(binds) else None
            if given is None or not given.strip().isdigit():
                raise OracleError(8181, "specified number is not a valid system change number")
            scns.add(int(given))
        if len(scns) > 1:
            raise unsupported("a query of tables of different times")
        (scn,) = scns
        other = self._other_time
        known = other._past if other is not None else None
        if other is None or known is None or known.scn != scn or known.settings != self._settings:
            opened = self.engine.open_past(self, scn)
            if other is not None:
                other.close()
            self._other_time = other = opened
        names = [".".join(quote_name(part) for part in table if part).encode() for table in statement.tables]
        forms = [Run(TABLE_FORMS, [array(names, columns.TEXT)])]
        if _returned(other.run(forms)[0]) != _returned(self.run(forms)[0]):
            raise OracleError(1466, "unable to read data - table definition has changed")
        return other

    def cache_key(
        self, statement: Statement, bind_types: Sequence[OracleType], binds: Sequence[bytes | None]
    ) -> tuple[object, ...] | None:
        """What a query's rows depend on beside the data, if these are the ones that everybody sees, else None."""
        if self._open or statement.kind != QUERY or statement.locks or self._has_time(statement):
            return None
        types = tuple((kind.code, kind.charset_form) for kind in bind_types)
        return statement.sql, types, tuple(binds), tuple(self._settings.items())

    @property
    def data_version(self) -> int | None:
        """The number of the last change of any data; None while a commit is under way."""
        return self.engine.changes.version

    def is_repeatable(self, statement: Statement) -> bool:
        """Whether a query has the same rows whenever its `cache_key` and the data are the same."""
        return self.engine.is_repeatable(statement, self._settings["search_path"])

    def _bound(
        self, statement: Statement, bind_types: Sequence[OracleType], binds: Sequence[bytes | None]
    ) -> tuple[Prepared, list[bytes | None]]:
        if statement.kind != QUERY:
            raise OracleError(24333, "zero iteration count")
        check_binds(statement, bind_types, binds)
        merged = merged_binds(statement, bind_types, [binds])
        prepared = self._prepare(statement, bind_types, merged)
        columns_: list[Sequence[bytes | None]] = [[value] for value in (*without_empty(binds), *statement.constants)]
        convert_strings(self, string_binds(statement, bind_types), prepared.parameters, columns_)
        return prepared, [value for (value,) in columns_]

    def _query(self, statement: Statement, command: RunPrepared) -> PGresult:
        told = self._told_before(statement)
        commands: list[Run | RunPrepared] = [*told, command]
        at = len(told)
        if statement.lock_wait is not None:
            commands = [_lock_timeout(statement.lock_wait), *commands, _lock_timeout(0)]
            at += 1
        results = self.run(commands, opens=statement.locks, verb="SELECT", waits=statement.lock_wait is not None)
        if statement.locks:
            self.in_transaction = True
        return results[at]

    def execute(
        self,
        statement: Statement,
        bind_types: Sequence[OracleType],
        rows: Sequence[Sequence[bytes | None]],
        batch_errors: bool = False,
    ) -> Outcome:
        """Run DML once for each bind row, or DDL, PL/SQL, transaction control once.

        Raises:
            OracleError: for array DML, `rows_done` rows before the one that failed are done and kept.
        """
        if statement.kind == DML:
            try:
                return self._execute_dml(statement, bind_types, rows or [()], batch_errors)
            except OracleError as error:
                raise name_column(self, error, statement, rows) from error
        if statement.kind == DDL and isinstance(statement.action, Ddl):
            if statement.action.text is not None and self.identity.edition != BASE_EDITION:
                raise unsupported(f"views in an edition of their own ({self.identity.edition})")
            self.commit()
            self.engine.finish_streams(self._link)
            definition.run_ddl(self, statement.action)
            return Outcome()
        if statement.kind == PLSQL:
            return self._execute_block(statement, bind_types, (rows or [()])[0])
        if isinstance(statement.action, Control):
            statement.action.run(self)
            return Outcome()
        raise OracleError(24338, "statement handle not executed")

    def _execute_dml(
        self,
        statement: Statement,
        bind_types: Sequence[OracleType],
        rows: Sequence[Sequence[bytes | None]],
        batch_errors: bool,
    ) -> Outcome:
        inputs = statement.inputs
        check_binds(statement, bind_types, rows[0])
        merged = merged_binds(statement, bind_types[:inputs], rows)
        prepared = self._prepare(statement, bind_types[:inputs], merged)
        values = BindRows.of(rows, inputs).with_constants(statement.constants)
        convert_strings(self, string_binds(statement, bind_types), prepared.parameters, values.columns)
        if len(values) == 1 and not batch_errors:
            result = self.run([RunPrepared(prepared.name, values[0])], opens=True, verb=statement.verb)[0]
            outcome = Outcome(returned=[_returned(result)] if statement.returning_from is not None else [])
            outcome.row_count = result.command_tuples or 0
            outcome.row_counts = [outcome.row_count]
        else:
            outcome = run_batch(self, statement, prepared, values, batch_errors)
        self.in_transaction = True
        return outcome

    # -- transactions --------------------------------------------------------------------------------------------

    def commit(self) -> None:
        """Commit."""
        if self._open:
            self._finish(_COMMIT)

    def rollback(self) -> None:
        """Roll back."""
        if self._open:
            self._finish(_ROLLBACK)
            if self._settings_unsafe:
                self._settings_unsafe = False
                self._link.run(self._setting_commands())

    def _finish(self, command: Run) -> None:
        self.in_transaction = False
        self._open = False
        self._savepoints.clear()
        try:
            with self.engine.changes.change() if command is _COMMIT else contextlib.nullcontext():
                self._link.run([command])
        except Failure as failure:
            # A deferred constraint: Oracle rolls the transaction back, and so has PostgreSQL.
            error = oracle_error(failure, "COMMIT")
            raise OracleError(2091, f"transaction rolled back\nORA-{error.code:05d}: {error.message}") from failure

    def begin(self, mode: str) -> None:
        """SET TRANSACTION.

        Raises:
            OracleError: ORA-01453 inside of a transaction.
        """
        if self._open:
            raise OracleError(1453, "SET TRANSACTION must be first statement of transaction")
        self._link.run([Run(f"BEGIN {mode}".encode())])
        self._open = True

    def savepoint(self, name: str) -> None:
        """SAVEPOINT."""
        commands = [Run(f"SAVEPOINT {quote_name('~' + name)}".encode())]
        if not self._open:
            commands.insert(0, self._begin_command())
        self._link.run(commands)
        self._open = True
        self._savepoints.append(name)

    def rollback_to(self, name: str) -> None:
        """ROLLBACK TO SAVEPOINT.

        Raises:
            OracleError: ORA-01086 without such a savepoint.
        """
        # PostgreSQL would break the transaction at an unknown name.
        if name not in self._savepoints:
            raise OracleError(1086, f"savepoint '{name}' never established in this session or is invalid")
        last = len(self._savepoints) - self._savepoints[::-1].index(name)
        del self._savepoints[last:]
        self._link.run([Run(f"ROLLBACK TO SAVEPOINT {quote_name('~' + name)}".encode())])

    def lock_table(self, schema: str | None, table: str, mode: str, wait: int | None) -> None:
        """LOCK TABLE; `wait` in seconds, 0 not to wait, None without limit."""
        name = f"{quote_name(schema or self._schema)}.{quote_name(table)}"
        lock = Run(f"LOCK TABLE {name} IN {mode} MODE {'NOWAIT' if wait == 0 else ''}".encode())
        commands = [_lock_timeout(wait), lock, _lock_timeout(0)] if wait else [lock]
        self.run(commands, opens=True, waits=bool(wait))
        self.in_transaction = True

    def _begin_command(self) -> Run:
        return Run(f"BEGIN {self._isolation}".encode()) if self._isolation else _BEGIN

    def run(
        self,
        commands: Sequence[Run | RunPrepared | Prepare | Describe],
        opens: bool = False,
        verb: str = "",
        waits: bool = False,
    ) -> list[PGresult]:
        """Run commands as one statement of Oracle's: all or nothing, the transaction before it kept.

        Args:
            commands: what PostgreSQL gets.
            opens: whether a transaction begins with it.
            verb: for error messages.
            waits: a lock time-out is ORA-30006 (WAIT n) and not ORA-00054.

        Raises:
            OracleError: in Oracle's words; ORA-03113 when the engine has gone.
        """
        try:
            return self.run_raw(commands, opens)
        except Failure as failure:
            raise self._explain(failure, verb, waits) from failure

    def run_raw(
        self, commands: Sequence[Run | RunPrepared | Prepare | Describe], opens: bool = False
    ) -> list[PGresult]:
        """As `run`, but raise PostgreSQL's `Failure`, after the transaction is sound again."""
        link = self._link
        link.interrupted = False
        was_open = self._open
        if was_open:
            sent = [_MARK, *commands, *self._end_of_mark]
        elif opens or not commands:
            sent = [self._begin_command(), *commands]
        else:
            sent = list(commands)
        try:
            results = link.run(sent)
        except Failure as failure:
            self.recover(was_open)
            if was_open or opens:
                failure.index -= 1
            raise
        except OracleError as error:
            self._lose_transaction(error)
            raise
        if was_open:
            return results[1 : -len(self._end_of_mark)]
        if opens:
            self._open = True
            return results[1:]
        return results

    def _lose_transaction(self, error: OracleError) -> None:
        if error.code == 3113:
            self._open = self.in_transaction = False

    def recover(self, was_open: bool) -> None:
        """After a failed command: back to where the statement began."""
        if was_open:
            self._link.run([_BACK, _RELEASE])
        elif self._link.transaction_open:
            self._link.run([_ROLLBACK])

    def _explain(self, failure: Failure, verb: str, waits: bool) -> OracleError:
        error = oracle_error(failure, verb)
        if error.code == 54 and waits:
            return OracleError(30006, "resource busy; acquire with WAIT timeout expired")
        return error

    # -- prepared statements -------------------------------------------------------------------------------------

    def _forget_prepared(self) -> None:
        if self._prepared:
            self._prepared.clear()
            self.run([Run(b"DEALLOCATE ALL")])

    def _prepare(self, statement: Statement, bind_types: Sequence[OracleType], merged: dict[int, int]) -> Prepared:
        if self._epoch != self.engine.columns.epoch:
            self._epoch = self.engine.columns.epoch
            self._forget_prepared()
        assert statement.part is not None
        oids = [bind_oid(kind, self.engine.columns) for kind in bind_types]
        if not oids and statement.scn_binds:  # parsed only, and nowhere in the text to tell their type by
            oids = [
                columns.TEXT if n in statement.scn_binds else LEFT_OPEN for n in range(max(statement.scn_binds) + 1)
            ]
        for repeated in merged:
            oids[repeated] = columns.TEXT
        oids.extend([LEFT_OPEN] * len(statement.constants))
        try:
            return self.prepare_text(statement.part.text(merged), oids, statement)
        except OracleError as error:
            if error.code != 932 or not merged:
                raise
            # ``:x is null or column = :x``: each occurrence may need a type of its own.
            return self._prepare(statement, bind_types, {})

    def prepare_text(self, text: bytes, oids: Sequence[int], statement: Statement) -> Prepared:
        """Have PostgreSQL know a text by a name."""
        key = (text, tuple(oids))
        found = self._prepared.get(key)
        if found is not None:
            self._prepared.move_to_end(key)
            return found
        self._serial += 1
        name = b"p%d" % self._serial
        described = self._parse(name, text, list(oids), statement)
        if statement.source is not None:
            self._check_value_count(statement)
        made = self._columns(name, described, statement)
        self._prepared[key] = made
        if len(self._prepared) > _PREPARED_SIZE:
            _, old = self._prepared.popitem(last=False)
            self.run([Run(b"DEALLOCATE " + old.name)])
        return made

    def _parse(self, name: bytes, text: bytes, oids: list[int], statement: Statement) -> PGresult:
        """Have PostgreSQL parse a text; strings whose type it cannot tell are texts."""
        while True:
            try:
                return self.run_raw([Prepare(name, text, oids), Describe(name)])[1]
            except Failure as failure:
                if failure.sqlstate not in _UNDECIDED or LEFT_OPEN not in oids:
                    raise self._explain_prepare(failure, statement) from failure
                found = _PARAMETER.search(str(failure))
                number = int(found.group(1)) - 1 if found else -1
                if 0 <= number < len(oids) and oids[number] == LEFT_OPEN:
                    oids[number] = columns.TEXT
                else:
                    oids = [oid or columns.TEXT for oid in oids]

    def _check_value_count(self, statement: Statement) -> None:
        """INSERT without column names needs a value for each column; PostgreSQL takes fewer."""
        source = statement.source
        assert statement.table is not None
        assert source is not None
        name = f"{quote_name(statement.table[0] or self._schema)}.{quote_name(statement.table[1])}"
        table = self.run_raw([Prepare(b"", f"select * from {name}".encode()), Describe(b"")])[1]
        if isinstance(source, int):
            given = source
        else:
            query = source.text(dollar=lambda _: "null")
            given = self.run_raw([Prepare(b"", query), Describe(b"")])[1].nfields
        if given < table.nfields:
            raise OracleError(947, "not enough values")

    def _explain_prepare(self, failure: Failure, statement: Statement) -> OracleError:
        error = self._explain(failure, statement.verb, False)
        if error.code == 979 and not any(token.is_word("GROUP") for token in scan(statement.sql)):
            error = OracleError(937, "not a single-group group function")
        return locate(error, statement.sql)

    def described(self, described: PGresult, statement: Statement) -> list[Column]:
        """The columns of what PostgreSQL described."""
        return list(self._columns(b"", described, statement).columns)

    def _columns(self, name: bytes, described: PGresult, statement: Statement) -> Prepared:
        parameters = tuple(described.param_type(number) for number in range(described.nparams))
        catalog = self.engine.columns
        unknown = catalog.missing(described)
        if unknown:
            tables = "{" + ",".join(str(table) for table in unknown) + "}"
            catalog.learn(self.run([Run(COLUMNS_OF_TABLES, [tables.encode()])])[0])
        made: list[Column] = []
        guarded: list[int] = []
        for index in range(described.nfields):
            title = (described.fname(index) or b"").decode()
            if statement.names is not None and index < len(statement.names):
                title = statement.names[index] or title
            known = catalog.column(described, index)
            if known is not None:
                made.append(Column(title, known.type, known.nullable))
                continue
            kind = catalog.by_oid(described.ftype(index), described.fmod(index))
            if kind is None:
                raise unsupported(f"a result of PostgreSQL's type {described.ftype(index)} (column {title})")
            if index in statement.literal_lengths:
                kind = columns.literal(statement.literal_lengths[index])
            elif kind.code == 1:
                guarded.append(index)
            made.append(Column(title, kind))
        forms = tuple(catalog.form(described.ftype(index)) for index in range(described.nfields))
        return Prepared(name, parameters, tuple(made), tuple(guarded), forms)

    # -- PL/SQL --------------------------------------------------------------------------------------------------

    def _execute_block(
        self, statement: Statement, bind_types: Sequence[OracleType], row: Sequence[bytes | None]
    ) -> Outcome:
        outcome = Outcome()
        values = list(row)
        for step in statement.action:
            self._step(step, bind_types, values, outcome)
        outcome.out = {index: values[index] for index in statement.out_binds}
        return outcome

    def _step(self, step: Step, bind_types: Sequence[OracleType], values: list[bytes | None], outcome: Outcome) -> None:
        if step.kind == "transaction_id":
            assert step.target is not None
            values[step.target] = self._transaction_id(bool(step.procedure))
            return
        inner = step.statement
        types = [bind_types[number] for number in step.binds]
        binds = [values[number] for number in step.binds]
        if step.kind == "statement" and inner is not None:
            done = self.execute(inner, types, [binds])
            outcome.row_count += done.row_count
            return
        answer: tuple[bytes | None, ...] = ()
        if inner is not None:
            result = self.query(inner, types, binds)
            answer = result.rows(0, 1)[0]
            result.close()
        if step.kind == "assign":
            assert step.target is not None
            values[step.target] = answer[0]
        elif step.kind == "call" and PROCEDURES[step.procedure][0] == "set_identity":
            texts = [None if value is None else value.decode() for value in answer]
            named = {_IDENTITY_COLUMNS[name]: text for name, text in zip(step.parameters, texts)}
            self.set_identity(**(named or {"client_identifier": ""}))

    def _transaction_id(self, create: bool) -> bytes | None:
        """DBMS_TRANSACTION.LOCAL_TRANSACTION_ID: undo segment, slot and sequence, NULL without a transaction."""
        if create:
            made = self.run([Run(b"select pg_current_xact_id()::text")], opens=True)[0].get_value(0, 0)
            self.in_transaction = True
            return b"1.0." + (made or b"")
        if not self.in_transaction:
            return None
        found = self.run([Run(b"select pg_current_xact_id_if_assigned()::text")])[0].get_value(0, 0)
        return b"1.0." + (found or b"0")


def _chunk(kinds: Sequence[Column]) -> int:
    if any(column.type.code in (112, 113) for column in kinds):
        return _CHUNK_WITH_LOBS
    return max(1, min(_CHUNK, _CHUNK_BYTES // (1 + sum(column.type.buffer_size for column in kinds))))


def _returned(result: PGresult) -> list[tuple[bytes | None, ...]]:
    fields = range(result.nfields)
    return [tuple(result.get_value(row, field) for field in fields) for row in range(result.ntuples)]


def _check_edition(name: str) -> Run:
    """Raises ORA-38802 where there is no edition of that name."""
    return Run(b"select oracle.check_edition($1)", [name.encode()])


def _lock_timeout(seconds: int) -> Run:
    return Run(f"SET LOCAL lock_timeout = {quote_text(f'{seconds}s')}".encode())
