"""Queries and DML from Oracle's dialect to PostgreSQL's: one pass over the tree, by rules in tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql import functions, rownum
from orapool.sandbox.sql.casts import cast_rule, postgres_type
from orapool.sandbox.sql.dialect import check, generate, parse, unsupported
from orapool.sandbox.sql.names import BIND_MARK, MAX_NAME_BYTES
from orapool.sandbox.sql.scanner import BIND, NUMBER, STRING, Token, heading, scan, split_list
from orapool.sandbox.sql.statement import Part

_NUMERIC = exp.DataType(this=exp.DType.DECIMAL)
_BIGINT = exp.DataType(this=exp.DType.BIGINT)
_SET_OPERATIONS = (exp.Union, exp.Except, exp.Intersect)
_MAX_IN_LIST = 1000


def translate_text(tokens: Sequence[Token], numbers: dict[int, int]) -> exp.Expr:
    """Parse tokens and make a tree for PostgreSQL of them.

    Args:
        tokens: a query, a DML statement without its RETURNING clause, or ``SELECT expression``.
        numbers: each bind token's start in the statement, with its number.
    """
    text, places = _plain_text(tokens, numbers)
    try:
        tree = parse(text)
    except OracleError as error:
        error.position = _origin(places, error.position)
        raise
    return translate(tree)


def translate(tree: exp.Expr) -> exp.Expr:
    """Make a tree of Oracle's dialect one of PostgreSQL's, in place.

    Raises:
        OracleError: ORA-03001 and the like for what cannot be said in it.
    """
    if tree.find(exp.Limit):
        raise OracleError(933, "SQL command not properly ended")
    tree = _apply(rownum.rewrite(tree), _simplify)
    check(tree)
    _name_expressions(tree)
    return _apply(tree, _rule)


def _apply(node: exp.Expr, rule: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
    """Apply a rule to all nodes, children before parents (a rule may look at its node's old parents)."""
    for child in list(node.iter_expressions()):
        _apply(child, rule)
    parent, key, index = node.parent, node.arg_key, node.index
    made = rule(node)
    if made is not node and parent is not None and key is not None:
        parent.set(key, made, index)
    return made


_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In, exp.Between)


def take_constants(tree: exp.Expr, first: int) -> tuple[bytes, ...]:
    """Make parameters of the string literals that a column may be compared with or set to.

    Args:
        tree: a translated statement.
        first: the number of the first parameter.
    """
    found: list[bytes] = []
    # Two parameters are never the same expression to GROUP BY and DISTINCT.
    if tree.find(exp.Group) or (tree.find(exp.Distinct) and tree.find(exp.Order)):
        return ()
    for literal in list(tree.find_all(exp.Literal)):
        if literal.args["is_string"] and _meets_column(literal):
            literal.replace(exp.Placeholder(this=f"B{first + len(found)}"))
            found.append(literal.name.encode())
    return tuple(found)


def _meets_column(literal: exp.Literal) -> bool:
    parent = literal.parent
    if isinstance(parent, exp.Tuple):
        return isinstance(parent.parent, exp.Values)
    if isinstance(parent, _COMPARISONS):
        return any(isinstance(child, exp.Column) for child in parent.iter_expressions())
    return False


def sources(tree: exp.Expr) -> tuple[frozenset[str], tuple[tuple[str | None, str], ...]]:
    """The functions that a translated query calls, and the schemas and names of the tables that it reads."""
    functions = frozenset(str(node.this) for node in tree.find_all(exp.Anonymous))
    own = {node.alias for node in tree.find_all(exp.CTE)}
    tables = [
        (table.db or None, table.name)
        for table in tree.find_all(exp.Table)
        if isinstance(table.this, exp.Identifier) and (table.db or table.name not in own)
    ]
    return functions, tuple(dict.fromkeys(tables))


def part(tree: exp.Expr | str) -> Part:
    """PostgreSQL's text of a tree, cut at its binds."""
    pieces = (tree if isinstance(tree, str) else generate(tree)).split(BIND_MARK)
    return Part(tuple(pieces[::2]), tuple(int(number) for number in pieces[1::2]))


