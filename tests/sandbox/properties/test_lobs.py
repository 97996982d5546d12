"""LOBs by their locators: temporary ones are written, cut and bound; those of rows are read in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from orapool.sandbox import Sandbox

TEXT = "Zoë € 🙂 " * 150_000  # nine characters of UTF-16 each
DATA = bytes(range(256)) * 12_000


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with Sandbox(users={"scott": "tiger"}) as sandbox:
        connection = __import__("oracledb").connect(user="scott", password="tiger", dsn=sandbox.dsn)
        connection.cursor().execute("create table lobs (id number, c clob, n nclob, b blob)")
        connection.close()
        yield sandbox


@pytest.fixture
def connection(server: Sandbox, dbapi: ModuleType) -> Iterator[Any]:
    connection = dbapi.connect(user="scott", password="tiger", dsn=server.dsn)
    yield connection
    connection.close()


def in_utf16(text: str) -> int:
    return len(text.encode("utf-16-be")) // 2


@pytest.mark.parametrize(("column", "value"), [("c", TEXT), ("n", TEXT), ("b", DATA)])
def test_megabytes_are_written_and_read_in_pieces(connection: Any, dbapi: ModuleType, column: str, value: Any) -> None:
    size = in_utf16(value) if isinstance(value, str) else len(value)
    kind = getattr(dbapi, {"c": "DB_TYPE_CLOB", "n": "DB_TYPE_NCLOB", "b": "DB_TYPE_BLOB"}[column])
    cursor = connection.cursor()
    cursor.setinputsizes(kind)
    cursor.execute(f"insert into lobs ({column}) values (:1)", [value])
    cursor.execute(f"select {column} from lobs")
    (lob,) = cursor.fetchone()
    assert lob.size() == size
    piece = value[6:105] if column == "b" else value.encode("utf-16-be")[12:210].decode("utf-16-be")
    assert lob.read(7, 99) == piece
    assert lob.read() == value


@pytest.mark.parametrize("name", ["DB_TYPE_CLOB", "DB_TYPE_NCLOB", "DB_TYPE_BLOB"])
def test_a_temporary_lob_is_written_at_places_and_cut(connection: Any, dbapi: ModuleType, name: str) -> None:
    def of(text: str) -> Any:
        return text if name != "DB_TYPE_BLOB" else text.encode()

    lob = connection.createlob(getattr(dbapi, name))
    assert lob.size() == 0
    lob.write(of("hello world"))
    lob.write(of("W"), 7)
    lob.write(of("!"), 12)
    assert (lob.size(), lob.read()) == (12, of("hello World!"))
    lob.trim(5)
    assert (lob.size(), lob.read(2, 3), lob.read(2)) == (5, of("ell"), of("ello"))
    column = {"DB_TYPE_CLOB": "c", "DB_TYPE_NCLOB": "n", "DB_TYPE_BLOB": "b"}[name]
    cursor = connection.cursor()
    cursor.execute(f"insert into lobs ({column}) values (:1)", [lob])
    cursor.execute(f"select {column} from lobs")
    assert cursor.fetchone()[0].read() == of("hello")
