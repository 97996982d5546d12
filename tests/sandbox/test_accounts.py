"""Passwords that change and expire, locked accounts, and proxies, as the bare drivers see them."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from orapool.sandbox import Sandbox, SandboxError

Connect = Callable[..., Any]


def query(connection: Any, sql: str = "select user from dual") -> Any:
    return connection.cursor().execute(sql).fetchone()


def test_a_password_that_has_changed_counts_for_new_sessions_only(
    connect: Connect, sandbox: Sandbox, dbapi: ModuleType
) -> None:
    earlier = connect()

    sandbox.set_password("scott", "lion")

    assert query(earlier) == ("SCOTT",)
    with pytest.raises(dbapi.DatabaseError, match="ORA-01017"):
        connect()
    assert query(connect(password="lion")) == ("SCOTT",)


def test_an_expired_password_is_told_to_who_knows_it(connect: Connect, sandbox: Sandbox, dbapi: ModuleType) -> None:
    before = sandbox.stats()
    sandbox.expire_password("Scott")

    with pytest.raises(dbapi.DatabaseError, match="ORA-28001"):
        connect()
    with pytest.raises(dbapi.DatabaseError, match="ORA-01017"):
        connect(password="wrong")
    sandbox.set_password("scott", "lion")

    assert query(connect(password="lion")) == ("SCOTT",)
    spent = sandbox.stats() - before
    assert (spent.denied_log_ons, spent.log_ons) == (2, 1)


def test_a_locked_account_is_told(connect: Connect, sandbox: Sandbox, dbapi: ModuleType) -> None:
    sandbox.lock("scott")
    with pytest.raises(dbapi.DatabaseError, match="ORA-28000"):
        connect()
    sandbox.lock("scott", False)

    assert query(connect()) == ("SCOTT",)


def test_heal_brings_the_accounts_back(connect: Connect, sandbox: Sandbox) -> None:
    sandbox.set_password("scott", "lion")
    sandbox.expire_password("scott")
    sandbox.lock("scott")

    sandbox.heal()

    assert query(connect()) == ("SCOTT",)


def test_a_proxy_is_shown_beside_its_client(connect: Connect, sandbox: Sandbox) -> None:
    sandbox.grant_proxy("sh", "scott")

    connection = connect(user="scott[sh]")

    asked = "select sys_context('userenv', 'session_user'), sys_context('userenv', 'proxy_user') from dual"
    assert query(connection, asked) == ("SH", "SCOTT")
    assert query(connect(), asked) == ("SCOTT", None)
    sessions = {(each["user"], each["proxy_user"]) for each in sandbox.sessions()}
    assert sessions == {("SH", "SCOTT"), ("SCOTT", "")}
    users = connection.cursor().execute("select username from v$session").fetchall()
    assert sorted(users) == [("SCOTT",), ("SH",)]


@pytest.mark.parametrize("user", ["sh[scott]", "scott[nobody]"])
def test_who_was_granted_nothing_is_no_proxy(connect: Connect, dbapi: ModuleType, user: str) -> None:
    password = {"sh": "sales", "scott": "tiger"}[user.partition("[")[0]]

    with pytest.raises(dbapi.DatabaseError, match="ORA-28150"):
        connect(user=user, password=password)


def test_an_unknown_user_and_an_empty_password_are_refused(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match="there is no user 'nobody'"):
        sandbox.set_password("nobody", "lion")
    with pytest.raises(SandboxError, match="must not be empty"):
        sandbox.set_password("scott", "")
