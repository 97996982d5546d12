"""The shop's jobs under Celery, on orapool: as the web application has it, in the file that ORAPOOL_CONFIG names."""

from __future__ import annotations

import os
from pathlib import Path

from celery import Celery
from celery.signals import worker_process_shutdown
from sqlalchemy import text

import orapool

FOLDER = Path(os.environ["SHOP_JOBS"])
"""The broker: files, as they need no server."""
CONFIGURATION = {
    "broker_url": "filesystem://",
    "broker_transport_options": {
        "data_folder_in": str(FOLDER / "messages"),
        "data_folder_out": str(FOLDER / "messages"),
        "control_folder": str(FOLDER / "control"),
        "polling_interval": 0.02,
    },
    "result_backend": f"file://{FOLDER}/results",
}
for name in ("messages", "control", "results"):
    (FOLDER / name).mkdir(exist_ok=True)

app = Celery("shop")
app.conf.update(CONFIGURATION)
worker_process_shutdown.connect(lambda **_: orapool.close(), weak=False)

with orapool.connection() as connection:  # in the parent, before it forks its workers
    connection.ping()


@app.task(name="total")
def total(city: str) -> tuple[int, int]:
    """The amounts of a city, and the process that has asked for them."""
    with orapool.connection() as connection, connection.cursor() as cursor:
        cursor.execute("select sum(amount) from shop_orders where city = :1", [city])
        amount = int(cursor.fetchone()[0])
    with orapool.engine().connect() as connection:
        assert connection.execute(text("select count(*) from shop_orders")).scalar() == 4
    return amount, os.getpid()
