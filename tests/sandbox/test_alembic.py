"""Alembic's autogenerate against the sandbox: a model that was made is found again without a difference."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata, produce_migrations
from alembic.migration import MigrationContext
from alembic.operations import Operations, ops

from orapool.sandbox import Sandbox


def model() -> sa.MetaData:
    metadata = sa.MetaData()
    author = sa.Table(
        "author",
        metadata,
        sa.Column("id", sa.Integer, sa.Identity(start=10), primary_key=True),
        sa.Column("name", sa.String(30), nullable=False, comment="who"),
        sa.Column("born", sa.Date),
        sa.Column("seen", sa.TIMESTAMP),
        sa.Column("score", sa.Numeric(10, 2), server_default=sa.text("1.5"), nullable=False),
        sa.Column("note", sa.Text),
        sa.Column("photo", sa.LargeBinary),
        sa.Column("Mixed Case", sa.Unicode(20)),
        sa.UniqueConstraint("name", name="uq_author_name"),
        comment="people",
    )
    book = sa.Table(
        "book",
        metadata,
        sa.Column("id", sa.Integer, sa.Sequence("book_seq"), primary_key=True),
        sa.Column("author_id", sa.Integer, sa.ForeignKey(author.c.id, ondelete="CASCADE", name="fk_author")),
        sa.Column("title", sa.Unicode(20), index=True),
        sa.Column("price", sa.Numeric(8, 2)),
        sa.CheckConstraint("price > 0", name="ck_price"),
    )
    sa.Index("ix_book_author_price", book.c.author_id, book.c.price)
    return metadata


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with Sandbox(users={"scott": "tiger"}) as sandbox:
        yield sandbox


@pytest.fixture
def migration(server: Sandbox, driver: str) -> Iterator[MigrationContext]:
    host, port, service = re.split("[:/]", server.dsn)
    url = sa.URL.create(f"oracle+{driver}", "scott", "tiger", host, int(port), query={"service_name": service})
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = sa.MetaData()
        found.reflect(connection)
        found.drop_all(connection)
        with contextlib.suppress(sa.exc.DatabaseError):
            connection.execute(sa.text("drop sequence book_seq"))
        model().create_all(connection)
        connection.commit()
        yield MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True, "include_schemas": False}
        )
    engine.dispose()


def test_no_difference_after_creation(migration: MigrationContext) -> None:
    assert compare_metadata(migration, model()) == []


def change(metadata: sa.MetaData) -> sa.MetaData:
    author, book = metadata.tables["author"], metadata.tables["book"]
    author.append_column(sa.Column("mail", sa.String(100)))
    author.c.name.type = sa.String(60)
    author.c.name.comment = "called"
    author.c.score.nullable = True
    author.append_constraint(sa.UniqueConstraint("mail", name="uq_author_mail"))
    book.indexes.remove(next(each for each in book.indexes if each.name == "ix_book_title"))
    sa.Index("ix_book_price", book.c.price)
    sa.Table("shop", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("open", sa.Boolean))
    return metadata


def flattened(difference: list[Any]) -> set[tuple[str, str]]:
    """What a difference does, and to what."""
    found = set()
    for item in difference:
        for each in item if isinstance(item, list) else [item]:
            subject = each[3] if isinstance(each[3] if len(each) > 3 else None, str) else each[-1]
            found.add((each[0], getattr(subject, "name", subject)))
    return found


def test_a_changed_model_gives_the_right_differences(migration: MigrationContext) -> None:
    assert flattened(compare_metadata(migration, change(model()))) == {
        ("add_table", "shop"),
        ("add_column", "mail"),
        ("modify_type", "name"),
        ("modify_comment", "name"),
        ("modify_nullable", "score"),
        ("add_constraint", "uq_author_mail"),
        ("remove_index", "ix_book_title"),
        ("add_index", "ix_book_price"),
    }


def test_the_migration_that_is_made_of_them_leaves_none(migration: MigrationContext) -> None:
    script = produce_migrations(migration, change(model()))
    operations = Operations(migration)
    assert script.upgrade_ops is not None
    for operation in steps(script.upgrade_ops.ops):
        operations.invoke(operation)
    assert compare_metadata(migration, change(model())) == []


def steps(found: list[Any]) -> Iterator[Any]:
    for each in found:
        if isinstance(each, ops.ModifyTableOps):
            yield from steps(each.ops)
        else:
            yield each
