"""The README's Python snippets run as they stand, against the sandbox in place of db1."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flask
import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

import orapool
from orapool import pools
from orapool.flask import OraPool
from orapool.sandbox import Sandbox
from orapool.settings import load_settings
from tests.older_sqlalchemy import VERSION

README = Path(__file__).parents[1] / "README.md"
# tests/test_migration_guide.py has the guide.
TEXT = re.sub(r"^## From QueuePool.*?(?=^## )", "", README.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
FILES = re.findall(r"^```(toml|ini|sh)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
SNIPPETS = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture
def _orders(default_pool: Any) -> Iterator[None]:
    """A table of orders; afterwards no pool is configured."""
    with orapool.transaction() as connection, connection.cursor() as cursor:
        cursor.execute("create table orders (id number(9), city varchar2(20), status varchar2(10))")
        cursor.execute("insert into orders values (1, 'Basel', 'packed')")
    yield
    with orapool.connection() as connection:
        connection.cursor().execute("drop table orders")
    orapool.close()


@pytest.mark.usefixtures("_orders")
@pytest.mark.parametrize("number", range(len(SNIPPETS)))
def test_a_snippet_runs(number: int, sandbox: Sandbox, driver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place = sandbox.dsn.partition("/")[0]
    snippet = SNIPPETS[number].replace("db1:1521", place).replace("SALES", "ORAPOOL")
    app = Flask("readme")
    if "OraPool(app" in snippet:
        app.config["SQLALCHEMY_DATABASE_URI"] = f"oracle://scott:tiger@{place}/?service_name=ORAPOOL"
    if ".configure(url" in snippet or ("(app" in snippet and "status_page(" not in snippet):
        orapool.close()
        pools._settings.clear()
        monkeypatch.setenv("ORAPOOL_DRIVER", driver)
    names: dict[str, Any] = {
        "app": app,
        "SQLAlchemy": SQLAlchemy,
        "OraPool": OraPool,
        "flask": flask,
        "orapool": orapool,
    }

    if "asyncio.run" in snippet and (driver == "cx_oracle" or VERSION < (2, 0)):
        with pytest.raises(orapool.ConfigurationError, match="(cx_Oracle|SQLAlchemy 1.*) has no asyncio"):
            exec(snippet, names)
    else:
        exec(snippet, names)

    assert orapool.pool().driver.name == driver
    if "orders" in names:
        assert names["orders"]["city"].tolist() == ["Basel"]


def test_there_are_snippets() -> None:
    assert (len(SNIPPETS), len(FILES)) == (27, 3)


def test_the_dba_s_query_shows_who_does_what(default_pool: Any) -> None:
    (query,) = re.findall(r"^```sql\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    who = {"module": "billing", "action": "monthly run", "client_identifier": "kim"}
    with orapool.connection(**who) as connection, orapool.connection(module="shop") as other:
        other.cursor().execute("select 1 from dual")
        rows = connection.cursor().execute(query).fetchall()

    assert [row[:5] for row in rows] == [
        ("billing", "monthly run", "kim", "ACTIVE", 1),
        ("shop", None, None, "INACTIVE", 1),
    ]


@pytest.mark.parametrize(("kind", "text"), FILES)
def test_a_settings_file_says_what_it_seems_to(kind: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / f"app.{kind}"
    path.write_text(text, encoding="utf-8")

    default, reporting = (load_settings(pool, config=path) for pool in ("default", "reporting"))

    assert (default.dsn, default.user, default.current_password()) == ("db1:1521/SALES", "scott", "tiger")
    assert default.max == 8
    assert (reporting.dsn, reporting.user, reporting.max) == ("db2:1521/DWH", "sh", 2)
    assert reporting.password_file == Path("/run/secrets/sh")


def test_the_settings_table_has_every_setting_with_its_default() -> None:
    rows = [line.split("|")[1:-1] for line in TEXT.splitlines() if line[:3] == "| `"]
    table = {name: row[2].strip(" `") for row in rows for name in re.findall(r"`(.+?)`", row[0])}

    fields = orapool.pools.PoolSettings.model_fields
    assert set(table) == {"url", *fields}
    for name, setting in fields.items():
        if not setting.is_required():
            assert table[name] == (
                f"{setting.default:g}" if isinstance(setting.default, float) else str(setting.default or "")
            )
