"""Where the LOBs of rows are, so that they can be changed through their locators.

Of a query that may be about rows which its session has locked, PostgreSQL hands over the place of each row beside it,
and of DML with RETURNING too; `change` finds the row again, wherever changes of the same transaction have moved it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from psycopg.pq.abc import PGresult
from sqlglot import exp

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.link import Run
from orapool.sandbox.sql.names import quote_name, quote_text
from orapool.sandbox.sql.querying import name_of
from orapool.sandbox.types import BLOB, CLOB

if TYPE_CHECKING:
    from orapool.sandbox.sql.backend import Backend

LOB_CODES = (CLOB.code, BLOB.code)


@dataclass(frozen=True)
class LobColumn:
    """A LOB column of a result: of which table and column it is, and which columns of the result tell a row's place.

    ``version`` tells of a row which transaction has made it; None where the statement itself has, or has locked it.
    """

    table: int
    number: int
    tid: int
    version: int | None


@dataclass
class Place:
    """Where a LOB is: in a column of a table, in the row that was at a place of PostgreSQL's, ``(block,place)``.

    ``transaction`` is the number of the transaction that has got the locator.
    """

    table: int
    number: int
    tid: bytes
    version: bytes | None
    transaction: int


class PlacedValue(bytes):
    """The value of a LOB in a row, with its place."""

    place: Place


@dataclass(frozen=True)
class Placing:
    """Which columns of a result are LOBs with a place; the first `hidden` columns are not the client's."""

    hidden: int = 0
    transaction: int = 0
    columns: dict[int, LobColumn] = field(default_factory=dict)

    def placed(self, index: int, value: bytes | None, row: Callable[[int], bytes | None]) -> bytes | None:
        """The value of the client's column `index`, with its place if it has one; `row` has those of PostgreSQL's."""
        column = self.columns.get(index)
        if column is None or value is None:
            return value
        tid = row(column.tid)
        if tid is None:
            return value
        if not tid.startswith(b"("):
            tid = b"(%d,%d)" % (int.from_bytes(tid[:4], "big"), int.from_bytes(tid[4:], "big"))
        made = PlacedValue(value)
        version = row(column.version) if column.version is not None else None
        made.place = Place(column.table, column.number, tid, version, self.transaction)
        return made

    def returned(self, row: tuple[bytes | None, ...]) -> tuple[bytes | None, ...]:
        """A row of RETURNING, without the place at its end."""
        return self.placed_row(row[:-1], row.__getitem__)

    def placed_row(
        self, given: tuple[bytes | None, ...], row: Callable[[int], bytes | None]
    ) -> tuple[bytes | None, ...]:
        """The client's values of a row, with their places; `row` has those of PostgreSQL's."""
        return tuple(self.placed(index, value, row) for index, value in enumerate(given))


NONE = Placing()


def row_sources(tree: exp.Expr) -> tuple[str, ...]:
    """The tables whose rows are those of a query, by the names that they have in PostgreSQL's text."""
    if not isinstance(tree, exp.Select) or any(tree.args.get(key) for key in ("with_", "distinct", "group")):
        return ()
    order = tree.args.get("order")
    if order is not None and any(isinstance(item.this, exp.Literal) for item in order.expressions):
        return ()  # by numbers of columns
    sources = [tree.args["from_"].this] if tree.args.get("from_") else []
    sources += [join.this for join in tree.args.get("joins") or []]
    tables = [source for source in sources if isinstance(source, exp.Table) and name_of(source)]
    return tuple(quote_name(name_of(table)) for table in tables)


def query_with_places(text: bytes, sources: tuple[str, ...], locks: bool) -> bytes | None:
    """A query's text that has the places and versions of its rows first; None where it cannot have them.

    Rows are locked more strongly then: a lock that is shared with new children cannot be told from another session's.
    """
    if not sources or not text.startswith(b"SELECT "):
        return None
    if locks:
        before, _, after = text.rpartition(b" FOR NO KEY UPDATE")
        text = before + b" FOR UPDATE" + after
    hidden = ", ".join(f"{source}.ctid, {source}.xmin::text" for source in sources)
    return b"SELECT " + hidden.encode() + b", " + text[len(b"SELECT ") :]


