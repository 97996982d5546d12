"""sqlglot's Oracle dialect, cut down to syntax: function calls stay calls, and what may come out is listed here."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.oracle import Oracle
from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import ErrorLevel, ParseError, SqlglotError, TokenError
from sqlglot.generators.oracle import OracleGenerator
from sqlglot.generators.postgres import PostgresGenerator
from sqlglot.parsers.oracle import OracleParser
from sqlglot.tokenizer_core import TokenType

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.names import BIND_MARK

_KEPT_FUNCTION_PARSERS = ("CAST", "EXTRACT", "TRIM", "LISTAGG")


class SyntaxOnlyParser(OracleParser):
    """Oracle's syntax without sqlglot's knowledge of functions: our own tables say what they mean."""

    FUNCTIONS: ClassVar[dict[str, Any]] = {}
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        name: OracleParser.FUNCTION_PARSERS[name] for name in _KEPT_FUNCTION_PARSERS
    }
    TYPE_LITERAL_PARSERS: ClassVar[dict[Any, Any]] = {}

    def _parse_limit(self, this: Any = None, top: bool = False, skip_limit_token: bool = False) -> Any:
        """FETCH takes an expression, and not only a number."""
        if top or skip_limit_token or not self._match(TokenType.FETCH):
            return super()._parse_limit(this, top, skip_limit_token)
        if not self._match_set((TokenType.FIRST, TokenType.NEXT)):
            self.raise_error("Expected FIRST or NEXT")
        direction = self._prev.text.upper()
        count = None
        if not self._match_texts(("ROW", "ROWS"), advance=False):
            count = self._parse_term(parse_mod=False)
        return self.expression(exp.Fetch(direction=direction, count=count, limit_options=self._parse_limit_options()))

    def _parse_window(self, this: Any, alias: bool = False) -> Any:
        """NTH_VALUE ... FROM LAST, which sqlglot knows of its own NTH_VALUE alone."""
        if isinstance(this, exp.Anonymous) and str(this.this).upper() == "NTH_VALUE":
            this.meta["from_last"] = self._match_text_seq("FROM", "LAST")
            self._match_text_seq("FROM", "FIRST")
        return super()._parse_window(this, alias)


class OracleInput(Oracle):
    """What sessions send."""

    class Tokenizer(Oracle.Tokenizer):
        # Oracle's FLOAT and DOUBLE PRECISION are decimal NUMBERs: keep them apart from the binary types.
        KEYWORDS: ClassVar[dict[str, Any]] = {
            **Oracle.Tokenizer.KEYWORDS,
            "BINARY_FLOAT": TokenType.SMALLMONEY,
            "BINARY_DOUBLE": TokenType.MONEY,
            # REAL is not FLOAT, but FLOAT(63).
            "REAL": TokenType.MEDIUMINT,
        }

    Parser = SyntaxOnlyParser


class Sql(exp.Expression):
    """PostgreSQL's own text with trees in it, one for each ``{}``, for what the parser's tree cannot say.

    ``said`` is how the statement has it.
    """

    arg_types: ClassVar[dict[str, Any]] = {"this": True, "expressions": False, "star": False, "said": False}

    @classmethod
    def of(cls, text: str, *trees: exp.Expr | None, star: bool = False, said: str = "") -> Sql:
        """Text around trees; `star` for one that stands for several columns."""
        return cls(this=text, expressions=[tree for tree in trees if tree is not None], star=star, said=said)

    @property
    def is_star(self) -> bool:
        """Whether it stands for several columns."""
        return bool(self.args.get("star"))


def _sql_text(generator: Any, node: exp.Expr) -> str:
    pieces = str(node.this).split("{}")
    trees = [generator.sql(tree) for tree in node.expressions]
    return "".join(piece + tree for piece, tree in zip(pieces, [*trees, ""]))


class OracleText(Oracle):
    """What a tree of Oracle's dialect says, for messages and names of columns."""

    class Generator(OracleGenerator):
        TRANSFORMS: ClassVar[dict[Any, Any]] = {
            **OracleGenerator.TRANSFORMS,
            Sql: lambda self, node: node.args.get("said") or _sql_text(self, node),
        }