def _plain_text(tokens: Sequence[Token], numbers: dict[int, int]) -> tuple[str, list[tuple[int, int]]]:
    """The tokens as a text for the parser: without comments and hints, binds as ``:B0``, strings in plain quotes."""
    out: list[str] = []
    places: list[tuple[int, int]] = []
    size = 0
    end = None
    for token in tokens:
        if token.kind == BIND:
            text = f":B{numbers[token.start]}"
        elif token.kind == STRING:
            text = "'" + token.value.replace("'", "''") + "'"
        elif token.kind == NUMBER and token.text[-1] in "fFdD":
            text = f"{'to_binary_double' if token.text[-1] in 'dD' else 'to_binary_float'}({token.text[:-1]})"
        elif token.is_sign("@"):
            raise unsupported("database links")
        else:
            text = token.text
        if end is not None and end != token.start:
            out.append(" ")
            size += 1
        places.append((size, token.start))
        out.append(text)
        size += len(text)
        end = token.end
    return "".join(out), places


def _origin(places: list[tuple[int, int]], position: int) -> int:
    return max((start for size, start in places if size <= position), default=0)


def column_names(tokens: Sequence[Token], tree: exp.Expr) -> tuple[str | None, ...] | None:
    """A query's column names as Oracle gives them; None when a star leaves them to the table."""
    select = _first_select(tree)
    if select is None or any(item.is_star for item in select.expressions):
        return None
    names: list[str | None] = []
    texts = _select_list(tokens)
    for index, item in enumerate(select.expressions):
        if isinstance(item, (exp.Alias, exp.Column)) and not (item.meta.get("made_up")):
            names.append(item.alias_or_name)
        else:
            names.append(heading(texts[index]) if len(texts) == len(select.expressions) else None)
    return tuple(names)


def literal_lengths(tree: exp.Expr) -> dict[int, int]:
    """The columns of a query that are plain string literals (Oracle's CHAR), with their lengths in bytes."""
    if not isinstance(tree, exp.Select) or any(item.is_star for item in tree.expressions):
        return {}
    found: dict[int, int] = {}
    for index, item in enumerate(tree.expressions):
        value = item.unalias()
        if isinstance(value, exp.Literal) and value.is_string:
            found[index] = len(value.name.encode())
    return found


def _first_select(tree: exp.Expr) -> exp.Select | None:
    node: exp.Expr | None = tree
    while isinstance(node, (*_SET_OPERATIONS, exp.Subquery, exp.Paren)):
        node = node.this
    return node if isinstance(node, exp.Select) else None


def _select_list(tokens: Sequence[Token]) -> list[list[Token]]:
    depth = 0
    start: int | None = None
    for index, token in enumerate(tokens):
        if token.is_sign("("):
            depth += 1
        elif token.is_sign(")"):
            depth -= 1
        elif depth == 0 and start is None and token.is_word("SELECT"):
            start = index + 1
        elif depth == 0 and start is not None and token.is_word("FROM"):
            while tokens[start].is_word("DISTINCT", "UNIQUE", "ALL"):
                start += 1
            return split_list(list(tokens[start:index]))
    return []


def call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    """A call of one of our own functions."""
    return exp.Anonymous(this=f"oracle.{name}", expressions=list(arguments))


def numeric(value: exp.Expr) -> exp.Cast:
    """The value as a NUMBER."""
    return exp.Cast(this=value, to=_NUMERIC.copy())


def _bigint(value: exp.Expr) -> exp.Expr:
    """A row count for LIMIT and OFFSET."""
    if isinstance(value, exp.Literal) and value.name.rstrip(".").isdigit():
        return exp.Literal.number(value.name.rstrip("."))
    return exp.Cast(this=call("row_limit", value), to=_BIGINT.copy())


def _simplify(node: exp.Expr) -> exp.Expr:
    """Before the check: other spellings of the same."""
    if isinstance(node, (exp.National, exp.RawString)):
        return exp.Literal.string(node.name)
    if isinstance(node, exp.Identifier):
        if not node.args.get("quoted"):
            return exp.Identifier(this=node.name.upper(), quoted=True)
        if len(node.name.encode()) > MAX_NAME_BYTES:
            raise unsupported(f"a name of more than {MAX_NAME_BYTES} bytes ({node.name})")
    if isinstance(node, exp.CurrentTimestamp):
        return exp.Anonymous(this="SYSDATE" if node.args.get("sysdate") else "CURRENT_TIMESTAMP")
    for kind, name in _TIME_NODES.items():
        if isinstance(node, kind):
            return exp.Anonymous(this=name)
    if isinstance(node, exp.Fetch):
        options = node.args.get("limit_options")
        if not (options and options.args.get("with_ties")) and not (options and options.args.get("percent")):
            return exp.Limit(expression=node.args.get("count") or exp.Literal.number(1))
    return node


