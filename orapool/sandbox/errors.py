"""The sandbox's own errors, as a client sees them."""

from __future__ import annotations


class OracleError(Exception):
    """An ORA- error for the client.

    Args:
        code: the number, 942 for ORA-00942.
        message: the text without its ``ORA-00942: `` prefix.
        position: the offset in the statement, in characters, that the error points at.
        rows_done: for array DML, how many bind rows were done before this one failed.

    Attributes:
        row_counts: for array DML, what each of those bind rows did.
    """

    def __init__(self, code: int, message: str, position: int = 0, rows_done: int = 0) -> None:
        super().__init__(f"ORA-{code:05d}: {message}")
        self.code = code
        self.message = message
        self.position = position
        self.rows_done = rows_done
        self.row_counts: list[int] = []
