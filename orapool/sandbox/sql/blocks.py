"""Running PL/SQL blocks, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from orapool.sandbox.sql.link import Run
from orapool.sandbox.sql.plsql import PROCEDURES, Step
from orapool.sandbox.sql.results import Outcome
from orapool.sandbox.sql.statement import Statement
from orapool.sandbox.sql.zones import transitions
from orapool.sandbox.types import OracleType

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
    outcome = Outcome()
    values = list(row)
    for step in statement.action:
        _run_step(backend, step, bind_types, values, outcome)
    outcome.out = {index: values[index] for index in statement.out_binds}
    return outcome


def _run_step(
    backend: Backend, step: Step, bind_types: Sequence[OracleType], values: list[bytes | None], outcome: Outcome
) -> None:
    if step.kind == "transaction_id":
        assert step.target is not None
        values[step.target] = _transaction_id(backend, bool(step.procedure))
        return
    inner = step.statement
    types = [bind_types[number] for number in step.binds]
    binds = [values[number] for number in step.binds]
    if step.kind == "statement" and inner is not None:
        done = backend.execute(inner, types, [binds])
        outcome.row_count += done.row_count
        return
    answer: tuple[bytes | None, ...] = ()
    if inner is not None:
        result = backend.query(inner, types, binds)
        answer = result.rows(0, 1, _LONGEST_TEXT)[0]
        result.close()
    if step.kind == "assign":
        assert step.target is not None
        values[step.target] = answer[0]
    elif step.kind == "transitions":
        assert step.target is not None
        values[step.target] = b"\\x" + transitions(int(answer[0] or 0)).hex().encode()
    elif step.kind == "call" and PROCEDURES[step.procedure][0] == "refresh":
        backend.commit()
        backend.run([Run(b"select oracle.refresh($1)", [answer[step.parameters.index("LIST")]])], opens=True)
        backend.commit()
    elif step.kind == "call" and PROCEDURES[step.procedure][0] == "set_identity":
        texts = [None if value is None else value.decode() for value in answer]
        named = {_IDENTITY_COLUMNS[name]: text for name, text in zip(step.parameters, texts)}
        backend.set_identity(**(named or {"client_identifier": ""}))


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