class PostgresOutput(Postgres):
    """What PostgreSQL gets."""

    class Generator(PostgresGenerator):
        TRANSFORMS: ClassVar[dict[Any, Any]] = {
            **PostgresGenerator.TRANSFORMS,
            exp.Placeholder: lambda self, node: BIND_MARK + node.name[1:] + BIND_MARK,
            Sql: _sql_text,
        }


# Each kind of node that we know to come through whole, with the arguments it may carry. All else is refused: a
# clause that nobody thought of must raise an error, and not vanish.
_BINARY = {"this", "expression"}
ALLOWED: dict[type[exp.Expr], set[str]] = {
    exp.Select: {
        "expressions", "from_", "joins", "where", "group", "having", "order", "limit", "offset", "distinct", "with_",
        "locks",
    },
    exp.Union: {"this", "expression", "distinct", "order", "limit", "offset", "with_"},
    exp.Except: {"this", "expression", "distinct", "order", "limit", "offset", "with_"},
    exp.Intersect: {"this", "expression", "distinct", "order", "limit", "offset", "with_"},
    exp.Subquery: {"this", "alias", "with_", "order", "limit", "offset"},
    exp.With: {"expressions"},
    exp.CTE: {"this", "alias"},
    exp.From: {"this"},
    exp.Join: {"this", "side", "kind", "on", "using", "method"},
    exp.Table: {"this", "db", "alias"},
    exp.TableAlias: {"this", "columns"},
    exp.Where: {"this"},
    exp.Group: {"expressions", "rollup", "cube", "grouping_sets"},
    exp.Rollup: {"expressions"},
    exp.Cube: {"expressions"},
    exp.GroupingSets: {"expressions"},
    exp.Having: {"this"},
    exp.Order: {"this", "expressions"},
    exp.Ordered: {"this", "desc", "nulls_first"},
    exp.Limit: {"expression"},
    exp.Fetch: {"direction", "count", "limit_options"},
    exp.LimitOptions: {"rows", "with_ties"},
    exp.Offset: {"expression"},
    exp.Distinct: {"expressions"},
    exp.Lock: {"update", "expressions", "wait"},
    exp.Column: {"this", "table", "db"},
    exp.Identifier: {"this", "quoted"},
    exp.Alias: {"this", "alias"},
    exp.Star: set(),
    exp.Literal: {"this", "is_string"},
    exp.Null: set(),
    exp.Boolean: {"this"},
    exp.Placeholder: {"this"},
    exp.Paren: {"this"},
    exp.Tuple: {"expressions"},
    exp.Values: {"expressions"},
    exp.Anonymous: {"this", "expressions"},
    exp.Window: {"this", "partition_by", "order", "spec", "over", "first"},
    exp.IgnoreNulls: {"this"},
    exp.RespectNulls: {"this"},
    exp.WindowSpec: {"kind", "start", "start_side", "end", "end_side"},
    exp.WithinGroup: {"this", "expression"},
    exp.GroupConcat: {"this", "separator", "on_overflow"},
    exp.OverflowTruncateBehavior: {"this", "with_count"},
    exp.Case: {"this", "ifs", "default"},
    exp.If: {"this", "true"},
    exp.Cast: {"this", "to"},
    exp.DataType: {"this", "expressions", "nested", "kind"},
    exp.DataTypeParam: {"this", "expression"},
    exp.Extract: {"this", "expression"},
    exp.Trim: {"this", "expression", "position"},
    exp.Var: {"this"},
    exp.Interval: {"this", "unit"},
    exp.IntervalSpan: {"this", "expression"},
    exp.In: {"this", "expressions", "query"},
    exp.Between: {"this", "low", "high"},
    exp.Like: _BINARY | {"negate"},
    exp.Escape: _BINARY,
    exp.Exists: {"this"},
    exp.Not: {"this"},
    exp.Neg: {"this"},
    exp.Insert: {"this", "expression", "with_"},
    exp.Schema: {"this", "expressions"},
    exp.Update: {"this", "expressions", "where", "with_", "from_"},
    exp.Delete: {"this", "where", "with_"},
    exp.Merge: {"this", "using", "on", "whens"},
    exp.Whens: {"expressions"},
    exp.When: {"matched", "then", "condition"},
    exp.Any: {"this"},
    exp.All: {"this"},
    exp.AtTimeZone: {"this", "zone"},
    Sql: {"this", "expressions", "star", "said"},
}  # fmt: skip
for _node in (exp.And, exp.Or, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.Add, exp.Sub, exp.Mul):
    ALLOWED[_node] = _BINARY
