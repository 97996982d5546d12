"""SQLAlchemy's AsyncEngine on the asyncio pool: Core and ORM, errors, options."""

from __future__ import annotations

import asyncio
import time

import pytest
import sqlalchemy
from sqlalchemy import Identity, String, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

import orapool
from orapool.sandbox import Sandbox
from tests.aio.tasks import assert_in_order, until
from tests.waiting import until as until_now

ONE = text("select 1 from dual")


class Base(DeclarativeBase):
    """The tables of these tests."""


class Book(Base):
    """A row with a generated key."""

    __tablename__ = "aio_books"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    title: Mapped[str] = mapped_column(String(40))


async def run_one() -> object:
    async with orapool.async_engine().connect() as connection:
        return (await connection.execute(ONE)).scalar()


async def test_making_an_engine_connects_to_nothing(configured: Sandbox) -> None:
    before = configured.stats()

    engine = orapool.async_engine()

    assert (configured.stats() - before).connects == 0
    assert engine.dialect.is_async
    assert orapool.async_engine() is engine
    assert orapool.async_engine(echo=False) is not engine


async def test_core_orm_and_the_pool_share_their_sessions(configured: Sandbox) -> None:
    engine = orapool.async_engine()
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    make_session = async_sessionmaker(engine, expire_on_commit=False)

    async with make_session() as session:
        book = Book(title="Emil")
        session.add(book)
        await session.commit()
    async with orapool.aconnection() as connection:
        assert await connection.fetchone("select title from aio_books where id = :1", [book.id]) == ("Emil",)
    async with AsyncSession(engine) as session:
        assert (await session.scalars(select(Book))).one().title == "Emil"
    async with engine.connect() as connection:
        streamed = await connection.stream(select(Book.title))
        assert [row async for row in streamed] == [("Emil",)]
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)

    assert orapool.apool().stats().log_ons == 1
    await assert_in_order(orapool.apool(), configured, opened=1)


async def test_what_it_costs(configured: Sandbox) -> None:
    async def empty() -> None:
        async with orapool.async_engine().connect():
            pass

    await run_one()
    for work, costs in ((empty, {}), (run_one, {"execute": 1})):
        before = configured.stats()
        await work()
        assert (configured.stats() - before).round_trips == costs


async def test_idle_sessions_that_end_are_not_seen(configured: Sandbox) -> None:
    await asyncio.gather(*(run_one() for _ in range(6)))

    configured.end_sessions("rst")

    assert await asyncio.gather(*(run_one() for _ in range(20))) == [1] * 20
    await assert_in_order(orapool.apool(), configured)


@pytest.mark.parametrize("code", [28, 1012, 2396, 3113])
async def test_a_lost_session_invalidates_its_connection_and_leaves_the_pool(configured: Sandbox, code: int) -> None:
    async with orapool.async_engine().connect() as connection:
        configured.fail_next(code)
        with pytest.raises(DBAPIError) as raised:
            await connection.execute(ONE)

    assert raised.value.connection_invalidated
    assert await run_one() == 1
    await assert_in_order(orapool.apool(), configured, opened=1)


async def test_a_cancelled_statement_in_an_orm_session(configured: Sandbox) -> None:
    async def work() -> None:
        async with AsyncSession(orapool.async_engine()) as session:
            await session.execute(ONE)

    await work()
    configured.freeze()
    working = asyncio.create_task(work())
    await until(lambda: orapool.apool().stats().busy)
    await asyncio.sleep(0.05)

    begun = time.monotonic()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    taken = time.monotonic() - begun
    configured.thaw()

    assert taken < 0.5
    assert await run_one() == 1
    await assert_in_order(orapool.apool(), configured, opened=1)


async def test_a_failed_log_on_is_a_dbapi_error_and_a_timeout_is_the_pools(configured: Sandbox) -> None:
    engine = orapool.async_engine()
    configured.refuse()
    with pytest.raises(DBAPIError) as raised:
        async with engine.connect():
            pass
    configured.refuse(False)
    assert isinstance(raised.value.orig, orapool.LogOnError)

    held = [await orapool.apool().acquire() for _ in range(3)]
    await orapool.aclose()
    orapool.configure(dsn=configured.dsn, user="scott", password="tiger", driver="oracledb", max=1, acquire_timeout=0.1)
    async with orapool.aconnection():
        with pytest.raises(orapool.PoolTimeout):
            await run_one()
    for connection in held:
        await connection.close()


@pytest.mark.parametrize(
    "option", ["pool_size", "async_creator", "creator", "poolclass", "connect_args", "pool_pre_ping"]
)
def test_options_that_the_pool_governs_name_the_setting(option: str) -> None:
    with pytest.raises(orapool.ConfigurationError, match=f"^{option} is not an option of orapool engines: "):
        orapool.async_engine(**{option: 1})


def test_one_engine_serves_the_loops_that_come_and_go(configured: Sandbox) -> None:
    assert [asyncio.run(run_one()) for _ in range(3)] == [1, 1, 1]
    until_now(lambda: configured.stats().sessions == 0)


def test_cx_oracle_says_that_it_cannot(configured: Sandbox) -> None:
    orapool.configure("other", dsn=configured.dsn, user="scott", password="tiger", driver="cx_oracle")

    with pytest.raises(orapool.ConfigurationError, match="cx_Oracle has no asyncio: set driver to oracledb"):
        orapool.async_engine("other")


def test_an_old_sqlalchemy_is_told(configured: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlalchemy, "__version__", "1.4.54")

    with pytest.raises(orapool.ConfigurationError, match="SQLAlchemy 1.4.54 has no asyncio for Oracle Database"):
        orapool.async_engine()


def test_greenlet_is_asked_for(configured: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "greenlet", None)

    with pytest.raises(orapool.ConfigurationError, match="needs greenlet, which is not installed: `pip install"):
        orapool.async_engine()
