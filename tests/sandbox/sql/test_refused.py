"""What the sandbox does not have raises an ORA- error that says so; nothing is dropped in silence."""

from __future__ import annotations

import pytest

from orapool.sandbox.sql import OracleError
from tests.sandbox.sql.session import Session, refused

OUTSIDE = [
    ("select a.x from t a, t b where a.x = b.x(+)", 3001, "(+)"),
    ("select * from t start with x = 1 connect by prior x = y", 3001, "CONNECT BY"),
    ("select * from t pivot (sum(x) for y in (1, 2))", 3001, "PIVOT"),
    ("select * from t sample (10)", 3001, "SAMPLE"),
    ("select * from t partition (p1)", 3001, "PARTITION"),
    ("select * from t@remote", 3001, "database link"),
    ("select max(x) keep (dense_rank first order by y) from t", 3001, "KEEP"),
    ("select first_value(x ignore nulls) over (order by y) from t", 3001, "IGNORE"),
    ("with c (n) as (select 1 from dual) search depth first by n set o select 1 from c", 3001, "SEARCH"),
    ("select x from t where rownum > 5", 3001, "ROWNUM"),
    ("select a.b.c.d from a.b.c", 3001, "three-part"),
    ("select dbms_random.value from dual", 3001, "RAND"),
    ("select pkg.f(1) from dual", 3001, "PKG"),
    ("select cursor(select 1 from dual) from dual", 904, "CURSOR"),
    ("select xmlelement(\"a\", 'b') from dual", 904, "XMLELEMENT"),
    ("select json_value('{}', '$.a') from dual", 904, "JSON_VALUE"),
    ("select my_function(1) from dual", 904, "MY_FUNCTION"),
    ("select cast(multiset(select 1 from dual) as number_list) from dual", 904, "MULTISET"),
    ("select * from table(f(1))", 904, "F"),
    ("select x from t limit 5", 933, ""),
    ("(select x from t order by x) union (select x from t)", 907, ""),
    ("create table p (a number, b number, constraint u unique (a, a))", 957, "duplicate"),
    ("select 1 into :a from dual", 3001, "SELECT INTO"),
    ("insert all into t (x) values (1) select 1 from dual", 3001, "multi-table"),
    ("insert into t (x) values (1) log errors", 3001, "LOG ERRORS"),
    ("explain plan for select 1 from dual", 3001, "EXPLAIN"),
    ("call proc(1)", 3001, "CALL"),
    ("create or replace procedure p as begin null; end", 933, ""),
    ("create trigger tr before insert on t for each row", 3001, "TRIGGER"),
    ("create synonym s for t", 3001, "SYNONYM"),
    ("create materialized view m refresh fast as select 1 x from dual", 3001, "FAST"),
    ("create materialized view log on t", 3001, "LOG"),
    ("create bitmap index i on t (x)", 3001, "BITMAP"),
    ("create private temporary table ora$ptt_g (x number)", 3001, "PRIVATE"),
    ("create user u identified by p", 3001, "USER"),
    ("create table p (x number) partition by hash (x)", 922, "partition"),
    ("create table p (x xmltype)", 3001, "XMLTYPE"),
    ("create table p (x timestamp(9))", 3001, "6 digits"),
    ("create table p (x number generated always as sequence)", 905, "IDENTITY"),
    ("create table p (x number invisible)", 3001, "INVISIBLE"),
    ("create table p (x number unique disable)", 3001, "DISABLE"),
    ("drop user scott cascade", 3001, "USER"),
    ("alter table t move", 3001, "MOVE"),
    ("alter table t split partition p", 3001, "SPLIT"),
    ("alter system flush shared_pool", 3001, "ALTER SYSTEM"),
    ("alter session enable parallel dml", 3001, "enable parallel"),
    ("alter session set nls_sort = german", 3001, "NLS_SORT"),
    ("alter session set nls_numeric_characters = ', '", 3001, "NLS_NUMERIC_CHARACTERS"),
    ("alter session set nls_date_format = 'today'", 1821, "not recognized"),
    ("alter session set nls_date_format = ''", 1821, "not recognized"),
    ("alter session set nls_date_format = 'YYYY-MM-DD HH24:MI:SS.FF'", 1821, "not recognized"),
    ("alter session set nls_timestamp_format = 'YYYY-MM-DD TZR'", 1821, "not recognized"),
    ("alter session set nls_date_format = 'fmDD Month YYYY'", 3001, "fm in NLS_DATE_FORMAT"),
    ("alter session set nls_timestamp_format = 'SYYYY'", 3001, "SYYYY in NLS_TIMESTAMP_FORMAT"),
    ("alter session set time_zone = '+02:00'", 3001, "TIME_ZONE"),
    ("flashback table t to before drop", 3001, "FLASHBACK"),
    ("purge tablespace users", 3001, "PURGE"),
    ("purge table t", 38307, "RECYCLE BIN"),
    ("commit force '1.2.3'", 3001, "FORCE"),
    ("declare x number; begin null; end;", 3001, "DECLARE"),
    ("begin if 1 = 1 then null; end if; end;", 3001, "if"),
    ("begin execute immediate 'drop table t'; end;", 3001, "execute immediate"),
    ("begin dbms_lock.sleep(1); end;", 3001, "DBMS_LOCK.SLEEP"),
    ("begin open c for select 1 from dual; end;", 3001, "OPEN"),
    ("merge into t using dual on (1 = 1) when matched then update set x = 1 delete where x = 2", 933, ""),
]


@pytest.mark.parametrize(("sql", "code", "text"), OUTSIDE)
def test_outside_of_the_subset(session: Session, sql: str, code: int, text: str) -> None:
    with refused(code, text):
        session.backend.prepare(sql)


@pytest.mark.parametrize(
    ("sql", "code", "position"),
    [
        ("selec 1 from dual", 900, 0),
        ("select 1", 923, 0),
        ("select from dual", 936, 0),
        ("select * from t where", 936, None),
        ("select (1 from dual", 907, None),
        ("select 1 from dual;", 933, 18),
        ("select 'open from dual", 1756, 7),
        ("select foo(1), 2 from dual", 904, 7),
        ('select "" from dual', 1741, 7),
        ("create table t (x number(39))", 1727, 25),
        ("create table t (x varchar2(5000))", 910, 27),
        ("create table t (x strange)", 902, 18),
        ("create table t (x number) strangely", 922, 26),
        ("create table t (x number default :1)", 1027, 33),
        ("create table select (x number)", 904, 13),
        ("drop table t cascade", 922, 13),
        ("", 24373, 0),
        ("select nvl(1) from dual", 938, 0),
        (f"select 1 from dual where 1 in ({','.join('1' * 1001)})", 1795, None),
        (f"select {'x' * 129} from dual", 972, 7),
    ],
)
def test_errors_of_syntax_point_at_their_place(session: Session, sql: str, code: int, position: int | None) -> None:
    with pytest.raises(OracleError) as caught:
        session.backend.prepare(sql)
    assert caught.value.code == code
    assert position is None or caught.value.position == position


def test_a_semicolon_or_second_statement_is_not_run(session: Session) -> None:
    with refused(933):
        session.backend.prepare("select 1 from dual; drop table t")
