"""What a driver writes into a column of each data type is what it reads again, through both drivers.

``ORAPOOL_PROPERTY_VALUES`` tells how many values each type and driver get: 200 unless told, 2,000 by `make properties`.
"""

from __future__ import annotations

import contextlib
import decimal
import os
from collections.abc import Callable, Iterator
from typing import Any

import oracledb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orapool.sandbox import Sandbox
from tests.sandbox.properties.kinds import KINDS, Kind, comparable

VALUES = int(os.environ.get("ORAPOOL_PROPERTY_VALUES", "200"))
AT_ONCE = 20
CASES = [pytest.param(kind, id=kind.name) for kind in KINDS]


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with Sandbox(users={"scott": "tiger"}) as sandbox:
        yield sandbox


@pytest.fixture
def connection(server: Sandbox, dbapi: Any) -> Iterator[Any]:
    connection = dbapi.connect(user="scott", password="tiger", dsn=server.dsn)
    yield connection
    with contextlib.suppress(dbapi.Error):
        connection.close()


def exact_numbers(dbapi: Any) -> Callable[..., Any]:
    """An output type handler: NUMBER as Decimal. cx_Oracle tells name, type and sizes, python-oracledb the metadata."""

    def handler(cursor: Any, *told: Any) -> Any:
        kind = told[0].type_code if len(told) == 1 else told[1]
        return cursor.var(decimal.Decimal, arraysize=cursor.arraysize) if kind is dbapi.DB_TYPE_NUMBER else None

    return handler


def read(value: Any) -> Any:
    return value.read() if hasattr(value, "read") else value


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", CASES)
def test_what_is_written_is_read(kind: Kind, connection: Any, dbapi: Any, driver: str) -> None:
    cursor = connection.cursor()
    cursor.outputtypehandler = exact_numbers(dbapi)
    with contextlib.suppress(dbapi.DatabaseError):
        cursor.execute("drop table properties")
    cursor.execute(f"create table properties (id number(9), v {kind.column})")
    if driver not in kind.drivers:
        with pytest.raises(dbapi.DatabaseError, match="ORA-03115"):
            cursor.execute("select v from properties")
        return
    bound = kind.size if kind.bind == "DB_TYPE_VARCHAR" else getattr(dbapi, kind.bind)
    written = 0

    @settings(
        max_examples=max(1, VALUES // AT_ONCE),
        deadline=None,
        database=None,
        derandomize=VALUES <= 200,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(st.none() | kind.values, min_size=AT_ONCE, max_size=AT_ONCE))
    def roundtrip(values: list[Any]) -> None:
        nonlocal written
        cursor.setinputsizes(None, bound)
        cursor.executemany(f"insert into properties values (:1, {kind.insert})", list(enumerate(values)))
        cursor.execute(f"select {kind.select} from properties order by id")
        found = [comparable(read(value)) for (value,) in cursor.fetchall()]
        connection.rollback()
        expected = [None if value is None else kind.came_back(value) for value in values]
        if kind.is_lob and driver == "oracledb":
            expected = [value or None for value in expected]
        assert found == expected
        written += len(values)

    roundtrip()
    assert written >= VALUES


def test_json_stands_where_its_bind_does(server: Sandbox) -> None:
    with oracledb.connect(user="scott", password="tiger", dsn=server.dsn) as connection:
        cursor = connection.cursor()
        cursor.execute("create table documents (v json, id number, name varchar2(10))")
        cursor.setinputsizes(oracledb.DB_TYPE_JSON)
        cursor.execute("insert into documents values (:1, :2, :3)", [{"a": [1, None]}, 5, "x"])
        assert cursor.execute("select * from documents").fetchall() == [({"a": [1, None]}, 5, "x")]
