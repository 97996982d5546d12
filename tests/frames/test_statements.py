"""What is to be read, as a driver takes it."""

from __future__ import annotations

import datetime
from typing import Any

import numpy
import pandas
import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, bindparam, text
from sqlalchemy.dialects.oracle.cx_oracle import OracleDialect_cx_oracle

import orapool
from orapool.frames.statements import Parameters, find_query
from tests.older_sqlalchemy import VERSION, select

TOWNS = Table("towns", MetaData(), Column("id", Integer), Column("name", String(20)))


def query(sql: Any, params: Parameters | None = None) -> tuple[str, Any]:
    found = find_query(sql, params, lambda: OracleDialect_cx_oracle(paramstyle="named"))
    return " ".join(found.text.split()), found.binds


@pytest.mark.parametrize("name", ["orders", "sales.orders", '"Orders"', 'sales."Orders"', "orders@reporting.world"])
def test_a_table(name: str) -> None:
    assert query(name) == (f"select * from {name}", [])


@pytest.mark.parametrize("params", [None, {"id": 1}, [1], (1,)])
def test_text_without_lists_is_left_as_it_is(params: Any) -> None:
    found, binds = query("select * from towns where id = :id", params)

    assert found == "select * from towns where id = :id"
    assert binds == (params if isinstance(params, dict) else list(params or []))


@pytest.mark.parametrize("sql", ["id in :ids", "id in (:ids)", "id IN\n( :ids )", "id not in :ids"])
def test_a_list_by_name(sql: str) -> None:
    found, binds = query(f"select * from t where {sql}", {"ids": [1, 2, 3]})

    assert ":ids_1, :ids_2, :ids_3" in found
    assert found.count("(") == found.count(")") == 1
    assert binds == {"ids_1": 1, "ids_2": 2, "ids_3": 3}


def test_a_list_by_position_beside_others() -> None:
    found, binds = query("select * from t where a = :1 and b in (:2) and c = :3", ["x", (1, 2), None])

    assert found == "select * from t where a = :p1 and b in (:p2_1, :p2_2) and c = :p3"
    assert binds == {"p1": "x", "p2_1": 1, "p2_2": 2, "p3": None}


@pytest.mark.parametrize(
    "values", [{1, 2}, range(1, 3), numpy.array([1, 2]), pandas.Series([1, 2]), pandas.Index([1, 2])]
)
def test_what_is_a_list(values: Any) -> None:
    _found, binds = query("select * from t where a in :a", {"a": values})

    assert sorted(binds.values()) == [1, 2]
    assert {type(value) for value in binds.values()} == {int}


def test_an_empty_list_finds_nothing() -> None:
    assert query("select * from t where a in :a", {"a": []}) == (
        "select * from t where a in (select null from dual where 1 = 0)",
        {},
    )


def test_a_parameter_that_occurs_twice() -> None:
    found, binds = query("select * from t where a in :a and b in :a and c = :c and d = :c", {"a": [1, 2], "c": 3})

    assert found == "select * from t where a in (:a_1, :a_2) and b in (:a_1, :a_2) and c = :c and d = :c"
    assert binds == {"a_1": 1, "a_2": 2, "c": 3}


@pytest.mark.parametrize(
    "literal",
    ["':a'", "'it''s :a'", '":a"', "-- :a\n", "/* :a\n:a */", "q'[it's :a]'", "q'!:a!'", "Nq'(:a)'", "b := :a"[:4]],
)
def test_literals_names_and_comments_hold_no_parameters(literal: str) -> None:
    found, binds = query(f"select {literal} x from t where a in :a", {"a": [1]})

    assert " ".join(literal.split()) in found
    assert found.endswith("where a in (:a_1)")
    assert binds == {"a_1": 1}


@pytest.mark.parametrize(
    ("values", "collection"),
    [
        (list(range(2500)), "sys.odcinumberlist"),
        ([str(number) for number in range(2500)], "sys.odcivarchar2list"),
        ([datetime.date(2024, 1, 1)] * 2500, "sys.odcidatelist"),
    ],
)
def test_a_list_longer_than_oracle_takes_becomes_collections(values: list[Any], collection: str) -> None:
    found, binds = query("select * from t where a in :a", {"a": values})

    assert found.count(f"select column_value from table({collection}(") == 3
    assert found.count(" union all ") == 2
    assert list(binds.values()) == values


