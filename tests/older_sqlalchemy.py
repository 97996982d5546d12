"""What the tests use of SQLAlchemy, in words that 1.3, 1.4 and 2.x understand."""

from __future__ import annotations

from typing import Any

import sqlalchemy
from sqlalchemy import Column, Integer, Sequence

from orapool.older_sqlalchemy import VERSION, declarative_base, orm_session

__all__ = ["VERSION", "declarative_base", "key_column", "orm_session", "select"]


def select(*columns: Any) -> Any:
    """SELECT these columns."""
    return sqlalchemy.select(*columns) if VERSION >= (1, 4) else sqlalchemy.select(list(columns))


def key_column(name: str) -> Any:
    """A primary key that the database makes: an identity column, or where SQLAlchemy has none, by a sequence."""
    if VERSION >= (1, 4):
        return Column(Integer, sqlalchemy.Identity(), primary_key=True)
    return Column(Integer, Sequence(f"{name}_seq"), primary_key=True)
