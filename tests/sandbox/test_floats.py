"""FLOAT(b): a NUMBER of as many decimal digits as b binary ones are, however a value gets there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from types import ModuleType
from typing import Any

import oracledb
import pytest

from orapool.sandbox import Sandbox

TABLE = "create table floats (id number(5), a float(10), b float(1), c real, d double precision, e float)"
NUMBERS = [Decimal("12345.678"), Decimal("-0.00012350"), Decimal("99.995"), Decimal("-99995"), None, Decimal(0)]
ROUNDED = [Decimal(12350), Decimal("-0.0001235"), Decimal(100), Decimal(-100000), None, Decimal(0)]


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with Sandbox(users={"scott": "tiger"}) as sandbox:
        with oracledb.connect(user="scott", password="tiger", dsn=sandbox.dsn) as connection:
            connection.cursor().execute(TABLE)
        yield sandbox


@pytest.fixture
def connection(server: Sandbox, dbapi: ModuleType) -> Iterator[Any]:
    connection = dbapi.connect(user="scott", password="tiger", dsn=server.dsn)
    connection.outputtypehandler = exact(dbapi)
    yield connection
    connection.cursor().execute("delete from floats")
    connection.commit()
    connection.close()


def exact(dbapi: ModuleType) -> Callable[..., Any]:
    def handler(cursor: Any, *told: Any) -> Any:
        kind = told[0].type_code if len(told) == 1 else told[1]
        return cursor.var(Decimal, arraysize=cursor.arraysize) if kind is dbapi.DB_TYPE_NUMBER else None

    return handler


def stored(cursor: Any, column: str = "a") -> list[Any]:
    cursor.execute(f"select {column} from floats order by id")
    return [value for (value,) in cursor.fetchall()]


def test_insert_update_and_merge(connection: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("insert into floats (id, a, b) values (1, 1234.56, '0.15')")
    cursor.execute("insert into floats (id, a, b) select 2, a * 2.0004, -2.5 from floats")
    assert (stored(cursor), stored(cursor, "b")) == ([1235, 2470], [Decimal("0.2"), -3])
    cursor.execute("update floats set a = a / 3, b = (select 9.5 from dual) where id = :1", [1])
    assert (stored(cursor), stored(cursor, "b")) == ([Decimal("411.7"), 2470], [10, -3])
    cursor.execute(
        "merge into floats f using (select level id from dual connect by level <= 3) s on (f.id = s.id) "
        "when matched then update set a = 1 / s.id when not matched then insert (id, a) values (s.id, 1e9 / 7)"
    )
    assert stored(cursor) == [1, Decimal("0.5"), 142_900_000]
    changed = cursor.var(Decimal)
    cursor.execute("update floats set a = 2 / 3 where id = 1 returning a into :1", [changed])
    assert changed.getvalue() == [Decimal("0.6667")]


def test_array_binds_and_strings(connection: Any) -> None:
    cursor = connection.cursor()
    cursor.executemany("insert into floats (id, a) values (:1, :2)", list(enumerate(NUMBERS)))
    assert stored(cursor) == ROUNDED
    texts = [(None if value is None else str(value), number) for number, value in enumerate(NUMBERS)]
    cursor.executemany("update floats set a = :1 where id = :2", texts)
    assert stored(cursor) == ROUNDED


def test_direct_path_loads(server: Sandbox) -> None:
    with oracledb.connect(user="scott", password="tiger", dsn=server.dsn) as connection:
        connection.direct_path_load("SCOTT", "FLOATS", ["ID", "A"], list(enumerate(NUMBERS)))
        cursor = connection.cursor()
        cursor.outputtypehandler = exact(oracledb)
        assert stored(cursor) == ROUNDED
        cursor.execute("delete from floats")
        connection.commit()


def test_cast(connection: Any, dbapi: ModuleType) -> None:
    cursor = connection.cursor()
    cursor.execute(
        "select cast(1234.56 as float(10)), cast('0.055' as float(3)), cast(2/3 as real), "
        "cast(2/3 as double precision), cast(1e39 + 1 as float), cast(null as float(3)), "
        "cast(1 as float(1)) / 3 from dual"
    )
    of_19 = Decimal("0.6666666666666666667")
    of_38 = Decimal("0.66666666666666666666666666666666666667")
    row = (1235, Decimal("0.06"), of_19, of_38, Decimal(10) ** 39, None, Decimal("0." + "3" * 40))
    assert [each[4:6] for each in cursor.description] == [
        *((bits, -127) for bits in (10, 3, 63, 126, 126, 3)),
        (0, -127),
    ]
    assert cursor.fetchone() == row
    for overflow in ("cast(9.6e125 as float(1))", "cast(-9.6e125 as float(1))"):
        with pytest.raises(dbapi.DatabaseError, match="ORA-01426"):
            cursor.execute(f"select {overflow} from dual") and cursor.fetchall()
    for bits in (0, 127):
        with pytest.raises(dbapi.DatabaseError, match="ORA-01724"):
            cursor.execute(f"select cast(1 as float({bits})) from dual")
        with pytest.raises(dbapi.DatabaseError, match="ORA-01724"):
            cursor.execute(f"create table too_wide (a float({bits}))")


def test_description_and_dictionary(connection: Any, dbapi: ModuleType) -> None:
    cursor = connection.cursor()
    cursor.execute("select f.* from floats f")
    assert [each[4:6] for each in cursor.description[1:]] == [(bits, -127) for bits in (10, 1, 63, 126, 126)]
    cursor.execute(
        "select column_name, data_type, data_precision, data_scale from user_tab_columns where table_name = 'FLOATS' "
        "and data_type <> 'NUMBER' order by column_id"
    )
    told = [(name, "FLOAT", bits, None) for name, bits in zip("ABCDE", (10, 1, 63, 126, 126))]
    assert cursor.fetchall() == told
