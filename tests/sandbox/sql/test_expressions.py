"""Arithmetic, NULL, the empty string, dates and functions: where Oracle differs from PostgreSQL."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.sql.session import Session, date, refused


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # NUMBER arithmetic is exact and never integer arithmetic.
        ("1/3*3 - 0.9999999999999999999999999999999999999999", 0),
        ("7/2", 3.5),
        ("count(*)/2", 0.5),
        ("5 - 2 * 2", 1),
        ("-7/2", -3.5),
        ("mod(7, 3)", 1),
        ("mod(-7, 3)", -1),
        ("mod(7, 0)", 7),
        ("round(2.5)", 3),
        ("round(-2.5)", -3),
        ("round(1234.567, -2)", 1200),
        ("trunc(-1.9)", -1),
        ("trunc(1.99, 1)", 1.9),
        ("power(2, 10)", 1024),
        ("'5' + 1", 6),
        ("'5' * '2'", 10),
        ("1e3", 1000),
        ("ceil(1.2) + floor(1.8)", 3),
        ("bitand(12, 10)", 8),
        ("to_number('12.50')", 12.5),
        ("greatest(1, 2, 3)", 3),
        ("greatest(1, null, 3)", None),
        ("least(2, 1)", 1),
        # The empty string is NULL; concatenation takes NULL for nothing.
        ("''", None),
        ("nvl('', 'x')", "x"),
        ("'a' || null || 'b'", "ab"),
        ("null || ''", None),
        ("length('')", None),
        ("replace('aaa', 'a', '')", None),
        ("trim('   ')", None),
        ("substr('abc', 5)", None),
        ("case when '' = '' then 1 else 0 end", 0),
        ("case when '' is null then 1 else 0 end", 1),
        ("decode(null, null, 'same', 'other')", "same"),
        ("decode(2, 1, 'one', 2, 'two', 'many')", "two"),
        ("decode(9, 1, 'one')", None),
        ("nvl2(null, 1, 2)", 2),
        ("coalesce(null, null, 3)", 3),
        ("nullif(1, 1)", None),
        # Numbers as text
        ("1/2 || ''", ".5"),
        ("-0.5 || 'x'", "-.5x"),
        ("1.50 || ''", "1.5"),
        ("to_char(1234.5)", "1234.5"),
        ("to_char(5, '000')", " 005"),
        ("to_char(1234.5, 'FM9,999.00')", "1,234.50"),
        # Texts
        ("substr('hello', -3)", "llo"),
        ("substr('hello', 0, 2)", "he"),
        ("substr('hello', 2, 3)", "ell"),
        ("substr('hello', 2, 0)", None),
        ("instr('corporate floor', 'or', 3, 2)", 14),
        ("instr('corporate floor', 'or', -3, 2)", 2),
        ("instr('abc', 'z')", 0),
        ("upper(123)", "123"),
        ("lpad('x', 3, '*')", "**x"),
        ("rpad('xyz', 2)", "xy"),
        ("initcap('hello world')", "Hello World"),
        ("translate('abc', 'ab', 'x')", "xc"),
        ("rawtohex(hextoraw('0aff'))", "0AFF"),
        ("lengthb('é')", 2),
        ("chr(65)", "A"),
        ("q'[it's]'", "it's"),
        ("'it''s'", "it's"),
        # Dates
        ("date '2024-02-29' + 1", date("2024-03-01")),
        ("date '2024-03-01' - date '2024-02-01'", 29),
        ("(date '2024-01-01' + 0.5) - date '2024-01-01'", 0.5),
        ("date '2024-01-01' + 1/24", date("2024-01-01 01:00:00")),
        ("date '2024-01-01' + interval '1' hour", date("2024-01-01 01:00:00")),
        ("trunc(to_date('2024-05-17 13:14:15', 'YYYY-MM-DD HH24:MI:SS'))", date("2024-05-17")),
        ("trunc(date '2024-05-17', 'MM')", date("2024-05-01")),
        ("trunc(date '2024-05-17', 'YYYY')", date("2024-01-01")),
        ("add_months(date '2024-01-31', 1)", date("2024-02-29")),
        ("add_months(date '2024-02-29', 1)", date("2024-03-31")),
        ("months_between(date '2024-03-31', date '2024-02-29')", 1),
        ("last_day(date '2024-02-10')", date("2024-02-29")),
        ("extract(year from date '2024-02-10')", 2024),
        ("to_char(date '2024-02-10', 'YYYY/MM/DD')", "2024/02/10"),
        ("to_char(date '2024-02-10')", "10-FEB-24"),
        ("to_date('10-FEB-24')", date("2024-02-10")),
        ("cast(timestamp '2024-01-01 10:00:00.9' as date)", date("2024-01-01 10:00:00")),
        ("greatest(date '2024-01-01', date '2024-02-01')", date("2024-02-01")),
        ("case when sysdate - trunc(sysdate) < 1 then 'today' end", "today"),
        # CAST
        ("cast('12' as number)", 12),
        ("cast(1.005 as number(10,2))", 1.01),
        ("cast(7 as varchar2(10))", "7"),
        ("cast('abcdef' as varchar2(3))", "abc"),
        ("cast(2.5 as integer)", 3),
        ("cast('abc' as char(5)) || '|'", "abc  |"),
        ("sys_context('userenv', 'db_name')", "ORAPOOL"),
        ("length(sys_guid())", 16),
    ],
)
def test_value(session: Session, expression: str, expected: Any) -> None:
    assert session.value(expression) == expected


def test_one_third_has_forty_digits(session: Session) -> None:
    statement = session.backend.prepare("select 1/3 from dual")
    assert session.backend.query(statement, [], []).rows(0, 1) == [(b"0." + b"3" * 40,)]


def test_null_compares_to_nothing(session: Session) -> None:
    assert session.rows("select 1 from dual where null = null or '' = '' or :1 = ''", "x") == []


def test_an_empty_bind_is_null(session: Session) -> None:
    assert session.value("select nvl(:1, 'nothing') from dual", "") == "nothing"


def test_like_has_no_escape_character_of_its_own(session: Session) -> None:
    assert session.value("case when 'a\\b' like 'a\\b' then 1 else 0 end") == 1
    assert session.value("case when 'a%' like 'a!%' escape '!' then 1 else 0 end") == 1
    assert session.value("case when 'ab' not like 'a!%' escape '!' then 1 else 0 end") == 1


def test_division_by_zero(session: Session) -> None:
    with refused(1476):
        session.value("1/0")


def test_text_that_is_no_number(session: Session) -> None:
    with refused(1722):
        session.value("to_number('x1')")
    with refused(1722):
        session.value("1 + 'x'")


def test_dates_that_are_none(session: Session) -> None:
    with refused(1843):
        session.value("to_date('2024-13-01', 'YYYY-MM-DD')")


def test_concatenation_beyond_varchar2(session: Session) -> None:
    with refused(1489):
        session.value("rpad('x', 4000) || 'y'")


def test_a_date_minus_a_timestamp_is_an_interval(session: Session) -> None:
    (column,) = session.columns("select timestamp '2024-01-02 00:00:00' - date '2024-01-01' from dual")
    assert column.type.name == "INTERVAL DAY TO SECOND"


def test_current_user_and_schema(session: Session, user: str) -> None:
    assert session.row("select user, sys_context('USERENV', 'CURRENT_SCHEMA') from dual") == (user, user)


def test_the_session_s_formats(session: Session) -> None:
    moment = "timestamp '2024-11-05 06:07:08.25'"
    assert session.value("to_char(date '2024-11-05')") == "05-NOV-24"
    session.run(
        "alter session set nls_date_format = 'DD Mon YYYY' nls_timestamp_format = 'YYYY-MM-DD\"T\"HH24:MI:SSXFF3'"
    )
    session.run("alter session set nls_timestamp_tz_format = 'HH24:MI TZR'")
    assert session.value("to_char(date '2024-11-05')") == session.value("'' || date '2024-11-05'") == "05 Nov 2024"
    assert session.value(f"to_char({moment})") == "2024-11-05T06:07:08.250"
    assert session.value("to_char(to_timestamp_tz('06:07 +00:00'))") == "06:07 +00:00"
    assert session.value("to_char(to_date('24 Dec 2023'), 'YYYYMMDD')") == "20231224"
    assert session.value("to_char(to_timestamp('2023-12-24T01:02:03.400'), 'SSFF1')") == "034"
    with refused(1843):
        session.value("to_date('05 Moo 2024')")
    shown = "nls_date_format nls_timestamp_format nls_timestamp_tz_format".upper().split()
    told = ["DD Mon YYYY", 'YYYY-MM-DD"T"HH24:MI:SSXFF3', "HH24:MI TZR"]
    for view in ("nls_session_parameters", "v$nls_parameters"):
        found = dict(session.rows(f"select parameter, value from {view}"))
        assert [found[name] for name in shown] == told
    assert session.value("sys_context('userenv', 'nls_date_format')") == "DD Mon YYYY"
    defaults = dict(session.rows("select parameter, value from nls_database_parameters"))
    assert defaults["NLS_DATE_FORMAT"] == "DD-MON-RR"
