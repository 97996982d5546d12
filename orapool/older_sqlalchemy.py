"""What SQLAlchemy 1.3 and 1.4 do otherwise than 2.x, in one place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

import sqlalchemy
from sqlalchemy.dialects.oracle.cx_oracle import OracleDialect_cx_oracle
from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from sqlalchemy.engine.url import URL

VERSION = tuple(int(part) for part in sqlalchemy.__version__.split(".")[:2])


class OracleDbDialect(OracleDialect_cx_oracle):
    """``oracle+oracledb://`` for SQLAlchemy 1.x: its dialect of cx_Oracle, on python-oracledb.

    SQLAlchemy finds it by an entry point, in engines that are not orapool's too.
    """

    driver = "oracledb"
    supports_statement_cache = True

    @classmethod
    def dbapi(cls) -> ModuleType:  # type: ignore[override]
        """The driver's module."""
        from orapool.drivers.like_cx_oracle import MODULE

        return MODULE


def without_parameters(url: URL, names: Iterable[str]) -> Any:
    """An engine's URL without some parameters of its query. In SQLAlchemy 1.3 it is the same object, changed."""
    if VERSION < (1, 4):
        for name in names:
            url.query.pop(name, None)
        return url
    return url.difference_update_query(names)


def declarative_base() -> Any:
    """A base class for mapped classes, as all versions know them."""
    try:
        from sqlalchemy.orm import declarative_base as make
    except ImportError:  # 1.3
        from sqlalchemy.ext.declarative import declarative_base as make
    return make()


@contextmanager
def orm_session(engine: Any) -> Iterator[Session]:
    """A session of the ORM, closed at the end of the block; in 1.3 it is no context manager itself."""
    session = Session(bind=engine)
    try:
        yield session
    finally:
        session.close()
