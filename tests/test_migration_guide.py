"""The README's guide "From QueuePool to orapool": its files are those of tests/incident, its table is what happens."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import oracledb
import pytest
from sqlalchemy.pool import NullPool, QueuePool

from orapool.queue_pool import CONNECT_ARGUMENTS, FLASK_NAMES, POOL_OPTIONS, translate
from orapool.settings import KNOWN, load_settings

HERE = Path(__file__).parent
README = (HERE.parent / "README.md").read_text(encoding="utf-8")
GUIDE = README.partition("\n## From QueuePool to orapool\n")[2].partition("\n## ")[0]
BLOCKS = re.findall(r"^```(?:ini|python)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
ROWS = [
    tuple(cell.strip() for cell in line.split("|")[1:3])
    for line in GUIDE.partition("| old option |")[2].splitlines()[2:]
    if line.startswith("|")
]
FILES = ["app_old.ini", "app_new.ini", "app_old.py", "app_new.py", "batch_old.py", "batch_new.py"]

NATIVE = SimpleNamespace(min=10, max=20, increment=1, timeout=0)
NATIVE.acquire = SimpleNamespace(__self__=NATIVE)
NAMES: dict[str, Any] = {
    "NullPool": NullPool,
    "QueuePool": QueuePool,
    "SYSDBA": oracledb.SYSDBA,
    "connect": oracledb.connect,
    "oracledb": oracledb,
    "pool": NATIVE,
}
"""What stands in the table's cells."""


def evaluate(cell: str) -> list[dict[str, Any]]:
    """The keyword arguments of each code span."""
    return [eval(f"dict({span})", dict(NAMES)) for span in re.findall(r"`([^`]+)`", cell)]


@pytest.mark.parametrize(("number", "file"), enumerate(FILES))
def test_each_block_is_what_the_tests_run(number: int, file: str) -> None:
    block, text = BLOCKS[number], (HERE / "incident" / file).read_text(encoding="utf-8")

    if file.endswith(".ini"):
        assert block == text
    else:  # without type hints and docstring
        plain = re.sub(r' -> Flask:\n    """.*"""\n', ":\n", text)
        assert block in plain


def test_there_are_no_other_blocks() -> None:
    assert len(BLOCKS) == len(FILES)
    assert len(ROWS) > 25


@pytest.mark.parametrize(("old", "becomes"), ROWS)
def test_each_row_is_what_happens(old: str, becomes: str) -> None:
    for options in evaluate(old):
        found = translate(options)

        assert found.passed_on == {}
        if becomes == "nothing":
            assert (found.settings, len(found.lost)) == ({}, 1)
        else:
            assert found.lost == {}
            assert found.settings == ({} if becomes == "built in" else evaluate(becomes)[0])


def test_each_setting_of_the_table_is_taken_by_the_pool() -> None:
    given: dict[str, Any] = {}
    for _old, becomes in ROWS:
        if becomes.startswith("`"):
            given.update(evaluate(becomes)[0])
    given.pop("user")

    assert set(given) <= set(KNOWN)
    assert load_settings(**{**given, "url": "oracle://scott:tiger@db1:1521/SALES"}).keepalive_idle == 120


def test_every_option_stands_in_the_table() -> None:
    named: set[str] = set()
    for old, _becomes in ROWS:
        for options in evaluate(old):
            named.update(options)
            named.update(f"connect_args[{name}]" for name in options.get("connect_args", {}))

    arguments = {f"connect_args[{name}]" for name in CONNECT_ARGUMENTS}
    assert named - {"connect_args", "connect_args[user]"} == {
        *POOL_OPTIONS,
        "pool_size",
        "max_overflow",
        *FLASK_NAMES,
        *arguments,
    }