_TIME_NODES: dict[type[exp.Expr], str] = {
    exp.Systimestamp: "SYSTIMESTAMP",
    exp.Localtimestamp: "LOCALTIMESTAMP",
    exp.CurrentDate: "CURRENT_DATE",
    exp.CurrentUser: "USER",
}


def _name_expressions(tree: exp.Expr) -> None:
    """Give each expression of a select list the name that Oracle gives it, for stars around it."""
    for select in tree.find_all(exp.Select):
        if isinstance(select.parent, (exp.In, exp.Exists)):
            continue
        items: list[exp.Expr] = []
        for item in select.expressions:
            if isinstance(item, (exp.Alias, exp.Column, exp.Star)):
                if isinstance(item, exp.Column) and not item.is_star and _pseudo(item):
                    item = exp.alias_(item, item.name, quoted=True)
                    item.meta["made_up"] = False
                items.append(item)
                continue
            if isinstance(item, exp.Anonymous) and str(item.this) in functions.WITHOUT_PARENTHESES:
                name = str(item.this)
            else:
                name = heading(scan(item.sql("oracle").replace(":B", ":")))
            if len(name.encode()) <= MAX_NAME_BYTES and name:
                item = exp.alias_(item, name, quoted=True)
                item.meta["made_up"] = True
            items.append(item)
        select.set("expressions", items)


def _pseudo(node: exp.Column) -> bool:
    return node.name in functions.WITHOUT_PARENTHESES or node.name in ("NEXTVAL", "CURRVAL", "ROWNUM", "ROWID")


def _rule(node: exp.Expr) -> exp.Expr:
    """After the check: one node of Oracle's to PostgreSQL's, parents before children."""
    rule = _RULES.get(type(node))
    return rule(node) if rule else node


def _literal(node: exp.Expr) -> exp.Expr:
    if node.args["is_string"]:
        return node if node.name else exp.Null()
    if isinstance(node.parent, (exp.DataTypeParam, exp.DataType, exp.Interval, exp.IntervalSpan, exp.LimitOptions)):
        return node
    if isinstance(node.parent, exp.Ordered) and isinstance(node.parent.parent, exp.Order):
        return node
    text = node.name
    # A NUMBER, never an integer: 1/3 is not 0.
    return exp.Literal.number(text + "." if text.isdigit() else text)


def _column(node: exp.Expr) -> exp.Expr:
    name, table = node.name, node.args.get("table")
    if name in ("NEXTVAL", "CURRVAL") and table is not None:
        schema = node.args.get("db")
        sequence = ".".join('"' + part.name.replace('"', '""') + '"' for part in (schema, table) if part is not None)
        return numeric(exp.Anonymous(this=name.lower(), expressions=[exp.Literal.string(sequence)]))
    if table is None and node.this.meta.get("bare", True):
        if name in functions.WITHOUT_PARENTHESES:
            return call(functions.WITHOUT_PARENTHESES[name])
        if name == "DEFAULT":
            return exp.Var(this="DEFAULT")
    if name == "ROWID":
        raise unsupported("ROWID")
    if name in ("ORA_ROWSCN", "OBJECT_ID_", "CONNECT_BY_ISLEAF", "CONNECT_BY_ISCYCLE"):
        raise unsupported(name)
    if name == "ROWNUM" and table is None:
        raise unsupported("ROWNUM in this place")
    return node


def _anonymous(node: exp.Expr) -> exp.Expr:
    name, arguments = str(node.this), node.expressions
    if name.startswith("oracle."):
        return node
    upper = name.upper()
    if upper in ("NVL", "NVL2", "DECODE", "GREATEST", "LEAST", "AVG"):
        return _SPECIAL[upper](arguments, node)
    if upper in functions.WITHOUT_PARENTHESES and not arguments:
        return call(functions.WITHOUT_PARENTHESES[upper])
    if upper in functions.SAME:
        return exp.Anonymous(this=upper.lower(), expressions=arguments)
    if upper in functions.AGGREGATES or upper in functions.ANALYTIC:
        if upper in ("LAG", "LEAD") and len(arguments) > 1:
            count = exp.Cast(this=arguments[1], to=exp.DataType(this=exp.DType.INT))
            arguments = [arguments[0], count, *arguments[2:]]
        return exp.Anonymous(this=upper.lower(), expressions=arguments)
    if upper in functions.COUNTS or upper in functions.FLOATS:
        made = exp.Anonymous(this=upper.lower(), expressions=arguments)
        return made if isinstance(node.parent, (exp.Window, exp.WithinGroup)) else numeric(made)
    if upper in functions.OWN:
        return call(functions.RENAMED.get(upper, upper.lower()), *arguments)
    raise OracleError(904, f'"{upper}": invalid identifier (function unknown to the sandbox)')


