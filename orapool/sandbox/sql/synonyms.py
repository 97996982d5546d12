"""Synonyms: names that stand for other names, replaced before a statement is translated."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.actions import Ddl
from orapool.sandbox.sql.cursor import TokenReader
from orapool.sandbox.sql.link import Run
from orapool.sandbox.sql.names import SCHEMA_NAME, quote_text
from orapool.sandbox.sql.querying import canonical

if TYPE_CHECKING:
    from orapool.sandbox.sql.backend import Backend

_PUBLIC = "PUBLIC"
_VISIBLE = b"select owner, name, table_owner, table_name, valid, hidden from oracle.visible_synonyms($1)"


@dataclass(frozen=True)
class _Target:
    owner: str
    name: str
    valid: bool


@dataclass(frozen=True)
class Visible:
    """The synonyms that a session in `schema` sees; `epoch` is that of the last DDL."""

    schema: str
    epoch: int
    targets: Mapping[tuple[str, str], _Target]

    def find(self, owner: str | None, name: str) -> tuple[str, str] | None:
        """What a name stands for, None if it is no synonym.

        Raises:
            OracleError: ORA-00980 for one of what is not there.
        """
        target = self.targets.get((owner or self.schema, name))
        if target is None and owner is None:
            target = self.targets.get((_PUBLIC, name))
        if target is None:
            return None
        for _ in range(10):
            further = self.targets.get((target.owner, target.name))
            if further is None:
                break
            target = further
        if not target.valid:
            raise OracleError(980, "synonym translation is no longer valid")
        return target.owner, target.name


class Synonyms:
    """The synonyms of an engine, as its sessions see them."""

    def __init__(self) -> None:
        self.present = False
        self._visible: dict[str, Visible] = {}
        self._lock = threading.Lock()

    def visible(self, backend: Backend, epoch: int) -> Visible:
        """Those that a session sees in its current schema, after the DDL of an epoch."""
        schema = backend.schema
        with self._lock:
            known = self._visible.get(schema)
        if known is not None and known.epoch == epoch:
            return known
        found = backend.run([Run(_VISIBLE, [schema.encode()])])[0]
        targets: dict[tuple[str, str], _Target] = {}
        for row in range(found.ntuples):
            values = [(found.get_value(row, field) or b"").decode() for field in range(6)]
            owner, name, table_owner, table, valid, hidden = values
            if hidden != "t":
                targets[owner, name] = _Target(table_owner, table, valid == "t")
        made = Visible(schema, epoch, targets)
        with self._lock:
            self._visible[schema] = made
        return made


_resolver: ContextVar[Visible | None] = ContextVar("orapool_sandbox_synonyms", default=None)


@contextlib.contextmanager
def resolving(visible: Visible) -> Iterator[None]:
    """Statements that are read within have these synonyms replaced."""
    token = _resolver.set(visible)
    try:
        yield
    finally:
        _resolver.reset(token)


def replace(tree: exp.Expr) -> None:
    """Put what synonyms stand for in their places."""
    visible = _resolver.get()
    if visible is None:
        return
    common = {canonical(item.args["alias"].this) for item in tree.find_all(exp.CTE)}
    for table in list(tree.find_all(exp.Table)):
        if not isinstance(table.this, exp.Identifier) or table.args.get("catalog"):
            continue
        owner = canonical(table.args["db"]) if table.args.get("db") else None
        name = canonical(table.this)
        target = None if owner is None and name in common else visible.find(owner, name)
        if target is None:
            continue
        table.set("db", exp.to_identifier(target[0], quoted=True))
        table.set("this", exp.to_identifier(target[1], quoted=True))
        if not table.args.get("alias"):
            table.set("alias", exp.TableAlias(this=exp.to_identifier(name, quoted=True)))
    for column in list(tree.find_all(exp.Column)):
        if column.name.upper() not in ("NEXTVAL", "CURRVAL") or column.args.get("table") is None:
            continue
        owner = canonical(column.args["db"]) if column.args.get("db") else None
        target = visible.find(owner, canonical(column.args["table"]))
        if target is not None:
            column.set("db", exp.to_identifier(target[0], quoted=True))
            column.set("table", exp.to_identifier(target[1], quoted=True))


def create_synonym(reader: TokenReader, replaces: bool, public: bool) -> Ddl:
    """CREATE SYNONYM, after these words."""
    owner, name = reader.object_name()
    reader.expect("FOR")
    table_owner, table = reader.object_name()
    reader.end()
    values = [
        quote_text(_PUBLIC) if public else _schema(owner),
        quote_text(name),
        _schema(table_owner),
        quote_text(table),
    ]
    return Ddl([f"SELECT oracle.add_synonym({', '.join(values)}, {str(replaces).lower()})"], synonyms=True)


def drop_synonym(reader: TokenReader, public: bool) -> Ddl:
    """DROP SYNONYM, after these words."""
    owner, name = reader.object_name()
    reader.has("FORCE")
    reader.end()
    return Ddl([f"SELECT oracle.drop_synonym({quote_text(_PUBLIC) if public else _schema(owner)}, {quote_text(name)})"])


def _schema(owner: str | None) -> str:
    return quote_text(owner) if owner is not None else f"'{SCHEMA_NAME}'"
