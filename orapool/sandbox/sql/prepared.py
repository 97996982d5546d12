"""Statements that PostgreSQL knows by name: parsed once for binds of certain types, with the columns they have."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from psycopg.pq.abc import PGresult

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql import columns, lob_places
from orapool.sandbox.sql.binds import LEFT_OPEN, bind_oid
from orapool.sandbox.sql.columns import COLUMNS_OF_TABLES
from orapool.sandbox.sql.dialect import unsupported
from orapool.sandbox.sql.link import Describe, Failure, Prepare, Run
from orapool.sandbox.sql.names import full_name, quote_name
from orapool.sandbox.sql.scanner import locate, scan
from orapool.sandbox.sql.statement import Part, Statement
from orapool.sandbox.sql.transaction import explain
from orapool.sandbox.types import Column, OracleType

if TYPE_CHECKING:
    from orapool.sandbox.sql.backend import Backend

_MOST = 300
# PostgreSQL cannot tell a bind's type: the strings among them are tried as text then.
_PARAMETER = re.compile(r"parameter \$(\d+)")
_UNDECIDED = frozenset(("42P08", "42P18", "42725", "42883", "42804", "42846"))


@dataclass
class Prepared:
    """A statement that PostgreSQL knows by name, for binds of certain types."""

    name: bytes
    parameters: tuple[int, ...]
    columns: tuple[Column, ...]
    guarded: tuple[int, ...]
    # The binary form of each column.
    forms: tuple[str, ...] = ()
    # Whether an INSERT tells where its row is.
    with_rowid: bool = False
    # Which of the columns are LOBs of rows that can be found again.
    placing: lob_places.Placing = lob_places.NONE


class PreparedStatements:
    """Those of one session."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._catalog = backend.engine.columns
        self._known: OrderedDict[tuple[bytes, tuple[int, ...]], Prepared] = OrderedDict()
        # Texts that ask for the places of rows which have none, as those of views.
        self._without_places: set[tuple[bytes, tuple[int, ...]]] = set()
        self._epoch = self._catalog.epoch
        self._serial = 0

    def __repr__(self) -> str:
        return f"<PreparedStatements, {len(self._known)} of them>"

    def forget(self) -> None:
        """Have none: what their names mean has changed."""
        self._without_places.clear()
        if self._known:
            self._known.clear()
            self._backend.run([Run(b"DEALLOCATE ALL")])

    def prepare(self, statement: Statement, bind_types: Sequence[OracleType], merged: dict[int, int]) -> Prepared:
        """Have PostgreSQL know a statement, with the parameters in `merged` taken as one with others.

        Raises:
            OracleError: what is wrong with it, and where.
        """
        if self._epoch != self._catalog.epoch:
            self._epoch = self._catalog.epoch
            self.forget()
        assert statement.part is not None
        oids = [bind_oid(kind, self._catalog) for kind in bind_types]
        if not oids and statement.scn_binds:  # parsed only, and nowhere in the text to tell their type by
            oids = [
                columns.TEXT if n in statement.scn_binds else LEFT_OPEN for n in range(max(statement.scn_binds) + 1)
            ]
        for repeated in merged:
            oids[repeated] = columns.TEXT
        oids.extend([LEFT_OPEN] * len(statement.constants))
        try:
            return self.prepare_text(statement.part.text(merged), oids, statement)
        except OracleError as error:
            if error.code != 932 or not merged:
                raise
            # ``:x is null or column = :x``: each occurrence may need a type of its own.
            return self.prepare(statement, bind_types, {})

    def with_rowid(self, statement: Statement, prepared: Prepared, merged: dict[int, int]) -> Prepared:
        """A prepared INSERT that tells of its row's place; the one given where rows have none, as in views."""
        assert statement.part is not None
        text = statement.part.text(merged) + b" RETURNING ctid"
        key = (text, prepared.parameters)
        made = self._known.get(key)
        if made is None or not made.with_rowid:
            if key in self._without_places:
                return prepared
            try:
                made = replace(self.prepare_text(text, prepared.parameters, statement), with_rowid=True)
            except OracleError:
                self._note_without_places(key)
                return prepared
            self._known[key] = made
        return made

    def with_places(self, statement: Statement, prepared: Prepared, merged: dict[int, int]) -> Prepared:
        """A prepared query, or DML with RETURNING, that tells where its LOBs are; the one given where it has none."""
        lobs = [index for index, column in enumerate(prepared.columns) if column.type.code in lob_places.LOB_CODES]
        if not lobs or statement.part is None or statement.verb == "DELETE":
            return prepared
        is_query = statement.returning_from is None
        plain = statement.part.text(merged)
        sources, locks = statement.row_sources, statement.locks
        text = lob_places.query_with_places(plain, sources, locks) if is_query else plain + b", ctid"
        if text is None:
            return prepared
        key = (text, prepared.parameters)
        made = self._known.get(key)
        if made is not None or key in self._without_places:
            return made or prepared
        self._serial += 1
        name = b"p%d" % self._serial
        try:
            described = self._parse(name, text, list(prepared.parameters), statement)
        except OracleError:  # rows of views have no places
            self._note_without_places(key)
            return prepared
        if is_query:
            placing = lob_places.placing_of_query(described, len(sources), locks, lobs)
        else:
            placing = lob_places.placing_of_returning(described, lobs)
        if not placing.columns:
            self._note_without_places(key)
            self._backend.run([Run(b"DEALLOCATE " + name)])
            return prepared
        made = self._known[key] = replace(prepared, name=name, placing=placing)
        return made

    def _note_without_places(self, key: tuple[bytes, tuple[int, ...]]) -> None:
        if len(self._without_places) >= _MOST:
            self._without_places.clear()
        self._without_places.add(key)

    def prepare_text(self, text: bytes, oids: Sequence[int], statement: Statement) -> Prepared:
        """Have PostgreSQL know a text by a name."""
        key = (text, tuple(oids))
        found = self._known.get(key)
        if found is not None:
            self._known.move_to_end(key)
            return found
        self._serial += 1
        name = b"p%d" % self._serial
        described = self._parse(name, text, list(oids), statement)
        if statement.source is not None:
            self._check_value_count(statement, described)
        made = self._columns(name, described, statement)
        self._known[key] = made
        if len(self._known) > _MOST:
            _, old = self._known.popitem(last=False)
            self._backend.run([Run(b"DEALLOCATE " + old.name)])
        return made

    def _parse(self, name: bytes, text: bytes, oids: list[int], statement: Statement) -> PGresult:
        """Have PostgreSQL parse a text; strings whose type it cannot tell are texts."""
        while True:
            try:
                return self._backend.run_raw([Prepare(name, text, oids), Describe(name)])[1]
            except Failure as failure:
                if failure.sqlstate not in _UNDECIDED or LEFT_OPEN not in oids:
                    raise self._explain_prepare(failure, statement) from failure
                found = _PARAMETER.search(str(failure))
                number = int(found.group(1)) - 1 if found else -1
                if 0 <= number < len(oids) and oids[number] == LEFT_OPEN:
                    oids[number] = columns.TEXT
                else:
                    oids = [oid or columns.TEXT for oid in oids]

    def _check_value_count(self, statement: Statement, described: PGresult) -> None:
        """INSERT without column names needs a value for each column; PostgreSQL takes fewer."""
        source = statement.source
        assert statement.table is not None
        assert source is not None
        name = f"{quote_name(statement.table[0] or self._backend.schema)}.{quote_name(statement.table[1])}"
        table = self._backend.run_raw([Prepare(b"", f"select * from {name}".encode()), Describe(b"")])[1]
        if isinstance(source, int):
            given = source
        else:
            given = self._count_columns(source, described, statement)
        if given < table.nfields:
            raise OracleError(947, "not enough values")

    def _count_columns(self, source: Part, described: PGresult, statement: Statement) -> int:
        """How many columns a query has: with NULLs for its parameters, or else with parameters of their types."""
        oids = [described.param_type(number) for number in range(described.nparams)]
        try:
            query = Prepare(b"", source.text(dollar=lambda _: "null"))
            return self._backend.run_raw([query, Describe(b"")])[1].nfields
        except Failure:
            try:
                return self._backend.run_raw([Prepare(b"", source.text(), oids), Describe(b"")])[1].nfields
            except Failure as failure:
                raise self._explain_prepare(failure, statement) from failure

    def _explain_prepare(self, failure: Failure, statement: Statement) -> OracleError:
        error = explain(failure, statement.verb)
        if error.code == 979 and not any(token.is_word("GROUP") for token in scan(statement.sql)):
            error = OracleError(937, "not a single-group group function")
        return locate(error, statement.sql)

    def described(self, described: PGresult, statement: Statement) -> list[Column]:
        """The columns of what PostgreSQL described."""
        return list(self._columns(b"", described, statement).columns)

    def _columns(self, name: bytes, described: PGresult, statement: Statement) -> Prepared:
        parameters = tuple(described.param_type(number) for number in range(described.nparams))
        unknown = self._catalog.missing(described)
        if unknown:
            tables = "{" + ",".join(str(table) for table in unknown) + "}"
            self._catalog.learn(self._backend.run([Run(COLUMNS_OF_TABLES, [tables.encode()])])[0])
        made: list[Column] = []
        guarded: list[int] = []
        for index in range(described.nfields):
            title = full_name((described.fname(index) or b"").decode())
            if statement.names is not None and index < len(statement.names):
                title = statement.names[index] or title
            known = self._catalog.column(described, index)
            if known is not None:
                made.append(Column(title, known.type, known.nullable))
                continue
            kind = self._catalog.by_oid(described.ftype(index), described.fmod(index))
            if kind is None:
                raise unsupported(f"a result of PostgreSQL's type {described.ftype(index)} (column {title})")
            if index in statement.literal_lengths:
                kind = columns.literal(statement.literal_lengths[index])
            elif kind.code == 1:
                guarded.append(index)
            made.append(Column(title, kind, computed=not described.ftable(index)))
        forms = tuple(self._catalog.form(described.ftype(index)) for index in range(described.nfields))
        return Prepared(name, parameters, tuple(made), tuple(guarded), forms)
