"""Tables and queries cut into partitions: ranges of a column or of ROWID, with about as many rows each."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any, Callable, Union

from orapool.drivers.base import Driver
from orapool.drivers.columns import ResultColumn
from orapool.errors import ConfigurationError, SnapshotUnavailable, error_codes
from orapool.frames.calls import Calls
from orapool.frames.statements import SQL, Parameters, Query, find_binds, find_query, find_table

log = logging.getLogger("orapool.frames")

Partitions = Union[int, Sequence[Any]]

_ROWID = "rowid"
_SCN, _LOW, _HIGH = "scn", "partition_low", "partition_high"
_SHOWN = 30

_TEXT = frozenset({"CHAR", "NCHAR", "NVARCHAR", "VARCHAR"})
_ZONED = frozenset({"TIMESTAMP_LTZ", "TIMESTAMP_TZ"})
_NUMBERS = frozenset({"BINARY_DOUBLE", "BINARY_FLOAT", "BINARY_INTEGER", "NUMBER"})
_ORDERED = _TEXT | _ZONED | _NUMBERS | {"DATE", "INTERVAL_DS", "RAW", "TIMESTAMP"}

# Neither is everybody's: EXECUTE on DBMS_FLASHBACK, or SELECT on V_$DATABASE, must be granted.
_ASK_SCN = (
    "select dbms_flashback.get_system_change_number from dual",
    "select current_scn from v$database",
)
_NO_SNAPSHOT = frozenset(
    {
        *("ORA-00904", "ORA-00933", "ORA-00942", "ORA-01031", "ORA-01466", "ORA-01555"),
        *("ORA-08180", "ORA-08181", "ORA-08182", "ORA-22924"),
    }
)
"""A privilege is missing, or the past is not kept that long, or the table has been altered since."""


@dataclass(frozen=True)
class Partitioning:
    """What to make partitions of; see `read_df`."""

    on: str
    partitions: Partitions | None = None
    consistent: bool | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.on, str) or not self.on:
            raise ConfigurationError(f"partition_on is the name of a column, or 'rowid', not {self.on!r}")
        if isinstance(self.partitions, (str, bytes, bool)):
            raise ConfigurationError(f"partitions is a number, or a list of bounds, not {self.partitions!r}")
        if isinstance(self.partitions, Integral):
            object.__setattr__(self, "partitions", int(self.partitions))
        if isinstance(self.partitions, int) and self.partitions < 1:
            raise ConfigurationError(f"partitions is a number of them, 1 or more, not {self.partitions!r}")
        if self.consistent not in (None, True, False):
            raise ConfigurationError(f"consistent is None, True or False, not {self.consistent!r}")


def partitioning(on: str | None, partitions: Partitions | None, consistent: bool | None) -> Partitioning | None:
    """The options of a function that reads; None where no partitions are wanted."""
    if on is not None:
        return Partitioning(on, partitions, consistent)
    if partitions is not None or consistent is not None:
        raise ConfigurationError("partitions and consistent go with partition_on, which is not given")
    return None


@dataclass(frozen=True)
class Subject:
    """The table or query that is cut.

    Attributes:
        query: all of it.
        table: its name; None for a query.
        takes_scn: whether it can be read as of an SCN.
    """

    query: Query
    table: str | None
    takes_scn: bool

    @property
    def needs_scn(self) -> bool:
        """Whether it cannot be read without."""
        return self.takes_scn and self.table is None

    def select(self, outputs: str, scn: int | None, where: str = "", binds: Mapping[str, Any] | None = None) -> Query:
        """A query for some of it: `where` with its own parameters, `binds`, in the order of the text."""
        own = self.query.binds or {}
        if self.table is None:
            source = f"(\n{self.query.text}\n)"
        else:
            source = self.table if scn is None else f"{self.table} as of scn :{_SCN}"
        text = f"select {outputs} from {source}{where}"
        if not isinstance(own, dict):
            return Query(text, [*own, *(binds or {}).values()])
        return Query(text, {**own, **({} if scn is None else {_SCN: scn}), **(binds or {})})

    def refuse_snapshot(self, consistent: bool | None, error: BaseException | None) -> None:
        """Say that there is no snapshot. Raises SnapshotUnavailable where there has to be one."""
        if not self.takes_scn:
            why = (
                "the partitions of a query are not read from one snapshot unless it says where: write `as of scn :scn` "
                "behind each of its tables, and orapool fills in :scn"
            )
        else:
            why = (
                f"the partitions cannot be read from one snapshot ({str(error).splitlines()[0]}): that takes EXECUTE "
                "on DBMS_FLASHBACK or SELECT on V_$DATABASE, FLASHBACK on tables of others, and undo that is kept"
            )
        if consistent or self.needs_scn:
            raise SnapshotUnavailable(why) from error
        if consistent is None:
            log.warning("%s. Each is read as of its own time; consistent=False says that this will do", why)


def find_subject(sql: SQL, params: Parameters | None, dialect: Callable[[], Any]) -> Subject:
    """What is to be cut. Raises as `find_query` does."""
    table = find_table(sql)
    if table is not None:
        return Subject(find_query(sql, params, dialect), table, True)
    if (
        isinstance(sql, str)
        and _SCN in find_binds(sql)
        and (params is None or (isinstance(params, Mapping) and _SCN not in {name.lower() for name in params}))
    ):
        return Subject(find_query(sql, {**(params or {}), _SCN: None}, dialect), None, True)
    return Subject(find_query(sql, params, dialect), None, False)


@dataclass(frozen=True)
class Partition:
    """A part of what is read.

    Attributes:
        place: among the others, from 0.
        query: reads it.
        label: what to call it: "partition 2 of 8 (ID from 100 to 200)".
    """

    place: int
    query: Query
    label: str


@dataclass(frozen=True)
class Layout:
    """How a table or a query is cut.

    Attributes:
        subject: the table or query.
        columns: of its rows.
        column: by which it is cut; None: by ROWID.
        bounds: where the second partition and the following ones begin.
        scn: as of which it is read; None: each partition as of its own time.
        rows: how many there are in all, if that is known.
    """

    subject: Subject
    columns: tuple[ResultColumn, ...]
    column: ResultColumn | None
    bounds: tuple[Any, ...]
    scn: int | None = None
    rows: int | None = None

    def partitions(self) -> list[Partition]:
        """The partitions, in order: at least one."""
        edges = [None, *self.bounds, None]
        return [
            self._partition(place, edges[place], edges[place + 1], len(edges) - 1) for place in range(len(edges) - 1)
        ]

    def _partition(self, place: int, low: Any, high: Any, count: int) -> Partition:
        expression = _expression(self.column)
        conditions = []
        binds = {}
        if low is not None:
            conditions.append(f"{expression} >= :{_LOW}")
            binds[_LOW] = low
        if high is not None:
            conditions.append(f"{expression} < :{_HIGH}")
            binds[_HIGH] = high
            if low is None and self.column is not None and self.column.nullable:
                conditions = [f"({conditions[0]} or {expression} is null)"]
        where = f" where {' and '.join(conditions)}" if conditions else ""
        parts = [f"{word} {str(edge)[:_SHOWN]}" for word, edge in (("from", low), ("to", high)) if edge is not None]
        name = "ROWID" if self.column is None else self.column.name
        label = f"partition {place + 1} of {count}" + (f" ({name} {' '.join(parts)})" if parts else "")
        return Partition(place, self.subject.select("*", self.scn, where, binds), label)

    def without_snapshot(self) -> Layout:
        """The same, each partition as of its own time."""
        return replace(self, scn=None)


def lay_out(subject: Subject, how: Partitioning, most: int, calls: Calls, driver: Driver, connection: Any) -> Layout:
    """Cut a table or a query, by a few queries on a session, into `most` partitions where no number is asked for.

    Raises SnapshotUnavailable where they shall be consistent and cannot be, ConfigurationError for a column that does
    not do, and the driver's errors.
    """
    if how.on.lower() == _ROWID and subject.table is None:
        raise ConfigurationError(
            "partition_on='rowid' is for a table by its name, since a query's rows have none: name one of its columns"
        )
    columns = calls.run(lambda: driver.describe(connection, subject.query.text))
    if columns is None:
        raise ConfigurationError("this is no query: use orapool.connection() for what returns no rows")
    layout = Layout(subject, columns, _find_column(how.on, columns), ())
    wanted = most if how.partitions is None else how.partitions
    refusal: BaseException | None = None
    if how.consistent is not False and subject.takes_scn:
        try:
            layout = replace(layout, scn=_find_scn(calls, driver, connection))
            return _find_bounds(layout, wanted, calls, connection)
        except driver.dbapi.DatabaseError as error:
            if not is_no_snapshot(error):
                raise
            layout, refusal = layout.without_snapshot(), error
    if how.consistent or subject.needs_scn:
        subject.refuse_snapshot(how.consistent, refusal)
    layout = _find_bounds(layout, wanted, calls, connection)
    if layout.bounds:
        subject.refuse_snapshot(how.consistent, refusal)
    return layout


def is_no_snapshot(error: BaseException) -> bool:
    """Whether the driver's error may mean that nothing can be read as of that SCN."""
    return not _NO_SNAPSHOT.isdisjoint(error_codes(error))


