"""Who is at work: `orapool.tag`, and module, action, client identifier and client info at checkouts."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

import orapool
from orapool import ConfigurationError
from orapool.sandbox import Sandbox
from orapool.session_pool import SessionPool
from orapool.tags import Tags, script_name

MakePool = Callable[..., SessionPool]
WHO = "select module, action, client_identifier, client_info from v$session where sid = sys_context('userenv', 'sid')"


def who(connection: Any) -> Tags:
    """What V$SESSION shows of a session."""
    with connection.cursor() as cursor:
        return Tags(*cursor.execute(WHO).fetchone())


def test_a_checkout_and_its_select_are_one_round_trip(make_pool: MakePool, sandbox: Sandbox) -> None:
    pool = make_pool(max=1)
    pool.acquire().close()
    for number in range(3):
        before = sandbox.stats()
        everything = {name: f"{name} {number}" for name in Tags._fields}
        with pool.acquire(**everything) as connection:
            assert who(connection) == Tags(**everything)
        assert (sandbox.stats() - before).round_trips == {"execute": 1}
    before = sandbox.stats()
    for number in range(3):
        pool.acquire(module=f"unused {number}").close()
    assert (sandbox.stats() - before).total_round_trips == 0


def test_without_a_word_it_is_the_script(make_pool: MakePool) -> None:
    with make_pool().acquire() as connection:
        assert who(connection) == Tags(script_name())


def test_settings_say_what_holds_otherwise(make_pool: MakePool) -> None:
    defaults = Tags("shop", "idle", "nobody", "rack 7")
    pool = make_pool(max=1, **defaults._asdict())
    with pool.acquire() as connection:
        assert who(connection) == defaults
    with pool.acquire(action="list", clientinfo="") as connection:
        assert who(connection) == ("shop", "list", "nobody", None)
    with pool.acquire() as connection:
        assert who(connection) == defaults


def test_the_innermost_counts(make_pool: MakePool) -> None:
    pool = make_pool(max=1, module="shop")
    with orapool.tag(module="billing", client_identifier="kim"):
        with orapool.tag(action="monthly run"), pool.acquire() as connection:
            assert who(connection) == ("billing", "monthly run", "kim", None)
        with orapool.tag(client_identifier=""), pool.acquire(action="once") as connection:
            assert who(connection) == ("billing", "once", None, None)
        with pool.acquire() as connection:
            assert who(connection) == ("billing", None, "kim", None)
    with pool.acquire() as connection:
        assert who(connection) == ("shop", None, None, None)


def test_an_error_ends_a_tag_too(make_pool: MakePool) -> None:
    pool = make_pool(module="shop")
    with pytest.raises(LookupError), orapool.tag(module="billing"):
        raise LookupError
    with pool.acquire() as connection:
        assert who(connection).module == "shop"


def test_a_thread_has_its_own(make_pool: MakePool) -> None:
    pool = make_pool(module="shop", max=2)
    found = []

    def ask() -> None:
        with pool.acquire() as connection:
            found.append(who(connection).module)

    with orapool.tag(module="billing"):
        other = threading.Thread(target=ask)
        other.start()
        other.join()
        ask()
    assert found == ["shop", "billing"]


@pytest.mark.parametrize("name", Tags._fields)
def test_what_the_user_sets_on_the_connection_is_gone_for_the_next(make_pool: MakePool, name: str) -> None:
    pool = make_pool(max=1, module="shop", action="idle", client_identifier="nobody", clientinfo="rack 7")
    for value in ("mine", "", None):
        with pool.acquire() as connection:
            setattr(connection, name, value)
            connection.cursor().execute("select 1 from dual")
            assert getattr(who(connection), name) == (value or None)
        with pool.acquire() as connection:
            assert who(connection) == ("shop", "idle", "nobody", "rack 7")


def test_a_new_session_of_the_same_user_is_told_again(make_pool: MakePool, sandbox: Sandbox) -> None:
    pool = make_pool(max=1)
    with orapool.tag(module="billing"):
        pool.acquire().close()
        sandbox.end_sessions("fin")
        with pool.acquire() as connection:
            assert who(connection).module == "billing"


def test_long_ones_are_cut_between_characters(make_pool: MakePool) -> None:
    with make_pool().acquire(module="m" * 300, action="é" * 40, client_identifier="x" + "🙂" * 20) as connection:
        assert who(connection) == ("m" * 64, "é" * 32, "x" + "🙂" * 15, None)


def test_what_no_encoding_has_does_no_harm(make_pool: MakePool) -> None:
    with make_pool().acquire(module="\ud800") as connection:
        assert who(connection).module == "?"


@pytest.mark.parametrize("value", [7, b"billing"])
def test_only_strings(make_pool: MakePool, value: Any) -> None:
    pool = make_pool(max=1)
    with pytest.raises(ConfigurationError, match="module should be a string or None, not (?:int|bytes)"):
        pool.acquire(module=value)
    with pytest.raises(ConfigurationError, match="action should be a string or None"), orapool.tag(action=value):
        pass
    assert pool.stats().busy == 0


def test_every_way_in(default_pool: SessionPool) -> None:
    with orapool.tag(module="billing", action="run"):
        with orapool.connection(clientinfo="c") as connection:
            assert who(connection) == ("billing", "run", None, "c")
        with orapool.transaction(client_identifier="kim") as connection:
            assert who(connection) == ("billing", "run", "kim", None)
        with orapool.engine().connect() as engine_connection:
            assert tuple(engine_connection.execute(text(WHO)).first()) == ("billing", "run", None, None)
        assert orapool.read_df(WHO).iloc[0].tolist()[:2] == ["billing", "run"]


SCRIPT = """
import sys
import orapool

orapool.configure(dsn=sys.argv[1], user="scott", password="tiger", driver=sys.argv[2])
with orapool.connection() as connection:
    cursor = connection.cursor()
    cursor.execute("select module from v$session where sid = sys_context('userenv', 'sid')")
    print(cursor.fetchone()[0])
"""


@pytest.mark.parametrize(
    ("arguments", "name"),
    [(["nightly.py"], "nightly.py"), (["-m", "jobs.nightly"], "jobs.nightly"), (["-m", "jobs"], "jobs")],
)
def test_what_a_program_is_called(
    sandbox: Sandbox, driver: str, tmp_path: Path, arguments: list[str], name: str
) -> None:
    (tmp_path / "jobs").mkdir()
    for file in ("nightly.py", "jobs/__init__.py", "jobs/nightly.py", "jobs/__main__.py"):
        (tmp_path / file).write_text("" if "init" in file else SCRIPT)
    done = subprocess.run(
        [sys.executable, *arguments, sandbox.dsn, driver], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == f"{name}\n", done.stderr


def test_a_program_without_a_name(sandbox: Sandbox, driver: str) -> None:
    done = subprocess.run(
        [sys.executable, "-", sandbox.dsn, driver], input=SCRIPT, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "python\n", done.stderr
