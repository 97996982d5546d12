"""One Oracle session on one PostgreSQL connection: transactions, queries, DML."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from psycopg.pq.abc import PGresult

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql import definition, users
from orapool.sandbox.sql.actions import Control, Ddl
from orapool.sandbox.sql.activity import reads_activities
from orapool.sandbox.sql.batch import run_batch
from orapool.sandbox.sql.binds import check_binds, merged_binds, string_binds, without_empty
from orapool.sandbox.sql.blocks import run_block
from orapool.sandbox.sql.conversions import convert_strings
from orapool.sandbox.sql.dialect import unsupported
from orapool.sandbox.sql.formats import FORMATS
from orapool.sandbox.sql.identity import BASE_EDITION, ClientWatch, SessionIdentity
from orapool.sandbox.sql.link import Failure, Link, Run, RunPrepared, Stream
from orapool.sandbox.sql.lob_places import Place, change
from orapool.sandbox.sql.names import quote_name, quote_text
from orapool.sandbox.sql.parser import parse_statement
from orapool.sandbox.sql.past import OtherTime, Past, has_time
from orapool.sandbox.sql.prepared import Prepared, PreparedStatements
from orapool.sandbox.sql.privileges import reads_limits
from orapool.sandbox.sql.registry import entry
from orapool.sandbox.sql.results import Outcome, ResultSet, RowStream, all_rows
from orapool.sandbox.sql.routine_calls import resolve, resolved_types
from orapool.sandbox.sql.rows import BindRows
from orapool.sandbox.sql.settings import Settings
from orapool.sandbox.sql.statement import DDL, DML, PLSQL, QUERY, Statement
from orapool.sandbox.sql.synonyms import resolving
from orapool.sandbox.sql.toolong import name_column
from orapool.sandbox.sql.transaction import Command, Transaction, explain, lock_timeout
from orapool.sandbox.types import Column, OracleType

if TYPE_CHECKING:
    from orapool.sandbox.sql.engine import Engine

# Rows that PostgreSQL's client library hands over at a time, and what these may take at the most by their columns'
# lengths; of LOBs nobody knows those.
_CHUNK, _CHUNK_WITH_LOBS, _CHUNK_BYTES = 500, 50, 16 << 20


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
        self.past = past
        self._link = link
        self._link.watch = self.watch = wait
        # In the past, a transaction that goes on must not keep the locks of what it has read.
        self.transaction = Transaction(link, engine.changes, keeps_locks=past is None, at_commit=engine.at_commit)
        self.prepared = PreparedStatements(self)
        self._other_time = OtherTime(self)
        self._schema = identity.schema = identity.user.upper()
        now = {
            "oracle.user": identity.user.upper(),
            "oracle.proxy_user": identity.proxy_user.upper(),
            "search_path": self._search_path(),
        }
        self._settings = Settings(self.transaction, now if past is None else past.settings)
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
        self.prepared.forget()
        self._settings.set("search_path", self._search_path())
        self.set_identity(schema=name)

    def _search_path(self) -> str:
        return f'{quote_name(self._schema)}, "SYS", oracle'

    def _begin_session(self) -> None:
        self._forget_rows()
        self._link.run([_check_edition(self.identity.edition), *self._settings.commands(), entry(self.identity)])

    def _begin_in_the_past(self, past: Past) -> None:
        snapshot = f"SET TRANSACTION SNAPSHOT {quote_text(past.snapshot)}"
        self._link.run(self._settings.commands())
        self.transaction.begin("ISOLATION LEVEL REPEATABLE READ READ ONLY", Run(snapshot.encode()))

    @property
    def settings(self) -> dict[str, str]:
        """PostgreSQL's settings of this session."""
        return self._settings.values

    def set_parameters(self, pairs: Sequence[tuple[str, str]]) -> None:
        """ALTER SESSION SET."""
        for name, value in pairs:
            if name == "CURRENT_SCHEMA":
                self.set_schema(value)
            elif name == "ISOLATION_LEVEL":
                serializable = value.upper() == "SERIALIZABLE"
                self.transaction.isolation = "ISOLATION LEVEL REPEATABLE READ" if serializable else ""
            elif name == "EDITION":
                if self.in_transaction:
                    raise OracleError(38814, "ALTER SESSION SET EDITION must be first statement of transaction")
                self.run([_check_edition(value)])
                self.set_identity(edition=value)
            elif name in FORMATS:
                self._settings.set(f"oracle.{name.lower()}", value)

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
        self._forget_rows()
        self.transaction.isolation = ""
        self._settings.unset([name for name in self.settings if name.startswith("oracle.nls_")])
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
        if self.past is not None:
            # Who fetches goes on with what is read now.
            with contextlib.suppress(OracleError):
                self._link.finish_stream()
            self.disconnect()
            return
        self._other_time.close()
        if self._link.closed:
            return
        self.engine.activities.leave(self.identity.sid, self.activity)
        try:
            self._link.discard_stream()
            self.engine.registry.leave(self.identity)
            self.transaction.rollback()
            self._forget_rows()
        except (Failure, OracleError):
            pass
        finally:
            self.disconnect()

    def _forget_rows(self) -> None:
        """Those in temporary tables."""
        if self.engine.has_temporary_tables:
            with self.engine.changes.change():
                self._link.run([Run(b"select oracle.forget_rows(true)")])

    def disconnect(self) -> None:
        """Leave PostgreSQL, whatever is open or left to fetch."""
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
        statement = self._statement(sql)
        self.engine.privileges.check(self.identity.user.upper(), statement)
        return statement

    def current(self, statement: Statement) -> Statement:
        """A statement that was prepared before, as it is now: what its synonyms stand for may have changed."""
        return self.prepare(statement.sql) if self.engine.synonyms.present else statement

    def _statement(self, sql: str) -> Statement:
        routines, synonyms = self.engine.routines, self.engine.synonyms
        statements, parse = self.engine.statements, parse_statement
        if routines.may_be_called_in(sql):
            statements, parse = routines.statements, partial(parse_statement, routines=routines.names)
        if not synonyms.present or self.past is not None:
            return statements.get(sql, parse)
        visible = synonyms.visible(self, self.engine.columns.epoch)
        with resolving(visible):
            return statements.get(sql, parse, f"\0{visible.schema}\0{visible.epoch}")

    def describe(self, statement: Statement, bind_types: Sequence[OracleType]) -> tuple[Column, ...]:
        """A query's columns, without running it."""
        if statement.kind != QUERY:
            return ()
        if statement.rewritten is not None:
            return self.describe(statement.rewritten.statement, resolved_types(self, statement, bind_types))
        return self.prepared.prepare(statement, bind_types, {}).columns

    def query(self, statement: Statement, bind_types: Sequence[OracleType], binds: Sequence[bytes | None]) -> ResultSet:
        """Run a query.

        Raises:
            OracleError: what PostgreSQL refused, in Oracle's words.
        """
        if statement.rewritten is not None:
            statement, bind_types, (binds,) = resolve(self, statement, bind_types, [binds])
        if self._is_of_other_time(statement):
            return self._other_time.session(statement, binds).query(statement, bind_types, binds)
        prepared, values = self._bound(statement, bind_types, binds, with_places=statement.locks)
        result = self._query(statement, RunPrepared(prepared.name, values))
        placing = replace(prepared.placing, transaction=self.transaction.number)
        return ResultSet(result, prepared.columns, prepared.guarded, placing)

    def stream(
        self, statement: Statement, bind_types: Sequence[OracleType], binds: Sequence[bytes | None]
    ) -> RowStream:
        """Run a query whose rows are read from PostgreSQL as they are taken, in its binary form.

        They are those of now, whatever the session or others change meanwhile.

        Raises:
            OracleError: what PostgreSQL refused, in Oracle's words.
        """
        if statement.rewritten is not None:
            statement, bind_types, (binds,) = resolve(self, statement, bind_types, [binds])
        if self._is_of_other_time(statement):
            return self._other_time.session(statement, binds).stream(statement, bind_types, binds)
        # What is not locked now can be locked later on: its LOBs are then to be selected again.
        with_places = statement.locks or self.in_transaction
        prepared, values = self._bound(statement, bind_types, binds, with_places)
        command = RunPrepared(prepared.name, values, binary=True)
        chunks: Stream | list[PGresult]
        if statement.locks:
            chunks = [self._query(statement, command)]
        else:
            chunks = self.transaction.stream(self._told_before(statement), command, _chunk(prepared.columns))
        return RowStream(
            prepared.columns,
            prepared.forms,
            prepared.guarded,
            chunks,
            lambda failure: explain(failure, "SELECT"),
            replace(prepared.placing, transaction=self.transaction.number),
        )

    def _told_before(self, statement: Statement) -> list[Run]:
        """What a statement has to know, said in the same go: PostgreSQL forgets it at its end, or the transaction's."""
        told = {}
        if statement.asks_scn:
            scn = self.past.scn if self.past is not None else self.engine.snapshots.current()
            told[b"oracle.current_scn"] = b"%d" % scn
        if reads_activities(statement):
            told[b"oracle.activities"] = self.engine.activities.in_json()
        if reads_limits(statement):
            told[b"oracle.limits"] = self.engine.privileges.limits_in_json(self.identity.user.upper())
        return [Run(b"select set_config($1, $2, true)", [name, value]) for name, value in told.items()]

    def _is_of_other_time(self, statement: Statement) -> bool:
        return self.past is None and has_time(statement)

    def cache_key(
        self, statement: Statement, bind_types: Sequence[OracleType], binds: Sequence[bytes | None]
    ) -> tuple[object, ...] | None:
        """What a query's rows depend on beside the data, if these are the ones that everybody sees, else None."""
        if self.transaction.open or statement.kind != QUERY or statement.locks or has_time(statement):
            return None
        if statement.rewritten is not None:
            return None
        types = tuple((kind.code, kind.charset_form) for kind in bind_types)
        return statement.sql, types, tuple(binds), tuple(self.settings.items())

    @property
    def data_version(self) -> int | None:
        """The number of the last change of any data; None while a commit is under way."""
        return self.engine.changes.version

    def is_repeatable(self, statement: Statement) -> bool:
        """Whether a query has the same rows whenever its `cache_key` and the data are the same."""
        return self.engine.is_repeatable(statement, self.settings["search_path"])

    def _bound(
        self,
        statement: Statement,
        bind_types: Sequence[OracleType],
        binds: Sequence[bytes | None],
        with_places: bool = False,
    ) -> tuple[Prepared, list[bytes | None]]:
        if statement.kind != QUERY:
            raise OracleError(24333, "zero iteration count")
        check_binds(statement, bind_types, binds)
        merged = merged_binds(statement, bind_types, [binds])
        prepared = self.prepared.prepare(statement, bind_types, merged)
        if with_places:
            prepared = self.prepared.with_places(statement, prepared, merged)
        columns_: list[Sequence[bytes | None]] = [[value] for value in (*without_empty(binds), *statement.constants)]
        convert_strings(self, string_binds(statement, bind_types), prepared.parameters, columns_)
        return prepared, [value for (value,) in columns_]

    def _query(self, statement: Statement, command: RunPrepared) -> PGresult:
        told = self._told_before(statement)
        commands: list[Run | RunPrepared] = [*told, command]
        at = len(told)
        if statement.lock_wait is not None:
            commands = [lock_timeout(statement.lock_wait), *commands, lock_timeout(0)]
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
        if statement.rewritten is not None:
            statement, bind_types, rows = resolve(self, statement, bind_types, rows or [()])
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
            row = (rows or [()])[0]
            check_binds(statement, bind_types, row)
            return run_block(self, statement, bind_types, row)
        if isinstance(statement.action, Control):
            if statement.verb in ("CREATE", "DROP") or statement.action.method == "alter_user":
                self.commit()
                self.engine.finish_streams(self._link)
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
        is_single = len(rows) == 1 and not batch_errors
        prepared = self.prepared.prepare(statement, bind_types[:inputs], merged)
        if is_single and statement.inserts_row:  # clients are told its ROWID
            prepared = self.prepared.with_rowid(statement, prepared, merged)
        if statement.returning_from is not None:
            prepared = self.prepared.with_places(statement, prepared, merged)
        values = BindRows.of(rows, inputs).with_constants(statement.constants)
        convert_strings(self, string_binds(statement, bind_types), prepared.parameters, values.columns)
        if is_single:
            result = self.run([RunPrepared(prepared.name, values[0])], opens=True, verb=statement.verb)[0]
            outcome = Outcome(returned=[all_rows(result)] if statement.returning_from is not None else [])
            outcome.row_count = result.command_tuples or 0
            outcome.row_counts = [outcome.row_count]
            if prepared.with_rowid and result.ntuples:
                outcome.last_rowid = result.get_value(0, 0)
        else:
            outcome = run_batch(self, statement, prepared, values, batch_errors)
        if prepared.placing.columns:
            placing = replace(prepared.placing, transaction=self.transaction.number)
            outcome.returned = [[placing.returned(row) for row in returned] for returned in outcome.returned]
        self.in_transaction = True
        return outcome

    def change_lob(self, place: Place, make: Callable[[bytes], bytes]) -> bytes:
        """`lob_places.change`."""
        return change(self, place, make)

    # -- transactions --------------------------------------------------------------------------------------------

    @property
    def in_transaction(self) -> bool:
        """Whether Oracle would have a transaction."""
        return self.transaction.active

    @in_transaction.setter
    def in_transaction(self, active: bool) -> None:
        self.transaction.active = active

    def commit(self) -> None:
        """Commit."""
        self.transaction.commit()

    def rollback(self) -> None:
        """Roll back."""
        if self.transaction.open:
            self.transaction.rollback()
            self._settings.restore()

    def begin(self, mode: str) -> None:
        """`Transaction.begin`."""
        self.transaction.begin(mode)

    def savepoint(self, name: str) -> None:
        """`Transaction.savepoint`."""
        self.transaction.savepoint(name)

    def rollback_to(self, name: str) -> None:
        """`Transaction.rollback_to`."""
        self.transaction.rollback_to(name)

    def create_user(self, user: str, changes: Sequence[tuple[str, str]]) -> None:
        """`users.create_user`."""
        users.create_user(self, user, tuple(changes))

    def alter_user(self, user: str, changes: Sequence[tuple[str, str]]) -> None:
        """`users.alter_user`."""
        users.alter_user(self, user, tuple(changes))

    def drop_user(self, user: str, cascade: bool) -> None:
        """`users.drop_user`."""
        users.drop_user(self, user, cascade)

    def lock_table(self, schema: str | None, table: str, mode: str, wait: int | None) -> None:
        """LOCK TABLE; `wait` in seconds, 0 not to wait, None without limit."""
        name = f"{quote_name(schema or self._schema)}.{quote_name(table)}"
        lock = Run(f"LOCK TABLE {name} IN {mode} MODE {'NOWAIT' if wait == 0 else ''}".encode())
        commands = [lock_timeout(wait), lock, lock_timeout(0)] if wait else [lock]
        self.run(commands, opens=True, waits=bool(wait))
        self.in_transaction = True

    def run(
        self, commands: Sequence[Command], opens: bool = False, verb: str = "", waits: bool = False
    ) -> list[PGresult]:
        """`Transaction.run`."""
        return self.transaction.run(commands, opens, verb, waits)

    def run_raw(self, commands: Sequence[Command], opens: bool = False) -> list[PGresult]:
        """`Transaction.run_raw`."""
        return self.transaction.run_raw(commands, opens)


def _chunk(kinds: Sequence[Column]) -> int:
    if any(column.type.code in (112, 113, 119) for column in kinds):
        return _CHUNK_WITH_LOBS
    return max(1, min(_CHUNK, _CHUNK_BYTES // (1 + sum(column.type.buffer_size for column in kinds))))


def _check_edition(name: str) -> Run:
    """Raises ORA-38802 where there is no edition of that name."""
    return Run(b"select oracle.check_edition($1)", [name.encode()])
