"""Oracle's lexical rules: tokens with their positions, without comments.

The scanner comes before the parser: it tells what kind of statement this is and where its bind variables stand
(never in strings, quoted names, comments or hints), and gives the parser a text that it can read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from orapool.sandbox.errors import OracleError

WORD = "word"
QUOTED = "quoted"
STRING = "string"
NUMBER = "number"
BIND = "bind"
SIGN = "sign"

_SPACE = re.compile(r"\s+")
_WORD = re.compile(r"[^\W\d][\w$#]*")
_NUMBER = re.compile(r"(?:\d+(?:\.(?!\.)\d*)?|\.\d+)(?:[eE][+-]?\d+)?[fFdD]?(?:(?=[kKmMgGtT]\b)|(?![\w$#]))")
_BIND = re.compile(r":\s*(?:(\d+)|([^\W\d][\w$#]*)|\"([^\"]+)\")")
_SIGNS = ("(+)", ":=", "||", "<=", ">=", "<>", "!=", "^=", "~=", "=>", "..", "**")
_CLOSING = {"[": "]", "{": "}", "(": ")", "<": ">"}
# Words after which a colon starts a bind even without a blank between: `in:x`, `and:x`.
_KEYWORDS = """
AND BEGIN BETWEEN BY CASE ELSE ESCAPE FIRST FROM IN INTO IS LIKE LIMIT NEXT NOT OFFSET ON OR RETURN RETURNING SELECT SET
THEN VALUES WHEN WHERE WITH
"""
_BEFORE_BIND = frozenset(_KEYWORDS.split())


@dataclass(frozen=True)
class Token:
    """One token: its kind, its meaning (folded name, string without quotes, bind's name) and where it stands."""

    kind: str
    value: str
    start: int
    end: int
    text: str

    def is_word(self, *words: str) -> bool:
        """Whether this is one of these unquoted words (given in upper case)."""
        return self.kind == WORD and self.value in words

    def is_sign(self, sign: str) -> bool:
        """Whether this is that operator or punctuation."""
        return self.kind == SIGN and self.value == sign


def scan(sql: str) -> list[Token]:
    """Split a statement into tokens.

    Raises:
        OracleError: ORA-01756 for an open string, ORA-01740 for an open quoted name, ORA-00911 for a stray character.
    """
    control = re.search("[\x00-\x02]", sql)
    if control:
        raise OracleError(911, "invalid character", control.start())
    tokens: list[Token] = []
    at = 0
    size = len(sql)
    while at < size:
        space = _SPACE.match(sql, at)
        if space:
            at = space.end()
            continue
        if sql.startswith("--", at):
            end = sql.find("\n", at)
            at = size if end < 0 else end + 1
            continue
        if sql.startswith("/*", at):
            end = sql.find("*/", at + 2)
            if end < 0:
                raise OracleError(1742, "comment not properly terminated", at)
            at = end + 2
            continue
        token = _token(sql, at, tokens[-1] if tokens else None)
        tokens.append(token)
        at = token.end
    return tokens


def _token(sql: str, at: int, before: Token | None) -> Token:
    char = sql[at]
    string = _string(sql, at)
    if string is not None:
        return string
    if char == '"':
        end = sql.find('"', at + 1)
        if end < 0:
            raise OracleError(1740, "missing double quote in identifier", at)
        if end == at + 1:
            raise OracleError(1741, "illegal zero-length identifier", at)
        return _name(QUOTED, sql[at + 1 : end], at, end + 1, sql)
    word = _WORD.match(sql, at)
    if word:
        return _name(WORD, word.group().upper(), at, word.end(), sql)
    number = _NUMBER.match(sql, at)
    if number:
        return Token(NUMBER, number.group(), at, number.end(), number.group())
    if char == ":" and not sql.startswith(":=", at) and not _follows_value(before, at):
        bind = _BIND.match(sql, at)
        if bind:
            digits, name, quoted = bind.groups()
            return Token(BIND, quoted or digits or name.upper(), at, bind.end(), bind.group())
    for sign in _SIGNS:
        if sql.startswith(sign, at):
            return Token(SIGN, sign, at, at + len(sign), sign)
    if char in "()+-*/<>=,.;:@|%?[]{}&!^~":
        return Token(SIGN, char, at, at + 1, char)
    raise OracleError(911, "invalid character", at)


def _follows_value(before: Token | None, at: int) -> bool:
    """A colon after a string ('key' : value) or glued to a name (a:b) is JSON syntax and not a bind variable."""
    if before is None:
        return False
    if before.kind == STRING:
        return True
    if before.end != at:
        return False
    return before.kind in (QUOTED, BIND, NUMBER) or (before.kind == WORD and before.value not in _BEFORE_BIND)


def _name(kind: str, value: str, start: int, end: int, sql: str) -> Token:
    if len(value.encode()) > 128:
        raise OracleError(972, "identifier is too long", start)
    return Token(kind, value, start, end, sql[start:end])


def _string(sql: str, at: int) -> Token | None:
    prefix = re.compile(r"[nN]?[qQ]?'").match(sql, at)
    if not prefix:
        return None
    start = prefix.end()
    if "q" in prefix.group().lower():
        if start >= len(sql):
            raise OracleError(1756, "quoted string not properly terminated", at)
        end = sql.find(_CLOSING.get(sql[start], sql[start]) + "'", start + 1)
        if end < 0:
            raise OracleError(1756, "quoted string not properly terminated", at)
        return Token(STRING, sql[start + 1 : end], at, end + 2, sql[at : end + 2])
    end = start
    while True:
        end = sql.find("'", end)
        if end < 0:
            raise OracleError(1756, "quoted string not properly terminated", at)
        if sql.startswith("''", end):
            end += 2
            continue
        return Token(STRING, sql[start:end].replace("''", "'"), at, end + 1, sql[at : end + 1])


def without_end(tokens: list[Token]) -> list[Token]:
    """The tokens of one SQL statement: a semicolon in it is ORA-00933 (drivers send statements without one)."""
    for token in tokens:
        if token.is_sign(";"):
            raise OracleError(933, "SQL command not properly ended", token.start)
    return tokens


def split_list(tokens: list[Token], separator: str = ",") -> list[list[Token]]:
    """Split tokens at a separator that stands outside of parentheses."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        if token.is_sign("("):
            depth += 1
        elif token.is_sign(")"):
            depth -= 1
        if depth == 0 and token.is_sign(separator):
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def heading(tokens: list[Token]) -> str:
    """The column name that Oracle gives an expression without alias: its text without blanks, in upper case."""
    return "".join(token.text if token.kind in (STRING, QUOTED) else token.text.upper() for token in tokens)


def locate(error: OracleError, sql: str) -> OracleError:
    """Give an error on a name the place where this name stands in the statement."""
    found = re.findall(r'"([^"]+)"', error.message)
    if error.position or error.code not in (904, 918) or not found:
        return error
    for token in scan(sql):
        if token.kind in (WORD, QUOTED) and token.value == found[-1]:
            error.position = token.start
            break
    return error
