"""A server with the tables of SCOTT, and a session of each driver whose changes are rolled back after each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from orapool.sandbox import Sandbox

TABLES = """
create table dept (deptno number(2) primary key, dname varchar2(14) not null, loc varchar2(13));
create table emp (empno number(4) constraint pk_emp primary key, ename varchar2(10), job varchar2(9), mgr number(4),
  hiredate date, sal number(7,2), comm number(7,2), deptno number(2) references dept);
insert into dept values (10, 'ACCOUNTING', 'NEW YORK');
insert into dept values (20, 'RESEARCH', 'DALLAS');
insert into dept values (30, 'SALES', 'CHICAGO');
insert into dept values (40, 'OPERATIONS', 'BOSTON');
insert into emp values (7839, 'KING', 'PRESIDENT', null, date '1981-11-17', 5000, null, 10);
insert into emp values (7698, 'BLAKE', 'MANAGER', 7839, date '1981-05-01', 2850, null, 30);
insert into emp values (7782, 'CLARK', 'MANAGER', 7839, date '1981-06-09', 2450, null, 10);
insert into emp values (7566, 'JONES', 'MANAGER', 7839, date '1981-04-02', 2975, null, 20);
insert into emp values (7788, 'SCOTT', 'ANALYST', 7566, date '1987-04-19', 3000, null, 20);
insert into emp values (7499, 'ALLEN', 'SALESMAN', 7698, date '1981-02-20', 1600, 300, 30);
insert into emp values (7900, 'JAMES', 'CLERK', 7698, date '1981-12-03', 950, null, 30);
commit
"""
Rows = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture(scope="package")
def server() -> Iterator[Sandbox]:
    with Sandbox(users={"scott": "tiger", "sh": "sales"}) as sandbox:
        yield sandbox


@pytest.fixture(scope="package")
def sessions(server: Sandbox) -> Iterator[dict[str, Any]]:
    opened: dict[str, Any] = {}
    yield opened
    for connection in opened.values():
        connection.close()


@pytest.fixture
def session(server: Sandbox, sessions: dict[str, Any], driver: str, dbapi: ModuleType) -> Iterator[Any]:
    if driver not in sessions:
        made = dbapi.connect(user="scott", password="tiger", dsn=server.dsn)
        if not sessions:
            for statement in TABLES.split(";"):
                made.cursor().execute(statement.strip())
        sessions[driver] = made
    yield sessions[driver]
    sessions[driver].rollback()


@pytest.fixture
def rows(session: Any) -> Rows:
    """Runs a statement, and gives the rows of a query."""

    def rows(sql: str, *binds: Any) -> list[tuple[Any, ...]]:
        # Closed at once: an error's traceback would keep it, and python-oracledb 26.1 stands still when the garbage
        # collector comes to a cursor while the cache of statements is locked.
        with session.cursor() as cursor:
            cursor.execute(sql, binds)
            return list(cursor.fetchall()) if cursor.description else []

    return rows
