"""Writing through the locator of a row's LOB: into the row, in the transaction that has locked it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from orapool.sandbox import Sandbox

Connect = Callable[..., Any]


@pytest.fixture
def connection(connect: Connect, sandbox: Sandbox) -> Iterator[Any]:
    """A session, and a table `documents` with one row, of which `seen` is a view."""
    connection = connect()
    cursor = connection.cursor()
    cursor.execute("create table documents (id number primary key, c clob, n nclob, b blob, v varchar2(10))")
    cursor.execute("insert into documents values (1, 'hello world', 'hello world', :1, 'v')", [b"hello world"])
    cursor.execute("create view seen as select id, c from documents")
    connection.commit()
    yield connection
    sandbox.end_sessions()
    cursor = connect().cursor()
    cursor.execute("drop view seen")
    cursor.execute("drop table documents")


def value(connection: Any, column: str, where: str = "id = 1") -> Any:
    """The value of a column, as a session sees it."""
    (lob,) = connection.cursor().execute(f"select {column} from documents where {where}").fetchone()
    return None if lob is None else lob.read()


def lock(connection: Any, column: str, where: str = "id = 1") -> Any:
    """The locator of a column whose row is locked."""
    (lob,) = connection.cursor().execute(f"select {column} from documents where {where} for update").fetchone()
    return lob


def returned(variable: Any) -> Any:
    """The first value that RETURNING put into a variable."""
    found = variable.getvalue()
    return found[0] if isinstance(found, list) else found


@pytest.mark.parametrize("column", ["c", "n", "b"])
def test_a_write_changes_the_row_for_the_session_and_for_others_after_commit(
    connect: Connect, connection: Any, column: str
) -> None:
    def of(text: str) -> Any:
        return text.encode() if column == "b" else text

    other = connect()
    lob = lock(connection, column)

    lob.write(of("HE"))
    lob.write(of("W"), 7)
    lob.write(of("!!"), 14)

    gap = "\0\0" if column == "b" else "  "
    assert (lob.read(), lob.size()) == (of(f"HEllo World{gap}!!"), 15)
    assert value(connection, column) == of(f"HEllo World{gap}!!")
    assert value(other, column) == of("hello world")
    lob.trim(5)
    connection.commit()
    assert value(other, column) == of("HEllo")
    assert lob.read() == of("HEllo")


def test_characters_are_counted_as_in_utf_16(connection: Any) -> None:
    lob = lock(connection, "c")
    lob.write("\U0001f600é", 1)
    lob.write("x", 4)
    assert value(connection, "c") == "\U0001f600éxo world"


@pytest.mark.parametrize("column", ["c", "b"])
def test_a_lob_of_megabytes_is_written_in_pieces(connection: Any, column: str) -> None:
    piece: Any = "0123456789abcdef" * 65_536 if column == "c" else bytes(range(256)) * 4096
    variable = connection.cursor().var(lock(connection, column).type)
    sql = f"update documents set {column} = empty_{column}lob() where id = 1 returning {column} into :1"
    connection.cursor().execute(sql, [variable])
    lob = returned(variable)

    for number in range(3):
        lob.write(piece, 1 + number * len(piece))
    lob.write(piece[:10], len(piece) - 4)

    expected = piece[:-5] + piece[:10] + piece[5:] + piece
    assert lob.size() == 3 * len(piece)
    assert value(connection, column) == expected


def test_a_new_row_is_filled_through_the_locator_that_insert_returned(
    connect: Connect, connection: Any, dbapi: ModuleType
) -> None:
    cursor = connection.cursor()
    text, data = cursor.var(dbapi.DB_TYPE_CLOB), cursor.var(dbapi.DB_TYPE_BLOB)
    sql = "insert into documents (id, c, b) values (2, empty_clob(), empty_blob()) returning c, b into :c, :b"
    cursor.execute(sql, c=text, b=data)

    returned(text).write("a text")
    returned(data).write(b"data")
    returned(text).write(" more", 7)
    connection.commit()

    other = connect()
    assert (value(other, "c", "id = 2"), value(other, "b", "id = 2")) == ("a text more", b"data")


def test_rows_of_an_array_are_filled_one_by_one(connection: Any, dbapi: ModuleType) -> None:
    cursor = connection.cursor()
    variable = cursor.var(dbapi.DB_TYPE_CLOB, arraysize=3)
    cursor.setinputsizes(None, variable)
    sql = "insert into documents (id, c) values (:1, empty_clob()) returning c into :2"
    cursor.executemany(sql, [(10,), (11,), (12,)])
    for index in range(3):
        found = variable.getvalue(index)
        (found[0] if isinstance(found, list) else found).write(f"row {index}")
    cursor.execute("select c from documents where id >= 10 order by id")
    assert [lob.read() for (lob,) in cursor.fetchall()] == ["row 0", "row 1", "row 2"]


def test_a_block_hands_out_locators_that_write(connection: Any, dbapi: ModuleType) -> None:
    cursor = connection.cursor()
    made, found = cursor.var(dbapi.DB_TYPE_CLOB), cursor.var(dbapi.DB_TYPE_CLOB)
    cursor.execute("begin insert into documents (id, c) values (2, empty_clob()) returning c into :1; end;", [made])
    returned(made).write("made")
    cursor.execute("begin select c into :1 from documents where id = 1 for update; end;", [found])
    returned(found).write("found")
    assert (value(connection, "c"), value(connection, "c", "id = 2")) == ("found world", "made")


def test_savepoint_and_rollback_take_writes_back(connect: Connect, connection: Any) -> None:
    cursor = connection.cursor()
    lob = lock(connection, "c")
    lob.write("HELLO")
    cursor.execute("savepoint before")
    lob.write("WORLD", 7)
    assert value(connection, "c") == "HELLO WORLD"
    cursor.execute("rollback to savepoint before")
    assert value(connection, "c") == "HELLO world"
    lob.write("!", 12)
    assert value(connection, "c") == "HELLO world!"
    connection.rollback()
    assert value(connect(), "c") == "hello world"


def test_the_row_is_found_wherever_the_transaction_has_moved_it(connection: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("select b, n, v, c from documents where id = 1 for update")
    data, national, _v, text = cursor.fetchone()
    for number in range(5):
        cursor.execute("update documents set v = :1", [str(number)])
        text.write(str(number), 1 + number)
        data.write(b"%d" % number, 1 + number)
    national.trim(0)
    found = cursor.execute("select c, b, n, v from documents").fetchone()
    assert [found[0].read(), found[1].read(), found[2].size(), found[3]] == ["01234 world", b"01234 world", 0, "4"]


def test_what_others_have_committed_meanwhile_stays(connect: Connect, connection: Any) -> None:
    lob = lock(connection, "c")
    connection.rollback()
    other = connect()
    other.cursor().execute("update documents set c = 'another value'")
    other.commit()
    lob = lock(connection, "c")
    lob.write("A")
    assert value(connection, "c") == "Another value"


def test_two_locators_of_a_lob_write_into_one_value(connection: Any) -> None:
    first, second = lock(connection, "c"), lock(connection, "c")
    first.write("HE")
    second.write("LD", 10)
    assert value(connection, "c") == "HEllo worLD"


def test_a_row_that_the_transaction_has_changed_needs_no_other_lock(connection: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("insert into documents (id, c) values (2, 'two')")
    (lob,) = cursor.execute("select c from documents where id = 2").fetchone()
    lob.write("TWO")
    assert value(connection, "c", "id = 2") == "TWO"


def test_a_row_of_a_join_is_written(connection: Any) -> None:
    cursor = connection.cursor()
    cursor.execute(
        "select x.c, y.level_ from documents x join (select level level_ from dual connect by level <= 1) y "
        "on x.id = y.level_ where x.id = :1 for update of x.c",
        [1],
    )
    lob, _level = cursor.fetchone()
    lob.write("J")
    assert value(connection, "c") == "Jello world"


def test_statements_about_views_outlast_hundreds_of_others(connection: Any) -> None:
    # PostgreSQL is asked in vain for the places of their rows; what it knows of them is forgotten once, with them.
    cursor = connection.cursor()
    for number in range(10, 450):
        cursor.execute("insert into seen (id) values (:1)", [number])
        (lob,) = cursor.execute("select c from seen where id = 1").fetchone()
        assert lob.read() == "hello world"
        cursor.execute(f"select {number} from dual").fetchone()
    assert cursor.execute("select count(*) from documents").fetchone() == (441,)


# ---------------------------------------------------------------- refused
@pytest.mark.parametrize("begun", [False, True])
def test_without_a_lock_on_the_row_nothing_is_written(connection: Any, dbapi: ModuleType, begun: bool) -> None:
    cursor = connection.cursor()
    if begun:
        cursor.execute("insert into documents (id) values (2)")
    (lob,) = cursor.execute("select c from documents where id = 1").fetchone()
    for change in (lambda: lob.write("x"), lambda: lob.trim(2)):
        with pytest.raises(dbapi.DatabaseError, match="ORA-22920: row containing the LOB value is not locked"):
            change()
    assert lob.read() == value(connection, "c") == "hello world"


def test_a_row_that_another_session_has_locked_is_not_written(
    connect: Connect, connection: Any, dbapi: ModuleType
) -> None:
    other = connect()
    lock(other, "c")
    cursor = connection.cursor()
    cursor.execute("insert into documents (id) values (2)")
    (lob,) = cursor.execute("select c from documents where id = 1").fetchone()
    with pytest.raises(dbapi.DatabaseError, match="ORA-22920"):
        lob.write("x")


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_a_locator_does_not_outlast_its_transaction(connection: Any, dbapi: ModuleType, end: str) -> None:
    lob = lock(connection, "c")
    getattr(connection, end)()
    connection.cursor().execute("insert into documents (id) values (2)")
    with pytest.raises(dbapi.DatabaseError, match="ORA-22990: LOB locators cannot span transactions"):
        lob.write("x")
    assert lob.read() == "hello world"


def test_a_lock_that_a_savepoint_took_back_is_none(connection: Any, dbapi: ModuleType) -> None:
    cursor = connection.cursor()
    cursor.execute("insert into documents (id) values (2)")
    cursor.execute("savepoint before")
    lob = lock(connection, "c")
    cursor.execute("rollback to savepoint before")
    with pytest.raises(dbapi.DatabaseError, match="ORA-22920"):
        lob.write("x")


@pytest.mark.parametrize(
    "sql",
    [
        "select c from (select c, id from documents)",
        "select c from seen for update",
        "select x.c from documents x, documents y where x.id = y.id for update",
        "select c from documents union all select c from documents",
        "select to_clob('hello world') from documents",
    ],
)
def test_a_lob_whose_row_is_not_known_is_refused_loudly(connection: Any, dbapi: ModuleType, sql: str) -> None:
    cursor = connection.cursor()
    cursor.execute("select id from documents for update").fetchall()
    lob = cursor.execute(sql).fetchone()[-1]
    with pytest.raises(dbapi.DatabaseError, match="ORA-03001.*whose row the sandbox does not know"):
        lob.write("x")
    assert lob.read() == value(connection, "c") == "hello world"


def test_a_place_that_cannot_be_is_refused_and_the_transaction_goes_on(connection: Any, dbapi: ModuleType) -> None:
    lob = lock(connection, "b")
    lob.write(b"H")
    with pytest.raises(dbapi.DatabaseError, match="ORA-24801|DPY-2030|DPI-1028"):
        lob.write(b"x", 1 << 30)
    assert value(connection, "b") == b"Hello world"