def _window(node: exp.Expr) -> exp.Expr:
    if node.args.get("over") not in (None, "OVER"):
        raise unsupported(f"{node.args['over']} of analytic functions")
    if not isinstance(node.this, exp.Anonymous):
        raise unsupported(f"OVER after {node.this.key.upper()}")
    name = str(node.this.this).upper()
    if name not in _WINDOWED:
        raise unsupported(f"{name} with OVER")
    if name in functions.COUNTS | functions.FLOATS:
        return numeric(node)
    if name == "ORACLE.AVG":
        return call("narrow", node)
    return node


_WINDOWED = functions.COUNTS | functions.FLOATS | functions.AGGREGATES | functions.ANALYTIC | {"ORACLE.AVG"}


def _nvl(arguments: list[exp.Expr], _: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="coalesce", expressions=_count(arguments, 2, 2))


def _nvl2(arguments: list[exp.Expr], _: exp.Expr) -> exp.Expr:
    value, then, other = _count(arguments, 3, 3)
    is_null = exp.Is(this=exp.Paren(this=value), expression=exp.Null())
    return exp.Case(ifs=[exp.If(this=is_null, true=other)], default=then)


def _decode(arguments: list[exp.Expr], _: exp.Expr) -> exp.Expr:
    value, *rest = _count(arguments, 3, 255)
    cases = [
        exp.If(this=exp.NullSafeEQ(this=value.copy(), expression=rest[at]), true=rest[at + 1])
        for at in range(0, len(rest) - 1, 2)
    ]
    return exp.Case(ifs=cases, default=rest[-1] if len(rest) % 2 else None)


def _extreme(arguments: list[exp.Expr], node: exp.Expr) -> exp.Expr:
    """GREATEST and LEAST are NULL when any argument is."""
    nulls = [exp.Is(this=exp.Paren(this=value.copy()), expression=exp.Null()) for value in _count(arguments, 1, 255)]
    made = exp.Anonymous(this=str(node.this).lower(), expressions=arguments)
    return exp.Case(ifs=[exp.If(this=exp.or_(*nulls), true=exp.Null())], default=made)


def _average(arguments: list[exp.Expr], node: exp.Expr) -> exp.Expr:
    (value,) = _count(arguments, 1, 1)
    if isinstance(value, exp.Distinct):
        inner: exp.Expr = exp.Distinct(expressions=[call("widen", *value.expressions)])
    else:
        inner = call("widen", value)
    made = exp.Anonymous(this="oracle.avg", expressions=[inner])
    return made if isinstance(node.parent, exp.Window) else call("narrow", made)


_SPECIAL = {"NVL": _nvl, "NVL2": _nvl2, "DECODE": _decode, "GREATEST": _extreme, "LEAST": _extreme, "AVG": _average}


def _count(arguments: list[exp.Expr], least: int, most: int) -> list[exp.Expr]:
    if len(arguments) < least:
        raise OracleError(938, "not enough arguments for function")
    if len(arguments) > most:
        raise OracleError(939, "too many arguments for function")
    return arguments


def _div(node: exp.Expr) -> exp.Expr:
    return call("div", node.this, node.expression)


def _concat(node: exp.Expr) -> exp.Expr:
    return call("concat", call("str", node.this), call("str", node.expression))


def _like(node: exp.Expr) -> exp.Expr:
    """Oracle's LIKE has no escape character of its own."""
    if isinstance(node.parent, exp.Escape):
        return node
    like = exp.Like(this=node.this, expression=node.expression, negate=node.args.get("negate"))
    return exp.Escape(this=like, expression=exp.Literal.string(""))


def _in(node: exp.Expr) -> exp.Expr:
    if len(node.expressions) > _MAX_IN_LIST:
        raise OracleError(1795, "maximum number of expressions in a list is 1000")
    return node


def _listagg(node: exp.Expr) -> exp.Expr:
    inner = node.this
    order = None
    if isinstance(inner, exp.Order):
        order, inner = inner, inner.this
    if isinstance(inner, exp.Distinct):
        raise unsupported("LISTAGG(DISTINCT ...)")
    separator = node.args.get("separator") or exp.Literal.string("")
    value = call("str", inner)
    items: list[exp.Expr] = [value, separator]
    if order is not None:
        order.set("this", separator)
        items = [value, order]
    return exp.Anonymous(this="oracle.listagg", expressions=items)


