"""Other spellings of the same, made one before a tree is checked and translated."""

from __future__ import annotations

from sqlglot import exp

from orapool.sandbox.sql import functions
from orapool.sandbox.sql.calls import call
from orapool.sandbox.sql.names import postgres_name


def simplify(node: exp.Expr) -> exp.Expr:
    """Before the check: other spellings of the same."""
    if isinstance(node, (exp.National, exp.RawString)):
        return exp.Literal.string(node.name)
    if isinstance(node, exp.Identifier):
        if not node.args.get("quoted"):
            return exp.Identifier(this=postgres_name(node.name.upper()), quoted=True)
        node.set("this", postgres_name(node.name))
    if isinstance(node, exp.CurrentTimestamp):
        return exp.Anonymous(this="SYSDATE" if node.args.get("sysdate") else "CURRENT_TIMESTAMP")
    if isinstance(node, exp.Anonymous) and str(node.this).upper() == "ALL" and isinstance(node.parent, exp.Binary):
        # The parser knows ALL of a subquery only.
        return exp.All(this=exp.Tuple(expressions=node.expressions))
    if isinstance(node, exp.Table):
        return _collection(node)
    if isinstance(node, (exp.Dot, exp.Column)) and _is_scn_function(node):
        return call("current_scn")
    for kind, name in _TIME_NODES.items():
        if isinstance(node, kind):
            return exp.Anonymous(this=name)
    if isinstance(node, exp.Fetch):
        options = node.args.get("limit_options")
        if not (options and options.args.get("with_ties")) and not (options and options.args.get("percent")):
            return exp.Limit(expression=node.args.get("count") or exp.Literal.number(1))
    return node


def _is_scn_function(node: exp.Expr) -> bool:
    """DBMS_FLASHBACK.GET_SYSTEM_CHANGE_NUMBER, with parentheses or without."""
    if isinstance(node, exp.Column):
        owner, name = node.args.get("table"), node.name
    else:
        owner, name = node.this, str(node.expression.this)
    return owner is not None and owner.name == "DBMS_FLASHBACK" and name.upper() == "GET_SYSTEM_CHANGE_NUMBER"


def _collection(node: exp.Table) -> exp.Table:
    """TABLE(SYS.ODCINUMBERLIST(...)): a table of one column, COLUMN_VALUE."""
    made: exp.Expr = node.this
    if isinstance(made, exp.Anonymous) and str(made.this).upper() == "TABLE" and len(made.expressions) == 1:
        made = made.expressions[0]
    owner = node.args.get("db")
    if isinstance(made, exp.Dot):
        owner, made = made.this, made.expression
    if not isinstance(made, exp.Anonymous) or str(made.this).upper() not in functions.COLLECTIONS:
        return node
    if owner is not None and owner.name != "SYS":
        return node
    alias = node.args.get("alias")
    name = alias.this if alias is not None else exp.to_identifier("KOKBF$0", quoted=True)
    columns = [exp.to_identifier("COLUMN_VALUE", quoted=True)]
    values = call(str(made.this).lower(), *made.expressions)
    return exp.Table(this=values, alias=exp.TableAlias(this=name, columns=columns))


_TIME_NODES: dict[type[exp.Expr], str] = {
    exp.Systimestamp: "SYSTIMESTAMP",
    exp.Localtimestamp: "LOCALTIMESTAMP",
    exp.CurrentDate: "CURRENT_DATE",
    exp.CurrentUser: "USER",
}