def _find_column(on: str, columns: Sequence[ResultColumn]) -> ResultColumn | None:
    if on.lower() == _ROWID:
        return None
    named = [column for column in columns if column.name == on]
    named = named or [column for column in columns if column.name == on.upper()]
    if len(named) != 1:
        what = "two columns are called" if named else "there is no column"
        raise ConfigurationError(
            f"partition_on: {what} {on!r}: there are {', '.join(column.name for column in columns)}"
        )
    if named[0].type not in _ORDERED:
        raise ConfigurationError(
            f"partition_on: column {named[0].name} is of type {named[0].type}, and partitions are ranges of numbers, "
            "dates, text or RAW"
        )
    return named[0]


def _find_scn(calls: Calls, driver: Driver, connection: Any) -> int:
    for statement in _ASK_SCN[:-1]:
        try:
            return int(calls.run(lambda: _fetch(connection, Query(statement, []))[0][0]))  # noqa: B023
        except driver.dbapi.DatabaseError as error:
            if not is_no_snapshot(error):
                raise
    return int(calls.run(lambda: _fetch(connection, Query(_ASK_SCN[-1], []))[0][0]))


def _find_bounds(layout: Layout, wanted: Partitions, calls: Calls, connection: Any) -> Layout:
    """Where the partitions begin."""
    if not isinstance(wanted, int):
        return replace(layout, bounds=_check_bounds(list(wanted)))
    if wanted == 1:
        return layout
    query = _bounds_query(layout, wanted)
    found: list[tuple[Any, int, Any]] = calls.run(lambda: _fetch(connection, query))
    any_nulls = any(bound is None for bound, _, _ in found)  # those are the first partition
    bounds: dict[Any, Any] = {}  # by place, since many rows may have the same value
    for bound, _, place in found:
        if bound is not None and (place or any_nulls):
            bounds.setdefault(place, bound)
    return replace(layout, bounds=tuple(bounds.values()), rows=sum(rows for _, rows, _ in found))


