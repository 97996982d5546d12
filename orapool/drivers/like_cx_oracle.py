"""python-oracledb as a module that looks like cx_Oracle 8.3, for SQLAlchemy 1.x, which knows no other driver.

python-oracledb itself stays as it is: SQLAlchemy is shown what it looks for, and finds all else in the driver.
"""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

import oracledb


class LikeCxOracle(ModuleType):
    """The driver's module, with cx_Oracle's version and its switches, which say what python-oracledb always does."""

    version = "8.3.0"

    def __init__(self) -> None:
        super().__init__(oracledb.__name__, oracledb.__doc__)
        self.__future__ = SimpleNamespace()

    def __getattr__(self, name: str) -> Any:
        return getattr(oracledb, name)


MODULE = LikeCxOracle()
