"""Names for clauses of Oracle's grammar that the sandbox does not have, for errors that say more than "not ended"."""

from __future__ import annotations

from collections.abc import Sequence

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.dialect import unsupported
from orapool.sandbox.sql.scanner import Token

# Errors of a reader that has met what it does not expect.
_VAGUE = (900, 902, 904, 905, 906, 907, 922, 933, 936)
# Words in a row; a bar parts those of which one comes, "(" is that sign, and "*" is a name.
_CLAUSES = """
CREATE PROCEDURE|FUNCTION|PACKAGE|TYPE|TRIGGER|LIBRARY|JAVA
REPLACE PROCEDURE|FUNCTION|PACKAGE|TYPE|TRIGGER|LIBRARY|JAVA|EDITIONABLE|NONEDITIONABLE
MODEL DIMENSION|PARTITION|RETURN|IGNORE|KEEP|UNIQUE|REFERENCE
DIMENSION BY (
VERSIONS BETWEEN
PIVOT XML
WITH FUNCTION|PROCEDURE
XMLTABLE|XMLQUERY|XMLEXISTS|XMLSERIALIZE|XMLPARSE|XMLFOREST|XMLATTRIBUTES|XMLCAST|XMLROOT (
JSON_TABLE|JSON_OBJECT|JSON_ARRAY|JSON_OBJECTAGG|JSON_ARRAYAGG|JSON_QUERY|JSON_EXISTS|JSON_TRANSFORM|JSON_MERGEPATCH (
CURRENT OF
MATCH_RECOGNIZE (
PARTITION BY HASH|RANGE|LIST|REFERENCE|SYSTEM|CONSISTENT
PARTITION BY (
PARTITION FOR|(
SUBPARTITION (
ADD PARTITION|SUBPARTITION|OVERFLOW|SUPPLEMENTAL
ORGANIZATION EXTERNAL|INDEX|HEAP
NESTED TABLE
FLASHBACK ARCHIVE
ROW ARCHIVAL
ROW STORE
COLUMN STORE
STORE AS
READ ONLY
INDEXTYPE IS
GLOBAL PARTITION
CLUSTER *
SET ROLE|CONSTRAINT|CONSTRAINTS
TRUNCATE CLUSTER
MATERIALIZED VIEW LOG
MEMOPTIMIZE FOR
UNION ALL CORRESPONDING
""".strip().splitlines()
# Clauses of one word, by the words before which a statement has them.
_OPTIONS = {
    "CREATE": "LOCAL INVISIBLE UNUSABLE PARALLEL INMEMORY RESULT_CACHE SHARING SESSION OF CLUSTER LOB MONITORING",
    "ALTER": "REBUILD UNUSABLE COALESCE MONITORING NOMONITORING SHRINK ENCRYPT DECRYPT INVISIBLE VISIBLE COMPILE",
    "COMMENT": "OPERATOR INDEXTYPE EDITION MINING",
    "LOCK": "PARTITION SUBPARTITION",
    "INSERT": "SET",
}


def name_clause(error: OracleError, tokens: Sequence[Token]) -> OracleError:
    """The error, or ORA-03001 where a clause of the statement tells what it is about."""
    if error.code not in _VAGUE or (error.code == 904 and "unknown" not in error.message):
        return error
    verb = tokens[0].value if tokens else ""
    for clause in _CLAUSES:
        words = clause.split()
        for at in range(len(tokens) - len(words) + 1):
            if all(_is(token, word) for token, word in zip(tokens[at:], words)):
                found = " ".join(token.value for token in tokens[at : at + len(words)] if not token.is_sign("("))
                return _named(found.removeprefix("REPLACE "), verb, tokens[at])
    for token in tokens[2:]:
        if token.is_word(*_OPTIONS.get(verb, "").split()):
            return _named(token.value, verb, token)
    return error


def _is(token: Token, word: str) -> bool:
    if word == "*":
        return token.kind in ("word", "quoted")
    return token.is_word(*word.split("|")) or (token.is_sign("(") and "(" in word.split("|"))


def _named(found: str, verb: str, token: Token) -> OracleError:
    what = found if found.startswith(verb) or verb in ("SELECT", "WITH") else f"{found} in {verb}"
    error = unsupported(what)
    error.position = token.start
    return error
