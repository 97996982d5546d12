"""The tests that the sandbox does not pass, each with its reason; one that passes after all fails the run.

A name without what stands in brackets is that of all tests which bear it.
"""

from __future__ import annotations

# The sandbox says ORA-03001, and does nothing.
REFUSED: dict[str, str] = {}
# The sandbox does other than Oracle.
FAILED: dict[str, str] = {}