ALLOWED[exp.Div] = {"this", "expression", "typed", "safe"}
ALLOWED[exp.DPipe] = {"this", "expression", "safe"}

# Clauses by the names that readers of an Oracle manual know.
_SPOKEN = {
    "join_mark": "outer join with (+)",
    "connect": "CONNECT BY",
    "match": "MATCH_RECOGNIZE",
    "pivots": "PIVOT and UNPIVOT",
    "sample": "SAMPLE",
    "version": "flashback query",
    "percent": "FETCH ... PERCENT",
    "partition": "PARTITION in FROM",
    "laterals": "LATERAL",
    "catalog": "database links and three-part names",
    "into": "SELECT INTO",
    "options": "WITH CHECK OPTION and WITH READ ONLY",
}


def parse(text: str) -> exp.Expr:
    """Parse one SQL statement.

    Raises:
        OracleError: a syntax error, with its position in `text`.
    """
    try:
        trees = OracleInput().parse(text, error_level=ErrorLevel.IMMEDIATE)
    except ParseError as error:
        raise _syntax_error(text, error) from error
    except TokenError as error:
        raise OracleError(900, f"invalid SQL statement ({error})") from error
    if len(trees) != 1 or trees[0] is None:
        raise OracleError(900, "invalid SQL statement")
    return trees[0]


def _syntax_error(text: str, error: ParseError) -> OracleError:
    place: dict[str, Any] = error.errors[0] if error.errors else {}
    line, column = place.get("line") or 1, place.get("col") or 1
    lines = text.split("\n")
    highlight = str(place.get("highlight") or "")
    position = sum(len(before) + 1 for before in lines[: line - 1]) + max(0, column - len(highlight))
    description = str(place.get("description") or error)
    if "Expecting )" in description:
        return OracleError(907, "missing right parenthesis", position)
    if "Invalid expression" in description or "unexpected token" in description.lower():
        return OracleError(933, "SQL command not properly ended", position)
    if "Required" in description or "xpected" in description:
        return OracleError(936, "missing expression", position)
    return OracleError(900, f"invalid SQL statement ({description})", position)


def check(tree: exp.Expr) -> None:
    """Refuse what is not on the list.

    Raises:
        OracleError: ORA-03001, naming the clause.
    """
    for node in tree.walk():
        allowed = ALLOWED.get(type(node))
        if allowed is None:
            raise unsupported(f"{node.key.replace('_', ' ').upper()} ({node.sql(OracleText)[:60]})")
        if isinstance(node, exp.Window) and node.args.get("over") == "KEEP":
            # The parser keeps the word behind KEEP as a name.
            alias = node.args.get("alias")
            if alias is None or alias.name.upper() != "DENSE_RANK":
                raise unsupported("KEEP without DENSE_RANK")
            node.set("alias", None)
        for name, value in node.args.items():
            if name not in allowed and value not in (None, False, "", []):
                raise unsupported(_SPOKEN.get(name, f"{name.strip('_').upper()} in {node.key.upper()}"))


def unsupported(what: str) -> OracleError:
    """What the sandbox cannot do (ORA-03001)."""
    return OracleError(3001, f"unimplemented feature: {what}")


def generate(tree: exp.Expr) -> str:
    """PostgreSQL's text for a tree; binds stand in it as numbers between `BIND_MARK`s.

    Raises:
        OracleError: ORA-03001 for what PostgreSQL's syntax cannot say.
    """
    try:
        return PostgresOutput().generate(
            tree, identify=True, unsupported_level=ErrorLevel.RAISE, comments=False, normalize_functions=False
        )
    except SqlglotError as error:
        raise unsupported(str(error)) from error
