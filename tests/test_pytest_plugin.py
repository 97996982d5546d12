"""The fixtures that pytest finds by themselves, in runs of their own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = "pytester"

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
CONFTEST = """
import oracledb
import pytest


@pytest.fixture(scope="session")
def orapool_sandbox_options():
    return {"users": {"shop": "apples"}}


@pytest.fixture(scope="session")
def orapool_sandbox_schema(orapool_sandbox_server):
    with oracledb.connect(user="shop", password="apples", dsn=orapool_sandbox_server.dsn) as connection:
        connection.cursor().execute("create table items (id number primary key)")
        connection.cursor().execute("insert into items values (1)")
        connection.commit()


@pytest.fixture
def cursor(orapool_sandbox):
    return oracledb.connect(user="shop", password="apples", dsn=orapool_sandbox.dsn).cursor()
"""
TESTS = """
import pytest

LEFT = []


@pytest.mark.parametrize("number", range(4))
def test_each_finds_the_same(orapool_sandbox, cursor, number):
    assert [sorted(row) for row in cursor.execute("select id from items").fetchall()] == [[1]]
    assert len(orapool_sandbox.statements) == 1
    assert [each["sid"] for each in orapool_sandbox.sessions()] == [orapool_sandbox.statements[0].sid]
    cursor.execute("insert into items values (2)")
    cursor.connection.commit()
    cursor.execute("create table others (id number)")
    orapool_sandbox.register("shop.price", lambda: 5)
    assert cursor.callfunc("shop.price", int) == 5
    orapool_sandbox.delay(0.01)
    orapool_sandbox.refuse()
    LEFT.append(cursor)


@pytest.mark.parametrize("last", [1])
def test_that_fails(cursor, last):
    cursor.execute("select id from items where id = :1", [7])
    assert not cursor.fetchall() or last
    assert cursor.rowcount == 99


def test_sessions_have_ended():
    for cursor in LEFT:
        with pytest.raises(Exception, match="DPY-"):
            cursor.connection.ping()
"""


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments, timeout=100)


def test_each_test_finds_what_was_made_for_all_in_each_worker(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(TESTS)

    result = run(pytester, "-n", "2")

    result.assert_outcomes(passed=5, failed=1)
    result.stdout.fnmatch_lines(
        ["*Last statements in the sandbox*", "select id from items where id = :1 [[]7[]]: 0 rows"]
    )


def test_the_readme_s_example(pytester: pytest.Pytester) -> None:
    (example,) = re.findall(r"^```python\n(.*?def test_one_query_does.*?)^```$", README, re.MULTILINE | re.DOTALL)
    example = example.rpartition("```python\n")[2]
    pytester.makepyfile(example)

    result = run(pytester)

    result.assert_outcomes(passed=4)


def test_nothing_is_imported_or_started_for_others(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_nothing(request):
            assert request.config.pluginmanager.hasplugin("orapool")
            heavy = {"psycopg", "sqlglot", "numpy", "pandas", "sqlalchemy", "pydantic", "oracledb", "cx_Oracle"}
            assert not heavy & set(sys.modules)
            assert not any(name.startswith("orapool.sandbox") for name in sys.modules)
        """
    )

    # Other plugins of the environment may import what they like.
    plugins = [argument for name in ("hypothesispytest", "anyio", "dash") for argument in ("-p", f"no:{name}")]
    result = run(pytester, *plugins)

    result.assert_outcomes(passed=1)


def test_without_the_sandbox_s_packages_the_fixture_says_what_to_install(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import importlib.util

        found = importlib.util.find_spec
        importlib.util.find_spec = lambda name, *rest: None if name == "psycopg" else found(name, *rest)
        """
    )
    pytester.makepyfile("def test_any(orapool_sandbox): pass")

    result = run(pytester)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*the sandbox needs psycopg: pip install 'orapool?pytest?'*"])


def test_pytest_is_no_dependency() -> None:
    code = "import sys, orapool, orapool.sandbox; sys.exit('pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
