"""PostgreSQL's errors as Oracle's."""

from __future__ import annotations

import re

from psycopg import pq

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.link import Failure
from orapool.sandbox.sql.names import full_name, full_names

_FIELD = pq.DiagnosticField
_OWN_ERROR = re.compile(r"ORA-(\d+): (.*)", re.DOTALL)
_NAME = re.compile(r'"((?:[^"]|"")+)"')

# SQLSTATE (PostgreSQL manual, appendix A) -> ORA- number and text (Oracle Database Error Messages).
_TABLE = {
    "22003": (1438, "value larger than specified precision allowed for this column"),
    "22P02": (1722, "invalid number"),
    "22P03": (1722, "invalid number"),
    "22012": (1476, "divisor is equal to zero"),
    "22007": (1861, "literal does not match format string"),
    "22008": (1843, "not a valid month"),
    "22001": (12899, "value too large for column"),
    "22021": (29275, "partial multibyte character"),
    "22025": (1425, "escape character must be character string of length 1"),
    "22019": (1425, "escape character must be character string of length 1"),
    "2201B": (12728, "invalid range in regular expression"),
    "2201F": (1428, "argument is out of range"),
    "2201E": (1428, "argument is out of range"),
    "2201W": (1428, "argument is out of range"),
    "2201X": (1428, "argument is out of range"),
    "44000": (1402, "view WITH CHECK OPTION where-clause violation"),
    "21000": (1427, "single-row subquery returns more than one row"),
    "2BP01": (2429, "cannot drop: other objects depend on it"),
    "40001": (8177, "can't serialize access for this transaction"),
    "40P01": (60, "deadlock detected while waiting for resource"),
    "55P03": (54, "resource busy and acquire with NOWAIT specified or timeout expired"),
    "57014": (1013, "user requested cancel of current operation"),
    "25006": (1456, "may not perform insert/delete/update operation inside a READ ONLY transaction"),
    "42601": (900, "invalid SQL statement"),
    "42803": (979, "not a GROUP BY expression"),
    "42P20": (30483, "window functions are not allowed here"),
    "42702": (918, "column ambiguously defined"),
    "42712": (918, "column ambiguously defined"),
    "42701": (957, "duplicate column name"),
    "42P10": (1785, "ORDER BY item must be the number of a SELECT-list expression"),
    "42804": (932, "inconsistent datatypes"),
    "42846": (932, "inconsistent datatypes"),
    "42883": (932, "inconsistent datatypes"),
    "42725": (932, "inconsistent datatypes"),
    "42P08": (932, "inconsistent datatypes"),
    "42P18": (932, "inconsistent datatypes"),
    "42830": (2270, "no matching unique or primary key for this column-list"),
    "42P16": (2260, "table can have only one primary key"),
    "3B001": (1086, "savepoint never established in this session or is invalid"),
    "55000": (8002, "sequence CURRVAL is not yet defined in this session"),
    "2200H": (8004, "sequence NEXTVAL exceeds its bounds and cannot be instantiated"),
    "0A000": (3001, "unimplemented feature"),
    "53100": (1653, "unable to extend table"),
    "53200": (4030, "out of process memory"),
    "54001": (1000, "maximum recursion depth exceeded"),
    "54023": (939, "too many arguments for function"),
    "57P01": (3113, "end-of-file on communication channel"),
    "57P02": (3113, "end-of-file on communication channel"),
    "57P03": (3113, "end-of-file on communication channel"),
}
# Where PostgreSQL's own words say more than Oracle's.
_DETAILED = "22001 42601 42804 42846 42883 42725 42P08 42P18 0A000 2BP01 53100 54001 55000"
_WITH_DETAIL = frozenset(_DETAILED.split())


