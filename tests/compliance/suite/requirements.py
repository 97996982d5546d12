"""What Oracle Database 19c, as which the sandbox speaks, has of what SQLAlchemy's suite asks for."""

from __future__ import annotations

import functools
from collections.abc import Callable

from sqlalchemy.testing import exclusions
from sqlalchemy.testing.requirements import SuiteRequirements

HAS = """
autocommit check_constraint_reflection comment_reflection comment_reflection_full_unicode computed_columns
computed_columns_virtual create_or_replace_view create_table_as cross_schema_fk_reflection ctes date_historic
datetime_historic datetime_interval datetime_literals default_schema_name_switch expression_server_defaults
fetch_expression fetch_first fetch_no_order_by fetch_offset_with_options fetch_percent fetch_ties
foreign_key_constraint_name_reflection foreign_key_constraint_option_reflection_ondelete has_temp_table
identity_columns identity_columns_standard indexes_check_column_order indexes_with_expressions
inline_check_constraint_reflection isolation_level materialized_views materialized_views_reflect_pk nvarchar_types
percent_schema_names precision_numerics_many_significant_digits reflect_indexes_with_ascdesc_as_expression
reflect_indexes_with_expressions reflect_table_options reflects_pk_names regexp_match regexp_replace savepoints
server_defaults skip_autocommit_rollback supports_bitwise_and temp_table_comment_reflection temp_table_names
timestamp_microseconds tuple_in unicode_ddl unique_constraints_reflect_as_index views window_functions window_range
window_range_numeric
"""

# Tests that Oracle fails, and the sandbox must fail likewise: these are run.
FAILS = {
    "empty_strings_text": "'' is NULL",
    "empty_strings_varchar": "'' is NULL",
    "expressions_against_unbounded_text": "a CLOB is compared with nothing (ORA-00932)",
    "infinity_floats": "FLOAT is a NUMBER, which has no infinity",
    "parens_in_union_contained_select_wo_limit_offset": "no ORDER BY inside of a UNION (ORA-00907)",
    "precision_numerics_retains_significant_digits": "NUMBER keeps no zeros at its end",
    "supports_bitwise_not": "no BITNOT",
    "supports_bitwise_or": "no BITOR before 21c",
    "supports_bitwise_shift": "no operators << and >>",
    "supports_bitwise_xor": "no BITXOR before 21c",
    "timestamp_microseconds_implicit_bound": "the drivers bind a datetime as DATE, without fraction",
}

# What Oracle has not; tests of it are left out.
HAS_NOT = {
    "array_type": "no ARRAY in SQL",
    "autoincrement_without_sequence": "no number of its own without a sequence or IDENTITY",
    "binary_literals": "no literal of a BLOB",
    "column_collation_reflection": "SQLAlchemy's dialect reflects no collation",
    "computed_columns_default_persisted": "computed columns are virtual",
    "computed_columns_reflect_persisted": "computed columns are virtual",
    "computed_columns_stored": "computed columns are virtual",
    "constraint_comment_reflection": "no comments on constraints",
    "create_temp_table_as": "no CREATE TEMPORARY TABLE, but GLOBAL TEMPORARY",
    "ctes_with_update_delete": "no WITH before UPDATE and DELETE",
    "ctes_with_values": "no VALUES as a table before 23ai",
    "datetime_microseconds": "DATE has whole seconds",
    "datetime_timezone": "the drivers return datetimes without time zone",
    "datetime_timezone_historic": "the drivers return datetimes without time zone",
    "dbapi_lastrowid": "a ROWID, and no number",
    "delete_from": "no DELETE of several tables",
    "fk_constraint_option_reflection_ondelete_noaction": "no ON DELETE NO ACTION in DDL",
    "fk_constraint_option_reflection_ondelete_restrict": "no ON DELETE RESTRICT",
    "fk_constraint_option_reflection_onupdate_restrict": "no ON UPDATE",
    "float_or_double_precision_behaves_generically": "FLOAT and DOUBLE PRECISION are NUMBERs",
    "foreign_key_constraint_option_reflection_onupdate": "no ON UPDATE",
    "foreign_keys_reflect_as_index": "no index for a foreign key",
    "order_by_collation": "COLLATE needs MAX_STRING_SIZE = EXTENDED",
    "index_ddl_if_exists": "no IF EXISTS before 23ai",
    "index_reflects_included_columns": "no INCLUDE in indexes",
    "json_deserializer_binary": "no type JSON before 21c",
    "json_type": "no type JSON before 21c",
    "legacy_unconditional_json_extract": "no type JSON before 21c",
    "reflect_tables_no_columns": "no table without columns",
    "repeated_column_foreign_keys": "no column twice in a key (ORA-00957)",
    "repeated_remote_col_foreign_keys": "no column twice in a key (ORA-00957)",
    "schema_create_delete": "schemas are users",
    "sequences_optional": "sequences are not optional",
    "supports_distinct_on": "no DISTINCT ON",
    "symbol_names_w_double_quote": "no double quote in a name (ORA-03001)",
    "table_ddl_if_exists": "no IF EXISTS before 23ai",
    "table_value_constructor": "no VALUES as a table before 23ai",
    "temporary_views": "no temporary views",
    "time": "no type TIME",
    "time_microseconds": "no type TIME",
    "time_timezone": "no type TIME",
    "unbounded_varchar": "VARCHAR2 needs a length",
    "unique_index_reflect_as_unique_constraints": "a unique index is no constraint",
    "update_from": "no UPDATE ... FROM before 23ai",
    "uuid_data_type": "no type UUID",
    "window_range_non_numeric": "the test's RANGE of days has an interval that only PostgreSQL reads",
}


class Requirements(SuiteRequirements):
    """What is not in the tables is as SQLAlchemy has it for all dialects."""


def _add(name: str, rule: Callable[[], exclusions.compound]) -> None:
    """Have a property that makes the rule anew: what a test has several of is put into the first."""
    if not hasattr(SuiteRequirements, name):
        raise AttributeError(f"SQLAlchemy's suite asks for no {name}")
    setattr(Requirements, name, property(lambda self: rule()))


def _always(config: object) -> bool:
    return True


for _name in HAS.split():
    _add(_name, exclusions.open)
for _name, _why in FAILS.items():
    _add(_name, functools.partial(exclusions.fails_if, _always, _why))
for _name, _why in HAS_NOT.items():
    _add(_name, functools.partial(exclusions.skip_if, _always, _why))
