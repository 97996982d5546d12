"""What is wrong with a text and where: the character, its line with a caret below, and no secret."""

from __future__ import annotations

import re

from orapool.errors import ConfigurationError

_WIDTH = 100
_SECRET = re.compile(
    r"""(?P<name>[\w.$-]*(?:PASSW(?:OR)?D|PWD|SECRET|TOKEN|CREDENTIAL|WALLET)[\w.$-]*\s*=\s*)"""
    r"""(?P<value>"[^"]*"?|[^()&\s"][^()&\n]*)""",
    re.IGNORECASE,
)


class Fault(Exception):
    """A text cannot be read because of what stands, or lacks, at `position`, counted from 0."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.position = position

    def error(self, text: str, what: str) -> ConfigurationError:
        """The exception for the user; `what` the `text` is, as in "the connect descriptor"."""
        line, column = line_and_column(text, self.position)
        at = f"character {self.position + 1}" + (f" (line {line}, column {column})" if "\n" in text.strip() else "")
        return ConfigurationError(f"{what} cannot be read: {self.reason}, at {at}:\n{caret(text, self.position)}")


def line_and_column(text: str, position: int) -> tuple[int, int]:
    """Both counted from 1."""
    before = text[:position]
    return before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1


def caret(text: str, position: int) -> str:
    """The line of `text` that holds `position`, secrets masked, and a line with a caret below that character.

    >>> print(caret("(WALLET_PASSWORD=oyster)(PORT=15x1)", 30))
        (WALLET_PASSWORD=***)(PORT=15x1)
                                   ^
    """
    # Masked as a whole: a secret may be cut in two by the position, or begin on another line.
    masked, position = _masked(text, position)
    start = masked.rfind("\n", 0, position) + 1
    end = masked.find("\n", position)
    line = masked[start : end if end >= 0 else len(masked)].rstrip()
    column = position - start
    if len(line) > _WIDTH:
        first = max(0, min(column - _WIDTH // 2, len(line) - _WIDTH))
        cut = line[first : first + _WIDTH]
        line, column = ("..." if first else "") + cut, column - first + (3 if first else 0)
        line += "..." if first + _WIDTH < len(masked[start : end if end >= 0 else None].rstrip()) else ""
    return f"    {line.expandtabs(1)}\n    {' ' * column}^"


def mask(text: str) -> str:
    """`text` without the values of passwords, wallets and tokens.

    >>> mask("(SECURITY=(MY_WALLET_DIRECTORY=/home/scott/wallet))")
    '(SECURITY=(MY_WALLET_DIRECTORY=***))'
    """
    return _SECRET.sub(lambda found: f"{found['name']}***", text)


def _masked(text: str, position: int) -> tuple[str, int]:
    """`text` masked, and where its character at `position` has gone."""
    parts, moved, last = [], position, 0
    for found in _SECRET.finditer(text):
        start, end = found.span("value")
        parts += [text[last:start], "***"]
        last = end
        if end <= position:
            moved += 3 - (end - start)
        elif start < position:
            moved -= position - start
    return "".join([*parts, text[last:]]), moved
