"""Oracle's functions, and which of PostgreSQL's or of our own schema ``oracle`` answer for them."""

from __future__ import annotations

_OWN = """
ABS ACOS ADD_MONTHS ASCII ASIN ATAN ATAN2 BITAND CEIL CHARTOROWID CHR CONCAT COS COSH EMPTY_BLOB EMPTY_CLOB EXP FLOOR
FROM_TZ HEXTORAW INITCAP INSTR LAST_DAY LENGTH LENGTHB LN LOG LOWER LPAD LTRIM MOD MONTHS_BETWEEN NANVL NEXT_DAY
MEDIAN NLS_INITCAP NLS_LOWER NLS_UPPER NUMTODSINTERVAL NUMTOYMINTERVAL POWER RAWTOHEX REGEXP_COUNT REGEXP_INSTR
REGEXP_LIKE REGEXP_REPLACE REGEXP_SUBSTR REMAINDER REPLACE REVERSE ROUND ROWIDTOCHAR ROWIDTONCHAR RPAD RTRIM SIGN SIN
SINH SQRT SUBSTR SUBSTRB SYS_CONTEXT SYS_EXTRACT_UTC SYS_GUID TAN TANH TO_BINARY_DOUBLE TO_BINARY_FLOAT TO_BLOB
TO_CHAR TO_CLOB TO_DATE TO_DSINTERVAL TO_NCHAR TO_NCLOB TO_NUMBER TO_TIMESTAMP TO_TIMESTAMP_TZ TO_YMINTERVAL TRANSLATE
TRUNC UID UNISTR UPPER USERENV VSIZE WIDTH_BUCKET
"""
_AGGREGATES = "MIN MAX SUM STDDEV STDDEV_POP STDDEV_SAMP VARIANCE VAR_POP VAR_SAMP CORR COVAR_POP COVAR_SAMP"
_ANALYTIC = "LAG LEAD FIRST_VALUE LAST_VALUE NTH_VALUE"
_COUNTS = "COUNT ROW_NUMBER RANK DENSE_RANK NTILE GROUPING"
_FLOATS = "PERCENT_RANK CUME_DIST"

# Functions of our schema `oracle` that bear Oracle's name in lower case (functions.sql).
OWN = frozenset(_OWN.split())
# PostgreSQL's own, with the same meaning.
SAME = frozenset({"COALESCE", "NULLIF"})
# Aggregates and analytic functions whose result PostgreSQL already gives as the argument's type.
AGGREGATES = frozenset(_AGGREGATES.split())
ANALYTIC = frozenset(_ANALYTIC.split())
# Those that give an integer or a float in PostgreSQL, and a NUMBER in Oracle.
COUNTS = frozenset(_COUNTS.split())
FLOATS = frozenset(_FLOATS.split())

# What has no parentheses, as functions of schema `oracle`.
WITHOUT_PARENTHESES = {
    "SYSDATE": "sysdate",
    "SYSTIMESTAMP": "systimestamp",
    "CURRENT_DATE": "current_date_",
    "CURRENT_TIMESTAMP": "systimestamp",
    "LOCALTIMESTAMP": "localtimestamp_",
    "USER": "user_",
    "UID": "uid",
    "DBTIMEZONE": "dbtimezone",
    "SESSIONTIMEZONE": "dbtimezone",
}

# Collections of the type SYS.ODCI...LIST, with PostgreSQL's type of their elements.
COLLECTIONS = {"ODCINUMBERLIST": "numeric", "ODCIVARCHAR2LIST": "varchar", "ODCIDATELIST": "oracle.date"}
# How many values a call may list.
MAX_ARGUMENTS = 999

# Names that have another name in our schema, since PostgreSQL's grammar keeps them for itself.
RENAMED = {"USER": "user_", "CURRENT_DATE": "current_date_"}
