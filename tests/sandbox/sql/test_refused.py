"""Errors of syntax, and where they are. What the sandbox does not have is in tests/sandbox/test_refused.py."""

from __future__ import annotations

import pytest

from orapool.sandbox.sql import OracleError
from tests.sandbox.sql.session import Session, refused


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
