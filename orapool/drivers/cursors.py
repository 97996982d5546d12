"""What both drivers' cursors have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_NO_ROW = object()


class WatchedCursor:
    """Mixed into a driver's Cursor class: tells its connection of errors that mean a lost session.

    Without it a call that timed out would go unnoticed: the drivers call such a session usable (DPI-1067, DPY-4024).
    """

    connection: Any
    statement: Any

    def _note_sending(self, args: Sequence[Any], options: Mapping[str, Any]) -> None:
        statement = args[0] if args else options.get("statement")
        # None, in both drivers, is the statement that was prepared.
        self.connection.note_sending(self.statement if statement is None else statement)

    def executemanyprepared(self, *args: Any) -> Any:
        """As cx_Oracle's own."""
        note = self.connection.note
        self._note_sending((), {})
        try:
            return super().executemanyprepared(*args)  # type: ignore[misc]
        except Exception as error:
            note(error)
            raise

    def execute(self, *args: Any, **binds: Any) -> Any:
        """As the driver's own."""
        note = self.connection.note
        self._note_sending(args, binds)
        try:
            return super().execute(*args, **binds)  # type: ignore[misc]
        except Exception as error:
            note(error)
            raise

    def executemany(self, *args: Any, **options: Any) -> Any:
        """As the driver's own."""
        note = self.connection.note
        self._note_sending(args, options)
        try:
            return super().executemany(*args, **options)  # type: ignore[misc]
        except Exception as error:
            note(error)
            raise

    def callproc(self, *args: Any, **binds: Any) -> Any:
        """As the driver's own."""
        note = self.connection.note
        self.connection.note_sending("call")
        try:
            return super().callproc(*args, **binds)  # type: ignore[misc]
        except Exception as error:
            note(error)
            raise

    def callfunc(self, *args: Any, **binds: Any) -> Any:
        """As the driver's own."""
        note = self.connection.note
        self.connection.note_sending("call")
        try:
            return super().callfunc(*args, **binds)  # type: ignore[misc]
        except Exception as error:
            note(error)
            raise

    def parse(self, *args: Any, **options: Any) -> Any:
        """As the driver's own."""
        note = self.connection.note
        self._note_sending(args, options)
        try:
            return super().parse(*args, **options)  # type: ignore[misc]
        except Exception as error:
            note(error)
            raise

    def fetchraw(self, *args: Any, **options: Any) -> Any:
        """As cx_Oracle's own."""
        note = self.connection.note
        try:
            return super().fetchraw(*args, **options)  # type: ignore[misc]
        except Exception as error:
            note(error)
            raise

    def fetchone(self) -> Any:
        """As the driver's own."""
        note = self.connection.note
        try:
            return super().fetchone()  # type: ignore[misc]
        except Exception as error:
            note(error)
            raise

    def fetchmany(self, *args: Any, **options: Any) -> Any:
        """As the driver's own."""
        note = self.connection.note
        try:
            return super().fetchmany(*args, **options)  # type: ignore[misc]
        except Exception as error:
            note(error)
            raise

    def fetchall(self) -> Any:
        """As the driver's own."""
        note = self.connection.note
        try:
            return super().fetchall()  # type: ignore[misc]
        except Exception as error:
            note(error)
            raise

    def __iter__(self) -> Iterator[Any]:
        note = self.connection.note
        # A generator round the driver's __next__ costs far less a row than a __next__ in Python would.
        try:
            yield from iter(super().__next__, _NO_ROW)  # type: ignore[misc]
        except Exception as error:
            note(error)
            raise