def oracle_error(failure: Failure, verb: str = "") -> OracleError:
    """The ORA- error for a failed command.

    Args:
        failure: what PostgreSQL said.
        verb: the statement's first word, INSERT or UPDATE or so.
    """
    state = failure.sqlstate
    message = full_names(failure.field(_FIELD.MESSAGE_PRIMARY))
    own = _OWN_ERROR.match(message)
    if own:
        return OracleError(int(own.group(1)), own.group(2))
    # The rows of a temporary table lie in one that is called ~ and its name.
    schema, table = failure.field(_FIELD.SCHEMA_NAME), full_name(failure.field(_FIELD.TABLE_NAME)).removeprefix("~")
    constraint, column = (full_name(failure.field(name)) for name in (_FIELD.CONSTRAINT_NAME, _FIELD.COLUMN_NAME))
    if state == "21000" and verb == "MERGE":
        return OracleError(30926, "unable to get a stable set of rows in the source tables")
    if state == "23505":
        return OracleError(1, f"unique constraint ({schema}.{constraint}) violated")
    if state == "23502":
        name = f'("{schema}"."{table}"."{column}")'
        if verb in ("UPDATE", "MERGE"):
            return OracleError(1407, f"cannot update {name} to NULL")
        return OracleError(1400, f"cannot insert NULL into {name}")
    if state == "23503":
        child = failure.field(_FIELD.MESSAGE_DETAIL).endswith('is still referenced from table "' + table + '".')
        if child or "is still referenced" in failure.field(_FIELD.MESSAGE_DETAIL):
            return OracleError(2292, f"integrity constraint ({schema}.{constraint}) violated - child record found")
        return OracleError(2291, f"integrity constraint ({schema}.{constraint}) violated - parent key not found")
    if state == "428C9":
        if verb == "UPDATE":
            return OracleError(54017, "UPDATE operation disallowed on virtual columns")
        return OracleError(54013, "INSERT operation disallowed on virtual columns")
    if state == "42P17" and "generation expression" in message:
        return OracleError(54002, "only pure functions can be specified in a virtual column expression")
    if state == "23514":
        return OracleError(2290, f"check constraint ({schema}.{constraint}) violated")
    return _by_name(state, message) or _by_table(state, message)


def _by_name(state: str, message: str) -> OracleError | None:
    if state == "42P01":
        if "missing FROM-clause" in message or "invalid reference" in message:
            return OracleError(904, f"{_quoted(message)}: invalid identifier")
        return OracleError(942, "table or view does not exist")
    if state == "3F000":
        return OracleError(1435, "user does not exist")
    if state == "42703":
        return OracleError(904, f"{_quoted(message)}: invalid identifier")
    if state in ("42P07", "42710"):
        return OracleError(955, "name is already used by an existing object")
    if state == "42704":
        return OracleError(1418, "specified index does not exist") if "index" in message else None
    if state == "22003" and "out of range" in message:
        return OracleError(1426, "numeric overflow")
    if state == "22P02" and ("date" in message or "timestamp" in message):
        return OracleError(1861, "literal does not match format string")
    if state == "22023" and "time zone" in message:
        return OracleError(1882, "timezone region not found")
    if state == "22023" and "hexadecimal" in message:
        return OracleError(1465, "invalid hex number")
    if state == "22P02" and "bytea" in message:
        return OracleError(1465, "invalid hex number")
    if state == "42601" and "more expressions than target columns" in message:
        return OracleError(913, "too many values")
    if state == "42601" and "more target columns than expressions" in message:
        return OracleError(947, "not enough values")
    if state == "42601" and "each UNION" in message.replace("EXCEPT", "UNION").replace("INTERSECT", "UNION"):
        return OracleError(1789, "query block has incorrect number of result columns")
    if state == "42803" and "aggregate functions are not allowed" in message:
        return OracleError(934, "group function is not allowed here")
    return None


def _by_table(state: str, message: str) -> OracleError:
    code, text = _TABLE.get(state, (604, "error occurred in the sandbox's engine"))
    if state in _WITH_DETAIL or code == 604:
        text += f" ({message})"
    return OracleError(code, text)


def _quoted(message: str) -> str:
    """The names in PostgreSQL's message, as Oracle prints them: ``column t.X does not exist`` -> ``"T"."X"``."""
    found = _NAME.search(message)
    if found:
        return '"' + found.group(1) + '"'
    plain = re.search(r"column (\S+) does not exist", message)
    return ".".join(f'"{name}"' for name in plain.group(1).split(".")) if plain else '""'
