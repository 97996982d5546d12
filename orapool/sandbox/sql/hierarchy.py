"""CONNECT BY, as a recursive query that goes over the rows of FROM from the roots down.

Inside it, ``~B`` are the rows of FROM with their numbers among all (by which siblings are ordered), and ``~H`` those of
the hierarchy, each with its level and its path of numbers. A table's row travels as one value, so that no names of
columns need to be known; a subquery's by its columns, which it must name.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.dialect import OracleText, Sql, unsupported
from orapool.sandbox.sql.headings import heading_of
from orapool.sandbox.sql.names import quote_name
from orapool.sandbox.sql.querying import Source, canonical, conjuncts, is_bare, own_columns, sources_of

_PSEUDO = ("LEVEL", "CONNECT_BY_ISLEAF", "CONNECT_BY_ISCYCLE", "ROWNUM")
_LOOP = """oracle.raise(1436, 'CONNECT BY loop in user data')"""


def rewrite(select: exp.Select) -> None:
    """Say the CONNECT BY of a query block in FROM, in place.

    Raises:
        OracleError: ORA-03001 for what cannot be said so.
    """
    if select.args.get("connect") is not None:
        _Hierarchy(select).rewrite()


@dataclass
class _Hierarchy:
    select: exp.Select
    sources: list[Source] = field(default_factory=list)
    # Columns that each row carries: name, at a root, at a child.
    carried: list[tuple[str, exp.Expr, exp.Expr]] = field(default_factory=list)
    # Whose rows are among them, beside each row's own: those above and the roots.
    prefixes: set[str] = field(default_factory=set)
    paths: int = 0

    def rewrite(self) -> None:
        select = self.select
        if select.args.get("locks"):
            raise unsupported("FOR UPDATE of a hierarchical query")
        connect = select.args["connect"]
        self.sources = sources_of(select)
        if any(column.name.upper() == "ROWID" for column in select.find_all(exp.Column)):
            raise unsupported("ROWID beside CONNECT BY")
        if any(is_bare(column, "ROWNUM") for column in connect.find_all(exp.Column)):
            raise unsupported("ROWNUM in CONNECT BY")
        select.set("connect", None)
        base = self._base(_siblings(select))
        guard = _guard(connect)
        start = connect.args.get("start")
        root = self._condition(start, exp.Literal.number(1)) if start is not None else Sql.of("TRUE")
        step = self._condition(connect.args["connect"], Sql.of('("~H"."~level" + 1)'))
        self._columns()
        asks_leaf = self._take("CONNECT_BY_ISLEAF", "~leaf")
        asks_cycle = self._take("CONNECT_BY_ISCYCLE", "~cycle")
        if asks_cycle and guard != "nocycle":
            raise OracleError(30930, "NOCYCLE keyword is required with CONNECT_BY_ISCYCLE pseudocolumn")
        self._take("LEVEL", "~level")
        rows = self._rows(base, root, step, guard, asks_leaf, asks_cycle)
        self._put(rows)

    def _base(self, order: exp.Order | None) -> exp.Select:
        """The rows of FROM, numbered; of a list of tables, joined by those conditions of WHERE that join them."""
        select = self.select
        number = Sql.of("row_number() OVER ({})", order) if order is not None else Sql.of("row_number() OVER ()")
        items: list[exp.Expr] = [exp.alias_(number, "~n", quoted=True)]
        for source in self.sources:
            items += [exp.alias_(Sql.of(text), name, quoted=True) for text, name in source.carried()]
        base = exp.Select(expressions=items)
        base.set("from_", select.args["from_"])
        base.set("joins", select.args.get("joins"))
        where = select.args.get("where")
        if where is not None and len(self.sources) > 1:
            joining = [item for item in conjuncts(where.this) if _tables(item) > 1]
            rest = [item for item in conjuncts(where.this) if _tables(item) <= 1]
            base.set("where", exp.Where(this=exp.and_(*joining, copy=False)) if joining else None)
            select.set("where", exp.Where(this=exp.and_(*rest, copy=False)) if rest else None)
        return base

    def _condition(self, condition: exp.Expr, level: exp.Expr) -> exp.Expr:
        """START WITH or CONNECT BY, with PRIOR as a column of the row above."""
        made = Sql.of("{}", condition.copy())
        for prior in list(made.find_all(exp.Prior)):
            prior.replace(self._of_rows(prior.this, ""))
        for column in list(made.find_all(exp.Column)):
            if is_bare(column, "LEVEL"):
                column.replace(level.copy())
        return made

    def _of_rows(self, value: exp.Expr, prefix: str) -> exp.Expr:
        """An expression of the row above or of the root, which ``~H`` carries under names with a prefix."""
        made = Sql.of("{}", value.copy())
        for column in list(made.find_all(exp.Column)):
            if is_bare(column, "LEVEL"):
                raise unsupported("PRIOR LEVEL")
            owner = column.args.get("table")
            if owner is None and len(self.sources) > 1:
                raise unsupported(f"PRIOR and CONNECT_BY_ROOT of a column without its table's name ({column.name})")
            name = canonical(owner) if owner is not None else self.sources[0].alias
            source = next((source for source in self.sources if source.alias == name), None)
            if source is None or column.args.get("db"):
                raise OracleError(904, f'"{name}"."{canonical(column.this)}": invalid identifier')
            column.replace(Sql.of(source.column("~H", canonical(column.this), prefix), said=column.sql("oracle")))
        return made

    def _columns(self) -> None:
        """PRIOR, CONNECT_BY_ROOT and SYS_CONNECT_BY_PATH in the query itself, as columns that rows carry."""
        for kind, prefix in ((exp.Prior, "~Q"), (exp.ConnectByRoot, "~R")):
            for node in self._own(kind):
                self._carry_rows(prefix)
                self._replace(node, self._of_rows(node.this, prefix))
        for node in self._own(exp.Anonymous):
            if str(node.this).upper() != "SYS_CONNECT_BY_PATH":
                continue
            if len(node.expressions) != 2:
                raise OracleError(30003, "illegal parameter in SYS_CONNECT_BY_PATH function")
            part = Sql.of("oracle.path_part(oracle.str({}), {})", *(item.copy() for item in node.expressions))
            self.paths += 1
            name = quote_name(f"~S{self.paths}")
            self.carried.append((name, part, Sql.of(f'"~H".{name} || {{}}', part.copy())))
            self._replace(node, Sql.of(f'"~H".{name}'))

    def _carry_rows(self, prefix: str) -> None:
        if prefix in self.prefixes:
            return
        self.prefixes.add(prefix)
        for source in self.sources:
            for _, name in source.carried():
                plain, own = quote_name(name), quote_name(prefix + name)
                above = prefix == "~Q"
                first = f'CASE WHEN FALSE THEN "~B".{plain} END' if above else f'"~B".{plain}'
                self.carried.append((own, Sql.of(first), Sql.of(f'"~H".{plain if above else own}')))

    def _own(self, kind: type[exp.Expr]) -> list[exp.Expr]:
        found = [node for node in self.select.find_all(kind) if node.find_ancestor(exp.Select) is self.select]
        return [node for node in found if node.parent is not None]

    def _take(self, pseudo: str, name: str) -> bool:
        """Make a pseudocolumn one of the hierarchy; tells whether it was there."""
        found = [column for column in own_columns(self.select) if is_bare(column, pseudo)]
        for column in found:
            made: exp.Expr = Sql.of(f'"~H".{quote_name(name)}', said=pseudo)
            listed = column.parent is self.select and column.arg_key == "expressions"
            column.replace(exp.alias_(made, pseudo, quoted=True) if listed else made)
        return bool(found)

    def _replace(self, node: exp.Expr, made: exp.Expr) -> None:
        """Replace an expression; one that is a column of the result keeps its name."""
        if node.parent is self.select and node.arg_key == "expressions":
            made = exp.alias_(made, heading_of(node), quoted=True)
            made.meta["made_up"] = True
        elif isinstance(made, Sql):
            made.set("said", node.sql(OracleText))
        node.replace(made)

    def _rows(
        self, base: exp.Expr, root: exp.Expr, step: exp.Expr, guard: str, asks_leaf: bool, asks_cycle: bool
    ) -> exp.Expr:
        spread = "".join(f" CROSS JOIN {source.spread('~B', source.alias)}" for source in self.sources)
        first = "".join(f", {{}} AS {name}" for name, _, _ in self.carried)
        then = ", {}" * len(self.carried)
        nodes = [base, *(item for _, item, _ in self.carried), root, *(item for _, _, item in self.carried), step]
        check = ""
        if guard == "nocycle":
            check = ' AND "~B"."~n" <> ALL ("~H"."~path")'
        elif guard == "raise":
            check = f' AND CASE WHEN "~B"."~n" = ANY ("~H"."~path") AND ({{}}) THEN {_LOOP} ELSE TRUE END'
            nodes.append(step.copy())
        extra = ""
        if asks_leaf:
            child = 'SELECT FROM "~H" "~C" WHERE "~C"."~up" = "~H"."~path"'
            extra += f', CASE WHEN EXISTS ({child}) THEN 0 ELSE 1 END::numeric AS "~leaf"'
        if asks_cycle:
            child = f'SELECT FROM "~B"{spread} WHERE ({{}})'
            again = f'{child} AND "~B"."~n" = ANY ("~H"."~path")'
            extra += f', CASE WHEN EXISTS ({again}) THEN 1 ELSE 0 END::numeric AS "~cycle"'
            nodes.append(step.copy())
        return Sql.of(
            '(WITH RECURSIVE "~B" AS ({}), "~H" AS (SELECT "~B".*, 1::numeric AS "~level", ARRAY["~B"."~n"] AS "~path",'
            f' NULL::bigint[] AS "~up"{first} FROM "~B"{spread} WHERE ({{}}) UNION ALL SELECT "~B".*,'
            f' "~H"."~level" + 1, "~H"."~path" || "~B"."~n", "~H"."~path"{then} FROM "~H" CROSS JOIN "~B"{spread}'
            f' WHERE ({{}}){check}) SELECT "~H".*{extra} FROM "~H" ORDER BY "~path") AS "~H"',
            *nodes,
        )

    def _put(self, rows: exp.Expr) -> None:
        """The hierarchy as the query's FROM, with its rows spread under the names of the tables."""
        select = self.select
        select.set("from_", exp.From(this=rows))
        texts = [source.spread("~H", source.alias) for source in self.sources]
        select.set("joins", [exp.Join(this=Sql.of(text), kind="CROSS") for text in texts])
        items: list[exp.Expr] = []
        for item in select.expressions:
            if isinstance(item, exp.Star):
                items += [Sql.of(f"{quote_name(source.alias)}.*", star=True) for source in self.sources]
            else:
                items.append(item)
        select.set("expressions", items)


