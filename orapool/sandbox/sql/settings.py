"""PostgreSQL's settings of one session: they outlast a rollback, as Oracle's do."""

from __future__ import annotations

from collections.abc import Mapping

from orapool.sandbox.sql.link import Run
from orapool.sandbox.sql.transaction import Transaction


class Settings:
    """Names and values, here and in PostgreSQL."""

    def __init__(self, transaction: Transaction, values: Mapping[str, str]) -> None:
        self.values = dict(values)
        self._transaction = transaction
        self._unsafe = False

    def __repr__(self) -> str:
        return f"<Settings {self.values}>"

    def commands(self) -> list[Run]:
        """What sets them all."""
        return [_command(name, value) for name, value in self.values.items()]

    def set(self, name: str, value: str) -> None:
        """Set one."""
        self.values[name] = value
        self._transaction.run([_command(name, value)])
        # PostgreSQL takes settings back when the transaction is rolled back; Oracle does not.
        self._unsafe = self._unsafe or self._transaction.open

    def unset(self, names: list[str]) -> None:
        """Have these as a new session has them."""
        for name in names:
            self.set(name, "")
            del self.values[name]

    def restore(self) -> None:
        """After a rollback: set again what it may have taken back."""
        if self._unsafe:
            self._unsafe = False
            self._transaction.run(self.commands())


def _command(name: str, value: str) -> Run:
    return Run(b"select set_config($1, $2, false)", [name.encode(), value.encode()])