def placing_of_query(described: PGresult, sources: int, locks: bool, lobs: list[int]) -> Placing:
    """Which LOBs have places, as PostgreSQL describes a query with those; not of a table that is in it twice."""
    hidden = 2 * sources
    tids: dict[int, list[int]] = {}
    for at in range(0, hidden, 2):
        tids.setdefault(described.ftable(at), []).append(at)
    columns = {}
    for index in lobs:
        table, number = described.ftable(index + hidden), described.ftablecol(index + hidden)
        found = tids.get(table, [])
        if table and number > 0 and len(found) == 1:
            columns[index] = LobColumn(table, number, found[0], None if locks else found[0] + 1)
    return Placing(hidden, columns=columns)


def placing_of_returning(described: PGresult, lobs: list[int]) -> Placing:
    """The same for DML whose last returned value is the place of the row."""
    tid = described.nfields - 1
    return Placing(
        columns={
            index: LobColumn(described.ftable(index), described.ftablecol(index), tid, None)
            for index in lobs
            if described.ftable(index) and described.ftablecol(index) > 0
        }
    )


def change(backend: Backend, place: Place, make: Callable[[bytes], bytes]) -> bytes:
    """Change the LOB at a place; returns the new value.

    Args:
        make: makes the new value of the old one, both in the engine's text.

    Raises:
        OracleError: ORA-22920 where this transaction has not locked the row, ORA-22990 where the locator is of another;
            what PostgreSQL refused.
    """
    if place.transaction != backend.transaction.number:
        raise OracleError(22990, "LOB locators cannot span transactions")
    if not backend.in_transaction:
        raise not_locked()
    names = backend.run([Run(_NAMES, [b"%d" % place.table, b"%d" % place.number])])[0]
    if not names.ntuples:
        raise not_locked()
    table, column, kind = ((names.get_value(0, index) or b"").decode() for index in range(3))
    find = _FIND.format(table=table, column=column, name=quote_text(table))
    found = backend.run([Run(find.encode(), [place.tid, place.version])])[0]
    if not found.ntuples:
        raise not_locked()
    value = make(found.get_value(0, 1) or b"")
    update = f"UPDATE {table} SET {column} = $1::{kind} WHERE ctid = $2::tid"
    backend.run([Run(update.encode(), [bytes(value), found.get_value(0, 0)])], verb="UPDATE")
    # From now on its row is found through its versions, of which the first stays whatever a savepoint takes back.
    place.version = None
    return value


def not_locked() -> OracleError:
    """The error of who would change a LOB without having locked its row."""
    return OracleError(22920, "row containing the LOB value is not locked")


_NAMES = b"""
select $1::oid::regclass::text, quote_ident(attname), atttypid::regtype::text
  from pg_attribute where attrelid = $1::oid and attnum = $2::int and not attisdropped
"""
# A row that this transaction has made or locked is found by following its versions; another one only where it was. What
# is in progress is this transaction's own: of others, a version would not be visible, and a locked row is skipped.
_FIND = """
select t.ctid::text, t.{column}
  from {table} t
 where t.ctid = (
        select case when $2::text is null or pg_xact_status($2::text::xid8) = 'in progress'
                    then currtid2({name}, $1::tid) else $1::tid end)
   and ($2::text is null or pg_xact_status($2::text::xid8) = 'in progress' or t.xmin::text = $2::text)
   and 'in progress' in (
        pg_xact_status(t.xmin::text::xid8), case when t.xmax::text <> '0' then pg_xact_status(t.xmax::text::xid8) end)
   for update of t skip locked
"""