def _bounds_query(layout: Layout, wanted: int) -> Query:
    """For each tile of the rows: its least value, its rows, and the value's place among the others'."""
    expression = _expression(layout.column)
    tiles = layout.subject.select(
        f"{expression} as bound, ntile({wanted}) over (order by {expression} nulls first) as tile", layout.scn
    )
    least = f"select min(bound) as bound, count(*) as row_count from ({tiles.text}) group by tile"
    # Asked of the database: what comes first is a matter of NLS_COMP in text, and of its own in ROWIDs.
    return Query(
        f"with tiles as ({least}) select bound, row_count, (select count(*) from tiles other "
        "where other.bound < tiles.bound) as place from tiles order by place",
        tiles.binds,
    )


def _check_bounds(bounds: Sequence[Any]) -> tuple[Any, ...]:
    for before, after in zip(bounds, bounds[1:]):
        if not before < after:
            raise ConfigurationError(f"partitions: the bounds do not increase: {before!r} stands before {after!r}")
    # Drivers know nothing of numpy's scalars.
    return tuple(bound.item() if hasattr(bound, "item") else bound for bound in bounds)


def _expression(column: ResultColumn | None) -> str:
    """What rows are cut by. Of times with zone it is UTC, which is what an index on them has."""
    if column is None:
        return _ROWID
    return f'sys_extract_utc("{column.name}")' if column.type in _ZONED else f'"{column.name}"'


def _fetch(connection: Any, query: Query) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query.text, query.binds)
        return list(cursor.fetchall())
