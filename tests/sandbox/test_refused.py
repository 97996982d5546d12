"""What the sandbox does not have is refused by an ORA- error that says what it is, and has no effect."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from orapool.sandbox import Sandbox
from tests.sandbox.refusals import REFUSED

TOLD = """
select 'row' what, x || ',' || y || ',' || v text from t
union all select object_type, object_name from user_objects
union all select 'user', username || account_status from dba_users
union all select parameter, value from nls_session_parameters
union all select 'synonym', synonym_name from all_synonyms
union all select 'comment', comments from user_col_comments
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with Sandbox(users={"scott": "tiger", "sh": "sales"}) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def sessions(server: Sandbox) -> Iterator[dict[str, Any]]:
    """One session for each driver, which outlives all that is refused."""
    opened: dict[str, Any] = {}
    yield opened
    for connection in opened.values():
        connection.close()


@pytest.fixture
def session(server: Sandbox, sessions: dict[str, Any], driver: str, dbapi: ModuleType) -> Any:
    if driver not in sessions:
        connection = sessions[driver] = dbapi.connect(user="scott", password="tiger", dsn=server.dsn)
        cursor = connection.cursor()
        if len(sessions) == 1:
            cursor.execute("create table t (x number, y number, d date, v varchar2(100))")
            cursor.execute("insert into t values (1, 2, date '2024-02-29', 'a')")
            connection.commit()
    return sessions[driver]


def told(session: Any) -> list[tuple[str, str]]:
    with session.cursor() as cursor:
        cursor.execute(TOLD)
        return sorted(cursor.fetchall(), key=str)


@pytest.mark.parametrize(("sql", "code", "text"), REFUSED)
def test_refused_by_name_and_without_effect(session: Any, dbapi: ModuleType, sql: str, code: int, text: str) -> None:
    before = told(session)
    # Closed at once: the error's traceback would keep it, see the fixture `rows` of queries.
    with pytest.raises(dbapi.DatabaseError) as caught, session.cursor() as cursor:
        cursor.execute(sql) and cursor.fetchall()
    assert re.match(rf"ORA-0*{code}: ", str(caught.value)), caught.value
    assert text in str(caught.value)
    assert told(session) == before


def test_the_list_is_long_and_of_all_corners() -> None:
    verbs = {sql.split()[0] for sql, _, _ in REFUSED}
    assert len({sql for sql, _, _ in REFUSED}) == len(REFUSED) >= 250
    assert verbs >= {
        "select",
        "with",
        "insert",
        "update",
        "delete",
        "merge",
        "create",
        "alter",
        "drop",
        "begin",
        "grant",
    }