def _trim(node: exp.Expr) -> exp.Expr:
    position = str(node.args.get("position") or "BOTH").upper()
    name = {"BOTH": "btrim", "LEADING": "ltrim", "TRAILING": "rtrim"}[position]
    what = node.args.get("expression")
    return call(name, node.this, *([what] if what is not None else []))


def _fetch(node: exp.Expr) -> exp.Expr:
    node.set("count", exp.Paren(this=_bigint(node.args["count"])))
    return node


def _limit(node: exp.Expr) -> exp.Expr:
    return type(node)(expression=_bigint(node.expression))


def _set_operation(node: exp.Expr) -> exp.Expr:
    """Oracle's set operators have one rank, PostgreSQL's INTERSECT a higher one: say it in parentheses."""
    for side in ("this", "expression"):
        operand = node.args[side]
        if isinstance(operand, _SET_OPERATIONS):
            node.set(side, exp.Subquery(this=operand))
    return node


def _select(node: exp.Expr) -> exp.Expr:
    if not node.expressions:
        raise OracleError(936, "missing expression")
    if node.args.get("from_") is None:
        raise OracleError(923, "FROM keyword not found where expected")
    for lock in node.args.get("locks") or []:
        # FOR UPDATE OF names a column, PostgreSQL's a table; the parser took t.column for a table of schema t.
        sources = [node.args["from_"].this, *(join.this for join in node.args.get("joins") or [])]
        tables = [table.args["db"].name if table.args.get("db") else None for table in lock.expressions]
        if None in tables and len(sources) > 1:
            raise unsupported("FOR UPDATE OF an unqualified column in a join")
        made = [table or sources[0].alias_or_name for table in tables]
        lock.set("expressions", [exp.to_identifier(name, quoted=True) for name in dict.fromkeys(made)])
        if not isinstance(lock.args.get("wait"), bool):
            lock.set("wait", None)
    return node


def _update(node: exp.Expr) -> exp.Expr:
    for item in node.expressions:
        if isinstance(item, exp.EQ):
            targets = item.this.expressions if isinstance(item.this, exp.Tuple) else [item.this]
            for target in targets:
                if isinstance(target, exp.Column):
                    target.set("table", None)
    return node


def _quantified(node: exp.Expr) -> exp.Expr:
    """ANY and ALL of a list are PostgreSQL's of an array."""
    if isinstance(node.this, exp.Tuple):
        node.set("this", exp.Paren(this=exp.Array(expressions=node.this.expressions)))
    elif isinstance(node.this, exp.Paren) and not isinstance(node.this.this, exp.Select):
        node.set("this", exp.Paren(this=exp.Array(expressions=[node.this.this])))
    return node


def _interval(node: exp.Expr) -> exp.Expr:
    """INTERVAL YEAR TO MONTH has a type of its own."""
    unit = node.args.get("unit")
    first = unit.this.name if isinstance(unit, exp.IntervalSpan) else unit.name if unit is not None else ""
    if first.upper() not in ("YEAR", "MONTH"):
        return node
    return exp.Cast(this=node, to=postgres_type("oracle.interval_ym"))


def _extract(node: exp.Expr) -> exp.Expr:
    field = node.name.upper()
    if field not in ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"):
        raise unsupported(f"EXTRACT({field} ...)")
    return call("extract_", exp.Literal.string(field.lower()), node.expression)


_RULES: dict[type[exp.Expr], Callable[[exp.Expr], exp.Expr]] = {
    exp.Literal: _literal,
    exp.Column: _column,
    exp.Anonymous: _anonymous,
    exp.Window: _window,
    exp.Div: _div,
    exp.DPipe: _concat,
    exp.Like: _like,
    exp.In: _in,
    exp.GroupConcat: _listagg,
    exp.Trim: _trim,
    exp.Limit: _limit,
    exp.Offset: _limit,
    exp.Fetch: _fetch,
    exp.Union: _set_operation,
    exp.Except: _set_operation,
    exp.Intersect: _set_operation,
    exp.Cast: cast_rule,
    exp.Select: _select,
    exp.Update: _update,
    exp.Extract: _extract,
    exp.Any: _quantified,
    exp.All: _quantified,
    exp.Interval: _interval,
}
