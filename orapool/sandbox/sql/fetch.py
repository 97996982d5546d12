"""FETCH ... PERCENT ROWS, said as a number of rows before anything else looks at the tree."""

from __future__ import annotations

from sqlglot import exp

_LIMITING = ("limit", "offset", "order", "locks")


def rewrite(tree: exp.Expr) -> exp.Expr:
    """Count a query's rows where a share of them is asked for: that share of all, whatever the offset."""
    for fetch in list(tree.find_all(exp.Fetch)):
        options = fetch.args.get("limit_options")
        query = fetch.parent
        if options is None or not options.args.get("percent") or query is None:
            continue
        counted = query.copy()
        for name in _LIMITING:
            counted.set(name, None)
        share = exp.Mul(this=exp.Anonymous(this="COUNT", expressions=[exp.Star()]), expression=_percent(fetch))
        rows = exp.Anonymous(this="CEIL", expressions=[exp.Div(this=share, expression=exp.Literal.number(100))])
        alias = exp.TableAlias(this=exp.to_identifier("FETCHED", quoted=True))
        source = exp.Subquery(this=counted, alias=alias)
        number = exp.Select(expressions=[rows])
        number.set("from_", exp.From(this=source))
        fetch.set("count", exp.Subquery(this=number))
        options.set("percent", False)
    return tree


def _percent(fetch: exp.Fetch) -> exp.Expr:
    count = fetch.args.get("count") or exp.Literal.number(1)
    return exp.Paren(this=count.copy())