def test_a_list_of_a_thousand_is_a_list() -> None:
    found, binds = query("select * from t where a in :a", {"a": range(1000)})

    assert "table(" not in found
    assert len(binds) == 1000


@pytest.mark.parametrize(
    ("sql", "params", "message"),
    [
        ("select * from t where a in :a", {"a": range(70_000)}, "70,000 parameters, and Oracle takes 65,535"),
        ("select * from t where a = :a", {"a": [1]}, "parameter :a is a list: that goes behind IN only"),
        ("select * from t where a in :a and b = :b", {"a": [1]}, "params has no value for parameter :b"),
        ("select * from t where a in :1", [[1], 2], "the query has 1 parameters by position, and params 2 values"),
        ("select * from t", "abc", "params is a mapping or a sequence, not str"),
        ("select * from t", 1, "params is a mapping or a sequence, not int"),
        ("select * from t where (a, b) in :a", {"a": [(1, 2)] * 1001}, "1,001 tuples, and Oracle takes 1,000"),
        (1, None, "sql is a string or a SQLAlchemy selectable, not int"),
        (text("select 1 from dual"), [1], "a SQLAlchemy selectable takes its parameters by name"),
    ],
)
def test_what_does_not_fit_is_told(sql: Any, params: Any, message: str) -> None:
    with pytest.raises(orapool.ConfigurationError, match=message):
        query(sql, params)


def test_scalars_of_numpy_become_pythons() -> None:
    _found, binds = query("select * from t where a = :a and b = :b", {"a": numpy.int64(1), "b": numpy.float32(0.5)})

    assert [(type(value), value) for value in binds.values()] == [(int, 1), (float, 0.5)]


def test_a_selectable() -> None:
    found, binds = query(select(TOWNS.c.name).where(TOWNS.c.id == 7))

    assert found.replace(" \n", " ") == "SELECT towns.name FROM towns WHERE towns.id = :id_1"
    assert binds == {"id_1": 7}


def test_a_selectable_with_parameters_and_a_list() -> None:
    found, binds = query(
        select(TOWNS.c.name).where(TOWNS.c.id.in_([1, 2, 3])).where(TOWNS.c.name > bindparam("least")), {"least": "M"}
    )

    assert sorted(map(str, binds.values())) == ["1", "2", "3", "M"]
    assert found.count(":") == 4


@pytest.mark.deselect_if(VERSION < (1, 4), reason="1.3 spreads no list of a selectable")
def test_a_list_of_a_selectable_longer_than_oracle_takes() -> None:
    found, binds = query(select(TOWNS.c.name).where(TOWNS.c.id.in_(range(2500))))

    assert len(binds) == 2500
    assert found.count("table(sys.odcinumberlist(") == 3


def test_rows_of_a_selectable_from_one_on_to_another() -> None:
    found, binds = query(select(TOWNS.c.name).order_by(TOWNS.c.name).limit(10))

    assert "POSTCOMPILE" not in found
    assert list(binds.values()) == [10]


def test_a_list_of_tuples() -> None:
    found, binds = query("select * from t where (a, b) in :pairs", {"pairs": [(1, "x"), (2, "y")]})

    assert found == "select * from t where (a, b) in ((:pairs_1_1, :pairs_1_2), (:pairs_2_1, :pairs_2_2))"
    assert binds == {"pairs_1_1": 1, "pairs_1_2": "x", "pairs_2_1": 2, "pairs_2_2": "y"}


def test_text_with_a_list() -> None:
    found, binds = query(
        text("select name from towns where id in :ids and name > :least"), {"ids": [1, 2], "least": "M"}
    )

    assert found == "select name from towns where id in (:ids_1, :ids_2) and name > :least"
    assert binds == {"ids_1": 1, "ids_2": 2, "least": "M"}
