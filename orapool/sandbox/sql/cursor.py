"""A reader of tokens, for the statements whose grammar is ours: DDL, transaction control, PL/SQL."""

from __future__ import annotations

from collections.abc import Sequence

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.scanner import NUMBER, QUOTED, SIGN, STRING, WORD, Token

_RESERVED_WORDS = """
ACCESS ADD ALL ALTER AND ANY AS ASC AUDIT BETWEEN BY CHAR CHECK CLUSTER COLUMN COMMENT COMPRESS CONNECT CREATE CURRENT
DATE DECIMAL DEFAULT DELETE DESC DISTINCT DROP ELSE EXCLUSIVE EXISTS FILE FLOAT FOR FROM GRANT GROUP HAVING IDENTIFIED
IMMEDIATE IN INCREMENT INDEX INITIAL INSERT INTEGER INTERSECT INTO IS LEVEL LIKE LOCK LONG MAXEXTENTS MINUS MLSLABEL
MODE MODIFY NOAUDIT NOCOMPRESS NOT NOWAIT NULL NUMBER OF OFFLINE ON ONLINE OPTION OR ORDER PCTFREE PRIOR PUBLIC RAW
RENAME RESOURCE REVOKE ROW ROWID ROWNUM ROWS SELECT SESSION SET SHARE SIZE SMALLINT START SUCCESSFUL SYNONYM SYSDATE
TABLE THEN TO TRIGGER UID UNION UNIQUE UPDATE USER VALIDATE VALUES VARCHAR VARCHAR2 VIEW WHENEVER WHERE WITH
"""
_RESERVED = frozenset(_RESERVED_WORDS.split())


class TokenReader:
    """Tokens, read one after the other."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def next(self) -> Token | None:
        """The token that comes, None at the end."""
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    @property
    def position(self) -> int:
        """Where the coming token stands in the statement."""
        token = self.next
        if token is not None:
            return token.start
        return self._tokens[-1].end if self._tokens else 0

    def take(self) -> Token:
        """The next token."""
        token = self.next
        if token is None:
            raise OracleError(921, "unexpected end of SQL command", self.position)
        self._at += 1
        return token

    def has(self, *words: str) -> bool:
        """Take these words if they come; all or none."""
        coming = self._tokens[self._at : self._at + len(words)]
        if len(coming) == len(words) and all(token.is_word(word) for token, word in zip(coming, words)):
            self._at += len(words)
            return True
        return False

    def sees(self, *words: str) -> bool:
        """Whether one of these words comes."""
        return self.next is not None and self.next.is_word(*words)

    def sees_sign(self, sign: str) -> bool:
        """Whether that sign comes."""
        return self.next is not None and self.next.is_sign(sign)

    def has_sign(self, sign: str) -> bool:
        """Take that sign if it comes."""
        if self.sees_sign(sign):
            self._at += 1
            return True
        return False

    def expect(self, *words: str) -> None:
        """Take these words, which must come (ORA-00905)."""
        for word in words:
            if not self.has(word):
                raise OracleError(905, f"missing keyword ({word})", self.position)

    def expect_sign(self, sign: str) -> None:
        """Take that sign, which must come."""
        if not self.has_sign(sign):
            code, text = {"(": (906, "missing left parenthesis"), ")": (907, "missing right parenthesis")}.get(
                sign, (900, f"invalid SQL statement ({sign} expected)")
            )
            raise OracleError(code, text, self.position)

    def name(self) -> str:
        """A name: folded to upper case, or quoted."""
        token = self.next
        if token is None or token.kind not in (WORD, QUOTED) or (token.kind == WORD and token.value in _RESERVED):
            raise OracleError(903 if token is None else 904, "invalid identifier", self.position)
        self._at += 1
        return token.value

    def object_name(self) -> tuple[str | None, str]:
        """A name with or without its schema."""
        first = self.name()
        if self.has_sign("."):
            return first, self.name()
        return None, first

    def names(self) -> list[str]:
        """Names in parentheses."""
        self.expect_sign("(")
        found = [self.name()]
        while self.has_sign(","):
            found.append(self.name())
        self.expect_sign(")")
        return found

    def integer(self) -> int:
        """A whole number, with or without a minus."""
        sign = -1 if self.has_sign("-") else 1
        token = self.take()
        if token.kind != NUMBER or not token.text.isdigit():
            raise OracleError(1722, "invalid number", token.start)
        return sign * int(token.text)

    def string(self) -> str:
        """A string literal."""
        token = self.take()
        if token.kind != STRING:
            raise OracleError(1780, "string literal required", token.start)
        return token.value

    def group(self) -> list[Token]:
        """What stands in the parentheses that come, without them."""
        self.expect_sign("(")
        depth = 1
        found: list[Token] = []
        while True:
            token = self.take()
            if token.is_sign("("):
                depth += 1
            elif token.is_sign(")"):
                depth -= 1
                if depth == 0:
                    return found
            found.append(token)

    def until(self, *words: str, signs: Sequence[str] = (",",)) -> list[Token]:
        """The tokens up to one of these words or signs outside of parentheses, or the end."""
        found: list[Token] = []
        depth = 0
        while self.next is not None:
            token = self.next
            if depth == 0 and (token.is_word(*words) or (token.kind == SIGN and token.value in signs)):
                break
            if token.is_sign("("):
                depth += 1
            elif token.is_sign(")"):
                depth -= 1
                if depth < 0:
                    break
            found.append(token)
            self._at += 1
        return found

    def rest(self) -> list[Token]:
        """All that is left."""
        found = list(self._tokens[self._at :])
        self._at = len(self._tokens)
        return found

    def end(self) -> None:
        """Nothing may come now (ORA-00922): an option that nobody read must not vanish."""
        if self.next is not None:
            raise OracleError(922, f"missing or invalid option ({self.next.text})", self.position)
