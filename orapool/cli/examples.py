"""Examples at the end of a command's help."""

from __future__ import annotations


def example(*commands: str) -> str:
    """The epilog that shows how a command is called, a line each, which click does not wrap.

    >>> print(example("orapool check"))
    \\b
    Example:
      orapool check
    """
    return "\n".join(["\b", "Example:" if len(commands) == 1 else "Examples:", *(f"  {each}" for each in commands)])
