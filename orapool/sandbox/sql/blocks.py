"""Running PL/SQL blocks, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql import python_values
from orapool.sandbox.sql.link import Run
from orapool.sandbox.sql.open_cursor import OpenCursor
from orapool.sandbox.sql.plsql import PROCEDURES, Step
from orapool.sandbox.sql.results import Outcome
from orapool.sandbox.sql.routine_calls import make_call, refuse_arrays
from orapool.sandbox.sql.statement import Statement
from orapool.sandbox.sql.zones import transitions
from orapool.sandbox.types import REF_CURSOR, OracleType

if TYPE_CHECKING:
    from orapool.sandbox.sql.backend import Backend

# Of a VARCHAR2 in PL/SQL, in bytes.
_LONGEST_TEXT = 32767
_IDENTITY_COLUMNS = {
    "MODULE_NAME": "module",
    "ACTION_NAME": "action",
    "CLIENT_INFO": "client_info",
    "CLIENT_ID": "client_identifier",
}


def run_block(
    backend: Backend, statement: Statement, bind_types: Sequence[OracleType], row: Sequence[bytes | None]
) -> Outcome:
    """Run a block's statements in a row; the outcome has its OUT binds.

    Raises:
        OracleError: the first that failed.
    """
    run = _BlockRun(backend, bind_types, row)
    for step in statement.action:
        run.step(step)
    return run.finish(statement)


class _BlockRun:
    """One execution of a block."""

    def __init__(self, backend: Backend, bind_types: Sequence[OracleType], row: Sequence[bytes | None]) -> None:
        self._backend = backend
        self._types = bind_types
        self._values = list(row)
        self._outcome = Outcome()
        self._assigned: set[int] = set()
        # Binds that were read before they were assigned to: what the client has in them is wanted.
        self._read: set[int] = set()

    def finish(self, statement: Statement) -> Outcome:
        outcome = self._outcome
        outs = set(statement.out_binds) | self._assigned
        outcome.out = {index: self._values[index] for index in outs if index not in outcome.cursors}
        outcome.in_out = frozenset(outs & self._read)
        return outcome

    def step(self, step: Step) -> None:
        backend, outcome = self._backend, self._outcome
        self._read |= step.reads - self._assigned
        if step.kind == "transaction_id":
            refuse_arrays(self._types[number] for number in step.targets)
            self._assign(step.targets[0], _transaction_id(backend, bool(step.procedure)))
            return
        if step.kind == "routine":
            self._routine(step)
            return
        inner = step.statement
        refuse_arrays(self._types[number] for number in (*step.binds, *step.targets))
        types = [self._types[number] for number in step.binds]
        binds = [self._values[number] for number in step.binds]
        if step.kind == "statement" and inner is not None:
            done = backend.execute(inner, types, [binds])
            outcome.row_count += done.row_count
            if inner.returning_from is not None:
                self._assign_row(step, done.returned[0] if done.returned else [], or_null=True)
            return
        if step.kind == "open":
            self._assign_cursor(step.targets[0], OpenCursor(inner, types, binds))
            return
        answer: tuple[bytes | None, ...] = ()
        if inner is not None:
            result = backend.query(inner, types, binds)
            rows = result.rows(0, 2, _LONGEST_TEXT)
            result.close()
            if step.kind == "select":
                self._assign_row(step, rows)
                outcome.row_count = 1
                return
            answer = rows[0]
        if step.kind == "assign":
            self._assign(step.targets[0], answer[0])
        elif step.kind == "transitions":
            self._assign(step.targets[0], b"\\x" + transitions(int(answer[0] or 0)).hex().encode())
        elif step.kind == "call":
            self._call(step, answer)

    def _call(self, step: Step, answer: tuple[bytes | None, ...]) -> None:
        backend = self._backend
        does = PROCEDURES[step.procedure][0]
        if does == "refresh":
            backend.commit()
            backend.run([Run(b"select oracle.refresh($1)", [answer[step.parameters.index("LIST")]])], opens=True)
            backend.commit()
        elif does == "raise":
            _raise(answer)
        elif does == "set_identity":
            texts = [None if value is None else value.decode() for value in answer]
            named = {_IDENTITY_COLUMNS[name]: text for name, text in zip(step.parameters, texts)}
            backend.set_identity(**(named or {"client_identifier": ""}))

    def _routine(self, step: Step) -> None:
        assert step.call is not None
        returns_array = any(self._types[bind].most_elements for bind in step.targets)
        made = make_call(self._backend, step.call, self._types, self._values, returns_array)
        returned, name = made.returned, step.call.name
        self._read |= made.read - self._assigned
        given = [(bind, returned.out[parameter], f"{parameter} of {name}") for parameter, bind in made.outs.items()]
        given += [(bind, returned.value, f"the result of {name}") for bind in step.targets]
        for bind, value, what in given:
            if isinstance(value, OpenCursor):
                self._assign_cursor(bind, value)
            elif self._types[bind].code == REF_CURSOR.code and not self._types[bind].most_elements:
                raise OracleError(
                    6504, f"PL/SQL: {what} is bound to a REF CURSOR: give it rows, a Query or a DataFrame"
                )
            else:
                self._assign(bind, python_values.converted(value, self._types[bind], what))
        self._outcome.results += returned.results

    def _assign(self, bind: int, value: bytes | None) -> None:
        self._values[bind] = value
        self._assigned.add(bind)

    def _assign_cursor(self, bind: int, cursor: OpenCursor) -> None:
        if self._types[bind].code != REF_CURSOR.code:
            raise OracleError(6550, "PLS-00382: expression is of wrong type: rows need a bind variable of type CURSOR")
        self._outcome.cursors[bind] = cursor
        self._assigned.add(bind)

    def _assign_row(self, step: Step, rows: Sequence[tuple[bytes | None, ...]], or_null: bool = False) -> None:
        if not rows and not or_null:
            raise OracleError(1403, "no data found")
        if len(rows) > 1:
            raise OracleError(1422, "exact fetch returns more than requested number of rows")
        row = rows[0] if rows else (None,) * len(step.targets)
        if len(row) != len(step.targets):
            raise OracleError(947 if len(row) < len(step.targets) else 913, "the query and INTO differ in number")
        for bind, value in zip(step.targets, row):
            self._assign(bind, value)


def _raise(answer: tuple[bytes | None, ...]) -> None:
    number = int(answer[0] or b"0")
    if not -20999 <= number <= -20000 or len(answer) < 2:
        raise OracleError(21000, f"error number argument to raise_application_error of {number} is out of range")
    raise OracleError(-number, (answer[1] or b"").decode())


def _transaction_id(backend: Backend, create: bool) -> bytes | None:
    """DBMS_TRANSACTION.LOCAL_TRANSACTION_ID: undo segment, slot and sequence, NULL without a transaction."""
    if create:
        made = backend.run([Run(b"select pg_current_xact_id()::text")], opens=True)[0].get_value(0, 0)
        backend.in_transaction = True
        return b"1.0." + (made or b"")
    if not backend.in_transaction:
        return None
    found = backend.run([Run(b"select pg_current_xact_id_if_assigned()::text")])[0].get_value(0, 0)
    return b"1.0." + (found or b"0")