def _siblings(select: exp.Select) -> exp.Order | None:
    """ORDER SIBLINGS BY, taken off; aliases of the select list stand for their expressions."""
    order = select.args.get("order")
    if order is None or not order.args.get("siblings"):
        return None
    select.set("order", None)
    order.set("siblings", None)
    named = {item.alias.upper(): item.this for item in select.expressions if isinstance(item, exp.Alias)}
    for item in order.expressions:
        value = item.this
        if isinstance(value, exp.Literal) and not value.is_string:
            place = int(value.name) if value.name.isdigit() else 0
            if not 1 <= place <= len(select.expressions) or select.is_star:
                raise OracleError(1785, "ORDER BY item must be the number of a SELECT-list expression")
            value = select.expressions[place - 1].unalias()
            item.set("this", value.copy())
        elif isinstance(value, exp.Column) and not value.args.get("table") and value.name.upper() in named:
            value = named[value.name.upper()]
            item.set("this", value.copy())
        made = item.find(exp.Prior, exp.ConnectByRoot) is not None
        if made or any(is_bare(column, name) for column in item.find_all(exp.Column) for name in _PSEUDO):
            raise unsupported("ORDER SIBLINGS BY of what the hierarchy makes")
    assert isinstance(order, exp.Order)
    return order


def _guard(connect: exp.Expr) -> str:
    """What becomes of loops: they end (NOCYCLE), are an error, or are none, as no column of the row above is asked."""
    if connect.args.get("nocycle"):
        return "nocycle"
    priors = [prior.this for prior in connect.args["connect"].find_all(exp.Prior)]
    if not priors or any(not isinstance(value.unnest(), exp.Column) for value in priors):
        return "none"
    return "raise"


def _tables(condition: exp.Expr) -> int:
    return len(
        {canonical(column.args["table"]) for column in condition.find_all(exp.Column) if column.args.get("table")}
    )
