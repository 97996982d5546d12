"""What SQLAlchemy's Oracle dialect sends, without a driver: create_all, reflection, ORM-like statements, pandas."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pandas as pd
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import registry

from orapool.sandbox.sql import Engine, SessionIdentity
from tests.sandbox.sql.dbapi import connector

registry.register("oracle.backend", "tests.sandbox.sql.dbapi", "BackendDialect")
_sids = itertools.count(5000)


@pytest.fixture
def database(engine: Engine, user: str) -> Iterator[sa.Engine]:
    creator = connector(lambda: engine.open(SessionIdentity(next(_sids), 1, user)))
    made = sa.create_engine("oracle+backend://", creator=creator)
    yield made
    made.dispose()


@pytest.fixture
def metadata() -> sa.MetaData:
    metadata = sa.MetaData()
    author = sa.Table(
        "author",
        metadata,
        sa.Column("id", sa.Integer, sa.Identity(start=10), primary_key=True),
        sa.Column("name", sa.String(30), nullable=False, unique=True, comment="who"),
        sa.Column("born", sa.Date),
        sa.Column("score", sa.Numeric(10, 2), server_default="1.5"),
        sa.Column("note", sa.Text),
        sa.Column("weight", sa.Float),
        comment="people",
    )
    book = sa.Table(
        "book",
        metadata,
        sa.Column("id", sa.Integer, sa.Sequence("book_seq"), primary_key=True),
        sa.Column("author_id", sa.ForeignKey(author.c.id, ondelete="CASCADE", name="fk_author"), index=True),
        sa.Column("title", sa.Unicode(20)),
        sa.CheckConstraint("title <> 'x'", name="ck_title"),
        sa.UniqueConstraint("author_id", "title", name="uq_book"),
    )
    sa.Index("ix_low", sa.func.lower(book.c.title))
    return metadata


def test_create_all_is_done_once(database: sa.Engine, metadata: sa.MetaData) -> None:
    metadata.create_all(database)
    metadata.create_all(database)
    assert sorted(sa.inspect(database).get_table_names()) == ["author", "book"]
    metadata.drop_all(database)
    assert sa.inspect(database).get_table_names() == []


def test_reflection(database: sa.Engine, metadata: sa.MetaData) -> None:
    metadata.create_all(database)
    inspector = sa.inspect(database)
    columns = {column["name"]: column for column in inspector.get_columns("author")}
    assert list(columns) == ["id", "name", "born", "score", "note", "weight"]
    assert columns["id"]["identity"]["start"] == 10
    assert not columns["name"]["nullable"]
    assert columns["name"]["comment"] == "who"
    kinds = [columns[name]["type"].compile(database.dialect) for name in columns]
    assert kinds == ["INTEGER", "VARCHAR(30 CHAR)", "DATE", "NUMBER(10, 2)", "CLOB", "DOUBLE PRECISION"]
    assert inspector.get_pk_constraint("author")["constrained_columns"] == ["id"]
    (key,) = inspector.get_foreign_keys("book")
    assert (key["name"], key["referred_table"], key["referred_columns"]) == ("fk_author", "author", ["id"])
    assert key["options"] == {"ondelete": "CASCADE"}
    indexes = {index["name"]: index for index in inspector.get_indexes("book")}
    assert indexes["ix_book_author_id"]["column_names"] == ["author_id"]
    assert indexes["ix_low"]["expressions"] == ['LOWER("TITLE")']
    (unique,) = inspector.get_unique_constraints("book")
    assert (unique["name"], unique["column_names"]) == ("uq_book", ["author_id", "title"])
    assert [check["sqltext"] for check in inspector.get_check_constraints("book")] == ["title <> 'x'"]
    assert "book_seq" in inspector.get_sequence_names()
    assert inspector.get_table_comment("author") == {"text": "people"}
    assert inspector.has_table("author")
    assert not inspector.has_table("nix")
    assert inspector.has_sequence("book_seq")
    assert sa.Table("book", sa.MetaData(), autoload_with=database).c.keys() == ["id", "author_id", "title"]


def test_statements(database: sa.Engine, metadata: sa.MetaData) -> None:
    metadata.create_all(database)
    author, book = metadata.tables["author"], metadata.tables["book"]
    with database.begin() as connection:
        connection.execute(sa.insert(author).inline().values(name="Ann"))
        connection.execute(sa.insert(book).inline(), [{"author_id": 10, "title": f"t{i}"} for i in range(5)])
        page = sa.select(book.c.title).order_by(book.c.id).limit(2).offset(1)
        assert connection.scalars(page).all() == ["t1", "t2"]
        joined = sa.select(author.c.name, sa.func.count(book.c.id)).join(book).group_by(author.c.name)
        assert connection.execute(joined).all() == [("Ann", 5)]
        assert connection.execute(sa.update(author).values(score=author.c.score * 3)).rowcount == 1
        assert connection.scalar(sa.select(author.c.score)) == 4.5
        locked = sa.select(book.c.id).where(book.c.title.in_(["t1", "t2"])).with_for_update(nowait=True)
        assert len(connection.execute(locked).all()) == 2
        assert connection.execute(sa.delete(book).where(book.c.title.like("t%"))).rowcount == 5
        with connection.begin_nested():
            connection.execute(sa.update(author).values(name="Bob"))


def test_pandas(database: sa.Engine) -> None:
    frame = pd.DataFrame({"id": [1, 2, 3], "name": ["a", None, "c"], "price": [1.5, 2.25, None]})
    for _ in range(2):
        frame.to_sql("prices", database, index=False, if_exists="append", dtype={"price": sa.Double()})
    read = pd.read_sql("select id, name, price from prices order by id", database)
    assert [name.lower() for name in read.columns] == ["id", "name", "price"]
    assert len(read) == 6
    assert read.iloc[:, 2].sum() == 7.5
