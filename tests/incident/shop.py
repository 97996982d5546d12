"""What the incident's application needs around it: its table, and its settings file in its old and its new form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import orapool
from orapool import pools
from orapool.sandbox import Sandbox

HERE = Path(__file__).parent
CLIENTS = 50
PATHS = ["/orm/Basel", "/sql/Basel", "/frame/Basel", "/sell/1"]


@pytest.fixture
def shop(default_pool: orapool.SessionPool) -> Iterator[None]:
    """The shop's table; afterwards no pool is configured."""
    with orapool.transaction() as connection, connection.cursor() as cursor:
        cursor.execute("create table shop_orders (id number(9) primary key, city varchar2(20), amount number(9))")
        cursor.executemany(
            "insert into shop_orders values (:1, :2, :3)",
            [(1, "Zurich", 0), (2, "Basel", 20), (3, "Basel", 22), (4, "Bern", 5)],
        )
    orapool.close()
    pools._settings.clear()
    yield
    orapool.close()
    pools._settings.clear()
    orapool.configure(**default_pool.settings.model_dump(include={"dsn", "user", "driver"}), password="tiger")
    with orapool.connection() as connection:
        connection.cursor().execute("drop table shop_orders")


@pytest.fixture
def settings_file(
    sandbox: Sandbox, driver: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Path]:
    """Puts the settings file of a form into its place: on the sandbox, with the driver."""

    def put(form: str) -> Path:
        text = (HERE / f"app_{form}.ini").read_text(encoding="utf-8")
        text = text.replace("db1:1521", sandbox.dsn.partition("/")[0]).replace("SALES", "ORAPOOL")
        if form == "old" and driver == "cx_oracle":
            # SQLAlchemy asks for no mutexes: with 50 threads, Oracle Client crashes the process in one run of two.
            text = text.replace("service_name=ORAPOOL", "service_name=ORAPOOL&threaded=true")
        path = tmp_path / "app.ini"
        path.write_text(text.replace("oracle://", f"oracle+{driver}://"), encoding="utf-8")
        monkeypatch.setenv({"old": "APP_INI", "new": "ORAPOOL_CONFIG"}[form], str(path))
        return path

    return put
